//! The elementwise sweeps that several steps share, each one pass over contiguous memory.
//!
//! Fields are tiled (see [`tile`](crate::fft::tile)): two planes, real and imaginary.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::fft::tile::Tiling;
use crate::fft::tile::fields::{Patch, times_conj};
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

/// `to (+)= a conj(b)`, all fields.
pub(crate) struct TimesConj<'a, T> {
    pub(crate) a: &'a [T],
    pub(crate) b: &'a [T],
    pub(crate) to: &'a mut [T],
    pub(crate) add: bool,
}

impl<T: Real> WithSimd for TimesConj<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let plane = self.to.len() / 2;
        let (a_re, a_im) = self.a.split_at(plane);
        let (b_re, b_im) = self.b.split_at(plane);
        let (to_re, to_im) = self.to.split_at_mut(plane);
        let (a_re, a_im) = (T::vectors::<S>(a_re), T::vectors::<S>(a_im));
        let (b_re, b_im) = (T::vectors::<S>(b_re), T::vectors::<S>(b_im));
        let (to_re, to_im) = (T::vectors_mut::<S>(to_re), T::vectors_mut::<S>(to_im));
        for i in 0..to_re.len() {
            let (re, im) = times_conj::<S, T>(simd, (a_re[i], a_im[i]), (b_re[i], b_im[i]));
            if self.add {
                to_re[i] = T::v_add(simd, to_re[i], re);
                to_im[i] = T::v_add(simd, to_im[i], im);
            } else {
                (to_re[i], to_im[i]) = (re, im);
            }
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
