//! The tasks of a plan by their place: doses in rows, variants in columns, all others in rows of stages.

use std::collections::BTreeMap;

use ptycho_core::study::execute::TaskStatus;
use ptycho_core::study::plan::{Plan, TaskKind};

/// Where the tasks of a plan stand, by their numbers in it.
#[derive(Clone, Debug, Default)]
pub struct Matrix {
    /// `(doses, variants)`: tasks of each cell, in the plan's order.
    cells: Vec<Vec<Vec<usize>>>,
    /// Stages before the matrix: simulations and views.
    pub above: Vec<Stage>,
    /// Stages after it: comparisons, scenarios, figure.
    pub below: Vec<Stage>,
    /// The comparisons of each row, by view: of the test split where there is one.
    comparisons: Vec<BTreeMap<String, usize>>,
}

/// Tasks of one kind that belong to no variant.
#[derive(Clone, Debug)]
pub struct Stage {
    pub kind: TaskKind,
    pub tasks: Vec<usize>,
}

impl Matrix {
    /// Sort the tasks of a plan.
    pub fn new(plan: &Plan) -> Self {
        let columns: BTreeMap<_, _> = plan
            .variants
            .iter()
            .enumerate()
            .map(|(column, variant)| ((variant.view.as_str(), variant.arm.as_str()), column))
            .collect();
        let mut matrix = Self {
            cells: vec![vec![Vec::new(); plan.variants.len()]; plan.doses.len()],
            comparisons: vec![BTreeMap::new(); plan.doses.len()],
            ..Self::default()
        };
        let mut stages: BTreeMap<TaskKind, Vec<usize>> = BTreeMap::new();
        for (i, task) in plan.tasks.iter().enumerate() {
            let place = &task.place;
            let row = plan.doses.iter().position(|dose| place.dose == Some(*dose));
            let column = place.view.as_deref().zip(place.arm.as_deref());
            let column = column.and_then(|place| columns.get(&place));
            if let (Some(row), Some(column)) = (row, column) {
                matrix.cells[row][*column].push(i);
                continue;
            }
            if let (TaskKind::Compare, Some(row), Some(view)) = (task.kind, row, &place.view) {
                let is_test = place.split.as_deref() == Some("test");
                let of_row = &mut matrix.comparisons[row];
                if is_test || !of_row.contains_key(view) {
                    of_row.insert(view.clone(), i);
                }
            }
            stages.entry(task.kind).or_default().push(i);
        }
        for (kind, tasks) in stages {
            let stage = Stage { kind, tasks };
            match kind {
                TaskKind::Simulate | TaskKind::View => matrix.above.push(stage),
                _ => matrix.below.push(stage),
            }
        }
        matrix
    }

    /// The tasks of a cell.
    pub fn cell(&self, row: usize, column: usize) -> &[usize] {
        let of_row = self.cells.get(row).and_then(|cells| cells.get(column));
        of_row.map_or(&[], Vec::as_slice)
    }

    /// The comparison that a cell's numbers come from.
    pub fn comparison(&self, row: usize, view: &str) -> Option<usize> {
        self.comparisons.get(row)?.get(view).copied()
    }
}

/// The task that stands for a cell: the gravest, the first of these.
pub fn gravest(tasks: &[usize], states: &[TaskStatus]) -> Option<usize> {
    let mut found: Option<(usize, u8)> = None;
    for task in tasks {
        let Some(status) = states.get(*task) else {
            continue;
        };
        let gravity = status.state.gravity();
        if found.is_none_or(|(_, before)| before < gravity) {
            found = Some((*task, gravity));
        }
    }
    found.map(|(task, _)| task)
}
