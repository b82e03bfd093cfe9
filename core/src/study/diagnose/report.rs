//! Reports: tables with a verdict, as JSON and as Markdown.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::disk;
use crate::error::{Error, Result};

/// What a table comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Worth knowing.
    Note,
    /// Wrong.
    Bad,
}

impl Verdict {
    /// Its word, as in files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Note => "note",
            Self::Bad => "bad",
        }
    }

    /// A sign beside the word.
    pub fn icon(self) -> &'static str {
        match self {
            Self::Good => "✔",
            Self::Note => "⚠",
            Self::Bad => "✖",
        }
    }
}

/// One table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Section {
    /// Name in files, as `grouping`.
    pub key: String,
    /// Heading.
    pub title: String,
    /// What it comes to.
    pub verdict: Verdict,
    /// The same in plain words, with the fix where there is one.
    pub words: String,
    /// Heads of the columns.
    pub columns: Vec<String>,
    /// Cells by row.
    pub rows: Vec<Vec<String>>,
    /// The numbers behind the cells, for programs: by row, and by column where there is more than one.
    pub numbers: serde_json::Value,
}

/// A report on one thing, or on two beside each other.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// What was looked at.
    pub subjects: Vec<PathBuf>,
    /// The worst verdict of the sections.
    pub verdict: Verdict,
    /// The tables.
    pub sections: Vec<Section>,
}

impl Report {
    /// A report of these sections.
    pub fn new(subjects: Vec<PathBuf>, sections: Vec<Section>) -> Self {
        let verdicts = sections.iter().map(|section| section.verdict);
        Self {
            subjects,
            verdict: verdicts.max().unwrap_or(Verdict::Good),
            sections,
        }
    }

    /// The section of that key.
    pub fn section(&self, key: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.key == key)
    }

    /// The report in one sentence.
    pub fn words(&self) -> String {
        let of = |verdict: Verdict| {
            let sections = self.sections.iter();
            let found = sections.filter(|section| section.verdict == verdict);
            let titles: Vec<_> = found.map(|section| section.title.to_lowercase()).collect();
            titles.join(", ")
        };
        match self.verdict {
            Verdict::Good => "Everything is as it should be.".to_owned(),
            Verdict::Note => format!("Nothing is wrong; worth knowing: {}.", of(Verdict::Note)),
            Verdict::Bad => format!("Wrong: {}.", of(Verdict::Bad)),
        }
    }

    /// The report as Markdown.
    pub fn markdown(&self) -> String {
        let subjects: Vec<_> = self
            .subjects
            .iter()
            .map(|path| format!("`{}`", path.display()))
            .collect();
        let mut text = if subjects.is_empty() {
            "# Diagnosis
"
            .to_owned()
        } else {
            format!(
                "# Diagnosis of {}
",
                subjects.join(" beside ")
            )
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "\n{} **{}**: {}",
            self.verdict.icon(),
            self.verdict.word(),
            cell(&self.words())
        );
        for section in &self.sections {
            section.add_markdown(&mut text);
        }
        text
    }

    /// Write it: as JSON where the name ends in `.json`, else as Markdown.
    ///
    /// # Errors
    /// [`Error::Invalid`] for another ending than `.json`, `.md` or `.txt`; [`Error::Io`].
    pub fn save(&self, path: &Path) -> Result<()> {
        check_ending(path)?;
        match path.extension() {
            Some(ending) if ending == "json" => disk::write_json(path, self),
            _ => disk::write(path, self.markdown().as_bytes()),
        }
    }
}

/// Whether a report can be written under this name.
///
/// # Errors
/// As [`Report::save`].
pub fn check_ending(path: &Path) -> Result<()> {
    let ending = path.extension().and_then(|ending| ending.to_str());
    if matches!(ending, Some("json" | "md" | "txt")) {
        return Ok(());
    }

    let expected = "a name that ends in .md or .json";
    let found = path.display().to_string();
    let error = Error::invalid("write a report", "output", expected, found);
    Err(error.with_fix("give -o report.md or -o report.json"))
}

impl Section {
    fn add_markdown(&self, text: &mut String) {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "\n## {}\n\n{} **{}**: {}\n",
            self.title,
            self.verdict.icon(),
            self.verdict.word(),
            cell(&self.words)
        );
        let line = |cells: &[String]| {
            let cells: Vec<_> = cells.iter().map(|words| cell(words)).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        if self.rows.is_empty() {
            return;
        }
        text.push_str(&line(&self.columns));
        let _ = writeln!(text, "|{}", "---|".repeat(self.columns.len()));
        for row in &self.rows {
            text.push_str(&line(row));
        }
    }
}

/// Text that stays within its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
