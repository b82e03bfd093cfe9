//! The elementwise sweeps that several steps share: over the strips of a transform on their way, or one pass over
//! contiguous memory.
//!
//! Fields are tiled (see [`tile`](crate::fft::tile)): two planes, real and imaginary.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::fft::tile::Tiling;
use crate::fft::tile::fields::{Patch, times, times_conj};
use crate::fft::tile::strips::{Sweep, strip_of, strip_of_mut};
use crate::simd::{LANES, Real};

/// `to = χ conj(object patch)`
pub(crate) struct Project<'a, T> {
    pub(crate) tiling: Tiling,
    pub(crate) object: Patch<'a, T>,
    pub(crate) chi: &'a [T],
    pub(crate) to: &'a mut [T],
}

impl<T: Real> WithSimd for Project<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let plane = self.tiling.plane_len();
        let (c_re, c_im) = self.chi.split_at(plane);
        let (to_re, to_im) = self.to.split_at_mut(plane);
        let rows = c_re.chunks_exact(LANES).zip(c_im.chunks_exact(LANES));
        let outs = to_re
            .chunks_exact_mut(LANES)
            .zip(to_im.chunks_exact_mut(LANES));
        for (i, ((c_re, c_im), (to_re, to_im))) in rows.zip(outs).enumerate() {
            let (o_re, o_im) = self.object.row::<S>(i / self.tiling.n, i % self.tiling.n);
            let (c_re, c_im) = (T::vectors::<S>(c_re), T::vectors::<S>(c_im));
            let (to_re, to_im) = (T::vectors_mut::<S>(to_re), T::vectors_mut::<S>(to_im));
            for g in 0..to_re.len() {
                (to_re[g], to_im[g]) =
                    times_conj::<S, T>(simd, (c_re[g], c_im[g]), (o_re[g], o_im[g]));
            }
        }
    }
}

/// Strips of a shifted probe are kept and become those of the exit wave: `O P̃`.
pub(crate) struct Illuminate<'a, T> {
    pub(crate) object: Patch<'a, T>,
    pub(crate) kept: &'a mut [T],
}

impl<T: Real> Sweep<T> for Illuminate<'_, T> {
    #[inline(always)]
    fn strip<S: Simd>(&mut self, simd: S, s: usize, re: &mut [T], im: &mut [T]) {
        let (kept_re, kept_im) = strip_of_mut(self.kept, s, re.len());
        let (rows, _) = re.as_chunks_mut::<LANES>();
        let rows = rows.iter_mut().zip(im.as_chunks_mut::<LANES>().0);
        let (kept, _) = kept_re.as_chunks_mut::<LANES>();
        let kept = kept.iter_mut().zip(kept_im.as_chunks_mut::<LANES>().0);
        for (r, ((re, im), (kept_re, kept_im))) in rows.zip(kept).enumerate() {
            let (o_re, o_im) = self.object.row::<S>(s, r);
            let (re, im) = (T::vectors_mut::<S>(re), T::vectors_mut::<S>(im));
            let kept_re = T::vectors_mut::<S>(kept_re);
            let kept_im = T::vectors_mut::<S>(kept_im);
            for g in 0..re.len() {
                let probe = (re[g], im[g]);
                (kept_re[g], kept_im[g]) = probe;
                (re[g], im[g]) = times::<S, T>(simd, (o_re[g], o_im[g]), probe);
            }
        }
    }
}

/// Strips of the detector wave of a mode add to the intensity: `y = Σ_k |Ψ_k|²`, unnormalised.
pub(crate) struct AddIntensity<'a, T> {
    /// Of the first mode, which does not find anything to add to.
    pub(crate) is_first: bool,
    pub(crate) intensity: &'a mut [T],
}

impl<T: Real> Sweep<T> for AddIntensity<'_, T> {
    #[inline(always)]
    fn strip<S: Simd>(&mut self, simd: S, s: usize, re: &mut [T], im: &mut [T]) {
        let y = &mut self.intensity[s * re.len()..][..re.len()];
        let (re, im) = (T::vectors::<S>(re), T::vectors::<S>(im));
        for ((y, &re), &im) in T::vectors_mut::<S>(y).iter_mut().zip(re).zip(im) {
            let re2 = T::v_mul(simd, re, re);
            let first = if self.is_first {
                re2
            } else {
                T::v_fma(simd, re, re, *y)
            };
            *y = T::v_fma(simd, im, im, first);
        }
    }
}

/// Strips are filled with the change of a detector wave: the wave times a real factor.
pub(crate) struct Changed<'a, T> {
    pub(crate) wave: &'a [T],
    pub(crate) factor: &'a [T],
}

impl<T: Real> Sweep<T> for Changed<'_, T> {
    #[inline(always)]
    fn strip<S: Simd>(&mut self, simd: S, s: usize, re: &mut [T], im: &mut [T]) {
        let (from_re, from_im) = strip_of(self.wave, s, re.len());
        let factor = T::vectors::<S>(&self.factor[s * re.len()..][..re.len()]);
        for (to, from) in [(re, from_re), (im, from_im)] {
            let to = T::vectors_mut::<S>(to).iter_mut();
            for ((to, &from), &factor) in to.zip(T::vectors::<S>(from)).zip(factor) {
                *to = T::v_mul(simd, from, factor);
            }
        }
    }
}

/// Where a residual wave is left for the object.
pub(crate) enum Residual<'a, T> {
    /// As it is, for the second pass.
    Kept(&'a mut [T]),
    /// As `Σ_k χ_k conj(P̃_k)` of the modes that are not kept.
    Projected {
        probe: &'a [T],
        sum: &'a mut [T],
        /// Of the first such mode, which does not find anything to add to.
        is_first: bool,
    },
}

/// Strips of a residual wave are left for the object and become the probe's direction: `χ conj(O)`, over
/// `a |O|² + b` where there is a divisor `[a, b]`.
pub(crate) struct Divide<'a, T> {
    pub(crate) object: Patch<'a, T>,
    pub(crate) residual: Residual<'a, T>,
    pub(crate) divisor: Option<[T; 2]>,
}

impl<T: Real> Sweep<T> for Divide<'_, T> {
    #[inline(always)]
    fn strip<S: Simd>(&mut self, simd: S, s: usize, re: &mut [T], im: &mut [T]) {
        match &mut self.residual {
            Residual::Kept(chi) => {
                let (chi_re, chi_im) = strip_of_mut(chi, s, re.len());
                chi_re.copy_from_slice(re);
                chi_im.copy_from_slice(im);
            }
            Residual::Projected {
                probe,
                sum,
                is_first,
            } => {
                let probe = strip_of(probe, s, re.len());
                let sum = strip_of_mut(sum, s, re.len());
                times_conj_into(simd, (re, im), probe, sum, !*is_first);
            }
        }
        match self.divisor {
            None => project_strip::<S, T, false>(simd, self.object, s, [T::zero(); 2], (re, im)),
            Some(divisor) => project_strip::<S, T, true>(simd, self.object, s, divisor, (re, im)),
        }
    }
}

/// `to (+)= a conj(b)`
#[inline(always)]
fn times_conj_into<S: Simd, T: Real>(
    simd: S,
    (a_re, a_im): (&[T], &[T]),
    (b_re, b_im): (&[T], &[T]),
    (to_re, to_im): (&mut [T], &mut [T]),
    add: bool,
) {
    let (a_re, a_im) = (T::vectors::<S>(a_re), T::vectors::<S>(a_im));
    let (b_re, b_im) = (T::vectors::<S>(b_re), T::vectors::<S>(b_im));
    let (to_re, to_im) = (T::vectors_mut::<S>(to_re), T::vectors_mut::<S>(to_im));
    for i in 0..to_re.len() {
        let (re, im) = times_conj::<S, T>(simd, (a_re[i], a_im[i]), (b_re[i], b_im[i]));
        if add {
            to_re[i] = T::v_add(simd, to_re[i], re);
            to_im[i] = T::v_add(simd, to_im[i], im);
        } else {
            (to_re[i], to_im[i]) = (re, im);
        }
    }
}

/// `χ` becomes `χ conj(O)` or, divided, `χ conj(O) / (a |O|² + b)`.
#[inline(always)]
fn project_strip<S: Simd, T: Real, const DIVIDED: bool>(
    simd: S,
    object: Patch<T>,
    s: usize,
    divisor: [T; 2],
    (re, im): (&mut [T], &mut [T]),
) {
    let [share, floor] = [T::splat(simd, divisor[0]), T::splat(simd, divisor[1])];
    let (rows_re, rows_im) = (re.as_chunks_mut::<LANES>().0, im.as_chunks_mut::<LANES>().0);
    for (r, (c_re, c_im)) in rows_re.iter_mut().zip(rows_im).enumerate() {
        let (o_re, o_im) = object.row::<S>(s, r);
        let (c_re, c_im) = (T::vectors_mut::<S>(c_re), T::vectors_mut::<S>(c_im));
        for g in 0..c_re.len() {
            let (re, im) = times_conj::<S, T>(simd, (c_re[g], c_im[g]), (o_re[g], o_im[g]));
            (c_re[g], c_im[g]) = if DIVIDED {
                let power = T::v_fma(simd, o_im[g], o_im[g], T::v_mul(simd, o_re[g], o_re[g]));
                let divisor = T::v_fma(simd, share, power, floor);
                (T::v_div(simd, re, divisor), T::v_div(simd, im, divisor))
            } else {
                (re, im)
            };
        }
    }
}

/// `to += from`, of any length.
pub(crate) fn add_assign<T: Real>(to: &mut [T], from: &[T]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to += from;
    }
}

/// The first chunk becomes the sum of all, added in order.
pub(crate) fn add_chunks<T: Real>(chunks: &mut [T], len: usize) {
    const PART: usize = 4096;
    let (total, rest) = chunks.split_at_mut(len);
    let rest = &*rest;
    let parts = total.par_chunks_mut(PART).enumerate();
    parts.for_each(|(part, to)| {
        for chunk in rest.chunks_exact(len) {
            add_assign(to, &chunk[part * PART..]);
        }
    });
}
