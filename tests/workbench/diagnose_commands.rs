//! Diagnose as a user runs it: reports and exit codes; and its window by label.

use std::path::{Path, PathBuf};

use egui_kittest::kittest::Queryable as _;
use ptycho_core::data::{Dataset, Strictness};
use ptycho_core::disk;
use ptychobench::gui::command::Command;
use ptychobench::gui::diagnosis::{Ask, State};
use ptychobench::gui::views::View;
use serde_json::{Value, json};

use crate::flows::{Window, is_idle};
use crate::support::{check_json, check_run};

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

const TRAIN: &str = "sweep/dose_100000/train.npz";
const TEST: &str = "sweep/dose_100000/test.npz";

/// `sweep/dose_100000/train.npz` and `test.npz`: a few patterns of 64x64.
fn sweep(folder: &Path) {
    let args = "simulate --object lines --object-size 160 --n 64 --positions 60 --doses 1e5 --object-content phase -q -o sweep";
    check_run(folder, &words(args), 0);
}

/// The file with its first patterns alone.
fn few(folder: &Path, n: usize) -> PathBuf {
    let opened = Dataset::open(&folder.join(TRAIN), Strictness::Strict).unwrap();
    let rows: Vec<usize> = (0..n).collect();
    let file = folder.join("few.npz");
    opened.dataset.select(&rows).unwrap().save(&file).unwrap();
    file
}

#[test]
fn a_report_is_printed_and_written_and_exit_codes_tell_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    sweep(root);
    let (text, _) = check_run(root, &words(&format!("diagnose {TRAIN} -o report.md")), 0);
    for expected in [
        "Data contract: ",
        "Probe normalisation: good",
        "set_probe, scale 4",
        "√counts",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    let markdown = std::fs::read_to_string(root.join("report.md")).unwrap();
    assert!(
        markdown.starts_with(&format!("# Diagnosis of `{TRAIN}`\n")),
        "{markdown}"
    );
    let report = check_json(
        root,
        &words(&format!(
            "diagnose {TRAIN} --gridsize 1 --json -o report.json"
        )),
        0,
    );
    let written: Value =
        serde_json::from_slice(&std::fs::read(root.join("report.json")).unwrap()).unwrap();
    assert_eq!(written, report);
    assert_eq!(report["verdict"], "good", "{report}");
    assert_eq!(report["subjects"], json!([TRAIN]));

    few(root, 3);
    let report = check_json(root, &words("diagnose few.npz --gridsize 2 --json"), 1);
    assert_eq!(report["verdict"], "bad");
    check_run(root, &words("diagnose few.npz"), 0);
    disk::write(&root.join("broken.npz"), b"no archive").unwrap();
    let report = check_json(root, &words("diagnose broken.npz --json"), 3);
    assert_eq!(report["sections"][0]["key"], "contract");

    for usage in [
        "diagnose",
        "diagnose few.npz -o report.csv",
        "diagnose few.npz --threads 2",
    ] {
        check_run(root, &words(usage), 2);
    }
    let (_, error) = check_run(root, &words("diagnose sweep"), 3);
    assert!(error.contains("dose_1000/train.npz"), "{error}");
    check_run(root, &words("diagnose missing.npz"), 1);
}

#[test]
fn two_stand_beside_each_other_and_a_failing_scenario_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    sweep(root);
    let (text, _) = check_run(root, &words(&format!("diagnose {TRAIN} {TEST}")), 0);
    for expected in [
        "quantity",
        "first",
        "second",
        "difference",
        "Leakage: note",
        "≠",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    few(root, 3);
    let line = "diagnose few.npz --scenario gs2_ideal --keep kept";
    let (text, _) = check_run(root, &words(line), 1);
    assert!(text.contains("FAIL in the stage validate"), "{text}");
    assert!(text.ends_with("FAIL\n"), "{text}");
    let outcome = check_json(root, &words(&format!("{line} --json")), 1);
    assert_eq!(outcome["passes"], false);
    assert_eq!(outcome["scenarios"][0]["scenario"], "gs2_ideal");
    assert_eq!(outcome["scenarios"][0]["failed_stage"], "validate");
    let pair = "diagnose few.npz --scenario raster_vs_random";
    check_run(root, &words(pair), 2);
}

fn is_shown(app: &ptychobench::gui::workbench::Workbench) -> bool {
    matches!(app.diagnosis.state, State::Shown(_))
}

/// A window with a set of small patterns open.
fn open() -> (Window, PathBuf) {
    let mut window = Window::open([1440.0, 900.0], None);
    let folder = window.in_folder("data");
    std::fs::create_dir_all(&folder).unwrap();
    sweep(&folder);
    let file = folder.join(TRAIN);
    window.harness.state_mut().send(Command::Open(file.clone()));
    window.until("the set is open", |app| {
        app.document.scan.dataset.is_some() && is_idle(app)
    });
    (window, file)
}

#[test]
fn the_open_scan_is_diagnosed_saved_and_put_beside_another() {
    let (mut window, file) = open();
    window.click("Diagnose");
    window.until("the report is there", is_shown);
    for expected in [
        "Nothing is wrong; worth knowing: canvas",
        "Data contract: ✔ good",
        "Canvas: ⚠ note",
    ] {
        assert!(window.shows(expected), "{expected}");
    }
    // What is good is folded; a click opens it.
    assert!(!window.shows("√Σ|P|²"));
    window.click("Probe normalisation: ✔ good");
    window.harness.run_steps(20);
    assert!(window.shows("√Σ|P|²"));
    window.click("Save report…");
    let output = window.in_folder("report.json");
    window
        .harness
        .state_mut()
        .send(Command::Diagnosis(Ask::Save(output.clone())));
    window.until("the report is written", |app| {
        output.is_file() && is_idle(app)
    });
    let written: Value = serde_json::from_slice(&std::fs::read(&output).unwrap()).unwrap();
    assert_eq!(written["subjects"], json!([file]));
    window.harness.key_press(egui::Key::Escape);
    window.harness.run_steps(4);

    let other = file.with_file_name("test.npz");
    window
        .harness
        .state_mut()
        .send(Command::Diagnosis(Ask::Beside(other)));
    window.until("both are there", |app| {
        let report = app.diagnosis.report();
        report.is_some_and(|report| report.subjects.len() == 2)
    });
    assert!(window.shows("Leakage: ⚠ note") && window.shows("beside "));
    window
        .harness
        .state_mut()
        .send(Command::Diagnosis(Ask::Close));
    window.harness.run_steps(4);
    assert!(!window.shows("Copy as Markdown"));
}

#[test]
fn a_kept_training_is_diagnosed_from_the_list_of_runs() {
    let (mut window, file) = open();
    let folder = window.in_folder("data");
    let args = format!(
        "train {} --filters-scale 1 --groups 12 --batch-size 4 --epochs 2 --threads 1 --device cpu -q -o run",
        file.display()
    );
    check_run(&folder, &words(&args), 0);
    window.harness.state_mut().send(Command::Show(View::Train));
    window
        .harness
        .state_mut()
        .send(Command::AddRun(folder.join("run")));
    window.until("the run is in the list", |app| {
        app.document.training.arms.len() == 1 && is_idle(app)
    });
    window.click("Diagnose run");
    window.until("the report is there", is_shown);
    assert!(window.shows("Course of the run: "));
    assert!(window.shows("Intensity scale: "));
    // The chooser looks for another folder.
    window.click("Beside another…");
    assert!(
        window
            .harness
            .query_by_label("Put the run beside that in")
            .is_some()
    );
}

#[test]
fn what_cannot_be_diagnosed_says_so_and_a_scan_in_memory_can_be() {
    let mut window = Window::open([1440.0, 900.0], None);
    let missing = window.in_folder("missing");
    window
        .harness
        .state_mut()
        .send(Command::Diagnosis(Ask::Of(missing)));
    window.until("it has failed", |app| {
        matches!(app.diagnosis.state, State::Failed(_))
    });
    assert!(window.shows("✖ "));
    window
        .harness
        .state_mut()
        .send(Command::Diagnosis(Ask::Close));
    let demonstration = ptychobench::gui::command::Action::OpenDemonstration;
    window.harness.state_mut().send(Command::Do(demonstration));
    window.until("the demonstration is there", |app| {
        app.document.scan.dataset.is_some() && is_idle(app)
    });
    window.click("Diagnose");
    window.until("the report is there", is_shown);
    assert!(window.shows("demonstration scan"));
}
