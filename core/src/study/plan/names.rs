//! Names of tasks and of what they make.

use std::path::PathBuf;

use super::{Place, TaskKind};
use crate::fields::FieldValue as _;
use crate::study::design::{FULL, Split};
use crate::study::generate::dose_name;

/// Zeros at the end of a dose from which on it is written as a power of ten.
const MOST_ZEROS: usize = 2;

/// A dose as ids have it: `1e9`, `25e8`, `12345`, as a whole number.
pub fn dose_word(photons: f64) -> String {
    let digits = format!("{photons:.0}");
    let start = digits.trim_end_matches('0');
    let n_zeros = digits.len() - start.len();
    if start.is_empty() || n_zeros <= MOST_ZEROS {
        return digits;
    }
    format!("{start}e{n_zeros}")
}

impl TaskKind {
    /// Its word, as in ids and after `--only`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Simulate => "simulate",
            Self::View => "view",
            Self::Train => "train",
            Self::Reconstruct => "reconstruct",
            Self::Infer => "infer",
            Self::Compare => "compare",
            Self::Scenario => "scenario",
            Self::Figure => "figure",
        }
    }

    /// The kind of that word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

impl Place {
    /// The id of a task of this kind at this place: `<kind>[-<dose>][-<view>][-<arm>][-<split>]`.
    pub fn id(&self, kind: TaskKind) -> String {
        let dose = self.dose.map(dose_word);
        let parts = [&dose, &self.view, &self.arm, &self.split];
        let parts = parts.into_iter().flatten().map(String::as_str);
        std::iter::once(kind.word())
            .chain(parts)
            .collect::<Vec<_>>()
            .join("-")
    }
}

/// The dataset of a dose, view and split, relative to the study's run folder.
pub fn dataset_file(photons: f64, view: &str, split: Split) -> PathBuf {
    let mut place = Place {
        dose: Some(photons),
        ..Place::default()
    };
    let file = format!("{}.npz", split.to_value());
    if view == FULL {
        let folder = PathBuf::from(place.id(TaskKind::Simulate));
        return folder.join(dose_name(photons)).join(file);
    }
    place.view = Some(view.to_owned());
    let folder = PathBuf::from(place.id(TaskKind::View));
    folder.join(view).join(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doses_are_short_words() {
        for (photons, word) in [
            (1e9, "1e9"),
            (1e3, "1e3"),
            (100.0, "100"),
            (2.5e9, "25e8"),
            (12345.0, "12345"),
            (12000.0, "12e3"),
            (1.0, "1"),
        ] {
            assert_eq!(dose_word(photons), word);
        }
    }

    #[test]
    fn ids_name_kind_and_place_in_order() {
        let place = Place {
            dose: Some(1e4),
            view: Some("full".to_owned()),
            arm: Some("lsqml".to_owned()),
            split: Some("test".to_owned()),
            gridsize: None,
        };
        let id = place.id(TaskKind::Reconstruct);
        assert_eq!(id, "reconstruct-1e4-full-lsqml-test");
        assert_eq!(Place::default().id(TaskKind::Figure), "figure");
        let file = dataset_file(1e4, FULL, Split::Test);
        assert_eq!(file, PathBuf::from("simulate-1e4/dose_10000/test.npz"));
        let file = dataset_file(1e4, "dense", Split::Train);
        assert_eq!(file, PathBuf::from("view-1e4-dense/dense/train.npz"));
    }
}
