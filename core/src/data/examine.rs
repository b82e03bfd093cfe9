//! The whole judgement of a file: headers first, then the data in one pass.

use std::path::Path;

use ndarray::{Array3, ArrayD, Axis, Ix3};
use num_complex::Complex32;

use crate::data::check::{overshoot_px, shown};
use crate::data::draft::{CoordinatesPart, Draft, FramesPart};
use crate::data::frames::{Conversion, one_pass};
use crate::data::geometry::Geometry;
use crate::data::inspect::{Finding, Inspection, Severity, Verdict};
use crate::data::npz::Archive;
use crate::data::rows::rows;
use crate::data::scan::{FrameScan, Scale};
use crate::data::stack::{Bytes, Layout, Stack};
use crate::data::{Frames, Metadata};
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

    fn read_small(&mut self) -> Result<()> {
        self.read_positions()?;
        if let Some(index) = self.draft.probe {
            let key = self.key(index);
            let n = self.draft.n;
            if let Some(array) = self.attempt(&key, |archive| archive.array_complex(&key))? {
                let probe = probe_modes(array.map(|z| Complex32::new(z.re as f32, z.im as f32)), n);
                self.judge_probe(&key, probe.as_ref());
                self.probe = probe;
            }
        }
        if let Some(index) = self.draft.object {
            let key = self.key(index);
            if let Some(array) = self.attempt(&key, |archive| archive.array_complex(&key))? {
                let n_bad = array.iter().filter(|z| !z.is_finite()).count();
                if n_bad != 0 {
                    let found = format!("{n_bad} of {} values are not finite", array.len());
                    self.draft.refuse(
                        &key,
                        "VALUE-003",
                        [
                            "finite values",
                            &found,
                            "none: mend the object or leave the key out",
                        ],
                    );
                }
            }
        }
        self.judge_mask()?;
        self.judge_groups()
    }

    fn read_positions(&mut self) -> Result<()> {
        let positions = match self.draft.coordinates {
            None => return Ok(()),
            Some(CoordinatesPart::Pair { rows, columns }) => {
                let (rows, columns) = (self.key(rows), self.key(columns));
                let rows = self.attempt(&rows, |archive| archive.array_f64(&rows))?;
                let columns = self.attempt(&columns, |archive| archive.array_f64(&columns))?;
                rows.zip(columns).map(|(rows, columns)| {
                    rows.iter()
                        .zip(&columns)
                        .map(|(row, column)| [*row, *column])
                        .collect()
                })
            }
            Some(CoordinatesPart::Scan(index)) => {
                let key = self.key(index);
                self.attempt(&key, |archive| archive.array_f64(&key))?
                    .map(|scan| {
                        scan.iter()
                            .copied()
                            .collect::<Vec<f64>>()
                            .as_chunks::<2>()
                            .0
                            .to_vec()
                    })
            }
        };
        self.positions_px = positions.unwrap_or_default();
        Ok(())
    }

    fn judge_probe(&mut self, key: &str, probe: Option<&Array3<Complex32>>) {
        let Some(probe) = probe else { return };
        let n_bad = probe.iter().filter(|z| !z.is_finite()).count();
        let fix = "none by itself: name a file with a probe";
        if n_bad != 0 {
            let found = format!("{n_bad} of {} values are not finite", probe.len());
            self.draft
                .refuse(key, "VALUE-003", ["finite values", &found, fix]);
        } else if probe.iter().all(|z| z.norm_sqr() == 0.0) {
            self.draft
                .refuse(key, "VALUE-003", ["a probe with power", "zeros only", fix]);
        }
    }

    fn judge_mask(&mut self) -> Result<()> {
        let Some(index) = self.draft.mask else {
            return Ok(());
        };
        let key = self.key(index);
        if let Some(mask) = self.attempt(&key, |archive| archive.array_f64(&key))? {
            let found = if mask.iter().any(|value| *value != 0.0 && *value != 1.0) {
                "values beyond 0 and 1"
            } else if mask.iter().all(|value| *value == 0.0) {
                "no pixel that is used"
            } else {
                return Ok(());
            };
            self.draft.refuse(
                &key,
                "VALUE-003",
                ["true = use, false = not", found, "none"],
            );
        }
        Ok(())
    }

    fn judge_groups(&mut self) -> Result<()> {
        let (Some(index), Some(m)) = (self.draft.groups, self.draft.m) else {
            return Ok(());
        };
        let key = self.key(index);
        if let Some(groups) = self.attempt(&key, |archive| archive.array_i64(&key))? {
            let outside = groups
                .iter()
                .find(|row| !usize::try_from(**row).is_ok_and(|row| row < m));
            if let Some(row) = outside {
                let expected = format!("rows 0 to {}", m - 1);
                self.draft.refuse(
                    &key,
                    "GROUP-001",
                    [
                        &expected,
                        &row.to_string(),
                        "none: leave the key out or make the groups again",
                    ],
                );
            } else if self.archive.keys[index].dtype != "int32" {
                let dtype = self.archive.keys[index].dtype.clone();
                self.draft
                    .repairable(&key, "DTYPE-001", ["int32", &dtype, "convert to int32"]);
            }
        }
        Ok(())
    }

    fn judge_geometry(&mut self) {
        let (Some(n), Some(part)) = (self.draft.n, &self.draft.coordinates) else {
            return;
        };
        let keys = match part {
            CoordinatesPart::Pair { rows, columns } => [self.key(*rows), self.key(*columns)],
            CoordinatesPart::Scan(index) => [self.key(*index), self.key(*index)],
        };
        let shape = self.draft.object.and_then(|index| {
            let sides = &self.archive.keys[index].shape;
            sides.last_chunk::<2>().copied()
        });
        self.geometry = Geometry::of(&self.positions_px, n, shape);
        let geometry = self.geometry.clone();
        let inside = match shape {
            Some(shape) => format!("every {n}-pixel patch inside the {} object", shown(&shape)),
            None => format!("every {n}-pixel patch from pixel 0 on"),
        };
        if let Some(why) = &geometry.refusal {
            let fix = "none: give coordinates in object pixels";
            self.per_axis(
                &keys,
                |_| true,
                Severity::Refused,
                "COORD-005",
                |_| [inside.clone(), why.clone(), fix.to_owned()],
            );
            return;
        }
        let not_finite = |axis: usize| {
            let list = &geometry.not_finite[axis];
            let fix = format!("leave {} out", listed(list));
            [
                "finite coordinates".to_owned(),
                format!("{} not finite, of {}", list.len(), listed(list)),
                fix,
            ]
        };
        self.per_axis(
            &keys,
            |axis| !geometry.not_finite[axis].is_empty(),
            Severity::Repairable,
            "COORD-004",
            not_finite,
        );
        if let Some([rows, columns]) = geometry.shift_px {
            let fix = match shape {
                Some(_) => format!("add half the object's size ({rows} rows, {columns} columns)"),
                None => format!(
                    "add whole pixels ({rows} rows, {columns} columns); there is no object that fixes the origin"
                ),
            };
            let found = "coordinates about zero, some too small";
            self.per_axis(
                &keys,
                |_| true,
                Severity::Repairable,
                "COORD-001",
                |_| [inside.clone(), found.to_owned(), fix.clone()],
            );
        }
        let positions = self.positions_px.clone();
        let outside = |axis: usize| {
            let list = &geometry.outside[axis];
            let name = ["row", "column"][axis];
            let first = list.first().map_or(0.0, |i| positions[*i][axis]);
            let found = format!(
                "{} at {name} {first}{}",
                listed(list),
                if 1 < list.len() { " and others" } else { "" }
            );
            [inside.clone(), found, format!("leave {} out", listed(list))]
        };
        self.per_axis(
            &keys,
            |axis| !geometry.outside[axis].is_empty(),
            Severity::Repairable,
            "COORD-002",
            outside,
        );
        if let (Some([top, left, bottom, right]), Some(shape)) = (geometry.padding_px, shape) {
            let found = format!(
                "{} of {} patches pass the object's border by less than {} pixels",
                geometry.n_near,
                positions.len(),
                n / 2
            );
            let fix = format!(
                "extend the object by zeros ({top} rows above, {bottom} below, {left} columns left, {right} right) and move the coordinates with it"
            );
            let is_near = |axis: usize| {
                positions
                    .iter()
                    .any(|position| overshoot_px(position[axis], n, Some(shape[axis])) != 0.0)
            };
            self.per_axis(&keys, is_near, Severity::Repairable, "COORD-003", |_| {
                [inside.clone(), found.clone(), fix.clone()]
            });
        }
    }

    /// A finding for the key of each axis that it is about, once for a common key.
    #[expect(clippy::too_many_arguments, reason = "the fields of one finding")]
    fn per_axis(
        &mut self,
        keys: &[String; 2],
        is_about: impl Fn(usize) -> bool,
        severity: Severity,
        rule: &str,
        words: impl Fn(usize) -> [String; 3],
    ) {
        // Columns first: `xcoords` stands before `ycoords` everywhere.
        for axis in [1, 0] {
            if is_about(axis) && (axis == 1 || keys[0] != keys[1] || !is_about(1)) {
                let [expected, found, fix] = words(axis);
                self.draft
                    .add(severity, &keys[axis], rule, [&expected, &found, &fix]);
            }
        }
    }

    fn read_frames(&mut self, depth: Depth, monitor: &dyn Monitor<()>) -> Result<()> {
        let Some(FramesPart { index, layout, .. }) = self.draft.frames else {
            return Ok(());
        };
        let key = self.key(index);
        let Some((scan, stack)) = self.attempt(&key, |archive| {
            scan_frames(archive, index, layout, depth, monitor)
        })?
        else {
            return Ok(());
        };
        self.stack = stack;
        self.judge_frames(&key, &scan);
        self.compare_twin(layout)
    }

    fn judge_frames(&mut self, key: &str, scan: &FrameScan) {
        let Some(part) = &self.draft.frames else {
            return;
        };
        let (m, n) = (part.layout.n_frames, part.layout.n);
        let (mut is_counts, is_tike) = (part.is_counts, part.is_tike);
        let is_trusted = self
            .metadata
            .as_ref()
            .is_some_and(|metadata| metadata.amplitude.as_deref() == Some("sqrt_counts"));
        self.bad_frames = scan.bad_frames();
        if !self.bad_frames.is_empty() {
            let found = match (scan.n_nan, scan.n_infinite) {
                (nan, 0) => format!("{nan} NaN"),
                (0, infinite) => format!("{infinite} infinite"),
                (nan, infinite) => format!("{nan} NaN and {infinite} infinite"),
            };
            let all = self.bad_frames.len() == m;
            let found = format!("{found}, all in {}", listed(&self.bad_frames));
            let fix = if all {
                "none: no pattern is whole".to_owned()
            } else {
                format!(
                    "leave {} out, with {} coordinates",
                    listed(&self.bad_frames),
                    if self.bad_frames.len() == 1 {
                        "its"
                    } else {
                        "their"
                    }
                )
            };
            let severity = if all {
                Severity::Refused
            } else {
                Severity::Repairable
            };
            self.draft.add(
                severity,
                key,
                "VALUE-001",
                ["finite amplitudes", &found, &fix],
            );
        }
        let n_values = m * n * n;
        if scan.n_negative != 0 {
            let found = format!(
                "{} values below 0, the least {}, of {n_values}",
                scan.n_negative, scan.least
            );
            if n_values < 100 * scan.n_negative {
                self.draft.refuse(key, "VALUE-002", ["amplitudes >= 0", &found, "none: more than 1 % of the pixels; a logarithm, or a background was subtracted"]);
            } else {
                self.draft.repairable(
                    key,
                    "VALUE-002",
                    ["amplitudes >= 0", &found, "set them to 0"],
                );
            }
        }
        if !is_counts && !is_trusted && scan.is_counts() {
            is_counts = true;
            self.draft.repairable(
                key,
                "SCALE-001",
                [
                    "float32 amplitude",
                    "whole numbers only, which are counts, not amplitudes",
                    "take the square root",
                ],
            );
        }
        let mut counts_factor = 1.0;
        if !is_counts && !is_trusted {
            counts_factor = self.judge_scale(key, scan);
        }
        // What this program simulated has its zero frequency in the middle, wherever the light is.
        let is_corner = !is_trusted && self.judge_corner(key, scan, is_tike);
        self.convert = Conversion {
            is_counts,
            is_corner,
            is_clipped: scan.n_negative != 0,
            counts_factor,
        };
        let sums = if is_counts { &scan.sums } else { &scan.squares };
        self.counts_per_frame = sums.iter().map(|sum| sum * counts_factor.powi(2)).collect();
        self.judge_light(key);
    }

    fn judge_scale(&mut self, key: &str, scan: &FrameScan) -> f64 {
        // A file of ours says by what its amplitudes were divided; at high doses the values do not tell.
        let own = self.metadata.as_ref().and_then(|own| own.counts_factor);
        let scale = match own {
            Some(counts_factor) if 0.0 < counts_factor && counts_factor.is_finite() => {
                Scale::DividedRoots { counts_factor }
            }
            _ => scan.scale(),
        };
        match scale {
            Scale::AsItIs => 1.0,
            Scale::Logarithm => {
                let found = "a logarithm of counts";
                self.draft.refuse(
                    key,
                    "SCALE-003",
                    [
                        "amplitudes",
                        found,
                        "none: save amplitudes or counts; the logarithm's form is a guess",
                    ],
                );
                1.0
            }
            Scale::DividedCounts => {
                self.draft.add(
                    Severity::Note,
                    key,
                    "SCALE-004",
                    [
                        "amplitude = square root of counts",
                        "whole multiples of one number: amplitudes of a step, or counts divided by a number",
                        "none: if they are counts, save the counts themselves",
                    ],
                );
                1.0
            }
            Scale::DividedRoots { counts_factor } => {
                let found = match own {
                    Some(_) => {
                        format!(
                            "dose-normalised amplitudes: marked as divided by {counts_factor:.6}"
                        )
                    }
                    None => format!(
                        "squares that are whole multiples of {:.6e}: amplitudes divided by {counts_factor:.6}",
                        counts_factor.powi(-2)
                    ),
                };
                let fix = format!("multiply by {counts_factor:.6}, which makes the squares counts");
                self.draft.repairable(
                    key,
                    "SCALE-002",
                    ["amplitude = square root of counts", &found, &fix],
                );
                if let Some(probe) = self.draft.probe {
                    let probe = self.key(probe);
                    let fix = format!("multiply by {counts_factor:.6}");
                    self.draft.repairable(
                        &probe,
                        "SCALE-002",
                        [
                            "the scale of the amplitudes",
                            &format!("divided as {key} is"),
                            &fix,
                        ],
                    );
                }
                counts_factor
            }
        }
    }

    fn judge_corner(&mut self, key: &str, scan: &FrameScan, is_tike: bool) -> bool {
        /// Share of the light in a quarter of the area that leaves no doubt where the zero frequency is.
        const SURE_SHARE: f64 = 0.8;
        let (middle, corners) = scan.shares().unwrap_or_default();
        let is_corner = SURE_SHARE <= corners || (is_tike && middle < SURE_SHARE);
        if is_corner {
            let found = if is_tike {
                "DC in the corner, as tike stores it".to_owned()
            } else {
                format!(
                    "{:.0} % of the light in the corners: DC at [0, 0]",
                    100.0 * corners
                )
            };
            self.draft.repairable(
                key,
                "DC-001",
                ["DC in the middle, [n/2, n/2]", &found, "fftshift"],
            );
        }
        is_corner
    }

    fn judge_light(&mut self, key: &str) {
        let n_dark = (0..self.counts_per_frame.len())
            .filter(|i| {
                self.counts_per_frame[*i] == 0.0 && self.bad_frames.binary_search(i).is_err()
            })
            .count();
        let n_good = self.counts_per_frame.len() - self.bad_frames.len();
        if n_good != 0 && n_dark == n_good {
            self.draft
                .refuse(key, "VALUE-004", ["some light", "zeros only", "none"]);
        } else if n_dark != 0 {
            let found = format!("{n_dark} patterns without light");
            self.draft.add(
                Severity::Note,
                key,
                "VALUE-004",
                ["some light in every pattern", &found, ""],
            );
        }
    }

    /// `diffraction` and `diff3d` must hold the same.
    fn compare_twin(&mut self, layout: Layout) -> Result<()> {
        let (Some((twin, other)), Some(part)) = (self.draft.twin, &self.draft.frames) else {
            return Ok(());
        };
        let index = part.index;
        let stacks = self.attempt("diff3d", |archive| {
            Ok([archive.stack(index, layout)?, archive.stack(twin, other)?])
        })?;
        let Some([first, second]) =
            stacks.map(|stacks| stacks.map(|stack| Frames::from_stack(stack, Conversion::NONE)))
        else {
            return Ok(());
        };
        let n = layout.n;
        let differs = first.map_frames(|i, frame| {
            let mut same = vec![0.0; n * n];
            second.read(i, &mut same);
            frame
                .iter()
                .zip(&same)
                .any(|(a, b)| a != b && !(a.is_nan() && b.is_nan()))
        });
        match differs.iter().position(|differs| *differs) {
            Some(frame) => self.draft.refuse(
                "diff3d",
                "ALIAS-002",
                [
                    "the same patterns as diffraction, or one of the two keys",
                    &format!("other values, first in frame {frame}"),
                    "none: which of the two is meant is unknown",
                ],
            ),
            None => self.draft.add(
                Severity::Note,
                "diff3d",
                "ALIAS-002",
                ["", "the same as diffraction", ""],
            ),
        }
        Ok(())
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

/// One pass over the patterns; with [`Depth::Keep`] they are kept, mapped where they are stored.
fn scan_frames(
    archive: &Archive,
    index: usize,
    layout: Layout,
    depth: Depth,
    monitor: &dyn Monitor<()>,
) -> Result<(FrameScan, Option<Stack>)> {
    let header = archive.header(index)?;
    let mut scan = FrameScan::new(layout);
    let all = header.data_bytes().unwrap_or(0);
    let mapped = archive
        .is_stored(index)
        .then(|| archive.stack(index, layout))
        .transpose()?;
    let is_kept = depth == Depth::Keep && mapped.is_none();
    let (mut done, mut bytes) = (0, Vec::new());
    let agrees = archive.stream(index, &mut |chunk| {
        if monitor.stop().is_requested() {
            return Err(Error::Cancelled);
        }
        scan.add(&header.dtype, chunk);
        if is_kept {
            bytes.extend_from_slice(chunk);
        }
        done += chunk.len();
        monitor.progress(one_pass(done, all));
        Ok(())
    })?;
    if !agrees {
        let key = &archive.keys[index].key;
        return Err(archive.bad_member(
            key,
            "bytes that agree with their checksum",
            "damaged bytes",
        ));
    }
    let stack = match mapped {
        Some(stack) => Some(stack),
        None if is_kept => Some(Stack {
            bytes: Bytes::Owned(std::sync::Arc::new(bytes)),
            dtype: header.dtype.clone(),
            layout,
            kept: None,
        }),
        None => None,
    };
    Ok((scan, stack))
}

/// A probe as `(k, n, n)`; see [`crate::data::draft::probe_form`].
pub(crate) fn probe_modes(
    mut probe: ArrayD<Complex32>,
    n: Option<usize>,
) -> Option<Array3<Complex32>> {
    let fits = |a: usize, b: usize| a == b && n.is_none_or(|n| n == a);
    loop {
        match *probe.shape() {
            [a, b] if fits(a, b) => probe.insert_axis_inplace(Axis(0)),
            [_, a, b] if fits(a, b) => return probe.into_dimensionality::<Ix3>().ok(),
            [a, b, _] if fits(a, b) => {
                let probe = probe.into_dimensionality::<Ix3>().ok()?;
                return Some(
                    probe
                        .permuted_axes([2, 0, 1])
                        .as_standard_layout()
                        .into_owned(),
                );
            }
            [1, ..] if 2 < probe.ndim() => probe = probe.index_axis_move(Axis(0), 0),
            [.., 1] if 2 < probe.ndim() => {
                let last = Axis(probe.ndim() - 1);
                probe = probe.index_axis_move(last, 0);
            }
            _ => return None,
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
