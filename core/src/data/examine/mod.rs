//! The whole judgement of a file: headers first, then the data in one pass.

mod patterns;
mod places;
mod small;

use std::path::Path;

use ndarray::Array3;
use num_complex::Complex32;

use crate::data::Metadata;
use crate::data::draft::Draft;
use crate::data::frames::Conversion;
use crate::data::geometry::Geometry;
use crate::data::inspect::{Finding, Inspection, Severity, Verdict};
use crate::data::npz::Archive;
use crate::data::rows::rows;
use crate::data::stack::Stack;
use crate::error::{Error, Result};
use crate::job::Monitor;

/// How far to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// The headers alone.
    Headers,
    /// The data as they stream by.
    Full,
    /// The data, which are kept for use.
    Keep,
}

/// A judged file, and what its repair needs.
pub(crate) struct Examined {
    pub(crate) inspection: Inspection,
    /// `None` if the file is no archive.
    pub(crate) source: Option<Source>,
}

/// The file and all that was learnt about its parts.
pub(crate) struct Source {
    pub(crate) archive: Archive,
    pub(crate) draft: Draft,
    pub(crate) metadata: Option<Metadata>,
    pub(crate) geometry: Geometry,
    /// Coordinates as they are in the file.
    pub(crate) positions_px: Vec<[f64; 2]>,
    pub(crate) convert: Conversion,
    /// Patterns with values that are not finite.
    pub(crate) bad_frames: Vec<usize>,
    /// Counts of every pattern of the file.
    pub(crate) counts_per_frame: Vec<f64>,
    /// The patterns, with [`Depth::Keep`].
    pub(crate) stack: Option<Stack>,
    pub(crate) probe: Option<Array3<Complex32>>,
}

/// Judge a file.
pub(crate) fn examine(path: &Path, depth: Depth, monitor: &dyn Monitor<()>) -> Result<Examined> {
    let archive = match Archive::open(path) {
        Ok(archive) => archive,
        Err(Error::Refused(problem)) => {
            return Ok(Examined {
                inspection: refused_whole(path, &problem),
                source: None,
            });
        }
        Err(error) => return Err(error),
    };
    let draft = Draft::new(&archive);
    let metadata = own_metadata(&archive);
    let mut source = Source {
        archive,
        draft,
        metadata,
        geometry: Geometry::default(),
        positions_px: Vec::new(),
        convert: Conversion::NONE,
        bad_frames: Vec::new(),
        counts_per_frame: Vec::new(),
        stack: None,
        probe: None,
    };
    if depth != Depth::Headers {
        source.read(depth, monitor)?;
    }
    let inspection = source.inspection(depth);
    Ok(Examined {
        inspection,
        source: Some(source),
    })
}

fn refused_whole(path: &Path, problem: &crate::error::Problem) -> Inspection {
    let finding = Finding {
        key: String::new(),
        rule: problem.rule.clone().unwrap_or_default(),
        severity: Severity::Refused,
        expected: problem.expected.clone(),
        found: problem.found.clone(),
        fix: problem.fix.clone(),
    };
    Inspection {
        path: path.to_path_buf(),
        verdict: Verdict::Refused,
        findings: vec![finding],
        ignored: Vec::new(),
        keys: Vec::new(),
        rows: Vec::new(),
        is_full: true,
    }
}

/// Whether the key at `index` is the metadata of a file of this program.
pub(crate) fn is_ours(archive: &Archive, index: usize) -> bool {
    archive.keys[index].key == "_metadata" && own_metadata(archive).is_some()
}

fn own_metadata(archive: &Archive) -> Option<Metadata> {
    archive.index("_metadata")?;
    let metadata: Metadata = serde_json::from_str(&archive.text("_metadata").ok()?).ok()?;
    (metadata.program == "ptychobench").then_some(metadata)
}

impl Source {
    fn inspection(&self, depth: Depth) -> Inspection {
        let gravest =
            self.draft
                .findings
                .iter()
                .fold(Verdict::Ok, |verdict, finding| match finding.severity {
                    Severity::Refused => Verdict::Refused,
                    Severity::Repairable if verdict == Verdict::Ok => Verdict::Repairable,
                    _ => verdict,
                });
        Inspection {
            path: self.archive.path.clone(),
            verdict: gravest,
            findings: self.draft.findings.clone(),
            ignored: self.draft.ignored.clone(),
            keys: self.archive.keys.clone(),
            rows: rows(&self.archive, &self.draft),
            is_full: depth != Depth::Headers,
        }
    }

    /// Read the data, as far as the headers allow.
    fn read(&mut self, depth: Depth, monitor: &dyn Monitor<()>) -> Result<()> {
        self.read_small()?;
        if !self.draft.is_refused() {
            self.judge_geometry();
        }
        self.read_frames(depth, monitor)?;
        if depth == Depth::Full || !self.draft.is_refused() {
            self.check_sums(monitor)?;
        }
        let left_out = self.left_out().len();
        if let Some(m) = self.draft.m
            && left_out == m
            && !self.draft.is_refused()
        {
            let key = self.frames_key();
            self.draft.refuse(
                &key,
                "VALUE-001",
                [
                    "at least one usable pattern",
                    "all would be left out",
                    "none",
                ],
            );
        }
        Ok(())
    }

    /// Patterns that are left out, in order.
    pub(crate) fn left_out(&self) -> Vec<usize> {
        let mut list: Vec<usize> = self
            .geometry
            .left_out()
            .chain(self.bad_frames.iter().copied())
            .collect();
        list.sort_unstable();
        list.dedup();
        list
    }

    pub(crate) fn frames_key(&self) -> String {
        self.draft
            .frames
            .as_ref()
            .map_or("diffraction".to_owned(), |part| self.key(part.index))
    }

    /// Name of the key at `index`.
    pub(crate) fn key(&self, index: usize) -> String {
        self.archive.keys[index].key.clone()
    }

    /// Run a reader; damaged data become a finding about its key.
    fn attempt<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&Archive) -> Result<T>,
    ) -> Result<Option<T>> {
        match read(&self.archive) {
            Ok(value) => Ok(Some(value)),
            Err(Error::Refused(problem)) => {
                self.draft.refuse(
                    key,
                    "FILE-002",
                    [
                        &problem.expected,
                        &problem.found,
                        "none: fetch the file again",
                    ],
                );
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Checksums of all members but the patterns, whose pass has told theirs already.
    fn check_sums(&mut self, monitor: &dyn Monitor<()>) -> Result<()> {
        let frames = self.draft.frames.as_ref().map(|part| part.index);
        let indices: Vec<usize> = (0..self.archive.entries.len())
            .filter(|index| Some(*index) != frames && self.archive.entries[*index].header.is_ok())
            .collect();
        for index in indices {
            if monitor.stop().is_requested() {
                return Err(Error::Cancelled);
            }
            let agrees = match self.archive.stream(index, &mut |_| Ok(())) {
                Ok(agrees) => agrees,
                Err(Error::Refused(_)) => false,
                Err(error) => return Err(error),
            };
            if !agrees {
                self.bad_sum(index);
            }
        }
        Ok(())
    }

    fn bad_sum(&mut self, index: usize) {
        let key = self.key(index);
        let severity = if self.draft.is_used(index) {
            Severity::Refused
        } else {
            Severity::Note
        };
        let is_known = self
            .draft
            .findings
            .iter()
            .any(|finding| finding.key == key && finding.rule == "FILE-002");
        if !is_known {
            self.draft.add(
                severity,
                &key,
                "FILE-003",
                [
                    "bytes that agree with their checksum",
                    "damaged bytes",
                    "none: fetch the file again",
                ],
            );
        }
    }
}

/// `frame 2`, `frames 2, 5 and 9`, `frames 2, 5, 9 and 14 others`.
fn listed(frames: &[usize]) -> String {
    const MOST_NAMED: usize = 8;
    let names: Vec<String> = frames
        .iter()
        .take(MOST_NAMED)
        .map(ToString::to_string)
        .collect();
    match (names.as_slice(), frames.len()) {
        ([], _) => "no frame".to_owned(),
        ([one], _) => format!("frame {one}"),
        ([more @ .., last], n) if n <= MOST_NAMED => {
            format!("frames {} and {last}", more.join(", "))
        }
        (more, n) => format!("frames {} and {} others", more.join(", "), n - MOST_NAMED),
    }
}
