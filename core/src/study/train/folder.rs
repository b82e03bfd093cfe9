//! The folder of a training: never used for two of them.

use std::path::{Path, PathBuf};

use crate::disk::{self, FileLock};
use crate::error::{Error, Problem, Result};
use crate::nn::TrainingHistory;
use crate::study::store::{RECORD_FILES, RunFolder, RunState};

use super::manifest::TrainManifest;
use super::{ATTEMPTED, TrainData, TrainTask};

/// Held locked while a training writes into the folder; gone when it ends.
const LOCK: &str = "run.lock";

/// Where a training begins.
pub(super) enum Start {
    /// In a folder that is new, or holds nothing that could be lost.
    New,
    /// From the checkpoint of this earlier training.
    Resumed(Box<TrainManifest>),
}

impl Start {
    /// Look at the output folder; nothing is written.
    pub(super) fn of(task: &TrainTask, data: &TrainData) -> Result<Self> {
        let output = &task.output;
        if output.exists() && !output.is_dir() {
            return Err(refuse(task, "a folder", "a file", "give another -o"));
        }
        let is_training = output.join("manifest.json").is_file();
        if !is_training {
            if task.resume {
                let fix = "train once without --resume";
                return Err(refuse(task, "the folder of a training", "none", fix));
            }
            let entries = std::fs::read_dir(output).into_iter().flatten().flatten();
            let other = entries
                .map(|entry| entry.file_name())
                .find(|name| name != LOCK && RECORD_FILES.iter().all(|record| name != record));
            return match other {
                None => Ok(Self::New),
                Some(name) => {
                    let found = format!("a folder with other files, as {}", name.display());
                    let fix = "give another -o: a training has a folder of its own";
                    Err(refuse(task, "a new or empty folder", &found, fix))
                }
            };
        }
        let manifest = TrainManifest::read(&output.join("manifest.json"))?;
        let has_checkpoint = TrainFolder::checkpoint_in(output).is_file();
        if task.resume {
            return resumed(task, data, manifest, has_checkpoint);
        }
        if !has_checkpoint && manifest.state != RunState::Ended {
            return Ok(Self::New);
        }
        let found = format!("a training of {} epochs", manifest.epochs_done);
        let fix = "give --resume to go on from it, or another -o";
        Err(refuse(task, "a new or empty folder", &found, fix))
    }
}

fn resumed(
    task: &TrainTask,
    data: &TrainData,
    manifest: TrainManifest,
    has_checkpoint: bool,
) -> Result<Start> {
    if !has_checkpoint {
        let fix = "train once without --resume";
        return Err(refuse(task, "a checkpoint", "none", fix));
    }
    let found = data.train.content_sha256();
    let recorded = manifest.inputs.iter().find(|input| input.role == "train");
    if let Some(recorded) = recorded
        && recorded.input.content_sha256 != found
    {
        let expected = format!("content {}", recorded.input.content_sha256);
        let error = Error::invalid("resume a training", "train", expected, found);
        let fix = "give the data that the training began with";
        return Err(error.with_fix(fix).with_file(&task.train));
    }
    Ok(Start::Resumed(Box::new(manifest)))
}

fn refuse(task: &TrainTask, expected: &str, found: &str, fix: &str) -> Error {
    Error::Invalid(Box::new(Problem {
        attempted: ATTEMPTED.to_owned(),
        file: Some(task.output.clone()),
        key: Some("output".to_owned()),
        expected: expected.to_owned(),
        found: found.to_owned(),
        fix: fix.to_owned(),
        rule: None,
    }))
}

/// The folder of a training that is under way.
pub(super) struct TrainFolder {
    folder: RunFolder,
    _lock: FileLock,
}

impl TrainFolder {
    /// Make or reopen the folder and write the manifest.
    pub(super) fn create(task: &TrainTask, manifest: &TrainManifest) -> Result<Self> {
        let output = &task.output;
        std::fs::create_dir_all(output).map_err(Error::io("make the folder", output))?;
        let lock = lock(task)?;
        disk::write_json(&output.join("manifest.json"), manifest)?;
        Ok(Self {
            folder: RunFolder::open(output)?,
            _lock: lock,
        })
    }

    /// As the folders of other runs.
    pub(super) fn run_folder(&self) -> &RunFolder {
        &self.folder
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The trainer's whole state.
    pub(super) fn checkpoint_file(&self) -> PathBuf {
        Self::checkpoint_in(self.path())
    }

    /// The checkpoint in a folder.
    pub(super) fn checkpoint_in(folder: &Path) -> PathBuf {
        folder.join("checkpoint").join("state.safetensors")
    }

    pub(super) fn write_manifest(&self, manifest: &TrainManifest) -> Result<()> {
        disk::write_json(&self.folder.manifest_file(), manifest)
    }

    pub(super) fn write_history(&self, history: &TrainingHistory) -> Result<()> {
        disk::write_json(&self.folder.history_file(), history)
    }
}

/// Two trainings in one folder would overwrite each other's results.
fn lock(task: &TrainTask) -> Result<FileLock> {
    FileLock::take(&task.output.join(LOCK))?.ok_or_else(|| {
        let found = "a training that is running";
        let fix = "wait for it, or give another -o";
        refuse(task, "a folder that no other training writes", found, fix)
    })
}
