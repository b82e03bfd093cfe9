//! How far refined positions stand from the given ones: arrows on the scan, and their numbers.

use egui::{
    Align, Color32, ComboBox, Grid, Layout, Painter, Pos2, RichText, ScrollArea, Sense, Ui, Vec2,
    vec2,
};
use ndarray::ArrayView2;
use ptycho_core::data::Dataset;
use ptycho_core::paint::component::Source;
use ptycho_core::paint::picture::Look;
use ptycho_core::paint::ticks::value_text;

use super::super::super::command::Command;
use super::super::super::document::Document;
use super::super::super::files::Purpose;
use super::super::super::reconstruction::shifts::{Shifts, round_down};
use super::super::super::theme;
use super::super::super::widgets::image_pane::{ImagePane, PaneData};
use super::super::super::widgets::overlay::lay_under;
use super::super::super::widgets::scan_plot::{self, ScanData};
use super::super::super::widgets::viewport::{LinkedView, Viewport};
use super::course::nothing;

/// Factors that can be chosen beside the one that is found.
const FACTORS: [f64; 6] = [1.0, 5.0, 10.0, 50.0, 100.0, 1000.0];
/// The arrow of the scale is at most this long; its words have as much room.
const SCALE_LENGTH: f32 = 15.0 * theme::GRID;

/// Below this width a number stands under its name.
const NARROW: f32 = 75.0 * theme::GRID;

/// The choices of the plot, and the shifts as they were worked out last.
pub(super) struct ShiftsPlot {
    /// Factor by which arrows are longer; found where `None`.
    factor: Option<f64>,
    is_common_kept: bool,
    /// Whether the object lies under the arrows.
    shows_object: bool,
    look: Look,
    selected: Option<usize>,
    hovered: Option<usize>,
    /// Points of the screen per pixel when the arrows were drawn last.
    zoom: f32,
    worked: Option<Worked>,
}

impl Default for ShiftsPlot {
    fn default() -> Self {
        let mut look = ImagePane::phase_contrast().look;
        // The ramp is removed before, off the window's thread.
        look.is_ramp_removed = false;
        Self {
            factor: None,
            is_common_kept: false,
            shows_object: true,
            look,
            selected: None,
            hovered: None,
            zoom: 1.0,
            worked: None,
        }
    }
}

/// The shifts of a scan and a course.
struct Worked {
    /// Number of the scan, of the course, and whether the common shift is kept.
    of: (u64, u64, bool),
    /// With the factor that was found; none where nothing has moved.
    shifts: Option<(Shifts, f64)>,
}

impl ShiftsPlot {
    /// Forget what belongs to the scan before.
    pub(super) fn begin_scan(&mut self) {
        self.selected = None;
        self.hovered = None;
        self.worked = None;
    }

    fn update(&mut self, document: &Document, dataset: &Dataset) {
        let run = &document.run;
        let of = (document.scan.id, run.course_revision, self.is_common_kept);
        if self.worked.as_ref().is_some_and(|worked| worked.of == of) {
            return;
        }
        let given = dataset.positions_px();
        let shifts = Shifts::new(given, &run.course.positions_px).map(|shifts| {
            let factor = shifts.magnification(given, self.is_common_kept);
            (shifts, factor)
        });
        self.worked = Some(Worked { of, shifts });
    }

    fn shifts(&self) -> Option<(&Shifts, f64)> {
        let (shifts, found) = self.worked.as_ref()?.shifts.as_ref()?;
        Some((shifts, self.factor.unwrap_or(*found)))
    }

    /// Draw the arrows.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        document: &Document,
        view: &mut LinkedView,
        commands: &mut Vec<Command>,
    ) {
        let Some(dataset) = &document.scan.dataset else {
            return nothing(ui, "Position shifts", "No scan is open.");
        };
        self.update(document, dataset);
        if self.shifts().is_none() {
            return nothing(ui, "Position shifts", empty_words(document));
        }
        self.choices(ui, commands);
        let Some((shifts, factor)) = self.shifts() else {
            return;
        };
        let given = dataset.positions_px();
        let [rows, columns] = dataset.object_shape();
        let data = ScanData {
            positions_px: ArrayView2::from(given),
            frame_px: (rows, columns),
            underlay: None,
            selected: self.selected,
            pixel_size_m: document.scan.pixel_size_m(),
        };
        let keeps = self.is_common_kept;
        let title = ("position shifts", "Position shifts");
        let run = &document.run;
        let preview = run
            .preview
            .as_ref()
            .filter(|preview| self.shows_object && preview.object_flat.dim() == (rows, columns));
        let mut zoom = self.zoom;
        let response = scan_plot::show_painted(ui, title, &data, view, |ui, painter, plot, _| {
            if let Some(preview) = preview {
                let picture = PaneData {
                    image: Source::Complex(preview.object_flat.view()),
                    version: run.revision,
                    quantity: "",
                    unit: "",
                    pixel_size_m: None,
                    points: &[],
                    region: document.scan.pane_context().region,
                };
                lay_under(
                    ui,
                    painter,
                    "object under the arrows",
                    (&picture, &self.look),
                    plot,
                );
            }
            let colours = colours(ui, preview.is_some());
            for (pattern, position) in given.iter().enumerate() {
                let by = shifts.of(pattern, keeps).map(|shift| shift * factor);
                arrow(painter, plot, (*position, by), colours);
            }
            zoom = plot.zoom;
        });
        if response.chosen.is_some() {
            self.selected = response.chosen;
        }
        if (self.hovered, self.zoom) != (response.hovered, zoom) {
            (self.hovered, self.zoom) = (response.hovered, zoom);
            // Scale and numbers have been drawn before this was known.
            ui.ctx().request_repaint();
        }
    }

    fn choices(&mut self, ui: &mut Ui, commands: &mut Vec<Command>) {
        let found = self
            .worked
            .as_ref()
            .and_then(|worked| worked.shifts.as_ref().map(|(_, found)| *found))
            .unwrap_or(1.0);
        ui.horizontal_wrapped(|ui| {
            let label = ui.label("Arrows");
            let text = |factor: Option<f64>| match factor {
                Some(factor) => format!("× {}", value_text(factor)),
                None => format!("auto (× {})", value_text(found)),
            };
            ComboBox::from_id_salt("arrows")
                .selected_text(text(self.factor))
                .show_ui(ui, |ui| {
                    ui.selectable_value(&mut self.factor, None, text(None));
                    for factor in FACTORS {
                        let factor = Some(factor);
                        ui.selectable_value(&mut self.factor, factor, text(factor));
                    }
                })
                .response
                .labelled_by(label.id)
                .on_hover_text("How much longer than the shifts the arrows are drawn");
            scale(ui, self.zoom, self.factor.unwrap_or(found));
            ui.checkbox(&mut self.shows_object, "Object")
                .on_hover_text("The phase of the reconstructed object under the arrows, without offset and ramp");
            let mut is_apart = !self.is_common_kept;
            ui.checkbox(&mut is_apart, "Without the common shift")
                .on_hover_text("A shift of all positions together moves the object and changes nothing else: ptychography leaves it free.");
            self.is_common_kept = !is_apart;
            let csv = ui
                .button("CSV…")
                .on_hover_text("Save given and refined positions as comma-separated values")
                .accessible_name("Save the positions as CSV");
            if csv.clicked() {
                commands.push(Command::ChooseForReconstruction(Purpose::SaveShifts));
            }
        });
    }

    /// The shifts in numbers.
    pub(super) fn numbers(&mut self, ui: &mut Ui, document: &Document) {
        if let Some(dataset) = &document.scan.dataset {
            self.update(document, dataset);
        }
        let Some((shifts, _)) = self.shifts() else {
            return nothing(ui, "Shifts in numbers", "There are none yet.");
        };
        ui.strong("Shifts in numbers");
        let pair = |shift_px: [f64; 2]| {
            // What rounds to nothing has no sign.
            let [row, column] = shift_px.map(|px| (1e3 * px).round() / 1e3 + 0.0);
            format!("{row:+.3}, {column:+.3} px")
        };
        let (furthest, length_px) = shifts.furthest;
        let mut rows = vec![
            ("rms", format!("{:.3} px", shifts.rms_px)),
            ("common (row, column)", pair(shifts.common_px)),
            ("rms without it", format!("{:.3} px", shifts.rms_apart_px)),
            (
                "furthest without it",
                format!("{length_px:.3} px (pattern {furthest})"),
            ),
        ];
        for (name, pattern) in [("selected", self.selected), ("pointed at", self.hovered)] {
            if let Some(pattern) = pattern.filter(|pattern| *pattern < shifts.of_px.len()) {
                let of = pair(shifts.of(pattern, self.is_common_kept));
                rows.push((name, format!("{of} (pattern {pattern})")));
            }
        }
        let is_narrow = ui.available_width() < NARROW;
        ScrollArea::both()
            .id_salt("shift numbers")
            .auto_shrink([false, false])
            .show(ui, |ui| {
                Grid::new("shift numbers")
                    .num_columns(2)
                    .spacing([theme::GAP, theme::GRID])
                    .show(ui, |ui| {
                        for (name, value) in rows {
                            ui.label(RichText::new(name).color(theme::palette(ui).weak));
                            if is_narrow {
                                ui.end_row();
                            }
                            ui.monospace(value);
                            ui.end_row();
                        }
                    });
                ui.weak("Point at a position of the plot, or click it, to read its shift.");
            });
    }
}

fn empty_words(document: &Document) -> &'static str {
    if !document.engine.uses("refine_positions") {
        return "This engine does not refine positions: LSQML and the PIE family do.";
    }
    if document.run.course.loss.is_empty() {
        return "Shifts are drawn here while positions are refined: choose how among the parameters.";
    }
    "No position has moved: choose how to refine them among the parameters, and from which epoch on."
}

/// Of arrows and of the given positions, in this order: bright over a picture, which is dark in either theme.
fn colours(ui: &Ui, is_over_picture: bool) -> [Color32; 2] {
    if is_over_picture {
        return [theme::palette_of(true).series[4], Color32::WHITE];
    }
    [theme::series_colour(ui, 0), theme::palette(ui).weak]
}

/// An arrow from `at`; one that is hardly a dot has no head.
fn arrow(
    painter: &Painter,
    plot: &Viewport,
    (at, by): ([f64; 2], [f64; 2]),
    [colour, dot]: [Color32; 2],
) {
    let from = plot.screen(at);
    let to = plot.screen([at[0] + by[0], at[1] + by[1]]);
    if !(plot.rect.contains(from) || plot.rect.contains(to)) {
        return;
    }
    painter.circle_filled(from, 1.3, dot);
    draw_arrow(painter, (from, to), (1.2, colour));
}

fn draw_arrow(painter: &Painter, (from, to): (Pos2, Pos2), stroke: (f32, Color32)) {
    painter.line_segment([from, to], stroke);
    let along = to - from;
    if along.length() < theme::GRID {
        return;
    }
    let back = -along.normalized() * (0.35 * along.length()).min(1.5 * theme::GRID);
    for side in [0.5, -0.5] {
        let head: Vec2 = back + side * back.rot90();
        painter.line_segment([to, to + head], stroke);
    }
}

/// An arrow of known length beside its length, above the plot where it hides nothing.
///
/// Its room is always the same: the plot below would change its size with it, and with that the length.
fn scale(ui: &mut Ui, zoom: f32, factor: f64) {
    let px = round_down(f64::from(SCALE_LENGTH / zoom) / factor);
    let length = (px * factor) as f32 * zoom;
    let height = ui.spacing().interact_size.y;
    let (rect, arrow) = ui.allocate_exact_size(vec2(SCALE_LENGTH, height), Sense::hover());
    let ends = (rect.right_center() - vec2(length, 0.0), rect.right_center());
    let colour = theme::palette(ui).text;
    draw_arrow(ui.painter(), ends, (1.5, colour));
    let room = vec2(SCALE_LENGTH, height);
    let words = ui.allocate_ui_with_layout(room, Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_width(SCALE_LENGTH);
        ui.label(format!("= {} px", value_text(px)))
    });
    arrow
        .union(words.inner)
        .on_hover_text("The scale: an arrow this long is a shift by so much");
}
