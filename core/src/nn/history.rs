//! What a training did, step by step and epoch by epoch: `history.json`.

use serde::{Deserialize, Serialize};

use crate::job::StopReason;

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// The chosen loss of the batch, before the step; NaN is written as null.
    pub loss: Option<f64>,
    /// What was minimised.
    pub objective: Option<f64>,
    /// Learning rate.
    pub lr: f64,
    /// Norm of the gradient of the objective, before clipping.
    pub gradient_norm: Option<f64>,
}

/// One epoch.
///
/// What is measured after it is measured of all validation groups and of training groups evenly spaced, up to
/// [`crate::nn::trainer::MEASURED_GROUPS`] in all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EpochRecord {
    /// Counted from 1.
    pub epoch: usize,
    /// Steps done in all.
    pub steps: usize,
    /// Mean of the chosen loss over the epoch's steps, weighted by groups.
    pub loss: Option<f64>,
    /// Mean NLL.
    pub nll: Option<f64>,
    /// Mean MAE.
    pub mae: Option<f64>,
    /// The chosen loss of the validation groups after the epoch.
    pub validation: Option<f64>,
    /// Learning rate at its end.
    pub lr: f64,
    /// Seconds, without validation and previews.
    pub seconds: f64,
    /// Standard deviation of the stitched amplitude over the pixels seen, after the epoch.
    pub amplitude_spread: Option<f64>,
    /// Mean of the stitched amplitude over the pixels seen.
    pub amplitude_mean: Option<f64>,
    /// Correlation of predicted and measured amplitudes of the validation groups (of training groups where there are none);
    /// of drawn and true amplitude for the baseline.
    pub amplitude_correlation: Option<f64>,
    /// The same for the shapes of patterns alone, each divided by its own root of total counts, with each pixel's mean over
    /// the patterns taken off: how much of what makes one pattern differ from another is predicted. A flat image gives 0
    /// here, while the probe alone makes the plain correlation high.
    pub pattern_correlation: Option<f64>,
    /// Whether the network has collapsed to a flat image.
    pub collapsed: bool,
}

/// The whole course of a training; written also on failure and cancel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrainingHistory {
    /// Name of the chosen loss, as `nll`.
    pub loss_name: String,
    /// Every step.
    pub steps: Vec<StepRecord>,
    /// Every whole epoch.
    pub epochs: Vec<EpochRecord>,
    /// The epoch whose parameters are the bundle's best, counted from 1.
    pub best_epoch: Option<usize>,
    /// Whether it ended before its last epoch because the validation loss had not fallen for `early_stop` epochs.
    pub stopped_early: bool,
    /// Why it stopped, once it has.
    pub stopped_because: Option<StopReason>,
}

/// A number as histories hold it: `None` where it is NaN or infinite, which JSON cannot say.
pub fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
