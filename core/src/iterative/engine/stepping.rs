//! How a run goes on: batch by batch, with what an epoch begins and ends with.

use std::path::Path;
use std::time::Instant;

use super::showing::single;
use super::{IterativeOf, IterativeSnapshot, power};
use crate::error::{Error, Result};
use crate::iterative::algorithm::{n_phases, step};
use crate::iterative::checkpoint;
use crate::iterative::epoch::{self, Ending};
use crate::iterative::kernels::Batch;
use crate::iterative::state::State;
use crate::job::{Engine, Progress, Step, Stop};
use crate::simd::{Aligned, Real};

/// A probe whose power is below this share of the mean measured counts has vanished.
const VANISHED: f64 = 1e-6;

impl<T: Real> IterativeOf<T> {
    fn batch_step(&mut self, stop: &Stop) -> Result<Step> {
        let now = self.state.epoch;
        let batches = match self.under_way.take() {
            Some((epoch, batches)) if epoch == now => batches,
            _ => self.batches.epoch(now),
        };
        self.prepare_epoch()?;
        let n_batches = batches.len();
        let (phase, at) = (self.state.cursor / n_batches, self.state.cursor % n_batches);
        let batch = Batch {
            scan: &self.scan,
            settings: &self.settings,
            patterns: &batches[at],
            n_batches,
            stop,
        };
        let size = batch.patterns.len();
        let place = (phase, at + 1 == n_batches);
        let (kernels, state) = (&mut *self.kernels, &mut self.state);
        let engine = self.engine;
        let result = self
            .pool
            .install(|| step(engine, kernels, &batch, state, place));
        self.under_way = Some((now, batches));
        let Some(result) = result? else {
            return Ok(Step::Dropped);
        };
        epoch::note(&mut self.state, result, size);
        if !result.loss.is_finite() {
            self.trouble = Some(format!("the loss of a batch is {}", result.loss));
        }
        if self.state.cursor < n_phases(self.engine) * n_batches {
            Ok(Step::Within)
        } else {
            Ok(Step::EpochEnd)
        }
    }

    /// Illumination and `1/D`, once an epoch.
    fn prepare_epoch(&mut self) -> Result<()> {
        if self.prepared == Some(self.state.epoch) {
            return Ok(());
        }
        if self.settings.follows_object(self.engine) && self.state.cursor == 0 {
            // The end of the epoch takes the step from it.
            let State {
                object,
                carried_object,
                ..
            } = &mut self.state;
            carried_object.copy_from(object);
        }
        let (scan, state, room) = (&self.scan, &mut self.state, &mut self.inverse_damped);
        let damping = self.settings.preconditioner_damping;
        self.pool.install(|| {
            epoch::illuminate(scan, state, room);
            epoch::damp(&state.illumination, damping, room);
        });
        self.kernels
            .upload(&self.scan, &self.state, &self.inverse_damped)?;
        self.prepared = Some(self.state.epoch);
        Ok(())
    }

    fn end_epoch(&mut self) -> Result<()> {
        self.kernels.download(&self.scan, &mut self.state)?;
        let ending = Ending {
            engine: self.engine,
            scan: &self.scan,
            settings: &self.settings,
            inverse_damped: &self.inverse_damped,
            first_power: self.first_power,
        };
        let state = &mut self.state;
        self.pool.install(|| epoch::end(&ending, state));
        self.look_for_trouble();
        Ok(())
    }

    fn look_for_trouble(&mut self) {
        let power = power(&self.state.probe);
        if !power.is_finite() {
            self.trouble = Some("the probe holds values that are not finite".to_owned());
        } else if power < VANISHED * self.scan.mean_counts {
            self.trouble = Some(format!(
                "the probe has vanished: its power is {power:.3e}, patterns hold {:.3e} counts",
                self.scan.mean_counts
            ));
        }
        let is_finite = |plane: &[T]| plane.iter().all(|v| v.is_finite());
        if !(is_finite(&self.state.object.re) && is_finite(&self.state.object.im)) {
            self.trouble = Some("the object holds values that are not finite".to_owned());
        }
    }
}

impl<T: Real> Engine for IterativeOf<T> {
    type Snapshot = IterativeSnapshot;

    fn step(&mut self, stop: &Stop) -> Result<Step> {
        if self.is_finished() {
            return Ok(Step::EpochEnd);
        }
        if self.batches.epoch_is_missing(self.state.epoch) {
            return Err(Error::Run(format!(
                "no batches were given for epoch {}",
                self.state.epoch + 1
            )));
        }
        let start = Instant::now();
        let step = self.batch_step(stop)?;
        if step == Step::EpochEnd {
            self.end_epoch()?;
        }
        let seconds = start.elapsed().as_secs_f64();
        match self.state.traces.seconds.last_mut() {
            Some(last) if step == Step::EpochEnd => *last += seconds,
            _ => self.state.partial.seconds += seconds,
        }
        if step == Step::EpochEnd && self.trouble.is_none() {
            self.good.copy_from(&self.state);
        }
        Ok(step)
    }

    fn is_finished(&self) -> bool {
        self.settings.epochs <= self.state.epoch
    }

    fn progress(&self) -> Progress {
        let n_batches = self
            .under_way
            .as_ref()
            .map_or(1, |(_, batches)| batches.len().max(1));
        let n_steps = n_phases(self.engine) * n_batches;
        let seconds = self.state.traces.seconds.last().copied().unwrap_or(0.0);
        Progress {
            epoch: self.state.epoch,
            n_epochs: self.settings.epochs,
            epoch_share: self.state.cursor as f64 / n_steps as f64,
            loss: self.state.traces.loss.last().copied().unwrap_or(f64::NAN),
            rate_per_s: if seconds > 0.0 {
                self.scan.n_patterns() as f64 / seconds
            } else {
                0.0
            },
        }
    }

    fn snapshot(&self) -> IterativeSnapshot {
        IterativeSnapshot {
            engine: self.engine,
            object: self.object().mapv(single),
            probe: self.probe().mapv(single),
            course: self.course(),
        }
    }

    fn health(&self) -> Option<String> {
        self.trouble.clone()
    }

    fn restore_last_good(&mut self) {
        self.state.copy_from(&self.good);
        self.state.waves = Aligned::default();
        self.trouble = None;
        self.under_way = None;
        self.prepared = None;
    }

    fn checkpoint(&self, file: &Path) -> Result<()> {
        let identity = checkpoint::Identity {
            dataset_sha256: self.dataset_sha256(),
            engine: self.engine,
            settings: &self.settings,
        };
        // A state in the midst of an epoch is not shown, nor are the waves of then.
        let waves = match self.state.cursor {
            0 => self.kernels.waves()?,
            _ => None,
        };
        checkpoint::write(file, &identity, self.shown(), waves.as_deref())
    }
}
