//! Every epoch of the training that is looked at, the newest on top.

use egui::{RichText, Ui};
use egui_extras::{Column, TableBuilder};
use ptycho_core::nn::EpochRecord;
use ptycho_core::paint::ticks::value_text;

use super::super::super::meter::seconds_text;
use super::super::super::theme;
use super::super::super::training::Training;

/// Titles, widths and explanations.
const COLUMNS: [(&str, f32, &str); 12] = [
    ("epoch", 44.0, "Counted from 1"),
    ("steps", 52.0, "Steps done in all"),
    (
        "loss",
        88.0,
        "Mean of the chosen loss over the epoch's steps",
    ),
    (
        "validation",
        88.0,
        "The chosen loss of the validation groups after the epoch",
    ),
    (
        "NLL",
        88.0,
        "Mean Poisson negative log-likelihood, λ − k ln λ",
    ),
    (
        "MAE",
        76.0,
        "Mean absolute error of the amplitudes, √photons",
    ),
    ("rate", 64.0, "Learning rate at its end"),
    ("time", 64.0, "Without validation and previews"),
    (
        "spread",
        70.0,
        "Standard deviation of the stitched amplitude over the pixels seen",
    ),
    (
        "correlation",
        80.0,
        "Correlation of predicted and measured amplitudes of the validation groups",
    ),
    (
        "of patterns",
        80.0,
        "The same without each pixel's mean over the patterns: 0 for a flat image",
    ),
    (
        "",
        96.0,
        "Whether the network has collapsed to a flat image",
    ),
];

/// Draw the table.
pub(super) fn history(ui: &mut Ui, training: &Training) {
    let Some(arm) = training.arm().filter(|arm| !arm.history.epochs.is_empty()) else {
        ui.centered_and_justified(|ui| ui.weak("Every epoch is listed here once it is done."));
        return;
    };
    let height = ui.text_style_height(&egui::TextStyle::Body) + theme::GRID;
    let epochs = &arm.history.epochs;
    let best = arm.history.best_epoch;
    egui::ScrollArea::horizontal().show(ui, |ui| {
        let mut table = TableBuilder::new(ui)
            .striped(true)
            .vscroll(true)
            .auto_shrink([false, false]);
        for (_, width, _) in COLUMNS {
            table = table.column(Column::exact(width));
        }
        let table = table.header(height, |mut header| {
            for (title, _, tip) in COLUMNS {
                header.col(|ui| {
                    let title = RichText::new(title).small().color(theme::palette(ui).weak);
                    ui.label(title).on_hover_text(tip);
                });
            }
        });
        table.body(|body| {
            body.rows(height, epochs.len(), |mut row| {
                let epoch = &epochs[epochs.len() - 1 - row.index()];
                for cell in cells(epoch, best) {
                    row.col(|ui| {
                        ui.monospace(cell);
                    });
                }
                row.col(|ui| {
                    if epoch.collapsed {
                        ui.colored_label(theme::palette(ui).bad, "⚠ collapsed");
                    }
                });
            });
        });
    });
}

fn cells(epoch: &EpochRecord, best: Option<usize>) -> [String; 11] {
    let number = |value: Option<f64>| value.map_or_else(|| "—".to_owned(), value_text);
    let star = if best == Some(epoch.epoch) { "★" } else { "" };
    [
        format!("{}{star}", epoch.epoch),
        epoch.steps.to_string(),
        number(epoch.loss),
        number(epoch.validation),
        number(epoch.nll),
        number(epoch.mae),
        value_text(epoch.lr),
        seconds_text(epoch.seconds),
        number(epoch.amplitude_spread),
        number(epoch.amplitude_correlation),
        number(epoch.pattern_correlation),
    ]
}
