//! Trials about the open scan: its eight orientations side by side, and its two halves compared.

use std::path::{Path, PathBuf};

use ndarray::Array2;
use num_complex::Complex32;
use ptycho_core::iterative::{IterativeSettings, ObjectInit};
use ptycho_core::metrics::frc::Threshold;
use ptycho_core::study::halves::{HalvesOutcome, HalvesSnapshot, HalvesTask};
use ptycho_core::study::orientation::{
    EPOCHS, Orientation, OrientationOutcome, OrientationSnapshot, OrientationTask, OrientationTrial,
};
use ptycho_core::study::run::Source;

use super::super::document::Document;
use super::super::widgets::line_plot::Series;
use super::used;

/// The last colour of the palette: text, more or less.
const THRESHOLD_COLOUR: usize = 6;
/// Another one, so that both thresholds are told apart.
const SEVENTH_COLOUR: usize = 3;

/// Both trials and what they came to.
pub struct Trials {
    /// Epochs of each orientation.
    pub orientation_epochs: usize,
    /// Epochs of each half.
    pub halves_epochs: usize,
    pub orientations: OrientationState,
    pub halves: HalvesState,
    /// Counts what is shown, so that pictures are made anew only when there is something new.
    pub revision: u64,
}

impl Default for Trials {
    fn default() -> Self {
        Self {
            orientation_epochs: EPOCHS,
            halves_epochs: 50,
            orientations: OrientationState::default(),
            halves: HalvesState::default(),
            revision: 0,
        }
    }
}

impl Trials {
    /// Of another scan; what was chosen stays.
    pub fn anew(&self) -> Self {
        Self {
            orientation_epochs: self.orientation_epochs,
            halves_epochs: self.halves_epochs,
            revision: self.revision + 1,
            ..Self::default()
        }
    }
}

/// The trial of orientations.
#[derive(Default)]
pub struct OrientationState {
    pub snapshot: Option<OrientationSnapshot>,
    pub outcome: Option<OrientationOutcome>,
    /// The revision that the trial began with: another number for another trial.
    pub begun: u64,
    /// The one that is pointed out.
    pub chosen: Option<Orientation>,
    pub failed: Option<String>,
}

/// One picture of the contact sheet.
#[derive(Clone, Copy)]
pub struct Cell<'a> {
    pub object: Option<&'a Array2<Complex32>>,
    pub loss: Option<f64>,
    /// Whether it is still being reconstructed.
    pub is_running: bool,
}

impl OrientationState {
    /// Those that have ended.
    pub fn ended(&self) -> &[OrientationTrial] {
        match (&self.outcome, &self.snapshot) {
            (Some(outcome), _) => &outcome.trials,
            (None, Some(snapshot)) => &snapshot.ended,
            (None, None) => &[],
        }
    }

    /// What there is of an orientation.
    pub fn cell(&self, orientation: Orientation) -> Cell<'_> {
        let is_it = |trial: &&OrientationTrial| trial.orientation == orientation;
        if let Some(trial) = self.ended().iter().find(is_it) {
            return Cell {
                object: Some(&trial.object),
                loss: trial.error(),
                is_running: false,
            };
        }
        let running = self
            .snapshot
            .as_ref()
            .filter(|_| self.outcome.is_none())
            .and_then(|snapshot| snapshot.running.as_ref())
            .filter(|(running, _)| *running == orientation);
        Cell {
            object: running.map(|(_, state)| &state.object),
            loss: running.and_then(|(_, state)| state.course.loss.last().copied()),
            is_running: running.is_some(),
        }
    }

    /// The orientation of least loss so far.
    pub fn least(&self) -> Option<Orientation> {
        let of = |trial: &OrientationTrial| Some((trial.error()?, trial.orientation));
        let least = self.ended().iter().filter_map(of);
        least
            .min_by(|(a, _), (b, _)| a.total_cmp(b))
            .map(|(_, orientation)| orientation)
    }

    /// The one that is pointed out, or that of least loss.
    pub fn chosen(&self) -> Option<Orientation> {
        self.chosen.or_else(|| self.least())
    }
}

/// The comparison of halves.
#[derive(Default)]
pub struct HalvesState {
    pub snapshot: Option<HalvesSnapshot>,
    pub outcome: Option<HalvesOutcome>,
    /// The curves of the outcome.
    pub curves: Vec<FrcLine>,
    pub failed: Option<String>,
}

/// A curve over the spatial frequency as a share of Nyquist's.
#[derive(Clone, Debug, PartialEq)]
pub struct FrcLine {
    pub name: &'static str,
    pub points: Vec<[f64; 2]>,
    colour_index: usize,
    is_dashed: bool,
}

impl FrcLine {
    /// As a curve of a plot.
    pub fn series(&self) -> Series<'_> {
        Series {
            name: self.name,
            points: &self.points,
            colour_index: self.colour_index,
            is_dashed: self.is_dashed,
            log_from: None,
        }
    }
}

impl HalvesState {
    /// Take the outcome and draw its curves.
    pub fn take(&mut self, outcome: HalvesOutcome) {
        self.curves = curves(&outcome);
        self.snapshot = None;
        self.outcome = Some(outcome);
    }
}

fn curves(outcome: &HalvesOutcome) -> Vec<FrcLine> {
    let Some(agreement) = &outcome.agreement else {
        return Vec::new();
    };
    let line = |name, (values, colour_index, is_dashed): (&[f64], usize, bool)| {
        let at = agreement.complex.of_nyquist();
        let points = at.iter().zip(values).map(|(at, value)| [*at, *value]);
        // Beyond Nyquist lie the corners alone.
        let points = points.filter(|[at, value]| *at <= 1.0 && value.is_finite());
        FrcLine {
            name,
            points: points.collect(),
            colour_index,
            is_dashed,
        }
    };
    let limit = |threshold| -> Vec<f64> {
        let limit = agreement.complex.threshold(threshold);
        limit.into_iter().map(|value| value.min(1.0)).collect()
    };
    vec![
        line("complex object", (&agreement.complex.values, 0, false)),
        line("phase", (&agreement.phase.values, 1, false)),
        line(
            "half bit",
            (&limit(Threshold::HalfBit), THRESHOLD_COLOUR, true),
        ),
        line("1/7", (&limit(Threshold::Seventh), SEVENTH_COLOUR, true)),
    ]
}

/// Settings of a trial: the engine's own, so many epochs, the object from ones.
fn settings(document: &Document, epochs: usize) -> IterativeSettings {
    IterativeSettings {
        epochs,
        object_init: ObjectInit::Ones,
        ..used(document.engine, &document.settings)
    }
}

/// The trial of all orientations of the open scan.
pub fn orientation_task(document: &Document, source: Source, runs: &Path) -> OrientationTask {
    OrientationTask {
        source,
        engine: document.engine,
        settings: settings(document, document.trials.orientation_epochs),
        orientations: Orientation::ALL.to_vec(),
        n_threads: document.n_threads,
        device: document.how.device,
        kernels: document.how.kernels,
        device_memory_gib: document.how.device_memory_gib,
        runs: PathBuf::from(runs),
    }
}

/// The comparison of both halves of the open scan.
pub fn halves_task(document: &Document, source: Source, runs: &Path) -> HalvesTask {
    HalvesTask {
        source,
        engine: document.engine,
        settings: settings(document, document.trials.halves_epochs),
        n_threads: document.n_threads,
        device: document.how.device,
        kernels: document.how.kernels,
        device_memory_gib: document.how.device_memory_gib,
        runs: PathBuf::from(runs),
    }
}
