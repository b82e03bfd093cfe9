//! What runs and what waits, in the order in which it will be done; each can be put first or taken off.

use egui::{Grid, ProgressBar, RichText, ScrollArea, Ui};
use ptycho_core::job::Progress;
use ptycho_core::paint::ticks::value_text;
use ptycho_core::study::execute::TaskState;
use ptycho_core::study::plan::TaskKind;

use super::super::super::command::Command;
use super::super::super::meter::seconds_text;
use super::super::super::study::{Ask, StudyRun, Studying};
use super::super::super::theme;
use crate::units::bytes_text;

/// Draw the list.
pub(super) fn queue(ui: &mut Ui, studying: &Studying, run: &StudyRun, commands: &mut Vec<Command>) {
    let snapshot = &run.snapshot;
    ui.horizontal_wrapped(|ui| {
        ui.strong("Queue");
        ui.label(format!("{} waiting", snapshot.queue.len()));
        if snapshot.is_paused {
            ui.colored_label(
                theme::palette(ui).warn,
                "⏸ paused: no further task is begun",
            );
        }
        let tip = "Take all off the queue and stop what runs; the next run does them";
        if ui.small_button("Cancel all").on_hover_text(tip).clicked() {
            commands.push(Command::Study(Ask::CancelAll));
        }
    });
    ScrollArea::both()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            Grid::new("study queue")
                .num_columns(6)
                .striped(true)
                .spacing([theme::GAP, theme::GRID])
                .show(ui, |ui| {
                    for status in &snapshot.tasks {
                        if let TaskState::Running(progress) = &status.state {
                            running(ui, (run, &status.id), progress, commands);
                            ui.end_row();
                        }
                    }
                    for (i, id) in snapshot.queue.iter().enumerate() {
                        waiting(ui, studying, (run, i, id), commands);
                        ui.end_row();
                    }
                });
        });
}

fn cancel(ui: &mut Ui, id: &str, tip: &str, commands: &mut Vec<Command>) {
    let button = ui.small_button("✖ Cancel").on_hover_text(tip);
    if button.accessible_name(format!("Cancel {id}")).clicked() {
        commands.push(Command::Study(Ask::Cancel(id.to_owned())));
    }
}

fn running(
    ui: &mut Ui,
    (run, id): (&StudyRun, &str),
    progress: &Progress,
    commands: &mut Vec<Command>,
) {
    ui.colored_label(theme::palette(ui).accent, "▶");
    let words = run
        .planned
        .plan
        .task(id)
        .map_or("", |task| task.words.as_str());
    ui.label(RichText::new(id).strong()).on_hover_text(words);
    let share = if progress.n_epochs == 0 {
        0.0
    } else {
        progress.share()
    };
    let bar = ProgressBar::new(share as f32).desired_width(40.0 * theme::GRID);
    ui.add(bar.text(format!("{:.0} %", 100.0 * share)))
        .accessible_name(format!("Progress of {id}"));
    let losses = run
        .snapshot
        .losses
        .get(id)
        .and_then(|losses| losses.last().copied());
    // Other kinds of tasks have no loss to tell.
    let kind = run.planned.plan.task(id).map(|task| task.kind);
    let makes_loss = matches!(kind, Some(TaskKind::Train | TaskKind::Reconstruct));
    let told = Some(progress.loss).filter(|loss| loss.is_finite());
    let loss = losses.or(told).filter(|_| makes_loss);
    ui.monospace(loss.map_or_else(String::new, |loss| format!("loss {}", value_text(loss))));
    let epochs = if progress.n_epochs == 0 {
        String::new()
    } else {
        format!("{}/{}", progress.epoch, progress.n_epochs)
    };
    ui.monospace(epochs);
    cancel(
        ui,
        id,
        "Stop this task after the present step; the others go on",
        commands,
    );
}

fn waiting(
    ui: &mut Ui,
    studying: &Studying,
    (run, i, id): (&StudyRun, usize, &str),
    commands: &mut Vec<Command>,
) {
    let task = run.planned.plan.task(id);
    ui.label(RichText::new(format!("{}", i + 1)).color(theme::palette(ui).weak));
    ui.label(id)
        .on_hover_text(task.map_or("", |task| task.words.as_str()));
    let estimate = studying
        .estimated
        .as_ref()
        .and_then(|one| one.estimates.get(id));
    let time = estimate.map_or_else(String::new, |one| {
        format!("about {}", seconds_text(one.seconds))
    });
    ui.label(RichText::new(time).color(theme::palette(ui).weak));
    let size = task.map_or_else(String::new, |task| bytes_text(task.n_bytes));
    ui.label(RichText::new(size).color(theme::palette(ui).weak));
    ui.horizontal(|ui| {
        ui.add_enabled_ui(i != 0, |ui| {
            let first = ui
                .small_button("First")
                .on_hover_text("Do it, and what it needs, before all others");
            if first.accessible_name(format!("Put {id} first")).clicked() {
                commands.push(Command::Study(Ask::PutFirst(id.to_owned())));
            }
            let up = ui
                .small_button("⬆")
                .on_hover_text("Do it before the one above");
            if up.accessible_name(format!("Move {id} up")).clicked() {
                commands.push(Command::Study(Ask::MoveUp(id.to_owned())));
            }
        });
    });
    cancel(
        ui,
        id,
        "Take it off the queue; the next run does it",
        commands,
    );
}
