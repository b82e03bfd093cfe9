//! Orthogonal probe relaxation (OPR): a probe that varies from pattern to pattern along a few modes.
//!
//! Odstrčil et al., Opt. Lett. 41, 5487 (2016), in the form of pty-chi 2.2.0. The first probe mode of pattern i is
//! `w_i0 P_0 + Σ_r w_ir e_r`. With `t_i = shift⁻¹(χ_i0 O_i*)`, `res_i = t_i - mean t`, and ρ the rms of the modes:
//!
//! ```text
//! c_i = (mean Re(res_i* e) / ρ² + w_i) / Σ w²,  e += relaxation ρ upd / rms(upd)  with upd = mean_i res_i c_i
//! w_i += relaxation Σ Re(χ_i0 (e O_i)*) / (h_i + 0.1 mean h),  h_i = Σ |e O_i|²
//! ```
//!
//! ρ is the rms of the first probe mode, so that weights are shares of its amplitude; with [`Compatibility::Ptychi`] it is
//! n √photons (1 in pty-chi's units).

use ndarray::{Array2, Array3, Axis};
use num_complex::Complex;
use rand_distr::{Distribution as _, StandardNormal};

use crate::error::Result;
use crate::iterative::kernels::{Batch, Kernels};
use crate::iterative::scan::Scan;
use crate::iterative::state::State;
use crate::iterative::{Compatibility, EngineKind, IterativeSettings};
use crate::rng::{Purpose, stream};
use crate::simd::{Aligned, Real};

/// Standard deviation of the first weights of OPR modes.
const FIRST_WEIGHT: f64 = 0.01;
/// Greatest share of the way that a mode goes in a batch.
const MODE_SHARE: f64 = 0.1;
/// pty-chi's share of the step of the first mode's weight.
const INTENSITY_SHARE: f64 = 0.1;

/// The modes and weights that a run starts with: random modes within the probe, weights of 1 for the probe and about 0
/// for the modes. Only LSQML knows them.
pub(crate) fn first<T: Real>(
    engine: EngineKind,
    scan: &Scan<T>,
    settings: &IterativeSettings,
    probe: &[T],
) -> (Aligned<T>, Vec<f64>) {
    let n_patterns = scan.n_patterns();
    if settings.opr_modes == 0 || engine != EngineKind::Lsqml {
        return (Aligned::default(), vec![1.0; n_patterns]);
    }
    let mut random = stream(settings.seed, Purpose::ProbeVariation);
    let mut draw = || -> f64 { StandardNormal.sample(&mut random) };
    let bell = scan.probe(&probe[..scan.tiling.field_len()]);
    let bell = bell.index_axis(Axis(0), 0);
    let n = scan.tiling.n;
    let modes = Array3::from_shape_fn((settings.opr_modes, n, n), |(_, row, column)| {
        let value = Complex::new(draw(), draw()) * bell[[row, column]].norm().wide();
        Complex::new(T::of(value.re), T::of(value.im))
    });
    let modes = normalized(scan, settings, probe, &modes);
    let n_opr = 1 + settings.opr_modes;
    let weights = (0..n_patterns * n_opr).map(|at| {
        if at % n_opr == 0 {
            1.0
        } else {
            FIRST_WEIGHT * draw()
        }
    });
    let weights = weights.collect();
    (scan.tiled(&modes), weights)
}

/// The modes at the rms that they are held to.
pub(crate) fn normalized<T: Real>(
    scan: &Scan<T>,
    settings: &IterativeSettings,
    probe: &[T],
    modes: &Array3<Complex<T>>,
) -> Array3<Complex<T>> {
    let probe = scan.probe(&probe[..scan.tiling.field_len()]);
    let target = wanted_rms(settings, scan.tiling.n, probe.iter());
    let tiny = match settings.compat {
        Compatibility::Ptychi => 1e-8,
        Compatibility::None => f64::MIN_POSITIVE,
    };
    let mut modes = modes.clone();
    for mut mode in modes.outer_iter_mut() {
        let factor = T::of(1.0 / (rms(mode.iter()) / target + tiny));
        mode.mapv_inplace(|value| value * factor);
    }
    modes
}

/// Root mean square of complex values.
fn rms<'a, T: Real>(values: impl ExactSizeIterator<Item = &'a Complex<T>>) -> f64 {
    let count = values.len() as f64;
    let power: f64 = values.map(|v| v.norm_sqr().wide()).sum();
    (power / count).sqrt()
}

/// The rms that modes are held to.
fn wanted_rms<'a, T: Real>(
    settings: &IterativeSettings,
    n: usize,
    probe: impl ExactSizeIterator<Item = &'a Complex<T>>,
) -> f64 {
    match settings.compat {
        Compatibility::Ptychi => n as f64,
        Compatibility::None => rms(probe),
    }
}

/// Refine modes and weights with a batch, while the kernels hold its residual waves.
pub(crate) fn update<T: Real>(
    kernels: &mut dyn Kernels<T>,
    batch: &Batch<T>,
    state: &mut State<T>,
) -> Result<()> {
    let settings = batch.settings;
    if state.epoch < settings.opr_start {
        return Ok(());
    }
    let n_opr = state.n_opr();
    let varies = settings.vary_intensity.then(|| {
        let sums = kernels.opr_wave_sums(batch, state, None)?;
        Ok(weight_steps(settings, &sums, true))
    });
    let varies = varies.transpose()?;
    if n_opr > 1 && batch.patterns.len() > 1 {
        update_modes(kernels, batch, state)?;
    }
    for (&i, step) in batch.patterns.iter().zip(varies.iter().flatten()) {
        state.opr_weights[i * n_opr] += step;
    }
    Ok(())
}

/// The steps of the weights of one mode.
fn weight_steps(settings: &IterativeSettings, sums: &[[f64; 2]], is_first: bool) -> Vec<f64> {
    let is_plain = is_first && settings.compat == Compatibility::Ptychi;
    let mean = sums.iter().map(|s| s[1]).sum::<f64>() / sums.len() as f64;
    let (share, damping) = if is_plain {
        (INTENSITY_SHARE, 0.0)
    } else {
        (settings.opr_weight_relaxation, 0.1 * mean)
    };
    let one = |&[along, power]: &[f64; 2]| {
        let divisor = power + damping;
        if divisor > 0.0 {
            share * along / divisor
        } else {
            0.0
        }
    };
    sums.iter().map(one).collect()
}

fn update_modes<T: Real>(
    kernels: &mut dyn Kernels<T>,
    batch: &Batch<T>,
    state: &mut State<T>,
) -> Result<()> {
    let settings = batch.settings;
    let (n_opr, n) = (state.n_opr(), batch.scan.tiling.n);
    let share = MODE_SHARE.min(batch.patterns.len() as f64 / batch.scan.n_patterns() as f64);
    let share = share * settings.opr_mode_relaxation;
    let is_refined = settings.refines_probe(state.epoch);
    let mut modes = batch.scan.probe(&state.opr_modes);
    kernels.opr_begin(batch, state)?;
    for r in 1..n_opr {
        let mut mode = modes.index_axis(Axis(0), r - 1).to_owned();
        let target = match settings.compat {
            Compatibility::Ptychi => n as f64,
            Compatibility::None => rms(mode.iter()),
        };
        if is_refined {
            let weight = |i: &usize| state.opr_weights[i * n_opr + r];
            let weights: Vec<f64> = batch.patterns.iter().map(weight).collect();
            let projected = kernels.opr_project(batch, &mode)?;
            let c = shares(&projected, &weights, target);
            let change = kernels.opr_combine(batch, &c)?;
            step_mode(&mut mode, &change, share, target);
        }
        let sums = kernels.opr_wave_sums(batch, state, Some(&mode))?;
        let steps = weight_steps(settings, &sums, false);
        for (&i, step) in batch.patterns.iter().zip(steps) {
            state.opr_weights[i * n_opr + r] += step;
        }
        if r + 1 < n_opr {
            kernels.opr_deflate(batch, &mode)?;
        }
        modes.index_axis_mut(Axis(0), r - 1).assign(&mode);
    }
    state.opr_modes = batch.scan.tiled(&modes);
    Ok(())
}

/// `c_i`, from `mean Re(res_i* e)` and the weights.
fn shares(projected: &[f64], weights: &[f64], target: f64) -> Vec<f64> {
    let square: f64 = weights.iter().map(|w| w * w).sum();
    let divisor = square.max(f64::MIN_POSITIVE);
    let pairs = projected.iter().zip(weights);
    pairs
        .map(|(p, w)| (p / (target * target) + w) / divisor)
        .collect()
}

/// `e += share ρ change / rms(change)`, back to rms ρ.
fn step_mode<T: Real>(
    mode: &mut Array2<Complex<T>>,
    change: &Array2<Complex<T>>,
    share: f64,
    target: f64,
) {
    let size = rms(change.iter());
    if size > 0.0 && size.is_finite() {
        let factor = T::of(share * target / size);
        mode.zip_mut_with(change, |to, &by| *to += by * factor);
    }
    let size = rms(mode.iter());
    if size > 0.0 {
        let factor = T::of(target / size);
        mode.mapv_inplace(|value| value * factor);
    }
}

/// What the end of an epoch does to them: modes back to their rms and orthogonal to the probe and to each other; outlying
/// weights limited to 1.5 times the 95 % quantile of their mode.
///
/// A mean weight of the first mode other than 1 goes into the probe. [`Compatibility::Ptychi`] leaves it there, and limits
/// the whole table by its own quantile, with or without OPR.
pub(crate) fn end_epoch<T: Real>(
    scan: &Scan<T>,
    settings: &IterativeSettings,
    state: &mut State<T>,
) {
    let n_opr = state.n_opr();
    let is_ptychi = settings.compat == Compatibility::Ptychi;
    if settings.vary_intensity && !is_ptychi {
        center_weights(scan, state);
    }
    if n_opr > 1 {
        normalize_modes(scan, settings, state);
        let first = usize::from(!is_ptychi);
        for column in first..n_opr {
            limit(state.opr_weights.iter_mut().skip(column).step_by(n_opr));
        }
    }
    if is_ptychi {
        limit(state.opr_weights.iter_mut());
    }
}

/// Mean weight of the first mode to 1.
fn center_weights<T: Real>(scan: &Scan<T>, state: &mut State<T>) {
    let (n_opr, count) = (state.n_opr(), scan.n_patterns() as f64);
    let mean = state.opr_weights.iter().step_by(n_opr).sum::<f64>() / count;
    if !(mean.is_finite() && mean > 0.0) {
        return;
    }
    for weight in state.opr_weights.iter_mut().step_by(n_opr) {
        *weight /= mean;
    }
    let factor = T::of(mean);
    for value in &mut state.probe[..scan.tiling.field_len()] {
        *value *= factor;
    }
}

fn normalize_modes<T: Real>(scan: &Scan<T>, settings: &IterativeSettings, state: &mut State<T>) {
    let (n_opr, n) = (state.n_opr(), scan.tiling.n);
    let probe = scan.probe(&state.probe[..scan.tiling.field_len()]);
    let probe = probe.index_axis(Axis(0), 0);
    let target = wanted_rms(settings, n, probe.iter());
    let tiny = match settings.compat {
        Compatibility::Ptychi => 1e-5,
        Compatibility::None => 0.0,
    };
    let mut modes = scan.probe(&state.opr_modes);
    let mut earlier = vec![probe.to_owned()];
    for (r, mut mode) in modes.outer_iter_mut().enumerate() {
        let size = rms(mode.iter()) / target;
        if size > 0.0 {
            let factor = T::of(1.0 / (size + tiny));
            mode.mapv_inplace(|value| value * factor);
            let weights = state.opr_weights.iter_mut().skip(r + 1).step_by(n_opr);
            weights.for_each(|weight| *weight *= size);
        }
        // Classical Gram-Schmidt: every overlap with the mode as it was.
        let original = mode.to_owned();
        for other in &earlier {
            let power: f64 = other.iter().map(|v| v.norm_sqr().wide()).sum();
            let overlap = other.iter().zip(&original).map(|(o, v)| v * o.conj());
            let overlap = overlap.fold(Complex::new(0.0, 0.0), |sum: Complex<f64>, v| {
                sum + Complex::new(v.re.wide(), v.im.wide())
            });
            let share = overlap / power.max(f64::MIN_POSITIVE);
            let share = Complex::new(T::of(share.re), T::of(share.im));
            mode.zip_mut_with(other, |to, from| *to -= from * share);
        }
        earlier.push(mode.to_owned());
    }
    state.opr_modes = scan.tiled(&modes);
}

/// `|w| <= 1.5 q`, q the 95 % quantile of `|w|` by linear interpolation.
fn limit<'a>(weights: impl Iterator<Item = &'a mut f64>) {
    let weights: Vec<&mut f64> = weights.collect();
    let mut sizes: Vec<f64> = weights.iter().map(|w| w.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    let Some(last) = sizes.len().checked_sub(1) else {
        return;
    };
    let at = 0.95 * last as f64;
    let (low, share) = (at.floor() as usize, at.fract());
    let quantile = sizes[low] + share * (sizes[(low + 1).min(last)] - sizes[low]);
    for weight in weights {
        *weight = weight.clamp(-1.5 * quantile, 1.5 * quantile);
    }
}
