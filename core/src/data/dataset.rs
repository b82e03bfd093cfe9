//! One scan that obeys the contract. If it exists it is valid; checks happen in its constructor, once.

use std::path::{Path, PathBuf};

use ndarray::{Array2, Array3};
use num_complex::Complex32;
use serde::{Deserialize, Serialize};

use crate::data::Frames;
use crate::error::Result;

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
    /// Repairs applied, in words.
    pub repairs: Vec<String>,
}

/// The arrays of a [`Dataset`] before they are checked.
pub struct DatasetParts {
    /// Amplitudes `(m, n, n)`.
    pub frames: Frames,
    /// Positions `(row, column)` in px.
    pub positions_px: Vec<[f64; 2]>,
    /// Probe modes `(k, n, n)`, √photons.
    pub probe: Array3<Complex32>,
    /// Truth or guess `(h, w)`.
    pub object: Option<Array2<Complex32>>,
    /// `(n, n)`, true = use.
    pub detector_mask: Option<Array2<bool>>,
    /// Where it comes from and how.
    pub metadata: Metadata,
}

/// One scan that obeys the contract.
pub struct Dataset {
    parts: DatasetParts,
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
    /// Check the parts and keep them.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] that names the key, what was expected and found.
    pub fn new(parts: DatasetParts) -> Result<Self> {
        Ok(Self { parts })
    }

    /// Read a file (memory-mapped where it can be), with repairs applied in memory where `strictness` allows.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] with the first finding that cannot be mended; [`crate::Error::Io`].
    pub fn open(path: &Path, strictness: Strictness) -> Result<Opened> {
        let _ = (path, strictness);
        unimplemented!()
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

    /// Shape of the object frame: of `objectGuess`, else the smallest array from pixel 0 that covers every patch.
    pub fn object_shape(&self) -> [usize; 2] {
        unimplemented!()
    }

    /// Mean measured counts of a pattern.
    pub fn mean_counts(&self) -> f64 {
        unimplemented!()
    }

    /// Write as a canonical NPZ (same content, same bytes).
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn save(&self, path: &Path) -> Result<()> {
        let _ = path;
        unimplemented!()
    }

    /// SHA-256 over the contract's arrays, in hex.
    pub fn content_sha256(&self) -> String {
        unimplemented!()
    }
}
