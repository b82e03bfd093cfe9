//! What a reader has to know before the numbers, in words, the worst first.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::study::execute::TaskState;
use crate::study::plan::{TaskKind, dose_word};

use super::document::Tone;
use super::gather::{Gathered, state_word};
use super::guard::Guard;
use super::likeness::Likeness;
use super::metrics::number_words;
use super::results;
use super::skips::SkipSummary;
use super::trainings::{NetworkRecord, TrainingFlag, TrainingManifest};

/// A reconstruction that correlates less with the truth shows little of it.
const LEAST_LIKENESS: f64 = 0.5;

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) tone: Tone,
    pub(super) words: String,
}

fn bad(words: String) -> Finding {
    let tone = Tone::Bad;
    Finding { tone, words }
}

fn note(words: String) -> Finding {
    let tone = Tone::Note;
    Finding { tone, words }
}

/// What the findings are drawn from.
pub(super) struct Facts<'a> {
    pub(super) gathered: &'a Gathered<'a>,
    pub(super) trainings: &'a TrainingManifest,
    pub(super) skips: &'a SkipSummary,
    pub(super) guard: &'a Guard,
    pub(super) likeness: &'a [Likeness],
}

/// Failures, trainings, reconstructions, the guard rail, what was left out, what is open.
pub(super) fn findings(facts: &Facts<'_>) -> Vec<Finding> {
    let Facts {
        gathered,
        trainings,
        skips,
        guard,
        likeness,
    } = facts;
    let mut found = failures(gathered);
    found.extend(trainings.arms.iter().flat_map(of_training));
    found.extend(of_guard(guard));
    found.extend(refused(gathered));
    found.extend(likeness.iter().filter_map(of_likeness));
    found.extend(skips.skipped_views.iter().map(|skipped| {
        let dose = skipped
            .dose
            .map_or_else(String::new, |dose| format!(" at {}", dose_word(dose)));
        note(format!(
            "View {}{dose} was left out: {}",
            skipped.view, skipped.reason
        ))
    }));
    found.extend(other_skips(gathered));
    found.extend(open(gathered));
    found.extend(unlike(gathered));
    found
}

fn failures(gathered: &Gathered<'_>) -> Vec<Finding> {
    let failed = gathered.tasks.iter().filter_map(|seen| match &seen.state {
        TaskState::Failed(cause) => Some((&seen.task.id, cause)),
        _ => None,
    });
    failed
        .map(|(id, cause)| bad(format!("{id} failed: {cause}")))
        .collect()
}

fn of_training(network: &NetworkRecord) -> Vec<Finding> {
    let losses = &network.losses;
    let number = |loss: Option<f64>| loss.map_or_else(|| "unknown".to_owned(), number_words);
    let of_flag = |flag: &TrainingFlag| match flag {
        TrainingFlag::EndedAboveFirstLoss => bad(format!(
            "{} ended above its first loss: {} after {}",
            network.id,
            number(losses.loss_last),
            number(losses.loss_first)
        )),
        TrainingFlag::NoFiniteLoss => bad(format!("{} ended without a finite loss", network.id)),
        TrainingFlag::Flat => note(format!(
            "The network of {} draws a flat image: it shows nothing of the object",
            network.id
        )),
    };
    network.flags.iter().map(of_flag).collect()
}

fn of_guard(guard: &Guard) -> Vec<Finding> {
    match guard {
        Guard::None => Vec::new(),
        Guard::Unknown(cause) => vec![note(format!(
            "The losses could not be held against the reference: {cause}"
        ))],
        Guard::Checked(checked) => checked
            .failures()
            .map(|verdict| {
                let why = verdict.why.as_deref().unwrap_or_default();
                bad(format!(
                    "The loss guard rail fails for {}: {why}",
                    verdict.arm
                ))
            })
            .collect(),
    }
}

/// Arms that a comparison could not take, and those that began with the truth.
fn refused(gathered: &Gathered<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let done = gathered
        .of_kinds(&[TaskKind::Compare])
        .filter(|seen| seen.done().is_some());
    for seen in done {
        let report = results::report(seen);
        let all = |list: &Value| list.as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for refusal in all(&report["refused"]) {
            let (name, reason) = (text(&refusal["name"]), text(&refusal["reason"]));
            found.push(bad(format!(
                "{} could not take {name}: {reason}",
                seen.task.id
            )));
        }
        for arm in all(&report["inputs"]["arms"]) {
            if arm["started_from_truth"] == true {
                let name = text(&arm["name"]);
                found.push(bad(format!(
                    "{name} in {} began with the truth: it is no independent result",
                    seen.task.id
                )));
            }
        }
    }
    found
}

fn of_likeness(found: &Likeness) -> Option<Finding> {
    let best = found.best();
    let pearson = best.map_or_else(
        || "it was not compared".to_owned(),
        |best| format!("Pearson with the truth {}", number_words(best)),
    );
    let words = &found.words;
    if found.is_flat == Some(true) {
        return Some(note(format!("{words} is flat: {pearson}")));
    }
    let is_little = best.is_some_and(|best| best < LEAST_LIKENESS);
    is_little.then(|| note(format!("{words} shows little of the object: {pearson}")))
}

/// What cannot be done for another reason than its view.
fn other_skips(gathered: &Gathered<'_>) -> Vec<Finding> {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for seen in &gathered.tasks {
        if let TaskState::Skipped(reason) = &seen.state
            && seen.task.kind != TaskKind::View
        {
            reasons.entry(reason).or_default().push(&seen.task.id);
        }
    }
    let words = reasons.into_iter();
    words
        .map(|(reason, ids)| note(format!("Left out: {}: {reason}", ids.join(", "))))
        .collect()
}

/// How much of the study is not done, in one sentence.
fn open(gathered: &Gathered<'_>) -> Option<Finding> {
    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    for seen in &gathered.tasks {
        if !matches!(
            seen.state,
            TaskState::Done | TaskState::Skipped(_) | TaskState::Failed(_)
        ) {
            *states.entry(state_word(&seen.state)).or_default() += 1;
        }
    }
    let n: usize = states.values().sum();
    let words: Vec<_> = states
        .iter()
        .map(|(state, n)| format!("{n} {state}"))
        .collect();
    (0 < n).then(|| {
        note(format!(
            "{n} of {} tasks are without a result: {}",
            gathered.tasks.len(),
            words.join(", ")
        ))
    })
}

/// Versions or devices that differ between tasks: numbers may then differ in their last digits.
fn unlike(gathered: &Gathered<'_>) -> Vec<Finding> {
    let records = || gathered.tasks.iter().filter_map(|seen| seen.done());
    let mut versions: Vec<&str> = records().map(|record| record.version.as_str()).collect();
    let mut devices: Vec<&str> = records()
        .filter(|record| matches!(record.kind, TaskKind::Train | TaskKind::Infer))
        .map(|record| record.device[0].as_str())
        .collect();
    let mut found = Vec::new();
    for (what, names) in [
        ("versions of the program", &mut versions),
        ("devices", &mut devices),
    ] {
        names.sort_unstable();
        names.dedup();
        if 1 < names.len() {
            found.push(note(format!(
                "The tasks were done by different {what}: {}",
                names.join(", ")
            )));
        }
    }
    found
}

/// What the tasks noted: what turned out other than asked for, what a view came to; the same note of several tasks once.
pub(super) fn deviations(gathered: &Gathered<'_>) -> Vec<String> {
    let mut notes: Vec<(String, Vec<&str>)> = Vec::new();
    for seen in &gathered.tasks {
        let Some(record) = seen.done() else { continue };
        let mut own = record.notes.clone();
        if seen.task.kind == TaskKind::Compare {
            let report = results::report(seen);
            let told = report["notes"].as_array().into_iter().flatten();
            own.extend(told.filter_map(|words| Some(words.as_str()?.to_owned())));
        }
        for words in own {
            match notes.iter_mut().find(|(other, _)| *other == words) {
                Some((_, ids)) => ids.push(&seen.task.id),
                None => notes.push((words, vec![&seen.task.id])),
            }
        }
    }
    let told = notes.into_iter();
    told.map(|(words, ids)| format!("{}: {words}", ids.join(", ")))
        .collect()
}
