//! What a running study tells a terminal: a line when a task begins or ends, and one that redraws itself.

use std::sync::{Mutex, PoisonError};

use ptycho_core::job::{Monitor, Progress, Stop};
use ptycho_core::study::execute::{StudySnapshot, TaskState, TaskStatus};
use ptycho_core::study::plan::Plan;

use super::super::progress::Terminal;
use super::super::{Session, say};
use super::states;

/// Tells of a study on standard error.
pub(super) struct Teller<'a> {
    plan: &'a Plan,
    is_quiet: bool,
    line: Terminal,
    /// The states told last, by place in the plan.
    told: Mutex<Vec<Option<&'static str>>>,
}

impl<'a> Teller<'a> {
    pub(super) fn new(session: &Session, plan: &'a Plan) -> Self {
        Self {
            plan,
            is_quiet: session.is_quiet,
            line: Terminal::new(session, &plan.study.name),
            told: Mutex::default(),
        }
    }

    pub(super) fn clear(&self) {
        self.line.clear();
    }

    fn line_of(&self, place: usize, status: &TaskStatus) -> Option<String> {
        let id = &status.id;
        let state = &status.state;
        match state {
            TaskState::Running(_) => {
                let words = self
                    .plan
                    .tasks
                    .get(place)
                    .map_or("", |task| task.words.as_str());
                Some(format!("{id}: {words}"))
            }
            TaskState::Done => {
                let record = status.record.as_ref()?;
                let loss = states::loss(status);
                let loss = loss.map_or_else(String::new, |loss| format!(", loss {loss}"));
                Some(format!("{id}: done in {:.1} s{loss}", record.seconds))
            }
            TaskState::Failed(cause) => Some(format!("{id}: failed: {cause}")),
            TaskState::Skipped(reason) => Some(format!("{id}: skipped: {reason}")),
            TaskState::Blocked(by) => Some(format!("{id}: cannot be done, it needs {by}")),
            TaskState::Cancelled | TaskState::Interrupted => {
                Some(format!("{id}: stopped; goes on from there next time"))
            }
            TaskState::Waiting | TaskState::Missing | TaskState::Stale(_) => None,
        }
    }
}

impl Monitor<StudySnapshot> for Teller<'_> {
    fn stop(&self) -> &Stop {
        Monitor::<()>::stop(&self.line)
    }

    fn progress(&self, progress: Progress) {
        Monitor::<()>::progress(&self.line, progress);
    }

    fn snapshot(&self, snapshot: StudySnapshot) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = told.is_empty();
        told.resize(snapshot.tasks.len(), None);
        for (place, status) in snapshot.tasks.iter().enumerate() {
            let word = status.state.word();
            // A task that was short has ended before anybody heard of it; at the beginning only what runs is news.
            let before = told[place].replace(word);
            let is_news = match &status.state {
                TaskState::Running(_) => before != Some(word),
                // One that was left by an earlier run and not begun by this one is no news.
                TaskState::Interrupted => before == Some("running"),
                _ => !is_first && before != Some(word),
            };
            if is_news
                && !self.is_quiet
                && let Some(line) = self.line_of(place, status)
            {
                self.line.clear();
                say(line);
            }
        }
    }
}
