//! Every number of the summary in one list: as measured, means, best and differences.

use std::collections::BTreeSet;

use super::{Compared, Key, REFERENCES};
use crate::metrics::definitions::Better;

/// What a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::study::report) enum Statistic {
    /// Of one reconstruction, as measured.
    Value,
    /// An arm's number less that of a reference in the same comparison.
    Difference(&'static str),
    /// Arithmetic mean over comparisons.
    Mean,
    /// The best of an arm's numbers, and where it is.
    Best,
    /// Mean of the differences, over the comparisons that both are in.
    MeanDifference(&'static str),
}

impl Statistic {
    /// Its word in files.
    pub(super) fn word(self) -> String {
        match self {
            Self::Value => "value".to_owned(),
            Self::Difference(reference) => format!("difference_to_{reference}"),
            Self::Mean => "mean".to_owned(),
            Self::Best => "best".to_owned(),
            Self::MeanDifference(reference) => format!("mean_difference_to_{reference}"),
        }
    }
}

/// One number.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::study::report) struct Row {
    pub(in crate::study::report) statistic: Statistic,
    /// None of a mean over doses.
    pub(in crate::study::report) dose: Option<f64>,
    /// None of a mean over views.
    pub(in crate::study::report) view: Option<String>,
    pub(in crate::study::report) split: String,
    pub(in crate::study::report) arm: String,
    pub(in crate::study::report) key: Key,
    pub(in crate::study::report) value: f64,
    /// Comparisons that it is taken over.
    pub(in crate::study::report) n: usize,
    /// Of values: the best arm of its comparison. Of means: the best of the arms that are in every comparison of the split.
    pub(in crate::study::report) is_best: bool,
}

/// The list, in the order of the comparisons, then of the splits.
pub(in crate::study::report) fn rows(comparisons: &[Compared]) -> Vec<Row> {
    let mut rows: Vec<Row> = comparisons.iter().flat_map(values).collect();
    for reference in REFERENCES {
        let of_all = comparisons.iter();
        rows.extend(of_all.flat_map(|compared| differences(compared, reference)));
    }
    let mut splits: Vec<&str> = Vec::new();
    for compared in comparisons {
        if !splits.contains(&compared.split.as_str()) {
            splits.push(&compared.split);
        }
    }
    for split in splits {
        let of_split: Vec<&Compared> = comparisons
            .iter()
            .filter(|compared| compared.split == split)
            .collect();
        rows.extend(of_arms(&of_split));
    }
    rows
}

fn row(compared: &Compared, arm: &str, key: &Key, (statistic, value): (Statistic, f64)) -> Row {
    Row {
        statistic,
        dose: compared.dose,
        view: Some(compared.view.clone()),
        split: compared.split.clone(),
        arm: arm.to_owned(),
        key: key.clone(),
        value,
        n: 1,
        is_best: false,
    }
}

fn values(compared: &Compared) -> Vec<Row> {
    let of_arm = |(arm, numbers): &(String, super::Numbers)| -> Vec<Row> {
        let rows = numbers.iter().map(|(key, &value)| Row {
            is_best: compared.best(key) == Some(value),
            ..row(compared, arm, key, (Statistic::Value, value))
        });
        rows.collect()
    };
    compared.arms.iter().flat_map(of_arm).collect()
}

/// Of numbers that have a better way.
fn differences(compared: &Compared, reference: &'static str) -> Vec<Row> {
    let others = compared.arms.iter().filter(|(arm, _)| arm != reference);
    let of_arm = |(arm, numbers): &(String, super::Numbers)| -> Vec<Row> {
        let ranked = numbers
            .iter()
            .filter(|(key, _)| key.better() != Better::Neither);
        let rows = ranked.filter_map(|(key, value)| {
            let difference = value - compared.number(reference, key)?;
            let number = (Statistic::Difference(reference), difference);
            Some(row(compared, arm, key, number))
        });
        rows.collect()
    };
    others.flat_map(of_arm).collect()
}

/// Means, bests and mean differences of every arm over the comparisons of one split.
fn of_arms(comparisons: &[&Compared]) -> Vec<Row> {
    let mut names: Vec<&str> = Vec::new();
    let mut keys: BTreeSet<&Key> = BTreeSet::new();
    for (arm, numbers) in comparisons.iter().flat_map(|compared| &compared.arms) {
        if !names.contains(&arm.as_str()) {
            names.push(arm);
        }
        keys.extend(numbers.keys());
    }
    let ranked: Vec<&Key> = keys
        .into_iter()
        .filter(|key| key.better() != Better::Neither)
        .collect();
    let mut rows = means(comparisons, &names, &ranked);
    let of_arm = |name: &&str| -> Vec<Row> {
        let best = ranked.iter().filter_map(|key| best(comparisons, name, key));
        best.collect()
    };
    rows.extend(names.iter().flat_map(of_arm));
    for reference in REFERENCES {
        let others = names.iter().filter(|name| **name != reference);
        rows.extend(others.flat_map(|name| {
            let of_keys = ranked.iter();
            let rows = of_keys.filter_map(|key| {
                let found: Vec<f64> = comparisons
                    .iter()
                    .filter_map(|compared| {
                        Some(compared.number(name, key)? - compared.number(reference, key)?)
                    })
                    .collect();
                let statistic = Statistic::MeanDifference(reference);
                mean_row(comparisons, name, key, (statistic, &found))
            });
            rows.collect::<Vec<_>>()
        }));
    }
    rows
}

/// Means of arms over different comparisons say nothing about which is better: only arms that are in all are ranked.
fn means(comparisons: &[&Compared], names: &[&str], keys: &[&Key]) -> Vec<Row> {
    let of = |name: &str, key: &Key| -> Vec<f64> {
        comparisons
            .iter()
            .filter_map(|compared| compared.number(name, key))
            .collect()
    };
    let mut rows = Vec::new();
    for name in names {
        for key in keys {
            let whole = |name: &&str| {
                let found = of(name, key);
                (found.len() == comparisons.len()).then(|| mean(&found))
            };
            let all: Vec<_> = names.iter().map(whole).collect();
            let best = key.better().best(&all);
            let is_best = best.is_some() && whole(name) == best;
            let row = mean_row(comparisons, name, key, (Statistic::Mean, &of(name, key)));
            rows.extend(row.map(|row| Row { is_best, ..row }));
        }
    }
    rows
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

fn mean_row(
    comparisons: &[&Compared],
    arm: &str,
    key: &Key,
    (statistic, numbers): (Statistic, &[f64]),
) -> Option<Row> {
    let first = comparisons.first().filter(|_| !numbers.is_empty())?;
    Some(Row {
        dose: None,
        view: None,
        n: numbers.len(),
        ..row(first, arm, key, (statistic, mean(numbers)))
    })
}

/// The first of the best where several are.
fn best(comparisons: &[&Compared], arm: &str, key: &Key) -> Option<Row> {
    let numbers = || {
        let all = comparisons.iter();
        all.filter_map(|compared| Some((*compared, compared.number(arm, key)?)))
    };
    let is_better = |value: f64, than: f64| match key.better() {
        Better::Higher => than < value,
        Better::Lower => value < than,
        Better::Neither => false,
    };
    let (compared, value) = numbers().reduce(|best, next| {
        if is_better(next.1, best.1) {
            next
        } else {
            best
        }
    })?;
    Some(Row {
        n: numbers().count(),
        ..row(compared, arm, key, (Statistic::Best, value))
    })
}
