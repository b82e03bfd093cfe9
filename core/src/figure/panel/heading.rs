//! The letter and the title of a panel.

use super::super::style::Style;
use super::super::svg::{Canvas, TextStyle};
use super::super::text::{Weight, longest_word, width, wrapped_after};

/// Letter and title, on one baseline.
///
/// Lines after the first begin where the title does; below the letter where a long word needs the room, or a line is spared.
pub(super) struct Heading<'a> {
    pub(super) letter: Option<String>,
    pub(super) title: &'a str,
}

impl Heading<'_> {
    /// Height with the gap below; 0 without a word.
    pub(super) fn height(&self, frame_width: f64, style: Style) -> f64 {
        let (lines, _) = self.lines(frame_width, style);
        let n_lines = lines.len().max(usize::from(self.letter.is_some()));
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

    /// The lines, and how far those after the first are indented.
    fn lines(&self, frame_width: f64, style: Style) -> (Vec<String>, f64) {
        let indent = self.indent(style);
        let rest = frame_width - indent;
        let below_title = wrapped_after(self.title, style.font, [rest, rest]);
        let below_letter = wrapped_after(self.title, style.font, [rest, frame_width]);
        let is_broken = rest < longest_word(self.title, style.font);
        if is_broken || below_letter.len() < below_title.len() {
            (below_letter, 0.0)
        } else {
            (below_title, indent)
        }
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
        let (lines, below) = self.lines(frame_width, style);
        for (i, line) in lines.iter().enumerate() {
            let x = left + if i == 0 { self.indent(style) } else { below };
            if !line.is_empty() {
                let baseline = baseline + i as f64 * Style::line(style.font);
                canvas.text([x, baseline], line, regular);
            }
        }
    }
}
