//! The generation that is being set up, runs, or was the last one.

pub mod command_line;
pub mod doses;
pub mod preflight;
pub mod sketch;
mod sketch_parts;

use std::path::PathBuf;
use std::sync::Arc;

use ptycho_core::study::generate::{
    GenerateOutcome, GeneratePlan, GenerateSnapshot, GenerateTask, Preset, plan,
};

pub use self::doses::DosesDraft;
pub use self::sketch::Sketch;
use super::files::parse_path;

/// What a plan belongs to, and the plan or why there is none.
pub struct Planned {
    /// The task as it would run.
    pub task: GenerateTask,
    /// Generations that had ended when it was made.
    pub n_ended: usize,
    /// What would be written, or the words of what stands in the way.
    pub plan: Result<GeneratePlan, String>,
}

impl Planned {
    /// Look what `task` would write.
    pub fn new(task: GenerateTask, n_ended: usize) -> Self {
        let plan = plan(&task).map_err(|error| error.to_string());
        Self {
            task,
            n_ended,
            plan,
        }
    }
}

/// A generation that has ended well.
pub struct FinishedGeneration {
    pub task: GenerateTask,
    pub outcome: GenerateOutcome,
    pub seconds: f64,
}

/// What the generate view is about.
#[derive(Default)]
pub struct Generation {
    pub task: GenerateTask,
    /// The doses as typed.
    pub doses: DosesDraft,
    /// Number of the pattern that is previewed.
    pub pattern: usize,
    pub sketch: Sketch,
    pub planned: Option<Arc<Planned>>,
    /// The state of the generation that runs or was the last one, with its task.
    pub snapshot: Option<(GenerateTask, GenerateSnapshot)>,
    pub finished: Option<FinishedGeneration>,
    pub failed: Option<String>,
    /// Whether the last one was cancelled.
    pub is_cancelled: bool,
    /// Generations that have ended, well or not: each makes the plan anew.
    pub n_ended: usize,
    /// What the newest sketch was asked for.
    sketched: Option<(GenerateTask, usize)>,
}

impl Generation {
    /// The task as it runs: with a full path.
    pub fn runnable(&self) -> GenerateTask {
        GenerateTask {
            output: self.output(),
            ..self.task.clone()
        }
    }

    /// The folder that gets the datasets, as a full path.
    pub fn output(&self) -> PathBuf {
        let typed = parse_path(&self.task.output.display().to_string());
        std::path::absolute(&typed).unwrap_or(typed)
    }

    /// Take the task of a preset.
    pub fn take_preset(&mut self, preset: Preset) {
        let n_threads = self.task.n_threads;
        self.set_task(GenerateTask {
            n_threads,
            ..preset.task()
        });
    }

    /// Another task altogether: the doses are spelled anew.
    pub fn set_task(&mut self, task: GenerateTask) {
        self.doses.follow(&task.doses);
        self.task = task;
    }

    /// What a new sketch has to show, if the last one was asked for something else.
    pub fn take_sketch_request(&mut self) -> Option<(GenerateTask, usize)> {
        let wanted = (sketched_part(&self.task), self.pattern);
        if self.sketched.as_ref() == Some(&wanted) {
            return None;
        }
        self.sketched = Some(wanted.clone());
        Some(wanted)
    }

    /// What a new plan has to be about, if the last one is about something else.
    pub fn plan_request(&self) -> Option<(GenerateTask, usize)> {
        (!self.is_plan_current()).then(|| (self.runnable(), self.n_ended))
    }

    /// Whether the plan is about the task as it stands.
    pub fn is_plan_current(&self) -> bool {
        self.planned.as_ref().is_some_and(|planned| {
            planned.n_ended == self.n_ended && planned.task == self.runnable()
        })
    }

    /// Forget which sketch was asked for, so that files are read again.
    pub fn look_again(&mut self) {
        self.sketched = None;
        self.planned = None;
    }

    /// The plan, if there is one that could be made.
    pub fn plan(&self) -> Option<&GeneratePlan> {
        self.planned.as_ref()?.plan.as_ref().ok()
    }

    /// The result, if it is of the task as it stands.
    pub fn current_result(&self) -> Option<&FinishedGeneration> {
        let task = self.runnable();
        self.finished
            .as_ref()
            .filter(|finished| finished.task == task)
    }

    /// Whether the last run was of the task as it stands.
    pub fn is_last_run_current(&self) -> bool {
        let last = self.snapshot.as_ref();
        last.is_some_and(|(task, _)| *task == self.runnable())
    }

    /// The training set of the dose numbered `index`, where it is known to be there.
    pub fn train_set(&self, index: usize) -> Option<PathBuf> {
        if let Some(finished) = self.current_result() {
            let files = &finished.outcome.doses.get(index)?.files;
            return files
                .iter()
                .map(|file| &file.path)
                .find(|path| path.file_name().is_some_and(|name| name == "train.npz"))
                .cloned();
        }
        let dose = self
            .plan()
            .filter(|_| self.is_plan_current())?
            .doses
            .get(index)?;
        dose.stages
            .is_empty()
            .then(|| dose.folder.join("train.npz"))
    }
}

/// What of a task is seen in its pictures.
fn sketched_part(task: &GenerateTask) -> GenerateTask {
    let mut seen = GenerateTask {
        output: PathBuf::new(),
        n_threads: 0,
        ..task.clone()
    };
    seen.simulation.patches = true;
    seen.simulation.keep_intermediates = false;
    seen
}
