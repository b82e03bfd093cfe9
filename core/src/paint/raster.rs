//! Values and limits to RGBA pixels, row 0 on top, and area-average reduction of such pixels.

use ndarray::ArrayView2;

use crate::paint::colormap::{ColorMap, Colour, MINUS_INFINITY, NAN, PLUS_INFINITY};
use crate::paint::limits::ResolvedLimits;

/// Pixels in rows from the top, each row from the left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rgba {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `width * height` colours.
    pub pixels: Vec<Colour>,
}

impl Rgba {
    /// A picture of one colour.
    pub fn filled(width: usize, height: usize, colour: Colour) -> Self {
        Self {
            width,
            height,
            pixels: vec![colour; width * height],
        }
    }

    /// The colour at a row and a column.
    pub fn at(&self, row: usize, column: usize) -> Colour {
        self.pixels[row * self.width + column]
    }

    /// The bytes as PNG and textures want them.
    pub fn bytes(&self) -> &[u8] {
        self.pixels.as_flattened()
    }
}

/// One pixel per value: `[row, column]` of the array is row, column of the picture.
///
/// Finite values beyond the limits take the end colours; NaN and infinities have colours of their
/// own. Where the limits meet, every finite value takes the middle colour.
pub fn rgba(values: &ArrayView2<'_, f32>, limits: &ResolvedLimits, map: ColorMap) -> Rgba {
    let table = map.table();
    let (height, width) = values.dim();
    let per_unit = if limits.min < limits.max {
        256.0 / (limits.max - limits.min)
    } else {
        0.0
    };
    let middle = if per_unit == 0.0 { 128.0 } else { 0.0 };
    let colour = |&value: &f32| {
        if value.is_finite() {
            let index = (f64::from(value) - limits.min) * per_unit + middle;
            // The cast saturates: below the limits it gives 0.
            table[(index as usize).min(255)]
        } else if value.is_nan() {
            NAN
        } else if value > 0.0 {
            PLUS_INFINITY
        } else {
            MINUS_INFINITY
        }
    };
    Rgba {
        width,
        height,
        pixels: values.iter().map(colour).collect(),
    }
}

/// Each block of `block_px` by `block_px` pixels as one pixel of their mean colour.
///
/// Blocks at the right and lower border hold what is left. For pictures that are shown smaller than
/// they are: dropping pixels instead would make patterns that are not in the data.
pub fn area_average(picture: &Rgba, block_px: usize) -> Rgba {
    if block_px <= 1 {
        return picture.clone();
    }
    let (width, height) = (
        picture.width.div_ceil(block_px),
        picture.height.div_ceil(block_px),
    );
    let mut pixels = Vec::with_capacity(width * height);
    let mut sums = vec![[0u32; 4]; width];
    for rows in picture
        .pixels
        .chunks((picture.width * block_px).max(1))
        .take(height)
    {
        sums.fill([0; 4]);
        for row in rows.chunks_exact(picture.width) {
            for (sum, block) in sums.iter_mut().zip(row.chunks(block_px)) {
                for colour in block {
                    for (channel, &byte) in sum.iter_mut().zip(colour) {
                        *channel += u32::from(byte);
                    }
                }
            }
        }
        let n_rows = rows.len() / picture.width;
        for (i, sum) in sums.iter().enumerate() {
            let n_columns = block_px.min(picture.width - i * block_px);
            let n = (n_rows * n_columns) as u32;
            pixels.push(sum.map(|channel| ((channel + n / 2) / n) as u8));
        }
    }
    Rgba {
        width,
        height,
        pixels,
    }
}

/// Each pixel as a block of `block_px` by `block_px` equal ones.
pub fn magnify(picture: &Rgba, block_px: usize) -> Rgba {
    let block_px = block_px.max(1);
    let mut pixels = Vec::with_capacity(picture.pixels.len() * block_px * block_px);
    for row in picture.pixels.chunks(picture.width.max(1)) {
        let wide: Vec<_> = row
            .iter()
            .flat_map(|&colour| std::iter::repeat_n(colour, block_px))
            .collect();
        for _ in 0..block_px {
            pixels.extend_from_slice(&wide);
        }
    }
    Rgba {
        width: picture.width * block_px,
        height: picture.height * block_px,
        pixels,
    }
}
