//! A few fields of a table with values in place of those of another one: each is added from a menu, edited and taken off.

use egui::{Button, Grid, RichText, ScrollArea, Ui};
use ptycho_core::fields::{Field, Fields, Level, Value};

use super::field_editor::editor;
use super::field_table::{cell, tooltip};
use crate::gui::theme;

/// What the user did with a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Edit {
    /// It has this value now.
    Set(&'static str, Value),
    /// It is that of the other table again.
    Remove(&'static str),
}

/// What is drawn, beside the fields.
pub struct OwnFields<'a, T> {
    /// Tells tables apart.
    pub id_salt: &'a str,
    /// Whose fields they are, as a screen reader says it: `engine 2`.
    pub whose: &'a str,
    /// The other table.
    pub shared: &'a T,
    /// Least widths of labels, values and units.
    pub widths: [f32; 3],
    /// The field that something is wrong with.
    pub at_fault: Option<&'a str>,
}

impl<T: Fields> OwnFields<'_, T> {
    /// Draw the fields with their values, and a menu of those that can be added.
    pub fn ui(
        &self,
        ui: &mut Ui,
        own: &[(&'static Field, Value)],
        others: &[&'static Field],
    ) -> Option<Edit> {
        let mut edit = None;
        // An empty grid would take room.
        if !own.is_empty() {
            Grid::new(self.id_salt)
                .num_columns(4)
                .spacing([theme::GAP, theme::GRID])
                .show(ui, |ui| {
                    for (field, value) in own {
                        edit = self.row(ui, field, *value).or(edit);
                        ui.end_row();
                    }
                });
        }
        self.add_menu(ui, others).or(edit)
    }

    fn row(&self, ui: &mut Ui, field: &'static Field, value: Value) -> Option<Edit> {
        let shared = self.shared.get(field.name).unwrap_or(value);
        let label = field.label();
        let text = if self.at_fault == Some(field.name) {
            RichText::new(format!("✖ {label}")).color(theme::palette(ui).bad)
        } else {
            RichText::new(&label)
        };
        let tip = tip::<T>(field, shared);
        let [label_width, value_width, unit_width] = self.widths;
        cell(ui, label_width, |ui| ui.label(text).on_hover_text(&tip));
        let edited = cell(ui, value_width, |ui| {
            editor(ui, (self.id_salt, field), &tip, value, None)
        });
        cell(ui, unit_width, |ui| {
            ui.label(RichText::new(field.unit).color(theme::palette(ui).weak))
        });
        let removed = ui
            .small_button("✖")
            .on_hover_text(format!(
                "Take it off: it is {shared} again, as in the table below"
            ))
            .accessible_name(format!("Remove {label} of {}", self.whose));
        if removed.clicked() {
            return Some(Edit::Remove(field.name));
        }
        edited.map(|value| Edit::Set(field.name, value))
    }

    /// Fields that can be added, those shown always first.
    fn add_menu(&self, ui: &mut Ui, others: &[&'static Field]) -> Option<Edit> {
        let menu = ui.menu_button("➕ Add a field ⏷", |ui| {
            let items = ScrollArea::vertical().max_height(MENU_HEIGHT);
            let mut added = None;
            items.show(ui, |ui| {
                added = self.items(ui, others, Level::Basic);
                ui.separator();
                added = self.items(ui, others, Level::Advanced).or(added);
            });
            if added.is_some() {
                ui.close();
            }
            added
        });
        menu.response
            .on_hover_text("A field that is to differ from the table below")
            .accessible_name(format!("Add a field to {}", self.whose));
        menu.inner.flatten()
    }

    /// An item for each field of a level; one that is added begins with the value of the other table.
    fn items(&self, ui: &mut Ui, others: &[&'static Field], level: Level) -> Option<Edit> {
        let mut added = None;
        for field in others.iter().filter(|field| field.level == level) {
            let Some(shared) = self.shared.get(field.name) else {
                continue;
            };
            let item = ui
                .add(Button::new(field.label()).frame(false))
                .on_hover_text(tip::<T>(field, shared));
            if item.clicked() {
                added = Some(Edit::Set(field.name, shared));
            }
        }
        added
    }
}

fn tip<T: Fields>(field: &Field, shared: Value) -> String {
    let default = T::default().get(field.name).unwrap_or(shared);
    format!("{}\nIn the table below: {shared}", tooltip(field, default))
}

/// A menu higher than this is scrolled.
const MENU_HEIGHT: f32 = 90.0 * theme::GRID;
