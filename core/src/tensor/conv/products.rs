//! Small products of matrices, 32 columns at a time.
//!
//! A *panel* is a matrix of 32 columns whose rows lie one behind the other: fields of tiles are panels of channels,
//! `[channel / 32][tile][channel % 32]`, and so are transformed weights, `[in][out % 32]`. So every address in the inner
//! loops is one pointer and a constant.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use std::ops::Range;

use crate::tensor::dispatch::Machine;

/// Columns of a panel.
pub(super) const PANEL: usize = 32;

/// A row of a panel.
pub(super) type Row = [f32; PANEL];

/// `product[t] = Σ_k field[k][t] weights[k]` for one panel of outputs: `field` holds panels of `stride` tiles, `weights`
/// a row for each of `channels`. The number of rows of `product` is a multiple of 8; `narrow`: only 16 columns matter.
#[inline(always)]
pub(super) fn forward<M: Machine>(
    m: M,
    (field, stride): (&[Row], usize),
    channels: &Range<usize>,
    weights: &[Row],
    (product, narrow): (&mut [Row], bool),
) {
    let width = if narrow { PANEL / 2 } else { PANEL };
    let n_rows = product.len();
    match M::LANES {
        16 => {
            for row in (0..n_rows).step_by(8) {
                if narrow {
                    forward_block::<M, 1, 8>(
                        m,
                        (field, stride),
                        (channels, weights),
                        product,
                        (row, 0),
                    );
                } else {
                    forward_block::<M, 2, 8>(
                        m,
                        (field, stride),
                        (channels, weights),
                        product,
                        (row, 0),
                    );
                }
            }
        }
        8 => {
            let n_fours = fours(n_rows);
            for column in (0..width).step_by(16) {
                for row in (0..n_rows - 4 * n_fours).step_by(6) {
                    forward_block::<M, 2, 6>(
                        m,
                        (field, stride),
                        (channels, weights),
                        product,
                        (row, column),
                    );
                }
                for row in (n_rows - 4 * n_fours..n_rows).step_by(4) {
                    forward_block::<M, 2, 4>(
                        m,
                        (field, stride),
                        (channels, weights),
                        product,
                        (row, column),
                    );
                }
            }
        }
        _ => {
            for column in (0..width).step_by(2 * M::LANES) {
                for row in (0..n_rows).step_by(4) {
                    forward_block::<M, 2, 4>(
                        m,
                        (field, stride),
                        (channels, weights),
                        product,
                        (row, column),
                    );
                }
            }
        }
    }
}

/// An even number of rows, 8 or more, is so many blocks of four and for the rest blocks of six.
const fn fours(n_rows: usize) -> usize {
    [0, 2, 1][n_rows % 6 / 2]
}

#[inline(always)]
fn forward_block<M: Machine, const V: usize, const R: usize>(
    m: M,
    (field, stride): (&[Row], usize),
    (channels, weights): (&Range<usize>, &[Row]),
    product: &mut [Row],
    (row, column): (usize, usize),
) {
    let mut sums = [[m.splat(0.0); V]; R];
    let mut weights = weights;
    let mut first = channels.start;
    while first < channels.end {
        let (panel, skip) = (first / PANEL, first % PANEL);
        let n = (channels.end - first).min(PANEL - skip);
        let (here, rest) = weights.split_at(n);
        let Some(tiles) = field[panel * stride + row..].first_chunk::<R>() else {
            return;
        };
        for (k, weights) in (skip..PANEL).zip(here) {
            let mut columns = [m.splat(0.0); V];
            for v in 0..V {
                columns[v] = m.load(&weights[column + v * M::LANES..]);
            }
            for r in 0..R {
                let value = m.splat(tiles[r][k]);
                for v in 0..V {
                    sums[r][v] = m.fma(value, columns[v], sums[r][v]);
                }
            }
        }
        weights = rest;
        first += n;
    }
    for r in 0..R {
        for v in 0..V {
            m.store(sums[r][v], &mut product[row + r][column + v * M::LANES..]);
        }
    }
}

/// `product[i] (+)= Σ_t x[t][i] dy[t]`, the sum over the tiles of several groups: `x` and `dy` are panels, one for each
/// group. The number of rows of `product` is a multiple of 8 and at most 32; `narrow`: only 16 columns matter.
#[inline(always)]
pub(super) fn adjoint<'a, M: Machine>(
    m: M,
    groups: impl Iterator<Item = (&'a [Row], &'a [Row])> + Clone,
    (product, narrow): (&mut [Row], bool),
    accumulate: bool,
) {
    let width = if narrow { PANEL / 2 } else { PANEL };
    let n_rows = product.len();
    match M::LANES {
        16 => {
            for row in (0..n_rows).step_by(8) {
                if narrow {
                    adjoint_block::<M, 1, 8>(m, groups.clone(), product, (row, 0), accumulate);
                } else {
                    adjoint_block::<M, 2, 8>(m, groups.clone(), product, (row, 0), accumulate);
                }
            }
        }
        8 => {
            let n_fours = fours(n_rows);
            for column in (0..width).step_by(16) {
                for row in (0..n_rows - 4 * n_fours).step_by(6) {
                    adjoint_block::<M, 2, 6>(m, groups.clone(), product, (row, column), accumulate);
                }
                for row in (n_rows - 4 * n_fours..n_rows).step_by(4) {
                    adjoint_block::<M, 2, 4>(m, groups.clone(), product, (row, column), accumulate);
                }
            }
        }
        _ => {
            for column in (0..width).step_by(2 * M::LANES) {
                for row in (0..n_rows).step_by(4) {
                    adjoint_block::<M, 2, 4>(m, groups.clone(), product, (row, column), accumulate);
                }
            }
        }
    }
}

#[inline(always)]
fn adjoint_block<'a, M: Machine, const V: usize, const R: usize>(
    m: M,
    groups: impl Iterator<Item = (&'a [Row], &'a [Row])>,
    product: &mut [Row],
    (row, column): (usize, usize),
    accumulate: bool,
) {
    let mut sums = [[m.splat(0.0); V]; R];
    if accumulate {
        for r in 0..R {
            for v in 0..V {
                sums[r][v] = m.load(&product[row + r][column + v * M::LANES..]);
            }
        }
    }
    for (x, dy) in groups {
        for (x, dy) in x.iter().zip(dy) {
            let Some(x) = x[row..].first_chunk::<R>() else {
                return;
            };
            let mut columns = [m.splat(0.0); V];
            for v in 0..V {
                columns[v] = m.load(&dy[column + v * M::LANES..]);
            }
            for r in 0..R {
                let value = m.splat(x[r]);
                for v in 0..V {
                    sums[r][v] = m.fma(value, columns[v], sums[r][v]);
                }
            }
        }
    }
    for r in 0..R {
        for v in 0..V {
            m.store(sums[r][v], &mut product[row + r][column + v * M::LANES..]);
        }
    }
}
