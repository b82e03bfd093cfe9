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

use std::borrow::Cow;
use std::f64::consts::TAU;

use ndarray::Array3;
use num_complex::{Complex, Complex64};
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
const GRID_PX: [f64; SIDE] = [-0.6, -0.3, 0.0, 0.3, 0.6];
const SIDE: usize = 5;

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
    let correlation = Correlation::new(n);
    let is_ptychi = batch.settings.compat == Compatibility::Ptychi;
    let object_step = object_step.filter(|_| is_ptychi);
    let n_pixels = n * n;
    let stacks: Vec<Cow<'_, [Complex<T>]>> = stacks.iter().map(in_order).collect();
    let changes = (0..batch.patterns.len()).into_par_iter().map_init(
        || correlation.room(),
        |room, j| {
            let planes = std::array::from_fn(|at| &stacks[at][j * n_pixels..][..n_pixels]);
            room.fill(planes, object_step);
            peak(&correlation.score(room)).map(|s| -s)
        },
    );
    Ok(changes.collect())
}

/// The values of a stack, plane by plane.
fn in_order<T: Real>(stack: &Array3<Complex<T>>) -> Cow<'_, [Complex<T>]> {
    match stack.as_slice() {
        Some(values) => Cow::Borrowed(values),
        None => Cow::Owned(stack.iter().copied().collect()),
    }
}

/// `|Σ V(x) O(x - s)*|² / Σ W(x) |O(x - s)|²` at the shifts of the grid, by Fourier transforms.
struct Correlation {
    n: usize,
    fft: Fft2<f64>,
    /// `exp(2πi f s)` of every frequency of a side, for all shifts of the grid.
    phasors: Vec<[Complex64; SIDE]>,
}

/// What one pattern at a time is correlated in.
struct Room {
    patch: Vec<Complex64>,
    /// `|O|²`
    power: Vec<Complex64>,
    /// V
    wanted: Vec<Complex64>,
    /// W
    weight: Vec<Complex64>,
    scratch: Vec<Complex64>,
}

impl Room {
    /// Take a pattern's patch and what says how it should be: direction of the object, probe and residual wave.
    fn fill<T: Real>(
        &mut self,
        [patch, direction, probe, chi]: [&[Complex<T>]; 4],
        object_step: Option<f64>,
    ) {
        let wide = |v: Complex<T>| Complex64::new(v.re.wide(), v.im.wide());
        let largest = probe
            .iter()
            .map(|v| v.norm_sqr().wide())
            .fold(0.0, f64::max);
        for (i, &value) in patch.iter().enumerate() {
            let (o, p) = (wide(value), wide(probe[i]));
            let weight = p.norm_sqr() + WEIGHT_FLOOR * largest;
            let change = match object_step {
                Some(step) => wide(direction[i]) * (step * weight),
                None => wide(chi[i]) * p.conj(),
            };
            self.patch[i] = o;
            self.power[i] = o.norm_sqr().into();
            self.wanted[i] = o * weight + change;
            self.weight[i] = weight.into();
        }
    }
}

impl Correlation {
    fn new(n: usize) -> Self {
        let phasors = (0..n).map(|k| {
            let signed = if k < n.div_ceil(2) {
                k as f64
            } else {
                k as f64 - n as f64
            };
            GRID_PX.map(|s| Complex64::cis(TAU * s * signed / n as f64))
        });
        Self {
            n,
            fft: Fft2::new(n, n),
            phasors: phasors.collect(),
        }
    }

    fn room(&self) -> Room {
        let plane = || vec![Complex64::default(); self.n * self.n];
        Room {
            patch: plane(),
            power: plane(),
            wanted: plane(),
            weight: plane(),
            scratch: self.fft.scratch(),
        }
    }

    /// Rows of the grid first; the room is used up.
    fn score(&self, room: &mut Room) -> [f64; SIDE * SIDE] {
        let Room {
            patch,
            power,
            wanted,
            weight,
            scratch,
        } = room;
        for plane in [&mut *patch, &mut *power, &mut *wanted, &mut *weight] {
            self.fft.forward_plain(plane, scratch);
        }
        let numerator = self.on_grid(wanted, patch);
        let divisor = self.on_grid(weight, power);
        std::array::from_fn(|at| numerator[at].norm_sqr() / divisor[at].re)
    }

    /// The correlation of two planes with these spectra.
    fn on_grid(&self, a: &[Complex64], b: &[Complex64]) -> [Complex64; SIDE * SIDE] {
        let mut sums = [Complex64::default(); SIDE * SIDE];
        let lines = a.chunks_exact(self.n).zip(b.chunks_exact(self.n));
        for ((a, b), by_row) in lines.zip(&self.phasors) {
            let mut line = [Complex64::default(); SIDE];
            for ((a, b), by_column) in a.iter().zip(b).zip(&self.phasors) {
                let cross = a * b.conj();
                for (sum, by) in line.iter_mut().zip(by_column) {
                    *sum += cross * by;
                }
            }
            for (at, sum) in sums.iter_mut().enumerate() {
                *sum += line[at % SIDE] * by_row[at / SIDE];
            }
        }
        sums
    }
}

/// The vertex of the parabolas through the greatest value of a grid and its neighbours.
fn peak(score: &[f64]) -> [f64; 2] {
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
