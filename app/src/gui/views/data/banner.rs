//! The top of the data view: the path box, the verdict, and what to do next; or the welcome.

use egui::{Key, RichText, Ui};
use ptycho_core::data::Verdict;

use super::super::super::chrome::action_button;
use super::super::super::command::{Action, Command};
use super::super::super::diagnosis::Ask;
use super::super::super::document::Document;
use super::super::super::files::parse_path;
use super::super::super::meter::seconds_text;
use super::super::super::preferences::Preferences;
use super::super::super::queue::{Lane, Queue};
use super::super::View;
use super::keys::verdict_words;

/// The path box and the buttons beside it.
pub(super) fn path_row(ui: &mut Ui, path_text: &mut String, commands: &mut Vec<Command>) {
    ui.horizontal_wrapped(|ui| {
        let label = ui.label("Path");
        let width = (ui.available_width() - 400.0).max(160.0);
        let edit = egui::TextEdit::singleline(path_text)
            .desired_width(width)
            .hint_text("path of an NPZ or NPY file");
        let response = ui.add(edit).labelled_by(label.id);
        let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        let has_path = !path_text.trim().is_empty();
        let clicked = ui
            .add_enabled(has_path, egui::Button::new("Open path"))
            .clicked();
        if has_path && (clicked || entered) {
            commands.push(Command::Open(parse_path(path_text)));
        }
        action_button(ui, Action::OpenFile, true, commands);
        action_button(ui, Action::OpenDemonstration, true, commands);
    });
}

/// The verdict and the next steps.
pub(super) fn banner(
    ui: &mut Ui,
    document: &Document,
    queue: &Queue,
    (shows_tools, commands): (&mut bool, &mut Vec<Command>),
) {
    let scan = &document.scan;
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(scan.name()).strong().size(16.0));
        match &scan.inspection {
            Some(inspection) => {
                let (icon, words, color) = verdict_words(ui, inspection.verdict);
                ui.label(
                    RichText::new(format!("{icon} {words}"))
                        .color(color)
                        .strong(),
                );
                if !inspection.is_full && queue.is_busy(Lane::Files) {
                    ui.label(
                        RichText::new("Judged by the headers; the data are being read.").weak(),
                    );
                }
            }
            None if scan.problem.is_none() => {
                ui.label(RichText::new(progress_words(queue)).weak());
            }
            None => {}
        }
    });
    if let Some(problem) = &scan.problem {
        ui.horizontal_wrapped(|ui| {
            ui.colored_label(ui.visuals().error_fg_color, "✖");
            ui.add(egui::Label::new(problem).wrap().selectable(true));
        });
    }
    repairs(ui, document);
    ui.horizontal_wrapped(|ui| {
        let verdict = scan
            .inspection
            .as_ref()
            .map(|inspection| inspection.verdict);
        if scan.dataset.is_some() && ui.button("▶ Go to Reconstruct").clicked() {
            commands.push(Command::Show(View::Reconstruct));
        }
        if verdict == Some(Verdict::Repairable) {
            action_button(ui, Action::RepairFile, document.can_repair(), commands);
        }
        if verdict == Some(Verdict::Refused) {
            action_button(ui, Action::DataContract, true, commands);
        }
        if scan.dataset.is_some() && scan.path().is_none() {
            action_button(ui, Action::SaveScanAs, true, commands);
        }
        if scan.dataset.is_some() {
            ui.toggle_value(shows_tools, "🔨 Tools").on_hover_text(
                "Subset, shuffle, split, crop and bin, pad, patches, fixture: write another scan made of this one",
            );
        }
        diagnose_button(ui, document, commands);
        action_button(ui, Action::CopyAsCommand, true, commands);
    });
}

/// What is right and wrong with the scan, beyond the contract.
fn diagnose_button(ui: &mut Ui, document: &Document, commands: &mut Vec<Command>) {
    let inspection = document.scan.inspection.as_ref();
    let is_read = inspection.is_some_and(|inspection| inspection.is_full);
    let tip = "Groups, canvas, probe, intensity scale, photons: what is right and what is wrong";
    let button = ui.add_enabled(is_read, egui::Button::new("Diagnose"));
    if button.on_hover_text(tip).clicked() {
        commands.push(Command::Diagnosis(Ask::OpenScan));
    }
}

fn repairs(ui: &mut Ui, document: &Document) {
    let repairs = &document.scan.repairs;
    if repairs.is_empty() || document.scan.dataset.is_none() {
        return;
    }
    let noun = if repairs.len() == 1 {
        "repair"
    } else {
        "repairs"
    };
    egui::CollapsingHeader::new(format!("{} {noun} applied in memory", repairs.len()))
        .default_open(repairs.len() <= 3)
        .show(ui, |ui| {
            for repair in repairs {
                ui.add(
                    egui::Label::new(format!("🔧 {repair}"))
                        .wrap()
                        .selectable(true),
                );
            }
        });
}

fn progress_words(queue: &Queue) -> String {
    queue.row(Lane::Files).map_or_else(
        || "Waiting…".to_owned(),
        |row| format!("{}… {}", row.name, seconds_text(row.elapsed.as_secs_f64())),
    )
}

/// What a window without a scan says.
pub(super) fn welcome(ui: &mut Ui, preferences: &Preferences, commands: &mut Vec<Command>) {
    ui.add_space(24.0);
    ui.vertical_centered(|ui| {
        ui.heading("Reconstruct a ptychographic scan");
        ui.add_space(6.0);
        ui.label("Open an NPZ with diffraction patterns, positions and a probe, or drop it on this window.");
        ui.label("Without data at hand, the built-in demonstration scan is simulated in about a second.");
        ui.add_space(12.0);
        action_button(ui, Action::OpenFile, true, commands);
        ui.add_space(4.0);
        action_button(ui, Action::OpenDemonstration, true, commands);
        ui.add_space(4.0);
        action_button(ui, Action::DataContract, true, commands);
        let known: Vec<_> = preferences.recent.iter().filter(|path| path.is_file()).take(5).collect();
        if known.is_empty() {
            return;
        }
        ui.add_space(16.0);
        ui.strong("Recent files");
        for path in known {
            if ui.link(path.display().to_string()).clicked() {
                commands.push(Command::Open(path.clone()));
            }
        }
    });
}
