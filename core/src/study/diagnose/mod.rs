//! What is wrong with a dataset or a run, found before or after: tables with a verdict in plain words.
//!
//! | section | of | what it tells |
//! |---|---|---|
//! | `contract` | data | key by key whether the file obeys the contract |
//! | `grouping` | data | groups asked for and formed, offsets of their members, neighbour indices |
//! | `canvas` | data | whether the canvas holds the members, and the share of the signal that is lost |
//! | `probe` | data | the probe as stored and as `PtychoPINN` normalises it; its power against the counts |
//! | `intensity` | data, run | counts in the file, grouped, normalised, predicted; the scale that is recorded |
//! | `photons` | data | photons asked for against photons found |
//! | `course` | run | how it ended, its first number that was not finite, its losses, whether it collapsed |
//! | `settings` | run | what it was run with |
//! | `bias` | run | amplitude and phase against the truth in its data |
//! | `leak` | two datasets | object pixels that both see |
//!
//! [`diagnose`] looks at one thing, [`beside`] at two, [`scenario`] runs a small study from end to end.

mod bias;
mod contract;
mod course;
mod grouping;
mod intensity;
mod pair;
mod photons;
mod predicted;
mod probe;
mod report;
pub mod scenario;
mod settings;
mod subject;
mod table;
mod watch;

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::job::Monitor;
use crate::nn::TrainSettings;

use self::predicted::{Predicted, predicted};
use self::subject::{Run, Subject};
use self::table::{Cell, Draft};
use self::watch::Part;

pub use self::report::{Report, Section, Verdict, check_ending};
pub use self::settings::DiagnoseSettings;
pub use self::subject::Scan;

/// Reading; predicting and judging.
const N_PARTS: usize = 2;

/// Look at a dataset (NPZ), at the run folder of a training or an iterative reconstruction, or at a reconstruction that
/// names its data.
///
/// # Errors
/// If it can be read as none of them; [`Error::Cancelled`]. A thing that is merely wrong is a finding.
pub fn diagnose(
    subject: &Path,
    settings: &DiagnoseSettings,
    monitor: &dyn Monitor<()>,
) -> Result<Report> {
    let part = |index| Part {
        monitor,
        index,
        n_parts: N_PARTS,
    };
    let subject = Subject::open(subject, &part(0))?;
    let drafts = look_at(&subject, settings, &part(1))?;
    let sections = drafts.iter().map(Draft::section).collect();
    Ok(Report::new(vec![subject.path], sections))
}

/// As [`diagnose`], of a dataset that was read before.
///
/// # Errors
/// [`Error::Cancelled`].
pub fn diagnose_scan(
    scan: &Scan,
    settings: &DiagnoseSettings,
    monitor: &dyn Monitor<()>,
) -> Result<Report> {
    let subject = Subject::of_scan(scan.clone());
    let drafts = look_at(&subject, settings, monitor)?;
    let sections = drafts.iter().map(Draft::section).collect();
    Ok(Report::new(vec![subject.path], sections))
}

/// Two datasets or runs beside each other, differences marked; of two datasets also what both see of the object.
///
/// # Errors
/// As [`diagnose`].
pub fn beside(
    first: &Path,
    second: &Path,
    settings: &DiagnoseSettings,
    monitor: &dyn Monitor<()>,
) -> Result<Report> {
    let n_parts = 4;
    let part = |index| Part {
        monitor,
        index,
        n_parts,
    };
    let subjects = [
        Subject::open(first, &part(0))?,
        Subject::open(second, &part(1))?,
    ];
    let of_first = look_at(&subjects[0], settings, &part(2))?;
    let of_second = look_at(&subjects[1], settings, &part(3))?;
    let mut sections = pair::joined(&of_first, &of_second);
    let [first, second] = &subjects;
    // Two runs may well be of the same data.
    let are_data = first.run.is_none() && second.run.is_none();
    if let (true, Some(first), Some(second)) = (are_data, first.dataset(), second.dataset()) {
        sections.extend(pair::leak(first, second).map(|draft| draft.section()));
    }
    Ok(Report::new(
        subjects.map(|subject| subject.path).into(),
        sections,
    ))
}

/// Every table that can be made of a subject.
fn look_at(
    subject: &Subject,
    settings: &DiagnoseSettings,
    monitor: &dyn Monitor<()>,
) -> Result<Vec<Draft>> {
    let mut drafts = Vec::new();
    match &subject.run {
        Some(Run::Training(training)) => {
            drafts.push(course::of_training(training));
            let task = serde_json::to_value(&training.manifest.task);
            drafts.push(listed(&task.unwrap_or_default()));
        }
        Some(Run::Iterative(iterative)) => {
            drafts.push(course::of_iterative(iterative));
            let task = serde_json::to_value(&iterative.manifest.task);
            drafts.push(listed(&task.unwrap_or_default()));
        }
        Some(Run::Result(outcome)) => {
            drafts.push(listed(&outcome.reconstruction.provenance["settings"]));
        }
        None => {}
    }
    let scan = match &subject.scan {
        Ok(scan) => scan,
        Err(words) => {
            let mut draft = Draft::list("contract", "Data contract");
            draft.find(
                Verdict::Note,
                format!("nothing is told of the data: {words}"),
            );
            drafts.push(draft);
            return Ok(drafts);
        }
    };
    drafts.push(contract::contract(scan));
    let Some(dataset) = &scan.dataset else {
        return Ok(drafts);
    };
    let predicted = match &subject.run {
        Some(run) => Some(predicted(run, dataset, settings, monitor)?),
        None => None,
    };
    stopped(monitor)?;
    let of_run = match &subject.run {
        Some(Run::Training(training)) => Some(&training.manifest.task.settings),
        _ => None,
    };
    add_data(
        &mut drafts,
        (scan, dataset),
        (settings, of_run),
        predicted.as_ref(),
        monitor,
    )?;
    Ok(drafts)
}

/// The tables about data, and what a run makes of them.
fn add_data(
    drafts: &mut Vec<Draft>,
    (scan, dataset): (&Scan, &Arc<Dataset>),
    (settings, of_run): (&DiagnoseSettings, Option<&TrainSettings>),
    predicted: Option<&std::result::Result<Predicted, String>>,
    monitor: &dyn Monitor<()>,
) -> Result<()> {
    drafts.push(metadata(dataset));
    let grouping = of_run.map(TrainSettings::grouping);
    let is_asked_for = of_run.is_some() || settings.gridsize != 0;
    let judged = grouping::judged(dataset, settings, grouping);
    drafts.push(grouping::grouping(&judged, dataset, is_asked_for));
    let chosen_px = (settings.canvas != 0).then_some(settings.canvas);
    drafts.push(grouping::canvas(&judged, dataset.n(), chosen_px));
    stopped(monitor)?;
    drafts.push(probe::probe(dataset));
    stopped(monitor)?;
    let known = predicted.and_then(|predicted| predicted.as_ref().ok());
    let data = (dataset, &scan.inspection);
    let mut intensity = intensity::intensity(data, (settings, of_run), known);
    if let Some(Err(words)) = predicted {
        intensity.find(Verdict::Bad, format!("nothing can be predicted: {words}"));
    }
    drafts.push(intensity);
    drafts.push(photons::photons(dataset));
    stopped(monitor)?;
    drafts.extend(known.and_then(|known| bias::bias((dataset, &scan.path), known)));
    Ok(())
}

fn stopped(monitor: &dyn Monitor<()>) -> Result<()> {
    if monitor.stop().is_requested() {
        return Err(Error::Cancelled);
    }
    Ok(())
}

/// Where the data come from, as they say themselves.
fn metadata(dataset: &Dataset) -> Draft {
    let mut draft = Draft::list("metadata", "Origin");
    let mut add = |key: &str, label: &str, cell: Cell| draft.row(key, label, [cell]);
    let [rows, columns] = dataset.object_shape();
    add("n_patterns", "patterns", Cell::count(dataset.n_patterns()));
    add("n", "side of a pattern (px)", Cell::count(dataset.n()));
    add(
        "object_shape",
        "object (px)",
        Cell::words(format!("{rows} x {columns}")),
    );
    let metadata = dataset.metadata();
    let words = |text: Option<&str>| text.map_or_else(Cell::none, Cell::words);
    add(
        "program",
        "written by",
        words(
            Some(&metadata.program)
                .filter(|program| !program.is_empty())
                .map(String::as_str),
        ),
    );
    add(
        "version",
        "version",
        words(Some(metadata.version.as_str()).filter(|version| !version.is_empty())),
    );
    add(
        "subpixel",
        "sub-pixel model",
        words(metadata.subpixel.as_deref()),
    );
    add(
        "amplitude",
        "amplitudes",
        words(metadata.amplitude.as_deref()),
    );
    add(
        "pixel_size_m",
        "pixel size (m)",
        Cell::maybe(metadata.pixel_size_m),
    );
    for (purpose, seed) in &metadata.seeds {
        add(
            &format!("seed_{purpose}"),
            &format!("seed of {purpose}"),
            Cell::count(*seed as usize),
        );
    }
    for (flag, value) in flags(&metadata.command) {
        add(
            &format!("flag_{flag}"),
            &format!("--{flag}"),
            Cell::words(value),
        );
    }
    draft.good = if metadata.program.is_empty() {
        "The file does not say where it comes from."
    } else {
        "As the file says itself."
    }
    .into();
    draft
}

/// Flags of a command line with their values.
fn flags(command: &str) -> Vec<(String, String)> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let pairs = words.windows(2).filter_map(|pair| {
        let flag = pair[0].strip_prefix("--")?;
        let value = if pair[1].starts_with("--") {
            ""
        } else {
            pair[1]
        };
        Some((flag.to_owned(), value.to_owned()))
    });
    pairs.collect()
}

/// Settings as they were written down, nested ones by their path.
fn listed(settings: &Value) -> Draft {
    let mut draft = Draft::list("settings", "Settings of the run");
    add_listed(&mut draft, "", settings);
    draft.good = "What the run was asked for.".into();
    draft
}

fn add_listed(draft: &mut Draft, path: &str, value: &Value) {
    let Value::Object(fields) = value else {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Null => "—".to_owned(),
            other => other.to_string(),
        };
        let cell = Cell {
            text,
            value: value.clone(),
        };
        return draft.row(path, path.replace('_', " "), [cell]);
    };
    for (name, value) in fields {
        let inner = match path {
            "" => name.clone(),
            path => format!("{path}.{name}"),
        };
        add_listed(draft, &inner, value);
    }
}
