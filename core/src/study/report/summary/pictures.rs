//! The figure with its companions, and the plots of comparisons.

use std::path::{Path, PathBuf};

use super::super::document::{Block, Document};
use super::super::gather::{Gathered, slashed};
use crate::study::plan::{TaskKind, dose_word};

/// The folder of figures, in the study's run folder.
const FIGURES: &str = "figures";

/// Every PNG of the figures, the figure itself first.
pub(super) fn add_figure(text: &mut Document, gathered: &Gathered<'_>) {
    let mut files = pngs(&gathered.folder, FIGURES);
    let figure = gathered.of_kinds(&[TaskKind::Figure]);
    for seen in figure.filter(|seen| seen.done().is_some()) {
        if files.is_empty() {
            files = pngs(&gathered.folder, &seen.task.id);
        }
    }
    if files.is_empty() {
        return;
    }
    text.heading(2, "Figure");
    for file in files {
        let name = Path::new(&file).file_stem().unwrap_or_default();
        let words = name.to_string_lossy().replace(['_', '-'], " ");
        text.blocks.push(Block::Picture { file, words });
    }
}

/// The PNGs of a folder, those called `figure` or `panels` first, then by name.
fn pngs(study: &Path, folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(study.join(folder))
        .into_iter()
        .flatten()
        .flatten();
    let mut names: Vec<PathBuf> = entries.map(|entry| entry.file_name().into()).collect();
    names.retain(|name| name.extension().is_some_and(|end| end == "png"));
    names.sort_by_key(|name| {
        let is_first = name
            .file_stem()
            .is_some_and(|stem| stem == "figure" || stem == "panels");
        (!is_first, name.clone())
    });
    let paths = names
        .iter()
        .map(|name| slashed(&Path::new(folder).join(name)));
    paths.collect()
}

/// Reconstructions beside the truth, and ring correlations, of every comparison that is done.
pub(super) fn add_comparisons(text: &mut Document, gathered: &Gathered<'_>) {
    let done = gathered
        .of_kinds(&[TaskKind::Compare])
        .filter(|seen| seen.done().is_some());
    let mut is_begun = false;
    for seen in done {
        for (name, what) in [
            ("comparison_plot.png", "Reconstructions beside the truth"),
            ("frc_plot.png", "Ring correlation with the truth"),
        ] {
            let file = seen.path(Path::new(name));
            if !gathered.folder.join(&file).is_file() {
                continue;
            }
            if !is_begun {
                text.heading(2, "Comparisons");
                is_begun = true;
            }
            let place = seen.place();
            let dose = place
                .dose
                .map(|dose| format!("{} photons a pattern", dose_word(dose)));
            let view = place.view.as_ref().map(|view| format!("view {view}"));
            let split = place.split.as_ref().map(|split| format!("{split} set"));
            let words: Vec<String> = [Some(what.to_owned()), dose, view, split]
                .into_iter()
                .flatten()
                .collect();
            let words = words.join(", ");
            text.blocks.push(Block::Picture { file, words });
        }
    }
}
