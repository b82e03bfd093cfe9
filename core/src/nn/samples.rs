//! Groups of patterns, normalised, in batches.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::data::Dataset;
use crate::error::Result;
use crate::grouping::Groups;
use crate::nn::settings::TrainSettings;
use crate::nn::stepper::Batch;

/// How amplitudes become a network's input; from the training groups alone, stored in the bundle, used unchanged ever after.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normalisation {
    /// Input = this factor · amplitude in √counts: `(n/2) / √(mean over patterns of Σ A²)`.
    pub input_factor: f64,
    /// Mean counts of a pixel in use: unit of the losses in the objective.
    pub mean_counts_per_pixel: f64,
    /// Mean counts of a pattern.
    pub mean_counts_per_pattern: f64,
}

/// A dataset seen as groups.
#[derive(Clone)]
pub struct Samples {
    /// The dataset.
    pub dataset: Arc<Dataset>,
    /// Its groups: single patterns for the baseline.
    pub groups: Groups,
    /// What turned out other than asked for, in words.
    pub notes: Vec<String>,
}

impl Samples {
    /// Groups as the settings want them, or as the file's `group_index` has them.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] where the settings do not suit the dataset (too few patterns, no `Y` for the baseline, ...).
    pub fn new(dataset: Arc<Dataset>, settings: &TrainSettings) -> Result<Self> {
        let _ = (dataset, settings);
        unimplemented!()
    }

    /// Training and validation groups, drawn by the seed.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] if no training group would be left.
    pub fn split(&self, validation_fraction: f64, seed: u64) -> Result<(Self, Self)> {
        let _ = (validation_fraction, seed);
        unimplemented!()
    }

    /// The normalisation of these groups.
    pub fn normalisation(&self) -> Normalisation {
        unimplemented!()
    }

    /// The canvas side that every group fits into: `n` + 2 (largest |offset| rounded up).
    pub fn canvas_px(&self) -> usize {
        unimplemented!()
    }

    /// Room for `n_groups` groups.
    pub fn room(&self, n_groups: usize) -> Batch {
        let _ = n_groups;
        unimplemented!()
    }

    /// Fill `batch` with these groups, normalised by `normalisation`.
    ///
    /// # Panics
    /// If there is no such group, or more than the batch has room for.
    pub fn fill(&self, which: &[usize], normalisation: &Normalisation, batch: &mut Batch) {
        let _ = (which, normalisation, batch);
        unimplemented!()
    }
}
