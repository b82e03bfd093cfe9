//! Light that fell on each pixel of the object.

use ndarray::{Array2, ArrayView3};
use num_complex::Complex32;
use rayon::prelude::*;

use crate::patches::whole_start;
use crate::sim::probe::summed_intensity;

/// Rows that one task fills: fixed, so that sums do not depend on the number of threads.
const BAND_ROWS: usize = 16;

/// `Σ |probe|²` over positions, laid at the nearest whole pixel, as a share of the greatest; `(h, w)` of `shape`.
///
/// `None` without positions or light.
pub fn light_share(
    probe: ArrayView3<'_, Complex32>,
    positions_px: &[[f64; 2]],
    shape: [usize; 2],
) -> Option<Array2<f32>> {
    let [n_rows, n_columns] = shape;
    if positions_px.is_empty() || probe.is_empty() || n_rows * n_columns == 0 {
        return None;
    }
    let intensity = summed_intensity(probe);
    let n = intensity.nrows();
    let starts: Vec<[isize; 2]> = positions_px
        .iter()
        .map(|position| whole_start(*position, n).0)
        .collect();
    let mut light = vec![0.0_f64; n_rows * n_columns];
    light
        .par_chunks_mut(BAND_ROWS * n_columns)
        .enumerate()
        .for_each(|(band, pixels)| {
            for start in &starts {
                add(&intensity, *start, band * BAND_ROWS, pixels, n_columns);
            }
        });
    let most = light.iter().copied().fold(0.0, f64::max);
    if !(0.0 < most && most.is_finite()) {
        return None;
    }
    let shares = light.iter().map(|light| (light / most) as f32).collect();
    Array2::from_shape_vec((n_rows, n_columns), shares).ok()
}

/// Add the part of a probe at `start` that falls on the rows from `first_row` on.
fn add(
    intensity: &Array2<f64>,
    start: [isize; 2],
    first_row: usize,
    pixels: &mut [f64],
    n_columns: usize,
) {
    let side = intensity.nrows() as isize;
    let (first_row, last_row) = (
        first_row as isize,
        (first_row + pixels.len() / n_columns) as isize,
    );
    let from = start[1].clamp(0, n_columns as isize);
    let to = start[1].saturating_add(side).clamp(0, n_columns as isize);
    for row in start[0].max(first_row)..start[0].saturating_add(side).min(last_row) {
        let of_probe = intensity.row((row - start[0]) as usize);
        let to_pixels =
            &mut pixels[(row - first_row) as usize * n_columns..][from as usize..to as usize];
        for (pixel, light) in to_pixels
            .iter_mut()
            .zip(of_probe.iter().skip((from - start[1]) as usize))
        {
            *pixel += light;
        }
    }
}
