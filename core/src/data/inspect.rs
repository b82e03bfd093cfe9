//! The verdict on a foreign file, key by key.
//!
//! Byte order, memory order, NPY version, ZIP64 and compression are never findings. What can be mended
//! without a guess is repairable; the rest is refused. Frames that are left out take their coordinates and
//! every per-pattern value with them; a group that holds such a frame goes too.
//!
//! | rule | about | verdict |
//! |---|---|---|
//! | FILE-001 | no NPZ, no NPY, cut short, a key twice | refused |
//! | FILE-002 | a member that cannot be read: encrypted, other compression, bad header, data too short | refused; a note where the data set does not need it |
//! | FILE-003 | the checksum of a member does not agree with its bytes | refused; a note where the data set does not need it |
//! | KEY-001 | a required key is missing | refused |
//! | ALIAS-001 | a legacy name (`diff3d`) or tike's (`data`, `scan`, `probe`) | repairable |
//! | ALIAS-002 | `diffraction` and `diff3d` both there | note if equal, else refused |
//! | DATA-002 | a Python object (pickle): never executed | note; refused for a required key |
//! | FORMAT-001 | the frame (or mode) axis is the last | repairable |
//! | FORMAT-002 | axes of length 1 too many | repairable |
//! | SHAPE-001 | a shape that does not fit the others | refused |
//! | DTYPE-001 | another type of numbers | repairable |
//! | DTYPE-002 | a type that has no meaning there | refused |
//! | SCALE-001 | counts instead of amplitudes | repairable |
//! | SCALE-002 | amplitudes divided by one number: their squares are whole multiples of the least | repairable, with the probe |
//! | SCALE-003 | a logarithm | refused |
//! | SCALE-004 | whole multiples of one number, which may be counts divided by it | note |
//! | DC-001 | the zero frequency in the corner | repairable |
//! | VALUE-001 | frames with values that are not finite | repairable: left out |
//! | VALUE-002 | values below 0 | repairable up to 1 % of the pixels: set to 0; else refused |
//! | VALUE-003 | a probe or object that is not finite, a dark probe, a mask beyond 0 and 1 | refused |
//! | VALUE-004 | patterns without light | note; refused if all are |
//! | COORD-001 | coordinates about zero | repairable: half the object's size is added (without an object: whole pixels) |
//! | COORD-002 | patches outside the object | repairable: left out |
//! | COORD-003 | more than 1 % of the patches pass the border by less than n/2 | repairable: the object is extended by zeros |
//! | COORD-004 | coordinates that are not finite | repairable: those frames are left out |
//! | COORD-005 | coordinates that cannot be pixels: all within 0.001, or a frame beyond 2^28 pixels | refused |
//! | GROUP-001 | `group_index` names rows that the file has not | refused |
//! | OPTION-001 | an optional key that does not fit | repairable: left out |

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::data::examine::{Depth, examine};
use crate::data::npz::KeyInfo;
use crate::error::{Problem, Result};
use crate::job::{Monitor, Quiet};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Every key of the contract, also those that the file has not, then the keys that are ignored.
    #[serde(skip)]
    pub rows: Vec<KeyRow>,
    /// Whether the data were read too, or only the headers.
    #[serde(skip)]
    pub is_full: bool,
}

/// What a table shows of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// The name in the file, or the contract's name where the file has none.
    pub key: String,
    /// What it is in the data set.
    pub role: String,
    /// Type and shape found; `None` where the file has no such key.
    pub found: Option<String>,
    /// Type and shape that the contract asks for; empty for ignored keys.
    pub expected: String,
    /// The gravest finding about it.
    pub verdict: Verdict,
}

impl Inspection {
    /// One sentence for each repair that the file needs.
    pub fn repairs(&self) -> Vec<String> {
        self.findings
            .iter()
            .filter(|finding| finding.severity == Severity::Repairable)
            .map(Finding::sentence)
            .collect()
    }

    /// The gravest finding as the fields of an error, if the file is not ok.
    pub fn problem(&self) -> Option<Problem> {
        let of = |severity| {
            self.findings
                .iter()
                .find(|finding| finding.severity == severity)
        };
        let finding = of(Severity::Refused).or_else(|| of(Severity::Repairable))?;
        Some(Problem {
            attempted: "open as a ptychography data set".to_owned(),
            file: Some(self.path.clone()),
            key: (!finding.key.is_empty()).then(|| finding.key.clone()),
            expected: finding.expected.clone(),
            found: finding.found.clone(),
            fix: finding.fix.clone(),
            rule: Some(finding.rule.clone()),
        })
    }
}

impl Finding {
    /// What was found and what is done about it, in one line.
    pub fn sentence(&self) -> String {
        format!("{}: {}; {} ({})", self.key, self.found, self.fix, self.rule)
    }
}

/// The verdict from the headers alone, at once.
///
/// A file that cannot be opened as an NPZ gives a refused inspection, not an error.
///
/// # Errors
/// [`crate::Error::Io`] if it cannot be read at all.
pub fn inspect_headers(path: &Path) -> Result<Inspection> {
    Ok(examine(path, Depth::Headers, &Quiet::default())?.inspection)
}

/// The full verdict: the data stream by, with progress and cancel.
///
/// # Errors
/// [`crate::Error::Io`]; [`crate::Error::Cancelled`].
pub fn inspect_full(path: &Path, monitor: &dyn Monitor<()>) -> Result<Inspection> {
    Ok(examine(path, Depth::Full, monitor)?.inspection)
}
