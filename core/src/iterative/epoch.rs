//! What happens between minibatches: illumination, end of an epoch, momentum, scale ambiguity, order of the modes.

use num_complex::Complex;
use rayon::prelude::*;

use crate::iterative::algorithm::BatchResult;
use crate::iterative::kernels::fused::{Over, step_planes};
use crate::iterative::scan::Scan;
use crate::iterative::state::{Partial, Place, Planes, State};
use crate::iterative::{
    Batching, Compatibility, EngineKind, IterativeSettings, constraints, opr, positions,
};
use crate::simd::{Aligned, LANES, Real};

/// Epochs between two removals of the object/probe scale ambiguity.
const AMBIGUITY_STRIDE: usize = 10;
/// Past steps that the friction of the object's velocity looks at, and of the probe's.
const OBJECT_MEMORY: usize = 2;
const PROBE_MEMORY: usize = 3;

/// Start of an epoch: the illumination `W` is averaged with that of the present probe.
///
/// In the first epoch with `W0`, made of the probe times `√(max counts) / 2n²`; later in epochs below 10 and every tenth.
pub(crate) fn illuminate<T: Real>(scan: &Scan<T>, state: &mut State<T>, room: &mut Aligned<T>) {
    let epoch = state.epoch;
    if state.n_illuminated > epoch {
        return;
    }
    state.n_illuminated = epoch + 1;
    if epoch != 0 && epoch >= 10 && !epoch.is_multiple_of(10) {
        return;
    }
    let plane = scan.tiling.plane_len();
    let (re, im) = state.probe[..2 * plane].split_at(plane);
    let intensity: Vec<T> = re
        .iter()
        .zip(im)
        .map(|(&re, &im)| re * re + im * im)
        .collect();
    place_intensity(scan, &state.places, &intensity, room);
    let n2 = (scan.tiling.n * scan.tiling.n) as f64;
    let first = T::of(scan.max_counts / (4.0 * n2 * n2));
    let half = T::of(0.5);
    for (w, &new) in state.illumination.iter_mut().zip(&**room) {
        let old = if epoch == 0 { first * new } else { *w };
        *w = half * (old + new);
    }
}

/// Sum of one intensity placed at every position, in bands of rows.
fn place_intensity<T: Real>(scan: &Scan<T>, places: &[Place], intensity: &[T], to: &mut [T]) {
    const ROWS: usize = 16;
    let n = scan.tiling.n;
    to.par_chunks_mut(ROWS * scan.stride)
        .enumerate()
        .for_each(|(band, to)| {
            to.fill(T::zero());
            let rows = band * ROWS..band * ROWS + to.len() / scan.stride;
            for place in places {
                let [row, column] = place.corner;
                for r in rows.start.max(row)..rows.end.min(row + n) {
                    let line = &mut to[(r - rows.start) * scan.stride + column..];
                    for (s, to) in line
                        .chunks_exact_mut(LANES)
                        .take(scan.tiling.n_strips)
                        .enumerate()
                    {
                        let at = scan.tiling.at(r - row, s * LANES);
                        for (to, &value) in to.iter_mut().zip(&intensity[at..at + LANES]) {
                            *to += value;
                        }
                    }
                }
            }
        });
}

/// `1/D`, with `D = √(W² + (c max W)²)`.
pub(crate) fn damp<T: Real>(illumination: &[T], damping: f64, to: &mut [T]) {
    let largest = illumination.iter().copied().fold(T::zero(), T::max);
    let floor = T::of(damping) * largest;
    for (to, &w) in to.iter_mut().zip(illumination) {
        *to = T::one() / (w * w + floor * floor).sqrt();
    }
}

/// Note a batch in the sums of the epoch.
pub(crate) fn note<T: Real>(state: &mut State<T>, result: BatchResult, size: usize) {
    let partial = &mut state.partial;
    if result.has_loss {
        partial.loss += result.loss;
        partial.n_losses += 1.0;
        partial.n_patterns += size as f64;
    }
    partial.change += result.change;
    partial.error += result.error;
    partial.measured += result.measured;
    partial.predicted += result.predicted;
    partial.probe_steps += result.probe_steps;
    partial.least_object_step = partial.least_object_step.min(result.object_step);
    state.cursor += 1;
}

/// What the end of an epoch needs to know of the run.
pub(crate) struct Ending<'a, T> {
    pub(crate) engine: EngineKind,
    pub(crate) scan: &'a Scan<T>,
    pub(crate) settings: &'a IterativeSettings,
    /// `1/D`
    pub(crate) inverse_damped: &'a [T],
    /// The probe's power at the start, all modes.
    pub(crate) first_power: f64,
}

/// End of an epoch: what is left to update, then the constraints in pty-chi's order.
pub(crate) fn end<T: Real>(run: &Ending<T>, state: &mut State<T>) {
    let &Ending {
        engine,
        scan,
        settings,
        ..
    } = run;
    let partial = std::mem::take(&mut state.partial);
    let error = partial.error / partial.n_patterns;
    state.traces.fourier_errors.push(error);
    let is_projected = !engine.is_in_batches();
    if engine == EngineKind::Lsqml {
        if state.epoch == 0 && settings.rescale_first_epoch {
            let factor = T::of((partial.measured / partial.predicted).sqrt());
            scale_probe(state, factor);
        } else {
            update_after_epoch(scan, settings, state, run.inverse_damped, &partial);
        }
    }
    if !is_projected {
        state.carried_object.re.fill(T::zero());
        state.carried_object.im.fill(T::zero());
    }
    state.carried_probe.fill(T::zero());
    state.carried_probe_weight.fill(T::zero());
    constraints::keep_power(settings, state, run.first_power);
    if !is_projected || settings.compat == Compatibility::Ptychi {
        // DM and RAAR keep a wave for each mode, which would not turn with them.
        orthogonalize(scan, &mut state.probe);
    }
    opr::end_epoch(scan, settings, state);
    constraints::limit_object(settings, state);
    constraints::shape_probe(scan, settings, state);
    if settings.remove_ambiguity && state.epoch.is_multiple_of(AMBIGUITY_STRIDE) {
        remove_ambiguity(scan, state);
    }
    positions::end_epoch(scan, settings, state);
    constraints::smooth_object(scan, settings, state);
    let loss = if is_projected && settings.compat == Compatibility::Ptychi {
        partial.change.sqrt()
    } else {
        partial.loss / partial.n_losses
    };
    trace(scan, state, loss, partial.seconds);
    state.epoch += 1;
    state.cursor = 0;
}

/// Probe and OPR modes times a factor.
pub(crate) fn scale_probe<T: Real>(state: &mut State<T>, factor: T) {
    for value in state.probe.iter_mut().chain(state.opr_modes.iter_mut()) {
        *value *= factor;
    }
}

fn trace<T: Real>(scan: &Scan<T>, state: &mut State<T>, loss: f64, seconds: f64) {
    let power = state.probe.iter().map(|v| v.wide().powi(2)).sum();
    let given = scan.dataset.positions_px();
    let square: f64 = state
        .positions_px
        .iter()
        .zip(given)
        .map(|(now, given)| (now[0] - given[0]).powi(2) + (now[1] - given[1]).powi(2))
        .sum();
    let traces = &mut state.traces;
    traces.loss.push(loss);
    traces.seconds.push(seconds);
    traces.probe_power.push(power);
    traces
        .position_rms_px
        .push((square / given.len() as f64).sqrt());
}

/// The object's step of compact batches, and momentum.
fn update_after_epoch<T: Real>(
    scan: &Scan<T>,
    settings: &IterativeSettings,
    state: &mut State<T>,
    inverse_damped: &[T],
    partial: &Partial,
) {
    let gain = T::of(settings.momentum);
    if settings.follows_object(EngineKind::Lsqml) {
        let State {
            object,
            carried_object: step,
            ..
        } = &mut *state;
        for (step, now) in [(&mut step.re, &object.re), (&mut step.im, &object.im)] {
            let pairs = step.iter_mut().zip(&**now);
            pairs.for_each(|(step, &now)| *step = now - *step);
        }
        object_momentum(scan, state, gain);
    }
    if settings.batching == Batching::Compact {
        let step = T::of(
            settings.object_step * settings.step_share(state.epoch) * partial.least_object_step,
        );
        let over = Over::Inverse(inverse_damped);
        step_planes(&mut state.object, None, step, &state.carried_object, over);
        if settings.momentum > 0.0 {
            multiply_in_place(&mut state.carried_object, step, inverse_damped);
            object_momentum(scan, state, gain);
        }
    }
    if settings.momentum > 0.0 && settings.refines_probe(state.epoch) {
        let mean = T::of(partial.probe_steps / partial.n_patterns);
        let field = scan.tiling.field_len();
        let step: Vec<T> = state.carried_probe[..field]
            .iter()
            .map(|&value| value * mean)
            .collect();
        probe_momentum(state, &step, gain);
    }
}

fn multiply_in_place<T: Real>(planes: &mut Planes<T>, factor: T, by: &[T]) {
    for plane in [&mut planes.re, &mut planes.im] {
        plane
            .iter_mut()
            .zip(by)
            .for_each(|(value, &by)| *value *= factor * by);
    }
}

/// Whether the Fourier error still falls.
fn still_improves(errors: &[f64]) -> bool {
    match errors {
        [.., a, b, c] => a.max(*b) > b.min(*c),
        _ => true,
    }
}

/// Friction from the decay of the correlation between the last step and the ones before; `None` if one of them is not
/// positive. A line is fitted through (0, 0) and `(j, ln c_j)`.
fn friction<T: Real>(history: &[Vec<T>], memory: usize) -> Option<T> {
    let (last, before) = history.split_last()?;
    let mut logarithms = vec![0.0];
    for old in before.iter().rev().take(memory) {
        // Half as many complex values as reals.
        let sum: f64 = old
            .iter()
            .zip(last)
            .map(|(&a, &b)| a.wide() * b.wide())
            .sum();
        let correlation = sum / (last.len() as f64 / 2.0);
        if correlation <= 0.0 || correlation.is_nan() {
            return None;
        }
        logarithms.push(correlation.ln());
    }
    let count = logarithms.len() as f64;
    let (mean_x, mean_y) = ((count - 1.0) / 2.0, logarithms.iter().sum::<f64>() / count);
    let (mut covariance, mut variance) = (0.0, 0.0);
    for (x, y) in logarithms.iter().enumerate() {
        covariance += (x as f64 - mean_x) * (y - mean_y);
        variance += (x as f64 - mean_x).powi(2);
    }
    Some(T::of(0.5 * (-covariance / variance).max(0.0)))
}

/// Values over their rms as complex numbers: real parts, then imaginary parts.
fn normalized<T: Real>(mut values: Vec<T>, tiny: f64) -> Vec<T> {
    let power: f64 = values.iter().map(|v| v.wide().powi(2)).sum();
    let rms = T::of((power / (values.len() as f64 / 2.0)).sqrt() + tiny);
    for value in &mut values {
        *value /= rms;
    }
    values
}

/// Keep the newest entry; whether there are enough of them to act.
fn remember<T>(history: &mut Vec<Vec<T>>, entry: Vec<T>, memory: usize) -> bool {
    history.push(entry);
    if history.len() <= memory + 1 {
        return false;
    }
    history.remove(0);
    true
}

/// Velocity of the object; `carried_object` holds the finished step.
fn object_momentum<T: Real>(scan: &Scan<T>, state: &mut State<T>, gain: T) {
    let [rows, columns] = &scan.center_box;
    let boxed = |plane: &[T]| -> Vec<T> {
        let row = |r: usize| &plane[r * scan.stride + columns.start..r * scan.stride + columns.end];
        rows.clone().flat_map(|r| row(r).iter().copied()).collect()
    };
    let mut entry = boxed(&state.carried_object.re);
    entry.extend(boxed(&state.carried_object.im));
    if !remember(
        &mut state.object_history,
        normalized(entry, 0.0),
        OBJECT_MEMORY,
    ) {
        return;
    }
    let friction = friction(&state.object_history, OBJECT_MEMORY)
        .filter(|_| still_improves(&state.traces.fourier_errors));
    let largest = state.illumination.iter().copied().fold(T::zero(), T::max);
    let floor = T::of(0.1) * largest;
    let State {
        object,
        object_velocity,
        carried_object,
        illumination,
        ..
    } = state;
    for (object, velocity, step) in [
        (&mut object.re, &mut object_velocity.re, &carried_object.re),
        (&mut object.im, &mut object_velocity.im, &carried_object.im),
    ] {
        for (((o, v), &step), &w) in object
            .iter_mut()
            .zip(velocity.iter_mut())
            .zip(&**step)
            .zip(&**illumination)
        {
            if let Some(friction) = friction {
                *v = (T::one() - friction) * *v + step;
                *o += w / (floor + w) * gain * *v;
            } else {
                *v *= T::of(0.5);
            }
        }
    }
}

/// Velocity of the first probe mode.
fn probe_momentum<T: Real>(state: &mut State<T>, step: &[T], gain: T) {
    // Lanes beyond the pattern are zero, which no correlation coefficient feels.
    let entry = normalized(step.to_vec(), 1e-15);
    if !remember(&mut state.probe_history, entry, PROBE_MEMORY) {
        return;
    }
    let improves = still_improves(&state.traces.fourier_errors);
    let friction = friction(&state.probe_history, PROBE_MEMORY).filter(|_| improves);
    for ((p, v), &step) in state
        .probe
        .iter_mut()
        .zip(state.probe_velocity.iter_mut())
        .zip(step)
    {
        if let Some(friction) = friction {
            *v = (T::one() - friction) * *v + step;
            *p += gain * *v;
        } else {
            *v *= T::of(0.5);
        }
    }
}

/// `O /= s`, `P *= s` with `s² = mean(|O|² w)` over the box of patch centres, `w` the illumination of rms 1 there.
fn remove_ambiguity<T: Real>(scan: &Scan<T>, state: &mut State<T>) {
    let [rows, columns] = &scan.center_box;
    let (mut weighted, mut square, mut count) = (0.0, 0.0, 0.0);
    for at in rows
        .clone()
        .flat_map(|r| columns.clone().map(move |c| r * scan.stride + c))
    {
        let w = state.illumination[at].wide();
        let (re, im) = (state.object.re[at].wide(), state.object.im[at].wide());
        weighted += (re * re + im * im) * w;
        square += w * w;
        count += 1.0;
    }
    let scale = (weighted / count / (square / count).sqrt()).sqrt();
    if !(scale.is_finite() && scale > 0.0) {
        // A scan along a line has no box.
        return;
    }
    let (up, down) = (T::of(scale), T::of(1.0 / scale));
    scale_probe(state, up);
    for plane in [&mut state.object.re, &mut state.object.im] {
        plane.iter_mut().for_each(|value| *value *= down);
    }
}

/// Rotate the incoherent modes to the eigenbasis of their Gram matrix, strongest first.
///
/// The phase of each is free; it is chosen so that the mode keeps the phase of the one it holds most of.
fn orthogonalize<T: Real>(scan: &Scan<T>, probe: &mut [T]) {
    let field = scan.tiling.field_len();
    let n_modes = probe.len() / field;
    if n_modes < 2 {
        return;
    }
    let plane = field / 2;
    let gram = |i: usize, j: usize| {
        let (a, b) = (
            &probe[i * field..(i + 1) * field],
            &probe[j * field..(j + 1) * field],
        );
        let mut sum = Complex::new(0.0, 0.0);
        for at in 0..plane {
            let a = Complex::new(a[at].wide(), a[plane + at].wide());
            sum += a * Complex::new(b[at].wide(), -b[plane + at].wide());
        }
        sum
    };
    let matrix: Vec<Vec<Complex<f64>>> = (0..n_modes)
        .map(|i| (0..n_modes).map(|j| gram(i, j)).collect())
        .collect();
    if matrix.iter().flatten().any(|value| !value.is_finite()) {
        return;
    }
    let vectors = eigenvectors(matrix);
    let old = probe.to_vec();
    for (j, mode) in probe.chunks_exact_mut(field).enumerate() {
        let (re, im) = mode.split_at_mut(plane);
        re.fill(T::zero());
        im.fill(T::zero());
        for (i, from) in old.chunks_exact(field).enumerate() {
            let (a, b) = (T::of(vectors[i][j].re), T::of(-vectors[i][j].im));
            for at in 0..plane {
                let (x, y) = (from[at], from[plane + at]);
                re[at] += a * x - b * y;
                im[at] += a * y + b * x;
            }
        }
    }
}

/// Eigenvectors of a Hermitian matrix as columns, greatest eigenvalue first, by Jacobi rotations; in each the
/// greatest component is real and positive.
fn eigenvectors(mut a: Vec<Vec<Complex<f64>>>) -> Vec<Vec<Complex<f64>>> {
    let n = a.len();
    let mut v: Vec<Vec<Complex<f64>>> = (0..n)
        .map(|i| {
            (0..n)
                .map(|j| Complex::from(f64::from(u8::from(i == j))))
                .collect()
        })
        .collect();
    let scale: f64 = a.iter().flatten().map(Complex::norm_sqr).sum();
    for _ in 0..60 {
        let off: f64 = (0..n)
            .flat_map(|i| (0..i).map(move |j| (i, j)))
            .map(|(i, j)| a[i][j].norm_sqr())
            .sum();
        if off <= 1e-32 * scale {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                let magnitude = a[p][q].norm();
                if magnitude == 0.0 {
                    continue;
                }
                let phase = a[p][q] / magnitude;
                let theta = 0.5 * (2.0 * magnitude).atan2(a[q][q].re - a[p][p].re);
                // With this half angle the rotation below makes element (p, q) vanish.
                let (s, c) = theta.sin_cos();
                rotate(&mut a, &mut v, (p, q), (c, s), phase);
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| a[j][j].re.total_cmp(&a[i][i].re).then(i.cmp(&j)));
    let phase = |j: usize| {
        let largest = (0..n)
            .max_by(|&x, &y| v[x][j].norm_sqr().total_cmp(&v[y][j].norm_sqr()))
            .unwrap_or(0);
        let value = v[largest][j];
        if value.norm() > 0.0 {
            value.conj() / value.norm()
        } else {
            Complex::from(1.0)
        }
    };
    (0..n)
        .map(|i| order.iter().map(|&j| v[i][j] * phase(j)).collect())
        .collect()
}

/// `A ← U* A U`, `V ← V U` with `U` in the plane (p, q): columns `(c, -s e*)` and `(s e, c)`.
fn rotate(
    a: &mut [Vec<Complex<f64>>],
    v: &mut [Vec<Complex<f64>>],
    (p, q): (usize, usize),
    (c, s): (f64, f64),
    phase: Complex<f64>,
) {
    for row in a.iter_mut().chain(v.iter_mut()) {
        let (x, y) = (row[p], row[q]);
        row[p] = x * c - y * phase.conj() * s;
        row[q] = x * phase * s + y * c;
    }
    let n = a.len();
    #[expect(clippy::needless_range_loop, reason = "two rows of one matrix")]
    for j in 0..n {
        let (x, y) = (a[p][j], a[q][j]);
        a[p][j] = x * c - y * phase * s;
        a[q][j] = x * phase.conj() * s + y * c;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eigenvectors_diagonalise_a_hermitian_matrix_strongest_first() {
        let entry = |i: usize, j: usize| {
            let (lo, hi) = (i.min(j) as f64, i.max(j) as f64);
            let value = Complex::new(
                (lo * 3.0 + hi).sin(),
                if i == j { 0.0 } else { (lo - 2.0 * hi).cos() },
            );
            if i <= j { value } else { value.conj() }
        };
        let matrix: Vec<Vec<_>> = (0..4)
            .map(|i| (0..4).map(|j| entry(i, j)).collect())
            .collect();
        let v = eigenvectors(matrix.clone());
        let product = |x: usize, y: usize| -> Complex<f64> {
            let pairs = (0..4).flat_map(|i| (0..4).map(move |j| (i, j)));
            pairs
                .map(|(i, j)| v[i][x].conj() * matrix[i][j] * v[j][y])
                .sum()
        };
        for x in 0..4 {
            for y in 0..4 {
                assert!(
                    x == y || product(x, y).norm() < 1e-12,
                    "{x} {y}: {}",
                    product(x, y)
                );
            }
        }
        assert!((1..4).all(|x| product(x, x).re <= product(x - 1, x - 1).re));
    }
}
