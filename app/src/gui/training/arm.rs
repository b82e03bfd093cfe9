//! One training of this window: waiting, running or ended.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ptycho_core::fields::FieldValue as _;
use ptycho_core::job::{Progress, StopReason};
use ptycho_core::nn::{EpochRecord, TrainingHistory};
use ptycho_core::study::train::{TrainManifest, TrainOutcome, TrainPlan, TrainTask};
use ptycho_core::{Error, Result};

use super::shown::{ShownPreview, ShownTraining};

/// How a training stands.
#[derive(Clone, Debug, PartialEq)]
pub enum ArmState {
    /// Others come first.
    Waiting,
    Running,
    /// It was stopped before it had begun.
    Dropped,
    /// It has ended, for this reason, with a bundle.
    Ended(StopReason),
    /// It has failed, with these words.
    Failed(String),
}

/// What is known of a training once it has ended with a bundle.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    pub seconds_total: f64,
    pub device: String,
}

/// A training that was kept, read from its run folder.
pub struct KeptRun {
    pub manifest: TrainManifest,
    pub history: TrainingHistory,
}

impl KeptRun {
    /// Read the records of a run folder.
    ///
    /// # Errors
    /// [`Error::Refused`] where it holds no training; [`Error::Io`]; [`Error::Run`].
    pub fn read(folder: &Path) -> Result<Self> {
        let manifest = TrainManifest::read(&folder.join("manifest.json"))?;
        let file = folder.join("history.json");
        let text = std::fs::read_to_string(&file).map_err(Error::io("read the history", &file))?;
        let history = serde_json::from_str(&text)
            .map_err(|error| Error::Run(format!("{} cannot be read: {error}", file.display())))?;
        Ok(Self { manifest, history })
    }
}

/// One training of this window.
pub struct Arm {
    /// Unique in this window, and its colour in every plot.
    pub id: usize,
    /// Unique in this window: that of its run folder.
    pub name: String,
    pub task: TrainTask,
    /// Number of its job.
    pub job: u64,
    pub state: ArmState,
    /// What was foreseen when it was asked for.
    pub plan: Option<TrainPlan>,
    pub history: Arc<TrainingHistory>,
    pub preview: Option<Arc<ShownPreview>>,
    /// Counts previews of the window, so that pictures are made anew only when there is a new one.
    pub revision: u64,
    pub samples_per_s: f64,
    pub progress: Progress,
    pub elapsed: Duration,
    pub ended: Option<Ended>,
    /// Whether a collapse has been told.
    pub is_collapse_told: bool,
}

impl Arm {
    /// One that waits.
    pub fn new(id: usize, name: String, task: TrainTask, plan: Option<TrainPlan>) -> Self {
        Self {
            id,
            name,
            task,
            job: 0,
            state: ArmState::Waiting,
            plan,
            history: Arc::default(),
            preview: None,
            revision: 0,
            samples_per_s: 0.0,
            progress: Progress::default(),
            elapsed: Duration::ZERO,
            ended: None,
            is_collapse_told: false,
        }
    }

    /// Take what it tells on its way.
    pub fn take(&mut self, shown: ShownTraining, revision: u64) {
        self.history = shown.history;
        self.samples_per_s = shown.samples_per_s;
        if let Some(preview) = shown.preview {
            let is_new = self
                .preview
                .as_ref()
                .is_none_or(|known| !Arc::ptr_eq(known, &preview));
            if is_new {
                self.revision = revision;
                self.preview = Some(preview);
            }
        }
    }

    /// Take its end.
    pub fn end(&mut self, outcome: TrainOutcome) {
        self.history = Arc::new(outcome.history);
        self.samples_per_s = outcome.samples_per_s;
        self.state = ArmState::Ended(outcome.reason);
        self.ended = Some(Ended {
            seconds_total: outcome.seconds_total,
            device: outcome.device,
        });
    }

    /// Take the records of a training that was kept in `folder`, wherever that was when it ran.
    pub fn take_kept(&mut self, kept: KeptRun, folder: PathBuf) {
        let KeptRun { manifest, history } = kept;
        self.task = manifest.task;
        self.task.output = folder;
        self.history = Arc::new(history);
        self.samples_per_s = manifest.samples_per_s.unwrap_or(0.0);
        self.state = match (manifest.reason, manifest.error) {
            (Some(reason), _) => ArmState::Ended(reason),
            (None, Some(words)) => ArmState::Failed(words),
            (None, None) => ArmState::Failed("it was killed".to_owned()),
        };
        self.plan = None;
        self.ended = Some(Ended {
            seconds_total: manifest.seconds_total,
            device: manifest.device,
        });
        // What happened then was told then.
        self.is_collapse_told = true;
    }

    /// The last whole epoch.
    pub fn last(&self) -> Option<&EpochRecord> {
        self.history.epochs.last()
    }

    pub fn is_over(&self) -> bool {
        !matches!(self.state, ArmState::Waiting | ArmState::Running)
    }

    /// The run folder.
    pub fn folder(&self) -> &PathBuf {
        &self.task.output
    }

    /// Name of the loss that was chosen, as `nll`.
    pub fn loss_name(&self) -> String {
        if self.history.loss_name.is_empty() {
            self.task.settings.loss.to_value().to_string()
        } else {
            self.history.loss_name.clone()
        }
    }

    /// The device it runs on, as far as it is known.
    pub fn device(&self) -> Option<&str> {
        let ended = self.ended.as_ref().map(|ended| ended.device.as_str());
        ended.or_else(|| self.plan.as_ref().map(|plan| plan.device.as_str()))
    }

    /// Seconds still to go: remaining epochs times the mean of the last ten, before that the share that is done;
    /// nothing is said before 2 % are.
    pub fn remaining_s(&self) -> Option<f64> {
        let share = self.progress.share();
        let left = self.progress.n_epochs as f64 * (1.0 - share);
        let epochs = &self.history.epochs;
        if epochs.len() < 3 {
            let elapsed_s = self.elapsed.as_secs_f64();
            return (0.02 <= share).then(|| elapsed_s * (1.0 - share) / share);
        }
        let last = &epochs[epochs.len().saturating_sub(10)..];
        Some(left * last.iter().map(|epoch| epoch.seconds).sum::<f64>() / last.len() as f64)
    }
}
