//! What stands in the way of a training, and what is worth knowing before it.

use egui::{Label, ScrollArea, Ui};

use super::super::super::chrome::action_button;
use super::super::super::command::Command;
use super::super::super::document::{Check, CheckState, Document};
use super::super::super::theme;
use super::super::super::training::preflight::preflight as checks;

/// Draw the list.
pub(super) fn preflight(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let training = &document.training;
    let n_threads = document.n_threads;
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            for check in checks(training, &document.scan, n_threads) {
                line(ui, &check, commands);
            }
        });
}

fn line(ui: &mut Ui, check: &Check, commands: &mut Vec<Command>) {
    let palette = theme::palette(ui);
    let (icon, color) = match check.state {
        // Nothing is wrong while it is being looked at.
        CheckState::Blocking if check.text.ends_with('…') => ("⌛", palette.weak),
        CheckState::Good => ("✔", palette.ok),
        CheckState::Warning => ("⚠", palette.warn),
        CheckState::Blocking => ("✖", palette.bad),
    };
    ui.horizontal_wrapped(|ui| {
        ui.colored_label(color, icon);
        ui.add(Label::new(&check.text).wrap().selectable(true));
        if let Some(fix) = check.fix {
            action_button(ui, fix, true, commands);
        }
    });
}
