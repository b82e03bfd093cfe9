//! A picture as a figure: title, colour bar, caption, scale bar; drawn on the CPU, written as PNG.

use std::path::Path;

use crate::disk;
use crate::error::{Error, Result};
use crate::paint::colormap::Colour;
use crate::paint::picture::{Bar, Picture};
use crate::paint::raster::{Rgba, area_average, magnify};
use crate::paint::text::{self, Direction, Size};
use crate::paint::ticks;

pub(super) const WHITE: Colour = [255, 255, 255, 255];
pub(super) const BLACK: Colour = [0, 0, 0, 255];
const FRAME: Colour = [96, 96, 96, 255];

/// Small arrays are drawn in whole blocks until their longer side has this many pixels.
const LEAST_SIDE_PX: usize = 480;
/// Larger arrays are averaged in blocks until their longer side has at most this many pixels.
const GREATEST_SIDE_PX: usize = 8192;
/// From this side on the large letters are used.
const LARGE_LETTERS_FROM_PX: usize = 1600;
const N_TICKS: usize = 6;

/// A picture and what a reader has to know about it.
#[derive(Clone, Copy, Debug)]
pub struct Figure<'a> {
    /// What is shown, as "object" or "frame 12".
    pub title: &'a str,
    /// The picture.
    pub picture: &'a Picture,
    /// Name of the colour map, for the metadata.
    pub map: &'a str,
    /// The file or run it comes from.
    pub source: &'a str,
    /// Edge of a pixel, where known.
    pub pixel_size_m: Option<f64>,
    /// Whether a scale bar is drawn.
    pub has_scale_bar: bool,
}

impl Figure<'_> {
    /// The figure's pixels: the array's row 0 is the top of the image.
    pub fn draw(&self) -> Rgba {
        let (image, px_per_px) = sized(&self.picture.rgba);
        let size = if LARGE_LETTERS_FROM_PX <= image.width.max(image.height) {
            Size::Large
        } else {
            Size::Small
        };
        let line = text::line_height_px(size);
        let caption = self.caption();
        let bar = BarLayout::new(&self.picture.bar, image.height, size);
        let block_width = image.width + line + bar.width;
        let text_width = caption
            .iter()
            .map(String::as_str)
            .chain([self.title])
            .map(|words| text::width_px(words, size))
            .max()
            .unwrap_or(0);
        let block_height = image
            .height
            .max(text::width_px(&self.picture.bar.label, size));
        let width = 2 * line + block_width.max(text_width);
        let height = 3 * line + block_height + line / 2 + caption.len() * line;
        let mut figure = Rgba::filled(width, height, WHITE);
        let write = |figure: &mut Rgba, row: usize, words: &str| {
            let at = (row as i64, line as i64);
            text::draw(figure, at, words, (size, Direction::Right), BLACK);
        };
        write(&mut figure, line / 2, self.title);
        let top = 2 * line;
        paste(&mut figure, &image, top, line);
        frame(&mut figure, [top, line], [image.height, image.width]);
        if self.has_scale_bar {
            self.draw_scale_bar(&mut figure, &image, [top, line], (px_per_px, size));
        }
        bar.draw(
            &mut figure,
            &self.picture.bar,
            [top, 2 * line + image.width],
        );
        for (i, words) in caption.iter().enumerate() {
            write(&mut figure, top + block_height + line / 2 + i * line, words);
        }
        figure
    }

    /// The figure as PNG bytes, with [`Figure::metadata`] as text chunks.
    ///
    /// # Errors
    /// [`Error::Io`] if the encoder refuses (an empty array has no picture).
    pub fn png(&self, path: &Path) -> Result<Vec<u8>> {
        encode(&self.draw(), &self.metadata()).map_err(Error::io("draw", path))
    }

    /// Write the figure to `path`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_png(&self, path: &Path) -> Result<()> {
        disk::write(path, &self.png(path)?)
    }

    /// Program, quantity, limits, counts and source: what tells later what the picture shows.
    pub fn metadata(&self) -> Vec<(&'static str, String)> {
        let Picture { limits, bar, .. } = self.picture;
        let (rows, columns) = self.picture.values.dim();
        let mut entries = vec![
            (
                "Software",
                concat!("Ptychobench ", env!("CARGO_PKG_VERSION")).to_owned(),
            ),
            ("Title", self.title.to_owned()),
            ("Source", self.source.to_owned()),
            ("Quantity", bar.label.clone()),
            ("Limits", format!("{:e} {:e}", limits.min, limits.max)),
            ("ColourMap", self.map.to_owned()),
            ("Array", format!("{rows} x {columns}, row 0 on top")),
            (
                "Counts",
                format!(
                    "finite {}, NaN {}, infinite {}",
                    limits.n_finite, limits.n_nan, limits.n_infinite
                ),
            ),
        ];
        if let Some(size_m) = self.pixel_size_m {
            entries.push(("PixelSize", format!("{size_m:e} m")));
        }
        if let Some(ramp) = &self.picture.ramp {
            entries.push((
                "PhaseRampRemoved",
                format!(
                    "{:e} rad, {:e} rad/row, {:e} rad/column",
                    ramp.offset_rad, ramp.row_slope_rad_per_px, ramp.column_slope_rad_per_px
                ),
            ));
        }
        entries
    }

    fn caption(&self) -> Vec<String> {
        let Picture { limits, values, .. } = self.picture;
        let (rows, columns) = values.dim();
        let mut lines = vec![format!(
            "{rows} × {columns} px, data {} to {}",
            ticks::value_text(limits.data_min),
            ticks::value_text(limits.data_max)
        )];
        lines.extend(self.picture.remark());
        if let Some(ramp) = &self.picture.ramp {
            lines.push(format!(
                "phase ramp removed: {} rad/row, {} rad/column",
                ticks::value_text(ramp.row_slope_rad_per_px),
                ticks::value_text(ramp.column_slope_rad_per_px)
            ));
        }
        if !self.source.is_empty() {
            lines.push(self.source.to_owned());
        }
        lines
    }

    /// A white bar on a dark plate, legible over any image.
    fn draw_scale_bar(
        &self,
        figure: &mut Rgba,
        image: &Rgba,
        [top, left]: [usize; 2],
        (px_per_px, size): (f64, Size),
    ) {
        let line = text::line_height_px(size);
        let limit_px = image.width as f64 / px_per_px / 4.0;
        let Some(bar) = ticks::scale_bar(limit_px, self.pixel_size_m) else {
            return;
        };
        let length = (bar.length_px * px_per_px).round() as usize;
        let words = text::width_px(&bar.text, size);
        let (plate_width, plate_height) = (length.max(words) + line, 2 * line);
        if image.width < plate_width + line || image.height < plate_height + line {
            return;
        }
        let row = top + image.height - plate_height - line / 2;
        let column = left + line / 2;
        fill(figure, [row, column], [plate_height, plate_width], BLACK);
        let bar_at = [row + plate_height - line / 2, column + line / 2];
        fill(figure, bar_at, [(line / 5).max(2), length], WHITE);
        let words_at = (row as i64 + line as i64 / 6, (column + line / 2) as i64);
        text::draw(figure, words_at, &bar.text, (size, Direction::Right), WHITE);
    }
}

/// Pixels of the picture as drawn, and how many of them one pixel of the array takes.
fn sized(picture: &Rgba) -> (Rgba, f64) {
    let side = picture.width.max(picture.height).max(1);
    if GREATEST_SIDE_PX < side {
        let block = side.div_ceil(GREATEST_SIDE_PX);
        return (area_average(picture, block), 1.0 / block as f64);
    }
    let block = LEAST_SIDE_PX.div_ceil(side);
    (magnify(picture, block), block as f64)
}

struct BarLayout {
    size: Size,
    bar_width: usize,
    height: usize,
    tick_labels: Vec<(f64, String)>,
    tick_width: usize,
    width: usize,
}

impl BarLayout {
    fn new(bar: &Bar, height: usize, size: Size) -> Self {
        let line = text::line_height_px(size);
        let values = ticks::ticks(bar.min, bar.max, N_TICKS);
        let tick_labels: Vec<_> = values.iter().copied().zip(ticks::labels(&values)).collect();
        let tick_width = tick_labels
            .iter()
            .map(|(_, label)| text::width_px(label, size))
            .max()
            .unwrap_or(0);
        Self {
            size,
            bar_width: line,
            height,
            tick_labels,
            tick_width,
            width: line + line / 2 + tick_width + line / 2 + line,
        }
    }

    fn draw(&self, figure: &mut Rgba, bar: &Bar, [top, left]: [usize; 2]) {
        let line = text::line_height_px(self.size);
        let n_colours = bar.colours.len();
        for row in 0..self.height {
            let from_below = (self.height - 1 - row) * n_colours / self.height;
            if let Some(&colour) = bar.colours.get(from_below) {
                fill(figure, [top + row, left], [1, self.bar_width], colour);
            }
        }
        frame(figure, [top, left], [self.height, self.bar_width]);
        let span = bar.max - bar.min;
        let tick_left = left + self.bar_width;
        for (value, label) in &self.tick_labels {
            let share = if span > 0.0 {
                (value - bar.min) / span
            } else {
                0.5
            };
            let row = ((1.0 - share) * (self.height - 1) as f64).round() as usize;
            fill(figure, [top + row, tick_left], [1, line / 4], BLACK);
            let at = (
                (top + row) as i64 - line as i64 / 2,
                (tick_left + line / 2) as i64,
            );
            text::draw(figure, at, label, (self.size, Direction::Right), BLACK);
        }
        let words = text::width_px(&bar.label, self.size);
        let length = self.height.max(words);
        let label_at = (
            (top + usize::midpoint(length, words)) as i64 - 1,
            (tick_left + line + self.tick_width) as i64,
        );
        text::draw(
            figure,
            label_at,
            &bar.label,
            (self.size, Direction::Up),
            BLACK,
        );
    }
}

fn fill(figure: &mut Rgba, [top, left]: [usize; 2], [height, width]: [usize; 2], colour: Colour) {
    let right = (left + width).min(figure.width);
    for row in top..(top + height).min(figure.height) {
        let start = row * figure.width;
        figure.pixels[start + left.min(right)..start + right].fill(colour);
    }
}

pub(super) fn paste(figure: &mut Rgba, image: &Rgba, top: usize, left: usize) {
    for (row, pixels) in image.pixels.chunks(image.width.max(1)).enumerate() {
        let start = (top + row) * figure.width + left;
        figure.pixels[start..start + pixels.len()].copy_from_slice(pixels);
    }
}

/// A line of one pixel around a rectangle.
pub(super) fn frame(figure: &mut Rgba, [top, left]: [usize; 2], [height, width]: [usize; 2]) {
    let outer = [top - 1, left - 1];
    fill(figure, outer, [1, width + 2], FRAME);
    fill(figure, [top + height, left - 1], [1, width + 2], FRAME);
    fill(figure, outer, [height + 2, 1], FRAME);
    fill(figure, [top - 1, left + width], [height + 2, 1], FRAME);
}

/// PNG bytes of a picture; texts beyond Latin-1 become `iTXt` chunks, the others `tEXt`.
///
/// # Errors
/// What the encoder says, as an input-output error.
pub fn encode(picture: &Rgba, metadata: &[(&'static str, String)]) -> std::io::Result<Vec<u8>> {
    let metadata = metadata.iter().map(|(key, words)| (*key, words.as_str()));
    encode_sized(picture, metadata, None)
}

/// As [`encode`], with the number of dots in a metre, where the picture has a size on paper.
///
/// # Errors
/// As [`encode`].
pub fn encode_sized<'a>(
    picture: &Rgba,
    metadata: impl IntoIterator<Item = (&'a str, &'a str)>,
    dots_per_m: Option<u32>,
) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, picture.width as u32, picture.height as u32);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_pixel_dims(dots_per_m.map(|per_m| png::PixelDimensions {
        xppu: per_m,
        yppu: per_m,
        unit: png::Unit::Meter,
    }));
    for (keyword, words) in metadata {
        if words.chars().all(|letter| (letter as u32) < 256) {
            encoder.add_text_chunk(keyword.to_owned(), words.to_owned())?;
        } else {
            encoder.add_itxt_chunk(keyword.to_owned(), words.to_owned())?;
        }
    }
    let mut writer = encoder.write_header()?;
    writer.write_image_data(picture.bytes())?;
    writer.finish()?;
    Ok(bytes)
}
