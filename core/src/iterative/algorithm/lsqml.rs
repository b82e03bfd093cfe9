//! Least-squares maximum likelihood (LSQML).
//!
//! The method of Odstrčil, Menzel and Guizar-Sicairos (Opt. Express 26, 3108, 2018) as pty-chi 2.2.0 carries it out,
//! with its constants and defaults: a preconditioned object direction and step sizes solved pattern by pattern for
//! object and probe together.
//!
//! For pattern i of a batch, with P̃ the probe shifted to the sub-pixel position and O the whole-pixel patch:
//!
//! ```text
//! Ψ = F{O P̃},  y = Σ_modes |Ψ|²,  χ = F⁻¹{ w (√I / (√y + 1e-9) - 1) Ψ },  w = 1/(2σ)²
//! ΔO = Σ_i χ P̃* / D,   D = √(W² + (c max W)²),   W = Σ_i |P|²
//! ΔP = mean_i shift⁻¹(χ O*)
//! O += trimmed mean of α · ΔO,   P += mean of β · ΔP       (α, β: a 2x2 system for each pattern)
//! ```
//!
//! Where the original has faults, this engine does the right thing by default: every probe mode is shifted (not the
//! first alone), odd sizes are centred, batches are drawn from the seed, Poisson noise takes the proximal step.
//! [`Compatibility::Ptychi`] keeps the originals.
//! With the rescale of the first epoch on, n epochs are n - 1 updates.

use super::{BatchResult, n_kept};
use crate::error::Result;
use crate::iterative::kernels::{
    Batch, Divisor, FirstPass, Kernels, ObjectWeight, ProbeWeight, Rule,
};
use crate::iterative::state::State;
use crate::iterative::{
    Batching, Compatibility, EngineKind, IterativeSettings, Noise, opr, positions,
};
use crate::simd::Real;

/// Weight μ of the present wave in the proximal step of the Poisson likelihood.
const PROXIMAL_WEIGHT: f64 = 2.0;

/// One batch.
pub(super) fn step<T: Real>(
    kernels: &mut dyn Kernels<T>,
    batch: &Batch<T>,
    state: &mut State<T>,
) -> Result<Option<BatchResult>> {
    let settings = batch.settings;
    let only_sums = state.epoch == 0 && settings.rescale_first_epoch;
    let rule = rule(settings);
    let steps_before = if rule == Rule::PoissonSteps && !only_sums {
        solve_detector_steps(kernels, batch, state)?
    } else {
        Vec::new()
    };
    let pass = FirstPass {
        rule,
        probe_weight: ProbeWeight::Plain,
        only_sums,
        n_kept: n_kept(EngineKind::Lsqml, settings),
    };
    let Some(sums) = kernels.first_pass(batch, state, &pass)? else {
        restore_detector_steps(batch, state, &steps_before);
        return Ok(None);
    };
    let mut result = BatchResult::of(batch, &sums);
    if only_sums {
        return Ok(Some(result));
    }
    let is_compact = settings.batching == Batching::Compact;
    kernels.object_direction(batch, state, ObjectWeight::Plain, is_compact)?;
    let Some(sums) = kernels.step_sums(batch, state)? else {
        restore_detector_steps(batch, state, &steps_before);
        return Ok(None);
    };
    let (object_steps, probe_steps) = solve(batch, &sums, pass.n_kept);
    result.object_step = trimmed_mean(object_steps);
    result.probe_steps = probe_steps.iter().sum();
    if settings.opr_modes > 0 || settings.vary_intensity {
        opr::update(kernels, batch, state)?;
    }
    let share = settings.step_share(state.epoch);
    let object_step = settings.object_step * share * result.object_step;
    positions::refine(kernels, batch, state, Some(object_step))?;
    update(kernels, batch, state, result)?;
    Ok(Some(result))
}

/// How detector waves change, by the noise assumed.
fn rule(settings: &IterativeSettings) -> Rule {
    match (settings.noise, settings.compat) {
        (Noise::Gaussian, _) => Rule::Gaussian {
            weight: 0.25 / (settings.noise_sigma * settings.noise_sigma),
        },
        (Noise::Poisson, Compatibility::None) => Rule::Poisson {
            mu: PROXIMAL_WEIGHT,
        },
        (Noise::Poisson, Compatibility::Ptychi) => Rule::PoissonSteps,
    }
}

/// Two rounds of pty-chi's steps at the detector, without its random perturbation of a hundredth. Returns the steps before.
fn solve_detector_steps<T: Real>(
    kernels: &mut dyn Kernels<T>,
    batch: &Batch<T>,
    state: &mut State<T>,
) -> Result<Vec<f64>> {
    let stored = batch.patterns.iter().map(|&i| state.detector_steps[i]);
    let before = stored.collect();
    for _ in 0..2 {
        let stored = batch.patterns.iter().map(|&i| state.detector_steps[i]);
        let mean = stored.sum::<f64>() / batch.patterns.len() as f64;
        let sums = kernels.likelihood_sums(batch, state, mean)?;
        for (&i, [above, below]) in batch.patterns.iter().zip(sums) {
            let step = if below > 0.0 { above / below } else { 0.0 };
            state.detector_steps[i] = (0.5 * mean + 0.5 * step).clamp(0.0, 1.0);
        }
    }
    Ok(before)
}

/// A batch that was stopped leaves no trace.
fn restore_detector_steps<T: Real>(batch: &Batch<T>, state: &mut State<T>, before: &[f64]) {
    for (&i, &step) in batch.patterns.iter().zip(before) {
        state.detector_steps[i] = step;
    }
}

/// The step sizes of every pattern: object, then probe.
fn solve<T: Real>(batch: &Batch<T>, sums: &[[f64; 6]], n_kept: usize) -> (Vec<f64>, Vec<f64>) {
    let settings: &IterativeSettings = batch.settings;
    let (size, n) = (sums.len() as f64, batch.scan.tiling.n);
    let floor = 1.2e-7 * (n * n * n_kept) as f64;
    let mean = |at: usize| sums.iter().map(|s| s[at] + floor).sum::<f64>() / size;
    let (mean_11, mean_22) = (mean(0), mean(1));
    let gain = match rule(settings) {
        // Near the measured counts the proximal step is this much shorter than the modulus's.
        Rule::Poisson { mu } => 1.0 + 0.5 * mu,
        _ => 1.0,
    };
    let one = |&[u2, v2, uv_re, uv_im, b1, b2]: &[f64; 6]| {
        let (object, probe) = if settings.joint_step {
            let (a11, a22) = (u2 + floor + 0.1 * mean_11, v2 + floor + 0.1 * mean_22);
            let det = a11 * a22 - uv_re * uv_re - uv_im * uv_im;
            ((a22 * b1 - uv_re * b2) / det, (a11 * b2 - uv_re * b1) / det)
        } else {
            (
                0.5 * b1 / u2.max(f64::MIN_POSITIVE),
                0.5 * b2 / v2.max(f64::MIN_POSITIVE),
            )
        };
        let object = clip(object) * settings.object_step_scaler / settings.probe_modes as f64;
        (
            gain * object,
            gain * clip(probe) * settings.probe_step_scaler,
        )
    };
    sums.iter().map(one).unzip()
}

/// Apply the updates: object, then probe.
fn update<T: Real>(
    kernels: &mut dyn Kernels<T>,
    batch: &Batch<T>,
    state: &mut State<T>,
    result: BatchResult,
) -> Result<()> {
    let settings = batch.settings;
    let is_compact = settings.batching == Batching::Compact;
    let share = settings.step_share(state.epoch);
    if is_compact {
        kernels.carry_object(state)?;
    } else {
        let step = settings.object_step * share * result.object_step;
        kernels.step_object(state, step, Divisor::Epoch, 0.0)?;
    }
    let n_batches = batch.n_batches as f64;
    if settings.momentum > 0.0 {
        // In random and uniform batches the original keeps only the last batch's direction.
        let keeps = is_compact || settings.compat == Compatibility::None;
        let keep = if keeps { 1.0 } else { 0.0 };
        kernels.carry_probe(state, keep, 1.0 / n_batches)?;
    }
    if settings.refines_probe(state.epoch) {
        let mean = result.probe_steps / batch.patterns.len() as f64;
        let step = mean * settings.probe_step * share;
        kernels.step_probe(state, if is_compact { step / n_batches } else { step }, 0.0)?;
    }
    Ok(())
}

/// Below 0 there is no step; NaN stays NaN, so that it is noticed.
fn clip(step: f64) -> f64 {
    if step < 0.0 { 0.0 } else { step }
}

/// The mean without the `ceil(n/20 - ½)` least and greatest values (MATLAB's `trimmean` of 10 %).
fn trimmed_mean(mut values: Vec<f64>) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    values.sort_by(f64::total_cmp);
    let cut = (values.len() as f64 * 0.05 - 0.5).ceil().max(0.0) as usize;
    let kept = &values[cut..values.len() - cut];
    kept.iter().sum::<f64>() / kept.len() as f64
}
