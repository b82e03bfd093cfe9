//! What an algorithm is computed with: one trait, two sets of kernels.
//!
//! An algorithm ([`algorithm`](super::algorithm)) is written once, as a sequence of these operations on a batch and
//! arithmetic on the few numbers that they return. [`fused`] goes over the patterns on the CPU with everything for one
//! pattern in cache; [`tensors`] is composed of Candle's operations on whole batches, for CUDA and Metal, and runs on
//! the CPU as well.
//!
//! Fields are those of the project: orthonormal transforms, probe in √photons. Sums are over the pixels of a pattern.

#[cfg(test)]
mod agreement;
pub(crate) mod fused;
pub(crate) mod tensors;

use ndarray::{Array2, Array3};
use num_complex::Complex;

use crate::error::Result;
use crate::iterative::scan::Scan;
use crate::iterative::state::State;
use crate::iterative::{Compatibility, IterativeSettings};
use crate::job::Stop;
use crate::simd::{Aligned, Real};

/// The greatest amplitude of an object that is divided out of its sums, as pty-chi has it.
pub(crate) const MOST_AMPLITUDE: f64 = 1000.0;

/// One batch of a run.
#[derive(Clone, Copy)]
pub(crate) struct Batch<'a, T> {
    pub(crate) scan: &'a Scan<T>,
    pub(crate) settings: &'a IterativeSettings,
    /// Indices of its patterns.
    pub(crate) patterns: &'a [usize],
    /// Batches of the epoch.
    pub(crate) n_batches: usize,
    pub(crate) stop: &'a Stop,
}

impl<T> Batch<'_, T> {
    /// Whether probe mode `k` is shifted to the sub-pixel position.
    pub(crate) fn is_shifted(&self, k: usize) -> bool {
        k == 0 || self.settings.compat != Compatibility::Ptychi
    }

    /// Weights of the first probe mode and of the OPR modes in pattern `i`, where the probe varies:
    /// `P̃_i0 = shift(w_0 P_0 + Σ_r w_r e_r)`. pty-chi looks at none without OPR modes.
    pub(crate) fn weights<'s>(&self, state: &'s State<T>, i: usize) -> Option<&'s [f64]>
    where
        T: Real,
    {
        let n = state.n_opr();
        let varies =
            n > 1 || self.settings.vary_intensity && self.settings.compat != Compatibility::Ptychi;
        varies.then(|| &state.opr_weights[i * n..(i + 1) * n])
    }
}

/// What the detector wave of a pattern is multiplied by to give its change, `Ψ' - Ψ = factor Ψ`; 0 where masked.
/// `y` is the predicted intensity of all modes, `I` the measured one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rule {
    /// `weight (√I / (√y + 1e-9) - 1)`
    Gaussian {
        /// `1/(2σ)²`
        weight: f64,
    },
    /// The proximal step of the Poisson likelihood: `z/√y - 1` with `z = (μ √y + √(μ² y + 4 (1 + μ) I)) / (2 (1 + μ))`,
    /// which lies between `√y` and `√I` or above both by no more than a factor, whatever `y`; at `y` = 0 it is that of `y` = 1e-12.
    Poisson {
        /// Weight of the present wave.
        mu: f64,
    },
    /// pty-chi's `-a (1 - I/(y + 1e-6))`, `a` from [`State::detector_steps`].
    PoissonSteps,
    /// `√(I + 1e-7) / (√y + 1e-7) - 1`
    Modulus,
}

/// What multiplies `χ conj(O)` in the probe's direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ProbeWeight {
    /// 1
    Plain,
    /// `1 / ((1 - α) |O|² + α max |O|²)`, the greatest of the pattern's patch; ePIE has α = 1.
    Regularised {
        /// α
        alpha: f64,
    },
}

/// What multiplies `χ conj(P̃)` in the object's direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ObjectWeight {
    /// 1
    Plain,
    /// `1 / ((1 - α) |P̃_k|² + α largest)`
    Regularised {
        /// α
        alpha: f64,
        /// The greatest `Σ_k |P̃_k|²` of the batch.
        largest: f64,
    },
}

/// What divides the object's direction when it is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Divisor {
    /// 1
    None,
    /// The epoch's `D`, given by [`Kernels::upload`].
    Epoch,
    /// That of [`Kernels::divide_by_batch`].
    Batch,
}

/// How patterns are gone through first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct FirstPass {
    pub(crate) rule: Rule,
    pub(crate) probe_weight: ProbeWeight,
    /// Only the sums; no residual waves.
    pub(crate) only_sums: bool,
    /// Modes whose residual wave and shifted probe are wanted later: 1 or all.
    pub(crate) n_kept: usize,
}

/// Sums over one pattern's pixels; those left out (masked, saturated) do not count, but with [`Compatibility::Ptychi`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct PatternSums {
    /// `Σ (√(y + 1e-7) - √(I + 1e-7))²`
    pub(crate) loss: f64,
    /// `Σ (√y - √I)²`
    pub(crate) error: f64,
    /// `Σ I`
    pub(crate) measured: f64,
    /// `Σ y`
    pub(crate) predicted: f64,
    /// `max Σ_k |P̃_k|²` over the patch; only where asked for by a [`ProbeWeight::Regularised`].
    pub(crate) probe_peak: f64,
}

/// Which canvas of [`State`] a projection is summed into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Canvas {
    /// [`State::carried_object`]
    Object,
    /// [`State::carried_other`]
    Other,
}

/// Operations on a batch. `χ`, `P̃`, the directions and OPR's residuals are held by the kernels between calls.
///
/// Positions, OPR modes and weights, and detector steps are read from the state by either set of kernels. Object, probe,
/// velocities, carried sums and exit waves may live elsewhere between [`Kernels::upload`] and [`Kernels::download`].
///
/// `None` or `Ok(false)`: the stop flag was seen and nothing of the state has changed.
pub(crate) trait Kernels<T: Real>: Send {
    /// `cpu`, `cuda` or `metal`, for records.
    fn device(&self) -> &'static str;

    /// Whether the state lives elsewhere during an epoch.
    fn is_remote(&self) -> bool;

    /// Take over the state at the start of an epoch, after anything else may have changed it; `inverse_damped` is `1/D`.
    fn upload(&mut self, scan: &Scan<T>, state: &State<T>, inverse_damped: &[T]) -> Result<()>;

    /// Bring the state up to date.
    fn download(&mut self, scan: &Scan<T>, state: &mut State<T>) -> Result<()>;

    /// The exit waves in the order of [`State::waves`], for a checkpoint; `None` where the state has them.
    fn waves(&self) -> Result<Option<Aligned<T>>> {
        Ok(None)
    }

    /// Forward model, residual waves `χ_k = F⁻¹{factor Ψ_k}`, and the probe's direction
    /// `ΔP_k = mean_i shift⁻¹(weight χ_k conj(O))`.
    fn first_pass(
        &mut self,
        batch: &Batch<T>,
        state: &State<T>,
        pass: &FirstPass,
    ) -> Result<Option<Vec<PatternSums>>>;

    /// Sums of pty-chi's Poisson step, with `ξ = (1 - I/(y + 1e-5))` where used:
    /// `Σ ξ (y - I/(1 - mean_step ξ))` and `Σ ξ² y` of every pattern.
    fn likelihood_sums(
        &mut self,
        batch: &Batch<T>,
        state: &State<T>,
        mean_step: f64,
    ) -> Result<Vec<[f64; 2]>>;

    /// `A = Σ_i place(Σ_k weight χ_k conj(P̃_k))` of all modes, onto [`State::carried_object`] where `carries`, and
    /// `A0/D` of the modes kept, for the step sizes.
    fn object_direction(
        &mut self,
        batch: &Batch<T>,
        state: &State<T>,
        weight: ObjectWeight,
        carries: bool,
    ) -> Result<()>;

    /// `1 / ((1 - α) W + α max W)` with `W = Σ_i place(Σ_k |P̃_ik|²)` over the batch, for [`Divisor::Batch`].
    fn divide_by_batch(&mut self, batch: &Batch<T>, state: &State<T>, alpha: f64) -> Result<()>;

    /// With `u = (A0/D) P̃`, `v = ΔP O`, over the modes kept:
    /// `Σ|u|², Σ|v|², Σ Re u v*, Σ Im u v*, Σ Re u* χ, Σ Re v* χ` of every pattern.
    fn step_sums(&mut self, batch: &Batch<T>, state: &State<T>) -> Result<Option<Vec<[f64; 6]>>>;

    /// With `g_a` the derivative of the patch along rows and columns by its Fourier transform (`2πi f`, Nyquist −½):
    /// `Σ Re((g_r P̃_0)* χ_0), Σ|g_r P̃_0|²`, and the same of columns, of every pattern.
    fn position_sums(&mut self, batch: &Batch<T>, state: &State<T>) -> Result<Vec<[f64; 4]>>;

    /// Patches of the object and of `A0/D`, `P̃_0`, and `χ_0`, of every pattern: `(b, n, n)` each.
    fn patches(&mut self, batch: &Batch<T>, state: &State<T>) -> Result<[Array3<Complex<T>>; 4]>;

    /// Keep `res_i = t_i - ΔP_0` with `t_i = shift⁻¹(χ_i0 conj(O_i))`.
    fn opr_begin(&mut self, batch: &Batch<T>, state: &State<T>) -> Result<()>;

    /// `mean Re(res_i* e)` of every pattern, over pixels.
    fn opr_project(&mut self, batch: &Batch<T>, mode: &Array2<Complex<T>>) -> Result<Vec<f64>>;

    /// `mean_i res_i c_i`.
    fn opr_combine(&mut self, batch: &Batch<T>, c: &[f64]) -> Result<Array2<Complex<T>>>;

    /// `res_i -= (Σ res_i e* / Σ |e|²) e`
    fn opr_deflate(&mut self, batch: &Batch<T>, mode: &Array2<Complex<T>>) -> Result<()>;

    /// `Σ Re(χ_0 (e O)*), Σ|e O|²` of every pattern, `e` an OPR mode or, where none is given, the first probe mode `P_0`;
    /// it is shifted to the sub-pixel position unless [`Compatibility::Ptychi`].
    fn opr_wave_sums(
        &mut self,
        batch: &Batch<T>,
        state: &State<T>,
        mode: Option<&Array2<Complex<T>>>,
    ) -> Result<Vec<[f64; 2]>>;

    /// `carried_object = A`, of compact batches.
    fn carry_object(&mut self, state: &mut State<T>) -> Result<()>;

    /// `carried_probe = keep carried_probe + share ΔP`, for momentum.
    fn carry_probe(&mut self, state: &mut State<T>, keep: f64, share: f64) -> Result<()>;

    /// `O += step A / divisor`; with momentum `v = momentum v + step A / divisor`, `O += v`.
    fn step_object(
        &mut self,
        state: &mut State<T>,
        step: f64,
        divisor: Divisor,
        momentum: f64,
    ) -> Result<()>;

    /// `P += step ΔP` of all modes, with momentum as the object's.
    fn step_probe(&mut self, state: &mut State<T>, step: f64, momentum: f64) -> Result<()>;

    /// Start exit waves as `O P̃` where [`State::waves`] is empty.
    fn begin_waves(&mut self, batch: &Batch<T>, state: &mut State<T>) -> Result<()>;

    /// DM's reflection: `ψ += relax (F⁻¹{mod F{2 O P̃ - ψ}} - O P̃)`, and onto the carried sums of the probe
    /// `Σ_i shift⁻¹(conj(O) ψ)` (in the Fourier plane) and `Σ_i shift⁻¹(|O|²)`. Returns the sums of the prediction `|F{O P̃}|²`
    /// and `Σ |change of ψ|²` of every pattern.
    fn difference_map(
        &mut self,
        batch: &Batch<T>,
        state: &mut State<T>,
        relaxation: f64,
    ) -> Result<Option<Vec<(PatternSums, f64)>>>;

    /// `carried_object += Σ_i place(Σ_k conj(P̃) ψ)` and `carried_weight += Σ_i place(Σ_k |P̃|²)`; with `both` also
    /// `carried_other += Σ_i place(Σ_k conj(P̃) F⁻¹{mod F ψ})`.
    fn sum_object(&mut self, batch: &Batch<T>, state: &mut State<T>, both: bool) -> Result<bool>;

    /// RAAR: with `A ψ = F⁻¹{mod F ψ}` and `Q` the object of a canvas times `P̃`,
    /// `ψ = 2β Q_other + (1 - 2β) A ψ + β (ψ - Q_object)`, the last difference the other way round with
    /// [`Compatibility::Ptychi`]; returns the sums of the prediction `|F{O P̃}|²` with the
    /// state's object and `Σ |change of ψ|²` of every pattern.
    fn reflect(
        &mut self,
        batch: &Batch<T>,
        state: &mut State<T>,
        beta: f64,
    ) -> Result<Option<Vec<(PatternSums, f64)>>>;

    /// Onto the carried sums of the probe, as [`Kernels::difference_map`] does, from `A ψ` as [`Kernels::reflect`] has it, or
    /// with [`Compatibility::Ptychi`] from `ψ` as it is.
    fn sum_probe(&mut self, batch: &Batch<T>, state: &mut State<T>) -> Result<bool>;

    /// Turn a canvas of numerators into an object: `numerator / √(w² + (floor max w)²)`, or, with a floor of 0,
    /// `numerator / w` where `w` is above the type's least positive number and the present object elsewhere. The result stays
    /// in the canvas; of [`Canvas::Object`] it becomes the object where `replaces`, its amplitudes cut to 1000 as pty-chi cuts them.
    fn divide_object(
        &mut self,
        state: &mut State<T>,
        canvas: Canvas,
        floor: f64,
        replaces: bool,
    ) -> Result<()>;

    /// Empty the carried canvases.
    fn clear_object_sums(&mut self, state: &mut State<T>) -> Result<()>;

    /// The probe from its carried sums, divided as [`Kernels::divide_object`] says, and empty them.
    fn divide_probe(&mut self, state: &mut State<T>, floor: f64) -> Result<()>;
}
