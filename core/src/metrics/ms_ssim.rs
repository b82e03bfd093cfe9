//! Structural similarity over several scales.

use ndarray::{Array2, ArrayView2, Zip};

use crate::metrics::pair::Pair;
use crate::metrics::ssim::{Window, ssim};
use crate::sim::blur::gaussian;

/// Weights of the scales, finest first (Wang, Simoncelli and Bovik 2003).
pub const WEIGHTS: [f64; 5] = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];
/// What the legacy form takes for a similarity below 0.
const LEGACY_LEAST: f64 = 1e-4;

/// Similarity over several scales.
#[derive(Clone, Debug, PartialEq)]
pub struct MultiScale {
    /// The product over the scales.
    pub value: f64,
    /// Contrast and structure of every scale but the coarsest, whole similarity of the coarsest.
    pub factors: Vec<f64>,
}

/// MS-SSIM of Wang, Simoncelli and Bovik (2003), of two pictures of data range `range`.
///
/// `Π max(0, mean cs_i)^w_i · max(0, mean SSIM_n)^w_n` over as many scales, at most `most_scales` (5), as still hold a whole
/// window of 11x11 inside the mask; the weights of the scales that are used are divided by their sum. From scale to scale the
/// mean of 2x2 pixels; a block counts if its four pixels do, an odd last row or column is dropped.
///
/// `None` if no window fits, or the range is not above 0.
pub fn ms_ssim(pair: Pair<'_>, range: f64, most_scales: usize) -> Option<MultiScale> {
    let mut scales = vec![ssim(pair, Window::Gaussian11, range)?];
    let mut level = Level::of(pair);
    while scales.len() < most_scales.min(WEIGHTS.len()) {
        level = level.halved();
        match ssim(level.pair(), Window::Gaussian11, range) {
            Some(similarity) => scales.push(similarity),
            None => break,
        }
    }
    let weights = &WEIGHTS[..scales.len()];
    let sum: f64 = weights.iter().sum();
    let last = scales.len() - 1;
    let factors: Vec<f64> = scales
        .iter()
        .enumerate()
        .map(|(scale, s)| {
            if scale == last {
                s.ssim
            } else {
                s.contrast_structure
            }
        })
        .collect();
    let value = factors
        .iter()
        .zip(weights)
        .map(|(factor, weight)| factor.max(0.0).powf(weight / sum))
        .product();
    Some(MultiScale { value, factors })
}

/// MS-SSIM as PtychoPINN computes it, kept for comparison with its numbers.
///
/// Both pictures are smoothed by a Gaussian of `sigma_px` (cut at 4 σ, half-sample symmetric at the border; with a mask over the
/// pixels that count); the data range is the larger of the two, taken once; five levels of whole similarity (7x7, equal weights;
/// 1e-4 where negative) to the power of their weight, multiplied; between levels every second pixel. It stops early where a side
/// falls below 7 px, and does not make up for the missing weights.
///
/// `None` if no window fits or both pictures are the same everywhere.
pub fn ms_ssim_legacy(pair: Pair<'_>, sigma_px: f64) -> Option<f64> {
    let mut level = Level::of(pair).smoothed(sigma_px);
    let range = spread(&level.reference, level.mask.as_ref())
        .max(spread(&level.other, level.mask.as_ref()));
    let mut value = 1.0;
    for (n_done, weight) in WEIGHTS.iter().enumerate() {
        let Some(similarity) = ssim(level.pair(), Window::Uniform7, range) else {
            return (n_done > 0).then_some(value);
        };
        let similarity = similarity.ssim;
        value *= if similarity < 0.0 {
            LEGACY_LEAST
        } else {
            similarity
        }
        .powf(*weight);
        level = level.decimated();
    }
    Some(value)
}

/// Greatest less least value of the pixels that count.
fn spread(picture: &Array2<f64>, mask: Option<&Array2<bool>>) -> f64 {
    let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
    let mut take = |value: f64| (least, most) = (least.min(value), most.max(value));
    match mask {
        None => picture.iter().for_each(|&value| take(value)),
        Some(mask) => picture
            .iter()
            .zip(mask)
            .filter(|(_, counts)| **counts)
            .for_each(|(&value, _)| take(value)),
    }
    most - least
}

/// Both pictures and the mask at one scale.
struct Level {
    reference: Array2<f64>,
    other: Array2<f64>,
    mask: Option<Array2<bool>>,
}

impl Level {
    fn of(pair: Pair<'_>) -> Self {
        Self {
            reference: pair.reference.to_owned(),
            other: pair.other.to_owned(),
            mask: pair.mask.cloned(),
        }
    }

    fn pair(&self) -> Pair<'_> {
        Pair {
            reference: self.reference.view(),
            other: self.other.view(),
            mask: self.mask.as_ref(),
        }
    }

    /// Means of 2x2 pixels.
    fn halved(&self) -> Self {
        Self {
            reference: halved(self.reference.view()),
            other: halved(self.other.view()),
            mask: self.mask.as_ref().map(|mask| {
                let dim = (mask.nrows() / 2, mask.ncols() / 2);
                Array2::from_shape_fn(dim, |(row, column)| {
                    [[0, 0], [0, 1], [1, 0], [1, 1]]
                        .iter()
                        .all(|[down, right]| mask[[2 * row + down, 2 * column + right]])
                })
            }),
        }
    }

    /// Every second pixel.
    fn decimated(&self) -> Self {
        let every = ndarray::s![..;2, ..;2];
        Self {
            reference: self.reference.slice(every).to_owned(),
            other: self.other.slice(every).to_owned(),
            mask: self.mask.as_ref().map(|mask| mask.slice(every).to_owned()),
        }
    }

    fn smoothed(self, sigma_px: f64) -> Self {
        if sigma_px <= 0.0 {
            return self;
        }
        let (reference, other) = rayon::join(
            || smoothed(&self.reference, self.mask.as_ref(), sigma_px),
            || smoothed(&self.other, self.mask.as_ref(), sigma_px),
        );
        Self {
            reference,
            other,
            mask: self.mask,
        }
    }
}

fn halved(picture: ArrayView2<'_, f64>) -> Array2<f64> {
    let (n_rows, n_columns) = (picture.nrows() / 2, picture.ncols() / 2);
    let mut half = Array2::zeros((n_rows, n_columns));
    for (row, mut to) in half.outer_iter_mut().enumerate() {
        let (upper, lower) = (picture.row(2 * row), picture.row(2 * row + 1));
        for (column, to) in to.iter_mut().enumerate() {
            let (left, right) = (2 * column, 2 * column + 1);
            *to = (upper[left] + lower[left] + upper[right] + lower[right]) / 4.0;
        }
    }
    half
}

/// The Gaussian mean of the pixels that count.
fn smoothed(picture: &Array2<f64>, mask: Option<&Array2<bool>>, sigma_px: f64) -> Array2<f64> {
    let Some(mask) = mask else {
        return gaussian(picture.view(), sigma_px);
    };
    let ones = mask.mapv(|counts| f64::from(u8::from(counts)));
    let mut values = picture.clone();
    Zip::from(&mut values).and(mask).for_each(|value, &counts| {
        if !counts {
            *value = 0.0;
        }
    });
    let mut mean = gaussian(values.view(), sigma_px);
    let weights = gaussian(ones.view(), sigma_px);
    Zip::from(&mut mean)
        .and(&weights)
        .for_each(|value, &weight| {
            *value = if weight > 0.0 { *value / weight } else { 0.0 };
        });
    mean
}
