//! Curves with axes, grid and legend.

use super::super::axes::{Axis, Tick};
use super::super::frame::{Around, Rect};
use super::super::style::{Style, THRESHOLD};
use super::super::svg::{Anchor, Canvas, Stroke};
use super::super::text::{Weight, width, wrapped};
use super::super::{Curve, PlotPanel};
use super::curves::{draw_curve, polylines};
use super::legend::{Legend, Place};
use super::{Heading, Note};

/// Height of a frame over its width, where no picture beside it says otherwise.
const SHAPE: f64 = 0.62;
/// Bounds of that height, in heights of a letter.
const HEIGHTS: [f64; 2] = [10.0, 26.0];
/// Free space below and above curves, as a share of their span.
const PAD: f64 = 0.04;

/// Curves in their place.
pub(in crate::figure) struct PlotCell<'a> {
    pub(super) panel: &'a PlotPanel,
    pub(super) heading: Heading<'a>,
}

/// The axes of x and y; `None` where no point has a place on them.
pub(in crate::figure) fn axes(plot: &PlotPanel) -> Option<[Axis; 2]> {
    let is_drawn = |value: f64, is_log: bool| value.is_finite() && (!is_log || value > 0.0);
    let points: Vec<[f64; 2]> = plot
        .curves
        .iter()
        .flat_map(|curve: &Curve| curve.points.iter().copied())
        .filter(|&[x, y]| is_drawn(x, plot.is_log_x) && is_drawn(y, plot.is_log_y))
        .collect();
    let [x_span, all_y] = [0, 1].map(|i| span(points.iter().map(|point| point[i])));
    let x_limits = plot
        .x_limits
        .unwrap_or(widened(x_span?, 0.0, plot.is_log_x));
    let seen = points
        .iter()
        .filter(|[x, _]| (x_limits[0]..=x_limits[1]).contains(x));
    let y_span = span(seen.map(|point| point[1])).or(all_y)?;
    let y_limits = plot.y_limits.unwrap_or(widened(y_span, PAD, plot.is_log_y));
    Some([
        Axis {
            limits: x_limits,
            is_log: plot.is_log_x,
        },
        Axis {
            limits: y_limits,
            is_log: plot.is_log_y,
        },
    ])
}

fn span(values: impl Iterator<Item = f64>) -> Option<[f64; 2]> {
    values.fold(None, |span, value| {
        let [min, max] = span.unwrap_or([value, value]);
        Some([min.min(value), max.max(value)])
    })
}

/// Limits with free space around the span; a span of nothing becomes one around its value.
fn widened([min, max]: [f64; 2], pad: f64, is_log: bool) -> [f64; 2] {
    if is_log {
        if min == max {
            return [min / 2.0, max * 2.0];
        }
        let factor = (max / min).powf(pad);
        return [min / factor, max * factor];
    }
    if min == max {
        let half = if min == 0.0 { 1.0 } else { min.abs() / 2.0 };
        return [min - half, max + half];
    }
    let more = pad * (max - min);
    [min - more, max + more]
}

impl PlotCell<'_> {
    pub(super) fn height(width: f64, style: Style) -> f64 {
        let [least, most] = HEIGHTS.map(|heights| heights * style.font);
        (SHAPE * width).clamp(least, most)
    }

    /// [`super::super::check`] refuses plots without axes, so that the fallback is never seen.
    fn axes(&self) -> [Axis; 2] {
        let unit = Axis {
            limits: [0.0, 1.0],
            is_log: false,
        };
        axes(self.panel).unwrap_or([unit; 2])
    }

    fn x_ticks(&self, frame_width: f64, style: Style) -> Vec<Tick> {
        self.axes()[0].ticks(frame_width, 0.6 * style.small, &|label| {
            width(label, style.small, Weight::Regular)
        })
    }

    fn y_ticks(&self, frame_height: f64, style: Style) -> Vec<Tick> {
        let line = Style::line(style.small);
        self.axes()[1].ticks(frame_height, 0.5 * line, &|_| line)
    }

    /// Width of the words of y's ticks.
    fn y_words(&self, frame_height: f64, style: Style) -> f64 {
        self.y_ticks(frame_height, style)
            .iter()
            .map(|tick| width(&tick.label, style.small, Weight::Regular))
            .fold(0.0, f64::max)
    }

    /// From the frame to the baseline box of x's ticks: no word of y's lowest tick reaches so far down.
    fn x_words_offset(style: Style) -> f64 {
        style.tick() + 0.3 * style.font
    }

    /// From the frame down to the end of x's label.
    fn x_axis_height(&self, frame_width: f64, style: Style) -> f64 {
        let n_lines = wrapped(&self.panel.x_label, style.font, frame_width).len() as f64;
        Self::x_words_offset(style) + Style::line(style.small) + n_lines * Style::line(style.font)
    }

    fn legend(&self, [width, height]: [f64; 2], style: Style) -> Legend {
        let frame = Rect {
            width,
            height,
            ..Rect::default()
        };
        let [x, y] = self.axes();
        let lines = self
            .panel
            .curves
            .iter()
            .flat_map(|curve| polylines(&curve.points, [x, y], frame));
        let markers = self.panel.markers.iter().filter_map(|marker| {
            let at = x.share(marker.x)? * width;
            Some(vec![[at, 0.0], [at, height]])
        });
        let lines: Vec<_> = lines.chain(markers).collect();
        Legend::new(self.panel, &lines, ([width, height], style))
    }

    pub(super) fn around(&self, [frame_width, frame_height]: [f64; 2], style: Style) -> Around {
        let ticks = self.x_ticks(frame_width, style);
        let x = self.axes()[0];
        let beyond = |is_left: bool| {
            ticks
                .iter()
                .map(|tick| {
                    let half = width(&tick.label, style.small, Weight::Regular) / 2.0;
                    let at = x.share(tick.value).unwrap_or(0.5) * frame_width;
                    half - if is_left { at } else { frame_width - at }
                })
                .fold(0.0, f64::max)
        };
        let n_lines = wrapped(&self.panel.y_label, style.font, frame_height).len() as f64;
        let y_axis = style.tick()
            + style.gap()
            + self.y_words(frame_height, style)
            + n_lines * Style::line(style.font)
            + if n_lines == 0.0 { 0.0 } else { style.gap() };
        let legend = match self.legend([frame_width, frame_height], style).place {
            Place::Inside(_) => 0.0,
            Place::Below => self.legend([frame_width, frame_height], style).size[1] + style.gap(),
        };
        Around {
            left: y_axis.max(beyond(true)),
            right: beyond(false),
            top: self
                .heading
                .height(frame_width, style)
                .max(style.half_line()),
            bottom: self.x_axis_height(frame_width, style)
                + legend
                + Note(&self.panel.note).height(frame_width, style),
        }
    }

    pub(super) fn draw(&self, canvas: &mut Canvas, (frame, top): (Rect, f64), style: Style) {
        self.heading
            .draw(canvas, [frame.left, top, frame.width], style);
        self.draw_x_axis(canvas, frame, style);
        self.draw_y_axis(canvas, frame, style);
        self.draw_curves(canvas, frame, style);
        canvas.outline(frame, style.frame());
        let mut below = frame.bottom() + self.x_axis_height(frame.width, style);
        let legend = self.legend([frame.width, frame.height], style);
        match legend.place {
            Place::Inside([x, y]) => {
                legend.draw(canvas, [frame.left + x, frame.top + y], style);
            }
            Place::Below => {
                legend.draw(canvas, [frame.left, below + style.gap()], style);
                below += legend.size[1] + style.gap();
            }
        }
        Note(&self.panel.note).draw(canvas, [frame.left, below, frame.width], style);
    }

    fn draw_x_axis(&self, canvas: &mut Canvas, frame: Rect, style: Style) {
        let x_axis = self.axes()[0];
        let bottom = frame.bottom();
        let baseline = bottom + Self::x_words_offset(style) + Style::ascent(style.small);
        for tick in self.x_ticks(frame.width, style) {
            let x = frame.left + x_axis.share(tick.value).unwrap_or(0.0) * frame.width;
            let length = style.tick() * if tick.label.is_empty() { 0.6 } else { 1.0 };
            if !tick.label.is_empty() {
                canvas.line([[x, frame.top], [x, bottom]], style.grid());
                canvas.text([x, baseline], &tick.label, style.small_text(Anchor::Middle));
            }
            canvas.line([[x, bottom], [x, bottom + length]], style.frame());
        }
        let first = bottom
            + Self::x_words_offset(style)
            + Style::line(style.small)
            + Style::ascent(style.font);
        let lines = wrapped(&self.panel.x_label, style.font, frame.width);
        for (i, line) in lines.iter().enumerate() {
            let y = first + i as f64 * Style::line(style.font);
            canvas.text([frame.centre()[0], y], line, style.label_text(false));
        }
    }

    fn draw_y_axis(&self, canvas: &mut Canvas, frame: Rect, style: Style) {
        let y_axis = self.axes()[1];
        for tick in self.y_ticks(frame.height, style) {
            let y = frame.bottom() - y_axis.share(tick.value).unwrap_or(0.0) * frame.height;
            let length = style.tick() * if tick.label.is_empty() { 0.6 } else { 1.0 };
            if !tick.label.is_empty() {
                canvas.line([[frame.left, y], [frame.right(), y]], style.grid());
                let at = [
                    frame.left - style.tick() - style.gap(),
                    y + Style::drop(style.small),
                ];
                canvas.text(at, &tick.label, style.small_text(Anchor::End));
            }
            canvas.line([[frame.left - length, y], [frame.left, y]], style.frame());
        }
        let lines = wrapped(&self.panel.y_label, style.font, frame.height);
        let words = self.y_words(frame.height, style);
        let right = frame.left - style.tick() - 2.0 * style.gap() - words;
        for (i, line) in lines.iter().enumerate() {
            let back = (lines.len() - i) as f64 * Style::line(style.font);
            let x = right - back + Style::ascent(style.font);
            canvas.text([x, frame.centre()[1]], line, style.label_text(true));
        }
    }

    fn draw_curves(&self, canvas: &mut Canvas, frame: Rect, style: Style) {
        let [x, y] = self.axes();
        canvas.begin_clipped(frame);
        for marker in &self.panel.markers {
            if let Some(share) = x.share(marker.x) {
                let at = frame.left + share * frame.width;
                let stroke = Stroke::solid(THRESHOLD, 0.09 * style.font);
                canvas.line([[at, frame.top], [at, frame.bottom()]], stroke);
            }
        }
        let strokes = super::legend::strokes(&self.panel.curves, style);
        // Thresholds lie below what is measured by them.
        for is_dashed in [true, false] {
            for (curve, stroke) in self.panel.curves.iter().zip(&strokes) {
                if curve.is_dashed == is_dashed {
                    let lines = polylines(&curve.points, [x, y], frame);
                    draw_curve(canvas, &lines, *stroke);
                }
            }
        }
        canvas.end();
    }
}
