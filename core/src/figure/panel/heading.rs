//! The letter and the title of a panel.

use super::super::style::Style;
use super::super::svg::{Canvas, TextStyle};
use super::super::text::{Weight, width, wrapped};

/// Letter and title, on one baseline; lines after the first begin where the title does.
pub(super) struct Heading<'a> {
    pub(super) letter: Option<String>,
    pub(super) title: &'a str,
}

impl Heading<'_> {
    /// Height with the gap below; 0 without a word.
    pub(super) fn height(&self, frame_width: f64, style: Style) -> f64 {
        let n_lines = self
            .lines(frame_width, style)
            .len()
            .max(usize::from(self.letter.is_some()));
        if n_lines == 0 {
            return 0.0;
        }
        n_lines as f64 * Style::line(style.font) + style.gap()
    }

    fn indent(&self, style: Style) -> f64 {
        self.letter.as_ref().map_or(0.0, |letter| {
            width(letter, style.font, Weight::Bold) + 0.5 * style.font
        })
    }

    fn lines(&self, frame_width: f64, style: Style) -> Vec<String> {
        wrapped(self.title, style.font, frame_width - self.indent(style))
    }

    pub(super) fn draw(
        &self,
        canvas: &mut Canvas,
        [left, top, frame_width]: [f64; 3],
        style: Style,
    ) {
        let baseline = top + Style::ascent(style.font);
        let regular = TextStyle {
            size: style.font,
            ..TextStyle::default()
        };
        if let Some(letter) = &self.letter {
            let bold = TextStyle {
                weight: Weight::Bold,
                ..regular
            };
            canvas.text([left, baseline], letter, bold);
        }
        let left = left + self.indent(style);
        for (i, line) in self.lines(frame_width, style).iter().enumerate() {
            let below = i as f64 * Style::line(style.font);
            canvas.text([left, baseline + below], line, regular);
        }
    }
}
