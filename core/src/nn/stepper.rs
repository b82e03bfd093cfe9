//! One step of training or prediction, whatever device computes it.

use num_complex::Complex32;

use super::architecture::Architecture;
use super::parameters::rms_probe;
use super::settings::Model;
use crate::error::{Error, Result};
use crate::job::Stop;
use crate::simd::Aligned;
use crate::tensor::Activations;

/// Groups of patterns, ready for a network. Planned for a number of groups; `n_groups` of them count.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Groups that count, from the first on.
    pub n_groups: usize,
    /// Normalised amplitudes, `(b, n, n, c)`.
    pub input: Activations,
    /// Measured amplitudes in √counts, `(b, c, n, n)`, DC at `[n/2, n/2]`; NaN where the detector is masked.
    pub amplitude: Aligned<f32>,
    /// `member - centre` of every member, (row, column), `(b, c)`.
    pub relative_px: Vec<[f64; 2]>,
    /// True patches `(b, c, n, n)` for the losses of the baseline, else empty.
    pub truth: Vec<Complex32>,
}

/// Losses of a batch, means over its groups, channels and pixels in use.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Losses {
    /// What is minimised: the weighted sum.
    pub objective: f64,
    /// Mean of `λ + ε - k ln(λ + ε)`, ε = 1e-6; 0 for the baseline.
    pub nll: f64,
    /// Mean of `|√(λ + ε') - √k|` in √counts; for the baseline the sum of the MAE of amplitude and of phase.
    pub mae: f64,
    /// Mean of `|D_r O|² + |D_c O|²` of the merged object.
    pub tv: f64,
}

/// Weights of the losses in the objective and constants of the physics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Objective {
    /// Weight of NLL.
    pub nll: f64,
    /// Weight of MAE.
    pub mae: f64,
    /// Weight of total variation.
    pub tv: f64,
    /// ε' of MAE, in counts.
    pub amplitude_epsilon: f64,
}

impl Objective {
    /// NLL alone, where losses do not matter.
    pub(crate) const NLL: Self = Self {
        nll: 1.0,
        mae: 0.0,
        tv: 0.0,
        amplitude_epsilon: 1e-6,
    };
}

/// What a network makes of a batch.
#[derive(Clone, Debug, Default)]
pub struct Prediction {
    /// The merged object around each group's centre, central `n` x `n` of the canvas: `(b, n, n)`, pixel `n/2` at the
    /// centre. The baseline's patch.
    pub objects: Vec<Complex32>,
    /// Expected amplitudes `√λ` in √counts, `(b, c, n, n)`; empty for the baseline.
    pub amplitude: Vec<f32>,
    /// What each channel draws before merging, `(b, c, n, n)`.
    pub patches: Vec<Complex32>,
}

/// Computes losses, gradients and predictions of one network on one device.
pub trait Stepper: Send {
    /// Losses of a batch, and their gradient for every parameter (overwritten); `None` if `stop` was seen, after which the
    /// gradient means nothing.
    ///
    /// # Errors
    /// [`crate::Error::Run`] if the device fails.
    fn gradient(
        &mut self,
        parameters: &[f32],
        batch: &Batch,
        gradient: &mut [f32],
        stop: &Stop,
    ) -> Result<Option<Losses>>;

    /// Losses of a batch and, where wanted, what the network makes of it. `None` if `stop` was seen.
    ///
    /// # Errors
    /// [`crate::Error::Run`] if the device fails; [`crate::Error::Invalid`] for a batch without what it is measured by.
    fn evaluate(
        &mut self,
        parameters: &[f32],
        batch: &Batch,
        prediction: Option<&mut Prediction>,
        stop: &Stop,
    ) -> Result<Option<Losses>>;

    /// What the network makes of a batch, which needs no true patches. `None` if `stop` was seen.
    ///
    /// # Errors
    /// [`crate::Error::Run`] if the device fails.
    fn predict(
        &mut self,
        parameters: &[f32],
        batch: &Batch,
        prediction: &mut Prediction,
        stop: &Stop,
    ) -> Result<Option<()>>;

    /// Groups of the largest batch.
    fn largest_batch(&self) -> usize;

    /// Bytes that it holds.
    fn n_bytes(&self) -> usize;
}

/// What a stepper is made for.
#[derive(Clone, Debug)]
pub struct StepperSettings {
    /// Largest batch, groups.
    pub largest_batch: usize,
    /// Side of every group's canvas in pixels, at least `n` + 2 (largest offset rounded up), an even number more than `n`.
    pub canvas_px: usize,
    /// The file's probe, `(k, n, n)`, √photons.
    pub probe: ndarray::Array3<Complex32>,
    /// Weights and constants.
    pub objective: Objective,
    /// Whether gradients are wanted at all.
    pub trains: bool,
    /// Threads on the CPU.
    pub n_threads: usize,
}

/// What the errors of this module were about.
const ATTEMPTED: &str = "prepare the steps of a network";

impl StepperSettings {
    /// Whether they suit a network.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for a network that does not exist, or a batch, objective, canvas or probe that does not
    /// suit it.
    pub fn check(&self, architecture: &Architecture) -> Result<()> {
        architecture.check()?;
        if self.largest_batch == 0 {
            return refuse("batch_size", "1 or more", "0");
        }
        match architecture.model {
            Model::Baseline if self.objective.tv == 0.0 => Ok(()),
            Model::Baseline => {
                let expected = "0 for the baseline, which learns from true patches";
                refuse("tv_weight", expected, self.objective.tv.to_string())
            }
            Model::Pinn => self.check_physics(architecture),
        }
    }

    fn check_physics(&self, architecture: &Architecture) -> Result<()> {
        let (n, canvas) = (architecture.n, self.canvas_px);
        if canvas < n || (canvas - n) % 2 == 1 {
            let expected = format!("{n} pixels or an even number more");
            return refuse("canvas_px", expected, canvas.to_string());
        }
        let (n_modes, rows, columns) = self.probe.dim();
        let trained = architecture.trained_probe_modes;
        let modes_fit = n_modes != 0 && (trained == 0 || trained == n_modes);
        if !modes_fit || (rows, columns) != (n, n) {
            let modes = match trained {
                0 => "one or more".to_owned(),
                trained => trained.to_string(),
            };
            let expected = format!("{modes} modes of {n} x {n} pixels");
            return refuse("probe", expected, format!("{:?}", self.probe.dim()));
        }
        let rms = rms_probe(&self.probe);
        if !(rms.is_finite() && 0.0 < rms) {
            let expected = "finite values that are not all 0";
            return refuse("probe", expected, format!("root mean square {rms}"));
        }
        Ok(())
    }
}

fn refuse(key: &str, expected: impl Into<String>, found: impl Into<String>) -> Result<()> {
    Err(Error::invalid(ATTEMPTED, key, expected, found))
}

/// The stepper for a device: fused kernels on the CPU, the portable composition elsewhere.
///
/// # Errors
/// [`crate::Error::Run`] if the device fails; [`crate::Error::Invalid`] if something does not fit.
pub fn open(
    architecture: &Architecture,
    settings: StepperSettings,
    compute: &crate::compute::Compute,
) -> Result<Box<dyn Stepper>> {
    match compute.device() {
        candle_core::Device::Cpu => Ok(Box::new(super::network::CpuStepper::new(
            architecture,
            settings,
        )?)),
        device => Ok(Box::new(super::device::DeviceStepper::new(
            architecture,
            settings,
            device,
            candle_core::DType::F32,
        )?)),
    }
}
