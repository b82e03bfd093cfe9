//! Phases made continuous, and the ramp that ptychography leaves free taken away for display.

use std::ops::Range;

use ndarray::{Array2, ArrayView2};
use num_complex::{Complex32, Complex64};
use num_traits::{Float, FloatConst};

/// A plane of phase: `offset + row_slope · row + column_slope · column`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PhaseRamp {
    /// Phase at pixel (0, 0).
    pub offset_rad: f64,
    /// Growth from row to row.
    pub row_slope_rad_per_px: f64,
    /// Growth from column to column.
    pub column_slope_rad_per_px: f64,
}

/// Rows and columns of an array.
pub type Region = (Range<usize>, Range<usize>);

impl PhaseRamp {
    /// The ramp of `object` over `region` (the whole array where `None`, or where nothing is left).
    ///
    /// A slope is the `k` that minimises `Σ |O[r+1, c] − e^{ik} O[r, c]|²`, a least-squares fit of the
    /// phase differences weighted by the amplitudes: `k = arg Σ O[r+1, c] · conj O[r, c]`. The
    /// offset is the phase of the mean after the slopes are removed. Values that are no numbers do
    /// not count. Both are right for slopes within (-π, π) a pixel.
    ///
    /// Whether a reconstruction's ramp is removed changes nothing that was measured: a ramp on the
    /// object and the opposite one on the probe give the same data.
    pub fn of(object: &ArrayView2<'_, Complex32>, region: Option<&Region>) -> Self {
        let object = within(object, region);
        let (n_rows, n_columns) = object.dim();
        let (mut down, mut right) = (Complex64::default(), Complex64::default());
        for (row, values) in object.outer_iter().enumerate() {
            let below = (row + 1 < n_rows).then(|| object.row(row + 1));
            for column in 0..n_columns {
                let here = double(values[column]).conj();
                if column + 1 < n_columns {
                    right += finite(double(values[column + 1]) * here);
                }
                if let Some(below) = &below {
                    down += finite(double(below[column]) * here);
                }
            }
        }
        let mut ramp = Self {
            offset_rad: 0.0,
            row_slope_rad_per_px: down.arg(),
            column_slope_rad_per_px: right.arg(),
        };
        let (row_phasors, column_phasors) = ramp.conjugate_phasors(object.dim());
        let mut mean = Complex64::default();
        for (values, row_phasor) in object.outer_iter().zip(&row_phasors) {
            let row: Complex64 = values
                .iter()
                .zip(&column_phasors)
                .map(|(&value, phasor)| finite(double(value) * phasor))
                .sum();
            mean += row * row_phasor;
        }
        // The sums ran over the region; pixel (0, 0) is the array's.
        let (first_row, first_column) =
            region.map_or((0, 0), |(rows, columns)| (rows.start, columns.start));
        let moved = ramp.row_slope_rad_per_px * first_row as f64
            + ramp.column_slope_rad_per_px * first_column as f64;
        ramp.offset_rad = Complex64::cis(mean.arg() - moved).arg();
        ramp
    }

    /// `object` without this ramp: amplitudes stay as they are.
    pub fn removed_from(&self, object: &ArrayView2<'_, Complex32>) -> Array2<Complex32> {
        let (row_phasors, column_phasors) = self.conjugate_phasors(object.dim());
        let single = |phasor: &Complex64| Complex32::new(phasor.re as f32, phasor.im as f32);
        let column_phasors: Vec<_> = column_phasors.iter().map(single).collect();
        let mut flat = object.to_owned();
        for (mut values, row_phasor) in flat.outer_iter_mut().zip(&row_phasors) {
            let row_phasor = single(row_phasor);
            for (value, column_phasor) in values.iter_mut().zip(&column_phasors) {
                *value *= column_phasor * row_phasor;
            }
        }
        flat
    }

    /// `e^{-i(offset + slope · row)}` for every row, `e^{-i slope · column}` for every column.
    fn conjugate_phasors(
        &self,
        (n_rows, n_columns): (usize, usize),
    ) -> (Vec<Complex64>, Vec<Complex64>) {
        let row = |row| Complex64::cis(-self.offset_rad - self.row_slope_rad_per_px * row as f64);
        let column = |column| Complex64::cis(-self.column_slope_rad_per_px * column as f64);
        (
            (0..n_rows).map(row).collect(),
            (0..n_columns).map(column).collect(),
        )
    }
}

/// The object without the ramp and the offset of its phase over `region`, and the numbers removed.
pub fn remove_phase_ramp_and_offset(
    object: &ArrayView2<'_, Complex32>,
    region: Option<&Region>,
) -> (Array2<Complex32>, PhaseRamp) {
    let ramp = PhaseRamp::of(object, region);
    (ramp.removed_from(object), ramp)
}

fn within<'a>(
    object: &ArrayView2<'a, Complex32>,
    region: Option<&Region>,
) -> ArrayView2<'a, Complex32> {
    let (n_rows, n_columns) = object.dim();
    match region {
        Some((rows, columns))
            if rows.start < rows.end
                && columns.start < columns.end
                && rows.end <= n_rows
                && columns.end <= n_columns =>
        {
            (*object).slice_move(ndarray::s![rows.clone(), columns.clone()])
        }
        _ => *object,
    }
}

fn double(value: Complex32) -> Complex64 {
    Complex64::new(f64::from(value.re), f64::from(value.im))
}

fn finite(value: Complex64) -> Complex64 {
    if value.is_finite() {
        value
    } else {
        Complex64::default()
    }
}

/// A phase made continuous by adding whole turns, the most reliable neighbours joined first; of `f32` or `f64`.
///
/// The reliability of a pixel is the inverse of its wrapped second differences in four directions,
/// that of a pair the sum of its pixels'; groups of pixels are merged along the pairs in falling
/// reliability. Where the true phase changes by less than π from pixel to pixel the result is the
/// true phase but for a constant; around a vortex a cut remains, where the phase is least reliable.
/// Values that are no numbers stay so and join nothing. The whole is moved by whole turns so that its
/// mean lies within (-π, π].
///
/// Source: Herráez et al., Applied Optics 41, 7437 (2002), with a union-find over turns.
pub fn unwrap<T: Float + FloatConst>(wrapped_rad: &ArrayView2<'_, T>) -> Array2<T> {
    let wrapped = wrapped_rad.as_standard_layout();
    let (n_rows, n_columns) = wrapped.dim();
    let phase: Vec<T> = wrapped.iter().copied().collect();
    let mut turns = if is_continuous(&phase, n_columns) {
        vec![0; phase.len()]
    } else {
        joined(&wrapped.view(), &phase)
    };
    let tau = std::f64::consts::TAU;
    let (mut sum_rad, mut n_finite) = (0.0, 0_usize);
    for (value, &turns) in phase.iter().zip(&turns) {
        if value.is_finite() {
            sum_rad += value.to_f64().unwrap_or(0.0) + tau * f64::from(turns);
            n_finite += 1;
        }
    }
    let moved = (sum_rad / n_finite.max(1) as f64 / tau).round() as i32;
    for turn in &mut turns {
        *turn -= moved;
    }
    Array2::from_shape_fn((n_rows, n_columns), |(row, column)| {
        let pixel = row * n_columns + column;
        phase[pixel] + T::TAU() * T::from(turns[pixel]).unwrap_or_else(T::zero)
    })
}

/// Whole turns between two phases that stand beside each other; 0 where one is no number.
fn turns_between<T: Float + FloatConst>(first: T, second: T) -> i32 {
    ((first - second) / T::TAU()).round().to_i32().unwrap_or(0)
}

/// Whether no two neighbours are half a turn apart: then there is nothing to join.
fn is_continuous<T: Float + FloatConst>(phase: &[T], n_columns: usize) -> bool {
    let is_near = |(first, second): (&T, &T)| turns_between(*first, *second) == 0;
    let below = phase.get(n_columns..).unwrap_or(&[]);
    phase.iter().zip(below).all(is_near)
        && phase
            .chunks_exact(n_columns.max(1))
            .all(|row| row.iter().zip(&row[1..]).all(is_near))
}

/// Whole turns of every pixel relative to the root of its group.
fn joined<T: Float + FloatConst>(wrapped: &ArrayView2<'_, T>, phase: &[T]) -> Vec<i32> {
    let (n_rows, n_columns) = wrapped.dim();
    let reliability = reliability(wrapped);
    let mut groups = Groups::new(phase.len());
    for (first, second) in pairs(phase, &reliability, n_rows, n_columns) {
        groups.join(first, second, turns_between(phase[first], phase[second]));
    }
    (0..phase.len()).map(|pixel| groups.find(pixel).1).collect()
}

/// The difference of two phases in [-π, π].
fn wrap<T: Float + FloatConst>(difference_rad: T) -> T {
    difference_rad - T::TAU() * (difference_rad / T::TAU()).round()
}

/// Inverse squared second differences; 0 at the border and beside what is no number.
fn reliability<T: Float + FloatConst>(phase: &ArrayView2<'_, T>) -> Vec<f32> {
    let (n_rows, n_columns) = phase.dim();
    let mut reliability = vec![0.0; n_rows * n_columns];
    for row in 1..n_rows.saturating_sub(1) {
        for column in 1..n_columns.saturating_sub(1) {
            let here = phase[[row, column]];
            let second =
                |a: [usize; 2], b: [usize; 2]| wrap(phase[a] - here) - wrap(here - phase[b]);
            let sum = [
                second([row, column - 1], [row, column + 1]),
                second([row - 1, column], [row + 1, column]),
                second([row - 1, column - 1], [row + 1, column + 1]),
                second([row - 1, column + 1], [row + 1, column - 1]),
            ]
            .iter()
            .fold(T::zero(), |sum, &difference| sum + difference * difference)
            .to_f32()
            .filter(|sum| sum.is_finite());
            if let Some(sum) = sum {
                reliability[row * n_columns + column] = 1.0 / (sum + 1e-9);
            }
        }
    }
    reliability
}

/// Pairs of finite neighbours, the most reliable first; equal ones in the order of the pixels.
fn pairs<T: Float>(
    phase: &[T],
    reliability: &[f32],
    n_rows: usize,
    n_columns: usize,
) -> impl Iterator<Item = (usize, usize)> {
    let mut keys: Vec<u64> = Vec::with_capacity(2 * phase.len());
    let mut add = |first: usize, second: usize, is_down: u64| {
        if phase[first].is_finite() && phase[second].is_finite() {
            // Bits of a float that is not negative order as the float does; inverted, falling.
            let falling = !(reliability[first] + reliability[second]).to_bits();
            keys.push(u64::from(falling) << 32 | (first as u64) << 1 | is_down);
        }
    };
    for row in 0..n_rows {
        for column in 0..n_columns {
            let pixel = row * n_columns + column;
            if column + 1 < n_columns {
                add(pixel, pixel + 1, 0);
            }
            if row + 1 < n_rows {
                add(pixel, pixel + n_columns, 1);
            }
        }
    }
    keys.sort_unstable();
    keys.into_iter().map(move |key| {
        let first = ((key & 0xffff_ffff) >> 1) as usize;
        let step = if key & 1 == 1 { n_columns } else { 1 };
        (first, first + step)
    })
}

/// Groups of pixels, each with its whole turns relative to the group's root.
struct Groups {
    parent: Vec<u32>,
    turns: Vec<i32>,
    size: Vec<u32>,
}

impl Groups {
    fn new(n: usize) -> Self {
        Self {
            parent: (0..n as u32).collect(),
            turns: vec![0; n],
            size: vec![1; n],
        }
    }

    /// The root of a pixel's group and the pixel's turns relative to it; halves the path on its way.
    fn find(&mut self, pixel: usize) -> (usize, i32) {
        let (mut at, mut turns) = (pixel, 0);
        loop {
            let parent = self.parent[at] as usize;
            if parent == at {
                return (at, turns);
            }
            let grandparent = self.parent[parent];
            // A root has no turns of its own, so this also holds where the parent is the root.
            self.turns[at] += self.turns[parent];
            self.parent[at] = grandparent;
            turns += self.turns[at];
            at = grandparent as usize;
        }
    }

    /// Make `second` continue `first`, which needs `turns` added to `second` as both stand wrapped.
    fn join(&mut self, first: usize, second: usize, turns: i32) {
        let (first_root, first_turns) = self.find(first);
        let (second_root, second_turns) = self.find(second);
        if first_root == second_root {
            return;
        }
        // Turns of the second root relative to the first.
        let between = first_turns + turns - second_turns;
        let (small, large, between) = if self.size[first_root] < self.size[second_root] {
            (first_root, second_root, -between)
        } else {
            (second_root, first_root, between)
        };
        self.parent[small] = large as u32;
        self.turns[small] = between;
        self.size[large] += self.size[small];
    }
}
