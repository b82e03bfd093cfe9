//! Draws of fixed means by Walker's alias method: one table look-up each.
//!
//! A table has as many slots as a power of two that holds every count of probability above 1e-19. Each slot has a
//! count of its own, which it keeps in a share `cut` of the draws, and an alias that takes the rest (Walker, "An
//! efficient method for generating discrete random variables with general distributions", ACM TOMS 3 (1977) 253-256).
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use std::sync::LazyLock;

use pulp::{Simd, WithSimd};
use rand::Rng;

use super::TABLE_LIMIT;

/// Tables stand at every multiple of this below [`FINE_END`],
pub(super) const FINE_STEP: f64 = 2.0;
/// and of [`COARSE_STEP`] from there.
pub(super) const FINE_END: f64 = 64.0;
/// The greatest rest of a mean.
pub(super) const COARSE_STEP: f64 = 4.0;
/// Number of tables below [`FINE_END`]; the one of mean 0 is not used.
pub(super) const N_FINE: f64 = FINE_END / FINE_STEP;
/// Pixels that are looked at together.
const GROUP: usize = 8;
/// Heads, a power of two.
const ROOM: usize = 128;
const N_TABLES: usize = (N_FINE + (TABLE_LIMIT - FINE_END) / COARSE_STEP) as usize;
/// Probability below which a count is left out: none of 1e18 draws misses it.
const LEAST: f64 = 1e-19;

/// Added to the number of a table, it puts the number into the lowest bits.
pub(super) const NUMBER: f64 = 4503599627370496.0;

#[inline(always)]
fn number_of(table: f64) -> usize {
    table.to_bits() as u32 as usize
}

/// The mean of a table. A table is given by its number and [`NUMBER`], as registers hold it.
pub(super) fn mean_of(table: f64) -> f64 {
    let table = table - NUMBER;
    let beyond = table - N_FINE;
    if beyond < 0.0 {
        table * FINE_STEP
    } else {
        FINE_END + beyond * COARSE_STEP
    }
}

/// The table below a mean, which is not above the limit.
pub(super) fn table_below(mean: f64) -> f64 {
    NUMBER
        + if mean < FINE_END {
            (mean / FINE_STEP).floor()
        } else {
            N_FINE + ((mean - FINE_END) / COARSE_STEP).floor()
        }
}

/// The tables of all means.
pub(super) struct Tables {
    heads: [Head; ROOM],
    slots: Vec<Slot>,
}

#[derive(Clone, Copy, Default)]
struct Head {
    /// Place of the first slot.
    start: u32,
    /// 32 less the binary logarithm of the number of slots.
    shift: u32,
    /// Count of the first slot.
    first: u32,
}

/// A slot: 48 bits of the share that it keeps, 16 bits of the slot that takes the rest.
#[derive(Clone, Copy, Default)]
struct Slot(u64);

impl Tables {
    /// The tables, made at the first call (about a millisecond).
    pub(super) fn get() -> &'static Self {
        static TABLES: LazyLock<Tables> = LazyLock::new(Tables::new);
        &TABLES
    }

    fn new() -> Self {
        let mut tables = Self {
            heads: [Head::default(); ROOM],
            slots: Vec::new(),
        };
        // Whatever is drawn of mean 0 is no photon.
        tables.heads[0].shift = 31;
        tables.slots.extend([Slot(0); 2]);
        for number in 1..N_TABLES {
            tables.heads[number] = tables.add(mean_of(NUMBER + number as f64));
        }
        tables
    }

    fn add(&mut self, mean: f64) -> Head {
        let mut probabilities = vec![1.0];
        // From the most probable count, whole means have it: no term underflows.
        let (mut up, mut down) = (mean, mean);
        let mut value = 1.0;
        while value > LEAST {
            up += 1.0;
            value *= mean / up;
            probabilities.push(value);
        }
        let mut below = Vec::new();
        value = 1.0;
        while value > LEAST && down > 0.0 {
            value *= down / mean;
            down -= 1.0;
            below.push(value);
        }
        below.reverse();
        below.append(&mut probabilities);
        let bits = below.len().next_power_of_two().trailing_zeros();
        let head = Head {
            start: self.slots.len() as u32,
            shift: 32 - bits,
            first: down as u32,
        };
        self.slots.extend(aliases(&below, 1 << bits));
        head
    }

    /// A draw from a table: the word's first bits choose a slot, the others whether it keeps its own.
    #[inline(always)]
    pub(super) fn draw(&self, table: f64, word: u32, rng: &mut impl Rng) -> f64 {
        let head = &self.heads[number_of(table) % ROOM];
        let slot = word >> head.shift;
        let packed = self.slots[(head.start + slot) as usize].0;
        let share = word << (32 - head.shift);
        let cut = (packed >> 32) as u32;
        let alias = packed as u32 & 0xffff;
        let mut keeps = share < cut;
        // The last bits of `share` are not drawn yet.
        if (share ^ cut) >> (32 - head.shift) == 0 {
            keeps = keeps_at_48_bits(share, packed, 48 - head.shift, rng.next_u64());
        }
        // As often one as the other: a branch would be foretold badly.
        let slot = std::hint::select_unpredictable(keeps, slot, alias);
        f64::from((head.first + slot) as i32)
    }
}

/// Whether a slot keeps its own count, by so many more bits.
#[cold]
fn keeps_at_48_bits(share: u32, packed: u64, n_open: u32, bits: u64) -> bool {
    (u64::from(share) << 16 | bits >> (64 - n_open)) < packed >> 16
}

/// To every count the draw from its pixel's table, where it has one.
pub(super) struct AddTables<'a, R> {
    pub(super) tables: &'a Tables,
    pub(super) of_pixel: &'a [f64],
    pub(super) words: &'a [u32],
    pub(super) counts: &'a mut [f64],
    pub(super) rng: &'a mut R,
}

impl<R: Rng> WithSimd for AddTables<'_, R> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let groups = self.counts.chunks_mut(GROUP);
        let groups = groups.zip(self.of_pixel.chunks(GROUP).zip(self.words.chunks(GROUP)));
        for (counts, (tables, words)) in groups {
            if tables.iter().all(|&table| table == NUMBER) {
                continue;
            }
            for ((counts, &table), &word) in counts.iter_mut().zip(tables).zip(words) {
                *counts += self.tables.draw(table, word, self.rng);
            }
        }
    }
}

/// Walker's table for weights, padded with zeros to `n_slots`.
fn aliases(weights: &[f64], n_slots: usize) -> Vec<Slot> {
    let total: f64 = weights.iter().sum();
    let mut shares = vec![0.0; n_slots];
    for (share, weight) in shares.iter_mut().zip(weights) {
        *share = weight / total * n_slots as f64;
    }
    let (mut poor, mut rich): (Vec<usize>, Vec<usize>) =
        (0..n_slots).partition(|&slot| shares[slot] < 1.0);
    let mut slots = vec![Slot::default(); n_slots];
    while let (Some(&slot), Some(&alias)) = (poor.last(), rich.last()) {
        poor.pop();
        slots[slot] = Slot::new(shares[slot], alias);
        shares[alias] -= 1.0 - shares[slot];
        if shares[alias] < 1.0 {
            rich.pop();
            poor.push(alias);
        }
    }
    // What is left has a share of one but for rounding.
    for slot in poor.into_iter().chain(rich) {
        slots[slot] = Slot::new(1.0, slot);
    }
    slots
}

impl Slot {
    fn new(share: f64, alias: usize) -> Self {
        const MOST: f64 = 281474976710655.0;
        let cut = (share * (MOST + 1.0)).round().clamp(0.0, MOST) as u64;
        Self(cut << 16 | alias as u64)
    }
}
