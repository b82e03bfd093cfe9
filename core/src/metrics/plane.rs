//! Planes of phase: `a · column + b · row + c`, indices from 0 at the first pixel.

use ndarray::{Array2, ArrayView2};
use num_complex::Complex64;

use crate::metrics::settings::PhaseRemoval;

/// The least-squares plane `[a, b, c]` of a picture `(h, w)` over the pixels that count; slopes that nothing tells are 0.
pub fn plane_of(values: ArrayView2<'_, f64>, mask: Option<&Array2<bool>>) -> [f64; 3] {
    let pixels = || {
        values
            .indexed_iter()
            .filter(move |(at, _)| mask.is_none_or(|mask| mask[*at]))
            .map(|((row, column), &value)| (column as f64, row as f64, value))
    };
    let (mut n, mut means) = (0.0, [0.0; 3]);
    for (x, y, value) in pixels() {
        n += 1.0;
        means = [means[0] + x, means[1] + y, means[2] + value];
    }
    if n == 0.0 {
        return [0.0; 3];
    }
    let [mean_x, mean_y, mean] = means.map(|sum| sum / n);
    let (mut xx, mut xy, mut yy, mut xv, mut yv) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (x, y, value) in pixels() {
        let (x, y, value) = (x - mean_x, y - mean_y, value - mean);
        xx += x * x;
        xy += x * y;
        yy += y * y;
        xv += x * value;
        yv += y * value;
    }
    let determinant = xx * yy - xy * xy;
    let [a, b] = if determinant > 1e-9 * xx * yy {
        [
            (xv * yy - yv * xy) / determinant,
            (yv * xx - xv * xy) / determinant,
        ]
    } else {
        // One row, one column or a slanted line of pixels: only what is certain.
        let slope = |along: f64, value: f64| if along > 0.0 { value / along } else { 0.0 };
        if xx < yy {
            [0.0, slope(yy, yv)]
        } else {
            [slope(xx, xv), 0.0]
        }
    };
    [a, b, mean - a * mean_x - b * mean_y]
}

/// The value of a plane at a pixel.
pub fn at([a, b, c]: [f64; 3], (row, column): (usize, usize)) -> f64 {
    a * column as f64 + b * row as f64 + c
}

/// The plane of the phase difference `arg(other conj(reference))` that is to be removed from `other`.
///
/// A coarse ramp is found first, from the products of neighbours, and with it the phase of the sum; what is left is wrapped about
/// 0, and its least-squares plane added. So no wrap spoils it while the error stays small, however steep the ramp; where nothing
/// wraps it is the least-squares plane itself. The offset alone is the mean of what is left about the phase of the sum.
pub fn difference_plane(
    reference: ArrayView2<'_, Complex64>,
    other: ArrayView2<'_, Complex64>,
    mask: Option<&Array2<bool>>,
    removal: PhaseRemoval,
) -> [f64; 3] {
    if removal == PhaseRemoval::None {
        return [0.0; 3];
    }
    let mut difference = &other * &reference.mapv(|value| value.conj());
    if let Some(mask) = mask {
        for (value, &counts) in difference.iter_mut().zip(mask) {
            if !counts {
                *value = Complex64::default();
            }
        }
    }
    let mut coarse = match removal {
        PhaseRemoval::Plane => coarse_ramp(&difference),
        PhaseRemoval::Offset | PhaseRemoval::None => [0.0; 3],
    };
    let level = |plane| {
        let mut level = difference.clone();
        remove(&mut level, plane);
        level
    };
    coarse[2] = level(coarse).sum().arg();
    let rest = level(coarse).mapv(Complex64::arg);
    let rest = if removal == PhaseRemoval::Plane {
        plane_of(rest.view(), mask)
    } else {
        let counted = crate::metrics::pair::counted(rest.view(), mask);
        [
            0.0,
            0.0,
            counted.iter().sum::<f64>() / counted.len().max(1) as f64,
        ]
    };
    std::array::from_fn(|i| coarse[i] + rest[i])
}

/// The slopes that make neighbours agree best: `arg Σ d[r, c+1] conj d[r, c]`, and the same down the columns.
fn coarse_ramp(difference: &Array2<Complex64>) -> [f64; 3] {
    let slope = |ahead: ArrayView2<'_, Complex64>, behind: ArrayView2<'_, Complex64>| {
        ahead
            .iter()
            .zip(behind)
            .map(|(ahead, behind)| ahead * behind.conj())
            .sum::<Complex64>()
            .arg()
    };
    let part = |rows, columns| difference.slice(ndarray::s![rows, columns]);
    let all = || ndarray::Slice::from(..);
    let (ahead, behind) = (|| ndarray::Slice::from(1..), || ndarray::Slice::from(..-1));
    [
        slope(part(all(), ahead()), part(all(), behind())),
        slope(part(ahead(), all()), part(behind(), all())),
        0.0,
    ]
}

/// Multiply by `exp(-i plane)`.
pub fn remove(object: &mut Array2<Complex64>, [a, b, c]: [f64; 3]) {
    if [a, b, c] == [0.0; 3] {
        return;
    }
    let along_row: Vec<_> = (0..object.ncols())
        .map(|x| Complex64::cis(-a * x as f64))
        .collect();
    for (row, mut values) in object.outer_iter_mut().enumerate() {
        let turn = Complex64::cis(-b * row as f64 - c);
        for (value, phasor) in values.iter_mut().zip(&along_row) {
            *value *= turn * phasor;
        }
    }
}
