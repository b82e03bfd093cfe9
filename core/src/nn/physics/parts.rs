//! A batch dealt to threads: parts of neighbouring groups, each with its share of what is read and written.

use num_complex::Complex32;

use super::Plan;
use super::detector::TiledProbe;
use super::drawing::{Maps, MapsMut};
use super::group::{Group, GroupSums, Results, Room};
use crate::nn::architecture::Head;
use crate::nn::stepper::{Batch, Prediction};
use crate::tensor::Activations;
use crate::tensor::activations::CHANNEL_BLOCK;
use crate::tensor::poisson::Likelihood;

/// Something for every kind of head, in the order amplitude, phase, border amplitude, border phase; empty without one.
pub(super) type OfHeads<T> = [T; 4];

/// Neighbouring groups that one thread takes one after the other, and where their results go.
pub(super) struct Part<'a> {
    first: usize,
    sums: &'a mut [GroupSums],
    gradients: OfHeads<&'a mut [f32]>,
    d_probe: &'a mut [f32],
    objects: &'a mut [Complex32],
    amplitude: &'a mut [f32],
    patches: &'a mut [Complex32],
}

/// Everything that the groups of a batch share.
pub(super) struct Job<'a> {
    pub(super) plan: &'a Plan,
    pub(super) probe: &'a TiledProbe,
    pub(super) batch: &'a Batch,
    pub(super) offsets_px: &'a [[f64; 2]],
    pub(super) maps: OfHeads<&'a [f32]>,
    pub(super) likelihood: Likelihood,
    pub(super) variation_weight: f32,
    pub(super) gradient: bool,
}

/// Where the results of a batch go; what is not wanted is empty.
pub(super) struct Outputs<'a> {
    pub(super) sums: &'a mut [GroupSums],
    pub(super) gradients: OfHeads<&'a mut [f32]>,
    /// Tiled modes, one probe for each part.
    pub(super) d_probe: &'a mut [f32],
    pub(super) probe_len: usize,
    pub(super) prediction: Option<&'a mut Prediction>,
}

/// The maps of the heads, and where their gradients go if they are wanted.
pub(super) fn split_heads<'a>(
    heads: &'a mut [(Head, &Activations, &mut Activations)],
    gradient: bool,
) -> (OfHeads<&'a [f32]>, OfHeads<&'a mut [f32]>) {
    let (mut maps, mut gradients): (OfHeads<&[f32]>, OfHeads<&mut [f32]>) = Default::default();
    for (head, values, gradients_of_head) in heads {
        let place = match head {
            Head::Amplitude => 0,
            Head::Phase => 1,
            Head::BorderAmplitude => 2,
            Head::BorderPhase => 3,
        };
        maps[place] = values.values();
        if gradient {
            gradients[place] = gradients_of_head.values_mut();
        }
    }
    (maps, gradients)
}

impl Plan {
    /// Pixels of all patterns of a group.
    fn pixels(&self) -> usize {
        self.pen.n_channels * self.sides.n * self.sides.n
    }

    /// Values of one group in the maps of every kind of head.
    fn map_lens(&self) -> OfHeads<usize> {
        let stride = self.pen.n_channels.next_multiple_of(CHANNEL_BLOCK);
        let (central, ring) = (self.pen.central, self.pen.support);
        [central, central, ring, ring].map(|side| side * side * stride)
    }

    /// Deal `n_groups` groups in parts of `n_each`.
    pub(super) fn deal<'a>(
        &self,
        n_groups: usize,
        n_each: usize,
        outputs: Outputs<'a>,
    ) -> Vec<Part<'a>> {
        let (pixels, n) = (self.pixels(), self.sides.n);
        let (mut objects, mut amplitude, mut patches): (&mut [_], &mut [_], &mut [_]) =
            Default::default();
        if let Some(prediction) = outputs.prediction {
            let none = Complex32::default();
            prediction.objects.resize(n_groups * n * n, none);
            prediction.amplitude.resize(n_groups * pixels, 0.0);
            prediction.patches.resize(n_groups * pixels, none);
            objects = &mut prediction.objects;
            amplitude = &mut prediction.amplitude;
            patches = &mut prediction.patches;
        }
        let lens = self.map_lens();
        let mut gradients = outputs.gradients.into_iter().zip(lens);
        let mut gradient = || {
            let (values, len) = gradients.next().unwrap_or_default();
            shares(values, n_each * len)
        };
        let (mut a, mut b, mut c, mut d) = (gradient(), gradient(), gradient(), gradient());
        let mut d_probe = shares(outputs.d_probe, outputs.probe_len);
        let mut objects = shares(objects, n_each * n * n);
        let mut amplitude = shares(amplitude, n_each * pixels);
        let mut patches = shares(patches, n_each * pixels);
        let sums = outputs.sums.chunks_mut(n_each).enumerate();
        sums.map(|(i, sums)| Part {
            first: i * n_each,
            sums,
            gradients: [&mut a, &mut b, &mut c, &mut d].map(next),
            d_probe: next(&mut d_probe),
            objects: next(&mut objects),
            amplitude: next(&mut amplitude),
            patches: next(&mut patches),
        })
        .collect()
    }
}

/// Parts of `len` values, and empty ones after the last.
fn shares<T>(values: &mut [T], len: usize) -> std::slice::ChunksMut<'_, T> {
    values.chunks_mut(len.max(1))
}

fn next<'a, T>(shares: &mut std::slice::ChunksMut<'a, T>) -> &'a mut [T] {
    shares.next().unwrap_or_default()
}

/// The `i`-th of the parts of `len` values, or nothing.
fn nth<T>(values: &mut [T], i: usize, len: usize) -> &mut [T] {
    values.chunks_mut(len).nth(i).unwrap_or_default()
}

impl Job<'_> {
    /// All groups of a part.
    pub(super) fn run(&self, room: &mut Room, part: Part<'_>) {
        let Part {
            first,
            sums,
            mut gradients,
            d_probe,
            objects,
            amplitude,
            patches,
        } = part;
        let (pixels, c, n) = (
            self.plan.pixels(),
            self.plan.pen.n_channels,
            self.plan.sides.n,
        );
        let lens = self.plan.map_lens();
        for (i, sums) in sums.iter_mut().enumerate() {
            let g = first + i;
            let map = |head: usize| {
                self.maps[head]
                    .chunks(lens[head])
                    .nth(g)
                    .unwrap_or_default()
            };
            let group = Group {
                maps: Maps {
                    amplitude: map(0),
                    phase: map(1),
                    border_amplitude: map(2),
                    border_phase: map(3),
                },
                measured: &self.batch.amplitude[g * pixels..][..pixels],
                offsets_px: &self.offsets_px[g * c..][..c],
                likelihood: self.likelihood,
                variation_weight: self.variation_weight,
            };
            let [a, b, c, d] = &mut gradients;
            let mut results = Results {
                gradient: self.gradient.then(|| MapsMut {
                    amplitude: nth(a, i, lens[0]),
                    phase: nth(b, i, lens[1]),
                    border_amplitude: nth(c, i, lens[2]),
                    border_phase: nth(d, i, lens[3]),
                }),
                d_probe: &mut *d_probe,
                object: nth(objects, i, n * n),
                amplitude: nth(amplitude, i, pixels),
                patches: nth(patches, i, pixels),
            };
            *sums = room.pass(self.plan, self.probe, &group, &mut results);
        }
    }
}
