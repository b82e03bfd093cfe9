//! The transforms of Winograd's F(4, 3), one dimension at a time, on vectors of channels.
//!
//! With `a = 1/√2`, `b = √2` (so `ab = 1`), for six inputs `d`, three weights `g` and four outputs `y` of a correlation,
//! `y = Aᵀ ((G g) ⊙ (Bᵀ d))`:
//!
//! ```text
//!      ⎡ 1  0  -5/2  0   1  0 ⎤       ⎡  1     0     0   ⎤        ⎡ 1  1    1    1    1   0 ⎤
//!      ⎢ 0 -b  -2    a   1  0 ⎥       ⎢-2/3 -2a/3  -1/3  ⎥   Aᵀ = ⎢ 0  a   -a    b   -b   0 ⎥
//! Bᵀ = ⎢ 0  b  -2   -a   1  0 ⎥   G = ⎢-2/3  2a/3  -1/3  ⎥        ⎢ 0  1/2  1/2  2    2   0 ⎥
//!      ⎢ 0 -a  -1/2  b   1  0 ⎥       ⎢ 1/6   b/6   1/3  ⎥        ⎣ 0  a/2 -a/2  2b  -2b  1 ⎦
//!      ⎢ 0  a  -1/2 -b   1  0 ⎥       ⎢ 1/6  -b/6   1/3  ⎥
//!      ⎣ 0  1   0  -5/2  0  1 ⎦       ⎣  0     0     1   ⎦
//! ```
//!
//! In two dimensions each side is transformed, `Bᵀ d B` and so on: 36 multiplications for 16 outputs instead of 144.
//! The gradient for the weights is the adjoint in `g`: `dg = Gᵀ (Σ (Bᵀ d B) ⊙ (A dy Aᵀ)) G`. The points ±1/√2, ±√2 have
//! half the rounding error of the usual ±1, ±2 (rms 1e-6 of the largest layers).
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use std::f32::consts::{FRAC_1_SQRT_2, SQRT_2};

use crate::tensor::dispatch::Machine;

/// Points of the transforms, so products of matrices: 6 by 6.
pub(super) const N_POINTS: usize = 36;

/// `Bᵀ d`
#[inline(always)]
pub(super) fn input<M: Machine>(m: M, d: [M::Vector; 6]) -> [M::Vector; 6] {
    let (a, b, minus_a, minus_b) = signed(m);
    let (two, half, more) = (m.splat(-2.0), m.splat(-0.5), m.splat(-2.5));
    let even = m.fma(two, d[2], d[4]);
    let odd = m.fma(two, d[1], d[3]);
    let even_b = m.fma(half, d[2], d[4]);
    let odd_b = m.fma(half, d[1], d[3]);
    [
        m.fma(more, d[2], m.add(d[0], d[4])),
        m.fma(a, odd, even),
        m.fma(minus_a, odd, even),
        m.fma(b, odd_b, even_b),
        m.fma(minus_b, odd_b, even_b),
        m.fma(more, d[3], m.add(d[1], d[5])),
    ]
}

/// `Aᵀ f`
#[inline(always)]
pub(super) fn output<M: Machine>(m: M, f: [M::Vector; 6]) -> [M::Vector; 4] {
    let (two, half) = (m.splat(2.0), m.splat(0.5));
    let (sum, sum_b) = (m.add(f[1], f[2]), m.add(f[3], f[4]));
    let difference = m.mul(m.splat(FRAC_1_SQRT_2), m.sub(f[1], f[2]));
    let difference_b = m.mul(m.splat(SQRT_2), m.sub(f[3], f[4]));
    [
        m.add(f[0], m.add(sum, sum_b)),
        m.add(difference, difference_b),
        m.fma(two, sum_b, m.mul(half, sum)),
        m.fma(two, difference_b, m.fma(half, difference, f[5])),
    ]
}

/// `A y`
#[inline(always)]
pub(super) fn output_adjoint<M: Machine>(m: M, y: [M::Vector; 4]) -> [M::Vector; 6] {
    let (a, b, minus_a, minus_b) = signed(m);
    let (two, half) = (m.splat(2.0), m.splat(0.5));
    let even = m.fma(half, y[2], y[0]);
    let odd = m.fma(half, y[3], y[1]);
    let even_b = m.fma(two, y[2], y[0]);
    let odd_b = m.fma(two, y[3], y[1]);
    [
        y[0],
        m.fma(a, odd, even),
        m.fma(minus_a, odd, even),
        m.fma(b, odd_b, even_b),
        m.fma(minus_b, odd_b, even_b),
        y[3],
    ]
}

/// `G g`
#[inline(always)]
pub(super) fn filter<M: Machine>(m: M, g: [M::Vector; 3]) -> [M::Vector; 6] {
    let (a, b, minus_a, minus_b) = signed(m);
    let (two, half) = (m.splat(2.0), m.splat(0.5));
    let (n, n_b) = (m.splat(-2.0 / 3.0), m.splat(1.0 / 6.0));
    let even = m.fma(half, g[2], g[0]);
    let even_b = m.fma(two, g[2], g[0]);
    [
        g[0],
        m.mul(n, m.fma(a, g[1], even)),
        m.mul(n, m.fma(minus_a, g[1], even)),
        m.mul(n_b, m.fma(b, g[1], even_b)),
        m.mul(n_b, m.fma(minus_b, g[1], even_b)),
        g[2],
    ]
}

/// `Gᵀ u`
#[inline(always)]
pub(super) fn filter_adjoint<M: Machine>(m: M, u: [M::Vector; 6]) -> [M::Vector; 3] {
    let (n, n_b) = (m.splat(-2.0 / 3.0), m.splat(1.0 / 6.0));
    let sum = m.mul(n, m.add(u[1], u[2]));
    let sum_b = m.mul(n_b, m.add(u[3], u[4]));
    let difference = m.mul(n, m.sub(u[1], u[2]));
    let difference_b = m.mul(n_b, m.sub(u[3], u[4]));
    [
        m.add(u[0], m.add(sum, sum_b)),
        m.fma(
            m.splat(FRAC_1_SQRT_2),
            difference,
            m.mul(m.splat(SQRT_2), difference_b),
        ),
        m.fma(m.splat(2.0), sum_b, m.fma(m.splat(0.5), sum, u[5])),
    ]
}

/// Row `i` of a matrix of `N` columns.
#[inline(always)]
pub(super) fn row<V: Copy, const H: usize, const N: usize>(
    columns: &[[V; H]; N],
    i: usize,
) -> [V; N] {
    let mut row = [columns[0][i]; N];
    for j in 1..N {
        row[j] = columns[j][i];
    }
    row
}

#[inline(always)]
fn signed<M: Machine>(m: M) -> (M::Vector, M::Vector, M::Vector, M::Vector) {
    (
        m.splat(FRAC_1_SQRT_2),
        m.splat(SQRT_2),
        m.splat(-FRAC_1_SQRT_2),
        m.splat(-SQRT_2),
    )
}
