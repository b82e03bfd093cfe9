//! What a program reads about a finished run: the object that `reconstruct --json` prints.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::data::Dataset;
use crate::job::StopReason;
use crate::study::run::{ReconstructOutcome, ReconstructTask};

/// The result of a reconstruction in numbers. NaN is written as null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReconstructSummary {
    /// Name of the engine, as `lsqml`.
    pub algorithm: String,
    /// Whole epochs done, those before a resume included.
    pub epochs: usize,
    /// Loss of the first epoch.
    pub loss_first: Option<f64>,
    /// Loss of the last epoch.
    pub loss_last: Option<f64>,
    /// Loss of every epoch.
    pub loss: Vec<Option<f64>>,
    /// Seconds of every epoch.
    pub seconds_per_epoch: Vec<f64>,
    /// Power of all probe modes together, in counts, after every epoch.
    #[serde(default)]
    pub probe_power: Vec<f64>,
    /// Rms distance of the positions from the given ones after every epoch, in px; zeros where they are not refined.
    #[serde(default)]
    pub position_rms_px: Vec<f64>,
    /// Sum of the seconds of every epoch.
    pub seconds_total: f64,
    /// Median without the first epoch, which only rescales the probe.
    pub seconds_per_epoch_median: Option<f64>,
    /// Least without the first epoch.
    pub seconds_per_epoch_best: Option<f64>,
    /// Patterns / `seconds_per_epoch_best`.
    pub patterns_per_s: Option<f64>,
    /// Patterns.
    pub patterns: usize,
    /// Side of a pattern in pixels.
    pub n: usize,
    /// Probe modes.
    pub probe_modes: usize,
    /// Factor put on the file's probe before the first epoch.
    pub probe_scale: f64,
    /// Device that computed.
    pub device: String,
    /// Why it was this device.
    pub device_reason: String,
    /// Threads that computed.
    pub threads: usize,
    /// Where the result was written.
    pub output: Option<PathBuf>,
    /// The run folder.
    pub run_folder: PathBuf,
    /// Why the run stopped.
    pub reason: StopReason,
    /// What was mended in the data, in words.
    pub repairs: Vec<String>,
    /// Where the object started.
    pub object_start: String,
    /// Result whose object, probe and positions the run started from.
    #[serde(default)]
    pub started_from: Option<PathBuf>,
    /// Run folder whose checkpoint the run went on from.
    pub resumed_from: Option<PathBuf>,
}

impl ReconstructSummary {
    /// The summary of an outcome.
    pub fn new(task: &ReconstructTask, dataset: &Dataset, outcome: &ReconstructOutcome) -> Self {
        let reconstruction = &outcome.reconstruction;
        let seconds = &outcome.course.seconds_per_epoch;
        let finite = |loss: &f64| loss.is_finite().then_some(*loss);
        let best = later(seconds).first().copied();
        Self {
            algorithm: reconstruction.algorithm.clone(),
            epochs: reconstruction.loss.len(),
            loss_first: reconstruction.loss.first().and_then(finite),
            loss_last: reconstruction.loss.last().and_then(finite),
            loss: reconstruction.loss.iter().map(finite).collect(),
            seconds_per_epoch: seconds.clone(),
            probe_power: outcome.course.probe_power.clone(),
            position_rms_px: outcome.course.position_rms_px.clone(),
            seconds_total: seconds.iter().sum(),
            seconds_per_epoch_median: median(&later(seconds)),
            seconds_per_epoch_best: best,
            patterns_per_s: best.map(|best| dataset.n_patterns() as f64 / best),
            patterns: dataset.n_patterns(),
            n: dataset.n(),
            probe_modes: reconstruction.probe.dim().0,
            probe_scale: outcome.probe_scale,
            device: outcome.device.to_owned(),
            device_reason: outcome.device_reason.clone(),
            threads: task.threads(),
            output: task.output.clone(),
            run_folder: outcome.run_folder.clone(),
            reason: outcome.reason.clone(),
            repairs: dataset.metadata().repairs.clone(),
            object_start: task.object_start().to_owned(),
            started_from: task.start.clone(),
            resumed_from: task.resume.clone(),
        }
    }
}

/// All epochs but the first, sorted; the first where there is no other.
fn later(seconds: &[f64]) -> Vec<f64> {
    let mut later = if seconds.len() < 2 {
        seconds.to_vec()
    } else {
        seconds[1..].to_vec()
    };
    later.sort_by(f64::total_cmp);
    later
}

fn median(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(sorted[middle - 1], upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_epoch_counts_on_neither_side() {
        assert_eq!(later(&[0.1, 3.0, 2.0]), [2.0, 3.0]);
        assert_eq!(later(&[0.1]), [0.1]);
        assert_eq!(median(&[2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[1.0, 2.0, 9.0]), Some(2.0));
        assert_eq!(median(&[]), None);
    }
}
