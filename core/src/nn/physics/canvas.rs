//! The canvas of a group: what the channels draw, merged where they lie, and seen again from each position.
//!
//! Planes stand transposed: (row, column) offsets come in as (column, row).
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use pulp::Arch;

use crate::nn::physics::MERGE_EPSILON;
use crate::simd::{Aligned, LANES};
use crate::tensor::elementary::Sweep;
use crate::tensor::shift::{Taps, resample_add};

/// Sides in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sides {
    /// Of a pattern.
    pub(super) n: usize,
    /// Of what a channel draws.
    pub(super) support: usize,
    /// Of the canvas.
    pub(super) canvas: usize,
}

impl Sides {
    /// Place on the canvas of the first pixel of a pattern at the centre.
    pub(super) fn margin(self) -> usize {
        (self.canvas - self.n) / 2
    }

    /// How pixels of the canvas take what a channel at `offset_px` draws.
    fn merge(self, offset_px: [f64; 2]) -> [Taps<f32>; 2] {
        let first = self.margin() + (self.n - self.support) / 2;
        offset_px.map(|offset| Taps::at(-offset).moved(-(first as isize)))
    }

    /// How pixels of a pattern at `offset_px` take what is on the canvas.
    fn view(self, offset_px: [f64; 2]) -> [Taps<f32>; 2] {
        offset_px.map(|offset| Taps::at(offset).moved(self.margin() as isize))
    }
}

/// A complex plane.
#[derive(Debug)]
pub(super) struct Plane {
    pub(super) re: Aligned<f32>,
    pub(super) im: Aligned<f32>,
    n_columns: usize,
}

impl Plane {
    pub(super) fn square(side: usize) -> Self {
        Self {
            re: Aligned::zeros(side * side),
            im: Aligned::zeros(side * side),
            n_columns: side,
        }
    }

    pub(super) fn n_bytes(&self) -> usize {
        self.re.n_bytes() + self.im.n_bytes()
    }

    fn clear(&mut self) {
        self.re.fill(0.0);
        self.im.fill(0.0);
    }

    fn add_resampled(&mut self, arch: Arch, from: &Self, taps: [Taps<f32>; 2], room: &mut [f32]) {
        let to = self.n_columns;
        arch.dispatch(Sweep(
            #[inline(always)]
            || {
                resample_add((&from.re, from.n_columns), (&mut self.re, to), taps, room);
                resample_add((&from.im, from.n_columns), (&mut self.im, to), taps, room);
            },
        ));
    }
}

/// The merged object of a group and its gradient.
#[derive(Debug)]
pub(super) struct Canvas {
    sides: Sides,
    /// The merged object.
    pub(super) merged: Plane,
    /// Its gradient.
    pub(super) gradient: Plane,
    /// `1 / (Σ_c T_c[w] + ε)`
    inverse_weight: Aligned<f32>,
    /// How much of each row and of each column of the canvas a support covers, `(c, 2, canvas)`.
    profiles: Vec<f32>,
    room: Vec<f32>,
}

impl Canvas {
    pub(super) fn new(sides: Sides, n_channels: usize) -> Self {
        Self {
            sides,
            merged: Plane::square(sides.canvas),
            gradient: Plane::square(sides.canvas),
            inverse_weight: Aligned::zeros(sides.canvas * sides.canvas),
            profiles: vec![0.0; n_channels * 2 * sides.canvas],
            room: vec![0.0; sides.canvas + 2],
        }
    }

    pub(super) fn n_bytes(&self) -> usize {
        let planes = self.merged.n_bytes() + self.gradient.n_bytes();
        let lines = size_of_val(&self.profiles[..]) + size_of_val(&self.room[..]);
        planes + self.inverse_weight.n_bytes() + lines
    }

    /// Nothing drawn; weights for channels at these offsets, whose pixels weigh `weights` (all alike if empty).
    pub(super) fn begin(&mut self, arch: Arch, offsets_px: &[[f64; 2]], weights: &[f32]) {
        self.merged.clear();
        self.gradient.clear();
        if weights.is_empty() {
            self.weigh_alike(arch, offsets_px);
        } else {
            self.weigh_by(arch, offsets_px, weights);
        }
    }

    fn weigh_by(&mut self, arch: Arch, offsets_px: &[[f64; 2]], weights: &[f32]) {
        let (sides, sums, room) = (self.sides, &mut self.inverse_weight, &mut self.room);
        sums.fill(MERGE_EPSILON);
        arch.dispatch(Sweep(
            #[inline(always)]
            || {
                for &offset_px in offsets_px {
                    let taps = sides.merge(offset_px);
                    resample_add((weights, sides.support), (sums, sides.canvas), taps, room);
                }
                for sum in sums.iter_mut() {
                    *sum = 1.0 / *sum;
                }
            },
        ));
    }

    fn weigh_alike(&mut self, arch: Arch, offsets_px: &[[f64; 2]]) {
        let Sides {
            support, canvas, ..
        } = self.sides;
        let profiles = self.profiles.chunks_exact_mut(2 * canvas);
        for (profiles, &offset_px) in profiles.zip(offsets_px) {
            let taps = self.sides.merge(offset_px);
            for (profile, taps) in profiles.chunks_exact_mut(canvas).zip(taps) {
                for (i, value) in profile.iter_mut().enumerate() {
                    *value = taps.of_ones(i, support);
                }
            }
        }
        let (weights, profiles) = (&mut self.inverse_weight, &self.profiles);
        arch.dispatch(Sweep(
            #[inline(always)]
            || {
                for (r, weights) in weights.chunks_exact_mut(canvas).enumerate() {
                    invert_row(weights, profiles, r);
                }
            },
        ));
    }

    /// Add what a channel draws.
    pub(super) fn add(&mut self, arch: Arch, object: &Plane, offset_px: [f64; 2]) {
        let taps = self.sides.merge(offset_px);
        self.merged
            .add_resampled(arch, object, taps, &mut self.room);
    }

    /// Divide by the weights: the merged object stands.
    pub(super) fn finish(&mut self, arch: Arch) {
        weigh(arch, &mut self.merged, &self.inverse_weight);
    }

    /// What a pattern at an offset sees.
    pub(super) fn view(&mut self, arch: Arch, offset_px: [f64; 2], view: &mut Plane) {
        view.clear();
        let taps = self.sides.view(offset_px);
        view.add_resampled(arch, &self.merged, taps, &mut self.room);
    }

    /// Adjoint of [`Canvas::view`].
    pub(super) fn view_adjoint(&mut self, arch: Arch, offset_px: [f64; 2], d_view: &Plane) {
        let taps = self.sides.view(offset_px).map(Taps::adjoint);
        self.gradient
            .add_resampled(arch, d_view, taps, &mut self.room);
    }

    /// Adjoint of [`Canvas::finish`].
    pub(super) fn finish_adjoint(&mut self, arch: Arch) {
        weigh(arch, &mut self.gradient, &self.inverse_weight);
    }

    /// Adjoint of [`Canvas::add`]: `d_object` is overwritten.
    pub(super) fn add_adjoint(&mut self, arch: Arch, offset_px: [f64; 2], d_object: &mut Plane) {
        d_object.clear();
        let taps = self.sides.merge(offset_px).map(Taps::adjoint);
        d_object.add_resampled(arch, &self.gradient, taps, &mut self.room);
    }

    /// Total variation of the central pattern, `Σ |D_r O|² + |D_c O|²` over its pixels and their next ones inside it; its
    /// gradient times `weight` is added.
    pub(super) fn variation(&mut self, arch: Arch, weight: f32) -> f64 {
        let (sides, merged, gradient) = (self.sides, &self.merged, &mut self.gradient);
        arch.dispatch(Sweep(
            #[inline(always)]
            || {
                let mut sum = 0.0;
                for row in 0..sides.n {
                    let start = (sides.margin() + row) * sides.canvas + sides.margin();
                    let mut add = |step: usize, len: usize| {
                        let range = (start, step, len);
                        sum += neighbours(&merged.re, &mut gradient.re, range, weight);
                        sum += neighbours(&merged.im, &mut gradient.im, range, weight);
                    };
                    add(1, sides.n - 1);
                    if row + 1 < sides.n {
                        add(sides.canvas, sides.n);
                    }
                }
                sum
            },
        ))
    }
}

/// Row `r` of `1 / (Σ_c T_c[support] + ε)`: a support is the product of its profiles.
#[inline(always)]
fn invert_row(weights: &mut [f32], profiles: &[f32], r: usize) {
    weights.fill(MERGE_EPSILON);
    for profiles in profiles.chunks_exact(2 * weights.len()) {
        let (rows, columns) = profiles.split_at(weights.len());
        if rows[r] > 0.0 {
            for (sum, &column) in weights.iter_mut().zip(columns) {
                *sum += rows[r] * column;
            }
        }
    }
    for sum in weights {
        *sum = 1.0 / *sum;
    }
}

/// `Σ (f[i + step] - f[i])²` for `len` values from `start` on; its gradient times `weight` is added.
#[inline(always)]
fn neighbours(
    plane: &[f32],
    gradient: &mut [f32],
    (start, step, len): (usize, usize, usize),
    weight: f32,
) -> f64 {
    let (this, next) = (&plane[start..][..len], &plane[start + step..][..len]);
    let mut lanes = [0.0; LANES];
    for (this, next) in this.chunks(LANES).zip(next.chunks(LANES)) {
        for ((sum, this), next) in lanes.iter_mut().zip(this).zip(next) {
            *sum += (next - this) * (next - this);
        }
    }
    if weight != 0.0 {
        let slope = 2.0 * weight;
        let at_this = gradient[start..].iter_mut().zip(this.iter().zip(next));
        at_this.for_each(|(gradient, (this, next))| *gradient -= slope * (next - this));
        let at_next = gradient[start + step..].iter_mut();
        let at_next = at_next.zip(this.iter().zip(next));
        at_next.for_each(|(gradient, (this, next))| *gradient += slope * (next - this));
    }
    lanes.iter().map(|&sum| f64::from(sum)).sum()
}

/// Multiply a plane by `weight`, pixel by pixel.
pub(super) fn weigh(arch: Arch, plane: &mut Plane, weight: &[f32]) {
    arch.dispatch(Sweep(
        #[inline(always)]
        || {
            for plane in [&mut plane.re, &mut plane.im] {
                for (value, &weight) in plane.iter_mut().zip(weight) {
                    *value *= weight;
                }
            }
        },
    ));
}
