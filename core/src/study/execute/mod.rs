//! Execute a plan: one task after another, resumed where it was left, with a record for each.
//!
//! ```text
//! runs/<study>/plan.json
//! runs/<study>/<task>/task.json   [manifest.json, history.json, checkpoint/, outputs ...]
//! ```
//!
//! What is done, stale or missing follows from `task.json` and from the files themselves: a task is done where its record
//! has the key of the plan and its outputs have the hashes of the record.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::compute::DeviceChoice;
use crate::error::Result;
use crate::job::{Monitor, Progress};
use crate::study::plan::{Plan, TaskKind};
use crate::study::store::OutputRecord;

/// The schema number of `task.json`.
pub const SCHEMA: u32 = 1;

/// How a task's record ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Begun and not ended; a killed program leaves this behind.
    Running,
    /// Ended well.
    Done,
    /// Ended by an error, with its words.
    Failed(String),
    /// It could not be done, with the reason; no fault.
    Skipped(String),
    /// Stopped by the user; goes on from its checkpoint.
    Stopped,
}

/// `task.json`: what was done, with what, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskRecord {
    /// [`SCHEMA`].
    pub schema: u32,
    /// `ptychobench` and its version.
    pub version: String,
    /// The task.
    pub id: String,
    /// What it does.
    pub kind: TaskKind,
    /// [`crate::study::plan::Task::key`] that it was executed for.
    pub key: String,
    /// How it ended.
    pub ended: Ended,
    /// Files made, relative to the task's folder; the same for an interrupted and an uninterrupted run.
    pub outputs: Vec<OutputRecord>,
    /// Numbers for the matrix and the summary, by key: `loss_first`, `loss_last`, `validation_last`, and of a comparison
    /// `<arm>.<metric>.phase` and so on.
    pub numbers: BTreeMap<String, f64>,
    /// What is worth knowing, in words.
    pub notes: Vec<String>,
    /// Seeds by purpose.
    pub seeds: BTreeMap<String, u64>,
    /// Device that computed, and why.
    pub device: [String; 2],
    /// Threads that computed.
    pub n_threads: usize,
    /// Start, UTC.
    pub started: String,
    /// End, UTC.
    pub finished: Option<String>,
    /// Seconds in all, those before a resume included.
    pub seconds: f64,
}

/// Where a task stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// Never done.
    Missing,
    /// Begun before and left; goes on from its checkpoint.
    Interrupted,
    /// Done, but settings, inputs or files have changed since: in words what.
    Stale(String),
    /// Done.
    Done,
    /// It cannot be done, with the reason.
    Skipped(String),
    /// It failed, with the cause.
    Failed(String),
    /// A task that it needs failed or was cancelled: which.
    Blocked(String),
    /// It waits for its turn.
    Waiting,
    /// It runs.
    Running(Progress),
    /// Taken off the queue by the user.
    Cancelled,
}

/// A task as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskStatus {
    /// The task.
    pub id: String,
    /// Where it stands.
    pub state: TaskState,
    /// The record of its last execution, if there is one.
    pub record: Option<Arc<TaskRecord>>,
}

/// Every task of a plan as it stands, in the plan's order.
///
/// # Errors
/// [`crate::Error::Io`].
pub fn status(plan: &Plan, runs: &Path) -> Result<Vec<TaskStatus>> {
    let _ = (plan, runs);
    unimplemented!("execute")
}

/// Which tasks of a plan are wanted; what they need is done too.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Selection {
    /// A kind or an id.
    pub only: Vec<String>,
    /// Photons a pattern.
    pub doses: Vec<f64>,
    /// Views.
    pub views: Vec<String>,
    /// Patterns along a side of a group.
    pub gridsizes: Vec<usize>,
}

/// How a plan is executed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunOptions {
    /// The folder that holds `<study>/`.
    pub runs: PathBuf,
    /// What of the plan.
    pub selection: Selection,
    /// Tasks at a time.
    pub n_jobs: usize,
    /// Threads of all together; 0 = one for each core.
    pub n_threads: usize,
    /// Device.
    pub device: DeviceChoice,
}

/// What a window or a terminal shows of a running study.
#[derive(Clone, Debug, Default)]
pub struct StudySnapshot {
    /// Every task, in the plan's order.
    pub tasks: Vec<TaskStatus>,
    /// Ids of those that wait, in the order in which they will be done.
    pub queue: Vec<String>,
    /// Whether no further task is begun.
    pub is_paused: bool,
    /// Loss of every epoch so far, of the tasks that run, by id.
    pub losses: BTreeMap<String, Arc<Vec<f64>>>,
}

/// The wishes of whoever watches, while a plan is executed. Clones share their state.
#[derive(Clone, Debug, Default)]
pub struct Control(Arc<std::sync::Mutex<Wishes>>);

#[derive(Debug, Default)]
struct Wishes {
    is_paused: bool,
    cancelled: Vec<String>,
    first: Vec<String>,
}

impl Control {
    /// Begin no further task until [`Control::go_on`]; what runs goes on.
    pub fn pause(&self) {
        let _ = &self.0;
        unimplemented!("execute")
    }

    /// End a pause.
    pub fn go_on(&self) {
        unimplemented!("execute")
    }

    /// Take a task off the queue, or stop it where it runs; the others go on.
    pub fn cancel(&self, id: &str) {
        let _ = id;
        unimplemented!("execute")
    }

    /// Do this task, and what it needs, before all others that wait.
    pub fn put_first(&self, id: &str) {
        let _ = id;
        unimplemented!("execute")
    }
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct StudyOutcome {
    /// Every task as it stands.
    pub tasks: Vec<TaskStatus>,
    /// Whether somebody stopped it.
    pub is_stopped: bool,
    /// The study's folder.
    pub folder: PathBuf,
}

/// Execute what of a plan is not done yet, then write the report ([`crate::study::report::write`]).
///
/// A failed task does not stop the others; what needs it is blocked. A stop lets the running task write its checkpoint.
/// Two runs of one study at a time are refused.
///
/// # Errors
/// [`crate::Error::Invalid`] for a selection that names nothing; [`crate::Error::Io`] where the study's folder cannot be
/// written; [`crate::Error::Refused`] while another process runs the study.
pub fn run(
    plan: &Plan,
    options: &RunOptions,
    control: &Control,
    monitor: &dyn Monitor<StudySnapshot>,
) -> Result<StudyOutcome> {
    let _ = (plan, options, control, monitor);
    unimplemented!("execute")
}

/// Execute one task of a plan whose inputs are there; `folder` is the study's run folder.
///
/// # Errors
/// [`crate::Error::Invalid`] for an unknown id or inputs that are not done; what the task yields.
pub fn run_task(
    plan: &Plan,
    id: &str,
    folder: &Path,
    (device, n_threads): (DeviceChoice, usize),
    monitor: &dyn Monitor<Vec<f64>>,
) -> Result<TaskRecord> {
    let _ = (plan, id, folder, device, n_threads, monitor);
    unimplemented!("execute")
}
