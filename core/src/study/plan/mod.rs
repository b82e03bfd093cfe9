//! What a study comes to: an ordered list of tasks with ids, inputs, keys and reasons for leaving some out.
//!
//! A task's key is the SHA-256 of its kind, of all settings that decide its result, and of the keys of the tasks that it
//! needs: so a changed dose changes the keys of what depends on it and of nothing else. Names, notes, folders, threads and
//! devices are no part of any key.

mod build;
mod estimate;
mod key;
mod names;
mod scans;
mod trial;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Problem, Result};
use crate::metrics::settings::CompareSettings;
use crate::study::compare::Inputs;
use crate::study::design::Study;
use crate::study::generate::GenerateTask;
use crate::study::infer::InferTask;
use crate::study::overlap::OverlapTask;
use crate::study::panels::FigureDesign;
use crate::study::run::ReconstructTask;
use crate::study::train::TrainTask;

pub use estimate::{Estimate, estimate};
pub use names::{dataset_file, dose_word};

/// The schema number of `plan.json`.
pub const SCHEMA: u32 = 1;

/// What a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// Training and test set of one dose.
    Simulate,
    /// One overlap view of one dose.
    View,
    /// One network.
    Train,
    /// One iterative reconstruction of one split.
    Reconstruct,
    /// One reconstruction of one split by a trained network.
    Infer,
    /// All arms of one dose, view and split beside the truth.
    Compare,
    /// One diagnostic scenario.
    Scenario,
    /// The figure and its companions.
    Figure,
}

impl TaskKind {
    /// Every kind, in the order of the work.
    pub const ALL: [Self; 8] = [
        Self::Simulate,
        Self::View,
        Self::Train,
        Self::Reconstruct,
        Self::Infer,
        Self::Compare,
        Self::Scenario,
        Self::Figure,
    ];

    /// What its tasks make, as a heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Simulate => "Datasets",
            Self::View => "Overlap views",
            Self::Train => "Trainings",
            Self::Reconstruct => "Iterative reconstructions",
            Self::Infer => "Reconstructions by networks",
            Self::Compare => "Comparisons",
            Self::Scenario => "Scenarios",
            Self::Figure => "Figure",
        }
    }
}

/// What a task is about: its place in the matrix.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Photons a pattern.
    pub dose: Option<f64>,
    /// View, as `full`.
    pub view: Option<String>,
    /// Arm, as `pinn_nll_gs2`, `baseline`, `lsqml`.
    pub arm: Option<String>,
    /// `train` or `test`.
    pub split: Option<String>,
    /// Patterns along a side of a group.
    pub gridsize: Option<usize>,
}

/// What is to be executed. Paths of files that other tasks make are relative to the study's run folder; others absolute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// A generation of one dose.
    Simulate(Box<GenerateTask>),
    /// One view of one dose.
    View(Box<OverlapTask>),
    /// A training.
    Train(Box<TrainTask>),
    /// An iterative reconstruction.
    Reconstruct(Box<ReconstructTask>),
    /// An inference.
    Infer(Box<InferTask>),
    /// A comparison.
    Compare(Box<CompareWork>),
    /// A scenario by its name.
    Scenario(String),
    /// The figure.
    Figure(Box<FigureDesign>),
}

/// A comparison, self-contained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompareWork {
    /// Truth and arms.
    pub inputs: Inputs,
    /// Region, as `compare --region` takes it.
    pub region: String,
    /// How.
    pub settings: CompareSettings,
}

/// One unit of work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its name and that of its folder, as `train-1e4-full-pinn_nll_gs2`.
    pub id: String,
    /// What it does.
    pub kind: TaskKind,
    /// What it does, in words.
    pub words: String,
    /// Its place in the matrix.
    pub place: Place,
    /// Tasks that it needs.
    pub after: Vec<String>,
    /// SHA-256 of all that decides its result.
    pub key: String,
    /// What is to be executed.
    pub work: Work,
    /// Why it cannot be done, where that is known before.
    pub skip: Option<String>,
    /// Bytes it will write, roughly.
    pub n_bytes: u64,
}

/// A column of the matrix: an arm on a view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// View.
    pub view: String,
    /// Arm.
    pub arm: String,
}

/// What runs: what a dry run prints and what tests compare.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The study, every default filled in.
    pub study: Study,
    /// SHA-256 of all keys: what the study as a whole comes to.
    pub study_sha256: String,
    /// Rows of the matrix: photons a pattern.
    pub doses: Vec<f64>,
    /// Columns of the matrix.
    pub variants: Vec<Variant>,
    /// The tasks; each stands after those that it needs.
    pub tasks: Vec<Task>,
    /// What is worth knowing before the run, in words.
    pub notes: Vec<String>,
}

impl Plan {
    /// The plan of a study; `folder` is that of the study file, for relative paths in it. Nothing is written.
    ///
    /// Views are formed on the positions to be simulated; one that cannot be formed is skipped with its reason, and so is
    /// all that needs it.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] as [`Study::check`]; what reading the base file yields.
    pub fn of(study: &Study, folder: &Path) -> Result<Self> {
        build::build(&study.with_base_in(folder)?)
    }

    /// The task of that id.
    pub fn task(&self, id: &str) -> Option<&Task> {
        self.tasks.iter().find(|task| task.id == id)
    }

    /// The folder of the study's runs.
    pub fn folder(&self, runs: &Path) -> PathBuf {
        runs.join(&self.study.name)
    }

    /// Write `plan.json`.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn save(&self, file: &Path) -> Result<()> {
        crate::disk::write_json(file, self)
    }

    /// Read a `plan.json`.
    ///
    /// # Errors
    /// [`crate::Error::Io`]; [`crate::Error::Refused`] for one of another schema.
    pub fn load(file: &Path) -> Result<Self> {
        let bytes = std::fs::read(file).map_err(Error::io("read the plan", file))?;
        let refuse = |found: String| {
            Error::Refused(Box::new(Problem {
                attempted: "read the plan".to_owned(),
                file: Some(file.to_path_buf()),
                expected: format!("a plan of schema {SCHEMA}, as `study run` writes it"),
                found,
                fix: "make it anew by `ptychobench study run` with the study file".to_owned(),
                ..Problem::default()
            }))
        };
        let value: serde_json::Value =
            serde_json::from_slice(&bytes).map_err(|error| refuse(error.to_string()))?;
        if value["schema"] != SCHEMA {
            return Err(refuse(format!("schema {}", value["schema"])));
        }
        serde_json::from_value(value).map_err(|error| refuse(error.to_string()))
    }
}
