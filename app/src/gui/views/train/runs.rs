//! The trainings of this window in a list: how they stand, what they reached, which one is looked at.

use egui::{Grid, RichText, ScrollArea, Sense, Ui, vec2};
use ptycho_core::paint::ticks::value_text;

use super::super::super::command::Command;
use super::super::super::diagnosis::Ask;
use super::super::super::files::Purpose;
use super::super::super::queue::Queue;
use super::super::super::theme;
use super::super::super::training::{Arm, ArmState, Training};
use super::run_bar::{collapse, rate_text, standing};

/// Draw the list.
pub(super) fn runs(
    ui: &mut Ui,
    training: &mut Training,
    queue: &Queue,
    commands: &mut Vec<Command>,
) {
    ui.horizontal_wrapped(|ui| {
        let tip = "Add a training that was kept in its run folder: to compare its losses, go on with it, or use its bundle";
        if ui.button("Add run…").on_hover_text(tip).clicked() {
            commands.push(Command::ChooseForTraining(Purpose::KeptRun));
        }
        if training.arms.is_empty() {
            ui.weak("Trainings of this window are listed here. Queue several arms with ➕.");
        }
    });
    if training.arms.is_empty() {
        return;
    }
    let mut chosen = None;
    ScrollArea::both()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            Grid::new("runs")
                .num_columns(8)
                .striped(true)
                .spacing([1.5 * theme::GAP, theme::GRID])
                .show(ui, |ui| {
                    for words in [
                        "run",
                        "state",
                        "epoch",
                        "loss",
                        "validation",
                        "best",
                        "groups/s",
                        "",
                    ] {
                        let weak = theme::palette(ui).weak;
                        ui.label(RichText::new(words).small().color(weak));
                    }
                    ui.end_row();
                    for (i, arm) in training.arms.iter().enumerate() {
                        if row(ui, (arm, i == training.chosen), queue, commands) {
                            chosen = Some(i);
                        }
                        ui.end_row();
                    }
                });
        });
    if let Some(chosen) = chosen {
        training.choose(chosen);
    }
}

/// True where the run is to be looked at.
fn row(
    ui: &mut Ui,
    (arm, is_chosen): (&Arm, bool),
    queue: &Queue,
    commands: &mut Vec<Command>,
) -> bool {
    let is_asked = ui
        .horizontal(|ui| {
            let (rect, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
            let colour = theme::series_colour(ui, arm.id);
            ui.painter().rect_filled(rect, 2.0, colour);
            ui.selectable_label(is_chosen, &arm.name)
                .on_hover_text(format!("Look at this run\n\n{}", arm.folder().display()))
                .clicked()
        })
        .inner;
    ui.horizontal(|ui| {
        let (icon, words, color) = standing(ui, arm);
        let short = words.split(':').next().unwrap_or_default();
        ui.colored_label(color, format!("{icon} {short}"))
            .on_hover_text(&words);
        collapse(ui, arm);
    });
    let number = |value: Option<f64>| value.map_or_else(|| "—".to_owned(), value_text);
    let last = arm.last();
    let n_epochs = arm.task.settings.epochs;
    ui.monospace(format!("{}/{n_epochs}", arm.history.epochs.len()));
    ui.monospace(number(last.and_then(|epoch| epoch.loss)))
        .on_hover_text(arm.loss_name().to_uppercase());
    ui.monospace(number(last.and_then(|epoch| epoch.validation)));
    ui.monospace(
        arm.history
            .best_epoch
            .map_or_else(|| "—".to_owned(), |epoch| epoch.to_string()),
    )
    .on_hover_text("The epoch that the best bundle is of");
    ui.monospace(rate_text(arm.samples_per_s));
    ui.horizontal(|ui| buttons(ui, arm, queue, commands));
    is_asked
}

fn buttons(ui: &mut Ui, arm: &Arm, queue: &Queue, commands: &mut Vec<Command>) {
    if arm.state == ArmState::Running {
        ui.label("");
        return;
    }
    let tip = if queue.is_waiting(arm.job) {
        "Do not start it, and take it off the list"
    } else {
        "Take it off the list; its run folder stays"
    };
    if arm.is_over() && arm.state != ArmState::Dropped {
        let tip = "What is right and wrong with this run: its course, its data, what it predicts";
        if ui
            .small_button("Diagnose")
            .on_hover_text(tip)
            .accessible_name(format!("Diagnose {}", arm.name))
            .clicked()
        {
            commands.push(Command::Diagnosis(Ask::Of(arm.folder().clone())));
        }
    }
    if ui
        .small_button("✖")
        .on_hover_text(tip)
        .accessible_name(format!("Remove {}", arm.name))
        .clicked()
    {
        commands.push(Command::DropArm(arm.id));
    }
}
