//! How the state of a task looks: icon, word and colour, never the colour alone.

use egui::{Color32, Ui};
use ptycho_core::study::execute::TaskState;
use ptycho_core::study::plan::TaskKind;

use super::super::super::theme;

/// A state as it is shown.
pub(super) struct Look {
    pub icon: &'static str,
    pub word: String,
    pub colour: Color32,
}

impl Look {
    /// Icon and word.
    pub(super) fn words(&self) -> String {
        format!("{} {}", self.icon, self.word)
    }
}

/// Icon, word and colour of a state.
pub(super) fn look(ui: &Ui, state: &TaskState) -> Look {
    let palette = theme::palette(ui);
    let (icon, colour) = match state {
        TaskState::Missing => ("·", palette.weak),
        TaskState::Interrupted => ("↻", palette.warn),
        TaskState::Stale(_) => ("⚠", palette.warn),
        TaskState::Done => ("✔", palette.ok),
        TaskState::Skipped(_) => ("–", palette.weak),
        TaskState::Failed(_) => ("✖", palette.bad),
        TaskState::Blocked(_) => ("🚫", palette.bad),
        TaskState::Waiting => ("⌛", palette.weak),
        TaskState::Cancelled => ("⏹", palette.warn),
        TaskState::Running(_) => ("▶", palette.accent),
    };
    let word = match state {
        TaskState::Running(progress) if progress.n_epochs != 0 => {
            format!("{:.0} %", 100.0 * progress.share())
        }
        other => other.word().to_owned(),
    };
    Look { icon, word, colour }
}

/// What a state means, with its cause.
pub(super) fn meaning(state: &TaskState) -> String {
    match state {
        TaskState::Missing => "Not done yet.".to_owned(),
        TaskState::Interrupted => {
            "Begun and left: it goes on from its checkpoint with the next run.".to_owned()
        }
        TaskState::Stale(why) => format!("Done, but no longer up to date: {why}"),
        TaskState::Done => "Done, with these settings.".to_owned(),
        TaskState::Skipped(why) => format!("Cannot be done: {why}"),
        TaskState::Failed(why) => format!("Failed: {why}"),
        TaskState::Blocked(why) => format!("Cannot be done before what it needs: {why}"),
        TaskState::Waiting => "Waits for its turn.".to_owned(),
        TaskState::Cancelled => "Taken off the queue; the next run does it.".to_owned(),
        TaskState::Running(_) => "Being done now.".to_owned(),
    }
}

/// Where a click on a task of this kind leads.
pub(super) fn leads_to(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::Simulate | TaskKind::View => "Open in the Data view",
        TaskKind::Train | TaskKind::Scenario => "Open in the Train view",
        TaskKind::Reconstruct | TaskKind::Infer | TaskKind::Compare => "Open in the Compare view",
        TaskKind::Figure => "Open the Figure view",
    }
}
