//! Every command as a user runs it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ptycho_core::data::Reconstruction;
use serde_json::Value;

use crate::support::{check_json, check_run, command, data, text};

fn contract(name: &str) -> String {
    let path = data("contract").join(name).canonicalize().unwrap();
    path.to_str().unwrap().to_owned()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn assert_same_result(a: &Path, b: &Path) {
    let (a, b) = (
        Reconstruction::load(a).unwrap(),
        Reconstruction::load(b).unwrap(),
    );
    assert!(
        a.object == b.object && a.probe == b.probe,
        "object or probe differ"
    );
    assert_eq!((a.loss, a.positions_px), (b.loss, b.positions_px));
}

#[test]
fn help_names_every_command_and_exit_code() {
    let folder = folder();
    let (help, _) = check_run(folder.path(), &["--help"], 0);
    for word in [
        "inspect",
        "repair",
        "reconstruct",
        "demo",
        "130 interrupted",
        "[FILE]",
    ] {
        assert!(help.contains(word), "{word} in {help}");
    }
    let (help, _) = check_run(folder.path(), &["reconstruct", "--help"], 0);
    for word in [
        "--batch-size",
        "--probe-modes",
        "--object-step-scaler",
        "[default: 96]",
        "ptychi",
    ] {
        assert!(help.contains(word), "{word} in {help}");
    }
    let (short, _) = check_run(folder.path(), &["reconstruct", "-h"], 0);
    assert!(
        short.contains("--momentum") && !short.contains("--object-step-scaler"),
        "{short}"
    );
}

#[test]
fn wrong_usage_is_told_with_the_right_word() {
    let folder = folder();
    let good = contract("good.npz");
    let cases: [(&[&str], &str); 8] = [
        (&["reconstruct", &good, "--epoch", "5"], "--epochs"),
        (&["reconstruct", &good, "--batching", "rand"], "random"),
        (
            &["reconstruct", &good, "--epochs", "0"],
            "a whole number from 1",
        ),
        (&["reconstruct", &good, "--kernels", "fussed"], "fused"),
        (
            &["reconstruct", &good, "-o", &good],
            "another file than the input",
        ),
        (&["reconstruct", &good, "--resume"], "--resume-from"),
        (&["repair", &good], "--output"),
        (&["inspekt"], "--help"),
    ];
    for (args, word) in cases {
        let (stdout, stderr) = check_run(folder.path(), args, 2);
        assert!(
            stderr.contains(word) && stdout.is_empty(),
            "{args:?}: {stderr}"
        );
    }
    assert!(
        !folder.path().join("runs").exists(),
        "wrong usage leaves no run folder"
    );
}

#[test]
fn inspect_gives_the_expected_verdict_on_every_file() {
    let expected: Value =
        serde_json::from_slice(&std::fs::read(contract("expected.json")).unwrap()).unwrap();
    let expected = expected["files"].as_object().unwrap();
    let paths: Vec<_> = expected.keys().map(|name| contract(name)).collect();
    let mut args = vec!["inspect", "--json"];
    args.extend(paths.iter().map(String::as_str));
    let object = check_json(folder().path(), &args, 3);
    let files = object["files"].as_array().unwrap();
    assert_eq!(files.len(), expected.len());
    for (file, (name, expected)) in files.iter().zip(expected) {
        assert_eq!(file["verdict"], expected["verdict"], "{name}");
        for key in ["path", "findings", "ignored", "keys"] {
            assert!(!file[key].is_null(), "{name} {key}");
        }
        for finding in file["findings"].as_array().unwrap() {
            for key in ["key", "rule", "severity", "expected", "found", "fix"] {
                assert!(finding[key].is_string(), "{name}: {key} of {finding}");
            }
        }
        for key in file["keys"].as_array().unwrap() {
            assert!(
                key["shape"].is_array() && key["bytes"].is_u64() && key["byte_order"].is_string()
            );
        }
    }
}

#[test]
fn inspect_prints_a_table_and_exits_by_the_verdict() {
    let folder = folder();
    let (table, _) = check_run(
        folder.path(),
        &["inspect", "--stats", &contract("good.npz")],
        0,
    );
    assert!(
        table.contains("good.npz: ok") && table.contains("(6, 16, 16)") && table.contains("MEDIAN"),
        "{table}"
    );
    let repairable = contract("uint16_counts.npz");
    let (table, _) = check_run(folder.path(), &["inspect", "--headers", &repairable], 0);
    assert!(
        table.contains("repairable") && table.contains("data were not read"),
        "{table}"
    );
    check_run(folder.path(), &["inspect", "--strict", &repairable], 3);
    let (table, _) = check_run(folder.path(), &["inspect", &contract("no_probe.npz")], 3);
    assert!(
        table.contains("refused") && table.contains("fix"),
        "{table}"
    );
    let (table, stderr) = check_run(
        folder.path(),
        &["inspect", "none.npz", &contract("good.npz")],
        1,
    );
    assert!(
        stderr.contains("none.npz") && table.contains("good.npz: ok"),
        "{stderr}\n{table}"
    );
}

#[test]
fn repair_writes_a_new_file_and_never_in_place() {
    let folder = folder();
    let input = folder.path().join("counts.npz");
    std::fs::copy(contract("uint16_counts.npz"), &input).unwrap();
    let before = std::fs::read(&input).unwrap();
    let (preview, _) = check_run(folder.path(), &["repair", "counts.npz", "--dry-run"], 0);
    assert!(
        preview.contains("before") && preview.contains("after"),
        "{preview}"
    );
    let (_, stderr) = check_run(
        folder.path(),
        &["repair", "counts.npz", "-o", "counts.npz"],
        2,
    );
    assert!(stderr.contains("counts.npz"), "{stderr}");
    let json = check_json(
        folder.path(),
        &["repair", "counts.npz", "-o", "mended.npz", "--json"],
        0,
    );
    assert!(!json["steps"].as_array().unwrap().is_empty(), "{json}");
    assert_eq!(std::fs::read(&input).unwrap(), before);
    check_run(folder.path(), &["inspect", "--strict", "mended.npz"], 0);
    check_run(
        folder.path(),
        &["repair", &contract("no_probe.npz"), "-o", "never.npz"],
        3,
    );
    assert!(!folder.path().join("never.npz").exists());
}

#[test]
fn reconstruct_answers_with_every_field() {
    let folder = folder();
    let good = contract("good.npz");
    let args = [
        "reconstruct",
        &good,
        "-o",
        "out.npz",
        "--epochs",
        "4",
        "--threads",
        "2",
        "--seed",
        "3",
        "--json",
    ];
    let json = check_json(folder.path(), &args, 0);
    for key in [
        "loss_first",
        "loss_last",
        "seconds_total",
        "seconds_per_epoch_median",
        "seconds_per_epoch_best",
        "patterns_per_s",
        "probe_scale",
    ] {
        assert!(json[key].is_f64(), "{key}: {json}");
    }
    assert_eq!(
        (&json["algorithm"], &json["device"]),
        (&"lsqml".into(), &"cpu".into())
    );
    assert_eq!(
        (&json["epochs"], &json["patterns"], &json["n"]),
        (&4.into(), &6.into(), &16.into())
    );
    assert_eq!(
        (&json["probe_modes"], &json["threads"], &json["output"]),
        (&1.into(), &2.into(), &"out.npz".into())
    );
    assert_eq!(json["loss"].as_array().unwrap().len(), 4);
    assert_eq!(json["seconds_per_epoch"].as_array().unwrap().len(), 4);
    assert_eq!(json["reason"], "finished");
    assert_eq!(
        json["settings"]["epochs"],
        serde_json::json!({"value": 4, "origin": "flag"})
    );
    assert_eq!(json["settings"]["batching"]["origin"], "default");
    let run = PathBuf::from(json["run_folder"].as_str().unwrap());
    assert_same_result(&folder.path().join("out.npz"), &run.join("result.npz"));
    let log = std::fs::read_to_string(run.join("run.log")).unwrap();
    let records: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(records[0]["message"], "reconstruction started");
    assert!(
        records
            .iter()
            .any(|record| record["message"] == "epoch done"),
        "{log}"
    );
}

#[test]
fn a_repairable_file_is_used_at_once_and_refused_when_strict() {
    let folder = folder();
    let counts = contract("uint16_counts.npz");
    let (_, stderr) = check_run(folder.path(), &["reconstruct", &counts, "--epochs", "2"], 0);
    assert!(stderr.contains("repaired in memory: "), "{stderr}");
    let json = check_json(
        folder.path(),
        &["reconstruct", &counts, "--epochs", "2", "--json"],
        0,
    );
    assert!(!json["repairs"].as_array().unwrap().is_empty());
    check_run(folder.path(), &["reconstruct", &counts, "--strict"], 3);
    let json = check_json(
        folder.path(),
        &["reconstruct", &contract("no_probe.npz"), "--json"],
        3,
    );
    assert_eq!(json["exit_code"], 3);
    check_run(folder.path(), &["reconstruct", "none.npz"], 1);
}

#[test]
fn a_resumed_run_equals_a_straight_one() {
    let folder = folder();
    let good = contract("good.npz");
    let run = |args: &[&str]| {
        let mut all = vec!["reconstruct", &good, "--batch-size", "2"];
        all.extend(args);
        check_json(folder.path(), &[all.as_slice(), &["--json"]].concat(), 0)
    };
    run(&["-o", "straight.npz", "--epochs", "7"]);
    run(&["-o", "parts.npz", "--epochs", "3"]);
    let args = [
        "reconstruct",
        &good,
        "-o",
        "parts.npz",
        "--epochs",
        "7",
        "--resume",
        "--threads",
        "1",
        "--json",
    ];
    let resumed = check_json(folder.path(), &args, 0);
    assert_eq!(resumed["epochs"], 7);
    assert_eq!(
        resumed["settings"]["batch_size"],
        serde_json::json!({"value": 2, "origin": "resumed run"})
    );
    assert_same_result(
        &folder.path().join("straight.npz"),
        &folder.path().join("parts.npz"),
    );
    let from = resumed["run_folder"].as_str().unwrap();
    let again = run(&["--resume-from", from, "--epochs", "9"]);
    assert_eq!(
        (&again["epochs"], &again["resumed_from"]),
        (&9.into(), &from.into())
    );
    let (_, stderr) = check_run(
        folder.path(),
        &["reconstruct", &good, "-o", "new.npz", "--resume"],
        3,
    );
    assert!(stderr.contains("without --resume"), "{stderr}");
}

#[test]
fn given_batches_are_used_and_checked() {
    let folder = folder();
    let golden = data("lsqml");
    let scan = golden.join("lsqml_input.npz").canonicalize().unwrap();
    let batches = golden
        .join("lsqml_gaussian_1mode.npz")
        .canonicalize()
        .unwrap();
    let (scan, batches) = (scan.to_str().unwrap(), batches.to_str().unwrap());
    let good = contract("good.npz");
    let (_, stderr) = check_run(
        folder.path(),
        &["reconstruct", &good, "--batches", &good],
        3,
    );
    assert!(stderr.contains("batch_index"), "{stderr}");
    let (_, stderr) = check_run(
        folder.path(),
        &["reconstruct", &good, "--batches", batches, "--epochs", "2"],
        3,
    );
    assert!(stderr.contains("batch_index"), "{stderr}");
    // The scan has a probe for each case, none under the contract's name: it is no scan to reconstruct by itself.
    check_run(
        folder.path(),
        &["reconstruct", scan, "--batches", batches],
        3,
    );
}

#[test]
fn the_time_limit_is_a_guard_rail_and_keeps_the_result() {
    let folder = folder();
    let args = [
        "reconstruct",
        &contract("good.npz"),
        "-o",
        "out.npz",
        "--epochs",
        "1000000",
        "--time-limit",
        "0.3",
        "--json",
    ];
    let json = check_json(folder.path(), &args, 4);
    assert_eq!(json["reason"], "timed_out");
    assert!(0 < json["epochs"].as_u64().unwrap());
    assert!(Reconstruction::load(&folder.path().join("out.npz")).is_ok());
}

#[test]
fn the_demonstration_scan_is_ok_and_the_same_for_a_seed() {
    let folder = folder();
    let json = check_json(folder.path(), &["demo", "-o", "demo.npz", "--json"], 0);
    assert_eq!(json["n"], 128);
    check_run(folder.path(), &["inspect", "--strict", "demo.npz"], 0);
    check_run(folder.path(), &["demo", "-o", "again.npz"], 0);
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    assert!(
        read("demo.npz") == read("again.npz"),
        "same seed, same bytes"
    );
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = folder();
    let script = format!("\"$0\" inspect '{}'; echo $? > code", contract("good.npz"));
    let mut child = Command::new("sh")
        .args(["-c", &script, env!("CARGO_BIN_EXE_ptychobench")])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    child.wait().unwrap();
    assert_eq!(
        std::fs::read_to_string(folder.path().join("code")).unwrap(),
        "0\n"
    );
}

/// Start a run that would take minutes and wait until its first epochs are in the log.
#[cfg(unix)]
fn long_run(folder: &Path) -> Child {
    let args = [
        "reconstruct",
        &contract("good.npz"),
        "-o",
        "out.npz",
        "--epochs",
        "1000000",
        "--json",
    ];
    let child = command(folder)
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    let has_begun = || {
        let runs = std::fs::read_dir(folder.join("runs/scratch"))
            .into_iter()
            .flatten()
            .flatten();
        let mut logs =
            runs.filter_map(|run| std::fs::read_to_string(run.path().join("run.log")).ok());
        logs.any(|log| log.contains("epoch done"))
    };
    while !has_begun() {
        assert!(
            start.elapsed() < Duration::from_mins(1),
            "the run did not begin"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

#[cfg(unix)]
fn signal(child: &Child, signal: &str) {
    let status = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_keeps_its_result_and_says_130() {
    let folder = folder();
    let child = long_run(folder.path());
    signal(&child, "-INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    let json: Value = serde_json::from_str(text(&output.stdout).lines().last().unwrap()).unwrap();
    assert_eq!(json["reason"], "cancelled");
    let kept = Reconstruction::load(&folder.path().join("out.npz")).unwrap();
    assert_eq!(kept.loss.len() as u64, json["epochs"].as_u64().unwrap());
}

#[cfg(unix)]
#[test]
fn a_killed_run_leaves_no_half_file() {
    let folder = folder();
    let child = long_run(folder.path());
    signal(&child, "-KILL");
    child.wait_with_output().unwrap();
    assert!(!folder.path().join("out.npz").exists());
    let run = std::fs::read_dir(folder.path().join("runs/scratch"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(run.path().join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["state"], "running");
    assert!(!run.path().join("result.npz").exists());
}

#[test]
fn flags_of_all_commands_stand_before_or_after_them_and_a_file_only_after() {
    let folder = tempfile::tempdir().unwrap();
    let file = data("contract/good.npz");
    let file = file.to_str().unwrap();
    check_run(folder.path(), &["-q", "inspect", file], 0);
    check_run(folder.path(), &["inspect", "-q", file], 0);
    let (_, words) = check_run(folder.path(), &[file, "inspect", file], 2);
    assert!(words.contains("write it after the command"), "{words}");
}
