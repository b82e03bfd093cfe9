//! One group of patterns, forward and backward.

use num_complex::Complex32;

use super::Plan;
use super::canvas::{Canvas, Plane, weigh};
use super::detector::{Detector, Exposure, TiledProbe};
use super::drawing::{Drawing, Maps, MapsMut};
use crate::tensor::poisson::{Likelihood, LikelihoodSums};

/// Room for one group: what a thread needs.
#[derive(Debug)]
pub(super) struct Room {
    drawing: Drawing,
    /// What one channel draws, or its gradient.
    object: Plane,
    canvas: Canvas,
    view: Plane,
    d_view: Plane,
    detector: Detector,
}

/// Sums over a group.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct GroupSums {
    pub(super) likelihood: LikelihoodSums,
    pub(super) variation: f64,
}

/// A group's data and what is wanted of it; slices that are not wanted are empty.
pub(super) struct Group<'a> {
    pub(super) maps: Maps<'a>,
    /// `(c, n, n)`, √counts.
    pub(super) measured: &'a [f32],
    /// Offsets of the channels as (column, row), as the planes stand.
    pub(super) offsets_px: &'a [[f64; 2]],
    pub(super) likelihood: Likelihood,
    /// Weight of the variation's sum in the gradient.
    pub(super) variation_weight: f32,
}

/// Where a group's results go; what is not wanted is empty.
#[derive(Default)]
pub(super) struct Results<'a> {
    pub(super) gradient: Option<MapsMut<'a>>,
    /// Tiled modes, added to.
    pub(super) d_probe: &'a mut [f32],
    /// `(n, n)`
    pub(super) object: &'a mut [Complex32],
    /// `(c, n, n)`
    pub(super) amplitude: &'a mut [f32],
    /// `(c, n, n)`
    pub(super) patches: &'a mut [Complex32],
}

impl Room {
    pub(super) fn new(plan: &Plan, n_modes: usize) -> Self {
        Self {
            drawing: Drawing::new(plan.pen),
            object: Plane::square(plan.sides.support),
            canvas: Canvas::new(plan.sides, plan.pen.n_channels),
            view: Plane::square(plan.sides.n),
            d_view: Plane::square(plan.sides.n),
            detector: Detector::new(&plan.fft, n_modes),
        }
    }

    pub(super) fn n_bytes(&self) -> usize {
        let planes = [&self.object, &self.view, &self.d_view];
        let planes: usize = planes.map(Plane::n_bytes).iter().sum();
        planes + self.drawing.n_bytes() + self.canvas.n_bytes() + self.detector.n_bytes()
    }

    /// Losses of a group and their gradients.
    pub(super) fn pass(
        &mut self,
        plan: &Plan,
        probe: &TiledProbe,
        group: &Group<'_>,
        results: &mut Results<'_>,
    ) -> GroupSums {
        let arch = plan.fft.arch();
        self.merge(plan, group, results);
        let mut sums = GroupSums {
            variation: self.canvas.variation(arch, group.variation_weight),
            ..GroupSums::default()
        };
        let pixels = plan.sides.n * plan.sides.n;
        for (channel, &offset_px) in group.offsets_px.iter().enumerate() {
            self.canvas.view(arch, offset_px, &mut self.view);
            let predicted = channel_of(results.amplitude, channel, pixels);
            let mut exposure = Exposure {
                measured: &group.measured[channel * pixels..][..pixels],
                likelihood: group.likelihood,
                gradient: results.gradient.is_some(),
                predicted,
            };
            let found = self
                .detector
                .expose(&plan.fft, probe, &self.view, &mut exposure);
            sums.likelihood.nll += found.nll;
            sums.likelihood.mae += found.mae;
            sums.likelihood.n_pixels += found.n_pixels;
            if results.gradient.is_some() {
                let views = (&self.view, &mut self.d_view);
                self.detector
                    .backward(&plan.fft, probe, views, results.d_probe);
                self.canvas.view_adjoint(arch, offset_px, &self.d_view);
            }
        }
        if let Some(maps) = &mut results.gradient {
            self.canvas.finish_adjoint(arch);
            for (channel, &offset_px) in group.offsets_px.iter().enumerate() {
                self.canvas.add_adjoint(arch, offset_px, &mut self.object);
                if !plan.weights.is_empty() {
                    weigh(arch, &mut self.object, &plan.weights);
                }
                let (re, im) = (&self.object.re, &self.object.im);
                self.drawing.backward(arch, channel, re, im);
            }
            self.drawing.write_gradients(arch, plan.pen, maps);
        }
        sums
    }

    /// Draw all channels and merge them.
    fn merge(&mut self, plan: &Plan, group: &Group<'_>, results: &mut Results<'_>) {
        let (arch, sides) = (plan.fft.arch(), plan.sides);
        self.drawing.draw(arch, plan.pen, &group.maps);
        self.canvas.begin(arch, group.offsets_px, &plan.weights);
        for (channel, &offset_px) in group.offsets_px.iter().enumerate() {
            let (re, im) = (&mut self.object.re, &mut self.object.im);
            self.drawing.object(arch, channel, re, im);
            let patch = channel_of(results.patches, channel, sides.n * sides.n);
            show(&self.object, sides.support, patch, sides.n);
            if !plan.weights.is_empty() {
                weigh(arch, &mut self.object, &plan.weights);
            }
            self.canvas.add(arch, &self.object, offset_px);
        }
        self.canvas.finish(arch);
        show(&self.canvas.merged, sides.canvas, results.object, sides.n);
    }
}

/// The part of a channel, or nothing where nothing is wanted.
fn channel_of<T>(values: &mut [T], channel: usize, len: usize) -> &mut [T] {
    values
        .chunks_exact_mut(len)
        .nth(channel)
        .unwrap_or_default()
}

/// Write the middle of a plane of `side`, zero where it does not reach, as a picture `(n, n)`: transposed back.
fn show(plane: &Plane, side: usize, picture: &mut [Complex32], n: usize) {
    for (i, pixel) in picture.iter_mut().enumerate() {
        // Both middles are at half the side.
        let place = |i: usize| (i + side / 2).checked_sub(n / 2).filter(|&i| i < side);
        *pixel = match (place(i % n), place(i / n)) {
            (Some(row), Some(column)) => {
                let at = row * side + column;
                Complex32::new(plane.re[at], plane.im[at])
            }
            _ => Complex32::default(),
        };
    }
}
