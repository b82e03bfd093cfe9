//! Weights to their transforms, and gradients of transforms to those of weights.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]
#![expect(clippy::needless_range_loop, reason = "matrices, by row and column")]

use std::ops::Range;

use super::convolve::filter_stride;
use super::products::PANEL;
use super::winograd;
use crate::tensor::dispatch::{Machine, Task};

/// Weights of a correlation, 3x3.
pub(super) const N_TAPS: usize = 9;

/// Steps of the sum whose weights are gathered at a time.
const STEPS: usize = 8;

/// Transform one panel of weights: `[point][k][32 outputs]`.
#[derive(Debug)]
pub(super) struct TransformFilters<'a> {
    /// `(n_out, n_in, 3, 3)`
    pub weights: &'a [f32],
    /// Channels that a layer has weights for.
    pub n_in: usize,
    /// Which of the outputs, or for the adjoint of the inputs, is the panel's first; it may lie before them. Columns for
    /// none of them become 0.
    pub first: isize,
    /// Whether the weights are for the pass back to the input: in and out changed, and turned by 180 degrees.
    pub adjoint: bool,
    /// Panel to write.
    pub filters: &'a mut [f32],
}

impl Task for TransformFilters<'_> {
    #[inline(always)]
    fn run<M: Machine>(self, m: M) {
        let n_out = self.weights.len() / (N_TAPS * self.n_in);
        let (n_k, n_wide) = if self.adjoint {
            (n_out, self.n_in)
        } else {
            (self.n_in, n_out)
        };
        let stride = filter_stride(n_k);
        // Distance between two outputs of the panel, and between two steps of the sum.
        let (wide, deep) = if self.adjoint {
            (N_TAPS, N_TAPS * self.n_in)
        } else {
            (N_TAPS * self.n_in, N_TAPS)
        };
        let turn = if self.adjoint { N_TAPS - 1 } else { 0 };
        // Of every output a few steps at a time, as they lie in memory; columns without an output stay 0.
        let mut taps = [[[0.0_f32; PANEL]; N_TAPS]; STEPS];
        for first in (0..n_k).step_by(STEPS) {
            let here = STEPS.min(n_k - first);
            for lane in 0..PANEL {
                let output = self.first + lane as isize;
                if output < 0 || output >= n_wide as isize {
                    continue;
                }
                for step in 0..here {
                    let start = output as usize * wide + (first + step) * deep;
                    let kernel = &self.weights[start..][..N_TAPS];
                    for tap in 0..N_TAPS {
                        taps[step][tap][lane] = kernel[turn.abs_diff(tap)];
                    }
                }
            }
            for step in 0..here {
                let start = (first + step) * PANEL;
                transform(m, &taps[step], (&mut self.filters[start..], stride));
            }
        }
    }
}

/// `G g Gᵀ` of a row of weights.
#[inline(always)]
fn transform<M: Machine>(
    m: M,
    taps: &[[f32; PANEL]; N_TAPS],
    (filters, stride): (&mut [f32], usize),
) {
    for at in (0..PANEL).step_by(M::LANES) {
        let column = [
            winograd::filter(m, tap_column(m, taps, 0, at)),
            winograd::filter(m, tap_column(m, taps, 1, at)),
            winograd::filter(m, tap_column(m, taps, 2, at)),
        ];
        for i in 0..6 {
            let row = winograd::filter(m, winograd::row(&column, i));
            for j in 0..6 {
                m.store(row[j], &mut filters[(6 * i + j) * stride + at..]);
            }
        }
    }
}

#[inline(always)]
fn tap_column<M: Machine>(
    m: M,
    taps: &[[f32; PANEL]; N_TAPS],
    j: usize,
    at: usize,
) -> [M::Vector; 3] {
    [
        m.load(&taps[j][at..]),
        m.load(&taps[3 + j][at..]),
        m.load(&taps[6 + j][at..]),
    ]
}

/// Gradients for the weights of some outputs, a block of 16 or what is left of one, from those for the transforms.
#[derive(Debug)]
pub(super) struct Gradients<'a> {
    /// `[point][out / 32][channel][out % 32]`
    pub products: &'a [f32],
    /// Values from point to point.
    pub stride: usize,
    /// Where the block's first output of channel 0 lies.
    pub first: usize,
    /// Channels that have weights.
    pub channels: Range<usize>,
    /// `(outputs, n_in, 3, 3)`
    pub d_weights: &'a mut [f32],
}

impl Task for Gradients<'_> {
    #[inline(always)]
    fn run<M: Machine>(self, m: M) {
        let n_in = self.channels.len();
        let n_out = self.d_weights.len() / (N_TAPS * n_in);
        let mut taps = [[0.0_f32; PANEL / 2]; N_TAPS];
        for (k, channel) in self.channels.enumerate() {
            for at in (0..PANEL / 2).step_by(M::LANES) {
                let start = self.first + channel * PANEL + at;
                let mut half = [[m.splat(0.0); 6]; 3];
                for j in 0..6 {
                    let mut column = [m.splat(0.0); 6];
                    for i in 0..6 {
                        column[i] = m.load(&self.products[(6 * i + j) * self.stride + start..]);
                    }
                    let column = winograd::filter_adjoint(m, column);
                    for i in 0..3 {
                        half[i][j] = column[i];
                    }
                }
                for i in 0..3 {
                    let row = winograd::filter_adjoint(m, half[i]);
                    for j in 0..3 {
                        m.store(row[j], &mut taps[3 * i + j][at..]);
                    }
                }
            }
            for output in 0..n_out {
                let kernel = &mut self.d_weights[(output * n_in + k) * N_TAPS..][..N_TAPS];
                for tap in 0..N_TAPS {
                    kernel[tap] = taps[tap][output];
                }
            }
        }
    }
}
