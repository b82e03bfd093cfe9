//! A section in the making: rows of cells that each have words and a number, so that Markdown and JSON cannot disagree.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::{Section, Verdict};
use crate::paint::ticks::value_text;

/// One cell: for a person, and for a program.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) value: Value,
}

impl Cell {
    /// A number to five digits.
    pub(super) fn number(value: f64) -> Self {
        Self {
            text: value_text(value),
            value: json!(value),
        }
    }

    /// A number, where there is one.
    pub(super) fn maybe(value: Option<f64>) -> Self {
        value.map_or_else(Self::none, Self::number)
    }

    /// A number of things.
    pub(super) fn count(n: usize) -> Self {
        Self {
            text: n.to_string(),
            value: json!(n),
        }
    }

    /// A share from 0 to 1, shown in per cent.
    pub(super) fn share(share: f64) -> Self {
        Self {
            text: format!("{} %", value_text(100.0 * share)),
            value: json!(share),
        }
    }

    /// Words.
    pub(super) fn words(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            value: json!(text),
            text,
        }
    }

    pub(super) fn yes_or_no(is_so: bool) -> Self {
        Self {
            text: if is_so { "yes" } else { "no" }.to_owned(),
            value: json!(is_so),
        }
    }

    /// Nothing to tell.
    pub(super) fn none() -> Self {
        Self {
            text: "—".to_owned(),
            value: Value::Null,
        }
    }
}

/// One row: what it is, and a cell for each column.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) key: String,
    pub(super) label: String,
    pub(super) cells: Vec<Cell>,
}

impl Row {
    fn texts(&self) -> Vec<String> {
        let cells = self.cells.iter().map(|cell| cell.text.clone());
        std::iter::once(self.label.clone()).chain(cells).collect()
    }
}

/// A section in the making.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) key: &'static str,
    pub(super) title: &'static str,
    /// What the first column says.
    pub(super) of: &'static str,
    /// Key and words of every further column.
    pub(super) heads: Vec<(String, String)>,
    pub(super) rows: Vec<Row>,
    /// What is said where nothing was found.
    pub(super) good: Cow<'static, str>,
    findings: Vec<(Verdict, String)>,
}

impl Draft {
    /// An empty table with these columns, as (key, words).
    pub(super) fn new(key: &'static str, title: &'static str, heads: &[(&str, &str)]) -> Self {
        let owned = |(key, words): &(&str, &str)| ((*key).to_owned(), (*words).to_owned());
        Self {
            key,
            title,
            of: "quantity",
            heads: heads.iter().map(owned).collect(),
            rows: Vec::new(),
            good: Cow::Borrowed(""),
            findings: Vec::new(),
        }
    }

    /// An empty table of single values.
    pub(super) fn list(key: &'static str, title: &'static str) -> Self {
        Self::new(key, title, &[("value", "value")])
    }

    /// Add a row; cells that are missing say nothing.
    pub(super) fn row(
        &mut self,
        key: impl Into<String>,
        label: impl Into<String>,
        cells: impl Into<Vec<Cell>>,
    ) {
        let mut cells = cells.into();
        cells.resize_with(self.heads.len(), Cell::none);
        self.rows.push(Row {
            key: key.into(),
            label: label.into(),
            cells,
        });
    }

    /// Something was found; the table is at least that bad.
    pub(super) fn find(&mut self, verdict: Verdict, words: impl Into<String>) {
        self.findings.push((verdict, words.into()));
    }

    pub(super) fn verdict(&self) -> Verdict {
        let verdicts = self.findings.iter().map(|(verdict, _)| *verdict);
        verdicts.max().unwrap_or(Verdict::Good)
    }

    /// What was found in sentences, the worst first.
    pub(super) fn words(&self) -> String {
        if self.findings.is_empty() {
            return self.good.clone().into_owned();
        }
        let mut findings: Vec<_> = self.findings.iter().collect();
        findings.sort_by_key(|(verdict, _)| std::cmp::Reverse(*verdict));
        let sentences: Vec<_> = findings.iter().map(|(_, words)| sentence(words)).collect();
        sentences.join(" ")
    }

    /// The table as it is shown.
    pub(super) fn section(&self) -> Section {
        let heads = self.heads.iter().map(|(_, words)| words.clone());
        Section {
            key: self.key.to_owned(),
            title: self.title.to_owned(),
            verdict: self.verdict(),
            words: self.words(),
            columns: std::iter::once(self.of.to_owned()).chain(heads).collect(),
            rows: self.rows.iter().map(Row::texts).collect(),
            numbers: self.numbers(),
        }
    }

    fn numbers(&self) -> Value {
        let of_row = |row: &Row| match row.cells.as_slice() {
            [only] => only.value.clone(),
            cells => {
                let pairs = self.heads.iter().zip(cells);
                let pairs = pairs.map(|((head, _), cell)| (head.clone(), cell.value.clone()));
                Value::Object(pairs.collect())
            }
        };
        let rows = self.rows.iter().map(|row| (row.key.clone(), of_row(row)));
        Value::Object(rows.collect::<Map<_, _>>())
    }
}

/// With a capital letter and a full stop; file names keep their case.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    let stop = if words.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{first}{}{stop}", letters.as_str())
}
