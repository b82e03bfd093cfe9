//! How a run went: how it ended, its first number that was not finite, its losses, whether it collapsed.

use serde_json::Value;

use super::Verdict;
use super::subject::{Iterative, Training};
use super::table::{Cell, Draft};
use crate::job::StopReason;
use crate::nn::TrainingHistory;
use crate::study::run::in_words;
use crate::study::store::{RunFolder, RunState};

/// What the records of any run tell of its end.
struct End<'a> {
    state: RunState,
    reason: Option<&'a StopReason>,
    error: Option<&'a str>,
    wanted: usize,
    done: usize,
}

/// Where a run first had a number that was not finite: epoch counted from 1, step too where it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct NonFinite {
    epoch: usize,
    step: Option<usize>,
}

/// The course of a training.
pub(super) fn of_training(training: &Training) -> Draft {
    let Training { manifest, .. } = training;
    let mut draft = Draft::list("course", "Course of the run");
    let end = End {
        state: manifest.state,
        reason: manifest.reason.as_ref(),
        error: manifest.error.as_deref(),
        wanted: manifest.task.settings.epochs,
        done: manifest.epochs_done,
    };
    add_end(&mut draft, &end);
    match &training.history {
        Err(words) => {
            let verdict = match manifest.state {
                RunState::Running => Verdict::Note,
                RunState::Ended | RunState::Failed => Verdict::Bad,
            };
            draft.find(verdict, format!("the course cannot be read: {words}"));
            add_non_finite(&mut draft, diverged(end.reason));
        }
        Ok(history) => {
            let batch = manifest.task.settings.batch_size.max(1);
            let steps = manifest.n_groups.div_ceil(batch).max(1);
            let found = first_non_finite(history, steps, 0 < manifest.n_validation_groups);
            add_non_finite(&mut draft, found.or_else(|| diverged(end.reason)));
            let losses: Vec<_> = history.epochs.iter().map(|epoch| epoch.loss).collect();
            let name = history.loss_name.to_uppercase();
            add_losses(&mut draft, &losses, &name, end.done);
            add_training(&mut draft, history);
        }
    }
    add_log(&mut draft, &training.folder);
    for note in &manifest.notes {
        draft.find(Verdict::Note, format!("told at the start: {note}"));
    }
    draft.good =
        "The run ended as it should, every number of it finite, its loss lower than at the start."
            .into();
    draft
}

/// The course of an iterative reconstruction.
pub(super) fn of_iterative(iterative: &Iterative) -> Draft {
    let Iterative { manifest, .. } = iterative;
    let mut draft = Draft::list("course", "Course of the run");
    let end = End {
        state: manifest.state,
        reason: manifest.reason.as_ref(),
        error: manifest.error.as_deref(),
        wanted: manifest.task.settings.epochs,
        done: manifest.epochs_done,
    };
    add_end(&mut draft, &end);
    match &iterative.history {
        Err(words) => {
            draft.find(Verdict::Bad, format!("the course cannot be read: {words}"));
            add_non_finite(&mut draft, diverged(end.reason));
        }
        Ok(history) => {
            let found = history.loss.iter().position(Option::is_none);
            let found = found.map(|at| NonFinite {
                epoch: at + 1,
                step: None,
            });
            add_non_finite(&mut draft, found.or_else(|| diverged(end.reason)));
            add_losses(&mut draft, &history.loss, "loss", end.done);
        }
    }
    if manifest.object_start.contains("objectGuess") {
        draft.find(Verdict::Note, "the object started from the file's objectGuess: a start from the truth is no reconstruction");
    }
    add_log(&mut draft, iterative.folder.path());
    draft.good =
        "The run ended as it should, every number of it finite, its loss lower than at the start."
            .into();
    draft
}

fn add_end(draft: &mut Draft, end: &End<'_>) {
    let how = match (end.state, end.reason) {
        (RunState::Running, _) => "not ended".to_owned(),
        (_, Some(reason)) => in_words(reason),
        (RunState::Failed, None) => "failed".to_owned(),
        (RunState::Ended, None) => "ended".to_owned(),
    };
    draft.row("ended", "how it ended", [Cell::words(how.clone())]);
    draft.row(
        "epochs_wanted",
        "epochs asked for",
        [Cell::count(end.wanted)],
    );
    draft.row("epochs_done", "epochs done", [Cell::count(end.done)]);
    match (end.state, end.reason, end.error) {
        (_, _, Some(error)) => draft.find(Verdict::Bad, format!("it failed: {error}")),
        (RunState::Failed, ..) => draft.find(Verdict::Bad, "it failed"),
        (RunState::Running, ..) => {
            draft.find(
                Verdict::Note,
                "it has not ended: it still runs, or it was killed",
            );
        }
        (_, Some(StopReason::Diverged { .. }), _) => draft.find(Verdict::Bad, how),
        (_, Some(StopReason::Cancelled | StopReason::TimedOut), _) => {
            draft.find(Verdict::Note, how);
        }
        (RunState::Ended, ..) => {}
    }
}

fn diverged(reason: Option<&StopReason>) -> Option<NonFinite> {
    match reason {
        Some(StopReason::Diverged { epoch, .. }) => Some(NonFinite {
            epoch: *epoch,
            step: None,
        }),
        _ => None,
    }
}

/// The first step, or where steps are finite the first epoch, with a number that was not finite.
fn first_non_finite(
    history: &TrainingHistory,
    steps_per_epoch: usize,
    has_validation: bool,
) -> Option<NonFinite> {
    let is_bad = |step: &crate::nn::StepRecord| {
        step.loss.is_none() || step.objective.is_none() || step.gradient_norm.is_none()
    };
    let step = history.steps.iter().position(is_bad);
    let of_step = step.map(|at| NonFinite {
        epoch: at / steps_per_epoch + 1,
        step: Some(at + 1),
    });
    let bad = |epoch: &&crate::nn::EpochRecord| {
        epoch.loss.is_none() || (has_validation && epoch.validation.is_none())
    };
    let of_epoch = history.epochs.iter().find(bad).map(|record| NonFinite {
        epoch: record.epoch,
        step: None,
    });
    match (of_step, of_epoch) {
        (Some(of_step), Some(of_epoch)) if of_epoch.epoch < of_step.epoch => Some(of_epoch),
        (of_step, of_epoch) => of_step.or(of_epoch),
    }
}

fn add_non_finite(draft: &mut Draft, found: Option<NonFinite>) {
    let cell = |n: Option<usize>| n.map_or_else(Cell::none, Cell::count);
    let epoch = found.map(|found| found.epoch);
    let step = found.and_then(|found| found.step);
    draft.row(
        "first_non_finite_epoch",
        "first epoch with a number that is not finite",
        [cell(epoch)],
    );
    draft.row(
        "first_non_finite_step",
        "first step, counted over all epochs",
        [cell(step)],
    );
    if let Some(epoch) = epoch {
        let step = step.map_or_else(String::new, |step| format!(", step {step}"));
        draft.find(Verdict::Bad, format!(
            "the first number that was not finite came in epoch {epoch}{step}; a lower learning rate, more warm-up or a \
             clip norm may help"
        ));
    }
}

fn add_losses(draft: &mut Draft, losses: &[Option<f64>], name: &str, done: usize) {
    let (first, last) = (
        losses.first().copied().flatten(),
        losses.last().copied().flatten(),
    );
    draft.row(
        "loss_first",
        format!("{name} of the first epoch"),
        [Cell::maybe(first)],
    );
    draft.row(
        "loss_last",
        format!("{name} of the last epoch"),
        [Cell::maybe(last)],
    );
    match (first, last) {
        (Some(first), Some(last)) if 1 < losses.len() && first <= last => {
            draft.find(
                Verdict::Note,
                "the loss is no lower at the end than after the first epoch",
            );
        }
        _ if losses.is_empty() && done == 0 => draft.find(Verdict::Note, "no epoch was finished"),
        _ => {}
    }
}

fn add_training(draft: &mut Draft, history: &TrainingHistory) {
    let last = history.epochs.last();
    let of_last = |of: fn(&crate::nn::EpochRecord) -> Option<f64>| Cell::maybe(last.and_then(of));
    draft.row(
        "validation_last",
        "validation after the last epoch",
        [of_last(|epoch| epoch.validation)],
    );
    let best = history.best_epoch.map_or_else(Cell::none, Cell::count);
    draft.row("best_epoch", "best epoch", [best]);
    let norms = history.steps.iter().filter_map(|step| step.gradient_norm);
    let greatest = norms.reduce(f64::max);
    draft.row(
        "gradient_norm_max",
        "greatest norm of a gradient",
        [Cell::maybe(greatest)],
    );
    draft.row(
        "amplitude_mean",
        "amplitude drawn, mean",
        [of_last(|epoch| epoch.amplitude_mean)],
    );
    draft.row(
        "amplitude_spread",
        "amplitude drawn, spread",
        [of_last(|epoch| epoch.amplitude_spread)],
    );
    draft.row(
        "pattern_correlation",
        "differences of patterns that are predicted, as a correlation",
        [of_last(|epoch| epoch.pattern_correlation)],
    );
    let collapsed = history.epochs.iter().find(|epoch| epoch.collapsed);
    let epoch = collapsed.map_or_else(Cell::none, |epoch| Cell::count(epoch.epoch));
    draft.row("collapsed_epoch", "first epoch as a flat image", [epoch]);
    let Some(collapsed) = collapsed.map(|epoch| epoch.epoch) else {
        return;
    };
    if last.is_some_and(|last| last.collapsed) {
        draft.find(Verdict::Bad, format!(
            "the network has collapsed to a flat image, first in epoch {collapsed}: try another seed, a lower learning rate \
             or more warm-up"
        ));
    } else {
        draft.find(
            Verdict::Note,
            format!("it was a flat image in epoch {collapsed}, and recovered"),
        );
    }
}

/// What the run wrote down as warnings and errors.
fn add_log(draft: &mut Draft, folder: &std::path::Path) {
    let text = std::fs::read_to_string(RunFolder::log_file_in(folder)).unwrap_or_default();
    let lines = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let grave: Vec<Value> = lines
        .filter(|line| line["level"] == "WARN" || line["level"] == "ERROR")
        .collect();
    draft.row(
        "log_warnings",
        "warnings and errors in run.log",
        [Cell::count(grave.len())],
    );
    if let Some(message) = grave.first().and_then(|line| line["message"].as_str()) {
        draft.find(Verdict::Note, format!("run.log says: {message}"));
    }
}
