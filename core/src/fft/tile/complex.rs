//! Registers of complex numbers.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use pulp::Simd;

use crate::simd::Real;

/// A register of complex numbers.
#[derive(Clone, Copy)]
pub(super) struct C<V> {
    pub(super) re: V,
    pub(super) im: V,
}

impl<V: Copy> C<V> {
    #[inline(always)]
    pub(super) fn plus<S: Simd, T: Real<Vector<S> = V>>(self, simd: S, other: Self) -> Self {
        Self {
            re: T::v_add(simd, self.re, other.re),
            im: T::v_add(simd, self.im, other.im),
        }
    }

    #[inline(always)]
    pub(super) fn minus<S: Simd, T: Real<Vector<S> = V>>(self, simd: S, other: Self) -> Self {
        Self {
            re: T::v_sub(simd, self.re, other.re),
            im: T::v_sub(simd, self.im, other.im),
        }
    }

    /// `self - i other`
    #[inline(always)]
    pub(super) fn minus_i<S: Simd, T: Real<Vector<S> = V>>(self, simd: S, other: Self) -> Self {
        Self {
            re: T::v_add(simd, self.re, other.im),
            im: T::v_sub(simd, self.im, other.re),
        }
    }

    /// `self + i other`
    #[inline(always)]
    pub(super) fn plus_i<S: Simd, T: Real<Vector<S> = V>>(self, simd: S, other: Self) -> Self {
        Self {
            re: T::v_sub(simd, self.re, other.im),
            im: T::v_add(simd, self.im, other.re),
        }
    }

    #[inline(always)]
    pub(super) fn times<S: Simd, T: Real<Vector<S> = V>>(self, simd: S, real: T) -> Self {
        let real = T::splat(simd, real);
        Self {
            re: T::v_mul(simd, self.re, real),
            im: T::v_mul(simd, self.im, real),
        }
    }

    /// `self + real other`
    #[inline(always)]
    pub(super) fn plus_times<S: Simd, T: Real<Vector<S> = V>>(
        self,
        simd: S,
        other: Self,
        real: T,
    ) -> Self {
        let real = T::splat(simd, real);
        Self {
            re: T::v_fma(simd, other.re, real, self.re),
            im: T::v_fma(simd, other.im, real, self.im),
        }
    }
}

/// Times a unit number.
#[inline(always)]
pub(super) fn turn<S: Simd, T: Real>(simd: S, a: C<T::Vector<S>>, by: [T; 2]) -> C<T::Vector<S>> {
    let (re, im) = (T::splat(simd, by[0]), T::splat(simd, by[1]));
    C {
        re: T::v_fnma(simd, a.im, im, T::v_mul(simd, a.re, re)),
        im: T::v_fma(simd, a.re, im, T::v_mul(simd, a.im, re)),
    }
}
