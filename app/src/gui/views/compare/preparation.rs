//! What was done to every arm before it was measured.

use egui::{Grid, RichText, ScrollArea, Ui};
use ptycho_core::paint::ticks::value_text;
use ptycho_core::study::compare::Compared;
use ptycho_core::study::compare::notes::notes;

use super::super::super::comparison::Shown;
use super::super::super::theme;
use super::numbers::{arm_heading, out_of_date};

/// A row: its name, what it means, its words for an arm.
type Step = (&'static str, &'static str, fn(&Compared) -> String);

const STEPS: [Step; 9] = [
    (
        "shift down [px]",
        "Rows by which the arm was moved onto the reference",
        |arm| shift(arm, 0),
    ),
    (
        "shift right [px]",
        "Columns by which the arm was moved onto the reference",
        |arm| shift(arm, 1),
    ),
    (
        "registration error",
        "√(1 − |peak|² / (Σ|F reference|² Σ|F arm|²)): 0 for pictures that differ by the shift alone",
        |arm| match &arm.prepared.steps.registration {
            Some(registration) => value_text(registration.error),
            None => "—".to_owned(),
        },
    ),
    (
        "phase offset [rad]",
        "Phase that was removed at the first pixel of the area",
        |arm| value_text(arm.prepared.steps.plane_rad[2]),
    ),
    (
        "phase per row [rad/px]",
        "Slope downwards that was removed",
        |arm| value_text(arm.prepared.steps.plane_rad[1]),
    ),
    (
        "phase per column [rad/px]",
        "Slope to the right that was removed",
        |arm| value_text(arm.prepared.steps.plane_rad[0]),
    ),
    (
        "amplitude factor",
        "Factor that was laid on the amplitude",
        |arm| value_text(arm.prepared.steps.amplitude_factor),
    ),
    (
        "pixels compared",
        "Pixels that the numbers are about",
        |arm| arm.prepared.steps.n_pixels.to_string(),
    ),
    (
        "pixels left out",
        "Pixels of the area with too little light, unseen, or not finite",
        |arm| arm.prepared.steps.n_left_out.to_string(),
    ),
];

/// Draw the table.
pub(super) fn preparation(ui: &mut Ui, shown: &Shown, is_current: bool) {
    let comparison = &shown.comparison;
    ui.horizontal_wrapped(|ui| {
        ui.label(format!("Onto {}", comparison.reference));
        let words = format!("measured in {:.0} ms", 1e3 * shown.seconds);
        ui.label(RichText::new(words).color(theme::palette(ui).weak))
            .on_hover_text("All arms together, pictures included, files not");
        out_of_date(ui, is_current);
    });
    ScrollArea::both()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            Grid::new("preparation")
                .num_columns(1 + comparison.arms.len())
                .striped(true)
                .spacing([2.0 * theme::GAP, theme::GRID / 2.0])
                .show(ui, |ui| {
                    ui.label("");
                    for (i, arm) in comparison.arms.iter().enumerate() {
                        arm_heading(ui, i, &arm.name);
                    }
                    ui.end_row();
                    for (i, (name, tip, words)) in STEPS.iter().enumerate() {
                        ui.label(*name).on_hover_text(*tip);
                        for arm in &comparison.arms {
                            let is_shift = i < 2 && arm.prepared.steps.is_far;
                            let words = RichText::new(words(arm)).monospace();
                            if is_shift {
                                let warn = theme::palette(ui).warn;
                                let words = format!("⚠ {} too far", words.text());
                                ui.label(RichText::new(words).monospace().color(warn));
                            } else {
                                ui.label(words);
                            }
                        }
                        ui.end_row();
                    }
                });
            ui.add_space(theme::GAP);
            for note in notes(&shown.opened.loaded, comparison) {
                let words = format!("ℹ {note}");
                ui.add(egui::Label::new(words).wrap().selectable(true));
            }
        });
}

fn shift(arm: &Compared, axis: usize) -> String {
    let registration = arm.prepared.steps.registration.as_ref();
    registration.map_or_else(
        || "—".to_owned(),
        |registration| format!("{:+.2}", registration.shift_px[axis]).replace('-', "−"),
    )
}
