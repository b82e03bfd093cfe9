//! 3x3 convolution with bias, `ReLU`, 2x2 max-pool behind it or nearest 2x upsampling before it, and its adjoints, by
//! Winograd's F(4x4, 3x3) with the points 0, ±1/√2, ±√2, ∞.
//!
//! `y[o, r, c] = pool(relu(b[o] + Σ_{i, u, v} w[o, i, u, v] · up(x)[i, r + u - 1, c + v - 1]))`, zero outside.

mod convolve;
mod filters;
mod passes;
mod products;
mod tiles;
mod weights;
mod winograd;
mod workspace;

use std::ops::Range;
use std::sync::Arc;

use self::convolve::Finish;
use self::passes::{Pass, plane};
use self::products::PANEL;
use self::tiles::{Source, TILE};
use self::workspace::{Sizes, Workspace};
use crate::tensor::Activations;
use crate::tensor::dispatch::Kernel;

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
    /// Whether `ReLU` follows.
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

/// A layer with its weights and the room that its passes need.
///
/// The passes run in parallel on the rayon pool that they are called in; every sum runs in an order that does not depend
/// on the number of threads. No pass allocates.
#[derive(Debug)]
pub struct Conv3x3 {
    layer: ConvLayer,
    sizes: Sizes,
    n_batch: usize,
    kernel: Kernel,
    weights: Vec<f32>,
    /// For every channel stored.
    bias: Vec<f32>,
    inference: bool,
    workspace: Arc<Workspace>,
}

impl Conv3x3 {
    /// Plan a layer for batches of up to `n_batch` items and up to `n_threads` threads.
    ///
    /// # Panics
    /// If the side is no multiple of 4, or the channels are none or not all stored.
    pub fn new(layer: ConvLayer, n_batch: usize, n_threads: usize) -> Self {
        let workspace = Workspace::new(std::slice::from_ref(&layer), n_batch, n_threads);
        Self::sharing(layer, (n_batch, n_threads), workspace)
    }

    /// Plan layers that are used one after the other and share their scratch: it is as large as the largest needs, and
    /// stays in the caches.
    ///
    /// # Panics
    /// As [`Conv3x3::new`].
    pub fn plan(layers: &[ConvLayer], n_batch: usize, n_threads: usize) -> Vec<Self> {
        let workspace = Workspace::new(layers, n_batch, n_threads);
        layers
            .iter()
            .map(|layer| Self::sharing(layer.clone(), (n_batch, n_threads), Arc::clone(&workspace)))
            .collect()
    }

    fn sharing(
        layer: ConvLayer,
        (n_batch, n_threads): (usize, usize),
        workspace: Arc<Workspace>,
    ) -> Self {
        assert!(
            layer.side > 0 && layer.side.is_multiple_of(TILE),
            "a side of {}",
            layer.side
        );
        assert!(
            !layer.channels.is_empty() && layer.channels.end <= layer.n_stored && layer.n_out > 0
        );
        let sizes = Sizes::of(&layer, n_threads);
        Self {
            weights: vec![0.0; layer.n_weights()],
            bias: vec![0.0; sizes.out_stride],
            layer,
            sizes,
            n_batch,
            kernel: Kernel::best(),
            inference: false,
            workspace,
        }
    }

    /// Bytes that layers of one [`Conv3x3::plan`] hold.
    pub fn n_bytes(layers: &[Self]) -> usize {
        let own = |layer: &Self| size_of::<f32>() * (layer.weights.len() + layer.bias.len());
        let scratch = layers.first().map_or(0, |layer| layer.workspace.n_bytes());
        layers.iter().map(own).sum::<usize>() + scratch
    }

    /// With other vectors than the widest that the processor has; the portable ones where it does not have those.
    #[must_use]
    pub fn with_kernel(self, kernel: Kernel) -> Self {
        Self { kernel, ..self }
    }

    /// The layer.
    pub fn layer(&self) -> &ConvLayer {
        &self.layer
    }

    /// Take weights `(n_out, n_in, 3, 3)` and bias `(n_out)`. After weights for `inference` there is no pass backward.
    ///
    /// They are transformed when a pass needs them: that takes less time than to fetch nine times as many numbers from
    /// memory.
    ///
    /// # Panics
    /// If the lengths are others.
    pub fn load(&mut self, weights: &[f32], bias: &[f32], inference: bool) {
        self.weights.copy_from_slice(weights);
        self.bias[..self.layer.n_out].copy_from_slice(bias);
        self.inference = inference;
    }

    /// `y` and the places of its maxima (`codes` is as long as `y`'s values with a pool, else untouched); `n_batch` items
    /// of `x` and `y` from the first on.
    ///
    /// # Panics
    /// If a shape is another.
    pub fn forward(
        &self,
        n_batch: usize,
        x: &Activations,
        y: &mut Activations,
        codes: &mut PoolCodes,
    ) {
        self.check(n_batch, x, y);
        let (layer, sizes) = (&self.layer, &self.sizes);
        assert!(
            !layer.pool || codes.len() == y.values().len(),
            "{} codes",
            codes.len()
        );
        let shared = &mut *self.workspace.shared();
        let panels = 0..sizes.out_stride.div_ceil(PANEL);
        self.transform_filters(&panels, false, &mut shared.filters);
        let pass = Pass {
            source: Source::Input {
                x: plane(x),
                upsample: layer.upsample,
            },
            blocks: sizes.blocks,
            channels: sizes.channels.clone(),
            filters: &shared.filters,
            panels,
            finish: Finish::Output {
                bias: &self.bias,
                relu: layer.relu,
                pool: layer.pool,
            },
            stride: sizes.out_stride,
        };
        let codes = if layer.pool {
            codes.as_mut_slice()
        } else {
            &mut []
        };
        self.run(pass, n_batch, y.values_mut(), codes);
    }

    /// From `dy`, the gradient for `y` (pool and `ReLU` are undone here), the gradients for weights and bias (overwritten)
    /// and, where wanted, for `x`: overwritten (channels without weights become 0), or with `accumulate` added to.
    ///
    /// # Panics
    /// If a shape is another (`y` and `dy` must be planned for equally many items), or the weights were loaded for
    /// inference.
    #[expect(clippy::too_many_arguments, reason = "a layer's adjoint has these")]
    pub fn backward(
        &self,
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
        assert!(
            !self.inference,
            "a backward pass after weights for inference"
        );
        assert_eq!(y.n_batch(), dy.n_batch(), "items of y and dy");
        assert!(
            !layer.pool || codes.len() == y.values().len(),
            "{} codes",
            codes.len()
        );
        assert_eq!(
            (d_weights.len(), d_bias.len()),
            (layer.n_weights(), layer.n_out)
        );
        let shared = &mut *self.workspace.shared();
        let gradient = Source::Gradient {
            dy: plane(dy),
            y: layer.relu.then(|| y.with_outside()),
            codes: layer.pool.then_some(codes),
        };
        self.backward_weights(n_batch, (x, gradient), shared, d_weights);
        self.backward_bias(n_batch, &shared.sums, d_bias);
        if let Some((dx, accumulate)) = dx {
            self.check(n_batch, dx, y);
            self.backward_data(n_batch, gradient, shared, (dx, accumulate));
        }
    }

    fn check(&self, n_batch: usize, x: &Activations, y: &Activations) {
        let layer = &self.layer;
        assert!(
            n_batch <= self.n_batch,
            "{n_batch} items, planned for {}",
            self.n_batch
        );
        assert!(
            n_batch <= x.n_batch() && n_batch <= y.n_batch(),
            "{n_batch} items"
        );
        assert_eq!(
            (x.side(), x.n_channels()),
            (layer.input_side(), layer.n_stored)
        );
        assert_eq!(
            (y.side(), y.n_channels()),
            (layer.output_side(), layer.n_out)
        );
    }
}
