//! Least-squares maximum likelihood (LSQML).

use std::path::Path;
use std::sync::Arc;

use ndarray::{Array2, Array3};
use num_complex::Complex32;

use crate::data::{Dataset, Reconstruction};
use crate::error::Result;
use crate::iterative::LsqmlSettings;
use crate::job::{Engine, Progress, Step, Stop};

/// What a window shows of a running reconstruction.
#[derive(Clone, Debug)]
pub struct LsqmlSnapshot {
    /// `(h, w)` in the object frame.
    pub object: Array2<Complex32>,
    /// Probe modes `(k, n, n)`.
    pub probe: Array3<Complex32>,
    /// Loss of every whole epoch so far.
    pub loss: Vec<f64>,
    /// Seconds of every whole epoch so far.
    pub seconds_per_epoch: Vec<f64>,
}

/// The batches of a whole run, given instead of drawn: `batches[epoch][batch]` are pattern indices.
pub type GivenBatches = Vec<Vec<Vec<usize>>>;

/// The engine.
pub struct Lsqml {
    settings: LsqmlSettings,
}

impl Lsqml {
    /// Prepare a run from the start.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] if a setting does not suit the dataset.
    pub fn new(dataset: Arc<Dataset>, settings: LsqmlSettings, n_threads: usize) -> Result<Self> {
        let _ = (dataset, n_threads);
        Ok(Self { settings })
    }

    /// Use these batches instead of drawing them.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] if an index is out of range or there are too few epochs.
    pub fn with_batches(self, batches: GivenBatches) -> Result<Self> {
        let _ = batches;
        Ok(self)
    }

    /// Go on from a checkpoint; `settings.epochs` is the new total, the other settings must be those of the checkpoint.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] if dataset or settings differ; [`crate::Error::Refused`] if the file is none of ours.
    pub fn resume(
        dataset: Arc<Dataset>,
        settings: LsqmlSettings,
        n_threads: usize,
        checkpoint: &Path,
    ) -> Result<Self> {
        let _ = (dataset, n_threads, checkpoint);
        Ok(Self { settings })
    }

    /// The total number of epochs, to continue a finished run.
    pub fn set_epochs(&mut self, epochs: usize) {
        self.settings.epochs = epochs;
    }

    /// The settings in use.
    pub fn settings(&self) -> &LsqmlSettings {
        &self.settings
    }

    /// Seconds of every whole epoch so far.
    pub fn seconds_per_epoch(&self) -> &[f64] {
        unimplemented!()
    }

    /// The result so far; valid after any number of steps.
    pub fn reconstruction(&self) -> Reconstruction {
        unimplemented!()
    }
}

impl Engine for Lsqml {
    type Snapshot = LsqmlSnapshot;
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
    fn snapshot(&self) -> LsqmlSnapshot {
        unimplemented!()
    }
    fn health(&self) -> Option<String> {
        unimplemented!()
    }
    fn restore_last_good(&mut self) {}
    fn checkpoint(&self, file: &Path) -> Result<()> {
        let _ = file;
        unimplemented!()
    }
}
