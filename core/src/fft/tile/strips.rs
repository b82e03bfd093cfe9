//! Transforms in halves, with sweeps over the strips on their way.
//!
//! A strip fits the first cache: a sweep that fills, reads or changes it there costs no pass over memory of its own.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use pulp::{Simd, WithSimd};

use super::passes::Columns;
use super::{Scratch, TileFft, gather_transposed};
use crate::simd::{LANES, Real};

/// What is done with the strips of a field, one after the other.
pub(crate) trait Sweep<T: Real> {
    /// Fill, read or change strip `s`: its rows in order.
    fn strip<S: Simd>(&mut self, simd: S, s: usize, re: &mut [T], im: &mut [T]);
}

/// Strips stay as they are.
pub(crate) struct Untouched;

impl<T: Real> Sweep<T> for Untouched {
    #[inline(always)]
    fn strip<S: Simd>(&mut self, _: S, _: usize, _: &mut [T], _: &mut [T]) {}
}

/// Strips are filled from a field.
pub(crate) struct CopyOf<'a, T>(pub(crate) &'a [T]);

impl<T: Real> Sweep<T> for CopyOf<'_, T> {
    #[inline(always)]
    fn strip<S: Simd>(&mut self, _: S, s: usize, re: &mut [T], im: &mut [T]) {
        let (from_re, from_im) = strip_of(self.0, s, re.len());
        re.copy_from_slice(from_re);
        im.copy_from_slice(from_im);
    }
}

/// Strips are added to a field.
pub(crate) struct AddTo<'a, T>(pub(crate) &'a mut [T]);

impl<T: Real> Sweep<T> for AddTo<'_, T> {
    #[inline(always)]
    fn strip<S: Simd>(&mut self, simd: S, s: usize, re: &mut [T], im: &mut [T]) {
        let (to_re, to_im) = strip_of_mut(self.0, s, re.len());
        for (to, from) in [(to_re, re), (to_im, im)] {
            let to = T::vectors_mut::<S>(to).iter_mut();
            for (to, &from) in to.zip(T::vectors::<S>(from)) {
                *to = T::v_add(simd, *to, from);
            }
        }
    }
}

/// One sweep, then another.
impl<T: Real, A: Sweep<T>, B: Sweep<T>> Sweep<T> for (A, B) {
    #[inline(always)]
    fn strip<S: Simd>(&mut self, simd: S, s: usize, re: &mut [T], im: &mut [T]) {
        self.0.strip(simd, s, re, im);
        self.1.strip(simd, s, re, im);
    }
}

/// Real and imaginary values of strip `s` of a field, `len` each.
#[inline(always)]
pub(crate) fn strip_of<T>(field: &[T], s: usize, len: usize) -> (&[T], &[T]) {
    let (re, im) = field.split_at(field.len() / 2);
    (&re[s * len..][..len], &im[s * len..][..len])
}

/// The same, to be written to.
#[inline(always)]
pub(crate) fn strip_of_mut<T>(field: &mut [T], s: usize, len: usize) -> (&mut [T], &mut [T]) {
    let (re, im) = field.split_at_mut(field.len() / 2);
    (&mut re[s * len..][..len], &mut im[s * len..][..len])
}

/// Which transform; neither is normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Forward,
    /// n² times the inverse.
    Inverse,
}

impl<T: Real> TileFft<T> {
    /// The first half of a transform of the field whose strips are what `sweep` makes of those of `half`.
    pub(crate) fn begin(
        &self,
        direction: Direction,
        sweep: impl Sweep<T>,
        half: &mut [T],
        scratch: &mut Scratch<T>,
    ) {
        self.arch.dispatch(Begin {
            plan: self,
            direction,
            sweep,
            half,
            scratch: &mut scratch.strips,
        });
    }

    /// The second half, swept and left in `to`.
    #[expect(
        clippy::too_many_arguments,
        reason = "what is read, what is worked in, what is left"
    )]
    pub(crate) fn end(
        &self,
        direction: Direction,
        half: &[T],
        sweep: impl Sweep<T>,
        to: &mut [T],
        scratch: &mut Scratch<T>,
    ) {
        self.arch.dispatch(End {
            plan: self,
            direction,
            goes_on: false,
            half,
            sweep,
            to: Some(to),
            scratch: &mut scratch.strips,
        });
    }

    /// The second half for the sweep alone, which takes from it what it needs.
    pub(crate) fn end_in(
        &self,
        direction: Direction,
        half: &[T],
        sweep: impl Sweep<T>,
        scratch: &mut Scratch<T>,
    ) {
        self.arch.dispatch(End {
            plan: self,
            direction,
            goes_on: false,
            half,
            sweep,
            to: None,
            scratch: &mut scratch.strips,
        });
    }

    /// The second half of an inverse transform and, of what the sweep makes of it, the first half of a forward one.
    pub(crate) fn turn_back(
        &self,
        half: &[T],
        sweep: impl Sweep<T>,
        to: &mut [T],
        scratch: &mut Scratch<T>,
    ) {
        self.arch.dispatch(End {
            plan: self,
            direction: Direction::Inverse,
            goes_on: true,
            half,
            sweep,
            to: Some(to),
            scratch: &mut scratch.strips,
        });
    }

    /// FFT down the columns of a strip.
    #[inline(always)]
    fn columns<S: Simd>(
        &self,
        simd: S,
        direction: Direction,
        (re, im): (&mut [T], &mut [T]),
        scratch: &mut [T],
    ) {
        // The inverse is the forward transform of the planes exchanged.
        let (re, im) = match direction {
            Direction::Forward => (re, im),
            Direction::Inverse => (im, re),
        };
        simd.vectorize(Columns {
            passes: &self.passes,
            re,
            im,
            scratch,
        });
    }
}

struct Begin<'a, T: Real, W> {
    plan: &'a TileFft<T>,
    direction: Direction,
    sweep: W,
    half: &'a mut [T],
    scratch: &'a mut [T],
}

impl<T: Real, W: Sweep<T>> WithSimd for Begin<'_, T, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let tiling = self.plan.tiling;
        let len = tiling.n * LANES;
        for s in 0..tiling.n_strips {
            let (re, im) = strip_of_mut(self.half, s, len);
            self.sweep.strip(simd, s, re, im);
            self.plan
                .columns(simd, self.direction, (re, im), &mut self.scratch[..4 * len]);
        }
    }
}

struct End<'a, T: Real, W> {
    plan: &'a TileFft<T>,
    direction: Direction,
    /// Whether the first half of a forward transform follows.
    goes_on: bool,
    half: &'a [T],
    sweep: W,
    /// `None`: every strip in the same place of the scratch.
    to: Option<&'a mut [T]>,
    scratch: &'a mut [T],
}

impl<T: Real, W: Sweep<T>> WithSimd for End<'_, T, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let tiling = self.plan.tiling;
        let len = tiling.n * LANES;
        let (scratch, strip) = self.scratch.split_at_mut(4 * len);
        let (half_re, half_im) = self.half.split_at(self.half.len() / 2);
        for s in 0..tiling.n_strips {
            let (re, im) = match &mut self.to {
                Some(to) => strip_of_mut(to, s, len),
                None => strip.split_at_mut(len),
            };
            gather_transposed(simd, tiling, s, half_re, re);
            gather_transposed(simd, tiling, s, half_im, im);
            self.plan.columns(simd, self.direction, (re, im), scratch);
            self.sweep.strip(simd, s, re, im);
            if self.goes_on {
                self.plan
                    .columns(simd, Direction::Forward, (re, im), scratch);
            }
        }
    }
}
