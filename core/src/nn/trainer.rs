//! The engine that [`crate::job::drive`] runs: one step is one batch.

use std::path::Path;
use std::sync::Arc;

use ndarray::Array2;
use num_complex::Complex32;

use crate::compute::Compute;
use crate::error::Result;
use crate::job::{Engine, Progress, Step, Stop};
use crate::nn::bundle::Bundle;
use crate::nn::history::TrainingHistory;
use crate::nn::samples::Samples;
use crate::nn::settings::TrainSettings;

/// One validation pattern and what the network makes of it, and the object so far.
#[derive(Clone, Debug)]
pub struct TrainPreview {
    /// The epoch after which it was made, counted from 1; 0 before the first.
    pub epoch: usize,
    /// Measured amplitude of the pattern, `(n, n)`, √counts.
    pub measured: Array2<f32>,
    /// Predicted amplitude, `(n, n)`, √counts; empty for the baseline.
    pub predicted: Array2<f32>,
    /// What the network draws for the pattern's group, `(n, n)`.
    pub patch: Array2<Complex32>,
    /// The stitched object so far in the object frame, and how often each pixel was seen.
    pub object: Array2<Complex32>,
    /// Sum of the weights of the patches over each pixel.
    pub coverage: Array2<f32>,
}

/// What a window shows of a running training.
#[derive(Clone, Debug)]
pub struct TrainSnapshot {
    /// The course so far.
    pub history: Arc<TrainingHistory>,
    /// The newest preview, if there is one.
    pub preview: Option<Arc<TrainPreview>>,
    /// Training groups a second: batch / median step, without validation and previews.
    pub samples_per_s: f64,
}

/// A training under way.
pub struct Trainer {}

impl Trainer {
    /// Prepare a training from the start. Normalisation comes from `train` alone; the canvas holds both.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] if something does not fit together; [`crate::Error::Run`] if the device fails.
    pub fn new(
        settings: &TrainSettings,
        train: Samples,
        validation: Samples,
        compute: &Compute,
    ) -> Result<Self> {
        let _ = (settings, train, validation, compute);
        unimplemented!()
    }

    /// Go on from a checkpoint; `settings.epochs` is the new total, all else must be as it was.
    ///
    /// # Errors
    /// As [`Trainer::new`]; [`crate::Error::Refused`] if the file is none of ours.
    pub fn resume(
        settings: &TrainSettings,
        train: Samples,
        validation: Samples,
        compute: &Compute,
        checkpoint: &Path,
    ) -> Result<Self> {
        let _ = (settings, train, validation, compute, checkpoint);
        unimplemented!()
    }

    /// The course so far.
    pub fn history(&self) -> &TrainingHistory {
        unimplemented!()
    }

    /// Groups a second: batch / median step, without validation and previews.
    pub fn samples_per_s(&self) -> f64 {
        unimplemented!()
    }

    /// Parameters as they are.
    pub fn last(&self) -> Bundle {
        unimplemented!()
    }

    /// Parameters of the best epoch by validation loss (by training loss where there is no validation).
    pub fn best(&self) -> Bundle {
        unimplemented!()
    }
}

impl Engine for Trainer {
    type Snapshot = TrainSnapshot;

    fn step(&mut self, stop: &Stop) -> Result<Step> {
        let _ = stop;
        unimplemented!()
    }
    fn is_finished(&self) -> bool {
        unimplemented!()
    }
    fn progress(&self) -> Progress {
        unimplemented!()
    }
    fn snapshot(&self) -> TrainSnapshot {
        unimplemented!()
    }
    fn health(&self) -> Option<String> {
        unimplemented!()
    }
    fn restore_last_good(&mut self) {
        unimplemented!()
    }
    fn checkpoint(&self, file: &Path) -> Result<()> {
        let _ = file;
        unimplemented!()
    }
}
