//! Curves of a comparison: ring correlations with their thresholds, profiles along a line, ratios of amplitudes.

use ndarray::Array2;
use ptycho_core::metrics::bias::LEAST_OF_RATIO;
use ptycho_core::metrics::frc::{FrcCurve, Threshold};
use ptycho_core::paint::limits::Limits;
use ptycho_core::study::compare::{Compared, Comparison};

use crate::gui::widgets::line_plot::Series;

/// Bins of the ratios.
const N_RATIOS: usize = 80;

/// A curve with its name.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedCurve {
    pub name: String,
    pub points: Vec<[f64; 2]>,
    pub colour_index: usize,
    pub is_dashed: bool,
}

impl NamedCurve {
    /// As plots take it.
    pub fn series(&self) -> Series<'_> {
        Series {
            name: &self.name,
            points: &self.points,
            colour_index: self.colour_index,
            is_dashed: self.is_dashed,
            log_from: None,
        }
    }
}

/// Of what rings are correlated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FrcOf {
    #[default]
    Phase,
    Amplitude,
    Complex,
}

impl FrcOf {
    /// Every choice.
    pub const ALL: [Self; 3] = [Self::Phase, Self::Amplitude, Self::Complex];

    /// In a word.
    pub fn label(self) -> &'static str {
        match self {
            Self::Phase => "phase",
            Self::Amplitude => "amplitude",
            Self::Complex => "complex",
        }
    }

    /// The curve of an arm.
    pub fn of(self, arm: &Compared) -> &FrcCurve {
        let frc = &arm.evaluation.frc;
        match self {
            Self::Phase => &frc.phase,
            Self::Amplitude => &frc.amplitude,
            Self::Complex => &frc.complex,
        }
    }
}

/// What the x axis of ring correlations counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FrcAxis {
    /// Half the side of the square is 1.
    #[default]
    Nyquist,
    Rings,
    /// Periods in a micrometre; half a period is what is called the resolution.
    PerMicrometre,
}

impl FrcAxis {
    /// Every choice.
    pub const ALL: [Self; 3] = [Self::Nyquist, Self::Rings, Self::PerMicrometre];

    /// In a word.
    pub fn label(self) -> &'static str {
        match self {
            Self::Nyquist => "of Nyquist",
            Self::Rings => "rings",
            Self::PerMicrometre => "1/µm",
        }
    }

    /// Words of the axis.
    pub fn axis(self) -> &'static str {
        match self {
            Self::Nyquist => "fraction of Nyquist",
            Self::Rings => "ring",
            Self::PerMicrometre => "frequency (1/µm), half period = 1/2f",
        }
    }

    /// What a ring is on it; none where the pixel size is not known.
    fn of_ring(self, side_px: usize, pixel_size_m: Option<f64>) -> Option<f64> {
        let half = side_px as f64 / 2.0;
        match self {
            Self::Nyquist => Some(1.0 / half),
            Self::Rings => Some(1.0),
            Self::PerMicrometre => Some(1e-6 / (side_px as f64 * pixel_size_m?)),
        }
    }
}

/// What is to be said about each of [`Threshold::ALL`].
pub const THRESHOLD_TIPS: [&str; 4] = [
    "A correlation of one half",
    "A correlation of one seventh, 0.143: customary where each of two pictures holds half of the data",
    "Where each ring holds one bit of information a pixel (van Heel and Schatz 2005)",
    "Where each ring holds half a bit of information a pixel (van Heel and Schatz 2005)",
];

/// How ring correlations are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrcChoice {
    pub of: FrcOf,
    pub axis: FrcAxis,
    /// Which of [`Threshold::ALL`] are drawn.
    pub thresholds: [bool; 4],
    /// Whether rings beyond the edge of the square, up to its corner, are drawn.
    pub to_corner: bool,
}

impl Default for FrcChoice {
    fn default() -> Self {
        Self {
            of: FrcOf::default(),
            axis: FrcAxis::default(),
            thresholds: [true, false, false, true],
            to_corner: false,
        }
    }
}

/// The correlation of every arm with the reference, and the thresholds.
pub fn frc_curves(comparison: &Comparison, choice: FrcChoice) -> Vec<NamedCurve> {
    let points = |curve: &FrcCurve, values: &[f64]| -> Vec<[f64; 2]> {
        let step = choice
            .axis
            .of_ring(curve.side_px, comparison.pixel_size_m)
            .unwrap_or(1.0);
        let n = if choice.to_corner {
            values.len()
        } else {
            (curve.side_px / 2 + 1).min(values.len())
        };
        values[..n]
            .iter()
            .enumerate()
            .map(|(ring, value)| [ring as f64 * step, *value])
            .filter(|[_, value]| value.is_finite())
            .collect()
    };
    let mut curves: Vec<_> = comparison
        .arms
        .iter()
        .enumerate()
        .map(|(i, arm)| {
            let curve = choice.of.of(arm);
            NamedCurve {
                name: arm.name.clone(),
                points: points(curve, &curve.values),
                colour_index: i,
                is_dashed: false,
            }
        })
        .collect();
    // The thresholds depend on the number of pixels of each ring alone, which all arms share.
    if let Some(first) = comparison.arms.first().map(|arm| choice.of.of(arm)) {
        let shown = Threshold::ALL.into_iter().zip(choice.thresholds);
        for threshold in shown.filter_map(|(threshold, is_on)| is_on.then_some(threshold)) {
            let limit: Vec<_> = first
                .threshold(threshold)
                .iter()
                .map(|value| value.min(1.0))
                .collect();
            curves.push(NamedCurve {
                name: format!("threshold {}", threshold.label()),
                points: points(first, &limit),
                colour_index: THRESHOLD_COLOUR,
                is_dashed: true,
            });
        }
    }
    curves
}

/// The last colour of the palette: text, more or less.
const THRESHOLD_COLOUR: usize = 6;

/// Values along a line, one a pixel, interpolated between the four pixels around; `[distance in px, value]`.
pub fn profile(values: &Array2<f32>, [from, to]: [[f64; 2]; 2]) -> Vec<[f64; 2]> {
    let (rows, columns) = (to[0] - from[0], to[1] - from[1]);
    let length_px = rows.hypot(columns);
    let n = length_px.ceil().max(1.0) as usize;
    (0..=n)
        .map(|i| {
            let share = i as f64 / n as f64;
            let at = [from[0] + share * rows, from[1] + share * columns];
            [share * length_px, between(values, at)]
        })
        .filter(|[_, value]| value.is_finite())
        .collect()
}

/// The value at a place between pixels; NaN outside.
fn between(values: &Array2<f32>, [row, column]: [f64; 2]) -> f64 {
    let (n_rows, n_columns) = values.dim();
    let is_inside = 0.0 <= row
        && 0.0 <= column
        && row <= n_rows as f64 - 1.0
        && column <= n_columns as f64 - 1.0;
    if !is_inside {
        return f64::NAN;
    }
    let (top, left) = (row.floor() as usize, column.floor() as usize);
    let (down, right) = (row.fract(), column.fract());
    let mut sum = 0.0;
    for (r, by_row) in [(top, 1.0 - down), (top + 1, down)] {
        for (c, by_column) in [(left, 1.0 - right), (left + 1, right)] {
            // A neighbour without weight may lie outside, or be NaN.
            if by_row * by_column > 0.0 {
                sum += by_row * by_column * f64::from(values[[r, c]]);
            }
        }
    }
    sum
}

/// Counts of |reconstruction| / |reference|, before the factor on the amplitude.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ratios {
    /// Middle of each bin.
    pub middles: Vec<f64>,
    /// Share of the pixels in each bin, for each arm.
    pub shares: Vec<Vec<f64>>,
}

impl Ratios {
    /// Of every arm, in common bins that hold all but one in a hundred pixels.
    pub fn new(comparison: &Comparison) -> Self {
        let ratios: Vec<_> = comparison.arms.iter().map(ratios).collect();
        let all: Vec<_> = ratios.iter().flatten().copied().collect();
        let n = all.len();
        if n == 0 {
            return Self::default();
        }
        let all = Array2::from_shape_vec((1, n), all).unwrap_or_default();
        let limits = Limits::AUTO.resolve(&all.view());
        let (min, mut max) = (limits.min, limits.max);
        if max <= min {
            max = min + min.abs().max(1.0) * 1e-3;
        }
        let width = (max - min) / N_RATIOS as f64;
        let share = |ratios: &Vec<f32>| {
            let mut counts = vec![0.0; N_RATIOS];
            for ratio in ratios {
                let bin = (f64::from(*ratio) - min) / width;
                if (0.0..=N_RATIOS as f64).contains(&bin) {
                    counts[(bin as usize).min(N_RATIOS - 1)] += 1.0 / ratios.len() as f64;
                }
            }
            counts
        };
        Self {
            middles: (0..N_RATIOS)
                .map(|i| min + (i as f64 + 0.5) * width)
                .collect(),
            shares: ratios.iter().map(share).collect(),
        }
    }

    /// As curves.
    pub fn curves(&self, comparison: &Comparison) -> Vec<NamedCurve> {
        let arms = comparison.arms.iter().zip(&self.shares).enumerate();
        arms.map(|(i, (arm, shares))| NamedCurve {
            name: arm.name.clone(),
            points: self
                .middles
                .iter()
                .zip(shares)
                .map(|(x, y)| [*x, *y])
                .collect(),
            colour_index: i,
            is_dashed: false,
        })
        .collect()
    }
}

fn ratios(arm: &Compared) -> Vec<f32> {
    let prepared = &arm.prepared;
    let factor = prepared.steps.amplitude_factor;
    let mask = prepared.area.mask.as_ref();
    let reference = &prepared.reference;
    let greatest = reference
        .iter()
        .map(|value| value.norm())
        .filter(|norm| norm.is_finite())
        .fold(0.0, f64::max);
    reference
        .indexed_iter()
        .zip(&prepared.other)
        .filter(|((at, _), _)| mask.is_none_or(|mask| mask.get(*at).copied().unwrap_or(false)))
        .filter(|((_, reference), _)| LEAST_OF_RATIO * greatest < reference.norm())
        .map(|((_, reference), other)| (other.norm() / (factor * reference.norm())) as f32)
        .filter(|ratio| ratio.is_finite())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_of_a_plane_is_a_straight_line_and_stays_inside() {
        let plane =
            Array2::from_shape_fn((20, 30), |(row, column)| 2.0 * row as f32 - column as f32);
        let points = profile(&plane, [[2.5, 3.0], [14.5, 19.0]]);
        assert_eq!(points.len(), 21);
        assert_eq!(points[20][0], 20.0);
        for [at_px, value] in points {
            let expected = 2.0 * (2.5 + 0.6 * at_px) - (3.0 + 0.8 * at_px);
            assert!((value - expected).abs() < 1e-5);
        }
        let beyond = profile(&plane, [[5.0, 20.0], [5.0, 40.0]]);
        assert_eq!(beyond.last().unwrap()[0], 9.0);
        let edge = profile(&plane, [[0.0, 0.0], [19.0, 29.0]]);
        assert_eq!(edge.last().unwrap()[1], f64::from(plane[[19, 29]]));
    }
}
