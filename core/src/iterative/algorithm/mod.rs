//! The algorithms, each written once over [`Kernels`].

mod lsqml;
mod pie;
mod projections;

use crate::error::Result;
use crate::iterative::EngineKind;
use crate::iterative::kernels::{Batch, Kernels, PatternSums};
use crate::iterative::state::State;
use crate::simd::Real;

/// What the epoch needs to know of a batch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BatchResult {
    pub(crate) loss: f64,
    pub(crate) error: f64,
    pub(crate) measured: f64,
    pub(crate) predicted: f64,
    /// Trimmed mean of the object steps.
    pub(crate) object_step: f64,
    /// Sum of the probe steps.
    pub(crate) probe_steps: f64,
    /// `Σ |change of ψ|²`, of DM and RAAR.
    pub(crate) change: f64,
    /// Whether the loss counts: later phases of an epoch have none.
    pub(crate) has_loss: bool,
}

impl BatchResult {
    /// The sums of a batch that was gone through first.
    fn of<T: Real>(batch: &Batch<T>, sums: &[PatternSums]) -> Self {
        let n = batch.scan.tiling.n;
        let pixels = (n * n) as f64;
        let total = |f: fn(&PatternSums) -> f64| sums.iter().map(f).sum::<f64>();
        Self {
            loss: total(|s| s.loss) / pixels / batch.patterns.len() as f64,
            error: total(|s| s.error) / pixels,
            measured: total(|s| s.measured),
            predicted: total(|s| s.predicted),
            has_loss: true,
            ..Self::default()
        }
    }
}

/// Times that an epoch goes over the scan.
pub(crate) fn n_phases(engine: EngineKind) -> usize {
    match engine {
        EngineKind::Dm => 2,
        EngineKind::Raar => 4,
        _ => 1,
    }
}

/// Modes whose residual waves an engine looks at twice.
pub(crate) fn n_kept(engine: EngineKind, settings: &crate::iterative::IterativeSettings) -> usize {
    if engine == EngineKind::Lsqml && settings.first_mode_step {
        1
    } else {
        settings.probe_modes
    }
}

/// One batch in phase `phase` of an epoch; `is_last` of the phase. `None`, with the state as it was, if the stop flag was seen.
pub(crate) fn step<T: Real>(
    engine: EngineKind,
    kernels: &mut dyn Kernels<T>,
    batch: &Batch<T>,
    state: &mut State<T>,
    (phase, is_last): (usize, bool),
) -> Result<Option<BatchResult>> {
    match engine {
        EngineKind::Lsqml => lsqml::step(kernels, batch, state),
        EngineKind::Rpie | EngineKind::Epie | EngineKind::Mpie => {
            pie::step(engine, kernels, batch, state)
        }
        EngineKind::Dm => projections::difference_map(kernels, batch, state, (phase, is_last)),
        EngineKind::Raar => projections::raar(kernels, batch, state, (phase, is_last)),
    }
}
