//! Commands about a study's report.

use std::fmt::Write as _;

use ptycho_core::error::Result;
use ptycho_core::study::report::{Likeness, ReportFiles, make_reference, write};
use serde_json::json;

use super::super::inspect::columns;
use super::super::{Exit, Session, print, print_json, say};
use super::source::Source;
use crate::cli::study::{ReferenceArgs, ReportArgs};

pub(super) fn report(args: &ReportArgs, session: &Session) -> Result<Exit> {
    let source = Source::of(&args.study)?;
    let plan = source.plan()?;
    let report = write(&plan, &source.runs)?;
    let reference = args
        .reference
        .then(|| make_reference(&plan, &source.runs))
        .transpose()?;
    let exit = if report.is_worse_than_reference {
        say("error: a training is worse than the reference allows");
        Exit::GuardRail
    } else {
        Exit::Done
    };
    if args.json {
        print_json(&json!({
            "folder": plan.folder(&source.runs), "files": report.files, "findings": report.findings,
            "likeness": report.likeness, "loss_check": report.loss_check, "reference": reference, "exit_code": exit as u8,
        }))?;
        return Ok(exit);
    }
    print(&words(&report))?;
    session.say(format_args!(
        "wrote {} files: {}",
        report.files.len(),
        plan.folder(&source.runs).display()
    ));
    if let Some(file) = reference {
        session.say(format_args!("the reference is now: {}", file.display()));
    }
    Ok(exit)
}

pub(super) fn reference(args: &ReferenceArgs, session: &Session) -> Result<Exit> {
    let source = Source::of(&args.study)?;
    let file = make_reference(&source.plan()?, &source.runs)?;
    if args.json {
        print_json(&json!({"reference": file}))?;
    } else {
        session.say(format_args!("the reference is now: {}", file.display()));
    }
    Ok(Exit::Done)
}

/// Likeness to the truth of each reconstruction, then what was found.
fn words(report: &ReportFiles) -> String {
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |r| format!("{r:.4}"));
    let rows = report.likeness.iter().map(|found| {
        let Likeness {
            phase, amplitude, ..
        } = found;
        vec![
            found.words.clone(),
            number(*phase),
            number(*amplitude),
            if found.is_flat == Some(true) {
                "flat"
            } else {
                ""
            }
            .to_owned(),
        ]
    });
    let heads = ["RECONSTRUCTION", "PEARSON OF PHASE", "OF AMPLITUDE", ""];
    let mut text = if report.likeness.is_empty() {
        "no reconstruction is done yet\n".to_owned()
    } else {
        columns(&heads, rows)
    };
    for finding in &report.findings {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "note: {finding}");
    }
    text
}
