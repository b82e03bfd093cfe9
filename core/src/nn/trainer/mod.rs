//! The engine that [`crate::job::drive`] runs: one step is one batch, of training, of validation or of a preview.
//!
//! An epoch is its training batches, in an order drawn for (seed, epoch), then an evaluation: the loss of all validation
//! groups, and how varied the stitched object is. What an epoch does depends on data and settings alone, so that a resumed
//! training equals a straight one. Previews are for the eye: they come at most every [`PREVIEW_INTERVAL`] and take at most
//! a [`PREVIEW_SHARE`] of the time, once at the start and once at the end in any case, and change nothing.

mod checkpoint;
mod evaluation;
mod prepare;
mod state;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ndarray::Array2;
use num_complex::Complex32;
use rand::seq::SliceRandom as _;

use self::checkpoint::Identity;
use self::evaluation::{Evaluation, Pace};
use self::state::{Kept, State};
use crate::compute::Compute;
use crate::error::Result;
use crate::job::{Engine, Progress, Step, Stop};
use crate::nn::architecture::Architecture;
use crate::nn::bundle::Bundle;
use crate::nn::collapse;
use crate::nn::history::{EpochRecord, StepRecord, TrainingHistory, finite};
use crate::nn::optimiser::{clip_factor, norm};
use crate::nn::parameters::Parameters;
use crate::nn::samples::{Normalisation, Samples};
use crate::nn::settings::{Loss, Model, TrainSettings};
use crate::nn::stepper::{self, Batch, Losses, Prediction, Stepper, StepperSettings};
use crate::rng::{Purpose, stream_at};

pub use self::prepare::{Prepared, prepare};

/// The shortest time between two previews.
pub const PREVIEW_INTERVAL: Duration = Duration::from_secs(2);
/// The greatest share of the time that previews take.
pub const PREVIEW_SHARE: f64 = 0.05;
/// Groups that a preview's object is stitched of, at most; fewer where they would take more than a second.
pub const PREVIEW_GROUPS: usize = 256;
/// Groups of which the spread of the object is measured after an epoch: all of validation, and training groups up to this.
pub const MEASURED_GROUPS: usize = 64;

/// One validation pattern and what the network makes of it, and the object so far.
#[derive(Clone, Debug)]
pub struct TrainPreview {
    /// The epoch after which it was made, counted from 1; 0 before the first.
    pub epoch: usize,
    /// Measured amplitude of the pattern, `(n, n)`, √counts; 0 where the detector is masked.
    pub measured: Array2<f32>,
    /// Predicted amplitude, `(n, n)`, √counts; empty for the baseline.
    pub predicted: Array2<f32>,
    /// What the network draws for the pattern's group, `(n, n)`.
    pub patch: Array2<Complex32>,
    /// The stitched object so far in the object frame, and how often each pixel was seen.
    pub object: Array2<Complex32>,
    /// Sum of the weights of the patches over each pixel.
    pub coverage: Array2<f32>,
}

/// What a window shows of a running training.
#[derive(Clone, Debug)]
pub struct TrainSnapshot {
    /// The course so far.
    pub history: Arc<TrainingHistory>,
    /// The newest preview, if there is one.
    pub preview: Option<Arc<TrainPreview>>,
    /// Training groups a second: batch / median step, without validation and previews.
    pub samples_per_s: f64,
}

/// A training under way.
pub struct Trainer {
    settings: TrainSettings,
    architecture: Architecture,
    normalisation: Normalisation,
    train: Samples,
    validation: Samples,
    identity: Identity,
    pool: rayon::ThreadPool,
    stepper: Box<dyn Stepper>,
    /// What a checkpoint holds.
    state: State,
    /// Where to go back to after a NaN.
    last_good: Kept,
    trouble: Option<String>,
    /// Training groups in the order of this epoch.
    order: Vec<usize>,
    batch: Batch,
    gradient: Vec<f32>,
    prediction: Prediction,
    evaluation: Option<Evaluation>,
    preview: Option<Arc<TrainPreview>>,
    pace: Pace,
}

impl Trainer {
    /// Prepare a training from the start. Normalisation comes from `train` alone; the canvas holds both.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] if something does not fit together; [`crate::Error::Run`] if the device fails.
    pub fn new(
        settings: &TrainSettings,
        train: Samples,
        validation: Samples,
        compute: &Compute,
    ) -> Result<Self> {
        Self::with_stepper(settings, train, validation, compute, |architecture, of| {
            stepper::open(architecture, of, compute)
        })
    }

    /// As [`Trainer::new`], with a stepper of the caller's.
    ///
    /// # Errors
    /// As [`Trainer::new`].
    pub fn with_stepper(
        settings: &TrainSettings,
        train: Samples,
        validation: Samples,
        compute: &Compute,
        open: impl FnOnce(&Architecture, StepperSettings) -> Result<Box<dyn Stepper>>,
    ) -> Result<Self> {
        let prepared = prepare(settings, &train, &validation, compute)?;
        let Prepared {
            architecture,
            normalisation,
            stepper,
        } = prepared;
        let mut parameters = Parameters::first(&architecture, settings.seed);
        parameters.set_probe(&stepper.probe);
        let n_parameters = parameters.values().len();
        let largest_batch = stepper.largest_batch;
        let steps_per_epoch = train.n_groups().div_ceil(settings.batch_size);
        let state = State::new(settings, parameters, steps_per_epoch);
        Ok(Self {
            identity: Identity::of(settings, &train, &validation),
            pool: compute.pool()?,
            stepper: open(&architecture, stepper)?,
            last_good: state.keep(),
            trouble: None,
            order: order(settings.seed, 0, train.n_groups()),
            batch: train.room(largest_batch),
            gradient: vec![0.0; n_parameters],
            prediction: Prediction::default(),
            evaluation: None,
            preview: None,
            pace: Pace::default(),
            settings: settings.clone(),
            architecture,
            normalisation,
            train,
            validation,
            state,
        })
    }

    /// Go on from a checkpoint; `settings.epochs` is the new total, all else must be as it was.
    ///
    /// # Errors
    /// As [`Trainer::new`]; [`crate::Error::Refused`] if the file is none of ours.
    pub fn resume(
        settings: &TrainSettings,
        train: Samples,
        validation: Samples,
        compute: &Compute,
        checkpoint: &Path,
    ) -> Result<Self> {
        Self::new(settings, train, validation, compute)?.at(checkpoint)
    }

    /// The same training where a checkpoint left it.
    ///
    /// # Errors
    /// As [`Trainer::resume`].
    pub fn at(mut self, checkpoint: &Path) -> Result<Self> {
        self.state = checkpoint::read(checkpoint, &self.identity, self.state)?;
        self.last_good = self.state.keep();
        self.order = order(self.settings.seed, self.state.epoch, self.train.n_groups());
        Ok(self)
    }

    /// The course so far.
    pub fn history(&self) -> &TrainingHistory {
        &self.state.history
    }

    /// Groups a second: batch / median step, without validation and previews; 0 before the first step.
    pub fn samples_per_s(&self) -> f64 {
        self.pace
            .samples_per_s(self.train.n_groups().min(self.settings.batch_size))
    }

    /// Layers.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// Normalisation of the training groups.
    pub fn normalisation(&self) -> Normalisation {
        self.normalisation
    }

    /// Bytes that the training holds, data aside.
    pub fn n_bytes(&self) -> usize {
        // Parameters, gradient, two moments, the same kept with the best: eight vectors.
        self.stepper.n_bytes() + 8 * size_of_val(&self.gradient[..])
    }

    /// Parameters as they are.
    pub fn last(&self) -> Bundle {
        self.bundle(self.state.parameters.clone(), self.state.epoch)
    }

    /// Parameters of the best epoch by validation loss (by training loss where there is no validation); as they are before
    /// there is an epoch.
    pub fn best(&self) -> Bundle {
        let best = self.state.best.as_ref().and_then(|best| {
            let parameters = Parameters::of(&self.architecture, best.parameters.clone())?;
            Some(self.bundle(parameters, best.epoch))
        });
        best.unwrap_or_else(|| self.last())
    }

    fn bundle(&self, parameters: Parameters, epoch: usize) -> Bundle {
        Bundle {
            architecture: self.architecture.clone(),
            parameters,
            normalisation: self.normalisation,
            probe: self.train.dataset.probe().clone(),
            settings: self.settings.clone(),
            group_reach_px: self.train.groups.reach_px(),
            data_sha256: self.identity.train_sha256.clone(),
            epoch,
        }
    }

    /// One batch: gradient, clipping, Adam.
    fn train_batch(&mut self, stop: &Stop) -> Result<Step> {
        let start = Instant::now();
        let first = self.state.step * self.settings.batch_size;
        let end = self.order.len().min(first + self.settings.batch_size);
        let which = &self.order[first..end];
        let (train, batch) = (&self.train, &mut self.batch);
        self.pool
            .install(|| train.fill(which, &self.normalisation, batch));
        let parameters = self.state.parameters.values();
        let gradient = &mut self.gradient;
        let Some(losses) = self
            .stepper
            .gradient(parameters, &self.batch, gradient, stop)?
        else {
            return Ok(Step::Dropped);
        };
        let length = self.pool.install(|| norm(&self.gradient));
        let lr = self.state.lr();
        self.state.record(StepRecord {
            loss: finite(self.chosen(&losses)),
            objective: finite(losses.objective),
            lr,
            gradient_norm: finite(length),
        });
        if !(losses.objective.is_finite() && length.is_finite()) {
            self.trouble = Some(self.words_of_trouble(&losses, length));
            return Ok(Step::Within);
        }
        let factor = clip_factor(length, self.settings.clip_norm);
        let state = &mut self.state;
        self.pool.install(|| {
            let parameters = state.parameters.values_mut();
            state.adam.step(parameters, &self.gradient, lr, factor);
        });
        let n_groups = end - first;
        let seconds = start.elapsed().as_secs_f64();
        state.sums.add(&losses, n_groups, seconds);
        state.step += 1;
        if n_groups == self.settings.batch_size.min(self.order.len()) {
            self.pace.add_step(seconds);
        }
        Ok(Step::Within)
    }

    fn words_of_trouble(&self, losses: &Losses, gradient_norm: f64) -> String {
        let step = self.state.steps_done() + 1;
        let what = if losses.objective.is_finite() {
            format!("the norm of the gradient is {gradient_norm}")
        } else {
            format!("the loss is {}", losses.objective)
        };
        format!("{what} in step {step}; a smaller --lr or a --clip-norm may help")
    }

    /// The loss that the settings chose, in natural units.
    fn chosen(&self, losses: &Losses) -> f64 {
        match (self.settings.model, self.settings.loss) {
            (Model::Pinn, Loss::Nll) => losses.nll,
            (Model::Pinn, Loss::Mae) | (Model::Baseline, _) => losses.mae,
        }
    }

    /// Begin the evaluation that ends an epoch, or a preview if one is due.
    fn begin_evaluation(&mut self) {
        let ends_epoch = self.state.step == self.state.steps_per_epoch;
        let is_last = self.state.epoch + 1 == self.settings.epochs;
        let draws = (ends_epoch && is_last) || self.pace.is_preview_due();
        if ends_epoch || draws {
            let limit = draws.then(|| self.pace.preview_groups());
            let (train, validation) = (&self.train, &self.validation);
            let evaluation = Evaluation::new(train, validation, self.batch.input.n_batch());
            self.evaluation = Some(evaluation.with_parts(train, ends_epoch, limit));
        }
    }

    /// One batch of the evaluation; the last one ends it.
    fn evaluate(&mut self, mut evaluation: Evaluation, stop: &Stop) -> Result<Step> {
        let start = Instant::now();
        if let Some((is_validation, which)) = evaluation.next() {
            let samples = if is_validation {
                &self.validation
            } else {
                &self.train
            };
            let (batch, prediction) = (&mut self.batch, &mut self.prediction);
            self.pool
                .install(|| samples.fill(which, &self.normalisation, batch));
            let parameters = self.state.parameters.values();
            let losses = self
                .stepper
                .evaluate(parameters, &self.batch, Some(prediction), stop)?;
            let Some(losses) = losses else {
                self.evaluation = Some(evaluation);
                return Ok(Step::Dropped);
            };
            evaluation.add(samples, &self.batch, &self.prediction, &losses);
            let n_groups = self.batch.n_groups;
            self.pace.add_evaluation(n_groups, start.elapsed());
        }
        if !evaluation.is_done() {
            self.evaluation = Some(evaluation);
            return Ok(Step::Within);
        }
        Ok(self.end_evaluation(&evaluation))
    }

    fn end_evaluation(&mut self, evaluation: &Evaluation) -> Step {
        let epoch = self.state.epoch + usize::from(evaluation.ends_epoch());
        if let Some(preview) = evaluation.preview(epoch) {
            self.preview = Some(Arc::new(preview));
            self.pace.end_preview(evaluation.drawing());
        }
        if evaluation.ends_epoch() {
            return self.end_epoch(evaluation);
        }
        Step::Within
    }

    /// Enter the epoch in the history, and keep what is to be kept.
    fn end_epoch(&mut self, evaluation: &Evaluation) -> Step {
        let validation = evaluation.validation().map(|losses| self.chosen(&losses));
        if let Some(loss) = validation.filter(|loss| !loss.is_finite()) {
            self.trouble = Some(format!("the validation loss is {loss} after the epoch"));
            return Step::Within;
        }
        let state = &mut self.state;
        let epoch = state.epoch + 1;
        let means = state.sums.means();
        let spread = evaluation.spread();
        let pattern_correlation = evaluation.pattern_correlation();
        let is_flat = spread.is_some_and(|spread| collapse::is_flat(spread, pattern_correlation));
        let lr = state.history.steps.last().map_or(0.0, |step| step.lr);
        let steps = epoch * state.steps_per_epoch;
        let seconds = state.sums.seconds();
        let record = EpochRecord {
            epoch,
            steps,
            loss: finite(self.chosen(&means)),
            nll: finite(means.nll),
            mae: finite(means.mae),
            validation,
            lr,
            seconds,
            amplitude_spread: spread.and_then(|spread| finite(spread.deviation)),
            amplitude_mean: spread.and_then(|spread| finite(spread.mean)),
            amplitude_correlation: evaluation.amplitude_correlation(),
            pattern_correlation,
            collapsed: is_flat && collapse::FIRST_EPOCHS <= epoch,
        };
        let loss = validation.unwrap_or_else(|| self.chosen(&means));
        self.state.end_epoch(record, loss, self.settings.early_stop);
        self.order = order(self.settings.seed, self.state.epoch, self.train.n_groups());
        self.state.keep_in(&mut self.last_good);
        Step::EpochEnd
    }
}

impl Engine for Trainer {
    type Snapshot = TrainSnapshot;

    fn step(&mut self, stop: &Stop) -> Result<Step> {
        if stop.is_requested() {
            return Ok(Step::Dropped);
        }
        if self.evaluation.is_none() {
            self.begin_evaluation();
        }
        match self.evaluation.take() {
            Some(evaluation) => self.evaluate(evaluation, stop),
            None => self.train_batch(stop),
        }
    }

    fn is_finished(&self) -> bool {
        self.settings.epochs <= self.state.epoch || self.state.history.stopped_early
    }

    fn progress(&self) -> Progress {
        let last = self.state.history.epochs.last();
        Progress {
            epoch: self.state.epoch,
            n_epochs: self.settings.epochs,
            epoch_share: self.state.step as f64 / self.state.steps_per_epoch.max(1) as f64,
            loss: last.and_then(|epoch| epoch.loss).unwrap_or(f64::NAN),
            rate_per_s: self.samples_per_s(),
        }
    }

    fn snapshot(&self) -> TrainSnapshot {
        TrainSnapshot {
            history: Arc::clone(&self.state.history),
            preview: self.preview.clone(),
            samples_per_s: self.samples_per_s(),
        }
    }

    fn health(&self) -> Option<String> {
        self.trouble.clone()
    }

    /// Back to the end of the last whole epoch, or to the checkpoint that the training went on from. The history keeps the
    /// steps since, so that they can be looked at; a checkpoint does not.
    fn restore_last_good(&mut self) {
        self.state.restore(&self.last_good);
        self.order = order(self.settings.seed, self.state.epoch, self.train.n_groups());
        self.evaluation = None;
        self.trouble = None;
    }

    fn checkpoint(&self, file: &Path) -> Result<()> {
        checkpoint::write(file, &self.identity, &self.state)
    }
}

/// The training groups in the order of an epoch, counted from 0.
fn order(seed: u64, epoch: usize, n_groups: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n_groups).collect();
    order.shuffle(&mut stream_at(seed, Purpose::Batches, epoch as u64));
    order
}
