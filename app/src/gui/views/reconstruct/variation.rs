//! How the probe varies from pattern to pattern: weights, and what share of the power the modes have.

use egui::{Grid, RichText, ScrollArea, Ui};

use super::super::super::command::Command;
use super::super::super::files::Purpose;
use super::super::super::reconstruction::Run;
use super::super::super::theme;
use super::super::super::widgets::line_plot::{LinePlot, PlotData, Series};
use super::course::nothing;

/// The choices of the plot.
pub(super) struct Variation {
    plot: LinePlot,
    /// Weights of the probe itself, not of the modes.
    is_of_probe: bool,
    /// The OPR mode whose picture is shown.
    pub(super) mode: usize,
}

impl Default for Variation {
    fn default() -> Self {
        Self {
            plot: LinePlot {
                is_log_y: false,
                ..LinePlot::default()
            },
            is_of_probe: true,
            mode: 0,
        }
    }
}

/// What stands where nothing varies.
pub(super) const NOTHING: &str =
    "The probe does not vary: turn on “Vary intensity” or “OPR modes” of LSQML.";

/// Number of OPR modes of the run.
pub(super) fn n_modes(run: &Run) -> usize {
    run.course.opr_weights.ncols().saturating_sub(1)
}

impl Variation {
    /// Weights of the probe or of the modes over the number of the pattern.
    pub(super) fn weights(&mut self, ui: &mut Ui, run: &Run, commands: &mut Vec<Command>) {
        let n_modes = n_modes(run);
        if run.course.opr_weights.is_empty() {
            return nothing(ui, "Weights", NOTHING);
        }
        if n_modes == 0 {
            self.is_of_probe = true;
        }
        let columns = if self.is_of_probe {
            0..1
        } else {
            1..n_modes + 1
        };
        let curves: Vec<_> = columns
            .map(|column| {
                let name = if column == 0 {
                    "probe".to_owned()
                } else {
                    format!("mode {column}")
                };
                (name, run.weights(column), column)
            })
            .collect();
        let series: Vec<_> = curves
            .iter()
            .map(|(name, points, column)| Series {
                name,
                points,
                colour_index: *column,
                is_dashed: false,
                log_from: None,
            })
            .collect();
        let data = PlotData {
            x_label: "pattern",
            y_label: if self.is_of_probe { "factor" } else { "weight" },
            series: &series,
        };
        let is_of_probe = &mut self.is_of_probe;
        let choices = |ui: &mut Ui| {
            ui.selectable_value(is_of_probe, true, "of the probe")
                .on_hover_text(
                    "Factor on the first probe mode for each pattern: 1 is the mean intensity",
                );
            ui.add_enabled_ui(0 < n_modes, |ui| {
                ui.selectable_value(is_of_probe, false, "of the OPR modes")
                    .on_hover_text("How much of each mode is added to the probe for each pattern");
            });
        };
        let title = ("weights", "Weights");
        if self.plot.ui_with(ui, title, &data, choices).is_csv_asked {
            commands.push(Command::ChooseForReconstruction(Purpose::SaveWeights));
        }
    }

    /// Chooses one of several OPR modes.
    pub(super) fn choices(&mut self, ui: &mut Ui, n_modes: usize) {
        self.mode = self.mode.min(n_modes.saturating_sub(1));
        ui.horizontal_wrapped(|ui| {
            ui.label("OPR mode");
            for mode in 0..n_modes {
                ui.selectable_value(&mut self.mode, mode, (mode + 1).to_string());
            }
        });
    }

    /// Mean, spread and share of the power.
    pub(super) fn numbers(ui: &mut Ui, run: &Run) {
        let weights = &run.course.opr_weights;
        if weights.is_empty() {
            return nothing(ui, "Variation in numbers", "There is none.");
        }
        ui.strong("Variation in numbers");
        let modes = &run.course.opr_modes;
        let mode_power = |mode: usize| -> f64 {
            let mode = modes.index_axis(ndarray::Axis(0), mode);
            mode.iter().map(|value| f64::from(value.norm_sqr())).sum()
        };
        let total: f64 = run.course.probe_power.last().copied().unwrap_or(f64::NAN);
        ScrollArea::both()
            .id_salt("variation numbers")
            .auto_shrink([false, false])
            .show(ui, |ui| {
                Grid::new("variation numbers")
                    .num_columns(4)
                    .spacing([theme::GAP, theme::GRID])
                    .show(ui, |ui| {
                        for words in ["weight of", "mean", "spread", "power"] {
                            let weak = theme::palette(ui).weak;
                            ui.label(RichText::new(words).small().color(weak));
                        }
                        ui.end_row();
                        for (column, values) in weights.columns().into_iter().enumerate() {
                            let m = values.len().max(1) as f64;
                            let mean = values.sum() / m;
                            let square = values.iter().map(|value| value * value).sum::<f64>() / m;
                            let spread = (square - mean * mean).max(0.0).sqrt();
                            ui.label(if column == 0 {
                                "probe".to_owned()
                            } else {
                                format!("mode {column}")
                            });
                            ui.monospace(format!("{mean:.4}"));
                            ui.monospace(format!("{spread:.4}"));
                            if 0 < column && column <= modes.len_of(ndarray::Axis(0)) {
                                let share = square * mode_power(column - 1) / total;
                                ui.monospace(format!("{:.2} %", 100.0 * share))
                                    .on_hover_text("Mean power of the mode over that of the probe");
                            }
                            ui.end_row();
                        }
                    });
            });
    }
}
