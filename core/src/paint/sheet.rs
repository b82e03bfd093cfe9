//! Several pictures on one sheet, each with its own words: for looking over many results at once.

use super::export::{BLACK, WHITE, frame, paste};
use super::picture::Picture;
use super::raster::{Rgba, area_average, magnify};
use super::text::{self, Direction, Size};

/// Every picture is brought near this longer side, in whole blocks of pixels.
const SIDE_PX: usize = 400;

/// One picture of a sheet.
#[derive(Clone, Debug)]
pub struct Tile {
    /// Words above it.
    pub title: String,
    /// Lines below it.
    pub caption: Vec<String>,
    /// The picture; `None` leaves its place empty.
    pub picture: Option<Picture>,
}

/// Tiles in rows of `n_columns`, under a title.
pub fn sheet(title: &str, tiles: &[Tile], n_columns: usize) -> Rgba {
    let size = Size::Small;
    let line = text::line_height_px(size);
    let images: Vec<Option<Rgba>> = tiles
        .iter()
        .map(|tile| tile.picture.as_ref().map(|picture| sized(&picture.rgba)))
        .collect();
    let widest = |side: fn(&Rgba) -> usize| images.iter().flatten().map(side).max().unwrap_or(0);
    let words = |tile: &Tile| {
        let lines = tile.caption.iter().chain([&tile.title]);
        lines
            .map(|words| text::width_px(words, size))
            .max()
            .unwrap_or(0)
    };
    let n_lines = tiles
        .iter()
        .map(|tile| tile.caption.len())
        .max()
        .unwrap_or(0);
    let cell_width = widest(|image| image.width).max(tiles.iter().map(words).max().unwrap_or(0));
    let image_height = widest(|image| image.height);
    let cell_height = image_height + (n_lines + 2) * line;
    let n_columns = n_columns.clamp(1, tiles.len().max(1));
    let n_rows = tiles.len().div_ceil(n_columns);
    let width =
        (line + n_columns * (cell_width + line)).max(2 * line + text::width_px(title, size));
    let mut sheet = Rgba::filled(width, 3 * line + n_rows * cell_height, WHITE);
    let write = |sheet: &mut Rgba, [row, column]: [usize; 2], words: &str| {
        let at = (row as i64, column as i64);
        text::draw(sheet, at, words, (size, Direction::Right), BLACK);
    };
    write(&mut sheet, [line / 2, line], title);
    for (i, (tile, image)) in tiles.iter().zip(&images).enumerate() {
        let left = line + i % n_columns * (cell_width + line);
        let top = 2 * line + i / n_columns * cell_height;
        write(&mut sheet, [top, left], &tile.title);
        let picture_top = top + line + line / 4;
        if let Some(image) = image {
            paste(&mut sheet, image, picture_top, left);
            frame(&mut sheet, [picture_top, left], [image.height, image.width]);
        }
        for (k, words) in tile.caption.iter().enumerate() {
            let row = picture_top + image_height + line / 4 + k * line;
            write(&mut sheet, [row, left], words);
        }
    }
    sheet
}

fn sized(picture: &Rgba) -> Rgba {
    let side = picture.width.max(picture.height).max(1);
    if SIDE_PX < side {
        area_average(picture, side.div_ceil(SIDE_PX))
    } else {
        magnify(picture, SIDE_PX / side)
    }
}
