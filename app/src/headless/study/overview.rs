//! A plan as tables: what will be done, how long, how large, and what cannot be done.

use std::fmt::Write as _;
use std::path::Path;

use ptycho_core::disk;
use ptycho_core::study::execute::{TaskState, TaskStatus};
use ptycho_core::study::plan::{Estimate, Plan, Task, TaskKind};

use super::super::inspect::columns;
use super::states;
use crate::units::{bytes_text, seconds_text};

/// A plan with what is known of its tasks.
pub(super) struct Overview<'a> {
    pub(super) plan: &'a Plan,
    /// Of every task, in the plan's order.
    pub(super) states: &'a [TaskStatus],
    /// None where nothing was tried.
    pub(super) estimates: &'a [Estimate],
    pub(super) runs: &'a Path,
}

impl Overview<'_> {
    /// Tasks, totals, matrix, notes, and at the end what cannot be done and why.
    pub(super) fn text(&self) -> String {
        let mut text = self.tasks();
        text.push_str(&self.totals());
        if !self.plan.variants.is_empty() {
            let matrix = states::matrix(self.plan, self.states);
            // Writing to a string cannot fail.
            let _ = writeln!(text, "\n{matrix}");
        }
        for note in &self.plan.notes {
            let _ = writeln!(text, "note: {note}");
        }
        text.push_str(&self.skips());
        text
    }

    fn with_states(&self) -> impl Iterator<Item = (&Task, &TaskState)> {
        let states = self.states.iter().map(|status| &status.state);
        self.plan.tasks.iter().zip(states)
    }

    fn estimate(&self, task: &Task) -> Option<&Estimate> {
        let of_task = |estimate: &&Estimate| estimate.id == task.id;
        self.estimates.iter().find(of_task)
    }

    fn tasks(&self) -> String {
        let row = |(task, state): (&Task, &TaskState)| {
            let number = |words: fn(&Estimate) -> String| {
                let estimate = self.estimate(task);
                estimate.map_or_else(|| "-".to_owned(), words)
            };
            vec![
                task.id.clone(),
                state.word().to_owned(),
                number(|estimate| seconds_text(estimate.seconds)),
                number(|estimate| bytes_text(estimate.memory_bytes)),
                bytes_text(task.n_bytes),
                task.words.clone(),
            ]
        };
        let head = ["TASK", "STATE", "TIME", "MEMORY", "WRITES", "WHAT"];
        columns(&head, self.with_states().map(row))
    }

    fn totals(&self) -> String {
        let is_open = |(task, state): &(&Task, &TaskState)| {
            task.skip.is_none() && !matches!(state, TaskState::Done)
        };
        let open: Vec<&Task> = self
            .with_states()
            .filter(is_open)
            .map(|(task, _)| task)
            .collect();
        let is_done = |(_, state): &(&Task, &TaskState)| matches!(state, TaskState::Done);
        let n_done = self.with_states().filter(is_done).count();
        let n_skipped = self
            .plan
            .tasks
            .iter()
            .filter(|task| task.skip.is_some())
            .count();
        let n_bytes: u64 = open.iter().map(|task| task.n_bytes).sum();
        let estimates = open.iter().filter_map(|task| self.estimate(task));
        let seconds: f64 = estimates.map(|estimate| estimate.seconds).sum();
        let time = if self.estimates.is_empty() || open.is_empty() {
            String::new()
        } else {
            format!(" about {},", seconds_text(seconds))
        };
        let free = disk::free_bytes(self.runs)
            .map_or_else(String::new, |free| format!(" of {} free", bytes_text(free)));
        format!(
            "{} of {} tasks to do, {n_done} done, {n_skipped} skipped;{time} {}{free} in {}\n",
            open.len(),
            self.plan.tasks.len(),
            bytes_text(n_bytes),
            self.plan.folder(self.runs).display()
        )
    }

    fn skips(&self) -> String {
        let skipped = self.plan.tasks.iter().filter_map(|task| {
            let reason = task.skip.as_ref()?;
            Some((task, reason))
        });
        let mut text = String::new();
        for (task, reason) in skipped {
            // What needs a view that cannot be formed has the reason of the view.
            let of_view = task.kind != TaskKind::View && reason.contains("cannot be formed: ");
            let reason = match reason.split_once(": ") {
                Some((what, _)) if of_view => what,
                _ => reason,
            };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "cannot be done: {}: {reason}", task.id);
        }
        text
    }
}
