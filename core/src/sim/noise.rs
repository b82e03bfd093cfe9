//! Photon noise: exact Poisson draws, a whole pattern at a time.
//!
//! Up to [`SEARCH_LIMIT`] counts a draw is the inverse of the distribution function, found by adding its terms until
//! they exceed a uniform number; eight pixels go side by side. A pixel's number has 32 bits, and 32 more where these
//! do not decide between two counts, so no count is too frequent or too rare. Above the limit the draw is the
//! transformed rejection PTRS of Hörmann, "The transformed rejection method for generating Poisson random variables",
//! Insurance: Mathematics and Economics 12 (1993) 39-45; nothing is approximated by a normal distribution.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use pulp::{Arch, Simd, WithSimd};
use rand::Rng;

use crate::rng::{Purpose, stream};

/// Mean up to which the distribution function is searched.
const SEARCH_LIMIT: f64 = 24.0;
/// Terms after which a search has met the rounding of its sum: more than 14 standard deviations above the limit.
const N_TERMS: usize = 112;
/// Pixels searched side by side.
const GROUP: usize = 8;
/// Pixels whose random words are made at once.
const BATCH: usize = 512;

/// `1 / k`
const RECIPROCALS: [f64; N_TERMS] = {
    let mut table = [0.0; N_TERMS];
    let mut k = 1;
    while k < N_TERMS {
        table[k] = 1.0 / k as f64;
        k += 1;
    }
    table
};

/// The seed of the photon noise of one dose: it depends on the study's seed and on that dose alone, so that the data
/// of a dose do not depend on which other doses are made.
pub fn noise_seed(seed: u64, photons: f64) -> u64 {
    let of_seed = stream(seed, Purpose::Noise).next_u64();
    stream(of_seed ^ photons.to_bits(), Purpose::Noise).next_u64()
}

/// One Poisson draw of mean `mean_counts`, for means from 0 to 1e8 and beyond; 0 for a mean that is not above zero
/// or not finite.
///
/// Up to 2^53 counts are exact in the result.
pub fn poisson(rng: &mut impl Rng, mean_counts: f64) -> f64 {
    // A mean that is not above zero (or NaN) has no distribution: no photons come.
    if !(0.0 < mean_counts && mean_counts.is_finite()) {
        0.0
    } else if mean_counts <= SEARCH_LIMIT {
        search(mean_counts, uniform(rng.next_u64()))
    } else {
        let word = rng.next_u32();
        reject(rng, mean_counts, word)
    }
}

/// `out[i]` = a Poisson draw of mean `mean_counts[i]`; 0 for a mean that is not above zero or not finite.
pub fn draw_counts(rng: &mut impl Rng, mean_counts: &[f64], out: &mut [f64]) {
    let arch = Arch::new();
    let mut means = [0.0; BATCH];
    for (from, to) in mean_counts.chunks(BATCH).zip(out.chunks_mut(BATCH)) {
        means[..from.len()].copy_from_slice(from);
        means[from.len()..].fill(0.0);
        draw_batch(arch, rng, &mut means);
        to.copy_from_slice(&means[..from.len()]);
    }
}

/// Each value, a mean count, becomes the square root of a Poisson draw of that mean.
pub fn draw_amplitudes(rng: &mut impl Rng, values: &mut [f32]) {
    let arch = Arch::new();
    let mut means = [0.0; BATCH];
    for values in values.chunks_mut(BATCH) {
        for (mean, value) in means.iter_mut().zip(&*values) {
            *mean = f64::from(*value);
        }
        means[values.len()..].fill(0.0);
        draw_batch(arch, rng, &mut means);
        for (value, counts) in values.iter_mut().zip(&means) {
            *value = counts.sqrt() as f32;
        }
    }
}

/// Means become counts.
fn draw_batch(arch: Arch, rng: &mut impl Rng, values: &mut [f64; BATCH]) {
    let mut words = [0_u32; BATCH];
    rng.fill_bytes(bytemuck::cast_slice_mut(&mut words));
    let mut counts = [0.0; BATCH];
    arch.dispatch(SearchAll {
        means: values,
        words: &words,
        counts: &mut counts,
    });
    for ((value, counts), word) in values.iter_mut().zip(counts).zip(words) {
        *value = if counts >= 0.0 {
            counts
        } else if *value <= SEARCH_LIMIT {
            let more = f64::from(rng.next_u32()) + 0.5;
            search(*value, (f64::from(word) + more * TWO_M32) * TWO_M32)
        } else if value.is_finite() {
            reject(rng, *value, word)
        } else {
            0.0
        };
    }
}

/// 2^-32
const TWO_M32: f64 = 1.0 / 4294967296.0;

/// Uniform between 0 and 1, neither included, of 52 bits.
fn uniform(bits: u64) -> f64 {
    ((bits >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
}

/// The least k at which `Σ_{j ≤ k} exp(-mean) mean^j / j!` exceeds `u`.
fn search(mean: f64, u: f64) -> f64 {
    let mut term = exp_minus(mean);
    let mut sum = term;
    let mut count = 0;
    while sum <= u && count + 1 < N_TERMS {
        count += 1;
        term *= mean * RECIPROCALS[count];
        // Beyond the last count that double precision tells from certainty.
        if sum + term == sum {
            break;
        }
        sum += term;
    }
    count as f64
}

/// Searches of many pixels; where 32 bits do not decide, or the mean is too large, the count is -1.
struct SearchAll<'a> {
    means: &'a [f64; BATCH],
    words: &'a [u32; BATCH],
    counts: &'a mut [f64; BATCH],
}

impl WithSimd for SearchAll<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let (means, _) = self.means.as_chunks::<GROUP>();
        let (words, _) = self.words.as_chunks::<GROUP>();
        let (counts, _) = self.counts.as_chunks_mut::<GROUP>();
        for ((means, words), counts) in means.iter().zip(words).zip(counts) {
            search_group(means, words, counts);
        }
    }
}

#[inline(always)]
fn search_group(means: &[f64; GROUP], words: &[u32; GROUP], counts: &mut [f64; GROUP]) {
    let mut mean = [0.0; GROUP];
    let mut u = [0.0; GROUP];
    let mut term = [0.0; GROUP];
    let mut sum = [0.0; GROUP];
    let mut count = [0.0; GROUP];
    for l in 0..GROUP {
        let is_small = means[l] > 0.0 && means[l] <= SEARCH_LIMIT;
        mean[l] = if is_small { means[l] } else { 0.0 };
        u[l] = f64::from(words[l]) * TWO_M32;
        term[l] = exp_minus(mean[l]);
        sum[l] = term[l];
    }
    for &reciprocal in &RECIPROCALS[1..] {
        let mut n_open = 0_u64;
        for l in 0..GROUP {
            n_open |= u64::from(sum[l] <= u[l]);
        }
        if n_open == 0 {
            break;
        }
        for l in 0..GROUP {
            let is_open = sum[l] <= u[l];
            term[l] *= mean[l] * reciprocal;
            count[l] += if is_open { 1.0 } else { 0.0 };
            sum[l] += if is_open { term[l] } else { 0.0 };
        }
    }
    for l in 0..GROUP {
        let is_open = sum[l] - u[l] < TWO_M32 || means[l] > SEARCH_LIMIT;
        counts[l] = if is_open { -1.0 } else { count[l] };
    }
}

/// `exp(-x)` for x from 0 to 700, within two units of the last place, by plain multiplications and additions.
#[inline(always)]
fn exp_minus(x: f64) -> f64 {
    /// Adding it leaves the nearest whole number in the lowest bits.
    const ROUND: f64 = 6755399441055744.0;
    const LN_2_HIGH: f64 = 6.931_471_803_691_238_2e-1;
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    let shifted = ROUND - x * std::f64::consts::LOG2_E;
    let whole = shifted - ROUND;
    let rest = (-x - whole * LN_2_HIGH) - whole * LN_2_LOW;
    let mut sum = 1.0 / 6227020800.0;
    for factorial in [
        479001600.0,
        39916800.0,
        3628800.0,
        362880.0,
        40320.0,
        5040.0,
        720.0,
        120.0,
        24.0,
        6.0,
        2.0,
        1.0,
        1.0,
    ] {
        sum = sum * rest + 1.0 / factorial;
    }
    let power_of_2 = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    sum * power_of_2
}

/// PTRS: a draw of a mean of 10 or more. `word` is a random word for the first try.
fn reject(rng: &mut impl Rng, mean: f64, mut word: u32) -> f64 {
    let root = mean.sqrt();
    let b = 0.931 + 2.53 * root;
    let a = -0.059 + 0.02483 * b;
    let v_inside = 0.9277 - 3.6224 / (b - 2.0);
    loop {
        let bits = rng.next_u64();
        let u = uniform(bits) - 0.5;
        // 44 bits: the word and those that `u` left over.
        let v = (f64::from(word) * 4096.0 + (bits & 0xfff) as f64 + 0.5) * (TWO_M32 / 4096.0);
        let edge = 0.5 - u.abs();
        let count = ((2.0 * a / edge + b) * u + mean + 0.43).floor();
        if edge >= 0.07 && v <= v_inside {
            return count;
        }
        if 0.0 <= count && (edge >= 0.013 || v <= edge) {
            let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
            let density = (v * inverse_alpha / (a / (edge * edge) + b)).ln();
            if density <= log_probability(mean, count) {
                return count;
            }
        }
        word = rng.next_u32();
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
