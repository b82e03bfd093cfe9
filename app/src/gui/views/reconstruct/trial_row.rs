//! The row above a trial: start it, stop it, how long each part is to run, how far it is.

use egui::{DragValue, ProgressBar, RichText, Ui};

use super::super::super::command::{Action, Command};
use super::super::super::meter::seconds_text;
use super::super::super::queue::Queue;
use super::super::super::theme;
use super::super::side::{large_button, pressed};

/// What differs from trial to trial.
pub(super) struct TrialRow<'a> {
    /// On the button.
    pub(super) label: &'a str,
    pub(super) tip: String,
    /// What the button sends.
    pub(super) command: Command,
    /// Epochs of each part, with their greatest number, name and tip.
    pub(super) epochs: (&'a mut usize, usize, &'a str, &'a str),
}

impl TrialRow<'_> {
    /// Draw it; `why_not` says why no trial can begin.
    pub(super) fn ui(
        self,
        ui: &mut Ui,
        queue: &Queue,
        why_not: Option<&str>,
        commands: &mut Vec<Command>,
    ) {
        ui.horizontal_wrapped(|ui| {
            let button = large_button(RichText::new(self.label).strong(), 130.0);
            if pressed(ui, button, &self.tip, why_not) {
                commands.push(self.command);
            }
            let tip = "Stop, and keep what there is";
            let is_running = queue.trial().is_some();
            if pressed(
                ui,
                large_button("⏹ Stop", 64.0),
                tip,
                (!is_running).then_some(tip),
            ) {
                commands.push(Command::Do(Action::Stop));
            }
            let (epochs, most, name, tip) = self.epochs;
            let drag = DragValue::new(epochs)
                .range(1..=most)
                .suffix(" epochs each");
            ui.add(drag).accessible_name(name).on_hover_text(tip);
            progress(ui, queue);
        });
    }
}

/// How far a trial is.
fn progress(ui: &mut Ui, queue: &Queue) {
    let Some(row) = queue.trial() else {
        return;
    };
    let words = format!(
        "epoch {} of {}",
        row.progress.epoch.min(row.progress.n_epochs),
        row.progress.n_epochs
    );
    let bar = ProgressBar::new(row.share()).desired_width(40.0 * theme::GRID);
    ui.add(bar.text(words))
        .accessible_name("Progress of the trial");
    ui.weak(format!(
        "elapsed {}",
        seconds_text(row.elapsed.as_secs_f64())
    ));
}
