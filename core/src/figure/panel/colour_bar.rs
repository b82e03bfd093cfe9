//! The colour bar: colours, ticks, quantity, and arrows where values lie beyond its ends.

use super::super::ImagePanel;
use super::super::axes::{Axis, Tick};
use super::super::frame::Rect;
use super::super::style::Style;
use super::super::svg::{Anchor, Canvas};
use super::super::text::{Weight, width, wrapped};
use crate::paint::colormap::{ColorMap, Colour};
use crate::paint::limits::ResolvedLimits;
use crate::paint::raster::Rgba;

/// The bar of one picture, or of all the pictures that share it.
#[derive(Clone)]
pub(in crate::figure) struct ColourBar<'a> {
    limits: ResolvedLimits,
    map: ColorMap,
    quantity: &'a str,
    /// Whether a value lies below, above the ends.
    is_beyond: [bool; 2],
}

impl<'a> ColourBar<'a> {
    /// Whether another bar shows the same.
    pub(in crate::figure) fn is_same(&self, other: &Self) -> bool {
        let ends = |bar: &Self| [bar.limits.min, bar.limits.max];
        ends(self) == ends(other) && self.map == other.map && self.quantity == other.quantity
    }

    /// Stand for another bar that shows the same, too.
    pub(in crate::figure) fn take(&mut self, other: &Self) {
        for (mine, others) in self.is_beyond.iter_mut().zip(other.is_beyond) {
            *mine |= others;
        }
    }

    /// The bar beside `image`: about all of `images` that have the same one.
    pub(super) fn of(images: &[&'a ImagePanel], image: &'a ImagePanel) -> Self {
        // A picture without a quantity stands at the end of a row only where the others share their bar.
        let named = images.iter().find(|other| !other.quantity.is_empty());
        let owner = if image.quantity.is_empty() {
            named.copied().unwrap_or(image)
        } else {
            image
        };
        let mut is_beyond = [false; 2];
        for other in images
            .iter()
            .filter(|other| super::has_same_bar(other, owner))
        {
            is_beyond[0] |= other.limits.data_min < other.limits.min;
            is_beyond[1] |= other.limits.max < other.limits.data_max;
        }
        Self {
            limits: owner.limits,
            map: owner.map,
            quantity: &owner.quantity,
            is_beyond,
        }
    }

    fn offset(style: Style) -> f64 {
        0.6 * style.font
    }

    fn thickness(style: Style) -> f64 {
        0.9 * style.font
    }

    fn ticks(&self, height: f64, style: Style) -> Vec<Tick> {
        let axis = Axis {
            limits: [self.limits.min, self.limits.max],
            is_log: false,
        };
        let line = Style::line(style.small);
        axis.ticks(height, 0.5 * line, &|_| line)
    }

    fn labels_width(&self, height: f64, style: Style) -> f64 {
        self.ticks(height, style)
            .iter()
            .map(|tick| width(&tick.label, style.small, Weight::Regular))
            .fold(0.0, f64::max)
    }

    /// Room right of a frame of this height.
    pub(super) fn width(&self, height: f64, style: Style) -> f64 {
        let n_lines = wrapped(self.quantity, style.font, height).len() as f64;
        Self::offset(style)
            + Self::thickness(style)
            + style.tick()
            + style.gap()
            + self.labels_width(height, style)
            + style.gap()
            + n_lines * Style::line(style.font)
    }

    /// Draw it right of a frame, and `reach` further down; ticks and words are those for the frame's own height, since the
    /// room was measured for them.
    pub(super) fn draw(
        &self,
        canvas: &mut Canvas,
        (frame, reach): (Rect, f64),
        style: Style,
    ) -> std::io::Result<()> {
        let bar = Rect {
            left: frame.right() + Self::offset(style),
            width: Self::thickness(style),
            height: frame.height + reach,
            ..frame
        };
        let table = self.map.table();
        self.draw_arrows(canvas, bar, (style, [table[0], table[255]]));
        let colours = Rgba {
            width: 1,
            height: table.len(),
            pixels: table.iter().rev().copied().collect(),
        };
        canvas.image(bar, &colours)?;
        canvas.outline(bar, style.frame());
        let right = bar.right() + style.tick();
        for tick in self.ticks(frame.height, style) {
            let y = bar.bottom() - self.limits.share(tick.value) * bar.height;
            canvas.line([[bar.right(), y], [right, y]], style.frame());
            let at = [right + style.gap(), y + Style::drop(style.small)];
            canvas.text(at, &tick.label, style.small_text(Anchor::Start));
        }
        let labels = self.labels_width(frame.height, style);
        let first = right + 2.0 * style.gap() + labels + Style::ascent(style.font);
        let lines = wrapped(self.quantity, style.font, frame.height);
        for (i, line) in lines.iter().enumerate() {
            let x = first + i as f64 * Style::line(style.font);
            canvas.text([x, bar.centre()[1]], line, style.label_text(true));
        }
        Ok(())
    }

    /// Arrowheads in the end colours say that values lie beyond the ends.
    fn draw_arrows(
        &self,
        canvas: &mut Canvas,
        bar: Rect,
        (style, [low, high]): (Style, [Colour; 2]),
    ) {
        let reach = 0.45 * style.font;
        let ends = [
            (bar.bottom(), bar.bottom() + reach, low),
            (bar.top, bar.top - reach, high),
        ];
        for ((base, tip, colour), is_beyond) in ends.into_iter().zip(self.is_beyond) {
            if is_beyond {
                let corners = [
                    [bar.left, base],
                    [bar.right(), base],
                    [bar.centre()[0], tip],
                ];
                let [red, green, blue, _] = colour;
                canvas.polygon(
                    &corners,
                    &format!("#{red:02x}{green:02x}{blue:02x}"),
                    style.frame(),
                );
            }
        }
    }
}
