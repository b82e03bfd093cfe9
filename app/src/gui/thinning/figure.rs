//! The scan plot as a figure: positions by what becomes of them over what lies beneath, with axes, legend and caption.

use ptycho_core::paint::colormap::Colour;
use ptycho_core::paint::raster::{Rgba, area_average};
use ptycho_core::paint::ticks;

use super::drawing::{Anchor, Drawing};
use super::{Layer, Shown, Subject};
use crate::gui::widgets::scan_marks::{Divide, Marker};

const BLACK: Colour = [0, 0, 0, 255];
const GREY: Colour = [96, 96, 96, 255];
const VEIL: Colour = [0, 0, 0, 90];
/// Longer side of the frame.
const SIDE_PX: f64 = 1200.0;
const LEFT_PX: f64 = 90.0;
const TOP_PX: f64 = 40.0;
const RIGHT_PX: f64 = 280.0;
const LINE_PX: f64 = 24.0;
const N_TICKS: usize = 7;

/// Where the object's pixels are in the figure.
struct Frame {
    corner: [f64; 2],
    size: [f64; 2],
    zoom: f64,
}

impl Frame {
    /// (x, y) of a (row, column); the middle of pixel (0, 0) is half a pixel inside.
    fn at(&self, [row, column]: [f64; 2]) -> [f64; 2] {
        [
            self.corner[0] + (column + 0.5) * self.zoom,
            self.corner[1] + (row + 0.5) * self.zoom,
        ]
    }

    fn end(&self) -> [f64; 2] {
        [self.corner[0] + self.size[0], self.corner[1] + self.size[1]]
    }
}

/// Draw the plot of what is shown; `beneath` lies under the points.
pub fn figure(
    subject: &Subject,
    shown: &Shown,
    layers: &[Layer],
    beneath: Option<&Rgba>,
) -> Drawing {
    let (rows, columns) = subject.frame_px;
    let zoom = SIDE_PX / rows.max(columns).max(1) as f64;
    let frame = Frame {
        corner: [LEFT_PX, TOP_PX],
        size: [columns as f64 * zoom, rows as f64 * zoom],
        zoom,
    };
    let caption = caption(shown);
    let height = frame.end()[1] + (3.0 + caption.len() as f64) * LINE_PX;
    let width = frame.end()[0] + RIGHT_PX;
    let mut drawing = Drawing::new([width.ceil() as usize, height.ceil() as usize]);
    let title = format!("{}: {}", subject.name, shown.request.view.name);
    drawing.text([LEFT_PX, 10.0], &title, (Anchor::Start, false), BLACK);
    if let Some(picture) = beneath {
        let block = picture.width.max(picture.height).div_ceil(2048);
        drawing.image(
            frame.corner,
            frame.size,
            &area_average(picture, block.max(1)),
        );
    }
    if let Some(divide) = subject.divide {
        draw_divide(&mut drawing, &frame, divide);
    }
    points(&mut drawing, &frame, subject, (layers, beneath.is_some()));
    axes(&mut drawing, &frame, subject.frame_px);
    legend(&mut drawing, &frame, (layers, beneath.is_some()));
    for (i, words) in caption.iter().enumerate() {
        let at = [LEFT_PX, frame.end()[1] + (2.5 + i as f64) * LINE_PX];
        drawing.text(at, words, (Anchor::Start, false), BLACK);
    }
    drawing
}

/// S, settings, and what is left of every half.
fn caption(shown: &Shown) -> Vec<String> {
    let request = &shown.request;
    let mut lines = vec![format!(
        "f = {}, gridsize {}, seed {}, spacing of {}",
        request.view.overlap,
        request.groups.gridsize,
        request.groups.seed,
        match request.spacing.apply_to {
            ptycho_core::grouping::ApplyTo::Groups => "groups",
            ptycho_core::grouping::ApplyTo::Positions => "positions",
        }
    )];
    lines.extend(shown.halves.iter().map(|half| match half {
        Ok(half) => format!(
            "S = {:.1} px, K = {}, {}",
            half.plan.spacing_px,
            half.plan.k,
            half.plan.words()
        ),
        Err(_) => "one half: the view cannot be formed".to_owned(),
    }));
    lines
}

fn draw_divide(drawing: &mut Drawing, frame: &Frame, divide: Divide) {
    let end = frame.end();
    let along = |px: f64| {
        let at = frame.at([px, px]);
        at[1 - divide.axis]
    };
    let corners = |low: f64, high: f64| {
        if divide.axis == 0 {
            ([frame.corner[0], low], [end[0], high])
        } else {
            ([low, frame.corner[1]], [high, end[1]])
        }
    };
    let half = divide.width_px / 2.0;
    let (from, to) = corners(
        along(divide.middle_px - half),
        along(divide.middle_px + half),
    );
    drawing.rect(from, to, VEIL);
    let middle = along(divide.middle_px);
    let (from, to) = corners(middle - 1.0, middle + 1.0);
    drawing.rect(from, to, GREY);
}

fn points(
    drawing: &mut Drawing,
    frame: &Frame,
    subject: &Subject,
    (layers, is_over_picture): (&[Layer], bool),
) {
    let n_points = subject.positions_px.len().max(1) as f64;
    let room = frame.size[0] * frame.size[1] / n_points;
    let half = (room / 40.0).sqrt().clamp(1.0, 3.5);
    for layer in layers {
        let colour = layer.colour.of_theme(is_over_picture).to_array();
        for row in &layer.rows {
            let at = frame.at(subject.positions_px[*row]);
            mark(
                drawing,
                at,
                (layer.marker, colour),
                half * f64::from(layer.size),
            );
        }
    }
}

fn mark(drawing: &mut Drawing, [x, y]: [f64; 2], (marker, colour): (Marker, Colour), half: f64) {
    match marker {
        Marker::Square => drawing.rect([x - half, y - half], [x + half, y + half], colour),
        Marker::Diamond => {
            let reach = 1.5 * half;
            let corners = [
                [x, y - reach],
                [x + reach, y],
                [x, y + reach],
                [x - reach, y],
            ];
            drawing.polygon(corners, colour);
        }
        Marker::Cross | Marker::Alarm => {
            let reach = if marker == Marker::Alarm { 3.0 } else { 1.5 } * half;
            let ends = |sign: f64| [[x - reach, y - sign * reach], [x + reach, y + sign * reach]];
            drawing.line(ends(1.0), half, colour);
            drawing.line(ends(-1.0), half, colour);
        }
    }
}

fn axes(drawing: &mut Drawing, frame: &Frame, (rows, columns): (usize, usize)) {
    let (start, end) = (frame.corner, frame.end());
    let corners = [start, [end[0], start[1]], end, [start[0], end[1]]];
    for i in 0..4 {
        drawing.line([corners[i], corners[(i + 1) % 4]], 1.0, GREY);
    }
    let values = ticks::ticks(0.0, columns as f64, N_TICKS);
    for (value, label) in values.iter().zip(ticks::labels(&values)) {
        let x = frame.at([0.0, *value])[0];
        drawing.line([[x, end[1]], [x, end[1] + 6.0]], 1.0, BLACK);
        drawing.text([x, end[1] + 8.0], &label, (Anchor::Middle, false), BLACK);
    }
    let values = ticks::ticks(0.0, rows as f64, N_TICKS);
    for (value, label) in values.iter().zip(ticks::labels(&values)) {
        let y = frame.at([*value, 0.0])[1];
        drawing.line([[start[0] - 6.0, y], [start[0], y]], 1.0, BLACK);
        drawing.text(
            [start[0] - 10.0, y - 10.0],
            &label,
            (Anchor::End, false),
            BLACK,
        );
    }
    let middle = [f64::midpoint(start[0], end[0]), end[1] + 30.0];
    drawing.text(middle, "column, px", (Anchor::Middle, false), BLACK);
    let middle = [start[0] - 80.0, f64::midpoint(start[1], end[1])];
    drawing.text(middle, "row, px", (Anchor::Middle, true), BLACK);
}

fn legend(drawing: &mut Drawing, frame: &Frame, (layers, is_over_picture): (&[Layer], bool)) {
    let left = frame.end()[0] + 24.0;
    let named = layers
        .iter()
        .rev()
        .filter(|layer| !layer.rows.is_empty() && !layer.name.is_empty());
    for (i, layer) in named.enumerate() {
        let top = frame.corner[1] + i as f64 * LINE_PX;
        let colour = layer.colour.of_theme(is_over_picture).to_array();
        mark(drawing, [left, top + 10.0], (layer.marker, colour), 4.0);
        drawing.text(
            [left + 14.0, top],
            &layer.legend(),
            (Anchor::Start, false),
            BLACK,
        );
    }
}
