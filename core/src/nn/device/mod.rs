//! A step composed of Candle's kernels: for CUDA and Metal, and in `f64` on the CPU as the twin of the fused one.
//!
//! Parameters travel to the device and gradients back with every step, as one vector each; all between lies in Candle's
//! graph of the step and is dropped with it.

mod batch;
mod heads;
mod layers;
mod physics;

use candle_core::{DType, Device, Tensor, Var, WithDType};
use num_complex::Complex;

use crate::error::{Error, Result};
use crate::job::Stop;
use crate::nn::architecture::Architecture;
use crate::nn::settings::Model;
use crate::nn::stepper::{Batch, Losses, Prediction, Stepper, StepperSettings};

pub use batch::HostBatch;
use batch::{DeviceBatch, Target};
use layers::Layers;
use physics::{Drawn, Physics};

/// Network and physics on any device.
pub struct DeviceStepper {
    architecture: Architecture,
    settings: StepperSettings,
    layers: Layers,
    physics: Physics,
    device: Device,
    dtype: DType,
}

impl DeviceStepper {
    /// Put probe and constants on the device; parameters and batches come with each step.
    ///
    /// # Errors
    /// [`crate::Error::Run`] with the device's words; [`crate::Error::Invalid`] for double precision on a device that has
    /// none, or a probe or canvas that does not suit the network.
    pub fn new(
        architecture: &Architecture,
        settings: StepperSettings,
        device: &Device,
        dtype: DType,
    ) -> Result<Self> {
        let probe: Vec<Complex<f64>> = settings
            .probe
            .iter()
            .map(|value| Complex::new(f64::from(value.re), f64::from(value.im)))
            .collect();
        Self::with_probe(architecture, settings, &probe, device, dtype)
    }

    /// As [`DeviceStepper::new`] with the probe in double precision, `(k, n, n)` as `settings.probe`.
    ///
    /// # Errors
    /// As [`DeviceStepper::new`].
    pub fn with_probe(
        architecture: &Architecture,
        settings: StepperSettings,
        probe: &[Complex<f64>],
        device: &Device,
        dtype: DType,
    ) -> Result<Self> {
        check(architecture, &settings, probe, device, dtype)?;
        let place = Place { dtype, device };
        let physics =
            Physics::new(architecture, &settings, probe, &place).map_err(in_words(device))?;
        Ok(Self {
            layers: Layers::new(architecture),
            architecture: architecture.clone(),
            settings,
            physics,
            device: device.clone(),
            dtype,
        })
    }

    /// As [`Stepper::gradient`], in double precision where the stepper is.
    ///
    /// # Errors
    /// [`crate::Error::Run`] with the device's words.
    pub fn gradient_f64(&self, parameters: &[f64], batch: &Batch) -> Result<(Losses, Vec<f64>)> {
        self.gradient_wide(
            parameters,
            &HostBatch::<f64>::from_batch(&self.architecture, batch),
        )
    }

    /// As [`DeviceStepper::gradient_f64`] for a batch in double precision.
    ///
    /// # Errors
    /// [`crate::Error::Run`] with the device's words; [`crate::Error::Invalid`] for lengths that do not suit the network.
    pub fn gradient_wide(
        &self,
        parameters: &[f64],
        batch: &HostBatch<f64>,
    ) -> Result<(Losses, Vec<f64>)> {
        let done = self.losses_and_gradient(parameters, batch, &Stop::default())?;
        done.ok_or(Error::Cancelled)
    }

    fn place(&self) -> Place<'_> {
        Place {
            dtype: self.dtype,
            device: &self.device,
        }
    }

    /// The parameters on the device, one tensor for each entry; followed by the graph where `followed`.
    fn parameters<T: WithDType>(
        &self,
        values: &[T],
        followed: bool,
    ) -> candle_core::Result<Vec<Tensor>> {
        let flat = Tensor::from_slice(values, values.len(), &self.device)?.to_dtype(self.dtype)?;
        self.architecture
            .entries()
            .iter()
            .map(|entry| {
                let part = flat.narrow(0, entry.start, entry.len())?;
                let part = part.reshape(entry.shape.as_slice())?;
                if followed {
                    Ok(Var::from_tensor(&part)?.into_inner())
                } else {
                    Ok(part)
                }
            })
            .collect()
    }

    fn check_lengths(&self, n_parameters: usize, n_groups: usize) -> Result<()> {
        let expected = self.architecture.n_parameters();
        if n_parameters != expected {
            return Err(Error::invalid(
                ATTEMPTED,
                "parameters",
                expected.to_string(),
                n_parameters.to_string(),
            ));
        }
        let most = self.settings.largest_batch;
        if !(1..=most).contains(&n_groups) {
            return Err(Error::invalid(
                ATTEMPTED,
                "n_groups",
                format!("1 to {most}"),
                n_groups.to_string(),
            ));
        }
        Ok(())
    }

    fn losses_and_gradient<T: WithDType>(
        &self,
        parameters: &[T],
        batch: &HostBatch<T>,
        stop: &Stop,
    ) -> Result<Option<(Losses, Vec<T>)>> {
        self.check_lengths(parameters.len(), batch.n_groups)?;
        batch.check(&self.architecture, true)?;
        let run = || -> candle_core::Result<_> {
            let parameters = self.parameters(parameters, true)?;
            let Some(drawn) = self.draw(&parameters, batch, stop)? else {
                return Ok(None);
            };
            if stop.is_requested() {
                return Ok(None);
            }
            let found = drawn.root.backward()?;
            let mut gradient = Vec::with_capacity(self.architecture.n_parameters());
            let parts = parameters
                .iter()
                .map(|parameter| match found.get(parameter) {
                    Some(part) => part.flatten_all(),
                    None => parameter.zeros_like()?.flatten_all(),
                })
                .collect::<candle_core::Result<Vec<_>>>()?;
            let flat = Tensor::cat(&parts, 0)?.detach().to_dtype(T::DTYPE)?;
            gradient.extend(flat.to_vec1::<T>()?);
            Ok(Some((drawn.losses, gradient)))
        };
        run().map_err(in_words(&self.device))
    }

    fn draw<T: WithDType>(
        &self,
        parameters: &[Tensor],
        batch: &HostBatch<T>,
        stop: &Stop,
    ) -> candle_core::Result<Option<Drawn>> {
        let batch = DeviceBatch::new(&self.architecture, batch, &self.place())?;
        let Some(heads) = self.layers.forward(parameters, &batch.input, stop)? else {
            return Ok(None);
        };
        let drawn = match &batch.target {
            Target::Measured(measured) => {
                let probe = parameters.get(self.layers.n_parameters());
                self.physics.pinn(&heads, measured, probe)?
            }
            Target::Truth(truth) => self.physics.baseline(&heads, Some(truth))?,
            Target::Unknown => self.physics.baseline(&heads, None)?,
        };
        Ok(Some(drawn))
    }

    /// A pass forward: losses where the batch has what they need, and what the network draws.
    fn look(
        &self,
        parameters: &[f32],
        batch: &HostBatch<f32>,
        prediction: Option<&mut Prediction>,
        stop: &Stop,
    ) -> Result<Option<Losses>> {
        self.check_lengths(parameters.len(), batch.n_groups)?;
        let run = || -> candle_core::Result<_> {
            let parameters = self.parameters(parameters, false)?;
            let Some(drawn) = self.draw(&parameters, batch, stop)? else {
                return Ok(None);
            };
            if let Some(prediction) = prediction {
                self.physics.download(&drawn, prediction)?;
            }
            Ok(Some(drawn.losses))
        };
        run().map_err(in_words(&self.device))
    }
}

impl Stepper for DeviceStepper {
    fn gradient(
        &mut self,
        parameters: &[f32],
        batch: &Batch,
        gradient: &mut [f32],
        stop: &Stop,
    ) -> Result<Option<Losses>> {
        let batch = HostBatch::<f32>::from_batch(&self.architecture, batch);
        let Some((losses, found)) = self.losses_and_gradient(parameters, &batch, stop)? else {
            return Ok(None);
        };
        self.check_lengths(gradient.len(), batch.n_groups)?;
        gradient.copy_from_slice(&found);
        Ok(Some(losses))
    }

    fn evaluate(
        &mut self,
        parameters: &[f32],
        batch: &Batch,
        prediction: Option<&mut Prediction>,
        stop: &Stop,
    ) -> Result<Option<Losses>> {
        let batch = HostBatch::from_batch(&self.architecture, batch);
        batch.check(&self.architecture, true)?;
        self.look(parameters, &batch, prediction, stop)
    }

    fn predict(
        &mut self,
        parameters: &[f32],
        batch: &Batch,
        prediction: &mut Prediction,
        stop: &Stop,
    ) -> Result<Option<()>> {
        let mut batch = HostBatch::from_batch(&self.architecture, batch);
        batch.truth.clear();
        batch.check(&self.architecture, false)?;
        let seen = self.look(parameters, &batch, Some(prediction), stop)?;
        Ok(seen.map(|_| ()))
    }

    fn largest_batch(&self) -> usize {
        self.settings.largest_batch
    }

    /// What a step is expected to take on the device: Candle's allocations cannot be asked.
    fn n_bytes(&self) -> usize {
        let n_parameters = self.architecture.n_parameters();
        let n_groups = self.settings.largest_batch;
        let n_values = self.layers.n_values(self.settings.trains) + self.physics.n_values();
        self.dtype.size_in_bytes() * (3 * n_parameters + n_groups * n_values)
    }
}

/// Where tensors lie and of which type they are.
struct Place<'a> {
    dtype: DType,
    device: &'a Device,
}

const ATTEMPTED: &str = "compute a step on the device";

fn in_words(device: &Device) -> impl FnOnce(candle_core::Error) -> Error {
    let name = match device {
        Device::Cpu => "processor",
        Device::Cuda(_) => "CUDA device",
        Device::Metal(_) => "Metal device",
    };
    move |error| Error::Run(format!("the {name} failed: {error}"))
}

fn check(
    architecture: &Architecture,
    settings: &StepperSettings,
    probe: &[Complex<f64>],
    device: &Device,
    dtype: DType,
) -> Result<()> {
    settings.check(architecture)?;
    let refuse = |key: &str, expected: &str, found: String| {
        Err(Error::invalid(ATTEMPTED, key, expected, found))
    };
    let single = dtype == DType::F32;
    if !(single || dtype == DType::F64 && device.is_cpu()) {
        let expected = "single precision, or double on the CPU";
        return refuse("dtype", expected, dtype.as_str().to_owned());
    }
    let n_values = settings.probe.len();
    if architecture.model == Model::Pinn && probe.len() != n_values {
        let expected = format!("{n_values} values");
        return refuse("probe", &expected, probe.len().to_string());
    }
    Ok(())
}
