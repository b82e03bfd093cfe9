//! Curves over a number: loss per epoch and the like, with a logarithmic axis where wanted.

use egui::{Rangef, Stroke, Ui};
use egui_plot::{GridMark, Legend, Line, LineStyle, Plot, PlotPoints};
use ptycho_core::paint::ticks::value_text;
use serde::{Deserialize, Serialize};

use crate::gui::theme;

/// One curve.
#[derive(Clone, Copy, Debug)]
pub struct Series<'a> {
    /// Its name in the legend and in the file.
    pub name: &'a str,
    /// `[x, y]`, in the order of x.
    pub points: &'a [[f64; 2]],
    /// Which colour of the palette; the same run has the same number in every plot.
    pub colour_index: usize,
    /// Drawn dashed, as a validation beside its training.
    pub is_dashed: bool,
    /// Where losses may be negative: the logarithmic axis shows how far the curve is above this value, see
    /// [`log_from`]. What is read off and saved are the losses themselves.
    pub log_from: Option<f64>,
}

/// What a plot shows.
#[derive(Clone, Copy, Debug)]
pub struct PlotData<'a> {
    /// The x axis, as "epoch".
    pub x_label: &'a str,
    /// The y axis with its unit, as "loss".
    pub y_label: &'a str,
    /// The curves.
    pub series: &'a [Series<'a>],
}

/// A value a little below the least of some curves, where one of them is not positive: then a logarithmic axis has no
/// other place for them. The least value stands a thousandth of the span above it.
///
/// Only curves of one loss on the same data belong together: what a Poisson likelihood is at its best depends on them.
pub fn log_from<'a>(curves: impl Iterator<Item = &'a [[f64; 2]]>) -> Option<f64> {
    let values = curves.flatten().map(|[_, y]| *y).filter(|y| y.is_finite());
    let (least, greatest) = values.fold(
        (f64::INFINITY, f64::NEG_INFINITY),
        |(least, greatest), y| (least.min(y), greatest.max(y)),
    );
    let is_needed = least <= 0.0;
    let span = greatest - least;
    let below = if 0.0 < span { 1e-3 * span } else { 1.0 };
    is_needed.then_some(least - below)
}

impl PlotData<'_> {
    fn has_offset(&self) -> bool {
        self.series.iter().any(|series| series.log_from.is_some())
    }
}

/// The choices of a plot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LinePlot {
    /// Logarithmic y axis; values that are not positive are left out then, and counted.
    pub is_log_y: bool,
    /// Show the names of the curves.
    pub shows_legend: bool,
}

impl Default for LinePlot {
    fn default() -> Self {
        Self {
            is_log_y: true,
            shows_legend: true,
        }
    }
}

/// What the user asked of a plot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlotResponse {
    /// Save the curves: see [`csv`].
    pub is_csv_asked: bool,
}

impl LinePlot {
    /// Draw the curves in the space that is left.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        id_salt: &str,
        title: &str,
        data: &PlotData<'_>,
    ) -> PlotResponse {
        self.ui_with(ui, (id_salt, title), data, |_| ())
    }

    /// As [`LinePlot::ui`], with choices of the view's own beside the title.
    pub fn ui_with(
        &mut self,
        ui: &mut Ui,
        (id_salt, title): (&str, &str),
        data: &PlotData<'_>,
        choices: impl FnOnce(&mut Ui),
    ) -> PlotResponse {
        let mut response = PlotResponse::default();
        ui.horizontal_wrapped(|ui| {
            ui.strong(title);
            choices(ui);
            let Self {
                is_log_y,
                shows_legend,
            } = self;
            let log_y = ui
                .toggle_value(is_log_y, "log y")
                .accessible_name(format!("Logarithmic y axis of {title}"));
            if data.has_offset() {
                log_y.on_hover_text("Some values are negative, so the logarithmic axis shows how far each curve is above the least of all curves of the same data, less a thousandth of their span. Point at a curve to read the value itself; values are saved as they are.");
            }
            ui.toggle_value(shows_legend, "legend")
                .accessible_name(format!("Legend of {title}"));
            response.is_csv_asked = ui
                .button("CSV…")
                .on_hover_text("Save the curves as comma-separated values")
                .accessible_name(format!("Save {title} as CSV"))
                .clicked();
            let n_left_out = self.n_left_out(data);
            if n_left_out != 0 {
                let why = if self.is_log_y {
                    "not positive or not finite"
                } else {
                    "not finite"
                };
                let text = format!("⚠ {n_left_out} {why}, not drawn");
                ui.colored_label(theme::palette(ui).warn, text);
            }
        });
        // The uppermost tick label stands half above the plot.
        ui.add_space(theme::GAP);
        self.plot(ui, id_salt, data);
        response
    }

    fn plot(self, ui: &mut Ui, id_salt: &str, data: &PlotData<'_>) {
        let colours: Vec<_> = data
            .series
            .iter()
            .map(|series| theme::series_colour(ui, series.colour_index))
            .collect();
        let (x_label, y_label, is_log) = (data.x_label, data.y_label, self.is_log_y);
        let y_axis = move |y: f64| if is_log { 10f64.powf(y) } else { y };
        let offsets: Vec<_> = data
            .series
            .iter()
            .map(|series| (series.name.to_owned(), series.log_from.unwrap_or(0.0)))
            .collect();
        let y_value = move |name: &str, y: f64| {
            let of_name = offsets.iter().find(|(of, _)| of == name);
            y_axis(y) + of_name.filter(|_| is_log).map_or(0.0, |(_, from)| *from)
        };
        let above = if is_log && data.has_offset() {
            format!("{y_label} above the least")
        } else {
            y_label.to_owned()
        };
        let height = ui.available_height();
        let mut plot = Plot::new((id_salt, is_log))
            .x_axis_label(x_label)
            .y_axis_label(above)
            .y_axis_min_width(14.0 * theme::GRID)
            .y_axis_formatter(move |mark, _| value_text(round_mark(y_axis(mark.value))))
            .label_formatter(move |position| {
                let (name, at) = match position {
                    egui_plot::HoverPosition::NearDataPoint {
                        plot_name,
                        position,
                        ..
                    } => (*plot_name, *position),
                    egui_plot::HoverPosition::Elsewhere { position } => ("", *position),
                };
                let (x, y) = (value_text(at.x), value_text(y_value(name, at.y)));
                Some(
                    format!("{name}\n{x_label} {x}\n{y_label} {y}")
                        .trim()
                        .to_owned(),
                )
            })
            .allow_scroll(false);
        if height.is_finite() {
            plot = plot.height(height.max(20.0 * theme::GRID));
        } else {
            plot = plot.height(60.0 * theme::GRID);
        }
        plot = plot
            .grid_spacing(GRID_SPACING_PT)
            .x_grid_spacer(|input| round_values(input.bounds, input.base_step_size));
        plot = plot.y_grid_spacer(move |input| {
            if is_log {
                decades(input.bounds)
            } else {
                round_values(input.bounds, input.base_step_size)
            }
        });
        // A legend would cover a low plot.
        if self.shows_legend && 30.0 * theme::GRID < height {
            plot = plot.legend(Legend::default());
        }
        plot.show(ui, |plot_ui| {
            for (series, colour) in data.series.iter().zip(colours) {
                let points: PlotPoints<'_> = self.drawn(series).collect();
                let mut line = Line::new(series.name, points).stroke(Stroke::new(1.5, colour));
                if series.is_dashed {
                    line = line.style(LineStyle::dashed_dense());
                }
                plot_ui.line(line);
            }
        });
    }

    fn drawn(self, series: &Series<'_>) -> impl Iterator<Item = [f64; 2]> {
        let from = series.log_from.unwrap_or(0.0);
        series
            .points
            .iter()
            .map(move |&[x, y]| [x, if self.is_log_y { (y - from).log10() } else { y }])
            .filter(|[x, y]| x.is_finite() && y.is_finite())
    }

    fn n_left_out(self, data: &PlotData<'_>) -> usize {
        data.series
            .iter()
            .map(|series| series.points.len() - self.drawn(series).count())
            .sum()
    }
}

/// Distances in points at which the lines of the grid come to be, and are as bright as can be.
const GRID_SPACING_PT: Rangef = Rangef {
    min: 8.0,
    max: 300.0,
};
/// Lines this far apart are labelled, and no brighter than those of decades.
const LABELLED_PT: f32 = 81.0;

/// Grid lines at round values, all of them labelled however narrow the plot is; `base` is what the least distance of
/// lines comes to.
fn round_values((min, max): (f64, f64), base: f64) -> Vec<GridMark> {
    let step_size = base * f64::from(LABELLED_PT / GRID_SPACING_PT.min);
    ptycho_core::paint::ticks::ticks(min, max, 4)
        .into_iter()
        .map(|value| GridMark { value, step_size })
        .collect()
}

/// A power of ten comes out of the logarithm a hair off.
fn round_mark(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

/// Grid lines at whole decades, and at 2 to 9 times them where there is room.
fn decades((min, max): (f64, f64)) -> Vec<GridMark> {
    let span = max - min;
    if !span.is_finite() || span <= 0.0 || span > 600.0 {
        return Vec::new();
    }
    if span < 0.5 {
        // Less than half a decade: round values instead, so that there are always labels.
        let values = ptycho_core::paint::ticks::ticks(10f64.powf(min), 10f64.powf(max), 5);
        return values
            .into_iter()
            .filter(|value| *value > 0.0)
            .map(|value| GridMark {
                value: value.log10(),
                step_size: span,
            })
            .collect();
    }
    let every = (span / 12.0).ceil().max(1.0) as i32;
    let (first, last) = (min.floor() as i32, max.ceil() as i32);
    let mut marks = Vec::new();
    for decade in (first..=last).filter(|decade| decade % every == 0) {
        marks.push(GridMark {
            value: f64::from(decade),
            step_size: 1.0,
        });
        if every == 1 && span < 6.0 {
            marks.extend((2..10).map(|i| GridMark {
                value: f64::from(decade) + f64::from(i).log10(),
                step_size: if span < 1.5 && (i == 2 || i == 5) {
                    1.0
                } else {
                    0.1
                },
            }));
        }
    }
    // A mark beyond the bounds would be labelled beside the axis.
    marks.retain(|mark| (min..=max).contains(&mark.value));
    marks
}

/// The curves as comma-separated values: `series,x,y`, unsmoothed and whole.
pub fn csv(data: &PlotData<'_>) -> String {
    use std::fmt::Write as _;
    let quote = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let mut text = format!("series,{},{}\n", quote(data.x_label), quote(data.y_label));
    for series in data.series {
        for [x, y] in series.points {
            // Writing into a string cannot fail.
            let _ = writeln!(text, "{},{x},{y:e}", quote(series.name));
        }
    }
    text
}
