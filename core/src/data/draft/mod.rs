//! What the headers of a file tell: which key plays which part, and what is wrong with its form.

mod arrays;
mod coordinates;
mod optional;
mod patterns;

use crate::data::check::shown;
use crate::data::inspect::{Finding, Severity};
use crate::data::npy::{Header, Kind};
use crate::data::npz::{Archive, KeyInfo};
use crate::data::stack::Layout;

/// The stack of patterns.
pub(crate) struct FramesPart {
    pub(crate) index: usize,
    pub(crate) layout: Layout,
    /// Counts by name (tike's `data`) or by type (whole numbers).
    pub(crate) is_counts: bool,
    /// tike's `data`, whose zero frequency is in the corner.
    pub(crate) is_tike: bool,
}

/// Where the coordinates are.
pub(crate) enum CoordinatesPart {
    /// Rows and columns, each under its key.
    Pair { rows: usize, columns: usize },
    /// tike's `scan`, (row, column) of each pattern.
    Scan(usize),
}

/// The parts that the headers give away, and the findings so far.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) findings: Vec<Finding>,
    pub(crate) ignored: Vec<String>,
    pub(crate) frames: Option<FramesPart>,
    /// `diff3d` beside `diffraction`.
    pub(crate) twin: Option<(usize, Layout)>,
    pub(crate) coordinates: Option<CoordinatesPart>,
    pub(crate) probe: Option<usize>,
    pub(crate) object: Option<usize>,
    pub(crate) patches: Option<(usize, Layout)>,
    pub(crate) mask: Option<usize>,
    pub(crate) scan_index: Option<usize>,
    pub(crate) columns_start: Option<usize>,
    pub(crate) rows_start: Option<usize>,
    pub(crate) groups: Option<usize>,
    pub(crate) metadata: Option<usize>,
    /// Patterns and their side, once known.
    pub(crate) m: Option<usize>,
    pub(crate) n: Option<usize>,
    /// Keys that play a part, as they are called in the file.
    used: Vec<usize>,
}

impl Draft {
    /// Read the headers' meaning.
    pub(crate) fn new(archive: &Archive) -> Self {
        let mut draft = Self::default();
        let is_tike = draft.find_frames(archive);
        draft.find_coordinates(archive, is_tike);
        draft.find_probe(archive, is_tike);
        draft.find_object(archive);
        draft.find_optional(archive);
        draft.metadata = archive.index("_metadata");
        draft.ignore_the_rest(archive);
        draft
    }

    pub(crate) fn add(&mut self, severity: Severity, key: &str, rule: &str, words: [&str; 3]) {
        let [expected, found, fix] = words;
        self.findings.push(Finding {
            key: key.to_owned(),
            rule: rule.to_owned(),
            severity,
            expected: expected.to_owned(),
            found: found.to_owned(),
            fix: fix.to_owned(),
        });
    }

    pub(crate) fn refuse(&mut self, key: &str, rule: &str, words: [&str; 3]) {
        self.add(Severity::Refused, key, rule, words);
    }

    pub(crate) fn repairable(&mut self, key: &str, rule: &str, words: [&str; 3]) {
        self.add(Severity::Repairable, key, rule, words);
    }

    pub(crate) fn is_refused(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.severity == Severity::Refused)
    }

    /// Whether the key at `index` plays a part.
    pub(crate) fn is_used(&self, index: usize) -> bool {
        self.used.contains(&index)
    }

    /// A required key with a header of numbers; else a finding.
    fn required<'a>(
        &mut self,
        archive: &'a Archive,
        index: usize,
        expected: &str,
    ) -> Option<(&'a KeyInfo, &'a Header)> {
        self.used.push(index);
        let info = &archive.keys[index];
        match &archive.entries[index].header {
            Err(why) => self.refuse(
                &info.key,
                "FILE-002",
                [expected, why, "none: write the file again"],
            ),
            Ok(header) if header.dtype.is_number() => return Some((info, header)),
            Ok(header) if header.dtype.kind == Kind::Object => self.refuse(
                &info.key,
                "DATA-002",
                [
                    expected,
                    "a Python object (pickle), which is never executed",
                    "save it as a plain array of numbers",
                ],
            ),
            Ok(header) => self.refuse(
                &info.key,
                "DTYPE-002",
                [expected, &header.dtype.name, "none"],
            ),
        }
        None
    }

    fn missing(&mut self, archive: &Archive, key: &str, expected: &str, fix: &str) {
        let names: Vec<&str> = archive.keys.iter().map(|info| info.key.as_str()).collect();
        let found = format!("no such key; keys: {}", names.join(", "));
        self.refuse(key, "KEY-001", [expected, &found, fix]);
    }

    /// Findings about axes of length 1 and about the type, both mended by conversion.
    fn form(&mut self, key: &str, header: &Header, n_axes: usize, dtype: &str) {
        if n_axes < header.shape.len() {
            let expected = format!("{n_axes} axes");
            self.repairable(
                key,
                "FORMAT-002",
                [
                    &expected,
                    &shown(&header.shape),
                    "drop the axes of length 1",
                ],
            );
        }
        if header.dtype.name != dtype {
            self.repairable(
                key,
                "DTYPE-001",
                [dtype, &header.dtype.name, &format!("convert to {dtype}")],
            );
        }
    }

    fn ignore_the_rest(&mut self, archive: &Archive) {
        for (index, info) in archive.keys.iter().enumerate() {
            if self.used.contains(&index)
                || self.metadata == Some(index) && crate::data::examine::is_ours(archive, index)
            {
                continue;
            }
            self.ignored.push(info.key.clone());
            let entry = &archive.entries[index];
            match &entry.header {
                Ok(header) if header.dtype.kind == Kind::Object => self.add(
                    Severity::Note,
                    &info.key,
                    "DATA-002",
                    [
                        "",
                        "a Python object (pickle): shown as opaque, never executed",
                        "",
                    ],
                ),
                Err(why) => self.add(Severity::Note, &info.key, "FILE-002", ["", why, ""]),
                Ok(_) => {}
            }
        }
    }
}
