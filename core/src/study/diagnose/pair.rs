//! Two of the same kind beside each other.

use std::collections::BTreeMap;

use serde_json::Value;

use super::table::{Cell, Draft};
use super::{Section, Verdict};
use crate::data::Dataset;
use crate::sim::leak::{leak as shared, support};

/// Numbers that differ by less than this part are the same but for rounding.
const SAME: f64 = 1e-9;

/// One section for each that either has, with both values and what differs.
pub(super) fn joined(first: &[Draft], second: &[Draft]) -> Vec<Section> {
    let find = |drafts: &[Draft], key: &str| drafts.iter().position(|draft| draft.key == key);
    let mut keys: Vec<&str> = first.iter().map(|draft| draft.key).collect();
    keys.extend(
        second
            .iter()
            .map(|draft| draft.key)
            .filter(|key| find(first, key).is_none()),
    );
    keys.into_iter()
        .map(|key| {
            let of = |drafts: &'_ [Draft]| find(drafts, key);
            let pair = [
                of(first).map(|at| &first[at]),
                of(second).map(|at| &second[at]),
            ];
            one(pair).section()
        })
        .collect()
}

/// A section of both.
fn one(pair: [Option<&Draft>; 2]) -> Draft {
    let heads = [
        ("first", "first"),
        ("second", "second"),
        ("difference", "difference"),
    ];
    let named = pair.into_iter().flatten().next();
    let (key, title, of) = named.map_or(("", "", ""), |draft| (draft.key, draft.title, draft.of));
    let mut draft = Draft::new(key, title, &heads);
    draft.of = of;
    let cells = pair.map(|draft| draft.map(flat).unwrap_or_default());
    let mut n_different = 0;
    for (key, label) in labels(pair) {
        let found = cells
            .each_ref()
            .map(|cells| cells.get(&key).cloned().unwrap_or_else(Cell::none));
        let mark = difference(&found[0], &found[1]);
        n_different += usize::from(!mark.text.is_empty());
        let [first, second] = found;
        draft.row(key, label, [first, second, mark]);
    }
    for (draft_of, name) in pair.into_iter().zip(["first", "second"]) {
        match draft_of {
            Some(of) if of.verdict() != Verdict::Good => {
                draft.find(of.verdict(), format!("{name}: {}", of.words()));
            }
            Some(_) => {}
            None => draft.find(Verdict::Note, format!("the {name} has no such table")),
        }
    }
    let rows = if n_different == 1 {
        "row differs"
    } else {
        "rows differ"
    };
    if 0 < n_different {
        draft.find(Verdict::Note, format!("{n_different} {rows}"));
    }
    draft.good = "Both are the same.".into();
    draft
}

/// Keys and words of the rows of both, in the order of the first; columns become part of the row.
fn labels(pair: [Option<&Draft>; 2]) -> Vec<(String, String)> {
    let mut labels: Vec<(String, String)> = Vec::new();
    for draft in pair.into_iter().flatten() {
        for row in &draft.rows {
            for (head, words) in &draft.heads {
                let key = place(draft, &row.key, head);
                if labels.iter().all(|(known, _)| *known != key) {
                    let words = match draft.heads.len() {
                        1 => row.label.clone(),
                        _ => format!("{}: {words}", row.label),
                    };
                    labels.push((key, words));
                }
            }
        }
    }
    labels
}

fn flat(draft: &Draft) -> BTreeMap<String, Cell> {
    let mut cells = BTreeMap::new();
    for row in &draft.rows {
        for ((head, _), cell) in draft.heads.iter().zip(&row.cells) {
            cells.insert(place(draft, &row.key, head), cell.clone());
        }
    }
    cells
}

fn place(draft: &Draft, row: &str, head: &str) -> String {
    match draft.heads.len() {
        1 => row.to_owned(),
        _ => format!("{row}.{head}"),
    }
}

/// Nothing where both agree, a factor for numbers, else a mark.
fn difference(first: &Cell, second: &Cell) -> Cell {
    let mark = |text: String, value: Value| Cell { text, value };
    if let (Some(a), Some(b)) = (first.value.as_f64(), second.value.as_f64()) {
        if a == b || (a - b).abs() <= SAME * a.abs().max(b.abs()) {
            return mark(String::new(), Value::Null);
        }
        let ratio = b / a;
        let text = match ratio {
            ratio if !ratio.is_finite() || ratio <= 0.0 => "≠".to_owned(),
            ratio if (0.5..2.0).contains(&ratio) => {
                let per_cent = Cell::number(100.0 * (ratio - 1.0)).text;
                let sign = if 1.0 < ratio { "+" } else { "" };
                format!("≠ {sign}{per_cent} %")
            }
            ratio => format!("≠ ×{}", Cell::number(ratio).text),
        };
        return mark(text, Value::Bool(true));
    }
    if first.value == second.value {
        mark(String::new(), Value::Null)
    } else {
        mark("≠".to_owned(), Value::Bool(true))
    }
}

/// What two datasets of one object see both; none where they do not lie in one frame.
pub(super) fn leak(first: &Dataset, second: &Dataset) -> Option<Draft> {
    let shape = first.object_shape();
    let is_one_object = match (first.object(), second.object()) {
        (Some(first), Some(second)) => first == second,
        _ => first.object().is_none() && shape == second.object_shape(),
    };
    if !is_one_object || first.n() != second.n() {
        return None;
    }
    let mut draft = Draft::list("leak", "Leakage");
    let found = shared(
        &support(first.probe().view()),
        first.positions_px(),
        second.positions_px(),
        shape,
    );
    draft.row(
        "n_first_px",
        "object pixels that the first sees",
        [Cell::count(found.n_train_px)],
    );
    draft.row(
        "n_second_px",
        "object pixels that the second sees",
        [Cell::count(found.n_test_px)],
    );
    draft.row(
        "n_shared_px",
        "object pixels that both see",
        [Cell::count(found.n_shared_px)],
    );
    let share = found.percent() / 100.0;
    draft.row(
        "shared_share",
        "of what the second sees",
        [Cell::share(share)],
    );
    if found.n_shared_px != 0 {
        draft.find(Verdict::Note, format!(
            "{} of what the second sees is seen by the first too: as training and test set they leak, and a guard band of \
             the probe's width would part them",
            Cell::share(share).text
        ));
    }
    draft.good =
        "Nothing of the object is seen by both: as training and test set they do not leak.".into();
    Some(draft)
}
