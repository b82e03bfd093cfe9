//! The reflection of the difference map.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use pulp::{Simd, WithSimd};

use super::{Exit, change_exit, row_of_mut, transform_exit};
use crate::fft::tile::Tiling;
use crate::fft::tile::fields::{Patch, row_of, times, times_conj};
use crate::fft::tile::strips::Sweep;
use crate::iterative::kernels::PatternSums;
use crate::iterative::kernels::fused::Minibatch;
use crate::iterative::kernels::fused::rooms::{Room, Workspace};
use crate::iterative::state::State;
use crate::simd::{LANES, Real};

impl<T: Real> Minibatch<'_, T> {
    /// One batch of the difference map; see [`Kernels::difference_map`](crate::iterative::kernels::Kernels::difference_map).
    pub(crate) fn difference_map(
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
            let probe = &room.shifted[at.clone()];
            let mirror = Mirror { object, probe, psi };
            let parts = (&mut *room.a, &mut *room.intensity, &mut room.scratch);
            transform_exit(work, parts, k, mirror, &mut room.waves[at]);
        }
        self.to_modulus(work, room, exit.i);
        let mut change = 0.0;
        for (k, psi) in exit.psi.chunks_exact_mut(field).enumerate() {
            let at = k * field..(k + 1) * field;
            change_exit(work, room, k);
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
}

/// Strips are filled with `2 O P̃ - ψ`.
struct Mirror<'a, T> {
    object: Patch<'a, T>,
    probe: &'a [T],
    psi: &'a [T],
}

impl<T: Real> Sweep<T> for Mirror<'_, T> {
    #[inline(always)]
    fn strip<S: Simd>(&mut self, simd: S, s: usize, re: &mut [T], im: &mut [T]) {
        let start = s * re.len();
        let (rows_re, rows_im) = (re.as_chunks_mut::<LANES>().0, im.as_chunks_mut::<LANES>().0);
        for (r, (to_re, to_im)) in rows_re.iter_mut().zip(rows_im).enumerate() {
            let at = start + r * LANES;
            let (o_re, o_im) = self.object.row::<S>(s, r);
            let (p_re, p_im) = row_of::<S, T>(self.probe, at);
            let (w_re, w_im) = row_of::<S, T>(self.psi, at);
            let (to_re, to_im) = (T::vectors_mut::<S>(to_re), T::vectors_mut::<S>(to_im));
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
