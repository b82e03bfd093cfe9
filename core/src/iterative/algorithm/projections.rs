//! The engines that project all exit waves at once: difference map (DM) and relaxed averaged alternating reflections
//! (RAAR).
//!
//! They keep an exit wave ψ for every pattern and probe mode. With `A ψ = F⁻¹{√I / √(Σ_modes |F ψ|²) F ψ}`, the shifted
//! probe P̃ and the whole-pixel patch O:
//!
//! ```text
//! DM (Thibault et al., Ultramicroscopy 109, 338, 2009)
//!   ψ += relaxation (A{2 O P̃ - ψ} - O P̃)
//!   P = Σ shift⁻¹(O* ψ) / D,  O = Σ place(Σ_k P̃* ψ) / D         from the new probe
//! RAAR (Luke, Inverse Problems 21, 37, 2005)
//!   ψ = 2β Q A ψ + (1 - 2β) A ψ + β (ψ - Q ψ)                   Q ψ = P̃ Σ place(Σ_k P̃* ψ) / D
//!   O = Σ place(Σ_k P̃* ψ) / D,  P = Σ shift⁻¹(O* A ψ) / D       from the old probe, the new object
//! D = √(w² + (projection_floor max w)²),  w = Σ place(Σ_k |P̃|²) or Σ shift⁻¹(|O|²)
//! ```
//!
//! pty-chi's RAAR takes the last difference the other way round, `Q ψ - ψ`, so that what lies outside the range of Q grows
//! by `3β - 1` an epoch, makes the probe of ψ instead of A ψ, and divides by w alone, so that dark pixels are noise;
//! [`Compatibility::Ptychi`] keeps all three. Batches bound the memory worked in; they
//! change nothing but the rounding.

use super::BatchResult;
use crate::error::Result;
use crate::iterative::Compatibility;
use crate::iterative::kernels::{Batch, Canvas, Kernels, PatternSums};
use crate::iterative::state::State;
use crate::simd::Real;

/// One batch of the difference map: phase 0 changes the exit waves and ends with the probe, phase 1 with the object.
pub(super) fn difference_map<T: Real>(
    kernels: &mut dyn Kernels<T>,
    batch: &Batch<T>,
    state: &mut State<T>,
    (phase, is_last): (usize, bool),
) -> Result<Option<BatchResult>> {
    let settings = batch.settings;
    let floor = settings.projection_floor;
    if phase == 0 {
        kernels.begin_waves(batch, state)?;
        let Some(sums) = kernels.difference_map(batch, state, settings.relaxation)? else {
            return Ok(None);
        };
        if is_last && settings.refines_probe(state.epoch) {
            kernels.divide_probe(state, floor)?;
        }
        return Ok(Some(of_waves(batch, &sums)));
    }
    make_object(kernels, batch, state, (floor, is_last))
}

/// One batch of RAAR: objects of ψ and of A ψ, reflection of the waves, the object, the probe.
pub(super) fn raar<T: Real>(
    kernels: &mut dyn Kernels<T>,
    batch: &Batch<T>,
    state: &mut State<T>,
    (phase, is_last): (usize, bool),
) -> Result<Option<BatchResult>> {
    let settings = batch.settings;
    let floor = match settings.compat {
        Compatibility::Ptychi => 0.0,
        Compatibility::None => settings.projection_floor,
    };
    match phase {
        0 => {
            kernels.begin_waves(batch, state)?;
            if !kernels.sum_object(batch, state, true)? {
                return Ok(None);
            }
            if is_last {
                kernels.divide_object(state, Canvas::Object, floor, false)?;
                kernels.divide_object(state, Canvas::Other, floor, false)?;
            }
            Ok(Some(BatchResult::default()))
        }
        1 => {
            let Some(sums) = kernels.reflect(batch, state, settings.beta)? else {
                return Ok(None);
            };
            if is_last {
                kernels.clear_object_sums(state)?;
            }
            Ok(Some(of_waves(batch, &sums)))
        }
        2 => make_object(kernels, batch, state, (floor, is_last)),
        _ => {
            if settings.refines_probe(state.epoch) {
                if !kernels.sum_probe(batch, state)? {
                    return Ok(None);
                }
                if is_last {
                    kernels.divide_probe(state, floor)?;
                }
            }
            Ok(Some(BatchResult::default()))
        }
    }
}

/// The object from the exit waves as they are.
fn make_object<T: Real>(
    kernels: &mut dyn Kernels<T>,
    batch: &Batch<T>,
    state: &mut State<T>,
    (floor, is_last): (f64, bool),
) -> Result<Option<BatchResult>> {
    if !kernels.sum_object(batch, state, false)? {
        return Ok(None);
    }
    if is_last {
        kernels.divide_object(state, Canvas::Object, floor, true)?;
        kernels.clear_object_sums(state)?;
    }
    Ok(Some(BatchResult::default()))
}

fn of_waves<T: Real>(batch: &Batch<T>, sums: &[(PatternSums, f64)]) -> BatchResult {
    let patterns: Vec<PatternSums> = sums.iter().map(|(sums, _)| *sums).collect();
    BatchResult {
        change: sums.iter().map(|(_, change)| change).sum(),
        ..BatchResult::of(batch, &patterns)
    }
}
