//! The left side: presets and the parameters, section by section, each with its picture.

use egui::{RichText, ScrollArea, TextEdit, Ui};
use ptycho_core::fields::Fields;
use ptycho_core::sim::SceneSettings;
use ptycho_core::study::generate::{GenerateTask, Preset};

use super::super::super::command::Command;
use super::super::super::document::Document;
use super::super::super::files::Purpose;
use super::super::super::generation::sketch::Section;
use super::super::super::generation::{Generation, Sketch};
use super::super::super::preferences::Preferences;
use super::super::super::theme;
use super::super::super::widgets::field_table::{Aids, FieldTable, Relevance, TableResponse};
use super::super::side::{PathRow, problem, title_row};
use super::relevance::{found, relevance};
use super::sections::{Thumbnails, section};

/// Draw the side.
pub(super) fn side(
    ui: &mut Ui,
    document: &mut Document,
    preferences: &mut Preferences,
    thumbnails: &mut Thumbnails,
    commands: &mut Vec<Command>,
) {
    ui.add_space(4.0);
    title_row(ui, "Parameters", document, commands);
    presets(ui, commands);
    let generation = &mut document.generation;
    let table = &mut preferences.parameters;
    let is_reset = table.switch(
        ui,
        n_hidden_changes(&generation.task),
        can_reset(&generation.task),
    );
    if is_reset {
        generation.set_task(GenerateTask {
            output: generation.task.output.clone(),
            ..GenerateTask::default()
        });
    }
    ui.separator();
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            made_sections(ui, generation, *table, thumbnails, commands);
            doses_section(ui, generation, thumbnails);
            split_section(ui, generation, *table);
            rest_sections(ui, generation, *table, commands);
        });
}

fn presets(ui: &mut Ui, commands: &mut Vec<Command>) {
    ui.horizontal_wrapped(|ui| {
        ui.label("Presets");
        for preset in Preset::ALL {
            let words = preset.name.replace('-', " ");
            if ui.button(words).on_hover_text(preset.doc).clicked() {
                commands.push(Command::TakePreset(preset));
            }
        }
    });
}

fn can_reset(task: &GenerateTask) -> bool {
    let default = GenerateTask {
        output: task.output.clone(),
        ..GenerateTask::default()
    };
    *task != default
}

fn n_hidden_changes(task: &GenerateTask) -> usize {
    let aids = Aids {
        relevance: &|name| relevance(task, name),
        ..Aids::NONE
    };
    aids.n_hidden_changes(&task.scene.object)
        + aids.n_hidden_changes(&task.scene.probe)
        + aids.n_hidden_changes(&task.scene.scan)
        + aids.n_hidden_changes(&task.simulation)
        + aids.n_hidden_changes(&task.split)
}

/// The table of one part of the task; the task as it was tells which fields are shown.
fn table<T: Fields>(
    ui: &mut Ui,
    (id_salt, table): (&str, FieldTable),
    (before, sketch): (&GenerateTask, &Sketch),
    settings: &mut T,
    file: Option<&mut Option<std::path::PathBuf>>,
) -> TableResponse {
    let relevance = |name: &str| -> Relevance { relevance(before, name) };
    let found = |name: &str| found(before, sketch, name);
    let mut aids = Aids {
        found: &found,
        relevance: &relevance,
        file,
        widths: [32.0, 25.0, 6.0].map(|n_steps| n_steps * theme::GRID),
        ..Aids::NONE
    };
    table.rows(ui, id_salt, settings, &mut aids)
}

/// Object, probe and scan.
fn made_sections(
    ui: &mut Ui,
    generation: &mut Generation,
    fields: FieldTable,
    thumbnails: &mut Thumbnails,
    commands: &mut Vec<Command>,
) {
    let before = generation.task.clone();
    let Generation { task, sketch, .. } = generation;
    let SceneSettings {
        object,
        probe,
        scan,
        sources,
    } = &mut task.scene;
    let known = (&before, &*sketch);
    let mut browse = |response: TableResponse, purpose| {
        if response.is_browse_asked {
            commands.push(Command::ChooseForGeneration(purpose));
        }
    };
    section(ui, (Section::Object, sketch), thumbnails, |ui| {
        let file = Some(&mut sources.object);
        let response = table(ui, ("object", fields), known, object, file);
        browse(response, Purpose::ObjectFile);
    });
    section(ui, (Section::Probe, sketch), thumbnails, |ui| {
        let file = Some(&mut sources.probe);
        let response = table(ui, ("probe", fields), known, probe, file);
        browse(response, Purpose::ProbeFile);
    });
    section(ui, (Section::Scan, sketch), thumbnails, |ui| {
        let file = Some(&mut sources.scan);
        let response = table(ui, ("scan", fields), known, scan, file);
        browse(response, Purpose::ScanFile);
    });
}

fn doses_section(ui: &mut Ui, generation: &mut Generation, thumbnails: &mut Thumbnails) {
    let Generation {
        task,
        sketch,
        doses,
        ..
    } = generation;
    section(ui, (Section::Doses, sketch), thumbnails, |ui| {
        ui.horizontal(|ui| {
            let label = ui.label("Doses");
            let width = (ui.available_width() - 28.0 * theme::GRID).max(20.0 * theme::GRID);
            let edit = TextEdit::singleline(&mut doses.text)
                .desired_width(width)
                .hint_text("1e3, 1e4, 1e5");
            let tip = "Expected photons a pattern, averaged over the scan: one pair of datasets for each.\n\nFlag: --doses";
            let response = ui.add(edit).labelled_by(label.id).on_hover_text(tip);
            if response.changed() {
                doses.read(&mut task.doses);
            }
            ui.label(RichText::new("photons/pattern").color(theme::palette(ui).weak));
        });
        if let Some(words) = &doses.problem {
            problem(ui, words);
        }
    });
}

fn split_section(ui: &mut Ui, generation: &mut Generation, fields: FieldTable) {
    let before = generation.task.clone();
    let Generation { task, sketch, .. } = generation;
    section(
        ui,
        (Section::Split, sketch),
        &mut Thumbnails::default(),
        |ui| {
            table(
                ui,
                ("split", fields),
                (&before, sketch),
                &mut task.split,
                None,
            );
        },
    );
}

/// How it is simulated and where it goes.
fn rest_sections(
    ui: &mut Ui,
    generation: &mut Generation,
    fields: FieldTable,
    commands: &mut Vec<Command>,
) {
    let before = generation.task.clone();
    let Generation { task, sketch, .. } = generation;
    egui::CollapsingHeader::new(RichText::new("Simulation").strong())
        .default_open(true)
        .show_unindented(ui, |ui| {
            let known = (&before, &*sketch);
            table(
                ui,
                ("simulation", fields),
                known,
                &mut task.simulation,
                None,
            );
        });
    egui::CollapsingHeader::new(RichText::new("Output").strong())
        .default_open(true)
        .show_unindented(ui, |ui| {
            let mut text = task.output.display().to_string();
            let row = PathRow {
                label: "Folder",
                what: "output folder",
                hint: "folder of the datasets",
                tip: "Gets a folder for each dose, run_manifest.json, summary.md and dataset_generation.log.\n\nFlag: --output",
                label_width_pt: 0.0,
                beside_pt: 10.0 * theme::GRID,
            };
            ui.horizontal(|ui| {
                let response = row.ui(ui, &mut text);
                if response.is_changed {
                    task.output = text.into();
                }
                if response.is_browse_asked {
                    commands.push(Command::ChooseForGeneration(Purpose::OutputFolder));
                }
            });
        });
}
