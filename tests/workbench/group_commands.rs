//! `overlap`, `groups` and `canvas` as a user runs them.

use std::path::Path;

use ptycho_core::data::inspect::inspect_full;
use ptycho_core::data::{Archive, Dataset, Strictness, Verdict};
use ptycho_core::job::Quiet;
use serde_json::Value;

use crate::support::{check_json, check_run, data};

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Two doses of a small scan, split in halves: `sweep/dose_1000`, `sweep/dose_10000`.
fn sweep() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let args = "simulate --object lines --object-size 160 --n 16 --positions 1200 --doses 1e3,1e4 --seed 5 -q -o sweep";
    check_run(folder.path(), &args.split(' ').collect::<Vec<_>>(), 0);
    folder
}

fn open(path: &Path) -> Dataset {
    Dataset::open(path, Strictness::Strict).unwrap().dataset
}

#[test]
fn views_of_a_sweep_are_datasets_with_groups_and_numbers() {
    let folder = sweep();
    let args = "overlap sweep --views dense=0.7,sparse=0.2 --gridsize 2 --neighbors 7 --probe-diameter auto --seed 123 \
                -o sweep --json";
    let outcome = check_json(
        folder.path(),
        &args.split_whitespace().collect::<Vec<_>>(),
        0,
    );
    assert_eq!(outcome["views"].as_array().unwrap().len(), 4);
    assert_eq!(outcome["skipped"].as_array().unwrap().len(), 0);
    for (dose, view, spacing) in [
        (1000, "dense", 4.8),
        (10_000, "dense", 4.8),
        (1000, "sparse", 12.8),
    ] {
        let root = folder.path().join(format!("sweep/dose_{dose}"));
        let bundle = read_json(&root.join(view).join("metrics_bundle.json"));
        for split in ["train", "test"] {
            let entry = &bundle[split];
            assert_eq!(
                (&entry["K"], &entry["C"]),
                (&Value::from(7), &Value::from(4))
            );
            assert_eq!(entry["branch"], "standard");
            let path = root.join(view).join(entry["output_path"].as_str().unwrap());
            let parent = open(&root.join(format!("{split}.npz")));
            let filtered = open(&path);
            assert_eq!(
                inspect_full(&path, &Quiet::default()).unwrap().verdict,
                Verdict::Ok
            );
            let metadata = filtered.metadata();
            assert_eq!(metadata.parent_sha256, Some(parent.content_sha256()));
            assert_eq!(entry["content_sha256"], filtered.content_sha256().as_str());
            assert!(
                metadata.command.contains(&format!("--views {view}=")),
                "{}",
                metadata.command
            );
            let groups = filtered.parts().group_index.as_ref().unwrap();
            assert_eq!(entry["n_groups"], groups.nrows());
            assert!(
                groups
                    .iter()
                    .all(|row| (0..filtered.n_patterns() as i32).contains(row))
            );
            let metrics = read_json(
                &root
                    .join(view)
                    .join(entry["spacing_stats_path"].as_str().unwrap()),
            );
            assert_eq!(metrics["n_images_kept"], filtered.n_patterns());
            assert_eq!(metrics["spacing_threshold_px"], spacing);
            assert!(spacing <= metrics["spacing"]["min_px"].as_f64().unwrap());
            assert_eq!(metrics["n_images_total"], parent.n_patterns());
            same_patterns(&parent, &filtered);
        }
    }
    let manifest = read_json(&folder.path().join("sweep/overlap_manifest.json"));
    assert_eq!(manifest["outputs"].as_array().unwrap().len(), 8);
    assert_eq!(manifest["seeds"]["grouping"], 123);
    // Positions do not depend on the dose, so neither do the groups.
    let index = |dose: &str| {
        let path = folder.path().join(format!("sweep/{dose}/dense/train.npz"));
        open(&path).parts().group_index.clone()
    };
    assert_eq!(index("dose_1000"), index("dose_10000"));
}

/// Every pattern of a view is one of its parent's, with all that belongs to it.
fn same_patterns(parent: &Dataset, filtered: &Dataset) {
    let n = parent.n() * parent.n();
    let (mut a, mut b) = (vec![0.0f32; n], vec![0.0f32; n]);
    for (row, position) in filtered.positions_px().iter().enumerate() {
        let of_parent = parent
            .positions_px()
            .iter()
            .position(|other| other == position)
            .unwrap();
        parent.frames().read(of_parent, &mut a);
        filtered.frames().read(row, &mut b);
        assert_eq!(a, b);
    }
    assert!(filtered.parts().patches.is_some() && filtered.object() == parent.object());
}

#[test]
fn threads_and_repeats_change_no_byte() {
    let folder = sweep();
    for (threads, output) in [("1", "a"), ("3", "b")] {
        let args = [
            "overlap",
            "sweep",
            "--views",
            "dense=0.7",
            "--order",
            "most",
            "--threads",
            threads,
            "-q",
            "-o",
            output,
        ];
        check_run(folder.path(), &args, 0);
    }
    for file in ["train.npz", "train/metrics.json", "metrics_bundle.json"] {
        let read = |output: &str| {
            std::fs::read(
                folder
                    .path()
                    .join(output)
                    .join("dose_1000/dense")
                    .join(file),
            )
            .unwrap()
        };
        assert_eq!(read("a"), read("b"), "{file}");
    }
}

#[test]
fn people_are_told_how_little_remains() {
    let folder = sweep();
    let (stdout, stderr) = check_run(folder.path(), &["overlap", "sweep", "-o", "views"], 0);
    for word in [
        "DOSE",
        "AT MOST",
        "dense",
        "sparse",
        "wrote views/dose_1000/dense",
        "record: ",
    ] {
        assert!(stdout.contains(word), "{word} in {stdout}");
    }
    assert!(stderr.contains("little to train on"), "{stderr}");
    assert_eq!(
        stderr.matches("note: train: dense").count(),
        1,
        "once for all doses: {stderr}"
    );
}

#[test]
fn a_view_that_cannot_be_formed_is_skipped_with_the_reason() {
    let folder = sweep();
    let args = [
        "overlap",
        "sweep/dose_1000/train.npz",
        "--views",
        "none=0",
        "--apply-to",
        "positions",
    ];
    let few = [
        &args[..],
        &["--subsample-fraction", "0.005", "-o", "few", "--json"],
    ]
    .concat();
    let outcome = check_json(folder.path(), &few, 0);
    let reason = outcome["skipped"][0]["reason"].as_str().unwrap();
    assert!(
        reason.contains("5 positions at least") && reason.contains("16.0 px apart"),
        "{reason}"
    );
    assert!(outcome["skipped"][0]["dose"].is_null());
    assert!(!folder.path().join("few/none").exists());
    let manifest = read_json(&folder.path().join("few/overlap_manifest.json"));
    assert_eq!(manifest["skipped_count"], 1);
}

#[test]
fn impossible_wishes_and_mistakes_are_refused_before_anything_is_written() {
    let folder = sweep();
    for (args, words) in [
        (
            vec!["--views", "sparse=0.2", "--n-groups", "500"],
            vec!["n-groups", "at most", "Oler's bound", "fix:"],
        ),
        (
            vec!["--gridsize", "2", "--neighbors", "3"],
            vec!["K of at least C = 4", "--neighbors 4"],
        ),
        (
            vec!["--views", "dense=1.7"],
            vec!["overlap fraction from 0"],
        ),
        (vec!["--views", "dense"], vec!["NAME=FRACTION"]),
    ] {
        let (_, stderr) = check_run(
            folder.path(),
            &[&["overlap", "sweep", "-o", "views"], &args[..]].concat(),
            2,
        );
        for word in words {
            assert!(stderr.contains(word), "{word} in {stderr}");
        }
    }
    assert!(!folder.path().join("views").exists());
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let (_, stderr) = check_run(folder.path(), &["overlap", "empty", "-o", "views"], 2);
    assert!(stderr.contains("train.npz and test.npz"), "{stderr}");
    check_run(
        folder.path(),
        &[
            "overlap",
            "sweep/dose_1000/train.npz",
            "--views",
            "dense=0.7",
            "-q",
            "-o",
            "one",
        ],
        0,
    );
    let args = [
        "overlap",
        "one/dense/train.npz",
        "--views",
        "dense=0.7",
        "-o",
        "one",
    ];
    let (_, stderr) = check_run(folder.path(), &args, 2);
    assert!(stderr.contains("another folder"), "{stderr}");
}

#[test]
fn groups_are_told_and_written() {
    let folder = sweep();
    let file = "sweep/dose_1000/train.npz";
    let args = [
        "groups",
        file,
        "--gridsize",
        "2",
        "--neighbors",
        "7",
        "--seed",
        "123",
        "-o",
        "groups.npz",
        "--json",
    ];
    let object = check_json(folder.path(), &args, 0);
    let parent = open(&folder.path().join(file));
    let n = parent.n_patterns();
    assert_eq!(
        (&object["n_groups_actual"], &object["neighbor_count"]),
        (&Value::from(n), &Value::from(7))
    );
    assert_eq!(object["branch"], "standard");
    let archive = Archive::open(&folder.path().join("groups.npz")).unwrap();
    let index = archive.array_i64("group_index").unwrap();
    let centres = archive.array_f64("group_centre").unwrap();
    let offsets = archive.array_f64("group_relative").unwrap();
    assert_eq!(
        (index.shape(), offsets.shape()),
        (&[n, 4][..], &[n, 4, 2][..])
    );
    for g in 0..n {
        for c in 0..4 {
            let member = parent.positions_px()[index[[g, c]] as usize];
            for axis in 0..2 {
                let error = member[axis] - centres[[g, axis]] - offsets[[g, c, axis]];
                assert!(error.abs() < 1e-12, "member - centre");
            }
        }
    }
    let (stdout, _) = check_run(folder.path(), &["groups", file], 0);
    for word in [
        "groups ", "centres ", "within ", "among ", "between ", "canvas ",
    ] {
        assert!(stdout.contains(word), "{word} in {stdout}");
    }
    let (_, stderr) = check_run(folder.path(), &["groups", file, "--n-groups", "5000"], 0);
    assert!(stderr.contains("instead of 5000"), "{stderr}");
    let more = check_json(
        folder.path(),
        &[
            "groups",
            file,
            "--n-groups",
            "5000",
            "--oversample",
            "true",
            "--json",
        ],
        0,
    );
    assert_eq!(
        (&more["n_groups_actual"], &more["branch"]),
        (&Value::from(5000), &Value::from("oversampled"))
    );
    let minimal = data("contract/good.npz");
    let (_, stderr) = check_run(
        folder.path(),
        &["groups", minimal.to_str().unwrap(), "--gridsize", "3"],
        2,
    );
    assert!(
        stderr.contains("10 positions at least") && stderr.contains("--gridsize 2"),
        "{stderr}"
    );
}

#[test]
fn a_canvas_is_judged_for_the_groups_of_a_file_or_for_those_that_can_be_formed() {
    let folder = sweep();
    let file = "sweep/dose_1000/train.npz";
    let object = check_json(
        folder.path(),
        &["canvas", file, "--gridsize", "2", "--json"],
        0,
    );
    let canvas = &object["canvases"][0];
    let offsets = canvas["largest_offset_px"].as_array().unwrap();
    let most = offsets
        .iter()
        .map(|offset| offset.as_f64().unwrap())
        .fold(0.0, f64::max);
    assert_eq!(canvas["required_px"], (16.0 + 2.0 * most).ceil() as u64);
    assert_eq!(
        (&canvas["holds"], &canvas["ptychopinn_px"]),
        (&Value::Bool(true), &Value::from(30))
    );
    let tight = check_json(
        folder.path(),
        &[
            "canvas",
            file,
            "--gridsize",
            "2",
            "--canvas",
            "16",
            "--json",
        ],
        0,
    );
    assert_eq!(tight["canvases"][0]["holds"], false);
    assert!(0.0 < tight["canvases"][0]["lost_share"].as_f64().unwrap());
    let (stdout, _) = check_run(folder.path(), &["canvas", file], 0);
    assert_eq!(
        stdout.lines().count(),
        4,
        "a head and three gridsizes: {stdout}"
    );
    check_run(
        folder.path(),
        &["overlap", file, "--views", "dense=0.7", "-q", "-o", "views"],
        0,
    );
    let own = check_json(
        folder.path(),
        &["canvas", "views/dense/train.npz", "--json"],
        0,
    );
    assert_eq!(own["canvases"][0]["groups"], "file");
    assert_eq!(own["canvases"][0]["gridsize"], 2);
    check_run(
        folder.path(),
        &["canvas", file, "--gridsize", "2", "--canvas", "10"],
        2,
    );
}
