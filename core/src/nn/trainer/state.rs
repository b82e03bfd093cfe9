//! The state of a training: all that its further course depends on.

use std::sync::Arc;

use super::{EpochRecord, StepRecord, TrainingHistory};
use crate::nn::optimiser::Adam;
use crate::nn::parameters::Parameters;
use crate::nn::schedule::{LearningRate, PlateauState};
use crate::nn::settings::{Loss, Model, TrainSettings};
use crate::nn::stepper::Losses;

/// Sums over the steps of an epoch so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sums {
    n_groups: f64,
    losses: Losses,
    seconds: f64,
}

impl Sums {
    pub(super) fn add(&mut self, of: &Losses, n_groups: usize, seconds: f64) {
        let n = n_groups as f64;
        self.n_groups += n;
        self.seconds += seconds;
        let sums = &mut self.losses;
        sums.objective += n * of.objective;
        sums.nll += n * of.nll;
        sums.mae += n * of.mae;
        sums.tv += n * of.tv;
    }

    /// Means over the groups; NaN before there is one.
    pub(super) fn means(&self) -> Losses {
        Losses {
            objective: self.losses.objective / self.n_groups,
            nll: self.losses.nll / self.n_groups,
            mae: self.losses.mae / self.n_groups,
            tv: self.losses.tv / self.n_groups,
        }
    }

    pub(super) fn n_groups(&self) -> f64 {
        self.n_groups
    }

    pub(super) fn seconds(&self) -> f64 {
        self.seconds
    }

    pub(super) fn to_array(self) -> [f64; 6] {
        let Losses {
            objective,
            nll,
            mae,
            tv,
        } = self.losses;
        [self.n_groups, self.seconds, objective, nll, mae, tv]
    }

    pub(super) fn from_array([n_groups, seconds, objective, nll, mae, tv]: [f64; 6]) -> Self {
        Self {
            n_groups,
            losses: Losses {
                objective,
                nll,
                mae,
                tv,
            },
            seconds,
        }
    }
}

/// The parameters of the best epoch.
#[derive(Clone, Debug)]
pub(super) struct Best {
    pub(super) parameters: Vec<f32>,
    /// Counted from 1.
    pub(super) epoch: usize,
}

/// All that the further course depends on, beside data and settings.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) parameters: Parameters,
    pub(super) adam: Adam,
    pub(super) rate: LearningRate,
    /// Whole epochs done.
    pub(super) epoch: usize,
    /// Steps done of the next one.
    pub(super) step: usize,
    pub(super) steps_per_epoch: usize,
    pub(super) sums: Sums,
    pub(super) history: Arc<TrainingHistory>,
    pub(super) best: Option<Best>,
}

/// A state to go back to; the history stays.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    parameters: Vec<f32>,
    adam: Adam,
    rate: PlateauState,
    epoch: usize,
    step: usize,
    sums: Sums,
}

impl State {
    pub(super) fn new(
        settings: &TrainSettings,
        parameters: Parameters,
        steps_per_epoch: usize,
    ) -> Self {
        let loss_name = match (settings.model, settings.loss) {
            (Model::Pinn, Loss::Nll) => "nll",
            (Model::Pinn, Loss::Mae) | (Model::Baseline, _) => "mae",
        };
        Self {
            adam: Adam::new(parameters.values().len()),
            parameters,
            rate: LearningRate::new(settings, steps_per_epoch),
            epoch: 0,
            step: 0,
            steps_per_epoch,
            sums: Sums::default(),
            history: Arc::new(TrainingHistory {
                loss_name: loss_name.to_owned(),
                ..TrainingHistory::default()
            }),
            best: None,
        }
    }

    /// Steps done in all.
    pub(super) fn steps_done(&self) -> usize {
        self.epoch * self.steps_per_epoch + self.step
    }

    /// The learning rate of the next step.
    pub(super) fn lr(&self) -> f64 {
        self.rate.at(self.steps_done())
    }

    /// Enter the next step; what was entered beyond it before going back to a good state is lost.
    pub(super) fn record(&mut self, step: StepRecord) {
        let n = self.steps_done();
        let history = Arc::make_mut(&mut self.history);
        history.steps.truncate(n);
        history.steps.push(step);
    }

    /// Enter an epoch whose loss for schedule, best and early stop is `loss`.
    pub(super) fn end_epoch(&mut self, record: EpochRecord, loss: f64, early_stop: usize) {
        self.epoch += 1;
        self.step = 0;
        self.sums = Sums::default();
        let is_best = self.rate.end_epoch(loss);
        let history = Arc::make_mut(&mut self.history);
        history.epochs.push(record);
        let waited = self.rate.state.n_since_best;
        history.stopped_early = 0 < early_stop && early_stop <= waited;
        if is_best {
            history.best_epoch = Some(self.epoch);
            let best = self.best.get_or_insert_with(|| Best {
                parameters: Vec::new(),
                epoch: 0,
            });
            best.epoch = self.epoch;
            best.parameters.clear();
            best.parameters.extend_from_slice(self.parameters.values());
        }
    }

    pub(super) fn keep(&self) -> Kept {
        Kept {
            parameters: self.parameters.values().to_vec(),
            adam: self.adam.clone(),
            rate: self.rate.state,
            epoch: self.epoch,
            step: self.step,
            sums: self.sums,
        }
    }

    /// As [`State::keep`], into memory that is there.
    pub(super) fn keep_in(&self, kept: &mut Kept) {
        kept.parameters.copy_from_slice(self.parameters.values());
        kept.adam.m.copy_from_slice(&self.adam.m);
        kept.adam.v.copy_from_slice(&self.adam.v);
        kept.adam.n_steps = self.adam.n_steps;
        (kept.rate, kept.sums) = (self.rate.state, self.sums);
        (kept.epoch, kept.step) = (self.epoch, self.step);
    }

    pub(super) fn restore(&mut self, kept: &Kept) {
        self.parameters
            .values_mut()
            .copy_from_slice(&kept.parameters);
        self.adam.clone_from(&kept.adam);
        (self.rate.state, self.sums) = (kept.rate, kept.sums);
        (self.epoch, self.step) = (kept.epoch, kept.step);
    }
}
