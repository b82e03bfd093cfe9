//! The eight orientations as a contact sheet with their losses.

use egui::{Align, Layout, RichText, Ui, vec2};
use ptycho_core::fields::{FieldValue as _, Kind};
use ptycho_core::paint::component::Source;
use ptycho_core::paint::ticks::value_text;
use ptycho_core::study::orientation::Orientation;

use super::super::super::command::Command;
use super::super::super::document::Document;
use super::super::super::files::Purpose;
use super::super::super::queue::Queue;
use super::super::super::reconstruction::trials::{Cell, OrientationState};
use super::super::super::theme;
use super::super::pictures::Pictures;
use super::super::side::pressed;
use super::course::explanation;
use super::trial_row::TrialRow;

/// Columns of the sheet: an orientation and its twin stand over each other.
const COLUMNS: usize = 4;

/// Draw the page; `why_not` says why no trial can begin.
pub(super) fn page(
    ui: &mut Ui,
    (document, queue): (&mut Document, &Queue),
    (pictures, pane): (&mut Pictures, usize),
    why_not: Option<&str>,
    commands: &mut Vec<Command>,
) {
    let engine = document.engine.title();
    let row = TrialRow {
        label: "▶ Try orientations",
        tip: format!(
            "Reconstruct the scan in all eight ways with {engine} and these parameters, each from ones"
        ),
        command: Command::TryOrientations,
        epochs: (
            &mut document.trials.orientation_epochs,
            1000,
            "Epochs of each orientation",
            "20 tell right from wrong for most scans",
        ),
    };
    row.ui(ui, queue, why_not, commands);
    verdict(ui, &document.trials.orientations, commands);
    let state = &mut document.trials.orientations;
    if state.ended().is_empty() && state.snapshot.is_none() {
        explanation(
            ui,
            "Detectors, readers and file formats flip and transpose. The trial reconstructs the scan with its patterns in all eight ways: the right one has the least loss and the sharpest picture.",
        );
        return;
    }
    let revision = document.trials.revision;
    sheet(
        ui,
        &mut document.trials.orientations,
        (pictures, pane),
        revision,
    );
}

fn verdict(ui: &mut Ui, state: &OrientationState, commands: &mut Vec<Command>) {
    let palette = theme::palette(ui);
    if let Some(words) = &state.failed {
        ui.colored_label(palette.bad, format!("✖ {words}"));
    }
    let Some(outcome) = &state.outcome else {
        return;
    };
    ui.horizontal_wrapped(|ui| {
        let (icon, colour) = if outcome.is_stopped {
            ("⏹", palette.warn)
        } else if outcome.verdict.best.is_some() {
            ("✔", palette.ok)
        } else {
            ("⚠", palette.warn)
        };
        ui.colored_label(colour, icon);
        let mut words = outcome.verdict.words.clone();
        if outcome.is_stopped {
            let n = outcome.trials.len();
            words = format!("Stopped: {n} of 8 orientations were begun. {words}");
        }
        ui.add(egui::Label::new(words).wrap());
    });
    ui.horizontal_wrapped(|ui| {
        let chosen = state.chosen();
        let as_stored = chosen == Some(Orientation::AsStored);
        let why_not = as_stored.then_some("The patterns are stored this way already.");
        let name = chosen.map_or("none", Orientation::name);
        let button = egui::Button::new(format!("Adopt “{name}”: write the turned scan…"));
        let tip = "Write a new file whose patterns are turned, and open it; the present file stays as it is";
        if pressed(ui, button, tip, why_not.or(chosen.is_none().then_some("No orientation is chosen."))) {
            commands.push(Command::ChooseForReconstruction(Purpose::SaveTurned));
        }
        if ui
            .button("Open folder")
            .on_hover_text("The trial's run folder: contact sheet, losses, every result")
            .clicked()
        {
            commands.push(Command::OpenFolder(outcome.run_folder.clone()));
        }
        let device = outcome.device;
        ui.weak(format!("Click a picture's name to choose it. Computed on {device}."));
    });
}

fn sheet(
    ui: &mut Ui,
    state: &mut OrientationState,
    (pictures, pane): (&mut Pictures, usize),
    revision: u64,
) {
    let least = state.least();
    let chosen = state.chosen();
    let begun = state.begun;
    let room = ui.available_size();
    let n_rows = Orientation::ALL.len() / COLUMNS;
    let gap = ui.spacing().item_spacing;
    let size = vec2(
        (room.x - gap.x * (COLUMNS - 1) as f32) / COLUMNS as f32,
        (room.y - gap.y * (n_rows - 1) as f32) / n_rows as f32,
    )
    .max(vec2(20.0 * theme::GRID, 20.0 * theme::GRID));
    let mut picked = None;
    for row in 0..n_rows {
        ui.horizontal(|ui| {
            // All of them stand in pairs.
            let in_row = Orientation::ALL.into_iter().skip(row).step_by(n_rows);
            for orientation in in_row {
                let cell = state.cell(orientation);
                let marks = (least == Some(orientation), chosen == Some(orientation));
                let version = version(begun, revision, cell.is_running);
                ui.allocate_ui_with_layout(size, Layout::top_down(Align::Min), |ui| {
                    ui.set_min_size(size);
                    if title(ui, orientation, cell, marks) {
                        picked = Some(orientation);
                    }
                    picture(ui, (pictures, pane), orientation, cell, version);
                });
            }
        });
    }
    if picked.is_some() {
        state.chosen = picked;
    }
}

/// Pictures of those that have ended stay.
fn version(begun: u64, revision: u64, is_running: bool) -> u64 {
    if is_running {
        revision << 1 | 1
    } else {
        begun << 1
    }
}

/// Name and loss; true where it was clicked.
fn title(
    ui: &mut Ui,
    orientation: Orientation,
    cell: Cell<'_>,
    (is_least, is_chosen): (bool, bool),
) -> bool {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = theme::GRID;
        let name = orientation.name();
        let clicked = ui
            .selectable_label(is_chosen, name)
            .on_hover_text(format!("{}\n\nChoose it", doc(orientation)))
            .clicked();
        let palette = theme::palette(ui);
        match cell.loss {
            Some(loss) if is_least => {
                ui.label(RichText::new(format!("★ {}", value_text(loss))).color(palette.ok))
                    .on_hover_text("The least loss");
            }
            Some(loss) => {
                ui.label(RichText::new(value_text(loss)).color(palette.weak));
            }
            None if cell.object.is_some() => {
                ui.label(RichText::new("diverged").color(palette.bad));
            }
            None => {}
        }
        clicked
    })
    .inner
}

fn doc(orientation: Orientation) -> &'static str {
    let Kind::Choice(choices) = Orientation::KIND else {
        return "";
    };
    let found = choices
        .iter()
        .find(|choice| choice.name == orientation.name());
    found.map_or("", |choice| choice.doc)
}

fn picture(
    ui: &mut Ui,
    (pictures, pane): (&mut Pictures, usize),
    orientation: Orientation,
    cell: Cell<'_>,
    version: u64,
) {
    match cell.object {
        Some(object) => {
            let title = (pane, orientation.name());
            pictures.show_titled(ui, title, Source::Complex(object.view()), version);
        }
        None => {
            explanation(ui, "not begun");
        }
    }
}
