//! Numbers of every epoch, and the power of the probe's modes.

use egui::{Align, Grid, Layout, Rect, RichText, ScrollArea, Sense, Ui, UiBuilder, vec2};

use super::super::super::command::{Action, Command};
use super::super::super::files::Purpose;
use super::super::super::reconstruction::{Curve, Run, Trace};
use super::super::super::theme;
use super::super::super::widgets::line_plot::{LinePlot, PlotData, Series};

/// The longest line of an explanation.
const WORDS_WIDTH: f32 = 120.0 * theme::GRID;

/// The choices of the plots.
pub(super) struct Plots {
    loss: LinePlot,
    probe_power: LinePlot,
    position_rms: LinePlot,
}

impl Default for Plots {
    fn default() -> Self {
        let linear = LinePlot {
            is_log_y: false,
            // It would cover what rises; the colours are those of the loss.
            shows_legend: false,
        };
        Self {
            loss: LinePlot::default(),
            probe_power: linear,
            position_rms: linear,
        }
    }
}

impl Plots {
    /// Draw a curve of the run.
    pub(super) fn ui(&mut self, ui: &mut Ui, curve: Curve, run: &Run, commands: &mut Vec<Command>) {
        let mut traces = run.traces(curve);
        if curve == Curve::PositionRms && is_all_zero(&traces) {
            traces.clear();
        }
        let (title, y_label) = curve.words();
        if traces.is_empty() {
            return nothing(ui, title, empty_words(curve, run));
        }
        let series: Vec<Series<'_>> = traces.iter().map(Trace::series).collect();
        let data = PlotData {
            x_label: "epoch",
            y_label,
            series: &series,
        };
        let (plot, save) = match curve {
            Curve::ProbePower => (
                &mut self.probe_power,
                Command::ChooseForReconstruction(Purpose::SaveProbePower),
            ),
            Curve::PositionRms => (
                &mut self.position_rms,
                Command::ChooseForReconstruction(Purpose::SavePositionRms),
            ),
            Curve::Loss => (&mut self.loss, Command::Do(Action::SaveLoss)),
        };
        if plot.ui(ui, title, title, &data).is_csv_asked {
            commands.push(save);
        }
    }
}

fn is_all_zero(traces: &[Trace]) -> bool {
    let mut points = traces.iter().flat_map(|trace| &trace.points);
    points.all(|[_, value]| *value == 0.0)
}

/// A tile without anything to show says why.
pub(super) fn nothing(ui: &mut Ui, title: &str, words: &str) {
    ui.strong(title);
    explanation(ui, words);
}

/// Words in the middle of an empty space, in lines that are not too long to read and are not spread to its edges.
pub(super) fn explanation(ui: &mut Ui, words: &str) {
    let room = ui.available_rect_before_wrap();
    let size = vec2(room.width().min(WORDS_WIDTH), 0.6 * room.height());
    let place = Rect::from_center_size(room.center() + vec2(0.0, 0.2 * room.height()), size);
    let place = UiBuilder::new()
        .max_rect(place)
        .layout(Layout::top_down(Align::Center));
    ui.scope_builder(place, |ui| ui.weak(words));
    // Whatever stands beside keeps its place.
    ui.advance_cursor_after_rect(room);
}

fn empty_words(curve: Curve, run: &Run) -> &'static str {
    match curve {
        Curve::Loss => "The loss of every epoch is drawn here.",
        Curve::ProbePower => "The power of all probe modes after every epoch is drawn here.",
        Curve::PositionRms if run.course.loss.is_empty() => {
            "How far the positions are corrected (rms) after every epoch is drawn here."
        }
        Curve::PositionRms => "Positions have not moved: choose how to refine them.",
    }
}

/// Share of the power in each mode, as bars and in numbers.
pub(super) fn modes(ui: &mut Ui, run: &Run) {
    let Some(preview) = &run.preview else {
        return nothing(
            ui,
            "Probe modes",
            "The share of the power in each incoherent mode is shown here.",
        );
    };
    ui.horizontal_wrapped(|ui| {
        ui.strong("Probe modes");
        ui.weak("share of the power in each");
    });
    let palette = theme::palette(ui);
    ScrollArea::vertical()
        .id_salt("modes")
        .auto_shrink([false, false])
        .show(ui, |ui| {
            let width = (ui.available_width() - 34.0 * theme::GRID).max(10.0 * theme::GRID);
            Grid::new("mode powers")
                .num_columns(3)
                .spacing([theme::GAP, theme::GRID])
                .show(ui, |ui| {
                    for (mode, share) in preview.mode_power.iter().enumerate() {
                        ui.label(format!("Mode {}", mode + 1));
                        let size = vec2(width, 4.0 * theme::GRID);
                        let (mut rect, _) = ui.allocate_exact_size(size, Sense::hover());
                        ui.painter().rect_filled(rect, 2.0, palette.control);
                        rect.set_width(width * *share as f32);
                        let colour = theme::series_colour(ui, mode);
                        ui.painter().rect_filled(rect, 2.0, colour);
                        ui.label(RichText::new(format!("{:.2} %", 100.0 * share)).monospace());
                        ui.end_row();
                    }
                });
            if preview.mode_power.len() == 1 {
                ui.weak("More incoherent modes are added with “Probe modes” among the parameters.");
            }
        });
}
