//! Exit waves of DM and RAAR: their start, and how a batch goes through them.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

mod difference_map;
pub(super) mod division;
mod reflections;
mod sums;

use pulp::Simd;
use rayon::prelude::*;

use super::modulus::Modulus;
use super::rooms::{Room, Workspace};
use super::sweeps::{AddIntensity, Changed};
use super::{Minibatch, N_CHUNKS};
use crate::fft::tile::Scratch;
use crate::fft::tile::fields::ExitWave;
use crate::fft::tile::strips::Direction::{Forward, Inverse};
use crate::fft::tile::strips::{CopyOf, Sweep, Untouched};
use crate::iterative::kernels::{Batch, FirstPass, PatternSums, ProbeWeight, Rule};
use crate::iterative::state::State;
use crate::simd::{Aligned, LANES, Real};

/// A pattern's exit waves and the probe's sums of its chunk.
struct Exit<'a, T> {
    i: usize,
    psi: &'a mut [T],
    adjoint: &'a mut [T],
    weight: &'a mut [T],
}

impl<'a, T: Real> Minibatch<'a, T> {
    /// A batch whose exit waves are projected.
    pub(super) fn projecting(batch: &'a Batch<'a, T>) -> Self {
        let pass = FirstPass {
            rule: Rule::Modulus,
            probe_weight: ProbeWeight::Plain,
            only_sums: false,
            n_kept: batch.settings.probe_modes,
        };
        Self { batch, pass }
    }

    /// Values of a pattern's exit waves.
    fn waves_len(&self) -> usize {
        self.batch.settings.probe_modes * self.batch.scan.tiling.field_len()
    }

    /// The exit waves `O P̃` of the whole scan.
    pub(super) fn begin_waves(&self, state: &mut State<T>, work: &Workspace<T>) {
        let mut waves = Aligned::zeros(self.batch.scan.n_patterns() * self.waves_len());
        let tiling = self.batch.scan.tiling;
        let field = tiling.field_len();
        let from = &*state;
        waves
            .par_chunks_mut(self.waves_len())
            .enumerate()
            .for_each(|(i, waves)| {
                let mut room = work.room();
                let room = &mut *room;
                let object = self.patch(&from.object, from, i);
                room.ramp.set(tiling, from.places[i].shift_px);
                for (k, to) in waves.chunks_exact_mut(field).enumerate() {
                    let probe = &mut room.shifted[..field];
                    let parts = (&room.ramp, &mut *room.a, &mut *room.b, &mut room.scratch);
                    self.shift_probe(from, work, parts, (i, k), probe);
                    work.arch().dispatch(ExitWave {
                        tiling,
                        object,
                        probe,
                        to,
                    });
                }
            });
        state.waves = waves;
    }

    /// The intensity in the room becomes the factors of the waves' change towards the measured modulus, over n².
    fn to_modulus(&self, work: &Workspace<T>, room: &mut Room<T>, i: usize) -> PatternSums {
        let scan = self.batch.scan;
        let amplitude = scan.amplitude(i, &mut room.frame, &mut room.amplitude);
        work.arch().dispatch(Modulus {
            tiling: scan.tiling,
            amplitude,
            used: scan.used(),
            intensity: &mut room.intensity,
            rule: self.pass.rule,
            step: 0.0,
        })
    }

    /// Detector waves of the exit waves `psi`, and the factors of their change towards the measured modulus.
    fn to_detector(&self, work: &Workspace<T>, room: &mut Room<T>, i: usize, psi: &[T]) {
        let field = self.batch.scan.tiling.field_len();
        let waves = room.waves.chunks_exact_mut(field);
        for (k, (from, wave)) in psi.chunks_exact(field).zip(waves).enumerate() {
            let parts = (&mut *room.a, &mut *room.intensity, &mut room.scratch);
            transform_exit(work, parts, k, CopyOf(from), wave);
        }
        self.to_modulus(work, room, i);
    }

    /// Go through the patterns in chunks with their exit waves; the probe's sums of each chunk are added to the state's.
    fn each(
        &self,
        state: &mut State<T>,
        work: &mut Workspace<T>,
        one: impl Fn(&State<T>, &Workspace<T>, &mut Room<T>, &mut Exit<T>) -> (PatternSums, f64) + Sync,
    ) -> Vec<(PatternSums, f64)> {
        let (waves_len, field) = (self.waves_len(), self.batch.scan.tiling.field_len());
        if work.adjoint_weight.is_empty() {
            work.adjoint_weight = Aligned::zeros(N_CHUNKS * field);
        }
        let mut waves = std::mem::take(&mut state.waves);
        let mut adjoint = std::mem::take(&mut work.adjoint);
        let mut weights = std::mem::take(&mut work.adjoint_weight);
        let mut psi = of_patterns(&mut waves, waves_len, self.batch.patterns);
        let mut results = vec![(PatternSums::default(), 0.0); psi.len()];
        let (chunk, shared, from) = (self.chunk_len(), &*work, &*state);
        (
            self.batch.patterns.par_chunks(chunk),
            psi.par_chunks_mut(chunk),
            adjoint.par_chunks_mut(waves_len),
            weights.par_chunks_mut(field),
            results.par_chunks_mut(chunk),
        )
            .into_par_iter()
            .for_each(|(patterns, psi, adjoint, weight, results)| {
                let mut room = shared.room();
                adjoint.fill(T::zero());
                weight.fill(T::zero());
                for ((&i, psi), result) in patterns.iter().zip(psi).zip(results) {
                    let mut exit = Exit {
                        i,
                        psi,
                        adjoint: &mut *adjoint,
                        weight: &mut *weight,
                    };
                    *result = one(from, shared, &mut *room, &mut exit);
                }
            });
        state.waves = waves;
        (work.adjoint, work.adjoint_weight) = (adjoint, weights);
        results
    }
}

/// The detector wave of mode `k` of an exit wave that a sweep fills, and its intensity; half of the way is in a field.
fn transform_exit<T: Real>(
    work: &Workspace<T>,
    (half, intensity, scratch): (&mut [T], &mut [T], &mut Scratch<T>),
    k: usize,
    exit: impl Sweep<T>,
    wave: &mut [T],
) {
    work.fft.begin(Forward, exit, half, scratch);
    let sweep = AddIntensity {
        is_first: k == 0,
        intensity,
    };
    work.fft.end(Forward, half, sweep, wave, scratch);
}

/// The change of the exit wave of mode `k`, in `room.b`, from its detector wave and the factors.
fn change_exit<T: Real>(work: &Workspace<T>, room: &mut Room<T>, k: usize) {
    let (fft, field) = (&work.fft, work.fft.tiling().field_len());
    let changed = Changed {
        wave: &room.waves[k * field..(k + 1) * field],
        factor: &room.intensity,
    };
    fft.begin(Inverse, changed, &mut room.a, &mut room.scratch);
    fft.end(Inverse, &room.a, Untouched, &mut room.b, &mut room.scratch);
}

/// The exit waves of these patterns, in their order.
fn of_patterns<'w, T>(waves: &'w mut [T], len: usize, patterns: &[usize]) -> Vec<&'w mut [T]> {
    let mut all: Vec<Option<&mut [T]>> = waves.chunks_exact_mut(len).map(Some).collect();
    patterns.iter().filter_map(|&i| all[i].take()).collect()
}

/// The real and imaginary registers of a row, to be written to.
type RowOfMut<'a, T, S> = (
    &'a mut [<T as Real>::Vector<S>],
    &'a mut [<T as Real>::Vector<S>],
);

/// Real and imaginary registers of the row of a field that starts at `at` in each plane, to be written to.
#[inline(always)]
fn row_of_mut<S: Simd, T: Real>(field: &mut [T], at: usize) -> RowOfMut<'_, T, S> {
    let (re, im) = field.split_at_mut(field.len() / 2);
    (
        T::vectors_mut::<S>(&mut re[at..at + LANES]),
        T::vectors_mut::<S>(&mut im[at..at + LANES]),
    )
}
