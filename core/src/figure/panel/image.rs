//! A picture with heading, scale bar, note, and its colour bar where it has one of its own.

use super::super::ImagePanel;
use super::super::frame::{Around, Rect};
use super::super::style::Style;
use super::super::svg::{Anchor, Canvas, TextStyle};
use super::super::text::{Weight, width};
use super::{ColourBar, Heading, Note};
use crate::paint::component::Source;
use crate::paint::limits::Limits;
use crate::paint::picture::{Look, Meaning, Picture};
use crate::paint::raster::Rgba;
use crate::paint::ticks;

/// Frames are not higher than this many times their width; longer pictures stand in the middle.
const MOST_HEIGHT: f64 = 1.6;
/// Frames are not lower than this many heights of a letter, so that a colour bar has room for ticks.
const LEAST_HEIGHT: f64 = 4.0;
/// Share of the picture's width within which the scale bar stays.
const SCALE_BAR_SHARE: f64 = 0.3;

/// A picture in its place.
pub(in crate::figure) struct ImageCell<'a> {
    pub(super) panel: &'a ImagePanel,
    pub(super) heading: Heading<'a>,
    pub(super) bar: Option<ColourBar<'a>>,
    pub(super) has_scale_bar: bool,
}

impl ImageCell<'_> {
    pub(super) fn height(&self, width: f64, style: Style) -> f64 {
        let (rows, columns) = self.panel.values.dim();
        let height = width * rows as f64 / columns.max(1) as f64;
        height
            .min(MOST_HEIGHT * width)
            .max(LEAST_HEIGHT * style.font)
    }

    pub(super) fn around(&self, [width, height]: [f64; 2], style: Style) -> Around {
        let beyond = if self.bar.is_some() {
            style.half_line()
        } else {
            0.0
        };
        let bar = self.bar.as_ref();
        let frame = Rect {
            width,
            height,
            ..Rect::default()
        };
        let beside = self.beside_bar(frame, style);
        Around {
            left: 0.0,
            right: bar.map_or(0.0, |bar| bar.width(beside.height, style)),
            top: self.heading.height(width, style).max(beyond),
            bottom: Note(&self.panel.note).height(width, style).max(beyond),
        }
    }

    pub(super) fn draw(
        &self,
        canvas: &mut Canvas,
        (frame, top, bar_reach): (Rect, f64, f64),
        style: Style,
    ) -> std::io::Result<()> {
        self.heading
            .draw(canvas, [frame.left, top, frame.width], style);
        let at = self.fitted(frame);
        canvas.image(at, &self.picture())?;
        if self.has_scale_bar {
            self.draw_scale_bar(canvas, at, style);
        }
        canvas.outline(at, style.frame());
        if let Some(bar) = &self.bar {
            bar.draw(canvas, (self.beside_bar(frame, style), bar_reach), style)?;
        }
        let below = [frame.left, frame.bottom(), frame.width];
        Note(&self.panel.note).draw(canvas, below, style);
        Ok(())
    }

    /// The pixels as the window shows them.
    fn picture(&self) -> Rgba {
        let limits = self.panel.limits;
        let look = Look {
            color_map: Some(self.panel.map),
            limits: Some(Limits::Manual {
                min: limits.min,
                max: limits.max,
            }),
            has_unseen: true,
            ..Look::default()
        };
        let source = Source::Real(self.panel.values.view());
        Picture::new(&source, &look, Meaning::default(), None).rgba
    }

    /// A white bar on a dark plate, legible over any picture; left out where it would cover too much.
    fn draw_scale_bar(&self, canvas: &mut Canvas, picture: Rect, style: Style) {
        let points_per_px = picture.width / self.panel.values.ncols().max(1) as f64;
        let limit_px = picture.width * SCALE_BAR_SHARE / points_per_px;
        let Some(bar) = ticks::scale_bar(limit_px, self.panel.pixel_size_m) else {
            return;
        };
        let length = bar.length_px * points_per_px;
        let words = width(&bar.text, style.small, Weight::Regular);
        let pad = 0.3 * style.small;
        let thickness = 0.18 * style.small;
        let plate = [
            length.max(words) + 2.0 * pad,
            Style::line(style.small) + thickness + 1.6 * pad,
        ];
        let inset = 0.4 * style.small;
        if picture.width < 1.5 * plate[0] + inset || picture.height < 2.0 * plate[1] + inset {
            return;
        }
        let plate = Rect {
            left: picture.left + inset,
            top: picture.bottom() - inset - plate[1],
            width: plate[0],
            height: plate[1],
        };
        canvas.fill(plate, "#000000", 0.6);
        let [middle, _] = plate.centre();
        let line = Rect {
            left: middle - length / 2.0,
            top: plate.bottom() - pad - thickness,
            width: length,
            height: thickness,
        };
        canvas.fill(line, "#ffffff", 1.0);
        let baseline = plate.top + 0.3 * pad + Style::ascent(style.small);
        let words = TextStyle {
            colour: "#ffffff",
            ..style.small_text(Anchor::Middle)
        };
        canvas.text([middle, baseline], &bar.text, words);
    }

    /// The greatest rectangle with square pixels in the middle of a frame.
    fn fitted(&self, frame: Rect) -> Rect {
        let (rows, columns) = self.panel.values.dim();
        let (rows, columns) = (rows.max(1) as f64, columns.max(1) as f64);
        let points_per_px = (frame.width / columns).min(frame.height / rows);
        let (width, height) = (columns * points_per_px, rows * points_per_px);
        let [x, y] = frame.centre();
        Rect {
            left: x - width / 2.0,
            top: y - height / 2.0,
            width,
            height,
        }
    }

    /// The part of the frame that the colour bar stands beside: as high as the picture, unless that is too low for ticks.
    fn beside_bar(&self, frame: Rect, style: Style) -> Rect {
        let picture = self.fitted(frame);
        if picture.height < LEAST_HEIGHT * style.font {
            return frame;
        }
        Rect {
            top: picture.top,
            height: picture.height,
            ..frame
        }
    }
}
