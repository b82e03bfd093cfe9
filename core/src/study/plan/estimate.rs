//! How long and how large, from trial steps on this machine.

use serde::{Deserialize, Serialize};

use super::trial::Trials;
use super::{Plan, Task, Work};
use crate::compute::{Compute, DeviceChoice};
use crate::error::Result;
use crate::fields::Fields as _;
use crate::nn::TrainSettings;
use crate::nn::infer::InferSettings;
use crate::nn::settings::Model;
use crate::study::design::Split;
use crate::study::generate::writing_s;

/// A group costs this part of a training step when a network only draws it, stitching included.
const INFERENCE_SHARE: f64 = 0.4;
/// Groups of several that an inference makes at least; but so many for each pattern at most.
const INFERRED: [usize; 2] = [1000, 8];
/// Seconds that registration and all metrics take for a pixel of an arm; writing it all beside.
const COMPARED_S: f64 = 4e-6;
const EXPORTED_S: f64 = 1.0;
/// Seconds of a scenario on two cores, and of the figure with its companions.
const SCENARIO_S: f64 = 30.0;
const FIGURE_S: f64 = 3.0;
/// Program, libraries and threads.
const BASE_BYTES: u64 = 64 << 20;
/// Bytes of an object's pixel while things are compared or drawn.
const PIXEL_BYTES: u64 = 200;

/// What a task will take, from trial steps on this machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The task.
    pub id: String,
    /// Seconds.
    pub seconds: f64,
    /// Memory at most.
    pub memory_bytes: u64,
}

/// Estimate every task of a plan that is not skipped, in its order; a fraction of a second for each kind of network and of
/// iterative settings.
///
/// Simulation, networks and iterative engines are tried on patterns of the study's own scene; comparisons and pictures are taken from
/// experience. Times hold for this machine as busy as it is now.
///
/// # Errors
/// [`crate::Error::Invalid`] if a device cannot be had.
pub fn estimate(plan: &Plan, device: DeviceChoice, n_threads: usize) -> Result<Vec<Estimate>> {
    let compute = Compute::open(device, n_threads)?;
    let mut trials = Trials::new(plan, device, compute.n_threads())?;
    let planned = plan.tasks.iter().filter(|task| task.skip.is_none());
    planned
        .map(|task| {
            let (seconds, memory_bytes) = trials.of(plan, task)?;
            Ok(Estimate {
                id: task.id.clone(),
                seconds,
                memory_bytes,
            })
        })
        .collect()
}

impl Trials {
    /// Seconds and memory of a task.
    fn of(&mut self, plan: &Plan, task: &Task) -> Result<(f64, u64)> {
        let view = task.place.view.as_deref().unwrap_or_default();
        let pixels = self.object_pixels();
        let drawn = BASE_BYTES + PIXEL_BYTES * pixels;
        Ok(match &task.work {
            Work::Simulate(_) => {
                let seconds = self.simulation_s(&plan.study)? + writing_s(task.n_bytes);
                (seconds, drawn)
            }
            Work::View(_) => (2.0 * writing_s(task.n_bytes), drawn),
            Work::Train(training) => {
                let network = self.network(&plan.study, view, &training.settings)?;
                let n_groups = self.n_groups(&plan.study, view, &training.settings)?;
                (
                    network.seconds_per_group * n_groups * training.settings.epochs as f64,
                    network.memory_bytes,
                )
            }
            Work::Infer(inference) => {
                let settings = of_training(plan, task);
                let Some(settings) = settings else {
                    return Ok((0.0, drawn));
                };
                let network = self.network(&plan.study, view, settings)?;
                let n_patterns = self.n_patterns(&plan.study, view, split_of(task))?;
                let n_groups = n_inferred(settings, &inference.settings, n_patterns) as f64;
                (
                    INFERENCE_SHARE * network.seconds_per_group * n_groups,
                    network.memory_bytes,
                )
            }
            Work::Reconstruct(reconstruction) => {
                let settings = &reconstruction.settings;
                let (pattern_s, memory_bytes) =
                    self.iterative(&plan.study, reconstruction.engine, settings)?;
                let n_patterns = self.n_patterns(&plan.study, view, split_of(task))? as f64;
                (
                    pattern_s * n_patterns * settings.epochs as f64,
                    memory_bytes,
                )
            }
            Work::Compare(work) => {
                let n_arms = work.inputs.arms.len() as f64;
                (EXPORTED_S + COMPARED_S * n_arms * pixels as f64, drawn)
            }
            Work::Scenario(_) => (SCENARIO_S, drawn),
            Work::Figure(_) => (FIGURE_S, drawn),
        })
    }
}

fn split_of(task: &Task) -> Split {
    match task.place.split.as_deref() {
        Some("train") => Split::Train,
        _ => Split::Test,
    }
}

/// The settings of the training whose network a task uses.
fn of_training<'a>(plan: &'a Plan, task: &Task) -> Option<&'a TrainSettings> {
    let trained = |id: &String| match &plan.task(id)?.work {
        Work::Train(training) => Some(&training.settings),
        _ => None,
    };
    task.after.iter().find_map(trained)
}

/// Groups that an inference draws.
fn n_inferred(network: &TrainSettings, settings: &InferSettings, n_patterns: usize) -> usize {
    let is_single = network.model == Model::Baseline || network.gridsize == 1;
    match settings.groups {
        0 if is_single => n_patterns,
        0 => n_patterns.max(INFERRED[0].min(INFERRED[1] * n_patterns)),
        groups => groups,
    }
}

/// Whether two networks take the same time for a group: all but what the loss and the data decide.
pub(super) fn is_alike(a: &TrainSettings, b: &TrainSettings) -> bool {
    let same = |name: &str| a.get(name) == b.get(name);
    ["model", "gridsize", "filters_scale"].into_iter().all(same)
}
