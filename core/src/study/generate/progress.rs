//! What a window and a terminal see of a running generation.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::job::{Monitor, Progress, SNAPSHOT_INTERVAL, Stop};
use crate::study::generate::{GenerateSnapshot, Stage, StageState};

/// The states of all stages, told to a monitor.
pub(super) struct Watch<'a> {
    monitor: &'a dyn Monitor<GenerateSnapshot>,
    state: Mutex<State>,
}

struct State {
    snapshot: GenerateSnapshot,
    told: Option<Instant>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(doses: &[f64], monitor: &'a dyn Monitor<GenerateSnapshot>) -> Self {
        let doses = doses.iter().map(|photons| (*photons, Default::default()));
        Self {
            monitor,
            state: Mutex::new(State {
                snapshot: GenerateSnapshot {
                    doses: doses.collect(),
                },
                told: None,
            }),
        }
    }

    pub(super) fn stop(&self) -> &Stop {
        self.monitor.stop()
    }

    /// A stage of a dose has come to a new state; told at once.
    pub(super) fn set(&self, dose: usize, stage: Stage, to: StageState) {
        let mut state = self.state();
        if let Some((_, stages)) = state.snapshot.doses.get_mut(dose) {
            stages[stage as usize] = to;
        }
        self.monitor.snapshot(state.snapshot.clone());
        state.told = Some(Instant::now());
    }

    /// The stage of a dose that is under way has failed.
    pub(super) fn fail(&self, dose: usize, message: &str) {
        let running = {
            let state = self.state();
            let stages = state
                .snapshot
                .doses
                .get(dose)
                .map(|(_, stages)| stages.clone());
            let is_open = |stage: &Stage| {
                let of = stages.as_ref().map(|stages| &stages[*stage as usize]);
                matches!(of, Some(StageState::Waiting | StageState::Running(_)))
            };
            Stage::ALL.into_iter().find(is_open)
        };
        if let Some(stage) = running {
            self.set(dose, stage, StageState::Failed(message.to_owned()));
        }
    }

    /// How far the work on a dose is, 0 to 1.
    pub(super) fn progress(&self, dose: usize, share: f64) {
        let n_epochs = self.state().snapshot.doses.len();
        self.monitor.progress(Progress {
            epoch: dose,
            n_epochs,
            epoch_share: share.clamp(0.0, 1.0),
            loss: f64::NAN,
            rate_per_s: 0.0,
        });
    }

    fn running(&self, dose: usize, stage: Stage, share: f64) {
        let mut state = self.state();
        if let Some((_, stages)) = state.snapshot.doses.get_mut(dose) {
            stages[stage as usize] = StageState::Running(share);
        }
        if state
            .told
            .is_none_or(|told| SNAPSHOT_INTERVAL <= told.elapsed())
        {
            self.monitor.snapshot(state.snapshot.clone());
            state.told = Some(Instant::now());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One pass within the work on a dose.
pub(super) struct Part<'a> {
    pub(super) watch: &'a Watch<'a>,
    pub(super) dose: usize,
    /// The part of the dose's work that the pass is, from and to, 0 to 1.
    pub(super) span: [f64; 2],
    /// The stages that the pass goes through, each with where its share of the pass ends, ascending.
    pub(super) stages: Vec<(Stage, f64)>,
    /// The part of those stages that the pass is: halves of one stage are passes of their own.
    pub(super) stage_span: [f64; 2],
}

impl Monitor<()> for Part<'_> {
    fn stop(&self) -> &Stop {
        self.watch.stop()
    }

    fn progress(&self, progress: Progress) {
        let share = progress.share();
        let mut begin = 0.0;
        for (stage, end) in &self.stages {
            if share <= *end {
                let within = (share - begin) / (end - begin).max(1e-9);
                let [from, to] = self.stage_span;
                self.watch
                    .running(self.dose, *stage, from + within * (to - from));
                break;
            }
            begin = *end;
        }
        let [from, to] = self.span;
        self.watch.progress(self.dose, from + share * (to - from));
    }

    fn snapshot(&self, (): ()) {}
}
