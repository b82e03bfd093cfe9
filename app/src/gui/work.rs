//! The work of the window's jobs, off its thread.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ndarray::Array2;
use ptycho_core::Result;
use ptycho_core::data::npz::KeyInfo;
use ptycho_core::data::repair::{self, RepairStep};
use ptycho_core::data::statistics::{Statistics, file_statistics};
use ptycho_core::data::{Dataset, Inspection, Opened, Strictness, Verdict, inspect};
use ptycho_core::iterative::IterativeSnapshot;
use ptycho_core::job::{Monitor, Progress, Stop};
use ptycho_core::nn::TrainSnapshot;
use ptycho_core::study::diagnose::Report;
use ptycho_core::study::execute::{self, Control, RunOptions, StudySnapshot};
use ptycho_core::study::generate::{GenerateOutcome, GenerateSnapshot, GenerateTask, generate};
use ptycho_core::study::halves::{HalvesOutcome, HalvesSnapshot, HalvesTask, compare_halves};
use ptycho_core::study::infer::{InferTask, infer};
use ptycho_core::study::orientation::{
    OrientationOutcome, OrientationSnapshot, OrientationTask, try_orientations,
};
use ptycho_core::study::overlap::{OverlapOutcome, OverlapTask, write_views};
use ptycho_core::study::plan::Plan;
use ptycho_core::study::run::{
    ReconstructOutcome, ReconstructTask, Source, open_source, reconstruct,
};
use ptycho_core::study::tools::{Tool, ToolOutcome};
use ptycho_core::study::train::{TrainOutcome, TrainTask, train};

use super::comparison::{NotCompared, Shown as ShownComparison};
use super::diagnosis::Subject as DiagnosisSubject;
use super::figure::{Drawn, Problem as FigureProblem};
use super::generation::{Planned, Sketch};
use super::preview::Preview;
use super::reconstruction::devices::Found;
use super::study::Done;
use super::thinning::{Shown, Subject};
use super::training::{
    BundleRead, KeptRun, Planned as PlannedTraining, ShownInference, ShownTraining,
};
use super::views::data::Foreseen;

/// What a job tells on its way.
pub enum Event {
    /// A verdict, from the headers first, from the data later.
    Inspected(Box<Inspection>),
    /// Statistics so far.
    Statistics(Vec<Statistics>),
    /// The state of a running reconstruction.
    Reconstruction(Box<IterativeSnapshot>),
    /// The state of a running trial of orientations.
    Orientations(Box<OrientationSnapshot>),
    /// The state of a running comparison of halves.
    Halves(Box<HalvesSnapshot>),
    /// The state of a running generation.
    Generation(Box<GenerateSnapshot>),
    /// The parts of a sketch that are ready.
    Sketch(Box<Sketch>),
    /// The state of a running training.
    Training(Box<ShownTraining>),
    /// The state of a running study.
    Study(Box<StudySnapshot>),
}

/// What a job yields.
pub enum Outcome {
    /// A scan that can be used.
    Opened(Box<Opened>),
    /// A file that was inspected and cannot be used.
    Unusable,
    Statistics(Vec<Statistics>),
    Summary(Box<FrameSummary>),
    RepairPreview(Vec<RepairStep>),
    /// A repaired file, inspected again.
    Repaired(PathBuf, Box<Inspection>),
    Written(PathBuf),
    /// What a tool wrote, and whether it is to be opened.
    ToolDone(Box<ToolOutcome>, bool),
    Reconstructed(Box<ReconstructOutcome>),
    Preview(Box<Preview>),
    /// Which device a choice comes to.
    Device(Found),
    /// What a trial of orientations came to.
    Oriented(Box<OrientationOutcome>),
    /// What a comparison of halves came to.
    Halved(Box<HalvesOutcome>),
    /// A scan whose patterns were turned, and what was done.
    Turned(PathBuf, Vec<String>),
    Sketch(Box<Sketch>),
    Planned(Box<Planned>),
    Generated(Box<GenerateOutcome>),
    /// What overlap views are to be made of.
    Subject(Box<Subject>),
    /// What an overlap view will be.
    Thinned(Box<Shown>),
    /// Overlap views that were written.
    ViewsWritten(Box<OverlapOutcome>),
    /// What a training would be.
    TrainPlanned(Box<PlannedTraining>),
    /// A training that has ended.
    Trained(Box<TrainOutcome>),
    /// A training that was kept in this folder.
    RunRead(Box<KeptRun>, PathBuf),
    /// A bundle that was read and checked.
    BundleRead(Box<BundleRead>),
    /// A reconstruction by a trained network.
    Inferred(Box<ShownInference>),
    /// What a comparison comes to.
    Compared(Box<std::result::Result<ShownComparison, NotCompared>>),
    /// What came of drawing a study's figure.
    Figured(Box<std::result::Result<Drawn, FigureProblem>>),
    /// The file or folder that a figure was written to.
    FigureWritten(PathBuf),
    /// The folder of a comparison's files.
    Exported(PathBuf),
    /// What a tool would write.
    Foreseen(Box<Foreseen>),
    /// A report on a scan or a run.
    Diagnosed(Box<Report>),
    /// What came of a job about a study.
    Study(Done),
}

/// The stack of patterns in three pictures' worth of numbers.
#[derive(Clone, Debug)]
pub struct FrameSummary {
    /// Mean amplitude over the patterns, `(n, n)`.
    pub mean: Array2<f32>,
    /// Greatest amplitude over the patterns, `(n, n)`.
    pub max: Array2<f32>,
    /// Counts of each pattern.
    pub counts: Vec<f64>,
}

/// Hands progress and stop on, and wraps snapshots for the window.
struct Relay<'a, F> {
    monitor: &'a dyn Monitor<Event>,
    wrap: F,
}

impl<S, F: Fn(S) -> Option<Event> + Sync> Monitor<S> for Relay<'_, F> {
    fn stop(&self) -> &Stop {
        self.monitor.stop()
    }
    fn progress(&self, progress: Progress) {
        self.monitor.progress(progress);
    }
    fn snapshot(&self, snapshot: S) {
        if let Some(event) = (self.wrap)(snapshot) {
            self.monitor.snapshot(event);
        }
    }
}

/// No snapshots.
fn silent(monitor: &dyn Monitor<Event>) -> Relay<'_, impl Fn(()) -> Option<Event> + Sync> {
    Relay {
        monitor,
        wrap: |()| None,
    }
}

/// Headers at once, then the full inspection, then the dataset.
pub fn open(source: &Source, monitor: &dyn Monitor<Event>) -> Result<Outcome> {
    let Source::File(path) = source else {
        let opened = open_source(source, Strictness::Repair)?;
        monitor.snapshot(Event::Inspected(Box::new(inspection_of(&opened.dataset))));
        return Ok(Outcome::Opened(Box::new(opened)));
    };
    monitor.snapshot(Event::Inspected(Box::new(inspect::inspect_headers(path)?)));
    let inspection = inspect::inspect_full(path, &silent(monitor))?;
    let is_usable = inspection.verdict != Verdict::Refused;
    monitor.snapshot(Event::Inspected(Box::new(inspection)));
    if !is_usable {
        return Ok(Outcome::Unusable);
    }
    Ok(Outcome::Opened(Box::new(open_source(
        source,
        Strictness::Repair,
    )?)))
}

/// A scan made in memory has no file to inspect; its arrays are listed in the same way.
fn inspection_of(dataset: &Dataset) -> Inspection {
    let (m, n) = (dataset.n_patterns(), dataset.n());
    let row = |key: &str, dtype: &str, shape: Vec<usize>, n_bytes: usize| KeyInfo {
        key: key.to_owned(),
        dtype: dtype.to_owned(),
        bytes: (shape.iter().product::<usize>() * n_bytes) as u64,
        shape,
        order: "C".to_owned(),
        byte_order: "little".to_owned(),
        storage: "memory".to_owned(),
    };
    let mut keys = vec![
        row("diffraction", "float32", vec![m, n, n], 4),
        row("xcoords", "float64", vec![m], 8),
        row("ycoords", "float64", vec![m], 8),
        row(
            "probeGuess",
            "complex64",
            dataset.probe().shape().to_vec(),
            8,
        ),
    ];
    if let Some(object) = dataset.object() {
        keys.push(row("objectGuess", "complex64", object.shape().to_vec(), 8));
    }
    Inspection {
        path: PathBuf::from("demonstration scan"),
        verdict: Verdict::Ok,
        findings: Vec::new(),
        ignored: Vec::new(),
        keys,
        rows: Vec::new(),
        is_full: true,
    }
}

/// Statistics of a file, key by key.
pub fn statistics(path: &Path, monitor: &dyn Monitor<Event>) -> Result<Outcome> {
    let relay = Relay {
        monitor,
        wrap: |statistics: Vec<Statistics>| Some(Event::Statistics(statistics)),
    };
    file_statistics(path, &relay).map(Outcome::Statistics)
}

/// Mean and greatest amplitude over the patterns, and the counts of each.
pub fn summarise(dataset: &Dataset, monitor: &dyn Monitor<Event>) -> Result<Outcome> {
    let (m, n) = (dataset.n_patterns(), dataset.n());
    let mut frame = vec![0.0_f32; n * n];
    let mut sum = vec![0.0_f64; n * n];
    let mut max = vec![0.0_f32; n * n];
    let mut counts = Vec::with_capacity(m);
    for i in 0..m {
        if monitor.stop().is_requested() {
            return Err(ptycho_core::Error::Cancelled);
        }
        dataset.frames().read(i, &mut frame);
        for ((sum, max), value) in sum.iter_mut().zip(&mut max).zip(&frame) {
            *sum += f64::from(*value);
            *max = max.max(*value);
        }
        counts.push(frame.iter().map(|value| f64::from(*value).powi(2)).sum());
        monitor.progress(Progress {
            epoch: i + 1,
            n_epochs: m,
            ..Progress::default()
        });
    }
    let square = |values: Vec<f32>| Array2::from_shape_vec((n, n), values).unwrap_or_default();
    let mean = sum
        .into_iter()
        .map(|sum| (sum / m.max(1) as f64) as f32)
        .collect();
    Ok(Outcome::Summary(Box::new(FrameSummary {
        mean: square(mean),
        max: square(max),
        counts,
    })))
}

/// Use a tool on a file.
pub fn use_tool(
    tool: &Tool,
    (source, output): (&Path, &Path),
    opens: bool,
    monitor: &dyn Monitor<Event>,
) -> Result<Outcome> {
    let outcome = tool.run(source, output, &silent(monitor))?;
    Ok(Outcome::ToolDone(Box::new(outcome), opens))
}

/// What a repair would do.
pub fn preview_repair(path: &Path, monitor: &dyn Monitor<Event>) -> Result<Outcome> {
    repair::preview(path, &silent(monitor)).map(Outcome::RepairPreview)
}

/// Write the repaired file and inspect it.
pub fn repair(path: &Path, output: &Path, monitor: &dyn Monitor<Event>) -> Result<Outcome> {
    let inspection = repair::repair(path, output, &silent(monitor))?;
    Ok(Outcome::Repaired(
        output.to_path_buf(),
        Box::new(inspection),
    ))
}

/// One reconstruction in its run folder.
pub fn run(
    task: &ReconstructTask,
    dataset: Arc<Dataset>,
    monitor: &dyn Monitor<Event>,
) -> Result<Outcome> {
    let relay = Relay {
        monitor,
        wrap: |snapshot: IterativeSnapshot| Some(Event::Reconstruction(Box::new(snapshot))),
    };
    let outcome = reconstruct(task, dataset, &relay)?;
    Ok(Outcome::Reconstructed(Box::new(outcome)))
}

/// A trial of orientations in its run folder.
pub fn run_orientations(
    task: &OrientationTask,
    dataset: &Dataset,
    monitor: &dyn Monitor<Event>,
) -> Result<Outcome> {
    let relay = Relay {
        monitor,
        wrap: |snapshot: OrientationSnapshot| Some(Event::Orientations(Box::new(snapshot))),
    };
    let outcome = try_orientations(task, dataset, &relay)?;
    Ok(Outcome::Oriented(Box::new(outcome)))
}

/// A comparison of halves in its run folder.
pub fn run_halves(
    task: &HalvesTask,
    dataset: &Dataset,
    monitor: &dyn Monitor<Event>,
) -> Result<Outcome> {
    let relay = Relay {
        monitor,
        wrap: |snapshot: HalvesSnapshot| Some(Event::Halves(Box::new(snapshot))),
    };
    let outcome = compare_halves(task, dataset, &relay)?;
    Ok(Outcome::Halved(Box::new(outcome)))
}

/// Write overlap views.
pub fn write_overlap_views(task: &OverlapTask, monitor: &dyn Monitor<Event>) -> Result<Outcome> {
    write_views(task, &silent(monitor)).map(|outcome| Outcome::ViewsWritten(Box::new(outcome)))
}

/// One training in its run folder; a scan that is only in memory is written first.
pub fn run_training(
    task: &TrainTask,
    in_memory: Option<&Dataset>,
    monitor: &dyn Monitor<Event>,
) -> Result<Outcome> {
    if let Some(dataset) = in_memory {
        dataset.save(&task.train)?;
    }
    let shown = Mutex::new(None);
    let relay = Relay {
        monitor,
        wrap: |snapshot: TrainSnapshot| {
            // Only one thread tells; a lock that was poisoned holds a whole preview all the same.
            let mut last = shown.lock().unwrap_or_else(PoisonError::into_inner);
            let shown = ShownTraining::new(snapshot, &mut last);
            Some(Event::Training(Box::new(shown)))
        },
    };
    train(task, &relay).map(|outcome| Outcome::Trained(Box::new(outcome)))
}

/// A reconstruction by a trained network.
pub fn run_inference(
    task: &InferTask,
    in_memory: Option<&Dataset>,
    monitor: &dyn Monitor<Event>,
) -> Result<Outcome> {
    if let Some(dataset) = in_memory {
        dataset.save(&task.data)?;
    }
    let outcome = infer(task, &silent(monitor))?;
    Ok(Outcome::Inferred(Box::new(ShownInference::new(outcome))))
}

/// A report on a scan or a run.
pub fn diagnose(subject: &DiagnosisSubject, monitor: &dyn Monitor<Event>) -> Result<Outcome> {
    let report = subject.look(&silent(monitor))?;
    Ok(Outcome::Diagnosed(Box::new(report)))
}

/// One generation.
pub fn run_generation(task: &GenerateTask, monitor: &dyn Monitor<Event>) -> Result<Outcome> {
    let relay = Relay {
        monitor,
        wrap: |snapshot: GenerateSnapshot| Some(Event::Generation(Box::new(snapshot))),
    };
    generate(task, &relay).map(|outcome| Outcome::Generated(Box::new(outcome)))
}

/// One run of a study; what is done already is not done again.
pub fn run_study(
    plan: &Plan,
    (options, control): (&RunOptions, &Control),
    monitor: &dyn Monitor<Event>,
) -> Result<Outcome> {
    let relay = Relay {
        monitor,
        wrap: |snapshot: StudySnapshot| Some(Event::Study(Box::new(snapshot))),
    };
    let outcome = execute::run(plan, options, control, &relay)?;
    Ok(Outcome::Study(Done::Ran(Box::new(outcome))))
}
