//! Readers of what a study's tasks have written, as far as figures need it.

use std::path::Path;

use ndarray::{Array2, Ix2};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{ATTEMPTED, FigurePart};
use crate::data::{Archive, Dataset, Strictness};
use crate::disk;
use crate::error::{Error, Problem, Result};
use crate::metrics::frc::Threshold;
use crate::metrics::settings::CompareSettings;
use crate::nn::history::TrainingHistory;
use crate::study::compare::export::{
    ARRAYS_FILE, CURVES_FILE, METRICS_FILE, array_keys, threshold_key,
};
use crate::study::store::History;

/// A file that a figure was drawn from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InputFile {
    /// Relative to the study's run folder, with `/`.
    pub path: String,
    /// SHA-256.
    pub sha256: String,
}

/// Pictures of one object over the area that is compared, `(h, w)`, NaN where nothing is.
#[derive(Clone, Debug)]
pub(super) struct Pictures {
    pub(super) amplitude: Array2<f32>,
    pub(super) phase_rad: Array2<f32>,
}

impl Pictures {
    /// Its amplitude or phase.
    pub(super) fn part(&self, part: FigurePart) -> &Array2<f32> {
        match part {
            FigurePart::Amplitude => &self.amplitude,
            FigurePart::Phase => &self.phase_rad,
        }
    }
}

/// A comparison as it was exported.
pub(super) struct Compared {
    /// All numbers.
    pub(super) metrics: Value,
    arrays: Archive,
    keys: Vec<(String, String)>,
    /// First row and column of the area in the object frame.
    pub(super) corner: [usize; 2],
}

fn refused(key: &str, expected: &str, found: impl Into<String>, file: &Path) -> Error {
    let problem = Problem {
        attempted: ATTEMPTED.to_owned(),
        file: Some(file.to_path_buf()),
        key: Some(key.to_owned()),
        expected: expected.to_owned(),
        found: found.into(),
        ..Problem::default()
    };
    Error::Refused(Box::new(problem))
}

/// A JSON file of a known form.
pub(super) fn json<T: DeserializeOwned>(file: &Path) -> Result<T> {
    let bytes = std::fs::read(file).map_err(Error::io("read", file))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| refused("text", "JSON of this program", error.to_string(), file))
}

/// SHA-256 of a file.
pub(super) fn sha256(file: &Path) -> Result<String> {
    Ok(disk::sha256_hex(&disk::Map::open(file)?))
}

/// Counts of one pattern `(n, n)`.
pub(super) fn pattern(file: &Path, index: usize) -> Result<Array2<f32>> {
    let dataset = Dataset::open(file, Strictness::Repair)?.dataset;
    let n_patterns = dataset.n_patterns();
    if n_patterns <= index {
        let expected = format!("the number of a pattern, 0 to {}", n_patterns - 1);
        return Err(
            Error::invalid(ATTEMPTED, "pattern", expected, index.to_string()).with_file(file),
        );
    }
    let n = dataset.n();
    let mut amplitudes = vec![0.0; n * n];
    dataset.frames().read(index, &mut amplitudes);
    let factor = dataset.metadata().counts_factor.unwrap_or(1.0);
    let counts = amplitudes
        .into_iter()
        .map(|amplitude| (f64::from(amplitude).powi(2) * factor) as f32);
    Array2::from_shape_vec((n, n), counts.collect())
        .map_err(|error| refused("diffraction", "(n, n)", error.to_string(), file))
}

impl Compared {
    /// The files of a comparison that are read.
    pub(super) const FILES: [&str; 3] = [METRICS_FILE, ARRAYS_FILE, CURVES_FILE];

    /// Open what lies in the folder of a comparison.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let metrics: Value = json(&folder.join(METRICS_FILE))?;
        let arrays = Archive::open(&folder.join(ARRAYS_FILE))?;
        let corner = |key: &str| -> Result<usize> {
            let ends = arrays.array_i64(key)?;
            let first = ends
                .iter()
                .next()
                .and_then(|first| usize::try_from(*first).ok());
            first.ok_or_else(|| refused(key, "first and last", "neither", &arrays.path))
        };
        let corner = [corner("rows")?, corner("columns")?];
        let arms = metrics["arms"].as_array().map_or(&[][..], Vec::as_slice);
        let names: Vec<String> = arms
            .iter()
            .filter_map(|arm| arm["name"].as_str().map(str::to_owned))
            .collect();
        let keys = array_keys(names.iter().map(String::as_str));
        Ok(Self {
            keys: names.into_iter().zip(keys).collect(),
            metrics,
            arrays,
            corner,
        })
    }

    /// Pictures of an arm; `None` is the reference.
    pub(super) fn pictures(&self, arm: Option<&str>) -> Result<Pictures> {
        let key = match arm {
            None => "reference",
            Some(arm) => {
                let known = self.keys.iter().find(|(name, _)| name == arm);
                known
                    .map(|(_, key)| key.as_str())
                    .ok_or_else(|| self.without(arm))?
            }
        };
        let picture = |part: &str| -> Result<Array2<f32>> {
            let key = format!("{key}_{part}");
            let values = self.arrays.array_f64(&key)?.into_dimensionality::<Ix2>();
            let values = values
                .map_err(|error| refused(&key, "(h, w)", error.to_string(), &self.arrays.path))?;
            Ok(values.mapv(|value| value as f32))
        };
        Ok(Pictures {
            amplitude: picture("amplitude")?,
            phase_rad: picture("phase")?,
        })
    }

    /// Why an arm is not there.
    fn without(&self, arm: &str) -> Error {
        let refusals = self.metrics["refused"].as_array().into_iter().flatten();
        let of_arm = refusals.into_iter().find(|refusal| refusal["name"] == arm);
        let reason = of_arm.and_then(|refusal| refusal["reason"].as_str());
        let found = reason.unwrap_or("none of this name");
        refused(
            arm,
            "a reconstruction that was compared",
            found,
            &self.arrays.path,
        )
    }

    /// Side of an object pixel, where known.
    pub(super) fn pixel_size_m(&self) -> Option<f64> {
        self.metrics["pixel_size_m"].as_f64()
    }

    /// How it was compared.
    pub(super) fn how(&self) -> CompareSettings {
        serde_json::from_value(self.metrics["settings"].clone()).unwrap_or_default()
    }

    /// A number of an arm: of `phase` or `amplitude`.
    pub(super) fn number(&self, arm: &str, key: &str, part: &str) -> Option<f64> {
        let arms = self.metrics["arms"].as_array()?;
        let of_arm = arms.iter().find(|known| known["name"] == arm)?;
        of_arm["metrics"][key][part].as_f64()
    }
}

/// One curve of a table of ring correlations: `(fraction of Nyquist, correlation)`.
pub(super) type Points = Vec<[f64; 2]>;

/// Ring correlations of arms, and thresholds.
#[derive(Clone, Debug, Default)]
pub(super) struct RingCurves {
    /// Of each arm that was asked for.
    pub(super) arms: Vec<(String, Points)>,
    /// Of the first arm's rings.
    pub(super) thresholds: Vec<(String, Points)>,
}

/// Thresholds that are drawn.
const THRESHOLDS: [Threshold; 2] = [Threshold::Half, Threshold::HalfBit];

/// The curves of `arms` in a `frc_curves.csv`: of the column `part`.
pub(super) fn ring_curves(file: &Path, arms: &[&str], part: &str) -> Result<RingCurves> {
    let text = std::fs::read_to_string(file).map_err(Error::io("read", file))?;
    let mut lines = text.lines();
    let head: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let column = |name: &str| {
        let found = head.iter().position(|known| *known == name);
        found.ok_or_else(|| refused(name, "a column of that name", head.join(","), file))
    };
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    let [arm_at, at] = [column("arm")?, column("of_nyquist")?];
    let points = |arm: &str, column: usize| -> Points {
        let number = |row: &[&str], at: usize| {
            let cell = row.get(at).copied().unwrap_or_default();
            cell.parse().unwrap_or(f64::NAN)
        };
        let of_arm = rows.iter().filter(|row| row.get(arm_at) == Some(&arm));
        of_arm
            .map(|row| [number(row, at), number(row, column)])
            .collect()
    };
    let mut curves = RingCurves::default();
    let value_at = column(part)?;
    for &arm in arms {
        curves.arms.push((arm.to_owned(), points(arm, value_at)));
    }
    if let Some(first) = arms.first() {
        for threshold in THRESHOLDS {
            let at = column(&format!("{}_threshold", threshold_key(threshold)))?;
            let name = threshold.label().to_owned();
            curves.thresholds.push((name, points(first, at)));
        }
    }
    Ok(curves)
}

/// How the loss of an arm went, a value for each epoch.
#[derive(Clone, Debug, Default)]
pub(super) struct Course {
    /// What the loss is called.
    pub(super) loss_name: String,
    pub(super) loss: Vec<f64>,
    /// None where nothing was validated.
    pub(super) validation: Vec<f64>,
    pub(super) best_epoch: Option<usize>,
}

/// The course of a training.
pub(super) fn training(file: &Path) -> Result<Course> {
    let history: TrainingHistory = json(file)?;
    let of = |value: Option<f64>| value.unwrap_or(f64::NAN);
    let epochs = &history.epochs;
    let validation = epochs.iter().map(|epoch| epoch.validation);
    let course = Course {
        loss_name: history.loss_name.to_uppercase(),
        loss: epochs.iter().map(|epoch| of(epoch.loss)).collect(),
        validation: if epochs.iter().any(|epoch| epoch.validation.is_some()) {
            validation.map(of).collect()
        } else {
            Vec::new()
        },
        best_epoch: history.best_epoch,
    };
    course.checked(file)
}

/// The course of an iterative reconstruction.
pub(super) fn reconstruction(file: &Path) -> Result<Course> {
    let history: History = json(file)?;
    let course = Course {
        loss: history
            .loss
            .iter()
            .map(|loss| loss.unwrap_or(f64::NAN))
            .collect(),
        ..Course::default()
    };
    course.checked(file)
}

impl Course {
    fn checked(self, file: &Path) -> Result<Self> {
        if self.loss.iter().any(|loss| loss.is_finite()) {
            return Ok(self);
        }
        let found = format!("none in {} epochs", self.loss.len());
        Err(refused("loss", "a finite loss", found, file))
    }
}
