//! Transforms of a few registers: the butterflies of the radix passes.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use pulp::Simd;

use super::complex::{C, turn};
use crate::simd::Real;

/// The transform of R registers. A trait, since a function passed by value is not always inlined.
pub(super) trait Butterfly<const R: usize> {
    fn dft<S: Simd, T: Real>(simd: S, values: [C<T::Vector<S>>; R]) -> [C<T::Vector<S>>; R];
}

macro_rules! butterfly {
    ($($name:ident, $radix:literal, $dft:ident;)+) => { $(
        pub(super) struct $name;
        impl Butterfly<$radix> for $name {
            #[inline(always)]
            fn dft<S: Simd, T: Real>(simd: S, values: [C<T::Vector<S>>; $radix]) -> [C<T::Vector<S>>; $radix] {
                $dft::<S, T>(simd, values)
            }
        }
    )+ };
}

butterfly! {
    Dft2, 2, dft2;
    Dft3, 3, dft3;
    Dft4, 4, dft4;
    Dft5, 5, dft5;
    Dft8, 8, dft8;
    Dft16, 16, dft16;
}

#[inline(always)]
fn dft2<S: Simd, T: Real>(simd: S, [a, b]: [C<T::Vector<S>>; 2]) -> [C<T::Vector<S>>; 2] {
    [a.plus::<S, T>(simd, b), a.minus::<S, T>(simd, b)]
}

#[inline(always)]
fn dft3<S: Simd, T: Real>(simd: S, [a, b, c]: [C<T::Vector<S>>; 3]) -> [C<T::Vector<S>>; 3] {
    let sum = b.plus::<S, T>(simd, c);
    let middle = a.plus_times::<S, T>(simd, sum, T::of(-0.5));
    let side = b
        .minus::<S, T>(simd, c)
        .times::<S, T>(simd, T::of(0.75_f64.sqrt()));
    [
        a.plus::<S, T>(simd, sum),
        middle.minus_i::<S, T>(simd, side),
        middle.plus_i::<S, T>(simd, side),
    ]
}

#[inline(always)]
fn dft4<S: Simd, T: Real>(simd: S, [a, b, c, d]: [C<T::Vector<S>>; 4]) -> [C<T::Vector<S>>; 4] {
    let (t0, t1) = (a.plus::<S, T>(simd, c), a.minus::<S, T>(simd, c));
    let (t2, t3) = (b.plus::<S, T>(simd, d), b.minus::<S, T>(simd, d));
    [
        t0.plus::<S, T>(simd, t2),
        t1.minus_i::<S, T>(simd, t3),
        t0.minus::<S, T>(simd, t2),
        t1.plus_i::<S, T>(simd, t3),
    ]
}

#[inline(always)]
fn dft5<S: Simd, T: Real>(simd: S, [a, b, c, d, e]: [C<T::Vector<S>>; 5]) -> [C<T::Vector<S>>; 5] {
    let (c1, s1) = (
        T::of(0.309_016_994_374_947_45),
        T::of(-0.951_056_516_295_153_5),
    );
    let (c2, s2) = (
        T::of(-0.809_016_994_374_947_5),
        T::of(-0.587_785_252_292_473_1),
    );
    let (p1, m1) = (b.plus::<S, T>(simd, e), b.minus::<S, T>(simd, e));
    let (p2, m2) = (c.plus::<S, T>(simd, d), c.minus::<S, T>(simd, d));
    let r1 = a
        .plus_times::<S, T>(simd, p1, c1)
        .plus_times::<S, T>(simd, p2, c2);
    let r2 = a
        .plus_times::<S, T>(simd, p1, c2)
        .plus_times::<S, T>(simd, p2, c1);
    let i1 = m1.times::<S, T>(simd, s1).plus_times::<S, T>(simd, m2, s2);
    let i2 = m1.times::<S, T>(simd, s2).plus_times::<S, T>(simd, m2, -s1);
    [
        a.plus::<S, T>(simd, p1).plus::<S, T>(simd, p2),
        r1.plus_i::<S, T>(simd, i1),
        r2.plus_i::<S, T>(simd, i2),
        r2.minus_i::<S, T>(simd, i2),
        r1.minus_i::<S, T>(simd, i1),
    ]
}

#[inline(always)]
fn dft8<S: Simd, T: Real>(simd: S, a: [C<T::Vector<S>>; 8]) -> [C<T::Vector<S>>; 8] {
    let half = T::of(std::f64::consts::FRAC_1_SQRT_2);
    let e = dft4::<S, T>(simd, [a[0], a[2], a[4], a[6]]);
    let o = dft4::<S, T>(simd, [a[1], a[3], a[5], a[7]]);
    // Times exp(-iπ/4) and exp(-3iπ/4), up to the factor √½.
    let o1 = C {
        re: T::v_add(simd, o[1].re, o[1].im),
        im: T::v_sub(simd, o[1].im, o[1].re),
    };
    let o3 = C {
        re: T::v_sub(simd, o[3].im, o[3].re),
        im: T::v_add(simd, o[3].re, o[3].im),
    };
    [
        e[0].plus::<S, T>(simd, o[0]),
        e[1].plus_times::<S, T>(simd, o1, half),
        e[2].minus_i::<S, T>(simd, o[2]),
        C {
            re: T::v_fma(simd, o3.re, T::splat(simd, half), e[3].re),
            im: T::v_fma(simd, o3.im, T::splat(simd, -half), e[3].im),
        },
        e[0].minus::<S, T>(simd, o[0]),
        e[1].plus_times::<S, T>(simd, o1, -half),
        e[2].plus_i::<S, T>(simd, o[2]),
        C {
            re: T::v_fma(simd, o3.re, T::splat(simd, -half), e[3].re),
            im: T::v_fma(simd, o3.im, T::splat(simd, half), e[3].im),
        },
    ]
}

#[inline(always)]
fn dft16<S: Simd, T: Real>(simd: S, a: [C<T::Vector<S>>; 16]) -> [C<T::Vector<S>>; 16] {
    const COS: f64 = 0.923_879_532_511_286_7;
    const SIN: f64 = 0.382_683_432_365_089_8;
    let (c, s, h) = (
        T::of(COS),
        T::of(SIN),
        T::of(std::f64::consts::FRAC_1_SQRT_2),
    );
    let one = [T::one(), T::zero()];
    let w = [
        one,
        [c, -s],
        [h, -h],
        [s, -c],
        [T::zero(), -T::one()],
        one,
        [-h, -h],
        one,
        one,
        [-c, s],
    ];
    let mut inner = [[a[0]; 4]; 4];
    for j in 0..4 {
        inner[j] = dft4::<S, T>(simd, [a[j], a[4 + j], a[8 + j], a[12 + j]]);
    }
    for j in 1..4 {
        for k in 1..4 {
            inner[j][k] = turn::<S, T>(simd, inner[j][k], w[j * k]);
        }
    }
    let mut out = [a[0]; 16];
    for k in 0..4 {
        let column = dft4::<S, T>(simd, [inner[0][k], inner[1][k], inner[2][k], inner[3][k]]);
        for (i, value) in column.into_iter().enumerate() {
            out[k + 4 * i] = value;
        }
    }
    out
}
