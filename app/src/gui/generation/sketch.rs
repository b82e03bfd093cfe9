//! Pictures of what is about to be generated, made off the window's thread.
//!
//! Every part keeps its number for as long as what it shows stays the same, so that a view paints again only what has
//! changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use egui::ColorImage;
use ndarray::{Array2, Array3, Axis};
use num_complex::Complex32;
use ptycho_core::fields::Fields as _;
use ptycho_core::job::{Monitor, Quiet};
use ptycho_core::paint::colormap::{ColorMap, Map};
use ptycho_core::paint::component::{Component, Source};
use ptycho_core::paint::limits::Limits;
use ptycho_core::paint::picture::{Look, Meaning, Picture};
use ptycho_core::paint::raster::{Rgba, area_average};
use ptycho_core::sim::leak::{Leak, leak, support};
use ptycho_core::sim::probe::{ProbeReport, report};
use ptycho_core::sim::stages::{noise_seed, probe_factor, split_rows};
use ptycho_core::sim::{
    ObjectContent, ObjectKind, ObjectSettings, Outside, ProbeSettings, Scene, Simulator, SplitAxis,
};
use ptycho_core::study::generate::GenerateTask;
use ptycho_core::{Error, Result};

use super::super::texture::color_image;
use super::super::widgets::scan_marks::Divide;
use super::super::work::Event;

/// Side of a small picture, in its own pixels.
const THUMBNAIL_PX: usize = 64;
/// Pixels of the patterns that the mean over a scan is estimated from: a quick look, not the run.
const SURVEY_PX: usize = 1 << 21;
/// Positions drawn; more would tell no more and cost every frame.
const MAX_DRAWN: usize = 20_000;
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
fn next_version() -> u64 {
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

fn object(
    values: &Arc<Array2<Complex32>>,
    task: &GenerateTask,
    before: &Sketch,
) -> Arc<ObjectSketch> {
    if let Some(before) = before.object.as_ref().filter(|old| old.values == *values) {
        return Arc::clone(before);
    }
    let settings = &task.scene.object;
    let is_phase =
        settings.object != ObjectKind::File && settings.object_content == ObjectContent::Phase;
    let look = Look {
        component: if is_phase {
            Component::Phase
        } else {
            Component::Amplitude
        },
        color_map: Some(ColorMap::new(Map::Gray)),
        limits: Some(Limits::MinMax),
        ..Look::default()
    };
    let picture = Picture::new(
        &Source::Complex(values.view()),
        &look,
        Meaning::default(),
        None,
    );
    Arc::new(ObjectSketch {
        version: next_version(),
        values: Arc::clone(values),
        amplitude_range: range(values.iter().map(|value| value.norm())),
        phase_range_rad: range(values.iter().map(|value| value.arg())),
        thumbnail: small(&picture.rgba),
        picture,
    })
}

fn range(values: impl Iterator<Item = f32>) -> [f32; 2] {
    values.fold(
        [f32::INFINITY, f32::NEG_INFINITY],
        |[least, greatest], value| [least.min(value), greatest.max(value)],
    )
}

fn probe(values: &Arc<Array3<Complex32>>, before: &Sketch) -> Result<Arc<ProbeSketch>> {
    if let Some(before) = before.probe.as_ref().filter(|old| old.values == *values) {
        return Ok(Arc::clone(before));
    }
    let report = report(values.view(), 1.0)?;
    let first = values.index_axis(Axis(0), 0);
    let look = Look::default();
    let picture = Picture::new(&Source::Complex(first), &look, Meaning::default(), None);
    Ok(Arc::new(ProbeSketch {
        version: next_version(),
        values: Arc::clone(values),
        report,
        thumbnail: small(&picture.rgba),
    }))
}

/// The positions as they will be split, and why they cannot be where they cannot.
fn scan(scene: &Scene, task: &GenerateTask) -> (ScanSketch, Option<Error>) {
    let second = scene.test_positions_px.as_deref().unwrap_or_default();
    let all: Vec<_> = scene.positions_px.iter().chain(second).copied().collect();
    let n_first = scene.positions_px.len();
    let shape = scene.object_shape();
    let mut rows = [(0..n_first).collect(), Vec::new(), Vec::new()];
    let (mut divide, mut leaked, mut failed) = (None, None, None);
    if second.is_empty() {
        match split_rows(&scene.positions_px, scene.probe.view(), shape, &task.split) {
            Ok(split) => {
                divide = Some(Divide {
                    axis: usize::from(task.split.split_axis == SplitAxis::X),
                    middle_px: split.middle_px,
                    width_px: split.guard_px,
                });
                leaked = Some(split.leak);
                rows = [split.train, split.test, split.guarded];
            }
            Err(error) => failed = Some(error),
        }
    } else {
        rows[1] = (n_first..all.len()).collect();
        let support = support(scene.probe.view());
        leaked = Some(leak(&support, &scene.positions_px, second, shape));
    }
    let drawn_step = all.len().div_ceil(MAX_DRAWN).max(1);
    let drawn = |rows: &[usize]| -> Vec<usize> {
        let drawn = rows.iter().filter(|row| *row % drawn_step == 0);
        drawn.map(|row| row / drawn_step).collect()
    };
    let sketch = ScanSketch {
        version: next_version(),
        n_positions: all.len(),
        positions_px: all.into_iter().step_by(drawn_step).collect(),
        drawn_step,
        frame_px: (shape[0], shape[1]),
        train: drawn(&rows[0]),
        test: drawn(&rows[1]),
        guarded: drawn(&rows[2]),
        outside: drawn(&scene.outside),
        n_outside: scene.outside.len(),
        divide,
        leak: leaked,
        n_rows: rows.map(|rows| rows.len()),
    };
    (sketch, failed)
}

/// One pattern at every dose, and what the scan is expected to have.
fn patterns(scene: &Scene, task: &GenerateTask, chosen: usize) -> Result<PatternSketch> {
    let n_positions = scene.positions_px.len();
    let index = chosen.min(n_positions.saturating_sub(1));
    let n = scene.n();
    let step = (n_positions * n * n).div_ceil(SURVEY_PX).max(1);
    let surveyed: Arc<[_]> = scene.positions_px.iter().copied().step_by(step).collect();
    let n_surveyed = surveyed.len();
    let subpixel = task.simulation.subpixel;
    let simulator = |probe, positions, photons| {
        // The same draws as in the file that will be written.
        let seed = noise_seed(task.simulation.seed, photons);
        Simulator::new(Arc::clone(&scene.object), probe, positions, subpixel, seed)
    };
    let expected =
        simulator(Arc::clone(&scene.probe), surveyed, 1.0)?.expected_photons(&Quiet::default())?;
    let [least, greatest] = expected.iter().fold(
        [f64::INFINITY, f64::NEG_INFINITY],
        |[least, greatest], photons| [least.min(*photons), greatest.max(*photons)],
    );
    let mut doses = Vec::with_capacity(task.doses.len());
    for &photons in &task.doses {
        let factor = probe_factor(&expected, photons)?;
        let probe = Arc::new(scene.probe.mapv(|value| value * factor as f32));
        let simulator = simulator(probe, Arc::clone(&scene.positions_px), photons)?;
        let mut values = vec![0.0_f32; n * n];
        simulator.intensity(index, &mut values);
        let brightest = values.iter().copied().fold(0.0, f32::max).into();
        simulator.amplitude(index, &mut values);
        let counts = values
            .into_iter()
            .map(|amplitude| amplitude * amplitude)
            .collect();
        doses.push(DoseSketch {
            photons,
            counts: Array2::from_shape_vec((n, n), counts).unwrap_or_default(),
            photons_range: [least, greatest].map(|photons| photons * factor * factor),
            brightest,
        });
    }
    let greatest = doses
        .iter()
        .flat_map(|dose| &dose.counts)
        .copied()
        .fold(1.0, f32::max);
    let log_max = f64::from(greatest).log10();
    Ok(PatternSketch {
        version: next_version(),
        index,
        thumbnail: strip(&doses, log_max),
        doses,
        log_max,
        n_surveyed,
        n_positions,
    })
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

/// The first patterns side by side.
fn strip(doses: &[DoseSketch], log_max: f64) -> ColorImage {
    const MOST: usize = 4;
    let look = counts_look(log_max);
    let pictures: Vec<_> = doses
        .iter()
        .take(MOST)
        .map(|dose| {
            let source = Source::Real(dose.counts.view());
            shrunk(&Picture::new(&source, &look, Meaning::default(), None).rgba)
        })
        .collect();
    let height = pictures.first().map_or(1, |picture| picture.height);
    let mut pixels = Vec::new();
    for row in 0..height {
        for (i, picture) in pictures.iter().enumerate() {
            if i != 0 {
                pixels.extend([[0; 4]; 2]);
            }
            let start = row * picture.width;
            pixels.extend_from_slice(&picture.pixels[start..start + picture.width]);
        }
    }
    let width = pixels.len() / height;
    color_image(&Rgba {
        width,
        height,
        pixels,
    })
}

fn small(picture: &Rgba) -> ColorImage {
    color_image(&shrunk(picture))
}

fn shrunk(picture: &Rgba) -> Rgba {
    let side = picture.width.max(picture.height);
    area_average(picture, side.div_ceil(THUMBNAIL_PX).max(1))
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
