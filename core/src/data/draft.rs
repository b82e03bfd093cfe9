//! What the headers of a file tell: which key plays which part, and what is wrong with its form.

use crate::data::check::shown;
use crate::data::inspect::{Finding, Severity};
use crate::data::npy::{Dtype, Header, Kind};
use crate::data::npz::{Archive, KeyInfo};
use crate::data::stack::{Layout, three_axes};

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

    /// Yields whether the file speaks tike's language.
    fn find_frames(&mut self, archive: &Archive) -> bool {
        let found = ["diffraction", "diff3d", "data"]
            .iter()
            .find_map(|key| archive.index(key));
        let Some(index) = found else {
            self.missing_frames(archive);
            return false;
        };
        let key = archive.keys[index].key.as_str();
        let is_tike = key == "data";
        if key != "diffraction" {
            let found = if is_tike {
                "tike's name"
            } else {
                "a legacy name"
            };
            self.repairable(
                key,
                "ALIAS-001",
                ["diffraction", found, "rename to diffraction"],
            );
        }
        let Some((_, header)) = self.required(archive, index, "(m, n, n) float32") else {
            return is_tike;
        };
        let Some(layout) = self.frame_layout(key, header) else {
            return is_tike;
        };
        let is_counts = self.frame_type(key, &header.dtype, is_tike);
        (self.m, self.n) = (Some(layout.n_frames), Some(layout.n));
        self.frames = Some(FramesPart {
            index,
            layout,
            is_counts,
            is_tike,
        });
        if key == "diffraction"
            && let Some(twin) = archive.index("diff3d")
        {
            self.find_twin(archive, twin, layout);
        }
        is_tike
    }

    fn missing_frames(&mut self, archive: &Archive) {
        let logarithm = archive
            .keys
            .iter()
            .find(|info| info.key.to_lowercase().contains("log") && info.shape.len() == 3);
        let fix = match logarithm {
            Some(info) => format!(
                "none: {} looks like a logarithm; name a file with amplitudes or counts",
                info.key
            ),
            None => "none: name a file with the patterns under this key".to_owned(),
        };
        self.missing(archive, "diffraction", "(m, n, n) float32", &fix);
    }

    fn frame_layout(&mut self, key: &str, header: &Header) -> Option<Layout> {
        let shape = shown(&header.shape);
        let Some([a, b, c]) = three_axes(&header.shape) else {
            let found = if header.shape.is_empty() {
                "a scalar, shape ()".to_owned()
            } else {
                shape
            };
            self.refuse(key, "SHAPE-001", ["(m, n, n)", &found, "none"]);
            return None;
        };
        if header.n_values == 0 {
            self.refuse(key, "SHAPE-001", ["at least one pattern", &shape, "none"]);
            return None;
        }
        if b != c && a != b {
            let expected = "(m, n, n): square patterns";
            self.refuse(
                key,
                "SHAPE-001",
                [
                    expected,
                    &shape,
                    "none: crop or pad where the data were made",
                ],
            );
            return None;
        }
        let is_frame_last = b != c;
        if is_frame_last {
            let expected = format!("({c}, {a}, {b})");
            let found = format!("{shape}: the frame axis is last");
            self.repairable(
                key,
                "FORMAT-001",
                [&expected, &found, "move the last axis first"],
            );
        }
        if 3 < header.shape.len() {
            let fix = "drop the axes of length 1";
            self.repairable(key, "FORMAT-002", ["three axes", &shape, fix]);
        }
        Layout::of(&header.shape, header.is_fortran, is_frame_last)
    }

    /// Yields whether the patterns are counts for sure.
    fn frame_type(&mut self, key: &str, dtype: &Dtype, is_tike: bool) -> bool {
        let name = dtype.name.as_str();
        let expected = "float32 amplitude";
        if !dtype.is_real() || dtype.kind == Kind::Bool {
            self.refuse(
                key,
                "DTYPE-002",
                [expected, name, "none: amplitudes are real numbers"],
            );
            return false;
        }
        if dtype.is_whole() || is_tike {
            let found = if is_tike {
                format!("{name} counts, as tike stores them")
            } else {
                format!("{name}: whole numbers are counts, not amplitudes")
            };
            self.repairable(
                key,
                "SCALE-001",
                [expected, &found, "take the square root, as float32"],
            );
            return true;
        }
        if name != "float32" {
            self.repairable(key, "DTYPE-001", [expected, name, "convert to float32"]);
        }
        false
    }

    fn find_twin(&mut self, archive: &Archive, twin: usize, layout: Layout) {
        self.used.push(twin);
        let info = &archive.keys[twin];
        let other = archive.numbers(twin).and_then(|header| {
            let is_frame_last = three_axes(&header.shape).is_some_and(|[_, b, c]| b != c);
            Layout::of(&header.shape, header.is_fortran, is_frame_last)
        });
        match other.filter(|other| [other.n_frames, other.n] == [layout.n_frames, layout.n]) {
            Some(other) => self.twin = Some((twin, other)),
            None => self.refuse(
                "diff3d",
                "ALIAS-002",
                [
                    "the same patterns as diffraction, or one of the two keys",
                    &format!("{} {}", info.dtype, shown(&info.shape)),
                    "none: which of the two is meant is unknown",
                ],
            ),
        }
    }

    fn find_coordinates(&mut self, archive: &Archive, is_tike: bool) {
        if is_tike
            && !archive.has("xcoords")
            && let Some(index) = archive.index("scan")
        {
            self.repairable(
                "scan",
                "ALIAS-001",
                [
                    "xcoords, ycoords",
                    "tike's name, (row, column) of each pattern",
                    "rename its columns to ycoords and xcoords",
                ],
            );
            let Some((info, header)) = self.required(archive, index, "(m, 2)") else {
                return;
            };
            let squeezed: Vec<usize> = header
                .shape
                .iter()
                .copied()
                .skip_while(|side| *side == 1)
                .collect();
            let fits = match (squeezed.as_slice(), header.shape.as_slice()) {
                ([rows, 2], _) => self.m.is_none_or(|m| m == *rows),
                (_, [.., 1, 2]) => self.m.is_none_or(|m| m == 1),
                _ => false,
            };
            if fits && header.dtype.is_real() {
                self.coordinates = Some(CoordinatesPart::Scan(index));
            } else {
                let expected = format!("({}, 2)", self.m.map_or("m".to_owned(), |m| m.to_string()));
                self.refuse(
                    "scan",
                    "SHAPE-001",
                    [
                        &expected,
                        &shown(&info.shape),
                        "none: which pattern lacks its position is unknown",
                    ],
                );
            }
            return;
        }
        let columns = self.coordinate(archive, "xcoords");
        let rows = self.coordinate(archive, "ycoords");
        if let (Some(rows), Some(columns)) = (rows, columns) {
            self.coordinates = Some(CoordinatesPart::Pair { rows, columns });
        }
    }

    fn coordinate(&mut self, archive: &Archive, key: &str) -> Option<usize> {
        let expected = match self.m {
            Some(m) => format!("({m},): one for each of the {m} patterns"),
            None => "(m,): one for each pattern".to_owned(),
        };
        let Some(index) = archive.index(key) else {
            self.missing(
                archive,
                key,
                &expected,
                "none: name a file with the positions",
            );
            return None;
        };
        let (_, header) = self.required(archive, index, &expected)?;
        if !header.dtype.is_real() || header.dtype.kind == Kind::Bool {
            self.refuse(key, "DTYPE-002", ["float64", &header.dtype.name, "none"]);
            return None;
        }
        let is_line =
            header.shape.iter().filter(|side| **side != 1).count() <= 1 && !header.shape.is_empty();
        if !is_line || self.m.is_some_and(|m| m != header.n_values) {
            let fix = "none: which pattern lacks its coordinate is unknown";
            self.refuse(key, "SHAPE-001", [&expected, &shown(&header.shape), fix]);
            return None;
        }
        self.form(key, header, 1, "float64");
        Some(index)
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

    fn find_probe(&mut self, archive: &Archive, is_tike: bool) {
        let n = self.n.map_or("n".to_owned(), |n| n.to_string());
        let expected = format!("complex64 ({n}, {n}), as the patterns");
        let mut found = archive.index("probeGuess");
        if found.is_none() && is_tike {
            found = archive.index("probe");
            if found.is_some() {
                self.repairable(
                    "probe",
                    "ALIAS-001",
                    ["probeGuess", "tike's name", "rename to probeGuess"],
                );
            }
        }
        let Some(index) = found else {
            return self.missing(
                archive,
                "probeGuess",
                &expected,
                "none by itself: name a file with a probe",
            );
        };
        let Some((info, header)) = self.required(archive, index, &expected) else {
            return;
        };
        match probe_form(&header.shape, self.n) {
            ProbeForm::Fits => {}
            ProbeForm::Squeezed => self.repairable(
                &info.key,
                "FORMAT-002",
                [
                    &expected,
                    &shown(&header.shape),
                    "drop the axes of length 1",
                ],
            ),
            ProbeForm::ModesLast => self.repairable(
                &info.key,
                "FORMAT-001",
                [
                    &expected,
                    &format!("{}: the mode axis is last", shown(&header.shape)),
                    "move the last axis first",
                ],
            ),
            ProbeForm::No => {
                let fix = "none: cropping would change the pixel size or cut the beam";
                return self.refuse(
                    &info.key,
                    "SHAPE-001",
                    [&expected, &shown(&header.shape), fix],
                );
            }
        }
        if header.dtype.name != "complex64" {
            self.repairable(
                &info.key,
                "DTYPE-001",
                ["complex64", &header.dtype.name, "convert to complex64"],
            );
        }
        self.probe = Some(index);
    }

    fn find_object(&mut self, archive: &Archive) {
        let Some(index) = archive.index("objectGuess") else {
            return;
        };
        let n = self.n.unwrap_or(1);
        let expected = format!("complex64 (h, w), each at least {n}");
        let Some((info, header)) = self.required(archive, index, &expected) else {
            return;
        };
        let leading = header.shape.len().saturating_sub(2);
        let (extra, sides) = header.shape.split_at(leading);
        if sides.len() != 2
            || extra.iter().any(|side| *side != 1)
            || sides.iter().any(|side| *side < n.max(1))
        {
            let fix = "none: name an object that covers the scan, or leave the key out";
            return self.refuse(
                &info.key,
                "SHAPE-001",
                [&expected, &shown(&header.shape), fix],
            );
        }
        self.form(&info.key, header, 2, "complex64");
        self.object = Some(index);
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

    /// An optional key of numbers, marked as used; one that holds none is noted and ignored.
    fn optional<'a>(&mut self, archive: &'a Archive, key: &str) -> Option<(usize, &'a Header)> {
        let index = archive.index(key)?;
        let header = archive.numbers(index)?;
        self.used.push(index);
        Some((index, header))
    }

    /// An optional key that does not fit is left out.
    fn leave_out(&mut self, key: &str, expected: &str, header: &Header) {
        let found = format!("{} {}", header.dtype.name, shown(&header.shape));
        self.repairable(
            key,
            "OPTION-001",
            [expected, &found, "leave this optional key out"],
        );
    }

    fn find_optional(&mut self, archive: &Archive) {
        let (Some(m), Some(n)) = (self.m, self.n) else {
            for key in [
                "Y",
                "scan_index",
                "xcoords_start",
                "ycoords_start",
                "group_index",
                "detector_mask",
            ] {
                self.optional(archive, key);
            }
            return;
        };
        if let Some((index, header)) = self.optional(archive, "Y") {
            self.patches = self.find_patches(index, header, [m, n]);
        }
        self.scan_index = self.per_pattern(archive, "scan_index", "int64", m);
        self.columns_start = self.per_pattern(archive, "xcoords_start", "float64", m);
        self.rows_start = self.per_pattern(archive, "ycoords_start", "float64", m);
        if let Some((index, header)) = self.optional(archive, "group_index") {
            if header.shape.len() == 2 && header.dtype.is_whole() {
                self.groups = Some(index);
            } else {
                let found = format!("{} {}", header.dtype.name, shown(&header.shape));
                self.refuse("group_index", "GROUP-001", ["(g, c) int32", &found, "none"]);
            }
        }
        if let Some((index, header)) = self.optional(archive, "detector_mask") {
            let sides: Vec<usize> = header
                .shape
                .iter()
                .copied()
                .filter(|side| *side != 1 || n == 1)
                .collect();
            if sides != [n, n] || !header.dtype.is_real() {
                let found = format!("{} {}", header.dtype.name, shown(&header.shape));
                return self.refuse(
                    "detector_mask",
                    "SHAPE-001",
                    [&format!("({n}, {n}) bool"), &found, "none"],
                );
            }
            self.form("detector_mask", header, 2, "bool");
            self.mask = Some(index);
        }
    }

    fn find_patches(
        &mut self,
        index: usize,
        header: &Header,
        [m, n]: [usize; 2],
    ) -> Option<(usize, Layout)> {
        let expected = format!("({m}, {n}, {n}) complex64");
        let axes = three_axes(&header.shape);
        let is_frame_last = axes == Some([n, n, m]) && m != n;
        if !is_frame_last && axes != Some([m, n, n]) {
            self.leave_out("Y", &expected, header);
            return None;
        }
        if is_frame_last {
            let found = format!("{}: the frame axis is last", shown(&header.shape));
            self.repairable(
                "Y",
                "FORMAT-001",
                [&expected, &found, "move the last axis first"],
            );
        }
        self.form("Y", header, 3, "complex64");
        Some((
            index,
            Layout::of(&header.shape, header.is_fortran, is_frame_last)?,
        ))
    }

    fn per_pattern(
        &mut self,
        archive: &Archive,
        key: &str,
        dtype: &str,
        m: usize,
    ) -> Option<usize> {
        let (index, header) = self.optional(archive, key)?;
        let n_long = header.shape.iter().filter(|side| **side != 1).count();
        if header.n_values != m || 1 < n_long || header.shape.is_empty() || !header.dtype.is_real()
        {
            self.leave_out(key, &format!("({m},) {dtype}"), header);
            return None;
        }
        // Any whole numbers do for an index.
        let dtype = if dtype == "int64" && header.dtype.is_whole() {
            header.dtype.name.as_str()
        } else {
            dtype
        };
        self.form(key, header, 1, dtype);
        Some(index)
    }
}

/// How a probe array relates to `(k, n, n)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProbeForm {
    Fits,
    Squeezed,
    ModesLast,
    No,
}

/// `n` unknown: any square will do.
pub(crate) fn probe_form(shape: &[usize], n: Option<usize>) -> ProbeForm {
    let square = |a: usize, b: usize| a == b && n.is_none_or(|n| n == a) && a != 0;
    match shape {
        [a, b] if square(*a, *b) => ProbeForm::Fits,
        [k, a, b] if *k != 0 && square(*a, *b) => ProbeForm::Fits,
        [a, b, 1] if square(*a, *b) => ProbeForm::Squeezed,
        [a, b, k] if *k != 0 && square(*a, *b) => ProbeForm::ModesLast,
        [1, tail @ ..] | [tail @ .., 1] if 2 < tail.len() => match probe_form(tail, n) {
            ProbeForm::Fits => ProbeForm::Squeezed,
            other => other,
        },
        _ => ProbeForm::No,
    }
}
