//! Tiles of 4x4 pixels, where their values lie, and their fields (transforms at the 36 points).
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use super::products::{PANEL, Row};
use super::winograd::{self, N_POINTS};
use crate::tensor::dispatch::Machine;

/// Side of a tile in pixels.
pub(super) const TILE: usize = 4;

/// Some of a batch's rows of tiles, neighbours in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    /// Side of the plane that is convolved, in pixels.
    pub side: usize,
    /// First row of tiles, counted through the batch.
    pub first_row: usize,
    /// Rows of tiles.
    pub n_rows: usize,
}

impl Group {
    /// Tiles of a row.
    pub(super) fn per_row(&self) -> usize {
        self.side / TILE
    }

    /// Tiles.
    pub(super) fn n_tiles(&self) -> usize {
        self.n_rows * self.per_row()
    }

    /// Item, row and column of a tile.
    fn place(&self, tile: usize) -> (usize, usize, usize) {
        let per_row = self.per_row();
        let row = self.first_row + tile / per_row;
        (row / per_row, row % per_row, tile % per_row)
    }
}

/// Where a field's values lie: `[point][channel / 32][tile][channel % 32]`, the points a little further apart than
/// they need be, for powers of two would all meet in the same lines of the cache.
#[derive(Clone, Copy, Debug)]
pub(super) struct FieldShape {
    /// Tiles that there is room for, a multiple of 8.
    pub n_tiles: usize,
    /// Panels of channels.
    pub n_panels: usize,
}

impl FieldShape {
    /// For so many tiles and channels.
    pub(super) fn new(n_tiles: usize, n_channels: usize) -> Self {
        Self {
            n_tiles: n_tiles.next_multiple_of(8),
            n_panels: n_channels.div_ceil(PANEL),
        }
    }

    /// Rows of a point.
    pub(super) fn point(&self) -> usize {
        self.n_panels * self.n_tiles
    }

    /// Values from point to point.
    pub(super) fn stride(&self) -> usize {
        self.point() * PANEL + PANEL / 2
    }

    /// Values in all.
    pub(super) fn len(&self) -> usize {
        N_POINTS * self.stride()
    }
}

/// The rows of one point of a field.
#[inline(always)]
pub(super) fn rows(field: &[f32], stride: usize, point: usize, n_rows: usize) -> &[Row] {
    field[point * stride..][..n_rows * PANEL].as_chunks().0
}

/// The rows of one point of a field.
#[inline(always)]
pub(super) fn rows_mut(
    field: &mut [f32],
    stride: usize,
    point: usize,
    n_rows: usize,
) -> &mut [Row] {
    field[point * stride..][..n_rows * PANEL].as_chunks_mut().0
}

/// Feature maps that tiles are cut from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plane<'a> {
    /// Pixels, and behind them one of zeros for what lies outside.
    pub values: &'a [f32],
    /// Side in pixels as stored.
    pub side: usize,
    /// Channels stored.
    pub stride: usize,
}

/// What tiles are cut from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source<'a> {
    /// A layer's input.
    Input {
        /// The input.
        x: Plane<'a>,
        /// Whether it is upsampled.
        upsample: bool,
    },
    /// The gradient for what a layer has before `ReLU` and pool, drawn from the gradient for its output.
    Gradient {
        /// Gradient for the output.
        dy: Plane<'a>,
        /// The output, where `ReLU` lets pass only what is above 0.
        y: Option<&'a [f32]>,
        /// Places of the maxima, with a pool.
        codes: Option<&'a [u8]>,
    },
}

/// Places of a tile's pixels in its source.
pub(super) type Places = [usize; 36];

impl Source<'_> {
    /// Places of the pixels of a tile of `N` by `N`, its first pixel at `4 row - 1` for 6 and at `4 row` for 4; with a
    /// pool of the pixels of the pooled plane that it touches.
    #[inline(always)]
    pub(super) fn places<const N: usize>(&self, group: &Group, tile: usize) -> Places {
        let (item, row, column) = group.place(tile);
        let margin = usize::from(N == 6);
        match self {
            Source::Input { x, upsample } => {
                let corner = (TILE * row, TILE * column);
                x.places(item, corner, (margin, N, N), usize::from(*upsample))
            }
            Source::Gradient {
                dy, codes: None, ..
            } => {
                let corner = (TILE * row, TILE * column);
                dy.places(item, corner, (margin, N, N), 0)
            }
            Source::Gradient { dy, .. } => {
                let corner = (TILE / 2 * row, TILE / 2 * column);
                dy.places(item, corner, (margin, N / 2 + margin, N), 0)
            }
        }
    }

    /// Column `j` of a tile, at channel `at`.
    #[inline(always)]
    pub(super) fn column<M: Machine, const N: usize>(
        &self,
        m: M,
        places: &Places,
        j: usize,
        at: usize,
    ) -> [M::Vector; N] {
        let mut out = [m.splat(0.0); N];
        match *self {
            Source::Input { x, .. } => {
                for i in 0..N {
                    out[i] = m.load(&x.values[places[i * N + j] + at..]);
                }
            }
            Source::Gradient {
                dy,
                y: None,
                codes: None,
            } => {
                for i in 0..N {
                    out[i] = m.load(&dy.values[places[i * N + j] + at..]);
                }
            }
            Source::Gradient {
                dy,
                y: Some(y),
                codes: None,
            } => {
                let zero = m.splat(0.0);
                for i in 0..N {
                    let place = places[i * N + j] + at;
                    let slope = m.load(&dy.values[place..]);
                    out[i] = m.where_greater(m.load(&y[place..]), zero, slope, zero);
                }
            }
            Source::Gradient {
                dy,
                y,
                codes: Some(codes),
            } => {
                let margin = usize::from(N == 6);
                let zero = m.splat(0.0);
                for pooled in 0..N / 2 + margin {
                    let place = places[pooled * N + ((j + margin) >> 1)];
                    let mut slope = m.load(&dy.values[place + at..]);
                    if let Some(y) = y {
                        slope = m.where_greater(m.load(&y[place + at..]), zero, slope, zero);
                    }
                    // Outside the gradient is 0, whatever the code.
                    let place = if place + dy.stride < dy.values.len() {
                        place
                    } else {
                        0
                    };
                    let code = m.load_bytes(&codes[place + at..]);
                    for half in 0..2 {
                        if let Some(i) = (2 * pooled + half).checked_sub(margin)
                            && i < N
                        {
                            let this = m.splat((2 * half + (j + margin) % 2) as f32);
                            out[i] = m.where_equal(code, this, slope);
                        }
                    }
                }
            }
        }
        out
    }
}

impl Plane<'_> {
    /// Places of `n` by `n` pixels from `corner - margin` on, in rows of `stride`; of every `2^shift` pixels one is
    /// stored.
    #[inline(always)]
    fn places(
        &self,
        item: usize,
        corner: (usize, usize),
        (margin, n, stride): (usize, usize, usize),
        shift: usize,
    ) -> Places {
        let outside = self.values.len() - self.stride;
        let mut places = [outside; 36];
        for i in 0..n {
            let row = (corner.0 + i).wrapping_sub(margin) >> shift;
            if row >= self.side {
                continue;
            }
            let start = (item * self.side + row) * self.side;
            for j in 0..n {
                let column = (corner.1 + j).wrapping_sub(margin) >> shift;
                if column < self.side {
                    places[i * stride + j] = (start + column) * self.stride;
                }
            }
        }
        places
    }
}

/// Transform the 6x6 surroundings of a group's tiles: `Bᵀ d B`. The channels are those from `first` on, in blocks of 16.
#[inline(always)]
pub(super) fn input_fields<M: Machine>(
    m: M,
    source: &Source<'_>,
    group: &Group,
    (first, n_channels): (usize, usize),
    (field, shape): (&mut [f32], FieldShape),
) {
    for tile in 0..group.n_tiles() {
        let places = source.places::<6>(group, tile);
        for at in (0..n_channels).step_by(M::LANES) {
            // Written out, for an array that is filled first costs as much as a transform.
            let column = [
                winograd::input(m, source.column::<M, 6>(m, &places, 0, first + at)),
                winograd::input(m, source.column::<M, 6>(m, &places, 1, first + at)),
                winograd::input(m, source.column::<M, 6>(m, &places, 2, first + at)),
                winograd::input(m, source.column::<M, 6>(m, &places, 3, first + at)),
                winograd::input(m, source.column::<M, 6>(m, &places, 4, first + at)),
                winograd::input(m, source.column::<M, 6>(m, &places, 5, first + at)),
            ];
            let start = (at / PANEL * shape.n_tiles + tile) * PANEL + at % PANEL;
            for i in 0..6 {
                let row = winograd::input(m, winograd::row(&column, i));
                for j in 0..6 {
                    m.store(row[j], &mut field[(6 * i + j) * shape.stride() + start..]);
                }
            }
        }
    }
}

/// Transform a group's 4x4 tiles of gradients, `A dy Aᵀ`, and add them up in `sums`, channel by channel.
#[inline(always)]
pub(super) fn gradient_fields<M: Machine>(
    m: M,
    source: &Source<'_>,
    group: &Group,
    sums: &mut [f32],
    (field, shape): (&mut [f32], FieldShape),
) {
    sums.fill(0.0);
    for tile in 0..group.n_tiles() {
        let places = source.places::<4>(group, tile);
        for at in (0..sums.len()).step_by(M::LANES) {
            let pixels = [
                source.column::<M, 4>(m, &places, 0, at),
                source.column::<M, 4>(m, &places, 1, at),
                source.column::<M, 4>(m, &places, 2, at),
                source.column::<M, 4>(m, &places, 3, at),
            ];
            let mut sum = m.load(&sums[at..]);
            for column in &pixels {
                let (low, high) = (m.add(column[0], column[1]), m.add(column[2], column[3]));
                sum = m.add(sum, m.add(low, high));
            }
            m.store(sum, &mut sums[at..]);
            let column = [
                winograd::output_adjoint(m, pixels[0]),
                winograd::output_adjoint(m, pixels[1]),
                winograd::output_adjoint(m, pixels[2]),
                winograd::output_adjoint(m, pixels[3]),
            ];
            let start = (at / PANEL * shape.n_tiles + tile) * PANEL + at % PANEL;
            for i in 0..6 {
                let row = winograd::output_adjoint(m, winograd::row(&column, i));
                for j in 0..6 {
                    m.store(row[j], &mut field[(6 * i + j) * shape.stride() + start..]);
                }
            }
        }
    }
}
