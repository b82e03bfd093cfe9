//! Text in pictures, from glyph sheets made of `DejaVu Sans`: the same bytes on every machine.

use crate::paint::colormap::Colour;
use crate::paint::raster::Rgba;

/// Height of the letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// 18 px.
    Small,
    /// 36 px.
    Large,
}

/// Which way a line of text runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From left to right; the anchor is the upper left corner.
    Right,
    /// From the bottom to the top; the anchor is the lower left corner of the turned text.
    Up,
}

struct Sheet {
    bytes: &'static [u8],
}

struct Glyph {
    width: usize,
    advance: i64,
    left: i64,
    coverage: &'static [u8],
}

impl Sheet {
    fn new(size: Size) -> Self {
        Self {
            bytes: match size {
                Size::Small => include_bytes!("../../../resources/font/18.bin"),
                Size::Large => include_bytes!("../../../resources/font/36.bin"),
            },
        }
    }

    fn u16(&self, at: usize) -> usize {
        match self.bytes.get(at..at + 2) {
            Some(&[low, high]) => usize::from(u16::from_le_bytes([low, high])),
            _ => 0,
        }
    }

    fn height(&self) -> usize {
        self.u16(2)
    }

    /// The glyph of a letter; of `?` for letters that the sheet lacks.
    fn glyph(&self, letter: char) -> Option<Glyph> {
        self.find(letter).or_else(|| self.find('?'))
    }

    fn find(&self, letter: char) -> Option<Glyph> {
        let mut at = 6;
        for _ in 0..self.u16(0) {
            let code = self.u16(at) | self.u16(at + 2) << 16;
            let width = self.u16(at + 4);
            let n_bytes = width * self.height();
            if code == letter as usize {
                return Some(Glyph {
                    width,
                    advance: self.u16(at + 6) as i64,
                    left: i64::from(self.u16(at + 8) as u16 as i16),
                    coverage: self.bytes.get(at + 10..at + 10 + n_bytes)?,
                });
            }
            at += 10 + n_bytes;
        }
        None
    }
}

/// Height of a line.
pub fn line_height_px(size: Size) -> usize {
    Sheet::new(size).height()
}

/// Width of a text on one line.
pub fn width_px(text: &str, size: Size) -> usize {
    let sheet = Sheet::new(size);
    text.chars()
        .filter_map(|letter| sheet.glyph(letter))
        .map(|glyph| glyph.advance.max(0) as usize)
        .sum()
}

/// Draw a text on one line with its corner at `(row, column)`; what lies outside is cut off.
pub fn draw(
    picture: &mut Rgba,
    (row, column): (i64, i64),
    text: &str,
    (size, direction): (Size, Direction),
    colour: Colour,
) {
    let sheet = Sheet::new(size);
    let height = sheet.height();
    let mut pen = 0;
    for glyph in text.chars().filter_map(|letter| sheet.glyph(letter)) {
        for (i, &coverage) in glyph.coverage.iter().enumerate() {
            let along = pen + glyph.left + (i % glyph.width) as i64;
            let across = (i / glyph.width) as i64;
            let (r, c) = match direction {
                Direction::Right => (row + across, column + along),
                Direction::Up => (row - along, column + across),
            };
            blend(picture, r, c, colour, coverage);
        }
        pen += glyph.advance;
        debug_assert_eq!(glyph.coverage.len(), glyph.width * height);
    }
}

fn blend(picture: &mut Rgba, row: i64, column: i64, colour: Colour, coverage: u8) {
    let inside =
        (0..picture.height as i64).contains(&row) && (0..picture.width as i64).contains(&column);
    if !inside || coverage == 0 {
        return;
    }
    let pixel = &mut picture.pixels[row as usize * picture.width + column as usize];
    let share = u32::from(coverage);
    for (old, new) in pixel.iter_mut().zip(colour) {
        *old = ((u32::from(*old) * (255 - share) + u32::from(new) * share + 127) / 255) as u8;
    }
}
