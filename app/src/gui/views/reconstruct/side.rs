//! The right side: run, stop, continue; how far it is; what stands in the way; the parameters.

use egui::{Grid, RichText, ScrollArea, Ui};
use ptycho_core::iterative::Rise;
use ptycho_core::job::{JobState, StopReason};
use ptycho_core::study::store::RunFolder;

use super::super::super::chrome::action_button;
use super::super::super::command::{Action, Command};
use super::super::super::diagnosis::Ask;
use super::super::super::document::Document;
use super::super::super::meter::seconds_text;
use super::super::super::preferences::Preferences;
use super::super::super::queue::{Queue, Row};
use super::super::super::reconstruction::command_line::continue_command;
use super::super::super::theme;
use super::super::side::{check_line, large_button, pressed};
use super::parameters::parameters;

/// Which of the actions can do anything now.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is on or off by itself")]
pub struct Permissions {
    pub run: bool,
    pub stop: bool,
    pub resume: bool,
    pub save: bool,
    pub export: bool,
    /// Why nothing can be computed now; empty where it can.
    pub busy: &'static str,
}

/// Draw the side.
pub(super) fn side(
    ui: &mut Ui,
    document: &mut Document,
    (queue, preferences): (&Queue, &mut Preferences),
    permissions: Permissions,
    commands: &mut Vec<Command>,
) {
    ui.add_space(4.0);
    ui.horizontal_wrapped(|ui| {
        let why_not = (!permissions.run).then(|| blocking_words(document, permissions));
        let run = large_button(RichText::new("▶ Run").strong(), 72.0);
        let tip = "Reconstruct with these parameters (F5)";
        if pressed(ui, run, tip, why_not.as_deref()) {
            commands.push(Command::Do(Action::Run));
        }
        let tip = "Stop after the present step and keep the result so far (Ctrl+.)";
        let why_not = (!permissions.stop).then_some(tip);
        if pressed(ui, large_button("⏹ Stop", 64.0), tip, why_not) {
            commands.push(Command::Do(Action::Stop));
        }
        action_button(
            ui,
            Action::CopyAsCommand,
            document.scan.source.is_some(),
            commands,
        );
    });
    continue_row(ui, document, permissions, commands);
    let row = queue.reconstruction();
    progress(ui, document, row.as_ref());
    ui.separator();
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            result(ui, document, permissions, commands);
            preflight(ui, document, commands);
            parameters(ui, document, preferences, row.is_some(), commands);
        });
}

/// Go on: the same engine from its checkpoint, another one from the result.
fn continue_row(
    ui: &mut Ui,
    document: &mut Document,
    permissions: Permissions,
    commands: &mut Vec<Command>,
) {
    ui.horizontal_wrapped(|ui| {
        action_button(ui, Action::Continue, permissions.resume, commands);
        ui.add_enabled_ui(permissions.resume, |ui| {
            let drag = egui::DragValue::new(&mut document.more_epochs)
                .range(1..=100_000)
                .suffix(" more epochs");
            ui.add(drag)
                .on_hover_text("Epochs that Continue adds")
                .accessible_name("More epochs");
        });
    });
    let Some(finished) = document.finished().filter(|_| permissions.resume) else {
        return;
    };
    let words = if finished.engine == document.engine {
        "Goes on from the checkpoint, with the last run's settings.".to_owned()
    } else {
        let (before, now) = (finished.engine.title(), document.engine.title());
        format!("Goes on from the result of {before} with {now} and the parameters below.")
    };
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(words).small().weak());
        let copy = ui
            .small_button("Copy")
            .on_hover_text("Copy the command line that goes on in the same way")
            .accessible_name("Copy Continue as command");
        if copy.clicked()
            && let Some(text) = continue_command(document)
        {
            commands.push(Command::CopyText(text));
        }
    });
}

fn blocking_words(document: &Document, permissions: Permissions) -> String {
    if permissions.stop {
        return "A reconstruction is running.".to_owned();
    }
    if !permissions.busy.is_empty() {
        return permissions.busy.to_owned();
    }
    document.blocking().unwrap_or_default()
}

fn progress(ui: &mut Ui, document: &Document, row: Option<&Row>) {
    let run = &document.run;
    if row.is_none() && run.course.loss.is_empty() {
        return;
    }
    let progress = row.map_or(run.progress, |row| row.progress);
    let share = progress.share() as f32;
    let state = match row.map(|row| &row.state) {
        Some(JobState::Stopping) => "stopping…".to_owned(),
        Some(_) if progress.n_epochs == 0 => "starting…".to_owned(),
        Some(_) => format!(
            "epoch {} of {}",
            progress.epoch.min(progress.n_epochs),
            progress.n_epochs
        ),
        None => format!(
            "{} epochs done",
            document
                .finished()
                .map_or(run.course.loss.len(), |finished| finished.n_epochs)
        ),
    };
    ui.add(egui::ProgressBar::new(share).text(state));
    let spent: f64 = run.course.seconds_per_epoch.iter().sum();
    let elapsed = row.map_or(spent, |row| row.elapsed.as_secs_f64());
    let loss = run.course.loss.last().copied();
    Grid::new("progress")
        .num_columns(4)
        .spacing([10.0, 2.0])
        .show(ui, |ui| {
            let cells = [
                (
                    "loss",
                    loss.map_or_else(|| "—".to_owned(), |loss| format!("{loss:.5}")),
                ),
                ("rate", rate_text(progress.rate_per_s)),
                ("elapsed", seconds_text(elapsed)),
                (
                    "remaining",
                    row.map_or_else(|| "—".to_owned(), |row| remaining_text(document, row)),
                ),
            ];
            for (i, (name, value)) in cells.into_iter().enumerate() {
                ui.label(RichText::new(name).weak());
                ui.monospace(value);
                if i % 2 == 1 {
                    ui.end_row();
                }
            }
        });
}

fn rate_text(rate_per_s: f64) -> String {
    if rate_per_s > 0.0 {
        format!("{rate_per_s:.0} patterns/s")
    } else {
        "—".to_owned()
    }
}

/// Remaining epochs times the mean of the last ten; nothing is said before three epochs are known.
fn remaining_text(document: &Document, row: &Row) -> String {
    let seconds = &document.run.course.seconds_per_epoch;
    if seconds.len() < 3 {
        return "—".to_owned();
    }
    let last = &seconds[seconds.len().saturating_sub(10)..];
    let mean_s = last.iter().sum::<f64>() / last.len() as f64;
    let left = row.progress.n_epochs as f64 * (1.0 - row.progress.share());
    seconds_text(mean_s * left)
}

fn result(ui: &mut Ui, document: &Document, permissions: Permissions, commands: &mut Vec<Command>) {
    let Some(finished) = document.finished() else {
        return;
    };
    let (icon, words, color) = match &finished.reason {
        StopReason::Finished => ("✔", "Finished".to_owned(), theme::palette(ui).ok),
        StopReason::Cancelled => (
            "⏹",
            "Stopped; the result so far is kept".to_owned(),
            ui.visuals().warn_fg_color,
        ),
        StopReason::TimedOut => (
            "⏹",
            "Out of time; the result so far is kept".to_owned(),
            ui.visuals().warn_fg_color,
        ),
        StopReason::Diverged { epoch, why } => (
            "✖",
            format!("Diverged in epoch {epoch}: {why}; the last good state is kept"),
            ui.visuals().error_fg_color,
        ),
    };
    ui.horizontal_wrapped(|ui| {
        ui.colored_label(color, icon);
        ui.label(words);
    });
    if let Some(rise) = Rise::of(&finished.reconstruction.loss) {
        ui.horizontal_wrapped(|ui| {
            ui.colored_label(theme::palette(ui).warn, "⚠");
            ui.label(rise.words());
        });
    }
    ui.add(egui::Label::new(RichText::new(finished.computed_by()).weak()).wrap());
    let folder = finished.run_folder.display().to_string();
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new("Kept in").weak());
        ui.add(
            egui::Label::new(RichText::new(&folder).monospace())
                .wrap()
                .selectable(true),
        );
    });
    ui.horizontal_wrapped(|ui| {
        if ui.button("Open folder").clicked() {
            commands.push(Command::OpenFolder(finished.run_folder.clone()));
        }
        let tip = "What is right and wrong with this run: its course, its data, what it predicts";
        if ui.button("Diagnose").on_hover_text(tip).clicked() {
            let ask = Ask::Of(finished.run_folder.clone());
            commands.push(Command::Diagnosis(ask));
        }
        if ui.button("Copy path").clicked() {
            commands.push(Command::CopyText(folder));
        }
        let tip = "Put it beside the truth and other reconstructions, in the Compare view";
        if ui.button("Compare this").on_hover_text(tip).clicked()
            && let Ok(folder) = RunFolder::open(&finished.run_folder)
        {
            commands.push(Command::AddToComparison(vec![folder.result_file()]));
        }
        action_button(ui, Action::SaveResultAs, permissions.save, commands);
        action_button(ui, Action::ExportPane, permissions.export, commands);
    });
    ui.separator();
}

fn preflight(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    ui.strong("Before the run");
    for check in document.preflight() {
        check_line(ui, &check, commands);
    }
    ui.separator();
}
