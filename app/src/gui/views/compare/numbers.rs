//! The metrics: a row for each, the phase first, a column for each arm, the best marked.

use egui::{Grid, RichText, ScrollArea, Ui};
use ptycho_core::metrics::definitions::{Better, Definition};

use super::super::super::command::Command;
use super::super::super::comparison::Shown;
use super::super::super::comparison::table::{self, Row, cell_text};
use super::super::super::theme;

/// Draw the table.
pub(super) fn numbers(ui: &mut Ui, shown: &Shown, is_current: bool, commands: &mut Vec<Command>) {
    let comparison = &shown.comparison;
    ui.horizontal_wrapped(|ui| {
        let area = shown.area();
        let n_pixels = comparison
            .arms
            .first()
            .map_or(0, |arm| arm.prepared.steps.n_pixels);
        ui.label(format!("Against {}", comparison.reference));
        ui.label(
            RichText::new(format!(
                "rows {}–{}, columns {}–{}, {n_pixels} px",
                area.rows.start,
                area.rows.end.saturating_sub(1),
                area.columns.start,
                area.columns.end.saturating_sub(1)
            ))
            .color(theme::palette(ui).weak),
        );
        if ui
            .button("Copy CSV")
            .on_hover_text("The table with all digits, as comma-separated values")
            .clicked()
        {
            commands.push(Command::CopyText(table::csv(comparison)));
        }
        if ui
            .button("Copy Markdown")
            .on_hover_text("The table as shown, for a report")
            .clicked()
        {
            commands.push(Command::CopyText(table::markdown(comparison)));
        }
        out_of_date(ui, is_current);
    });
    let rows = table::rows(comparison);
    ScrollArea::both()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            Grid::new("metrics")
                .num_columns(1 + comparison.arms.len())
                .striped(true)
                .spacing([2.0 * theme::GAP, theme::GRID / 2.0])
                .show(ui, |ui| body(ui, shown, &rows));
        });
}

/// The head of a column of numbers: its arm in the colour of its curves.
pub(super) fn arm_heading(ui: &mut Ui, index: usize, name: &str) {
    ui.horizontal(|ui| {
        swatch(ui, index);
        ui.label(RichText::new(name).small().color(theme::palette(ui).weak));
    });
}

/// A square in the colour of an arm's curves.
pub(super) fn swatch(ui: &mut Ui, index: usize) {
    let (rect, _) = ui.allocate_exact_size(egui::vec2(10.0, 10.0), egui::Sense::hover());
    let colour = theme::series_colour(ui, index);
    ui.painter().rect_filled(rect, 2.0, colour);
}

/// Words where numbers are of other choices than those that stand now.
pub(super) fn out_of_date(ui: &mut Ui, is_current: bool) {
    if !is_current {
        let warn = theme::palette(ui).warn;
        ui.label(RichText::new("⌛ out of date").color(warn));
    }
}

fn body(ui: &mut Ui, shown: &Shown, rows: &[Row]) {
    let mut about = None;
    for row in rows {
        if about != Some(row.about) {
            about = Some(row.about);
            ui.strong(row.about.title());
            for (i, arm) in shown.comparison.arms.iter().enumerate() {
                arm_heading(ui, i, &arm.name);
            }
            ui.end_row();
        }
        let Definition { label, unit, .. } = row.definition;
        let words = match *unit {
            "" => (*label).to_owned(),
            unit => format!("{label} [{unit}]"),
        };
        ui.label(words).on_hover_text(tip(row.definition));
        for (cell, is_best) in row.cells.iter().zip(&row.best) {
            let text = cell_text(*cell);
            let shown = if *is_best {
                RichText::new(format!("★ {text}")).monospace().strong()
            } else {
                RichText::new(format!("  {text}")).monospace()
            };
            let exact = cell.map_or_else(
                || "It cannot be had on this area.".to_owned(),
                |value| value.to_string(),
            );
            let best = if *is_best {
                "\nThe best of all arms"
            } else {
                ""
            };
            ui.label(shown).on_hover_text(format!("{exact}{best}"));
        }
        ui.end_row();
    }
}

fn tip(definition: &Definition) -> String {
    let better = match definition.better {
        Better::Higher => "\n\nHigher is better.",
        Better::Lower => "\n\nLower is better.",
        Better::Neither => "",
    };
    format!(
        "{}{better}\n\nIn files: {}",
        definition.text, definition.key
    )
}
