//! Keys: what decides the result of a task, as one hash.

use serde::Serialize;

use super::TaskKind;
use crate::disk::sha256_hex;
use crate::error::{Error, Result};

/// To be raised when tasks of a kind come to yield something else for the same settings; in the order of
/// [`TaskKind::ALL`].
const REVISIONS: [u32; TaskKind::ALL.len()] = [1; TaskKind::ALL.len()];

/// SHA-256 of the kind, the settings, and the keys of the tasks that are needed.
///
/// Settings hold no path, name, thread or device: where something comes from a file, its content's hash stands for it.
pub(super) fn key(kind: TaskKind, settings: &impl Serialize, after: &[&str]) -> Result<String> {
    let revision = REVISIONS[kind as usize];
    hash(&(kind, revision, settings, after))
}

/// SHA-256 of all keys.
pub(super) fn hash(value: &impl Serialize) -> Result<String> {
    let text = serde_json::to_vec(value)
        .map_err(|error| Error::Run(format!("cannot hash the settings of a task: {error}")))?;
    Ok(sha256_hex(&text))
}
