//! What a training would be, worked out off the window's thread.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use ptycho_core::data::{Dataset, Strictness};
use ptycho_core::study::memory::available_bytes;
use ptycho_core::study::train::{TrainPlan, TrainTask, plan};
use ptycho_core::{Error, Result};

use crate::words::problem_words;

/// A dataset that was read for a pre-flight, and the time of its file: another time means another content.
#[derive(Clone)]
pub struct Loaded {
    pub path: PathBuf,
    pub modified: Option<SystemTime>,
    pub dataset: Arc<Dataset>,
}

/// What a plan belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The task but for its run folder, which the plan does not depend on.
    pub task: TrainTask,
    /// The number of the open scan, where its dataset stands for the training file.
    pub scan: Option<u64>,
}

/// What came of it.
pub struct Planned {
    pub request: Request,
    pub plan: Result<TrainPlan, PlanProblem>,
    /// What was read, kept for the next one.
    pub loaded: Vec<Loaded>,
    /// Memory that is free, where the system tells.
    pub free_bytes: Option<u64>,
}

/// Why a training cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanProblem {
    /// The field of the settings that is at fault, in `snake_case`, where there is one.
    pub field: Option<String>,
    /// The whole message.
    pub words: String,
}

impl PlanProblem {
    /// The words of an error, and the field that it names.
    pub fn new(error: &Error) -> Self {
        let key = error.problem().and_then(|problem| problem.key.clone());
        let words = error
            .problem()
            .map_or_else(|| error.to_string(), problem_words);
        Self {
            field: key.map(|key| key.trim_start_matches('-').replace('-', "_")),
            words,
        }
    }
}

impl Planned {
    /// Read what has to be read, and plan.
    pub fn new(request: Request, scan: Option<Arc<Dataset>>, known: Vec<Loaded>) -> Self {
        let mut loaded = Vec::new();
        let made = Self::make(&request.task, scan, &known, &mut loaded);
        Self {
            request,
            plan: made.map_err(|error| PlanProblem::new(&error)),
            loaded,
            free_bytes: available_bytes(),
        }
    }

    fn make(
        task: &TrainTask,
        scan: Option<Arc<Dataset>>,
        known: &[Loaded],
        loaded: &mut Vec<Loaded>,
    ) -> Result<TrainPlan> {
        let train = match scan {
            Some(dataset) => dataset,
            None => read(&task.train, known, loaded)?,
        };
        let validation = match &task.validation {
            Some(path) => Some(read(path, known, loaded)?),
            None => None,
        };
        plan(task, &train, validation.as_ref())
    }
}

/// A dataset, read unless it is known and its file as it was.
fn read(path: &Path, known: &[Loaded], loaded: &mut Vec<Loaded>) -> Result<Arc<Dataset>> {
    let modified = std::fs::metadata(path)
        .and_then(|about| about.modified())
        .ok();
    let is_same = |one: &&Loaded| one.path == path && one.modified == modified;
    let one = match known.iter().find(is_same) {
        Some(one) => one.clone(),
        None => Loaded {
            path: path.to_path_buf(),
            modified,
            dataset: Arc::new(Dataset::open(path, Strictness::Repair)?.dataset),
        },
    };
    let dataset = Arc::clone(&one.dataset);
    loaded.push(one);
    Ok(dataset)
}
