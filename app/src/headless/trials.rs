//! `orient` and `halves`.

use std::path::Path;

use ptycho_core::data::{Dataset, Strictness};
use ptycho_core::disk;
use ptycho_core::error::{Error, Result};
use ptycho_core::iterative::{EngineKind, IterativeSettings};
use ptycho_core::metrics::frc::Cutoff;
use ptycho_core::study::halves::{HalvesAgreement, HalvesOutcome, HalvesTask, compare_halves};
use ptycho_core::study::orientation::{
    CONTACT_SHEET_FILE, Orientation, OrientationOutcome, OrientationTask, try_orientations,
};
use ptycho_core::study::run::{Source, in_words, open_source};
use serde_json::json;

use super::inspect::columns;
use super::settings::{Effective, exit_of, in_lines, number, say_unused};
use super::{Exit, Session, print, print_json, terminal};
use crate::cli::trials::{HalvesArgs, OrientArgs, TrialArgs};

pub(super) fn orient(args: &OrientArgs, session: &Session) -> Result<Exit> {
    let default = OrientationTask::default();
    let trial = &args.trial;
    let all = args.orientation.is_empty();
    let task = OrientationTask {
        source: source(trial),
        engine: trial.algorithm.into(),
        settings: trial.settings.over(&default.settings)?,
        orientations: if all {
            Orientation::ALL.to_vec()
        } else {
            args.orientation.clone()
        },
        n_threads: trial.computing.threads.n,
        device: trial.computing.device.into(),
        kernels: trial.kernels.choice.into(),
        device_memory_gib: trial.kernels.device_memory_gib,
        runs: trial.runs.clone(),
    };
    let dataset = open(trial, &task.source, session)?;
    say_settings(trial, (task.engine, &task.settings), session);
    let monitor = terminal(session, "trying orientations");
    let outcome = try_orientations(&task, &dataset, monitor.as_ref());
    monitor.clear();
    let outcome = outcome?;
    if let Some(output) = &args.output {
        copy(&outcome.run_folder.join(CONTACT_SHEET_FILE), output)?;
        session.say(format_args!(
            "wrote the contact sheet: {}",
            output.display()
        ));
    }
    if args.json {
        let mut object = outcome.to_json();
        object["output"] = json!(args.output);
        object["settings"] = effective(trial, &task.settings, task.engine).to_json();
        print_json(&object)?;
    } else {
        print(&orientation_words(&outcome))?;
    }
    Ok(if outcome.is_stopped {
        Exit::Interrupted
    } else {
        Exit::Done
    })
}

pub(super) fn halves(args: &HalvesArgs, session: &Session) -> Result<Exit> {
    let trial = &args.trial;
    let task = HalvesTask {
        source: source(trial),
        engine: trial.algorithm.into(),
        settings: trial.settings.over(&IterativeSettings::default())?,
        n_threads: trial.computing.threads.n,
        device: trial.computing.device.into(),
        kernels: trial.kernels.choice.into(),
        device_memory_gib: trial.kernels.device_memory_gib,
        runs: trial.runs.clone(),
    };
    let dataset = open(trial, &task.source, session)?;
    say_settings(trial, (task.engine, &task.settings), session);
    let monitor = terminal(session, "reconstructing halves");
    let outcome = compare_halves(&task, &dataset, monitor.as_ref());
    monitor.clear();
    let outcome = outcome?;
    if let (Some(output), Some(agreement)) = (&args.output, &outcome.agreement) {
        disk::write(output, agreement.csv().as_bytes())?;
        session.say(format_args!("wrote the curve: {}", output.display()));
    }
    if args.json {
        let mut object = outcome.to_json();
        object["output"] = json!(args.output);
        object["settings"] = effective(trial, &task.settings, task.engine).to_json();
        print_json(&object)?;
    } else {
        print(&halves_words(&outcome))?;
    }
    let reasons = outcome.halves.iter().map(|half| exit_of(&half.reason));
    let missing = if outcome.agreement.is_none() {
        Exit::Interrupted
    } else {
        Exit::Done
    };
    Ok(reasons.max().unwrap_or(missing).max(missing))
}

fn source(trial: &TrialArgs) -> Source {
    trial
        .file
        .clone()
        .map_or(Source::Demonstration, Source::File)
}

fn open(trial: &TrialArgs, source: &Source, session: &Session) -> Result<Dataset> {
    let strictness = if trial.strict {
        Strictness::Strict
    } else {
        Strictness::Repair
    };
    let opened = open_source(source, strictness)?;
    session.say_repairs(&opened.repairs);
    Ok(opened.dataset)
}

fn effective<'a>(
    trial: &'a TrialArgs,
    settings: &'a IterativeSettings,
    engine: EngineKind,
) -> Effective<'a, IterativeSettings> {
    Effective {
        flags: &trial.settings,
        settings,
        is_resumed: false,
        engine: Some(engine),
    }
}

fn say_settings(
    trial: &TrialArgs,
    (engine, settings): (EngineKind, &IterativeSettings),
    session: &Session,
) {
    effective(trial, settings, engine).say(session);
    say_unused(&trial.settings, engine, session);
}

/// The same bytes elsewhere.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let bytes = std::fs::read(from).map_err(Error::io("read", from))?;
    disk::write(to, &bytes)
}

fn orientation_words(outcome: &OrientationOutcome) -> String {
    let lines = outcome.trials.iter().map(|trial| {
        let mark = if outcome.verdict.best == Some(trial.orientation) {
            "best"
        } else {
            ""
        };
        vec![
            trial.orientation.name().to_owned(),
            trial
                .error()
                .map_or_else(|| "none".to_owned(), |loss| format!("{loss:.6}")),
            in_words(&trial.reason),
            mark.to_owned(),
        ]
    });
    let table = columns(&["ORIENTATION", "LOSS", "ENDED", ""], lines);
    let folder = outcome.run_folder.display();
    format!("{table}{}\nrun folder  {folder}\n", outcome.verdict.words)
}

fn halves_words(outcome: &HalvesOutcome) -> String {
    let lines = outcome.halves.iter().map(|half| {
        vec![
            half.half.name().to_owned(),
            half.n_patterns.to_string(),
            number(half.loss.last().copied()),
            in_words(&half.reason),
        ]
    });
    let mut text = columns(&["HALF", "PATTERNS", "LOSS", "ENDED"], lines);
    if let Some(agreement) = &outcome.agreement {
        let cutoffs = [("half bit", agreement.half_bit), ("1/7", agreement.seventh)];
        let lines = cutoffs.map(|(name, cutoff)| cutoff_row(name, cutoff, agreement));
        let head = ["THRESHOLD", "OF NYQUIST", "RINGS", "HALF PERIOD nm"];
        text.push_str(&columns(&head, lines.into_iter()));
    }
    text.push_str(&in_lines(&[(
        "run folder",
        outcome.run_folder.display().to_string(),
    )]));
    text
}

fn cutoff_row(name: &str, cutoff: Cutoff, agreement: &HalvesAgreement) -> Vec<String> {
    if agreement.complex.values.len() as f64 <= cutoff.rings {
        return vec![name.to_owned(), "not reached".to_owned()];
    }
    vec![
        name.to_owned(),
        format!("{:.4}", cutoff.of_nyquist),
        format!("{:.2}", cutoff.rings),
        cutoff
            .half_period_nm
            .map_or_else(|| "-".to_owned(), |nm| format!("{nm:.2}")),
    ]
}
