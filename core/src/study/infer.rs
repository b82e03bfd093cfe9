//! Execute one inference: bundle and dataset to a result file.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::compute::DeviceChoice;
use crate::data::Reconstruction;
use crate::error::Result;
use crate::job::Monitor;
use crate::nn::infer::{InferSettings, Inferred};

/// One inference, self-contained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InferTask {
    /// A bundle, or a run folder with one.
    pub bundle: PathBuf,
    /// The data.
    pub data: PathBuf,
    /// How patches become an object.
    pub settings: InferSettings,
    /// Threads; 0 = one for each core.
    pub n_threads: usize,
    /// Device.
    pub device: DeviceChoice,
    /// Where the result goes.
    pub output: PathBuf,
}

/// What an inference yields.
#[derive(Clone, Debug)]
pub struct InferOutcome {
    /// The result, as written.
    pub reconstruction: Reconstruction,
    /// Numbers beside it.
    pub inferred: Inferred,
    /// Device that computed.
    pub device: String,
    /// What turned out other than asked for, in words.
    pub notes: Vec<String>,
}

/// Read bundle and data, infer, write the result.
///
/// # Errors
/// [`crate::Error::Invalid`], [`crate::Error::Refused`] if they do not fit; [`crate::Error::Io`]; [`crate::Error::Cancelled`].
pub fn infer(task: &InferTask, monitor: &dyn Monitor<()>) -> Result<InferOutcome> {
    let _ = (task, monitor);
    unimplemented!()
}
