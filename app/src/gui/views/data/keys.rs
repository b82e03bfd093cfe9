//! The key table: what the file holds, what the contract says to it, and the fix.

use egui::{Align, Layout, RichText, Ui};
use egui_extras::{Column, TableBuilder, TableRow};
use ptycho_core::data::npz::KeyInfo;
use ptycho_core::data::statistics::Statistics;
use ptycho_core::data::{Finding, Inspection, Severity, Verdict};

use super::super::super::document::key_verdict;
use super::super::super::theme;
use crate::units::bytes_text;

/// Titles and widths at the start: always, where something was found, where statistics are there.
const ALWAYS: [(&str, f32); 2] = [("Key", 120.0), ("Verdict", 100.0)];
const FINDINGS: [(&str, f32); 3] = [("Expected", 170.0), ("Found", 170.0), ("Fix", 230.0)];
const HEADER: [(&str, f32); 5] = [
    ("Type", 76.0),
    ("Shape", 120.0),
    ("Order", 44.0),
    ("Storage", 66.0),
    ("Bytes", 76.0),
];
const STATISTICS: [(&str, f32); 4] = [
    ("Min", 90.0),
    ("Mean", 90.0),
    ("Max", 90.0),
    ("NaN, infinite", 130.0),
];

/// One line: a key with its gravest finding, or a finding about a key that is not there.
struct Line<'a> {
    key: &'a str,
    info: Option<&'a KeyInfo>,
    severity: Option<Severity>,
    finding: Option<&'a Finding>,
    is_ignored: bool,
}

/// Draw the table.
pub(super) fn keys_table(ui: &mut Ui, inspection: &Inspection, statistics: &[Statistics]) {
    let lines = lines(inspection);
    let mut columns = ALWAYS.to_vec();
    if !inspection.findings.is_empty() {
        columns.extend(FINDINGS);
    }
    columns.extend(HEADER);
    if !statistics.is_empty() {
        columns.extend(STATISTICS);
    }
    let height = ui.spacing().interact_size.y;
    egui::ScrollArea::horizontal().show(ui, |ui| {
        let mut table = TableBuilder::new(ui)
            .id_salt(("keys", columns.len()))
            .striped(true)
            .resizable(true)
            .auto_shrink([false, false])
            .cell_layout(Layout::left_to_right(Align::Center));
        for (_, width) in &columns {
            table = table.column(Column::initial(*width).at_least(36.0).clip(true));
        }
        let table = table.header(height, |mut header| {
            for (title, _) in &columns {
                header.col(|ui| {
                    ui.strong(*title);
                });
            }
        });
        table.body(|body| {
            body.rows(height, lines.len(), |mut row| {
                let line = &lines[row.index()];
                let found = statistics
                    .iter()
                    .find(|statistics| statistics.key == line.key);
                draw_line(&mut row, line, found, &columns);
            });
        });
    });
}

/// Every key of the file, then what is missing from it.
fn lines(inspection: &Inspection) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    for info in &inspection.keys {
        let (severity, findings) = key_verdict(inspection, info);
        let is_ignored = inspection.ignored.contains(&info.key);
        if findings.is_empty() {
            lines.push(Line {
                key: &info.key,
                info: Some(info),
                severity,
                finding: None,
                is_ignored,
            });
        }
        for (i, finding) in findings.into_iter().enumerate() {
            let info = (i == 0).then_some(info);
            let severity = Some(finding.severity);
            lines.push(Line {
                key: &finding.key,
                info,
                severity,
                finding: Some(finding),
                is_ignored,
            });
        }
    }
    let is_listed = |key: &str| inspection.keys.iter().any(|info| info.key == key);
    for finding in inspection
        .findings
        .iter()
        .filter(|finding| !is_listed(&finding.key))
    {
        let key = if finding.key.is_empty() {
            "(file)"
        } else {
            &finding.key
        };
        let severity = Some(finding.severity);
        lines.push(Line {
            key,
            info: None,
            severity,
            finding: Some(finding),
            is_ignored: false,
        });
    }
    lines
}

fn draw_line(
    row: &mut TableRow<'_, '_>,
    line: &Line<'_>,
    statistics: Option<&Statistics>,
    columns: &[(&str, f32)],
) {
    row.col(|ui| {
        ui.add(egui::Label::new(RichText::new(line.key).monospace()).truncate());
    });
    row.col(|ui| severity_label(ui, line));
    for (title, _) in &columns[ALWAYS.len()..] {
        let text = cell_text(title, line, statistics);
        row.col(|ui| {
            let response = ui.add(egui::Label::new(&text).truncate());
            if !text.is_empty() {
                response.on_hover_text(&text);
            }
        });
    }
}

fn cell_text(title: &str, line: &Line<'_>, statistics: Option<&Statistics>) -> String {
    match (title, line.info, line.finding, statistics) {
        ("Expected", _, Some(finding), _) => finding.expected.clone(),
        ("Found", _, Some(finding), _) => finding.found.clone(),
        ("Fix", _, Some(finding), _) => finding.fix.clone(),
        ("Type", Some(info), ..) => info.dtype.clone(),
        ("Shape", Some(info), ..) => shape_text(&info.shape),
        ("Order", Some(info), ..) => info.order.clone(),
        ("Storage", Some(info), ..) => info.storage.clone(),
        ("Bytes", Some(info), ..) => bytes_text(info.bytes),
        ("Min", _, _, Some(found)) => number_text(found.min),
        ("Mean", _, _, Some(found)) => number_text(found.mean),
        ("Max", _, _, Some(found)) => number_text(found.max),
        ("NaN, infinite", _, _, Some(found)) => non_finite_text(found),
        _ => String::new(),
    }
}

fn severity_label(ui: &mut Ui, line: &Line<'_>) {
    let palette = theme::palette(ui);
    let (words, color) = match line.severity {
        Some(Severity::Refused) => ("✖ refused", palette.bad),
        Some(Severity::Repairable) => ("🔧 repairable", palette.warn),
        Some(Severity::Note) => ("ℹ note", palette.text),
        None if line.is_ignored => ("– ignored", palette.weak),
        None => ("✔ ok", palette.ok),
    };
    let rule = line
        .finding
        .map(|finding| finding.rule.as_str())
        .unwrap_or_default();
    ui.colored_label(color, words).on_hover_text(rule);
}

/// The overall verdict in words, with its sign and colour.
pub(super) fn verdict_words(
    ui: &Ui,
    verdict: Verdict,
) -> (&'static str, &'static str, egui::Color32) {
    let palette = theme::palette(ui);
    match verdict {
        Verdict::Ok => ("✔", "This scan obeys the data contract.", palette.ok),
        Verdict::Repairable => (
            "🔧",
            "This scan needs a repair. It can be used at once: the repairs are applied in memory.",
            palette.warn,
        ),
        Verdict::Refused => (
            "✖",
            "This file cannot be used as a scan without a guess.",
            palette.bad,
        ),
    }
}

fn shape_text(shape: &[usize]) -> String {
    let sides: Vec<_> = shape.iter().map(ToString::to_string).collect();
    format!("({})", sides.join(", "))
}

fn number_text(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        1e-3..1e5 => format!("{value:.4}"),
        _ => format!("{value:.3e}"),
    }
}

fn non_finite_text(statistics: &Statistics) -> String {
    let counts = format!("{}, {}", statistics.n_nan, statistics.n_infinite);
    match &statistics.first_non_finite {
        Some(index) => format!("{counts} first at {}", shape_text(index)),
        None => counts,
    }
}
