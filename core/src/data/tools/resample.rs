//! Probe, object and positions on the pixels that a detector of another side asks for.
//!
//! The far field of `n` pixels of the detector lies on real-space pixels `λ z / (n Δ)`: with `n'` of them the pixel grows
//! by `n / n'`, and a length of `x` old pixels is one of `x n' / n` new ones.

use ndarray::{Array2, Array3, ArrayView2, Axis, s};
use num_complex::{Complex, Complex32, Complex64};

use crate::data::DatasetParts;
use crate::data::check::overshoots_px;
use crate::fft::Fft2;

/// What resampling made of a dataset's geometry.
pub(super) struct Resampled {
    /// `(k, n', n')`.
    pub(super) probe: Array3<Complex32>,
    /// Share of the probe's power beyond the new band.
    pub(super) probe_loss: f64,
    pub(super) object: Option<Array2<Complex32>>,
    pub(super) positions_px: Vec<[f64; 2]>,
    pub(super) rows_start_px: Option<Vec<f64>>,
    pub(super) columns_start_px: Option<Vec<f64>>,
    pub(super) pixel_size_m: Option<f64>,
    /// New pixels by which the frame grew above and left so that every patch lies inside.
    pub(super) moved_px: [usize; 2],
}

/// Lay everything but patterns and patches on the pixels of a detector of side `n_new` with DC at `n_new / 2`.
pub(super) fn resample(parts: &DatasetParts, n_new: usize) -> Resampled {
    let n = parts.frames.n();
    let ratio = n_new as f64 / n as f64;
    let (probe, probe_loss) = resample_probe(&parts.probe, n_new);
    let scaled: Vec<[f64; 2]> = parts
        .positions_px
        .iter()
        .map(|position| position.map(|c| c * ratio))
        .collect();
    let sides = parts.object.as_ref().map(|object| {
        let (rows, columns) = object.dim();
        [rows, columns].map(|side| (side * n_new).div_ceil(n))
    });
    // Rounding, and the middle of an odd patch, may let a patch begin a pixel outside.
    let reach = |axis: usize, end: usize| {
        scaled
            .iter()
            .map(|c| overshoots_px(c[axis], n_new, sides.map(|sides| sides[axis]))[end])
            .fold(0.0, f64::max) as usize
    };
    let moved_px = [reach(0, 0), reach(1, 0)];
    let object = parts.object.as_ref().zip(sides).map(|(object, sides)| {
        let pixels = |axis: usize| {
            (0..moved_px[axis] + sides[axis] + reach(axis, 1))
                .map(|i| (i as f64 - moved_px[axis] as f64) / ratio)
                .collect::<Vec<f64>>()
        };
        resample_object(object.view(), [&pixels(0), &pixels(1)], ratio)
    });
    let start = |values: &Option<Vec<f64>>, axis: usize| {
        let moved = moved_px[axis] as f64;
        values
            .as_ref()
            .map(|values| values.iter().map(|c| c * ratio + moved).collect())
    };
    Resampled {
        probe,
        probe_loss,
        object,
        positions_px: scaled
            .iter()
            .map(|c| [c[0] + moved_px[0] as f64, c[1] + moved_px[1] as f64])
            .collect(),
        rows_start_px: start(&parts.rows_start_px, 0),
        columns_start_px: start(&parts.columns_start_px, 1),
        pixel_size_m: parts.metadata.pixel_size_m.map(|size| size / ratio),
        moved_px,
    }
}

/// The far field of every mode, cropped or filled with zeros about DC, transformed back; and the share of power cropped.
///
/// Both transforms are orthonormal, so `P'(y') = n/n' P(y)` for a probe within the band and its power stays.
fn resample_probe(probe: &Array3<Complex32>, n_new: usize) -> (Array3<Complex32>, f64) {
    let (n_modes, n, _) = probe.dim();
    let (before, after) = (Fft2::<f64>::new(n, n), Fft2::<f64>::new(n_new, n_new));
    let (mut scratch, mut scratch_new) = (before.scratch(), after.scratch());
    let mut resampled = Array3::zeros((n_modes, n_new, n_new));
    let (mut all, mut kept) = (0.0, 0.0);
    for (mode, mut to) in probe
        .axis_iter(Axis(0))
        .zip(resampled.axis_iter_mut(Axis(0)))
    {
        let mut far: Vec<Complex64> = mode
            .iter()
            .map(|z| Complex::new(z.re.into(), z.im.into()))
            .collect();
        before.forward(&mut far, &mut scratch);
        all += power(&far);
        let mut near = centred(&far, n, n_new);
        kept += power(&near);
        after.inverse(&mut near, &mut scratch_new);
        to.iter_mut()
            .zip(&near)
            .for_each(|(to, z)| *to = Complex32::new(z.re as f32, z.im as f32));
    }
    (resampled, (1.0 - kept / all).max(0.0))
}

fn power(plane: &[Complex64]) -> f64 {
    plane.iter().map(Complex::norm_sqr).sum()
}

/// A plane of side `n` about its pixel `n/2`, cropped or filled with zeros to side `n_new` about `n_new/2`.
pub(super) fn centred<T: Copy + Default>(plane: &[T], n: usize, n_new: usize) -> Vec<T> {
    let mut out = vec![T::default(); n_new * n_new];
    // Pixel i of the new plane is pixel i + n/2 - n_new/2 of the old one.
    let first = (n_new / 2).saturating_sub(n / 2);
    let from = (n / 2).saturating_sub(n_new / 2);
    let length = (n - from).min(n_new - first);
    for row in 0..length {
        let (to, from) = ((first + row) * n_new + first, (from + row) * n + from);
        out[to..to + length].copy_from_slice(&plane[from..from + length]);
    }
    out
}

/// The object at other places, rows and columns in old pixels, with no frequency beyond what `ratio` (new pixels per old
/// one) carries.
///
/// The object is continued by its mirror image, which has no step at the border as the periodic continuation has:
/// `O(y) = Σ_k a_k cos(π k (y + ½) / h)` with `k < h min(1, ratio)`, and so along the columns.
fn resample_object(
    object: ArrayView2<'_, Complex32>,
    [rows_px, columns_px]: [&[f64]; 2],
    ratio: f64,
) -> Array2<Complex32> {
    let (h, w) = object.dim();
    let along_rows = cosines(h, rows_px, ratio);
    let along_columns = cosines(w, columns_px, ratio);
    let part = |of: fn(&Complex32) -> f32| {
        let values = object.mapv(|z| f64::from(of(&z)));
        along_rows.dot(&values).dot(&along_columns.t())
    };
    let (re, im) = (part(|z| z.re), part(|z| z.im));
    ndarray::Zip::from(&re)
        .and(&im)
        .map_collect(|re, im| Complex32::new(*re as f32, *im as f32))
}

/// The matrix that takes `h` samples to the band-limited values at `places_px`, `(places, h)`.
fn cosines(h: usize, places_px: &[f64], ratio: f64) -> Array2<f64> {
    let n_waves = ((h as f64 * ratio.min(1.0)).ceil() as usize).clamp(1, h);
    let wave = |k: usize, y: f64| (std::f64::consts::PI * k as f64 * (y + 0.5) / h as f64).cos();
    let analysis = Array2::from_shape_fn((n_waves, h), |(k, i)| {
        let weight = if k == 0 { 1.0 } else { 2.0 };
        weight / h as f64 * wave(k, i as f64)
    });
    let synthesis =
        Array2::from_shape_fn((places_px.len(), n_waves), |(j, k)| wave(k, places_px[j]));
    synthesis.dot(&analysis)
}

/// The mask of a cropped or padded detector: pixels that were not measured are not used.
pub(super) fn resample_mask(
    mask: Option<&Array2<bool>>,
    n: usize,
    n_new: usize,
) -> Option<Array2<bool>> {
    if mask.is_none() && n_new <= n {
        return None;
    }
    let used = match mask {
        Some(mask) => mask.iter().copied().collect(),
        None => vec![true; n * n],
    };
    Array2::from_shape_vec((n_new, n_new), centred(&used, n, n_new)).ok()
}

/// The middle of a stack of planes, `(k, n_new, n_new)`.
pub(super) fn middle(planes: &Array3<Complex32>, n_new: usize) -> Array3<Complex32> {
    let n = planes.dim().1;
    let from = n / 2 - n_new / 2;
    planes
        .slice(s![.., from..from + n_new, from..from + n_new])
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_stays_the_middle_for_even_and_odd_sides() {
        for (n, n_new) in [(6, 4), (5, 6), (7, 4), (6, 5), (5, 3), (4, 7)] {
            let plane: Vec<i32> = (0..n * n)
                .map(|i| i32::from(i == n / 2 * n + n / 2))
                .collect();
            let moved = centred(&plane, n, n_new);
            let at = moved.iter().position(|value| *value == 1);
            assert_eq!(at, Some(n_new / 2 * n_new + n_new / 2), "{n} to {n_new}");
        }
    }

    #[test]
    fn a_slow_object_keeps_its_values_between_the_pixels() {
        let of = |y: f64, x: f64| {
            Complex32::new(
                (0.3 * (0.1 * y).cos() + 1.0) as f32,
                (0.2 * (0.07 * x).sin()) as f32,
            )
        };
        let object = Array2::from_shape_fn((60, 44), |(y, x)| of(y as f64, x as f64));
        let places: Vec<f64> = (0..20).map(|i| 8.0 + f64::from(i) * 4.0 / 3.0).collect();
        let moved = resample_object(object.view(), [&places, &places], 0.75);
        for ((row, column), value) in moved.indexed_iter() {
            let error = (*value - of(places[row], places[column])).norm();
            assert!(error < 2e-3, "{row} {column}: {error}");
        }
    }
}
