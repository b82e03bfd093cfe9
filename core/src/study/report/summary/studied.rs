//! What was studied: the settings of the study.

use super::super::document::{Cell, Document, Table};
use super::super::gather::Gathered;
use crate::fields::{Field, Fields, Level};
use crate::study::design::Study;
use crate::study::plan::dose_word;

pub(super) fn add(text: &mut Document, gathered: &Gathered<'_>) {
    let plan = gathered.plan;
    let study = &plan.study;
    text.heading(2, "What was studied");
    let mut table = Table::new(&["Of", "Setting"]);
    let mut row = |of: &str, words: String| {
        if !words.is_empty() {
            table.rows.push(vec![Cell::words(of), Cell::words(words)]);
        }
    };
    let doses: Vec<String> = plan.doses.iter().copied().map(dose_word).collect();
    row("Photons a pattern", doses.join(", "));
    row("Object", object(study));
    row("Probe", settings(&study.probe));
    row("Scan", settings(&study.scan));
    row("Simulation", settings(&study.simulation));
    row("Training and test set", settings(&study.split));
    let views = study.views.iter();
    let views: Vec<String> = views
        .map(|view| format!("{} (overlap {})", view.name, view.overlap))
        .collect();
    row("Views beside the full set", views.join(", "));
    if !study.views.is_empty() {
        row("Groups of views", settings(&study.groups));
        row("Spacing of views", settings(&study.spacing));
    }
    let mut arms: Vec<&str> = plan
        .variants
        .iter()
        .map(|variant| variant.arm.as_str())
        .collect();
    arms.sort_unstable();
    arms.dedup();
    row("Arms", arms.join(", "));
    if !study.trainings.is_empty() {
        row("Training", settings(&study.training));
        row("Inference", settings(&study.inference));
    }
    if !study.engines.is_empty() {
        row("Iterative engines", settings(&study.iterative));
    }
    for engines in &study.engines {
        if engines.has_own() {
            row(&format!("Arm {}", engines.arm()), engines.words());
        }
    }
    row(
        "Comparison",
        format!(
            "region {}; {}",
            study.comparison.region,
            settings(&study.comparison.how)
        ),
    );
    row("Scenarios", study.scenarios.join(", "));
    row("Seeds", settings(&study.seeds));
    text.table(table);
    let is_told = |note: &&String| {
        let mut records = gathered.tasks.iter().filter_map(|seen| seen.done());
        records.any(|record| record.notes.contains(note))
    };
    let notes = plan.notes.iter().filter(|note| !is_told(note));
    text.list(notes.cloned());
}

fn object(study: &Study) -> String {
    match &study.base {
        Some(base) => {
            let name = base.file_name().unwrap_or_default();
            format!("object and probe of {}", name.display())
        }
        None => settings(&study.object),
    }
}

/// What other tables of a study decide: seeds, and of networks what each of them is.
const ELSEWHERE: [&str; 5] = ["seed", "test_seed", "model", "loss", "gridsize"];

/// Basic settings, and others that differ from their defaults.
fn settings<T: Fields>(settings: &T) -> String {
    let default = T::default();
    let is_told = |field: &&Field| {
        let is_basic = field.level == Level::Basic;
        let is_own = !ELSEWHERE.contains(&field.name);
        is_own && (is_basic || settings.get(field.name) != default.get(field.name))
    };
    let words = T::fields()
        .iter()
        .filter(is_told)
        .filter_map(|field| Some(field.told(settings.get(field.name)?)));
    words.collect::<Vec<_>>().join("; ")
}
