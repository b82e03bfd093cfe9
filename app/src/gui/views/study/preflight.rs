//! What a run will do, how long, how large, what cannot be done and why.

use std::fmt::Write as _;

use egui::{Grid, Label, RichText, ScrollArea, Ui};
use ptycho_core::disk::free_bytes;
use ptycho_core::study::execute::{TaskState, TaskStatus};
use ptycho_core::study::memory::available_bytes;
use ptycho_core::study::plan::Plan;

use super::super::super::command::Command;
use super::super::super::document::{Check, CheckState};
use super::super::super::meter::seconds_text;
use super::super::super::study::Studying;
use super::super::super::study::outlook::Outlook;
use super::super::super::theme;
use super::super::side::{check_line, heading};
use super::state::look;
use crate::units::bytes_text;
use crate::words::sentence;

/// Draw the page.
pub(super) fn preflight(ui: &mut Ui, studying: &Studying, commands: &mut Vec<Command>) {
    ScrollArea::both().auto_shrink([false, false]).show(ui, |ui| {
        ui.set_max_width(ui.clip_rect().width() - 4.0 * theme::GRID);
        if let Some(problem) = studying.problem() {
            let text = format!("The study cannot be run: {}", problem.words);
            check_line(ui, &Check::new(CheckState::Blocking, text), commands);
        }
        let Some((planned, tasks)) = studying.shown() else {
            ui.weak("What the study comes to is looked at.");
            return;
        };
        let estimated = studying.estimated.as_ref();
        let outlook = Outlook::new(&planned.plan, tasks, (estimated, studying.n_jobs));
        for check in checks(studying, &planned.plan, &outlook) {
            check_line(ui, &check, commands);
        }
        heading(ui, "What will be done");
        kinds(ui, &outlook);
        causes(ui, tasks);
        ui.add_space(theme::GAP);
        if ui
            .button("Copy plan as JSON")
            .on_hover_text("Every task with id, key, what it needs and what it will do, as study plan --json prints it")
            .clicked()
            && let Ok(text) = serde_json::to_string_pretty(&planned.plan)
        {
            commands.push(Command::CopyText(text));
        }
    });
}

fn checks(studying: &Studying, plan: &Plan, outlook: &Outlook) -> Vec<Check> {
    let mut checks = Vec::new();
    let n = outlook.n_left;
    let mut words = match n {
        0 => "Everything that can be done is done.".to_owned(),
        1 => "1 task will be done.".to_owned(),
        _ => format!("{n} tasks will be done."),
    };
    if outlook.n_done != 0 && n != 0 {
        let _ = write!(words, " {} are done already.", outlook.n_done);
    }
    checks.push(Check::new(CheckState::Good, words));
    checks.push(time(studying, outlook));
    // The folder itself is made by the first run.
    let there = studying.runs.ancestors().find(|folder| folder.is_dir());
    let free = there.and_then(free_bytes);
    checks.push(room(outlook, free));
    if let Some(bytes) = outlook.memory_bytes {
        let words = format!("About {} of memory at most", bytes_text(bytes));
        let fix = "Choose smaller batches or one task at a time";
        checks.push(Check::of_memory(&words, (bytes, available_bytes()), fix));
    }
    let notes = plan.notes.iter();
    checks.extend(notes.map(|note| Check::new(CheckState::Warning, sentence(note))));
    checks
}

fn time(studying: &Studying, outlook: &Outlook) -> Check {
    let problem = studying
        .estimated
        .as_ref()
        .and_then(|one| one.problem.as_ref());
    match (outlook.seconds_left, problem) {
        (Some(seconds), _) => {
            let words = format!(
                "About {}, by trial steps on this machine.",
                seconds_text(seconds)
            );
            Check::new(CheckState::Good, words)
        }
        (None, Some(problem)) => Check::new(
            CheckState::Warning,
            format!("How long it takes is not known: {problem}"),
        ),
        (None, None) => Check::new(CheckState::Good, "How long it takes is being looked at…"),
    }
}

fn room(outlook: &Outlook, free: Option<u64>) -> Check {
    let words = format!("About {} will be written", bytes_text(outlook.bytes_left));
    match free {
        Some(free) if free < outlook.bytes_left => Check::new(
            CheckState::Warning,
            format!("{words}, but only {} are free there.", bytes_text(free)),
        ),
        Some(free) => Check::new(
            CheckState::Good,
            format!("{words}, {} are free.", bytes_text(free)),
        ),
        None => Check::new(CheckState::Good, format!("{words}.")),
    }
}

fn kinds(ui: &mut Ui, outlook: &Outlook) {
    Grid::new("study kinds")
        .num_columns(5)
        .striped(true)
        .spacing([2.0 * theme::GAP, theme::GRID])
        .show(ui, |ui| {
            for words in ["", "tasks", "to do", "time", "size"] {
                ui.label(RichText::new(words).small().color(theme::palette(ui).weak));
            }
            ui.end_row();
            for kind in &outlook.kinds {
                ui.label(kind.kind.title());
                ui.monospace(kind.n_tasks.to_string());
                ui.monospace(kind.n_left.to_string());
                let time = kind
                    .seconds_left
                    .map_or_else(|| "—".to_owned(), seconds_text);
                ui.monospace(time);
                ui.monospace(bytes_text(kind.bytes_left));
                ui.end_row();
            }
        });
}

/// Tasks that cannot or could not be done, with the cause of each.
fn causes(ui: &mut Ui, tasks: &[TaskStatus]) {
    for (title, is_one) in [
        ("Cannot be done", is_skipped as fn(&TaskState) -> bool),
        ("Failed", is_failed),
        ("Out of date", is_stale),
    ] {
        let found: Vec<_> = tasks.iter().filter(|task| is_one(&task.state)).collect();
        if found.is_empty() {
            continue;
        }
        heading(ui, title);
        for status in found {
            let look = look(ui, &status.state);
            ui.horizontal_wrapped(|ui| {
                ui.colored_label(look.colour, look.icon);
                ui.add(Label::new(RichText::new(&status.id).monospace()).selectable(true));
            });
            let words = super::state::meaning(&status.state);
            ui.add(Label::new(words).wrap().selectable(true));
        }
    }
}

fn is_skipped(state: &TaskState) -> bool {
    matches!(state, TaskState::Skipped(_))
}

fn is_failed(state: &TaskState) -> bool {
    matches!(state, TaskState::Failed(_) | TaskState::Blocked(_))
}

fn is_stale(state: &TaskState) -> bool {
    matches!(state, TaskState::Stale(_))
}
