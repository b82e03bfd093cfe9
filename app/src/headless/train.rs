//! `train` and `check-loss`: from flags to a task, then the run and its summary.

use ptycho_core::error::Result;
use ptycho_core::nn::TrainSettings;
use ptycho_core::study::loss_check::{LossCheck, check_loss as compare};
use ptycho_core::study::train::{
    TrainData, TrainManifest, TrainPlan, TrainSummary, TrainTask, plan, train_opened,
};
use serde_json::json;

use super::inspect::columns;
use super::settings::{Effective, exit_of, in_lines, lacks_memory, number};
use super::{Exit, Session, print, print_json, progress, say};
use crate::cli::train::{CheckLossArgs, TrainArgs};

pub(super) fn train(args: &TrainArgs, session: &Session) -> Result<Exit> {
    let earlier = match &args.output {
        Some(output) if args.resume => Some(TrainManifest::of_folder(output)?),
        _ => None,
    };
    let task = task(args, earlier.as_ref())?;
    task.check()?;
    let data = TrainData::open(&task)?;
    session.say_repairs(&data.repairs);
    if !args.dry_run {
        task.check_folder(&data)?;
    }
    let plan = plan(&task, &data.train, data.validation.as_ref())?;
    if let Some(manifest) = &earlier {
        let (done, folder) = (manifest.epochs_done, task.output.display());
        session.say(format_args!("going on after epoch {done}: {folder}"));
    }
    let effective = Effective {
        flags: &args.settings,
        settings: &task.settings,
        is_resumed: earlier.is_some(),
        engine: None,
    };
    effective.say(session);
    for note in &plan.notes {
        session.say(format_args!("note: {note}"));
    }
    if args.dry_run {
        return dry_run(args.json, &plan, &effective);
    }
    say_plan(&plan, session);
    if !args.force && lacks_memory("training", plan.n_bytes, args.json)? {
        return Ok(Exit::GuardRail);
    }
    let monitor = progress::Terminal::new(session, "training").counting("groups");
    let outcome = train_opened(&task, &data, &monitor);
    monitor.clear();
    let outcome = outcome?;
    let summary = TrainSummary::new(&outcome);
    let exit = exit_of(&outcome.reason);
    if exit != Exit::Done {
        session.say(format_args!("stopped: {}", summary.stopped_words));
    }
    if summary.collapsed {
        session.say("warning: the network draws a flat image: it has collapsed");
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

/// Flag before resumed run before default.
fn task(args: &TrainArgs, earlier: Option<&TrainManifest>) -> Result<TrainTask> {
    let default = TrainSettings::default();
    let base = earlier.map_or(&default, |manifest| &manifest.task.settings);
    let validation = args.validation.clone();
    let earlier_validation = earlier.and_then(|manifest| manifest.task.validation.clone());
    Ok(TrainTask {
        train: args.file.clone(),
        validation: validation.or(earlier_validation),
        settings: args.settings.over(base)?,
        n_threads: args.computing.threads.n,
        device: args.computing.device.into(),
        output: args.output.clone().unwrap_or_default(),
        resume: args.resume,
        time_limit_s: args.time_limit,
    })
}

fn dry_run(
    is_json: bool,
    plan: &TrainPlan,
    effective: &Effective<'_, TrainSettings>,
) -> Result<Exit> {
    if is_json {
        let mut object = json!(plan);
        object["settings"] = effective.to_json();
        print_json(&object)?;
    } else {
        print(&plan_lines(plan))?;
    }
    Ok(Exit::Done)
}

fn plan_lines(plan: &TrainPlan) -> String {
    let [rows, along_columns] = plan.largest_offset_px;
    let time = plan
        .seconds_estimated
        .map_or_else(|| "unknown".to_owned(), duration);
    let lines = [
        (
            "data",
            format!("{} patterns of {1}x{1}", plan.n_patterns, plan.n),
        ),
        (
            "groups",
            format!(
                "{} to train on, {} for validation",
                plan.n_groups, plan.n_validation_groups
            ),
        ),
        (
            "steps",
            format!("{} an epoch, {} in all", plan.steps_per_epoch, plan.n_steps),
        ),
        ("parameters", plan.n_parameters.to_string()),
        (
            "canvas",
            format!(
                "{} px for offsets up to {rows:.2} px along rows, {along_columns:.2} along columns",
                plan.canvas_px
            ),
        ),
        (
            "memory",
            format!("about {:.2} GB", plan.n_bytes as f64 / 1e9),
        ),
        (
            "time",
            format!("about {time}, by a trial step on this device"),
        ),
        (
            "device",
            format!("{} ({})", plan.device, plan.device_reason),
        ),
    ];
    in_lines(&lines)
}

fn say_plan(plan: &TrainPlan, session: &Session) {
    session.say(format_args!(
        "{} groups, {} for validation, {} steps, {} parameters, about {:.2} GB",
        plan.n_groups,
        plan.n_validation_groups,
        plan.n_steps,
        plan.n_parameters,
        plan.n_bytes as f64 / 1e9
    ));
    if let Some(seconds) = plan.seconds_estimated {
        session.say(format_args!("about {} by a trial step", duration(seconds)));
    }
    session.say(format_args!(
        "device: {} ({})",
        plan.device, plan.device_reason
    ));
}

/// A time in the unit that suits it.
fn duration(seconds: f64) -> String {
    match seconds {
        0.0..100.0 => format!("{seconds:.1} s"),
        100.0..6000.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3600.0),
    }
}

fn summary_lines(summary: &TrainSummary) -> String {
    let mut lines = vec![
        (
            "epochs",
            format!("{} of {} steps in all", summary.epochs, summary.steps),
        ),
        (
            "loss",
            format!(
                "{} to {}, validation {}",
                number(summary.loss_first),
                number(summary.loss_last),
                number(summary.validation_last)
            ),
        ),
        ("time", format!("{:.2} s", summary.seconds_total)),
    ];
    if let Some(rate) = summary.samples_per_s {
        lines.push(("rate", format!("{rate:.1} groups/s")));
    }
    lines.push((
        "bundle",
        format!(
            "{} of epoch {}",
            summary.bundle.display(),
            summary.best_epoch
        ),
    ));
    lines.push(("run folder", summary.run_folder.display().to_string()));
    in_lines(&lines)
}

pub(super) fn check_loss(args: &CheckLossArgs) -> Result<Exit> {
    let check = compare(&args.reference, &args.candidate, args.tolerance)?;
    for verdict in check.verdicts.iter().filter(|verdict| !verdict.passes) {
        let why = verdict.why.as_deref().unwrap_or_default();
        say(format_args!("error: {}: {why}", verdict.arm));
    }
    if args.json {
        print_json(&check)?;
    } else {
        print(&verdict_table(&check))?;
    }
    Ok(if check.passes {
        Exit::Done
    } else {
        Exit::GuardRail
    })
}

fn verdict_table(check: &LossCheck) -> String {
    let rows = check.verdicts.iter().map(|verdict| {
        vec![
            if verdict.passes { "passes" } else { "FAILS" }.to_owned(),
            number(verdict.reference),
            number(verdict.limit),
            number(verdict.candidate),
            verdict.arm.clone(),
        ]
    });
    columns(&["", "REFERENCE", "LIMIT", "CANDIDATE", "ARM"], rows)
}
