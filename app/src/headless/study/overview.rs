//! A plan as tables: what will be done, how long, how large, and what cannot be done.

use std::fmt::Write as _;
use std::path::Path;

use ptycho_core::disk;
use ptycho_core::study::execute::{TaskState, TaskStatus};
use ptycho_core::study::plan::{Estimate, Place, Plan, Task, TaskKind, dose_word};

use super::super::inspect::columns;
use crate::units::{bytes_text, seconds_text};

/// A plan with what is known of its tasks.
pub(super) struct Overview<'a> {
    pub(super) plan: &'a Plan,
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
            text.push_str(&self.matrix());
        }
        for note in &self.plan.notes {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "note: {note}");
        }
        text.push_str(&self.skips());
        text
    }

    fn state(&self, task: &Task) -> Option<&TaskState> {
        let of_task = |status: &&TaskStatus| status.id == task.id;
        self.states.iter().find(of_task).map(|status| &status.state)
    }

    fn estimate(&self, task: &Task) -> Option<&Estimate> {
        self.estimates
            .iter()
            .find(|estimate| estimate.id == task.id)
    }

    /// Whether there is anything left to do.
    fn is_open(&self, task: &Task) -> bool {
        task.skip.is_none() && !matches!(self.state(task), Some(TaskState::Done))
    }

    fn tasks(&self) -> String {
        let row = |task: &Task| {
            let time = self
                .estimate(task)
                .map_or_else(|| "-".to_owned(), |estimate| seconds_text(estimate.seconds));
            let memory = self.estimate(task).map_or_else(
                || "-".to_owned(),
                |estimate| bytes_text(estimate.memory_bytes),
            );
            let is_skipped = task.skip.is_some();
            vec![
                task.id.clone(),
                self.state(task).map_or("missing", word).to_owned(),
                if is_skipped { "-".to_owned() } else { time },
                if is_skipped { "-".to_owned() } else { memory },
                bytes_text(task.n_bytes),
                task.words.clone(),
            ]
        };
        let head = ["TASK", "STATE", "TIME", "MEMORY", "WRITES", "WHAT"];
        columns(&head, self.plan.tasks.iter().map(row))
    }

    fn totals(&self) -> String {
        let open: Vec<&Task> = self
            .plan
            .tasks
            .iter()
            .filter(|task| self.is_open(task))
            .collect();
        let n_done = self
            .plan
            .tasks
            .iter()
            .filter(|task| matches!(self.state(task), Some(TaskState::Done)))
            .count();
        let n_skipped = self
            .plan
            .tasks
            .iter()
            .filter(|task| task.skip.is_some())
            .count();
        let n_bytes: u64 = open.iter().map(|task| task.n_bytes).sum();
        let seconds: f64 = open
            .iter()
            .filter_map(|task| self.estimate(task))
            .map(|estimate| estimate.seconds)
            .sum();
        let time = if self.estimates.is_empty() {
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

    /// Doses by variants: where each stands.
    fn matrix(&self) -> String {
        let variants = &self.plan.variants;
        let names = variants
            .iter()
            .map(|variant| format!("{}/{}", variant.view, variant.arm));
        let head: Vec<String> = std::iter::once("DOSE".to_owned()).chain(names).collect();
        let head: Vec<&str> = head.iter().map(String::as_str).collect();
        let row = |dose: &f64| {
            let mut row = vec![dose_word(*dose)];
            row.extend(variants.iter().map(|variant| {
                let place = Place {
                    dose: Some(*dose),
                    view: Some(variant.view.clone()),
                    arm: Some(variant.arm.clone()),
                    ..Place::default()
                };
                self.cell(&place)
            }));
            row
        };
        format!("\n{}\n", columns(&head, self.plan.doses.iter().map(row)))
    }

    /// The least advanced of the tasks of an arm.
    fn cell(&self, place: &Place) -> String {
        let is_here = |task: &&Task| {
            let of = [TaskKind::Train, TaskKind::Reconstruct, TaskKind::Infer];
            of.contains(&task.kind)
                && task.place.dose == place.dose
                && task.place.view == place.view
                && task.place.arm == place.arm
        };
        let mut open = self.plan.tasks.iter().filter(is_here);
        let undone = open.find(|task| !matches!(self.state(task), Some(TaskState::Done)));
        let Some(task) = undone else {
            return "done".to_owned();
        };
        match (&task.skip, self.state(task)) {
            (Some(_), _) => "skipped",
            (None, Some(state)) => word(state),
            (None, None) => "missing",
        }
        .to_owned()
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

/// A state in a word.
pub(in crate::headless) fn word(state: &TaskState) -> &'static str {
    match state {
        TaskState::Missing => "missing",
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
