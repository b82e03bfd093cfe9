//! The numbers of a comparison as a table: rows of metrics, the phase first, columns of arms, the best of each marked.

use std::fmt::Write as _;

use ptycho_core::metrics::definitions::{Better, DEFINITIONS, Definition};
use ptycho_core::metrics::evaluate::MetricValue;
use ptycho_core::study::compare::Comparison;

/// What a number is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    Phase,
    Amplitude,
    Whole,
}

impl About {
    /// The order of the table.
    pub const ALL: [Self; 3] = [Self::Phase, Self::Amplitude, Self::Whole];

    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Phase => "Phase",
            Self::Amplitude => "Amplitude",
            Self::Whole => "Object as a whole",
        }
    }

    /// Its word in files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Phase => "phase",
            Self::Amplitude => "amplitude",
            Self::Whole => "whole",
        }
    }

    fn of(self, value: &MetricValue) -> Option<f64> {
        match self {
            Self::Phase => value.phase,
            Self::Amplitude => value.amplitude,
            Self::Whole => value.value,
        }
    }
}

/// One number of every arm.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub about: About,
    pub definition: &'static Definition,
    /// In the order of the arms; none where it cannot be had.
    pub cells: Vec<Option<f64>>,
    /// Which of the arms are best; none of one alone, nor where no way is better.
    pub best: Vec<bool>,
}

/// The rows that any arm has a number for.
pub fn rows(comparison: &Comparison) -> Vec<Row> {
    let mut rows = Vec::new();
    for about in About::ALL {
        for definition in DEFINITIONS {
            let cells: Vec<_> = comparison
                .arms
                .iter()
                .map(|arm| {
                    let values = &arm.evaluation.values;
                    let value = values.iter().find(|value| value.key == definition.key)?;
                    about.of(value)
                })
                .collect();
            if cells.iter().any(Option::is_some) {
                rows.push(Row {
                    best: best(&cells, definition.better),
                    about,
                    definition,
                    cells,
                });
            }
        }
    }
    rows
}

fn best(cells: &[Option<f64>], better: Better) -> Vec<bool> {
    let best = better.best(cells);
    let is_best = |cell: &Option<f64>| best.is_some() && *cell == best;
    cells.iter().map(is_best).collect()
}

/// The table as comma-separated values: `about,metric,unit,` and a column for each arm, with all digits.
pub fn csv(comparison: &Comparison) -> String {
    let quote = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let mut text = "about,metric,unit".to_owned();
    for arm in &comparison.arms {
        // Writing into a string cannot fail.
        let _ = write!(text, ",{}", quote(&arm.name));
    }
    text.push('\n');
    for row in rows(comparison) {
        let Definition { key, unit, .. } = row.definition;
        let _ = write!(text, "{},{key},{}", row.about.word(), quote(unit));
        for cell in &row.cells {
            let cell = cell.map_or_else(String::new, |value| value.to_string());
            let _ = write!(text, ",{cell}");
        }
        text.push('\n');
    }
    text
}

/// The table as Markdown, the best in bold, rounded as on the screen.
pub fn markdown(comparison: &Comparison) -> String {
    let escape = |text: &str| text.replace('|', "\\|");
    let mut text = "| metric |".to_owned();
    for arm in &comparison.arms {
        let _ = write!(text, " {} |", escape(&arm.name));
    }
    text.push_str("\n|---|");
    text.push_str(&"---:|".repeat(comparison.arms.len()));
    text.push('\n');
    for row in rows(comparison) {
        let _ = write!(text, "| {} |", escape(&label(&row)));
        for (cell, is_best) in row.cells.iter().zip(&row.best) {
            let words = cell_text(*cell);
            let mark = if *is_best { "**" } else { "" };
            let _ = write!(text, " {mark}{words}{mark} |");
        }
        text.push('\n');
    }
    let _ = write!(
        text,
        "\nReference: {}. Best in bold.\n",
        comparison.reference
    );
    text
}

/// The name of a row where it stands alone.
fn label(row: &Row) -> String {
    let Definition { label, unit, .. } = row.definition;
    let about = match row.about {
        About::Whole => String::new(),
        about => format!(", {}", about.word()),
    };
    let unit = match *unit {
        "" => String::new(),
        unit => format!(" ({unit})"),
    };
    format!("{label}{about}{unit}")
}

/// A number with four digits, as wide as its fellows where that can be.
pub fn cell_text(cell: Option<f64>) -> String {
    match cell {
        None => "—".to_owned(),
        Some(value) if !value.is_finite() => ptycho_core::paint::ticks::value_text(value),
        Some(value) => {
            let magnitude = value.abs();
            let text = match magnitude {
                0.0 => "0".to_owned(),
                100.0..1e5 => format!("{value:.1}"),
                10.0..100.0 => format!("{value:.2}"),
                0.01..10.0 => format!("{value:.4}"),
                _ => format!("{value:.2e}"),
            };
            text.replace('-', "−")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_is_marked_where_there_is_one() {
        let cells = [Some(0.5), Some(0.9), None, Some(f64::NAN)];
        assert_eq!(best(&cells, Better::Higher), [false, true, false, false]);
        assert_eq!(best(&cells, Better::Lower), [true, false, false, false]);
        assert_eq!(best(&cells, Better::Neither), [false; 4]);
        assert_eq!(best(&[Some(1.0), None], Better::Lower), [false; 2]);
        assert_eq!(best(&[Some(1.0); 2], Better::Lower), [false; 2]);
    }

    #[test]
    fn numbers_keep_four_digits() {
        let texts =
            [0.98765432, -12.3456, 1234.56, 1.234e-5, 0.0].map(|value| cell_text(Some(value)));
        assert_eq!(texts, ["0.9877", "−12.35", "1234.6", "1.23e−5", "0"]);
        assert_eq!(cell_text(None), "—");
    }
}
