//! The numbers of a cell: the final loss, and the metric that is looked at, with the best of a row marked.

use std::collections::BTreeSet;

use ptycho_core::metrics::definitions::{Better, definition};
use ptycho_core::study::execute::{TaskRecord, TaskStatus};
use ptycho_core::study::plan::TaskKind;

use super::super::super::study::PlannedMatrix;

/// The metrics that are looked at first: phase before amplitude, which an object without phases has alone; a correlation needs
/// no unit.
const FIRST: [&str; 2] = ["pearson.phase", "pearson.amplitude"];

/// What a cell tells.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct CellNumbers {
    /// Loss of the last epoch.
    pub loss: Option<f64>,
    /// The metric that is looked at.
    pub metric: Option<f64>,
    /// Whether that is the best of dose and view.
    pub is_best: bool,
}

fn record(tasks: &[TaskStatus], task: usize) -> Option<&TaskRecord> {
    tasks.get(task)?.record.as_deref()
}

/// Every metric that any comparison has, as `ssim.phase`.
pub(super) fn metrics(planned: &PlannedMatrix, tasks: &[TaskStatus]) -> Vec<String> {
    let mut found = BTreeSet::new();
    for (task, status) in planned.plan.tasks.iter().zip(tasks) {
        let record = status.record.as_ref();
        let Some(record) = record.filter(|_| task.kind == TaskKind::Compare) else {
            continue;
        };
        for name in record.numbers.keys() {
            found.extend(name.split_once('.').map(|(_, metric)| metric.to_owned()));
        }
    }
    found.into_iter().collect()
}

/// The metric that is shown: as chosen, where there is such a one.
pub(super) fn shown_metric<'a>(known: &'a [String], chosen: Option<&str>) -> Option<&'a str> {
    let named = |name: &str| known.iter().find(|metric| *metric == name);
    chosen
        .and_then(named)
        .or_else(|| FIRST.into_iter().find_map(named))
        .or_else(|| known.first())
        .map(String::as_str)
}

/// A metric in words, as `Pearson, phase`.
pub(super) fn metric_words(metric: &str) -> String {
    let (key, part) = metric.split_once('.').unwrap_or((metric, ""));
    let label = definition(key).map_or(key, |definition| definition.label);
    match part {
        "" | "value" => label.to_owned(),
        part => format!("{label}, {part}"),
    }
}

/// What a metric means.
pub(super) fn metric_text(metric: &str) -> &'static str {
    let key = metric.split('.').next().unwrap_or_default();
    definition(key).map_or("", |definition| definition.text)
}

/// The numbers of a cell.
pub(super) fn of_cell(
    (planned, tasks): (&PlannedMatrix, &[TaskStatus]),
    (row, column): (usize, usize),
    metric: Option<&str>,
) -> CellNumbers {
    let own = planned.matrix.cell(row, column);
    let loss = own.iter().find_map(|task| {
        let kind = planned.plan.tasks[*task].kind;
        let makes_loss = matches!(kind, TaskKind::Train | TaskKind::Reconstruct);
        let record = record(tasks, *task).filter(|_| makes_loss)?;
        record.numbers.get("loss_last").copied()
    });
    let variant = &planned.plan.variants[column];
    let comparison = planned.matrix.comparison(row, &variant.view);
    let compared = comparison.and_then(|task| record(tasks, task));
    let (Some(compared), Some(metric)) = (compared, metric) else {
        return CellNumbers {
            loss,
            ..CellNumbers::default()
        };
    };
    let value = compared
        .numbers
        .get(&format!("{}.{metric}", variant.arm))
        .copied();
    let others = planned
        .plan
        .variants
        .iter()
        .filter(|other| other.view == variant.view && other.arm != variant.arm)
        .filter_map(|other| compared.numbers.get(&format!("{}.{metric}", other.arm)));
    let others: Vec<f64> = others.copied().collect();
    CellNumbers {
        loss,
        metric: value,
        is_best: value.is_some_and(|value| is_best(metric, value, &others)),
    }
}

fn is_best(metric: &str, value: f64, others: &[f64]) -> bool {
    let key = metric.split('.').next().unwrap_or_default();
    let better = definition(key).map_or(Better::Neither, |definition| definition.better);
    !others.is_empty()
        && value.is_finite()
        && others.iter().all(|other| match better {
            Better::Higher => *other <= value || other.is_nan(),
            Better::Lower => value <= *other || other.is_nan(),
            Better::Neither => false,
        })
}
