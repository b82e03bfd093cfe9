//! `infer`.

use ptycho_core::error::Result;
use ptycho_core::nn::infer::InferSettings;
use ptycho_core::study::infer::{InferOutcome, InferTask, infer as run_task};
use serde_json::{Value, json};

use super::settings::in_lines;
use super::{Exit, Session, print, print_json, terminal};
use crate::cli::infer::InferArgs;

pub(super) fn infer(args: &InferArgs, session: &Session) -> Result<Exit> {
    let task = InferTask {
        bundle: args.bundle.clone(),
        data: args.data.clone(),
        settings: args.settings.over(&InferSettings::default())?,
        n_threads: args.computing.threads.n,
        device: args.computing.device.into(),
        output: args.output.clone(),
    };
    let monitor = terminal(session, "reconstructing");
    let outcome = run_task(&task, monitor.as_ref());
    monitor.clear();
    let outcome = outcome?;
    for note in &outcome.notes {
        session.say(format_args!("note: {note}"));
    }
    if args.json {
        print_json(&object(&task, &outcome))?;
    } else {
        print(&summary_lines(&task, &outcome))?;
    }
    Ok(Exit::Done)
}

fn object(task: &InferTask, outcome: &InferOutcome) -> Value {
    let inferred = &outcome.inferred;
    let (rows, columns) = inferred.object.dim();
    json!({
        "output": task.output, "object_shape": [rows, columns], "n_unseen": inferred.n_unseen,
        "groups": inferred.n_groups, "groups_per_s": inferred.groups_per_s, "factor": inferred.factor,
        "amplitude_spread": inferred.amplitude_spread, "amplitude_correlation": inferred.amplitude_correlation,
        "bundle": outcome.bundle.file, "sha256": outcome.bundle.sha256, "epoch": outcome.bundle.epoch,
        "device": outcome.device, "device_reason": outcome.device_reason, "settings": task.settings,
        "notes": outcome.notes,
    })
}

fn summary_lines(task: &InferTask, outcome: &InferOutcome) -> String {
    let inferred = &outcome.inferred;
    let (rows, columns) = inferred.object.dim();
    let correlation = inferred
        .amplitude_correlation
        .map_or_else(|| "not predicted".to_owned(), |value| format!("{value:.4}"));
    let lines = [
        (
            "object",
            format!("{rows} x {columns} px, {} unseen", inferred.n_unseen),
        ),
        (
            "groups",
            format!(
                "{}, {:.0} a second",
                inferred.n_groups, inferred.groups_per_s
            ),
        ),
        (
            "spread",
            format!("{:.4} of the amplitude", inferred.amplitude_spread),
        ),
        (
            "agreement",
            format!("{correlation} of predicted and measured amplitudes"),
        ),
        ("factor", format!("{:.6}", inferred.factor)),
        ("result", task.output.display().to_string()),
    ];
    in_lines(&lines)
}
