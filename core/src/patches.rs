//! Cut patches out of an object and add them back: adjoint pairs, at whole and at sub-pixel positions.
//!
//! A position is the object coordinate of patch pixel `n / 2`. Outside the object a patch is zero,
//! and what is added there is lost; the pairs stay adjoint.

use ndarray::{ArrayView2, ArrayViewMut2, s};
use num_complex::Complex;
use num_traits::Float;

/// First object pixel of the patch at a position, and what is left of the position (-0.5 to 0.5 px).
///
/// `start = round(c) - n/2` with halves to the even number; `fraction = c - round(c)`.
pub fn whole_start(position_px: [f64; 2], n: usize) -> ([isize; 2], [f64; 2]) {
    let rounded = position_px.map(f64::round_ties_even);
    let start = rounded.map(|c| c as isize - (n / 2) as isize);
    (
        start,
        [position_px[0] - rounded[0], position_px[1] - rounded[1]],
    )
}

/// Copy the patch that starts at `start_px` into `patch` (`(n, n)`), zero outside the object.
pub fn cut<T: Float>(
    object: ArrayView2<'_, Complex<T>>,
    start_px: [isize; 2],
    mut patch: ArrayViewMut2<'_, Complex<T>>,
) {
    if let Some(region) = region(&object, start_px, patch.dim()) {
        patch.assign(&region);
        return;
    }
    for ((row, column), value) in patch.indexed_iter_mut() {
        *value = pixel(
            &object,
            start_px[0] + row as isize,
            start_px[1] + column as isize,
        );
    }
}

/// Adjoint of [`cut`]: add `patch` to the object where it lies inside.
pub fn add<T: Float>(
    mut object: ArrayViewMut2<'_, Complex<T>>,
    start_px: [isize; 2],
    patch: ArrayView2<'_, Complex<T>>,
) {
    for ((row, column), value) in patch.indexed_iter() {
        let index = (start_px[0] + row as isize, start_px[1] + column as isize);
        if let Some(pixel) = inside(object.dim(), index).and_then(|index| object.get_mut(index)) {
            *pixel = *pixel + *value;
        }
    }
}

/// Bilinear patch: `patch[i] = O(c - n/2 + i)`, zero outside the object.
pub fn cut_bilinear<T: Float>(
    object: ArrayView2<'_, Complex<T>>,
    position_px: [f64; 2],
    mut patch: ArrayViewMut2<'_, Complex<T>>,
) {
    let corners = Corners::new(position_px, patch.nrows());
    for ((row, column), value) in patch.indexed_iter_mut() {
        *value = corners
            .iter(row, column)
            .fold(zero(), |sum, (index, weight): (_, T)| {
                sum + pixel(&object, index.0, index.1) * weight
            });
    }
}

/// Adjoint of [`cut_bilinear`].
pub fn add_bilinear<T: Float>(
    mut object: ArrayViewMut2<'_, Complex<T>>,
    position_px: [f64; 2],
    patch: ArrayView2<'_, Complex<T>>,
) {
    let corners = Corners::new(position_px, patch.nrows());
    for ((row, column), value) in patch.indexed_iter() {
        for (index, weight) in corners.iter::<T>(row, column) {
            if let Some(pixel) = inside(object.dim(), index).and_then(|index| object.get_mut(index))
            {
                *pixel = *pixel + *value * weight;
            }
        }
    }
}

/// The four object pixels around each patch pixel and their weights.
struct Corners {
    start_px: [isize; 2],
    fraction: [f64; 2],
}

impl Corners {
    fn new(position_px: [f64; 2], n: usize) -> Self {
        let floor = position_px.map(f64::floor);
        Self {
            start_px: floor.map(|c| c as isize - (n / 2) as isize),
            fraction: [position_px[0] - floor[0], position_px[1] - floor[1]],
        }
    }

    fn iter<T: Float>(
        &self,
        row: usize,
        column: usize,
    ) -> impl Iterator<Item = ((isize, isize), T)> {
        let [fy, fx] = self.fraction;
        let (y, x) = (
            self.start_px[0] + row as isize,
            self.start_px[1] + column as isize,
        );
        let corners = [
            ((y, x), (1.0 - fy) * (1.0 - fx)),
            ((y, x + 1), (1.0 - fy) * fx),
            ((y + 1, x), fy * (1.0 - fx)),
            ((y + 1, x + 1), fy * fx),
        ];
        corners
            .into_iter()
            .filter_map(|(index, weight)| Some((index, T::from(weight)?)))
    }
}

fn inside(shape: (usize, usize), (row, column): (isize, isize)) -> Option<(usize, usize)> {
    let index = (usize::try_from(row).ok()?, usize::try_from(column).ok()?);
    (index.0 < shape.0 && index.1 < shape.1).then_some(index)
}

/// The part of the object under a patch, if it lies wholly inside.
fn region<'a, T>(
    object: &'a ArrayView2<'_, Complex<T>>,
    start_px: [isize; 2],
    (rows, columns): (usize, usize),
) -> Option<ArrayView2<'a, Complex<T>>> {
    let (top, left) = inside(object.dim(), (start_px[0], start_px[1]))?;
    let (bottom, right) = (top + rows, left + columns);
    let fits = bottom <= object.nrows() && right <= object.ncols();
    fits.then(|| object.slice(s![top..bottom, left..right]))
}

fn pixel<T: Float>(object: &ArrayView2<'_, Complex<T>>, row: isize, column: isize) -> Complex<T> {
    inside(object.dim(), (row, column))
        .and_then(|index| object.get(index))
        .copied()
        .unwrap_or_else(zero)
}

fn zero<T: Float>() -> Complex<T> {
    Complex::new(T::zero(), T::zero())
}
