//! The ptychographic iterative engines (PIE): ePIE, rPIE, mPIE.
//!
//! For pattern i of a batch, with P̃ the probe shifted to the sub-pixel position, O the whole-pixel patch, Ψ = F{O P̃} and
//! `χ = F⁻¹{(√(I + 1e-7) / (√y + 1e-7) - 1) Ψ}`, `y = Σ_modes |Ψ|²`:
//!
//! ```text
//! rPIE (Maiden, Johnson and Li, Optica 4, 736, 2017)
//!   O += Σ_i place(Σ_k χ P̃*) / ((1 - α) W + α max W),   W = Σ_i place(Σ_k |P̃|²) over the batch
//!   P += mean_i shift⁻¹(χ O* / ((1 - α) |O|² + α max |O|²))
//! ePIE (Maiden and Rodenburg, Ultramicroscopy 109, 1256, 2009): α = 1
//! mPIE: rPIE with momentum, v = m v + step, O += v and P likewise
//! ```
//!
//! Both by the step sizes of the settings, which batches of few patterns take in part (see `caution`).
//!
//! The illumination of the batch stands in the divisor, so that patterns that overlap do not step further together than
//! each would alone, whatever the size of the batch. pty-chi divides each pattern's step by
//! `(1 - α) |P̃|² + α max |P̃|²` and adds them up, which diverges when many overlap;
//! [`Compatibility::Ptychi`] keeps it.

use super::{BatchResult, n_kept};
use crate::error::Result;
use crate::iterative::kernels::{
    Batch, Divisor, FirstPass, Kernels, ObjectWeight, PatternSums, ProbeWeight, Rule,
};
use crate::iterative::state::State;
use crate::iterative::{Compatibility, EngineKind, positions};
use crate::simd::Real;

/// One batch.
pub(super) fn step<T: Real>(
    engine: EngineKind,
    kernels: &mut dyn Kernels<T>,
    batch: &Batch<T>,
    state: &mut State<T>,
) -> Result<Option<BatchResult>> {
    let settings = batch.settings;
    let (object_alpha, probe_alpha) = match engine {
        EngineKind::Epie => (1.0, 1.0),
        _ => (settings.object_alpha, settings.probe_alpha),
    };
    let pass = FirstPass {
        rule: Rule::Modulus,
        probe_weight: ProbeWeight::Regularised { alpha: probe_alpha },
        only_sums: false,
        n_kept: n_kept(engine, settings),
    };
    let Some(sums) = kernels.first_pass(batch, state, &pass)? else {
        return Ok(None);
    };
    let divisor = divide(kernels, batch, state, (object_alpha, &sums))?;
    let momentum = match engine {
        EngineKind::Mpie => settings.pie_momentum,
        _ => 0.0,
    };
    let share = settings.step_share(state.epoch) * caution(batch, momentum);
    let object_step = settings.object_step * share;
    positions::refine(kernels, batch, state, Some(object_step))?;
    kernels.step_object(state, object_step, divisor, momentum)?;
    if settings.refines_probe(state.epoch) {
        kernels.step_probe(state, settings.probe_step * share, momentum)?;
    }
    Ok(Some(BatchResult::of(batch, &sums)))
}

/// Share of a whole step that is taken, `(1 - 1/(2√B)) (1 - m/√B)`; 1 in pty-chi.
///
/// Object and probe are both corrected by the whole residual, and momentum m repeats a step up to `1/(1 - m)` times. In a
/// large batch the next residual answers that; a batch of one pattern goes too far before its neighbours are heard.
fn caution<T: Real>(batch: &Batch<T>, momentum: f64) -> f64 {
    if batch.settings.compat == Compatibility::Ptychi {
        return 1.0;
    }
    let root = (batch.patterns.len() as f64).sqrt();
    (1.0 - 0.5 / root) * (1.0 - momentum / root)
}

/// The object's direction, and what is left to divide it by.
fn divide<T: Real>(
    kernels: &mut dyn Kernels<T>,
    batch: &Batch<T>,
    state: &State<T>,
    (alpha, sums): (f64, &[PatternSums]),
) -> Result<Divisor> {
    if batch.settings.compat == Compatibility::Ptychi {
        let largest = sums.iter().map(|s| s.probe_peak).fold(0.0, f64::max);
        let weight = ObjectWeight::Regularised { alpha, largest };
        kernels.object_direction(batch, state, weight, false)?;
        return Ok(Divisor::None);
    }
    kernels.object_direction(batch, state, ObjectWeight::Plain, false)?;
    kernels.divide_by_batch(batch, state, alpha)?;
    Ok(Divisor::Batch)
}
