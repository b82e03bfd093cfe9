//! The numbers of all comparisons as one list, from which table, JSON and Markdown are made: they cannot disagree.

mod csv;
mod json;
mod rows;
mod tables;

use std::collections::BTreeMap;

use crate::metrics::definitions::{Better, DEFINITIONS, Definition};
use crate::study::compare::export::EXTRA_DEFINITIONS;
use crate::study::execute::TaskRecord;
use crate::study::plan::TaskKind;

use super::gather::Gathered;
pub(super) use csv::csv;
pub(super) use json::json;
pub(super) use rows::{Row, Statistic, rows};
pub(super) use tables::{
    BEYOND_NYQUIST, document, mean_difference_tables, mean_tables, number_words, value_tables,
};

/// Arms that the others are told to differ from.
pub(super) const REFERENCES: [&str; 2] = ["baseline", "lsqml"];

/// What a number is of, in the order of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Phase,
    Amplitude,
    Whole,
}

impl Part {
    pub(super) const ALL: [Self; 3] = [Self::Phase, Self::Amplitude, Self::Whole];

    /// Its word in files.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Phase => "phase",
            Self::Amplitude => "amplitude",
            Self::Whole => "value",
        }
    }

    /// Its heading.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Phase => "Phase",
            Self::Amplitude => "Amplitude",
            Self::Whole => "Object as a whole",
        }
    }

    fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.word() == word)
    }
}

/// Which number: sorted as tables have them, the phase first, then in the order of the definitions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) part: Part,
    order: usize,
    pub(super) name: String,
}

impl Key {
    pub(super) fn new(name: &str, part: Part) -> Self {
        let order = DEFINITIONS
            .iter()
            .position(|definition| definition.key == name);
        Self {
            part,
            order: order.unwrap_or(DEFINITIONS.len()),
            name: name.to_owned(),
        }
    }

    fn definition(&self) -> Option<&'static Definition> {
        DEFINITIONS.get(self.order)
    }

    pub(super) fn better(&self) -> Better {
        self.definition()
            .map_or(Better::Neither, |definition| definition.better)
    }

    pub(super) fn unit(&self) -> &'static str {
        match (self.definition(), self.part) {
            (Some(definition), Part::Phase) => definition.unit_of_phase(),
            (Some(definition), _) => definition.unit,
            (None, _) => "",
        }
    }
}

pub(super) type Numbers = BTreeMap<Key, f64>;

/// One comparison: all arms of one dose, view and split.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Compared {
    pub(super) id: String,
    pub(super) dose: Option<f64>,
    pub(super) view: String,
    pub(super) split: String,
    /// In the order of the matrix.
    pub(super) arms: Vec<(String, Numbers)>,
}

impl Compared {
    pub(super) fn number(&self, arm: &str, key: &Key) -> Option<f64> {
        let (_, numbers) = self.arms.iter().find(|(name, _)| name == arm)?;
        numbers.get(key).copied()
    }

    /// The best number of all arms.
    pub(super) fn best(&self, key: &Key) -> Option<f64> {
        let numbers: Vec<_> = self
            .arms
            .iter()
            .map(|(_, numbers)| numbers.get(key).copied())
            .collect();
        key.better().best(&numbers)
    }
}

/// Every comparison that is done, in the plan's order.
pub(super) fn comparisons(gathered: &Gathered<'_>) -> Vec<Compared> {
    let order: Vec<&str> = gathered
        .plan
        .variants
        .iter()
        .map(|variant| variant.arm.as_str())
        .collect();
    let rank = |arm: &str| order.iter().position(|other| *other == arm);
    let done = gathered
        .of_kinds(&[TaskKind::Compare])
        .filter_map(|seen| Some((seen, seen.done()?)));
    done.map(|(seen, record)| {
        let mut arms: Vec<_> = arms(record).into_iter().collect();
        // Arms that the matrix does not name come last, by name.
        arms.sort_by_key(|(arm, _)| rank(arm).unwrap_or(order.len()));
        let place = seen.place();
        Compared {
            id: seen.task.id.clone(),
            dose: place.dose,
            view: place.view.clone().unwrap_or_default(),
            split: place.split.clone().unwrap_or_default(),
            arms,
        }
    })
    .collect()
}

/// The numbers of a comparison's record by arm: their keys are `<arm>.<metric>.<part>`. Times are left out, since they
/// differ from run to run.
fn arms(record: &TaskRecord) -> BTreeMap<String, Numbers> {
    let mut arms: BTreeMap<String, Numbers> = BTreeMap::new();
    for (key, &value) in &record.numbers {
        let mut words = key.rsplitn(3, '.');
        let (Some(part), Some(name), Some(arm)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        let is_time = EXTRA_DEFINITIONS.iter().any(|extra| extra.key == name);
        if let Some(part) = Part::named(part)
            && !is_time
            && value.is_finite()
        {
            let numbers = arms.entry(arm.to_owned()).or_default();
            numbers.insert(Key::new(name, part), value);
        }
    }
    arms
}
