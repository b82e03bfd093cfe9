//! Ring correlations, profiles along a line, ratios of amplitudes.

use egui::{Button, DragValue, Grid, RichText, ScrollArea, Ui};
use ptycho_core::metrics::bias::Bias;
use ptycho_core::metrics::frc::Threshold;
use ptycho_core::paint::ticks::value_text;

use super::super::super::command::Command;
use super::super::super::comparison::curves::{
    FrcAxis, FrcChoice, FrcOf, NamedCurve, THRESHOLD_TIPS, frc_curves, profile,
};
use super::super::super::comparison::{Quantity, Shown};
use super::super::super::files::Purpose;
use super::super::super::theme;
use super::super::super::widgets::line_plot::{LinePlot, PlotData, Series};
use super::numbers::arm_heading;

/// Which of the plots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Curves {
    #[default]
    Frc,
    Profile,
    Ratio,
}

impl Curves {
    /// In the names of files.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Frc => "frc",
            Self::Profile => "profile",
            Self::Ratio => "ratio",
        }
    }
}

/// The choices of the plots.
pub(super) struct Plots {
    pub(super) frc: FrcChoice,
    pub(super) profile_of: Quantity,
    /// From (row, column) to (row, column).
    pub(super) line: Option<[[f64; 2]; 2]>,
    /// A line was drawn: its profile is to be seen.
    pub(super) opens_profile: bool,
    /// The plot whose curves were last asked to be saved.
    pub(super) saved: Curves,
    plot: LinePlot,
}

impl Default for Plots {
    fn default() -> Self {
        Self {
            frc: FrcChoice::default(),
            profile_of: Quantity::default(),
            line: None,
            opens_profile: false,
            saved: Curves::default(),
            plot: LinePlot {
                is_log_y: false,
                ..LinePlot::default()
            },
        }
    }
}

impl Plots {
    /// The curves of the plot that was last asked to be saved, and the words of its axes.
    pub(super) fn curves(&self, shown: &Shown, is_raw: bool) -> (Vec<NamedCurve>, [String; 2]) {
        match self.saved {
            Curves::Frc => (frc_curves(&shown.comparison, self.frc), self.frc_axes()),
            Curves::Profile => (self.profile_curves(shown, is_raw), self.profile_axes()),
            Curves::Ratio => (shown.ratios.curves(&shown.comparison), ratio_axes(shown)),
        }
    }

    fn frc_axes(&self) -> [String; 2] {
        let of = self.frc.of.label();
        [
            self.frc.axis.axis().to_owned(),
            format!("correlation of {of}"),
        ]
    }

    /// Ring correlations with their thresholds.
    pub(super) fn frc(&mut self, ui: &mut Ui, shown: &Shown, commands: &mut Vec<Command>) {
        ui.horizontal_wrapped(|ui| {
            ui.style_mut().wrap_mode = Some(egui::TextWrapMode::Extend);
            for of in FrcOf::ALL {
                ui.selectable_value(&mut self.frc.of, of, of.label());
            }
            ui.separator();
            let has_size = shown.comparison.pixel_size_m.is_some();
            for axis in FrcAxis::ALL {
                let is_possible = axis != FrcAxis::PerMicrometre || has_size;
                let button = Button::selectable(self.frc.axis == axis, axis.label());
                let response = ui.add_enabled(is_possible, button);
                if response
                    .on_hover_text(axis.axis())
                    .on_disabled_hover_text("The dataset does not tell the size of a pixel")
                    .clicked()
                {
                    self.frc.axis = axis;
                }
            }
            if !has_size && self.frc.axis == FrcAxis::PerMicrometre {
                self.frc.axis = FrcAxis::default();
            }
            ui.separator();
            let names = Threshold::ALL.map(Threshold::label).into_iter();
            let thresholds = names.zip(THRESHOLD_TIPS).zip(&mut self.frc.thresholds);
            for ((name, tip), is_shown) in thresholds {
                ui.toggle_value(is_shown, name)
                    .on_hover_text(tip)
                    .accessible_name(format!("Threshold {name}"));
            }
            ui.toggle_value(&mut self.frc.to_corner, "to corner")
                .on_hover_text(
                    "Rings beyond Nyquist too, which hold only the corners of the square",
                );
        });
        let curves = frc_curves(&shown.comparison, self.frc);
        let labels = self.frc_axes();
        self.draw(
            ui,
            (Curves::Frc, "Ring correlation"),
            (&curves, &labels),
            commands,
        );
    }

    /// Values along the line, of all arms and the reference.
    pub(super) fn profile(
        &mut self,
        ui: &mut Ui,
        (shown, is_raw): (&Shown, bool),
        commands: &mut Vec<Command>,
    ) {
        let Some(mut line) = self.line else {
            ui.centered_and_justified(|ui| {
                ui.weak("Choose Line above the pictures and drag across one of them: the values along the line are drawn here for all.")
            });
            return;
        };
        ui.horizontal_wrapped(|ui| {
            for quantity in Quantity::ALL {
                ui.selectable_value(&mut self.profile_of, quantity, quantity.name());
            }
            ui.separator();
            for (i, words) in ["from", "to"].into_iter().enumerate() {
                ui.label(words);
                for (axis, name) in ["row", "column"].into_iter().enumerate() {
                    let drag = DragValue::new(&mut line[i][axis])
                        .speed(0.2)
                        .max_decimals(1);
                    ui.add(drag)
                        .on_hover_text(format!("{words}: {name}"))
                        .accessible_name(format!("Line {words} {name}"));
                }
            }
            self.line = Some(line);
            if ui.button("Clear line").clicked() {
                self.line = None;
            }
        });
        let curves = self.profile_curves(shown, is_raw);
        let labels = self.profile_axes();
        self.draw(
            ui,
            (Curves::Profile, "Line profile"),
            (&curves, &labels),
            commands,
        );
    }

    fn profile_axes(&self) -> [String; 2] {
        let quantity = self.profile_of;
        let y = match quantity.unit() {
            "" => quantity.name().to_owned(),
            unit => format!("{} ({unit})", quantity.name()),
        };
        ["distance along the line (px)".to_owned(), y]
    }

    fn profile_curves(&self, shown: &Shown, is_raw: bool) -> Vec<NamedCurve> {
        let Some(line) = self.line else {
            return Vec::new();
        };
        let columns = shown.columns.iter().enumerate();
        columns
            .map(|(i, column)| {
                let pair = if is_raw {
                    &column.raw
                } else {
                    &column.prepared
                };
                NamedCurve {
                    name: column.name.clone(),
                    points: profile(&pair[self.profile_of.index()], line),
                    colour_index: if column.is_reference { 6 } else { i },
                    is_dashed: column.is_reference,
                }
            })
            .collect()
    }

    /// How often each ratio of amplitudes is there, and whether one factor explains the difference.
    pub(super) fn ratio(&mut self, ui: &mut Ui, shown: &Shown, commands: &mut Vec<Command>) {
        bias_table(ui, shown);
        let curves = shown.ratios.curves(&shown.comparison);
        let labels = ratio_axes(shown);
        self.draw(
            ui,
            (Curves::Ratio, "Ratio of amplitudes"),
            (&curves, &labels),
            commands,
        );
    }

    fn draw(
        &mut self,
        ui: &mut Ui,
        (which, title): (Curves, &str),
        (curves, [x_label, y_label]): (&[NamedCurve], &[String; 2]),
        commands: &mut Vec<Command>,
    ) {
        let series: Vec<Series<'_>> = curves.iter().map(NamedCurve::series).collect();
        let data = PlotData {
            x_label,
            y_label,
            series: &series,
        };
        if self.plot.ui(ui, which.name(), title, &data).is_csv_asked {
            self.saved = which;
            commands.push(Command::ChooseForComparison(Purpose::SaveCompareCurves));
        }
    }
}

fn ratio_axes(shown: &Shown) -> [String; 2] {
    [
        format!(
            "|arm| / |{}|, before the factor",
            shown.comparison.reference
        ),
        "share of the pixels".to_owned(),
    ]
}

/// A row: its name, what it means, its number.
type Figure = (&'static str, &'static str, fn(&Bias) -> Option<f64>);

const FIGURES: [Figure; 4] = [
    (
        "best factor",
        "Σ t r / Σ r²: the factor that brings the arm nearest to the reference",
        |bias| bias.least_squares_factor,
    ),
    (
        "ratio of means",
        "Mean of the reference over mean of the arm",
        |bias| bias.mean_ratio,
    ),
    (
        "median ratio",
        "Median of arm over reference, pixel by pixel",
        |bias| bias.ratio.map(|ratio| ratio.median),
    ),
    (
        "error explained",
        "Share of the mean absolute error that goes away with the best factor: near 1, the difference is one of scale",
        |bias| Some(1.0 - bias.mae_rescaled / bias.mae),
    ),
];

fn bias_table(ui: &mut Ui, shown: &Shown) {
    ScrollArea::horizontal()
        .id_salt("bias")
        .auto_shrink([false, true])
        .show(ui, |ui| {
            Grid::new("bias")
                .num_columns(1 + FIGURES.len())
                .striped(true)
                .spacing([2.0 * theme::GAP, 0.0])
                .show(ui, |ui| {
                    ui.label("");
                    for (name, tip, _) in FIGURES {
                        let name = RichText::new(name).small().color(theme::palette(ui).weak);
                        ui.label(name).on_hover_text(tip);
                    }
                    ui.end_row();
                    for (i, arm) in shown.comparison.arms.iter().enumerate() {
                        arm_heading(ui, i, &arm.name);
                        let bias = &arm.evaluation.amplitude_bias;
                        for (name, _, of) in FIGURES {
                            let value = of(bias);
                            let words = match value.filter(|value| value.is_finite()) {
                                None => "—".to_owned(),
                                Some(share) if name == "error explained" => {
                                    format!("{:.0} %", 100.0 * share)
                                }
                                Some(value) => value_text(value),
                            };
                            ui.monospace(words);
                        }
                        ui.end_row();
                    }
                });
        });
}
