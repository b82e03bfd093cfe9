//! 3x3 convolution with bias, ReLU, 2x2 max-pool behind it or nearest 2x upsampling before it, and its adjoints, by
//! Winograd's F(4x4, 3x3) with the points 0, ±1/√2, ±√2, ∞.
//!
//! `y[o, r, c] = pool(relu(b[o] + Σ_{i, u, v} w[o, i, u, v] · up(x)[i, r + u - 1, c + v - 1]))`, zero outside.

mod convolve;
mod filters;
mod products;
mod tiles;
mod weights;
mod winograd;
mod workspace;

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use self::convolve::{Convolve, Finish, filter_stride};
use self::filters::{Gradients, N_TAPS, TransformFilters};
use self::products::PANEL;
use self::tiles::{Plane, Source, TILE};
use self::weights::{Fields, Products};
use self::winograd::N_POINTS;
use self::workspace::{Shared, Sizes, Workspace, groups};
use crate::tensor::Activations;
use crate::tensor::activations::CHANNEL_BLOCK;
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
        Self::sharing(layer, n_batch, workspace)
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
            .map(|layer| Self::sharing(layer.clone(), n_batch, Arc::clone(&workspace)))
            .collect()
    }

    fn sharing(layer: ConvLayer, n_batch: usize, workspace: Arc<Workspace>) -> Self {
        assert!(
            layer.side > 0 && layer.side.is_multiple_of(TILE),
            "a side of {}",
            layer.side
        );
        assert!(
            !layer.channels.is_empty() && layer.channels.end <= layer.n_stored && layer.n_out > 0
        );
        let sizes = Sizes::of(&layer);
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
        &mut self,
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

    /// From `dy`, the gradient for `y` (pool and ReLU are undone here), the gradients for weights and bias (overwritten)
    /// and, where wanted, for `x`: overwritten (channels without weights become 0), or with `accumulate` added to.
    ///
    /// # Panics
    /// If a shape is another (`y` and `dy` must be planned for equally many items), or the weights were loaded for
    /// inference.
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
        self.backward_weights(n_batch, x, gradient, shared, d_weights);
        self.backward_bias(n_batch, &shared.sums, d_bias);
        if let Some((dx, accumulate)) = dx {
            self.check(n_batch, dx, y);
            self.backward_data(n_batch, gradient, shared, dx, accumulate);
        }
    }

    fn backward_weights(
        &self,
        n_batch: usize,
        x: &Activations,
        dy: Source<'_>,
        shared: &mut Shared,
        d_weights: &mut [f32],
    ) {
        let (layer, sizes, kernel) = (&self.layer, &self.sizes, self.kernel);
        let x = Source::Input {
            x: plane(x),
            upsample: layer.upsample,
        };
        let group = groups(layer.side, n_batch, sizes.group_rows);
        let n_groups = (n_batch * layer.side / TILE).div_ceil(sizes.group_rows);
        let group_len = sizes.shapes.0.len() + sizes.shapes.1.len();
        let (n_rows, stride) = (sizes.product_rows(), sizes.product_stride());
        let panels = sizes.out_stride.div_ceil(PANEL);
        for first in (0..n_groups).step_by(sizes.block_groups) {
            let here = sizes.block_groups.min(n_groups - first);
            let fields = &mut shared.fields[..here * group_len];
            fields
                .par_chunks_mut(group_len)
                .zip(shared.sums[first * sizes.out_stride..].par_chunks_mut(sizes.out_stride))
                .enumerate()
                .for_each(|(n, (fields, sums))| {
                    kernel.run(Fields {
                        x,
                        dy,
                        group: group(first + n),
                        blocks: sizes.blocks,
                        shapes: sizes.shapes,
                        fields,
                        sums,
                    });
                });
            let n_tiles = (0..here).map(|n| group(first + n).n_tiles()).sum();
            let fields = &shared.fields[..here * group_len];
            shared.products[..N_POINTS * stride]
                .par_chunks_mut(stride)
                .enumerate()
                .for_each(|(point, product)| {
                    kernel.run(Products {
                        fields,
                        n_tiles,
                        group_tiles: sizes.group_tiles(layer.side),
                        shapes: sizes.shapes,
                        point,
                        n_rows,
                        n_columns: sizes.out_stride,
                        product: &mut product[..panels * n_rows * PANEL],
                        accumulate: first > 0,
                    });
                });
        }
        let products = &shared.products[..N_POINTS * stride];
        d_weights
            .par_chunks_mut(CHANNEL_BLOCK * N_TAPS * layer.n_in())
            .enumerate()
            .for_each(|(n, d_weights)| {
                let first = n * CHANNEL_BLOCK;
                kernel.run(Gradients {
                    products,
                    stride,
                    first: first / PANEL * n_rows * PANEL + first % PANEL,
                    channels: sizes.channels.clone(),
                    d_weights,
                });
            });
    }

    fn backward_bias(&self, n_batch: usize, sums: &[f32], d_bias: &mut [f32]) {
        let n_groups = (n_batch * self.layer.side / TILE).div_ceil(self.sizes.group_rows);
        let stride = self.sizes.out_stride;
        for (channel, d_bias) in d_bias.iter_mut().enumerate() {
            let sum: f64 = (0..n_groups)
                .map(|n| f64::from(sums[n * stride + channel]))
                .sum();
            *d_bias = sum as f32;
        }
    }

    fn backward_data(
        &self,
        n_batch: usize,
        gradient: Source<'_>,
        shared: &mut Shared,
        dx: &mut Activations,
        accumulate: bool,
    ) {
        let (layer, sizes) = (&self.layer, &self.sizes);
        let stride = dx.stride();
        let panels = sizes.input_panels.clone();
        self.transform_filters(&panels, true, &mut shared.filters);
        let (start, end) = (panels.start * PANEL, stride.min(panels.end * PANEL));
        let used = n_batch * layer.input_side() * layer.input_side() * stride;
        if !accumulate && (start > 0 || end < stride) {
            dx.values_mut()[..used]
                .par_chunks_mut(stride)
                .for_each(|pixel| {
                    pixel[..start].fill(0.0);
                    pixel[end..].fill(0.0);
                });
        }
        let pass = Pass {
            source: gradient,
            blocks: (0, sizes.out_stride),
            channels: 0..layer.n_out,
            filters: &shared.filters,
            panels,
            finish: Finish::Gradient {
                upsample: layer.upsample,
                accumulate,
            },
            stride,
        };
        self.run(pass, n_batch, dx.values_mut(), &mut []);
    }

    /// Transform the weights of some panels of the output, or for the `adjoint` of the input.
    fn transform_filters(&self, panels: &Range<usize>, adjoint: bool, filters: &mut [f32]) {
        let layer = &self.layer;
        let n_k = if adjoint { layer.n_out } else { layer.n_in() };
        let offset = if adjoint { layer.channels.start } else { 0 };
        filters
            .par_chunks_mut(N_POINTS * filter_stride(n_k))
            .zip(panels.clone())
            .for_each(|(filters, panel)| {
                self.kernel.run(TransformFilters {
                    weights: &self.weights,
                    n_in: layer.n_in(),
                    first: (panel * PANEL) as isize - offset as isize,
                    adjoint,
                    filters,
                });
            });
    }

    /// A pass over all groups of a batch.
    fn run(&self, pass: Pass<'_>, n_batch: usize, output: &mut [f32], codes: &mut [u8]) {
        let side = self.layer.side;
        let n_rows = n_batch * side / TILE;
        let rows = self
            .sizes
            .group_rows
            .min(n_rows.div_ceil(rayon::current_num_threads()));
        let row_len = pass.finish.pixels() * (side / TILE * pass.finish.pixels()) * pass.stride;
        let group = groups(side, n_batch, rows);
        let convolve = |n: usize, output: &mut [f32], codes: &mut [u8]| {
            let scratch = &mut *self.workspace.slot();
            self.kernel.run(Convolve {
                source: pass.source,
                group: group(n),
                blocks: pass.blocks,
                channels: pass.channels.clone(),
                filters: pass.filters,
                panels: pass.panels.clone(),
                finish: pass.finish,
                output,
                stride: pass.stride,
                codes,
                scratch,
            });
        };
        let output = output[..n_rows * row_len]
            .par_chunks_mut(rows * row_len)
            .enumerate();
        if codes.is_empty() {
            output.for_each(|(n, output)| convolve(n, output, &mut []));
        } else {
            output
                .zip(codes.par_chunks_mut(rows * row_len))
                .for_each(|((n, output), codes)| convolve(n, output, codes));
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

/// What the groups of a pass have in common; see [`Convolve`].
struct Pass<'a> {
    source: Source<'a>,
    blocks: (usize, usize),
    channels: Range<usize>,
    filters: &'a [f32],
    panels: Range<usize>,
    finish: Finish<'a>,
    stride: usize,
}

fn plane(maps: &Activations) -> Plane<'_> {
    Plane {
        values: maps.with_outside(),
        side: maps.side(),
        stride: maps.stride(),
    }
}
