//! Subset, shuffle, split, crop, pad, patches and fixture as a user runs them.

use std::path::Path;

use serde_json::Value;

use crate::support::{check_json, check_run};

fn answer(folder: &Path, args: &[&str]) -> Value {
    check_json(folder, &[args, &["--json"]].concat(), 0)
}

/// A folder with the demonstration scan, thinned so that it is quick to work on.
fn scan() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    check_run(folder.path(), &["demo", "-o", "demo.npz"], 0);
    let subset = ["subset", "demo.npz", "-o", "scan.npz", "--stratified", "48"];
    check_run(folder.path(), &subset, 0);
    folder
}

#[test]
fn every_tool_answers_a_program_and_writes_a_sound_file() {
    let folder = scan();
    let cases: [(&[&str], u64, u64); 8] = [
        (
            &["subset", "scan.npz", "-o", "a.npz", "--first", "5"],
            5,
            128,
        ),
        (
            &["subset", "scan.npz", "-o", "a.npz", "--region", "0:176,:"],
            0,
            128,
        ),
        (
            &["shuffle", "scan.npz", "-o", "a.npz", "--seed", "7"],
            48,
            128,
        ),
        (
            &[
                "crop",
                "scan.npz",
                "-o",
                "a.npz",
                "--crop",
                "96",
                "--max-loss-percent",
                "100",
            ],
            48,
            96,
        ),
        (
            &[
                "crop",
                "scan.npz",
                "-o",
                "a.npz",
                "--bin",
                "2",
                "--max-loss-percent",
                "100",
            ],
            48,
            64,
        ),
        (&["pad", "scan.npz", "-o", "a.npz", "--to", "132"], 48, 132),
        (&["patches", "scan.npz", "-o", "a.npz"], 48, 128),
        (
            &[
                "fixture",
                "scan.npz",
                "-o",
                "a.npz",
                "--patterns",
                "12",
                "--legacy-alias",
            ],
            12,
            128,
        ),
    ];
    for (args, patterns, n) in cases {
        let answer = answer(folder.path(), args);
        if patterns != 0 {
            assert_eq!(answer["patterns"], patterns, "{answer}");
        }
        assert_eq!(answer["n"], n, "{answer}");
        assert_eq!(answer["output"], "a.npz");
        assert_eq!(answer["sha256"].as_str().unwrap().len(), 64);
        assert!(!answer["done"].as_array().unwrap().is_empty());
        check_run(folder.path(), &["inspect", "--strict", "a.npz"], 0);
    }
}

#[test]
fn a_split_prints_its_leak_and_writes_a_folder() {
    let folder = scan();
    let (stdout, _) = check_run(folder.path(), &["split", "scan.npz", "-o", "halves"], 0);
    assert!(stdout.contains("leak: both halves see"), "{stdout}");
    let answer = answer(
        folder.path(),
        &["split", "scan.npz", "-o", "halves", "--split-axis", "x"],
    );
    assert!(0.0 < answer["leak_percent"].as_f64().unwrap());
    for (i, name) in ["train.npz", "test.npz"].iter().enumerate() {
        let path = Path::new("halves").join(name);
        assert_eq!(answer["files"][i]["path"], path.to_str().unwrap());
        assert!(folder.path().join(path).is_file());
    }
}

#[test]
fn a_fixture_is_verified_and_a_changed_one_refused() {
    let folder = scan();
    let make = ["fixture", "scan.npz", "-o", "f.npz", "--patterns", "12"];
    check_run(folder.path(), &make, 0);
    let (stdout, _) = check_run(folder.path(), &["fixture", "--verify", "f.npz"], 0);
    assert!(stdout.contains("byte for byte"), "{stdout}");
    let path = folder.path().join("f.npz");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4000] ^= 1;
    ptycho_core::disk::write(&path, &bytes).unwrap();
    let (_, stderr) = check_run(folder.path(), &["fixture", "--verify", "f.npz"], 3);
    assert!(
        stderr.contains("at byte 4000") && stderr.contains("diffraction"),
        "{stderr}"
    );
    let few = ["fixture", "scan.npz", "-o", "g.npz", "--patterns", "1"];
    check_run(folder.path(), &few, 3);
    assert!(!folder.path().join("g.npz").exists());
}

#[test]
fn wrong_usage_and_refusals_have_their_codes_and_leave_nothing() {
    let folder = scan();
    let cases: [(&[&str], i32, &str); 9] = [
        (&["subset", "scan.npz", "-o", "x.npz"], 2, "--region"),
        (
            &[
                "subset", "scan.npz", "-o", "x.npz", "--first", "3", "--random", "3",
            ],
            2,
            "cannot be used with",
        ),
        (
            &["subset", "scan.npz", "-o", "x.npz", "--first", "99"],
            2,
            "1 to 48",
        ),
        (
            &["subset", "scan.npz", "-o", "x.npz", "--region", "5:1,:"],
            2,
            "y0:y1",
        ),
        (
            &["subset", "scan.npz", "-o", "scan.npz", "--first", "3"],
            2,
            "another file than the input",
        ),
        (
            &["crop", "scan.npz", "-o", "x.npz", "--bin", "3"],
            2,
            "--crop 126 --bin 3",
        ),
        (
            &["crop", "scan.npz", "-o", "x.npz", "--crop", "4"],
            3,
            "--max-loss-percent",
        ),
        (
            &["split", "scan.npz", "-o", "x", "--guard-px", "1e4"],
            2,
            "guard",
        ),
        (&["pad", "none.npz", "-o", "x.npz"], 1, "none.npz"),
    ];
    for (args, code, word) in cases {
        let (_, stderr) = check_run(folder.path(), args, code);
        assert!(stderr.contains(word), "{args:?}: {word} in {stderr}");
    }
    let names = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(names, 2, "demo.npz and scan.npz alone");
}

#[test]
fn help_gives_examples() {
    let folder = tempfile::tempdir().unwrap();
    for tool in [
        "subset", "shuffle", "split", "crop", "pad", "patches", "fixture",
    ] {
        let (help, _) = check_run(folder.path(), &[tool, "--help"], 0);
        assert!(help.contains(&format!("  ptychobench {tool} ")), "{help}");
    }
}
