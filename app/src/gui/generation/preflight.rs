//! What stands in the way of a generation, and what is worth knowing before it.

use ptycho_core::sim::{ObjectKind, ProbeKind, ScanKind};
use ptycho_core::study::generate::{GeneratePlan, PlannedDose};

use super::super::document::{Check, CheckState};
use super::super::meter::seconds_text;
use super::Generation;
use super::doses::dose_text;
use crate::units::bytes_text;
use crate::words::sentence;

/// Every line of the list.
pub fn preflight(generation: &Generation) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Some(problem) = &generation.doses.problem {
        checks.push(Check::new(CheckState::Blocking, problem.clone()));
    }
    checks.extend(missing_files(generation));
    if !checks.is_empty() {
        return checks;
    }
    match generation.planned.as_ref().map(|planned| &planned.plan) {
        None => checks.push(Check::new(
            CheckState::Blocking,
            "Looking what would be written…",
        )),
        Some(Err(words)) => checks.push(Check::new(CheckState::Blocking, words.clone())),
        Some(Ok(plan)) => checks.extend(plan_checks(generation, plan)),
    }
    checks
}

/// Kinds that need a file which was not given.
fn missing_files(generation: &Generation) -> Vec<Check> {
    let scene = &generation.task.scene;
    let sources = &scene.sources;
    let needs = [
        (
            scene.object.object == ObjectKind::File,
            &sources.object,
            "Object",
            "objectGuess",
        ),
        (
            scene.probe.probe == ProbeKind::File,
            &sources.probe,
            "Probe",
            "probeGuess",
        ),
        (
            scene.scan.scan == ScanKind::File,
            &sources.scan,
            "Scan",
            "xcoords and ycoords",
        ),
    ];
    needs
        .into_iter()
        .filter(|(is_file, path, ..)| *is_file && path.is_none())
        .map(|(_, _, what, keys)| {
            let text = format!("{what}: choose the NPZ whose {keys} are to be taken.");
            Check::new(CheckState::Blocking, text)
        })
        .collect()
}

fn plan_checks(generation: &Generation, plan: &GeneratePlan) -> Vec<Check> {
    let mut checks = vec![what(generation, plan), room(plan)];
    checks.extend(older(plan));
    checks.extend(no_leak(plan));
    // The room on the disk is told above.
    let warnings = plan
        .warnings
        .iter()
        .filter(|words| !words.starts_with("the disk"));
    checks.extend(warnings.map(|words| {
        // The window has no flags.
        let words = words.replace("--guard-px auto", "Guard on auto");
        Check::new(CheckState::Warning, sentence(&words))
    }));
    checks
}

/// What will be there afterwards.
fn what(generation: &Generation, plan: &GeneratePlan) -> Check {
    let n = generation
        .sketch
        .probe
        .as_ref()
        .map_or(generation.task.scene.probe.n, |probe| probe.values.dim().1);
    let doses: Vec<_> = plan
        .doses
        .iter()
        .map(|dose| dose_text(dose.photons))
        .collect();
    let photons = doses.join(", ");
    let sets = match plan.doses.first() {
        Some(dose) => format!(
            "{} training and {} test patterns of {n}×{n}",
            dose.n_train, dose.n_test
        ),
        None => "nothing".to_owned(),
    };
    let each = if plan.doses.len() == 1 { "" } else { " each" };
    let guarded = match plan.doses.first().map_or(0, |dose| dose.n_guarded) {
        0 => String::new(),
        n_guarded => format!("; {n_guarded} in the guard band are in neither"),
    };
    Check::new(
        CheckState::Good,
        format!("{photons} photons: {sets}{each}{guarded}."),
    )
}

/// How large, how long, and whether there is room.
fn room(plan: &GeneratePlan) -> Check {
    if plan.doses.iter().all(|dose| dose.stages.is_empty()) {
        let text = "All of it is there already, made with these settings: nothing has to be done.";
        return Check::new(CheckState::Good, text);
    }
    let size = format!(
        "Writes {} in about {}",
        bytes_text(plan.bytes),
        seconds_text(plan.seconds)
    );
    match plan.free_bytes {
        Some(free) if free < plan.bytes => Check::new(
            CheckState::Blocking,
            format!(
                "{size}, but only {} are free there: choose another folder, fewer doses or fewer positions.",
                bytes_text(free)
            ),
        ),
        Some(free) => Check::new(
            CheckState::Good,
            format!("{size}; {} are free.", bytes_text(free)),
        ),
        None => Check::new(CheckState::Good, format!("{size}.")),
    }
}

/// Results that would be replaced, and those that stay.
fn older(plan: &GeneratePlan) -> Vec<Check> {
    let names = |which: &dyn Fn(&PlannedDose) -> bool| {
        let names: Vec<_> = plan
            .doses
            .iter()
            .filter(|dose| which(dose))
            .filter_map(|dose| Some(dose.folder.file_name()?.to_string_lossy().into_owned()))
            .collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let mut checks = Vec::new();
    if let Some(stale) = names(&|dose| dose.is_stale) {
        let text = format!("Replaces an older result made with other settings: {stale}.");
        checks.push(Check::new(CheckState::Warning, text));
    }
    let is_partial = plan.doses.iter().any(|dose| !dose.stages.is_empty());
    if let Some(kept) = names(&|dose| dose.stages.is_empty()).filter(|_| is_partial) {
        let text = format!("Unchanged and not written again: {kept}.");
        checks.push(Check::new(CheckState::Good, text));
    }
    checks
}

fn no_leak(plan: &GeneratePlan) -> Option<Check> {
    let is_clean = plan.doses.first()?.leak.n_shared_px == 0;
    let text = "Training and test set see no object pixel in common.";
    is_clean.then(|| Check::new(CheckState::Good, text))
}
