//! The sums that object and probe are made of: numerators and denominators, over the exit waves of a batch.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use std::sync::PoisonError;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::{change_exit, row_of_mut};
use crate::fft::tile::Tiling;
use crate::fft::tile::fields::{ApplyRamp, Patch};
use crate::iterative::Compatibility;
use crate::iterative::kernels::PatternSums;
use crate::iterative::kernels::fused::placing::Share;
use crate::iterative::kernels::fused::rooms::{Room, Workspace};
use crate::iterative::kernels::fused::sweeps::{Project, add_assign, add_chunks};
use crate::iterative::kernels::fused::{BAND_ROWS, Minibatch};
use crate::iterative::state::State;
use crate::simd::{LANES, Real};

impl<T: Real> Minibatch<'_, T> {
    /// The probe's sums; see [`Kernels::sum_probe`](crate::iterative::kernels::Kernels::sum_probe).
    pub(crate) fn sum_probe(&self, state: &mut State<T>, work: &mut Workspace<T>) {
        let tiling = self.batch.scan.tiling;
        let field = tiling.field_len();
        let revises = self.batch.settings.compat != Compatibility::Ptychi;
        self.each(state, work, |state, work, room, exit| {
            let object = self.patch(&state.object, state, exit.i);
            room.ramp.set(tiling, state.places[exit.i].shift_px);
            if revises {
                self.to_detector(work, room, exit.i, exit.psi);
            }
            for (k, psi) in exit.psi.chunks_exact(field).enumerate() {
                let chi = if revises {
                    change_exit(work, room, k);
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

    /// Add the probe's sums of all chunks to the state's, in the Fourier plane.
    pub(super) fn carry_probe_sums(&self, state: &mut State<T>, work: &mut Workspace<T>) {
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

    /// Add `conj(O) ψ` of mode `k`, which is in `room.a`, to the probe's sums, shifted back.
    pub(super) fn add_projected(
        &self,
        work: &Workspace<T>,
        room: &mut Room<T>,
        k: usize,
        adjoint: &mut [T],
    ) {
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
    pub(super) fn add_power(
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

    /// Numerators and denominator of the object; see [`Kernels::sum_object`](crate::iterative::kernels::Kernels::sum_object).
    pub(crate) fn sum_object(&self, state: &mut State<T>, work: &mut Workspace<T>, both: bool) {
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
                    self.to_detector(shared, room, i, psi);
                    for (k, to) in revised.chunks_exact_mut(field).enumerate() {
                        change_exit(shared, room, k);
                        to.copy_from_slice(&room.b);
                    }
                    add_assign(revised, psi);
                }
            });
        (work.shifted, work.chi) = (shifted, chi);
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
