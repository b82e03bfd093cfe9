//! One pass of a layer over a group of tiles, forward or backward to the input: transform, products, transform back.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use std::ops::Range;

use super::products::{self, PANEL};
use super::tiles::{self, FieldShape, Group, Source, TILE};
use super::winograd::{self, N_POINTS};
use crate::tensor::dispatch::{Machine, Task};

/// What becomes of a tile's 4x4 sums.
#[derive(Clone, Copy, Debug)]
pub(super) enum Finish<'a> {
    /// The layer's output: bias and, where wanted, ReLU and pool.
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
                let start = (row * pixels * side + column * pixels) * stride + panel * PANEL;
                for at in (0..width).step_by(M::LANES) {
                    let tile = inverse(m, sums, sums_shape, tile * PANEL + at);
                    let place = Place {
                        start: start + at,
                        row: side * stride,
                        column: stride,
                    };
                    match finish {
                        Finish::Output { bias, relu, pool } => {
                            let bias = m.load(&bias[panel * PANEL + at..]);
                            let tile = activate(m, tile, bias, relu);
                            if pool {
                                keep_greatest(m, tile, place, output, codes);
                            } else {
                                keep(m, tile, place, output, false);
                            }
                        }
                        Finish::Gradient {
                            upsample: false,
                            accumulate,
                        } => {
                            keep(m, tile, place, output, accumulate);
                        }
                        Finish::Gradient {
                            upsample: true,
                            accumulate,
                        } => {
                            keep(m, sum_fours(m, tile), place, output, accumulate);
                        }
                    }
                }
            }
        }
    }
}

/// `Aᵀ f A` of the values at `start` of every point.
#[inline(always)]
fn inverse<M: Machine>(m: M, sums: &[f32], shape: FieldShape, start: usize) -> [[M::Vector; 4]; 4] {
    let mut half = [[m.splat(0.0); 6]; 4];
    for j in 0..6 {
        let mut column = [m.splat(0.0); 6];
        for i in 0..6 {
            column[i] = m.load(&sums[(6 * i + j) * shape.stride() + start..]);
        }
        let column = winograd::output(m, column);
        for i in 0..4 {
            half[i][j] = column[i];
        }
    }
    let mut tile = [[m.splat(0.0); 4]; 4];
    for i in 0..4 {
        tile[i] = winograd::output(m, half[i]);
    }
    tile
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
