//! The engine and its own fields, what it computes on and what it starts from.

use egui::{ComboBox, DragValue, RichText, Ui};
use ptycho_core::compute::DeviceChoice;
use ptycho_core::fields::{FieldValue as _, Kind};
use ptycho_core::iterative::{EngineKind, IterativeSettings, KernelChoice};

use super::super::super::command::Command;
use super::super::super::document::Document;
use super::super::super::files::Purpose;
use super::super::super::preferences::Preferences;
use super::super::super::reconstruction::command_line::kernels_choice_word;
use super::super::super::reconstruction::relevance::relevance;
use super::super::super::reconstruction::used;
use super::super::super::theme;
use super::super::super::training::command_line::device_word;
use super::super::super::widgets::field_table::Aids;
use super::super::side::{PathRow, reset_button, title_row, wide_label};

/// Room for the labels above the table, in points.
const LABEL_WIDTH: f32 = 20.0 * theme::GRID;
/// What a limit of the device's memory begins with.
const USUAL_LIMIT_GIB: f64 = 4.0;

/// Draw them.
pub(super) fn parameters(
    ui: &mut Ui,
    document: &mut Document,
    preferences: &mut Preferences,
    is_running: bool,
    commands: &mut Vec<Command>,
) {
    title_row(ui, "Parameters", document, commands);
    if is_running {
        ui.label(RichText::new("Changes apply to the next run.").weak());
    }
    engine(ui, &mut document.engine);
    device(ui, document);
    device_memory(ui, document);
    start(ui, document, commands);
    fields(ui, document, preferences);
}

/// What an engine is, as its settings file explains it.
fn engine_doc(engine: EngineKind) -> &'static str {
    let Kind::Choice(choices) = EngineKind::KIND else {
        return "";
    };
    let found = choices.iter().find(|choice| choice.name == engine.name());
    found.map_or("", |choice| choice.doc)
}

fn engine(ui: &mut Ui, engine: &mut EngineKind) {
    ui.horizontal(|ui| {
        let label = wide_label(ui, "Engine", LABEL_WIDTH);
        let tip = format!(
            "{}\n\nFlag: --algorithm {}",
            engine_doc(*engine),
            engine.name()
        );
        ComboBox::from_id_salt("engine")
            .selected_text(engine.title())
            .show_ui(ui, |ui| {
                for kind in EngineKind::ALL {
                    ui.selectable_value(engine, kind, kind.title())
                        .on_hover_text(engine_doc(kind));
                }
            })
            .response
            .labelled_by(label.id)
            .on_hover_text(tip);
    });
    let doc = RichText::new(engine_doc(*engine)).small();
    ui.add(egui::Label::new(doc.color(theme::palette(ui).weak)).wrap());
}

/// Device and kernels; what they come to stands before the run.
fn device(ui: &mut Ui, document: &mut Document) {
    let how = &mut document.how;
    ui.horizontal_wrapped(|ui| {
        let label = wide_label(ui, "Device", LABEL_WIDTH);
        ComboBox::from_id_salt("device")
            .selected_text(device_word(how.device))
            .width(18.0 * theme::GRID)
            .show_ui(ui, |ui| {
                for device in [
                    DeviceChoice::Auto,
                    DeviceChoice::Cpu,
                    DeviceChoice::Cuda,
                    DeviceChoice::Metal,
                ] {
                    ui.selectable_value(&mut how.device, device, device_word(device));
                }
            })
            .response
            .labelled_by(label.id)
            .on_hover_text("auto is CUDA, else Metal, else the CPU\n\nFlag: --device");
        let label = ui.label("Kernels");
        ComboBox::from_id_salt("kernels")
            .selected_text(kernels_choice_word(how.kernels))
            .width(18.0 * theme::GRID)
            .show_ui(ui, |ui| {
                for kernels in [
                    KernelChoice::Auto,
                    KernelChoice::Fused,
                    KernelChoice::Tensors,
                ] {
                    ui.selectable_value(&mut how.kernels, kernels, kernels_choice_word(kernels));
                }
            })
            .response
            .labelled_by(label.id)
            .on_hover_text("auto is those fused for the CPU, and tensors on a GPU. Tensors also run on the CPU: slowly, to check a device's results\n\nFlag: --kernels");
    });
}

/// A limit of the device's memory, where kernels take any.
fn device_memory(ui: &mut Ui, document: &mut Document) {
    let takes_memory = document.takes_device_memory();
    let limit_gib = &mut document.how.device_memory_gib;
    if !takes_memory && limit_gib.is_none() {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        wide_label(ui, "Memory", LABEL_WIDTH);
        let tip = "What the tensor kernels may take of the device's memory; otherwise what there is. Patterns that do not fit beside a batch are sent with every batch\n\nFlag: --device-memory-gib";
        let mut is_limited = limit_gib.is_some();
        let switch = ui.checkbox(&mut is_limited, "limit").on_hover_text(tip);
        if switch.changed() {
            *limit_gib = is_limited.then_some(USUAL_LIMIT_GIB);
        }
        if let Some(limit_gib) = limit_gib {
            let drag = DragValue::new(limit_gib)
                .range(0.001..=1000.0)
                .speed(0.05)
                .max_decimals(3)
                .suffix(" GiB");
            ui.add(drag).accessible_name("Device memory").on_hover_text(tip);
        }
    });
}

/// A result to start from.
fn start(ui: &mut Ui, document: &mut Document, commands: &mut Vec<Command>) {
    let present = document.present_result();
    let how = &mut document.how;
    let row = PathRow {
        label: "Start from",
        what: "result to start from",
        hint: "the scan's probe",
        tip: "A result of the same scan, by whatever engine: object, probe and positions start from it. Empty starts from the scan's probe.\n\nFlag: --start-from",
        label_width_pt: LABEL_WIDTH,
        beside_pt: 19.0 * theme::GRID,
    };
    ui.horizontal(|ui| {
        if row.ui(ui, &mut how.start).is_browse_asked {
            commands.push(Command::ChooseForReconstruction(Purpose::StartFile));
        }
        let tip = "Start from the scan's probe";
        if reset_button(ui, "Start from", tip, !how.start.is_empty()) {
            how.start.clear();
        }
    });
    if let Some(present) = present.map(|path| path.display().to_string())
        && present != how.start
        && ui
            .small_button("Start from the present result")
            .on_hover_text(&present)
            .clicked()
    {
        how.start = present;
    }
}

/// The engine's own fields.
fn fields(ui: &mut Ui, document: &mut Document, preferences: &mut Preferences) {
    let engine = document.engine;
    let before = document.settings.clone();
    let mut aids = Aids {
        relevance: &|name| relevance(engine, &before, name),
        ..Aids::NONE
    };
    let table = &mut preferences.parameters;
    let n_hidden_changes = aids.n_hidden_changes(&before);
    let can_reset = used(engine, &before) != IterativeSettings::default();
    if table.switch(ui, n_hidden_changes, can_reset) {
        document.settings = IterativeSettings::default();
    }
    table.rows(ui, "engine fields", &mut document.settings, &mut aids);
}
