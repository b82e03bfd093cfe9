//! The lists of a study: views, networks, splits; the columns of the figure.

use egui::{ComboBox, DragValue, TextEdit, Ui};
use ptycho_core::fields::{Choice, FieldValue, Kind, Value};
use ptycho_core::grouping::View;
use ptycho_core::nn::{Loss, Model};
use ptycho_core::study::design::{ComparisonDesign, FULL, Split, Trainings};
use ptycho_core::study::panels::FigureDesign;

use super::super::super::theme;
use super::super::side::{problem, wide_label};
use super::form::region_problem;

pub(super) const LABEL: f32 = 14.0 * theme::GRID;

/// The words of a choice.
fn choices<T: FieldValue>() -> &'static [Choice] {
    match T::KIND {
        Kind::Choice(choices) => choices,
        _ => &[],
    }
}

fn word<T: FieldValue>(value: &T) -> &'static str {
    match value.to_value() {
        Value::Choice(word) => word,
        _ => "",
    }
}

/// A switch for a word in a list; the list keeps the order in which they were switched on.
pub(super) fn toggle(ui: &mut Ui, list: &mut Vec<String>, name: &str, tip: &str) {
    let mut is_on = list.iter().any(|known| known == name);
    if ui.checkbox(&mut is_on, name).on_hover_text(tip).changed() {
        list.retain(|known| known != name);
        if is_on {
            list.push(name.to_owned());
        }
    }
}

/// A switch for each word of a choice; the list keeps the order of the choice.
fn toggles<T: FieldValue + PartialEq>(ui: &mut Ui, list: &mut Vec<T>) {
    for choice in choices::<T>() {
        let Some(value) = T::from_value(Value::Choice(choice.name)) else {
            continue;
        };
        let mut is_on = list.contains(&value);
        if ui
            .checkbox(&mut is_on, choice.name)
            .on_hover_text(choice.doc)
            .changed()
        {
            list.retain(|known| *known != value);
            if is_on {
                list.push(value);
                let order = |value: &T| {
                    choices::<T>()
                        .iter()
                        .position(|one| one.name == word(value))
                };
                list.sort_by_key(order);
            }
        }
    }
}

/// A choice of one word.
pub(super) fn pick<T: FieldValue + PartialEq>(
    ui: &mut Ui,
    id_salt: (&str, usize),
    name: &str,
    value: &mut T,
) {
    ComboBox::from_id_salt(id_salt)
        .selected_text(word(value))
        .show_ui(ui, |ui| {
            for choice in choices::<T>() {
                let is_this = word(value) == choice.name;
                let item = ui
                    .selectable_label(is_this, choice.name)
                    .on_hover_text(choice.doc);
                if let (true, Some(picked)) =
                    (item.clicked(), T::from_value(Value::Choice(choice.name)))
                {
                    *value = picked;
                }
            }
        })
        .response
        .accessible_name(format!("{name} {}", id_salt.1 + 1));
}

/// A row's button that takes it off its list.
pub(super) fn removed(ui: &mut Ui, what: &str) -> bool {
    ui.small_button("✖")
        .on_hover_text("Take it off the list")
        .accessible_name(format!("Remove {what}"))
        .clicked()
}

/// Overlap views beside the full set.
pub(super) fn views(ui: &mut Ui, views: &mut Vec<View>) {
    ui.label(format!(
        "The view {FULL} keeps every pattern and needs no entry."
    ));
    let mut gone = None;
    for (i, view) in views.iter_mut().enumerate() {
        ui.horizontal(|ui| {
            let edit = TextEdit::singleline(&mut view.name).desired_width(25.0 * theme::GRID);
            ui.add(edit)
                .on_hover_text("Name of the view, and of its column")
                .accessible_name(format!("Name of view {}", i + 1));
            let drag = DragValue::new(&mut view.overlap).range(0.0..=1.0).speed(0.005).prefix("overlap ");
            ui.add(drag)
                .on_hover_text("f: neighbours may overlap by this part of a pattern's side, so that they keep (1 - f) n px; 1 keeps all")
                .accessible_name(format!("Overlap of view {}", i + 1));
            if removed(ui, &format!("view {}", i + 1)) {
                gone = Some(i);
            }
        });
    }
    if let Some(i) = gone {
        views.remove(i);
    }
    if ui.button("➕ Add a view").clicked() {
        let free = |name: &&str| views.iter().all(|view| view.name != *name);
        let name = ["dense", "sparse"].into_iter().find(|name| free(name));
        let name = name.map_or_else(|| format!("view{}", views.len() + 1), str::to_owned);
        let overlap = if name == "sparse" { 0.2 } else { 0.7 };
        views.push(View { name, overlap });
    }
}

/// On which views something is done.
pub(super) fn on_views(ui: &mut Ui, list: &mut Vec<String>, known: &[String]) {
    ui.horizontal_wrapped(|ui| {
        wide_label(ui, "Views", LABEL);
        for name in known {
            toggle(ui, list, name, "Do it on this view");
        }
        // Names that no view has any more can be switched off.
        let unknown: Vec<_> = list
            .iter()
            .filter(|name| !known.contains(name))
            .cloned()
            .collect();
        for name in unknown {
            ui.colored_label(theme::palette(ui).bad, "✖");
            toggle(ui, list, &name, "There is no such view");
        }
    });
}

/// Networks: one for each loss, gridsize, view and dose of a row.
pub(super) fn trainings(ui: &mut Ui, rows: &mut Vec<Trainings>, known: &[String]) {
    let mut gone = None;
    for (i, row) in rows.iter_mut().enumerate() {
        ui.group(|ui| {
            ui.horizontal(|ui| {
                wide_label(ui, "Model", LABEL);
                pick(ui, ("study model", i), "Model", &mut row.model);
                if removed(ui, &format!("networks {}", i + 1)) {
                    gone = Some(i);
                }
            });
            if row.model == Model::Pinn {
                ui.horizontal_wrapped(|ui| {
                    wide_label(ui, "Losses", LABEL);
                    toggles::<Loss>(ui, &mut row.losses);
                });
                ui.horizontal_wrapped(|ui| {
                    wide_label(ui, "Gridsizes", LABEL)
                        .on_hover_text("Patterns along a side of a group");
                    for size in 1..=3 {
                        gridsize(ui, &mut row.gridsizes, size);
                    }
                });
            }
            on_views(ui, &mut row.views, known);
        });
    }
    if let Some(i) = gone {
        rows.remove(i);
    }
    ui.horizontal_wrapped(|ui| {
        for (words, model, gridsize) in [
            ("➕ Add PtychoPINN", Model::Pinn, 2),
            ("➕ Add a supervised baseline", Model::Baseline, 1),
        ] {
            if ui.button(words).clicked() {
                rows.push(Trainings {
                    model,
                    losses: vec![Loss::Nll],
                    gridsizes: vec![gridsize],
                    views: vec![FULL.to_owned()],
                });
            }
        }
    });
}

fn gridsize(ui: &mut Ui, sizes: &mut Vec<usize>, size: usize) {
    let mut is_on = sizes.contains(&size);
    let tip = format!("Groups of {} patterns", size * size);
    if ui
        .checkbox(&mut is_on, size.to_string())
        .on_hover_text(tip)
        .changed()
    {
        sizes.retain(|known| *known != size);
        if is_on {
            sizes.push(size);
            sizes.sort_unstable();
        }
    }
}

/// Which splits are compared, and where.
pub(super) fn comparison(ui: &mut Ui, design: &mut ComparisonDesign) {
    ui.horizontal_wrapped(|ui| {
        wide_label(ui, "Splits", LABEL);
        toggles::<Split>(ui, &mut design.splits);
    });
    ui.horizontal(|ui| {
        let label = wide_label(ui, "Region", LABEL);
        ui.add(TextEdit::singleline(&mut design.region).desired_width(40.0 * theme::GRID))
            .labelled_by(label.id)
            .on_hover_text("auto, or rows and columns as 10:60,12:58");
    });
    if let Some(words) = region_problem(&design.region) {
        problem(ui, &words);
    }
}

/// Which view, columns and doses the figure has.
pub(super) fn figure(ui: &mut Ui, design: &mut FigureDesign, known: &[String]) {
    ui.horizontal(|ui| {
        wide_label(ui, "View", LABEL);
        let shown = if design.view.is_empty() {
            "the first"
        } else {
            &design.view
        };
        ComboBox::from_id_salt("study figure view")
            .selected_text(shown.to_owned())
            .show_ui(ui, |ui| {
                ui.selectable_value(&mut design.view, String::new(), "the first");
                for name in known {
                    ui.selectable_value(&mut design.view, name.clone(), name);
                }
            })
            .response
            .accessible_name("View of the figure");
    });
    ui.weak("Columns and rows are chosen in the Figure view, with the picture beside them.");
}
