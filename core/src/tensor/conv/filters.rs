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
        let mut taps = [[0.0_f32; PANEL]; N_TAPS];
        for k in 0..n_k {
            for lane in 0..PANEL {
                let output = self.first + lane as isize;
                if output < 0 || output >= n_wide as isize {
                    continue;
                }
                let kernel = &self.weights[output as usize * wide + k * deep..][..N_TAPS];
                for tap in 0..N_TAPS {
                    taps[tap][lane] = kernel[if self.adjoint { 8 - tap } else { tap }];
                }
            }
            for at in (0..PANEL).step_by(M::LANES) {
                let mut half = [[m.splat(0.0); 3]; 6];
                for j in 0..3 {
                    let column = [0, 1, 2].map(|i| m.load(&taps[3 * i + j][at..]));
                    let column = winograd::filter(m, column);
                    for i in 0..6 {
                        half[i][j] = column[i];
                    }
                }
                for i in 0..6 {
                    let row = winograd::filter(m, half[i]);
                    for j in 0..6 {
                        let start = (6 * i + j) * stride + k * PANEL + at;
                        m.store(row[j], &mut self.filters[start..]);
                    }
                }
            }
        }
    }
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
