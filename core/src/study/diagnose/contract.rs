//! Whether the file obeys the data contract.

use super::table::{Cell, Draft};
use super::{Scan, Verdict};
use crate::data::{Severity, Verdict as Judged};

/// Key by key: found, expected, verdict.
pub(super) fn contract(scan: &Scan) -> Draft {
    let heads = [
        ("found", "found"),
        ("expected", "expected"),
        ("verdict", "verdict"),
    ];
    let mut draft = Draft::new("contract", "Data contract", &heads);
    draft.of = "key";
    let inspection = &scan.inspection;
    for row in &inspection.rows {
        let found = row.found.clone().map_or_else(Cell::none, Cell::words);
        let cells = [
            found,
            Cell::words(row.expected.clone()),
            Cell::words(match &row.found {
                None if row.verdict == Judged::Ok => "absent, not needed",
                _ => judged_word(row.verdict),
            }),
        ];
        draft.row(row.key.clone(), row.key.clone(), cells);
    }
    if inspection.rows.is_empty() {
        for key in &inspection.keys {
            let shape: Vec<_> = key.shape.iter().map(usize::to_string).collect();
            let found = Cell::words(format!("{} ({})", key.dtype, shape.join(", ")));
            draft.row(key.key.clone(), key.key.clone(), [found]);
        }
    }
    for finding in &inspection.findings {
        let what = match finding.key.as_str() {
            "" => "the file".to_owned(),
            key => format!("the key {key}"),
        };
        let (verdict, fix) = match finding.severity {
            Severity::Note => (Verdict::Note, String::new()),
            Severity::Repairable => (
                Verdict::Note,
                format!("; mended when it is opened: {}", finding.fix),
            ),
            Severity::Refused => (Verdict::Bad, format!("; fix: {}", finding.fix)),
        };
        let words = format!("{what}: found {}{fix} ({})", finding.found, finding.rule);
        draft.find(verdict, words);
    }
    draft.good = "The file obeys the data contract.".into();
    draft
}

fn judged_word(verdict: Judged) -> &'static str {
    match verdict {
        Judged::Ok => "ok",
        Judged::Repairable => "repairable",
        Judged::Refused => "refused",
    }
}
