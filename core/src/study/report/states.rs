//! Where tasks stand, by their records alone; until the runner tells by hashes of files too.

use std::path::Path;
use std::sync::Arc;

use crate::error::Result;
use crate::study::execute::{Ended, TaskRecord, TaskState, TaskStatus};
use crate::study::plan::{Plan, Task};

pub(super) fn status(plan: &Plan, runs: &Path) -> Result<Vec<TaskStatus>> {
    let folder = plan.folder(runs);
    let mut all: Vec<TaskStatus> = Vec::new();
    for task in &plan.tasks {
        let text = std::fs::read(folder.join(&task.id).join("task.json")).unwrap_or_default();
        let record: Option<TaskRecord> = serde_json::from_slice(&text).ok();
        let own = state(task, record.as_ref());
        let is_bad = |id: &String| {
            let other = all.iter().find(|status| status.id == *id);
            other.is_some_and(|other| {
                matches!(other.state, TaskState::Failed(_) | TaskState::Blocked(_))
            })
        };
        let blocker = task.after.iter().find(|id| is_bad(id));
        let state = match (own, blocker) {
            (TaskState::Missing, Some(id)) => TaskState::Blocked(id.clone()),
            (own, _) => own,
        };
        all.push(TaskStatus {
            id: task.id.clone(),
            state,
            record: record.map(Arc::new),
        });
    }
    Ok(all)
}

fn state(task: &Task, record: Option<&TaskRecord>) -> TaskState {
    if let Some(reason) = &task.skip {
        return TaskState::Skipped(reason.clone());
    }
    let Some(record) = record else {
        return TaskState::Missing;
    };
    if record.key != task.key {
        return TaskState::Stale("its settings or inputs have changed".to_owned());
    }
    match &record.ended {
        Ended::Running | Ended::Stopped => TaskState::Interrupted,
        Ended::Done => TaskState::Done,
        Ended::Failed(cause) => TaskState::Failed(cause.clone()),
        Ended::Skipped(reason) => TaskState::Skipped(reason.clone()),
    }
}
