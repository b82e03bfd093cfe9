//! Network and physics on the CPU, on threads of their own.

use std::ops::Range;

use num_complex::Complex32;

use super::{LayerTime, Network, Weights, supervised};
use crate::error::{Error, Result};
use crate::job::Stop;
use crate::nn::architecture::{Architecture, Entry, Head, PROBE_ENTRY};
use crate::nn::parameters::rms_probe;
use crate::nn::physics::{Physics, merge_weights};
use crate::nn::settings::Model;
use crate::nn::stepper::{Batch, Losses, Objective, Prediction, Stepper, StepperSettings};
use crate::tensor::Activations;

const ATTEMPTED: &str = "compute a step";

/// Network and physics on the CPU.
pub struct CpuStepper {
    pool: rayon::ThreadPool,
    architecture: Architecture,
    n_parameters: usize,
    largest_batch: usize,
    trains: bool,
    network: Network,
    /// The parameters whose weights the layers hold for inference, if `is_loaded`.
    loaded: Vec<f32>,
    is_loaded: bool,
    measure: Measure,
    physics_s: f64,
    timed: bool,
}

/// What the network's heads are measured by.
enum Measure {
    Physics(Box<Illuminated>),
    Truth(Objective),
}

/// The physics and its probe.
struct Illuminated {
    physics: Physics,
    probe: Vec<Complex32>,
    trained: Option<TrainedProbe>,
}

struct TrainedProbe {
    range: Range<usize>,
    /// Unit of the parameters, √photons.
    rms: f32,
    gradient: Vec<Complex32>,
}

impl CpuStepper {
    /// Plan everything.
    ///
    /// # Errors
    /// [`crate::Error::Run`] if the system gives no threads; [`crate::Error::Invalid`] for a network that does not exist, or
    /// a probe, canvas or objective that does not suit it.
    pub fn new(architecture: &Architecture, settings: StepperSettings) -> Result<Self> {
        settings.check(architecture)?;
        let n_threads = settings.n_threads.max(1);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads)
            .thread_name(|i| format!("network {i}"))
            .build()
            .map_err(|error| Error::Run(format!("no threads for the network: {error}")))?;
        let largest_batch = settings.largest_batch;
        let measure = match architecture.model {
            Model::Baseline => Measure::Truth(settings.objective),
            Model::Pinn => Measure::Physics(Box::new(Illuminated::new(
                architecture,
                &settings,
                n_threads,
            ))),
        };
        Ok(Self {
            pool,
            n_parameters: architecture.n_parameters(),
            network: Network::new(architecture, largest_batch, n_threads, settings.trains),
            architecture: architecture.clone(),
            largest_batch,
            trains: settings.trains,
            loaded: Vec::with_capacity(architecture.n_parameters()),
            is_loaded: false,
            measure,
            physics_s: 0.0,
            timed: false,
        })
    }

    /// Begin to measure where the time goes.
    pub fn start_timing(&mut self) {
        self.network.start_timing();
        self.physics_s = 0.0;
        self.timed = true;
    }

    /// Seconds in every layer since [`CpuStepper::start_timing`], and in physics and losses.
    pub fn times(&self) -> (&[LayerTime], f64) {
        (self.network.times(), self.physics_s)
    }

    /// Whether a batch has all that is looked at: for losses also what the baseline is to learn.
    fn check_step(&self, n_parameters: usize, batch: &Batch, has_losses: bool) -> Result<()> {
        let Architecture { n, n_channels, .. } = self.architecture;
        let n_planes = batch.n_groups * n_channels;
        let input = &batch.input;
        let refuse = |key: &str, expected: String, found: String| {
            Err(Error::invalid(ATTEMPTED, key, expected, found))
        };
        if n_parameters != self.n_parameters {
            let expected = format!("{} values", self.n_parameters);
            return refuse("parameters", expected, n_parameters.to_string());
        }
        if !(1..=self.largest_batch).contains(&batch.n_groups) {
            let expected = format!("1 to {} groups", self.largest_batch);
            return refuse("batch", expected, batch.n_groups.to_string());
        }
        if (input.side(), input.n_channels()) != (n, n_channels) || input.n_batch() < batch.n_groups
        {
            let expected = format!("{} groups of {n_channels} x {n} x {n}", batch.n_groups);
            let found = (input.n_batch(), input.n_channels(), input.side());
            return refuse("input", expected, format!("{found:?}"));
        }
        let n_values = n_planes * n * n;
        let lengths: &[(&str, usize, usize)] = match self.architecture.model {
            Model::Pinn => &[
                ("amplitude", n_values, batch.amplitude.len()),
                ("relative_px", n_planes, batch.relative_px.len()),
            ],
            Model::Baseline if has_losses => &[("truth", n_values, batch.truth.len())],
            Model::Baseline => &[],
        };
        match lengths.iter().find(|(_, needed, found)| found < needed) {
            Some((key, needed, found)) => refuse(key, needed.to_string(), found.to_string()),
            None => Ok(()),
        }
    }

    /// Pass forward by the weights that are kept, where these parameters were the last ones, and look at what the heads
    /// drew; `None` if `stop` was seen.
    fn look<T: Send>(
        &mut self,
        parameters: &[f32],
        batch: &Batch,
        stop: &Stop,
        at: impl FnOnce(&mut Measure, &mut Heads<'_>) -> T + Send,
    ) -> Option<T> {
        let weights = if self.is_loaded && self.loaded == parameters {
            Weights::Kept
        } else {
            self.is_loaded = false;
            self.loaded.clear();
            self.loaded.extend_from_slice(parameters);
            Weights::Inference(parameters)
        };
        let Self {
            pool,
            network,
            measure,
            physics_s,
            timed,
            ..
        } = self;
        let seen = pool.install(|| {
            if !network.forward(weights, batch.n_groups, &batch.input, stop) {
                return None;
            }
            let began = timed.then(std::time::Instant::now);
            let seen = at(measure, &mut network.heads());
            *physics_s += began.map_or(0.0, |began| began.elapsed().as_secs_f64());
            Some(seen)
        });
        self.is_loaded |= seen.is_some();
        seen
    }
}

impl Stepper for CpuStepper {
    fn gradient(
        &mut self,
        parameters: &[f32],
        batch: &Batch,
        gradient: &mut [f32],
        stop: &Stop,
    ) -> Result<Option<Losses>> {
        self.check_step(parameters.len(), batch, true)?;
        if !self.trains || gradient.len() != self.n_parameters {
            return Err(Error::Run(
                "a stepper that was not planned for this gradient was asked for one".to_owned(),
            ));
        }
        // They are of use for no other step: an optimiser changes the parameters.
        self.is_loaded = false;
        let Self {
            pool,
            network,
            measure,
            physics_s,
            timed,
            ..
        } = self;
        let (n_groups, input) = (batch.n_groups, &batch.input);
        Ok(pool.install(|| {
            if !network.forward(Weights::Training(parameters), n_groups, input, stop) {
                return None;
            }
            let began = timed.then(std::time::Instant::now);
            let losses = measure.gradient(&mut network.heads(), parameters, batch, gradient);
            *physics_s += began.map_or(0.0, |began| began.elapsed().as_secs_f64());
            network
                .backward(n_groups, input, gradient, stop)
                .then_some(losses)
        }))
    }

    fn evaluate(
        &mut self,
        parameters: &[f32],
        batch: &Batch,
        prediction: Option<&mut Prediction>,
        stop: &Stop,
    ) -> Result<Option<Losses>> {
        self.check_step(parameters.len(), batch, true)?;
        Ok(self.look(parameters, batch, stop, |measure, heads| {
            measure.evaluate(heads, parameters, batch, prediction)
        }))
    }

    fn predict(
        &mut self,
        parameters: &[f32],
        batch: &Batch,
        prediction: &mut Prediction,
        stop: &Stop,
    ) -> Result<Option<()>> {
        self.check_step(parameters.len(), batch, false)?;
        Ok(self.look(parameters, batch, stop, |measure, heads| {
            measure.predict(heads, parameters, batch, prediction);
        }))
    }

    fn largest_batch(&self) -> usize {
        self.largest_batch
    }

    fn n_bytes(&self) -> usize {
        let measure = match &self.measure {
            Measure::Physics(illuminated) => illuminated.n_bytes(),
            Measure::Truth(_) => 0,
        };
        self.network.n_bytes() + self.loaded.capacity() * size_of::<f32>() + measure
    }
}

type Heads<'a> = [(Head, &'a Activations, &'a mut Activations)];

impl Measure {
    /// Losses; the heads take their gradient, and the end of `gradient` that of a trained probe.
    fn gradient(
        &mut self,
        heads: &mut Heads<'_>,
        parameters: &[f32],
        batch: &Batch,
        gradient: &mut [f32],
    ) -> Losses {
        match self {
            Self::Truth(objective) => supervised::losses(heads, batch, objective, true, None),
            Self::Physics(illuminated) => {
                let Illuminated {
                    physics,
                    probe,
                    trained,
                    ..
                } = illuminated.as_mut();
                let Some(trained) = trained else {
                    return physics.losses(heads, batch, probe, true, None, None);
                };
                trained.take(parameters, probe);
                let d_probe = Some(&mut trained.gradient[..]);
                let losses = physics.losses(heads, batch, probe, true, d_probe, None);
                trained.put_gradient(gradient);
                losses
            }
        }
    }

    fn evaluate(
        &mut self,
        heads: &mut Heads<'_>,
        parameters: &[f32],
        batch: &Batch,
        prediction: Option<&mut Prediction>,
    ) -> Losses {
        match self {
            Self::Truth(objective) => {
                supervised::losses(heads, batch, objective, false, prediction)
            }
            Self::Physics(illuminated) => {
                if let Some(trained) = &illuminated.trained {
                    trained.take(parameters, &mut illuminated.probe);
                }
                let Illuminated { physics, probe, .. } = illuminated.as_mut();
                physics.losses(heads, batch, probe, false, None, prediction)
            }
        }
    }

    /// What the network draws; the baseline without a look at any truth.
    fn predict(
        &mut self,
        heads: &mut Heads<'_>,
        parameters: &[f32],
        batch: &Batch,
        prediction: &mut Prediction,
    ) {
        match self {
            Self::Truth(_) => supervised::predict(heads, batch.n_groups, prediction),
            Self::Physics(_) => {
                self.evaluate(heads, parameters, batch, Some(prediction));
            }
        }
    }
}

impl Illuminated {
    fn new(architecture: &Architecture, settings: &StepperSettings, n_threads: usize) -> Self {
        let probe: Vec<Complex32> = settings.probe.iter().copied().collect();
        let entry = architecture
            .entries()
            .into_iter()
            .find(|entry| entry.name == PROBE_ENTRY);
        let trained = entry.as_ref().map(Entry::range).map(|range| TrainedProbe {
            range,
            rms: rms_probe(&settings.probe),
            gradient: vec![Complex32::default(); probe.len()],
        });
        let physics = Physics::new(
            architecture,
            settings.canvas_px,
            settings.probe.dim().0,
            settings.objective,
            n_threads,
        );
        let weights = merge_weights(architecture, &settings.probe);
        let trains_probe = settings.trains && trained.is_some();
        Self {
            physics: physics
                .with_merge_weights(weights.as_ref())
                .with_room(settings.largest_batch, trains_probe),
            probe,
            trained,
        }
    }

    fn n_bytes(&self) -> usize {
        let gradient = self.trained.as_ref().map_or(0, |t| t.gradient.len());
        size_of::<Complex32>() * (self.probe.len() + gradient) + self.physics.n_bytes()
    }
}

impl TrainedProbe {
    /// The probe of these parameters, in √photons.
    fn take(&self, parameters: &[f32], probe: &mut [Complex32]) {
        let (pairs, _) = parameters[self.range.clone()].as_chunks::<2>();
        for (value, [re, im]) in probe.iter_mut().zip(pairs) {
            *value = Complex32::new(self.rms * re, self.rms * im);
        }
    }

    fn put_gradient(&self, gradient: &mut [f32]) {
        let (pairs, _) = gradient[self.range.clone()].as_chunks_mut::<2>();
        for (pair, value) in pairs.iter_mut().zip(&self.gradient) {
            *pair = [self.rms * value.re, self.rms * value.im];
        }
    }
}
