//! The gradient for the weights: transform tiles of input and gradient, multiply over all tiles, transform back.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use super::products::{self, PANEL};
use super::tiles::{self, FieldShape, Group, Source};
use crate::tensor::dispatch::{Machine, Task};

/// Fields of a group: of the input, `Bᵀ x B`, and of the gradient, `A dy Aᵀ`.
#[derive(Debug)]
pub(super) struct TransformGroup<'a> {
    /// The layer's input.
    pub x: Source<'a>,
    /// The gradient for what it has before `ReLU` and pool.
    pub dy: Source<'a>,
    /// Which tiles.
    pub group: Group,
    /// First channel of the input that is transformed and how many, whole blocks of 16.
    pub blocks: (usize, usize),
    /// Shapes of the two fields, for a full group.
    pub shapes: (FieldShape, FieldShape),
    /// Both fields, one behind the other.
    pub fields: &'a mut [f32],
    /// Sums of the gradient over the group's pixels, a value for every channel stored.
    pub sums: &'a mut [f32],
}

impl Task for TransformGroup<'_> {
    #[inline(always)]
    fn run<M: Machine>(self, m: M) {
        let (x, dy) = self.fields.split_at_mut(self.shapes.0.len());
        tiles::input_fields(m, &self.x, &self.group, self.blocks, (x, self.shapes.0));
        tiles::gradient_fields(m, &self.dy, &self.group, self.sums, (dy, self.shapes.1));
    }
}

/// `product[i][o] (+)= Σ_tiles x[i] dy[o]` at one point.
#[derive(Debug)]
pub(super) struct Products<'a> {
    /// Fields of some groups, one behind the other.
    pub fields: &'a [f32],
    /// Tiles of all of them together.
    pub n_tiles: usize,
    /// Tiles of a full group.
    pub group_tiles: usize,
    /// Shapes of the two fields of a group.
    pub shapes: (FieldShape, FieldShape),
    /// Which point.
    pub point: usize,
    /// Channels of the input, a multiple of 8.
    pub n_rows: usize,
    /// Channels of the output as stored.
    pub n_columns: usize,
    /// `[out / 32][channel][out % 32]`
    pub product: &'a mut [f32],
    /// Whether it is added to what is there.
    pub accumulate: bool,
}

impl Task for Products<'_> {
    #[inline(always)]
    fn run<M: Machine>(self, m: M) {
        let Self {
            fields,
            n_tiles,
            group_tiles,
            shapes,
            point,
            n_rows,
            n_columns,
            product,
            accumulate,
        } = self;
        let group_len = shapes.0.len() + shapes.1.len();
        let product = product.as_chunks_mut().0;
        for first_column in (0..n_columns).step_by(PANEL) {
            let column = first_column / PANEL;
            for first_row in (0..n_rows).step_by(PANEL) {
                let row = first_row / PANEL;
                let groups = fields
                    .chunks_exact(group_len)
                    .enumerate()
                    .map(|(n, fields)| {
                        let (x, dy) = fields.split_at(shapes.0.len());
                        let here = n_tiles.saturating_sub(n * group_tiles).min(group_tiles);
                        let x = tiles::rows(x, shapes.0.stride(), point, shapes.0.point());
                        let dy = tiles::rows(dy, shapes.1.stride(), point, shapes.1.point());
                        (
                            &x[row * shapes.0.n_tiles..][..here],
                            &dy[column * shapes.1.n_tiles..][..here],
                        )
                    });
                let end = n_rows.min(first_row + PANEL);
                let product = &mut product[column * n_rows + first_row..column * n_rows + end];
                products::adjoint(
                    m,
                    groups,
                    (product, n_columns - first_column < PANEL),
                    accumulate,
                );
            }
        }
    }
}
