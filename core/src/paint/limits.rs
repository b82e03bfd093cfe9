//! Which values stand at the two ends of a colour bar, and what had to be left out to tell.

use ndarray::{Array1, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

/// How the ends of the colour bar are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limits {
    /// The least and the greatest finite value.
    #[default]
    MinMax,
    /// Percentiles of the finite values.
    Percentile {
        /// Share of the values below the lower end, in percent.
        low_percent: f64,
        /// Share of the values below the upper end, in percent.
        high_percent: f64,
    },
    /// Given by hand.
    Manual {
        /// The lower end.
        min: f64,
        /// The upper end.
        max: f64,
    },
    /// From minus to plus the greatest finite magnitude, so that zero stands in the middle.
    Symmetric,
}

impl Limits {
    /// The percentiles that a detector's hot pixels and a reconstruction's border do not upset.
    pub const AUTO: Self = Self::Percentile {
        low_percent: 0.5,
        high_percent: 99.5,
    };

    /// One scale for several pictures: the ends found over the finite values of all of them together.
    pub fn shared<'a>(&self, pictures: impl Iterator<Item = ArrayView2<'a, f32>>) -> Self {
        let all: Array1<f32> = pictures
            .flat_map(|picture| picture.iter().copied().collect::<Vec<_>>())
            .collect();
        let found = self.resolve(&all.insert_axis(Axis(0)).view());
        Self::Manual {
            min: found.min,
            max: found.max,
        }
    }

    /// The ends for `values`, found over the finite ones.
    pub fn resolve(&self, values: &ArrayView2<'_, f32>) -> ResolvedLimits {
        let survey = Survey::new(values);
        let (min, max) = match *self {
            Self::Manual { min, max } if min.is_finite() && max.is_finite() => {
                (min.min(max), min.max(max))
            }
            Self::Symmetric => {
                let magnitude = survey.min.abs().max(survey.max.abs());
                (-magnitude, magnitude)
            }
            Self::Percentile {
                low_percent,
                high_percent,
            } if survey.n_finite != 0 => {
                let [low, high] = percentiles(values, survey.n_finite, [low_percent, high_percent]);
                (low.min(high), low.max(high))
            }
            Self::MinMax | Self::Manual { .. } | Self::Percentile { .. } => {
                (survey.min, survey.max)
            }
        };
        ResolvedLimits {
            min,
            max,
            data_min: survey.min,
            data_max: survey.max,
            n_nan: survey.n_nan,
            n_infinite: survey.n_infinite,
            n_finite: survey.n_finite,
        }
    }
}

/// The ends of a colour bar and the survey of the values behind it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResolvedLimits {
    /// Value of the first colour; 0 where there is no finite value.
    pub min: f64,
    /// Value of the last colour; 0 where there is no finite value.
    pub max: f64,
    /// The least finite value; 0 where there is none.
    pub data_min: f64,
    /// The greatest finite value; 0 where there is none.
    pub data_max: f64,
    /// Values that are not a number.
    pub n_nan: usize,
    /// Values that are plus or minus infinity.
    pub n_infinite: usize,
    /// The others.
    pub n_finite: usize,
}

impl ResolvedLimits {
    /// Whether all finite values are the same one (also where there is none).
    pub fn is_constant(&self) -> bool {
        self.data_min == self.data_max
    }

    /// Where `value` stands between the ends, not clamped; 0.5 where the ends meet.
    pub fn share(&self, value: f64) -> f64 {
        if self.max <= self.min {
            return 0.5;
        }
        (value - self.min) / (self.max - self.min)
    }

    /// What a reader must be told about the values: none, constant, NaN and infinity counts.
    pub fn remark(&self) -> Option<String> {
        let mut remarks = Vec::new();
        if self.n_finite == 0 {
            remarks.push("no finite value".to_owned());
        } else if self.is_constant() {
            remarks.push(format!("constant {}", self.data_min));
        }
        if self.n_nan != 0 {
            remarks.push(format!("{} NaN", self.n_nan));
        }
        if self.n_infinite != 0 {
            remarks.push(format!("{} infinite", self.n_infinite));
        }
        (!remarks.is_empty()).then(|| remarks.join(", "))
    }
}

struct Survey {
    min: f64,
    max: f64,
    n_nan: usize,
    n_infinite: usize,
    n_finite: usize,
}

impl Survey {
    fn new(values: &ArrayView2<'_, f32>) -> Self {
        let (mut min, mut max) = (f32::INFINITY, f32::NEG_INFINITY);
        let (mut n_nan, mut n_finite) = (0, 0);
        for &value in values {
            if value.is_finite() {
                min = min.min(value);
                max = max.max(value);
                n_finite += 1;
            } else {
                n_nan += usize::from(value.is_nan());
            }
        }
        if n_finite == 0 {
            (min, max) = (0.0, 0.0);
        }
        Self {
            min: f64::from(min),
            max: f64::from(max),
            n_nan,
            n_infinite: values.len() - n_nan - n_finite,
            n_finite,
        }
    }
}

/// The finite value below which each given share lies (the nearest rank, no interpolation).
///
/// A radix selection: exact, and linear in the number of values. One pass counts the upper 16 bits
/// of an order-preserving key, another the lower 16 bits within the bucket found.
fn percentiles(values: &ArrayView2<'_, f32>, n_finite: usize, percents: [f64; 2]) -> [f64; 2] {
    let mut upper = vec![0u32; 1 << 16];
    for &value in values.iter().filter(|value| value.is_finite()) {
        upper[(order_key(value) >> 16) as usize] += 1;
    }
    percents.map(|percent| {
        let share = if percent.is_finite() {
            percent.clamp(0.0, 100.0) / 100.0
        } else {
            0.5
        };
        let rank = (share * (n_finite - 1) as f64).round() as usize;
        let (high, before) = bucket_of(&upper, rank);
        let mut lower = vec![0u32; 1 << 16];
        for &value in values.iter().filter(|value| value.is_finite()) {
            let key = order_key(value);
            if (key >> 16) as usize == high {
                lower[(key & 0xffff) as usize] += 1;
            }
        }
        let (low, _) = bucket_of(&lower, rank - before);
        f64::from(value_of(((high << 16) | low) as u32))
    })
}

/// The bucket that holds the value of this rank, and how many values lie in the buckets before it.
fn bucket_of(counts: &[u32], rank: usize) -> (usize, usize) {
    let mut before = 0;
    for (bucket, &count) in counts.iter().enumerate() {
        let count = count as usize;
        if rank < before + count {
            return (bucket, before);
        }
        before += count;
    }
    (counts.len() - 1, before)
}

/// Unsigned numbers in the order of the floats.
fn order_key(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 0 {
        bits | 0x8000_0000
    } else {
        !bits
    }
}

fn value_of(key: u32) -> f32 {
    f32::from_bits(if key >> 31 == 1 {
        key & 0x7fff_ffff
    } else {
        !key
    })
}

/// Counts of the finite values in equal bins over the data's own range.
///
/// The last bin includes the greatest value; a constant image fills the first bin.
pub fn histogram(
    values: &ArrayView2<'_, f32>,
    limits: &ResolvedLimits,
    n_bins: usize,
) -> Vec<usize> {
    let mut counts = vec![0; n_bins.max(1)];
    let span = limits.data_max - limits.data_min;
    let bins_per_unit = if span > 0.0 {
        counts.len() as f64 / span
    } else {
        0.0
    };
    let last = counts.len() - 1;
    for &value in values.iter().filter(|value| value.is_finite()) {
        let bin = ((f64::from(value) - limits.data_min) * bins_per_unit) as usize;
        counts[bin.min(last)] += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_keep_the_order_of_the_floats() {
        let values = [-3.0e30, -1.0, -1.0e-40, -0.0, 0.0, 1.0e-40, 0.5, 7.0e20_f32];
        let keys: Vec<_> = values.iter().map(|&value| order_key(value)).collect();
        assert!(keys.is_sorted());
        assert!(
            values
                .iter()
                .all(|&value| value_of(order_key(value)).to_bits() == value.to_bits())
        );
    }
}
