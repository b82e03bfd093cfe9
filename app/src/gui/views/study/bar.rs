//! The bar: which study, where it is run; run, pause, stop; how far it is; what can be done with it.

use egui::{Label, ProgressBar, RichText, Ui, vec2};
use ptycho_core::job::JobState;
use ptycho_core::study::design::Template;

use super::super::super::chrome::action_button;
use super::super::super::command::{Action, Command};
use super::super::super::document::Document;
use super::super::super::files::Purpose;
use super::super::super::meter::seconds_text;
use super::super::super::preferences::Preferences;
use super::super::super::queue::{Lane, Queue, Row};
use super::super::super::study::outlook::Outlook;
use super::super::super::study::run::RunEnd;
use super::super::super::study::{Ask, Studying};
use super::super::super::theme;
use super::super::side::{PathRow, large_button, open_folder_button, pressed};
use crate::units::bytes_text;

/// Draw the bar.
pub(super) fn bar(
    ui: &mut Ui,
    document: &mut Document,
    (queue, preferences): (&Queue, &mut Preferences),
    commands: &mut Vec<Command>,
) {
    ui.add_space(theme::GRID);
    file_row(ui, document, commands);
    ui.horizontal_wrapped(|ui| {
        run_buttons(ui, &mut document.studying, queue, commands);
        ui.separator();
        result_buttons(ui, &document.studying, commands);
    });
    ui.horizontal(|ui| {
        let size = vec2(80.0 * theme::GRID, theme::ROW_HEIGHT);
        ui.allocate_ui(size, |ui| {
            runs_folder(ui, &mut document.studying, preferences, commands);
        });
        ui.separator();
        ui.horizontal_wrapped(|ui| state(ui, &document.studying, queue));
    });
    ui.add_space(theme::GRID / 2.0);
}

/// The study and its file.
fn file_row(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    ui.horizontal_wrapped(|ui| {
        let studying = &document.studying;
        let name = studying.name().unwrap_or_default();
        ui.label(RichText::new(name).strong().size(15.0))
            .on_hover_text("Name of the study and of its run folder");
        let (words, tip) = match (&studying.file, studying.is_changed()) {
            (None, true) => (
                "• not saved yet".to_owned(),
                "It has no file yet".to_owned(),
            ),
            (None, false) => (
                "from its run folder".to_owned(),
                "Read from plan.json of its run".to_owned(),
            ),
            (Some(file), is_changed) => {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                let mark = if is_changed { "• " } else { "" };
                (format!("{mark}{name}"), file.display().to_string())
            }
        };
        let words = RichText::new(words).color(theme::palette(ui).weak);
        ui.label(words).on_hover_text(format!(
            "{tip}\n\n• marks changes that are not in the file yet"
        ));
        ui.menu_button("New ⏷", |ui| new_menu(ui, commands))
            .response
            .on_hover_text("A new study from a template");
        let mut button = |ui: &mut Ui, words: &str, tip: &str, ask: Ask| {
            if ui.button(words).on_hover_text(tip).clicked() {
                commands.push(Command::Study(ask));
            }
        };
        button(
            ui,
            "Open study…",
            "Open another study",
            Ask::Choose(Purpose::StudyFile),
        );
        button(ui, "Save", "Write the study file", Ask::Save);
        button(
            ui,
            "Save as…",
            "Write the study as another file",
            Ask::Choose(Purpose::SaveStudy),
        );
        button(ui, "Close", "Close the study; a run goes on", Ask::Close);
        action_button(ui, Action::Undo, document.can_undo(), commands);
        action_button(ui, Action::Redo, document.can_redo(), commands);
    });
}

fn new_menu(ui: &mut Ui, commands: &mut Vec<Command>) {
    for template in Template::ALL {
        if ui
            .button(template.name)
            .on_hover_text(template.doc)
            .clicked()
        {
            commands.push(Command::Study(Ask::New(template.name)));
            ui.close();
        }
    }
}

fn runs_folder(
    ui: &mut Ui,
    studying: &mut Studying,
    preferences: &mut Preferences,
    commands: &mut Vec<Command>,
) {
    let row = PathRow {
        label: "Runs in",
        what: "runs folder",
        hint: "runs",
        tip: "Every study has a folder of its own name in it.\n\nFlag: --runs",
        label_width_pt: 0.0,
        beside_pt: 12.0 * theme::GRID,
    };
    ui.add_enabled_ui(!studying.is_running(), |ui| {
        ui.horizontal(|ui| {
            let mut text = if studying.has_own_runs {
                studying.runs.display().to_string()
            } else {
                preferences.studies_folder.display().to_string()
            };
            let response = row.ui(ui, &mut text);
            if response.is_changed && !text.trim().is_empty() {
                studying.has_own_runs = false;
                preferences.studies_folder = text.into();
            }
            if response.is_browse_asked {
                commands.push(Command::Study(Ask::Choose(Purpose::StudyRuns)));
            }
        });
    });
}

fn run_buttons(ui: &mut Ui, studying: &mut Studying, queue: &Queue, commands: &mut Vec<Command>) {
    let row = queue.study();
    let busy = queue
        .is_busy(Lane::Compute)
        .then(|| queue.busy_words().to_owned());
    let why_not = studying.run_problem().or(busy);
    let run = large_button(RichText::new("▶ Run").strong(), 72.0);
    let tip = "Do what is not done yet (F5); changes are saved first";
    if pressed(ui, run, tip, why_not.as_deref()) {
        commands.push(Command::Study(Ask::Run));
    }
    let is_paused = studying.own_run().is_some_and(|run| run.snapshot.is_paused);
    let (words, tip, ask) = if is_paused {
        ("▶ Go on", "Begin the next task", Ask::GoOn)
    } else {
        (
            "⏸ Pause",
            "Begin no further task; what runs goes on",
            Ask::Pause,
        )
    };
    let why_not = row.is_none().then_some("No study is running.");
    if pressed(ui, large_button(words, 72.0), tip, why_not) {
        commands.push(Command::Study(ask));
    }
    let tip = "Stop after the present step; Run goes on from there (Ctrl+.)";
    if pressed(ui, large_button("⏹ Stop", 64.0), tip, why_not) {
        commands.push(Command::Do(Action::Stop));
    }
    ui.add_enabled_ui(row.is_none(), |ui| {
        ui.add(egui::DragValue::new(&mut studying.n_jobs).range(1..=64).suffix(" at a time"))
            .on_hover_text("Tasks at a time; they share the threads. More than one helps only where a task cannot use all of them.\n\nFlag: --jobs")
            .accessible_name("Tasks at a time");
    });
}

fn result_buttons(ui: &mut Ui, studying: &Studying, commands: &mut Vec<Command>) {
    let tip = "Show the folder of the study's runs in the file manager";
    let why_not = "The folder is made when the study is run";
    open_folder_button(ui, studying.run_folder(), (tip, why_not), commands);
    action_button(ui, Action::CopyAsCommand, true, commands);
    let is_there = studying.run_folder().is_some_and(|folder| folder.is_dir());
    let why_not = (!is_there).then_some("Nothing has been run yet");
    for (words, tip, ask) in [
        (
            "Write report",
            "Write tables and summary of what is done so far into the run folder; a run does so at its end",
            Ask::WriteReport,
        ),
        (
            "Export report…",
            "Write the summary with all its pictures as one HTML file",
            Ask::Choose(Purpose::SaveSummary),
        ),
        (
            "Make reference",
            "Hold later trainings of this study against those of this run: do so once you have looked at them",
            Ask::MakeReference,
        ),
    ] {
        if pressed(ui, egui::Button::new(words), tip, why_not) {
            commands.push(Command::Study(ask));
        }
    }
}

/// How far, how it ended, or what stands in the way.
fn state(ui: &mut Ui, studying: &Studying, queue: &Queue) {
    let palette = theme::palette(ui);
    if let (Some(run), Some(_)) = (&studying.run, queue.study())
        && studying.own_run().is_none()
    {
        let name = &run.planned.plan.study.name;
        ui.colored_label(palette.accent, format!("▶ The study {name} is running."));
        return;
    }
    let Some((planned, tasks)) = studying.shown() else {
        return;
    };
    let estimated = studying.estimated.as_ref();
    let outlook = Outlook::new(&planned.plan, tasks, (estimated, studying.n_jobs));
    if let (Some(run), Some(row)) = (studying.own_run(), queue.study()) {
        return running(ui, run.snapshot.is_paused, (&outlook, &row));
    }
    if let Some(run) = &studying.run {
        ended(ui, run.ended.as_ref());
    }
    let weak = |ui: &mut Ui, words: String| ui.label(RichText::new(words).color(palette.weak));
    ui.label(format!(
        "{} of {} tasks done",
        outlook.n_done, outlook.n_tasks
    ));
    if outlook.n_left == 0 && outlook.n_tasks != 0 {
        ui.colored_label(palette.ok, "✔ all that can be done");
    } else {
        weak(ui, left_words(&outlook));
    }
    counts(ui, &outlook);
}

fn left_words(outlook: &Outlook) -> String {
    let time = outlook.seconds_left.map_or_else(
        || "time not known yet".to_owned(),
        |seconds| format!("about {}", seconds_text(seconds)),
    );
    format!("left: {time}, {}", bytes_text(outlook.bytes_left))
}

fn counts(ui: &mut Ui, outlook: &Outlook) {
    let palette = theme::palette(ui);
    for (n, icon, word, colour) in [
        (outlook.n_failed, "✖", "failed", palette.bad),
        (outlook.n_blocked, "🚫", "blocked", palette.bad),
        (outlook.n_skipped, "–", "skipped", palette.weak),
    ] {
        if n != 0 {
            ui.colored_label(colour, format!("{icon} {n} {word}"));
        }
    }
}

fn running(ui: &mut Ui, is_paused: bool, (outlook, row): (&Outlook, &Row)) {
    let n_all = outlook.n_tasks.saturating_sub(outlook.n_skipped).max(1);
    let share = match (outlook.seconds_left, outlook.seconds_all) {
        (Some(left), Some(all)) if 0.0 < all => 1.0 - (left / all).clamp(0.0, 1.0),
        _ => outlook.n_done as f64 / n_all as f64,
    };
    let words = match (&row.state, is_paused) {
        (JobState::Stopping, _) => "stopping…".to_owned(),
        (_, true) => "paused".to_owned(),
        _ => format!("{:.0} %", 100.0 * share),
    };
    let bar = ProgressBar::new(share as f32)
        .desired_width(60.0 * theme::GRID)
        .text(words);
    ui.add(bar).accessible_name("Progress of the study");
    ui.label(format!("{} of {n_all} tasks done", outlook.n_done));
    let elapsed = seconds_text(row.elapsed.as_secs_f64());
    ui.label(RichText::new(format!("elapsed {elapsed}")).color(theme::palette(ui).weak));
    ui.label(RichText::new(left_words(outlook)).color(theme::palette(ui).weak));
    counts(ui, outlook);
}

fn ended(ui: &mut Ui, end: Option<&RunEnd>) {
    let palette = theme::palette(ui);
    match end {
        Some(RunEnd::Done(0)) => {
            ui.colored_label(palette.ok, "✔ the run has ended");
        }
        Some(RunEnd::Done(_)) => {
            ui.colored_label(palette.bad, "✖ the run has ended with failures");
        }
        Some(RunEnd::Stopped) => {
            ui.colored_label(palette.warn, "⏹ stopped; Run goes on");
        }
        Some(RunEnd::Failed(words)) => {
            let words = RichText::new(format!("✖ {words}")).color(palette.bad);
            ui.add(Label::new(words).wrap().selectable(true));
        }
        None => {}
    }
}
