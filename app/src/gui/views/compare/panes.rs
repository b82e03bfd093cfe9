//! Panes side by side: rows of phase, amplitude and differences, a column for each arm and one for the reference.

use egui::{Rect, RichText, ScrollArea, Ui, UiBuilder, pos2, vec2};
use ndarray::Array2;
use ptycho_core::metrics::region::Region;
use ptycho_core::paint::colormap::{ColorMap, Map};
use ptycho_core::paint::limits::Limits;
use ptycho_core::phase::Region as Rectangle;

use super::super::super::comparison::{Column, Quantity, Shown};
use super::super::super::theme;
use super::super::super::widgets::image_pane::{ImagePane, PaneResponse};
use super::super::super::widgets::viewport::{LinkedView, Stroke, Viewport};
use super::super::super::widgets::{colour_bar, overlay};
use super::super::pictures::Pane;
use super::{CompareView, Mode, Tool, real};

/// Panes lower or narrower than this tell nothing: the tile scrolls instead.
const LEAST_HEIGHT: f32 = 27.0 * theme::GRID;
const LEAST_WIDTH: f32 = 27.0 * theme::GRID;
/// A region of fewer rows or columns was no region, but a slip of the hand.
const LEAST_REGION_PX: usize = 4;
/// What a fitted region leaves free around itself.
const FIT_SHARE: f32 = 0.95;

/// A row of panes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PaneRow {
    Value(Quantity),
    Difference(Quantity),
}

/// Every row, in the order of the panes.
pub(super) const PANES: [PaneRow; 4] = [
    PaneRow::Value(Quantity::Phase),
    PaneRow::Value(Quantity::Amplitude),
    PaneRow::Difference(Quantity::Phase),
    PaneRow::Difference(Quantity::Amplitude),
];

impl PaneRow {
    pub(super) fn quantity(self) -> Quantity {
        match self {
            Self::Value(quantity) | Self::Difference(quantity) => quantity,
        }
    }

    fn index(self) -> usize {
        match self {
            Self::Value(quantity) => quantity.index(),
            Self::Difference(quantity) => 2 + quantity.index(),
        }
    }

    /// On the switch of the row.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Value(Quantity::Phase) => "Phase",
            Self::Value(Quantity::Amplitude) => "Amplitude",
            Self::Difference(Quantity::Phase) => "Δ phase",
            Self::Difference(Quantity::Amplitude) => "Δ amplitude",
        }
    }

    /// On the pane of a column.
    pub(super) fn title(self, column: &Column, reference: &str) -> String {
        let name = self.quantity().name();
        match self {
            Self::Value(_) => format!("{}: {name}", column.name),
            Self::Difference(_) => format!("{} − {reference}: {name}", column.name),
        }
    }
}

/// The choices of every row, all in one group.
pub(super) fn panes() -> Vec<(Pane, ImagePane)> {
    PANES
        .iter()
        .map(|row| {
            let quantity = row.quantity();
            let mut pane = ImagePane {
                shows_histogram: false,
                shows_caption: false,
                shows_colour_bar: false,
                ..ImagePane::default()
            };
            pane.look.has_unseen = true;
            pane.look.color_map = Some(ColorMap::new(match row {
                PaneRow::Difference(_) => Map::Diverging,
                // As in the plot that is exported.
                PaneRow::Value(Quantity::Phase) => Map::Viridis,
                PaneRow::Value(Quantity::Amplitude) => Map::Gray,
            }));
            let about = Pane {
                title: row.label(),
                quantity: match row {
                    PaneRow::Value(_) => quantity.name(),
                    PaneRow::Difference(Quantity::Phase) => "phase difference",
                    PaneRow::Difference(Quantity::Amplitude) => "amplitude difference",
                },
                unit: quantity.unit(),
                group: 0,
                has_object_pixels: true,
            };
            (about, pane)
        })
        .collect()
}

/// What the panes were fitted to, and how.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fit {
    region: Rectangle,
    size: egui::Vec2,
    centre: [f64; 2],
    zoom: f32,
}

/// One drawn pane.
pub(super) struct DrawnPane {
    pub(super) viewport: Option<Viewport>,
}

impl CompareView {
    /// The values of a pane; none for the difference of the reference from itself.
    pub(super) fn values_of<'a>(
        &self,
        row: PaneRow,
        column: &'a Column,
    ) -> Option<&'a Array2<f32>> {
        let pair = match row {
            PaneRow::Value(_) if self.is_raw => &column.raw,
            PaneRow::Value(_) => &column.prepared,
            PaneRow::Difference(_) => column.difference.as_ref()?,
        };
        Some(&pair[row.quantity().index()])
    }

    /// The limits of all panes of a row, where they share them.
    pub(super) fn shared_limits(&self, row: PaneRow, shown: &Shown) -> Option<Limits> {
        let of = match row {
            PaneRow::Difference(_) => &shown.scales.difference,
            PaneRow::Value(_) if self.is_raw => &shown.scales.raw,
            PaneRow::Value(_) => &shown.scales.prepared,
        };
        let limits = of[row.quantity().index()];
        match row {
            // Zero stays in the middle of the colours of a difference on any scale.
            PaneRow::Difference(_) if !self.is_shared => Some(Limits::Symmetric),
            _ => self.is_shared.then_some(limits),
        }
    }

    /// Draw one pane, and the outline and the line over it.
    pub(super) fn pane(
        &mut self,
        ui: &mut Ui,
        (row, column): (PaneRow, usize),
        (shown, region): (&Shown, &Region),
    ) -> DrawnPane {
        let of = &shown.columns[column];
        let index = row.index();
        let limits = self.shared_limits(row, shown);
        let is_auto = self.pictures.look(index).limits.is_none();
        if is_auto {
            self.pictures.look(index).limits = limits;
        }
        let before = self.pictures.focused();
        let title = row.title(of, &shown.comparison.reference);
        let version = 2 * shown.version + u64::from(self.is_raw);
        let response = match self.values_of(row, of) {
            Some(values) => self
                .pictures
                .show_titled(ui, (index, &title), real(values), version),
            None => PaneResponse::default(),
        };
        if is_auto && self.pictures.look(index).limits == limits {
            self.pictures.look(index).limits = None;
        }
        if response.clicked.is_some()
            || response.is_export_asked
            || before != self.pictures.focused()
        {
            self.column = column;
        }
        if let Some(viewport) = &response.viewport {
            self.marks(ui, viewport, (shown, region));
        }
        DrawnPane {
            viewport: response.viewport,
        }
    }

    pub(super) fn marks(
        &mut self,
        ui: &Ui,
        viewport: &Viewport,
        (shown, region): (&Shown, &Region),
    ) {
        let stroke = self.pictures.group(0).stroke;
        let drawn = stroke
            .filter(|_| self.tool == Tool::Region && self.mode != Mode::Swipe)
            .and_then(|stroke| rectangle(stroke, shown.frame()));
        let outlined = match (drawn, region) {
            (Some(drawn), _) => drawn,
            (None, Region::Rectangle { rows, columns }) => (rows.clone(), columns.clone()),
            (None, Region::Auto) => {
                let area = &shown.comparison.area;
                (area.rows.clone(), area.columns.clone())
            }
        };
        overlay::outline(ui, viewport, &outlined);
        if let Some(line) = self.plots.line {
            overlay::line(ui, viewport, line);
        }
    }

    /// Draw the pictures in the way that was chosen, and take what was drawn over them.
    pub(super) fn picture_tile(&mut self, ui: &mut Ui, shown: &Shown, region: &mut Region) {
        self.column = self.column.min(shown.columns.len().saturating_sub(1));
        self.pictures.group(0).draws = self.tool != Tool::Move || self.mode == Mode::Swipe;
        match self.mode {
            Mode::SideBySide => self.side_by_side(ui, shown, region),
            Mode::Blink | Mode::Swipe => self.two_in_one(ui, shown, region),
        }
        self.take_stroke(shown.frame(), region);
    }

    fn side_by_side(&mut self, ui: &mut Ui, shown: &Shown, region: &Region) {
        let rows: Vec<_> = PANES
            .into_iter()
            .zip(self.rows)
            .filter_map(|(row, is_shown)| is_shown.then_some(row))
            .collect();
        let n_columns = shown.columns.len();
        let bar = colour_bar::WIDTH;
        let bars = if self.is_shared { 1 } else { n_columns };
        let gap = theme::GRID;
        let free = ui.available_size() - vec2(2.0, 2.0);
        let width = ((free.x - bars as f32 * bar) / n_columns.max(1) as f32 - gap).max(LEAST_WIDTH);
        let height = (free.y / rows.len().max(1) as f32 - gap).max(LEAST_HEIGHT);
        let pane_bar = if self.is_shared { 0.0 } else { bar };
        let header = ui.spacing().interact_size.y + ui.spacing().item_spacing.y;
        self.fit_to(vec2(width, height - header - theme::GRID), shown);
        ScrollArea::both()
            .auto_shrink([false, false])
            .show(ui, |ui| {
                let step = vec2(width + pane_bar + gap, height + gap);
                let whole = vec2(
                    n_columns as f32 * step.x + bar - pane_bar,
                    rows.len() as f32 * step.y - gap,
                );
                let (_, whole) = ui.allocate_space(whole);
                for (i, row) in rows.iter().enumerate() {
                    for column in 0..n_columns {
                        let is_last = column + 1 == n_columns;
                        let corner = whole.min + vec2(column as f32 * step.x, i as f32 * step.y);
                        let own_bar = if is_last { bar } else { pane_bar };
                        let place = Rect::from_min_size(corner, vec2(width + own_bar, height));
                        self.pictures.pane(row.index()).shows_colour_bar = 0.0 < own_bar;
                        let mut ui = ui.new_child(
                            UiBuilder::new()
                                .max_rect(place)
                                .id_salt(place_id(*row, column)),
                        );
                        self.cell(&mut ui, (*row, column), (shown, region));
                    }
                }
            });
    }

    /// A pane; in the row of differences the reference's place holds the common scale and what it means.
    fn cell(
        &mut self,
        ui: &mut Ui,
        (row, column): (PaneRow, usize),
        (shown, region): (&Shown, &Region),
    ) {
        if self.values_of(row, &shown.columns[column]).is_some() {
            self.pane(ui, (row, column), (shown, region));
            return;
        }
        let rect = ui.max_rect();
        let reference = &shown.comparison.reference;
        let words =
            format!("Arm − {reference}: blue where the arm is below, red where it is above.");
        let place = Rect::from_min_max(
            rect.min,
            pos2(rect.right() - colour_bar::WIDTH, rect.bottom()),
        );
        let header = ui.spacing().interact_size.y + ui.spacing().item_spacing.y;
        ui.scope_builder(UiBuilder::new().max_rect(place), |ui| {
            ui.centered_and_justified(|ui| {
                let words = RichText::new(words).color(theme::palette(ui).weak);
                ui.add(egui::Label::new(words).wrap());
            });
        });
        if let Some(Limits::Manual { min, max }) = self
            .pictures
            .look(row.index())
            .limits
            .or(self.shared_limits(row, shown))
            .filter(|_| self.is_shared)
        {
            let map = self.pictures.look(row.index()).used_map(false);
            let quantity = row.quantity();
            let unit = match quantity.unit() {
                "" => String::new(),
                unit => format!(" [{unit}]"),
            };
            let bar = ptycho_core::paint::picture::Bar {
                min,
                max,
                colours: map.table().to_vec(),
                label: format!("Δ {}{unit}", quantity.name()),
            };
            let place = Rect::from_min_max(
                pos2(place.right(), rect.top() + header),
                pos2(rect.right(), rect.bottom() - theme::GRID),
            );
            colour_bar::show(ui, place, &bar, row.label());
        }
    }

    /// Show what was compared as large as fits, until a pane is moved by hand; again after Home or a double click.
    pub(super) fn fit_to(&mut self, size: egui::Vec2, shown: &Shown) {
        let view = self.pictures.group(0);
        let is_fitted = self.fit.as_ref().is_some_and(|fit| {
            (view.centre, view.points_per_px) == (Some(fit.centre), Some(fit.zoom))
        });
        let region = match (&self.fit, view.points_per_px) {
            (_, None) => {
                let area = &shown.comparison.area;
                (area.rows.clone(), area.columns.clone())
            }
            (Some(fit), Some(_)) if is_fitted && fit.size != size => fit.region.clone(),
            _ => return,
        };
        self.fit = fit(view, region, size);
    }

    /// Show the whole object frame.
    pub(super) fn fit_whole(&mut self, shown: &Shown) {
        let (n_rows, n_columns) = shown.frame();
        let size = self.fit.as_ref().map(|fit| fit.size);
        if let Some(size) = size {
            self.fit = fit(self.pictures.group(0), (0..n_rows, 0..n_columns), size);
        }
    }

    /// What was drawn over the pictures takes effect.
    fn take_stroke(&mut self, frame: (usize, usize), region: &mut Region) {
        let view = self.pictures.group(0);
        let Some(stroke) = view.stroke else { return };
        match (self.mode, self.tool) {
            (Mode::Swipe, _) => self.together.divider = Some(stroke.to[1]),
            (_, Tool::Line) => {
                let is_line = stroke.from != stroke.to;
                if is_line {
                    self.plots.opens_profile |= stroke.is_over;
                    self.plots.line = Some([stroke.from, stroke.to]);
                }
            }
            (_, Tool::Region) if stroke.is_over => {
                if let Some((rows, columns)) = rectangle(stroke, frame) {
                    *region = Region::Rectangle { rows, columns };
                }
            }
            _ => {}
        }
        if stroke.is_over {
            view.stroke = None;
        }
    }
}

fn place_id(row: PaneRow, column: usize) -> (&'static str, usize, usize) {
    ("compare pane", row.index(), column)
}

fn fit(view: &mut LinkedView, region: Rectangle, size: egui::Vec2) -> Option<Fit> {
    let (rows, columns) = &region;
    let zoom = (size.x / columns.len().max(1) as f32).min(size.y / rows.len().max(1) as f32);
    let middle =
        |range: &std::ops::Range<usize>| (range.start as f64 + range.end as f64 - 1.0) / 2.0;
    let centre = [middle(rows), middle(columns)];
    let zoom = FIT_SHARE * zoom;
    if !zoom.is_finite() || zoom <= 0.0 {
        return None;
    }
    view.centre = Some(centre);
    view.points_per_px = Some(zoom);
    Some(Fit {
        region,
        size,
        centre,
        zoom,
    })
}

/// The pixels that a stroke spans, cut to the frame; none where they are too few to mean anything.
pub(super) fn rectangle(stroke: Stroke, frame: (usize, usize)) -> Option<Rectangle> {
    let span = |axis: usize, n: usize| {
        let (from, to) = (stroke.from[axis], stroke.to[axis]);
        let first = (from.min(to) + 0.5).floor().clamp(0.0, n as f64) as usize;
        let last = (from.max(to) + 0.5).ceil().clamp(0.0, n as f64) as usize;
        (LEAST_REGION_PX <= last.saturating_sub(first)).then_some(first..last)
    };
    Some((span(0, frame.0)?, span(1, frame.1)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stroke_becomes_the_pixels_that_it_touches_within_the_frame() {
        let stroke = |from, to| Stroke {
            from,
            to,
            is_over: true,
        };
        let of = |from, to| rectangle(stroke(from, to), (40, 50));
        assert_eq!(of([10.2, 8.0], [29.6, 30.4]), Some((10..31, 8..31)));
        assert_eq!(of([29.6, 30.4], [10.2, 8.0]), Some((10..31, 8..31)));
        assert_eq!(of([-5.0, -1.0], [80.0, 10.0]), Some((0..40, 0..11)));
        assert_eq!(of([5.0, 5.0], [6.0, 20.0]), None);
    }
}
