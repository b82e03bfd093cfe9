//! The passes of a layer: work for the threads, group by group.

use std::ops::Range;

use rayon::prelude::*;

use super::Conv3x3;
use super::convolve::{Convolve, Finish, filter_stride};
use super::filters::{Gradients, N_TAPS, TransformFilters};
use super::products::PANEL;
use super::tiles::{Plane, Source, TILE};
use super::weights::{Products, TransformGroup};
use super::winograd::N_POINTS;
use super::workspace::{Shared, groups};
use crate::tensor::Activations;
use crate::tensor::activations::CHANNEL_BLOCK;

impl Conv3x3 {
    pub(super) fn backward_weights(
        &self,
        n_batch: usize,
        (x, dy): (&Activations, Source<'_>),
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
                    kernel.run(TransformGroup {
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

    pub(super) fn backward_bias(&self, n_batch: usize, sums: &[f32], d_bias: &mut [f32]) {
        let n_groups = (n_batch * self.layer.side / TILE).div_ceil(self.sizes.group_rows);
        let stride = self.sizes.out_stride;
        for (channel, d_bias) in d_bias.iter_mut().enumerate() {
            let sum: f64 = (0..n_groups)
                .map(|n| f64::from(sums[n * stride + channel]))
                .sum();
            *d_bias = sum as f32;
        }
    }

    pub(super) fn backward_data(
        &self,
        n_batch: usize,
        gradient: Source<'_>,
        shared: &mut Shared,
        (dx, accumulate): (&mut Activations, bool),
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
    pub(super) fn transform_filters(
        &self,
        panels: &Range<usize>,
        adjoint: bool,
        filters: &mut [f32],
    ) {
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
    pub(super) fn run(&self, pass: Pass<'_>, n_batch: usize, output: &mut [f32], codes: &mut [u8]) {
        let side = self.layer.side;
        let n_rows = n_batch * side / TILE;
        let rows = self
            .sizes
            .pass_rows
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
}

/// What the groups of a pass have in common; see [`Convolve`].
pub(super) struct Pass<'a> {
    pub source: Source<'a>,
    pub blocks: (usize, usize),
    pub channels: Range<usize>,
    pub filters: &'a [f32],
    pub panels: Range<usize>,
    pub finish: Finish<'a>,
    pub stride: usize,
}

/// Feature maps to cut tiles from.
pub(super) fn plane(maps: &Activations) -> Plane<'_> {
    Plane {
        values: maps.with_outside(),
        side: maps.side(),
        stride: maps.stride(),
    }
}
