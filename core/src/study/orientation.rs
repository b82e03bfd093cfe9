//! Which way round are the patterns stored? Short reconstructions of all eight orientations, side by side.
//!
//! Detectors, readers and file formats flip and transpose. With patterns the wrong way round the overlap between
//! neighbours contradicts itself: the loss stays high and the picture is smeared. Of the eight ways four pairs differ by a
//! half turn only, and the two of a pair fit equally well ([`Orientation::twin`]): one shows the complex conjugate of the
//! other. Which of them is right is told by the sign of the phase, or by a probe known well enough to start from.
//!
//! ```text
//! RUN/orientation.json      task, losses, verdict
//! RUN/contact_sheet.png     phase and amplitude of all, with losses
//! RUN/trials/NAME/result.npz
//! ```

use std::path::PathBuf;

use ndarray::Array2;
use num_complex::Complex32;
use serde::{Deserialize, Serialize};

use crate::compute::DeviceChoice;
use crate::data::Dataset;
pub use crate::data::tools::turn::Orientation;
use crate::error::Result;
use crate::iterative::{EngineKind, IterativeSettings, IterativeSnapshot, KernelChoice};
use crate::job::{Monitor, StopReason};
use crate::study::run::Source;

/// The epochs that tell right from wrong for most scans.
pub const EPOCHS: usize = 20;

/// A trial of orientations, self-contained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrientationTask {
    /// Where the data come from.
    pub source: Source,
    /// Engine.
    pub engine: EngineKind,
    /// Its settings; [`EPOCHS`] epochs by default. The object always starts from ones: a start from the file's object would decide the answer.
    pub settings: IterativeSettings,
    /// Those that are tried.
    pub orientations: Vec<Orientation>,
    /// Threads; 0 = one for each core.
    pub n_threads: usize,
    /// Device asked for.
    pub device: DeviceChoice,
    /// Kernels asked for.
    pub kernels: KernelChoice,
    /// The folder under which the run folder is made.
    pub runs: PathBuf,
}

/// What is seen of a trial that runs.
#[derive(Clone, Debug)]
pub struct OrientationSnapshot {
    /// Those that have ended, in the order of the task.
    pub ended: Vec<OrientationTrial>,
    /// The one under way, with its state.
    pub running: Option<(Orientation, IterativeSnapshot)>,
}

/// One orientation.
#[derive(Clone, Debug, PartialEq)]
pub struct OrientationTrial {
    /// Which.
    pub orientation: Orientation,
    /// Loss of every whole epoch.
    pub loss: Vec<f64>,
    /// Why it stopped.
    pub reason: StopReason,
    /// The object `(h, w)` in the object frame.
    pub object: Array2<Complex32>,
    /// The result as a file.
    pub result: PathBuf,
}

impl OrientationTrial {
    /// The loss it came to; `None` if it diverged or no epoch was done.
    pub fn error(&self) -> Option<f64> {
        let is_good = !matches!(self.reason, StopReason::Diverged { .. });
        self.loss
            .last()
            .copied()
            .filter(|loss| is_good && loss.is_finite())
    }
}

/// Whether one pair stands out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrientationVerdict {
    /// The orientation of least loss, if its pair stands out from the others.
    pub best: Option<Orientation>,
    /// Least loss of all over the least loss outside its pair; `None` where fewer than two pairs came to a loss.
    pub ratio: Option<f64>,
    /// Loss of the best over that of its twin, which fits as well in principle; `None` where either is missing.
    pub twin_ratio: Option<f64>,
    /// All that in a sentence or two.
    pub words: String,
}

/// What a trial of orientations yields.
#[derive(Clone, Debug, PartialEq)]
pub struct OrientationOutcome {
    /// One for each orientation that was begun, in the order of the task.
    pub trials: Vec<OrientationTrial>,
    /// The answer.
    pub verdict: OrientationVerdict,
    /// Whether the user stopped it: orientations are missing, or the last one is short.
    pub is_stopped: bool,
    /// Device that computed: `cpu`, `cuda` or `metal`.
    pub device: &'static str,
    /// The run folder.
    pub run_folder: PathBuf,
}

/// Try every orientation. Progress counts the epochs of all; a stop keeps what there is.
///
/// # Errors
/// [`Error::Invalid`](crate::Error::Invalid) if it cannot start; [`Error::Io`](crate::Error::Io);
/// [`Error::Run`](crate::Error::Run).
pub fn try_orientations(
    task: &OrientationTask,
    dataset: &Dataset,
    monitor: &dyn Monitor<OrientationSnapshot>,
) -> Result<OrientationOutcome> {
    let _ = (task, dataset, monitor);
    unimplemented!()
}
