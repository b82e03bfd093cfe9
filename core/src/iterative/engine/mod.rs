//! One driver for every iterative engine: batches, epochs, state, result.
//!
//! `start` prepares a run, `stepping` carries it on, `showing` says how far it has come.

mod showing;
mod start;
mod stepping;

use std::sync::OnceLock;

use candle_core::Device;
use ndarray::{Array2, Array3};
use num_complex::Complex32;

use crate::iterative::batches::{BatchSource, EpochBatches};
use crate::iterative::kernels::Kernels;
use crate::iterative::scan::Scan;
use crate::iterative::state::State;
use crate::iterative::{EngineKind, IterativeSettings};
use crate::simd::{Aligned, Real};

/// What a window shows of a running reconstruction.
#[derive(Clone, Debug)]
pub struct IterativeSnapshot {
    /// The engine.
    pub engine: EngineKind,
    /// `(h, w)` in the object frame.
    pub object: Array2<Complex32>,
    /// Probe modes `(k, n, n)`.
    pub probe: Array3<Complex32>,
    /// What goes on beside the pictures.
    pub course: Course,
}

/// How a run went: numbers of every whole epoch, and where positions and weights have come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Course {
    /// Loss of every whole epoch so far.
    pub loss: Vec<f64>,
    /// Seconds of every whole epoch so far.
    pub seconds_per_epoch: Vec<f64>,
    /// Power of all probe modes together, in counts, after every epoch.
    pub probe_power: Vec<f64>,
    /// Rms distance of the positions from the given ones after every epoch, in px; zeros where they are not refined.
    pub position_rms_px: Vec<f64>,
    /// Positions (row, column) in px, as used or refined.
    pub positions_px: Vec<[f64; 2]>,
    /// Weights `(m, 1 + r)` of the first probe mode and of the OPR modes; empty where neither is refined.
    pub opr_weights: Array2<f64>,
    /// OPR modes `(r, n, n)` in √photons at a weight of 1: each has the power of the first probe mode, so that weights are
    /// shares of its amplitude; empty where there are none.
    pub opr_modes: Array3<Complex32>,
}

/// A loss that ends at this many times its least has left a better state behind.
const RISEN: f64 = 1.5;

/// A run that was nearer to the data than it ended: DM drifts away where the data fit no object exactly, other engines where
/// something is wrong with positions, probe or steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rise {
    /// The epoch of the least loss, counted from 1.
    pub epoch: usize,
    /// The least loss.
    pub least: f64,
    /// The last loss over the least.
    pub ratio: f64,
}

impl Rise {
    /// What happened in a run with this loss of every epoch; `None` where it ended below one and a half times its least.
    pub fn of(loss: &[f64]) -> Option<Self> {
        let last = *loss.last()?;
        let (at, least) = loss
            .iter()
            .copied()
            .enumerate()
            .min_by(|(_, a), (_, b)| a.total_cmp(b))?;
        let ratio = last / least;
        let rise = Self {
            epoch: at + 1,
            least,
            ratio,
        };
        (least > 0.0 && RISEN < ratio).then_some(rise)
    }

    /// What to tell and what to do about it.
    pub fn words(&self) -> String {
        let Self {
            epoch,
            least,
            ratio,
        } = self;
        format!(
            "The loss was least in epoch {epoch} ({least:.4}) and is {ratio:.1} times that now: take {epoch} epochs, or go on with another engine."
        )
    }
}

/// Where and how an engine computes.
#[derive(Clone, Debug, Default)]
pub struct Computing {
    /// Threads; 0 = one for each core.
    pub n_threads: usize,
    /// Device for the tensor kernels, which may be the CPU; `None` = the fused kernels for the CPU.
    pub device: Option<Device>,
    /// What the tensor kernels may take of the device's memory; `None` = what there is.
    pub memory_bytes: Option<u64>,
}

/// The batches of a whole run, given instead of drawn: `batches[epoch][batch]` are pattern indices.
pub type GivenBatches = Vec<Vec<Vec<usize>>>;

/// An engine in single precision.
pub type Iterative = IterativeOf<f32>;

/// An engine, in single or double precision.
pub struct IterativeOf<T: Real> {
    engine: EngineKind,
    settings: IterativeSettings,
    computing: Computing,
    scan: Scan<T>,
    batches: BatchSource,
    state: State<T>,
    /// State at the end of the last good epoch.
    good: State<T>,
    kernels: Box<dyn Kernels<T>>,
    /// `1/D`
    inverse_damped: Aligned<T>,
    pool: rayon::ThreadPool,
    /// The batches of the epoch under way.
    under_way: Option<(usize, EpochBatches)>,
    /// The epoch that `1/D` stands for.
    prepared: Option<usize>,
    probe_scale: f64,
    /// Power of the probe that the run started with.
    first_power: f64,
    /// Where object and probe start, if not from the settings.
    started_from: Option<String>,
    trouble: Option<String>,
    dataset_sha256: OnceLock<String>,
}

impl<T: Real> IterativeOf<T> {
    /// The total number of epochs, to continue a finished run.
    pub fn set_epochs(&mut self, epochs: usize) {
        self.settings.epochs = epochs;
    }

    fn dataset_sha256(&self) -> &str {
        self.dataset_sha256
            .get_or_init(|| self.scan.dataset.content_sha256())
    }
}

fn power<T: Real>(probe: &[T]) -> f64 {
    probe.iter().map(|value| value.wide().powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_that_rises_again_is_told_with_the_epoch_to_go_back_to() {
        let rise = Rise::of(&[20.0, 2.0, 3.0, 8.0]).unwrap();
        assert_eq!((rise.epoch, rise.least, rise.ratio), (2, 2.0, 4.0));
        assert!(rise.words().contains("take 2 epochs"), "{}", rise.words());
        for steady in [&[5.0, 2.0, 2.9][..], &[0.0, 1.0], &[1.0], &[]] {
            assert_eq!(Rise::of(steady), None, "{steady:?}");
        }
    }
}
