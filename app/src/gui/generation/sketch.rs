//! Pictures of what is about to be generated, made off the window's thread.
//!
//! Every part keeps its number for as long as what it shows stays the same, so that a view paints again only what has
//! changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use egui::ColorImage;
use ndarray::{Array2, Array3};
use num_complex::Complex32;
use ptycho_core::fields::Fields as _;
use ptycho_core::job::Monitor;
use ptycho_core::paint::limits::Limits;
use ptycho_core::paint::picture::{Look, Picture};
use ptycho_core::sim::leak::Leak;
use ptycho_core::sim::probe::ProbeReport;
use ptycho_core::sim::{ObjectKind, ObjectSettings, Outside, ProbeSettings, Scene};
use ptycho_core::study::generate::GenerateTask;
use ptycho_core::{Error, Result};

use super::super::widgets::scan_marks::Divide;
use super::super::work::Event;
use super::sketch_parts::{object, patterns, probe, scan};

/// Side of the largest made object that is shown beforehand.
const MOST_OBJECT_PX: usize = 4096;
/// Counts below this are raised to it before the logarithm: less than one photon is none.
pub const COUNTS_FLOOR: f64 = 0.5;

/// The parts that are known so far.
#[derive(Clone, Default)]
pub struct Sketch {
    pub object: Option<Arc<ObjectSketch>>,
    pub probe: Option<Arc<ProbeSketch>>,
    pub scan: Option<Arc<ScanSketch>>,
    pub patterns: Option<Arc<PatternSketch>>,
    /// What stands in the way of the rest.
    pub problem: Option<Problem>,
}

/// Which part of the parameters something is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Object,
    Probe,
    Scan,
    Doses,
    Split,
}

/// Why a part cannot be shown.
#[derive(Clone, Debug)]
pub struct Problem {
    pub section: Section,
    pub text: String,
}

/// The object.
pub struct ObjectSketch {
    pub version: u64,
    pub values: Arc<Array2<Complex32>>,
    /// Least and greatest.
    pub amplitude_range: [f32; 2],
    pub phase_range_rad: [f32; 2],
    /// In grey, to lie under the points of a scan.
    pub picture: Picture,
    pub thumbnail: ColorImage,
}

/// The probe.
pub struct ProbeSketch {
    pub version: u64,
    pub values: Arc<Array3<Complex32>>,
    pub report: ProbeReport,
    pub thumbnail: ColorImage,
}

/// Positions and how they are split.
pub struct ScanSketch {
    pub version: u64,
    /// (row, column) of those that are drawn, the test scan's last.
    pub positions_px: Vec<[f64; 2]>,
    /// Positions in all.
    pub n_positions: usize,
    /// One of so many is drawn.
    pub drawn_step: usize,
    pub frame_px: (usize, usize),
    /// Numbers of drawn positions.
    pub train: Vec<usize>,
    pub test: Vec<usize>,
    pub guarded: Vec<usize>,
    /// Those whose patch leaves the object, unless it grows.
    pub outside: Vec<usize>,
    pub n_outside: usize,
    pub divide: Option<Divide>,
    pub leak: Option<Leak>,
    /// Training, test and guarded positions in all.
    pub n_rows: [usize; 3],
}

/// One pattern at every dose.
pub struct PatternSketch {
    pub version: u64,
    /// Number of the position.
    pub index: usize,
    pub doses: Vec<DoseSketch>,
    /// log10 of the greatest count of all of them: the upper end of their one scale.
    pub log_max: f64,
    /// Positions that the mean was taken over, and positions in all.
    pub n_surveyed: usize,
    pub n_positions: usize,
    pub thumbnail: ColorImage,
}

/// One pattern at one dose.
pub struct DoseSketch {
    pub photons: f64,
    /// Drawn counts, `(n, n)`.
    pub counts: Array2<f32>,
    /// Least and greatest expected photons of a pattern of the scan.
    pub photons_range: [f64; 2],
    /// Greatest expected count of a pixel of this pattern.
    pub brightest: f64,
}

/// Another number for every part that is made.
pub(super) fn next_version() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Sketch {
    /// Take over the parts that are known, keep the others.
    pub fn update(&mut self, newer: Self) {
        let Self {
            object,
            probe,
            scan,
            patterns,
            problem,
        } = newer;
        self.object = object.or_else(|| self.object.take());
        self.probe = probe.or_else(|| self.probe.take());
        self.scan = scan.or_else(|| self.scan.take());
        self.patterns = patterns.or_else(|| self.patterns.take());
        self.problem = problem;
    }

    /// What stands in the way of this part.
    pub fn problem_of(&self, section: Section) -> Option<&str> {
        let problem = self.problem.as_ref()?;
        (problem.section == section).then_some(problem.text.as_str())
    }
}

/// Everything that can be shown of `task`, part by part; `before` gives the parts that have not changed.
pub fn sketch(
    task: &GenerateTask,
    pattern: usize,
    before: &Sketch,
    monitor: &dyn Monitor<Event>,
) -> Sketch {
    let mut sketch = Sketch::default();
    if let Some(problem) = too_large(task) {
        sketch.problem = Some(problem);
        return sketch;
    }
    let mut build = || -> Result<()> {
        let scene = match scene(task) {
            Ok(scene) => scene,
            Err(error) => {
                make_parts(task, before, &mut sketch);
                return Err(error);
            }
        };
        sketch.object = Some(object(&scene.object, task, before));
        sketch.probe = Some(probe(&scene.probe, before)?);
        monitor.snapshot(Event::Sketch(Box::new(sketch.clone())));
        let (scan, failed) = scan(&scene, task);
        sketch.scan = Some(Arc::new(scan));
        monitor.snapshot(Event::Sketch(Box::new(sketch.clone())));
        sketch.patterns = Some(Arc::new(patterns(&scene, task, pattern)?));
        failed.map_or(Ok(()), Err)
    };
    if let Err(error) = build() {
        sketch.problem = Some(Problem {
            section: section_of(&error),
            text: error.to_string(),
        });
    }
    sketch
}

/// A picture in passing must not take the memory of the machine.
fn too_large(task: &GenerateTask) -> Option<Problem> {
    let object = &task.scene.object;
    let is_too_large = object.object != ObjectKind::File && MOST_OBJECT_PX < object.object_size;
    is_too_large.then(|| Problem {
        section: Section::Object,
        text: format!(
            "No pictures of an object above {MOST_OBJECT_PX} px beforehand: they would take too much memory. It can be generated."
        ),
    })
}

/// The scene, grown where need be, so that positions outside can be seen.
fn scene(task: &GenerateTask) -> Result<Scene> {
    let split = &task.split;
    Scene::build(
        &task.scene,
        Outside::Grow,
        task.simulation.seed,
        (split.test_positions, split.test_seed),
    )
}

/// Object and probe by themselves, where no scene can be made of them.
fn make_parts(task: &GenerateTask, before: &Sketch, sketch: &mut Sketch) {
    let settings = &task.scene;
    if let Ok(made) = settings.make_object(task.simulation.seed) {
        sketch.object = Some(object(&Arc::new(made), task, before));
    }
    if let Ok(made) = settings.make_probe() {
        sketch.probe = probe(&Arc::new(made), before).ok();
    }
}

/// How patterns of several doses are shown on one scale.
pub fn counts_look(log_max: f64) -> Look {
    Look {
        is_log10: true,
        log_floor: COUNTS_FLOOR,
        limits: Some(Limits::Manual {
            min: COUNTS_FLOOR.log10(),
            max: log_max.max(0.0),
        }),
        ..Look::default()
    }
}

/// The part of the parameters that an error is about.
fn section_of(error: &Error) -> Section {
    let key = error.problem().and_then(|problem| problem.key.clone());
    let key = key.unwrap_or_default().replace('-', "_");
    let is_of =
        |fields: &[ptycho_core::fields::Field]| fields.iter().any(|field| field.name == key);
    match key.as_str() {
        "objectGuess" => Section::Object,
        "probeGuess" => Section::Probe,
        "doses" | "photons" => Section::Doses,
        _ if is_of(ObjectSettings::fields()) => Section::Object,
        _ if is_of(ProbeSettings::fields()) => Section::Probe,
        _ if is_of(ptycho_core::sim::SplitSettings::fields()) => Section::Split,
        _ => Section::Scan,
    }
}
