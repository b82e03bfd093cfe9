//! Exit waves of DM and RAAR: their reflections, and the sums that object and probe are made of.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use std::sync::PoisonError;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::modulus::Modulus;
use super::pie::{Share, largest};
use super::sweeps::{Project, add_assign, add_chunks};
use super::{BAND_ROWS, Minibatch, N_CHUNKS, Room, Workspace};
use crate::fft::tile::Tiling;
use crate::fft::tile::fields::{ApplyRamp, ExitWave, Patch, RowOf, times, times_conj};
use crate::iterative::Compatibility;
use crate::iterative::kernels::{
    Batch, Canvas, FirstPass, MOST_AMPLITUDE, PatternSums, ProbeWeight, Rule,
};
use crate::iterative::state::State;
use crate::simd::{Aligned, LANES, Real};

/// Values that one thread takes at a time.
const PART: usize = 4096;

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

    /// Detector waves in the room become their change towards the measured modulus, over n².
    fn to_modulus(&self, work: &Workspace<T>, room: &mut Room<T>, i: usize) -> PatternSums {
        let scan = self.batch.scan;
        let amplitude = scan.amplitude(i, &mut room.frame, &mut room.amplitude);
        work.arch().dispatch(Modulus {
            tiling: scan.tiling,
            waves: &mut room.waves,
            amplitude,
            used: scan.used(),
            intensity: &mut room.intensity,
            rule: self.pass.rule,
            step: 0.0,
        })
    }

    /// Detector waves of the exit waves `psi`, changed towards the measured modulus.
    fn change_of(&self, work: &Workspace<T>, room: &mut Room<T>, i: usize, psi: &[T]) {
        let field = self.batch.scan.tiling.field_len();
        let to = room.waves.chunks_exact_mut(field);
        for (from, to) in psi.chunks_exact(field).zip(to) {
            room.a.copy_from_slice(from);
            work.fft.forward(&mut room.a, to, &mut room.scratch);
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

    /// Add the probe's sums of all chunks to the state's, in the Fourier plane.
    fn carry_probe_sums(&self, state: &mut State<T>, work: &mut Workspace<T>) {
        let (waves_len, field) = (self.waves_len(), self.batch.scan.tiling.field_len());
        let n_chunks = self.batch.patterns.len().div_ceil(self.chunk_len());
        add_chunks(&mut work.adjoint[..n_chunks * waves_len], waves_len);
        add_chunks(&mut work.adjoint_weight[..n_chunks * field], field);
        let Workspace {
            adjoint,
            adjoint_weight,
            fft,
            rooms,
            ..
        } = work;
        let Some(room) = rooms.first_mut() else {
            return;
        };
        let room = room.get_mut().unwrap_or_else(PoisonError::into_inner);
        let sums = state.carried_probe.chunks_exact_mut(field);
        for (k, (sum, total)) in sums.zip(adjoint.chunks_exact_mut(field)).enumerate() {
            if self.batch.is_shifted(k) {
                add_assign(sum, total);
            } else {
                fft.forward(total, &mut room.a, &mut room.scratch);
                add_assign(sum, &room.a);
            }
        }
        add_assign(&mut state.carried_probe_weight, &adjoint_weight[..field]);
    }

    /// One batch of the difference map; see [`Kernels::difference_map`](super::Kernels::difference_map).
    pub(super) fn difference_map(
        &self,
        state: &mut State<T>,
        work: &mut Workspace<T>,
        relaxation: f64,
    ) -> Vec<(PatternSums, f64)> {
        let refines = self.batch.settings.refines_probe(state.epoch);
        let relaxation = T::of(relaxation);
        let results = self.each(state, work, |state, work, room, exit| {
            self.map_one(state, work, room, exit, (relaxation, refines))
        });
        if refines {
            self.carry_probe_sums(state, work);
        }
        results
    }

    /// A pattern of it: its exit waves, and what it adds to the probe's sums where that is refined.
    #[expect(
        clippy::too_many_arguments,
        reason = "what is read, what is worked in, what is left"
    )]
    fn map_one(
        &self,
        state: &State<T>,
        work: &Workspace<T>,
        room: &mut Room<T>,
        exit: &mut Exit<T>,
        (relaxation, refines): (T, bool),
    ) -> (PatternSums, f64) {
        let (tiling, arch) = (self.batch.scan.tiling, work.arch());
        let field = tiling.field_len();
        let object = self.patch(&state.object, state, exit.i);
        self.predict(state, work, room, exit.i, &mut []);
        let sums = self.to_modulus(work, room, exit.i);
        for (k, psi) in exit.psi.chunks_exact(field).enumerate() {
            let at = k * field..(k + 1) * field;
            arch.dispatch(Mirror {
                tiling,
                object,
                probe: &room.shifted[at.clone()],
                psi,
                to: &mut room.a,
            });
            let wave = &mut room.waves[at];
            work.fft.forward(&mut room.a, wave, &mut room.scratch);
        }
        self.to_modulus(work, room, exit.i);
        let mut change = 0.0;
        for (k, psi) in exit.psi.chunks_exact_mut(field).enumerate() {
            let at = k * field..(k + 1) * field;
            let wave = &mut room.waves[at.clone()];
            work.fft.inverse(wave, &mut room.b, &mut room.scratch);
            change += arch.dispatch(MapStep {
                tiling,
                object,
                probe: &room.shifted[at],
                change: &room.b,
                relaxation,
                psi,
                to: &mut room.a,
            });
            if refines {
                self.add_projected(work, room, k, exit.adjoint);
            }
        }
        if refines {
            self.add_power(work, room, object, exit.weight);
        }
        (sums, change)
    }

    /// Add `conj(O) ψ` of mode `k`, which is in `room.a`, to the probe's sums, shifted back.
    fn add_projected(&self, work: &Workspace<T>, room: &mut Room<T>, k: usize, adjoint: &mut [T]) {
        let tiling = self.batch.scan.tiling;
        let field = tiling.field_len();
        let to = &mut adjoint[k * field..(k + 1) * field];
        if !self.batch.is_shifted(k) {
            add_assign(to, &room.a);
            return;
        }
        work.fft
            .forward(&mut room.a, &mut room.b, &mut room.scratch);
        work.arch().dispatch(ApplyRamp {
            tiling,
            ramp: &room.ramp,
            from: &room.b,
            to,
            conjugate: true,
            add: true,
        });
    }

    /// Add `|O|²` to the probe's denominator, shifted back.
    fn add_power(
        &self,
        work: &Workspace<T>,
        room: &mut Room<T>,
        object: Patch<T>,
        weight: &mut [T],
    ) {
        let tiling = self.batch.scan.tiling;
        work.arch().dispatch(Power {
            tiling,
            object,
            to: &mut room.a,
        });
        work.fft
            .forward(&mut room.a, &mut room.b, &mut room.scratch);
        work.arch().dispatch(ApplyRamp {
            tiling,
            ramp: &room.ramp,
            from: &room.b,
            to: weight,
            conjugate: true,
            add: true,
        });
    }

    /// One batch of RAAR's averaged reflections; see [`Kernels::reflect`](super::Kernels::reflect).
    pub(super) fn reflect(
        &self,
        state: &mut State<T>,
        work: &mut Workspace<T>,
        beta: f64,
    ) -> Vec<(PatternSums, f64)> {
        let (tiling, beta) = (self.batch.scan.tiling, T::of(beta));
        let sign = match self.batch.settings.compat {
            Compatibility::Ptychi => T::one(),
            Compatibility::None => -T::one(),
        };
        let field = tiling.field_len();
        self.each(state, work, |state, work, room, exit| {
            self.predict(state, work, room, exit.i, &mut []);
            let sums = self.to_modulus(work, room, exit.i);
            self.change_of(work, room, exit.i, exit.psi);
            let mut change = 0.0;
            for (k, psi) in exit.psi.chunks_exact_mut(field).enumerate() {
                let at = k * field..(k + 1) * field;
                let wave = &mut room.waves[at.clone()];
                work.fft.inverse(wave, &mut room.b, &mut room.scratch);
                change += work.arch().dispatch(Reflect {
                    tiling,
                    own: self.patch(&state.carried_object, state, exit.i),
                    other: self.patch(&state.carried_other, state, exit.i),
                    probe: &room.shifted[at],
                    change: &room.b,
                    beta,
                    sign,
                    psi,
                });
            }
            (sums, change)
        })
    }

    /// The probe's sums; see [`Kernels::sum_probe`](super::Kernels::sum_probe).
    pub(super) fn sum_probe(&self, state: &mut State<T>, work: &mut Workspace<T>) {
        let tiling = self.batch.scan.tiling;
        let field = tiling.field_len();
        let revises = self.batch.settings.compat != Compatibility::Ptychi;
        self.each(state, work, |state, work, room, exit| {
            let object = self.patch(&state.object, state, exit.i);
            room.ramp.set(tiling, state.places[exit.i].shift_px);
            if revises {
                self.change_of(work, room, exit.i, exit.psi);
            }
            for (k, psi) in exit.psi.chunks_exact(field).enumerate() {
                let chi = if revises {
                    let wave = &mut room.waves[k * field..(k + 1) * field];
                    work.fft.inverse(wave, &mut room.b, &mut room.scratch);
                    add_assign(&mut room.b, psi);
                    &*room.b
                } else {
                    psi
                };
                work.arch().dispatch(Project {
                    tiling,
                    object,
                    chi,
                    to: &mut room.a,
                });
                self.add_projected(work, room, k, exit.adjoint);
            }
            self.add_power(work, room, object, exit.weight);
            (PatternSums::default(), 0.0)
        });
        self.carry_probe_sums(state, work);
    }

    /// Numerators and denominator of the object; see [`Kernels::sum_object`](super::Kernels::sum_object).
    pub(super) fn sum_object(&self, state: &mut State<T>, work: &mut Workspace<T>, both: bool) {
        self.shift_probes(state, work, both);
        let band = BAND_ROWS * self.batch.scan.stride;
        let (waves_len, field) = (self.waves_len(), self.batch.scan.tiling.field_len());
        let mut own = std::mem::take(&mut state.carried_object);
        let mut weights = std::mem::take(&mut state.carried_weight);
        let (shared, from) = (&*work, &*state);
        let psi = |j: usize, k: usize| {
            &from.waves[self.batch.patterns[j] * waves_len + k * field..][..field]
        };
        (
            own.re.par_chunks_mut(band),
            own.im.par_chunks_mut(band),
            weights.par_chunks_mut(band),
        )
            .into_par_iter()
            .enumerate()
            .for_each(|(b, planes)| {
                self.add_products((from, shared), b, (&psi, Share::Weighted), planes);
            });
        (state.carried_object, state.carried_weight) = (own, weights);
        if both {
            let mut other = std::mem::take(&mut state.carried_other);
            let from = &*state;
            let revised = |j: usize, k: usize| &shared.chi[j * waves_len + k * field..][..field];
            let planes = other
                .re
                .par_chunks_mut(band)
                .zip(other.im.par_chunks_mut(band));
            planes.enumerate().for_each(|(b, (re, im))| {
                let to = (re, im, &mut [][..]);
                self.add_products((from, shared), b, (&revised, Share::Plain), to);
            });
            state.carried_other = other;
        }
    }

    /// Keep the shifted probes of the batch and, where asked for, its exit waves with the measured modulus.
    fn shift_probes(&self, state: &State<T>, work: &mut Workspace<T>, revises: bool) {
        let tiling = self.batch.scan.tiling;
        let (waves_len, field) = (self.waves_len(), tiling.field_len());
        let size = self.batch.patterns.len() * waves_len;
        let mut shifted = std::mem::take(&mut work.shifted);
        let mut chi = std::mem::take(&mut work.chi);
        let shared = &*work;
        (
            self.batch.patterns.par_iter(),
            shifted[..size].par_chunks_mut(waves_len),
            chi[..size].par_chunks_mut(waves_len),
        )
            .into_par_iter()
            .for_each(|(&i, shifted, revised)| {
                let mut room = shared.room();
                let room = &mut *room;
                room.ramp.set(tiling, state.places[i].shift_px);
                for (k, probe) in shifted.chunks_exact_mut(field).enumerate() {
                    let parts = (&room.ramp, &mut *room.a, &mut *room.b, &mut room.scratch);
                    self.shift_probe(state, shared, parts, (i, k), probe);
                }
                if revises {
                    let psi = &state.waves[i * waves_len..][..waves_len];
                    self.change_of(shared, room, i, psi);
                    let waves = room.waves.chunks_exact_mut(field);
                    for (wave, to) in waves.zip(revised.chunks_exact_mut(field)) {
                        shared.fft.inverse(wave, to, &mut room.scratch);
                    }
                    add_assign(revised, psi);
                }
            });
        (work.shifted, work.chi) = (shifted, chi);
    }
}

/// The real and imaginary registers of a row, to be written to.
type RowOfMut<'a, T, S> = (
    &'a mut [<T as Real>::Vector<S>],
    &'a mut [<T as Real>::Vector<S>],
);

/// Real and imaginary registers of a field in row `r` of strip `s`, as a range of each plane.
#[inline(always)]
fn row_of<S: Simd, T: Real>(field: &[T], at: usize) -> RowOf<'_, T, S> {
    let plane = field.len() / 2;
    (
        T::vectors::<S>(&field[at..at + LANES]),
        T::vectors::<S>(&field[plane + at..plane + at + LANES]),
    )
}

/// The same, to be written to.
#[inline(always)]
fn row_of_mut<S: Simd, T: Real>(field: &mut [T], at: usize) -> RowOfMut<'_, T, S> {
    let (re, im) = field.split_at_mut(field.len() / 2);
    (
        T::vectors_mut::<S>(&mut re[at..at + LANES]),
        T::vectors_mut::<S>(&mut im[at..at + LANES]),
    )
}

/// `to = 2 O P̃ - ψ`
struct Mirror<'a, T> {
    tiling: Tiling,
    object: Patch<'a, T>,
    probe: &'a [T],
    psi: &'a [T],
    to: &'a mut [T],
}

impl<T: Real> WithSimd for Mirror<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Tiling { n, n_strips } = self.tiling;
        for i in 0..n * n_strips {
            let (o_re, o_im) = self.object.row::<S>(i / n, i % n);
            let (p_re, p_im) = row_of::<S, T>(self.probe, i * LANES);
            let (w_re, w_im) = row_of::<S, T>(self.psi, i * LANES);
            let (to_re, to_im) = row_of_mut::<S, T>(self.to, i * LANES);
            for g in 0..to_re.len() {
                let (re, im) = times::<S, T>(simd, (o_re[g], o_im[g]), (p_re[g], p_im[g]));
                to_re[g] = T::v_sub(simd, T::v_add(simd, re, re), w_re[g]);
                to_im[g] = T::v_sub(simd, T::v_add(simd, im, im), w_im[g]);
            }
        }
    }
}

/// `ψ += relaxation (O P̃ - ψ + change)` and `to = conj(O) ψ`; the sum of the squared steps.
struct MapStep<'a, T> {
    tiling: Tiling,
    object: Patch<'a, T>,
    probe: &'a [T],
    change: &'a [T],
    relaxation: T,
    psi: &'a mut [T],
    to: &'a mut [T],
}

impl<T: Real> WithSimd for MapStep<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let Tiling { n, n_strips } = self.tiling;
        let relaxation = T::splat(simd, self.relaxation);
        let mut total = 0.0;
        for s in 0..n_strips {
            let mut sum = T::splat(simd, T::zero());
            for r in 0..n {
                let at = (s * n + r) * LANES;
                let (o_re, o_im) = self.object.row::<S>(s, r);
                let (p_re, p_im) = row_of::<S, T>(self.probe, at);
                let (c_re, c_im) = row_of::<S, T>(self.change, at);
                let (w_re, w_im) = row_of_mut::<S, T>(self.psi, at);
                let (to_re, to_im) = row_of_mut::<S, T>(self.to, at);
                for g in 0..to_re.len() {
                    let o = (o_re[g], o_im[g]);
                    let (re, im) = times::<S, T>(simd, o, (p_re[g], p_im[g]));
                    let re = T::v_add(simd, T::v_sub(simd, re, w_re[g]), c_re[g]);
                    let im = T::v_add(simd, T::v_sub(simd, im, w_im[g]), c_im[g]);
                    let (re, im) = (
                        T::v_mul(simd, relaxation, re),
                        T::v_mul(simd, relaxation, im),
                    );
                    sum = T::v_fma(simd, re, re, T::v_fma(simd, im, im, sum));
                    w_re[g] = T::v_add(simd, w_re[g], re);
                    w_im[g] = T::v_add(simd, w_im[g], im);
                    (to_re[g], to_im[g]) = times_conj::<S, T>(simd, (w_re[g], w_im[g]), o);
                }
            }
            total += T::sum(simd, sum).wide();
        }
        total
    }
}

/// `to = |O|²`
struct Power<'a, T> {
    tiling: Tiling,
    object: Patch<'a, T>,
    to: &'a mut [T],
}

impl<T: Real> WithSimd for Power<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Tiling { n, n_strips } = self.tiling;
        for i in 0..n * n_strips {
            let (o_re, o_im) = self.object.row::<S>(i / n, i % n);
            let (to_re, to_im) = row_of_mut::<S, T>(self.to, i * LANES);
            for g in 0..to_re.len() {
                to_re[g] = T::v_fma(simd, o_re[g], o_re[g], T::v_mul(simd, o_im[g], o_im[g]));
                to_im[g] = T::splat(simd, T::zero());
            }
        }
    }
}

/// With `A ψ = ψ + change`: `ψ = 2β other P̃ + (1 - 2β) A ψ + s β (own P̃ - ψ)`; the sum of the squared steps.
struct Reflect<'a, T> {
    tiling: Tiling,
    own: Patch<'a, T>,
    other: Patch<'a, T>,
    probe: &'a [T],
    change: &'a [T],
    beta: T,
    /// `s`: -1, or 1 as pty-chi has it.
    sign: T,
    psi: &'a mut [T],
}

impl<T: Real> WithSimd for Reflect<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let Tiling { n, n_strips } = self.tiling;
        let two = T::one() + T::one();
        let signed = T::splat(simd, self.sign * self.beta);
        let twice = T::splat(simd, two * self.beta);
        let revised = T::splat(simd, T::one() - two * self.beta);
        // ψ' - ψ = (2β other + sβ own) P̃ + (1 - 2β) change - (2 + s) β ψ
        let kept = T::splat(simd, (two + self.sign) * self.beta);
        let mut total = 0.0;
        for s in 0..n_strips {
            let mut sum = T::splat(simd, T::zero());
            for r in 0..n {
                let at = (s * n + r) * LANES;
                let (a_re, a_im) = self.own.row::<S>(s, r);
                let (b_re, b_im) = self.other.row::<S>(s, r);
                let (p_re, p_im) = row_of::<S, T>(self.probe, at);
                let (c_re, c_im) = row_of::<S, T>(self.change, at);
                let (w_re, w_im) = row_of_mut::<S, T>(self.psi, at);
                for g in 0..w_re.len() {
                    let o_re = T::v_fma(simd, twice, b_re[g], T::v_mul(simd, signed, a_re[g]));
                    let o_im = T::v_fma(simd, twice, b_im[g], T::v_mul(simd, signed, a_im[g]));
                    let (re, im) = times::<S, T>(simd, (o_re, o_im), (p_re[g], p_im[g]));
                    let re = T::v_fma(simd, revised, c_re[g], re);
                    let im = T::v_fma(simd, revised, c_im[g], im);
                    let (re, im) = (
                        T::v_fnma(simd, kept, w_re[g], re),
                        T::v_fnma(simd, kept, w_im[g], im),
                    );
                    sum = T::v_fma(simd, re, re, T::v_fma(simd, im, im, sum));
                    w_re[g] = T::v_add(simd, w_re[g], re);
                    w_im[g] = T::v_add(simd, w_im[g], im);
                }
            }
            total += T::sum(simd, sum).wide();
        }
        total
    }
}

/// A pattern's exit waves and the probe's sums of its chunk.
struct Exit<'a, T> {
    i: usize,
    psi: &'a mut [T],
    adjoint: &'a mut [T],
    weight: &'a mut [T],
}

/// The exit waves of these patterns, in their order.
fn of_patterns<'w, T>(waves: &'w mut [T], len: usize, patterns: &[usize]) -> Vec<&'w mut [T]> {
    let mut all: Vec<Option<&mut [T]>> = waves.chunks_exact_mut(len).map(Some).collect();
    patterns.iter().filter_map(|&i| all[i].take()).collect()
}

/// How sums are divided by their weights.
#[derive(Clone, Copy)]
enum Division<T> {
    /// By `√(w² + floor²)`.
    Damped(T),
    /// By `w` where it is above the least positive number; elsewhere the present value stays.
    Guarded,
}

impl<T: Real> Division<T> {
    fn new(floor: f64, largest: T) -> Self {
        if floor > 0.0 {
            Self::Damped((T::of(floor) * largest).max(T::min_positive_value()))
        } else {
            Self::Guarded
        }
    }

    fn divide(self, numerator: T, weight: T, present: T) -> T {
        match self {
            Self::Damped(floor) => numerator / (weight * weight + floor * floor).sqrt(),
            Self::Guarded if weight > T::min_positive_value() => numerator / weight,
            Self::Guarded => present,
        }
    }
}

/// See [`Kernels::divide_object`](super::Kernels::divide_object).
pub(super) fn divide_object<T: Real>(
    state: &mut State<T>,
    canvas: Canvas,
    floor: f64,
    replaces: bool,
) {
    let State {
        object,
        carried_object,
        carried_other,
        carried_weight,
        ..
    } = state;
    let division = Division::new(floor, largest(carried_weight));
    let sums = match canvas {
        Canvas::Object => carried_object,
        Canvas::Other => carried_other,
    };
    (
        sums.re.par_chunks_mut(PART),
        sums.im.par_chunks_mut(PART),
        carried_weight.par_chunks(PART),
        object.re.par_chunks(PART),
        object.im.par_chunks(PART),
    )
        .into_par_iter()
        .for_each(|(re, im, weight, old_re, old_im)| {
            for at in 0..re.len() {
                re[at] = division.divide(re[at], weight[at], old_re[at]);
                im[at] = division.divide(im[at], weight[at], old_im[at]);
            }
            if replaces {
                limit(re, im);
            }
        });
    if replaces {
        object.copy_from(sums);
    }
}

/// No amplitude above pty-chi's limit.
fn limit<T: Real>(re: &mut [T], im: &mut [T]) {
    let most = T::of(MOST_AMPLITUDE);
    for (re, im) in re.iter_mut().zip(im) {
        let amplitude = re.hypot(*im);
        if amplitude > most {
            *re *= most / amplitude;
            *im *= most / amplitude;
        }
    }
}

/// See [`Kernels::divide_probe`](super::Kernels::divide_probe).
pub(super) fn divide_probe<T: Real>(state: &mut State<T>, work: &mut Workspace<T>, floor: f64) {
    let tiling = work.fft.tiling();
    let (field, plane) = (tiling.field_len(), tiling.plane_len());
    let per_pixel = T::of(1.0 / (tiling.n * tiling.n) as f64);
    let Workspace { fft, rooms, .. } = work;
    let Some(room) = rooms.first_mut() else {
        return;
    };
    let Room {
        a: weight,
        b: numerator,
        scratch,
        ..
    } = room.get_mut().unwrap_or_else(PoisonError::into_inner);
    fft.inverse(&mut state.carried_probe_weight, weight, scratch);
    let (weight, _) = weight.split_at_mut(plane);
    for value in weight.iter_mut() {
        *value *= per_pixel;
    }
    let division = Division::new(floor, largest(weight));
    let modes = state.probe.chunks_exact_mut(field);
    for (probe, sum) in modes.zip(state.carried_probe.chunks_exact_mut(field)) {
        fft.inverse(sum, numerator, scratch);
        for (half, numerator) in probe
            .chunks_exact_mut(plane)
            .zip(numerator.chunks_exact(plane))
        {
            for ((value, &sum), &w) in half.iter_mut().zip(numerator).zip(&*weight) {
                *value = division.divide(sum * per_pixel, w, *value);
            }
        }
    }
    state.carried_probe.fill(T::zero());
    state.carried_probe_weight.fill(T::zero());
}
