//! What stands in the way of a training, and what is worth knowing before it.

use ptycho_core::study::train::TrainPlan;

use super::super::command::Action;
use super::super::document::{Check, CheckState, Scan};
use super::super::meter::seconds_text;
use super::{Planned, Training};
use crate::units::bytes_text;
use crate::words::{sentence, with_separators};

/// Every line of the list.
pub fn preflight(training: &Training, scan: &Scan, n_threads: usize) -> Vec<Check> {
    let mut checks = Vec::new();
    let draft = &training.draft;
    if draft.is_of_scan && scan.dataset.is_none() {
        let text = match (&scan.source, &scan.problem) {
            (None, _) => "No scan is open: open one, or name a training file.".to_owned(),
            (Some(_), Some(problem)) => problem.clone(),
            (Some(_), None) => "The scan is being read.".to_owned(),
        };
        checks.push(Check::new(CheckState::Blocking, text).with_fix(Action::OpenFile));
        return checks;
    }
    let Some(train) = training.train(scan) else {
        let text = "Name a training file.";
        return vec![Check::new(CheckState::Blocking, text)];
    };
    if !training.is_plan_current(scan, n_threads) {
        let text = "Looking what the training would be…";
        return vec![Check::new(CheckState::Blocking, text)];
    }
    let Some(planned) = &training.planned else {
        return checks;
    };
    match &planned.plan {
        Err(problem) => checks.push(Check::new(CheckState::Blocking, problem.words.clone())),
        Ok(plan) => checks.extend(plan_checks(training, planned, plan)),
    }
    if training.is_in_memory(scan) {
        let text = format!(
            "The scan is only in memory: it is written to {} first.",
            train.display()
        );
        checks.push(Check::new(CheckState::Good, text));
    }
    checks.extend(folder_check(training, scan));
    checks
}

fn plan_checks(training: &Training, planned: &Planned, plan: &TrainPlan) -> Vec<Check> {
    let settings = &training.draft.settings;
    let (c, n) = (settings.c(), plan.n);
    let good = |text| Check::new(CheckState::Good, text);
    let grouped = if c == 1 {
        "single patterns".to_owned()
    } else {
        format!("groups of {c} patterns")
    };
    let mut checks = vec![
        good(format!(
            "{} {grouped} for training and {} for validation, from {} patterns of {n}×{n}.",
            plan.n_groups, plan.n_validation_groups, plan.n_patterns
        )),
        good(format!(
            "{} steps: {} epochs of {} with {} groups each.",
            plan.n_steps, settings.epochs, plan.steps_per_epoch, settings.batch_size
        )),
        canvas(plan),
        time(plan),
        memory(planned, plan),
    ];
    let notes = plan.notes.iter();
    checks.extend(notes.map(|note| Check::new(CheckState::Warning, sentence(note))));
    checks
}

/// Whether every group fits into its canvas, which it does by how the canvas is found.
fn canvas(plan: &TrainPlan) -> Check {
    let [row, column] = plan.largest_offset_px;
    let largest = row.max(column);
    let room = (plan.canvas_px.saturating_sub(plan.n)) as f64 / 2.0;
    let words = format!(
        "Canvas {0}×{0} px, patterns reach {row:.1} and {column:.1} px from the middle of their group",
        plan.canvas_px
    );
    if largest <= room {
        Check::new(CheckState::Good, format!("{words}: it fits."))
    } else {
        let text = format!("{words}, but only {room:.1} px have room. Take fewer neighbors.");
        Check::new(CheckState::Blocking, text)
    }
}

fn time(plan: &TrainPlan) -> Check {
    let parameters = format!("{} parameters", with_separators(plan.n_parameters));
    let (device, why) = (&plan.device, &plan.device_reason);
    let text = match plan.seconds_estimated {
        Some(seconds) => {
            let time = seconds_text(seconds);
            format!("{parameters}, about {time} on {device}: {why}.")
        }
        None => format!("{parameters} on {device}: {why}. How long is told after the first steps."),
    };
    Check::new(CheckState::Good, text)
}

fn memory(planned: &Planned, plan: &TrainPlan) -> Check {
    let words = format!("About {} of memory", bytes_text(plan.n_bytes));
    let fix = "Choose a smaller batch size or filters scale";
    Check::of_memory(&words, (plan.n_bytes, planned.free_bytes), fix)
}

/// A run is never written over.
fn folder_check(training: &Training, scan: &Scan) -> Option<Check> {
    let output = training.output(scan)?;
    let is_taken = training.is_claimed(&output) || holds_something(&output);
    is_taken.then(|| {
        let text = format!(
            "The run folder holds something already: {}. Choose another, or resume that run.",
            output.display()
        );
        Check::new(CheckState::Blocking, text)
    })
}

fn holds_something(folder: &std::path::Path) -> bool {
    folder.is_file() || std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}
