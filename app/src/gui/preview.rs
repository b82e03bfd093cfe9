//! What is shown of a running or finished reconstruction, prepared off the window's thread.
//!
//! Object and probe of a ptychographic reconstruction are known only up to a common complex factor
//! and a phase ramp that one takes from the other. For display the ramp and the offset of the object
//! are removed; data and files keep them.

use std::f64::consts::TAU;

use ndarray::{Array2, Array3, ArrayView2, Axis, s};
use num_complex::{Complex32, Complex64};
use ptycho_core::iterative::LsqmlSnapshot;

/// Object and probe as shown.
#[derive(Clone, Debug)]
pub struct Preview {
    /// `(h, w)`, as it is.
    pub object: Array2<Complex32>,
    /// `(h, w)`, phase offset and ramp removed.
    pub object_flat: Array2<Complex32>,
    /// Probe modes `(k, n, n)`.
    pub probe: Array3<Complex32>,
    /// Share of the power in each mode.
    pub mode_power: Vec<f64>,
}

impl Preview {
    /// Prepare a state for display; `scanned` is the rectangle of the object that the scan covers,
    /// as rows `[0]..[1]` and columns `[2]..[3]`.
    pub fn new(object: Array2<Complex32>, probe: Array3<Complex32>, scanned: [usize; 4]) -> Self {
        let object_flat = without_ramp(&object.view(), scanned);
        let power: Vec<f64> = probe
            .axis_iter(Axis(0))
            .map(|mode| mode.iter().map(|value| f64::from(value.norm_sqr())).sum())
            .collect();
        let total = power.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        Self {
            object,
            object_flat,
            probe,
            mode_power: power.into_iter().map(|power| power / total).collect(),
        }
    }

    /// Prepare a snapshot of a run.
    pub fn of_snapshot(snapshot: LsqmlSnapshot, scanned: [usize; 4]) -> Self {
        Self::new(snapshot.object, snapshot.probe, scanned)
    }
}

/// The rectangle that the middles of all patches span: rows `[0]..[1]`, columns `[2]..[3]`.
pub fn scanned_rectangle(positions_px: &[[f64; 2]], shape: [usize; 2]) -> [usize; 4] {
    let span = |axis: usize| {
        let values = positions_px.iter().map(|position| position[axis]);
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let last = shape[axis].saturating_sub(1) as f64;
        let low = low.clamp(0.0, last);
        let high = high.clamp(low, last);
        [low as usize, high as usize + 1]
    };
    let (rows, columns) = (span(0), span(1));
    [rows[0], rows[1], columns[0], columns[1]]
}

/// The object with the mean phase slope of the scanned rectangle, and its mean phase, taken off.
///
/// The slope along an axis is `arg Σ O[i+1] conj(O[i])`: no unwrapping, and phase jumps average out.
fn without_ramp(object: &ArrayView2<'_, Complex32>, scanned: [usize; 4]) -> Array2<Complex32> {
    let [top, bottom, left, right] = scanned;
    let inner = object.slice(s![top..bottom, left..right]);
    let (rows, columns) = inner.dim();
    if rows < 2 || columns < 2 {
        return object.to_owned();
    }
    let slope_rad = |ahead: ArrayView2<'_, Complex32>, behind: ArrayView2<'_, Complex32>| {
        let sum: Complex64 = ahead
            .iter()
            .zip(behind)
            .map(|(ahead, behind)| to_f64(ahead * behind.conj()))
            .sum();
        sum.arg()
    };
    let row_slope = slope_rad(inner.slice(s![1.., ..]), inner.slice(s![..-1, ..]));
    let column_slope = slope_rad(inner.slice(s![.., 1..]), inner.slice(s![.., ..-1]));
    let turn = |slope: f64, i: usize| to_f32(Complex64::from_polar(1.0, -(slope * i as f64) % TAU));
    let by_row: Vec<_> = (0..object.nrows()).map(|row| turn(row_slope, row)).collect();
    let by_column: Vec<_> = (0..object.ncols()).map(|column| turn(column_slope, column)).collect();
    let mut flat = Array2::from_shape_fn(object.dim(), |(row, column)| {
        object[[row, column]] * by_row[row] * by_column[column]
    });
    let mean: Complex64 = flat
        .slice(s![top..bottom, left..right])
        .iter()
        .copied()
        .map(to_f64)
        .sum();
    let offset = to_f32(Complex64::from_polar(1.0, -mean.arg()));
    flat.mapv_inplace(|value| value * offset);
    flat
}

fn to_f64(value: Complex32) -> Complex64 {
    Complex64::new(value.re.into(), value.im.into())
}

fn to_f32(value: Complex64) -> Complex32 {
    Complex32::new(value.re as f32, value.im as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_and_an_offset_vanish_and_the_structure_stays() {
        let structure = |row: usize, column: usize| 0.3 * f64::from(u8::from((row / 4 + column / 4) % 2 == 0));
        let object = Array2::from_shape_fn((40, 50), |(row, column)| {
            let phase = structure(row, column) + 0.21 * row as f64 - 0.13 * column as f64 + 1.0;
            to_f32(Complex64::from_polar(1.0, phase))
        });
        let flat = without_ramp(&object.view(), [0, 40, 0, 50]);
        let offset = f64::from(flat[[0, 0]].arg()) - structure(0, 0);
        for ((row, column), value) in flat.indexed_iter() {
            let difference = f64::from(value.arg()) - structure(row, column) - offset;
            assert!(difference.abs() < 0.02, "row {row}, column {column}: {difference}");
        }
    }

    #[test]
    fn the_scanned_rectangle_lies_inside_the_object() {
        let positions = [[-3.0, 5.2], [10.0, 99.0], [4.0, 7.0]];
        assert_eq!(scanned_rectangle(&positions, [20, 30]), [0, 11, 5, 30]);
        assert_eq!(scanned_rectangle(&[], [20, 30]).len(), 4);
    }
}
