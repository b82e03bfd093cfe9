//! What stands in the way of a training, and what is worth knowing before it.

use egui::{ScrollArea, Ui};

use super::super::super::command::Command;
use super::super::super::document::Document;
use super::super::super::training::preflight::preflight as checks;
use super::super::side::check_line;

/// Draw the list.
pub(super) fn preflight(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let training = &document.training;
    let n_threads = document.n_threads;
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            for check in checks(training, &document.scan, n_threads) {
                check_line(ui, &check, commands);
            }
        });
}
