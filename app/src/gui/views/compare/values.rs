//! Where the cursor is, and what every pane holds there.

use egui::{Grid, RichText, ScrollArea, Ui};
use ptycho_core::paint::ticks::{length_text, value_text};

use super::super::super::comparison::{Quantity, Shown};
use super::super::super::theme;
use super::super::super::widgets::viewport::pixel_at;

/// Draw a line for the place, one for the phases, one for the amplitudes.
pub(super) fn value_lines(ui: &mut Ui, shown: &Shown, cursor: Option<[f64; 2]>, is_raw: bool) {
    let at = cursor.and_then(|cursor| pixel_at(cursor, shown.frame()));
    let weak = theme::palette(ui).weak;
    let mono = |words: String| RichText::new(words).monospace();
    ScrollArea::horizontal().show(ui, |ui| {
        Grid::new("compare values")
            .num_columns(1 + shown.columns.len())
            .min_col_width(24.0 * theme::GRID)
            .spacing([2.0 * theme::GAP, 0.0])
            .show(ui, |ui| {
                let place = match at {
                    None => RichText::new("Point at a picture to read its values").color(weak),
                    Some(at) => mono(place_words(at, shown.comparison.pixel_size_m)),
                };
                ui.label(place);
                for column in &shown.columns {
                    ui.label(RichText::new(&column.name).color(weak));
                }
                ui.end_row();
                for quantity in Quantity::ALL {
                    let unit = match quantity.unit() {
                        "" => String::new(),
                        unit => format!(" [{unit}]"),
                    };
                    let kind = if is_raw { ", raw" } else { "" };
                    ui.label(RichText::new(format!("{}{unit}{kind}", quantity.name())).color(weak));
                    for column in &shown.columns {
                        let pair = if is_raw {
                            &column.raw
                        } else {
                            &column.prepared
                        };
                        let value = at.map(|at| pair[quantity.index()][at]);
                        ui.label(mono(match value {
                            None => "—".to_owned(),
                            Some(value) if value.is_nan() => "not compared".to_owned(),
                            Some(value) => value_text(f64::from(value)),
                        }));
                    }
                    ui.end_row();
                }
            });
    });
}

fn place_words((row, column): (usize, usize), pixel_size_m: Option<f64>) -> String {
    let place = format!("row {row}, col {column}");
    match pixel_size_m {
        None => place,
        Some(size_m) => format!(
            "{place} | x {}, y {}",
            length_text(column as f64 * size_m),
            length_text(row as f64 * size_m)
        ),
    }
}
