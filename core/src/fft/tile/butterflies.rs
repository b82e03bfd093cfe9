//! Transforms of a few registers: the butterflies of the radix passes.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use pulp::Simd;

use super::complex::{C, turn};
use crate::simd::Real;

/// Where a butterfly reads: register `at`, then every `part` further.
pub(super) struct Source<'a, V> {
    pub(super) re: &'a [V],
    pub(super) im: &'a [V],
    pub(super) at: usize,
    pub(super) part: usize,
}

impl<V: Copy> Source<'_, V> {
    #[inline(always)]
    fn get(&self, j: usize) -> C<V> {
        let at = self.at + self.part * j;
        C {
            re: self.re[at],
            im: self.im[at],
        }
    }
}

/// Where it writes: register `at`, then every `stride` further, each turned by its twiddle factor if there are any.
pub(super) struct Sink<'a, V, T> {
    pub(super) re: &'a mut [V],
    pub(super) im: &'a mut [V],
    pub(super) at: usize,
    pub(super) stride: usize,
    pub(super) twiddles: &'a [[T; 2]],
}

impl<V: Copy, T: Real> Sink<'_, V, T> {
    #[inline(always)]
    fn put<S: Simd, const TURNS: bool>(&mut self, simd: S, k: usize, value: C<V>)
    where
        T: Real<Vector<S> = V>,
    {
        let value = if TURNS && k > 0 {
            turn::<S, T>(simd, value, self.twiddles[k - 1])
        } else {
            value
        };
        let at = self.at + self.stride * k;
        self.re[at] = value.re;
        self.im[at] = value.im;
    }
}

/// A transform of a few registers. A trait, since a function passed by value is not always inlined; from memory to memory,
/// since an array of registers would not stay in registers.
pub(super) trait Butterfly {
    fn run<S: Simd, T: Real, const TURNS: bool>(
        simd: S,
        from: &Source<T::Vector<S>>,
        to: &mut Sink<T::Vector<S>, T>,
    );
}

macro_rules! butterfly {
    ($($name:ident, $dft:ident: $($j:literal)+;)+) => { $(
        pub(super) struct $name;
        impl Butterfly for $name {
            #[inline(always)]
            fn run<S: Simd, T: Real, const TURNS: bool>(
                simd: S,
                from: &Source<T::Vector<S>>,
                to: &mut Sink<T::Vector<S>, T>,
            ) {
                let values = $dft::<S, T>(simd, [$(from.get($j)),+]);
                $( to.put::<S, TURNS>(simd, $j, values[$j]); )+
            }
        }
    )+ };
}

butterfly! {
    Dft2, dft2: 0 1;
    Dft3, dft3: 0 1 2;
    Dft4, dft4: 0 1 2 3;
    Dft5, dft5: 0 1 2 3 4;
    Dft8, dft8: 0 1 2 3 4 5 6 7;
}

/// Four times four: transforms of every fourth register, turned, then transforms across them.
pub(super) struct Dft16;

impl Butterfly for Dft16 {
    #[inline(always)]
    fn run<S: Simd, T: Real, const TURNS: bool>(
        simd: S,
        from: &Source<T::Vector<S>>,
        to: &mut Sink<T::Vector<S>, T>,
    ) {
        const COS: f64 = 0.923_879_532_511_286_7;
        const SIN: f64 = 0.382_683_432_365_089_8;
        let (c, s) = (T::of(COS), T::of(SIN));
        macro_rules! first {
            ($j:literal) => {
                dft4::<S, T>(
                    simd,
                    [
                        from.get($j),
                        from.get(4 + $j),
                        from.get(8 + $j),
                        from.get(12 + $j),
                    ],
                )
            };
        }
        macro_rules! last {
            ($k:literal, $a:expr, $b:expr, $c:expr, $d:expr) => {
                let [x0, x1, x2, x3] = dft4::<S, T>(simd, [$a, $b, $c, $d]);
                to.put::<S, TURNS>(simd, $k, x0);
                to.put::<S, TURNS>(simd, 4 + $k, x1);
                to.put::<S, TURNS>(simd, 8 + $k, x2);
                to.put::<S, TURNS>(simd, 12 + $k, x3);
            };
        }
        let [a0, a1, a2, a3] = first!(0);
        let [b0, b1, b2, b3] = first!(1);
        let b1 = turn::<S, T>(simd, b1, [c, -s]);
        let b2 = eighth::<S, T>(simd, b2);
        let b3 = turn::<S, T>(simd, b3, [s, -c]);
        let [c0, c1, c2, c3] = first!(2);
        let c1 = eighth::<S, T>(simd, c1);
        let c3 = three_eighths::<S, T>(simd, c3);
        let [d0, d1, d2, d3] = first!(3);
        let d1 = turn::<S, T>(simd, d1, [s, -c]);
        let d2 = three_eighths::<S, T>(simd, d2);
        let d3 = turn::<S, T>(simd, d3, [-c, s]);
        last!(0, a0, b0, c0, d0);
        last!(1, a1, b1, c1, d1);
        // c2 is to be turned by -i, which the sums of a transform of four take for nothing.
        let (t0, t1) = (a2.minus_i::<S, T>(simd, c2), a2.plus_i::<S, T>(simd, c2));
        let (t2, t3) = (b2.plus::<S, T>(simd, d2), b2.minus::<S, T>(simd, d2));
        to.put::<S, TURNS>(simd, 2, t0.plus::<S, T>(simd, t2));
        to.put::<S, TURNS>(simd, 6, t1.minus_i::<S, T>(simd, t3));
        to.put::<S, TURNS>(simd, 10, t0.minus::<S, T>(simd, t2));
        to.put::<S, TURNS>(simd, 14, t1.plus_i::<S, T>(simd, t3));
        last!(3, a3, b3, c3, d3);
    }
}

/// Times `exp(-iπ/4)`.
#[inline(always)]
fn eighth<S: Simd, T: Real>(simd: S, a: C<T::Vector<S>>) -> C<T::Vector<S>> {
    let half = T::splat(simd, T::of(std::f64::consts::FRAC_1_SQRT_2));
    C {
        re: T::v_mul(simd, T::v_add(simd, a.re, a.im), half),
        im: T::v_mul(simd, T::v_sub(simd, a.im, a.re), half),
    }
}

/// Times `exp(-3iπ/4)`.
#[inline(always)]
fn three_eighths<S: Simd, T: Real>(simd: S, a: C<T::Vector<S>>) -> C<T::Vector<S>> {
    let half = T::splat(simd, T::of(std::f64::consts::FRAC_1_SQRT_2));
    let minus = T::splat(simd, T::of(-std::f64::consts::FRAC_1_SQRT_2));
    C {
        re: T::v_mul(simd, T::v_sub(simd, a.im, a.re), half),
        im: T::v_mul(simd, T::v_add(simd, a.re, a.im), minus),
    }
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
