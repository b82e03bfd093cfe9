//! What is wrong with a dataset or a run, found before or after: tables with a verdict in plain words.

use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::job::Monitor;

/// What a table comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Worth knowing.
    Note,
    /// Wrong.
    Bad,
}

/// One table.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
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
    /// The numbers behind the cells, for programs.
    pub numbers: serde_json::Value,
}

/// A report on one thing, or on two beside each other.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Report {
    /// What was looked at.
    pub subjects: Vec<PathBuf>,
    /// The worst verdict of the sections.
    pub verdict: Verdict,
    /// The tables.
    pub sections: Vec<Section>,
}

impl Report {
    /// The report as Markdown.
    pub fn markdown(&self) -> String {
        unimplemented!()
    }
}

/// Look at a dataset (NPZ) or at the run folder of a training or an iterative reconstruction.
///
/// # Errors
/// If it can be read as neither; a thing that is merely wrong is a finding.
pub fn diagnose(subject: &Path, monitor: &dyn Monitor<()>) -> Result<Report> {
    unimplemented!()
}

/// Two datasets or runs beside each other, differences marked.
///
/// # Errors
/// As [`diagnose`].
pub fn beside(first: &Path, second: &Path, monitor: &dyn Monitor<()>) -> Result<Report> {
    unimplemented!()
}
