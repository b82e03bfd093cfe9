//! What the commands that compute have in common: where each setting comes from, room in memory, how a run ended.

use ptycho_core::error::Result;
use ptycho_core::fields::Fields;
use ptycho_core::iterative::{EngineKind, IterativeSettings};
use ptycho_core::job::StopReason;
use ptycho_core::study::memory::available_bytes;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Exit, Session, print_json, say};
use crate::cli::settings::Flags;

/// The settings that a run has, and where they come from: flag before resumed run before default.
pub(super) struct Effective<'a, T> {
    pub(super) flags: &'a Flags<T>,
    pub(super) settings: &'a T,
    pub(super) is_resumed: bool,
    /// The engine, of those that do not use every field.
    pub(super) engine: Option<EngineKind>,
}

impl<T: Fields + Serialize> Effective<'_, T> {
    fn origin(&self, name: &str) -> &'static str {
        match (self.flags.is_given(name), self.is_resumed) {
            (true, _) => "flag",
            (false, true) => "resumed run",
            (false, false) => "default",
        }
    }

    /// Every setting with its value and where it comes from.
    pub(super) fn to_json(&self) -> Value {
        let mut values = json!(self.settings);
        let entries = T::fields().iter().map(|field| {
            let entry =
                json!({"value": values[field.name].take(), "origin": self.origin(field.name)});
            (field.name.to_owned(), entry)
        });
        Value::Object(entries.collect::<Map<_, _>>())
    }

    /// One line for each origin.
    pub(super) fn say(&self, session: &Session) {
        for origin in ["flag", "resumed run", "default"] {
            let own = T::fields()
                .iter()
                .filter(|field| self.origin(field.name) == origin)
                .filter(|field| self.engine.is_none_or(|engine| engine.uses(field.name)));
            let words: Vec<_> = own
                .filter_map(|field| {
                    let value = self.settings.get(field.name)?;
                    Some(format!("{} {value}", field.flag()))
                })
                .collect();
            if !words.is_empty() {
                session.say(format_args!("{origin}: {}", words.join(", ")));
            }
        }
    }
}

/// A word on every flag that was given and means nothing to this engine.
pub(super) fn say_unused(flags: &Flags<IterativeSettings>, engine: EngineKind, session: &Session) {
    for field in flags.given().filter(|field| !engine.uses(field.name)) {
        let (flag, engine) = (field.flag(), engine.title());
        session.say(format_args!("note: --{flag} means nothing to {engine}"));
    }
}

/// Whether less memory is free than `what` needs; told where it is, for then nothing starts without `--force`.
///
/// # Errors
/// If standard output cannot be written.
pub(super) fn lacks_memory(what: &str, needed: u64, is_json: bool) -> Result<bool> {
    let Some(available) = available_bytes().filter(|available| *available < needed) else {
        return Ok(false);
    };
    let words = format!(
        "the {what} needs about {:.1} GB and {:.1} GB are free; fix: a smaller --batch-size, \
         or --force to try it",
        needed as f64 / 1e9,
        available as f64 / 1e9
    );
    say(format_args!("error: {words}"));
    if is_json {
        print_json(&json!({"error": words, "exit_code": Exit::GuardRail as u8}))?;
    }
    Ok(true)
}

/// The code for how a run ended.
pub(super) fn exit_of(reason: &StopReason) -> Exit {
    match reason {
        StopReason::Finished => Exit::Done,
        StopReason::Cancelled => Exit::Interrupted,
        StopReason::Diverged { .. } => Exit::Failed,
        StopReason::TimedOut => Exit::GuardRail,
    }
}

/// A number of a summary, or that there is none.
pub(super) fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| format!("{value:.6}"))
}

/// One line for each name with its value.
pub(super) fn in_lines(rows: &[(&str, String)]) -> String {
    let lines = rows
        .iter()
        .map(|(name, value)| format!("{name:<10}  {value}\n"));
    lines.collect()
}
