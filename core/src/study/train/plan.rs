//! What a training would be, before it starts.

use std::sync::Arc;
use std::time::Instant;

use crate::compute::Compute;
use crate::data::Dataset;
use crate::error::Result;
use crate::job::Stop;
use crate::nn::parameters::Parameters;
use crate::nn::samples::Samples;
use crate::nn::stepper::{self, Objective, Stepper, StepperSettings};
use crate::nn::{Architecture, TrainSettings};

use super::{TrainData, TrainPlan, TrainTask};

/// Multiplications of a trial step, forward, that keep it near a tenth of a second on two cores.
const TRIAL_MULTIPLICATIONS: u64 = 2_000_000_000;
/// A pass forward and back costs so many passes forward, by the multiplications.
const FORWARD_PASSES_OF_A_STEP: f64 = 3.0;
/// Vectors of all parameters: values, gradient, two moments, best, last good one with its moments.
const N_PARAMETER_VECTORS: u64 = 8;
/// Bytes of an object pixel while it is stitched for a preview: sums, weights, the picture and its coverage.
const STITCHED_BYTES: u64 = 16 + 8 + 8 + 4;
/// Program, libraries and threads.
const N_BYTES_BASE: u64 = 64 << 20;

/// What the task would do with these data.
///
/// Memory and time are measured on steppers for a few groups, of which a step is tried, and scaled to the whole training;
/// the time holds for this device as busy as it is now.
///
/// # Errors
/// [`crate::Error::Invalid`] if it could not run.
pub fn plan(
    task: &TrainTask,
    train: &Arc<Dataset>,
    validation: Option<&Arc<Dataset>>,
) -> Result<TrainPlan> {
    task.check()?;
    let compute = Compute::open(task.device, task.n_threads)?;
    let data = TrainData {
        train: Arc::clone(train),
        validation: validation.cloned(),
        repairs: Vec::new(),
    };
    let (train, validation) = data.samples(task)?;
    let settings = &task.settings;
    let n_modes = train.dataset.probe().dim().0;
    let architecture = Architecture::new(settings, train.dataset.n(), n_modes)?;
    let n_groups = train.n_groups();
    let batch = settings.batch_size.min(n_groups);
    let canvas_px = train.canvas_px().max(validation.canvas_px());
    let trial = Trial::of(&architecture, &train, canvas_px, &compute)?;
    let steps_per_epoch = n_groups.div_ceil(settings.batch_size);
    let per_epoch = n_groups as f64 + validation.n_groups() as f64 / FORWARD_PASSES_OF_A_STEP;
    let largest = |axis: usize| {
        let [of_train, of_validation] = [&train, &validation].map(Samples::largest_offset_px);
        of_train[axis].max(of_validation[axis])
    };
    let mut notes = train.notes.clone();
    if task.validation.is_some() {
        let of_file = |note: &String| format!("validation: {note}");
        notes.extend(validation.notes.iter().map(of_file));
    }
    notes.extend(little(settings, n_groups));
    Ok(TrainPlan {
        n: train.dataset.n(),
        n_patterns: train.dataset.n_patterns(),
        n_groups,
        n_validation_groups: validation.n_groups(),
        steps_per_epoch,
        n_steps: steps_per_epoch * settings.epochs,
        n_parameters: architecture.n_parameters(),
        canvas_px,
        largest_offset_px: [largest(0), largest(1)],
        n_bytes: trial.bytes_for(batch) + bytes_beside(&architecture, &train, batch),
        seconds_estimated: Some(trial.seconds_per_group * per_epoch * settings.epochs as f64),
        device: compute.name().to_owned(),
        device_reason: compute.reason().to_owned(),
        notes,
    })
}

fn little(settings: &TrainSettings, n_groups: usize) -> Option<String> {
    (n_groups < settings.batch_size).then(|| {
        format!(
            "batches of {n_groups} groups instead of {}: there are no more",
            settings.batch_size
        )
    })
}

/// What a training holds beside its stepper and the open dataset: parameters, a batch, the stitched preview.
fn bytes_beside(architecture: &Architecture, samples: &Samples, batch: usize) -> u64 {
    let room = samples.room(1);
    let values = room.input.values().len() * 4 + room.amplitude.len() * 4 + room.truth.len() * 8;
    let [height, width] = samples.dataset.object_shape();
    let parameters = architecture.n_parameters() as u64 * 4 * N_PARAMETER_VECTORS;
    let stitched = (height * width) as u64 * STITCHED_BYTES;
    N_BYTES_BASE + parameters + 2 * (batch * values) as u64 + stitched
}

/// One step on a few groups, and what it needs.
struct Trial {
    seconds_per_group: f64,
    /// Bytes of a stepper for one group, and for each further one.
    bytes: [u64; 2],
}

impl Trial {
    fn of(
        architecture: &Architecture,
        samples: &Samples,
        canvas_px: usize,
        compute: &Compute,
    ) -> Result<Self> {
        let per_group = architecture.n_multiplications().max(1);
        let wanted = (TRIAL_MULTIPLICATIONS / per_group).clamp(2, 16) as usize;
        let size = wanted.min(samples.n_groups()).max(1);
        let which: Vec<usize> = (0..size).collect();
        let few = samples.select(&which[..size.min(samples.n_groups())]);
        let normalisation = few.normalisation();
        let open = |largest_batch: usize| -> Result<Box<dyn Stepper>> {
            let settings = StepperSettings {
                largest_batch,
                canvas_px,
                probe: samples.dataset.probe().clone(),
                objective: Objective::NLL,
                trains: true,
                n_threads: compute.n_threads(),
            };
            stepper::open(architecture, settings, compute)
        };
        let one = open(1)?.n_bytes() as u64;
        let mut stepper = open(size.max(2))?;
        let further = (stepper.n_bytes() as u64).saturating_sub(one) / (size.max(2) as u64 - 1);
        let mut batch = few.room(size);
        compute
            .pool()?
            .install(|| few.fill(&which, &normalisation, &mut batch));
        let parameters = Parameters::first(architecture, 0);
        let mut gradient = vec![0.0; architecture.n_parameters()];
        let mut step = || -> Result<f64> {
            let start = Instant::now();
            stepper.gradient(parameters.values(), &batch, &mut gradient, &Stop::default())?;
            Ok(start.elapsed().as_secs_f64())
        };
        // The first step also finds its memory.
        let seconds = [step()?, step()?, step()?];
        let best = seconds.into_iter().fold(f64::INFINITY, f64::min);
        Ok(Self {
            seconds_per_group: best / size as f64,
            bytes: [one, further],
        })
    }

    fn bytes_for(&self, batch: usize) -> u64 {
        self.bytes[0] + self.bytes[1] * batch.saturating_sub(1) as u64
    }
}
