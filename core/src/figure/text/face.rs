//! The font that the program carries, and the widths that stand in it.

use std::sync::Arc;

use resvg::usvg::fontdb::{Database, Source};

/// Families in the order in which a reader of the SVG looks for them. The first is the one the program carries; Verdana
/// has nearly its widths, and the others are narrower, so nothing is cut off where it is missing.
pub(in crate::figure) const FAMILY: &str = "DejaVu Sans, Verdana, Arial, Helvetica, sans-serif";

const REGULAR: &[u8] = include_bytes!("../../../../resources/font/figure.ttf");
const BOLD: &[u8] = include_bytes!("../../../../resources/font/figure_bold.ttf");

/// Thickness of letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::figure) enum Weight {
    #[default]
    Regular,
    Bold,
}

/// The fonts that the program carries, and none of the machine's.
pub(in crate::figure) fn database() -> Database {
    let mut fonts = Database::new();
    for bytes in [REGULAR, BOLD] {
        fonts.load_font_source(Source::Binary(Arc::new(bytes)));
    }
    fonts
}

/// Width of one line in the unit of `size`; letters that the font lacks count as the box drawn for them.
pub(in crate::figure) fn width(words: &str, size: f64, weight: Weight) -> f64 {
    let face = Face::new(weight);
    let units: usize = words.chars().map(|letter| face.advance(letter)).sum();
    units as f64 * size / face.units_per_em
}

/// How far a line reaches above and below its baseline, in the unit of `size`.
pub(in crate::figure) fn line_box(size: f64) -> [f64; 2] {
    let face = Face::new(Weight::Regular);
    [face.ascent, face.descent].map(|units| units * size / face.units_per_em)
}

/// The tables of a TrueType file that tell advances: `head`, `hhea`, `hmtx`, and format 12 of `cmap`.
///
/// The file is our own, so what is missing reads as zero.
struct Face {
    bytes: &'static [u8],
    units_per_em: f64,
    ascent: f64,
    descent: f64,
    advances_at: usize,
    n_advances: usize,
    groups_at: usize,
    n_groups: usize,
}

impl Face {
    fn new(weight: Weight) -> Self {
        let bytes = match weight {
            Weight::Regular => REGULAR,
            Weight::Bold => BOLD,
        };
        let (head, hhea) = (table(bytes, *b"head"), table(bytes, *b"hhea"));
        let groups = groups(bytes);
        let signed = |at| f64::from(u16_at(bytes, at) as u16 as i16);
        Self {
            bytes,
            units_per_em: (u16_at(bytes, head + 18) as f64).max(1.0),
            ascent: signed(hhea + 4),
            descent: -signed(hhea + 6),
            advances_at: table(bytes, *b"hmtx"),
            n_advances: u16_at(bytes, hhea + 34),
            groups_at: groups + 16,
            n_groups: u32_at(bytes, groups + 12),
        }
    }

    fn advance(&self, letter: char) -> usize {
        // Glyphs beyond the last advance have that one.
        let entry = self
            .glyph(letter as usize)
            .min(self.n_advances.saturating_sub(1));
        u16_at(self.bytes, self.advances_at + 4 * entry)
    }

    fn glyph(&self, code: usize) -> usize {
        let group = |i: usize| {
            let at = self.groups_at + 12 * i;
            [0, 4, 8].map(|offset| u32_at(self.bytes, at + offset))
        };
        (0..self.n_groups)
            .map(group)
            .find(|[first, last, _]| (*first..=*last).contains(&code))
            .map_or(0, |[first, _, glyph]| glyph + code - first)
    }
}

/// Where the sub-table of format 12 begins, which covers every code.
fn groups(bytes: &[u8]) -> usize {
    let cmap = table(bytes, *b"cmap");
    (0..u16_at(bytes, cmap + 2))
        .map(|i| cmap + u32_at(bytes, cmap + 8 + 8 * i))
        .find(|&at| u16_at(bytes, at) == 12)
        .unwrap_or(bytes.len())
}

fn table(bytes: &[u8], tag: [u8; 4]) -> usize {
    (0..u16_at(bytes, 4))
        .map(|i| 12 + 16 * i)
        .find(|&at| bytes.get(at..at + 4) == Some(&tag))
        .map_or(bytes.len(), |at| u32_at(bytes, at + 8))
}

fn u16_at(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at..at + 2) {
        Some(&[high, low]) => usize::from(u16::from_be_bytes([high, low])),
        _ => 0,
    }
}

fn u32_at(bytes: &[u8], at: usize) -> usize {
    u16_at(bytes, at) << 16 | u16_at(bytes, at + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_the_font() {
        // Of DejaVu Sans, units of 1/2048: A 1401, space 651, ⁻ 1082; bold A 1585.
        let units = |words, weight| width(words, 2048.0, weight).round();
        assert_eq!(units("A", Weight::Regular), 1401.0);
        assert_eq!(units("A A", Weight::Regular), 2.0 * 1401.0 + 651.0);
        assert_eq!(units("A", Weight::Bold), 1585.0);
        assert_eq!(units("", Weight::Bold), 0.0);
        assert_eq!(
            units("漢", Weight::Regular),
            units("\u{1}", Weight::Regular)
        );
        assert_eq!(line_box(2048.0), [1901.0, 483.0]);
        assert_eq!(database().len(), 2);
    }
}
