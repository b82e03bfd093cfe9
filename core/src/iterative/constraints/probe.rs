//! Power, support and centre of the probe.

use ndarray::{Array2, Array3, Axis};
use num_complex::Complex;

use crate::iterative::scan::Scan;
use crate::iterative::state::{Planes, State};
use crate::iterative::{Compatibility, IterativeSettings};
use crate::register::fourier_shift;
use crate::simd::{Aligned, Real};

/// Side and standard deviation in px of the Gaussian under which the amplitude is compared with the threshold.
const BLUR: (usize, f64) = (5, 3.0);
/// The same of the Gaussian that softens the edge of the support.
const EDGE: (usize, f64) = (3, 2.0);

/// `P *= c`, `O /= c` so that all modes together keep the power that they started with, where asked for.
///
/// With OPR the first mode counts as its mean over the patterns, `w̄_0 P_0 + Σ w̄_r e_r`.
pub(crate) fn keep_power<T: Real>(
    settings: &IterativeSettings,
    state: &mut State<T>,
    first_power: f64,
) {
    if !settings.keep_probe_power {
        return;
    }
    let factor = (first_power / mean_power(state)).sqrt();
    if !(factor.is_finite() && factor > 0.0) {
        return;
    }
    let (up, down) = (T::of(factor), T::of(1.0 / factor));
    for values in [&mut state.probe, &mut state.opr_modes] {
        values.iter_mut().for_each(|value| *value *= up);
    }
    for plane in [&mut state.object.re, &mut state.object.im] {
        plane.iter_mut().for_each(|value| *value *= down);
    }
}

/// Power of the mean probe, all incoherent modes.
fn mean_power<T: Real>(state: &State<T>) -> f64 {
    let (n_opr, n_patterns) = (state.n_opr(), state.places.len());
    if n_opr < 2 || n_patterns == 0 {
        return state.probe.iter().map(|value| value.wide().powi(2)).sum();
    }
    let mean = |mode: usize| {
        let weights = state.opr_weights.iter().skip(mode).step_by(n_opr);
        weights.sum::<f64>() / n_patterns as f64
    };
    let field = state.opr_modes.len() / (n_opr - 1);
    let first = mean(0);
    let mut composed: Vec<f64> = state.probe[..field]
        .iter()
        .map(|value| first * value.wide())
        .collect();
    for (r, mode) in state.opr_modes.chunks_exact(field).enumerate() {
        let weight = mean(r + 1);
        for (sum, value) in composed.iter_mut().zip(mode) {
            *sum += weight * value.wide();
        }
    }
    let others = state.probe[field..].iter().map(|value| value.wide());
    composed.into_iter().chain(others).map(|v| v * v).sum()
}

/// Support, then centre of the probe.
pub(crate) fn shape_probe<T: Real>(
    scan: &Scan<T>,
    settings: &IterativeSettings,
    state: &mut State<T>,
) {
    let is_ptychi = settings.compat == Compatibility::Ptychi;
    if settings.probe_support > 0.0 {
        support(scan, settings.probe_support, is_ptychi, state);
    }
    if settings.center_probe && is_ptychi {
        center_ptychi(scan, state);
    } else if settings.center_probe {
        center(scan, state);
    }
}

/// `P *= gauss(gauss(A) > threshold max gauss(A))` with the amplitude `A = √Σ_k |P_k|²` of all modes together, so that a
/// weak mode has the support of the strong ones and a steep phase does not hide light. pty-chi takes the complex modes
/// one by one.
fn support<T: Real>(scan: &Scan<T>, threshold: f64, is_ptychi: bool, state: &mut State<T>) {
    let total = (!is_ptychi).then(|| {
        let square = wide(scan, &state.probe)
            .mapv(|value| value.norm_sqr())
            .sum_axis(Axis(0));
        mask_of(
            &square.mapv(|square| Complex::from(square.sqrt())),
            threshold,
        )
    });
    for fields in [&mut state.probe, &mut state.opr_modes] {
        if fields.is_empty() {
            continue;
        }
        let mut modes = wide(scan, fields);
        for mut mode in modes.outer_iter_mut() {
            let own = total
                .is_none()
                .then(|| mask_of(&mode.to_owned(), threshold));
            if let Some(mask) = own.as_ref().or(total.as_ref()) {
                mode.zip_mut_with(mask, |value, &kept| *value *= kept);
            }
        }
        *fields = narrow(scan, &modes);
    }
}

/// 1 where the blurred amplitude is above its share of the greatest, 0 elsewhere, with a soft edge.
fn mask_of(wave: &Array2<Complex<f64>>, threshold: f64) -> Array2<f64> {
    let amplitude = blurred(wave, BLUR).mapv(Complex::norm);
    let least = threshold * amplitude.iter().copied().fold(0.0, f64::max);
    let kept = amplitude.mapv(|value| Complex::from(f64::from(u8::from(value > least))));
    blurred(&kept, EDGE).mapv(Complex::norm)
}

/// Under a small Gaussian window of weights that sum to 1, the border repeated beyond itself.
fn blurred(plane: &Array2<Complex<f64>>, (side, sigma_px): (usize, f64)) -> Array2<Complex<f64>> {
    let reach = (side / 2) as isize;
    let raw: Vec<f64> = (-reach..=reach)
        .map(|at| (-0.5 * (at as f64 / sigma_px).powi(2)).exp())
        .collect();
    let total: f64 = raw.iter().sum();
    let along = |plane: &Array2<Complex<f64>>, axis: usize| {
        let last = plane.dim();
        let last = [last.0 as isize - 1, last.1 as isize - 1];
        Array2::from_shape_fn(plane.dim(), |(row, column)| {
            let terms = raw.iter().zip(-reach..=reach).map(|(weight, offset)| {
                let mut at = [row as isize, column as isize];
                at[axis] = (at[axis] + offset).clamp(0, last[axis]);
                plane[[at[0] as usize, at[1] as usize]] * (weight / total)
            });
            terms.sum::<Complex<f64>>()
        })
    };
    along(&along(plane, 0), 1)
}

/// pty-chi: every mode moved, between pixels, so that the centre of mass of the first one's amplitude is at `n/2`. The object
/// stays, so that the two no longer fit.
fn center_ptychi<T: Real>(scan: &Scan<T>, state: &mut State<T>) {
    let probe = wide(scan, &state.probe);
    let amplitude = probe.index_axis(Axis(0), 0).mapv(Complex::norm);
    let Some(shift_px) = shift_to_middle(&amplitude) else {
        return;
    };
    for fields in [&mut state.probe, &mut state.opr_modes] {
        if fields.is_empty() {
            continue;
        }
        let mut modes = wide(scan, fields);
        for mut mode in modes.outer_iter_mut() {
            let moved = fourier_shift(mode.view(), shift_px);
            mode.assign(&moved);
        }
        *fields = narrow(scan, &modes);
    }
}

/// Probe and object moved together by whole pixels, so that every pattern stays as it was and nothing is interpolated: the
/// centre of mass of all modes' intensity comes to within half a pixel of `n/2`. What belongs to them moves along.
fn center<T: Real>(scan: &Scan<T>, state: &mut State<T>) {
    let intensity = wide(scan, &state.probe)
        .mapv(|value| value.norm_sqr())
        .sum_axis(Axis(0));
    let Some(shift_px) = shift_to_middle(&intensity) else {
        return;
    };
    let shift = shift_px.map(|shift| shift.round() as isize);
    if shift == [0, 0] {
        return;
    }
    let fields = [
        &mut state.probe,
        &mut state.opr_modes,
        &mut state.probe_velocity,
        &mut state.waves,
    ];
    for fields in fields {
        if !fields.is_empty() {
            roll(scan, fields, shift);
        }
    }
    for planes in [&mut state.object, &mut state.object_velocity] {
        move_canvas(scan, planes, shift);
    }
    // Steps of before the move say nothing of those after it.
    state.object_history.clear();
    state.probe_history.clear();
}

/// From the centre of mass to `n/2`; `None` of nothing.
fn shift_to_middle(weights: &Array2<f64>) -> Option<[f64; 2]> {
    let total: f64 = weights.sum();
    let middle = |side: usize| (side / 2) as f64;
    let moment = |of: fn((usize, usize)) -> usize| {
        let terms = weights
            .indexed_iter()
            .map(|(at, weight)| of(at) as f64 * weight);
        terms.sum::<f64>() / total
    };
    let (rows, columns) = weights.dim();
    let shift_px = [
        middle(rows) - moment(|at| at.0),
        middle(columns) - moment(|at| at.1),
    ];
    shift_px
        .iter()
        .all(|shift| shift.is_finite())
        .then_some(shift_px)
}

/// Tiled fields moved cyclically.
fn roll<T: Real>(scan: &Scan<T>, fields: &mut [T], [down, right]: [isize; 2]) {
    let (n, tiling) = (scan.tiling.n, scan.tiling);
    let from = |at: usize, by: isize| (at as isize - by).rem_euclid(n as isize) as usize;
    let mut old = vec![T::zero(); tiling.plane_len()];
    for plane in fields.chunks_exact_mut(tiling.plane_len()) {
        old.copy_from_slice(plane);
        for row in 0..n {
            for column in 0..n {
                plane[tiling.at(row, column)] =
                    old[tiling.at(from(row, down), from(column, right))];
            }
        }
    }
}

/// A canvas moved, its border repeated where nothing comes from.
fn move_canvas<T: Real>(scan: &Scan<T>, planes: &mut Planes<T>, [down, right]: [isize; 2]) {
    let [rows, columns] = scan.canvas;
    let from =
        |at: usize, by: isize, len: usize| (at as isize - by).clamp(0, len as isize - 1) as usize;
    for plane in [&mut planes.re, &mut planes.im] {
        if plane.is_empty() {
            continue;
        }
        let old = plane.clone();
        for row in 0..rows {
            let source = from(row, down, rows) * scan.stride;
            for column in 0..columns {
                plane[row * scan.stride + column] = old[source + from(column, right, columns)];
            }
        }
    }
}

fn wide<T: Real>(scan: &Scan<T>, fields: &[T]) -> Array3<Complex<f64>> {
    scan.probe(fields)
        .mapv(|value| Complex::new(value.re.wide(), value.im.wide()))
}

fn narrow<T: Real>(scan: &Scan<T>, modes: &Array3<Complex<f64>>) -> Aligned<T> {
    scan.tiled(&modes.mapv(|value| Complex::new(T::of(value.re), T::of(value.im))))
}
