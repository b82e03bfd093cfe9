//! `reconstruction_manifest.json` and `comparison_manifest.json`.

use serde_json::{Value, json};

use crate::study::execute::TaskState;
use crate::study::plan::{TaskKind, Work};
use crate::study::store::{OutputRecord, SCHEMA};

use super::gather::{Gathered, Seen};
use super::likeness::Likeness;
use super::trainings::NotDone;

/// Every reconstruction, by networks and by iterative engines.
pub(super) fn reconstructions(gathered: &Gathered<'_>, likeness: &[Likeness]) -> Value {
    let kinds = [TaskKind::Reconstruct, TaskKind::Infer];
    manifest(gathered, &kinds, |seen| {
        let record = seen.done()?;
        let is_result =
            |output: &&OutputRecord| output.path.extension().is_some_and(|end| end == "npz");
        let result = record.outputs.iter().find(is_result)?;
        let place = seen.place();
        let found = likeness.iter().find(|found| found.task == seen.task.id);
        // The name of an arm need not tell it.
        let engine = match &seen.task.work {
            Work::Reconstruct(task) => Some(task.engine),
            _ => None,
        };
        Some(json!({
            "id": seen.task.id, "kind": seen.task.kind, "dose": place.dose, "view": place.view, "arm": place.arm,
            "engine": engine, "split": place.split, "file": seen.path(&result.path), "sha256": result.sha256, "n_bytes": result.n_bytes,
            "seconds": record.seconds, "loss_last": seen.number("loss_last"), "is_flat": found.and_then(|found| found.is_flat),
            "pearson": found.map(|found| json!({"phase": found.phase, "amplitude": found.amplitude})),
        }))
    })
}

/// Every comparison.
pub(super) fn comparisons(gathered: &Gathered<'_>) -> Value {
    manifest(gathered, &[TaskKind::Compare], |seen| {
        let record = seen.done()?;
        let place = seen.place();
        let report = report(seen);
        let arms: Vec<&Value> = report["arms"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|arm| &arm["name"])
            .collect();
        Some(json!({
            "id": seen.task.id, "dose": place.dose, "view": place.view, "split": place.split, "folder": seen.task.id,
            "arms": arms, "refused": report["refused"], "outputs": record.outputs, "seconds": record.seconds,
        }))
    })
}

/// What a comparison wrote about itself; null where it is not there.
pub(super) fn report(seen: &Seen<'_>) -> Value {
    ["comparison_metrics.json", "comparison.json"]
        .iter()
        .find_map(|name| seen.json(name))
        .unwrap_or_default()
}

fn manifest(
    gathered: &Gathered<'_>,
    kinds: &[TaskKind],
    of: impl Fn(&Seen<'_>) -> Option<Value>,
) -> Value {
    let all: Vec<&Seen<'_>> = gathered.of_kinds(kinds).collect();
    let results: Vec<Value> = all.iter().filter_map(|seen| of(seen)).collect();
    let is_failed = |seen: &&&Seen<'_>| matches!(seen.state, TaskState::Failed(_));
    let missing = all.iter().filter(|seen| seen.state != TaskState::Done);
    json!({
        "schema": SCHEMA, "program": "ptychobench", "version": env!("CARGO_PKG_VERSION"),
        "study": gathered.plan.study.name, "study_sha256": gathered.plan.study_sha256,
        "n_success": results.len(), "n_failed": all.iter().filter(is_failed).count(),
        "results": results, "not_done": missing.map(|seen| NotDone::of(seen)).collect::<Vec<_>>(),
    })
}
