//! Datasets that this window has made, as offers for training and validation.

use std::path::{Path, PathBuf};

use super::super::document::Document;
use super::super::generation::doses::dose_text;

/// A training set that was made here.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownSet {
    /// As `1e4 photons, dense`.
    pub name: String,
    pub train: PathBuf,
}

/// Training sets of the last generation and the last overlap views, as far as they are there.
pub fn known_sets(document: &Document) -> Vec<KnownSet> {
    let generation = &document.generation;
    let doses = generation.task.doses.iter().enumerate();
    let generated = doses.filter_map(|(i, photons)| {
        Some(KnownSet {
            name: format!("{} photons", dose_text(*photons)),
            train: generation.train_set(i)?,
        })
    });
    let written = document.thinning.written.as_ref();
    let views = written.and_then(|(_, outcome)| outcome.as_ref().ok());
    let views = views.into_iter().flat_map(|outcome| &outcome.views);
    let of_views = views.filter_map(|view| {
        let split = view.splits.iter().find(|split| split.split != "test")?;
        let name = match view.dose {
            Some(photons) => format!("{} photons, {}", dose_text(photons), view.view),
            None => format!("{}, {}", split.split, view.view),
        };
        Some(KnownSet {
            name,
            train: split.output_path.clone(),
        })
    });
    generated.chain(of_views).collect()
}

/// The test set beside a training set, where there is one.
pub fn matching_test(train: &Path) -> Option<PathBuf> {
    let name = train.file_name()?.to_str()?;
    if !name.contains("train") {
        return None;
    }
    let test = train.with_file_name(name.replace("train", "test"));
    test.is_file().then_some(test)
}

/// What a training set is called in the name of a run: its own name, or those of its folders where that is `train`.
pub fn data_name(train: &Path) -> String {
    let stem = train.file_stem().unwrap_or_default().to_string_lossy();
    if stem != "train" {
        return stem.into_owned();
    }
    let folders = train.ancestors().skip(1).filter_map(Path::file_name);
    let names: Vec<_> = folders
        .take(2)
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    match names.as_slice() {
        [own, above] => match (photons_of(own), photons_of(above)) {
            (Some(photons), _) => photons,
            (None, Some(photons)) => format!("{photons}_{own}"),
            (None, None) => own.clone(),
        },
        [own] => own.clone(),
        _ => stem.into_owned(),
    }
}

/// The photons that a generated folder is named after, as `1e9`.
fn photons_of(folder: &str) -> Option<String> {
    let photons: f64 = folder.strip_prefix("dose_")?.parse().ok()?;
    Some(dose_text(photons))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_named_after_dose_and_view() {
        for (path, name) in [
            ("/sets/dose_1000000000/train.npz", "1e9"),
            ("/sets/dose_1000/dense/train.npz", "1e3_dense"),
            ("/data/fly64.npz", "fly64"),
            ("/data/mine/train.npz", "mine"),
        ] {
            assert_eq!(data_name(Path::new(path)), name);
        }
    }
}
