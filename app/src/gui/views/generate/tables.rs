//! The tiles with words and numbers: probe report, pre-flight, photons and stages of every dose.

use egui::{Grid, RichText, ScrollArea, Ui};
use ptycho_core::paint::ticks::value_text;
use ptycho_core::sim::probe::ProbeStatistics;
use ptycho_core::study::generate::{PlannedDose, Stage, StageState};

use super::super::super::command::Command;
use super::super::super::generation::doses::dose_text;
use super::super::super::generation::preflight::preflight as checks;
use super::super::super::generation::{Generation, Sketch};
use super::super::super::meter::seconds_text;
use super::super::super::queue::Queue;
use super::super::super::theme;
use super::super::data::mode_selector;
use super::super::side::check_line;

/// The stage in a word.
pub(super) fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Simulate => "Simulate",
        Stage::Canonicalise => "Canonicalise",
        Stage::Patches => "Patches",
        Stage::Split => "Split",
        Stage::Validate => "Validate",
    }
}

fn heading(ui: &mut Ui, words: &str) {
    ui.label(RichText::new(words).small().color(theme::palette(ui).weak));
}

fn figure(ui: &mut Ui, words: impl Into<String>) {
    ui.monospace(words.into());
}

/// Power, width and both normalisations of the probe.
pub(super) fn probe_report(ui: &mut Ui, sketch: &Sketch, mode: &mut usize) {
    let Some(probe) = &sketch.probe else {
        ui.weak("The report follows the probe.");
        return;
    };
    let report = &probe.report;
    ScrollArea::both().auto_shrink([false, false]).show(ui, |ui| {
        mode_selector(ui, mode, report.mode_power.len(), Some(&report.mode_power));
        ui.horizontal_wrapped(|ui| {
            ui.label(format!("FWHM {} px", value_text(report.fwhm_px)))
                .on_hover_text("Diameter of the disk of the area in which the intensity of all modes is above half its maximum");
            ui.label(format!("masked mean {}", value_text(report.masked_mean_divisor)))
                .on_hover_text("Mean amplitude under the disk of radius n/4, over all pixels: what PtychoPINN divides the probe by");
        });
        Grid::new("probe report")
            .num_columns(6)
            .striped(true)
            .spacing([theme::GAP, theme::GRID])
            .show(ui, |ui| {
                for words in ["", "power", "L2", "min", "mean", "max"] {
                    heading(ui, words);
                }
                ui.end_row();
                statistics(ui, "As it is", &report.as_stored);
                statistics(ui, "Over masked mean", &report.masked_mean);
            });
    });
}

fn statistics(ui: &mut Ui, name: &str, of: &ProbeStatistics) {
    ui.label(name);
    for value in [
        of.power,
        of.l2,
        of.amplitude_min,
        of.amplitude_mean,
        of.amplitude_max,
    ] {
        figure(ui, value_text(value));
    }
    ui.end_row();
}

/// What will be written and what stands in the way.
pub(super) fn preflight(ui: &mut Ui, generation: &Generation, commands: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        ui.strong("Before the run");
        if !generation.is_plan_current() {
            ui.label(RichText::new("checking…").weak());
        }
    });
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            for check in checks(generation) {
                check_line(ui, &check, commands);
            }
        });
}

/// Photons and stages of every dose.
pub(super) fn doses(
    ui: &mut Ui,
    generation: &Generation,
    queue: &Queue,
    commands: &mut Vec<Command>,
) {
    ui.strong("Doses and stages");
    ScrollArea::both()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            photons(ui, generation);
            ui.add_space(theme::GAP);
            stages(ui, generation, queue, commands);
        });
}

fn photons(ui: &mut Ui, generation: &Generation) {
    let Some(patterns) = &generation.sketch.patterns else {
        return;
    };
    let result = generation.current_result();
    Grid::new("photons")
        .num_columns(6)
        .striped(true)
        .spacing([2.0 * theme::GAP, theme::GRID])
        .show(ui, |ui| {
            for (words, tip) in [
                (
                    "photons a pattern",
                    "Expected photons a pattern, averaged over the scan",
                ),
                (
                    "over the scan",
                    "Least and greatest expected photons of a pattern of the scan",
                ),
                (
                    "a pixel",
                    "Expected photons a pixel, averaged over scan and detector",
                ),
                (
                    "brightest pixel",
                    "Greatest expected photons of a pixel of the pattern shown",
                ),
                (
                    "measured",
                    "Photons a pattern that were drawn, averaged over the scan",
                ),
                ("off by", "Measured against asked for"),
            ] {
                ui.label(RichText::new(words).small().color(theme::palette(ui).weak))
                    .on_hover_text(tip);
            }
            ui.end_row();
            for (i, dose) in patterns.doses.iter().enumerate() {
                let n_px = dose.counts.len().max(1) as f64;
                let [least, greatest] = dose.photons_range;
                let measured = result
                    .and_then(|result| result.outcome.doses.get(i))
                    .map(|outcome| outcome.photons_measured);
                figure(ui, dose_text(dose.photons));
                figure(ui, format!("{} – {}", short(least), short(greatest)));
                figure(ui, short(dose.photons / n_px));
                figure(ui, short(dose.brightest));
                figure(ui, measured.map_or_else(|| "—".to_owned(), value_text));
                let off = measured.map(|measured| 100.0 * (measured / dose.photons - 1.0));
                figure(
                    ui,
                    off.map_or_else(|| "—".to_owned(), |off| format!("{off:+.3} %")),
                );
                ui.end_row();
            }
        });
}

/// Three digits are enough for what is expected.
fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value_text(value);
    }
    let unit = 10_f64.powi(value.abs().log10().floor() as i32 - 2);
    value_text((value / unit).round() * unit)
}

fn stages(ui: &mut Ui, generation: &Generation, queue: &Queue, commands: &mut Vec<Command>) {
    let rows = stage_rows(generation, queue.generation().is_some());
    Grid::new("stages")
        .num_columns(7)
        .striped(true)
        .spacing([1.5 * theme::GAP, theme::GRID])
        .show(ui, |ui| {
            heading(ui, "dose");
            heading(ui, "");
            for stage in Stage::ALL {
                heading(ui, stage_name(stage));
            }
            ui.end_row();
            for (i, (photons, cells)) in rows.iter().enumerate() {
                figure(ui, dose_text(*photons));
                train_set(ui, generation, i, commands);
                for cell in cells {
                    cell.show(ui);
                }
                ui.end_row();
            }
        });
}

/// A button for the training set of a dose, where it is there.
fn train_set(ui: &mut Ui, generation: &Generation, dose: usize, commands: &mut Vec<Command>) {
    let Some(path) = generation.train_set(dose) else {
        ui.label("");
        return;
    };
    let tip = format!("Show {} in the Data view", path.display());
    if ui
        .small_button("Open train set")
        .on_hover_text(tip)
        .clicked()
    {
        commands.push(Command::OpenInData(path));
    }
}

/// How a stage of a dose is shown.
enum Cell {
    /// As a run tells.
    Told(StageState),
    /// Has to run.
    ToDo,
    /// Has to run again: the result that is there no longer fits.
    Stale,
    /// Is there, made with these settings.
    Unchanged,
}

impl Cell {
    fn show(&self, ui: &mut Ui) {
        let palette = theme::palette(ui);
        let (words, color) = match self {
            Self::Told(StageState::Waiting) => ("· waiting".to_owned(), palette.weak),
            Self::Told(StageState::Running(share)) => {
                (format!("▶ {:.0} %", 100.0 * share), palette.accent)
            }
            Self::Told(StageState::Done {
                is_unchanged: true, ..
            })
            | Self::Unchanged => ("✔ unchanged".to_owned(), palette.ok),
            Self::Told(StageState::Done { seconds, .. }) => {
                (format!("✔ {}", seconds_text(*seconds)), palette.ok)
            }
            Self::Told(StageState::Skipped) => ("– skipped".to_owned(), palette.weak),
            Self::Told(StageState::Failed(words)) => {
                ui.colored_label(palette.bad, "✖ failed")
                    .on_hover_text(words);
                return;
            }
            Self::ToDo => ("· to do".to_owned(), palette.weak),
            Self::Stale => ("⚠ stale".to_owned(), palette.warn),
        };
        ui.colored_label(color, words);
    }
}

/// What a run tells of the task as it stands, else what the plan says.
fn stage_rows(generation: &Generation, is_running: bool) -> Vec<(f64, [Cell; 5])> {
    if let Some((task, snapshot)) = &generation.snapshot
        && !snapshot.doses.is_empty()
        && (is_running || (!generation.is_cancelled && *task == generation.runnable()))
    {
        let rows = snapshot.doses.iter();
        return rows
            .map(|(photons, states)| (*photons, states.clone().map(Cell::Told)))
            .collect();
    }
    let planned = generation.plan().filter(|_| generation.is_plan_current());
    planned.map_or_else(Vec::new, |plan| {
        plan.doses.iter().map(planned_row).collect()
    })
}

fn planned_row(dose: &PlannedDose) -> (f64, [Cell; 5]) {
    let cells = Stage::ALL.map(
        |stage| match (dose.stages.contains(&stage), dose.is_stale) {
            (false, _) => Cell::Unchanged,
            (true, true) => Cell::Stale,
            (true, false) => Cell::ToDo,
        },
    );
    (dose.photons, cells)
}
