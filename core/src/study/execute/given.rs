//! What a task was given: settings and inputs, so that it can be told what has changed since.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::study::plan::{Task, Work};

/// Fields that decide no result.
const NEUTRAL: [&str; 6] = [
    "n_threads",
    "device",
    "output",
    "resume",
    "runs",
    "checkpoint_interval_s",
];
/// More changes than these are counted only.
const N_SHOWN: usize = 3;

/// `given.json`: what a task was executed with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Given {
    /// What was executed, every setting.
    pub(super) work: Value,
    /// The tasks that it needed, with what they had come to.
    pub(super) inputs: Inputs,
}

/// What tasks had come to, by id.
pub(super) type Inputs = BTreeMap<String, Input>;

/// What a task had come to when another one took it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Input {
    /// Its key.
    pub(super) key: String,
    /// SHA-256 over names and hashes of its outputs.
    pub(super) sha256: String,
}

impl Given {
    pub(super) fn new(task: &Task, inputs: Inputs) -> Self {
        Self {
            work: value(&task.work),
            inputs,
        }
    }
}

/// As it reads back from a file, so that equal settings are equal values.
fn value(work: &Work) -> Value {
    let text = serde_json::to_string(work).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// Why a key has changed, in words: settings first, else the inputs whose keys have. `key_of` gives the present key of a task.
pub(super) fn why_stale<'a>(
    given: Option<&Given>,
    task: &Task,
    key_of: impl Fn(&str) -> Option<&'a str>,
) -> String {
    let Some(given) = given else {
        return "its settings have changed".to_owned();
    };
    let mut changes = Vec::new();
    differences("", &given.work, &value(&task.work), &mut changes);
    if !changes.is_empty() {
        let n_more = changes.len().saturating_sub(N_SHOWN);
        changes.truncate(N_SHOWN);
        let more = match n_more {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        return format!("settings have changed: {}{more}", changes.join(", "));
    }
    let is_changed =
        |id: &&String| given.inputs.get(*id).map(|input| input.key.as_str()) != key_of(id);
    let inputs: Vec<&str> = task
        .after
        .iter()
        .filter(is_changed)
        .map(String::as_str)
        .collect();
    if inputs.is_empty() {
        return "what decides its result has changed".to_owned();
    }
    format!(
        "the settings of its input have changed: {}",
        inputs.join(", ")
    )
}

/// Every field that differs, as `settings.epochs 50 -> 60`.
fn differences(path: &str, before: &Value, now: &Value, found: &mut Vec<String>) {
    if let (Value::Object(a), Value::Object(b)) = (before, now) {
        let mut names: Vec<&String> = a.keys().chain(b.keys()).collect();
        names.sort();
        names.dedup();
        for name in names {
            if NEUTRAL.contains(&name.as_str()) {
                continue;
            }
            // The outermost name is that of the kind.
            let of = |value: &serde_json::Map<String, Value>| value.get(name).cloned();
            let inner = match path {
                "" => "*".to_owned(),
                "*" => name.clone(),
                path => format!("{path}.{name}"),
            };
            let (a, b) = (of(a).unwrap_or_default(), of(b).unwrap_or_default());
            differences(&inner, &a, &b, found);
        }
    } else if before != now {
        found.push(format!("{path} {} -> {}", shown(before), shown(now)));
    }
}

/// A value in a few letters.
fn shown(value: &Value) -> String {
    const N_LETTERS: usize = 40;
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null => "none".to_owned(),
        value => value.to_string(),
    };
    if text.chars().count() <= N_LETTERS {
        return text;
    }
    let start: String = text.chars().take(N_LETTERS).collect();
    format!("{start}...")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_are_named_by_field_and_threads_are_none() {
        let of = |epochs: u32, n_threads: u32| json!({"train": {"settings": {"epochs": epochs, "lr": 1e-3}, "n_threads": n_threads}});
        let mut found = Vec::new();
        differences("", &of(50, 1), &of(60, 2), &mut found);
        assert_eq!(found, ["settings.epochs 50 -> 60"]);
        found.clear();
        differences("", &of(50, 1), &of(50, 2), &mut found);
        assert!(found.is_empty());
        differences("", &json!({"train": {}}), &of(5, 1), &mut found);
        assert_eq!(found, ["settings none -> {\"epochs\":5,\"lr\":0.001}"]);
    }
}
