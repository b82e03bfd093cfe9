//! The forward model, pattern by pattern: from probe and object to the detector.

use std::sync::PoisonError;

use rayon::prelude::*;

use super::Minibatch;
use super::modulus::LikelihoodSums;
use super::rooms::{Room, Workspace};
use super::sweeps::{AddIntensity, Illuminate};
use crate::fft::tile::Scratch;
use crate::fft::tile::fields::{Ramp, Ramped};
use crate::fft::tile::strips::Direction::{Forward, Inverse};
use crate::fft::tile::strips::{CopyOf, Untouched};
use crate::iterative::state::State;
use crate::simd::Real;

/// A ramp, and two fields and a scratch to work in.
type Parts<'a, T> = (&'a Ramp<T>, &'a mut [T], &'a mut [T], &'a mut Scratch<T>);

impl<T: Real> Minibatch<'_, T> {
    pub(super) fn transform_probe(&self, state: &State<T>, work: &mut Workspace<T>) {
        let field = self.batch.scan.tiling.field_len();
        let per_pixel = T::of(1.0 / (self.batch.scan.tiling.n * self.batch.scan.tiling.n) as f64);
        let Workspace {
            fft,
            rooms,
            spectra,
            opr_spectra,
            ..
        } = work;
        let Some(room) = rooms.first_mut() else {
            return;
        };
        let room = room.get_mut().unwrap_or_else(PoisonError::into_inner);
        let modes = spectra
            .chunks_exact_mut(field)
            .zip(state.probe.chunks_exact(field));
        let shifted = modes.enumerate().filter(|&(k, _)| self.batch.is_shifted(k));
        let varying = opr_spectra
            .chunks_exact_mut(field)
            .zip(state.opr_modes.chunks_exact(field));
        for (spectrum, probe) in shifted.map(|(_, mode)| mode).chain(varying) {
            room.a.copy_from_slice(probe);
            fft.forward(&mut room.a, spectrum, &mut room.scratch);
            for value in spectrum.iter_mut() {
                *value *= per_pixel;
            }
        }
    }

    /// The detector waves of pattern `i` and their intensity, in the room; the shifted probes in `kept_probes` or the room.
    #[expect(
        clippy::too_many_arguments,
        reason = "what is read, what is worked in, what is left"
    )]
    pub(super) fn predict(
        &self,
        state: &State<T>,
        shared: &Workspace<T>,
        room: &mut Room<T>,
        i: usize,
        kept_probes: &mut [T],
    ) {
        let (tiling, fft) = (self.batch.scan.tiling, &shared.fft);
        let field = tiling.field_len();
        let object = self.patch(&state.object, state, i);
        let kept = kept_probes.len() / field;
        room.ramp.set(tiling, state.places[i].shift_px);
        for k in 0..self.batch.settings.probe_modes {
            let at = k * field..(k + 1) * field;
            let probe = if k < kept {
                &mut kept_probes[at.clone()]
            } else {
                &mut room.shifted[at.clone()]
            };
            let parts = (&room.ramp, &mut *room.a, &mut *room.b, &mut room.scratch);
            let is_shifted = self.begin_shift(state, shared, parts, (i, k));
            let sweep = Illuminate {
                object,
                kept: probe,
            };
            if is_shifted {
                fft.turn_back(&room.a, sweep, &mut room.b, &mut room.scratch);
            } else {
                let mode = CopyOf(&state.probe[at.clone()]);
                fft.begin(Forward, (mode, sweep), &mut room.b, &mut room.scratch);
            }
            let sweep = AddIntensity {
                is_first: k == 0,
                intensity: &mut room.intensity,
            };
            let wave = &mut room.waves[at];
            fft.end(Forward, &room.b, sweep, wave, &mut room.scratch);
        }
    }

    /// Mode `k` of the probe at the sub-pixel position of pattern `i`, whose ramp is set, in `to`.
    #[expect(
        clippy::too_many_arguments,
        reason = "what is read, what is worked in, what is left"
    )]
    pub(super) fn shift_probe(
        &self,
        state: &State<T>,
        shared: &Workspace<T>,
        (ramp, a, b, scratch): Parts<'_, T>,
        (i, k): (usize, usize),
        to: &mut [T],
    ) {
        if self.begin_shift(state, shared, (ramp, a, b, scratch), (i, k)) {
            shared.fft.end(Inverse, a, Untouched, to, scratch);
        } else {
            let field = to.len();
            to.copy_from_slice(&state.probe[k * field..(k + 1) * field]);
        }
    }

    /// The first half of that transform, in the first of the fields; `false` where the mode is not shifted.
    fn begin_shift(
        &self,
        state: &State<T>,
        shared: &Workspace<T>,
        (ramp, half, mixed, scratch): Parts<'_, T>,
        (i, k): (usize, usize),
    ) -> bool {
        if !self.batch.is_shifted(k) {
            return false;
        }
        let field = self.batch.scan.tiling.field_len();
        let weights = self.batch.weights(state, i).filter(|_| k == 0);
        let from = match weights {
            None => &shared.spectra[k * field..(k + 1) * field],
            Some(weights) => {
                mix(mixed, &shared.spectra, &shared.opr_spectra, weights);
                &*mixed
            }
        };
        shared
            .fft
            .begin(Inverse, Ramped { ramp, from }, half, scratch);
        true
    }

    /// Sums of the pattern-wise steps of pty-chi's Poisson model.
    pub(super) fn likelihood_sums(
        &self,
        state: &State<T>,
        work: &Workspace<T>,
        mean_step: f64,
    ) -> Vec<[f64; 2]> {
        let one = |&i: &usize| {
            let mut room = work.room();
            let room = &mut *room;
            self.predict(state, work, room, i, &mut []);
            let amplitude = self
                .batch
                .scan
                .amplitude(i, &mut room.frame, &mut room.amplitude);
            work.arch().dispatch(LikelihoodSums {
                tiling: self.batch.scan.tiling,
                amplitude,
                used: self.batch.scan.used(),
                intensity: &room.intensity,
                mean_step,
            })
        };
        self.batch.patterns.par_iter().map(one).collect()
    }
}

/// `to = w_0 first + Σ_r w_r other_r`
fn mix<T: Real>(to: &mut [T], first: &[T], others: &[T], weights: &[f64]) {
    let (field, weight) = (to.len(), T::of(weights[0]));
    for (to, &from) in to.iter_mut().zip(first) {
        *to = weight * from;
    }
    for (other, &weight) in others.chunks_exact(field).zip(&weights[1..]) {
        let weight = T::of(weight);
        for (to, &from) in to.iter_mut().zip(other) {
            *to += weight * from;
        }
    }
}
