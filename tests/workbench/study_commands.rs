//! `study new` and `study plan` as a user runs them.

use std::path::Path;

use ptycho_core::study::design::{Study, Template};
use serde_json::Value;

use crate::support::{check_json, check_run, data, parsed_command};

/// A study that is planned in no time.
const SMALL: &str = "\
schema = 1
name = \"small\"
doses = [1e9]
[scan]
positions = 30
[split]
test_positions = 10
[[views]]
name = \"far\"
overlap = 0
[spacing]
apply_to = \"positions\"
[[trainings]]
model = \"pinn\"
losses = [\"nll\"]
gridsizes = [2]
views = [\"full\", \"far\"]
[training]
filters_scale = 1
epochs = 1
";

fn write(folder: &Path, name: &str, text: &str) {
    ptycho_core::disk::write(&folder.join(name), text.as_bytes()).unwrap();
}

#[test]
fn a_new_study_is_its_template_under_another_name() {
    let folder = tempfile::tempdir().unwrap();
    let (_, stderr) = check_run(folder.path(), &["study", "new", "lines"], 0);
    assert!(stderr.contains("lines.toml"), "{stderr}");
    let study = Study::load(&folder.path().join("lines.toml")).unwrap();
    let quick = Study::parse(Template::named("quick").unwrap().text).unwrap();
    let expected = Study {
        name: "lines".to_owned(),
        ..quick
    };
    assert_eq!(study, expected);
    // A file that is there is not written over, unless asked for.
    let again = ["study", "new", "lines", "--template", "dose-response"];
    let (_, stderr) = check_run(folder.path(), &again, 2);
    assert!(
        stderr.contains("--force") && stderr.contains("lines.toml"),
        "{stderr}"
    );
    assert_eq!(
        Study::load(&folder.path().join("lines.toml")).unwrap(),
        study
    );
    let forced = check_json(
        folder.path(),
        &[&again[..], &["--force", "--json"]].concat(),
        0,
    );
    assert_eq!(forced["template"], "dose-response");
    let written = Study::load(&folder.path().join("lines.toml")).unwrap();
    assert_eq!(written.training.epochs, 50);
}

#[test]
fn names_templates_and_bases_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    for (args, words) in [
        (vec!["study", "new", "a b"], "letters, digits, - and _"),
        (
            vec!["study", "new", "a", "--template", "quik"],
            "quick, dose-response",
        ),
        (
            vec!["study", "plan", "nothing.toml"],
            "a study file, a run folder, or a template (quick",
        ),
    ] {
        let (_, stderr) = check_run(folder.path(), &args, 2);
        assert!(stderr.contains(words), "{args:?}: {stderr}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    // The base is found from where the study file lies.
    let base = data("no-such.npz");
    let base = base.to_str().unwrap();
    std::fs::create_dir(folder.path().join("sub")).unwrap();
    check_run(
        folder.path(),
        &[
            "study",
            "new",
            "b",
            "--base",
            "scan.npz",
            "-o",
            "sub/b.toml",
        ],
        0,
    );
    let study = Study::load(&folder.path().join("sub/b.toml")).unwrap();
    let found = study.base.unwrap();
    assert!(
        found.is_absolute() && found.ends_with("scan.npz"),
        "{}",
        found.display()
    );
    check_run(folder.path(), &["study", "new", "c", "--base", base], 0);
    let (_, stderr) = check_run(folder.path(), &["study", "plan", "c.toml", "--no-times"], 1);
    assert!(stderr.contains("no-such.npz"), "{stderr}");
}

#[test]
fn a_plan_tells_tasks_matrix_and_what_cannot_be_done() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "small.toml", SMALL);
    let (stdout, _) = check_run(
        folder.path(),
        &["study", "plan", "small.toml", "--no-times"],
        0,
    );
    for words in [
        "simulate-1e9",
        "train-1e9-full-pinn_nll_gs2",
        "full/pinn_nll_gs2",
        "5 of 9 tasks to do, 0 done, 4 skipped",
        "cannot be done: view-1e9-far: train: cannot form the view",
        "cannot be done: train-1e9-far-pinn_nll_gs2: view far cannot be formed\n",
    ] {
        assert!(stdout.contains(words), "{words}:\n{stdout}");
    }
    assert!(!folder.path().join("runs").exists(), "nothing is written");
    let object = check_json(folder.path(), &["study", "plan", "small.toml", "--json"], 0);
    let tasks = object["plan"]["tasks"].as_array().unwrap();
    let n_skipped = tasks.iter().filter(|task| task["skip"].is_string()).count();
    assert_eq!((tasks.len(), n_skipped), (9, 4));
    let estimates = object["estimates"].as_array().unwrap();
    assert_eq!(estimates.len(), 5);
    assert!(
        estimates
            .iter()
            .all(|estimate| 0.0 < estimate["seconds"].as_f64().unwrap())
    );
    let named = check_json(
        folder.path(),
        &["study", "plan", "quick", "--no-times", "--json"],
        0,
    );
    assert_eq!(named["plan"]["study"]["name"], "quick");
    assert_eq!(named["estimates"], Value::Array(Vec::new()));
}

#[test]
fn a_broken_study_is_refused_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "small.toml",
        &SMALL.replace("epochs = 1", "epohcs = 1"),
    );
    let (_, stderr) = check_run(folder.path(), &["study", "plan", "small.toml"], 3);
    assert!(
        stderr.contains("line 20: training.epohcs: expected a key of [training], found `epohcs`; fix: write epochs"),
        "{stderr}"
    );
    assert!(stderr.trim_end().ends_with("small.toml"), "{stderr}");
}

#[test]
fn every_flag_of_a_study_is_understood() {
    for words in [
        "ptychobench study run lines.toml --only train --dose 1e9,1e4 --view dense --gridsize 2 --jobs 2 --threads 4 \
         --device cpu --runs there --dry-run --json",
        "ptychobench study status runs/lines --runs there --json",
        "ptychobench study report lines.toml --reference",
        "ptychobench study reference runs/lines",
        "ptychobench task run runs/lines/plan.json simulate-1e9 --threads 8 --device auto --json",
        "ptychobench study plan dose-overlap --threads 2 --no-times",
    ] {
        parsed_command(words);
    }
}
