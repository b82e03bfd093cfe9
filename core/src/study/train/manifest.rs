//! `manifest.json` of a training.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::compute::Compute;
use crate::data::Dataset;
use crate::error::{Error, Problem, Result};
use crate::fields::FieldValue as _;
use crate::job::StopReason;
use crate::nn::TrainingHistory;
use crate::nn::settings::Model;
use crate::study::store::{InputRecord, OutputRecord, RunState, SCHEMA, utc};

use super::folder::Start;
use super::{TrainData, TrainTask};

/// What tells a manifest of a training from that of another run.
const KIND: &str = "training";

/// What was trained, with what, and how it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainManifest {
    /// Schema number.
    pub schema: u32,
    /// `training`.
    pub kind: String,
    /// `ptychobench`.
    pub program: String,
    /// Its version.
    pub version: String,
    /// Where the training stands.
    pub state: RunState,
    /// The task with every setting, defaults included.
    pub task: TrainTask,
    /// What the training was of, and its losses.
    pub arm: ArmRecord,
    /// The data.
    pub inputs: Vec<TrainInput>,
    /// Files written.
    pub outputs: Vec<OutputRecord>,
    /// Seeds by purpose.
    pub seeds: BTreeMap<String, u64>,
    /// Device that computed.
    pub device: String,
    /// Why it was this device.
    pub device_reason: String,
    /// Threads that computed.
    pub n_threads: usize,
    /// Groups that were trained on.
    pub n_groups: usize,
    /// Groups for validation.
    pub n_validation_groups: usize,
    /// What was mended in the data, in words.
    pub repairs: Vec<String>,
    /// What turned out other than asked for, in words.
    pub notes: Vec<String>,
    /// Start, UTC.
    pub started: String,
    /// When it was gone on from a checkpoint, UTC.
    pub resumed: Vec<String>,
    /// End, UTC.
    pub ended: Option<String>,
    /// Seconds in all, those before a resume included.
    pub seconds_total: f64,
    /// Training groups a second.
    pub samples_per_s: Option<f64>,
    /// Whole epochs done.
    pub epochs_done: usize,
    /// The epoch of the best bundle, counted from 1.
    pub best_epoch: Option<usize>,
    /// Why the training stopped.
    pub reason: Option<StopReason>,
    /// The error that ended it.
    pub error: Option<String>,
}

/// Data that a training was given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainInput {
    /// `train` or `validation`.
    pub role: String,
    /// The data.
    #[serde(flatten)]
    pub input: InputRecord,
}

/// One arm of a study, a training, with its losses: what [`crate::study::loss_check`] compares.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ArmRecord {
    /// Photons a pattern that the data were simulated for, where their metadata tell.
    pub photons: Option<f64>,
    /// Name of the overlap view, where the data are one.
    pub view: Option<String>,
    /// Patterns along a side of a group.
    pub gridsize: usize,
    /// `pinn` or `baseline`.
    pub model: String,
    /// `nll` or `mae`.
    pub loss: String,
    /// Loss of the first epoch; none where it was not finite.
    pub loss_first: Option<f64>,
    /// Loss of the last epoch; none where it was not finite.
    pub loss_last: Option<f64>,
    /// Loss of the validation groups after the last epoch.
    pub validation_last: Option<f64>,
}

impl ArmRecord {
    /// The arm of a task on these data, before any loss.
    fn of(task: &TrainTask, dataset: &Dataset) -> Self {
        let settings = &task.settings;
        Self {
            photons: dataset.metadata().photons_requested,
            view: view_of(&dataset.metadata().command),
            gridsize: match settings.model {
                Model::Pinn => settings.gridsize,
                Model::Baseline => 1,
            },
            model: settings.model.to_value().to_string(),
            loss: settings.loss.to_value().to_string(),
            ..Self::default()
        }
    }

    /// Take the losses of a course.
    pub(super) fn take_losses(&mut self, history: &TrainingHistory) {
        let (first, last) = (history.epochs.first(), history.epochs.last());
        self.loss_first = first.and_then(|epoch| epoch.loss);
        self.loss_last = last.and_then(|epoch| epoch.loss);
        self.validation_last = last.and_then(|epoch| epoch.validation);
    }
}

/// The view that `ptychobench overlap --views NAME=F` wrote: the command stands in the metadata of each.
fn view_of(command: &str) -> Option<String> {
    let mut words = command.split_whitespace();
    words.find(|word| *word == "--views")?;
    let (name, _) = words.next()?.split_once('=')?;
    Some(name.to_owned())
}

impl TrainManifest {
    /// The manifest of a training that starts, or goes on, now.
    pub(super) fn begin(
        task: &TrainTask,
        data: &TrainData,
        compute: &Compute,
        start: &Start,
    ) -> Self {
        let now = utc(SystemTime::now());
        let input = |role: &str, path: &Path, dataset: &Dataset| TrainInput {
            role: role.to_owned(),
            input: InputRecord {
                path: Some(std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())),
                content_sha256: dataset.content_sha256(),
                n_patterns: dataset.n_patterns(),
                n: dataset.n(),
                pixel_size_m: dataset.metadata().pixel_size_m,
            },
        };
        let mut inputs = vec![input("train", &task.train, &data.train)];
        if let (Some(path), Some(dataset)) = (&task.validation, &data.validation) {
            inputs.push(input("validation", path, dataset));
        }
        let seed = task.settings.seed;
        let purposes = ["weights", "grouping", "subsampling", "batches"];
        let (started, resumed, seconds_total) = match start {
            Start::New => (now, Vec::new(), 0.0),
            Start::Resumed(earlier) => {
                let mut resumed = earlier.resumed.clone();
                resumed.push(now);
                (earlier.started.clone(), resumed, earlier.seconds_total)
            }
        };
        Self {
            schema: SCHEMA,
            kind: KIND.to_owned(),
            program: "ptychobench".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            state: RunState::Running,
            task: task.clone(),
            arm: ArmRecord::of(task, &data.train),
            inputs,
            outputs: Vec::new(),
            seeds: purposes.map(|purpose| (purpose.to_owned(), seed)).into(),
            device: compute.name().to_owned(),
            device_reason: compute.reason().to_owned(),
            n_threads: compute.n_threads(),
            n_groups: 0,
            n_validation_groups: 0,
            repairs: data.repairs.clone(),
            notes: Vec::new(),
            started,
            resumed,
            ended: None,
            seconds_total,
            samples_per_s: None,
            epochs_done: 0,
            best_epoch: None,
            reason: None,
            error: None,
        }
    }

    /// Record the end, now.
    pub(super) fn end(&mut self, state: RunState) {
        self.state = state;
        self.ended = Some(utc(SystemTime::now()));
    }

    /// Read the manifest of a training.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Refused`] if it is none.
    pub fn read(file: &Path) -> Result<Self> {
        #[derive(Deserialize)]
        struct Kind {
            #[serde(default)]
            kind: String,
        }
        let refused = |found: String| {
            Error::Refused(Box::new(Problem {
                attempted: "read the manifest of a training".to_owned(),
                file: Some(file.to_path_buf()),
                expected: format!("a manifest of a training, schema {SCHEMA}"),
                found,
                fix: "give the folder of a training; -o of a new one is a folder of its own"
                    .to_owned(),
                ..Problem::default()
            }))
        };
        let text = std::fs::read(file).map_err(Error::io("read", file))?;
        let kind: Kind =
            serde_json::from_slice(&text).map_err(|error| refused(error.to_string()))?;
        if kind.kind != KIND {
            return Err(refused("the manifest of another run".to_owned()));
        }
        serde_json::from_slice(&text).map_err(|error| refused(error.to_string()))
    }

    /// The manifest of the training in a folder.
    ///
    /// # Errors
    /// As [`TrainManifest::read`].
    pub fn of_folder(folder: &Path) -> Result<Self> {
        Self::read(&folder.join("manifest.json"))
    }

    /// A file written, as the manifest names it.
    pub fn output(&self, name: &str) -> Option<&OutputRecord> {
        let path = PathBuf::from(name);
        self.outputs.iter().find(|output| output.path == path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_view_is_read_from_the_command_that_made_it() {
        let command = "ptychobench overlap --views dense=0.7 --gridsize 2";
        assert_eq!(view_of(command).as_deref(), Some("dense"));
        assert_eq!(view_of("ptychobench simulate --object lines"), None);
    }
}
