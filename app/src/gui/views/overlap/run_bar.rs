//! Write the views, cancel, and how it stands.

use egui::{CollapsingHeader, Label, ProgressBar, RichText, ScrollArea, Ui};
use ptycho_core::study::overlap::OverlapOutcome;

use super::super::super::chrome::action_button;
use super::super::super::command::{Action, Command};
use super::super::super::document::Document;
use super::super::super::generation::doses::dose_text;
use super::super::super::meter::seconds_text;
use super::super::super::queue::{Lane, Queue, Row};
use super::super::super::theme;
use super::super::side::{large_button, open_folder_button, pressed};

/// In a window lower than this the list of what was written is opened by a click.
const LOW: f32 = 180.0 * theme::GRID;

/// Draw the bar.
pub(super) fn run_bar(
    ui: &mut Ui,
    document: &Document,
    queue: &Queue,
    commands: &mut Vec<Command>,
) {
    let thinning = &document.thinning;
    ui.add_space(4.0);
    ui.horizontal_wrapped(|ui| {
        let row = queue.overlap();
        let blocking = blocking_words(document, queue);
        let tip = match (thinning.is_of_folder, thinning.settings.views.len()) {
            (true, n) => format!("Write {n} views of the training and test set of every dose (F5)"),
            (false, n) => format!("Write {n} views of the open scan (F5)"),
        };
        let write = large_button(RichText::new("▶ Write views").strong(), 96.0);
        if pressed(ui, write, &tip, blocking.as_deref()) {
            commands.push(Command::WriteViews);
        }
        let tip = "Stop; views that are complete stay, nothing half-written does (Ctrl+.)";
        let why_not = row.is_none().then_some(tip);
        if pressed(ui, large_button("⏹ Cancel", 72.0), tip, why_not) {
            commands.push(Command::Do(Action::Stop));
        }
        let tip = "Show the folder of the views in the file manager";
        let why_not = "The folder is made when something is written";
        open_folder_button(
            ui,
            thinning.output(&document.scan),
            (tip, why_not),
            commands,
        );
        action_button(ui, Action::CopyAsCommand, true, commands);
    });
    state(ui, document, queue, commands);
    ui.add_space(2.0);
}

fn blocking_words(document: &Document, queue: &Queue) -> Option<String> {
    if queue.is_busy(Lane::Compute) {
        let words = if queue.overlap().is_some() {
            "Views are being written."
        } else {
            queue.busy_words()
        };
        return Some(words.to_owned());
    }
    document.thinning.blocking(&document.scan)
}

/// How far, how it ended, or what stands in the way.
fn state(ui: &mut Ui, document: &Document, queue: &Queue, commands: &mut Vec<Command>) {
    let palette = theme::palette(ui);
    let thinning = &document.thinning;
    if let Some(row) = queue.overlap() {
        return running(ui, &row);
    }
    match &thinning.written {
        Some((_, Err(words))) => {
            ui.horizontal_wrapped(|ui| {
                ui.colored_label(palette.bad, "✖");
                ui.add(Label::new(words).wrap().selectable(true));
            });
        }
        Some((task, Ok(outcome))) => {
            let is_of_these = thinning.task(&document.scan, task.n_threads).as_ref() == Some(task);
            let height = ui.ctx().content_rect().height();
            let icon = if outcome.skipped.is_empty() {
                "✔"
            } else {
                "⚠"
            };
            let n_files: usize = outcome.views.iter().map(|view| view.splits.len()).sum();
            let settings = if is_of_these {
                ""
            } else {
                ", with other settings than these"
            };
            let words = format!(
                "{icon} {n_files} datasets written, {} views skipped{settings}",
                outcome.skipped.len()
            );
            CollapsingHeader::new(words)
                .id_salt("written")
                .default_open(LOW < height)
                .show(ui, |ui| {
                    ScrollArea::vertical()
                        .max_height(0.15 * height)
                        .show(ui, |ui| done(ui, outcome, commands));
                });
        }
        None => match thinning.blocking(&document.scan) {
            Some(words) => {
                ui.horizontal_wrapped(|ui| {
                    ui.colored_label(palette.warn, "⚠");
                    ui.add(Label::new(words).wrap());
                });
            }
            None => {
                ui.label(RichText::new("Ready to write.").color(palette.weak));
            }
        },
    }
}

fn running(ui: &mut Ui, row: &Row) {
    let share = row.share();
    ui.horizontal_wrapped(|ui| {
        let width = (ui.available_width() - 40.0 * theme::GRID).max(40.0 * theme::GRID);
        let bar = ProgressBar::new(share).desired_width(width);
        ui.add(bar).accessible_name("Progress of the views");
        ui.label(format!(
            "elapsed {}",
            seconds_text(row.elapsed.as_secs_f64())
        ));
    });
}

/// What was written and what was not, each with a button that opens it.
fn done(ui: &mut Ui, outcome: &OverlapOutcome, commands: &mut Vec<Command>) {
    let palette = theme::palette(ui);
    let of_dose = |dose: Option<f64>| {
        dose.map_or_else(String::new, |dose| {
            format!(" at {} photons", dose_text(dose))
        })
    };
    for view in &outcome.views {
        for split in &view.splits {
            ui.horizontal_wrapped(|ui| {
                ui.colored_label(palette.ok, "✔");
                let path = split.output_path.clone();
                if ui
                    .small_button(format!("Open {}", split.split))
                    .on_hover_text(format!("Show {} in the Data view", path.display()))
                    .clicked()
                {
                    commands.push(Command::OpenInData(path));
                }
                let words = format!("{}{}", split.words, of_dose(view.dose));
                ui.add(Label::new(words).wrap().selectable(true));
            });
        }
    }
    for skipped in &outcome.skipped {
        ui.horizontal_wrapped(|ui| {
            ui.colored_label(palette.warn, "⚠ skipped");
            let dose = of_dose(skipped.dose);
            let words = format!("{}{dose}: {}", skipped.view, skipped.reason);
            ui.add(Label::new(words).wrap().selectable(true));
        });
    }
}
