//! 3x3 convolution with bias, ReLU, 2x2 max-pool behind it or nearest 2x upsampling before it, and its adjoints, by
//! Winograd's F(4x4, 3x3) with the points 0, ±1/√2, ±√2, ∞.
//!
//! `y[o, r, c] = pool(relu(b[o] + Σ_{i, u, v} w[o, i, u, v] · up(x)[i, r + u - 1, c + v - 1]))`, zero outside.

use std::ops::Range;

use crate::tensor::Activations;

/// What one layer does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvLayer {
    /// Side of the plane that is convolved, in pixels: after upsampling and before pooling; a multiple of 4.
    pub side: usize,
    /// Channels of the input as stored, `x.n_channels()`.
    pub n_stored: usize,
    /// The input channels that the weights are for.
    pub channels: Range<usize>,
    /// Channels of the output.
    pub n_out: usize,
    /// Whether the input, of half the side, is upsampled by nearest neighbour first.
    pub upsample: bool,
    /// Whether ReLU follows.
    pub relu: bool,
    /// Whether a 2x2 max-pool follows: the output has half the side. Of equal values the first in row order counts.
    pub pool: bool,
}

impl ConvLayer {
    /// Channels that the weights are for.
    pub fn n_in(&self) -> usize {
        self.channels.len()
    }

    /// Side of the input in pixels.
    pub fn input_side(&self) -> usize {
        if self.upsample {
            self.side / 2
        } else {
            self.side
        }
    }

    /// Side of the output in pixels.
    pub fn output_side(&self) -> usize {
        if self.pool { self.side / 2 } else { self.side }
    }

    /// Weights, `(n_out, n_in, 3, 3)`.
    pub fn n_weights(&self) -> usize {
        9 * self.n_out * self.n_in()
    }
}

/// Which of the four pixels of a pool was the greatest (0 to 3 in row order), for every value of the layer's output;
/// empty without a pool.
pub type PoolCodes = Vec<u8>;

/// A layer with its transformed weights and the room that its passes need.
///
/// The passes run in parallel on the rayon pool that they are called in; sums over the batch run in an order that does
/// not depend on the number of threads. No pass allocates.
#[derive(Debug)]
pub struct Conv3x3 {
    layer: ConvLayer,
}

impl Conv3x3 {
    /// Plan a layer for batches of up to `n_batch` items and up to `n_threads` threads.
    pub fn new(layer: ConvLayer, n_batch: usize, n_threads: usize) -> Self {
        let _ = (n_batch, n_threads);
        Self { layer }
    }

    /// The layer.
    pub fn layer(&self) -> &ConvLayer {
        &self.layer
    }

    /// Take weights `(n_out, n_in, 3, 3)` and bias `(n_out)`. For `inference` the adjoint's weights are left out.
    ///
    /// # Panics
    /// If the lengths are others.
    pub fn load(&mut self, weights: &[f32], bias: &[f32], inference: bool) {
        let _ = (weights, bias, inference);
        unimplemented!()
    }

    /// `y` and the places of its maxima (`codes` is as long as `y`'s values with a pool, else untouched); `n_batch` items
    /// of `x` and `y` from the first on.
    ///
    /// # Panics
    /// If a shape is another.
    pub fn forward(
        &mut self,
        n_batch: usize,
        x: &Activations,
        y: &mut Activations,
        codes: &mut PoolCodes,
    ) {
        let _ = (n_batch, x, y, codes);
        unimplemented!()
    }

    /// From `dy`, the gradient for `y` (pool and ReLU are undone here), the gradients for weights and bias (overwritten)
    /// and, where wanted, for `x`: overwritten (channels without weights become 0), or with `accumulate` added to.
    ///
    /// # Panics
    /// If a shape is another, or the weights were loaded for inference.
    #[expect(clippy::too_many_arguments, reason = "a layer's adjoint has these")]
    pub fn backward(
        &mut self,
        n_batch: usize,
        x: &Activations,
        y: &Activations,
        codes: &PoolCodes,
        dy: &Activations,
        dx: Option<(&mut Activations, bool)>,
        d_weights: &mut [f32],
        d_bias: &mut [f32],
    ) {
        let _ = (n_batch, x, y, codes, dy, dx, d_weights, d_bias);
        unimplemented!()
    }
}
