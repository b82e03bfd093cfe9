//! The averaged reflections of RAAR.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use pulp::{Simd, WithSimd};

use super::{change_exit, row_of_mut};
use crate::fft::tile::Tiling;
use crate::fft::tile::fields::{Patch, row_of, times};
use crate::iterative::Compatibility;
use crate::iterative::kernels::PatternSums;
use crate::iterative::kernels::fused::Minibatch;
use crate::iterative::kernels::fused::rooms::Workspace;
use crate::iterative::state::State;
use crate::simd::{LANES, Real};

impl<T: Real> Minibatch<'_, T> {
    /// One batch of RAAR's averaged reflections; see [`Kernels::reflect`](crate::iterative::kernels::Kernels::reflect).
    pub(crate) fn reflect(
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
            self.to_detector(work, room, exit.i, exit.psi);
            let mut change = 0.0;
            for (k, psi) in exit.psi.chunks_exact_mut(field).enumerate() {
                let at = k * field..(k + 1) * field;
                change_exit(work, room, k);
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
