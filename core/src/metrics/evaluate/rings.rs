//! Ring correlations of the central square of an area.

use std::ops::{Div, Mul, Sub};

use ndarray::{Array2, ArrayView2, s};
use num_complex::Complex64;
use num_traits::Zero;

use crate::error::Result;
use crate::metrics::frc::FrcCurve;
use crate::metrics::pair::{Pair, counted};

/// Over so many pixels the picture fades towards pixels that do not count.
const FADE_PX: usize = 6;

/// Ring correlations as asked for, and as PtychoPINN has them: without a window.
pub(super) fn both_rings(
    pair: Pair<'_>,
    legacy: Pair<'_>,
    window: bool,
) -> Result<(FrcCurve, FrcCurve)> {
    let (rings, legacy) = rayon::join(|| real_rings(pair, window), || real_rings(legacy, false));
    Ok((rings?, legacy?))
}

fn real_rings(pair: Pair<'_>, window: bool) -> Result<FrcCurve> {
    let (reference, other) = (
        square(pair.reference, pair.mask, window),
        square(pair.other, pair.mask, window),
    );
    FrcCurve::of_real(reference.view(), other.view(), window)
}

/// Of the complex objects.
pub(super) fn rings(
    reference: ArrayView2<'_, Complex64>,
    other: ArrayView2<'_, Complex64>,
    mask: Option<&Array2<bool>>,
    window: bool,
) -> Result<FrcCurve> {
    FrcCurve::of(
        square(reference, mask, window).view(),
        square(other, mask, window).view(),
        window,
    )
}

/// The central square, pixels that do not count set to the mean of those in it that do.
///
/// Under a window the others fade to that mean towards the ones left out, too: both pictures share the edges of the mask,
/// and a sharp edge spreads coarse structure, in which they agree, over all frequencies, where it would pass for detail.
fn square<T>(picture: ArrayView2<'_, T>, mask: Option<&Array2<bool>>, window: bool) -> Array2<T>
where
    T: Copy + Zero + Sub<Output = T> + Mul<f64, Output = T> + Div<f64, Output = T> + std::iter::Sum,
{
    let (n_rows, n_columns) = picture.dim();
    let side = n_rows.min(n_columns);
    let (top, left) = ((n_rows - side) / 2, (n_columns - side) / 2);
    let part = s![top..top + side, left..left + side];
    let mut square = picture.slice(part).to_owned();
    if let Some(mask) = mask {
        let mask = mask.slice(part).to_owned();
        let values = counted(square.view(), Some(&mask));
        let n = values.len().max(1) as f64;
        let mean = values.into_iter().sum::<T>() / n;
        let weights = weights(&mask, if window { FADE_PX } else { 0 });
        for (value, &weight) in square.iter_mut().zip(&weights) {
            // What is left out may not be a number.
            *value = if weight > 0.0 {
                mean + (*value - mean) * weight
            } else {
                mean
            };
        }
    }
    square
}

/// 0 where a pixel does not count, rising from there over `fade_px` as a cosine to 1; the frame's own edge is left to the window.
fn weights(mask: &Array2<bool>, fade_px: usize) -> Array2<f64> {
    let mut weights = mask.map(|&counts| f64::from(u8::from(counts)));
    let mut inside = mask.clone();
    for distance in 1..=fade_px {
        let further = Array2::from_shape_fn(inside.dim(), |at| surrounded(&inside, at));
        let weight =
            0.5 - 0.5 * (std::f64::consts::PI * distance as f64 / (fade_px + 1) as f64).cos();
        for ((to, &counts), &stays) in weights.iter_mut().zip(&inside).zip(&further) {
            if counts && !stays {
                *to = weight;
            }
        }
        inside = further;
    }
    weights
}

/// Whether a pixel and its neighbours (of eight) within the frame all count.
fn surrounded(mask: &Array2<bool>, (row, column): (usize, usize)) -> bool {
    let (n_rows, n_columns) = mask.dim();
    let rows = row.saturating_sub(1)..(row + 2).min(n_rows);
    let columns = column.saturating_sub(1)..(column + 2).min(n_columns);
    mask.slice(s![rows, columns]).iter().all(|&counts| counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_fade_to_those_left_out_and_not_to_the_frame() {
        let mask = Array2::from_shape_fn((9, 24), |(_, column)| column >= 4);
        let weights = weights(&mask, 5);
        for row in weights.outer_iter() {
            assert!(row.iter().take(4).all(|&weight| weight == 0.0));
            assert!(row.iter().skip(9).all(|&weight| weight == 1.0));
            let ramp: Vec<f64> = row.iter().copied().skip(3).take(7).collect();
            assert!(ramp.windows(2).all(|pair| pair[0] < pair[1]), "{ramp:?}");
            assert!((ramp[3] - 0.5).abs() < 1e-12, "{ramp:?}");
        }
    }

    #[test]
    fn the_shape_of_a_mask_is_no_detail_that_two_pictures_share() {
        // Coarse structure in both, detail of its own in each, a region full of holes.
        let wave = |(row, column): (usize, usize), of: f64| {
            let (y, x) = (row as f64, column as f64);
            3.0 * ((0.11 * y).sin() + (0.13 * x + 0.05 * y).cos())
                + ((12.9898 * x + 78.233 * y + of).sin() * 43758.5453).fract()
        };
        let [one, other] =
            [0.3, 1.7].map(|of| Array2::from_shape_fn((128, 128), |at| wave(at, of)));
        let mask = Array2::from_shape_fn((128, 128), |(row, column)| {
            (row % 32).abs_diff(16) + (column % 40).abs_diff(20) > 12
        });
        let pair = Pair {
            reference: one.view(),
            other: other.view(),
            mask: Some(&mask),
        };
        let fine = |curve: FrcCurve| {
            let values = &curve.values[40..60];
            values.iter().sum::<f64>() / values.len() as f64
        };
        let faded = fine(real_rings(pair, true).unwrap());
        let hard = FrcCurve::of_real(
            square(one.view(), Some(&mask), false).view(),
            square(other.view(), Some(&mask), false).view(),
            true,
        );
        let hard = fine(hard.unwrap());
        assert!(faded < 0.25 && faded < 0.5 * hard, "{faded} against {hard}");
    }
}
