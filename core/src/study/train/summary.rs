//! What a program reads about a finished training: the object that `train --json` prints.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::job::StopReason;
use crate::study::run::in_words;

use super::TrainOutcome;

/// The result of a training in numbers. What is not finite is written as null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainSummary {
    /// Whole epochs done, those before a resume included.
    pub epochs: usize,
    /// Steps done.
    pub steps: usize,
    /// Loss of the first epoch.
    pub loss_first: Option<f64>,
    /// Loss of the last epoch.
    pub loss_last: Option<f64>,
    /// Loss of the validation groups after the last epoch.
    pub validation_last: Option<f64>,
    /// Seconds in all, those before a resume included.
    pub seconds_total: f64,
    /// Training groups a second: batch / median step, without validation and previews.
    pub samples_per_s: Option<f64>,
    /// Number of parameters.
    pub parameters: usize,
    /// The best epoch's bundle: its safetensors file.
    pub bundle: PathBuf,
    /// SHA-256 of that file.
    pub sha256: String,
    /// Bytes of that file.
    pub n_bytes: u64,
    /// The epoch of that bundle, counted from 1; 0 if none was done.
    pub best_epoch: usize,
    /// Device that computed.
    pub device: String,
    /// Why it was this device.
    pub device_reason: String,
    /// `finished`, `early_stop`, `cancelled`, `diverged` or `timed_out`.
    pub stopped_because: String,
    /// The same in words.
    pub stopped_words: String,
    /// Whether the network had collapsed to a flat image at the end.
    pub collapsed: bool,
    /// The run folder.
    pub run_folder: PathBuf,
    /// What turned out other than asked for, in words.
    pub notes: Vec<String>,
}

impl TrainSummary {
    /// The summary of an outcome.
    pub fn new(outcome: &TrainOutcome) -> Self {
        let history = &outcome.history;
        let (first, last) = (history.epochs.first(), history.epochs.last());
        let (word, words) = match &outcome.reason {
            StopReason::Finished if history.stopped_early => (
                "early_stop",
                "the validation loss has not fallen for as many epochs as --early-stop says"
                    .to_owned(),
            ),
            StopReason::Finished => ("finished", in_words(&outcome.reason)),
            StopReason::Cancelled => ("cancelled", in_words(&outcome.reason)),
            StopReason::Diverged { .. } => ("diverged", in_words(&outcome.reason)),
            StopReason::TimedOut => ("timed_out", in_words(&outcome.reason)),
        };
        let rate = outcome.samples_per_s;
        Self {
            epochs: history.epochs.len(),
            steps: history.steps.len(),
            loss_first: first.and_then(|epoch| epoch.loss),
            loss_last: last.and_then(|epoch| epoch.loss),
            validation_last: last.and_then(|epoch| epoch.validation),
            seconds_total: outcome.seconds_total,
            samples_per_s: (rate.is_finite() && 0.0 < rate).then_some(rate),
            parameters: outcome.best.n_parameters,
            bundle: outcome.best.file.clone(),
            sha256: outcome.best.sha256.clone(),
            n_bytes: outcome.best.n_bytes,
            best_epoch: outcome.best.epoch,
            device: outcome.device.clone(),
            device_reason: outcome.device_reason.clone(),
            stopped_because: word.to_owned(),
            stopped_words: words,
            collapsed: last.is_some_and(|epoch| epoch.collapsed),
            run_folder: outcome.run_folder.clone(),
            notes: outcome.notes.clone(),
        }
    }
}
