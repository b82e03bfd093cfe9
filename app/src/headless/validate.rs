//! `validate`: files against contract and design.

use std::fmt::Write as _;
use std::path::Path;

use ptycho_core::data::{Finding, Severity, Verdict};
use ptycho_core::error::{Error, Result};
use ptycho_core::sim::stages::{Design, Half, Validation, validate as judge};
use ptycho_core::study::generate::{RunManifest, check_against};
use serde_json::json;

use super::{Exit, Session, print, print_json, say, terminal};
use crate::cli::simulate::ValidateArgs;

pub(super) fn validate(args: &ValidateArgs, session: &Session) -> Result<Exit> {
    let study = match &args.study {
        Some(file) => Some((file.as_path(), RunManifest::read(file)?)),
        None => None,
    };
    let mut exit = Exit::Done;
    let mut files = Vec::new();
    let mut errors = Vec::new();
    for file in &args.files {
        let monitor = terminal(session, "reading");
        let validation = one(args, file, study.as_ref(), monitor.as_ref());
        monitor.clear();
        match validation {
            Ok(validation) => {
                if validation.verdict != Verdict::Ok {
                    exit = exit.max(Exit::Refused);
                }
                if args.json {
                    let mut object = json!(validation);
                    object["path"] = json!(file);
                    files.push(object);
                } else {
                    print(&in_lines(file, &validation))?;
                }
            }
            // One file that cannot be read must not hide the verdict on the others.
            Err(error @ (Error::Io { .. } | Error::Refused(_))) => {
                say(format_args!("error: {error}"));
                exit = exit.max(Exit::of(&error));
                errors.push(json!({"path": file, "error": error.to_string()}));
            }
            Err(error) => return Err(error),
        }
    }
    if args.json {
        let mut object = json!({"files": files});
        if !errors.is_empty() {
            object["errors"] = json!(errors);
        }
        print_json(&object)?;
    }
    Ok(exit)
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
