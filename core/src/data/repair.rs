//! Repairs of foreign files: previewed, written to a new file, inspected again.

use std::path::Path;

use crate::data::check::shown;
use crate::data::draft::CoordinatesPart;
use crate::data::examine::{Depth, Examined, Source, examine};
use crate::data::rows::described;
use crate::data::{Dataset, Inspection, Severity, Verdict, inspect};
use crate::disk;
use crate::error::{Error, Problem, Result};
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
    let (inspection, source) = sound(examine(path, Depth::Full, monitor)?)?;
    Ok(steps(&inspection, &source))
}

/// Write the repaired data to `output` (never in place) and inspect it again.
///
/// The new file is canonical: same input, same bytes. Its metadata hold the repairs in words and the
/// SHA-256 of the parent file.
///
/// # Errors
/// [`crate::Error::Refused`], [`crate::Error::Invalid`] if `output` is the input, [`crate::Error::Io`].
pub fn repair(path: &Path, output: &Path, monitor: &dyn Monitor<()>) -> Result<Inspection> {
    if is_same_file(path, output) {
        return Err(Error::invalid(
            "repair a file",
            "output",
            "another file than the input, which is never changed",
            output.display().to_string(),
        ));
    }
    let (inspection, source) = sound(examine(path, Depth::Keep, monitor)?)?;
    let parent = disk::sha256_hex(&source.archive.map);
    let dataset = Dataset::from_source(source, &inspection.repairs())?;
    dataset.with_parent(parent).save(output)?;
    inspect::inspect_full(output, monitor)
}

/// Whether the two names lead to one file, through links too.
pub fn is_same_file(a: &Path, b: &Path) -> bool {
    match (std::fs::canonicalize(a), std::fs::canonicalize(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}

fn sound(examined: Examined) -> Result<(Inspection, Source)> {
    let Examined { inspection, source } = examined;
    match source {
        Some(source) if inspection.verdict != Verdict::Refused => Ok((inspection, source)),
        _ => Err(Error::Refused(Box::new(Problem {
            attempted: "repair a file".to_owned(),
            ..inspection.problem().unwrap_or_default()
        }))),
    }
}

fn steps(inspection: &Inspection, source: &Source) -> Vec<RepairStep> {
    let draft = &source.draft;
    let left_out = source.left_out();
    let m = source.positions_px.len() - left_out.len();
    let n = draft.n.unwrap_or(0);
    let line = |dtype: &str| format!("{dtype} ({m},)");
    let mut parts: Vec<(usize, String)> = Vec::new();
    if let Some(part) = &draft.frames {
        parts.push((
            part.index,
            format!("diffraction float32 {}", shown(&[m, n, n])),
        ));
    }
    match draft.coordinates {
        Some(CoordinatesPart::Pair { rows, columns }) => {
            parts.push((columns, format!("xcoords {}", line("float64"))));
            parts.push((rows, format!("ycoords {}", line("float64"))));
        }
        Some(CoordinatesPart::Scan(index)) => {
            parts.push((index, format!("ycoords and xcoords {}", line("float64"))));
        }
        None => {}
    }
    if let (Some(index), Some(probe)) = (draft.probe, &source.probe) {
        let shape = probe.shape();
        let shape = if shape[0] == 1 { &shape[1..] } else { shape };
        parts.push((index, format!("probeGuess complex64 {}", shown(shape))));
    }
    if let Some(index) = draft.object {
        let sides = &source.archive.keys[index].shape;
        let [top, left, bottom, right] = source.geometry.padding_px.unwrap_or_default();
        if let [.., rows, columns] = sides[..] {
            let shape = [rows + top + bottom, columns + left + right];
            parts.push((index, format!("objectGuess complex64 {}", shown(&shape))));
        }
    }
    if let Some((index, _)) = draft.patches {
        parts.push((index, format!("Y complex64 {}", shown(&[m, n, n]))));
    }
    let lines = [
        (draft.scan_index, "scan_index", "int64"),
        (draft.columns_start, "xcoords_start", "float64"),
        (draft.rows_start, "ycoords_start", "float64"),
    ];
    for (index, name, dtype) in lines {
        parts.extend(index.map(|index| (index, format!("{name} {}", line(dtype)))));
    }
    parts.extend(
        draft
            .mask
            .map(|index| (index, format!("detector_mask bool {}", shown(&[n, n])))),
    );
    named_steps(inspection, source, &parts, left_out.len())
}

/// A step for every key that a finding is about or whose description changes.
fn named_steps(
    inspection: &Inspection,
    source: &Source,
    parts: &[(usize, String)],
    n_left_out: usize,
) -> Vec<RepairStep> {
    let mut steps = Vec::new();
    for (index, info) in source.archive.keys.iter().enumerate() {
        let mut what: Vec<String> = inspection
            .findings
            .iter()
            .filter(|finding| finding.key == info.key && finding.severity == Severity::Repairable)
            .map(|finding| finding.fix.clone())
            .collect();
        let before = format!("{} {}", info.key, described(&source.archive, index));
        let part = parts.iter().find(|(part, _)| *part == index);
        let after = match part {
            Some((_, after)) => after.clone(),
            None if what.is_empty() => continue,
            None => "left out".to_owned(),
        };
        let is_widened = info.key == "scan_index" && n_left_out == 0;
        if what.is_empty() && (before == after || is_widened) {
            continue;
        }
        if what.is_empty() && info.key == "objectGuess" {
            what.push("extend by zeros".to_owned());
        } else if what.is_empty() {
            what.push(format!("leave {n_left_out} patterns out"));
        }
        steps.push(RepairStep {
            key: info.key.clone(),
            before,
            after,
            what: what.join("; "),
        });
    }
    steps
}
