//! Execute a plan: one task after another, resumed where it was left, with a record for each.
//!
//! ```text
//! runs/<study>/plan.json
//! runs/<study>/<task>/task.json   [manifest.json, history.json, checkpoint/, outputs ...]
//! ```
//!
//! What is done, stale or missing follows from `task.json` and from the files themselves: a task is done where its record
//! has the key of the plan, its inputs are those that it was given (`given.json`), and its outputs have the hashes of the
//! record. An input that was lost and made again the same leaves what was made from it done.
//!
//! A task that was killed or stopped goes on from its checkpoint where it has one; else its folder is cleared and it starts
//! anew. Either way its outputs are those of the straight run, byte for byte. `run.lock` is held while a study runs,
//! `<task>/task.lock` while a task does; the system frees both with the program. `.hashes.json` spares reading large files
//! again that have neither size nor time changed.

mod control;
mod folder;
mod given;
mod hashes;
mod published;
mod runner;
mod schedule;
mod standing;
mod task;
mod watch;
mod work;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::compute::DeviceChoice;
use crate::disk::{self, FileLock};
use crate::error::{Error, Problem, Result};
use crate::job::{Monitor, Progress};
use crate::study::plan::{Plan, TaskKind};
use crate::study::report;
use crate::study::store::{OutputRecord, RunFolder};

pub use self::control::Control;
use self::hashes::Hashes;
use self::published::publish_figures;
use self::runner::Runner;
use self::standing::survey;
use self::task::Doing;

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

impl TaskState {
    /// Its word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Interrupted => "interrupted",
            Self::Stale(_) => "stale",
            Self::Done => "done",
            Self::Skipped(_) => "skipped",
            Self::Failed(_) => "failed",
            Self::Blocked(_) => "blocked",
            Self::Waiting => "waiting",
            Self::Running(_) => "running",
            Self::Cancelled => "cancelled",
        }
    }

    /// Why it is so: cause, reason, or the task that blocks.
    pub fn why(&self) -> Option<String> {
        match self {
            Self::Stale(why) | Self::Skipped(why) | Self::Failed(why) => Some(why.clone()),
            Self::Blocked(by) => Some(format!("needs {by}")),
            _ => None,
        }
    }

    /// How much it is in need of a look, the more the higher: what several tasks together show.
    pub fn gravity(&self) -> u8 {
        match self {
            Self::Running(_) => 9,
            Self::Failed(_) => 8,
            Self::Blocked(_) => 7,
            Self::Interrupted => 6,
            Self::Stale(_) => 5,
            Self::Cancelled => 4,
            Self::Skipped(_) => 3,
            Self::Waiting => 2,
            Self::Missing => 1,
            Self::Done => 0,
        }
    }
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
    let folder = plan.folder(runs);
    let hashes = Hashes::open(&folder);
    let standings = survey(plan, &folder, &hashes)?;
    hashes.save();
    let tasks = plan.tasks.iter().zip(standings);
    Ok(tasks
        .map(|(task, standing)| standing.status(task))
        .collect())
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

impl Selection {
    /// For every task of a plan whether it is selected; what is selected needs its inputs too.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for a word that names nothing of the plan, or words that together leave nothing.
    pub fn of(&self, plan: &Plan) -> Result<Vec<bool>> {
        schedule::wanted(plan, self)
    }
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
    let folder = plan.folder(&options.runs);
    let wanted = options.selection.of(plan)?;
    let folder = RunFolder::at(&folder)?.path().to_path_buf();
    let lock = FileLock::take(&folder.join(LOCK))?;
    let _lock = lock.ok_or_else(|| is_running(&folder, "the study"))?;
    disk::remove_abandoned(&folder);
    plan.save(&folder.join("plan.json"))?;
    disk::write(&folder.join("study.toml"), plan.study.text().as_bytes())?;
    let runner = Runner::new(plan, options, (folder.clone(), wanted))?;
    let (tasks, is_stopped) = runner.run(control, monitor)?;
    if !is_stopped {
        publish_figures(plan, &folder, &tasks)?;
        report::write(plan, &options.runs)?;
    }
    Ok(StudyOutcome {
        tasks,
        is_stopped,
        folder,
    })
}

/// Held locked while a program runs the study.
const LOCK: &str = "run.lock";

/// Two programs in one folder would clear each other's files.
fn is_running(folder: &Path, what: &str) -> Error {
    Error::Refused(Box::new(Problem {
        attempted: format!("run {what}"),
        file: Some(folder.to_path_buf()),
        expected: "that nobody else does".to_owned(),
        found: "a program that is at it".to_owned(),
        fix: "wait for it, or give another --runs".to_owned(),
        ..Problem::default()
    }))
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
    let place = plan.tasks.iter().position(|task| task.id == id);
    let Some(place) = place else {
        let expected = "the id of a task of the plan";
        let error = Error::invalid("run a task", "id", expected, id);
        return Err(error.with_fix("see them by: ptychobench study status"));
    };
    let folder = RunFolder::at(folder)?.path().to_path_buf();
    let hashes = Hashes::open(&folder);
    let standings = survey(plan, &folder, &hashes)?;
    hashes.save();
    let (task, standing) = (&plan.tasks[place], &standings[place]);
    if let (TaskState::Done, Some(record)) = (&standing.state, &standing.record) {
        return Ok(TaskRecord::clone(record));
    }
    if let TaskState::Skipped(reason) = &standing.state {
        return Err(Error::invalid(
            "run a task",
            id,
            "one that can be done",
            reason,
        ));
    }
    let inputs = standing::inputs(plan, task, &standings).map_err(|needed| {
        let expected = format!("{needed} done");
        let found = "that it is not";
        let fix = format!("run {needed} first");
        Error::invalid("run a task", id, expected, found).with_fix(fix)
    })?;
    let doing = Doing {
        plan,
        task,
        folder: &folder,
        inputs,
        device,
        n_threads,
    };
    doing.execute(monitor)
}
