//! `diagnose`: reports on datasets and runs, and scenarios from end to end.

use std::fmt::Write as _;

use ptycho_core::error::{Error, Result};
use ptycho_core::study::diagnose::scenario::{
    ScenarioOptions, ScenarioOutcome, raster_vs_random, report as report_on, scenario,
};
use ptycho_core::study::diagnose::{
    DiagnoseSettings, Report, Section, Verdict, beside, check_ending, diagnose as look_at,
};
use serde_json::json;

use super::inspect::columns;
use super::{Exit, Session, print, print_json, terminal};
use crate::cli::diagnose::{DiagnoseArgs, ScenarioChoice};

pub(super) fn diagnose(args: &DiagnoseArgs, session: &Session) -> Result<Exit> {
    if let Some(output) = &args.output {
        check_ending(output)?;
    }
    match args.scenario {
        Some(ScenarioChoice::RasterVsRandom) | None => one_report(args, session),
        Some(choice) => scenarios(choice, args, session),
    }
}

/// A report on one or two, or on the ready pair.
fn one_report(args: &DiagnoseArgs, session: &Session) -> Result<Exit> {
    let settings = args.settings.over(&DiagnoseSettings::default())?;
    let monitor = terminal(session, "diagnosing");
    let report = match (&args.data_or_run, &args.other) {
        _ if args.scenario.is_some() => {
            no_data(args)?;
            raster_vs_random(&settings, &options(args), monitor.as_ref())
        }
        (Some(first), Some(other)) => beside(first, other, &settings, monitor.as_ref()),
        (Some(first), None) => look_at(first, &settings, monitor.as_ref()),
        // The command line asks for one of them.
        (None, _) => return Ok(Exit::Usage),
    };
    monitor.clear();
    let report = report?;
    if let Some(output) = &args.output {
        report.save(output)?;
    }
    if args.json {
        print_json(&report)?;
    } else {
        print(&in_lines(&report))?;
    }
    Ok(exit_of(&report))
}

/// The pair makes its own data.
fn no_data(args: &DiagnoseArgs) -> Result<()> {
    let Some(data) = &args.data_or_run else {
        return Ok(());
    };
    let expected = "no dataset with --scenario raster_vs_random, which makes its own";
    let found = data.display().to_string();
    Err(Error::invalid("diagnose", "DATA_OR_RUN", expected, found))
}

fn options(args: &DiagnoseArgs) -> ScenarioOptions {
    ScenarioOptions {
        data: args.data_or_run.clone(),
        base: None,
        folder: args.keep.clone(),
        n_threads: args.threads,
    }
}

fn scenarios(choice: ScenarioChoice, args: &DiagnoseArgs, session: &Session) -> Result<Exit> {
    let options = options(args);
    let mut outcomes: Vec<ScenarioOutcome> = Vec::new();
    for chosen in choice.scenarios() {
        let monitor = terminal(session, chosen.name());
        let outcome = scenario(*chosen, &options, monitor.as_ref());
        monitor.clear();
        let outcome = outcome?;
        if !args.json {
            print(&section_lines(&outcome.section()))?;
        }
        outcomes.push(outcome);
    }
    let report = report_on(&outcomes);
    if let Some(output) = &args.output {
        report.save(output)?;
    }
    let passes = outcomes.iter().all(|outcome| outcome.passes);
    if args.json {
        let seconds: f64 = outcomes.iter().map(|outcome| outcome.seconds).sum();
        print_json(&json!({"scenarios": outcomes, "passes": passes, "seconds": seconds}))?;
    } else {
        print(if passes { "PASS\n" } else { "FAIL\n" })?;
    }
    Ok(if passes { Exit::Done } else { Exit::Failed })
}

/// A dataset that the contract refuses is told from everything else that is wrong.
fn exit_of(report: &Report) -> Exit {
    let contract = report.section("contract").map(|section| section.verdict);
    match (contract, report.verdict) {
        (Some(Verdict::Bad), _) => Exit::Refused,
        (_, Verdict::Bad) => Exit::Failed,
        (_, Verdict::Good | Verdict::Note) => Exit::Done,
    }
}

fn in_lines(report: &Report) -> String {
    let subjects: Vec<String> = report
        .subjects
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let mut text = format!(
        "{}: {}. {}\n",
        subjects.join(" beside "),
        report.verdict.word(),
        report.words()
    );
    for section in &report.sections {
        text.push_str(&section_lines(section));
    }
    text
}

fn section_lines(section: &Section) -> String {
    let mut text = format!(
        "\n{} {}: {}\n  {}\n",
        section.verdict.icon(),
        section.title,
        section.verdict.word(),
        section.words
    );
    if !section.rows.is_empty() {
        let heads: Vec<&str> = section.columns.iter().map(String::as_str).collect();
        // Writing to a string cannot fail.
        let _ = write!(text, "{}", columns(&heads, section.rows.iter().cloned()));
    }
    text
}
