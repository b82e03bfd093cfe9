//! `validate`: files against contract and design.

use std::fmt::Write as _;
use std::path::Path;

use ptycho_core::data::{Finding, Severity, Verdict};
use ptycho_core::error::Result;
use ptycho_core::sim::stages::{Design, Half, Validation, validate as judge};
use ptycho_core::study::generate::{RunManifest, check_against};
use serde_json::json;

use super::several::Several;
use super::{Exit, Session, print, terminal};
use crate::cli::simulate::ValidateArgs;

pub(super) fn validate(args: &ValidateArgs, session: &Session) -> Result<Exit> {
    let study = match &args.study {
        Some(file) => Some((file.as_path(), RunManifest::read(file)?)),
        None => None,
    };
    let mut several = Several::new();
    for file in &args.files {
        let monitor = terminal(session, "reading");
        let validation = one(args, file, study.as_ref(), monitor.as_ref());
        monitor.clear();
        match validation {
            Ok(validation) => {
                if validation.verdict != Verdict::Ok {
                    several.exit = several.exit.max(Exit::Refused);
                }
                if args.json {
                    let mut object = json!(validation);
                    object["path"] = json!(file);
                    several.files.push(object);
                } else {
                    print(&in_lines(file, &validation))?;
                }
            }
            Err(error) => several.failed(file, error)?,
        }
    }
    several.finish(args.json)
}

fn one(
    args: &ValidateArgs,
    file: &Path,
    study: Option<&(&Path, RunManifest)>,
    monitor: &dyn ptycho_core::job::Monitor<()>,
) -> Result<Validation> {
    let record = study.and_then(|(at, manifest)| manifest.find(at, file));
    let named = record.and_then(|(_, record)| half_named(&record.path));
    let half = args.split.map(Half::from).or(named);
    let other = half
        .map(|half| file.with_file_name(format!("{}.npz", half.other().stem())))
        .filter(|other| other.is_file());
    let design = Design {
        half,
        other: other.as_deref(),
        split: record.and_then(|(dose, _)| dose.split.design),
        view: args.view.map(Into::into),
        gridsize: usize::from(args.gridsize),
        neighbors: args.neighbors,
    };
    let mut validation = judge(file, &design, monitor)?;
    if study.is_some() {
        check_against(&mut validation, file, record, monitor)?;
    }
    Ok(validation)
}

fn half_named(path: &Path) -> Option<Half> {
    let stem = path.file_stem()?;
    [Half::Train, Half::Test]
        .into_iter()
        .find(|half| stem == half.stem())
}

fn in_lines(file: &Path, validation: &Validation) -> String {
    let verdict = match validation.verdict {
        Verdict::Ok => "ok",
        Verdict::Repairable | Verdict::Refused => "refused",
    };
    let mut text = format!(
        "{}: {verdict}, {} patterns of {n}x{n}\n",
        file.display(),
        validation.n_patterns,
        n = validation.n
    );
    for finding in &validation.findings {
        text.push_str(&in_line(finding));
    }
    text
}

fn in_line(finding: &Finding) -> String {
    let Finding {
        key,
        rule,
        severity,
        expected,
        found,
        fix,
    } = finding;
    let severity = match severity {
        Severity::Note => "note",
        Severity::Repairable | Severity::Refused => "refused",
    };
    let mut line = format!("  {severity:<8} {rule:<16} {key}: {found}");
    if severity == "refused" {
        // Writing to a string cannot fail.
        let _ = write!(line, "; expected {expected}; fix: {fix}");
    }
    line.push('\n');
    line
}
