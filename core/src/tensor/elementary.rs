//! Exponential, logarithm, sine and cosine, hyperbolic tangent in single precision, by polynomials without branches: a
//! loop over a slice becomes vector instructions, where the standard library calls a function for each value.
//!
//! Errors are below 2 units in the last place (tested over the ranges named); NaN goes in and out. Polynomials as in
//! Moshier's Cephes library.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use pulp::{Simd, WithSimd};

/// A closure that a machine compiles with its vector instructions; mark it `#[inline(always)]`.
///
/// `pulp` takes closures too, but calls them through `FnOnce`, for a closure that could be called again a function in
/// between that is compiled without them.
pub(crate) struct Sweep<F>(pub(crate) F);

impl<R, F: FnMut() -> R> WithSimd for Sweep<F> {
    type Output = R;

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _: S) -> R {
        (self.0)()
    }
}

/// Adding and subtracting it rounds to the nearest whole number, which then stands in the lowest bits.
const ROUNDER: f32 = 12_582_912.0;

/// `exp(x)`; between `exp(-87)` and `exp(88)`.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    let x = if x > 88.0 { 88.0 } else { x };
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUNDER;
    let n = shifted - ROUNDER;
    let r = (x - n * 0.693_359_4) + n * 2.121_944_4e-4;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 5e-1;
    let power = (shifted.to_bits() << 23).wrapping_add(0x3f80_0000);
    (p * (r * r) + r + 1.0) * f32::from_bits(power)
}

/// `ln x` for normal positive x; NaN for what is not finite.
#[inline(always)]
pub(crate) fn ln(x: f32) -> f32 {
    const ROOT_HALF: u32 = 0x3f35_04f3;
    let above = x.to_bits().wrapping_sub(ROOT_HALF);
    let exponent = (above as i32 >> 23) as f32;
    let f = f32::from_bits((above & 0x007f_ffff).wrapping_add(ROOT_HALF)) - 1.0;
    let p = 7.037_683_6e-2;
    let p = p * f - 1.151_461e-1;
    let p = p * f + 1.167_699_9e-1;
    let p = p * f - 1.242_014_1e-1;
    let p = p * f + 1.424_932_3e-1;
    let p = p * f - 1.666_805_8e-1;
    let p = p * f + 2.000_071_5e-1;
    let p = p * f - 2.499_999_4e-1;
    let p = p * f + 3.333_333e-1;
    let z = f * f;
    let small = f * z * p - exponent * 2.121_944_4e-4 - 0.5 * z;
    f + small + exponent * 0.693_359_4 + zero_or_nan(x)
}

/// 0, or NaN for what is not finite.
#[expect(clippy::eq_op, reason = "infinity less infinity is NaN")]
#[inline(always)]
fn zero_or_nan(x: f32) -> f32 {
    x - x
}

/// Sine and cosine of x, |x| up to 8192.
#[inline(always)]
pub(crate) fn sin_cos(x: f32) -> (f32, f32) {
    let shifted = x * std::f32::consts::FRAC_2_PI + ROUNDER;
    let q = shifted - ROUNDER;
    // π/2 in three parts, of which the first two are exact when multiplied by a small whole number.
    let r = ((x - q * 1.570_312_5) - q * 4.837_513e-4) - q * 7.549_79e-8;
    let z = r * r;
    let s = (-1.951_529_6e-4 * z + 8.332_161e-3) * z - 1.666_665_5e-1;
    let s = s * z * r + r;
    let c = (2.443_315_7e-5 * z - 1.388_731_6e-3) * z + 4.166_664_6e-2;
    let c = c * z * z - 0.5 * z + 1.0;
    let quarter = shifted.to_bits();
    let is_odd = quarter & 1 != 0;
    let (sine, cosine) = if is_odd { (c, s) } else { (s, c) };
    let sine_sign = (quarter & 2) << 30;
    let cosine_sign = (quarter.wrapping_add(1) & 2) << 30;
    (
        f32::from_bits(sine.to_bits() ^ sine_sign),
        f32::from_bits(cosine.to_bits() ^ cosine_sign),
    )
}

/// `tanh x`
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let z = x * x;
    let p = -5.704_988_7e-3;
    let p = p * z + 2.063_909e-2;
    let p = p * z - 5.373_971_6e-2;
    let p = p * z + 1.333_144_2e-1;
    let p = p * z - 3.333_328e-1;
    let near = p * z * x + x;
    let size = x.abs();
    let far = (1.0 - 2.0 / (exp(2.0 * size) + 1.0)).copysign(x);
    if size < 0.625 { near } else { far }
}

/// `1 / (1 + exp(-x))` and its difference from 1.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> (f32, f32) {
    let e = exp(-x);
    let s = 1.0 / (1.0 + e);
    (s, e * s)
}

/// `ln(1 + exp x)`
#[inline(always)]
pub(crate) fn softplus(x: f32) -> f32 {
    let e = exp(-x.abs());
    let sum = 1.0 + e;
    let rounded = sum - 1.0;
    // ln(1 + e) where 1 + e is rounded: the quotient makes up for it.
    let tail = if rounded == 0.0 {
        e
    } else {
        ln(sum) * (e / rounded)
    };
    let positive = if x < 0.0 { 0.0 } else { x };
    positive + tail
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The greatest error over a range, in units in the last place of the result.
    fn worst(range: (f32, f32), fast: impl Fn(f32) -> f32, exact: impl Fn(f64) -> f64) -> f64 {
        let n = 200_000;
        (0..=n)
            .map(|i| {
                let x = range.0 + (range.1 - range.0) * i as f32 / n as f32;
                let (found, expected) = (f64::from(fast(x)), exact(f64::from(x)));
                let unit =
                    f64::from(f32::EPSILON) * 2f64.powi(expected.abs().log2().floor() as i32);
                (found - expected).abs() / unit.max(1e-38)
            })
            .fold(0.0, f64::max)
    }

    #[test]
    fn elementary_functions_are_right_to_the_last_places() {
        for (name, error, bound) in [
            ("exp", worst((-86.9, 87.9), exp, f64::exp), 2.0),
            ("ln", worst((1e-6, 10.0), ln, f64::ln), 2.0),
            ("ln of large", worst((1.0, 1e9), ln, f64::ln), 2.0),
            ("tanh", worst((-12.0, 12.0), tanh, f64::tanh), 2.0),
            (
                "sigmoid",
                worst(
                    (-30.0, 30.0),
                    |x| sigmoid(x).0,
                    |x| 1.0 / (1.0 + (-x).exp()),
                ),
                3.0,
            ),
            (
                "softplus",
                worst((-30.0, 30.0), softplus, |x| x.exp().ln_1p()),
                3.0,
            ),
        ] {
            assert!(error < bound, "{name}: {error} ulp");
        }
        for (n, x) in (-400_000..=400_000).map(|i| i as f32 * 1e-3).enumerate() {
            let (sine, cosine) = sin_cos(x);
            let (s, c) = f64::from(x).sin_cos();
            let error = (f64::from(sine) - s)
                .abs()
                .max((f64::from(cosine) - c).abs());
            assert!(error < 1.2e-7, "{n}: {x} {error:e}");
        }
    }

    #[test]
    fn nan_stays_nan() {
        let x = f32::NAN;
        let found = [
            exp(x),
            ln(x),
            sin_cos(x).0,
            sin_cos(x).1,
            tanh(x),
            sigmoid(x).0,
            softplus(x),
        ];
        assert!(found.iter().all(|y| y.is_nan()), "{found:?}");
        assert!(ln(f32::INFINITY).is_nan());
        assert_eq!((exp(1e9), exp(-1e9)), (exp(88.0), exp(-87.0)));
    }
}
