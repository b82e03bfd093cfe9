//! Execute one task.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::data::{Dataset, Opened, Reconstruction};
use crate::error::Result;
use crate::iterative::{LsqmlSettings, LsqmlSnapshot};
use crate::job::{Monitor, StopReason};

/// Where the data of a task come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// The built-in demonstration scan.
    Demonstration,
}

/// One reconstruction, self-contained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReconstructTask {
    /// Where the data come from.
    pub source: Source,
    /// Engine settings.
    pub lsqml: LsqmlSettings,
    /// Threads; 0 = one for each core.
    pub n_threads: usize,
    /// NPZ with `batch_index` and `batch_offset`, given instead of drawn batches.
    pub batches: Option<PathBuf>,
    /// Where the result goes besides the run folder.
    pub output: Option<PathBuf>,
    /// The folder under which the run folder is made, as `runs/scratch`.
    pub runs: PathBuf,
    /// Run folder whose checkpoint to go on from.
    pub resume: Option<PathBuf>,
}

/// What a task yields.
pub struct ReconstructOutcome {
    /// The result.
    pub reconstruction: Reconstruction,
    /// Why the run stopped.
    pub reason: StopReason,
    /// Seconds of each epoch.
    pub seconds_per_epoch: Vec<f64>,
    /// Factor put on the file's probe before the first epoch.
    pub probe_scale: f64,
    /// The run folder with manifest, history, log, checkpoint and result.
    pub run_folder: PathBuf,
}

/// Read the data of a task.
///
/// # Errors
/// As [`Dataset::open`].
pub fn open_source(source: &Source, strictness: crate::data::Strictness) -> Result<Opened> {
    let _ = (source, strictness);
    unimplemented!()
}

/// Run one reconstruction: make a run folder, drive the engine, keep checkpoint, history and result.
///
/// A run that was stopped or diverged yields its last good state; [`ReconstructOutcome::reason`] says which.
///
/// # Errors
/// [`crate::Error`] if it cannot start or the folder cannot be written.
pub fn reconstruct(
    task: &ReconstructTask,
    dataset: Arc<Dataset>,
    monitor: &dyn Monitor<LsqmlSnapshot>,
) -> Result<ReconstructOutcome> {
    let _ = (task, dataset, monitor);
    unimplemented!()
}
