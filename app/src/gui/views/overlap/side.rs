//! The left side: of what, which views, how groups are formed and thinned, where the views go.

use egui::{Button, ComboBox, RichText, ScrollArea, Slider, SliderClamping, TextEdit, Ui};
use ptycho_core::fields::Fields;
use ptycho_core::grouping::{GroupSettings, SpacingSettings, View};
use ptycho_core::study::generate::RunManifest;

use super::super::super::command::Command;
use super::super::super::document::Document;
use super::super::super::files::Purpose;
use super::super::super::generation::doses::dose_text;
use super::super::super::preferences::Preferences;
use super::super::super::theme;
use super::super::super::thinning::{Thinning, ThinningSettings};
use super::super::super::widgets::field_table::{Aids, FieldTable, Relevance};
use super::super::side::{PathRow, heading, problem, reset_button, title_row, wide_label};

/// Fields that have a slider of their own above the table.
const WITH_SLIDER: [&str; 3] = ["gridsize", "neighbors", "seed"];
/// K and seed as far as their sliders go; more can be typed.
const SLIDER_K: usize = 30;
const SLIDER_SEED: u64 = 999;
const MOST_K: usize = 100;

/// Draw the side.
pub(super) fn side(
    ui: &mut Ui,
    document: &mut Document,
    preferences: &mut Preferences,
    commands: &mut Vec<Command>,
) {
    ui.add_space(4.0);
    title_row(ui, "Views", document, commands);
    let thinning = &mut document.thinning;
    let table = &mut preferences.parameters;
    let n_hidden = aids(thinning).n_hidden_changes(&thinning.settings.groups)
        + aids(thinning).n_hidden_changes(&thinning.settings.spacing);
    let can_reset = thinning.settings != ThinningSettings::default();
    if table.switch(ui, n_hidden, can_reset) {
        thinning.settings = ThinningSettings::default();
    }
    ui.separator();
    let table = *table;
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            source(ui, document, commands);
            let thinning = &mut document.thinning;
            heading(ui, "View");
            views(ui, thinning);
            heading(ui, "Groups");
            groups(ui, thinning, table);
            heading(ui, "Spacing");
            spacing(ui, thinning, table);
            heading(ui, "Output");
            output(ui, document, commands);
        });
}

fn aids(_: &Thinning) -> Aids<'static> {
    Aids {
        relevance: &|name| {
            if WITH_SLIDER.contains(&name) {
                Relevance::Never
            } else {
                Relevance::ByLevel
            }
        },
        ..Aids::NONE
    }
}

/// The open scan, or a folder and one of its doses.
fn source(ui: &mut Ui, document: &mut Document, commands: &mut Vec<Command>) {
    heading(ui, "Made of");
    let name = document.scan.name();
    let generated = document.generation.output();
    // Of a training set that is open, the folder with all its doses.
    let own_folder = document.scan.path().and_then(|path| {
        let folder = path.parent()?.parent()?;
        RunManifest::file_in(folder)
            .is_file()
            .then(|| folder.to_path_buf())
    });
    let thinning = &mut document.thinning;
    let tip = "Views of the dataset that is open in the Data view";
    ui.radio_value(
        &mut thinning.is_of_folder,
        false,
        format!("Open scan: {name}"),
    )
    .on_hover_text(tip);
    let tip =
        "Views of the training and the test set of every dose of a folder that Generate wrote";
    let chosen = ui
        .radio_value(&mut thinning.is_of_folder, true, "Generated folder")
        .on_hover_text(tip);
    if chosen.clicked() && thinning.folder.trim().is_empty() {
        let known = own_folder.or_else(|| generated.is_dir().then(|| generated.clone()));
        thinning.folder = known.map_or_else(String::new, |folder| folder.display().to_string());
    }
    if !thinning.is_of_folder {
        return;
    }
    ui.horizontal(|ui| {
        let width = (ui.available_width() - 10.0 * theme::GRID).max(20.0 * theme::GRID);
        let shown = thinning.source_folder();
        let shown = shown.map_or_else(String::new, |folder| folder.display().to_string());
        let edit = TextEdit::singleline(&mut thinning.folder)
            .desired_width(width)
            .hint_text("folder with dose_… in it");
        ui.add(edit)
            .on_hover_text(shown)
            .accessible_name("Generated folder");
        let browse = ui
            .button("…")
            .on_hover_text("Choose the folder")
            .accessible_name("Browse for the generated folder");
        if browse.clicked() {
            commands.push(Command::ChooseForViews(Purpose::SetsFolder));
        }
    });
    if generated.is_dir() && thinning.source_folder().as_ref() != Some(&generated) {
        let take = ui
            .button("Take that of Generate")
            .on_hover_text(generated.display().to_string());
        if take.clicked() {
            commands.push(Command::ShowSets(generated));
        }
    }
    doses(ui, thinning);
}

fn doses(ui: &mut Ui, thinning: &mut Thinning) {
    let Some(subject) = thinning.subject.clone() else {
        return;
    };
    if subject.doses.len() < 2 {
        return;
    }
    let words = |dose: &Option<f64>| dose.map_or_else(|| "?".to_owned(), dose_text);
    ui.horizontal(|ui| {
        ui.label("Shown dose");
        let shown = subject.doses.get(thinning.dose);
        ComboBox::from_id_salt("dose")
            .selected_text(shown.map_or_else(String::new, words))
            .show_ui(ui, |ui| {
                for (i, dose) in subject.doses.iter().enumerate() {
                    ui.selectable_value(&mut thinning.dose, i, words(dose));
                }
            })
            .response
            .on_hover_text("Views are written for all doses; this one is looked at")
            .accessible_name("Shown dose");
    });
}

/// The list of views, and name and overlap of the one that is looked at.
fn views(ui: &mut Ui, thinning: &mut Thinning) {
    let Thinning {
        settings,
        chosen,
        subject,
        ..
    } = thinning;
    ui.horizontal_wrapped(|ui| {
        for (i, view) in settings.views.iter().enumerate() {
            let words = format!("{} {}", view.name, view.overlap);
            if ui
                .selectable_label(*chosen == i, words)
                .on_hover_text("Look at this view; all of them are written")
                .clicked()
            {
                *chosen = i;
            }
        }
        if ui
            .button("➕")
            .on_hover_text("Add a view")
            .accessible_name("Add a view")
            .clicked()
        {
            settings.views.push(View {
                name: unused_name(&settings.views),
                overlap: 0.5,
            });
            *chosen = settings.views.len() - 1;
        }
        let can_remove = 1 < settings.views.len();
        let remove = ui.add_enabled(can_remove, Button::new("➖"));
        if remove
            .on_hover_text("Remove the chosen view")
            .accessible_name("Remove the view")
            .clicked()
        {
            settings
                .views
                .remove((*chosen).min(settings.views.len() - 1));
        }
    });
    *chosen = (*chosen).min(settings.views.len().saturating_sub(1));
    let Some(view) = settings.views.get_mut(*chosen) else {
        return;
    };
    ui.horizontal(|ui| {
        let label = ui.label("Name");
        let edit = TextEdit::singleline(&mut view.name).desired_width(30.0 * theme::GRID);
        ui.add(edit)
            .labelled_by(label.id)
            .on_hover_text("Name of the view, and of its folder");
    });
    let tip =
        "f: neighbours may overlap by this part of a pattern's side; 1 keeps all\n\nFlag: --views";
    let mut overlap = view.overlap;
    let f = Slider::new(&mut overlap, 0.0..=1.0).max_decimals(4);
    // Only when it is moved: a slider rounds what it shows.
    if slider(ui, "Overlap f", tip, f) {
        view.overlap = (overlap * 1e4).round() / 1e4;
    }
    if let Some(subject) = subject {
        let (n, f) = (subject.n, view.overlap);
        let words = format!("(1 − {f}) × {n} = S = {:.1} px", view.spacing_px(n));
        ui.label(RichText::new(words).color(theme::palette(ui).weak));
    }
    if let Err(error) = view.check() {
        problem(ui, &error.to_string());
    }
}

fn unused_name(views: &[View]) -> String {
    let is_used = |name: &String| views.iter().any(|view| view.name == *name);
    (1..=views.len() + 1)
        .map(|i| format!("view{i}"))
        .find(|name| !is_used(name))
        .unwrap_or_default()
}

/// A slider beside its label, as wide as the panel allows; true where it was moved.
fn slider(ui: &mut Ui, name: &str, tip: &str, slider: Slider<'_>) -> bool {
    ui.horizontal(|ui| {
        let label = wide_label(ui, name, 17.0 * theme::GRID);
        ui.spacing_mut().slider_width =
            (ui.available_width() - 18.0 * theme::GRID).max(12.0 * theme::GRID);
        let response = ui.add(slider).labelled_by(label.id).on_hover_text(tip);
        response.changed()
    })
    .inner
}

fn tip_of<T: Fields>(name: &str) -> String {
    let field = T::fields().iter().find(|field| field.name == name);
    field.map_or_else(String::new, |field| {
        format!("{}\n\nFlag: --{}", field.doc, field.flag())
    })
}

fn groups(ui: &mut Ui, thinning: &mut Thinning, table: FieldTable) {
    let groups = &mut thinning.settings.groups;
    let tip = |name: &str| tip_of::<GroupSettings>(name);
    let side = Slider::new(&mut groups.gridsize, 1..=3);
    slider(ui, "Gridsize", &tip("gridsize"), side);
    let found = GroupSettings {
        neighbors: 0,
        ..groups.clone()
    }
    .k();
    let k = Slider::new(&mut groups.neighbors, 0..=SLIDER_K)
        .clamping(SliderClamping::Never)
        .custom_formatter(move |k, _| match k as usize {
            0 => format!("auto {found}"),
            k => k.to_string(),
        });
    slider(ui, "K nearest", &tip("neighbors"), k);
    groups.neighbors = groups.neighbors.min(MOST_K);
    let seed = Slider::new(&mut groups.seed, 0..=SLIDER_SEED).clamping(SliderClamping::Never);
    slider(ui, "Seed", &tip("seed"), seed);
    let mut aids = aids(thinning);
    table.rows(ui, "groups", &mut thinning.settings.groups, &mut aids);
}

fn spacing(ui: &mut Ui, thinning: &mut Thinning, table: FieldTable) {
    let fwhm_px = thinning
        .subject
        .as_ref()
        .and_then(|subject| subject.halves.first()?.fwhm_px.clone().ok())
        .map(|fwhm_px| (fwhm_px * 100.0).round() / 100.0);
    let found = |name: &str| (name == "probe_diameter").then_some(fwhm_px).flatten();
    let mut aids = Aids {
        found: &found,
        ..Aids::NONE
    };
    let spacing: &mut SpacingSettings = &mut thinning.settings.spacing;
    table.rows(ui, "spacing", spacing, &mut aids);
}

fn output(ui: &mut Ui, document: &mut Document, commands: &mut Vec<Command>) {
    let found = document.thinning.output(&document.scan);
    let settings = &mut document.thinning.settings;
    let mut text = settings
        .output
        .as_ref()
        .or(found.as_ref())
        .map_or_else(String::new, |path| path.display().to_string());
    let row = PathRow {
        label: "Folder",
        what: "folder of the views",
        hint: "",
        tip: "Gets a folder for each dose and view, and overlap_manifest.json.\n\nFlag: --output",
        label_width_pt: 0.0,
        beside_pt: 18.0 * theme::GRID,
    };
    ui.horizontal(|ui| {
        let response = row.ui(ui, &mut text);
        if response.is_changed {
            settings.output = (!text.trim().is_empty()).then(|| text.into());
        }
        if response.is_browse_asked {
            commands.push(Command::ChooseForViews(Purpose::ViewsFolder));
        }
        let can_reset = settings.output.is_some();
        if reset_button(ui, "Folder", "Beside the source", can_reset) {
            settings.output = None;
        }
    });
}
