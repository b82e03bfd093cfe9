//! Passes through the layers on the CPU, on memory planned once.

use crate::error::Result;
use crate::job::Stop;
use crate::nn::architecture::{Architecture, Head};
use crate::nn::stepper::{Batch, Losses, Prediction, Stepper, StepperSettings};
use crate::tensor::Activations;

/// The layers of a network with room for their activations and gradients.
#[derive(Debug)]
pub struct Network {}

impl Network {
    /// Plan for batches of up to `largest_batch` groups; without `trains` there is room for forward passes only.
    pub fn new(
        architecture: &Architecture,
        largest_batch: usize,
        n_threads: usize,
        trains: bool,
    ) -> Self {
        let _ = (architecture, largest_batch, n_threads, trains);
        unimplemented!()
    }

    /// Forward pass; `false` if `stop` was seen between layers.
    pub fn forward(
        &mut self,
        parameters: &[f32],
        n_groups: usize,
        input: &Activations,
        stop: &Stop,
    ) -> bool {
        let _ = (parameters, n_groups, input, stop);
        unimplemented!()
    }

    /// What the last forward pass drew, and where its gradient goes.
    pub fn heads(&mut self) -> Vec<(Head, &Activations, &mut Activations)> {
        unimplemented!()
    }

    /// Backward pass from the gradients in [`Network::heads`]; `false` if `stop` was seen.
    pub fn backward(
        &mut self,
        n_groups: usize,
        input: &Activations,
        gradient: &mut [f32],
        stop: &Stop,
    ) -> bool {
        let _ = (n_groups, input, gradient, stop);
        unimplemented!()
    }
}

/// Network and physics on the CPU.
pub struct CpuStepper {}

impl CpuStepper {
    /// Plan everything.
    ///
    /// # Errors
    /// [`crate::Error::Run`] if the system gives no threads.
    pub fn new(architecture: &Architecture, settings: StepperSettings) -> Result<Self> {
        let _ = (architecture, settings);
        unimplemented!()
    }
}

impl Stepper for CpuStepper {
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
