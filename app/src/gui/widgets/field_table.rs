//! Any settings struct as a table: label, value, unit, reset; the doc comment is the tooltip.

use egui::{Button, Checkbox, ComboBox, DragValue, Grid, Response, RichText, Ui};
use ptycho_core::fields::{Choice, Field, Fields, Kind, Level, Value};
use serde::{Deserialize, Serialize};

use crate::gui::theme;

/// What of a table is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FieldTable {
    /// Show the advanced fields too.
    pub shows_all: bool,
}

impl FieldTable {
    /// Draw the fields of `settings`; true where one was changed.
    pub fn ui<T: Fields>(&mut self, ui: &mut Ui, id_salt: &str, settings: &mut T) -> bool {
        let Self { shows_all } = self;
        let default = T::default();
        let mut is_changed = self::level_switch(ui, shows_all, settings, &default);
        Grid::new(id_salt)
            .num_columns(4)
            .spacing([theme::GAP, theme::GRID])
            .show(ui, |ui| {
                for field in T::fields() {
                    if field.level == Level::Basic || *shows_all {
                        is_changed |= row(ui, id_salt, field, settings, &default);
                        ui.end_row();
                    }
                }
            });
        is_changed
    }
}

/// Basic or all, and how many hidden fields differ from their default: nothing acts unseen.
fn level_switch<T: Fields>(
    ui: &mut Ui,
    shows_all: &mut bool,
    settings: &mut T,
    default: &T,
) -> bool {
    let mut is_reset = false;
    ui.horizontal_wrapped(|ui| {
        ui.selectable_value(shows_all, false, "Basic");
        ui.selectable_value(shows_all, true, "All");
        let n_hidden_changes = T::fields()
            .iter()
            .filter(|field| field.level == Level::Advanced)
            .filter(|field| settings.get(field.name) != default.get(field.name))
            .count();
        if n_hidden_changes != 0 && !*shows_all {
            let text = format!("⚠ {n_hidden_changes} hidden changed");
            ui.colored_label(theme::palette(ui).warn, text);
        }
        let can_reset = settings != default;
        if ui
            .add_enabled(can_reset, Button::new("Reset all"))
            .on_hover_text("Set every field to its default")
            .clicked()
        {
            *settings = default.clone();
            is_reset = true;
        }
    });
    is_reset
}

fn row<T: Fields>(
    ui: &mut Ui,
    id_salt: &str,
    field: &Field,
    settings: &mut T,
    default: &T,
) -> bool {
    let (Some(value), Some(default)) = (settings.get(field.name), default.get(field.name)) else {
        return false;
    };
    let is_default = value == default;
    let label = field.label();
    let text = if is_default {
        RichText::new(&label)
    } else {
        // A mark beside the weight, since weight alone is easily overlooked.
        RichText::new(format!("• {label}")).strong()
    };
    let tip = tooltip(field, default);
    ui.label(text).on_hover_text(&tip);
    let mut edited = editor(ui, id_salt, field, &tip, value);
    ui.label(RichText::new(field.unit).color(theme::palette(ui).weak));
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

/// The control that suits the field; the new value where it was changed.
fn editor(ui: &mut Ui, id_salt: &str, field: &Field, tip: &str, value: Value) -> Option<Value> {
    let (response, edited) = match value {
        Value::Integer(mut number) => {
            let (min, max) = field.range.unwrap_or((0.0, u64::MAX as f64));
            let speed = (number as f64 * 0.01).clamp(0.05, 100.0);
            let drag = DragValue::new(&mut number)
                .range(min as u64..=max as u64)
                .speed(speed);
            (ui.add(drag), Value::Integer(number))
        }
        Value::Real(mut number) => {
            let (min, max) = field.range.unwrap_or((f64::MIN, f64::MAX));
            let speed = (number.abs() * 0.01).max(1e-3);
            let drag = DragValue::new(&mut number)
                .range(min..=max)
                .speed(speed)
                .max_decimals(9);
            (ui.add(drag), Value::Real(number))
        }
        Value::Toggle(mut is_on) => {
            let response = ui.add(Checkbox::without_text(&mut is_on));
            (response, Value::Toggle(is_on))
        }
        Value::Choice(word) => {
            let Kind::Choice(choices) = field.kind else {
                return None;
            };
            let (response, word) = choice(ui, (id_salt, field.name), word, choices);
            (response, Value::Choice(word))
        }
    };
    response.on_hover_text(tip).accessible_name(field.label());
    (edited != value).then_some(edited)
}

fn choice(
    ui: &mut Ui,
    id_salt: (&str, &str),
    mut word: &'static str,
    choices: &'static [Choice],
) -> (Response, &'static str) {
    let response = ComboBox::from_id_salt(id_salt)
        .selected_text(word)
        .show_ui(ui, |ui| {
            for choice in choices {
                ui.selectable_value(&mut word, choice.name, choice.name)
                    .on_hover_text(choice.doc);
            }
        })
        .response;
    (response, word)
}

fn tooltip(field: &Field, default: Value) -> String {
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
