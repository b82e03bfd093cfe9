//! Any settings struct as a table: label, value, unit, reset; the doc comment is the tooltip.

use std::path::PathBuf;

use egui::{Button, Grid, RichText, TextEdit, Ui};
use ptycho_core::fields::{Field, Fields, Level, Value};
use serde::{Deserialize, Serialize};

use super::field_editor::editor;
use crate::gui::files::parse_path;
use crate::gui::theme;

/// The word of a choice whose value is a file.
const FILE: &str = "file";

/// What of a table is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FieldTable {
    /// Show the advanced fields too.
    pub shows_all: bool,
}

/// Whether a field is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Relevance {
    /// As its level says.
    #[default]
    ByLevel,
    /// Always: it is what the present choice is about.
    Always,
    /// Never: it has no effect with the present choice.
    Never,
}

/// What a table needs to know beside the settings.
pub struct Aids<'a> {
    /// The value that the program has found for a field that is `auto`.
    pub found: &'a dyn Fn(&str) -> Option<f64>,
    /// Whether a field is shown.
    pub relevance: &'a dyn Fn(&str) -> Relevance,
    /// The file of the field that takes one.
    pub file: Option<&'a mut Option<PathBuf>>,
    /// Least widths of labels, values and units, so that tables under each other are aligned.
    pub widths: [f32; 3],
    /// The field that something is wrong with: it is marked; what is wrong stands below the table.
    pub at_fault: Option<&'a str>,
}

impl Aids<'_> {
    /// Nothing but the settings.
    pub const NONE: Self = Aids {
        found: &|_| None,
        relevance: &|_| Relevance::ByLevel,
        file: None,
        widths: [0.0; 3],
        at_fault: None,
    };

    fn shows(&self, field: &Field, shows_all: bool) -> bool {
        match (self.relevance)(field.name) {
            Relevance::ByLevel => field.level == Level::Basic || shows_all,
            Relevance::Always => true,
            Relevance::Never => false,
        }
    }

    /// Fields that act unseen: left out of the table for their level, but not at their default.
    pub fn n_hidden_changes<T: Fields>(&self, settings: &T) -> usize {
        let default = T::default();
        T::fields()
            .iter()
            .filter(|field| (self.relevance)(field.name) == Relevance::ByLevel)
            .filter(|field| field.level == Level::Advanced)
            .filter(|field| settings.get(field.name) != default.get(field.name))
            .count()
    }
}

/// What the user did with a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableResponse {
    /// A value was changed.
    pub is_changed: bool,
    /// A file is to be chosen for the field that takes one.
    pub is_browse_asked: bool,
}

impl FieldTable {
    /// Draw the fields of `settings` under their switch; true where one was changed.
    pub fn ui<T: Fields>(&mut self, ui: &mut Ui, id_salt: &str, settings: &mut T) -> bool {
        let mut aids = Aids::NONE;
        let n_hidden_changes = aids.n_hidden_changes(settings);
        let can_reset = *settings != T::default();
        let is_reset = self.switch(ui, n_hidden_changes, can_reset);
        if is_reset {
            *settings = T::default();
        }
        self.rows(ui, id_salt, settings, &mut aids).is_changed || is_reset
    }

    /// Basic or all, and how many hidden fields differ from their default; true where all are to be reset.
    pub fn switch(&mut self, ui: &mut Ui, n_hidden_changes: usize, can_reset: bool) -> bool {
        ui.horizontal_wrapped(|ui| {
            ui.selectable_value(&mut self.shows_all, false, "Basic");
            ui.selectable_value(&mut self.shows_all, true, "All");
            if n_hidden_changes != 0 && !self.shows_all {
                let text = format!("⚠ {n_hidden_changes} hidden changed");
                ui.colored_label(theme::palette(ui).warn, text);
            }
            ui.add_enabled(can_reset, Button::new("Reset all"))
                .on_hover_text("Set every field to its default")
                .clicked()
        })
        .inner
    }

    /// Basic or all, alone.
    pub fn switch_alone(&mut self, ui: &mut Ui) {
        ui.horizontal_wrapped(|ui| {
            ui.selectable_value(&mut self.shows_all, false, "Basic");
            ui.selectable_value(&mut self.shows_all, true, "All");
        });
    }

    /// Draw the fields alone.
    pub fn rows<T: Fields>(
        self,
        ui: &mut Ui,
        id_salt: &str,
        settings: &mut T,
        aids: &mut Aids<'_>,
    ) -> TableResponse {
        let default = T::default();
        let mut response = TableResponse::default();
        Grid::new(id_salt)
            .num_columns(4)
            .spacing([theme::GAP, theme::GRID])
            .show(ui, |ui| {
                for field in T::fields() {
                    if aids.shows(field, self.shows_all) {
                        response.is_changed |= row(ui, (id_salt, field), settings, &default, aids);
                        ui.end_row();
                    }
                    let takes_file =
                        field.takes_file && settings.get(field.name) == Some(Value::Choice(FILE));
                    if let (true, Some(file)) = (takes_file, aids.file.as_deref_mut()) {
                        file_row(ui, field, file, &mut response);
                        ui.end_row();
                    }
                }
            });
        response
    }
}

fn row<T: Fields>(
    ui: &mut Ui,
    (id_salt, field): (&str, &Field),
    settings: &mut T,
    default: &T,
    aids: &Aids<'_>,
) -> bool {
    let (Some(value), Some(default)) = (settings.get(field.name), default.get(field.name)) else {
        return false;
    };
    let is_default = value == default;
    let label = field.label();
    let text = if aids.at_fault == Some(field.name) {
        RichText::new(format!("✖ {label}")).color(theme::palette(ui).bad)
    } else if is_default {
        RichText::new(&label)
    } else {
        // A mark beside the weight, since weight alone is easily overlooked.
        RichText::new(format!("• {label}")).strong()
    };
    let tip = tooltip(field, default);
    let [label_width, value_width, unit_width] = aids.widths;
    cell(ui, label_width, |ui| ui.label(text).on_hover_text(&tip));
    let found = (aids.found)(field.name);
    let mut edited = cell(ui, value_width, |ui| {
        editor(ui, (id_salt, field), &tip, value, found)
    });
    cell(ui, unit_width, |ui| {
        ui.label(RichText::new(field.unit).color(theme::palette(ui).weak))
    });
    let reset = ui
        .add_enabled(!is_default, Button::new("↺").frame(false))
        .on_hover_text(format!("Reset to {default}"))
        .accessible_name(format!("Reset {label}"));
    if reset.clicked() {
        edited = Some(default);
    }
    // A value out of range cannot be typed, so a refusal only means that nothing changes.
    edited.is_some_and(|value| settings.set(field.name, value).is_ok())
}

/// A cell of at least this width.
pub(super) fn cell<R>(ui: &mut Ui, width: f32, contents: impl FnOnce(&mut Ui) -> R) -> R {
    ui.horizontal(|ui| {
        ui.set_min_width(width);
        contents(ui)
    })
    .inner
}

/// The path of the file, and a button that looks for it.
fn file_row(ui: &mut Ui, field: &Field, file: &mut Option<PathBuf>, response: &mut TableResponse) {
    let name = format!("{} file", field.label());
    ui.label(&name);
    let mut text = file
        .as_ref()
        .map(|path| path.display().to_string())
        .unwrap_or_default();
    let edit = TextEdit::singleline(&mut text)
        .desired_width(30.0 * theme::GRID)
        .hint_text("path of an NPZ");
    let edited = ui
        .add(edit)
        .on_hover_text(if text.is_empty() { &name } else { &text })
        .accessible_name(&name);
    if edited.changed() {
        *file = (!text.trim().is_empty()).then(|| parse_path(&text));
        response.is_changed = true;
    }
    response.is_browse_asked |= ui
        .button("…")
        .on_hover_text("Choose the file")
        .accessible_name(format!("Browse for the {}", name.to_lowercase()))
        .clicked();
}

pub(super) fn tooltip(field: &Field, default: Value) -> String {
    let unit = if field.unit.is_empty() {
        String::new()
    } else {
        format!(" {}", field.unit)
    };
    format!(
        "{}\n\nAllowed: {}\nDefault: {default}{unit}\nFlag: --{}",
        field.doc,
        field.expected(),
        field.flag()
    )
}
