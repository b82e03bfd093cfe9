//! The numbers as tables for a person: the chosen ones; all of them stand in CSV and JSON.

use super::super::document::{Block, Cell, Document, Inline, Table, Tone};

use super::{Compared, Key, Part, REFERENCES, Row, Statistic};
use crate::metrics::definitions::{Better, DEFINITIONS, Definition, definition};
use crate::paint::ticks::value_text;
use crate::study::plan::{Plan, dose_word};

/// Numbers of tables of phases and amplitudes.
const SHOWN: [&str; 8] = [
    "pearson", "mae", "psnr", "ssim", "ms_ssim", "frc50", "frc_1_7", "frc50_nm",
];
/// Numbers of tables of whole objects.
const SHOWN_OF_WHOLE: [&str; 6] = [
    "complex_error",
    "frc50",
    "frc_1_7",
    "frc50_nm",
    "amplitude_factor",
    "n_pixels",
];

/// What is told beside ring correlations.
pub(in crate::study::report) const BEYOND_NYQUIST: &str = "A ring correlation beyond 1 of Nyquist lies in the corner of the \
    spectrum, or the curve never falls that low.";

/// A number as tables have it.
pub(in crate::study::report) fn number_words(value: f64) -> String {
    value_text(value)
}

/// The keys of a part that some row has.
fn shown(rows: &[&Row], part: Part) -> Vec<Key> {
    let names: &[&str] = match part {
        Part::Whole => &SHOWN_OF_WHOLE,
        Part::Phase | Part::Amplitude => &SHOWN,
    };
    let keys = names.iter().map(|name| Key::new(name, part));
    keys.filter(|key| rows.iter().any(|row| row.key == *key))
        .collect()
}

/// The head of a column, as `MAE (rad) ↓`: the arrow says which way is better.
fn head(key: &Key) -> String {
    let label = definition(&key.name).map_or(key.name.as_str(), |definition| definition.label);
    let unit = match key.unit() {
        "" => String::new(),
        unit => format!(" ({unit})"),
    };
    let arrow = match key.better() {
        Better::Higher => " ↑",
        Better::Lower => " ↓",
        Better::Neither => "",
    };
    format!("{label}{unit}{arrow}")
}

/// A table with one line for each different label, in their order; `of` makes a cell of a number.
fn table(
    labels: &[&str],
    keys: &[Key],
    lines: &[(Vec<String>, Vec<&Row>)],
    of: impl Fn(&Row) -> Cell,
) -> Table {
    let mut table = Table::new(labels);
    table.head.extend(keys.iter().map(head));
    for (label, rows) in lines {
        let cells = keys.iter().map(|key| {
            let row = rows.iter().find(|row| row.key == *key);
            row.map_or_else(Cell::none, |row| of(row))
        });
        let label = label.iter().map(Cell::words);
        table.rows.push(label.chain(cells).collect());
    }
    table
}

/// Rows gathered by a label each, in the order in which the labels come.
fn lines<'a>(
    rows: &[&'a Row],
    label: impl Fn(&Row) -> Vec<String>,
) -> Vec<(Vec<String>, Vec<&'a Row>)> {
    let mut lines: Vec<(Vec<String>, Vec<&Row>)> = Vec::new();
    for row in rows {
        let own = label(row);
        match lines.iter_mut().find(|(label, _)| *label == own) {
            Some((_, rows)) => rows.push(row),
            None => lines.push((own, vec![row])),
        }
    }
    lines
}

fn place(row: &Row) -> Vec<String> {
    let dose = row.dose.map_or_else(|| "–".to_owned(), dose_word);
    vec![
        dose,
        row.view.clone().unwrap_or_default(),
        row.split.clone(),
        row.arm.clone(),
    ]
}

const PLACE: [&str; 4] = ["Dose", "View", "Split", "Arm"];

fn of_statistic(rows: &[Row], part: Part, statistic: Statistic) -> Vec<&Row> {
    let is_wanted = |row: &&Row| row.statistic == statistic && row.key.part == part;
    rows.iter().filter(is_wanted).collect()
}

/// What was measured, the best of each comparison strong; the phase first.
pub(in crate::study::report) fn value_tables(rows: &[Row]) -> Vec<(&'static str, Table)> {
    let of_part = |part: Part| {
        let rows = of_statistic(rows, part, Statistic::Value);
        let keys = shown(&rows, part);
        let number = |row: &Row| Cell::number(number_words(row.value)).strong_if(row.is_best);
        let table = table(&PLACE, &keys, &lines(&rows, place), number);
        (part.title(), table)
    };
    filled(Part::ALL.map(of_part).into())
}

/// Means over all comparisons of a split.
pub(in crate::study::report) fn mean_tables(rows: &[Row]) -> Vec<(String, Table)> {
    let number = |row: &Row| Cell::number(number_words(row.value)).strong_if(row.is_best);
    let tables = Part::ALL.map(|part| {
        let rows = of_statistic(rows, part, Statistic::Mean);
        (
            part.title().to_owned(),
            over_comparisons(&rows, part, number),
        )
    });
    filled(tables.into())
}

/// A table of numbers taken over comparisons.
fn over_comparisons(rows: &[&Row], part: Part, of: impl Fn(&Row) -> Cell) -> Table {
    let keys = shown(rows, part);
    let mut lines = lines(rows, |row| vec![row.split.clone(), row.arm.clone()]);
    for (label, rows) in &mut lines {
        let n = rows.iter().map(|row| row.n).max().unwrap_or_default();
        label.push(n.to_string());
    }
    table(&["Split", "Arm", "Comparisons"], &keys, &lines, of)
}

/// Differences against each reference arm, where there is one; what is better than the reference is strong.
pub(in crate::study::report) fn difference_tables(rows: &[Row]) -> Vec<(String, Table)> {
    against(|reference, part| {
        let rows = of_statistic(rows, part, Statistic::Difference(reference));
        let keys = shown(&rows, part);
        table(&PLACE, &keys, &lines(&rows, place), difference)
    })
}

/// Means of the differences over all comparisons of a split that both are in.
pub(in crate::study::report) fn mean_difference_tables(rows: &[Row]) -> Vec<(String, Table)> {
    against(|reference, part| {
        let rows = of_statistic(rows, part, Statistic::MeanDifference(reference));
        over_comparisons(&rows, part, difference)
    })
}

fn against(of: impl Fn(&'static str, Part) -> Table) -> Vec<(String, Table)> {
    let mut tables = Vec::new();
    for reference in REFERENCES {
        for part in Part::ALL {
            let title = format!("{} against {reference}", part.title());
            tables.push((title, of(reference, part)));
        }
    }
    filled(tables)
}

fn difference(row: &Row) -> Cell {
    let is_better = match row.key.better() {
        Better::Higher => 0.0 < row.value,
        Better::Lower => row.value < 0.0,
        Better::Neither => false,
    };
    let sign = if 0.0 < row.value { "+" } else { "" };
    let words = format!("{sign}{}", number_words(row.value));
    let tone = if is_better { Tone::Good } else { Tone::Plain };
    Cell::number(words).strong_if(is_better).toned(tone)
}

fn filled<T>(tables: Vec<(T, Table)>) -> Vec<(T, Table)> {
    let is_filled = |(_, table): &(T, Table)| !table.rows.is_empty();
    tables.into_iter().filter(is_filled).collect()
}

/// `metrics_summary.md`: tables and what their numbers mean.
pub(in crate::study::report) fn document(
    plan: &Plan,
    comparisons: &[Compared],
    rows: &[Row],
) -> Document {
    let mut text = Document {
        title: format!("Metrics of {}", plan.study.name),
        ..Document::default()
    };
    if comparisons.is_empty() {
        text.say("No comparison is done yet.");
        return text;
    }
    text.say(format!(
        "An arrow says which way a number is better; the best of each comparison is set in bold. {BEYOND_NYQUIST} Every number \
         that was measured stands in metrics_summary.csv and metrics_summary.json."
    ));
    for (title, table) in value_tables(rows) {
        text.heading(2, title);
        text.table(table);
    }
    text.heading(2, "Means over doses and views");
    text.say("Only arms that are in every comparison of a split are ranked.");
    for (title, table) in mean_tables(rows) {
        text.heading(3, &title);
        text.table(table);
    }
    let differences = difference_tables(rows);
    if !differences.is_empty() {
        text.heading(2, "Differences");
        text.say("An arm's number less that of the reference in the same comparison; what is better is set in bold.");
    }
    for (title, table) in differences {
        text.heading(3, &title);
        text.table(table);
    }
    text.heading(2, "What the numbers mean");
    text.blocks.push(Block::List(meanings(rows)));
    text
}

/// The definitions of the numbers that tables show.
fn meanings(rows: &[Row]) -> Vec<Vec<Inline>> {
    let is_there = |name: &str| rows.iter().any(|row| row.key.name == name);
    let is_shown = |name: &str| SHOWN.contains(&name) || SHOWN_OF_WHOLE.contains(&name);
    let told = DEFINITIONS
        .iter()
        .filter(|definition| is_shown(definition.key) && is_there(definition.key));
    let entry = |definition: &Definition| {
        let unit = match definition.unit {
            "" => String::new(),
            unit => format!(" ({unit})"),
        };
        vec![
            Inline::Strong(format!("{}{unit}", definition.label)),
            Inline::Text(format!(": {}", definition.text)),
        ]
    };
    told.map(entry).collect()
}
