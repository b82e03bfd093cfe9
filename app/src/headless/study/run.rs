//! Commands about a study's run.

use ptycho_core::compute::DeviceChoice;
use ptycho_core::error::{Error, Result};
use ptycho_core::study::execute::{
    Control, Ended, RunOptions, Selection, TaskRecord, TaskState, TaskStatus, run as run_plan,
    run_task, status as status_of,
};
use ptycho_core::study::plan::Plan;
use serde_json::{Value, json};

use super::super::{Exit, Session, print, print_json, terminal};
use super::source::Source;
use super::states::{self, Counts};
use super::teller::Teller;
use crate::cli::study::{RunArgs, StatusArgs, TaskRunArgs};

pub(super) fn run(args: &RunArgs, session: &Session) -> Result<Exit> {
    let source = Source::of(&args.study)?;
    let plan = source.plan()?;
    let options = RunOptions {
        runs: source.runs.clone(),
        selection: Selection {
            only: args.only.clone(),
            doses: args.doses.clone(),
            views: args.views.clone(),
            gridsizes: args.gridsizes.clone(),
        },
        n_jobs: args.jobs.max(1),
        n_threads: args.computing.threads.n,
        device: args.computing.device.into(),
    };
    let selected = options.selection.of(&plan)?;
    for note in &plan.notes {
        session.say(format_args!("note: {note}"));
    }
    if args.dry_run {
        return dry_run(&plan, &options, &selected, args.json);
    }
    let teller = Teller::new(session, &plan);
    let outcome = run_plan(&plan, &options, &Control::default(), &teller);
    teller.clear();
    let outcome = outcome?;
    let chosen: Vec<&TaskStatus> = chosen(&outcome.tasks, &selected).collect();
    let counts = Counts::of(chosen.iter().copied());
    let exit = match () {
        () if outcome.is_stopped => Exit::Interrupted,
        () if 0 < counts.n_failed => Exit::Failed,
        () => Exit::Done,
    };
    session.say(format_args!("{}: {}", plan.study.name, counts.words()));
    if args.json {
        let mut object = states::json(&plan, &outcome.tasks, &source.runs);
        object["is_stopped"] = json!(outcome.is_stopped);
        object["exit_code"] = json!(exit as u8);
        print_json(&object)?;
    } else {
        let summary = outcome.folder.join("summary.md");
        print(&format!("{}\n", summary.display()))?;
    }
    Ok(exit)
}

/// The tasks that were selected.
fn chosen<'a>(
    tasks: &'a [TaskStatus],
    selected: &'a [bool],
) -> impl Iterator<Item = &'a TaskStatus> {
    let pairs = tasks.iter().zip(selected);
    pairs.filter_map(|(task, is_selected)| is_selected.then_some(task))
}

/// What would be done: all that is selected and not done yet.
fn dry_run(plan: &Plan, options: &RunOptions, selected: &[bool], is_json: bool) -> Result<Exit> {
    let tasks = status_of(plan, &options.runs)?;
    let is_to_do =
        |task: &&TaskStatus| !matches!(task.state, TaskState::Done | TaskState::Skipped(_));
    let to_do: Vec<TaskStatus> = chosen(&tasks, selected).filter(is_to_do).cloned().collect();
    if is_json {
        let ids: Vec<&str> = to_do.iter().map(|task| task.id.as_str()).collect();
        let mut object = states::json(plan, &tasks, &options.runs);
        object["to_do"] = json!(ids);
        print_json(&object)?;
    } else {
        print(&states::table(plan, &to_do))?;
    }
    Ok(Exit::Done)
}

pub(super) fn status(args: &StatusArgs, _: &Session) -> Result<Exit> {
    let source = Source::of(&args.study)?;
    let plan = source.plan()?;
    let tasks = status_of(&plan, &source.runs)?;
    if args.json {
        print_json(&states::json(&plan, &tasks, &source.runs))?;
    } else {
        let (matrix, table) = (states::matrix(&plan, &tasks), states::table(&plan, &tasks));
        let counts = Counts::of(tasks.iter());
        print(&format!("{matrix}\n{table}\n{}\n", counts.words()))?;
    }
    Ok(Exit::Done)
}

pub(super) fn task(args: &TaskRunArgs, session: &Session) -> Result<Exit> {
    let plan = Plan::load(&args.plan)?;
    let folder = args.plan.parent().unwrap_or_else(|| "".as_ref());
    let device: DeviceChoice = args.computing.device.into();
    let monitor = terminal(session, &args.id);
    let record = run_task(
        &plan,
        &args.id,
        folder,
        (device, args.computing.threads.n),
        monitor.as_ref(),
    );
    monitor.clear();
    let record = record?;
    let exit = match &record.ended {
        Ended::Done | Ended::Skipped(_) => Exit::Done,
        Ended::Stopped | Ended::Running => Exit::Interrupted,
        Ended::Failed(cause) => {
            // The record tells a program the same.
            if !args.json {
                return Err(Error::Run(format!("{} failed: {cause}", args.id)));
            }
            Exit::Failed
        }
    };
    if args.json {
        print_json(&object_of(&record)?)?;
    } else {
        print(&states::record_lines(&record))?;
    }
    Ok(exit)
}

fn object_of(record: &TaskRecord) -> Result<Value> {
    serde_json::to_value(record)
        .map_err(|error| Error::io("write", "standard output".as_ref())(error.into()))
}
