//! The numbers nested, with what they mean.

use serde_json::{Map, Value, json};

use super::{Compared, Row, Statistic};
use crate::study::compare::export::definitions;
use crate::study::plan::Plan;
use crate::study::store::SCHEMA;

/// ```json
/// {"comparisons": [{"id": "...", "dose": 1e9, "view": "full", "split": "test",
///                   "arms": {"lsqml": {"metrics": {"pearson": {"phase": 0.9}}, "best": ["pearson.phase"],
///                                      "difference_to_baseline": {"pearson": {"phase": 0.1}}}}}],
///  "arms": {"test": {"lsqml": {"mean": {"pearson": {"phase": {"value": 0.9, "n": 2, "is_best": true}}},
///                              "best": {"pearson": {"phase": {"value": 0.9, "dose": 1e9, "view": "full"}}},
///                              "mean_difference_to_baseline": {}}}},
///  "definitions": {}}
/// ```
pub(in crate::study::report) fn json(plan: &Plan, comparisons: &[Compared], rows: &[Row]) -> Value {
    let of_comparison = |compared: &Compared| {
        json!({
            "id": compared.id, "dose": compared.dose, "view": compared.view, "split": compared.split,
            "arms": compared.arms.iter().map(|(arm, _)| (arm.clone(), measured(compared, arm, rows)))
                .collect::<Map<_, _>>(),
        })
    };
    let comparisons: Vec<_> = comparisons.iter().map(of_comparison).collect();
    let mut definitions = definitions();
    if let Some(all) = definitions.as_object_mut() {
        // Times are no part of this file, which is the same from run to run.
        for extra in crate::study::compare::export::EXTRA_DEFINITIONS {
            all.remove(extra.key);
        }
    }
    json!({
        "schema": SCHEMA, "program": "ptychobench", "version": env!("CARGO_PKG_VERSION"),
        "study": plan.study.name, "study_sha256": plan.study_sha256, "references": super::REFERENCES,
        "comparisons": comparisons, "arms": of_arms(rows), "definitions": definitions,
    })
}

/// What was measured of one arm in one comparison.
fn measured(compared: &Compared, arm: &str, rows: &[Row]) -> Value {
    let mut object = json!({"metrics": {}, "best": []});
    let own = rows.iter().filter(|row| {
        row.arm == arm
            && row.dose == compared.dose
            && row.view.as_ref() == Some(&compared.view)
            && row.split == compared.split
    });
    for row in own {
        let (name, part) = (row.key.name.as_str(), row.key.part.word());
        match row.statistic {
            Statistic::Value => {
                object["metrics"][name][part] = json!(row.value);
                if let Some(best) = object["best"].as_array_mut().filter(|_| row.is_best) {
                    best.push(json!(format!("{name}.{part}")));
                }
            }
            Statistic::Difference(_) => {
                object[row.statistic.word()][name][part] = json!(row.value);
            }
            _ => {}
        }
    }
    object
}

/// Means, bests and mean differences by split and arm.
fn of_arms(rows: &[Row]) -> Value {
    let mut object = json!({});
    for row in rows {
        let value = match row.statistic {
            Statistic::Mean => json!({"value": row.value, "n": row.n, "is_best": row.is_best}),
            Statistic::Best => {
                json!({"value": row.value, "n": row.n, "dose": row.dose, "view": row.view})
            }
            Statistic::MeanDifference(_) => json!({"value": row.value, "n": row.n}),
            Statistic::Value | Statistic::Difference(_) => continue,
        };
        let (statistic, part) = (row.statistic.word(), row.key.part.word());
        object[row.split.as_str()][row.arm.as_str()][statistic][row.key.name.as_str()][part] =
            value;
    }
    object
}
