//! Draws of large means by the transformed rejection PTRS of Hörmann, "The transformed rejection method for generating
//! Poisson random variables", Insurance: Mathematics and Economics 12 (1993) 39-45. Exact for means of 10 and more.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use pulp::{Simd, WithSimd};
use rand::Rng;

use super::{TWO_M32, uniform};

/// Pixels of which the first try is made side by side.
pub(super) const GROUP: usize = 16;

/// First tries of some pixels: most are accepted without a logarithm.
pub(super) struct FirstTries {
    means: [f64; GROUP],
    bits: [u64; GROUP],
    words: [u32; GROUP],
    counts: [f64; GROUP],
    is_accepted: [bool; GROUP],
}

/// The numbers of one try.
struct Try {
    /// `0.5 - |u|`
    edge: f64,
    v: f64,
    a: f64,
    b: f64,
    count: f64,
    is_accepted: bool,
}

impl FirstTries {
    pub(super) fn new(means: [f64; GROUP], rng: &mut impl Rng) -> Self {
        let mut tries = Self {
            means,
            bits: [0; GROUP],
            words: [0; GROUP],
            counts: [0.0; GROUP],
            is_accepted: [false; GROUP],
        };
        rng.fill_bytes(bytemuck::cast_slice_mut(&mut tries.bits));
        rng.fill_bytes(bytemuck::cast_slice_mut(&mut tries.words));
        tries
    }

    /// The draw of pixel `j`, by more tries where the first was not accepted at once.
    pub(super) fn finish(&self, j: usize, rng: &mut impl Rng) -> f64 {
        if self.is_accepted[j] {
            return self.counts[j];
        }
        reject(self.means[j], self.bits[j], self.words[j], rng)
    }
}

/// A draw of a mean of 10 or more; `bits` and `word` are random, for the first try.
pub(super) fn reject(mean: f64, mut bits: u64, mut word: u32, rng: &mut impl Rng) -> f64 {
    loop {
        let tried = Try::new(mean, bits, word);
        if tried.is_accepted || tried.is_under_curve(mean) {
            return tried.count;
        }
        (bits, word) = (rng.next_u64(), rng.next_u32());
    }
}

impl WithSimd for &mut FirstTries {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for j in 0..GROUP {
            let tried = Try::new(self.means[j], self.bits[j], self.words[j]);
            self.counts[j] = tried.count;
            self.is_accepted[j] = tried.is_accepted;
        }
    }
}

impl Try {
    #[inline(always)]
    fn new(mean: f64, bits: u64, word: u32) -> Self {
        let b = 0.931 + 2.53 * mean.sqrt();
        let a = -0.059 + 0.02483 * b;
        let u = uniform(bits) - 0.5;
        // 44 bits: the word and those that `u` left over.
        let rest = (bits & 0xfff) as u32;
        let v = (f64::from(word) * 4096.0 + f64::from(rest) + 0.5) * (TWO_M32 / 4096.0);
        let edge = 0.5 - u.abs();
        Self {
            edge,
            v,
            a,
            b,
            count: ((2.0 * a / edge + b) * u + mean + 0.43).floor(),
            is_accepted: (edge >= 0.07) & (v <= 0.9277 - 3.6224 / (b - 2.0)),
        }
    }

    /// The test that decides where the quick one does not.
    fn is_under_curve(&self, mean: f64) -> bool {
        let Self { edge, v, a, b, .. } = *self;
        if self.count < 0.0 || (edge < 0.013 && edge < v) {
            return false;
        }
        let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
        let height = (v * inverse_alpha / (a / (edge * edge) + b)).ln();
        height <= log_probability(mean, self.count)
    }
}

/// `ln(exp(-mean) mean^k / k!)`, without cancellation at large counts.
fn log_probability(mean: f64, k: f64) -> f64 {
    const LAST_SUMMED: f64 = 15.0;
    if k <= LAST_SUMMED {
        let ln_factorial: f64 = (2..=k as u32).map(|j| f64::from(j).ln()).sum();
        return k * mean.ln() - mean - ln_factorial;
    }
    // k ln(mean / k) + k - mean, then Stirling's series; its next term is below 1e-12.
    let x = (mean - k) / k;
    let squared = 1.0 / (k * k);
    let series = (1.0 / 12.0
        - squared
            * (1.0 / 360.0
                - squared * (1.0 / 1260.0 - squared * (1.0 / 1680.0 - squared / 1188.0))))
        / k;
    k * (x.ln_1p() - x) - 0.5 * (std::f64::consts::TAU * k).ln() - series
}
