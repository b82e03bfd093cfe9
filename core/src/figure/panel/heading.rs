//! The letter and the title of a panel.

use super::super::style::Style;
use super::super::svg::{Canvas, TextStyle};
use super::super::text::{Weight, longest_word, width, wrapped_after};

/// Letter and title, on one baseline.
///
/// Lines after the first begin where the title does; below the letter where a long word needs the room.
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

    fn is_hanging(&self, frame_width: f64, style: Style) -> bool {
        longest_word(self.title, style.font) <= frame_width - self.indent(style)
    }

    fn lines(&self, frame_width: f64, style: Style) -> Vec<String> {
        let first = frame_width - self.indent(style);
        let others = if self.is_hanging(frame_width, style) {
            first
        } else {
            frame_width
        };
        wrapped_after(self.title, style.font, [first, others])
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
        let indent = self.indent(style);
        let is_hanging = self.is_hanging(frame_width, style);
        for (i, line) in self.lines(frame_width, style).iter().enumerate() {
            let x = left + if i == 0 || is_hanging { indent } else { 0.0 };
            let below = i as f64 * Style::line(style.font);
            if !line.is_empty() {
                canvas.text([x, baseline + below], line, regular);
            }
        }
    }
}
