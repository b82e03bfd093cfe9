//! Generate, cancel, and how it stands; what can be done with the result.

use egui::{ProgressBar, RichText, Ui};
use ptycho_core::job::JobState;
use ptycho_core::study::generate::{PlannedDose, Stage, StageState};

use super::super::super::chrome::action_button;
use super::super::super::command::{Action, Command};
use super::super::super::document::{CheckState, Document};
use super::super::super::generation::preflight::preflight;
use super::super::super::generation::{FinishedGeneration, Generation};
use super::super::super::meter::seconds_text;
use super::super::super::queue::{Lane, Queue, Row};
use super::super::super::theme;
use super::super::side::{large_button, open_folder_button, pressed};
use super::sections::dose_words;
use super::tables::stage_name;

/// Draw the bar.
pub(super) fn run_bar(
    ui: &mut Ui,
    document: &Document,
    queue: &Queue,
    commands: &mut Vec<Command>,
) {
    let generation = &document.generation;
    ui.add_space(4.0);
    ui.horizontal_wrapped(|ui| {
        let row = queue.generation();
        let blocking = blocking_words(generation, queue);
        let generate = large_button(RichText::new("▶ Generate").strong(), 96.0);
        let tip = "Write training and test sets at every dose (F5)";
        if pressed(ui, generate, tip, blocking.as_deref()) {
            commands.push(Command::Do(Action::Generate));
        }
        let tip = "Stop; doses that are complete stay, nothing half-written does (Ctrl+.)";
        let why_not = row.is_none().then_some(tip);
        if pressed(ui, large_button("⏹ Cancel", 72.0), tip, why_not) {
            commands.push(Command::Do(Action::Stop));
        }
        let tip = "Show the folder of the datasets in the file manager";
        let why_not = "The folder is made when something is written";
        open_folder_button(ui, Some(generation.output()), (tip, why_not), commands);
        action_button(ui, Action::CopyAsCommand, true, commands);
    });
    ui.horizontal_wrapped(|ui| state(ui, generation, queue));
    ui.add_space(2.0);
}

fn blocking_words(generation: &Generation, queue: &Queue) -> Option<String> {
    if queue.generation().is_some() {
        return Some("Datasets are being generated.".to_owned());
    }
    if queue.overlap().is_some() {
        return Some("Overlap views are being written: wait, or cancel that.".to_owned());
    }
    if queue.is_busy(Lane::Compute) {
        return Some(queue.busy_words().to_owned());
    }
    preflight(generation)
        .into_iter()
        .find(|check| check.state == CheckState::Blocking)
        .map(|check| check.text)
}

/// One line: how far, how it ended, or what stands in the way.
fn state(ui: &mut Ui, generation: &Generation, queue: &Queue) {
    let palette = theme::palette(ui);
    if let Some(row) = queue.generation() {
        return running(ui, generation, &row);
    }
    let is_current = generation.is_last_run_current();
    if let Some(words) = generation.failed.as_ref().filter(|_| is_current) {
        ui.colored_label(palette.bad, "✖");
        ui.add(egui::Label::new(words).wrap().selectable(true));
        return;
    }
    if generation.is_cancelled && is_current {
        ui.colored_label(palette.warn, "⏹");
        ui.label("Cancelled: doses that were complete are kept, nothing half-written is.");
        return;
    }
    if let Some(finished) = generation.current_result() {
        return done(ui, finished);
    }
    let checks = preflight(generation);
    let blocking = checks
        .iter()
        .find(|check| check.state == CheckState::Blocking);
    match blocking {
        Some(check) => {
            ui.colored_label(palette.bad, "✖");
            ui.add(egui::Label::new(&check.text).wrap());
        }
        None if is_all_there(generation) => {
            ui.colored_label(palette.ok, "✔");
            ui.label("All doses are there, made with these settings.");
        }
        None => {
            ui.label(RichText::new("Ready to generate.").color(palette.weak));
        }
    }
}

fn is_all_there(generation: &Generation) -> bool {
    generation.is_plan_current()
        && generation.plan().is_some_and(|plan| {
            let is_there = |dose: &PlannedDose| dose.stages.is_empty();
            plan.doses.iter().all(is_there)
        })
}

fn running(ui: &mut Ui, generation: &Generation, row: &Row) {
    let share = row.share();
    let words = match row.state {
        JobState::Stopping => "cancelling…".to_owned(),
        _ => at_work(generation).unwrap_or_else(|| "starting…".to_owned()),
    };
    let width = (ui.available_width() - 60.0 * theme::GRID).max(40.0 * theme::GRID);
    let bar = ProgressBar::new(share).desired_width(width).text(words);
    ui.add(bar).accessible_name("Progress of the generation");
    let elapsed = row.elapsed.as_secs_f64();
    ui.label(format!("elapsed {}", seconds_text(elapsed)));
    if share > 0.05 {
        let left = elapsed * f64::from((1.0 - share) / share);
        ui.label(RichText::new(format!("left {}", seconds_text(left))).weak());
    }
    if row.progress.rate_per_s > 0.0 {
        ui.label(RichText::new(format!("{:.0} patterns/s", row.progress.rate_per_s)).weak());
    }
}

/// The dose and the stage that is being worked on.
fn at_work(generation: &Generation) -> Option<String> {
    let (_, snapshot) = generation.snapshot.as_ref()?;
    snapshot.doses.iter().find_map(|(photons, stages)| {
        let of_stages = Stage::ALL.iter().zip(stages);
        of_stages
            .into_iter()
            .find_map(|(stage, state)| match state {
                StageState::Running(share) => Some(format!(
                    "{}: {} {:.0} %",
                    dose_words(*photons),
                    stage_name(*stage).to_lowercase(),
                    100.0 * share
                )),
                _ => None,
            })
    })
}

fn done(ui: &mut Ui, finished: &FinishedGeneration) {
    ui.colored_label(theme::palette(ui).ok, "✔");
    let doses = &finished.outcome.doses;
    let n_files: usize = doses.iter().map(|dose| dose.files.len()).sum();
    let noun = if doses.len() == 1 { "dose" } else { "doses" };
    let words = format!(
        "{} {noun}, {n_files} files in {}:",
        doses.len(),
        seconds_text(finished.seconds)
    );
    ui.label(words);
    let folder = finished.task.output.display().to_string();
    ui.add(
        egui::Label::new(RichText::new(folder).monospace())
            .wrap()
            .selectable(true),
    );
}
