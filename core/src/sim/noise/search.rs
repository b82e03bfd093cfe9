//! Inversion of the distribution function at small means, several pixels side by side.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use pulp::{Simd, WithSimd};

use super::table::{COARSE_STEP, FINE_END, FINE_STEP, N_FINE, NUMBER};
use super::{TABLE_LIMIT, TWO_M32};

/// Pixels searched side by side.
pub(super) const GROUP: usize = 16;
/// Terms after which the sum of the greatest mean searched, 4, equals 1 in double precision.
const N_TERMS: usize = 48;

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
    /// Some counts are -1: 32 bits did not decide.
    pub(super) undecided: bool,
    /// Some pixels have a table of a mean above 0.
    pub(super) tables: bool,
    /// Some means are too large for tables.
    pub(super) large: bool,
}

/// For each mean below the limit its table, and a draw of what the mean has beyond the table's.
pub(super) struct SearchAll<'a> {
    pub(super) means: &'a [f64],
    pub(super) words: &'a [u32],
    pub(super) counts: &'a mut [f64],
    /// Each pixel's table.
    pub(super) tables: &'a mut [f64],
}

impl WithSimd for SearchAll<'_> {
    type Output = Seen;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Seen {
        let (words, _) = self.words.as_chunks::<GROUP>();
        let (means, _) = self.means.as_chunks::<GROUP>();
        let (counts, _) = self.counts.as_chunks_mut::<GROUP>();
        let (tables, _) = self.tables.as_chunks_mut::<GROUP>();
        let zero = simd.splat_f64s(0.0);
        let (mut least, mut most_table, mut most_mean) = (zero, zero, zero);
        let groups = means.iter().zip(words).zip(counts.iter_mut().zip(tables));
        for ((means, words), (counts, tables)) in groups {
            let mut u = [0.0; GROUP];
            for l in 0..GROUP {
                u[l] = f64::from(words[l]) * TWO_M32;
            }
            let (means, u) = (S::as_simd_f64s(means).0, S::as_simd_f64s(&u).0);
            let mut rest = [0.0; GROUP];
            let rest = S::as_mut_simd_f64s(&mut rest).0;
            let tables = S::as_mut_simd_f64s(tables).0;
            let counts = S::as_mut_simd_f64s(counts).0;
            for g in 0..means.len() {
                (tables[g], rest[g]) = split(simd, means[g]);
                most_table = simd.max_f64s(tables[g], most_table);
                most_mean = simd.max_f64s(means[g], most_mean);
            }
            search_group(simd, rest, u, counts);
            for &count in &*counts {
                least = simd.min_f64s(count, least);
            }
        }
        Seen {
            undecided: simd.reduce_min_f64s(least) < 0.0,
            tables: simd.reduce_max_f64s(most_table) > NUMBER,
            large: simd.reduce_max_f64s(most_mean) >= TABLE_LIMIT,
        }
    }
}

/// The number of the table below each mean (or at most a step beyond), and what the mean has more than the table.
#[inline(always)]
fn split<S: Simd>(simd: S, mean: S::f64s) -> (S::f64s, S::f64s) {
    let splat = |value| simd.splat_f64s(value);
    let zero = splat(0.0);
    // A mean that is not searched counts as 0: too large, negative or NaN.
    let mean = simd.select_f64s_m64s(simd.less_than_f64s(mean, splat(TABLE_LIMIT)), mean, zero);
    let mean = simd.select_f64s_m64s(simd.less_than_f64s(zero, mean), mean, zero);
    let is_fine = simd.less_than_f64s(mean, splat(FINE_END));
    let (per_fine, per_coarse) = (splat(1.0 / FINE_STEP), splat(1.0 / COARSE_STEP));
    let steps = simd.mul_f64s(mean, simd.select_f64s_m64s(is_fine, per_fine, per_coarse));
    let whole = simd.sub_f64s(steps, splat(0.5));
    let whole = simd.sub_f64s(simd.add_f64s(whole, splat(NUMBER)), splat(NUMBER));
    let whole = simd.max_f64s(whole, zero);
    let (fine, coarse) = (splat(FINE_STEP), splat(COARSE_STEP));
    let below = simd.mul_f64s(whole, simd.select_f64s_m64s(is_fine, fine, coarse));
    let before = simd.select_f64s_m64s(is_fine, zero, splat(N_FINE - FINE_END / COARSE_STEP));
    (
        simd.add_f64s(simd.add_f64s(whole, before), splat(NUMBER)),
        simd.sub_f64s(mean, below),
    )
}

/// Counts whose distribution function passes `u`; -1 where the bits after the first 32 may decide otherwise.
#[inline(always)]
fn search_group<S: Simd>(simd: S, means: &[S::f64s], u: &[S::f64s], counts: &mut [S::f64s]) {
    let (zero, one) = (simd.splat_f64s(0.0), simd.splat_f64s(1.0));
    let mut sum = [0.0; GROUP];
    let mut term = [0.0; GROUP];
    let sum = S::as_mut_simd_f64s(&mut sum).0;
    let term = S::as_mut_simd_f64s(&mut term).0;
    for g in 0..means.len() {
        sum[g] = exp_minus(simd, means[g]);
        term[g] = sum[g];
        counts[g] = zero;
    }
    let n_lanes = GROUP / means.len();
    for &reciprocal in &RECIPROCALS[1..] {
        let reciprocal = simd.splat_f64s(reciprocal);
        let mut is_any_open = false;
        for g in 0..means.len() {
            let is_open = simd.less_than_or_equal_f64s(sum[g], u[g]);
            is_any_open |= simd.first_true_m64s(is_open) < n_lanes;
            term[g] = simd.mul_f64s(term[g], simd.mul_f64s(means[g], reciprocal));
            let added = simd.select_f64s_m64s(is_open, term[g], zero);
            let counted = simd.select_f64s_m64s(is_open, one, zero);
            sum[g] = simd.add_f64s(sum[g], added);
            counts[g] = simd.add_f64s(counts[g], counted);
        }
        if !is_any_open {
            break;
        }
    }
    let (unit, undecided) = (simd.splat_f64s(TWO_M32), simd.splat_f64s(-1.0));
    for g in 0..means.len() {
        let gap = simd.sub_f64s(sum[g], u[g]);
        let is_close = simd.less_than_f64s(gap, unit);
        counts[g] = simd.select_f64s_m64s(is_close, undecided, counts[g]);
    }
}

/// `exp(-x)` for x from 0 to 4, within a few units of the last place: the fourth power of the series about 1/2.
#[inline(always)]
fn exp_minus<S: Simd>(simd: S, x: S::f64s) -> S::f64s {
    let y = simd.mul_add_e_f64s(x, simd.splat_f64s(-0.25), simd.splat_f64s(0.5));
    let mut sum = simd.splat_f64s(SERIES[0]);
    for &coefficient in &SERIES[1..] {
        sum = simd.mul_add_e_f64s(sum, y, simd.splat_f64s(coefficient));
    }
    let squared = simd.mul_f64s(sum, sum);
    simd.mul_f64s(squared, squared)
}

/// `exp(-1/2) / k!` for k from 15 to 0.
const SERIES: [f64; 16] = {
    let mut series = [0.0; 16];
    let mut term = 0.606_530_659_712_633_4;
    let mut k = 0;
    while k < 16 {
        series[15 - k] = term;
        k += 1;
        term /= k as f64;
    }
    series
};
