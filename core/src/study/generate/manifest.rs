//! `run_manifest.json`: all that is needed to trust a generation and to make it again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::data::{Archive, Finding, Saved};
use crate::disk;
use crate::error::{Error, Problem, Result};
use crate::sim::leak::Leak;
use crate::sim::probe::ProbeReport;
use crate::sim::stages::SplitDesign;
use crate::study::generate::{DoseOutcome, GenerateTask, Stage, WrittenFile};

/// The schema number of [`RunManifest`].
pub(super) const SCHEMA: u32 = 1;

/// A generation: parameters, seeds, what was made, what was found about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunManifest {
    /// Schema number of the manifest.
    pub schema: u32,
    /// `ptychobench`.
    pub program: String,
    /// Its version.
    pub version: String,
    /// The task with every setting, defaults included.
    pub task: GenerateTask,
    /// Seeds by purpose.
    pub seeds: BTreeMap<String, u64>,
    /// Threads that computed; nothing depends on them.
    pub n_threads: usize,
    /// What the scene came to be.
    pub scene: SceneRecord,
    /// Every dose in this folder, those of the task first.
    pub doses: Vec<DoseRecord>,
    /// Start of the last run, UTC.
    pub started: String,
    /// Its end, UTC; none while it runs, or if it was stopped.
    pub ended: Option<String>,
}

/// Object, probe and positions in numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SceneRecord {
    /// SHA-256 over its arrays.
    pub sha256: String,
    /// Rows and columns of the object.
    pub object_shape: [usize; 2],
    /// Side of a pattern.
    pub n: usize,
    /// Probe modes.
    pub n_probe_modes: usize,
    /// Positions of the first scan.
    pub n_positions: usize,
    /// Positions of a second scan.
    pub n_test_positions: usize,
    /// Positions whose patch left the object before it grew.
    pub outside: Vec<usize>,
    /// Rows above and columns on the left by which the object grew.
    pub grown_px: [usize; 2],
    /// What was mended in source files, or left out of them, in words.
    pub repairs: Vec<String>,
    /// The unscaled probe in numbers.
    pub probe: Option<ProbeReport>,
}

/// One dose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DoseRecord {
    /// Photons a pattern that were asked for.
    pub photons_requested: f64,
    /// Mean photons a pattern that were drawn, over the simulated scan.
    pub photons_measured: f64,
    /// Folder, beside the manifest.
    pub folder: PathBuf,
    /// Whether the dose is not of the last task and its settings differ from it.
    pub is_stale: bool,
    /// Factor on the scene's probe that made it √photons.
    pub probe_factor: f64,
    /// Seeds of the photon noise, by half; halves of one scan share theirs.
    pub noise_seeds: BTreeMap<String, u64>,
    /// The stages with their keys and times.
    pub stages: Vec<StageRecord>,
    /// Seconds for hashing and writing.
    pub writing_s: f64,
    /// Seconds in all.
    pub seconds: f64,
    /// Patterns a second of stage 1 alone.
    pub patterns_per_s: f64,
    /// How the scan was split.
    pub split: SplitRecord,
    /// Photon statistics by half: `train`, `test`.
    pub light: BTreeMap<String, LightRecord>,
    /// What the validator found, by half.
    pub findings: BTreeMap<String, Vec<Finding>>,
    /// What was written.
    pub files: Vec<FileRecord>,
    /// When, UTC.
    pub written: String,
}

/// One stage of one dose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageRecord {
    /// The stage.
    pub stage: Stage,
    /// Hash of all that decides its result.
    pub key: String,
    /// Seconds of its own work.
    pub seconds: f64,
}

/// How a scan was split.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitRecord {
    /// Where; none for a second scan.
    pub design: Option<SplitDesign>,
    /// Patterns that train.
    pub n_train: usize,
    /// Patterns that test.
    pub n_test: usize,
    /// Patterns in the guard band.
    pub n_guarded: usize,
    /// Object pixels that both halves see.
    pub leak: Leak,
    /// The same as per cent of what the test half sees.
    pub leak_percent: f64,
}

/// Photon statistics of one half.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LightRecord {
    /// Patterns.
    pub n_patterns: usize,
    /// Mean counts of a pattern.
    pub mean_counts: f64,
    /// `√(mean counts of a pixel)`: the root mean square amplitude.
    pub rms_amplitude: f64,
    /// Mean amplitude.
    pub mean_amplitude: f64,
    /// Greatest amplitude.
    pub max_amplitude: f64,
    /// Share of the pixels without a count.
    pub dark_share: f64,
}

impl LightRecord {
    /// Of a half with patterns of `n` pixels; amplitudes times `counts_factor` are roots of counts.
    pub(super) fn of(saved: &Saved, n_patterns: usize, n: usize, counts_factor: f64) -> Self {
        let mean_counts = saved.mean_counts * counts_factor.powi(2);
        Self {
            n_patterns,
            mean_counts,
            rms_amplitude: (mean_counts / (n * n) as f64).sqrt(),
            mean_amplitude: saved.mean_amplitude * counts_factor,
            max_amplitude: saved.max_amplitude * counts_factor,
            dark_share: saved.dark_share,
        }
    }
}

/// One file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileRecord {
    /// The file, beside the manifest.
    pub path: PathBuf,
    /// SHA-256 of its arrays' content.
    pub sha256: String,
    /// Its bytes.
    pub n_bytes: u64,
    /// Hash of its directory (names, sizes, checksums), which tells at once whether it is still the same.
    pub fingerprint: String,
}

impl FileRecord {
    /// Of a file that will lie at `path` and lies at `now`.
    pub(super) fn of(path: PathBuf, now: &Path, sha256: &str) -> Result<Self> {
        let n_bytes = std::fs::metadata(now)
            .map_err(Error::io("look at", now))?
            .len();
        Ok(Self {
            path,
            sha256: sha256.to_owned(),
            n_bytes,
            fingerprint: Archive::open(now)?.fingerprint(),
        })
    }

    /// Whether the file is there and the same.
    pub(super) fn is_there(&self, folder: &Path) -> bool {
        let path = folder.join(&self.path);
        let n_bytes = std::fs::metadata(&path).map_or(0, |found| found.len());
        n_bytes == self.n_bytes
            && Archive::open(&path).is_ok_and(|found| found.fingerprint() == self.fingerprint)
    }
}

impl DoseRecord {
    /// Key of a stage.
    pub(super) fn key(&self, stage: Stage) -> Option<&str> {
        let found = self.stages.iter().find(|record| record.stage == stage);
        found.map(|record| record.key.as_str())
    }

    /// What a command prints about it; `seconds` are those of this run.
    pub(super) fn outcome(&self, folder: &Path, seconds: f64) -> DoseOutcome {
        let is_result = |file: &&FileRecord| file.path.parent() == Some(self.folder.as_path());
        DoseOutcome {
            photons_requested: self.photons_requested,
            photons_measured: self.photons_measured,
            leak_px: self.split.leak.n_shared_px,
            leak_percent: self.split.leak_percent,
            seconds,
            patterns_per_s: self.patterns_per_s,
            files: self
                .files
                .iter()
                .filter(is_result)
                .map(|file| WrittenFile {
                    path: folder.join(&file.path),
                    sha256: file.sha256.clone(),
                })
                .collect(),
        }
    }
}

impl RunManifest {
    /// Its file in a folder.
    pub fn file_in(folder: &Path) -> PathBuf {
        folder.join("run_manifest.json")
    }

    /// Read a manifest.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Refused`] if it is no manifest of this schema.
    pub fn read(file: &Path) -> Result<Self> {
        let text = std::fs::read(file).map_err(Error::io("read", file))?;
        serde_json::from_slice(&text).map_err(|error| {
            Error::Refused(Box::new(Problem {
                attempted: "read the manifest of a generation".to_owned(),
                file: Some(file.to_path_buf()),
                expected: format!("a run_manifest.json of schema {SCHEMA}"),
                found: error.to_string(),
                fix: "give the run_manifest.json that ptychobench simulate wrote".to_owned(),
                ..Problem::default()
            }))
        })
    }

    /// The dose and half that a file is of: by its place beside the manifest, else by its content.
    pub fn find(&self, manifest: &Path, file: &Path) -> Option<(&DoseRecord, &FileRecord)> {
        let folder = manifest.parent().unwrap_or(Path::new(""));
        let real = |path: &Path| path.canonicalize().ok();
        let wanted = real(file)?;
        let all = || {
            self.doses
                .iter()
                .flat_map(|dose| dose.files.iter().map(move |file| (dose, file)))
        };
        let by_place =
            all().find(|(_, record)| real(&folder.join(&record.path)).as_ref() == Some(&wanted));
        by_place.or_else(|| {
            let fingerprint = Archive::open(file).ok()?.fingerprint();
            all().find(|(_, record)| record.fingerprint == fingerprint)
        })
    }

    /// Write it.
    pub(super) fn write(&self) -> Result<()> {
        disk::write_json(&Self::file_in(&self.task.output), self)
    }
}
