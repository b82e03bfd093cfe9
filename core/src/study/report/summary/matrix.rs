//! Doses by variants, and stages, with where they stand.

use super::super::document::{Cell, Document, Table, Tone};
use super::super::gather::{Gathered, Seen, cause, state_word};
use crate::study::execute::TaskState;
use crate::study::plan::{TaskKind, dose_word};

pub(super) fn add(text: &mut Document, gathered: &Gathered<'_>) {
    text.heading(2, "What is done");
    let plan = gathered.plan;
    let mut table = Table::new(&["Dose"]);
    let heads = plan.variants.iter();
    table
        .head
        .extend(heads.map(|variant| format!("{}, {}", variant.arm, variant.view)));
    for &dose in &plan.doses {
        let cells = plan.variants.iter().map(|variant| {
            let tasks: Vec<_> = gathered.at(dose, &variant.view, &variant.arm).collect();
            cell(&tasks)
        });
        let head = Cell::words(dose_word(dose));
        table
            .rows
            .push(std::iter::once(head).chain(cells).collect());
    }
    if !plan.variants.is_empty() {
        text.table(table);
    }
    stages(text, gathered);
    causes(text, gathered);
}

/// The worst state of some tasks that belong together.
fn cell(tasks: &[&Seen<'_>]) -> Cell {
    let rank = |state: &TaskState| match state {
        TaskState::Failed(_) => 9,
        TaskState::Blocked(_) => 8,
        TaskState::Skipped(_) => 7,
        TaskState::Stale(_) => 6,
        TaskState::Cancelled => 5,
        TaskState::Interrupted => 4,
        TaskState::Running(_) => 3,
        TaskState::Waiting => 2,
        TaskState::Missing => 1,
        TaskState::Done => 0,
    };
    let worst = tasks.iter().max_by_key(|seen| rank(&seen.state));
    let Some(worst) = worst else {
        return Cell::words("–");
    };
    let tone = match worst.state {
        TaskState::Done => Tone::Good,
        TaskState::Failed(_) | TaskState::Blocked(_) => Tone::Bad,
        _ => Tone::Note,
    };
    Cell::words(state_word(&worst.state)).toned(tone)
}

/// How many tasks of each kind are done.
fn stages(text: &mut Document, gathered: &Gathered<'_>) {
    let mut table = Table::new(&["Stage", "Tasks", "Done", "Seconds"]);
    for kind in TaskKind::ALL {
        let tasks: Vec<&Seen<'_>> = gathered.of_kinds(&[kind]).collect();
        if tasks.is_empty() {
            continue;
        }
        let done: Vec<_> = tasks.iter().filter_map(|seen| seen.done()).collect();
        let seconds: f64 = done.iter().map(|record| record.seconds).sum();
        table.rows.push(vec![
            Cell::words(kind.title()),
            Cell::number(tasks.len().to_string()),
            Cell::number(done.len().to_string()),
            Cell::number(format!("{seconds:.1}")),
        ]);
    }
    text.table(table);
}

/// Tasks that are not done, with the cause.
fn causes(text: &mut Document, gathered: &Gathered<'_>) {
    let mut table = Table::new(&["Task", "State", "Cause"]);
    for seen in gathered
        .tasks
        .iter()
        .filter(|seen| seen.state != TaskState::Done)
    {
        let cells = [
            seen.task.id.as_str(),
            state_word(&seen.state),
            cause(&seen.state).unwrap_or_default(),
        ];
        table.rows.push(cells.map(Cell::words).into());
    }
    if !table.rows.is_empty() {
        text.heading(3, "Tasks without a result");
        text.table(table);
    }
}
