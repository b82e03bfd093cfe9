//! One scan that obeys the contract. If it exists it is valid; checks happen in its constructor, once.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use ndarray::{Array2, Array3};
use num_complex::Complex32;
use serde::{Deserialize, Serialize};

use crate::data::apply::apply;
use crate::data::examine::{Depth, Source, examine};
use crate::data::{Frames, Patches, Verdict, check};
use crate::error::{Error, Result};
use crate::job::{Monitor, Quiet};

/// Schema of the files that this program writes.
pub const SCHEMA: u32 = 1;

/// Whether a repairable file may be used with its repairs applied in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strictness {
    /// Apply the repairs in memory and record them.
    #[default]
    Repair,
    /// Refuse every file that is not ok as it is.
    Strict,
}

/// What the key `_metadata` of our own files holds, as UTF-8 JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// Schema number.
    pub schema: u32,
    /// Program that wrote the file.
    pub program: String,
    /// Its version.
    pub version: String,
    /// Command that wrote the file.
    pub command: String,
    /// Sub-pixel model of the simulation: `fourier` or `bilinear`.
    pub subpixel: Option<String>,
    /// Seeds by purpose.
    pub seeds: std::collections::BTreeMap<String, u64>,
    /// Photons a pattern that were asked for.
    pub photons_requested: Option<f64>,
    /// Mean photons a pattern that came out.
    pub photons_measured: Option<f64>,
    /// Side of an object pixel.
    pub pixel_size_m: Option<f64>,
    /// SHA-256 of the parent's content.
    pub parent_sha256: Option<String>,
    /// `sqrt_counts` or `dose_normalised`.
    pub amplitude: Option<String>,
    /// Of dose-normalised amplitudes: the number that makes their squares counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts_factor: Option<f64>,
    /// Repairs applied, in words.
    pub repairs: Vec<String>,
    /// The tools that led here, the last one last.
    pub history: Vec<Operation>,
}

/// One tool that made a dataset of another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Operation {
    /// Its name, as `crop`.
    pub tool: String,
    /// Its settings, as on the command line.
    pub settings: String,
    /// SHA-256 of the content of the dataset that it was given.
    pub parent_sha256: String,
}

impl Metadata {
    /// The same, written by this version of this program.
    pub fn signed(self) -> Self {
        Self {
            schema: SCHEMA,
            program: "ptychobench".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..self
        }
    }
}

/// The arrays of a [`Dataset`] before they are checked.
///
/// Begin with [`DatasetParts::required`] and set what else there is by struct update.
#[derive(Clone)]
pub struct DatasetParts {
    /// Amplitudes `(m, n, n)`.
    pub frames: Frames,
    /// Positions `(row, column)` in px.
    pub positions_px: Vec<[f64; 2]>,
    /// Probe modes `(k, n, n)`, √photons.
    pub probe: Array3<Complex32>,
    /// Truth or guess `(h, w)`, `h, w >= n`.
    pub object: Option<Array2<Complex32>>,
    /// `(n, n)`, true = use.
    pub detector_mask: Option<Array2<bool>>,
    /// Object patch of each pattern (`Y`), `(m, n, n)`.
    pub patches: Option<Patches>,
    /// Number of each pattern in its scan (`scan_index`), `(m,)`.
    pub scan_index: Option<Vec<i64>>,
    /// Nominal rows (`ycoords_start`) in px, `(m,)`.
    pub rows_start_px: Option<Vec<f64>>,
    /// Nominal columns (`xcoords_start`) in px, `(m,)`.
    pub columns_start_px: Option<Vec<f64>>,
    /// Groups of patterns (`group_index`), `(g, c)`, each below `m`.
    pub group_index: Option<Array2<i32>>,
    /// Where it comes from and how.
    pub metadata: Metadata,
}

impl DatasetParts {
    /// The required arrays, nothing else.
    pub fn required(frames: Frames, positions_px: Vec<[f64; 2]>, probe: Array3<Complex32>) -> Self {
        Self {
            frames,
            positions_px,
            probe,
            object: None,
            detector_mask: None,
            patches: None,
            scan_index: None,
            rows_start_px: None,
            columns_start_px: None,
            group_index: None,
            metadata: Metadata::default(),
        }
    }

    /// The patterns of these rows, in that order, with everything that belongs to each; frames and patches are read
    /// when asked for.
    ///
    /// Groups are kept in the new numbering where all their members are; the others go.
    ///
    /// # Panics
    /// If a row does not exist.
    pub fn select(&self, rows: &[usize]) -> Self {
        let shared: Arc<[usize]> = rows.into();
        let pick = |values: &Vec<f64>| rows.iter().map(|row| values[*row]).collect();
        let groups = self.group_index.as_ref();
        Self {
            frames: self.frames.select(Arc::clone(&shared)),
            positions_px: rows.iter().map(|row| self.positions_px[*row]).collect(),
            patches: self.patches.as_ref().map(|patches| patches.select(shared)),
            scan_index: self
                .scan_index
                .as_ref()
                .map(|index| rows.iter().map(|row| index[*row]).collect()),
            rows_start_px: self.rows_start_px.as_ref().map(pick),
            columns_start_px: self.columns_start_px.as_ref().map(pick),
            group_index: groups.map(|groups| renumbered(groups, rows)),
            ..self.clone()
        }
    }
}

/// Groups in the numbers of the rows that are kept; a group that held another goes.
pub(crate) fn renumbered(groups: &Array2<i32>, rows: &[usize]) -> Array2<i32> {
    let places: std::collections::HashMap<usize, usize> = rows
        .iter()
        .enumerate()
        .map(|(to, from)| (*from, to))
        .collect();
    let place = |row: &i32| {
        let to = places.get(&usize::try_from(*row).ok()?)?;
        i32::try_from(*to).ok()
    };
    let kept: Vec<Vec<i32>> = groups
        .rows()
        .into_iter()
        .filter_map(|group| group.iter().map(place).collect())
        .collect();
    let shape = (kept.len(), groups.ncols());
    Array2::from_shape_vec(shape, kept.concat()).unwrap_or_default()
}

/// One scan that obeys the contract.
pub struct Dataset {
    parts: DatasetParts,
    mean_counts: OnceLock<f64>,
    content_sha256: OnceLock<String>,
}

/// A dataset read from a file, and what was mended on the way.
pub struct Opened {
    /// The dataset.
    pub dataset: Dataset,
    /// One sentence for each repair that was applied in memory.
    pub repairs: Vec<String>,
    /// The file.
    pub path: PathBuf,
}

impl Dataset {
    /// Check the parts and keep them; every frame is read once.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] that names the key, what was expected and found.
    pub fn new(parts: DatasetParts) -> Result<Self> {
        check::shapes(&parts)?;
        let counts_per_frame = check::frames(&parts.frames)?;
        Self::trusted(parts, &counts_per_frame)
    }

    /// Keep parts whose frames have been looked through already; the rest is checked.
    fn trusted(parts: DatasetParts, counts_per_frame: &[f64]) -> Result<Self> {
        check::shapes(&parts)?;
        check::positions(&parts)?;
        check::finite_probe(&parts)?;
        let mean_counts = counts_per_frame.iter().sum::<f64>() / counts_per_frame.len() as f64;
        Ok(Self {
            parts,
            mean_counts: OnceLock::from(mean_counts),
            content_sha256: OnceLock::new(),
        })
    }

    /// Keep parts whose frames are computed from sound ones, so that they are sound without being read; all else is
    /// checked.
    pub(crate) fn derived(parts: DatasetParts) -> Result<Self> {
        check::shapes(&parts)?;
        check::positions(&parts)?;
        check::finite_probe(&parts)?;
        Ok(Self {
            parts,
            mean_counts: OnceLock::new(),
            content_sha256: OnceLock::new(),
        })
    }

    /// The patterns of these rows, in that order; see [`DatasetParts::select`]. Nothing is read.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is no row, or one that does not exist.
    pub fn select(&self, rows: &[usize]) -> Result<Self> {
        let m = self.n_patterns();
        if let Some(row) = rows.iter().find(|row| m <= **row) {
            let expected = format!("rows 0 to {}", m - 1);
            return Err(Error::invalid(
                "choose patterns",
                "rows",
                expected,
                row.to_string(),
            ));
        }
        Self::derived(self.parts.select(rows))
    }

    /// Read a file (memory-mapped where it can be), with repairs applied in memory where `strictness` allows.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] with the first finding that cannot be mended; [`crate::Error::Io`].
    pub fn open(path: &Path, strictness: Strictness) -> Result<Opened> {
        Self::open_watched(path, strictness, &Quiet::default())
    }

    /// As [`Dataset::open`], with progress and cancel.
    ///
    /// # Errors
    /// As [`Dataset::open`]; [`crate::Error::Cancelled`].
    pub fn open_watched(
        path: &Path,
        strictness: Strictness,
        monitor: &dyn Monitor<()>,
    ) -> Result<Opened> {
        let examined = examine(path, Depth::Keep, monitor)?;
        let inspection = &examined.inspection;
        let refused = match strictness {
            Strictness::Repair => inspection.verdict == Verdict::Refused,
            Strictness::Strict => inspection.verdict != Verdict::Ok,
        };
        let repairs = inspection.repairs();
        let (false, Some(source)) = (refused, examined.source) else {
            let problem = examined.inspection.problem().unwrap_or_default();
            return Err(Error::Refused(Box::new(problem)));
        };
        let dataset = Self::from_source(source, &repairs).map_err(|error| error.with_file(path))?;
        Ok(Opened {
            dataset,
            repairs,
            path: path.to_path_buf(),
        })
    }

    /// The dataset of a judged file, with its repairs applied and recorded.
    pub(crate) fn from_source(source: Source, repairs: &[String]) -> Result<Self> {
        let applied = apply(source, repairs)?;
        Self::trusted(applied.parts, &applied.counts_per_frame)
    }

    /// The same dataset with the SHA-256 of the file it was made from.
    pub(crate) fn with_parent(mut self, sha256: String) -> Self {
        self.parts.metadata.parent_sha256 = Some(sha256);
        self
    }

    /// Number of patterns, `m`.
    pub fn n_patterns(&self) -> usize {
        self.parts.frames.n_frames()
    }

    /// Side of a pattern in pixels, `n`.
    pub fn n(&self) -> usize {
        self.parts.frames.n()
    }

    /// The amplitudes.
    pub fn frames(&self) -> &Frames {
        &self.parts.frames
    }

    /// Positions `(row, column)` in px: the object coordinate of patch pixel `n / 2`.
    pub fn positions_px(&self) -> &[[f64; 2]] {
        &self.parts.positions_px
    }

    /// Probe modes `(k, n, n)`, √photons.
    pub fn probe(&self) -> &Array3<Complex32> {
        &self.parts.probe
    }

    /// Truth or guess of the object.
    pub fn object(&self) -> Option<&Array2<Complex32>> {
        self.parts.object.as_ref()
    }

    /// `(n, n)`, true = use.
    pub fn detector_mask(&self) -> Option<&Array2<bool>> {
        self.parts.detector_mask.as_ref()
    }

    /// Where it comes from and how.
    pub fn metadata(&self) -> &Metadata {
        &self.parts.metadata
    }

    /// All parts, also those that are only carried along.
    pub fn parts(&self) -> &DatasetParts {
        &self.parts
    }

    /// Shape of the object frame: of `objectGuess`, else the smallest array from pixel 0 that covers every patch
    /// (the integer patch, and the interpolated one where a coordinate is not whole).
    pub fn object_shape(&self) -> [usize; 2] {
        if let Some(object) = self.object() {
            return object.dim().into();
        }
        let reach = |axis: usize| {
            let most = self
                .positions_px()
                .iter()
                .fold(0.0f64, |most, position| most.max(position[axis]));
            most.ceil() as usize + self.n() - self.n() / 2
        };
        [reach(0), reach(1)]
    }

    /// Mean measured counts of a pattern: the sum of all squared amplitudes over `m`.
    ///
    /// Of a dataset that is computed when read, the first call reads every frame.
    pub fn mean_counts(&self) -> f64 {
        *self.mean_counts.get_or_init(|| {
            let counts = self.frames().map_frames(|_, frame| {
                frame
                    .iter()
                    .map(|value| f64::from(*value).powi(2))
                    .sum::<f64>()
            });
            counts.iter().sum::<f64>() / counts.len().max(1) as f64
        })
    }

    /// Set what a whole pass over the dataset has told.
    pub(crate) fn remember(&self, content_sha256: &str, mean_counts: f64) {
        // Both are the same whoever computes them; the first stays.
        let _ = self.content_sha256.set(content_sha256.to_owned());
        let _ = self.mean_counts.set(mean_counts);
    }

    /// The content's hash, if a pass has told it.
    pub(crate) fn known_sha256(&self) -> Option<&String> {
        self.content_sha256.get()
    }

    /// Rows (axis 0) or columns (axis 1) of all positions.
    pub(crate) fn coordinates(&self, axis: usize) -> Vec<f64> {
        self.positions_px()
            .iter()
            .map(|position| position[axis])
            .collect()
    }
}
