//! Execute one training: a run folder with manifest, history, checkpoint and bundles.
//!
//! | file | content |
//! |---|---|
//! | `manifest.json` | task with every setting, inputs and outputs with SHA-256, seeds, device, times, reason for stopping |
//! | `history.json` | [`TrainingHistory`] |
//! | `best.safetensors`, `best.json` | the bundle of the best epoch |
//! | `last.safetensors`, `last.json` | the bundle of the last epoch |
//! | `checkpoint/` | the whole state, to go on from |
//! | `run.log` | the program's messages |

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::compute::DeviceChoice;
use crate::data::Dataset;
use crate::error::Result;
use crate::job::{Monitor, StopReason};
use crate::nn::{BundleCard, TrainSettings, TrainSnapshot, TrainingHistory};

/// One training, self-contained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainTask {
    /// Training data.
    pub train: PathBuf,
    /// Validation data; where there are none, groups of the training data are kept for it.
    pub validation: Option<PathBuf>,
    /// Network and training.
    pub settings: TrainSettings,
    /// Threads; 0 = one for each core.
    pub n_threads: usize,
    /// Device.
    pub device: DeviceChoice,
    /// The run folder.
    pub output: PathBuf,
    /// Whether to go on from the checkpoint in `output`.
    pub resume: bool,
    /// Stop after this long, keeping what was learnt.
    #[serde(default)]
    pub time_limit_s: Option<f64>,
}

/// What a training would be: pre-flight and dry run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainPlan {
    /// Side of a pattern.
    pub n: usize,
    /// Patterns of the training file.
    pub n_patterns: usize,
    /// Groups for training.
    pub n_groups: usize,
    /// Groups for validation.
    pub n_validation_groups: usize,
    /// Steps of an epoch.
    pub steps_per_epoch: usize,
    /// Steps in all.
    pub n_steps: usize,
    /// Parameters of the network.
    pub n_parameters: usize,
    /// Side of a group's canvas in pixels.
    pub canvas_px: usize,
    /// Largest offset of a member from its group's centre in pixels, (row, column).
    pub largest_offset_px: [f64; 2],
    /// Memory needed, estimated.
    pub n_bytes: u64,
    /// Seconds of the whole training, estimated from the multiplications and the rate measured on this device by a trial step.
    pub seconds_estimated: Option<f64>,
    /// Device and why.
    pub device: String,
    /// Why it is this device.
    pub device_reason: String,
    /// What turned out other than asked for, in words.
    pub notes: Vec<String>,
}

/// What a training yields.
#[derive(Clone, Debug)]
pub struct TrainOutcome {
    /// The course.
    pub history: TrainingHistory,
    /// Why it stopped.
    pub reason: StopReason,
    /// The bundle of the best epoch.
    pub best: BundleCard,
    /// The bundle of the last epoch.
    pub last: BundleCard,
    /// Seconds in all.
    pub seconds_total: f64,
    /// Training groups a second.
    pub samples_per_s: f64,
    /// Device that computed.
    pub device: String,
    /// The run folder.
    pub run_folder: PathBuf,
}

/// What the task would do with these data.
///
/// # Errors
/// [`crate::Error::Invalid`] if it could not run.
pub fn plan(
    task: &TrainTask,
    train: &std::sync::Arc<Dataset>,
    validation: Option<&std::sync::Arc<Dataset>>,
) -> Result<TrainPlan> {
    let _ = (task, train, validation);
    unimplemented!()
}

/// Train: read the data, make or reopen the run folder, drive the trainer, keep checkpoint, history and bundles.
///
/// # Errors
/// [`crate::Error::Invalid`], [`crate::Error::Refused`] if it cannot start; [`crate::Error::Io`]; [`crate::Error::Run`].
pub fn train(task: &TrainTask, monitor: &dyn Monitor<TrainSnapshot>) -> Result<TrainOutcome> {
    let _ = (task, monitor);
    unimplemented!()
}
