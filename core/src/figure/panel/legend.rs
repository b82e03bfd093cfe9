//! The legend: in a corner that no curve passes through, else below the plot.

use super::super::frame::Rect;
use super::super::style::{CURVES, DASHES, Style, THRESHOLD};
use super::super::svg::{Anchor, Canvas, Stroke};
use super::super::text::{Weight, width, wrapped};
use super::super::{Curve, PlotPanel};
use super::curves::crosses;

/// Shares of the frame's width and height that a legend inside it may take.
const MOST_INSIDE: f64 = 0.6;

/// Where a legend stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Place {
    /// Its upper left corner, from that of the frame.
    Inside([f64; 2]),
    /// Below the axis of x.
    Below,
}

/// A legend laid out.
pub(super) struct Legend {
    pub(super) place: Place,
    /// Width and height.
    pub(super) size: [f64; 2],
    entries: Vec<Placed>,
}

struct Entry {
    mark: Mark,
    lines: Vec<String>,
}

struct Placed {
    entry: Entry,
    at: [f64; 2],
}

#[derive(Clone, Copy)]
enum Mark {
    Across(Stroke),
    Upright(Stroke),
}

/// How each curve is drawn: colours in order, thresholds grey with dashes of their own.
pub(super) fn strokes(curves: &[Curve], style: Style) -> Vec<Stroke> {
    let (mut n_solid, mut n_dashed) = (0, 0);
    let stroke = |curve: &Curve| {
        if curve.is_dashed {
            n_dashed += 1;
            return Stroke {
                colour: THRESHOLD,
                width: 0.11 * style.font,
                dashes: DASHES[(n_dashed - 1) % DASHES.len()],
            };
        }
        n_solid += 1;
        let at = n_solid - 1;
        // When the colours are used up they come again with dashes.
        let dashes = match at / CURVES.len() {
            0 => "",
            again => DASHES[(again - 1) % DASHES.len()],
        };
        Stroke {
            colour: CURVES[at % CURVES.len()],
            width: 0.15 * style.font,
            dashes,
        }
    };
    curves.iter().map(stroke).collect()
}

fn sample_width(style: Style) -> f64 {
    2.2 * style.small
}

fn entries(plot: &PlotPanel, style: Style, limit: f64) -> Vec<Entry> {
    let entry = |name: &str, mark: Mark| Entry {
        mark,
        lines: wrapped(name, style.small, limit - sample_width(style) - style.gap()),
    };
    let strokes = strokes(&plot.curves, style);
    let curves = plot
        .curves
        .iter()
        .zip(strokes)
        .map(|(curve, stroke)| entry(&curve.name, Mark::Across(stroke)));
    let markers = plot.markers.iter().map(|marker| {
        let stroke = Stroke::solid(THRESHOLD, 0.09 * style.font);
        entry(&marker.name, Mark::Upright(stroke))
    });
    curves
        .chain(markers)
        .filter(|entry| !entry.lines.is_empty())
        .collect()
}

impl Entry {
    fn size(&self, style: Style) -> [f64; 2] {
        let words = self
            .lines
            .iter()
            .map(|line| width(line, style.small, Weight::Regular))
            .fold(0.0, f64::max);
        let height = self.lines.len() as f64 * Style::line(style.small);
        [sample_width(style) + style.gap() + words, height]
    }
}

impl Legend {
    /// The legend of a plot whose lines, in a frame of this width and height, are `lines`.
    pub(super) fn new(
        plot: &PlotPanel,
        lines: &[Vec<[f64; 2]>],
        ([frame_width, frame_height], style): ([f64; 2], Style),
    ) -> Self {
        let list = Self::list(entries(plot, style, MOST_INSIDE * frame_width), style);
        let [width, height] = list.size;
        let inset = 0.6 * style.font;
        let (right, bottom) = (frame_width - inset - width, frame_height - inset - height);
        let corners = [
            [right, inset],
            [inset, bottom],
            [inset, inset],
            [right, bottom],
        ];
        let is_small = width <= MOST_INSIDE * frame_width && height <= MOST_INSIDE * frame_height;
        let free = corners.into_iter().find(|&[left, top]| {
            let pad = style.gap();
            let plate = Rect {
                left: left - pad,
                top: top - pad,
                width: width + 2.0 * pad,
                height: height + 2.0 * pad,
            };
            is_small && !lines.iter().any(|line| crosses(line, plate))
        });
        match free {
            _ if list.entries.is_empty() => list,
            Some(at) => Self {
                place: Place::Inside(at),
                ..list
            },
            None => Self::flow(entries(plot, style, frame_width), frame_width, style),
        }
    }

    /// Entries below one another.
    fn list(entries: Vec<Entry>, style: Style) -> Self {
        let mut size = [0.0f64; 2];
        let mut placed = Vec::new();
        for entry in entries {
            let [width, height] = entry.size(style);
            placed.push(Placed {
                entry,
                at: [0.0, size[1]],
            });
            size = [size[0].max(width), size[1] + height];
        }
        Self {
            place: Place::Inside([0.0; 2]),
            size,
            entries: placed,
        }
    }

    /// Entries beside one another, in as many rows as that takes.
    fn flow(entries: Vec<Entry>, limit: f64, style: Style) -> Self {
        let (mut x, mut y, mut row_height) = (0.0, 0.0, 0.0f64);
        let mut placed = Vec::new();
        for entry in entries {
            let [width, height] = entry.size(style);
            if x > 0.0 && limit < x + width {
                y += row_height;
                (x, row_height) = (0.0, 0.0);
            }
            placed.push(Placed { entry, at: [x, y] });
            x += width + style.font;
            row_height = row_height.max(height);
        }
        Self {
            place: Place::Below,
            size: [limit, y + row_height],
            entries: placed,
        }
    }

    /// Draw from this upper left corner on.
    pub(super) fn draw(&self, canvas: &mut Canvas, [left, top]: [f64; 2], style: Style) {
        if self.entries.is_empty() {
            return;
        }
        if matches!(self.place, Place::Inside(_)) {
            let pad = style.gap();
            let plate = Rect {
                left: left - pad,
                top: top - pad,
                width: self.size[0] + 2.0 * pad,
                height: self.size[1] + 2.0 * pad,
            };
            canvas.fill(plate, "#ffffff", 0.85);
        }
        let line_height = Style::line(style.small);
        for Placed { entry, at } in &self.entries {
            let (x, y) = (left + at[0], top + at[1]);
            let middle = y + line_height / 2.0;
            let sample = sample_width(style);
            match entry.mark {
                Mark::Across(stroke) => {
                    canvas.line([[x, middle], [x + sample, middle]], stroke);
                }
                Mark::Upright(stroke) => {
                    let at = x + sample / 2.0;
                    let half = 0.4 * line_height;
                    canvas.line([[at, middle - half], [at, middle + half]], stroke);
                }
            }
            for (i, line) in entry.lines.iter().enumerate() {
                let baseline = middle + Style::drop(style.small) + i as f64 * line_height;
                let at = [x + sample + style.gap(), baseline];
                canvas.text(at, line, style.small_text(Anchor::Start));
            }
        }
    }
}
