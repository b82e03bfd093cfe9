//! Repairs of foreign files: previewed, written to a new file, inspected again.

use std::path::Path;

use crate::data::Inspection;
use crate::error::Result;
use crate::job::Monitor;

/// One step of a repair, for a preview.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct RepairStep {
    /// The key as it is in the file.
    pub key: String,
    /// Name, dtype and shape before, as `diff3d uint16 (64, 64, 1087)`.
    pub before: String,
    /// Name, dtype and shape after.
    pub after: String,
    /// What is done, in words.
    pub what: String,
}

/// What a repair of the file would do; empty for a file that is ok.
///
/// # Errors
/// [`crate::Error::Refused`] for a file that cannot be mended; [`crate::Error::Io`].
pub fn preview(path: &Path, monitor: &dyn Monitor<()>) -> Result<Vec<RepairStep>> {
    let _ = (path, monitor);
    unimplemented!()
}

/// Write the repaired data to `output` (never in place) and inspect it again.
///
/// # Errors
/// [`crate::Error::Refused`], [`crate::Error::Invalid`] if `output` is the input, [`crate::Error::Io`].
pub fn repair(path: &Path, output: &Path, monitor: &dyn Monitor<()>) -> Result<Inspection> {
    let _ = (path, output, monitor);
    unimplemented!()
}
