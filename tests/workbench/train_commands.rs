//! Train, infer and check-loss as a user runs them.

use std::path::Path;

use ptycho_core::data::{Dataset, Reconstruction, Strictness};
use ptycho_core::disk;
use ptycho_core::nn::{Bundle, TrainingHistory};
use serde_json::{Value, json};

use crate::support::{check_json, check_run, command, data, text};

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// `sweep/dose_1000000/train.npz` and `test.npz`: a few patterns of 64x64.
fn sweep(n_positions: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let args = format!(
        "simulate --object lines --object-size 128 --n 64 --positions {n_positions} --doses 1e6 --seed 5 -q -o sweep"
    );
    check_run(folder.path(), &words(&args), 0);
    folder
}

const TRAIN: &str = "sweep/dose_1000000/train.npz";
const TEST: &str = "sweep/dose_1000000/test.npz";
/// The smallest network on few groups.
const SMALL: &str = "--filters-scale 1 --groups 12 --batch-size 4 --validation-fraction 0.2 --seed 3 --threads 2 --device cpu";

#[test]
fn a_training_leaves_all_files_and_its_bundle_reconstructs_other_data() {
    let folder = sweep(60);
    let root = folder.path();
    let args = format!("train {TRAIN} {SMALL} --epochs 2 -o run --json");
    let summary = check_json(root, &words(&args), 0);
    assert_eq!(
        (&summary["epochs"], &summary["steps"]),
        (&json!(2), &json!(6))
    );
    assert_eq!(summary["stopped_because"], "finished");
    assert_eq!(summary["device"], "cpu");
    assert_eq!(summary["settings"]["epochs"]["origin"], "flag");
    assert_eq!(summary["settings"]["lr"]["origin"], "default");
    for key in [
        "loss_first",
        "loss_last",
        "validation_last",
        "samples_per_s",
    ] {
        assert!(summary[key].is_f64(), "{key} {summary}");
    }
    assert!(0.0 < summary["seconds_total"].as_f64().unwrap());
    let run = root.join("run");
    let (bundle, card) = Bundle::load(&run).unwrap();
    assert_eq!(summary["sha256"], card.sha256.as_str());
    assert_eq!(summary["parameters"], card.n_parameters);
    assert_eq!(
        Path::new(summary["bundle"].as_str().unwrap()).file_name(),
        Some("best.safetensors".as_ref())
    );
    let manifest = read_json(&run.join("manifest.json"));
    check_manifest(&manifest, &run);
    let history: TrainingHistory =
        serde_json::from_slice(&std::fs::read(run.join("history.json")).unwrap()).unwrap();
    assert_eq!((history.epochs.len(), history.steps.len()), (2, 6));
    assert_eq!(json!(history.epochs[1].loss), summary["loss_last"]);
    assert_eq!(json!(history.stopped_because), json!("finished"));
    let log = std::fs::read_to_string(run.join("run.log")).unwrap();
    assert!(log.contains("training started") && log.contains("all epochs are done"));
    assert_eq!(log.matches("epoch done").count(), 2, "{log}");
    assert!(!run.join("run.lock").exists());

    let args = format!("infer run {TEST} -o out.npz --stitch-crop 16 --threads 2 --json");
    let result = check_json(root, &words(&args), 0);
    let reconstruction = Reconstruction::load(&root.join("out.npz")).unwrap();
    let test = Dataset::open(&root.join(TEST), Strictness::Strict)
        .unwrap()
        .dataset;
    assert_eq!(
        <[usize; 2]>::from(reconstruction.object.dim()),
        test.object_shape()
    );
    let coverage = reconstruction.coverage.unwrap();
    let unseen = coverage.iter().filter(|weight| **weight == 0.0).count();
    assert_eq!(result["n_unseen"], unseen);
    for (value, weight) in reconstruction.object.iter().zip(&coverage) {
        assert!(value.is_finite() && ((0.0 < *weight) == (value.norm() != 0.0)));
    }
    assert_eq!(result["sha256"], card.sha256.as_str());
    assert_eq!(result["groups"], 8 * test.n_patterns());
    assert_eq!(reconstruction.algorithm, "ptychopinn");
    assert_eq!(
        reconstruction.provenance["bundle"]["sha256"],
        card.sha256.as_str()
    );
    assert_eq!(
        reconstruction.provenance["input"]["content_sha256"],
        test.content_sha256().as_str()
    );
    assert_eq!(bundle.settings.filters_scale, 1);
}

fn check_manifest(manifest: &Value, run: &Path) {
    assert_eq!(
        (&manifest["kind"], &manifest["state"]),
        (&json!("training"), &json!("ended"))
    );
    assert_eq!(manifest["arm"]["photons"], 1e6);
    assert_eq!(manifest["arm"]["gridsize"], 2);
    assert_eq!(manifest["inputs"][0]["role"], "train");
    assert_eq!(manifest["task"]["settings"]["batch_size"], 4);
    assert_eq!(manifest["seeds"]["weights"], 3);
    let outputs = manifest["outputs"].as_array().unwrap();
    assert_eq!(outputs.len(), 6);
    for output in outputs {
        let bytes = std::fs::read(run.join(output["path"].as_str().unwrap())).unwrap();
        let sha256 = disk::sha256_hex(&bytes);
        assert_eq!(output["sha256"], sha256.as_str(), "{output}");
    }
}

#[test]
fn a_run_folder_is_never_overwritten_and_a_resumed_run_equals_a_straight_one() {
    let folder = sweep(60);
    let root = folder.path();
    let run = |rest: &str, code: i32| {
        check_run(
            root,
            &words(&format!("train {TRAIN} {SMALL} {rest} -q")),
            code,
        )
    };
    run("--epochs 3 -o straight", 0);
    run("--epochs 1 -o halves", 0);
    let before = std::fs::read(root.join("halves/last.safetensors")).unwrap();
    let (_, stderr) = run("--epochs 3 -o halves", 2);
    assert!(
        stderr.contains("output: expected a new or empty folder, found a training of 1 epochs; fix: give --resume"),
        "{stderr}"
    );
    assert_eq!(
        std::fs::read(root.join("halves/last.safetensors")).unwrap(),
        before
    );
    run("--epochs 3 -o halves --resume", 0);
    let last = |name: &str| std::fs::read(root.join(name).join("last.safetensors")).unwrap();
    assert_eq!(last("halves"), last("straight"));
    let manifest = read_json(&root.join("halves/manifest.json"));
    assert_eq!(manifest["resumed"].as_array().unwrap().len(), 1);
    assert_eq!(manifest["epochs_done"], 3);
    // The settings of a resumed run are those it began with.
    let args = format!("train {TRAIN} -o halves --resume --epochs 4 --threads 2 --json");
    let summary = check_json(root, &words(&args), 0);
    assert_eq!(
        summary["settings"]["batch_size"],
        json!({"value": 4, "origin": "resumed run"})
    );
    let (_, stderr) = check_run(
        root,
        &words(&format!("train {TEST} -o halves --resume --epochs 5")),
        2,
    );
    assert!(
        stderr.contains("the data that the training began with"),
        "{stderr}"
    );
}

#[test]
fn folders_that_are_no_training_are_refused() {
    let folder = sweep(60);
    let root = folder.path();
    disk::write(&root.join("mine/thesis.tex"), b"chapter 1").unwrap();
    disk::write(&root.join("other/manifest.json"), b"{\"schema\": 1}").unwrap();
    for (rest, code, words_of_error) in [
        ("-o mine", 2, "a folder with other files, as thesis.tex"),
        ("-o mine --resume", 2, "the folder of a training"),
        ("-o nowhere --resume", 2, "the folder of a training"),
        ("-o other", 3, "the manifest of another run"),
        ("-o other --resume", 3, "the manifest of another run"),
        ("-o mine/thesis.tex", 2, "found a file"),
        ("-o run --gridsize 4", 2, "gridsize"),
        ("-o run --lr 0", 2, "lr: expected a number above 0"),
        ("-o run --time-limit -1", 2, "time_limit_s"),
        ("-o run --groups 12 --neighbors 3", 2, "neighbors"),
        ("", 2, "--output"),
        ("-o run --validation none.npz", 1, "none.npz"),
    ] {
        let line = format!("train {TRAIN} {rest}");
        let (stdout, stderr) = check_run(root, &words(&line), code);
        assert!(stderr.contains(words_of_error), "{line}\n{stderr}");
        assert_eq!(stdout, "");
        assert!(!root.join("run").exists() && !root.join("nowhere").exists());
    }
    let good = data("contract/good.npz");
    let args = ["train", good.to_str().unwrap(), "-o", "run", "--json"];
    let error = check_json(root, &args, 2);
    assert!(
        error["error"].as_str().unwrap().contains("64, 128 or 256"),
        "{error}"
    );
    assert_eq!(std::fs::read_dir(root.join("mine")).unwrap().count(), 1);
}

#[test]
fn a_dry_run_tells_the_plan_and_writes_nothing() {
    let folder = sweep(60);
    let root = folder.path();
    let args = format!("train {TRAIN} {SMALL} --epochs 5 --dry-run --json");
    let plan = check_json(root, &words(&args), 0);
    assert_eq!((&plan["n"], &plan["n_groups"]), (&json!(64), &json!(10)));
    assert_eq!(plan["n_validation_groups"], 2);
    assert_eq!(
        (&plan["steps_per_epoch"], &plan["n_steps"]),
        (&json!(3), &json!(15))
    );
    assert_eq!(plan["n_parameters"], 566_184);
    assert_eq!(plan["canvas_px"].as_u64().unwrap() % 2, 0);
    assert!(0.0 < plan["seconds_estimated"].as_f64().unwrap());
    let n_bytes = plan["n_bytes"].as_u64().unwrap();
    assert!((50_000_000..2_000_000_000).contains(&n_bytes), "{n_bytes}");
    let more = format!("train {TRAIN} --groups 100000 --dry-run");
    let (stdout, stderr) = check_run(root, &words(&more), 0);
    assert!(
        stdout.contains("groups to train on") || stdout.contains("to train on"),
        "{stdout}"
    );
    assert!(stderr.contains("instead of 100000"), "{stderr}");
    let names = std::fs::read_dir(root).unwrap();
    assert_eq!(names.count(), 1, "only the data");
}

#[test]
fn a_time_limit_keeps_what_was_learnt_and_says_so() {
    let folder = sweep(60);
    let root = folder.path();
    let args = format!("train {TRAIN} {SMALL} --epochs 100000 --time-limit 1 -o run --json");
    let output = command(root).args(words(&args)).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    let stdout = text(&output.stdout);
    let summary: Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
    assert_eq!(summary["stopped_because"], "timed_out");
    assert!(Bundle::load(&root.join("run")).is_ok());
    let manifest = read_json(&root.join("run/manifest.json"));
    assert_eq!(
        (&manifest["state"], &manifest["reason"]),
        (&json!("ended"), &json!("timed_out"))
    );
    assert_eq!(manifest["epochs_done"], summary["epochs"]);
}

#[test]
fn an_inference_that_cannot_be_is_refused_in_words() {
    let folder = sweep(60);
    let root = folder.path();
    check_run(
        root,
        &words(&format!("train {TRAIN} {SMALL} --epochs 1 -o run -q")),
        0,
    );
    let good = data("contract/good.npz");
    let good = good.to_str().unwrap();
    for (args, code, words_of_error) in [
        (
            format!("infer run {good} -o out.npz"),
            2,
            "patterns of 64x64 as in training",
        ),
        (format!("infer nothing {TEST} -o out.npz"), 1, "nothing"),
        (
            format!("infer sweep {TEST} -o out.npz"),
            3,
            "best.json or last.json",
        ),
        (
            format!("infer run {TEST} -o sweep"),
            2,
            "expected a file, found a folder",
        ),
        (
            format!("infer run {TEST} -o {TEST}"),
            2,
            "another file than the input",
        ),
        (
            format!("infer run {TEST} -o out.npz --rescale recorded"),
            2,
            "records counts_factor",
        ),
    ] {
        let (_, stderr) = check_run(root, &words(&args), code);
        assert!(stderr.contains(words_of_error), "{args}\n{stderr}");
        assert!(!root.join("out.npz").exists());
    }
}

#[test]
fn check_loss_exits_with_4_where_a_loss_is_worse() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for (name, loss) in [("good", -3.0), ("same", -2.9), ("worse", -2.0)] {
        let arm = json!({"photons": 1e9, "gridsize": 2, "model": "pinn", "loss": "nll", "loss_last": loss});
        let path = root.join(name).join("manifest.json");
        disk::write_json(&path, &json!({"arm": arm})).unwrap();
    }
    let check = |candidate: &str, code: i32| {
        let line = format!(
            "check-loss --reference good/manifest.json --candidate {candidate}/manifest.json --tolerance 0.05"
        );
        check_run(root, &words(&line), code)
    };
    let (stdout, stderr) = check("same", 0);
    assert!(stdout.contains("passes") && stderr.is_empty(), "{stdout}");
    let (stdout, stderr) = check("worse", 4);
    assert!(
        stdout.contains("FAILS") && stderr.contains("is worse than -2.85"),
        "{stderr}"
    );
    let left = read_json(&root.join("worse/loss_check.json"));
    assert_eq!(
        (&left["passes"], &left["verdicts"][0]["candidate"]),
        (&json!(false), &json!(-2.0))
    );
    let line = "check-loss --reference good --candidate worse --json";
    assert_eq!(check_json(root, &words(line), 4)["passes"], false);
}
