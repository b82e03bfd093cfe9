//! Metrics as a tidy table.

use std::fmt::Write as _;

use super::super::{Comparison, Loaded};
use super::report::rows;

/// `model,metric,amplitude,phase,value`, one line for each number of each arm; every digit that a reader needs to have the
/// very same number, empty where there is none.
pub fn metrics_csv(loaded: &Loaded, comparison: &Comparison) -> String {
    let mut text = String::from("model,metric,amplitude,phase,value\n");
    for compared in &comparison.arms {
        let name = quoted(&compared.name);
        for row in rows(loaded.arm(&compared.name), compared) {
            let [amplitude, phase, value] = [row.amplitude, row.phase, row.value].map(cell);
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name},{},{amplitude},{phase},{value}", row.key);
        }
    }
    text
}

/// A number that reads back as the very same, as `1.25`, `nan` or `inf`.
fn cell(number: Option<f64>) -> String {
    number.map_or_else(String::new, |number| number.to_string().to_lowercase())
}

/// A cell of a CSV file (RFC 4180).
pub fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) || text.starts_with(' ') || text.ends_with(' ') {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

/// The same for a number of a curve: empty where there is none.
pub(super) fn number(value: f64) -> String {
    cell(value.is_finite().then_some(value))
}
