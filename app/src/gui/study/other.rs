//! Another study beside the one that is open: which settings differ, and how both came out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ptycho_core::study::design::Study;
use ptycho_core::study::execute::{TaskStatus, status};
use ptycho_core::study::plan::{Plan, TaskKind};
use serde_json::Value;

use super::super::generation::doses::dose_text;
use super::open::{OpenedStudy, PLAN_FILE};

/// Numbers by task and name, as `compare-1e4-full-test` and `lsqml.ssim.phase`.
pub type Numbers = BTreeMap<(String, String), f64>;

/// Another study, as read.
pub struct OtherStudy {
    /// File or folder as chosen.
    pub path: PathBuf,
    /// The study and what its run came to, or why it cannot be read.
    pub read: Result<(Study, Numbers), String>,
}

impl OtherStudy {
    /// Read a study file or run folder; `runs` is where the runs of a study file are looked for.
    pub fn read(path: PathBuf, runs: &Path) -> Self {
        let read = read(&path, runs).map_err(|error| error.to_string());
        Self { path, read }
    }
}

fn read(path: &Path, runs: &Path) -> ptycho_core::Result<(Study, Numbers)> {
    let opened = OpenedStudy::read(path)?;
    if let Some(problem) = opened.problem {
        let words = format!("{}: {}", path.display(), problem.words);
        return Err(ptycho_core::Error::Run(words));
    }
    let runs = opened.runs.unwrap_or_else(|| runs.to_path_buf());
    let study = opened.draft.study;
    let plan_file = runs.join(&study.name).join(PLAN_FILE);
    // A study that was never run has settings all the same.
    let numbers = Plan::load(&plan_file).and_then(|plan| Ok((status(&plan, &runs)?, plan)));
    let numbers = numbers.map_or_else(
        |_| Numbers::new(),
        |(tasks, plan)| numbers_of(&plan, &tasks),
    );
    Ok((study, numbers))
}

/// Losses and metrics of a run, by task.
pub fn numbers_of(plan: &Plan, tasks: &[TaskStatus]) -> Numbers {
    let is_wanted = |kind| {
        matches!(
            kind,
            TaskKind::Train | TaskKind::Reconstruct | TaskKind::Compare
        )
    };
    let mut numbers = Numbers::new();
    for (task, status) in plan.tasks.iter().zip(tasks) {
        let record = status.record.as_ref().filter(|_| is_wanted(task.kind));
        for (name, value) in record.iter().flat_map(|record| &record.numbers) {
            numbers.insert((task.id.clone(), name.clone()), *value);
        }
    }
    numbers
}

/// One setting that differs: its path, here, there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub key: String,
    pub here: String,
    pub there: String,
}

/// Every setting that differs, in the order of the file.
pub fn differences(here: &Study, there: &Study) -> Vec<Difference> {
    let (here, there) = (leaves(here), leaves(there));
    let absent = || "—".to_owned();
    let mut found: Vec<_> = here
        .iter()
        .filter_map(|(key, value)| {
            let other = value_of(&there, key);
            (other != Some(value)).then(|| Difference {
                key: key.clone(),
                here: value.clone(),
                there: other.cloned().unwrap_or_else(absent),
            })
        })
        .collect();
    let only_there = there
        .iter()
        .filter(|(key, _)| value_of(&here, key).is_none());
    found.extend(only_there.map(|(key, value)| Difference {
        key: key.clone(),
        here: absent(),
        there: value.clone(),
    }));
    found
}

fn value_of<'a>(leaves: &'a [(String, String)], key: &str) -> Option<&'a String> {
    let leaf = leaves.iter().find(|(known, _)| known == key);
    leaf.map(|(_, value)| value)
}

/// Every setting by its path, as `training.epochs` and `trainings[1].gridsizes`.
fn leaves(study: &Study) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if let Ok(value) = serde_json::to_value(study) {
        collect(&value, "", &mut found);
    }
    found
}

fn collect(value: &Value, path: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                collect(value, &path, found);
            }
        }
        Value::Array(rows) if rows.iter().any(Value::is_object) => {
            for (i, row) in rows.iter().enumerate() {
                collect(row, &format!("{path}[{}]", i + 1), found);
            }
        }
        Value::Array(values) => {
            let words: Vec<_> = values.iter().map(spelled).collect();
            found.push((path.to_owned(), words.join(", ")));
        }
        other => found.push((path.to_owned(), spelled(other))),
    }
}

fn spelled(value: &Value) -> String {
    match value {
        Value::String(words) => words.clone(),
        Value::Number(number) if number.is_f64() => {
            number.as_f64().map_or_else(String::new, dose_text)
        }
        other => other.to_string(),
    }
}
