//! The wishes of whoever watches a run.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The wishes of whoever watches, while a plan is executed. Clones share their state.
#[derive(Clone, Debug, Default)]
pub struct Control(Arc<Mutex<Wishes>>);

/// What is wished at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Wishes {
    pub(super) is_paused: bool,
    /// Tasks that are not to be done.
    pub(super) cancelled: Vec<String>,
    /// Tasks to be done before the others, the newest wish last.
    pub(super) first: Vec<String>,
}

impl Control {
    /// Begin no further task until [`Control::go_on`]; what runs goes on.
    pub fn pause(&self) {
        self.wishes().is_paused = true;
    }

    /// End a pause.
    pub fn go_on(&self) {
        self.wishes().is_paused = false;
    }

    /// Take a task off the queue, or stop it where it runs; the others go on.
    pub fn cancel(&self, id: &str) {
        let mut wishes = self.wishes();
        wishes.first.retain(|other| other != id);
        if wishes.cancelled.iter().all(|other| other != id) {
            wishes.cancelled.push(id.to_owned());
        }
    }

    /// Do this task, and what it needs, before all others that wait. One that was cancelled while it waited, or stopped, comes
    /// back.
    pub fn put_first(&self, id: &str) {
        let mut wishes = self.wishes();
        wishes.cancelled.retain(|other| other != id);
        wishes.first.retain(|other| other != id);
        wishes.first.push(id.to_owned());
    }

    pub(super) fn wished(&self) -> Wishes {
        self.wishes().clone()
    }

    fn wishes(&self) -> MutexGuard<'_, Wishes> {
        // A poisoned lock only means that a holder panicked between two plain assignments.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
