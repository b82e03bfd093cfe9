//! One pass of a layer over a group of tiles, forward or backward to the input: transform, products, transform back.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]
#![expect(clippy::needless_range_loop, reason = "matrices, by row and column")]

use std::ops::Range;

use super::products::{self, PANEL};
use super::tiles::{self, FieldShape, Group, Source, TILE};
use super::winograd::{self, N_POINTS};
use crate::tensor::dispatch::{Machine, Task};

/// What becomes of a tile's 4x4 sums.
#[derive(Clone, Copy, Debug)]
pub(super) enum Finish<'a> {
    /// The layer's output: bias and, where wanted, `ReLU` and pool.
    Output {
        /// For every channel stored.
        bias: &'a [f32],
        /// Whether negative values become 0.
        relu: bool,
        /// Whether the greatest of every four is kept.
        pool: bool,
    },
    /// The gradient for the input.
    Gradient {
        /// Whether every four are added up, as the input was upsampled.
        upsample: bool,
        /// Whether it is added to what is there.
        accumulate: bool,
    },
}

impl Finish<'_> {
    /// Pixels stored for a tile's side.
    pub(super) fn pixels(&self) -> usize {
        match self {
            Self::Output { pool: true, .. } | Self::Gradient { upsample: true, .. } => TILE / 2,
            _ => TILE,
        }
    }
}

/// A pass over a group of tiles.
#[derive(Debug)]
pub(super) struct Convolve<'a> {
    /// Where the tiles are cut from.
    pub source: Source<'a>,
    /// Which tiles.
    pub group: Group,
    /// First channel that is transformed and how many, whole blocks of 16.
    pub blocks: (usize, usize),
    /// Those of them that have weights.
    pub channels: Range<usize>,
    /// Transformed weights.
    pub filters: &'a [f32],
    /// Panels of the output that there are weights for.
    pub panels: Range<usize>,
    /// What becomes of the sums.
    pub finish: Finish<'a>,
    /// The group's rows of the output.
    pub output: &'a mut [f32],
    /// Channels stored of the output.
    pub stride: usize,
    /// Places of the maxima, as long as the output with a pool.
    pub codes: &'a mut [u8],
    /// Room of [`Convolve::room`] values.
    pub scratch: &'a mut [f32],
}

/// Values from point to point of a panel of transformed weights.
pub(super) fn filter_stride(n_in: usize) -> usize {
    n_in * PANEL + PANEL / 2
}

impl Convolve<'_> {
    /// Scratch that groups of up to `n_tiles` tiles of `n_channels` channels need.
    pub(super) fn room(n_tiles: usize, n_channels: usize) -> usize {
        FieldShape::new(n_tiles, n_channels).len() + FieldShape::new(n_tiles, PANEL).len()
    }
}

impl Task for Convolve<'_> {
    #[inline(always)]
    fn run<M: Machine>(self, m: M) {
        let Self {
            source,
            group,
            blocks,
            channels,
            filters,
            panels,
            finish,
            output,
            stride,
            codes,
            scratch,
        } = self;
        let n_tiles = group.n_tiles();
        let shape = FieldShape::new(n_tiles, blocks.1);
        let sums_shape = FieldShape::new(n_tiles, PANEL);
        let (field, sums) = scratch.split_at_mut(shape.len());
        tiles::input_fields(m, &source, &group, blocks, (field, shape));
        let filter_stride = filter_stride(channels.len());
        for (n, panel) in panels.enumerate() {
            let narrow = stride - panel * PANEL < PANEL;
            let filters = &filters[n * N_POINTS * filter_stride..][..N_POINTS * filter_stride];
            for point in 0..N_POINTS {
                let field = tiles::rows(field, shape.stride(), point, shape.point());
                let filter = tiles::rows(filters, filter_stride, point, channels.len());
                let sums = tiles::rows_mut(sums, sums_shape.stride(), point, sums_shape.n_tiles);
                products::forward(m, (field, shape.n_tiles), &channels, filter, (sums, narrow));
            }
            let width = if narrow { PANEL / 2 } else { PANEL };
            for tile in 0..n_tiles {
                let (row, column) = (tile / group.per_row(), tile % group.per_row());
                let pixels = finish.pixels();
                let side = group.per_row() * pixels;
                let start = (row * pixels * side + column * pixels) * stride;
                for at in (0..width).step_by(M::LANES) {
                    let sums = inverse(m, sums, sums_shape, tile * PANEL + at);
                    let channel = panel * PANEL + at;
                    let place = Place {
                        start: start + channel,
                        row: side * stride,
                        column: stride,
                    };
                    finish.write(m, sums, channel, place, (output, codes));
                }
            }
        }
    }
}

impl Finish<'_> {
    /// Write a tile's sums of the channels from `channel` on.
    #[inline(always)]
    fn write<M: Machine>(
        self,
        m: M,
        sums: [[M::Vector; 4]; 4],
        channel: usize,
        place: Place,
        (output, codes): (&mut [f32], &mut [u8]),
    ) {
        match self {
            Self::Output { bias, relu, pool } => {
                let tile = activate(m, sums, m.load(&bias[channel..]), relu);
                if pool {
                    keep_greatest(m, tile, place, output, codes);
                } else {
                    keep(m, tile, place, output, false);
                }
            }
            Self::Gradient {
                upsample: false,
                accumulate,
            } => {
                keep(m, sums, place, output, accumulate);
            }
            Self::Gradient {
                upsample: true,
                accumulate,
            } => {
                keep(m, sum_fours(m, sums), place, output, accumulate);
            }
        }
    }
}

/// `Aᵀ f A` of the values at `start` of every point.
#[inline(always)]
fn inverse<M: Machine>(m: M, sums: &[f32], shape: FieldShape, start: usize) -> [[M::Vector; 4]; 4] {
    let column = [
        winograd::output(m, points(m, sums, shape, start, 0)),
        winograd::output(m, points(m, sums, shape, start, 1)),
        winograd::output(m, points(m, sums, shape, start, 2)),
        winograd::output(m, points(m, sums, shape, start, 3)),
        winograd::output(m, points(m, sums, shape, start, 4)),
        winograd::output(m, points(m, sums, shape, start, 5)),
    ];
    [
        winograd::output(m, winograd::row(&column, 0)),
        winograd::output(m, winograd::row(&column, 1)),
        winograd::output(m, winograd::row(&column, 2)),
        winograd::output(m, winograd::row(&column, 3)),
    ]
}

/// Values at the points of column `j`.
#[inline(always)]
fn points<M: Machine>(
    m: M,
    sums: &[f32],
    shape: FieldShape,
    start: usize,
    j: usize,
) -> [M::Vector; 6] {
    let stride = shape.stride();
    let start = j * stride + start;
    [
        m.load(&sums[start..]),
        m.load(&sums[6 * stride + start..]),
        m.load(&sums[12 * stride + start..]),
        m.load(&sums[18 * stride + start..]),
        m.load(&sums[24 * stride + start..]),
        m.load(&sums[30 * stride + start..]),
    ]
}

#[inline(always)]
fn activate<M: Machine>(
    m: M,
    mut tile: [[M::Vector; 4]; 4],
    bias: M::Vector,
    relu: bool,
) -> [[M::Vector; 4]; 4] {
    let zero = m.splat(0.0);
    for i in 0..4 {
        for j in 0..4 {
            let value = m.add(tile[i][j], bias);
            tile[i][j] = if relu {
                m.where_greater(value, zero, value, zero)
            } else {
                value
            };
        }
    }
    tile
}

/// Where a tile's pixels lie in the output.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: usize,
    row: usize,
    column: usize,
}

#[inline(always)]
fn keep<M: Machine, const N: usize>(
    m: M,
    tile: [[M::Vector; N]; N],
    place: Place,
    output: &mut [f32],
    accumulate: bool,
) {
    for i in 0..N {
        for j in 0..N {
            let output = &mut output[place.start + i * place.row + j * place.column..];
            let value = if accumulate {
                m.add(tile[i][j], m.load(output))
            } else {
                tile[i][j]
            };
            m.store(value, output);
        }
    }
}

#[inline(always)]
fn keep_greatest<M: Machine>(
    m: M,
    tile: [[M::Vector; 4]; 4],
    place: Place,
    output: &mut [f32],
    codes: &mut [u8],
) {
    for i in 0..2 {
        for j in 0..2 {
            let mut greatest = tile[2 * i][2 * j];
            let mut code = m.splat(0.0);
            for next in 1..4 {
                let value = tile[2 * i + next / 2][2 * j + next % 2];
                code = m.where_greater(value, greatest, m.splat(next as f32), code);
                greatest = m.where_greater(value, greatest, value, greatest);
            }
            let start = place.start + i * place.row + j * place.column;
            m.store(greatest, &mut output[start..]);
            m.store_bytes(code, &mut codes[start..]);
        }
    }
}

/// Adjoint of upsampling.
#[inline(always)]
fn sum_fours<M: Machine>(m: M, tile: [[M::Vector; 4]; 4]) -> [[M::Vector; 2]; 2] {
    let mut sums = [[m.splat(0.0); 2]; 2];
    for i in 0..2 {
        for j in 0..2 {
            sums[i][j] = m.add(
                m.add(tile[2 * i][2 * j], tile[2 * i][2 * j + 1]),
                m.add(tile[2 * i + 1][2 * j], tile[2 * i + 1][2 * j + 1]),
            );
        }
    }
    sums
}
