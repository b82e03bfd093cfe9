//! States of tasks as words, tables and JSON.

use std::fmt::Write as _;
use std::path::Path;

use ptycho_core::study::execute::{TaskRecord, TaskState, TaskStatus};
use ptycho_core::study::plan::{Plan, TaskKind, Variant};
use serde_json::{Value, json};

use super::super::inspect::columns;

/// The number that the matrix shows beside a state: correlation with the truth, phase first.
const BEST: [&str; 2] = ["pearson.phase", "pearson.amplitude"];

/// How many tasks came to what.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) n_failed: usize,
    words: Vec<(&'static str, usize)>,
}

impl Counts {
    pub(super) fn of<'a>(tasks: impl Iterator<Item = &'a TaskStatus>) -> Self {
        let mut counts = Self::default();
        for task in tasks {
            if matches!(task.state, TaskState::Failed(_) | TaskState::Blocked(_)) {
                counts.n_failed += 1;
            }
            let word = task.state.word();
            match counts.words.iter_mut().find(|(other, _)| *other == word) {
                Some((_, n)) => *n += 1,
                None => counts.words.push((word, 1)),
            }
        }
        counts
    }

    /// As `12 done, 1 skipped`.
    pub(super) fn words(&self) -> String {
        let words = self.words.iter().map(|(word, n)| format!("{n} {word}"));
        let words = words.collect::<Vec<_>>().join(", ");
        if words.is_empty() {
            return "no task".to_owned();
        }
        words
    }
}

/// First and last loss of a task that has some.
pub(super) fn loss(status: &TaskStatus) -> Option<String> {
    let numbers = &status.record.as_ref()?.numbers;
    let last = numbers.get("loss_last")?;
    Some(match numbers.get("loss_first") {
        Some(first) => format!("{first:.4} to {last:.4}"),
        None => format!("{last:.4}"),
    })
}

/// Doses by variants: the gravest state of the tasks of each, and how well it agrees with the truth.
pub(super) fn matrix(plan: &Plan, tasks: &[TaskStatus]) -> String {
    let mut heads = vec!["DOSE".to_owned()];
    let name = |variant: &Variant| format!("{}/{}", variant.view, variant.arm);
    heads.extend(plan.variants.iter().map(name));
    let rows = plan.doses.iter().map(|dose| {
        let mut row = vec![format!("{dose:e}")];
        row.extend(
            plan.variants
                .iter()
                .map(|variant| cell(plan, tasks, *dose, variant)),
        );
        row
    });
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    columns(&heads, rows)
}

fn cell(plan: &Plan, tasks: &[TaskStatus], dose: f64, variant: &Variant) -> String {
    let is_here = |view: &Option<String>, at: Option<f64>| {
        at == Some(dose) && view.as_ref() == Some(&variant.view)
    };
    let both = plan.tasks.iter().zip(tasks);
    let of_cell = both.clone().filter(|(task, _)| {
        is_here(&task.place.view, task.place.dose) && task.place.arm.as_ref() == Some(&variant.arm)
    });
    let Some((_, gravest)) = of_cell.max_by_key(|(_, status)| status.state.gravity()) else {
        return "-".to_owned();
    };
    let mut compared = both.filter(|(task, _)| {
        task.kind == TaskKind::Compare && is_here(&task.place.view, task.place.dose)
    });
    let number = compared.find_map(|(_, status)| {
        let numbers = &status
            .record
            .as_ref()
            .filter(|_| status.state == TaskState::Done)?
            .numbers;
        let mut keys = BEST.iter().map(|key| format!("{}.{key}", variant.arm));
        keys.find_map(|key| numbers.get(&key).copied())
    });
    let word = gravest.state.word();
    number.map_or_else(|| word.to_owned(), |number| format!("{word} {number:.3}"))
}

/// A line for each task.
pub(super) fn table(plan: &Plan, tasks: &[TaskStatus]) -> String {
    let rows = tasks.iter().map(|status| {
        let words = plan.task(&status.id).map_or("", |task| task.words.as_str());
        let record = status.record.as_ref();
        let seconds = record.map_or_else(String::new, |record| format!("{:.1}", record.seconds));
        vec![
            status.state.word().to_owned(),
            status.id.clone(),
            seconds,
            loss(status).unwrap_or_default(),
            status.state.why().unwrap_or_else(|| words.to_owned()),
        ]
    });
    columns(&["STATE", "TASK", "SECONDS", "LOSS", ""], rows)
}

/// What a task came to.
pub(super) fn record_lines(record: &TaskRecord) -> String {
    let mut text = format!("{}  {:.1} s\n", record.id, record.seconds);
    // Writing to a string cannot fail.
    for (key, number) in &record.numbers {
        let _ = writeln!(text, "  {key} {number}");
    }
    for output in &record.outputs {
        let _ = writeln!(text, "  {}  {}", output.sha256, output.path.display());
    }
    text
}

/// Everything as one object.
pub(super) fn json(plan: &Plan, tasks: &[TaskStatus], runs: &Path) -> Value {
    let object = |status: &TaskStatus| {
        let task = plan.task(&status.id);
        let record = status.record.as_deref();
        json!({
            "id": status.id, "kind": task.map(|task| task.kind), "place": task.map(|task| &task.place),
            "state": status.state.word(), "why": status.state.why(),
            "seconds": record.map(|record| record.seconds), "numbers": record.map(|record| &record.numbers),
            "notes": record.map(|record| &record.notes), "outputs": record.map(|record| &record.outputs),
        })
    };
    json!({
        "study": plan.study.name, "study_sha256": plan.study_sha256, "folder": plan.folder(runs),
        "doses": plan.doses, "variants": plan.variants,
        "tasks": tasks.iter().map(object).collect::<Vec<_>>(),
        "counts": Counts::of(tasks.iter()).words.into_iter().collect::<std::collections::BTreeMap<_, _>>(),
    })
}
