//! One reconstruction to compare: read, checked, and what its file tells of how it was made.

use std::path::{Path, PathBuf};

use ndarray::{Array2, Array3, s};
use num_complex::Complex32;
use serde_json::Value;

use super::load::ATTEMPTED;
use crate::data::Archive;
use crate::data::reconstruction::{OBJECT_KEY, Reconstruction};
use crate::data::shown;
use crate::disk;
use crate::error::{Error, Problem, Result};
use crate::study::run::named_by;
use crate::study::store::{History, RunFolder};

/// One reconstruction, readable and of the right shape.
#[derive(Clone, Debug)]
pub struct Arm {
    /// Name given.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
    /// SHA-256 of the file.
    pub sha256: String,
    /// `(h, w)` in the object frame; 0 where it was not finite and no patch lay.
    pub object: Array2<Complex32>,
    /// Where patches lay, if it says so; 0 is unseen.
    pub coverage: Option<Array2<f32>>,
    /// Positions `(row, column)`, if it has them.
    pub positions_px: Vec<[f64; 2]>,
    /// Probe modes `(k, n, n)`; none of a file without.
    pub probe: Array3<Complex32>,
    /// Name of the algorithm, if it says so.
    pub algorithm: String,
    /// How it was made, if it says so.
    pub provenance: Value,
    /// How long it took to reconstruct, if its run folder is there and tells.
    pub reconstruction_s: Option<f64>,
}

impl Arm {
    /// Whether this program wrote it.
    pub fn is_ours(&self) -> bool {
        self.provenance["program"] == "ptychobench"
    }

    /// Whether the reconstruction began with the file's `objectGuess`.
    pub fn started_from_truth(&self) -> bool {
        self.provenance["settings"]["object_init"] == "file"
    }

    /// What a reader of its numbers has to know, in words.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.started_from_truth() {
            notes.push(
                "started from objectGuess of its file; if that is the truth, this is no independent result".to_owned(),
            );
        }
        let rescale = &self.provenance["rescale"];
        if rescale["is_applied"] == true {
            notes.push(format!(
                "its amplitude was multiplied by {} when it was made ({})",
                rescale["factor"],
                rescale["by"].as_str().unwrap_or("unknown")
            ));
        }
        notes
    }

    /// Keep the first rows and columns.
    pub(super) fn crop(&mut self, rows: usize, columns: usize) {
        let part = s![..rows, ..columns];
        self.object = self.object.slice(part).to_owned();
        self.coverage = self
            .coverage
            .take()
            .map(|coverage| coverage.slice(part).to_owned());
    }
}

/// Read an arm and check it; `shape` is that of the frame.
///
/// # Errors
/// [`Error::Refused`] that says why it cannot be compared; [`Error::Io`].
pub(super) fn read(
    name: &str,
    file: &Path,
    key: &str,
    shape: Option<(usize, usize)>,
) -> Result<Arm> {
    check_key(file, key)?;
    let mut found = Reconstruction::load_object(file, key)?;
    if let Some(shape) = shape {
        check_shape(key, found.object.dim(), shape)?;
    }
    check_values(key, &found.object, found.coverage.as_ref())?;
    for value in &mut found.object {
        if !value.is_finite() {
            *value = Complex32::default();
        }
    }
    let sha256 = disk::sha256_hex(&disk::Map::open(file)?);
    Ok(Arm {
        name: name.to_owned(),
        file: file.to_path_buf(),
        reconstruction_s: recorded_seconds(file, &found.provenance, &sha256),
        sha256,
        object: found.object,
        coverage: found.coverage,
        positions_px: found.positions_px,
        probe: found.probe,
        algorithm: found.algorithm,
        provenance: found.provenance,
    })
}

fn refused(key: &str, expected: impl Into<String>, found: impl Into<String>, fix: &str) -> Error {
    Error::Refused(Box::new(Problem {
        attempted: ATTEMPTED.to_owned(),
        key: Some(key.to_owned()),
        expected: expected.into(),
        found: found.into(),
        fix: fix.to_owned(),
        ..Problem::default()
    }))
}

/// Amplitudes alone would be compared as an object of phase 0.
fn check_key(file: &Path, key: &str) -> Result<()> {
    let archive = Archive::open(file)?;
    let expected = "a complex array (h, w)";
    let Some(info) = archive.keys.iter().find(|info| info.key == key) else {
        let keys: Vec<&str> = archive.keys.iter().map(|info| info.key.as_str()).collect();
        let found = format!("no such key; keys: {}", keys.join(", "));
        let fix = format!("write the object under {OBJECT_KEY}, as reconstruct and infer do");
        return Err(refused(key, expected, found, &fix));
    };
    if !info.dtype.starts_with("complex") {
        let fix = "write amplitude and phase as one array, amplitude * exp(1j * phase)";
        return Err(refused(key, expected, info.dtype.as_str(), fix));
    }
    if info.shape.len() != 2 {
        let fix = "write one object with two axes, [row, column]";
        return Err(refused(key, "(h, w)", shown(&info.shape), fix));
    }
    Ok(())
}

fn check_shape(key: &str, found: (usize, usize), expected: (usize, usize)) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    let fix = if found == (expected.1, expected.0) {
        "its axes are exchanged: write it as [row, column]"
    } else {
        "give an object in the frame of the dataset, pixel for pixel, as reconstruct and infer write it"
    };
    let shape = |(h, w): (usize, usize)| shown(&[h, w]);
    let expected = format!("{}, the frame", shape(expected));
    Err(refused(key, expected, shape(found), fix))
}

/// Refuse an object that is zero or not finite where it was seen.
pub(super) fn check_values(
    key: &str,
    object: &Array2<Complex32>,
    coverage: Option<&Array2<f32>>,
) -> Result<()> {
    let is_seen = |at: (usize, usize)| coverage.is_none_or(|coverage| 0.0 < coverage[at]);
    let seen = || object.indexed_iter().filter(|(at, _)| is_seen(*at));
    let n_bad = seen().filter(|(_, value)| !value.is_finite()).count();
    if 0 < n_bad {
        let found = format!("{n_bad} of {} pixels that are not finite", object.len());
        let fix = "reconstruct anew; pixels that nothing is known of are 0 in the array `coverage`";
        return Err(refused(key, "finite values", found, fix));
    }
    if seen().all(|(_, value)| *value == Complex32::default()) {
        let found = if object.is_empty() {
            "an empty array"
        } else {
            "zeros only"
        };
        let fix = "reconstruct anew: there is nothing to compare";
        return Err(refused(key, "values other than 0", found, fix));
    }
    Ok(())
}

/// Sum of the seconds of all epochs, where the run folder lies on this machine and wrote this very file.
fn recorded_seconds(file: &Path, provenance: &Value, sha256: &str) -> Option<f64> {
    let folder = named_by(file, provenance["run_folder"].as_str()?);
    let folder = RunFolder::open(&folder).ok()?;
    let manifest = folder.manifest().ok()?;
    if manifest
        .outputs
        .iter()
        .all(|output| output.sha256 != sha256)
    {
        return None;
    }
    let text = std::fs::read(folder.history_file()).ok()?;
    let history: History = serde_json::from_slice(&text).ok()?;
    Some(history.seconds_per_epoch.iter().sum())
}
