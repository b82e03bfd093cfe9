//! The arms of iterative engines in the form: which engine, its name, its views, and what differs from the table of all.

use egui::{CollapsingHeader, TextEdit, Ui};
use ptycho_core::fields::{Field, Fields as _, Value};
use ptycho_core::iterative::IterativeSettings;
use ptycho_core::study::design::{EngineKind, Engines, Section};

use super::super::super::reconstruction::relevance::relevance;
use super::super::super::theme;
use super::super::super::widgets::field_table::Relevance;
use super::super::super::widgets::own_fields::{Edit, OwnFields};
use super::super::side::wide_label;
use super::form::WIDTHS;
use super::rows::{LABEL, on_views, pick, removed};

/// As wide as a table of fields.
const ROW: f32 = 90.0 * theme::GRID;

/// What the rows need to know of the rest of the study.
pub(super) struct Around<'a> {
    /// Views that can be named.
    pub views: &'a [String],
    /// The table of all engines.
    pub shared: &'a IterativeSettings,
    /// Path of the table and name of the field that something is wrong with.
    pub at_fault: Option<(&'a str, &'a str)>,
}

/// Iterative reconstructions: one for each view and dose of a row.
pub(super) fn engines(ui: &mut Ui, rows: &mut Vec<Engines>, around: &Around<'_>) {
    let mut gone = None;
    for (i, row) in rows.iter_mut().enumerate() {
        ui.group(|ui| {
            // Groups of one width, whether they have a table or not.
            ui.set_min_width(ui.available_width().min(ROW));
            ui.horizontal(|ui| {
                wide_label(ui, "Engine", LABEL);
                pick(ui, ("study engine", i), "Engine", &mut row.engine);
                if removed(ui, &format!("engine {}", i + 1)) {
                    gone = Some(i);
                }
            });
            name(ui, i, row);
            on_views(ui, &mut row.views, around.views);
            own_settings(ui, i, row, around);
        });
    }
    if let Some(i) = gone {
        rows.remove(i);
    }
    if ui
        .button("➕ Add an engine")
        .on_hover_text("Another engine, or another arm of one with settings of its own")
        .clicked()
    {
        let added = another(rows);
        rows.push(added);
    }
}

/// The first engine that has no arm yet; of LSQML a second arm comes before other engines, with a name of its own.
fn another(rows: &[Engines]) -> Engines {
    let is_free = |name: &str| rows.iter().all(|row| row.arm() != name);
    let mut added = Engines::new(EngineKind::Lsqml);
    if !is_free(added.arm()) {
        let names = (2..).map(|i| format!("{}_{i}", EngineKind::Lsqml.name()));
        added.name = names.into_iter().find(|name| is_free(name));
    }
    added
}

fn name(ui: &mut Ui, i: usize, row: &mut Engines) {
    ui.horizontal(|ui| {
        wide_label(ui, "Name", LABEL);
        let mut text = row.name.clone().unwrap_or_default();
        let edit = TextEdit::singleline(&mut text)
            .desired_width(30.0 * theme::GRID)
            .hint_text(row.engine.name());
        let tip = "Name of the arm in results, tables and figure: letters, digits, - and _; the engine's if left empty";
        let edited = ui
            .add(edit)
            .on_hover_text(tip)
            .accessible_name(format!("Name of engine {}", i + 1));
        if edited.changed() {
            row.name = (!text.is_empty()).then_some(text);
        }
    });
}

/// The fields that have values of the arm's own.
fn own_settings(ui: &mut Ui, i: usize, row: &mut Engines, around: &Around<'_>) {
    let path = format!("engines[{i}].settings");
    let at_fault = around
        .at_fault
        .and_then(|(table, field)| (table == path).then_some(field));
    let own: Vec<(&'static Field, Value)> = row.settings.iter().collect();
    let title = match own.len() {
        0 => "Settings of the table below".to_owned(),
        n => format!("Differs from the table below in {n}"),
    };
    CollapsingHeader::new(title)
        .id_salt(("study engine settings", i))
        .default_open(!own.is_empty())
        .open(at_fault.map(|_| true))
        .show(ui, |ui| {
            let others = addable(row, around.shared);
            let whose = format!("engine {}", i + 1);
            let fields = OwnFields {
                id_salt: &path,
                whose: &whose,
                shared: around.shared,
                widths: WIDTHS,
                at_fault,
            };
            let settings = &mut row.settings;
            match fields.ui(ui, &own, &others) {
                // A value out of range cannot be typed, so a refusal only means that nothing changes.
                Some(Edit::Set(name, value)) => drop(settings.set(name, value)),
                Some(Edit::Remove(name)) => settings.remove(name),
                None => {}
            }
        });
}

/// Fields that the arm does not have yet and that have any effect on it.
fn addable(row: &Engines, shared: &IterativeSettings) -> Vec<&'static Field> {
    let settings = row.settings.over(shared);
    let settings = settings.as_ref().unwrap_or(shared);
    let is_elsewhere = |name: &str| {
        Section::named("iterative").is_some_and(|section| section.place_of(name).is_some())
    };
    let is_free = |field: &&Field| {
        row.settings.get(field.name).is_none()
            && !is_elsewhere(field.name)
            && relevance(row.engine, settings, field.name) != Relevance::Never
    };
    IterativeSettings::fields().iter().filter(is_free).collect()
}
