//! The figure with its companions, and the plots of comparisons.

use std::path::{Path, PathBuf};

use super::super::FIGURES;
use super::super::document::{Block, Document};
use super::super::gather::{Gathered, slashed};
use crate::study::plan::{TaskKind, dose_word};

/// Names of what the figure task makes; where it is not done, such files are of an earlier study.
const OF_TASK: [&str; 3] = ["figure", "convergence", "frc"];

/// Every PNG of the figures, the figure itself first; the user's own pictures there come last.
pub(super) fn add_figure(text: &mut Document, gathered: &Gathered<'_>) {
    let mut figures = gathered.of_kinds(&[TaskKind::Figure]);
    let is_done = figures.any(|seen| seen.done().is_some());
    let files = pngs(&gathered.folder, is_done);
    if files.is_empty() {
        return;
    }
    text.heading(2, "Figure");
    for name in files {
        let words = name.file_stem().unwrap_or_default().to_string_lossy();
        text.blocks.push(Block::Picture {
            words: words.replace(['_', '-'], " "),
            file: slashed(&Path::new(FIGURES).join(&name)),
        });
    }
}

/// The names of the pictures, those of the figure task in its order, then the others by name.
fn pngs(study: &Path, is_done: bool) -> Vec<PathBuf> {
    let folder = std::fs::read_dir(study.join(FIGURES));
    let entries = folder.into_iter().flatten().flatten();
    let rank = |name: &Path| {
        let stem = name.file_stem().unwrap_or_default();
        let place = OF_TASK.iter().position(|own| stem == *own);
        place.unwrap_or(OF_TASK.len())
    };
    let mut names: Vec<PathBuf> = entries.map(|entry| entry.file_name().into()).collect();
    names.retain(|name| {
        let is_picture = name.extension().is_some_and(|end| end == "png");
        is_picture && (is_done || rank(name) == OF_TASK.len())
    });
    names.sort_by_key(|name| (rank(name), name.clone()));
    names
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
