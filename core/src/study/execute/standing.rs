//! Where every task stands, from its record, its inputs and its files.

use std::path::Path;
use std::sync::Arc;

use super::folder::TaskFolder;
use super::given::{Given, Input, Inputs, why_stale};
use super::hashes::Hashes;
use super::{Ended, TaskRecord, TaskState, TaskStatus};
use crate::disk;
use crate::error::Result;
use crate::job::Progress;
use crate::study::plan::{Plan, Task};

/// Where a task stands.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub(super) state: TaskState,
    pub(super) record: Option<Arc<TaskRecord>>,
}

impl Standing {
    pub(super) fn status(self, task: &Task) -> TaskStatus {
        TaskStatus {
            id: task.id.clone(),
            state: self.state,
            record: self.record,
        }
    }

    /// What the task has come to, if it is done.
    pub(super) fn input(&self) -> Option<Input> {
        match (&self.state, &self.record) {
            (TaskState::Done, Some(record)) => Some(Input {
                key: record.key.clone(),
                sha256: digest(record),
            }),
            _ => None,
        }
    }
}

/// SHA-256 over names and hashes of the outputs.
fn digest(record: &TaskRecord) -> String {
    let lines = record
        .outputs
        .iter()
        .map(|output| format!("{}\0{}\n", output.path.display(), output.sha256));
    disk::sha256_hex(lines.collect::<String>().as_bytes())
}

/// Where every task of a plan stands, in the plan's order.
///
/// # Errors
/// [`crate::Error::Io`] for outputs that cannot be read.
pub(super) fn survey(plan: &Plan, folder: &Path, hashes: &Hashes) -> Result<Vec<Standing>> {
    let mut standings: Vec<Standing> = Vec::with_capacity(plan.tasks.len());
    for task in &plan.tasks {
        let standing = stand(plan, task, &standings, (folder, hashes))?;
        standings.push(standing);
    }
    Ok(standings)
}

/// What the tasks that this one needs have come to; `earlier` are the standings of the plan's first tasks.
///
/// # Errors
/// The id of one that is not done.
pub(super) fn inputs<'a>(
    plan: &Plan,
    task: &'a Task,
    earlier: &[Standing],
) -> std::result::Result<Inputs, &'a str> {
    let input = |id: &'a String| match of(plan, id, earlier).and_then(Standing::input) {
        Some(input) => Ok((id.clone(), input)),
        None => Err(id.as_str()),
    };
    task.after.iter().map(input).collect()
}

fn of<'a>(plan: &Plan, id: &str, earlier: &'a [Standing]) -> Option<&'a Standing> {
    let place = plan.tasks.iter().position(|task| task.id == id)?;
    earlier.get(place)
}

/// Where a task stands, given those before it.
pub(super) fn stand(
    plan: &Plan,
    task: &Task,
    earlier: &[Standing],
    (study, hashes): (&Path, &Hashes),
) -> Result<Standing> {
    let folder = TaskFolder::new(study, &task.id);
    let record = folder.record().map(Arc::new);
    let as_is = |state: TaskState| Standing {
        state,
        record: record.clone(),
    };
    if let Some(reason) = &task.skip {
        return Ok(as_is(TaskState::Skipped(reason.clone())));
    }
    if let Some(state) = from_needed(plan, task, earlier) {
        return Ok(as_is(state));
    }
    let Some(record) = &record else {
        return Ok(as_is(TaskState::Missing));
    };
    if folder.is_held() && matches!(record.ended, Ended::Running) {
        return Ok(as_is(TaskState::Running(Progress::default())));
    }
    let given = folder.given();
    if record.key != task.key {
        let key_of = |id: &str| plan.task(id).map(|task| task.key.as_str());
        return Ok(as_is(TaskState::Stale(why_stale(
            given.as_ref(),
            task,
            key_of,
        ))));
    }
    let state = match &record.ended {
        Ended::Running | Ended::Stopped => TaskState::Interrupted,
        Ended::Failed(cause) => TaskState::Failed(cause.clone()),
        Ended::Skipped(_) | Ended::Done => {
            let changed = match inputs(plan, task, earlier) {
                Err(id) => Some(format!("its input {id} is not done any more")),
                Ok(now) => changed_input(given.as_ref(), &now),
            };
            match (changed, &record.ended) {
                (Some(why), _) => TaskState::Stale(why),
                (None, Ended::Skipped(reason)) => TaskState::Skipped(reason.clone()),
                (None, _) => {
                    damage(record, folder.path(), hashes)?.map_or(TaskState::Done, TaskState::Stale)
                }
            }
        }
    };
    Ok(as_is(state))
}

/// What a task that this one needs decides for it: one that was skipped or has failed.
fn from_needed(plan: &Plan, task: &Task, earlier: &[Standing]) -> Option<TaskState> {
    task.after
        .iter()
        .find_map(|id| match &of(plan, id, earlier)?.state {
            TaskState::Skipped(reason) => Some(skipped_with(id, reason)),
            TaskState::Failed(_) => Some(TaskState::Blocked(id.clone())),
            TaskState::Blocked(by) => Some(TaskState::Blocked(by.clone())),
            _ => None,
        })
}

/// What needs a skipped task is skipped too.
pub(super) fn skipped_with(id: &str, reason: &str) -> TaskState {
    let is_told = reason.contains(" is skipped: ");
    TaskState::Skipped(if is_told {
        reason.to_owned()
    } else {
        format!("{id} is skipped: {reason}")
    })
}

/// Which input is another than the one that was taken.
fn changed_input(given: Option<&Given>, now: &Inputs) -> Option<String> {
    let Some(given) = given else {
        return Some("nothing tells of what it was made (given.json is gone)".to_owned());
    };
    let mut ids = now.iter();
    let (id, _) = ids.find(|(id, input)| given.inputs.get(*id) != Some(input))?;
    Some(format!("its input {id} has changed"))
}

/// Which output is not what the record says.
fn damage(record: &TaskRecord, folder: &Path, hashes: &Hashes) -> Result<Option<String>> {
    for output in &record.outputs {
        let name = output.path.display();
        match hashes.of(&folder.join(&output.path))? {
            None => return Ok(Some(format!("{name} is gone"))),
            Some((sha256, n_bytes)) if (&sha256, n_bytes) != (&output.sha256, output.n_bytes) => {
                return Ok(Some(format!(
                    "{name} is not what was written: its content has changed"
                )));
            }
            Some(_) => {}
        }
    }
    Ok(None)
}
