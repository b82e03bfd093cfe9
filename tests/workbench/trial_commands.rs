//! Orient, halves, turn, and reconstructions that go on from one another, as a user runs them.

use std::path::Path;

use serde_json::Value;

use crate::support::{check_json, check_run};

fn answer(folder: &Path, args: &[&str]) -> Value {
    check_json(folder, &[args, &["--json", "--device", "cpu"]].concat(), 0)
}

/// A folder with a part of the demonstration scan.
fn scan() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    check_run(folder.path(), &["demo", "-o", "demo.npz"], 0);
    let args = [
        "subset",
        "demo.npz",
        "-o",
        "part.npz",
        "--region",
        "140:210,140:210",
    ];
    check_run(folder.path(), &args, 0);
    let args = [
        "crop",
        "part.npz",
        "-o",
        "scan.npz",
        "--bin",
        "2",
        "--max-loss-percent",
        "100",
    ];
    check_run(folder.path(), &args, 0);
    folder
}

#[test]
fn a_turned_scan_is_told_and_turned_back() {
    let folder = scan();
    let folder = folder.path();
    check_run(
        folder,
        &[
            "turn",
            "scan.npz",
            "-o",
            "turned.npz",
            "--orientation",
            "transpose",
        ],
        0,
    );
    let args = [
        "orient",
        "turned.npz",
        "--epochs",
        "12",
        "--orientation",
        "as-stored",
        "--orientation",
        "transpose",
        "--orientation",
        "flip-rows",
        "-o",
        "sheet.png",
    ];
    let found = answer(folder, &args);
    assert_eq!(
        found["verdict"]["best"], "transpose",
        "{}",
        found["verdict"]["words"]
    );
    assert_eq!(found["settings"]["epochs"]["value"], 12);
    assert!(
        std::fs::read(folder.join("sheet.png"))
            .unwrap()
            .starts_with(b"\x89PNG")
    );
    check_run(
        folder,
        &[
            "turn",
            "turned.npz",
            "-o",
            "back.npz",
            "--orientation",
            "transpose",
        ],
        0,
    );
    let frames = |file: &str| {
        let opened = ptycho_core::data::Dataset::open(
            &folder.join(file),
            ptycho_core::data::Strictness::Strict,
        );
        let dataset = opened.unwrap().dataset;
        let mut frame = vec![0.0; dataset.n() * dataset.n()];
        dataset.frames().read(3, &mut frame);
        frame
    };
    assert_eq!(frames("back.npz"), frames("scan.npz"));
    let (table, _) = check_run(
        folder,
        &[
            "orient",
            "scan.npz",
            "--epochs",
            "2",
            "--orientation",
            "half-turn",
        ],
        0,
    );
    assert!(
        table.contains("half-turn") && table.contains("nothing to compare with"),
        "{table}"
    );
    check_run(
        folder,
        &["orient", "scan.npz", "--orientation", "sideways"],
        2,
    );
}

#[test]
fn halves_are_correlated() {
    let folder = scan();
    let args = ["halves", "scan.npz", "--epochs", "15", "-o", "frc.csv"];
    let found = answer(folder.path(), &args);
    assert!(found["agreement"]["half_bit"]["rings"].as_f64().unwrap() > 0.0);
    assert!(
        found["agreement"]["half_bit"]["half_period_nm"]
            .as_f64()
            .unwrap()
            > 0.0
    );
    let csv = std::fs::read_to_string(folder.path().join("frc.csv")).unwrap();
    assert!(csv.starts_with(
        "ring,of_nyquist,per_nm,n_pixels,complex,phase,half_bit_threshold,seventh_threshold\n"
    ));
    let (table, _) = check_run(folder.path(), &["halves", "scan.npz", "--epochs", "3"], 0);
    assert!(
        table.contains("half bit") && table.contains("1/7"),
        "{table}"
    );
    check_run(
        folder.path(),
        &["halves", "scan.npz", "--object-init", "file"],
        2,
    );
}

#[test]
fn another_engine_goes_on_from_a_result() {
    let folder = scan();
    let folder = folder.path();
    let first = [
        "reconstruct",
        "scan.npz",
        "-o",
        "first.npz",
        "--algorithm",
        "rpie",
        "--epochs",
        "12",
    ];
    let first = answer(folder, &first);
    let second = [
        "reconstruct",
        "scan.npz",
        "-o",
        "second.npz",
        "--start-from",
        "first.npz",
        "--epochs",
        "3",
        "--rescale-first-epoch",
        "false",
    ];
    let second = answer(folder, &second);
    assert_eq!(second["algorithm"], "lsqml");
    assert_eq!(second["started_from"], "first.npz");
    let last = first["loss_last"].as_f64().unwrap();
    let begun = second["loss_first"].as_f64().unwrap();
    assert!(begun < 1.2 * last, "{begun} after {last}");
    assert_eq!(second["probe_power"].as_array().unwrap().len(), 3);
    assert_eq!(second["position_rms_px"].as_array().unwrap().len(), 3);
    assert_eq!(second["device"], "cpu");
    let run_folder = folder.join(second["run_folder"].as_str().unwrap());
    let history: Value =
        serde_json::from_slice(&std::fs::read(run_folder.join("history.json")).unwrap()).unwrap();
    assert_eq!(history["probe_power"], second["probe_power"]);
    let same = [
        "reconstruct",
        "scan.npz",
        "-o",
        "first.npz",
        "--start-from",
        "first.npz",
    ];
    check_run(folder, &same, 2);
}

#[test]
fn a_result_of_another_scan_is_no_start() {
    let folder = scan();
    let folder = folder.path();
    check_run(
        folder,
        &[
            "reconstruct",
            "scan.npz",
            "-o",
            "first.npz",
            "--epochs",
            "2",
        ],
        0,
    );
    check_run(
        folder,
        &["subset", "scan.npz", "-o", "few.npz", "--first", "20"],
        0,
    );
    let args = [
        "reconstruct",
        "few.npz",
        "-o",
        "no.npz",
        "--start-from",
        "first.npz",
        "--epochs",
        "2",
    ];
    let (_, stderr) = check_run(folder, &args, 2);
    assert!(stderr.contains("first.npz"), "{stderr}");
    assert!(!folder.join("no.npz").exists());
}

#[test]
fn a_flag_without_a_meaning_is_told() {
    let folder = scan();
    let args = [
        "reconstruct",
        "scan.npz",
        "-o",
        "out.npz",
        "--algorithm",
        "dm",
        "--epochs",
        "2",
        "--noise",
        "poisson",
        "--beta",
        "0.8",
        "--relaxation",
        "0.9",
    ];
    let (_, stderr) = check_run(folder.path(), &args, 0);
    assert!(
        stderr.contains("note: --noise means nothing to DM"),
        "{stderr}"
    );
    assert!(
        stderr.contains("note: --beta means nothing to DM"),
        "{stderr}"
    );
    assert!(!stderr.contains("--relaxation means nothing"), "{stderr}");
}

#[test]
fn what_was_refined_is_kept_in_the_run_folder() {
    let folder = scan();
    let args = [
        "reconstruct",
        "scan.npz",
        "-o",
        "out.npz",
        "--epochs",
        "6",
        "--refine-positions",
        "gradient",
        "--position-start",
        "1",
        "--opr-modes",
        "1",
        "--opr-start",
        "1",
    ];
    let found = answer(folder.path(), &args);
    let run_folder = folder.path().join(found["run_folder"].as_str().unwrap());
    let table = std::fs::read_to_string(run_folder.join("positions.csv")).unwrap();
    assert!(table.starts_with("pattern,row_px,column_px,row_given_px,column_given_px\n"));
    assert_eq!(
        table.lines().count() as u64,
        1 + found["patterns"].as_u64().unwrap()
    );
    assert!(run_folder.join("opr.npz").is_file());
    let moved_px = found["position_rms_px"].as_array().unwrap().last().unwrap();
    assert!(moved_px.as_f64().unwrap() > 0.0);
}
