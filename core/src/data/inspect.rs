//! The verdict on a foreign file, key by key.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::data::npz::KeyInfo;
use crate::error::Result;
use crate::job::Monitor;

/// Whether a file can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it is.
    Ok,
    /// After a stated repair.
    Repairable,
    /// Not without a guess.
    Refused,
}

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing; the file is fine.
    Note,
    /// Can be mended.
    Repairable,
    /// Cannot be mended without a guess.
    Refused,
}

/// One finding about one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The key; empty for the file as a whole.
    pub key: String,
    /// Rule id, as `FORMAT-001`.
    pub rule: String,
    /// How grave.
    pub severity: Severity,
    /// What the contract expects.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// The fix in words.
    pub fix: String,
}

/// The verdict on a file, key by key.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// The file.
    pub path: PathBuf,
    /// The gravest of the findings.
    pub verdict: Verdict,
    /// What was found.
    pub findings: Vec<Finding>,
    /// Keys that are not part of the data set.
    pub ignored: Vec<String>,
    /// Every key with what its header says.
    pub keys: Vec<KeyInfo>,
    /// Whether the data were read too, or only the headers.
    #[serde(skip)]
    pub is_full: bool,
}

/// The verdict from the headers alone, at once.
///
/// A file that cannot be opened as an NPZ gives a refused inspection, not an error.
///
/// # Errors
/// [`crate::Error::Io`] if it cannot be read at all.
pub fn inspect_headers(path: &Path) -> Result<Inspection> {
    let _ = path;
    unimplemented!()
}

/// The full verdict: the data stream by, with progress and cancel.
///
/// # Errors
/// [`crate::Error::Io`]; [`crate::Error::Cancelled`].
pub fn inspect_full(path: &Path, monitor: &dyn Monitor<()>) -> Result<Inspection> {
    let _ = (path, monitor);
    unimplemented!()
}
