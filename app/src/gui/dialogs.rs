//! The windows over the window: help, preferences, repair.

use std::path::Path;

use egui::{Context, Grid, RichText, ScrollArea, Ui};
use ptycho_core::data::repair::RepairStep;

use super::command::{Action, Command};
use super::files::parse_path;
use super::meter::Meter;
use super::preferences::Preferences;
use super::theme::{ThemeChoice, UI_SCALE_RANGE};

/// Which of them is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialog {
    Shortcuts,
    DataContract,
    About,
    FrameTimes,
    Preferences,
    Repair,
}

impl Dialog {
    fn title(self) -> &'static str {
        match self {
            Self::Shortcuts => "Keyboard shortcuts",
            Self::DataContract => "The data contract (DATA-001)",
            Self::About => "About Ptychobench",
            Self::FrameTimes => "Frame times",
            Self::Preferences => "Preferences",
            Self::Repair => "Repair this scan",
        }
    }
}

/// Draw a dialog that fits the window and scrolls; true when it was closed.
pub fn show(ctx: &Context, dialog: Dialog, contents: impl FnOnce(&mut Ui) -> bool) -> bool {
    let size = ctx.content_rect().size();
    let mut close = false;
    let modal = egui::Modal::new(egui::Id::unique("dialog").with(dialog.title())).show(ctx, |ui| {
        ui.set_width((size.x - 60.0).min(760.0));
        ui.heading(dialog.title());
        ui.add_space(6.0);
        ScrollArea::vertical()
            .max_height((size.y - 140.0).max(120.0))
            .show(ui, |ui| close |= contents(ui));
        ui.add_space(6.0);
        close |= ui.button("Close").clicked();
    });
    close || modal.should_close()
}

/// Every key and what it does, from the same table as the menus.
pub fn shortcuts(ui: &mut Ui) {
    Grid::new("shortcuts")
        .num_columns(3)
        .striped(true)
        .spacing([18.0, 4.0])
        .show(ui, |ui| {
            for action in Action::ALL {
                let entry = action.entry();
                let Some(shortcut) = entry.shortcut else {
                    continue;
                };
                ui.label(entry.label);
                ui.monospace(ui.ctx().format_shortcut(&shortcut));
                ui.label(RichText::new(entry.tooltip).weak());
                ui.end_row();
            }
        });
    ui.add_space(6.0);
    ui.label("Tab moves between controls, Space or Enter presses, Escape closes. On a picture: wheel zooms, drag pans, double-click or Home shows it whole.");
    ui.label("Undo covers the parameters. Results need none: every run has a folder of its own and is never overwritten.");
}

const CONTRACT: [[&str; 4]; 9] = [
    [
        "diffraction",
        "(M, N, N)",
        "float32",
        "amplitude = √counts, zero frequency at [N/2, N/2]; required",
    ],
    [
        "xcoords, ycoords",
        "(M,)",
        "float64",
        "px: object coordinate of patch pixel N/2; required",
    ],
    [
        "probeGuess",
        "(N, N) or (K, N, N)",
        "complex64",
        "√photons: |F{probe·object}|² is the expected count; required",
    ],
    [
        "objectGuess",
        "(H, W)",
        "complex64",
        "truth or guess; H, W ≥ N; optional for a reconstruction",
    ],
    [
        "Y",
        "(M, N, N)",
        "complex64",
        "ground-truth patches; optional",
    ],
    [
        "xcoords_start, ycoords_start, scan_index",
        "(M,)",
        "",
        "optional, carried along",
    ],
    [
        "group_index",
        "(G, C)",
        "int32",
        "groups of an overlap view; optional",
    ],
    ["detector_mask", "(N, N)", "bool", "true = use; optional"],
    [
        "_metadata",
        "",
        "uint8",
        "UTF-8 JSON; a pickled one is listed and never executed",
    ],
];

/// Which arrays a scan needs.
pub fn data_contract(ui: &mut Ui) {
    ui.label("A scan is an NPZ file with these arrays. Rows run down, columns run right, row 0 is on top.");
    ui.add_space(6.0);
    Grid::new("contract")
        .num_columns(4)
        .striped(true)
        .spacing([14.0, 4.0])
        .show(ui, |ui| {
            for title in ["Key", "Shape", "Type", "Meaning"] {
                ui.strong(title);
            }
            ui.end_row();
            for [key, shape, dtype, meaning] in CONTRACT {
                ui.monospace(key);
                ui.monospace(shape);
                ui.monospace(dtype);
                ui.label(meaning);
                ui.end_row();
            }
        });
    ui.add_space(6.0);
    ui.label("Frames on the last axis, other names (diff3d; data, scan, probe), counts instead of amplitudes, other number types: these are mended, and every repair is told. What would need a guess is refused.");
}

/// Versions and device.
pub fn about(ui: &mut Ui, device: &str) {
    ui.label(format!(
        "Ptychobench {}: a desktop workbench for ptychography studies.",
        env!("CARGO_PKG_VERSION")
    ));
    ui.add_space(4.0);
    Grid::new("about")
        .num_columns(2)
        .spacing([14.0, 4.0])
        .show(ui, |ui| {
            let rows = [
                ("Compute device", device.to_owned()),
                (
                    "Operating system",
                    format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
                ),
                ("Window toolkit", "egui and eframe 0.37".to_owned()),
                ("Licence", "MIT or Apache-2.0".to_owned()),
            ];
            for (name, value) in rows {
                ui.label(RichText::new(name).weak());
                ui.label(value);
                ui.end_row();
            }
        });
}

/// What the window's own work costs.
pub fn frame_times(ui: &mut Ui, meter: &mut Meter) {
    ui.label("Thread CPU time that each frame's own work took (polling jobs, laying out, filling textures).");
    Grid::new("frame times")
        .num_columns(2)
        .spacing([14.0, 4.0])
        .show(ui, |ui| {
            let rows = [
                ("Frames drawn", meter.n_frames().to_string()),
                ("Median", format!("{:.2} ms", meter.percentile_ms(0.5))),
                (
                    "99th percentile",
                    format!("{:.2} ms", meter.percentile_ms(0.99)),
                ),
                ("Longest", format!("{:.2} ms", meter.percentile_ms(1.0))),
            ];
            for (name, value) in rows {
                ui.label(RichText::new(name).weak());
                ui.monospace(value);
                ui.end_row();
            }
        });
    if ui.button("Start again").clicked() {
        meter.clear();
    }
}

/// The preferences dialog's draft of the runs folder.
#[derive(Default)]
pub struct PreferencesDraft {
    pub runs: String,
}

/// Theme, scale, runs folder, dialogs.
pub fn preferences(ui: &mut Ui, preferences: &mut Preferences, draft: &mut PreferencesDraft) {
    Grid::new("preferences")
        .num_columns(2)
        .spacing([14.0, 8.0])
        .show(ui, |ui| {
            ui.label("Theme");
            ui.horizontal(|ui| {
                for theme in ThemeChoice::ALL {
                    ui.radio_value(&mut preferences.appearance.theme, theme, theme.label());
                }
            });
            ui.end_row();
            let label = ui.label("UI scale");
            let mut percent = preferences.appearance.ui_scale * 100.0;
            let range = UI_SCALE_RANGE.start() * 100.0..=UI_SCALE_RANGE.end() * 100.0;
            let drag = ui.add(
                egui::DragValue::new(&mut percent)
                    .range(range)
                    .speed(1.0)
                    .suffix(" %")
                    .max_decimals(0),
            );
            if drag.labelled_by(label.id).changed() {
                preferences.appearance.ui_scale = percent / 100.0;
            }
            ui.end_row();
            let label = ui.label("Runs folder");
            ui.vertical(|ui| {
                let edit = ui
                    .add(egui::TextEdit::singleline(&mut draft.runs).desired_width(f32::INFINITY));
                if edit.labelled_by(label.id).lost_focus() && !draft.runs.trim().is_empty() {
                    preferences.runs_folder = parse_path(&draft.runs);
                }
                let shown = std::path::absolute(&preferences.runs_folder);
                let shown = shown.as_deref().unwrap_or(Path::new("?"));
                ui.label(
                    RichText::new(format!(
                        "Every run gets a folder of its own in {}",
                        shown.display()
                    ))
                    .weak(),
                );
            });
            ui.end_row();
            ui.label("File dialogs");
            ui.checkbox(
                &mut preferences.system_file_dialogs,
                "Use the system's, where it has one",
            );
            ui.end_row();
        });
}

/// The repair dialog: what would change, and where the new file goes.
#[derive(Default)]
pub struct RepairDraft {
    pub steps: Option<Result<Vec<RepairStep>, String>>,
    pub output: String,
    pub input: String,
}

/// Draw it; true when it is to be closed.
pub fn repair(ui: &mut Ui, draft: &mut RepairDraft, commands: &mut Vec<Command>) -> bool {
    ui.label(format!(
        "{} stays as it is; a new file is written and inspected again.",
        draft.input
    ));
    ui.add_space(6.0);
    match &draft.steps {
        None => {
            ui.label("Looking what there is to mend…");
            return false;
        }
        Some(Err(problem)) => {
            ui.colored_label(ui.visuals().error_fg_color, format!("✖ {problem}"));
            return false;
        }
        Some(Ok(steps)) if steps.is_empty() => {
            ui.label("✔ Nothing needs mending.");
            return false;
        }
        Some(Ok(steps)) => repair_steps(ui, steps),
    }
    ui.add_space(8.0);
    let label = ui.label("Write the repaired scan to");
    ui.add(egui::TextEdit::singleline(&mut draft.output).desired_width(f32::INFINITY))
        .labelled_by(label.id);
    let output = parse_path(&draft.output);
    let is_input = output == parse_path(&draft.input);
    if is_input {
        ui.colored_label(
            ui.visuals().error_fg_color,
            "✖ This is the file itself. Choose another name.",
        );
    } else if output.is_file() {
        ui.colored_label(
            ui.visuals().warn_fg_color,
            "⚠ This file exists and will be replaced.",
        );
    }
    let mut done = false;
    ui.horizontal(|ui| {
        let can_write = !is_input && output.file_name().is_some();
        if ui
            .add_enabled(can_write, egui::Button::new("Write and open"))
            .clicked()
        {
            commands.push(Command::Repair(output.clone()));
            done = true;
        }
        if ui.button("Choose where…").clicked() {
            commands.push(Command::ChooseRepaired);
            done = true;
        }
    });
    done
}

fn repair_steps(ui: &mut Ui, steps: &[RepairStep]) {
    Grid::new("repair")
        .num_columns(4)
        .striped(true)
        .spacing([14.0, 4.0])
        .show(ui, |ui| {
            for title in ["Key", "Before", "After", "What is done"] {
                ui.strong(title);
            }
            ui.end_row();
            for step in steps {
                ui.monospace(&step.key);
                ui.monospace(&step.before);
                ui.monospace(&step.after);
                ui.add(egui::Label::new(&step.what).wrap());
                ui.end_row();
            }
        });
}
