//! The first pass over the patterns: residual waves, and what they add to the directions.

use std::sync::PoisonError;

use rayon::prelude::*;

use super::modulus::Modulus;
use super::rooms::{Room, Workspace, extra_len};
use super::sweeps::{Changed, Divide, Residual, add_chunks};
use super::{Minibatch, weights};
use crate::fft::tile::fields::{AddUnramped, Patch};
use crate::fft::tile::strips::AddTo;
use crate::fft::tile::strips::Direction::{Forward, Inverse};
use crate::iterative::kernels::{PatternSums, ProbeWeight};
use crate::iterative::state::State;
use crate::simd::Real;

/// Where a pattern leaves what the second pass needs.
struct Store<'a, T> {
    chi: &'a mut [T],
    shifted: &'a mut [T],
    extra: &'a mut [T],
}

impl<T: Real> Minibatch<'_, T> {
    pub(super) fn first_pass(&self, state: &State<T>, work: &mut Workspace<T>) {
        let field = self.batch.scan.tiling.field_len();
        let (kept, extra) = (
            self.pass.n_kept * field,
            extra_len(self.pass.n_kept, self.batch.settings.probe_modes, field),
        );
        let (chunk, size) = (self.chunk_len(), self.batch.patterns.len());
        let mut chi = std::mem::take(&mut work.chi);
        let mut shifted = std::mem::take(&mut work.shifted);
        let mut extras = std::mem::take(&mut work.extra);
        let mut adjoint = std::mem::take(&mut work.adjoint);
        let mut sums = std::mem::take(&mut work.sums);
        let shared = &*work;
        (
            self.batch.patterns.par_chunks(chunk),
            chi[..size * kept].par_chunks_mut(chunk * kept),
            shifted[..size * kept].par_chunks_mut(chunk * kept),
            extras[..size * extra].par_chunks_mut(chunk * extra),
            adjoint.par_chunks_mut(self.batch.settings.probe_modes * field),
            sums[..size].par_chunks_mut(chunk),
        )
            .into_par_iter()
            .for_each(|(patterns, chi, shifted, extra_chunk, adjoint, sums)| {
                let mut room = shared.room();
                adjoint.fill(T::zero());
                for (j, (&i, sums)) in patterns.iter().zip(sums).enumerate() {
                    if self.batch.stop.is_requested() {
                        return;
                    }
                    let mut store = Store {
                        chi: &mut chi[j * kept..(j + 1) * kept],
                        shifted: &mut shifted[j * kept..(j + 1) * kept],
                        extra: &mut extra_chunk[j * extra..(j + 1) * extra],
                    };
                    *sums = self.pattern(state, shared, &mut room, i, &mut store, adjoint);
                }
            });
        (work.chi, work.shifted, work.extra) = (chi, shifted, extras);
        (work.adjoint, work.sums) = (adjoint, sums);
    }

    /// Everything for one pattern that does not need the others.
    #[expect(
        clippy::too_many_arguments,
        reason = "what is read, what is worked in, what is left"
    )]
    fn pattern(
        &self,
        state: &State<T>,
        shared: &Workspace<T>,
        room: &mut Room<T>,
        i: usize,
        store: &mut Store<T>,
        adjoint: &mut [T],
    ) -> PatternSums {
        let object = self.patch(&state.object, state, i);
        self.predict(state, shared, room, i, store.shifted);
        let amplitude = self
            .batch
            .scan
            .amplitude(i, &mut room.frame, &mut room.amplitude);
        let mut sums = shared.arch().dispatch(Modulus {
            tiling: self.batch.scan.tiling,
            amplitude,
            used: self.batch.scan.used(),
            intensity: &mut room.intensity,
            rule: self.pass.rule,
            step: state.detector_steps[i],
        });
        if self.pass.probe_weight != ProbeWeight::Plain {
            sums.probe_peak = self.probe_peak(shared, room, store.shifted);
        }
        if !self.pass.only_sums {
            self.back(shared, room, object, store, adjoint);
        }
        sums
    }

    /// From the detector waves and the factors of their change to the residual waves and the directions.
    #[expect(
        clippy::too_many_arguments,
        reason = "what is read, what is worked in, what is left"
    )]
    fn back(
        &self,
        shared: &Workspace<T>,
        room: &mut Room<T>,
        object: Patch<T>,
        store: &mut Store<T>,
        adjoint: &mut [T],
    ) {
        let (tiling, fft) = (self.batch.scan.tiling, &shared.fft);
        let field = tiling.field_len();
        let kept = self.pass.n_kept;
        let divisor = weights::divisor(shared.arch(), tiling, object, self.pass.probe_weight);
        for k in 0..self.batch.settings.probe_modes {
            let at = k * field..(k + 1) * field;
            let changed = Changed {
                wave: &room.waves[at.clone()],
                factor: &room.intensity,
            };
            fft.begin(Inverse, changed, &mut room.a, &mut room.scratch);
            let residual = if k < kept {
                Residual::Kept(&mut store.chi[at.clone()])
            } else {
                Residual::Projected {
                    probe: &room.shifted[at.clone()],
                    sum: &mut *store.extra,
                    is_first: k == kept,
                }
            };
            let divide = Divide {
                object,
                residual,
                divisor,
            };
            let sum = &mut adjoint[at];
            if self.batch.is_shifted(k) {
                fft.turn_back(&room.a, divide, &mut room.b, &mut room.scratch);
                let ramp = &room.ramp;
                let add = AddUnramped { ramp, sum };
                fft.end_in(Forward, &room.b, add, &mut room.scratch);
            } else {
                fft.end_in(Inverse, &room.a, (divide, AddTo(sum)), &mut room.scratch);
            }
        }
    }

    /// `ΔP_k`, the mean over the batch.
    pub(super) fn sum_probe_direction(&self, work: &mut Workspace<T>) {
        let field = self.batch.scan.tiling.field_len();
        let all_modes = self.batch.settings.probe_modes * field;
        let n_chunks = self.batch.patterns.len().div_ceil(self.chunk_len());
        let Workspace {
            adjoint,
            probe_direction,
            fft,
            rooms,
            ..
        } = work;
        add_chunks(&mut adjoint[..n_chunks * all_modes], all_modes);
        let total = &mut adjoint[..all_modes];
        let Some(room) = rooms.first_mut() else {
            return;
        };
        let room = room.get_mut().unwrap_or_else(PoisonError::into_inner);
        let pixels = (self.batch.scan.tiling.n * self.batch.scan.tiling.n) as f64;
        let modes = total
            .chunks_exact_mut(field)
            .zip(probe_direction.chunks_exact_mut(field));
        for (k, (from, to)) in modes.enumerate() {
            let mut factor = 1.0 / self.batch.patterns.len() as f64;
            if self.batch.is_shifted(k) {
                fft.inverse(from, to, &mut room.scratch);
                factor /= pixels;
            } else {
                to.copy_from_slice(from);
            }
            for value in to.iter_mut() {
                *value *= T::of(factor);
            }
        }
    }
}
