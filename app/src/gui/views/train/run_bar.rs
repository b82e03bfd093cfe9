//! Train, stop, resume, queue; how far it is, how fast, how long still, on which device.

use egui::{DragValue, Label, ProgressBar, RichText, Ui};
use ptycho_core::job::{JobState, StopReason};

use super::super::super::chrome::action_button;
use super::super::super::command::{Action, Command};
use super::super::super::document::{CheckState, Document};
use super::super::super::meter::seconds_text;
use super::super::super::queue::{Lane, Queue, Row};
use super::super::super::theme;
use super::super::super::training::preflight::preflight;
use super::super::super::training::{Arm, ArmState, Training};
use super::super::side::{large_button, open_folder_button, pressed};
use crate::words::with_separators;

/// Draw the bar.
pub(super) fn run_bar(
    ui: &mut Ui,
    document: &mut Document,
    queue: &Queue,
    commands: &mut Vec<Command>,
) {
    ui.add_space(4.0);
    let blocking = blocking_words(document);
    ui.horizontal_wrapped(|ui| {
        train_button(ui, blocking.as_deref(), queue, commands);
        let tip = "Train with these settings after the trainings that run and wait";
        if pressed(
            ui,
            large_button("➕ Queue arm", 88.0),
            tip,
            blocking.as_deref(),
        ) {
            commands.push(Command::QueueArm);
        }
        stop_buttons(ui, document, queue, commands);
        resume(ui, &mut document.training, commands);
        open_folder(ui, &document.training, commands);
        action_button(ui, Action::CopyAsCommand, true, commands);
    });
    state(ui, document, queue, blocking.as_deref());
    ui.add_space(2.0);
}

fn blocking_words(document: &Document) -> Option<String> {
    let checks = preflight(&document.training, &document.scan, document.n_threads);
    let mut blocking = checks
        .into_iter()
        .filter(|check| check.state == CheckState::Blocking);
    blocking.next().map(|check| check.text)
}

fn train_button(ui: &mut Ui, blocking: Option<&str>, queue: &Queue, commands: &mut Vec<Command>) {
    let busy = queue.is_busy(Lane::Compute).then(|| queue.busy_words());
    let train = large_button(RichText::new("▶ Train").strong(), 80.0);
    let tip = "Train with these settings (F5)";
    if pressed(ui, train, tip, blocking.or(busy)) {
        commands.push(Command::Do(Action::Train));
    }
}

fn stop_buttons(ui: &mut Ui, document: &Document, queue: &Queue, commands: &mut Vec<Command>) {
    let row = queue.training().or_else(|| queue.inference());
    let tip = "Stop after the present step and keep what was learnt; a training that waits is next (Ctrl+.)";
    let why_not = row.is_none().then_some(tip);
    if pressed(ui, large_button("⏹ Stop", 64.0), tip, why_not) {
        commands.push(Command::Do(Action::Stop));
    }
    let is_waiting = |arm: &Arm| arm.state == ArmState::Waiting;
    let n_waiting = document
        .training
        .arms
        .iter()
        .filter(|arm| is_waiting(arm))
        .count();
    if row.is_some() && 0 < n_waiting {
        let tip = format!("Stop, and do not start the {n_waiting} that wait");
        if pressed(ui, large_button("Stop all", 64.0), &tip, None) {
            commands.push(Command::StopArms);
        }
    }
}

fn resume(ui: &mut Ui, training: &mut Training, commands: &mut Vec<Command>) {
    let problem = training.resume_problem();
    let done = training.arm().map_or(0, |arm| arm.history.epochs.len());
    let is_done = training.resume_epochs <= done;
    let why_not = problem.or(is_done.then_some("All those epochs are done: ask for more."));
    let tip = "Go on with the chosen training from its checkpoint, in its run folder (Shift+F5)";
    if pressed(ui, large_button("↻ Resume", 72.0), tip, why_not) {
        commands.push(Command::Do(Action::Continue));
    }
    ui.add_enabled_ui(problem.is_none(), |ui| {
        let drag = DragValue::new(&mut training.resume_epochs)
            .range(1..=1_000_000)
            .prefix("to epoch ");
        ui.add(drag)
            .on_hover_text("Epochs in all up to which Resume goes")
            .accessible_name("Epochs to resume to");
    });
}

fn open_folder(ui: &mut Ui, training: &Training, commands: &mut Vec<Command>) {
    let folder = training.arm().map(|arm| arm.folder().clone());
    let tip = "Show the run folder of the chosen training in the file manager";
    let why_not = "The run folder is made when a training starts";
    open_folder_button(ui, folder, (tip, why_not), commands);
}

/// How far, how it ended, or what stands in the way.
fn state(ui: &mut Ui, document: &Document, queue: &Queue, blocking: Option<&str>) {
    let palette = theme::palette(ui);
    let training = &document.training;
    if let Some(row) = queue.inference() {
        return inferring(ui, &row);
    }
    if let Some(row) = queue.training() {
        let arm = training.arms.iter().find(|arm| arm.job == row.id);
        return running(ui, arm, &row);
    }
    if let Some(words) = blocking {
        ui.horizontal_wrapped(|ui| {
            if words.ends_with('…') {
                ui.colored_label(palette.weak, "⌛");
            } else {
                ui.colored_label(palette.warn, "⚠");
            }
            ui.add(Label::new(words).wrap());
        });
        return;
    }
    if let Some(arm) = training.arm().filter(|arm| arm.is_over()) {
        return ended(ui, arm);
    }
    let plan = training
        .planned
        .as_ref()
        .and_then(|planned| planned.plan.as_ref().ok());
    let words = plan.map_or_else(
        || "Ready to train.".to_owned(),
        |plan| {
            let time = plan.seconds_estimated.map_or_else(String::new, |seconds| {
                format!(", about {}", seconds_text(seconds))
            });
            format!(
                "Ready to train: {} steps{time} on {}.",
                with_separators(plan.n_steps),
                plan.device
            )
        },
    );
    ui.label(RichText::new(words).color(palette.weak));
}

fn running(ui: &mut Ui, arm: Option<&Arm>, row: &Row) {
    let palette = theme::palette(ui);
    let progress = row.progress;
    let share = row.share();
    let words = match row.state {
        JobState::Stopping => "stopping…".to_owned(),
        _ if progress.n_epochs == 0 => "starting…".to_owned(),
        _ => format!(
            "epoch {} of {}",
            (progress.epoch + 1).min(progress.n_epochs),
            progress.n_epochs
        ),
    };
    ui.horizontal_wrapped(|ui| {
        ui.style_mut().wrap_mode = Some(egui::TextWrapMode::Extend);
        let width = (ui.available_width() - 135.0 * theme::GRID).max(36.0 * theme::GRID);
        ui.add(ProgressBar::new(share).desired_width(width).text(words))
            .accessible_name("Progress of the training");
        let weak = |ui: &mut Ui, words: String| ui.label(RichText::new(words).color(palette.weak));
        ui.label(format!(
            "elapsed {}",
            seconds_text(row.elapsed.as_secs_f64())
        ));
        let remaining = arm.and_then(Arm::remaining_s);
        let remaining = remaining.map_or_else(|| "—".to_owned(), seconds_text);
        weak(ui, format!("remaining {remaining}"));
        let rate = arm.map_or(0.0, |arm| arm.samples_per_s);
        weak(ui, format!("{} groups/s", rate_text(rate)));
        if let Some(device) = arm.and_then(Arm::device) {
            weak(ui, format!("on {device}"));
        }
        if let Some(arm) = arm {
            collapse(ui, arm);
        }
    });
}

/// Three digits are enough for a rate.
pub(super) fn rate_text(rate_per_s: f64) -> String {
    match rate_per_s {
        100.0.. => format!("{rate_per_s:.0}"),
        10.0.. => format!("{rate_per_s:.1}"),
        rate if 0.0 < rate => format!("{rate:.2}"),
        _ => "—".to_owned(),
    }
}

fn inferring(ui: &mut Ui, row: &Row) {
    ui.horizontal_wrapped(|ui| {
        let share = row.share();
        let bar = ProgressBar::new(share).desired_width(60.0 * theme::GRID);
        ui.add(bar.text("reconstructing"))
            .accessible_name("Progress of the reconstruction");
        ui.label(format!(
            "elapsed {}",
            seconds_text(row.elapsed.as_secs_f64())
        ));
    });
}

/// A network that draws a flat image is told wherever its run is.
pub(super) fn collapse(ui: &mut Ui, arm: &Arm) {
    if let Some(epoch) = arm.history.epochs.iter().find(|epoch| epoch.collapsed) {
        let words = format!("⚠ collapsed in epoch {}", epoch.epoch);
        let tip = "The network draws a flat image whatever the pattern is, and learns no more. Try another seed, a lower learning rate or some warm-up epochs.";
        ui.colored_label(theme::palette(ui).bad, words)
            .on_hover_text(tip);
    }
}

/// Icon, words and colour of how an arm stands.
pub(super) fn standing(ui: &Ui, arm: &Arm) -> (&'static str, String, egui::Color32) {
    let palette = theme::palette(ui);
    match &arm.state {
        ArmState::Waiting => ("·", "waiting".to_owned(), palette.weak),
        ArmState::Running => ("▶", "running".to_owned(), palette.accent),
        ArmState::Dropped => ("⏹", "not started".to_owned(), palette.warn),
        ArmState::Failed(words) => ("✖", format!("failed: {words}"), palette.bad),
        ArmState::Ended(reason) => match reason {
            StopReason::Finished => ("✔", "finished".to_owned(), palette.ok),
            StopReason::Cancelled => ("⏹", "stopped".to_owned(), palette.warn),
            StopReason::TimedOut => ("⏹", "out of time".to_owned(), palette.warn),
            StopReason::Diverged { epoch, why } => (
                "✖",
                format!("diverged in epoch {epoch}: {why}"),
                palette.bad,
            ),
        },
    }
}

fn ended(ui: &mut Ui, arm: &Arm) {
    ui.horizontal_wrapped(|ui| {
        let (icon, words, color) = standing(ui, arm);
        ui.colored_label(color, icon);
        ui.label(format!("{}: {words}", arm.name));
        if let Some(ended) = &arm.ended {
            ui.label(format!(
                "{} epochs in {}, {} groups/s on {}",
                arm.history.epochs.len(),
                seconds_text(ended.seconds_total),
                rate_text(arm.samples_per_s),
                ended.device
            ));
        }
        collapse(ui, arm);
    });
}
