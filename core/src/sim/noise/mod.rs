//! Photon noise: exact Poisson draws, a whole pattern at a time.
//!
//! | mean counts | a draw is |
//! |---|---|
//! | below 1 | the inverse of the distribution function, found by adding its terms, several pixels side by side |
//! | below 256 | the sum of two draws: of a whole mean, from a table, and of the rest of the mean, as above |
//! | above | a transformed rejection |
//!
//! Nothing is approximated by a normal distribution. A table looks at 32 random bits first and a sum at 24 in
//! single precision; where these cannot decide between two counts, more bits and double precision do, so that no count
//! is too frequent or too rare: probabilities are right to some 1e-15 of the whole.
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
use self::table::{AddTables, COARSE_STEP, Tables, mean_of, table_below};
use crate::rng::{Purpose, stream};

/// Mean from which draws are rejections.
const TABLE_LIMIT: f32 = 256.0;
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
    if f64::from(TABLE_LIMIT) <= mean_counts {
        let (bits, word) = (rng.next_u64(), rng.next_u32());
        return reject(mean_counts, bits, word, rng);
    }
    let table = table_below(mean_counts);
    let rest = search(mean_counts - mean_of(table), uniform(rng.next_u64()));
    let word = rng.next_u32();
    rest + f64::from(Tables::get().draw(table, word, rng))
}

/// `out[i]` = a Poisson draw of mean `mean_counts[i]`; 0 for a mean that is not above zero or not finite.
pub fn draw_counts(rng: &mut impl Rng, mean_counts: &[f32], out: &mut [f64]) {
    let mut batch = Batch::new();
    for (means, out) in mean_counts.chunks(BATCH).zip(out.chunks_mut(BATCH)) {
        batch.draw(rng, means);
        for (out, &counts) in out.iter_mut().zip(&batch.counts) {
            *out = f64::from(counts);
        }
        for (i, counts) in batch.large() {
            out[i] = counts;
        }
    }
}

/// Each value, a mean count, becomes the square root of a Poisson draw of that mean.
pub fn draw_amplitudes(rng: &mut impl Rng, values: &mut [f32]) {
    let mut batch = Batch::new();
    for values in values.chunks_mut(BATCH) {
        batch.draw(rng, values);
        batch.arch.dispatch(Root(&batch.counts, values));
        for (i, counts) in batch.large() {
            values[i] = counts.sqrt() as f32;
        }
    }
}

/// Square roots.
struct Root<'a>(&'a [f32], &'a mut [f32]);

impl WithSimd for Root<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (to, &from) in self.1.iter_mut().zip(self.0) {
            *to = from.sqrt();
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
    means: [f32; BATCH],
    /// Counts of means below the limit.
    counts: [f32; BATCH],
    /// The table of each pixel's mean.
    of_pixel: [f32; BATCH],
    words: [u32; BATCH],
    n_large: usize,
    /// The pixels with means too large for tables, and their counts.
    large: [usize; BATCH],
    large_counts: [f64; BATCH],
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
            n_large: 0,
            large: [0; BATCH],
            large_counts: [0.0; BATCH],
        }
    }

    /// Draw counts of all means; the order in which random words are taken depends on the means alone.
    fn draw(&mut self, rng: &mut impl Rng, means: &[f32]) {
        let n = means.len();
        let whole = n.next_multiple_of(search::GROUP);
        self.means[..n].copy_from_slice(means);
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
        self.n_large = 0;
        if seen.large {
            self.reject(rng, n);
        }
    }

    /// The pixels with large means, and their counts.
    fn large(&self) -> impl Iterator<Item = (usize, f64)> {
        let counts = self.large_counts[..self.n_large].iter().copied();
        self.large[..self.n_large].iter().copied().zip(counts)
    }

    /// Search again, with 64 bits in double precision.
    fn decide(&mut self, rng: &mut impl Rng, n: usize) {
        for i in 0..n {
            if self.counts[i] < 0.0 {
                let rest = f64::from(self.means[i]) - mean_of(self.of_pixel[i]);
                // A mean that is too large for a table has none, and was searched as 0.
                let rest = if rest <= f64::from(COARSE_STEP) {
                    rest
                } else {
                    0.0
                };
                let more = f64::from(rng.next_u32()) + 0.5;
                let u = (f64::from(self.words[i]) + more * TWO_M32) * TWO_M32;
                self.counts[i] = search(rest, u) as f32;
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
        for (i, &mean) in self.means[..n].iter().enumerate() {
            self.large[self.n_large] = i;
            self.n_large += usize::from(TABLE_LIMIT <= mean && mean.is_finite());
        }
        let groups = self.large[..self.n_large].chunks(reject::GROUP);
        let counts = self.large_counts.chunks_mut(reject::GROUP);
        for (group, counts) in groups.zip(counts) {
            let mut means = [f64::from(TABLE_LIMIT); reject::GROUP];
            for (mean, &i) in means.iter_mut().zip(group) {
                *mean = f64::from(self.means[i]);
            }
            let mut first = FirstTries::new(means, rng);
            self.arch.dispatch(&mut first);
            for (j, counts) in counts[..group.len()].iter_mut().enumerate() {
                *counts = first.finish(j, rng);
            }
        }
    }
}
