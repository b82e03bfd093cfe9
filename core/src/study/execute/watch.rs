//! What engines tell, as a study passes it on: progress and losses.

use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::TaskRecord;
use super::folder::TaskFolder;
use crate::iterative::IterativeSnapshot;
use crate::job::{Monitor, Progress, Stop};
use crate::nn::TrainSnapshot;

/// How much of its time a killed task may forget.
const NOTED_EVERY: Duration = Duration::from_secs(10);

/// A snapshot that tells the loss of every epoch so far.
pub(super) trait Losses {
    /// The losses; `None` where the work has none.
    fn losses(&self) -> Option<Vec<f64>>;
}

impl Losses for TrainSnapshot {
    fn losses(&self) -> Option<Vec<f64>> {
        let loss = |epoch: &crate::nn::EpochRecord| epoch.loss.unwrap_or(f64::NAN);
        Some(self.history.epochs.iter().map(loss).collect())
    }
}

impl Losses for IterativeSnapshot {
    fn losses(&self) -> Option<Vec<f64>> {
        Some(self.course.loss.clone())
    }
}

impl Losses for () {
    fn losses(&self) -> Option<Vec<f64>> {
        None
    }
}

impl Losses for crate::study::generate::GenerateSnapshot {
    fn losses(&self) -> Option<Vec<f64>> {
        None
    }
}

/// Passes on what an engine with snapshots `S` tells.
pub(super) struct Watch<'a, S> {
    inner: &'a dyn Monitor<Vec<f64>>,
    snapshot: PhantomData<fn(S)>,
}

impl<'a, S> Watch<'a, S> {
    pub(super) fn new(inner: &'a dyn Monitor<Vec<f64>>) -> Self {
        Self {
            inner,
            snapshot: PhantomData,
        }
    }
}

impl<S: Losses> Monitor<S> for Watch<'_, S> {
    fn stop(&self) -> &Stop {
        self.inner.stop()
    }

    fn progress(&self, progress: Progress) {
        self.inner.progress(progress);
    }

    fn snapshot(&self, snapshot: S) {
        if let Some(losses) = snapshot.losses() {
            self.inner.snapshot(losses);
        }
    }
}

/// Notes now and then in a task's record how long it has run, so that a killed one knows.
pub(super) struct Clock<'a> {
    inner: &'a dyn Monitor<Vec<f64>>,
    folder: &'a TaskFolder,
    record: &'a TaskRecord,
    started: Instant,
    noted: Mutex<Instant>,
}

impl<'a> Clock<'a> {
    pub(super) fn new(
        inner: &'a dyn Monitor<Vec<f64>>,
        folder: &'a TaskFolder,
        record: &'a TaskRecord,
    ) -> Self {
        let now = Instant::now();
        Self {
            inner,
            folder,
            record,
            started: now,
            noted: Mutex::new(now),
        }
    }

    /// Seconds in all, those before a resume included.
    pub(super) fn seconds(&self) -> f64 {
        self.record.seconds + self.started.elapsed().as_secs_f64()
    }
}

impl Monitor<Vec<f64>> for Clock<'_> {
    fn stop(&self) -> &Stop {
        self.inner.stop()
    }

    fn progress(&self, progress: Progress) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if NOTED_EVERY <= noted.elapsed() {
            *noted = Instant::now();
            let record = TaskRecord {
                seconds: self.seconds(),
                ..self.record.clone()
            };
            // A time that is not noted is no reason to fail.
            let _ = self.folder.write_record(&record);
        }
        drop(noted);
        self.inner.progress(progress);
    }

    fn snapshot(&self, losses: Vec<f64>) {
        self.inner.snapshot(losses);
    }
}
