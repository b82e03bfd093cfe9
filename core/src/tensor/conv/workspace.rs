//! Memory of the passes, planned once and shared by the layers of a network, so that it stays in the caches.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::ConvLayer;
use super::convolve::{Convolve, filter_stride};
use super::products::PANEL;
use super::tiles::{FieldShape, Group, TILE};
use super::winograd::N_POINTS;
use crate::simd::Aligned;
use crate::tensor::activations::CHANNEL_BLOCK;

/// Tiles of a group, so that its fields stay in a core's cache (a row of tiles may be longer).
const GROUP_TILES: usize = 16;
/// The same for layers whose weights do not stay there: the more, the less often they are fetched.
const GROUP_TILES_OF_MANY_CHANNELS: usize = 32;
/// From how many weights on those are.
const MANY_WEIGHTS: usize = 200 * 200 * 9;
/// Tiles of a group of the weights' gradient: the more, the less often the products are fetched.
const WEIGHTS_GROUP_TILES: usize = 32;
/// Fields that a block of the weights' gradient takes, so that they stay in the shared cache: as much as the products
/// that are fetched once for each, between these bounds.
const BLOCK_BYTES: [usize; 2] = [2 << 20, 8 << 20];

/// What a layer's passes need to know of its size.
#[derive(Clone, Debug)]
pub(super) struct Sizes {
    /// First channel of the input that is transformed and how many, whole blocks of 16.
    pub blocks: (usize, usize),
    /// Those of them that have weights.
    pub channels: std::ops::Range<usize>,
    /// Panels of the input that have weights.
    pub input_panels: std::ops::Range<usize>,
    /// Channels of the output as stored.
    pub out_stride: usize,
    /// Rows of tiles of a group.
    pub pass_rows: usize,
    /// Rows of tiles of a group of the weights' gradient.
    pub group_rows: usize,
    /// Groups of a block of the weights' gradient, as many for each thread. The sums run through the groups one after
    /// the other, so blocks do not change them.
    pub block_groups: usize,
    /// Fields of input and gradient, for a full group.
    pub shapes: (FieldShape, FieldShape),
}

impl Sizes {
    pub(super) fn of(layer: &ConvLayer, n_threads: usize) -> Self {
        let first = layer.channels.start / CHANNEL_BLOCK * CHANNEL_BLOCK;
        let n_blocks = (layer.channels.end - first).next_multiple_of(CHANNEL_BLOCK);
        let out_stride = layer.n_out.next_multiple_of(CHANNEL_BLOCK);
        let group_rows = (WEIGHTS_GROUP_TILES * TILE / layer.side).max(1);
        let n_tiles = group_rows * layer.side / TILE;
        let shapes = (
            FieldShape::new(n_tiles, n_blocks),
            FieldShape::new(n_tiles, out_stride),
        );
        let pass_tiles = if layer.n_weights() < MANY_WEIGHTS {
            GROUP_TILES
        } else {
            GROUP_TILES_OF_MANY_CHANNELS
        };
        let group_bytes = size_of::<f32>() * (shapes.0.len() + shapes.1.len());
        let product_bytes = size_of::<f32>() * N_POINTS * layer.n_in() * out_stride;
        let block_bytes = product_bytes.clamp(BLOCK_BYTES[0], BLOCK_BYTES[1]);
        Self {
            blocks: (first, n_blocks),
            channels: layer.channels.start - first..layer.channels.end - first,
            input_panels: layer.channels.start / PANEL..layer.channels.end.div_ceil(PANEL),
            out_stride,
            pass_rows: (pass_tiles * TILE / layer.side).max(1),
            group_rows,
            block_groups: (block_bytes / group_bytes)
                .max(2)
                .next_multiple_of(n_threads.max(1)),
            shapes,
        }
    }

    /// Tiles of a full group of the weights' gradient.
    pub(super) fn group_tiles(&self, side: usize) -> usize {
        self.group_rows * side / TILE
    }

    /// Channels of the input that the products are formed for: those with weights and before, a multiple of 8.
    pub(super) fn product_rows(&self) -> usize {
        self.channels.end.next_multiple_of(8)
    }

    /// Values from point to point of the products.
    pub(super) fn product_stride(&self) -> usize {
        self.out_stride.div_ceil(PANEL) * filter_stride(self.product_rows())
    }
}

/// Groups of `rows` rows of tiles that a batch is cut into.
pub(super) fn groups(side: usize, n_batch: usize, rows: usize) -> impl Fn(usize) -> Group {
    let n_rows = n_batch * (side / TILE);
    move |n| Group {
        side,
        first_row: n * rows,
        n_rows: rows.min(n_rows.saturating_sub(n * rows)),
    }
}

/// Memory of the passes.
#[derive(Debug)]
pub(super) struct Workspace {
    /// One for each thread.
    slots: Vec<Mutex<Aligned<f32>>>,
    shared: Mutex<Shared>,
}

/// Memory that the threads of a pass share.
#[derive(Debug)]
pub(super) struct Shared {
    /// Transformed weights.
    pub filters: Aligned<f32>,
    /// Fields of a block of groups.
    pub fields: Aligned<f32>,
    /// Gradients for the transformed weights.
    pub products: Aligned<f32>,
    /// Sums of the gradient, for every group.
    pub sums: Aligned<f32>,
}

impl Workspace {
    /// Enough for every one of the layers.
    pub(super) fn new(layers: &[ConvLayer], n_batch: usize, n_threads: usize) -> Arc<Self> {
        let mut longest = [0; 5];
        for layer in layers {
            let sizes = Sizes::of(layer, n_threads);
            let n_tiles = sizes.pass_rows * layer.side / TILE;
            let n_groups = (n_batch * layer.side / TILE).div_ceil(sizes.group_rows);
            let [out_panels, in_panels] =
                [sizes.out_stride.div_ceil(PANEL), sizes.input_panels.len()];
            let needs = [
                Convolve::room(n_tiles, sizes.blocks.1.max(sizes.out_stride)),
                N_POINTS
                    * (out_panels * filter_stride(layer.n_in()))
                        .max(in_panels * filter_stride(layer.n_out)),
                sizes.block_groups.min(n_groups) * (sizes.shapes.0.len() + sizes.shapes.1.len()),
                N_POINTS * sizes.product_stride(),
                n_groups * sizes.out_stride,
            ];
            for (longest, need) in longest.iter_mut().zip(needs) {
                *longest = need.max(*longest);
            }
        }
        let [slot, filters, fields, products, sums] = longest;
        Arc::new(Self {
            slots: (0..n_threads.max(1))
                .map(|_| Mutex::new(Aligned::zeros(slot)))
                .collect(),
            shared: Mutex::new(Shared {
                filters: Aligned::zeros(filters),
                fields: Aligned::zeros(fields),
                products: Aligned::zeros(products),
                sums: Aligned::zeros(sums),
            }),
        })
    }

    /// Bytes that it holds.
    pub(super) fn n_bytes(&self) -> usize {
        let slot = self.slot().n_bytes();
        let shared = self.shared();
        let parts = [
            &shared.filters,
            &shared.fields,
            &shared.products,
            &shared.sums,
        ];
        let shared: usize = parts.iter().map(|part| part.n_bytes()).sum();
        self.slots.len() * slot + shared
    }

    /// The calling thread's scratch.
    pub(super) fn slot(&self) -> MutexGuard<'_, Aligned<f32>> {
        let n = rayon::current_thread_index().unwrap_or(0) % self.slots.len();
        self.slots[n].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the threads share.
    pub(super) fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
