//! `reconstruct`: from flags to a task, then the run and its summary.

use std::path::Path;
use std::sync::Arc;

use ptycho_core::data::Strictness;
use ptycho_core::error::{Error, Result};
use ptycho_core::iterative::{Computing, EngineKind, IterativeSettings, ObjectInit, Rise};
use ptycho_core::study::memory::estimate_bytes;
use ptycho_core::study::resume::run_of_output;
use ptycho_core::study::run::{
    ReconstructTask, Source, in_words, open_source, reconstruct as run_task,
};
use ptycho_core::study::store::{Manifest, RunFolder};
use ptycho_core::study::summary::ReconstructSummary;
use serde_json::json;

use super::settings::{Effective, exit_of, in_lines, lacks_memory, number, say_unused};
use super::{Exit, Session, print, print_json, terminal};
use crate::cli::ReconstructArgs;

pub(super) fn reconstruct(args: &ReconstructArgs, session: &Session) -> Result<Exit> {
    let earlier = earlier_run(args)?;
    let task = task(args, earlier.as_ref())?;
    task.check()?;
    check_output(&task)?;
    let computing = task.computing()?;
    let strictness = if args.strict {
        Strictness::Strict
    } else {
        Strictness::Repair
    };
    let opened = open_source(&task.source, strictness)?;
    session.say_repairs(&opened.repairs);
    let dataset = Arc::new(opened.dataset);
    if let Some((folder, manifest)) = &earlier {
        let (done, folder) = (manifest.epochs_done, folder.path().display());
        session.say(format_args!("going on after epoch {done}: {folder}"));
    }
    let effective = Effective {
        flags: &args.settings,
        settings: &task.settings,
        is_resumed: earlier.is_some(),
        engine: Some(task.engine),
    };
    effective.say(session);
    say_unused(&args.settings, task.engine, session);
    say_how(&task, &computing, session);
    let needed = estimate_bytes(&dataset, task.engine, &task.settings);
    if !args.force && lacks_memory("run", needed, args.json)? {
        return Ok(Exit::GuardRail);
    }
    let monitor = terminal(session, "reconstructing");
    let outcome = run_task(&task, Arc::clone(&dataset), monitor.as_ref());
    monitor.clear();
    let outcome = outcome?;
    let summary = ReconstructSummary::new(&task, &dataset, &outcome);
    let exit = exit_of(&outcome.reason);
    if exit != Exit::Done {
        session.say(format_args!("stopped: {}", in_words(&outcome.reason)));
    }
    if args.json {
        let mut object = json!(summary);
        object["settings"] = effective.to_json();
        print_json(&object)?;
    } else {
        print(&summary_lines(&summary))?;
    }
    Ok(exit)
}

/// The run to go on from, if one was asked for.
fn earlier_run(args: &ReconstructArgs) -> Result<Option<(RunFolder, Manifest)>> {
    let folder = match (&args.resume_from, &args.output) {
        (Some(folder), _) => RunFolder::open(folder)?,
        (None, Some(output)) if args.resume => run_of_output(output, &args.runs)?,
        (None, None) if args.resume => {
            return Err(
                Error::invalid("resume", "resume", "an output", "none").with_fix(
                    "give -o OUT of the run to go on from, or --resume-from with its run folder",
                ),
            );
        }
        _ => return Ok(None),
    };
    let manifest = folder.manifest()?;
    Ok(Some((folder, manifest)))
}

/// Flag before resumed run before default.
fn task(
    args: &ReconstructArgs,
    earlier: Option<&(RunFolder, Manifest)>,
) -> Result<ReconstructTask> {
    let default = IterativeSettings::default();
    let base = earlier.map_or(&default, |(_, manifest)| &manifest.task.settings);
    let earlier_engine = earlier.map_or(EngineKind::Lsqml, |(_, manifest)| manifest.task.engine);
    let batches = args.batches.clone();
    let earlier_batches = earlier.and_then(|(_, manifest)| manifest.task.batches.clone());
    Ok(ReconstructTask {
        source: args
            .file
            .clone()
            .map_or(Source::Demonstration, Source::File),
        engine: args.algorithm.map_or(earlier_engine, Into::into),
        settings: args.settings.over(base)?,
        n_threads: args.computing.threads.n,
        batches: batches.or(earlier_batches),
        output: args.output.clone(),
        runs: args.runs.clone(),
        resume: earlier.map(|(folder, _)| folder.path().to_path_buf()),
        start: args.start_from.clone(),
        device: args.computing.device.into(),
        kernels: args.kernels.choice.into(),
        device_memory_gib: args.kernels.device_memory_gib,
        time_limit_s: args.time_limit,
        ..ReconstructTask::default()
    })
}

/// A result that cannot be written must be known before the run, not after.
fn check_output(task: &ReconstructTask) -> Result<()> {
    let Some(output) = &task.output else {
        return Ok(());
    };
    let refuse = |expected: &str, found: &str| {
        Err(Error::invalid("reconstruct", "output", expected, found)
            .with_fix("give another -o")
            .with_file(output))
    };
    if output.is_dir() {
        return refuse("a file", "a folder");
    }
    let is_same = |input: &Path| match (input.canonicalize(), output.canonicalize()) {
        (Ok(input), Ok(output)) => input == output,
        _ => false,
    };
    let inputs = [
        task.start.as_deref(),
        task.batches.as_deref(),
        match &task.source {
            Source::File(input) => Some(input.as_path()),
            Source::Demonstration => None,
        },
    ];
    if inputs.into_iter().flatten().any(is_same) {
        return refuse("another file than the input", "the input");
    }
    Ok(())
}

fn say_how(task: &ReconstructTask, (computing, why): &(Computing, String), session: &Session) {
    let device = match &computing.device {
        Some(device) if device.is_cuda() => "cuda",
        Some(device) if device.is_metal() => "metal",
        _ => "cpu",
    };
    let threads = computing.n_threads;
    session.say(format_args!("device: {device} ({why}), {threads} threads"));
    if task.settings.object_init == ObjectInit::File {
        session.say("the object starts from objectGuess of the file; if that is the truth, this is no reconstruction");
    }
}

fn summary_lines(summary: &ReconstructSummary) -> String {
    let mut lines = vec![
        ("epochs", summary.epochs.to_string()),
        (
            "loss",
            format!(
                "{} to {}",
                number(summary.loss_first),
                number(summary.loss_last)
            ),
        ),
        ("time", format!("{:.2} s", summary.seconds_total)),
    ];
    let loss = summary.loss.iter().map(|loss| loss.unwrap_or(f64::NAN));
    if let Some(rise) = Rise::of(&loss.collect::<Vec<_>>()) {
        lines.push(("risen", rise.words()));
    }
    if let Some(rate) = summary.patterns_per_s {
        lines.push(("rate", format!("{rate:.0} patterns/s")));
    }
    if let Some(power) = summary.probe_power.last() {
        lines.push(("probe", format!("{power:.4e} counts")));
    }
    if let Some(moved_px) = summary
        .position_rms_px
        .last()
        .filter(|moved_px| **moved_px > 0.0)
    {
        lines.push(("positions", format!("moved by {moved_px:.3} px rms")));
    }
    if let Some(output) = &summary.output {
        lines.push(("result", output.display().to_string()));
    }
    lines.push(("run folder", summary.run_folder.display().to_string()));
    in_lines(&lines)
}
