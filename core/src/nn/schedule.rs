//! Learning rates by epoch and step.

use serde::{Deserialize, Serialize};

use crate::nn::settings::{Schedule, TrainSettings};

/// The learning rate's course: what it depends on beside the settings.
#[derive(Clone, Debug, PartialEq)]
pub struct LearningRate {
    schedule: Schedule,
    /// Steps over which it rises.
    n_warmup: usize,
    /// Steps in all.
    n_steps: usize,
    first: f64,
    least: f64,
    factor: f64,
    patience: usize,
    /// What the epochs so far have told.
    pub state: PlateauState,
}

/// What the losses so far mean for the learning rate and for stopping early.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlateauState {
    /// Learning rate after the plateaus so far, before warm-up.
    pub lr: f64,
    /// Lowest loss so far; infinite before the first.
    pub best: f64,
    /// Epochs since the best, or since the learning rate was last lowered.
    pub n_waited: usize,
    /// Epochs since the best.
    pub n_since_best: usize,
}

impl LearningRate {
    /// The course of a training of so many steps an epoch.
    pub fn new(settings: &TrainSettings, steps_per_epoch: usize) -> Self {
        Self {
            schedule: settings.schedule,
            n_warmup: settings.warmup_epochs * steps_per_epoch,
            n_steps: settings.epochs * steps_per_epoch,
            first: settings.lr,
            // A rate below the least one stays what it is.
            least: settings.lr_min.min(settings.lr),
            factor: settings.plateau_factor,
            patience: settings.plateau_patience,
            state: PlateauState {
                lr: settings.lr,
                best: f64::INFINITY,
                n_waited: 0,
                n_since_best: 0,
            },
        }
    }

    /// The learning rate of a step, counted from 0 over all epochs. During warm-up it rises evenly to the full rate.
    pub fn at(&self, step: usize) -> f64 {
        let full = match self.schedule {
            Schedule::Constant => self.first,
            Schedule::Plateau => self.state.lr,
            Schedule::Cosine => {
                let n = self.n_steps.saturating_sub(self.n_warmup).max(1);
                let share = step.saturating_sub(self.n_warmup) as f64 / n as f64;
                let wave = 0.5 * (1.0 + (std::f64::consts::PI * share.min(1.0)).cos());
                self.least + (self.first - self.least) * wave
            }
        };
        if step < self.n_warmup {
            full * (step + 1) as f64 / (self.n_warmup + 1) as f64
        } else {
            full
        }
    }

    /// Take note of an epoch's loss; whether it is the lowest so far.
    pub fn end_epoch(&mut self, loss: f64) -> bool {
        let state = &mut self.state;
        if loss < state.best {
            state.best = loss;
            (state.n_waited, state.n_since_best) = (0, 0);
            return true;
        }
        state.n_waited += 1;
        state.n_since_best += 1;
        if self.schedule == Schedule::Plateau && self.patience < state.n_waited {
            state.lr = (state.lr * self.factor).max(self.least);
            state.n_waited = 0;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(schedule: Schedule) -> TrainSettings {
        TrainSettings {
            schedule,
            warmup_epochs: 1,
            epochs: 5,
            lr: 1e-3,
            lr_min: 1e-4,
            plateau_factor: 0.5,
            plateau_patience: 1,
            ..TrainSettings::default()
        }
    }

    #[test]
    fn warm_up_rises_evenly_and_then_stays() {
        let rate = LearningRate::new(&settings(Schedule::Constant), 4);
        let rates: Vec<f64> = (0..6).map(|step| (rate.at(step) * 1e7).round()).collect();
        assert_eq!(rates, [2000.0, 4000.0, 6000.0, 8000.0, 1e4, 1e4]);
    }

    #[test]
    fn cosine_ends_at_the_least_rate() {
        let rate = LearningRate::new(&settings(Schedule::Cosine), 4);
        assert_eq!(rate.at(4), 1e-3);
        assert!((rate.at(12) - 5.5e-4).abs() < 1e-12);
        assert!((rate.at(20) - 1e-4).abs() < 1e-12);
        assert!((4..20).all(|step| rate.at(step + 1) < rate.at(step)));
    }

    #[test]
    fn a_plateau_halves_the_rate_down_to_the_least() {
        let mut rate = LearningRate::new(&settings(Schedule::Plateau), 4);
        let mut course = Vec::new();
        for loss in [-5.0, -6.0, -6.0, -5.9, -6.0, -5.0, -7.0, f64::NAN] {
            let is_best = rate.end_epoch(loss);
            course.push((is_best, (rate.at(100) * 1e6).round()));
        }
        let expected = [
            (true, 1000.0),
            (true, 1000.0),
            (false, 1000.0),
            (false, 500.0),
            (false, 500.0),
            (false, 250.0),
            (true, 250.0),
            (false, 250.0),
        ];
        assert_eq!(course, expected);
        assert_eq!(rate.state.n_since_best, 1);
        assert!(!(0..20).any(|_| rate.end_epoch(0.0)));
        assert_eq!(rate.at(100), 1e-4);
    }

    #[test]
    fn a_rate_below_the_least_one_stays() {
        let low = TrainSettings {
            lr: 1e-5,
            ..settings(Schedule::Cosine)
        };
        assert_eq!(LearningRate::new(&low, 4).at(19), 1e-5);
    }
}
