//! The parts of a sketch, each from the scene that the run would have.

use std::sync::Arc;

use egui::ColorImage;
use ndarray::{Array2, Array3, Axis};
use num_complex::Complex32;
use ptycho_core::job::Quiet;
use ptycho_core::paint::colormap::{ColorMap, Map};
use ptycho_core::paint::component::{Component, Source};
use ptycho_core::paint::limits::Limits;
use ptycho_core::paint::picture::{Look, Meaning, Picture};
use ptycho_core::paint::raster::{Rgba, area_average};
use ptycho_core::sim::leak::{leak, support};
use ptycho_core::sim::noise::noise_seed;
use ptycho_core::sim::probe::report;
use ptycho_core::sim::stages::{probe_factor, split_rows};
use ptycho_core::sim::{ObjectContent, ObjectKind, Scene, Simulator, SplitAxis};
use ptycho_core::study::generate::GenerateTask;
use ptycho_core::{Error, Result};

use super::super::texture::color_image;
use super::super::widgets::scan_marks::Divide;
use super::sketch::{
    DoseSketch, ObjectSketch, PatternSketch, ProbeSketch, ScanSketch, Sketch, counts_look,
    next_version,
};

/// Side of a small picture, in its own pixels.
const THUMBNAIL_PX: usize = 64;
/// Pixels of the patterns that the mean over a scan is estimated from: a quick look, not the run.
const SURVEY_PX: usize = 1 << 21;
/// Positions drawn; more would tell no more and cost every frame.
const MAX_DRAWN: usize = 20_000;
/// The object, unless it is the one from before.
pub(super) fn object(
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

/// The probe and its report, unless it is the one from before.
pub(super) fn probe(values: &Arc<Array3<Complex32>>, before: &Sketch) -> Result<Arc<ProbeSketch>> {
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
pub(super) fn scan(scene: &Scene, task: &GenerateTask) -> (ScanSketch, Option<Error>) {
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
pub(super) fn patterns(scene: &Scene, task: &GenerateTask, chosen: usize) -> Result<PatternSketch> {
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
