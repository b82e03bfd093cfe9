//! The table of a file's keys for a window: every key of the contract, then the ignored ones.

use crate::data::check::shown;
use crate::data::draft::{CoordinatesPart, Draft};
use crate::data::inspect::{KeyRow, Severity, Verdict};
use crate::data::npz::Archive;

/// One row for each key of the contract, in its order, then one for each ignored key.
#[expect(
    clippy::too_many_lines,
    reason = "the contract as a table, a row a key"
)]
pub(crate) fn rows(archive: &Archive, draft: &Draft) -> Vec<KeyRow> {
    let m = draft.m.map_or("m".to_owned(), |m| m.to_string());
    let n = draft.n.map_or("n".to_owned(), |n| n.to_string());
    let stack = format!("({m}, {n}, {n})");
    let line = format!("({m},)");
    let (columns, rows) = match draft.coordinates {
        Some(CoordinatesPart::Scan(index)) => (Some(index), Some(index)),
        Some(CoordinatesPart::Pair { rows, columns }) => (Some(columns), Some(rows)),
        None => (None, None),
    };
    let frames = draft.frames.as_ref().map(|part| part.index);
    let contract = [
        (
            "diffraction",
            frames,
            "amplitudes, √photons",
            format!("float32 {stack}"),
        ),
        (
            "xcoords",
            columns,
            "column of each pattern, px",
            format!("float64 {line}"),
        ),
        (
            "ycoords",
            rows,
            "row of each pattern, px",
            format!("float64 {line}"),
        ),
        (
            "probeGuess",
            draft.probe,
            "probe, √photons",
            format!("complex64 ({n}, {n}) or (k, {n}, {n})"),
        ),
        (
            "objectGuess",
            draft.object,
            "object, truth or guess; optional",
            "complex64 (h, w)".to_owned(),
        ),
        (
            "Y",
            draft.patches.map(|(index, _)| index),
            "object patch of each pattern; optional",
            format!("complex64 {stack}"),
        ),
        (
            "scan_index",
            draft.scan_index,
            "number in the scan; optional",
            format!("int64 {line}"),
        ),
        (
            "xcoords_start",
            draft.columns_start,
            "nominal column, px; optional",
            format!("float64 {line}"),
        ),
        (
            "ycoords_start",
            draft.rows_start,
            "nominal row, px; optional",
            format!("float64 {line}"),
        ),
        (
            "group_index",
            draft.groups,
            "groups of patterns; optional",
            "int32 (g, c)".to_owned(),
        ),
        (
            "detector_mask",
            draft.mask,
            "true = use; optional",
            format!("bool ({n}, {n})"),
        ),
    ];
    let mut table = Vec::new();
    for (key, index, role, expected) in contract {
        let index = index.or_else(|| archive.index(key));
        let name = index.map_or(key, |index| &archive.keys[index].key);
        table.push(KeyRow {
            key: name.to_owned(),
            role: role.to_owned(),
            found: index.map(|index| described(archive, index)),
            expected,
            verdict: verdict(draft, name),
        });
    }
    // A legacy twin, our own metadata, then what plays no part.
    for (index, info) in archive.keys.iter().enumerate() {
        if table
            .iter()
            .any(|row| row.key == info.key && row.found.is_some())
        {
            continue;
        }
        let role = if draft.ignored.contains(&info.key) {
            "no part of the data set"
        } else if info.key == "_metadata" {
            "where the data come from"
        } else {
            "another name of a key above"
        };
        table.push(KeyRow {
            key: info.key.clone(),
            role: role.to_owned(),
            found: Some(described(archive, index)),
            expected: String::new(),
            verdict: verdict(draft, &info.key),
        });
    }
    table
}

/// Type and shape of the key at `index`.
pub(crate) fn described(archive: &Archive, index: usize) -> String {
    let info = &archive.keys[index];
    format!("{} {}", info.dtype, shown(&info.shape))
}

fn verdict(draft: &Draft, key: &str) -> Verdict {
    let of = |severity| {
        draft
            .findings
            .iter()
            .any(|finding| finding.key == key && finding.severity == severity)
    };
    if of(Severity::Refused) {
        Verdict::Refused
    } else if of(Severity::Repairable) {
        Verdict::Repairable
    } else {
        Verdict::Ok
    }
}
