//! A step composed of Candle's kernels: for CUDA and Metal, and in `f64` on the CPU as the twin of the fused one.

use candle_core::{DType, Device};

use crate::error::Result;
use crate::job::Stop;
use crate::nn::architecture::Architecture;
use crate::nn::stepper::{Batch, Losses, Prediction, Stepper, StepperSettings};

/// Network and physics on any device.
pub struct DeviceStepper {}

impl DeviceStepper {
    /// Put probe and constants on the device; parameters and batches come with each step.
    ///
    /// # Errors
    /// [`crate::Error::Run`] with the device's words.
    pub fn new(
        architecture: &Architecture,
        settings: StepperSettings,
        device: &Device,
        dtype: DType,
    ) -> Result<Self> {
        let _ = (architecture, settings, device, dtype);
        unimplemented!()
    }

    /// As [`Stepper::gradient`], in double precision where the stepper is.
    ///
    /// # Errors
    /// [`crate::Error::Run`] with the device's words.
    pub fn gradient_f64(
        &mut self,
        parameters: &[f64],
        batch: &Batch,
    ) -> Result<(Losses, Vec<f64>)> {
        let _ = (parameters, batch);
        unimplemented!()
    }
}

impl Stepper for DeviceStepper {
    fn gradient(
        &mut self,
        _: &[f32],
        _: &Batch,
        _: &mut [f32],
        _: &Stop,
    ) -> Result<Option<Losses>> {
        unimplemented!()
    }
    fn evaluate(
        &mut self,
        _: &[f32],
        _: &Batch,
        _: Option<&mut Prediction>,
        _: &Stop,
    ) -> Result<Option<Losses>> {
        unimplemented!()
    }
    fn largest_batch(&self) -> usize {
        unimplemented!()
    }
    fn n_bytes(&self) -> usize {
        unimplemented!()
    }
}
