//! Execute one training: a run folder with manifest, history, checkpoint and bundles.
//!
//! | file | content |
//! |---|---|
//! | `manifest.json` | task with every setting, inputs and outputs with SHA-256, seeds, device, times, reason for stopping |
//! | `history.json` | [`TrainingHistory`] |
//! | `best.safetensors`, `best.json` | the bundle of the best epoch |
//! | `last.safetensors`, `last.json` | the bundle of the last epoch |
//! | `checkpoint/` | the whole state, to go on from |
//! | `run.log` | the program's messages |

mod folder;
mod manifest;
mod plan;
mod recorder;
pub mod summary;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::compute::{Compute, DeviceChoice};
use crate::data::{Dataset, Strictness};
use crate::error::{Error, Result};
use crate::fields::Fields as _;
use crate::job::{DriveOptions, Engine as _, Monitor, StopReason, drive};
use crate::nn::samples::Samples;
use crate::nn::trainer::Trainer;
use crate::nn::{BundleCard, TrainSettings, TrainSnapshot, TrainingHistory};
use crate::study::run::in_words;
use crate::study::store::RunState;

use self::folder::{Start, TrainFolder};
use self::recorder::Recorder;

pub use self::manifest::{ArmRecord, TrainInput, TrainManifest};
pub use self::plan::plan;
pub use self::summary::TrainSummary;

/// What a killed training may lose.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(30);
/// What every error of this module was about.
const ATTEMPTED: &str = "train";

/// One training, self-contained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainTask {
    /// Training data.
    pub train: PathBuf,
    /// Validation data; where there are none, groups of the training data are kept for it.
    pub validation: Option<PathBuf>,
    /// Network and training.
    pub settings: TrainSettings,
    /// Threads; 0 = one for each core.
    pub n_threads: usize,
    /// Device.
    pub device: DeviceChoice,
    /// The run folder.
    pub output: PathBuf,
    /// Whether to go on from the checkpoint in `output`.
    pub resume: bool,
    /// Stop after this long, keeping what was learnt.
    #[serde(default)]
    pub time_limit_s: Option<f64>,
}

/// What a training would be: pre-flight and dry run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainPlan {
    /// Side of a pattern.
    pub n: usize,
    /// Patterns of the training file.
    pub n_patterns: usize,
    /// Groups for training.
    pub n_groups: usize,
    /// Groups for validation.
    pub n_validation_groups: usize,
    /// Steps of an epoch.
    pub steps_per_epoch: usize,
    /// Steps in all.
    pub n_steps: usize,
    /// Parameters of the network.
    pub n_parameters: usize,
    /// Side of a group's canvas in pixels.
    pub canvas_px: usize,
    /// Largest offset of a member from its group's centre in pixels, (row, column).
    pub largest_offset_px: [f64; 2],
    /// Memory needed, estimated.
    pub n_bytes: u64,
    /// Seconds of the whole training, estimated from the multiplications and the rate measured on this device by a trial step.
    pub seconds_estimated: Option<f64>,
    /// Device and why.
    pub device: String,
    /// Why it is this device.
    pub device_reason: String,
    /// What turned out other than asked for, in words.
    pub notes: Vec<String>,
}

/// What a training yields.
#[derive(Clone, Debug)]
pub struct TrainOutcome {
    /// The course.
    pub history: TrainingHistory,
    /// Why it stopped.
    pub reason: StopReason,
    /// What turned out other than asked for, in words.
    pub notes: Vec<String>,
    /// The bundle of the best epoch.
    pub best: BundleCard,
    /// The bundle of the last epoch.
    pub last: BundleCard,
    /// Seconds in all, those before a resume included.
    pub seconds_total: f64,
    /// Training groups a second.
    pub samples_per_s: f64,
    /// Device that computed.
    pub device: String,
    /// Why it was this device.
    pub device_reason: String,
    /// The run folder.
    pub run_folder: PathBuf,
}

impl TrainTask {
    /// Whether the task can run at all, whatever the data.
    ///
    /// # Errors
    /// [`Error::Invalid`] that names the field.
    pub fn check(&self) -> Result<()> {
        self.settings.check_ranges()?;
        if let Some(seconds) = self.time_limit_s
            && Duration::try_from_secs_f64(seconds).is_err()
        {
            let found = format!("{seconds} s");
            return Err(Error::invalid(
                ATTEMPTED,
                "time_limit_s",
                "0 s or more",
                found,
            ));
        }
        if self.settings.lr <= 0.0 {
            let found = self.settings.lr.to_string();
            return Err(Error::invalid(ATTEMPTED, "lr", "a number above 0", found));
        }
        Ok(())
    }

    /// Whether the run folder may be used for this task; nothing is written.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Refused`] that say what is there; [`Error::Io`].
    pub fn check_folder(&self, data: &TrainData) -> Result<()> {
        Start::of(self, data).map(drop)
    }
}

/// The datasets of a training, opened.
#[derive(Clone)]
pub struct TrainData {
    /// Training data.
    pub train: Arc<Dataset>,
    /// Validation data.
    pub validation: Option<Arc<Dataset>>,
    /// One sentence for each repair that was applied in memory.
    pub repairs: Vec<String>,
}

impl TrainData {
    /// Read the files of a task.
    ///
    /// # Errors
    /// As [`Dataset::open`].
    pub fn open(task: &TrainTask) -> Result<Self> {
        let train = Dataset::open(&task.train, Strictness::Repair)?;
        let mut repairs = train.repairs;
        let validation = match &task.validation {
            Some(path) => {
                let opened = Dataset::open(path, Strictness::Repair)?;
                let of_file = |repair: &String| format!("validation: {repair}");
                repairs.extend(opened.repairs.iter().map(of_file));
                Some(Arc::new(opened.dataset))
            }
            None => None,
        };
        Ok(Self {
            train: Arc::new(train.dataset),
            validation,
            repairs,
        })
    }

    /// Training and validation groups.
    ///
    /// Without validation data the share of the groups that the settings name is kept for it, drawn by the seed.
    fn samples(&self, task: &TrainTask) -> Result<(Samples, Samples)> {
        let settings = &task.settings;
        let all = Samples::new(Arc::clone(&self.train), settings)
            .map_err(|error| error.with_file(&task.train))?;
        let Some(validation) = &self.validation else {
            return all.split(settings.validation_fraction, settings.seed);
        };
        let of_file = |error: Error| match &task.validation {
            Some(path) => error.with_file(path),
            None => error,
        };
        if validation.n() != self.train.n() {
            let expected = format!("patterns of {0}x{0} as the training data", self.train.n());
            let found = format!("{0}x{0}", validation.n());
            return Err(of_file(Error::invalid(
                ATTEMPTED,
                "validation",
                expected,
                found,
            )));
        }
        let validation = Samples::new(Arc::clone(validation), settings).map_err(of_file)?;
        Ok((all, validation))
    }
}

/// Train: read the data, make or reopen the run folder, drive the trainer, keep checkpoint, history and bundles.
///
/// The run folder is [`TrainTask::output`] itself. One that holds an earlier training is only gone on from, and only where
/// [`TrainTask::resume`] asks for it; no result is ever overwritten by another training. A training that was stopped or
/// diverged keeps its last good state; [`TrainOutcome::reason`] says which. Messages are `tracing` events within a span
/// `run` whose field `folder` is the run folder.
///
/// # Errors
/// [`Error::Invalid`], [`Error::Refused`] if it cannot start; [`Error::Io`]; [`Error::Run`].
pub fn train(task: &TrainTask, monitor: &dyn Monitor<TrainSnapshot>) -> Result<TrainOutcome> {
    task.check()?;
    train_opened(task, &TrainData::open(task)?, monitor)
}

/// As [`train`], with the data read before.
///
/// # Errors
/// As [`train`].
pub fn train_opened(
    task: &TrainTask,
    data: &TrainData,
    monitor: &dyn Monitor<TrainSnapshot>,
) -> Result<TrainOutcome> {
    task.check()?;
    let started = Instant::now();
    let start = Start::of(task, data)?;
    let compute = Compute::open(task.device, task.n_threads)?;
    let (train, validation) = data.samples(task)?;
    let mut notes = train.notes.clone();
    if task.validation.is_some() {
        let of_file = |note: &String| format!("validation: {note}");
        notes.extend(validation.notes.iter().map(of_file));
    }
    let (n_groups, n_validation_groups) = (train.n_groups(), validation.n_groups());
    let settings = &task.settings;
    let trainer = match &start {
        Start::New => Trainer::new(settings, train, validation, &compute)?,
        Start::Resumed(_) => {
            let checkpoint = TrainFolder::checkpoint_in(&task.output);
            Trainer::resume(settings, train, validation, &compute, &checkpoint)?
        }
    };
    let mut manifest = TrainManifest::begin(task, data, &compute, &start);
    manifest.notes.clone_from(&notes);
    (manifest.n_groups, manifest.n_validation_groups) = (n_groups, n_validation_groups);
    let folder = TrainFolder::create(task, &manifest)?;
    let span = tracing::info_span!("run", folder = %folder.path().display());
    let _inside = span.enter();
    tracing::info!(
        groups = n_groups,
        n = data.train.n(),
        epochs = settings.epochs,
        "training started"
    );
    if matches!(start, Start::New) {
        // What is killed in its first seconds goes on too; and the memory for writing is taken before the first step.
        trainer.checkpoint(&folder.checkpoint_file())?;
    }
    let mut recorder = Recorder::new(trainer, &folder);
    let driven = drive(&mut recorder, &options(task, &folder), monitor);
    let before_s = manifest.seconds_total;
    manifest.seconds_total = before_s + started.elapsed().as_secs_f64();
    let outcome = driven.and_then(|reason| recorder.finish(&reason, &mut manifest));
    match outcome {
        Ok((best, last)) => {
            let reason = manifest.reason.clone().unwrap_or(StopReason::Finished);
            tracing::info!(epochs = manifest.epochs_done, "{}", in_words(&reason));
            manifest.end(RunState::Ended);
            folder.write_manifest(&manifest)?;
            Ok(TrainOutcome {
                history: recorder.history(Some(reason.clone())),
                reason,
                notes,
                best,
                last,
                seconds_total: manifest.seconds_total,
                samples_per_s: recorder.trainer().samples_per_s(),
                device: manifest.device,
                device_reason: manifest.device_reason,
                run_folder: folder.path().to_path_buf(),
            })
        }
        Err(error) => {
            tracing::error!("{error}");
            manifest.epochs_done = recorder.progress().epoch;
            manifest.error = Some(error.to_string());
            manifest.end(RunState::Failed);
            // The training's own error matters more than that of its record.
            let _ = recorder.write_history(None);
            let _ = folder.write_manifest(&manifest);
            Err(error)
        }
    }
}

fn options(task: &TrainTask, folder: &TrainFolder) -> DriveOptions {
    DriveOptions {
        checkpoint: Some(folder.checkpoint_file()),
        checkpoint_interval: Some(CHECKPOINT_INTERVAL),
        time_limit: task.time_limit_s.map(Duration::from_secs_f64),
    }
}
