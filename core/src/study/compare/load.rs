//! Read what is to be compared.

use std::path::PathBuf;

use ndarray::{Array2, Array3};
use num_complex::Complex32;

use crate::error::Result;

/// Files to compare.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Inputs {
    /// Dataset whose `objectGuess` is the truth, and whose positions and probe give the region; `None` without a truth.
    pub truth: Option<PathBuf>,
    /// Name and file of each reconstruction.
    pub arms: Vec<(String, PathBuf)>,
    /// Name of the arm that serves as reference where there is no truth; the first where not given.
    pub reference: Option<String>,
}

/// One reconstruction, readable and of the right shape.
#[derive(Clone, Debug)]
pub struct Arm {
    /// Name given.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
    /// SHA-256 of the file.
    pub sha256: String,
    /// `(h, w)` in the object frame.
    pub object: Array2<Complex32>,
    /// Where patches lay, if it says so; 0 is unseen.
    pub coverage: Option<Array2<f32>>,
    /// Name of the algorithm, if it says so.
    pub algorithm: String,
    /// How it was made, if it says so.
    pub provenance: serde_json::Value,
}

/// An arm that cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Refusal {
    /// Name given.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
    /// What is wrong, in words, with the fix.
    pub reason: String,
}

/// Everything to compare, in memory.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Where it was read from.
    pub inputs: Inputs,
    /// SHA-256 of the dataset's file.
    pub truth_sha256: Option<String>,
    /// The truth `(h, w)`.
    pub truth: Option<Array2<Complex32>>,
    /// Positions `(row, column)` of the dataset, or of the reference arm.
    pub positions_px: Vec<[f64; 2]>,
    /// Probe modes `(k, n, n)` of the dataset, or of the reference arm.
    pub probe: Array3<Complex32>,
    /// Pixel size, where the dataset says so.
    pub pixel_size_m: Option<f64>,
    /// Arms that can be compared.
    pub arms: Vec<Arm>,
    /// Arms that cannot.
    pub refused: Vec<Refusal>,
}

impl Loaded {
    /// Read the files. An arm without `reconstructed_object`, of another shape, all zeros or not finite is refused by name; the
    /// others remain.
    ///
    /// # Errors
    /// If the truth cannot be read or has no `objectGuess`, names are not unique, or no arm remains.
    pub fn open(inputs: &Inputs) -> Result<Self> {
        unimplemented!()
    }
}
