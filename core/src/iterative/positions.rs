//! Refinement of positions: along the gradient of the residual wave, or by the shift between patches.
//!
//! With `χ` the residual wave, `P̃` the shifted first probe mode and `g_a` the derivative of the object's patch:
//!
//! ```text
//! gradient           Δ_a = Σ Re((g_a P̃)* χ) / (h_a + 0.1 mean h_a),   h_a = Σ |g_a P̃|²
//! cross-correlation  Δ = -argmax_s |Σ V(x) O(x - s)*|² / Σ W(x) |O(x - s)|²,
//!                    W = |P̃|² + 0.1 max |P̃|²,  V = W O + χ P̃*
//! p += limited(step Δ)
//! ```
//!
//! `V/W` is the patch as this pattern alone would have it. Every coordinate moves at most by the limit in an epoch.
//!
//! With [`Compatibility::Ptychi`] the gradient's divisor is `h + max h`, the limit at most ten times the mean absolute
//! deviation of all moves (0 outside the batch), and the patch correlated is that of the updated object.

use ndarray::{Array2, ArrayView2, Axis};
use num_complex::Complex64;
use rayon::prelude::*;

use crate::error::Result;
use crate::fft::Fft2;
use crate::iterative::kernels::{Batch, Kernels};
use crate::iterative::scan::Scan;
use crate::iterative::state::State;
use crate::iterative::{Compatibility, IterativeSettings, PositionMethod};
use crate::simd::Real;

/// Damping of the gradient's divisor, as a share of the batch's mean.
const DAMPING: f64 = 0.1;
/// Floor of the weight of a patch's pixels, as a share of the greatest.
const WEIGHT_FLOOR: f64 = 0.1;

/// Shifts at which the correlation is looked at, in px from the middle.
const GRID_PX: [f64; 5] = [-0.6, -0.3, 0.0, 0.3, 0.6];

/// Move the positions of a batch, while the kernels hold its residual waves and the object is still the old one.
///
/// `object_step` is that of the object's direction, for the patch of the updated object, where the engine has one.
pub(crate) fn refine<T: Real>(
    kernels: &mut dyn Kernels<T>,
    batch: &Batch<T>,
    state: &mut State<T>,
    object_step: Option<f64>,
) -> Result<()> {
    let settings = batch.settings;
    if state.epoch < settings.position_start {
        return Ok(());
    }
    let changes = match settings.refine_positions {
        PositionMethod::Off => return Ok(()),
        PositionMethod::Gradient => by_gradient(kernels, batch, state)?,
        PositionMethod::CrossCorrelation => by_correlation(kernels, batch, state, object_step)?,
    };
    let moves: Vec<[f64; 2]> = changes
        .into_iter()
        .map(|change| change.map(|c| finite(settings.position_step * c)))
        .collect();
    let limits = limits(batch, &moves);
    for (&i, step) in batch.patterns.iter().zip(moves) {
        for axis in 0..2 {
            state.positions_px[i][axis] += step[axis].clamp(-limits[axis], limits[axis]);
        }
        state.places[i] = batch.scan.place(state.positions_px[i]);
    }
    Ok(())
}

/// A pattern without light or an object without structure tells nothing.
fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { 0.0 }
}

/// The furthest that a coordinate moves.
fn limits<T: Real>(batch: &Batch<T>, moves: &[[f64; 2]]) -> [f64; 2] {
    let limit = batch.settings.position_limit_px;
    if batch.settings.compat != Compatibility::Ptychi {
        return [limit; 2];
    }
    std::array::from_fn(|axis| {
        let n_all = batch.scan.n_patterns() as f64;
        let n_still = n_all - moves.len() as f64;
        let mean = moves.iter().map(|step| step[axis]).sum::<f64>() / n_all;
        let moved: f64 = moves.iter().map(|step| (step[axis] - mean).abs()).sum();
        let deviation = (moved + n_still * mean.abs()) / n_all;
        (10.0 * deviation).min(limit)
    })
}

fn by_gradient<T: Real>(
    kernels: &mut dyn Kernels<T>,
    batch: &Batch<T>,
    state: &State<T>,
) -> Result<Vec<[f64; 2]>> {
    let sums = kernels.position_sums(batch, state)?;
    let n2 = (batch.scan.tiling.n * batch.scan.tiling.n) as f64;
    let added: [f64; 2] = std::array::from_fn(|axis| {
        let divisors = sums.iter().map(|s| s[2 * axis + 1]);
        if batch.settings.compat == Compatibility::Ptychi {
            divisors.fold(1e-6 * n2, f64::max)
        } else {
            DAMPING * divisors.sum::<f64>() / sums.len() as f64
        }
    });
    let one = |s: &[f64; 4]| std::array::from_fn(|a| s[2 * a] / (s[2 * a + 1] + added[a]));
    Ok(sums.iter().map(one).collect())
}

fn by_correlation<T: Real>(
    kernels: &mut dyn Kernels<T>,
    batch: &Batch<T>,
    state: &State<T>,
    object_step: Option<f64>,
) -> Result<Vec<[f64; 2]>> {
    let stacks = kernels.patches(batch, state)?;
    let n = batch.scan.tiling.n;
    let fft = Fft2::<f64>::new(n, n);
    let is_ptychi = batch.settings.compat == Compatibility::Ptychi;
    let object_step = object_step.filter(|_| is_ptychi);
    let changes = (0..batch.patterns.len()).into_par_iter().map(|j| {
        let [patch, direction, probe, chi] = std::array::from_fn(|at| {
            let field = stacks[at].index_axis(Axis(0), j);
            field.mapv(|v| Complex64::new(v.re.wide(), v.im.wide()))
        });
        let largest = probe.iter().map(Complex64::norm_sqr).fold(0.0, f64::max);
        let weight = probe.mapv(|v| v.norm_sqr() + WEIGHT_FLOOR * largest);
        let mut wanted = Array2::from_shape_fn((n, n), |at| patch[at] * weight[at]);
        for (at, to) in wanted.indexed_iter_mut() {
            *to += match object_step {
                Some(step) => direction[at] * (step * weight[at]),
                None => chi[at] * probe[at].conj(),
            };
        }
        shift(&fft, patch.view(), wanted.view(), weight.view()).map(|s| -s)
    });
    Ok(changes.collect())
}

/// Where `|Σ V(x) O(x - s)*|² / Σ W(x) |O(x - s)|²` is greatest, within the grid.
fn shift(
    fft: &Fft2<f64>,
    patch: ArrayView2<Complex64>,
    wanted: ArrayView2<Complex64>,
    weight: ArrayView2<f64>,
) -> [f64; 2] {
    let n = patch.nrows();
    let mut scratch = fft.scratch();
    let mut spectrum = |values: Vec<Complex64>| {
        let mut values = values;
        fft.forward_plain(&mut values, &mut scratch);
        values
    };
    let object = spectrum(patch.iter().copied().collect());
    let power = spectrum(patch.iter().map(|v| v.norm_sqr().into()).collect());
    let wanted = spectrum(wanted.iter().copied().collect());
    let weight = spectrum(weight.iter().map(|&w| w.into()).collect());
    let cross = |a: &[Complex64], b: &[Complex64]| -> Vec<Complex64> {
        a.iter().zip(b).map(|(a, b)| a * b.conj()).collect()
    };
    let numerator = on_grid(n, &cross(&wanted, &object));
    let divisor = on_grid(n, &cross(&weight, &power));
    let score: Vec<f64> = numerator
        .iter()
        .zip(&divisor)
        .map(|(v, w)| v.norm_sqr() / w.re)
        .collect();
    peak(&score)
}

/// The correlation of a cross spectrum at the shifts of the grid, rows first.
fn on_grid(n: usize, spectrum: &[Complex64]) -> Vec<Complex64> {
    let phasors = GRID_PX.map(|s| -> Vec<Complex64> {
        let frequency = |k: usize| {
            let signed = if k < n.div_ceil(2) {
                k as f64
            } else {
                k as f64 - n as f64
            };
            signed / n as f64
        };
        (0..n)
            .map(|k| Complex64::cis(std::f64::consts::TAU * s * frequency(k)))
            .collect()
    });
    let sum = |line: &[Complex64], by: &[Complex64]| -> Complex64 {
        line.iter().zip(by).map(|(a, b)| a * b).sum()
    };
    let along_rows: Vec<Vec<Complex64>> = phasors
        .iter()
        .map(|by| spectrum.chunks_exact(n).map(|line| sum(line, by)).collect())
        .collect();
    let pairs = phasors
        .iter()
        .flat_map(|by| along_rows.iter().map(move |column| (by, column)));
    pairs.map(|(by, column)| sum(column, by)).collect()
}

/// The vertex of the parabolas through the greatest value of a grid and its neighbours.
fn peak(score: &[f64]) -> [f64; 2] {
    const SIDE: usize = GRID_PX.len();
    let best = (0..score.len())
        .max_by(|&a, &b| score[a].total_cmp(&score[b]).then(b.cmp(&a)))
        .unwrap_or(0);
    let at = [best / SIDE, best % SIDE];
    let stride = [SIDE, 1];
    std::array::from_fn(|axis| {
        if at[axis] == 0 || at[axis] == SIDE - 1 {
            return GRID_PX[at[axis]];
        }
        let (before, here, after) = (
            score[best - stride[axis]],
            score[best],
            score[best + stride[axis]],
        );
        let curvature = before - 2.0 * here + after;
        let offset = if curvature < 0.0 {
            0.5 * (before - after) / curvature
        } else {
            0.0
        };
        GRID_PX[at[axis]] + offset * (GRID_PX[1] - GRID_PX[0])
    })
}

/// What the end of an epoch does to them: draw those far from the affine map of the given ones back to it.
///
/// `p -= relaxation (1 - error / |r|) r` for `r = p - map(given)` longer than the error allowed; the map is fitted to all
/// positions by least squares.
pub(crate) fn end_epoch<T: Real>(
    scan: &Scan<T>,
    settings: &IterativeSettings,
    state: &mut State<T>,
) {
    let is_on =
        settings.refine_positions != PositionMethod::Off && settings.position_start <= state.epoch;
    if !is_on {
        return;
    }
    let given = scan.dataset.positions_px();
    if settings.hold_scale && settings.compat == Compatibility::None {
        hold_scale(given, &mut state.positions_px);
    }
    if settings.affine_positions {
        draw_to_map(settings, given, &mut state.positions_px);
    }
    state.places = scan.places(&state.positions_px);
}

/// Take the mean shift and the mean scale about the middle out of all shifts. Object, positions and a curvature of the probe
/// can change their scale together with next to no change of the patterns, and would drift without end.
fn hold_scale(given: &[[f64; 2]], found: &mut [[f64; 2]]) {
    let count = given.len() as f64;
    let mean = |of: &dyn Fn(usize) -> [f64; 2]| {
        let sum = (0..given.len())
            .map(of)
            .fold([0.0; 2], |s, p| [s[0] + p[0], s[1] + p[1]]);
        sum.map(|sum| sum / count)
    };
    let middle = mean(&|i| given[i]);
    let shift = mean(&|i| [found[i][0] - given[i][0], found[i][1] - given[i][1]]);
    let (mut along, mut square) = (0.0, 0.0);
    for (found, given) in found.iter().zip(given) {
        for a in 0..2 {
            let arm = given[a] - middle[a];
            along += (found[a] - given[a]) * arm;
            square += arm * arm;
        }
    }
    let scale = if square > 0.0 { along / square } else { 0.0 };
    for (found, given) in found.iter_mut().zip(given) {
        for a in 0..2 {
            found[a] -= shift[a] + scale * (given[a] - middle[a]);
        }
    }
}

/// Draw positions that are too far from the best affine map of the given ones towards it.
fn draw_to_map(settings: &IterativeSettings, given: &[[f64; 2]], found: &mut [[f64; 2]]) {
    let Some(map) = fit_affine(given, found) else {
        return;
    };
    for (position, &[y, x]) in found.iter_mut().zip(given) {
        let residual: [f64; 2] =
            std::array::from_fn(|a| position[a] - (map[a][0] * y + map[a][1] * x + map[a][2]));
        let length = residual[0].hypot(residual[1]);
        if length > settings.affine_error_px {
            let share = settings.affine_relaxation * (1.0 - settings.affine_error_px / length);
            (0..2).for_each(|a| position[a] -= share * residual[a]);
        }
    }
}

/// Rows `(a, b, c)` of the affine map `to = a y + b x + c` by least squares; `None` where the points lie on a line.
fn fit_affine(from: &[[f64; 2]], to: &[[f64; 2]]) -> Option<[[f64; 3]; 2]> {
    let count = from.len() as f64;
    let mean = |points: &[[f64; 2]], a: usize| points.iter().map(|p| p[a]).sum::<f64>() / count;
    let (middle, target) = ([mean(from, 0), mean(from, 1)], [mean(to, 0), mean(to, 1)]);
    let (mut s, mut t) = ([[0.0; 2]; 2], [[0.0; 2]; 2]);
    for (p, q) in from.iter().zip(to) {
        for a in 0..2 {
            for b in 0..2 {
                s[a][b] += (p[a] - middle[a]) * (p[b] - middle[b]);
                t[a][b] += (q[a] - target[a]) * (p[b] - middle[b]);
            }
        }
    }
    let det = s[0][0] * s[1][1] - s[0][1] * s[1][0];
    if det <= 1e-9 * (s[0][0] + s[1][1]).powi(2) {
        return None;
    }
    Some(std::array::from_fn(|a| {
        let row = [
            (t[a][0] * s[1][1] - t[a][1] * s[1][0]) / det,
            (t[a][1] * s[0][0] - t[a][0] * s[0][1]) / det,
        ];
        let shift = target[a] - row[0] * middle[0] - row[1] * middle[1];
        [row[0], row[1], shift]
    }))
}
