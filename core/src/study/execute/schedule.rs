//! Which tasks are done, and in which order.

use super::Selection;
use crate::error::{Error, Result};
use crate::study::plan::{Plan, Task, TaskKind};

/// For every task of the plan whether a selection wants it; what is wanted needs its inputs.
///
/// # Errors
/// [`Error::Invalid`] for a word that names nothing of the plan, or words that together leave nothing.
pub(super) fn wanted(plan: &Plan, selection: &Selection) -> Result<Vec<bool>> {
    check(plan, selection)?;
    let mut wanted: Vec<bool> = plan
        .tasks
        .iter()
        .map(|task| is_chosen(task, selection))
        .collect();
    if !plan.tasks.is_empty() && !wanted.contains(&true) {
        let expected = "a task that all of --only, --dose, --view and --gridsize name";
        let error = Error::invalid("select tasks", "selection", expected, "none");
        return Err(error.with_fix("leave one of them out"));
    }
    // A task stands after those that it needs.
    for place in (0..plan.tasks.len()).rev() {
        if wanted[place] {
            for needed in &plan.tasks[place].after {
                if let Some(needed) = place_of(plan, needed) {
                    wanted[needed] = true;
                }
            }
        }
    }
    Ok(wanted)
}

pub(super) fn place_of(plan: &Plan, id: &str) -> Option<usize> {
    plan.tasks.iter().position(|task| task.id == id)
}

/// The tasks in the order in which they are done: for each of `first`, the newest wish before the others, what it needs and
/// itself; then all as the plan has them.
pub(super) fn order(plan: &Plan, first: &[String]) -> Vec<usize> {
    let mut order = Vec::with_capacity(plan.tasks.len());
    for id in first.iter().rev() {
        let only = Selection {
            only: vec![id.clone()],
            ..Selection::default()
        };
        // A wish for what is not there is none.
        let needed = wanted(plan, &only).unwrap_or_default();
        order.extend((0..needed.len()).filter(|place| needed[*place]));
    }
    order.extend(0..plan.tasks.len());
    let mut is_taken = vec![false; plan.tasks.len()];
    order.retain(|place| !std::mem::replace(&mut is_taken[*place], true));
    order
}

fn is_chosen(task: &Task, selection: &Selection) -> bool {
    let Selection {
        only,
        doses,
        views,
        gridsizes,
    } = selection;
    fn among<T: PartialEq>(wanted: &[T], value: Option<&T>) -> bool {
        wanted.is_empty() || value.is_some_and(|value| wanted.contains(value))
    }
    let is_named = |word: &String| *word == task.id || *word == task.kind.word();
    (only.is_empty() || only.iter().any(is_named))
        && among(doses, task.place.dose.as_ref())
        && among(views, task.place.view.as_ref())
        && among(gridsizes, task.place.gridsize.as_ref())
}

fn check(plan: &Plan, selection: &Selection) -> Result<()> {
    fn unknown(key: &str, found: &str, known: Vec<String>) -> Error {
        let mut names: Vec<String> = Vec::new();
        for name in known {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Error::invalid(
            "select tasks",
            key,
            format!("one of {}", names.join(", ")),
            found,
        )
    }
    let tasks = &plan.tasks;
    for word in &selection.only {
        let is_known = |task: &Task| task.id == *word || task.kind.word() == word;
        if !tasks.iter().any(is_known) {
            let kinds = TaskKind::ALL.into_iter().map(|kind| kind.word().to_owned());
            let ids = tasks.iter().map(|task| task.id.clone());
            return Err(unknown("only", word, kinds.chain(ids).collect()));
        }
    }
    let among = |found: String, of: &dyn Fn(&Task) -> Option<String>, key: &str| {
        let known: Vec<String> = tasks.iter().filter_map(of).collect();
        if known.contains(&found) {
            return Ok(());
        }
        Err(unknown(key, &found, known))
    };
    for dose in &selection.doses {
        let of = |task: &Task| task.place.dose.map(|dose| format!("{dose:e}"));
        among(format!("{dose:e}"), &of, "dose")?;
    }
    for view in &selection.views {
        among(view.clone(), &|task| task.place.view.clone(), "view")?;
    }
    for gridsize in &selection.gridsizes {
        let of = |task: &Task| task.place.gridsize.map(|gridsize| gridsize.to_string());
        among(gridsize.to_string(), &of, "gridsize")?;
    }
    Ok(())
}
