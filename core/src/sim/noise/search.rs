//! Inversion of the distribution function at small means, several pixels side by side.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use pulp::{Simd, WithSimd};

use super::TABLE_LIMIT;
use super::table::{COARSE_STEP, FINE_END, FINE_STEP, N_FINE, NUMBER};

/// Pixels searched side by side.
pub(super) const GROUP: usize = 16;
/// Terms after which the sum of the greatest mean searched, 4, equals 1 in double precision.
const N_TERMS: usize = 48;

/// 2^-24
const TWO_M24: f32 = 1.0 / 16777216.0;
/// What the sums of single precision may be wrong by, many times over, and the bits beyond 24 may add.
const MARGIN: f32 = 1e-5;

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

/// The least k at which `Σ_{j ≤ k} exp(-mean) mean^j / j!` exceeds `u`, for a mean of at most 4.
pub(super) fn search(mean: f64, u: f64) -> f64 {
    let mut term = (-mean).exp();
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

/// What a batch needs after the search.
#[derive(Clone, Copy, Default)]
pub(super) struct Seen {
    /// Some counts are -1: single precision did not decide.
    pub(super) undecided: bool,
    /// Some pixels have a table of a mean above 0.
    pub(super) tables: bool,
    /// Some means are too large for tables.
    pub(super) large: bool,
}

/// For each mean below the limit its table, and a draw of what the mean has beyond the table's.
pub(super) struct SearchAll<'a> {
    pub(super) means: &'a [f32],
    pub(super) words: &'a [u32],
    pub(super) counts: &'a mut [f32],
    /// Each pixel's table.
    pub(super) tables: &'a mut [f32],
}

impl WithSimd for SearchAll<'_> {
    type Output = Seen;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Seen {
        let (words, _) = self.words.as_chunks::<GROUP>();
        let (means, _) = self.means.as_chunks::<GROUP>();
        let (counts, _) = self.counts.as_chunks_mut::<GROUP>();
        let (tables, _) = self.tables.as_chunks_mut::<GROUP>();
        let zero = simd.splat_f32s(0.0);
        let (mut least, mut most_table, mut most_mean) = (zero, zero, zero);
        let groups = means.iter().zip(words).zip(counts.iter_mut().zip(tables));
        for ((means, words), (counts, tables)) in groups {
            let mut u = [0.0; GROUP];
            for l in 0..GROUP {
                // The first 24 bits, which single precision holds.
                u[l] = (words[l] >> 8) as i32 as f32 * TWO_M24;
            }
            let (means, u) = (S::as_simd_f32s(means).0, S::as_simd_f32s(&u).0);
            let mut rest = [0.0; GROUP];
            let rest = S::as_mut_simd_f32s(&mut rest).0;
            let tables = S::as_mut_simd_f32s(tables).0;
            let counts = S::as_mut_simd_f32s(counts).0;
            for g in 0..means.len() {
                (tables[g], rest[g]) = split(simd, means[g]);
                most_table = simd.max_f32s(tables[g], most_table);
                most_mean = simd.max_f32s(means[g], most_mean);
            }
            search_group(simd, rest, u, counts);
            for &count in &*counts {
                least = simd.min_f32s(count, least);
            }
        }
        Seen {
            undecided: simd.reduce_min_f32s(least) < 0.0,
            tables: simd.reduce_max_f32s(most_table) > NUMBER,
            large: simd.reduce_max_f32s(most_mean) >= TABLE_LIMIT,
        }
    }
}

/// The number of the table below each mean (or at most a step beyond), and what the mean has more than the table.
#[inline(always)]
fn split<S: Simd>(simd: S, mean: S::f32s) -> (S::f32s, S::f32s) {
    let splat = |value| simd.splat_f32s(value);
    let zero = splat(0.0);
    // A mean that is not searched counts as 0: too large, negative or NaN.
    let mean = simd.select_f32s(simd.less_than_f32s(mean, splat(TABLE_LIMIT)), mean, zero);
    let mean = simd.select_f32s(simd.less_than_f32s(zero, mean), mean, zero);
    let is_fine = simd.less_than_f32s(mean, splat(FINE_END));
    let (per_fine, per_coarse) = (splat(1.0 / FINE_STEP), splat(1.0 / COARSE_STEP));
    let steps = simd.mul_f32s(mean, simd.select_f32s(is_fine, per_fine, per_coarse));
    let whole = simd.sub_f32s(steps, splat(0.5));
    let whole = simd.sub_f32s(simd.add_f32s(whole, splat(NUMBER)), splat(NUMBER));
    let whole = simd.max_f32s(whole, zero);
    let (fine, coarse) = (splat(FINE_STEP), splat(COARSE_STEP));
    let below = simd.mul_f32s(whole, simd.select_f32s(is_fine, fine, coarse));
    let before = simd.select_f32s(is_fine, zero, splat(N_FINE - FINE_END / COARSE_STEP));
    (
        simd.add_f32s(simd.add_f32s(whole, before), splat(NUMBER)),
        simd.sub_f32s(mean, below),
    )
}

/// Counts whose distribution function passes `u`; -1 where single precision, or the bits beyond 24, may decide
/// otherwise.
#[inline(always)]
fn search_group<S: Simd>(simd: S, means: &[S::f32s], u: &[S::f32s], counts: &mut [S::f32s]) {
    let (zero, one) = (simd.splat_f32s(0.0), simd.splat_f32s(1.0));
    let mut room = [[0.0; GROUP]; 3];
    let [sum, term, nearest] = &mut room;
    let sum = S::as_mut_simd_f32s(sum).0;
    let term = S::as_mut_simd_f32s(term).0;
    // The least distance of `u` from a value of the distribution function.
    let nearest = S::as_mut_simd_f32s(nearest).0;
    for g in 0..means.len() {
        sum[g] = exp_minus(simd, means[g]);
        term[g] = sum[g];
        nearest[g] = one;
        counts[g] = zero;
    }
    let n_lanes = GROUP / means.len();
    for &reciprocal in &RECIPROCALS[1..] {
        let reciprocal = simd.splat_f32s(reciprocal as f32);
        let mut is_any_open = false;
        for g in 0..means.len() {
            let gap = simd.sub_f32s(sum[g], u[g]);
            nearest[g] = simd.min_f32s(simd.abs_f32s(gap), nearest[g]);
            let is_open = simd.less_than_or_equal_f32s(sum[g], u[g]);
            is_any_open |= simd.first_true_m32s(is_open) < n_lanes;
            term[g] = simd.mul_f32s(term[g], simd.mul_f32s(means[g], reciprocal));
            let added = simd.select_f32s(is_open, term[g], zero);
            let counted = simd.select_f32s(is_open, one, zero);
            sum[g] = simd.add_f32s(sum[g], added);
            counts[g] = simd.add_f32s(counts[g], counted);
        }
        if !is_any_open {
            break;
        }
    }
    let (margin, undecided) = (simd.splat_f32s(MARGIN), simd.splat_f32s(-1.0));
    for g in 0..means.len() {
        let is_close = simd.less_than_f32s(nearest[g], margin);
        counts[g] = simd.select_f32s(is_close, undecided, counts[g]);
    }
}

/// `exp(-x)` for x from 0 to 4, within 1e-6: the fourth power of the series about 1/2.
#[inline(always)]
fn exp_minus<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let y = simd.mul_add_e_f32s(x, simd.splat_f32s(-0.25), simd.splat_f32s(0.5));
    let mut sum = simd.splat_f32s(SERIES[0]);
    for &coefficient in &SERIES[1..] {
        sum = simd.mul_add_e_f32s(sum, y, simd.splat_f32s(coefficient));
    }
    let squared = simd.mul_f32s(sum, sum);
    simd.mul_f32s(squared, squared)
}

/// `exp(-1/2) / k!` for k from 8 to 0.
const SERIES: [f32; 9] = {
    let mut series = [0.0; 9];
    let mut term = 0.606_530_659_712_633_4;
    let mut k = 0;
    while k < 9 {
        series[8 - k] = term as f32;
        k += 1;
        term /= k as f64;
    }
    series
};

#[cfg(test)]
mod tests {
    use pulp::Arch;
    use rand::Rng as _;

    use super::super::{TWO_M32, draw_counts};
    use super::*;
    use crate::rng::{Purpose, stream};

    /// Values of the distribution function, from 0 counts on.
    fn distribution(mean: f64) -> Vec<f64> {
        let mut term = (-mean).exp();
        let mut sums = vec![term];
        for reciprocal in &RECIPROCALS[1..] {
            term *= mean * reciprocal;
            sums.push(sums[sums.len() - 1] + term);
        }
        sums
    }

    #[test]
    fn single_precision_decides_only_where_all_further_bits_would_too() {
        const N: usize = 512;
        let mut rng = stream(3, Purpose::Noise);
        let mut n_decided = 0;
        for round in 0..400 {
            let (mut means, mut words) = ([0.0; N], [0; N]);
            for (mean, word) in means.iter_mut().zip(&mut words) {
                *mean = (rng.next_u32() >> 8) as f32 * TWO_M24 * FINE_STEP;
                // Mostly about a value of the distribution function, where errors would show.
                let near = distribution(f64::from(*mean))[round % 6] / TWO_M32;
                let aside = f64::from(rng.next_u32()) * 3e-5 - 0.5 * 3e-5 / TWO_M32;
                *word = (near + aside) as u32;
            }
            let (mut counts, mut tables) = ([0.0; N], [0.0; N]);
            Arch::new().dispatch(SearchAll {
                means: &means,
                words: &words,
                counts: &mut counts,
                tables: &mut tables,
            });
            for ((&mean, &word), &count) in means.iter().zip(&words).zip(&counts) {
                if count < 0.0 {
                    continue;
                }
                n_decided += 1;
                let sums = distribution(f64::from(mean));
                let (low, high) = (f64::from(word), f64::from(word) + 1.0);
                assert!(
                    high * TWO_M32 < sums[count as usize],
                    "{mean} {word} {count}"
                );
                if count > 0.0 {
                    let below = sums[count as usize - 1];
                    assert!(below <= low * TWO_M32, "{mean} {word} {count}");
                }
            }
        }
        assert!(
            (20_000..150_000).contains(&n_decided),
            "{n_decided} of 204800"
        );
    }

    #[test]
    fn few_numbers_need_more_bits() {
        const N: usize = 1 << 16;
        let mut rng = stream(4, Purpose::Noise);
        let words: Vec<u32> = (0..N).map(|_| rng.next_u32()).collect();
        let means: Vec<f32> = (0..N).map(|i| i as f32 / N as f32 * 4.0).collect();
        let (mut counts, mut tables) = (vec![0.0; N], vec![0.0; N]);
        Arch::new().dispatch(SearchAll {
            means: &means,
            words: &words,
            counts: &mut counts,
            tables: &mut tables,
        });
        let n_undecided = counts.iter().filter(|&&count| count < 0.0).count();
        assert!(n_undecided < N / 2000, "{n_undecided}");
        let mut drawn = vec![f64::NAN; N];
        draw_counts(&mut rng, &means, &mut drawn);
        assert!(drawn.iter().all(|&count| count >= 0.0));
    }
}
