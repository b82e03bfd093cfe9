//! Doses, places and parts of a study in words.

use ptycho_core::study::panels;
use ptycho_core::study::plan::{Place, Task};

use super::super::super::generation::doses::dose_text;

/// The place of a task of a stage, as `1e4 dense`; of one without a place the rest of its id.
pub(super) fn place_words(task: &Task) -> String {
    let Place {
        dose,
        view,
        arm,
        split,
        ..
    } = &task.place;
    let dose = dose.map(dose_text);
    let words: Vec<&str> = [dose.as_ref(), view.as_ref(), arm.as_ref(), split.as_ref()]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    if words.is_empty() {
        let (_, rest) = task.id.split_once('-').unwrap_or(("", &task.id));
        return rest.to_owned();
    }
    words.join(" ")
}

/// An arm in words: `pinn_nll_gs2` as `PINN NLL, gridsize 2`; by its own name where the study gives it one.
pub(super) fn arm_words(arm: &str) -> String {
    if !arm.starts_with("pinn_") {
        return panels::arm_words(arm);
    }
    let mut words = Vec::new();
    let mut gridsize = String::new();
    for part in arm.split('_') {
        match part.strip_prefix("gs") {
            Some(size) => gridsize = format!(", gridsize {size}"),
            None => words.push(part.to_uppercase()),
        }
    }
    format!("{}{gridsize}", words.join(" "))
}
