//! Ring correlations of the central square of an area.

use ndarray::{Array2, ArrayView2, s};
use num_complex::Complex64;
use num_traits::Zero;

use crate::error::Result;
use crate::metrics::frc::FrcCurve;
use crate::metrics::pair::{Pair, counted};

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
        square(pair.reference, pair.mask),
        square(pair.other, pair.mask),
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
        square(reference, mask).view(),
        square(other, mask).view(),
        window,
    )
}

/// The central square, pixels that do not count set to the mean of those in it that do.
fn square<T>(picture: ArrayView2<'_, T>, mask: Option<&Array2<bool>>) -> Array2<T>
where
    T: Copy + Zero + std::ops::Div<f64, Output = T> + std::iter::Sum,
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
        for (value, &counts) in square.iter_mut().zip(&mask) {
            if !counts {
                *value = mean;
            }
        }
    }
    square
}
