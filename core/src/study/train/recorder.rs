//! Drives a trainer and writes down what it does.

use std::path::Path;

use crate::error::Result;
use crate::job::{Engine, Progress, Step, Stop, StopReason};
use crate::nn::trainer::Trainer;
use crate::nn::{BundleCard, TrainSnapshot, TrainingHistory};
use crate::study::store::OutputRecord;

use super::folder::TrainFolder;
use super::manifest::TrainManifest;

/// Names of the two bundles.
const BEST: &str = "best";
const LAST: &str = "last";

/// A trainer whose epochs go to the log, and whose checkpoints come with history and bundles, so that a killed program
/// leaves all of them.
pub(super) struct Recorder<'a> {
    trainer: Trainer,
    folder: &'a TrainFolder,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(trainer: Trainer, folder: &'a TrainFolder) -> Self {
        Self { trainer, folder }
    }

    pub(super) fn trainer(&self) -> &Trainer {
        &self.trainer
    }

    /// The course so far, with why it stopped.
    pub(super) fn history(&self, reason: Option<StopReason>) -> TrainingHistory {
        let mut history = self.trainer.history().clone();
        history.stopped_because = reason;
        history
    }

    pub(super) fn write_history(&self, reason: Option<StopReason>) -> Result<()> {
        self.folder.write_history(&self.history(reason))
    }

    fn save_bundles(&self) -> Result<(BundleCard, BundleCard)> {
        let folder = self.folder.path();
        let best = self.trainer.best().save(folder, BEST)?;
        let last = self.trainer.last().save(folder, LAST)?;
        Ok((best, last))
    }

    /// Write everything that stays, and record it; best and last bundle.
    pub(super) fn finish(
        &self,
        reason: &StopReason,
        manifest: &mut TrainManifest,
    ) -> Result<(BundleCard, BundleCard)> {
        self.write_history(Some(reason.clone()))?;
        let bundles = self.save_bundles()?;
        let history = self.trainer.history();
        manifest.arm.take_losses(history);
        manifest.reason = Some(reason.clone());
        manifest.epochs_done = history.epochs.len();
        manifest.best_epoch = history.best_epoch;
        manifest.samples_per_s = Some(self.trainer.samples_per_s()).filter(|rate| rate.is_finite());
        let run = self.folder.run_folder();
        let mut files = vec![run.history_file(), self.folder.checkpoint_file()];
        for name in [BEST, LAST] {
            let of_bundle = ["safetensors", "json"].map(|kind| format!("{name}.{kind}"));
            files.extend(of_bundle.map(|file| self.folder.path().join(file)));
        }
        manifest.outputs = files
            .iter()
            .map(|file| OutputRecord::of(file, run))
            .collect::<Result<_>>()?;
        Ok(bundles)
    }

    fn log_epoch(&self) {
        let Some(epoch) = self.trainer.history().epochs.last() else {
            return;
        };
        tracing::debug!(
            epoch = epoch.epoch,
            loss = epoch.loss.unwrap_or(f64::NAN),
            validation = epoch.validation.unwrap_or(f64::NAN),
            lr = epoch.lr,
            seconds = epoch.seconds,
            "epoch done"
        );
    }
}

impl Engine for Recorder<'_> {
    type Snapshot = TrainSnapshot;

    fn step(&mut self, stop: &Stop) -> Result<Step> {
        let step = self.trainer.step(stop)?;
        if step == Step::EpochEnd {
            self.log_epoch();
        }
        Ok(step)
    }

    fn is_finished(&self) -> bool {
        self.trainer.is_finished()
    }

    fn progress(&self) -> Progress {
        self.trainer.progress()
    }

    fn snapshot(&self) -> TrainSnapshot {
        self.trainer.snapshot()
    }

    fn health(&self) -> Option<String> {
        self.trainer.health()
    }

    fn restore_last_good(&mut self) {
        self.trainer.restore_last_good();
    }

    fn checkpoint(&self, file: &Path) -> Result<()> {
        self.trainer.checkpoint(file)?;
        self.write_history(None)?;
        self.save_bundles().map(drop)
    }
}
