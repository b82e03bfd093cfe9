//! What stands before the first photon: the task checked, the scene built and parted, and what is there from before.

use std::path::PathBuf;

use crate::compute::{Compute, DeviceChoice};
use crate::error::{Error, Result};
use crate::fields::Fields as _;
use crate::sim::leak::{Leak, leak, support};
use crate::sim::probe::report;
use crate::sim::stages::{SplitDesign, SplitRows, split_rows};
use crate::sim::{AmplitudeScale, Scene, SimulationSettings};
use crate::study::generate::keys::{Keys, keys, scene_sha256};
use crate::study::generate::{
    DoseRecord, GenerateTask, RunManifest, SceneRecord, SplitRecord, Stage, dose_name,
};

const ATTEMPTED: &str = "generate datasets";
/// Doses are whole numbers in folder names; up to here every one of them is a different double.
const MOST_PHOTONS: f64 = 9.0e15;

/// A task that can run.
pub(super) struct Prepared<'a> {
    pub(super) task: &'a GenerateTask,
    pub(super) scene: Scene,
    pub(super) record: SceneRecord,
    pub(super) parted: Parted,
    /// One for each dose.
    pub(super) doses: Vec<Prior>,
    pub(super) earlier: Option<RunManifest>,
    /// Where the forward model is computed, if not on the CPU, and why there.
    pub(super) compute: Option<Compute>,
}

/// Training and test rows, or two scans.
pub(super) enum Parted {
    Rows(SplitRows),
    Scans(Leak),
}

/// What is there of a dose.
pub(super) struct Prior {
    pub(super) photons: f64,
    pub(super) keys: Keys,
    pub(super) record: Option<DoseRecord>,
    /// Whether keys and files are still those of the record.
    pub(super) is_unchanged: bool,
    /// A kept result to go on from.
    pub(super) start: Option<Start>,
}

/// A kept result of an earlier run whose key still holds.
pub(super) struct Start {
    pub(super) stage: Stage,
    pub(super) file: PathBuf,
    /// The same of the second scan.
    pub(super) second: Option<PathBuf>,
}

impl<'a> Prepared<'a> {
    pub(super) fn new(task: &'a GenerateTask) -> Result<Self> {
        check(task)?;
        let compute = match task.device {
            DeviceChoice::Cpu => None,
            choice => Some(Compute::open(choice, task.n_threads)?),
        };
        let compute = compute.filter(|compute| !compute.device().is_cpu());
        let simulation = &task.simulation;
        let second = (task.split.test_positions, task.split.test_seed);
        let scene = Scene::build(&task.scene, simulation.outside, simulation.seed, second)?;
        let parted = part(&scene, task)?;
        let sha256 = scene_sha256(&scene);
        let earlier = earlier(task)?;
        let prior = |photons: &f64| {
            prior(
                task,
                keys(task, &sha256, *photons)?,
                *photons,
                earlier.as_ref(),
            )
        };
        let doses = task.doses.iter().map(prior).collect::<Result<_>>()?;
        let second = scene.test_positions_px.as_deref();
        let record = SceneRecord {
            sha256,
            object_shape: scene.object_shape(),
            n: scene.n(),
            n_probe_modes: scene.probe.dim().0,
            n_positions: scene.positions_px.len(),
            n_test_positions: second.map_or(0, <[_]>::len),
            outside: scene.outside.clone(),
            grown_px: scene.grown_px,
            repairs: scene.repairs.clone(),
            probe: report(scene.probe.view(), 1.0).ok(),
        };
        Ok(Self {
            task,
            scene,
            record,
            parted,
            doses,
            earlier,
            compute,
        })
    }

    pub(super) fn split(&self) -> SplitRecord {
        let (design, counts, leak) = match &self.parted {
            Parted::Rows(rows) => {
                let design = SplitDesign {
                    axis: self.task.split.split_axis,
                    middle_px: rows.middle_px,
                    guard_px: rows.guard_px,
                };
                let counts = [&rows.train, &rows.test, &rows.guarded].map(Vec::len);
                (Some(design), counts, rows.leak)
            }
            Parted::Scans(leak) => {
                let counts = [self.record.n_positions, self.record.n_test_positions, 0];
                (None, counts, *leak)
            }
        };
        let [n_train, n_test, n_guarded] = counts;
        SplitRecord {
            design,
            n_train,
            n_test,
            n_guarded,
            leak,
            leak_percent: leak.percent(),
        }
    }

    /// Bytes that one dose takes on the disk.
    pub(super) fn bytes_of_dose(&self) -> u64 {
        let split = self.split();
        let written = split.n_train + split.n_test;
        let all = self.record.n_positions + self.record.n_test_positions;
        let side = [self.record.n, self.record.n_probe_modes];
        bytes_of_dose(
            side,
            self.record.object_shape,
            [written, all],
            &self.task.simulation,
        )
    }

    /// Bytes that the doses which have to run take.
    pub(super) fn bytes(&self) -> u64 {
        let n_run = self.doses.iter().filter(|dose| !dose.is_unchanged).count();
        n_run as u64 * self.bytes_of_dose()
    }
}

impl Prior {
    /// Stages that have to run.
    pub(super) fn stages(&self) -> Vec<Stage> {
        let first = match (self.is_unchanged, &self.start) {
            (true, _) => return Vec::new(),
            (false, Some(start)) => start.stage as usize + 1,
            (false, None) => 0,
        };
        Stage::ALL.into_iter().skip(first).collect()
    }

    /// The record, if it is that of a result which no longer fits.
    pub(super) fn is_stale(&self) -> bool {
        self.record.is_some() && !self.is_unchanged
    }
}

/// Bytes on the disk of one dose: patterns of side `n` under so many probe modes over an object, of which some are written
/// (training and test set) and all are simulated.
pub(in crate::study) fn bytes_of_dose(
    [n, n_modes]: [usize; 2],
    [rows, columns]: [usize; 2],
    [n_written, n_simulated]: [usize; 2],
    simulation: &SimulationSettings,
) -> u64 {
    let n = n as u64;
    let patches = if simulation.patches { 8 } else { 0 };
    // Coordinates, their nominal twins and numbers; object and probe once a file, as if nothing could be compressed.
    let small = 8 * (rows * columns) as u64 + 8 * n * n * n_modes as u64;
    let rows_of = |n_patterns: usize, pixel: u64| n_patterns as u64 * (n * n * pixel + 40);
    let results = rows_of(n_written, 4 + patches) + 2 * small;
    if !simulation.keep_intermediates {
        return results;
    }
    let third = if simulation.patches {
        rows_of(n_simulated, 12)
    } else {
        0
    };
    results + rows_of(n_simulated, 4) + third + 4 * small
}

/// What can be known to be wrong before anything is made.
fn check(task: &GenerateTask) -> Result<()> {
    task.scene.object.check_ranges()?;
    task.scene.probe.check_ranges()?;
    task.scene.scan.check_ranges()?;
    task.simulation.check_ranges()?;
    task.split.check_ranges()?;
    let invalid = |key: &str, expected: &str, found: String, fix: &str| {
        Err(Error::invalid(ATTEMPTED, key, expected, found).with_fix(fix))
    };
    if task.doses.is_empty() {
        let fix = "give --doses 1e3,1e4,1e5";
        return invalid("doses", "one dose at least", "none".to_owned(), fix);
    }
    for photons in &task.doses {
        if !(1.0..=MOST_PHOTONS).contains(photons) {
            let fix = "give photons a pattern, as --doses 1e3,1e4";
            return invalid("doses", "photons from 1 to 9e15", photons.to_string(), fix);
        }
    }
    let mut names: Vec<String> = task
        .doses
        .iter()
        .map(|photons| dose_name(*photons))
        .collect();
    names.sort();
    if let Some([name, _]) = names.array_windows::<2>().find(|[a, b]| a == b) {
        let found = format!("two for the folder {name}");
        let fix = "folders are named by whole numbers: leave one of the two out";
        return invalid("doses", "doses that differ as whole numbers", found, fix);
    }
    if task.output.exists() && !task.output.is_dir() {
        let error = Error::invalid(ATTEMPTED, "output", "a folder", "a file");
        return Err(error.with_fix("give another -o").with_file(&task.output));
    }
    Ok(())
}

fn part(scene: &Scene, task: &GenerateTask) -> Result<Parted> {
    let (probe, shape) = (scene.probe.view(), scene.object_shape());
    Ok(match scene.test_positions_px.as_deref() {
        None => Parted::Rows(split_rows(&scene.positions_px, probe, shape, &task.split)?),
        Some(second) => {
            let support = support(probe);
            Parted::Scans(leak(&support, &scene.positions_px, second, shape))
        }
    })
}

/// The manifest of an earlier run in the same folder; one that cannot be read is no obstacle by itself.
fn earlier(task: &GenerateTask) -> Result<Option<RunManifest>> {
    let file = RunManifest::file_in(&task.output);
    if !file.exists() {
        return Ok(None);
    }
    match RunManifest::read(&file) {
        Ok(manifest) => Ok(Some(manifest)),
        Err(Error::Refused(problem)) => {
            tracing::warn!("the earlier run counts as none: {problem}");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn prior(
    task: &GenerateTask,
    keys: Keys,
    photons: f64,
    earlier: Option<&RunManifest>,
) -> Result<Prior> {
    let folder = PathBuf::from(dose_name(photons));
    let same = |record: &&DoseRecord| record.folder == folder;
    let record = earlier
        .and_then(|manifest| manifest.doses.iter().find(same))
        .cloned();
    if record.is_none() {
        refuse_foreign(task, photons)?;
    }
    let mut is_unchanged = false;
    let mut start = None;
    if let Some(record) = &record {
        let holds = |stage: Stage| record.key(stage) == Some(keys[stage as usize].as_str());
        let keeps = record
            .files
            .iter()
            .any(|file| file.path.starts_with(folder.join("stages")));
        is_unchanged = Stage::ALL.into_iter().all(holds)
            && (keeps || !task.simulation.keep_intermediates)
            && record.files.iter().all(|file| file.is_there(&task.output));
        // A dose-normalised file is opened with its scale mended, so that it is no place to go on from.
        if !is_unchanged && task.simulation.amplitude == AmplitudeScale::SqrtCounts {
            let kept = [
                (Stage::Patches, "3_patches"),
                (Stage::Canonicalise, "2_canonical"),
            ];
            let usable = |(stage, stem): (Stage, &str)| {
                holds(stage)
                    .then(|| kept_result(task, record, stage, stem))
                    .flatten()
            };
            start = kept.into_iter().find_map(usable);
        }
    }
    Ok(Prior {
        photons,
        keys,
        record,
        is_unchanged,
        start,
    })
}

fn kept_result(
    task: &GenerateTask,
    record: &DoseRecord,
    stage: Stage,
    stem: &str,
) -> Option<Start> {
    let there = |name: String| {
        let path = record.folder.join("stages").join(name);
        let file = record.files.iter().find(|file| file.path == path)?;
        file.is_there(&task.output).then(|| task.output.join(path))
    };
    let second = match task.split.test_positions {
        0 => None,
        _ => Some(there(format!("{stem}_test.npz"))?),
    };
    Some(Start {
        stage,
        file: there(format!("{stem}.npz"))?,
        second,
    })
}

/// Files that this program does not know are never written over.
fn refuse_foreign(task: &GenerateTask, photons: f64) -> Result<()> {
    for name in ["train.npz", "test.npz"] {
        let file = task.dose_folder(photons).join(name);
        if file.exists() {
            let expected = "a folder without datasets of unknown origin";
            let found = format!("{name}, of which run_manifest.json says nothing");
            let error = Error::invalid(ATTEMPTED, "output", expected, found);
            return Err(error
                .with_fix("give another -o, or move the file away")
                .with_file(&file));
        }
    }
    Ok(())
}
