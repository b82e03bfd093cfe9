//! The run of a study by this window: what it tells, and how it is steered.

use std::sync::Arc;

use ptycho_core::study::execute::{Control, RunOptions, StudySnapshot, TaskState};

use super::plan::PlannedMatrix;

/// A run that is on its way or has ended.
pub struct StudyRun {
    /// What is run; the study may be edited meanwhile.
    pub planned: Arc<PlannedMatrix>,
    pub options: RunOptions,
    pub control: Control,
    pub snapshot: StudySnapshot,
    /// Number of its job.
    pub job: u64,
    /// How it ended: done, stopped, or why it failed.
    pub ended: Option<RunEnd>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// All that can be done is done; so many tasks failed.
    Done(usize),
    /// Stopped by the user.
    Stopped,
    /// It could not go on, for this reason.
    Failed(String),
}

impl StudyRun {
    /// Whether it is on its way.
    pub fn is_running(&self) -> bool {
        self.ended.is_none()
    }

    /// Do a task before the one that stands before it in the queue.
    pub fn move_up(&self, id: &str) {
        let queue = &self.snapshot.queue;
        let Some(at) = queue.iter().position(|other| other == id) else {
            return;
        };
        // The last one put first is first: so the head of the queue is put there from behind.
        let before = at.saturating_sub(1);
        if at != 0 {
            self.control.put_first(&queue[before]);
        }
        self.control.put_first(id);
        for other in queue[..before].iter().rev() {
            self.control.put_first(other);
        }
    }

    /// Cancel all that wait and run, one by one: the run then ends with its report.
    pub fn cancel_all(&self) {
        for status in &self.snapshot.tasks {
            if matches!(status.state, TaskState::Waiting | TaskState::Running(_)) {
                self.control.cancel(&status.id);
            }
        }
    }
}
