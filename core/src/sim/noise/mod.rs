//! Photon noise: exact Poisson draws, a whole pattern at a time.
//!
//! | mean counts | a draw is |
//! |---|---|
//! | below 2 | the inverse of the distribution function, found by adding its terms, several pixels side by side |
//! | below 256 | the sum of two draws: of an even mean, from a table, and of the rest of the mean, as above |
//! | above | a transformed rejection |
//!
//! Nothing is approximated by a normal distribution. A table or a sum looks at 32 random bits first; where they do not
//! decide between two counts, it takes more, so that no count is too frequent or too rare: probabilities are right to
//! some 1e-15 of the whole.

#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

mod reject;
mod search;
mod table;

use pulp::{Arch, Simd, WithSimd};
use rand::Rng;

use self::reject::{FirstTries, reject};
use self::search::{SearchAll, search};
use self::table::{AddTables, Tables, mean_of, table_below};
use crate::rng::{Purpose, stream};

/// Mean from which draws are rejections.
const TABLE_LIMIT: f64 = 256.0;
/// Pixels drawn at once.
const BATCH: usize = 512;
/// 2^-32
const TWO_M32: f64 = 1.0 / 4294967296.0;

/// The seed of the photon noise of one dose: it depends on the study's seed and on that dose alone, so that the data
/// of a dose do not depend on which other doses are made.
pub fn noise_seed(seed: u64, photons: f64) -> u64 {
    let of_seed = stream(seed, Purpose::Noise).next_u64();
    stream(of_seed ^ photons.to_bits(), Purpose::Noise).next_u64()
}

/// One Poisson draw of mean `mean_counts`, for means from 0 to 1e8 and beyond; 0 for a mean that is not above zero
/// or not finite.
///
/// Up to 2^53 counts are exact in the result. Many draws are faster by [`draw_counts`].
pub fn poisson(rng: &mut impl Rng, mean_counts: f64) -> f64 {
    // A mean that is not above zero (or NaN) has no distribution: no photons come.
    if !(0.0 < mean_counts && mean_counts.is_finite()) {
        return 0.0;
    }
    if TABLE_LIMIT <= mean_counts {
        let (bits, word) = (rng.next_u64(), rng.next_u32());
        return reject(mean_counts, bits, word, rng);
    }
    let table = table_below(mean_counts);
    let rest = search(mean_counts - mean_of(table), uniform(rng.next_u64()));
    let word = rng.next_u32();
    rest + Tables::get().draw(table, word, rng)
}

/// `out[i]` = a Poisson draw of mean `mean_counts[i]`; 0 for a mean that is not above zero or not finite.
pub fn draw_counts(rng: &mut impl Rng, mean_counts: &[f64], out: &mut [f64]) {
    let mut batch = Batch::new();
    for (means, out) in mean_counts.chunks(BATCH).zip(out.chunks_mut(BATCH)) {
        batch.means[..means.len()].copy_from_slice(means);
        out.copy_from_slice(batch.draw(rng, means.len()));
    }
}

/// Each value, a mean count, becomes the square root of a Poisson draw of that mean.
pub fn draw_amplitudes(rng: &mut impl Rng, values: &mut [f32]) {
    let mut batch = Batch::new();
    for values in values.chunks_mut(BATCH) {
        let (arch, means) = (batch.arch, &mut batch.means);
        arch.dispatch(Widen(values, &mut means[..values.len()]));
        let counts = batch.draw(rng, values.len());
        arch.dispatch(Root(counts, values));
    }
}

/// Single to double precision.
struct Widen<'a>(&'a [f32], &'a mut [f64]);

impl WithSimd for Widen<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (to, &from) in self.1.iter_mut().zip(self.0) {
            *to = f64::from(from);
        }
    }
}

/// Square roots of counts, rounded once.
struct Root<'a>(&'a [f64], &'a mut [f32]);

impl WithSimd for Root<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (to, &from) in self.1.iter_mut().zip(self.0) {
            *to = from.sqrt() as f32;
        }
    }
}

/// Uniform between 0 and 1, neither included, of 52 bits.
#[inline]
fn uniform(bits: u64) -> f64 {
    // The bits as those of a number between 1 and 2.
    f64::from_bits(0x3ff0_0000_0000_0000 | (bits >> 12)) - (1.0 - f64::EPSILON / 2.0)
}

/// What a number of pixels are drawn in.
struct Batch {
    arch: Arch,
    tables: &'static Tables,
    means: [f64; BATCH],
    counts: [f64; BATCH],
    /// The table of each pixel's mean.
    of_pixel: [f64; BATCH],
    words: [u32; BATCH],
    /// Pixels with means too large for tables.
    large: Vec<usize>,
}

impl Batch {
    fn new() -> Self {
        Self {
            arch: Arch::new(),
            tables: Tables::get(),
            means: [0.0; BATCH],
            counts: [0.0; BATCH],
            of_pixel: [0.0; BATCH],
            words: [0; BATCH],
            large: Vec::new(),
        }
    }

    /// Counts of the first `n` means; the order in which random words are taken depends on the means alone.
    fn draw(&mut self, rng: &mut impl Rng, n: usize) -> &[f64] {
        let whole = n.next_multiple_of(search::GROUP);
        self.means[n..whole].fill(0.0);
        rng.fill_bytes(bytemuck::cast_slice_mut(&mut self.words[..n]));
        let seen = self.arch.dispatch(SearchAll {
            means: &self.means[..whole],
            words: &self.words[..whole],
            counts: &mut self.counts[..whole],
            tables: &mut self.of_pixel[..whole],
        });
        if seen.undecided {
            self.decide(rng, n);
        }
        if seen.tables {
            self.add_tables(rng, n);
        }
        if seen.large {
            self.reject(rng, n);
        }
        &self.counts[..n]
    }

    /// Search again with more bits where the first 32 were not enough.
    fn decide(&mut self, rng: &mut impl Rng, n: usize) {
        for i in 0..n {
            if self.counts[i] < 0.0 {
                let rest = self.means[i] - mean_of(self.of_pixel[i]);
                let more = f64::from(rng.next_u32()) + 0.5;
                let u = (f64::from(self.words[i]) + more * TWO_M32) * TWO_M32;
                self.counts[i] = search(rest, u);
            }
        }
    }

    fn add_tables(&mut self, rng: &mut impl Rng, n: usize) {
        rng.fill_bytes(bytemuck::cast_slice_mut(&mut self.words[..n]));
        self.arch.dispatch(AddTables {
            tables: self.tables,
            of_pixel: &self.of_pixel[..n],
            words: &self.words[..n],
            counts: &mut self.counts[..n],
            rng,
        });
    }

    fn reject(&mut self, rng: &mut impl Rng, n: usize) {
        self.large.clear();
        let is_large = |mean: f64| TABLE_LIMIT <= mean && mean.is_finite();
        let large = (0..n).filter(|&i| is_large(self.means[i]));
        self.large.extend(large);
        for group in self.large.chunks(reject::GROUP) {
            let mut means = [TABLE_LIMIT; reject::GROUP];
            for (mean, &i) in means.iter_mut().zip(group) {
                *mean = self.means[i];
            }
            let mut first = FirstTries::new(means, rng);
            self.arch.dispatch(&mut first);
            for (j, &i) in group.iter().enumerate() {
                self.counts[i] = first.finish(j, rng);
            }
        }
    }
}
