//! The control that suits a field: a number to drag or type, a switch, a choice, a number that may be found.

use egui::{Checkbox, ComboBox, DragValue, Response, Ui};
use ptycho_core::fields::{AUTO, Choice, Field, Kind, Value};
use ptycho_core::paint::ticks::value_text;

/// The control of a field; the new value where it was changed. `found` is what `auto` stands for.
pub(super) fn editor(
    ui: &mut Ui,
    (id_salt, field): (&str, &Field),
    tip: &str,
    value: Value,
    found: Option<f64>,
) -> Option<Value> {
    if field.kind == Kind::AutoReal {
        return auto_real(ui, field, tip, value, found);
    }
    let (response, edited) = match value {
        Value::Integer(mut number) => {
            let (min, max) = field.range.unwrap_or((0.0, u64::MAX as f64));
            let speed = (number as f64 * 0.01).clamp(0.05, 100.0);
            let drag = DragValue::new(&mut number)
                .range(min as u64..=max as u64)
                .speed(speed);
            (ui.add(drag), Value::Integer(number))
        }
        Value::Real(mut number) => (ui.add(real(field, &mut number)), Value::Real(number)),
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

fn real<'a>(field: &Field, number: &'a mut f64) -> DragValue<'a> {
    let (min, max) = field.range.unwrap_or((f64::MIN, f64::MAX));
    // A drag moves a number by a hundredth of itself, or of what is usual for its unit.
    let least_speed = if field.unit == "px" { 0.1 } else { 1e-3 };
    let speed = (number.abs() * 0.01).max(least_speed);
    DragValue::new(number)
        .range(min..=max)
        .speed(speed)
        .max_decimals(9)
}

/// A number, or what the program finds; switched to a number, it begins with what was found.
fn auto_real(
    ui: &mut Ui,
    field: &Field,
    tip: &str,
    value: Value,
    found: Option<f64>,
) -> Option<Value> {
    let label = field.label();
    let mut is_auto = value == Value::Choice(AUTO);
    let mut edited = value;
    ui.horizontal(|ui| {
        if let Value::Real(mut number) = value {
            ui.add(real(field, &mut number))
                .on_hover_text(tip)
                .accessible_name(&label);
            edited = Value::Real(number);
        }
        let words = match found.filter(|_| is_auto) {
            Some(found) => format!("{AUTO} ({})", value_text(found)),
            None => AUTO.to_owned(),
        };
        let switch = ui
            .checkbox(&mut is_auto, words)
            .on_hover_text(tip)
            .accessible_name(format!("{label} auto"));
        if switch.changed() {
            let least = field.range.map_or(0.0, |(min, _)| min);
            edited = if is_auto {
                Value::Choice(AUTO)
            } else {
                Value::Real(found.unwrap_or(least))
            };
        }
    });
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
