//! Run folders: `runs/<study>/<task>/` with manifest, history, log, checkpoint and outputs.
//!
//! | file | content |
//! |---|---|
//! | `manifest.json` | task with every setting, inputs and outputs with SHA-256, seeds, device, times, reason for stopping |
//! | `history.json` | loss and seconds of every epoch |
//! | `run.log` | the program's messages as JSON lines (written by the program, not from here) |
//! | `checkpoint/` | the engine's whole state, to go on from |
//! | `result.npz` | the reconstruction |
//!
//! A folder is made for every run and never used twice, so that no result is ever overwritten.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::disk;
use crate::error::{Error, Problem, Result};
use crate::iterative::Course;
use crate::job::StopReason;
use crate::study::run::{ReconstructTask, Source};

/// The schema number of [`Manifest`].
pub const SCHEMA: u32 = 1;

/// Runs that start within one second are numbered; more than this many is a fault of the caller.
const MAX_RUNS_IN_A_SECOND: u32 = 99;

/// Files of a study's own record in the folder of a task, which are no results and in nobody's way: what the task came to,
/// what it was given, and a lock.
pub const RECORD_FILES: [&str; 3] = ["task.json", "given.json", "task.lock"];

/// How a file names other files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Naming {
    /// By where they lie on this machine.
    #[default]
    Absolute,
    /// From its own folder where they lie in that or beside it, as the tasks of a study do: a study can be moved, and in two
    /// places it comes to the same bytes.
    Beside,
}

impl Naming {
    /// The name of `path` in a file that lies in `folder`.
    pub fn name(self, path: &Path, folder: &Path) -> PathBuf {
        let absolute =
            |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        let (path, folder) = (absolute(path), absolute(folder));
        if self == Self::Absolute {
            return path;
        }
        if let Ok(within) = path.strip_prefix(&folder) {
            return Path::new(".").join(within);
        }
        let beside = folder.parent().and_then(|all| path.strip_prefix(all).ok());
        beside.map_or(path.clone(), |rest| Path::new("..").join(rest))
    }
}

/// The folder of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFolder(PathBuf);

impl RunFolder {
    /// Make a new folder under `runs`, named by the UTC time and a running number: `20261121T053500Z-01`.
    ///
    /// Names sort by time. The path kept is absolute, so that a result can name it.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create(runs: &Path) -> Result<Self> {
        std::fs::create_dir_all(runs).map_err(Error::io("make the folder", runs))?;
        let runs = std::path::absolute(runs).map_err(Error::io("find the folder", runs))?;
        let time = utc(SystemTime::now()).replace(['-', ':'], "");
        for number in 1..=MAX_RUNS_IN_A_SECOND {
            let path = runs.join(format!("{time}-{number:02}"));
            match std::fs::create_dir(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Error::io("make the run folder", &path)(error)),
            }
        }
        Err(Error::Run(format!(
            "more than {MAX_RUNS_IN_A_SECOND} runs were started within one second: {}",
            runs.display()
        )))
    }

    /// This folder, made where it is missing; a run that goes on there takes the place of the earlier one.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn at(path: &Path) -> Result<Self> {
        std::fs::create_dir_all(path).map_err(Error::io("make the folder", path))?;
        let path = std::path::absolute(path).map_err(Error::io("find the folder", path))?;
        Ok(Self(path))
    }

    /// An existing run folder.
    ///
    /// # Errors
    /// [`Error::Refused`] if it holds no manifest.
    pub fn open(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path).map_err(Error::io("find the folder", path))?;
        let folder = Self(path);
        if folder.manifest_file().is_file() {
            return Ok(folder);
        }
        Err(Error::Refused(Box::new(Problem {
            attempted: "open a run folder".to_owned(),
            file: Some(folder.0),
            expected: "a folder with manifest.json".to_owned(),
            found: "none".to_owned(),
            fix: "give a folder that a run of this program made".to_owned(),
            ..Problem::default()
        })))
    }

    /// Every run folder under `runs`, oldest first; none where `runs` does not exist.
    pub fn list(runs: &Path) -> Vec<Self> {
        let entries = std::fs::read_dir(runs).into_iter().flatten().flatten();
        let mut folders: Vec<_> = entries
            .filter_map(|entry| Self::open(&entry.path()).ok())
            .collect();
        folders.sort_by(|a, b| a.0.cmp(&b.0));
        folders
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What was run, with what, and how it ended.
    pub fn manifest_file(&self) -> PathBuf {
        self.0.join("manifest.json")
    }

    /// Loss and seconds of every epoch.
    pub fn history_file(&self) -> PathBuf {
        self.0.join("history.json")
    }

    /// The program's messages as JSON lines.
    pub fn log_file(&self) -> PathBuf {
        Self::log_file_in(&self.0)
    }

    /// The log of the run folder at `path`.
    pub fn log_file_in(path: &Path) -> PathBuf {
        path.join("run.log")
    }

    /// The engine's state.
    pub fn checkpoint_file(&self) -> PathBuf {
        self.0.join("checkpoint").join("state.npz")
    }

    /// The reconstruction.
    pub fn result_file(&self) -> PathBuf {
        self.0.join("result.npz")
    }

    /// OPR modes `opr_modes` (r, n, n) and weights `opr_weights` (m, 1 + r) of a run that refined them.
    pub fn opr_file(&self) -> PathBuf {
        self.0.join("opr.npz")
    }

    /// Refined positions beside the given ones, as a table, of a run that refined them.
    pub fn positions_file(&self) -> PathBuf {
        self.0.join("positions.csv")
    }

    /// Read the manifest.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Refused`] if it is no manifest of this schema.
    pub fn manifest(&self) -> Result<Manifest> {
        let file = self.manifest_file();
        let text = std::fs::read(&file).map_err(Error::io("read", &file))?;
        serde_json::from_slice(&text).map_err(|error| {
            Error::Refused(Box::new(Problem {
                attempted: "read a run's manifest".to_owned(),
                file: Some(file),
                expected: format!("a manifest of schema {SCHEMA}"),
                found: error.to_string(),
                fix: "the run was made by another version: start it anew".to_owned(),
                ..Problem::default()
            }))
        })
    }

    /// Write the manifest.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_manifest(&self, manifest: &Manifest) -> Result<()> {
        disk::write_json(&self.manifest_file(), manifest)
    }

    /// Write the history.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_history(&self, history: &History) -> Result<()> {
        disk::write_json(&self.history_file(), history)
    }
}

/// Loss and time of every epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// Loss of every whole epoch; NaN is written as null.
    pub loss: Vec<Option<f64>>,
    /// Seconds of every whole epoch.
    pub seconds_per_epoch: Vec<f64>,
    /// Power of all probe modes together, in counts, after every epoch.
    #[serde(default)]
    pub probe_power: Vec<f64>,
    /// Rms distance of the positions from the given ones after every epoch, in px.
    #[serde(default)]
    pub position_rms_px: Vec<f64>,
}

impl History {
    /// The history of a course.
    pub fn of(course: &Course) -> Self {
        let finite = |loss: &f64| loss.is_finite().then_some(*loss);
        Self {
            loss: course.loss.iter().map(finite).collect(),
            seconds_per_epoch: course.seconds_per_epoch.clone(),
            probe_power: course.probe_power.clone(),
            position_rms_px: course.position_rms_px.clone(),
        }
    }
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Started and not ended; a killed program leaves this behind.
    Running,
    /// Ended, with a result; the reason for stopping says how.
    Ended,
    /// Ended by an error, without a result.
    Failed,
}

/// The data a run was given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputRecord {
    /// The file, or `None` for the demonstration scan.
    pub path: Option<PathBuf>,
    /// SHA-256 over the contract's arrays, however a file stores them.
    pub content_sha256: String,
    /// Patterns.
    pub n_patterns: usize,
    /// Side of a pattern in pixels.
    pub n: usize,
    /// Side of an object pixel, where the file tells it.
    pub pixel_size_m: Option<f64>,
}

/// A file that a run wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputRecord {
    /// The file; relative to the run folder if it lies there.
    pub path: PathBuf,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Its bytes.
    pub n_bytes: u64,
}

impl OutputRecord {
    /// Hash a file that was just written.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn of(file: &Path, folder: &RunFolder) -> Result<Self> {
        Self::within(file, folder.path())
    }

    /// As [`OutputRecord::of`], of a file in any folder.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn within(file: &Path, folder: &Path) -> Result<Self> {
        let bytes = disk::Map::open(file)?;
        Ok(Self {
            path: file.strip_prefix(folder).unwrap_or(file).to_path_buf(),
            sha256: disk::sha256_hex(&bytes),
            n_bytes: bytes.len() as u64,
        })
    }
}

/// What was run, with what, and how it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`SCHEMA`].
    pub schema: u32,
    /// `ptychobench`.
    pub program: String,
    /// Its version.
    pub version: String,
    /// Where the run stands.
    pub state: RunState,
    /// The task with every setting, defaults included.
    pub task: ReconstructTask,
    /// The data.
    pub input: InputRecord,
    /// Files written.
    pub outputs: Vec<OutputRecord>,
    /// Seeds by purpose.
    pub seeds: BTreeMap<String, u64>,
    /// Device that computed.
    pub device: String,
    /// Why it was this device.
    pub device_reason: String,
    /// Threads that computed.
    pub n_threads: usize,
    /// Where the object started: `ones` or `objectGuess of the file`.
    pub object_start: String,
    /// What was mended in the data, in words.
    pub repairs: Vec<String>,
    /// Run folder whose checkpoint the run went on from.
    pub resumed_from: Option<PathBuf>,
    /// Start, UTC.
    pub started: String,
    /// End, UTC.
    pub ended: Option<String>,
    /// Whole epochs done, those before a resume included.
    pub epochs_done: usize,
    /// Why the run stopped.
    pub reason: Option<StopReason>,
    /// The error that ended it.
    pub error: Option<String>,
}

impl Manifest {
    /// The manifest of a run that starts now.
    pub fn begin(
        task: &ReconstructTask,
        input: InputRecord,
        (device, device_reason): (&str, &str),
    ) -> Self {
        Self {
            schema: SCHEMA,
            program: "ptychobench".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            state: RunState::Running,
            input,
            outputs: Vec::new(),
            seeds: BTreeMap::from([("batches".to_owned(), task.settings.seed)]),
            device: device.to_owned(),
            device_reason: device_reason.to_owned(),
            n_threads: task.threads(),
            object_start: task.object_start().to_owned(),
            repairs: Vec::new(),
            resumed_from: task.resume.clone(),
            started: utc(SystemTime::now()),
            ended: None,
            epochs_done: 0,
            reason: None,
            error: None,
            task: task.clone(),
        }
    }

    /// Record the end, now.
    pub fn end(&mut self, state: RunState) {
        self.state = state;
        self.ended = Some(utc(SystemTime::now()));
    }
}

impl InputRecord {
    /// The record of a task's data.
    pub fn of(source: &Source, dataset: &crate::data::Dataset) -> Self {
        let path = match source {
            Source::File(path) => Some(std::path::absolute(path).unwrap_or_else(|_| path.clone())),
            Source::Demonstration => None,
        };
        Self {
            path,
            content_sha256: dataset.content_sha256(),
            n_patterns: dataset.n_patterns(),
            n: dataset.n(),
            pixel_size_m: dataset.metadata().pixel_size_m,
        }
    }
}

/// A time as `2026-11-21T05:35:00Z` (RFC 3339, UTC).
pub fn utc(time: SystemTime) -> String {
    let seconds = time
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
        .as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil_from_days(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Days since 1970-01-01 to year, month, day in the Gregorian calendar.
///
/// Years are counted from March, so that the leap day is the last of its year; 146 097 days are 400 years.
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_239_300, "2026-11-21T05:35:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(utc(UNIX_EPOCH + Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn no_folder_is_made_twice_and_names_sort_by_time() {
        let runs = tempfile::tempdir().unwrap();
        let folders: Vec<_> = (0..5)
            .map(|_| RunFolder::create(runs.path()).unwrap())
            .collect();
        let mut sorted = folders.clone();
        sorted.sort_by(|a, b| a.path().cmp(b.path()));
        sorted.dedup();
        assert_eq!(sorted, folders);
        assert!(
            RunFolder::list(runs.path()).is_empty(),
            "none has a manifest"
        );
        assert!(RunFolder::open(runs.path()).is_err());
    }
}
