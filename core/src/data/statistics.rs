//! Statistics of an array, streamed in constant memory.
//!
//! Percentiles take a second pass: the first counts values by the upper half of their single-precision
//! bits, the second those in the right bins by the lower half. The result is the exact order statistic,
//! rounded to single precision, whatever the size.

use std::path::Path;

use crate::data::Archive;
use crate::data::frames::one_pass;
use crate::error::{Error, Result};
use crate::job::Monitor;

const RANKS: [f64; 5] = [0.01, 0.05, 0.5, 0.95, 0.99];
const N_BINS: usize = 1 << 16;

/// Statistics of one array; of the magnitude for complex ones.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Statistics {
    /// The key.
    pub key: String,
    /// Elements.
    pub n_values: u64,
    /// Least finite value.
    pub min: f64,
    /// Greatest finite value.
    pub max: f64,
    /// Mean of the finite values.
    pub mean: f64,
    /// Percentiles 1, 5, 50, 95, 99 of the finite values: the value of rank `floor(p (n - 1))`, to single precision.
    pub percentiles: [f64; 5],
    /// Number of NaN.
    pub n_nan: u64,
    /// Number of infinities.
    pub n_infinite: u64,
    /// Index of the first value that is not finite, first in the order of the file.
    pub first_non_finite: Option<Vec<usize>>,
}

/// Statistics of every readable array of a file; partial results come as snapshots, key by key.
///
/// Arrays without a finite value have NaN for minimum, maximum, mean and percentiles.
///
/// # Errors
/// [`crate::Error::Io`], [`crate::Error::Refused`], [`crate::Error::Cancelled`].
pub fn file_statistics(
    path: &Path,
    monitor: &dyn Monitor<Vec<Statistics>>,
) -> Result<Vec<Statistics>> {
    let archive = Archive::open(path)?;
    let indices: Vec<usize> = (0..archive.keys.len())
        .filter(|index| archive.numbers(*index).is_some())
        .collect();
    let all: usize = indices
        .iter()
        .map(|index| 2 * archive.keys[*index].bytes as usize)
        .sum();
    let mut done = 0;
    let mut list = Vec::with_capacity(indices.len());
    for index in indices {
        list.push(of_array(&archive, index, &mut |n_bytes| {
            if monitor.stop().is_requested() {
                return Err(Error::Cancelled);
            }
            done += n_bytes;
            monitor.progress(one_pass(done, all));
            Ok(())
        })?);
        monitor.snapshot(list.clone());
    }
    Ok(list)
}

/// `tick` hears of the bytes done and may stop the work.
fn of_array(
    archive: &Archive,
    index: usize,
    tick: &mut dyn FnMut(usize) -> Result<()>,
) -> Result<Statistics> {
    let header = archive.header(index)?;
    let mut first = FirstPass::new();
    archive.stream(index, &mut |chunk| {
        header
            .dtype
            .for_each_real(chunk, |value| first.value(value));
        tick(chunk.len())
    })?;
    let n_finite = first.upper.iter().sum::<u64>();
    let mut second = SecondPass::new(&first.upper, n_finite);
    archive.stream(index, &mut |chunk| {
        header
            .dtype
            .for_each_real(chunk, |value| second.value(value));
        tick(chunk.len())
    })?;
    let or_nan = |value: f64| if n_finite == 0 { f64::NAN } else { value };
    Ok(Statistics {
        key: archive.keys[index].key.clone(),
        n_values: first.at,
        min: or_nan(first.min),
        max: or_nan(first.max),
        mean: first.sum / n_finite as f64,
        percentiles: second
            .percentiles()
            .map(|value| or_nan(value.max(first.min).min(first.max))),
        n_nan: first.n_nan,
        n_infinite: first.n_infinite,
        first_non_finite: first
            .first_bad
            .map(|at| unravel(at as usize, &header.shape, header.is_fortran)),
    })
}

struct FirstPass {
    at: u64,
    min: f64,
    max: f64,
    sum: f64,
    n_nan: u64,
    n_infinite: u64,
    first_bad: Option<u64>,
    upper: Vec<u64>,
}

impl FirstPass {
    fn new() -> Self {
        Self {
            at: 0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            sum: 0.0,
            n_nan: 0,
            n_infinite: 0,
            first_bad: None,
            upper: vec![0; N_BINS],
        }
    }

    fn value(&mut self, value: f64) {
        if value.is_finite() {
            self.min = self.min.min(value);
            self.max = self.max.max(value);
            self.sum += value;
            self.upper[(ordered(value) >> 16) as usize] += 1;
        } else {
            self.first_bad.get_or_insert(self.at);
            self.n_nan += u64::from(value.is_nan());
            self.n_infinite += u64::from(value.is_infinite());
        }
        self.at += 1;
    }
}

/// For each percentile: the bin of its upper bits, the rank inside it, and which counts of lower bits serve it.
struct SecondPass {
    wanted: Vec<(u32, u64, usize)>,
    lower: Vec<(u32, Vec<u64>)>,
}

impl SecondPass {
    fn new(upper: &[u64], n_finite: u64) -> Self {
        let (mut wanted, mut lower) = (Vec::new(), Vec::<(u32, Vec<u64>)>::new());
        for rank in RANKS {
            let rank = (rank * n_finite.saturating_sub(1) as f64).floor() as u64;
            let Some((bin, inside)) = find_rank(upper, rank) else {
                continue;
            };
            let at = lower
                .iter()
                .position(|(known, _)| *known == bin)
                .unwrap_or(lower.len());
            if at == lower.len() {
                lower.push((bin, vec![0; N_BINS]));
            }
            wanted.push((bin, inside, at));
        }
        Self { wanted, lower }
    }

    fn value(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        let bits = ordered(value);
        for (bin, counts) in &mut self.lower {
            if bits >> 16 == *bin {
                counts[(bits & 0xffff) as usize] += 1;
            }
        }
    }

    fn percentiles(&self) -> [f64; 5] {
        let mut values = [f64::NAN; 5];
        for (value, (bin, inside, at)) in values.iter_mut().zip(&self.wanted) {
            if let Some((low, _)) = find_rank(&self.lower[*at].1, *inside) {
                *value = unordered((bin << 16) | low);
            }
        }
        values
    }
}

/// The bin that holds a rank, and the rank inside it.
fn find_rank(counts: &[u64], rank: u64) -> Option<(u32, u64)> {
    let mut before = 0;
    for (bin, count) in counts.iter().enumerate() {
        if rank < before + count {
            return Some((bin as u32, rank - before));
        }
        before += count;
    }
    None
}

/// Single-precision bits, turned so that they ascend as the values do.
fn ordered(value: f64) -> u32 {
    let bits = (value as f32).to_bits();
    if bits >> 31 == 0 {
        bits | 1 << 31
    } else {
        !bits
    }
}

fn unordered(bits: u32) -> f64 {
    f64::from(f32::from_bits(if bits >> 31 == 1 {
        bits & !(1 << 31)
    } else {
        !bits
    }))
}

fn unravel(mut at: usize, shape: &[usize], is_fortran: bool) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    let axes: Vec<usize> = if is_fortran {
        (0..shape.len()).collect()
    } else {
        (0..shape.len()).rev().collect()
    };
    for axis in axes {
        index[axis] = at % shape[axis].max(1);
        at /= shape[axis].max(1);
    }
    index
}
