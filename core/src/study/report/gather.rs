//! What a study has done so far, read from the records of its tasks.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::error::Result;
use crate::nn::TrainingHistory;
use crate::sim::object::{ObjectContent, ObjectKind};
use crate::study::execute::{TaskRecord, TaskState, status};
use crate::study::plan::{Place, Plan, Task, TaskKind, dose_word};

use super::metrics::Part;

/// A task as it stands.
#[derive(Clone, Debug)]
pub(super) struct Seen<'a> {
    pub(super) task: &'a Task,
    pub(super) state: TaskState,
    pub(super) record: Option<Arc<TaskRecord>>,
    folder: PathBuf,
}

impl Seen<'_> {
    /// The record, if what it tells is of the study as it stands.
    pub(super) fn done(&self) -> Option<&TaskRecord> {
        let is_done = self.state == TaskState::Done;
        self.record.as_deref().filter(|_| is_done)
    }

    /// A file of the task's folder, by its path from the study's.
    pub(super) fn path(&self, file: &Path) -> String {
        slashed(&Path::new(&self.task.id).join(file))
    }

    /// A JSON file of the task's folder, if it is there and can be read.
    pub(super) fn json<T: DeserializeOwned>(&self, file: &str) -> Option<T> {
        let text = std::fs::read(self.folder.join(&self.task.id).join(file)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// The course of a training.
    pub(super) fn history(&self) -> Option<TrainingHistory> {
        self.json("history.json")
    }

    /// A number of the record.
    pub(super) fn number(&self, key: &str) -> Option<f64> {
        let number = self.record.as_ref()?.numbers.get(key).copied()?;
        number.is_finite().then_some(number)
    }

    pub(super) fn is(&self, kinds: &[TaskKind]) -> bool {
        kinds.contains(&self.task.kind)
    }

    pub(super) fn place(&self) -> &Place {
        &self.task.place
    }
}

/// A study with all its tasks as they stand, in the plan's order.
#[derive(Clone, Debug)]
pub(super) struct Gathered<'a> {
    pub(super) plan: &'a Plan,
    /// The study's run folder.
    pub(super) folder: PathBuf,
    pub(super) tasks: Vec<Seen<'a>>,
}

impl<'a> Gathered<'a> {
    pub(super) fn of(plan: &'a Plan, runs: &Path) -> Result<Self> {
        let folder = plan.folder(runs);
        let states = status(plan, runs)?;
        let tasks = plan.tasks.iter().zip(states).map(|(task, status)| Seen {
            task,
            state: status.state,
            record: status.record,
            folder: folder.clone(),
        });
        Ok(Self {
            plan,
            tasks: tasks.collect(),
            folder,
        })
    }

    /// Tasks of some kinds.
    pub(super) fn of_kinds(&self, kinds: &[TaskKind]) -> impl Iterator<Item = &Seen<'a>> {
        let kinds = kinds.to_vec();
        self.tasks.iter().filter(move |seen| seen.is(&kinds))
    }

    /// Tasks of one place of the matrix.
    pub(super) fn at(&self, dose: f64, view: &str, arm: &str) -> impl Iterator<Item = &Seen<'a>> {
        self.tasks.iter().filter(move |seen| {
            let place = seen.place();
            place.dose == Some(dose)
                && place.view.as_deref() == Some(view)
                && place.arm.as_deref() == Some(arm)
        })
    }

    /// The parts of the object that carry its pattern; both of an object from a file.
    pub(super) fn patterned(&self) -> &'static [Part] {
        let study = &self.plan.study;
        if study.base.is_some() || study.object.object == ObjectKind::File {
            return &[Part::Phase, Part::Amplitude];
        }
        match study.object.object_content {
            ObjectContent::Amplitude => &[Part::Amplitude],
            ObjectContent::Phase => &[Part::Phase],
            ObjectContent::Both => &[Part::Phase, Part::Amplitude],
        }
    }
}

/// A path as files and pages name it on every system.
pub(super) fn slashed(path: &Path) -> String {
    let parts = path.components().map(|part| part.as_os_str().display());
    let parts: Vec<String> = parts.map(|part| part.to_string()).collect();
    parts.join("/")
}

/// A place in words: `pinn_nll_gs2 at 1e4, full, test`.
pub(super) fn place_words(place: &Place) -> String {
    let where_: Vec<String> = [
        place.dose.map(dose_word),
        place.view.clone(),
        place.split.clone(),
    ]
    .into_iter()
    .flatten()
    .collect();
    match &place.arm {
        Some(arm) if where_.is_empty() => arm.clone(),
        Some(arm) => format!("{arm} at {}", where_.join(", ")),
        None => where_.join(", "),
    }
}

/// A state in a word.
pub(super) fn state_word(state: &TaskState) -> &'static str {
    match state {
        TaskState::Missing => "not done",
        TaskState::Interrupted => "interrupted",
        TaskState::Stale(_) => "stale",
        TaskState::Done => "done",
        TaskState::Skipped(_) => "skipped",
        TaskState::Failed(_) => "failed",
        TaskState::Blocked(_) => "blocked",
        TaskState::Waiting => "waiting",
        TaskState::Running(_) => "running",
        TaskState::Cancelled => "cancelled",
    }
}

/// Why a task stands so, where its state tells.
pub(super) fn cause(state: &TaskState) -> Option<&str> {
    match state {
        TaskState::Stale(cause)
        | TaskState::Skipped(cause)
        | TaskState::Failed(cause)
        | TaskState::Blocked(cause) => Some(cause),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_words() {
        let place = Place {
            dose: Some(1e4),
            view: Some("dense".to_owned()),
            arm: Some("lsqml".to_owned()),
            split: Some("test".to_owned()),
            gridsize: None,
        };
        assert_eq!(place_words(&place), "lsqml at 1e4, dense, test");
    }
}
