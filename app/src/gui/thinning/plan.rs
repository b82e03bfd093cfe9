//! What the settings come to, worked out off the window's thread.

use std::sync::PoisonError;
use std::time::Instant;

use ptycho_core::fields::AutoReal;
use ptycho_core::grouping::{
    GroupSettings, Planner, SpacingSettings, Standing, View, ViewMetrics, ViewPlan,
};

use super::layers::Layers;
use super::subject::{Half, Subject};

/// What is asked for, of which subject.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub subject: u64,
    pub view: View,
    pub groups: GroupSettings,
    pub spacing: SpacingSettings,
}

/// What came of it.
pub struct Shown {
    pub request: Request,
    /// For each half its view, or why it cannot be formed.
    pub halves: Vec<Result<ShownHalf, String>>,
    /// The positions by what becomes of them.
    pub layers: Layers,
    /// Seconds that it took.
    pub seconds: f64,
}

/// The view of one half.
pub struct ShownHalf {
    pub plan: ViewPlan,
    pub metrics: ViewMetrics,
    /// Of each position.
    pub standings: Vec<Standing>,
    /// Distances to the nearest other one, of what had to keep the spacing and of what keeps it.
    pub distances_px: [Vec<f64>; 2],
}

impl Shown {
    /// Work `request` out.
    pub fn new(subject: &Subject, request: Request) -> Self {
        let start = Instant::now();
        // One job at a time holds it; one that panicked left nothing half-done that a plan would not find anew.
        let mut planners = subject
            .planners
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let halves: Vec<_> = subject
            .halves
            .iter()
            .zip(planners.iter_mut())
            .map(|(half, planner)| view_of(half, planner, &request))
            .collect();
        let layers = Layers::new(subject, &halves);
        Self {
            request,
            halves,
            layers,
            seconds: start.elapsed().as_secs_f64(),
        }
    }

    /// The half numbered `index`, if its view can be formed.
    pub fn half(&self, index: usize) -> Option<&ShownHalf> {
        self.halves.get(index)?.as_ref().ok()
    }
}

fn view_of(half: &Half, planner: &mut Planner, request: &Request) -> Result<ShownHalf, String> {
    let diameter_px = match request.spacing.probe_diameter {
        AutoReal::Given(diameter_px) => diameter_px,
        AutoReal::Auto => half.fwhm_px.clone()?,
    };
    // A wish that no choice could meet is a mistake, and writing refuses it; what merely fails is skipped.
    let wish = planner.check_wish(&request.view, &request.groups);
    wish.map_err(|error| format!("cannot be written: {error}"))?;
    let plan = planner.plan(
        &request.view,
        &request.groups,
        &request.spacing,
        diameter_px,
    );
    let plan = plan.map_err(|error| format!("would be skipped: {error}"))?;
    let distances_px = plan.distances_px();
    Ok(ShownHalf {
        metrics: plan.metrics_of(&distances_px),
        standings: plan.standings(),
        distances_px,
        plan,
    })
}
