//! Sizes that follow from the size of the letters, and the colours of lines.

use super::svg::{Anchor, Stroke, TextStyle};
use super::text::line_box;

/// Lines of frames and axes.
pub(super) const FRAME: &str = "#333333";
/// Lines behind curves.
pub(super) const GRID: &str = "#dddddd";
/// Words of less weight than labels.
pub(super) const QUIET: &str = "#444444";

/// Colours that the colour-blind tell apart, on white; yellow is left out, since it is not seen there.
///
/// Source: M. Okabe and K. Ito, "Color Universal Design" (2008).
pub(super) const CURVES: [&str; 7] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000", "#e69f00", "#56b4e9",
];

/// Dashes of thresholds, so that four of them are told apart without colour.
pub(super) const DASHES: [&str; 4] = ["4 2", "1 1.6", "6 2 1 2", "8 3"];
/// Colour of thresholds and markers.
pub(super) const THRESHOLD: &str = "#666666";

/// Sizes in points.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    /// Titles, labels, letters.
    pub(super) font: f64,
    /// Ticks, notes, legends.
    pub(super) small: f64,
}

impl Style {
    pub(super) fn new(font_pt: f64) -> Self {
        Self {
            font: font_pt,
            small: 0.9 * font_pt,
        }
    }

    /// From one baseline to the next; a line's box is lower than that.
    pub(super) fn line(size: f64) -> f64 {
        1.2 * size
    }

    /// From the top of a line's box to its baseline.
    pub(super) fn ascent(size: f64) -> f64 {
        line_box(size)[0]
    }

    /// From the middle of a line's box down to its baseline.
    pub(super) fn drop(size: f64) -> f64 {
        let [above, below] = line_box(size);
        (above - below) / 2.0
    }

    /// Length of ticks.
    pub(super) fn tick(self) -> f64 {
        0.3 * self.font
    }

    /// Between things that belong together.
    pub(super) fn gap(self) -> f64 {
        0.35 * self.font
    }

    /// From the border of the page.
    pub(super) fn margin(self) -> f64 {
        0.3 * self.font
    }

    /// Between panels.
    pub(super) fn between(self) -> f64 {
        1.1 * self.font
    }

    /// What half a line of ticks reaches beyond the end of an axis.
    pub(super) fn half_line(self) -> f64 {
        Self::line(self.small) / 2.0
    }

    pub(super) fn frame(self) -> Stroke {
        Stroke::solid(FRAME, 0.07 * self.font)
    }

    pub(super) fn grid(self) -> Stroke {
        Stroke::solid(GRID, 0.05 * self.font)
    }

    /// Words of ticks and legends.
    pub(super) fn small_text(self, anchor: Anchor) -> TextStyle {
        TextStyle {
            size: self.small,
            anchor,
            ..TextStyle::default()
        }
    }

    /// Words of labels.
    pub(super) fn label_text(self, is_upwards: bool) -> TextStyle {
        TextStyle {
            size: self.font,
            anchor: Anchor::Middle,
            is_upwards,
            ..TextStyle::default()
        }
    }
}
