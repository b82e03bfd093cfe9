//! What every arm yields, from a network, an iterative engine or a file.

use std::path::Path;

use ndarray::{Array2, Array3};
use num_complex::Complex32;

use crate::error::Result;

/// Object, probe, positions, losses and where they come from.
#[derive(Clone, Debug, PartialEq)]
pub struct Reconstruction {
    /// `(h, w)` in the object frame of the dataset.
    pub object: Array2<Complex32>,
    /// Probe modes `(k, n, n)`, √photons, strongest first.
    pub probe: Array3<Complex32>,
    /// Positions `(row, column)` in px, as used or refined.
    pub positions_px: Vec<[f64; 2]>,
    /// Loss of every epoch.
    pub loss: Vec<f64>,
    /// Name of the algorithm, as `lsqml`.
    pub algorithm: String,
    /// How it was made: input hash, settings, seeds, start, repairs, versions.
    pub provenance: serde_json::Value,
}

impl Reconstruction {
    /// Write as NPZ: `reconstructed_object` (h, w) and `reconstructed_probe` (k, n, n) complex64, `xcoords`,
    /// `ycoords`, `loss`, `algorithm`, `_metadata` (UTF-8 JSON of the provenance).
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn save(&self, path: &Path) -> Result<()> {
        let _ = path;
        unimplemented!()
    }

    /// Read what [`Reconstruction::save`] wrote (or a file from elsewhere with the same keys).
    ///
    /// # Errors
    /// [`crate::Error::Refused`] that names the key; [`crate::Error::Io`].
    pub fn load(path: &Path) -> Result<Self> {
        let _ = path;
        unimplemented!()
    }
}
