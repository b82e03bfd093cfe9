//! 3x3 convolution with bias, ReLU, 2x2 max-pool behind it or nearest 2x upsampling before it, and its adjoints, by
//! Winograd's F(4x4, 3x3) with the points 0, ±1/√2, ±√2, ∞.
//!
//! `y[o, r, c] = pool(relu(b[o] + Σ_{i, u, v} w[o, i, u, v] · up(x)[i, r + u - 1, c + v - 1]))`, zero outside.

use std::ops::Range;

use rayon::prelude::*;

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
    /// `[tap][in][out]`
    weights: Vec<f32>,
    bias: Vec<f32>,
    inference: bool,
}

impl Conv3x3 {
    /// Plan a layer for batches of up to `n_batch` items and up to `n_threads` threads.
    pub fn new(layer: ConvLayer, n_batch: usize, n_threads: usize) -> Self {
        let _ = (n_batch, n_threads);
        Self {
            weights: vec![0.0; layer.n_weights()],
            bias: vec![0.0; layer.n_out],
            layer,
            inference: false,
        }
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
        let (n_in, n_out) = (self.layer.n_in(), self.layer.n_out);
        assert_eq!(weights.len(), self.layer.n_weights());
        for o in 0..n_out {
            for i in 0..n_in {
                for tap in 0..9 {
                    self.weights[(tap * n_in + i) * n_out + o] = weights[(o * n_in + i) * 9 + tap];
                }
            }
        }
        self.bias.copy_from_slice(bias);
        self.inference = inference;
    }

    fn check(&self, n_batch: usize, x: &Activations, y: &Activations) {
        let layer = &self.layer;
        assert!(n_batch <= x.n_batch() && n_batch <= y.n_batch());
        assert_eq!(
            (x.side(), x.n_channels()),
            (layer.input_side(), layer.n_stored)
        );
        assert_eq!(
            (y.side(), y.n_channels()),
            (layer.output_side(), layer.n_out)
        );
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
        self.check(n_batch, x, y);
        let layer = &self.layer;
        let side = layer.output_side();
        let item = side * side * y.stride();
        let stride = y.stride();
        if layer.pool {
            assert_eq!(codes.len(), y.values().len());
        }
        let mut none = vec![0_u8; if layer.pool { 0 } else { item * n_batch }];
        let codes = if layer.pool {
            codes.as_mut_slice()
        } else {
            &mut none
        };
        let this = &*self;
        y.values_mut()
            .par_chunks_mut(item)
            .zip(codes.par_chunks_mut(item))
            .take(n_batch)
            .enumerate()
            .for_each(|(b, (y, codes))| {
                let mut sum = vec![0.0; layer.n_out];
                for pixel in 0..side * side {
                    let (r, c) = (pixel / side, pixel % side);
                    let y = &mut y[pixel * stride..][..layer.n_out];
                    let codes = &mut codes[pixel * stride..][..layer.n_out];
                    let n = if layer.pool { 4 } else { 1 };
                    let step = if layer.pool { 2 } else { 1 };
                    for code in 0..n {
                        this.pixel(x, b, step * r + code / 2, step * c + code % 2, &mut sum);
                        for o in 0..layer.n_out {
                            let value = if layer.relu { sum[o].max(0.0) } else { sum[o] };
                            if code == 0 || value > y[o] {
                                y[o] = value;
                                codes[o] = code as u8;
                            }
                        }
                    }
                }
            });
    }

    fn pixel(&self, x: &Activations, item: usize, r: usize, c: usize, sum: &mut [f32]) {
        let layer = &self.layer;
        let (n_in, n_out) = (layer.n_in(), layer.n_out);
        let half = usize::from(layer.upsample);
        sum.copy_from_slice(&self.bias);
        for tap in 0..9 {
            let (u, v) = (r + tap / 3, c + tap % 3);
            if u == 0 || v == 0 || u > layer.side || v > layer.side {
                continue;
            }
            let at = x.at(item, (u - 1) >> half, (v - 1) >> half, layer.channels.start);
            for i in 0..n_in {
                let value = x.values()[at + i];
                let weights = &self.weights[(tap * n_in + i) * n_out..][..n_out];
                for (sum, weight) in sum.iter_mut().zip(weights) {
                    *sum += value * weight;
                }
            }
        }
    }

    /// The gradient for the plane before ReLU and pool, `(side, side, n_out)`, of one item.
    fn unpool(&self, b: usize, y: &Activations, codes: &PoolCodes, dy: &Activations) -> Vec<f32> {
        let layer = &self.layer;
        let side = layer.output_side();
        let mut plane = vec![0.0; layer.side * layer.side * layer.n_out];
        for pixel in 0..side * side {
            let (r, c) = (pixel / side, pixel % side);
            let at = y.at(b, r, c, 0);
            for o in 0..layer.n_out {
                if layer.relu && y.values()[at + o] <= 0.0 {
                    continue;
                }
                let (r, c) = if layer.pool {
                    let code = usize::from(codes[at + o]);
                    (2 * r + code / 2, 2 * c + code % 2)
                } else {
                    (r, c)
                };
                plane[(r * layer.side + c) * layer.n_out + o] = dy.values()[at + o];
            }
        }
        plane
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
        self.check(n_batch, x, y);
        self.check(n_batch, x, dy);
        let layer = &self.layer;
        let (n_in, n_out, side) = (layer.n_in(), layer.n_out, layer.side);
        let half = usize::from(layer.upsample);
        assert_eq!(d_weights.len(), layer.n_weights());
        let this = &*self;
        let planes: Vec<Vec<f32>> = (0..n_batch)
            .into_par_iter()
            .map(|b| this.unpool(b, y, codes, dy))
            .collect();
        d_bias.fill(0.0);
        for pixel in planes.iter().flat_map(|plane| plane.chunks(n_out)) {
            for (sum, value) in d_bias.iter_mut().zip(pixel) {
                *sum += value;
            }
        }
        let mut gradient = vec![0.0_f32; 9 * n_in * n_out];
        gradient
            .par_chunks_mut(n_in * n_out)
            .enumerate()
            .for_each(|(tap, gradient)| {
                for (b, plane) in planes.iter().enumerate() {
                    for (pixel, dy) in plane.chunks(n_out).enumerate() {
                        let (u, v) = (pixel / side + tap / 3, pixel % side + tap % 3);
                        if u == 0 || v == 0 || u > side || v > side {
                            continue;
                        }
                        let at = x.at(b, (u - 1) >> half, (v - 1) >> half, layer.channels.start);
                        for i in 0..n_in {
                            let value = x.values()[at + i];
                            let sums = &mut gradient[i * n_out..][..n_out];
                            for (sum, dy) in sums.iter_mut().zip(dy) {
                                *sum += value * dy;
                            }
                        }
                    }
                }
            });
        for o in 0..n_out {
            for i in 0..n_in {
                for tap in 0..9 {
                    d_weights[(o * n_in + i) * 9 + tap] = gradient[(tap * n_in + i) * n_out + o];
                }
            }
        }
        let Some((dx, accumulate)) = dx else { return };
        assert!(!self.inference);
        self.check(n_batch, dx, y);
        let (stride, input_side) = (dx.stride(), layer.input_side());
        dx.values_mut()
            .par_chunks_mut(input_side * input_side * stride)
            .zip(&planes)
            .for_each(|(dx, plane)| {
                if !accumulate {
                    dx.fill(0.0);
                }
                for (pixel, dy) in plane.chunks(n_out).enumerate() {
                    for tap in 0..9 {
                        let (u, v) = (pixel / side + tap / 3, pixel % side + tap % 3);
                        if u == 0 || v == 0 || u > side || v > side {
                            continue;
                        }
                        let at = ((u - 1) >> half) * input_side + ((v - 1) >> half);
                        for i in 0..n_in {
                            let weights = &this.weights[(tap * n_in + i) * n_out..][..n_out];
                            let mut sum = 0.0;
                            for (weight, dy) in weights.iter().zip(dy) {
                                sum += weight * dy;
                            }
                            dx[at * stride + layer.channels.start + i] += sum;
                        }
                    }
                }
            });
    }
}
