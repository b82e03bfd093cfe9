//! The second pass over the patterns: the sums that step sizes are solved from.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::Minibatch;
use super::rooms::Workspace;
use crate::fft::tile::Tiling;
use crate::fft::tile::fields::{Patch, times};
use crate::iterative::state::State;
use crate::simd::{LANES, Real};

impl<T: Real> Minibatch<'_, T> {
    pub(super) fn second_pass(&self, state: &State<T>, work: &mut Workspace<T>) {
        let field = self.batch.scan.tiling.field_len();
        let kept = self.pass.n_kept;
        let mut steps = std::mem::take(&mut work.steps);
        let shared = &*work;
        steps[..self.batch.patterns.len()]
            .par_iter_mut()
            .zip(self.batch.patterns)
            .enumerate()
            .for_each(|(j, (sums, &i))| {
                if self.batch.stop.is_requested() {
                    return;
                }
                *sums = [0.0; 6];
                for k in 0..kept {
                    let at = (j * kept + k) * field..(j * kept + k + 1) * field;
                    let step = shared.arch().dispatch(StepSums {
                        tiling: self.batch.scan.tiling,
                        direction: self.patch(&shared.first, state, i),
                        object: self.patch(&state.object, state, i),
                        probe: &shared.shifted[at.clone()],
                        probe_direction: &shared.probe_direction[k * field..(k + 1) * field],
                        chi: &shared.chi[at],
                    });
                    sums.iter_mut()
                        .zip(step)
                        .for_each(|(sum, step)| *sum += step);
                }
            });
        work.steps = steps;
    }
}

/// The sums that the step sizes need: with `u = d p`, `v = Δp O`:
/// `Σ|u|², Σ|v|², Σ Re u v*, Σ Im u v*, Σ Re u* χ, Σ Re v* χ`.
pub(crate) struct StepSums<'a, T> {
    pub(crate) tiling: Tiling,
    pub(crate) direction: Patch<'a, T>,
    pub(crate) object: Patch<'a, T>,
    pub(crate) probe: &'a [T],
    pub(crate) probe_direction: &'a [T],
    pub(crate) chi: &'a [T],
}

impl<T: Real> WithSimd for StepSums<'_, T> {
    type Output = [f64; 6];

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> [f64; 6] {
        let Tiling { n, n_strips } = self.tiling;
        let plane = self.tiling.plane_len();
        let mut sums = [0.0; 6];
        for s in 0..n_strips {
            let mut acc = [T::splat(simd, T::zero()); 6];
            for r in 0..n {
                let (d_re, d_im) = self.direction.row::<S>(s, r);
                let (o_re, o_im) = self.object.row::<S>(s, r);
                let at = (s * n + r) * LANES;
                let p_re = T::vectors::<S>(&self.probe[at..at + LANES]);
                let p_im = T::vectors::<S>(&self.probe[plane + at..plane + at + LANES]);
                let q_re = T::vectors::<S>(&self.probe_direction[at..at + LANES]);
                let q_im = T::vectors::<S>(&self.probe_direction[plane + at..plane + at + LANES]);
                let c_re = T::vectors::<S>(&self.chi[at..at + LANES]);
                let c_im = T::vectors::<S>(&self.chi[plane + at..plane + at + LANES]);
                for g in 0..p_re.len() {
                    let (u_re, u_im) = times::<S, T>(simd, (d_re[g], d_im[g]), (p_re[g], p_im[g]));
                    let (v_re, v_im) = times::<S, T>(simd, (q_re[g], q_im[g]), (o_re[g], o_im[g]));
                    acc[0] = T::v_fma(simd, u_re, u_re, T::v_fma(simd, u_im, u_im, acc[0]));
                    acc[1] = T::v_fma(simd, v_re, v_re, T::v_fma(simd, v_im, v_im, acc[1]));
                    acc[2] = T::v_fma(simd, u_re, v_re, T::v_fma(simd, u_im, v_im, acc[2]));
                    acc[3] = T::v_fma(simd, u_im, v_re, T::v_fnma(simd, u_re, v_im, acc[3]));
                    acc[4] = T::v_fma(simd, u_re, c_re[g], T::v_fma(simd, u_im, c_im[g], acc[4]));
                    acc[5] = T::v_fma(simd, v_re, c_re[g], T::v_fma(simd, v_im, c_im[g], acc[5]));
                }
            }
            for (sum, acc) in sums.iter_mut().zip(acc) {
                *sum += T::sum(simd, acc).wide();
            }
        }
        sums
    }
}
