//! The matrix: doses in rows, variants in columns; stages above and below; what all of it comes to.

use egui::{ComboBox, Grid, RichText, ScrollArea, Ui, vec2};

use super::super::super::command::Command;
use super::super::super::generation::doses::dose_text;
use super::super::super::study::matrix::Stage;
use super::super::super::study::{Ask, Studying};
use super::super::super::theme;
use super::cell::{self, cell, chip};
use super::numbers::{metric_text, metric_words, metrics, shown_metric};
use super::state::look;
use super::words::arm_words;

/// Width of the names of rows.
const NAMES: f32 = 24.0 * theme::GRID;

/// Draw stages and matrix; `chosen` is the metric that cells show.
pub(super) fn matrix(
    ui: &mut Ui,
    studying: &Studying,
    chosen: &mut Option<String>,
    commands: &mut Vec<Command>,
) {
    let Some((planned, tasks)) = studying.shown() else {
        ui.centered_and_justified(|ui| match studying.problem() {
            Some(problem) => ui.colored_label(
                theme::palette(ui).bad,
                format!("✖ The study cannot be planned: {}", problem.words),
            ),
            None => ui.label(
                RichText::new("⌛ Looking what the study comes to…").color(theme::palette(ui).weak),
            ),
        });
        return;
    };
    let known = metrics(planned, tasks);
    ui.horizontal_wrapped(|ui| {
        ui.strong("Matrix");
        metric_choice(ui, &known, chosen);
        if !studying.is_plan_current() && studying.own_run().is_none() {
            let words = match studying.problem() {
                Some(_) => "⚠ of the study before the last change",
                None => "⌛ being looked at again…",
            };
            ui.colored_label(theme::palette(ui).warn, words);
        }
        if ui
            .small_button("⟳ Look again")
            .on_hover_text("Compare the files with what the study asks for, by their content")
            .clicked()
        {
            commands.push(Command::Study(Ask::LookAgain));
        }
    });
    let metric = shown_metric(&known, chosen.as_deref());
    // Stages are broken into lines where the window ends, the matrix is scrolled.
    let width = ui.available_width() - 4.0 * theme::GRID;
    ScrollArea::both()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            stages(ui, (studying, width), &planned.matrix.above, commands);
            ui.add_space(theme::GAP);
            if planned.plan.variants.is_empty() {
                ui.weak("No networks and no engines: add trainings or engines in the form.");
            } else {
                cells(ui, (studying, metric), commands);
            }
            ui.add_space(theme::GAP);
            stages(ui, (studying, width), &planned.matrix.below, commands);
            ui.add_space(theme::GAP);
            ui.set_max_width(width);
            legend(ui);
        });
}

fn metric_choice(ui: &mut Ui, known: &[String], chosen: &mut Option<String>) {
    let Some(shown) = shown_metric(known, chosen.as_deref()).map(str::to_owned) else {
        return;
    };
    let mut picked = shown.clone();
    ComboBox::from_id_salt("study metric")
        .selected_text(metric_words(&shown))
        .show_ui(ui, |ui| {
            for metric in known {
                ui.selectable_value(&mut picked, metric.clone(), metric_words(metric))
                    .on_hover_text(metric_text(metric));
            }
        })
        .response
        .on_hover_text("The metric that cells show; ★ marks the best of dose and view")
        .accessible_name("Metric of the cells");
    if picked != shown {
        *chosen = Some(picked);
    }
}

/// Tasks that belong to no variant, a row for each kind.
fn stages(
    ui: &mut Ui,
    (studying, width): (&Studying, f32),
    stages: &[Stage],
    commands: &mut Vec<Command>,
) {
    let Some(shown) = studying.shown() else {
        return;
    };
    for stage in stages {
        ui.horizontal_top(|ui| {
            let title = RichText::new(stage.kind.title()).color(theme::palette(ui).weak);
            ui.allocate_ui(vec2(NAMES, theme::ROW_HEIGHT), |ui| {
                ui.set_min_width(NAMES);
                ui.add(egui::Label::new(title).wrap());
            });
            ui.vertical(|ui| {
                ui.set_max_width((width - NAMES).max(NAMES));
                ui.horizontal_wrapped(|ui| {
                    for task in &stage.tasks {
                        chip(ui, studying, shown, *task, commands);
                    }
                });
            });
        });
    }
}

fn cells(ui: &mut Ui, (studying, metric): (&Studying, Option<&str>), commands: &mut Vec<Command>) {
    let Some(shown) = studying.shown() else {
        return;
    };
    let plan = &shown.0.plan;
    Grid::new("study matrix")
        .num_columns(plan.variants.len() + 1)
        .min_col_width(0.0)
        .spacing([theme::GRID, theme::GRID])
        .show(ui, |ui| {
            ui.label("");
            for variant in &plan.variants {
                ui.vertical(|ui| {
                    ui.set_width(cell::WIDTH);
                    let weak = theme::palette(ui).weak;
                    ui.label(RichText::new(&variant.view).small().color(weak));
                    let words = arm_words(&variant.arm);
                    // What tells arms of one engine apart.
                    let own = plan.study.arm_settings(&variant.view, &variant.arm);
                    let own = own.map_or_else(String::new, |own| format!("\n{own}"));
                    let tip = format!("{words}, on {}: {}{own}", variant.view, variant.arm);
                    ui.add(egui::Label::new(RichText::new(&words).strong()).truncate())
                        .on_hover_text(tip);
                });
            }
            ui.end_row();
            for (row, dose) in plan.doses.iter().enumerate() {
                ui.horizontal(|ui| {
                    ui.set_min_width(NAMES);
                    ui.vertical(|ui| {
                        ui.strong(dose_text(*dose));
                        ui.label(
                            RichText::new("photons/pattern")
                                .small()
                                .color(theme::palette(ui).weak),
                        );
                    });
                });
                for column in 0..plan.variants.len() {
                    cell(ui, (studying, metric), shown, (row, column), commands);
                }
                ui.end_row();
            }
        });
}

/// What the icons mean.
fn legend(ui: &mut Ui) {
    use ptycho_core::job::Progress;
    use ptycho_core::study::execute::TaskState;
    let none = String::new;
    ui.horizontal_wrapped(|ui| {
        for state in [
            TaskState::Missing,
            TaskState::Waiting,
            TaskState::Running(Progress::default()),
            TaskState::Done,
            TaskState::Stale(none()),
            TaskState::Failed(none()),
            TaskState::Skipped(none()),
            TaskState::Blocked(none()),
            TaskState::Interrupted,
            TaskState::Cancelled,
        ] {
            let look = look(ui, &state);
            let words = RichText::new(look.words()).small().color(look.colour);
            ui.label(words)
                .on_hover_text(super::state::meaning(&state).trim_end_matches(": "));
        }
    });
}
