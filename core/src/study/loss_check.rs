//! The guard rail: a training's final loss against a reference.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::Result;

/// One loss that was compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossVerdict {
    /// Dose, view, gridsize, model and loss that it is for, as `photons=1e9 view=dense gridsize=2 model=pinn loss=nll`.
    pub arm: String,
    /// Final loss of the reference.
    pub reference: Option<f64>,
    /// Final loss of the candidate.
    pub candidate: Option<f64>,
    /// The greatest loss that passes: `reference + tolerance |reference|`.
    pub limit: Option<f64>,
    /// Whether it passes.
    pub passes: bool,
    /// Why not, in words.
    pub why: Option<String>,
}

/// The whole comparison, as `loss_check.json` holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossCheck {
    /// Tolerance as a share of |reference|.
    pub tolerance: f64,
    /// Every arm of the reference.
    pub verdicts: Vec<LossVerdict>,
    /// Whether all pass.
    pub passes: bool,
}

/// Compare two manifests of trainings (a run's `manifest.json`, or a study's with several), and leave `loss_check.json` beside the candidate.
///
/// # Errors
/// [`crate::Error::Io`], [`crate::Error::Refused`] if a manifest cannot be read.
pub fn check_loss(reference: &Path, candidate: &Path, tolerance: f64) -> Result<LossCheck> {
    let _ = (reference, candidate, tolerance);
    unimplemented!()
}
