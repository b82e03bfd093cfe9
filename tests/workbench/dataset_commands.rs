//! `simulate` and `validate` as a user runs them.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::{check_json, check_output, check_run, command};

const SMALL: [&str; 9] = [
    "simulate",
    "--object-size",
    "96",
    "--n",
    "32",
    "--positions",
    "60",
    "-o",
    "out",
];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    SMALL.into_iter().chain(more.iter().copied()).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn simulate_prints_the_fields_that_programs_wait_for() {
    let folder = tempfile::tempdir().unwrap();
    let args = with(&["--doses", "1e3,1e4", "--guard-px", "auto", "--json"]);
    let object = check_json(folder.path(), &args, 0);
    let keys = |value: &Value| {
        let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    };
    assert_eq!(keys(&object), ["doses"]);
    let doses = object["doses"].as_array().unwrap();
    assert_eq!(doses.len(), 2);
    for dose in doses {
        let expected =
            "files leak_percent leak_px patterns_per_s photons_measured photons_requested seconds";
        assert_eq!(keys(dose).join(" "), expected);
        assert_eq!(dose["leak_px"], 0);
        assert!(0.0 < dose["patterns_per_s"].as_f64().unwrap());
        for file in dose["files"].as_array().unwrap() {
            assert_eq!(keys(file), ["path", "sha256"]);
            assert!(folder.path().join(file["path"].as_str().unwrap()).is_file());
        }
    }
    let expected = [
        "dataset_generation.log",
        "dose_1000",
        "dose_10000",
        "run_manifest.json",
        "summary.md",
    ];
    assert_eq!(names(&folder.path().join("out")), expected);
    assert_eq!(
        names(&folder.path().join("out/dose_1000")),
        ["test.npz", "train.npz"]
    );

    let files = ["out/dose_1000/train.npz", "out/dose_1000/test.npz"];
    let study = [
        "validate",
        files[0],
        files[1],
        "--study",
        "out/run_manifest.json",
        "--json",
    ];
    let judged = check_json(folder.path(), &study, 0);
    assert_eq!(judged["files"][0]["verdict"], "ok");
    let (stdout, _) = check_run(
        folder.path(),
        &[
            "validate",
            files[0],
            "--split",
            "test",
            "--study",
            "out/run_manifest.json",
        ],
        3,
    );
    assert!(stdout.contains("SPLIT-001"), "{stdout}");
    let grouped = [
        "validate",
        files[0],
        "--gridsize",
        "2",
        "--neighbors",
        "3",
        "--view",
        "dense",
    ];
    let (stdout, _) = check_run(folder.path(), &grouped, 3);
    assert!(
        stdout.contains("neighbors 3 < C = 4") && stdout.contains("OVERSAMPLING-001"),
        "{stdout}"
    );
    // A file that is not there does not hide the verdict on the others.
    let (stdout, stderr) = check_run(folder.path(), &["validate", "gone.npz", files[0]], 1);
    assert!(
        stdout.contains("train.npz: ok") && stderr.contains("gone.npz"),
        "{stdout}{stderr}"
    );
    // Another file in its place is told.
    std::fs::copy(folder.path().join(files[1]), folder.path().join(files[0])).unwrap();
    let (stdout, _) = check_run(
        folder.path(),
        &["validate", files[0], "--study", "out/run_manifest.json"],
        3,
    );
    assert!(stdout.contains("STUDY-001"), "{stdout}");
}

#[test]
fn a_dry_run_prints_the_plan_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (stdout, _) = check_run(folder.path(), &with(&["--doses", "1e3", "--dry-run"]), 0);
    assert!(
        stdout.contains("dose_1000") && stdout.contains("leak") && stdout.contains("writes"),
        "{stdout}"
    );
    assert!(stdout.contains("--guard-px auto leaves none"), "{stdout}");
    let preset = [
        "simulate",
        "--preset",
        "dose-response",
        "-o",
        "r",
        "--dry-run",
        "--json",
    ];
    let plan = check_json(folder.path(), &preset, 0);
    assert_eq!(
        [&plan["doses"][0]["n_train"], &plan["doses"][0]["n_test"]],
        [2000, 128]
    );
    assert_eq!(plan["doses"][0]["photons"], 1e9);
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_base_file_gives_object_probe_and_scan_unless_told_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    check_run(folder.path(), &with(&["--doses", "1e4"]), 0);
    let base = "out/dose_10000/train.npz";
    let args = [
        "simulate", "--from", base, "--doses", "1e5", "-o", "again", "--json",
    ];
    let object = check_json(folder.path(), &args, 0);
    let open = |path: &str| {
        let path = folder.path().join(path);
        let opened = ptycho_core::data::Dataset::open(&path, ptycho_core::data::Strictness::Strict);
        opened.unwrap().dataset
    };
    let [old, new] = [
        base,
        object["doses"][0]["files"][0]["path"].as_str().unwrap(),
    ]
    .map(open);
    assert_eq!(old.object(), new.object());
    assert_eq!(old.positions_px()[0], new.positions_px()[0]);
    let args = [
        "simulate", "--from", base, "--n", "64", "--doses", "1e5", "-o", "other",
    ];
    let (_, stderr) = check_run(folder.path(), &args, 2);
    assert!(
        stderr.contains("probe of 64 x 64") && stderr.contains("--n 32"),
        "{stderr}"
    );
    assert!(!folder.path().join("other").exists());
}

#[test]
fn wrong_doses_and_guards_are_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    for (args, words) in [
        (vec!["--doses", "1e3,-5"], "photons from 1"),
        (vec!["--doses=1e3,1000.3"], "dose_1000"),
        (vec!["--guard-px", "90"], "guard-px"),
    ] {
        let (_, stderr) = check_run(folder.path(), &with(&args), 2);
        assert!(
            stderr.contains(words) && stderr.contains("fix:"),
            "{stderr}"
        );
    }
    assert!(names(folder.path()).is_empty());
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_told_and_leaves_nothing_half_written() {
    let folder = tempfile::tempdir().unwrap();
    // No file may grow beyond 256 blocks of 512 bytes (1024 in some shells); the signal that would end the program is off.
    let limited = format!(
        "trap '' XFSZ; ulimit -f 256; exec {} {} --doses 1e4",
        env!("CARGO_BIN_EXE_ptychobench"),
        SMALL.join(" ")
    );
    let output = Command::new("sh")
        .args(["-c", &limited])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let (_, stderr) = check_output(&output, 1);
    assert!(
        stderr.contains("cannot write") && stderr.contains(".npz"),
        "{stderr}"
    );
    assert_eq!(
        names(&folder.path().join("out")),
        ["dataset_generation.log"]
    );
    check_run(folder.path(), &with(&["--doses", "1e4"]), 0);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_with_130_and_keeps_only_whole_doses() {
    let folder = tempfile::tempdir().unwrap();
    let args = [
        "simulate",
        "--positions",
        "3000",
        "--doses",
        "1e3,1e4,1e5,1e6,1e7,1e8",
        "-o",
        "out",
    ];
    let mut child = command(folder.path())
        .args(args)
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let log = folder.path().join("out/dataset_generation.log");
    while !log.exists() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(150));
    let status = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let names = names(&folder.path().join("out"));
    assert!(names.iter().all(|name| !name.contains(".tmp")), "{names:?}");
    for dose in names.iter().filter(|name| name.starts_with("dose_")) {
        let file = format!("out/{dose}/train.npz");
        check_run(folder.path(), &["validate", &file], 0);
    }
}
