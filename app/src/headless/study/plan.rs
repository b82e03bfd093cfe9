//! Commands about a study's plan.

use std::path::{Path, PathBuf};

use ptycho_core::disk;
use ptycho_core::error::{Error, Problem, Result};
use ptycho_core::study::design::{Study, Template};
use ptycho_core::study::execute::status;
use ptycho_core::study::plan::estimate;
use serde_json::json;

use super::super::{Exit, Session, print, print_json};
use super::overview::Overview;
use super::source::Source;
use super::states;
use crate::cli::study::{NewArgs, PlanArgs};

pub(super) fn new(args: &NewArgs, session: &Session) -> Result<Exit> {
    let output = match &args.output {
        Some(output) => output.clone(),
        None => PathBuf::from(format!("{}.toml", args.name)),
    };
    let study = begun(args, &output)?;
    if output.exists() && !args.force {
        return Err(Error::Invalid(Box::new(Problem {
            attempted: "write the study".to_owned(),
            file: Some(output),
            expected: "a file that is not there yet".to_owned(),
            found: "one that is".to_owned(),
            fix: "give another name or -o, or --force to write over it".to_owned(),
            ..Problem::default()
        })));
    }
    disk::write(&output, study.text().as_bytes())?;
    if args.json {
        print_json(&json!({"study": study.name, "template": args.template, "output": output}))?;
    } else {
        session.say(format_args!(
            "wrote the study {} from the template {}: {}",
            study.name,
            args.template,
            output.display()
        ));
    }
    Ok(Exit::Done)
}

/// The template under its new name, with the base file as the study file will see it.
fn begun(args: &NewArgs, output: &Path) -> Result<Study> {
    let Some(template) = Template::named(&args.template) else {
        let names: Vec<&str> = Template::ALL.iter().map(|template| template.name).collect();
        let error = Error::invalid(
            "write the study",
            "template",
            names.join(", "),
            &args.template,
        );
        return Err(error.with_fix("give one of these by --template"));
    };
    let base = args.base.as_deref().map(|base| seen_from(base, output));
    let study = Study {
        name: args.name.clone(),
        base: base.transpose()?,
        ..Study::parse(template.text)?
    };
    study.check()?;
    Ok(study)
}

/// A path as a file at `output` has to name it: unchanged where both begin in the current folder.
fn seen_from(path: &Path, output: &Path) -> Result<PathBuf> {
    let is_here = output
        .parent()
        .is_none_or(|parent| parent.as_os_str().is_empty());
    if is_here {
        return Ok(path.to_path_buf());
    }
    std::path::absolute(path).map_err(Error::io("find the base file", path))
}

pub(super) fn plan(args: &PlanArgs, session: &Session) -> Result<Exit> {
    let source = Source::of(&args.study)?;
    let plan = source.plan()?;
    let tasks = status(&plan, &source.runs)?;
    let (device, n_threads) = (args.computing.device.into(), args.computing.threads.n);
    let estimates = if args.no_times {
        Vec::new()
    } else {
        session.say("trying a few steps of everything");
        estimate(&plan, device, n_threads)?
    };
    if args.json {
        print_json(&json!({
            "plan": plan, "status": states::json(&plan, &tasks, &source.runs), "estimates": estimates,
            "runs": source.runs, "free_bytes": disk::free_bytes(&source.runs),
        }))?;
        return Ok(Exit::Done);
    }
    let overview = Overview {
        plan: &plan,
        states: &tasks,
        estimates: &estimates,
        runs: &source.runs,
    };
    print(&overview.text())?;
    Ok(Exit::Done)
}
