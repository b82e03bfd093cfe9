//! NPZ and NPY files, header first: what is in them without reading the data.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::Result;

/// One array of a file, from its header.
#[derive(Clone, Debug, Serialize)]
pub struct KeyInfo {
    /// Name without `.npy`.
    pub key: String,
    /// As numpy spells it without byte order: `float32`, `complex64`, `uint16`, `bool`, `object`, `<U12` …
    pub dtype: String,
    /// Shape.
    pub shape: Vec<usize>,
    /// `C` or `F`.
    pub order: String,
    /// `little`, `big` or `none`.
    pub byte_order: String,
    /// `stored` or `deflated` (`file` for a bare NPY).
    pub storage: String,
    /// Bytes of the array's data, uncompressed.
    pub bytes: u64,
}

/// An open file whose headers are read.
pub struct Archive {
    /// The file.
    pub path: PathBuf,
    /// Its arrays in file order.
    pub keys: Vec<KeyInfo>,
}

impl Archive {
    /// Open an NPZ or NPY and read its headers only.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] if it is neither; [`crate::Error::Io`].
    pub fn open(path: &Path) -> Result<Self> {
        let _ = path;
        unimplemented!()
    }
}
