//! `inspect`: the verdict on files, as tables or as one JSON object.

use std::fmt::Write as _;
use std::path::Path;

use ptycho_core::data::inspect::{inspect_full, inspect_headers};
use ptycho_core::data::npz::KeyInfo;
use ptycho_core::data::statistics::{Statistics, file_statistics};
use ptycho_core::data::{Inspection, Severity, Verdict};
use ptycho_core::error::Result;
use serde::Serialize;
use serde_json::json;

use super::several::Several;
use super::{Exit, Session, print, terminal};
use crate::cli::InspectArgs;
use crate::units::bytes_text;

/// One file's answer.
#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    inspection: Inspection,
    #[serde(skip_serializing_if = "Option::is_none")]
    statistics: Option<Vec<Statistics>>,
}

pub(super) fn inspect(args: &InspectArgs, session: &Session) -> Result<Exit> {
    let mut several = Several::new();
    for path in &args.files {
        match inspect_one(path, args, session) {
            Ok(report) => {
                let exit = exit_of(report.inspection.verdict, args.strict);
                several.exit = several.exit.max(exit);
                if args.json {
                    several.files.push(json!(report));
                } else {
                    print(&table(&report))?;
                }
            }
            Err(error) => several.failed(path, error)?,
        }
    }
    several.finish(args.json)
}

fn exit_of(verdict: Verdict, is_strict: bool) -> Exit {
    match verdict {
        Verdict::Ok => Exit::Done,
        Verdict::Repairable if !is_strict => Exit::Done,
        Verdict::Repairable | Verdict::Refused => Exit::Refused,
    }
}

fn inspect_one(path: &Path, args: &InspectArgs, session: &Session) -> Result<Report> {
    if args.headers {
        return Ok(Report {
            inspection: inspect_headers(path)?,
            statistics: None,
        });
    }
    let monitor = terminal(session, "inspecting");
    let inspection = inspect_full(path, monitor.as_ref());
    monitor.clear();
    let inspection = inspection?;
    // A file that is no archive has a verdict and no arrays.
    let statistics = if args.stats && !inspection.keys.is_empty() {
        let statistics = file_statistics(path, monitor.as_ref());
        monitor.clear();
        Some(statistics?)
    } else {
        None
    };
    Ok(Report {
        inspection,
        statistics,
    })
}

fn table(report: &Report) -> String {
    let inspection = &report.inspection;
    let read = if inspection.is_full {
        ""
    } else {
        " (by the headers; the data were not read)"
    };
    let path = inspection.path.display();
    let mut text = format!("{path}: {}{read}\n", verdict_word(inspection.verdict));
    if !inspection.keys.is_empty() {
        let head = ["KEY", "TYPE", "SHAPE", "ORDER", "STORED", "SIZE", "VERDICT"];
        let rows = inspection.keys.iter().map(|key| key_row(key, inspection));
        text += &columns(&head, rows);
    }
    for finding in &inspection.findings {
        let key = match finding.key.as_str() {
            "" => "the file",
            key => key,
        };
        let word = severity_word(finding.severity);
        let _ = writeln!(text, "\n  {word}: {key} ({})", finding.rule);
        for (name, words) in [
            ("expected", &finding.expected),
            ("found", &finding.found),
            ("fix", &finding.fix),
        ] {
            if !words.is_empty() {
                let _ = writeln!(text, "    {name:<9} {words}");
            }
        }
    }
    if !inspection.ignored.is_empty() {
        let _ = writeln!(text, "\n  ignored: {}", inspection.ignored.join(", "));
    }
    if let Some(statistics) = &report.statistics {
        let head = [
            "KEY", "MIN", "1 %", "MEDIAN", "MEAN", "99 %", "MAX", "NAN", "INF", "FIRST",
        ];
        text.push('\n');
        text += &columns(&head, statistics.iter().map(statistics_row));
    }
    text.push('\n');
    text
}

fn key_row(key: &KeyInfo, inspection: &Inspection) -> Vec<String> {
    let own = inspection
        .findings
        .iter()
        .filter(|finding| finding.key == key.key);
    let gravest = own
        .map(|finding| finding.severity)
        .max_by_key(|severity| match severity {
            Severity::Note => 0,
            Severity::Repairable => 1,
            Severity::Refused => 2,
        });
    let verdict = match gravest {
        Some(severity @ (Severity::Repairable | Severity::Refused)) => severity_word(severity),
        _ if inspection.ignored.contains(&key.key) => "ignored",
        _ => "ok",
    };
    let order = match key.byte_order.as_str() {
        "big" => format!("{} big-endian", key.order),
        _ => key.order.clone(),
    };
    vec![
        key.key.clone(),
        key.dtype.clone(),
        shape(&key.shape),
        order,
        key.storage.clone(),
        bytes_text(key.bytes),
        verdict.to_owned(),
    ]
}

fn statistics_row(statistics: &Statistics) -> Vec<String> {
    let [p1, _, p50, _, p99] = statistics.percentiles;
    let numbers = [
        statistics.min,
        p1,
        p50,
        statistics.mean,
        p99,
        statistics.max,
    ];
    let mut row = vec![statistics.key.clone()];
    row.extend(numbers.iter().map(|&value| number(value)));
    row.push(statistics.n_nan.to_string());
    row.push(statistics.n_infinite.to_string());
    row.push(
        statistics
            .first_non_finite
            .as_deref()
            .map_or_else(String::new, shape),
    );
    row
}

fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "ok",
        Verdict::Repairable => "repairable",
        Verdict::Refused => "refused",
    }
}

fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Repairable => "repairable",
        Severity::Refused => "refused",
    }
}

/// As numpy writes it.
fn shape(shape: &[usize]) -> String {
    let sides: Vec<_> = shape.iter().map(usize::to_string).collect();
    match sides.as_slice() {
        [one] => format!("({one},)"),
        _ => format!("({})", sides.join(", ")),
    }
}

/// Five digits, in powers of ten where they would not fit.
fn number(value: f64) -> String {
    let magnitude = value.abs();
    if value == 0.0 || (1e-3..1e6).contains(&magnitude) {
        return format!("{value:.4}");
    }
    format!("{value:.4e}")
}

/// Aligned columns, two spaces apart, indented by two.
pub(super) fn columns(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut lines = vec![head.iter().map(|&word| word.to_owned()).collect::<Vec<_>>()];
    lines.extend(rows);
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..head.len()).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(&widths);
        let padded: Vec<_> = cells
            .map(|(cell, &width)| format!("{cell:width$}"))
            .collect();
        let _ = writeln!(text, "  {}", padded.join("  ").trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_characters() {
        let rows = [
            vec!["Größe_µm".to_owned(), "1".to_owned()],
            vec!["a".to_owned(), "2".to_owned()],
        ];
        let text = columns(&["KEY", "N"], rows.into_iter());
        assert_eq!(text, "  KEY       N\n  Größe_µm  1\n  a         2\n");
    }

    #[test]
    fn shapes_and_numbers_are_short() {
        assert_eq!(
            (
                shape(&[6]).as_str(),
                shape(&[]).as_str(),
                shape(&[6, 2]).as_str()
            ),
            ("(6,)", "()", "(6, 2)")
        );
        assert_eq!(
            (
                number(0.0).as_str(),
                number(-1.5e-7).as_str(),
                number(12.0).as_str()
            ),
            ("0.0000", "-1.5000e-7", "12.0000")
        );
    }
}
