//! Pre-flight: what would be written, how large, how long.

use std::time::Instant;

use crate::disk;
use crate::error::{Error, Result};
use crate::job::Quiet;
use crate::sim::stages::{Simulated, expected_photons, probe_factor, simulate_at};
use crate::sim::{AmplitudeScale, Scene, SimulationSettings};
use crate::study::generate::scene::{Parted, Prepared};
use crate::study::generate::{GeneratePlan, GenerateTask, PlannedDose};

/// Patterns that are drawn to see how long one takes.
const N_TIMED: usize = 4;
/// Bytes a second that writing, hashing and reading back take together, on an ordinary disk.
const WRITTEN_BYTES_PER_S: f64 = 4.0e8;

/// Pre-flight: what would be written, how large, how long, and what stands in the way. Nothing is written.
///
/// # Errors
/// As [`generate`](super::generate()), but for a disk without room, which is a warning here.
pub fn plan(task: &GenerateTask) -> Result<GeneratePlan> {
    let prepared = Prepared::new(task)?;
    let split = prepared.split();
    let doses: Vec<PlannedDose> = prepared
        .doses
        .iter()
        .map(|dose| PlannedDose {
            photons: dose.photons,
            folder: task.dose_folder(dose.photons),
            n_train: split.n_train,
            n_test: split.n_test,
            n_guarded: split.n_guarded,
            leak: split.leak,
            stages: dose.stages(),
            is_stale: dose.is_stale(),
        })
        .collect();
    let bytes = prepared.bytes();
    let free_bytes = disk::free_bytes(&task.output);
    Ok(GeneratePlan {
        seconds: seconds(&prepared, bytes)?,
        warnings: warnings(&prepared, bytes, free_bytes),
        n_outside: prepared.scene.outside.len(),
        bytes,
        free_bytes,
        doses,
    })
}

/// Refuse a run that the disk cannot hold.
///
/// # Errors
/// [`Error::Invalid`] that says how much there is and how much it takes.
pub(super) fn check_room(prepared: &Prepared<'_>) -> Result<()> {
    let (bytes, output) = (prepared.bytes(), &prepared.task.output);
    match disk::free_bytes(output) {
        Some(free_bytes) if free_bytes < bytes => {
            let expected = format!("{} free", in_words(bytes));
            let error = Error::invalid(
                "generate datasets",
                "output",
                expected,
                in_words(free_bytes),
            );
            let fix =
                "free some room, give another -o, fewer positions or doses, or --patches false";
            Err(error.with_fix(fix).with_file(output))
        }
        _ => Ok(()),
    }
}

fn in_words(bytes: u64) -> String {
    if bytes < 1_000_000_000 {
        format!("{:.1} MB", bytes as f64 / 1e6)
    } else {
        format!("{:.2} GB", bytes as f64 / 1e9)
    }
}

/// From a few patterns that are drawn here and now.
fn seconds(prepared: &Prepared<'_>, bytes: u64) -> Result<f64> {
    let to_run = prepared.doses.iter().filter(|dose| !dose.is_unchanged);
    let Some(dose) = to_run.clone().next_back() else {
        return Ok(0.0);
    };
    let n_run = to_run.count() as f64;
    let pattern_s = pattern_s(&prepared.scene, &prepared.task.simulation, dose.photons)?;
    let split = prepared.split();
    let n_patterns = (split.n_train + split.n_test + split.n_guarded) as f64;
    let n_threads = prepared.task.threads() as f64;
    Ok(n_run * n_patterns * pattern_s / n_threads + writing_s(bytes))
}

/// Seconds that writing, hashing and reading back take together.
pub(in crate::study) fn writing_s(n_bytes: u64) -> f64 {
    n_bytes as f64 / WRITTEN_BYTES_PER_S
}

/// Seconds of one thread for a pattern, from a few that are drawn here and now.
pub(in crate::study) fn pattern_s(
    scene: &Scene,
    settings: &SimulationSettings,
    photons: f64,
) -> Result<f64> {
    let few = first_of(scene);
    let factor = factor_of(&few, settings, photons)?;
    let simulated = simulate_at(&few, photons, factor, settings.seed, settings)?;
    let mut pattern = vec![0.0; simulated.frames.n().pow(2)];
    simulated.frames.read(0, &mut pattern);
    let start = Instant::now();
    let n_patterns = simulated.frames.n_frames();
    (0..n_patterns).for_each(|i| simulated.frames.read(i, &mut pattern));
    Ok(start.elapsed().as_secs_f64() / n_patterns as f64)
}

/// The scene with the first positions alone.
fn first_of(scene: &Scene) -> Scene {
    Scene {
        positions_px: scene.positions_px.iter().copied().take(N_TIMED).collect(),
        ..scene.clone()
    }
}

/// Patterns of a scene, drawn when they are read; the probe's power is that of a few positions, near enough for a trial.
pub(in crate::study) fn trial_patterns(
    scene: &Scene,
    settings: &SimulationSettings,
    photons: f64,
) -> Result<Simulated> {
    let factor = factor_of(&first_of(scene), settings, photons)?;
    simulate_at(scene, photons, factor, settings.seed, settings)
}

/// Factor on the probe that gives the patterns of these positions so many photons.
fn factor_of(few: &Scene, settings: &SimulationSettings, photons: f64) -> Result<f64> {
    let expected = expected_photons(few, settings.subpixel, &Quiet::default())?;
    probe_factor(&expected, photons)
}

fn warnings(prepared: &Prepared<'_>, bytes: u64, free_bytes: Option<u64>) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(free_bytes) = free_bytes.filter(|free| *free < bytes) {
        warnings.push(format!(
            "the disk has {} free and the run needs {}: it will be refused",
            in_words(free_bytes),
            in_words(bytes)
        ));
    }
    let leak = prepared.split().leak;
    match &prepared.parted {
        Parted::Scans(_) => warnings.push(format!(
            "the test set is a second scan of the same object: {:.1} % of what it sees is seen in training too, as asked for",
            leak.percent()
        )),
        Parted::Rows(rows) if leak.n_shared_px != 0 => warnings.push(format!(
            "{} object pixels ({:.1} % of what the test half sees) are seen by both halves beyond a guard band of {} px; --guard-px auto leaves none",
            leak.n_shared_px,
            leak.percent(),
            rows.guard_px
        )),
        Parted::Rows(_) => {}
    }
    warnings.extend(
        prepared
            .scene
            .repairs
            .iter()
            .map(|repair| format!("mended: {repair}")),
    );
    let n_outside = prepared.scene.outside.len();
    if n_outside != 0 {
        let [rows, columns] = prepared.scene.object_shape();
        warnings.push(format!(
            "{n_outside} patches left the object, which has grown to {rows} x {columns} px"
        ));
    }
    if prepared.task.simulation.amplitude == AmplitudeScale::DoseNormalised {
        let words = "amplitudes are stored divided by one factor, as older tools have them; counts need that factor back";
        warnings.push(words.to_owned());
    }
    warnings
}
