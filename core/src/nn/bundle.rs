//! A trained network on disk: `NAME.safetensors` with the parameters, `NAME.json` with all that is needed to use them.

use std::path::{Path, PathBuf};

use ndarray::Array3;
use num_complex::Complex32;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::nn::architecture::Architecture;
use crate::nn::parameters::Parameters;
use crate::nn::samples::Normalisation;
use crate::nn::settings::TrainSettings;

/// A trained network and all that is needed to use it.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// Layers.
    pub architecture: Architecture,
    /// Parameters.
    pub parameters: Parameters,
    /// Input normalisation of the training split.
    pub normalisation: Normalisation,
    /// The probe that it was trained with, `(k, n, n)`, √photons; trained along or not.
    pub probe: Array3<Complex32>,
    /// Settings of the training.
    pub settings: TrainSettings,
    /// SHA-256 of the training data's content.
    pub data_sha256: String,
    /// Epochs of training in these parameters.
    pub epoch: usize,
}

/// What a bundle's JSON says, for a person and for a check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BundleCard {
    /// The safetensors file.
    pub file: PathBuf,
    /// SHA-256 of the safetensors file.
    pub sha256: String,
    /// Its bytes.
    pub n_bytes: u64,
    /// Number of parameters.
    pub n_parameters: usize,
    /// Layers.
    pub architecture: Architecture,
    /// Settings of the training.
    pub settings: TrainSettings,
    /// Input normalisation.
    pub normalisation: Normalisation,
    /// SHA-256 of the training data's content.
    pub data_sha256: String,
    /// Epochs of training.
    pub epoch: usize,
    /// The program's version.
    pub version: String,
}

impl Bundle {
    /// Write `folder/NAME.safetensors` and `folder/NAME.json`; the JSON last, so that one without the other is never found.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn save(&self, folder: &Path, name: &str) -> Result<BundleCard> {
        let _ = (folder, name);
        unimplemented!()
    }

    /// Read a bundle: `path` is the JSON, the safetensors file, or a folder with `best.json` (or else `last.json`). Hash,
    /// names and shapes are checked both ways.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] that says what differs; [`crate::Error::Io`].
    pub fn load(path: &Path) -> Result<(Self, BundleCard)> {
        let _ = path;
        unimplemented!()
    }
}
