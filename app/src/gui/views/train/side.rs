//! The left side: data, groups, network, loss, training, where the run is kept.

use std::path::PathBuf;

use egui::{ComboBox, RichText, ScrollArea, Ui};
use ptycho_core::compute::DeviceChoice;
use ptycho_core::nn::TrainSettings;

use super::super::super::command::Command;
use super::super::super::document::Document;
use super::super::super::files::Purpose;
use super::super::super::preferences::Preferences;
use super::super::super::theme;
use super::super::super::training::command_line::device_word;
use super::super::super::training::sets::{known_sets, matching_test};
use super::super::super::training::{TrainDraft, Training};
use super::super::super::widgets::field_table::{Aids, FieldTable, Relevance};
use super::super::side::{PathRow, heading, problem, reset_button, title_row, wide_label};
use super::relevance::{PARTS, relevance};

/// So that the fields of paths begin alike.
const LABEL_WIDTH: f32 = 16.0 * theme::GRID;

/// Draw the side.
pub(super) fn side(
    ui: &mut Ui,
    document: &mut Document,
    preferences: &mut Preferences,
    commands: &mut Vec<Command>,
) {
    ui.add_space(4.0);
    title_row(ui, "Training", document, commands);
    let settings = &mut document.training.draft.settings;
    let table = &mut preferences.parameters;
    let before = settings.clone();
    let aids = Aids {
        relevance: &|name| relevance(&before, name),
        ..Aids::NONE
    };
    let n_hidden = aids.n_hidden_changes(settings);
    let can_reset = *settings != TrainSettings::default();
    if table.switch(ui, n_hidden, can_reset) {
        *settings = TrainSettings::default();
    }
    ui.separator();
    let table = *table;
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            data(ui, document, commands);
            parts(ui, &mut document.training, table);
            run(ui, document, commands);
        });
}

/// The field of a path, with room for `beside` steps of the grid after it.
fn path_row<'a>(
    (label, what): (&'a str, &'a str),
    (hint, tip): (&'a str, &'a str),
    beside: f32,
) -> PathRow<'a> {
    PathRow {
        label,
        what,
        hint,
        tip,
        label_width_pt: LABEL_WIDTH,
        beside_pt: beside * theme::GRID,
    }
}

/// What is trained on, and what it is validated on.
fn data(ui: &mut Ui, document: &mut Document, commands: &mut Vec<Command>) {
    heading(ui, "Data");
    let sets = known_sets(document);
    let scan_name = document.scan.name();
    let training = &mut document.training;
    let draft = &mut training.draft;
    ui.radio_value(
        &mut draft.is_of_scan,
        true,
        format!("Open scan: {scan_name}"),
    )
    .on_hover_text("Train on the dataset that is open in the Data view");
    ui.radio_value(&mut draft.is_of_scan, false, "File")
        .on_hover_text("Train on another dataset");
    if !draft.is_of_scan {
        let tip = "NPZ to train on; a stored group_index is used as it is";
        let row = path_row(("Train on", "training file"), ("train.npz", tip), 11.0);
        ui.horizontal(|ui| {
            if row.ui(ui, &mut draft.train).is_browse_asked {
                commands.push(Command::ChooseForTraining(Purpose::TrainFile));
            }
        });
    }
    if !sets.is_empty() {
        ComboBox::from_id_salt("sets made here")
            .selected_text("Sets made here")
            .show_ui(ui, |ui| {
                for set in sets {
                    let tip = set.train.display().to_string();
                    let item = ui.selectable_label(false, &set.name).on_hover_text(tip);
                    if item.clicked() {
                        commands.push(Command::TrainOn(set.train));
                    }
                }
            })
            .response
            .on_hover_text("Training sets of the last generation and the last overlap views")
            .accessible_name("Sets made here");
    }
    validation(ui, document, commands);
}

fn validation(ui: &mut Ui, document: &mut Document, commands: &mut Vec<Command>) {
    let training = &mut document.training;
    let test = training
        .train(&document.scan)
        .and_then(|train| matching_test(&train));
    let draft = &mut training.draft;
    let tip = "NPZ whose loss is told after every epoch; where there is none, a share of the groups is kept for it.\n\nFlag: --validation";
    let texts = ("a share of the groups", tip);
    let row = path_row(("Validate on", "validation file"), texts, 11.0);
    ui.horizontal(|ui| {
        if row.ui(ui, &mut draft.validation).is_browse_asked {
            commands.push(Command::ChooseForTraining(Purpose::ValidationFile));
        }
    });
    ui.horizontal_wrapped(|ui| {
        let test = test.map(|test| test.display().to_string());
        if let Some(test) = test.filter(|test| *test != draft.validation) {
            let take = ui.button("Validate on the test set").on_hover_text(&test);
            if take.clicked() {
                draft.validation = test;
            }
        }
        if !draft.validation.is_empty() && ui.button("Keep a share instead").clicked() {
            draft.validation.clear();
        }
    });
    at_field(ui, training, &["train", "validation", "data"]);
}

/// The words of the plan's problem, where it is about one of these fields.
fn at_field(ui: &mut Ui, training: &Training, names: &[&str]) {
    if let Some(found) = training.problem()
        && let Some(field) = &found.field
        && names.contains(&field.as_str())
    {
        problem(ui, &found.words);
    }
}

/// The settings, part by part.
fn parts(ui: &mut Ui, training: &mut Training, table: FieldTable) {
    for (title, names) in PARTS {
        heading(ui, title);
        let before = training.draft.settings.clone();
        let at_fault = training.problem().and_then(|found| found.field.clone());
        let mut aids = Aids {
            relevance: &|name| {
                if names.contains(&name) {
                    relevance(&before, name)
                } else {
                    Relevance::Never
                }
            },
            at_fault: at_fault.as_deref(),
            widths: [30.0, 26.0, 0.0].map(|n_steps| n_steps * theme::GRID),
            ..Aids::NONE
        };
        let id_salt = ("train", title);
        let id_salt = format!("{} {}", id_salt.0, id_salt.1);
        table.rows(ui, &id_salt, &mut training.draft.settings, &mut aids);
        at_field(ui, training, names);
    }
}

/// Device, threads and run folder.
fn run(ui: &mut Ui, document: &mut Document, commands: &mut Vec<Command>) {
    heading(ui, "Run");
    let n_threads = document.n_threads;
    let found = document.training.output(&document.scan);
    let training = &mut document.training;
    ui.horizontal(|ui| {
        let label = wide_label(ui, "Device", LABEL_WIDTH);
        ComboBox::from_id_salt("device")
            .selected_text(device_word(training.draft.device))
            .show_ui(ui, |ui| {
                for device in [
                    DeviceChoice::Auto,
                    DeviceChoice::Cpu,
                    DeviceChoice::Cuda,
                    DeviceChoice::Metal,
                ] {
                    let draft = &mut training.draft.device;
                    ui.selectable_value(draft, device, device_word(device));
                }
            })
            .response
            .labelled_by(label.id)
            .on_hover_text("auto is CUDA, else Metal, else the CPU\n\nFlag: --device");
        let threads = format!("{n_threads} threads");
        ui.label(RichText::new(threads).color(theme::palette(ui).weak));
    });
    at_field(ui, training, &["device"]);
    folder(ui, &mut training.draft, found, commands);
}

fn folder(
    ui: &mut Ui,
    draft: &mut TrainDraft,
    found: Option<PathBuf>,
    commands: &mut Vec<Command>,
) {
    let shown = found.map_or_else(String::new, |path| path.display().to_string());
    let mut text = draft.output.clone().unwrap_or(shown);
    let tip = "Gets manifest.json, history.json, the bundles best and last, and the checkpoint.\n\nFlag: --output";
    let texts = ("folder of the run", tip);
    let row = path_row(("Folder", "run folder"), texts, 19.0);
    ui.horizontal(|ui| {
        let response = row.ui(ui, &mut text);
        if response.is_changed {
            draft.output = (!text.trim().is_empty()).then(|| text.clone());
        }
        if response.is_browse_asked {
            commands.push(Command::ChooseForTraining(Purpose::RunFolder));
        }
        let tip = "Named after data, model, loss, gridsize and seed";
        if reset_button(ui, "Folder", tip, draft.output.is_some()) {
            draft.output = None;
        }
    });
}
