//! The reconstruction of the open scan: what it is to be done with, how it went, what can be said about it.

pub mod command_line;
pub mod devices;
pub mod relevance;
pub mod shifts;
pub mod tables;
pub mod trials;

use std::path::PathBuf;
use std::sync::Arc;

use ptycho_core::compute::DeviceChoice;
use ptycho_core::data::Reconstruction;
use ptycho_core::fields::Fields as _;
use ptycho_core::iterative::{Course, EngineKind, IterativeSettings, KernelChoice};
use ptycho_core::job::{Progress, StopReason};

use super::files::parse_path;
use super::preview::Preview;
use super::widgets::line_plot::Series;

/// With what a reconstruction is computed, and what it starts from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct How {
    pub device: DeviceChoice,
    pub kernels: KernelChoice,
    /// What tensor kernels may take of the device's memory; `None` = what there is.
    pub device_memory_gib: Option<f64>,
    /// A result to start from, as typed; empty starts from the scan's probe.
    pub start: String,
}

impl How {
    /// The result to start from.
    pub fn start(&self) -> Option<PathBuf> {
        let text = self.start.trim();
        (!text.is_empty()).then(|| parse_path(text))
    }
}

/// The settings that mean something to this engine; the others at their defaults, so that no record tells of them.
pub fn used(engine: EngineKind, settings: &IterativeSettings) -> IterativeSettings {
    let default = IterativeSettings::default();
    let mut used = settings.clone();
    for field in IterativeSettings::fields() {
        if !engine.uses(field.name)
            && let Some(value) = default.get(field.name)
        {
            // A default is never out of range.
            let _ = used.set(field.name, value);
        }
    }
    used
}

/// A run that has ended, with its result.
pub struct FinishedRun {
    pub reconstruction: Arc<Reconstruction>,
    pub reason: StopReason,
    pub run_folder: PathBuf,
    /// Its file.
    pub result: PathBuf,
    pub engine: EngineKind,
    pub settings: IterativeSettings,
    pub how: How,
    /// Device that computed, and why this one.
    pub device: (&'static str, String),
    /// Whole epochs in the result.
    pub n_epochs: usize,
    /// The scan it belongs to.
    pub scan: u64,
}

impl FinishedRun {
    /// The device, the kernels and why these.
    pub fn computed_by(&self) -> String {
        let (device, reason) = &self.device;
        let kernels = kernels_word(device, self.how.kernels);
        format!("{device}, {kernels} kernels: {reason}")
    }
}

/// The kernels that a choice comes to on a device.
pub fn kernels_word(device: &str, choice: KernelChoice) -> &'static str {
    if device == "cpu" && choice != KernelChoice::Tensors {
        "fused"
    } else {
        "tensor"
    }
}

/// What an engine did before another went on from its result.
#[derive(Clone, Debug)]
pub struct Stage {
    pub engine: EngineKind,
    pub course: Course,
}

/// Numbers of every epoch of a stage, `[epoch, value]`; epochs are counted from 1 over all stages.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    pub name: String,
    pub points: Vec<[f64; 2]>,
    stage: usize,
}

impl Trace {
    /// As a curve of a plot.
    pub fn series(&self) -> Series<'_> {
        Series {
            name: &self.name,
            points: &self.points,
            colour_index: self.stage,
            is_dashed: false,
            log_from: None,
        }
    }
}

/// What is told of every epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    Loss,
    ProbePower,
    PositionRms,
}

impl Curve {
    /// Its title and its axis.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Loss => ("Loss", "loss"),
            Self::ProbePower => ("Probe power", "counts"),
            Self::PositionRms => ("Position correction", "rms, px"),
        }
    }

    fn of(self, course: &Course) -> &[f64] {
        match self {
            Self::Loss => &course.loss,
            Self::ProbePower => &course.probe_power,
            Self::PositionRms => &course.position_rms_px,
        }
    }
}

/// The run that is on its way or was the last one.
#[derive(Default)]
pub struct Run {
    pub engine: EngineKind,
    pub settings: IterativeSettings,
    pub how: How,
    pub preview: Option<Arc<Preview>>,
    /// Counts previews, so that pictures are made anew only when there is a new one.
    pub revision: u64,
    /// What other engines did before, in order.
    pub stages: Vec<Stage>,
    /// How the present engine is doing.
    pub course: Course,
    /// Counts courses, as `revision` counts previews.
    pub course_revision: u64,
    pub progress: Progress,
    pub finished: Option<FinishedRun>,
    pub failed: Option<String>,
}

impl Run {
    /// An empty one whose pictures are not taken for those of `self`.
    pub fn anew(&self) -> Self {
        Self {
            revision: self.revision,
            course_revision: self.course_revision,
            ..Self::default()
        }
    }

    /// How far the present engine has come.
    pub fn take_course(&mut self, course: Course) {
        self.course = course;
        self.course_revision += 1;
    }

    /// Another engine goes on from the result, or from the start.
    pub fn begin_stage(&mut self, keeps_course: bool) {
        let course = std::mem::take(&mut self.course);
        if !keeps_course {
            self.stages.clear();
        } else if !course.loss.is_empty() {
            let engine = self.engine;
            self.stages.push(Stage { engine, course });
        }
        self.course_revision += 1;
    }

    /// Epochs of the engines before.
    pub fn n_epochs_before(&self) -> usize {
        self.stages
            .iter()
            .map(|stage| stage.course.loss.len())
            .sum()
    }

    /// A curve in parts, one for each engine.
    pub fn traces(&self, curve: Curve) -> Vec<Trace> {
        let now = (self.engine, &self.course);
        let before = self
            .stages
            .iter()
            .map(|stage| (stage.engine, &stage.course));
        let has_several = !self.stages.is_empty();
        let mut traces = Vec::new();
        let mut n_before = 0;
        for (stage, (engine, course)) in before.chain([now]).enumerate() {
            let points: Vec<_> = curve
                .of(course)
                .iter()
                .enumerate()
                .map(|(i, value)| [(n_before + i + 1) as f64, *value])
                .collect();
            n_before += points.len();
            let name = if has_several {
                format!("{} {}", stage + 1, engine.title())
            } else {
                engine.title().to_owned()
            };
            if !points.is_empty() {
                traces.push(Trace {
                    name,
                    points,
                    stage,
                });
            }
        }
        traces
    }

    /// Weights of the probe's first mode (column 0) or of an OPR mode, `[pattern, weight]`.
    pub fn weights(&self, column: usize) -> Vec<[f64; 2]> {
        let weights = &self.course.opr_weights;
        if weights.ncols() <= column {
            return Vec::new();
        }
        let column = weights.column(column);
        let points = column.iter().enumerate();
        points.map(|(i, weight)| [i as f64, *weight]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ptycho_core::iterative::Noise;

    fn course(loss: &[f64]) -> Course {
        Course {
            loss: loss.to_vec(),
            ..Course::default()
        }
    }

    #[test]
    fn what_an_engine_does_not_use_stands_at_its_default() {
        let settings = IterativeSettings {
            noise: Noise::Poisson,
            relaxation: 0.8,
            epochs: 7,
            ..IterativeSettings::default()
        };
        assert_eq!(
            used(EngineKind::Dm, &settings).flags(),
            ["--epochs", "7", "--relaxation", "0.8"]
        );
        assert_eq!(
            used(EngineKind::Lsqml, &settings).flags(),
            ["--epochs", "7", "--noise", "poisson"]
        );
    }

    #[test]
    fn the_epochs_of_several_engines_are_counted_on() {
        let mut run = Run {
            engine: EngineKind::Dm,
            ..Run::default()
        };
        run.take_course(course(&[4.0, 3.0]));
        assert_eq!(run.traces(Curve::Loss)[0].name, "DM");
        run.begin_stage(true);
        run.engine = EngineKind::Lsqml;
        run.take_course(course(&[2.0]));
        let traces = run.traces(Curve::Loss);
        let names: Vec<_> = traces.iter().map(|trace| trace.name.as_str()).collect();
        assert_eq!(names, ["1 DM", "2 LSQML"]);
        assert_eq!(traces[0].points, [[1.0, 4.0], [2.0, 3.0]]);
        assert_eq!(traces[1].points, [[3.0, 2.0]]);
        run.begin_stage(false);
        assert!(run.traces(Curve::Loss).is_empty());
    }
}
