//! Stage 5: written files against the contract and the design of a study.
//!
//! Rules beside those of [`crate::data::inspect`], whose repairable findings count as refusals here:
//!
//! | rule | about | verdict |
//! |---|---|---|
//! | DATA-001 | a required key is missing (`objectGuess` too), another type, another length | refused |
//! | OVERSAMPLING-001 | fewer neighbours than the members of a group | refused |
//! | SPLIT-001 | a pattern on the wrong side of the middle, or in the guard band | refused |
//! | SPLIT-002 | a pattern in both halves | refused |
//! | SPLIT-003 | the other half is not there to compare with | note |
//! | SPACING-001 | distances of neighbours | note, never a refusal |

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::data::inspect::inspect_full;
use crate::data::{Archive, Finding, Metadata, Severity, Verdict};
use crate::error::{Error, Result};
use crate::grouping::{SpacingStatistics, nearest_distances};
use crate::job::Monitor;
use crate::sim::SplitAxis;

/// Keys that a training or test set must have.
const REQUIRED: [&str; 5] = [
    "diffraction",
    "objectGuess",
    "probeGuess",
    "xcoords",
    "ycoords",
];

/// Which half of a split a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Half {
    /// The training set: coordinates before the middle.
    Train,
    /// The test set: coordinates from the middle on.
    Test,
}

impl Half {
    /// The stem of its file's name.
    pub fn stem(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
        }
    }

    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Train => Self::Test,
            Self::Test => Self::Train,
        }
    }
}

/// An overlap view of older studies, which names a least distance of neighbours: `(1 - f) · n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// `f` = 0.7: 38.4 px at n = 128.
    Dense,
    /// `f` = 0.2: 102.4 px at n = 128.
    Sparse,
}

impl View {
    /// The least distance that the view names, for patterns of `n` pixels.
    pub fn spacing_px(self, n: usize) -> f64 {
        let overlap = match self {
            Self::Dense => 0.7,
            Self::Sparse => 0.2,
        };
        (1.0 - overlap) * n as f64
    }
}

/// Where a scan was split.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitDesign {
    /// The axis.
    pub axis: SplitAxis,
    /// Coordinate of the middle.
    pub middle_px: f64,
    /// Width of the guard band.
    pub guard_px: f64,
}

/// What a file is meant for.
#[derive(Clone, Debug, PartialEq)]
pub struct Design<'a> {
    /// Which half of a split it is, if any.
    pub half: Option<Half>,
    /// File of the other half, to be compared with.
    pub other: Option<&'a Path>,
    /// Where the split is, if that is known.
    pub split: Option<SplitDesign>,
    /// The overlap view, whose distance is only reported.
    pub view: Option<View>,
    /// Patterns along each side of a group: a group has `gridsize²` members.
    pub gridsize: usize,
    /// Nearest neighbours that groups are drawn from; needed for groups of more than one.
    pub neighbors: Option<usize>,
}

impl Default for Design<'_> {
    fn default() -> Self {
        Self {
            half: None,
            other: None,
            split: None,
            view: None,
            gridsize: 1,
            neighbors: None,
        }
    }
}

/// The judgement of one file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Validation {
    /// Ok, or refused.
    pub verdict: Verdict,
    /// What was found, notes included.
    pub findings: Vec<Finding>,
    /// Patterns.
    pub n_patterns: usize,
    /// Side of a pattern in pixels.
    pub n: usize,
    /// Distances of every pattern to its nearest neighbour.
    pub spacing: Option<SpacingStatistics>,
}

impl Validation {
    /// The sentence of the gravest finding, if the file is refused.
    pub fn refusal(&self) -> Option<String> {
        let refused = |finding: &&Finding| finding.severity == Severity::Refused;
        self.findings.iter().find(refused).map(Finding::sentence)
    }
}

/// Judge a written file against contract and design; its data are read once.
///
/// # Errors
/// [`Error::Io`]; [`Error::Cancelled`]. A bad file is a refused [`Validation`], not an error.
pub fn validate(path: &Path, design: &Design<'_>, monitor: &dyn Monitor<()>) -> Result<Validation> {
    let inspection = inspect_full(path, monitor)?;
    let mut file = Judged::default();
    let archive = match Archive::open(path) {
        Ok(archive) => Some(archive),
        Err(Error::Refused(_)) => None,
        Err(error) => return Err(error),
    };
    if let Some(archive) = &archive {
        file.judge_keys(archive);
    }
    file.adopt(&inspection.findings, is_marked_normalised(archive.as_ref()));
    file.judge_groups(design);
    let scan = archive.as_ref().and_then(Scan::of);
    if let Some(scan) = &scan {
        file.judge_split(scan, design)?;
        file.note_spacing(scan, design);
    }
    let is_refused = file
        .findings
        .iter()
        .any(|f| f.severity == Severity::Refused);
    Ok(Validation {
        verdict: if is_refused {
            Verdict::Refused
        } else {
            Verdict::Ok
        },
        findings: file.findings,
        n_patterns: scan.as_ref().map_or(0, |scan| scan.positions_px.len()),
        n: scan.as_ref().map_or(0, |scan| scan.n),
        spacing: file.spacing,
    })
}

/// Coordinates of a file, which can be read whatever else is wrong with it.
struct Scan {
    positions_px: Vec<[f64; 2]>,
    scan_index: Option<Vec<i64>>,
    n: usize,
}

impl Scan {
    fn of(archive: &Archive) -> Option<Self> {
        let rows = archive.array_f64("ycoords").ok()?;
        let columns = archive.array_f64("xcoords").ok()?;
        let pairs = rows.iter().zip(&columns);
        let index = archive.array_i64("scan_index").ok();
        let probe = archive.keys.iter().find(|info| info.key == "probeGuess");
        Some(Self {
            positions_px: pairs.map(|(row, column)| [*row, *column]).collect(),
            scan_index: index.map(|index| index.into_iter().collect()),
            n: probe
                .and_then(|info| info.shape.last().copied())
                .unwrap_or(0),
        })
    }
}

fn is_marked_normalised(archive: Option<&Archive>) -> bool {
    let text = archive.and_then(|archive| archive.text("_metadata").ok());
    let own: Option<Metadata> = text.and_then(|text| serde_json::from_str(&text).ok());
    own.is_some_and(|own| own.program == "ptychobench" && own.counts_factor.is_some())
}

#[derive(Default)]
struct Judged {
    findings: Vec<Finding>,
    spacing: Option<SpacingStatistics>,
}

impl Judged {
    fn add(&mut self, severity: Severity, key: &str, rule: &str, words: [&str; 3]) {
        let [expected, found, fix] = words.map(str::to_owned);
        self.findings.push(Finding {
            key: key.to_owned(),
            rule: rule.to_owned(),
            severity,
            expected,
            found,
            fix,
        });
    }

    fn refuse(&mut self, key: &str, rule: &str, words: [&str; 3]) {
        self.add(Severity::Refused, key, rule, words);
    }

    /// What the headers must say.
    fn judge_keys(&mut self, archive: &Archive) {
        const RULE: &str = "DATA-001";
        let missing: Vec<&str> = REQUIRED
            .into_iter()
            .filter(|key| !archive.has(key))
            .collect();
        if !missing.is_empty() {
            let found = format!("Missing required NPZ keys: {}", missing.join(", "));
            let expected = REQUIRED.join(", ");
            let fix = "ptychobench repair renames legacy keys; what is not there must be added";
            self.refuse(missing[0], RULE, [&expected, &found, fix]);
        }
        let info = |key: &str| archive.keys.iter().find(|info| info.key == key);
        if let Some(diffraction) = info("diffraction") {
            if !diffraction.dtype.starts_with("float") {
                let found = format!(
                    "diffraction must be float (amplitude, not intensity), not {}",
                    diffraction.dtype
                );
                let fix = "ptychobench repair takes the square root of counts";
                self.refuse("diffraction", RULE, ["float32 amplitude", &found, fix]);
            }
            for key in ["xcoords", "ycoords"] {
                if let Some([length]) = info(key).map(|info| info.shape.as_slice())
                    && diffraction.shape.first() != Some(length)
                {
                    let found = format!(
                        "{key} length {length} != diffraction first axis {}",
                        diffraction.shape.first().copied().unwrap_or(0)
                    );
                    let fix = "ptychobench repair puts the pattern axis first; lengths must agree";
                    self.refuse(key, RULE, ["one coordinate a pattern", &found, fix]);
                }
            }
        }
        if let Some(object) = info("objectGuess")
            && !object.dtype.starts_with("complex")
        {
            let found = format!("objectGuess must be complex, not {}", object.dtype);
            let fix = "save amplitude · exp(i · phase) as complex64";
            self.refuse("objectGuess", RULE, ["complex64", &found, fix]);
        }
    }

    /// What the inspection found: what it would repair is refused, since a study's files need no repair.
    fn adopt(&mut self, inspected: &[Finding], is_marked_normalised: bool) {
        let told: Vec<String> = self.findings.iter().map(|f| f.key.clone()).collect();
        for finding in inspected {
            let is_own_scale = is_marked_normalised && finding.rule == "SCALE-002";
            let severity = match finding.severity {
                Severity::Note => Severity::Note,
                Severity::Repairable if is_own_scale => Severity::Note,
                Severity::Repairable | Severity::Refused => Severity::Refused,
            };
            let is_told = severity == Severity::Refused && told.contains(&finding.key);
            if is_told && matches!(finding.rule.as_str(), "KEY-001" | "DTYPE-001" | "SHAPE-001") {
                continue;
            }
            self.findings.push(Finding {
                severity,
                ..finding.clone()
            });
        }
    }

    /// A group of C is drawn from the K nearest neighbours, so there must be C of them at least.
    fn judge_groups(&mut self, design: &Design<'_>) {
        const RULE: &str = "OVERSAMPLING-001";
        let n_members = design.gridsize * design.gridsize;
        if n_members < 2 {
            return;
        }
        let gridsize = design.gridsize;
        match design.neighbors {
            None => {
                let found = format!("neighbors required when gridsize={gridsize}");
                let fix = "give --neighbors 7";
                self.refuse("neighbors", RULE, ["a number of neighbours", &found, fix]);
            }
            Some(neighbors) if neighbors < n_members => {
                let found = format!("neighbors {neighbors} < C = {n_members}");
                let expected = format!("K >= C = gridsize² = {n_members}");
                let fix = format!("give --neighbors {} or more", n_members + 3);
                self.refuse("neighbors", RULE, [&expected, &found, &fix]);
            }
            Some(_) => {}
        }
    }

    fn judge_split(&mut self, scan: &Scan, design: &Design<'_>) -> Result<()> {
        let Some(half) = design.half else {
            return Ok(());
        };
        if let Some(split) = design.split {
            self.judge_side(scan, half, split);
        }
        let Some(other) = design.other else {
            if design.split.is_none() {
                let found = format!("no {}.npz beside it", half.other().stem());
                let expected = "the other half, to compare with";
                self.add(
                    Severity::Note,
                    "",
                    "SPLIT-003",
                    [expected, &found, "none needed"],
                );
            }
            return Ok(());
        };
        let archive = Archive::open(other)?;
        if let Some(other) = Scan::of(&archive) {
            self.judge_apart(scan, &other, half, design.split.is_some());
        }
        Ok(())
    }

    /// Every pattern on its side of the guard band.
    fn judge_side(&mut self, scan: &Scan, half: Half, split: SplitDesign) {
        let (key, index) = match split.axis {
            SplitAxis::Y => ("ycoords", 0),
            SplitAxis::X => ("xcoords", 1),
        };
        let is_wrong = |position: &&[f64; 2]| {
            let from_middle_px = position[index] - split.middle_px;
            let is_guarded = from_middle_px.abs() < split.guard_px / 2.0;
            is_guarded || (from_middle_px < 0.0) != (half == Half::Train)
        };
        let wrong: Vec<f64> = scan
            .positions_px
            .iter()
            .filter(is_wrong)
            .map(|position| position[index])
            .collect();
        if let Some(first) = wrong.first() {
            let expected = format!(
                "{} patterns {} {} px, none within {} px of it",
                half.stem(),
                if half == Half::Train {
                    "before"
                } else {
                    "from"
                },
                split.middle_px,
                split.guard_px / 2.0
            );
            let found = format!("{} others, the first at {first}", wrong.len());
            let fix = "split the scan again";
            self.refuse(key, "SPLIT-001", [&expected, &found, fix]);
        }
    }

    /// No pattern in both halves. Halves of one scan carry its numbers; of two scans only equal positions tell.
    fn judge_apart(&mut self, own: &Scan, other: &Scan, half: Half, is_one_scan: bool) {
        let twins =
            if is_one_scan && let (Some(own), Some(other)) = (&own.scan_index, &other.scan_index) {
                common(own.iter().copied(), other.iter().copied())
            } else {
                let bits = |scan: &Scan| -> Vec<[u64; 2]> {
                    let positions = scan.positions_px.iter();
                    positions.map(|at| at.map(f64::to_bits)).collect()
                };
                common(bits(own).into_iter(), bits(other).into_iter())
            };
        if twins != 0 {
            let found = format!(
                "{twins} patterns that are in {}.npz too",
                half.other().stem()
            );
            let expected = "halves that share no pattern";
            self.refuse(
                "scan_index",
                "SPLIT-002",
                [expected, &found, "split the scan again"],
            );
        }
    }

    fn note_spacing(&mut self, scan: &Scan, design: &Design<'_>) {
        let distances_px = nearest_distances(&scan.positions_px);
        let spacing = SpacingStatistics::of(&distances_px);
        let mut found = format!(
            "nearest neighbours {:.2} to {:.2} px apart, median {:.2} px",
            spacing.min_px, spacing.max_px, spacing.median_px
        );
        let mut expected = "any distance".to_owned();
        if let Some(view) = design.view {
            let least_px = view.spacing_px(scan.n);
            let n_close = distances_px.iter().filter(|d| **d < least_px).count();
            expected = format!("{least_px:.1} px for this view, as a guide only");
            found = format!("{found}; {n_close} closer than {least_px:.1} px");
        }
        let words = [expected.as_str(), found.as_str(), "none needed"];
        self.add(Severity::Note, "xcoords, ycoords", "SPACING-001", words);
        self.spacing = Some(spacing);
    }
}

/// How many of `a` are in `b`.
fn common<T: Ord>(a: impl Iterator<Item = T>, b: impl Iterator<Item = T>) -> usize {
    let b: std::collections::BTreeSet<T> = b.collect();
    a.filter(|value| b.contains(value)).count()
}
