//! From the heads of a network to the expected counts, losses, and back; on the CPU, group by group.
//!
//! ```text
//! O_c = a_c exp(i φ_c)                         on the support (the central half of a patch, or all of it), 0 around
//! merged = Σ_c T_rel_c[O_c] / (Σ_c T_rel_c[support] + 1e-3)
//! λ_c = Σ_k |F{P_k · T_-rel_c[merged]}|²       F orthonormal, DC at [n/2, n/2]
//! ```

use num_complex::Complex32;

use crate::nn::architecture::{Architecture, Head};
use crate::nn::stepper::{Batch, Losses, Objective, Prediction};
use crate::tensor::Activations;

/// What the merge adds to the number of patches over a pixel.
pub const MERGE_EPSILON: f32 = 1e-3;
/// ε of NLL, in counts.
pub const RATE_EPSILON: f32 = 1e-6;

/// The physics of a network's groups, with room for every thread.
#[derive(Debug)]
pub struct Physics {}

impl Physics {
    /// Plan for canvases of `canvas_px` pixels and a probe of `n_modes` modes.
    pub fn new(
        architecture: &Architecture,
        canvas_px: usize,
        n_modes: usize,
        objective: Objective,
        n_threads: usize,
    ) -> Self {
        let _ = (architecture, canvas_px, n_modes, objective, n_threads);
        unimplemented!()
    }

    /// Losses of a batch. Where `gradient` is wanted, the second activations of every head take the gradient, and
    /// `d_probe` (`(k, n, n)`, as ∂/∂re + i ∂/∂im; overwritten) that of the probe. Where `prediction` is wanted it is filled.
    ///
    /// Runs in parallel over groups on the current rayon pool; the result does not depend on the number of threads.
    pub fn losses(
        &mut self,
        heads: &mut [(Head, &Activations, &mut Activations)],
        batch: &Batch,
        probe: &[Complex32],
        gradient: bool,
        d_probe: Option<&mut [Complex32]>,
        prediction: Option<&mut Prediction>,
    ) -> Losses {
        let _ = (heads, batch, probe, gradient, d_probe, prediction);
        unimplemented!()
    }
}
