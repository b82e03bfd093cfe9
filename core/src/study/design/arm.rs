//! Arms of iterative engines: their names, and what they have in place of the study's settings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Engines;
use crate::error::{Error, Result};
use crate::fields::{AUTO, Field, Fields as _, Kind, Value};
use crate::iterative::IterativeSettings;

impl Engines {
    /// The name of its arm: its own, or that of the engine, as `lsqml`.
    pub fn arm(&self) -> &str {
        self.name.as_deref().unwrap_or_else(|| self.engine.name())
    }

    /// Whether it has a name or settings of its own.
    pub fn has_own(&self) -> bool {
        self.name.is_some() || !self.settings.is_empty()
    }

    /// What the arm is, in words: the engine, and what differs from the study's settings, as `LSQML; probe-modes 2`.
    pub fn words(&self) -> String {
        let own = self.settings.iter();
        std::iter::once(self.engine.title().to_owned())
            .chain(own.map(|(field, value)| field.told(value)))
            .collect::<Vec<_>>()
            .join("; ")
    }
}

/// Values of fields of [`IterativeSettings`] that one arm has in place of the study's; every other field is the study's.
///
/// A value may be that of the study too: it then stays when the study's is changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(
    try_from = "BTreeMap<String, Spelled>",
    into = "BTreeMap<String, Spelled>"
)]
pub struct OwnSettings(BTreeMap<&'static str, Value>);

impl OwnSettings {
    /// Whether the arm has all settings of the study.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fields with their values, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Field, Value)> {
        let fields = IterativeSettings::fields().iter();
        fields.filter_map(|field| Some((field, self.get(field.name)?)))
    }

    /// The arm's own value of the field called `name`.
    pub fn get(&self, name: &str) -> Option<Value> {
        self.0.get(name).copied()
    }

    /// Give the field called `name` a value of the arm's own.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is no such field, or the value is of another kind or out of range.
    pub fn set(&mut self, name: &str, value: Value) -> Result<()> {
        let mut taken = IterativeSettings::default();
        taken.set(name, value)?;
        // As the settings have it: a whole number given for a real one is real.
        if let (Some(field), Some(value)) = (field_named(name), taken.get(name)) {
            self.0.insert(field.name, value);
        }
        Ok(())
    }

    /// Let the field called `name` be the study's again.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// The settings of the arm: the study's, with these values in place of its own.
    ///
    /// # Errors
    /// None for values that [`OwnSettings::set`] took, which all are.
    pub fn over(&self, study: &IterativeSettings) -> Result<IterativeSettings> {
        let mut settings = study.clone();
        for (name, value) in &self.0 {
            settings.set(name, *value)?;
        }
        Ok(settings)
    }
}

fn field_named(name: &str) -> Option<&'static Field> {
    let mut fields = IterativeSettings::fields().iter();
    fields.find(|field| field.name == name)
}

/// A value as files have it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Spelled {
    Toggle(bool),
    Integer(u64),
    Real(f64),
    Word(String),
}

impl From<OwnSettings> for BTreeMap<String, Spelled> {
    fn from(own: OwnSettings) -> Self {
        let spelled = |value| match value {
            Value::Toggle(value) => Spelled::Toggle(value),
            Value::Integer(value) => Spelled::Integer(value),
            Value::Real(value) => Spelled::Real(value),
            Value::Choice(word) => Spelled::Word(word.to_owned()),
        };
        let own = own.0.into_iter();
        own.map(|(name, value)| (name.to_owned(), spelled(value)))
            .collect()
    }
}

impl TryFrom<BTreeMap<String, Spelled>> for OwnSettings {
    type Error = Error;

    fn try_from(spelled: BTreeMap<String, Spelled>) -> Result<Self> {
        let mut own = Self::default();
        for (name, value) in spelled {
            let value = match value {
                Spelled::Toggle(value) => Value::Toggle(value),
                Spelled::Integer(value) => Value::Integer(value),
                Spelled::Real(value) => Value::Real(value),
                Spelled::Word(word) => Value::Choice(known_word(&name, &word)?),
            };
            own.set(&name, value)?;
        }
        Ok(own)
    }
}

/// The word of a field's choice that reads as this one.
fn known_word(name: &str, word: &str) -> Result<&'static str> {
    let field = field_named(name);
    let known = match field.map(|field| field.kind) {
        Some(Kind::Choice(choices)) => choices
            .iter()
            .map(|choice| choice.name)
            .find(|known| *known == word),
        Some(Kind::AutoReal) if word == AUTO => Some(AUTO),
        _ => None,
    };
    known.ok_or_else(|| {
        let expected = field.map_or_else(
            || "a field of the iterative settings".to_owned(),
            Field::expected,
        );
        Error::invalid("read the settings of an arm", name, expected, word)
    })
}
