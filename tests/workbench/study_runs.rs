//! Studies as a user runs them: straight, killed, by single tasks.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{check_json, check_output, check_run, command};

const TINY: &str = r#"
schema = 1
name = "tiny"
doses = [1e6]
[object]
object_size = 128
[probe]
n = 64
[scan]
positions = 40
[split]
test_positions = 24
[[trainings]]
model = "pinn"
losses = ["nll", "mae"]
gridsizes = [1]
[training]
filters_scale = 1
epochs = 4
groups = 24
batch_size = 8
[[engines]]
engine = "lsqml"
[iterative]
epochs = 6
batch_size = 16
[figure.style]
crop = 32
dpi = 60.0
"#;

fn with_study(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    ptycho_core::disk::write(&folder.path().join("tiny.toml"), text.as_bytes()).unwrap();
    folder
}

fn run<'a>(runs: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["study", "run", "tiny.toml", "--runs", runs];
    args.extend(["--threads", "2", "--device", "cpu"]);
    args.extend(more);
    args
}

fn tasks(object: &Value) -> &[Value] {
    object["tasks"].as_array().unwrap()
}

/// Hash of every output by task and file; every task is done.
fn hashes(object: &Value) -> BTreeMap<(String, String), String> {
    let mut hashes = BTreeMap::new();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    for task in tasks(object) {
        assert_eq!(task["state"], "done", "{task}");
        for output in task["outputs"].as_array().unwrap() {
            let key = (text(&task["id"]), text(&output["path"]));
            hashes.insert(key, text(&output["sha256"]));
        }
    }
    hashes
}

#[test]
fn killed_at_any_moment_a_study_ends_with_the_files_of_the_straight_run() {
    let folder = with_study(TINY);
    let root = folder.path();
    let straight = check_json(root, &run("straight", &["--json", "-q"]), 0);
    let expected = hashes(&straight);
    let mut n_killed = 0;
    for wait_ms in [35, 180, 420, 90, 700, 300, 250, 60, 480, 140] {
        let mut child = command(root).args(run("killed", &["-q"])).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(wait_ms));
        n_killed += usize::from(child.try_wait().unwrap().is_none());
        // SIGKILL: the program cannot tidy up.
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(0 < n_killed, "no run lived long enough to be killed");
    let status = ["study", "status", "tiny.toml", "--runs", "killed", "--json"];
    let states = check_json(root, &status, 0);
    let is_known = |task: &Value| {
        ["done", "interrupted", "missing", "stale"].contains(&task["state"].as_str().unwrap())
    };
    assert!(tasks(&states).iter().all(is_known), "{states}");
    let ended = check_json(root, &run("killed", &["--json", "-q"]), 0);
    assert_eq!(hashes(&ended), expected);
}

#[test]
fn a_run_tells_what_it_does_and_what_came_of_it() {
    let folder = with_study(TINY);
    let root = folder.path();
    let dry = check_json(
        root,
        &run("runs", &["--dry-run", "--json", "--only", "infer"]),
        0,
    );
    assert_eq!(
        dry["to_do"],
        json!([
            "simulate-1e6",
            "train-1e6-full-pinn_nll_gs1",
            "train-1e6-full-pinn_mae_gs1",
            "infer-1e6-full-pinn_nll_gs1-test",
            "infer-1e6-full-pinn_mae_gs1-test",
        ])
    );
    assert!(!root.join("runs").exists(), "a dry run writes nothing");
    check_run(root, &run("runs", &["--only", "nothing"]), 2);
    let (stdout, stderr) = check_run(root, &run("runs", &[]), 0);
    assert!(stdout.trim_end().ends_with("summary.md"), "{stdout}");
    for id in [
        "simulate-1e6",
        "train-1e6-full-pinn_nll_gs1",
        "compare-1e6-full-test",
        "figure",
    ] {
        assert!(stderr.contains(&format!("{id}: done in")), "{id}: {stderr}");
    }
    let status = ["study", "status", "runs/tiny"];
    let (table, _) = check_run(root, &status, 0);
    let heads = "DOSE  full/pinn_nll_gs1  full/pinn_mae_gs1  full/lsqml";
    assert!(table.contains(heads), "{table}");
    assert!(table.contains("1e6   done "), "{table}");
    let (_, again) = check_run(root, &run("runs", &[]), 0);
    assert!(!again.contains("done in"), "nothing is done twice: {again}");
}

#[test]
fn a_failed_task_is_told_and_exits_with_1() {
    let folder = with_study(TINY);
    let root = folder.path();
    let simulate = run("runs", &["--only", "simulate", "-q"]);
    check_run(root, &simulate, 0);
    // A file where a task needs its folder.
    let task = "train-1e6-full-pinn_nll_gs1";
    ptycho_core::disk::write(&root.join("runs/tiny").join(task), b"in the way").unwrap();
    let object = check_json(root, &run("runs", &["--json", "-q"]), 1);
    let found = |id: &str| {
        let mut all = tasks(&object).iter();
        all.find(|task| task["id"] == id).unwrap()
    };
    assert_eq!(found(task)["state"], "failed");
    assert!(found(task)["why"].as_str().unwrap().contains(task));
    assert_eq!(found("compare-1e6-full-test")["state"], "blocked");
    assert_eq!(found("reconstruct-1e6-full-lsqml-test")["state"], "done");
    std::fs::remove_file(root.join("runs/tiny").join(task)).unwrap();
    check_run(root, &run("runs", &["-q"]), 0);
}

#[test]
fn single_tasks_run_by_themselves_in_the_order_of_the_plan() {
    let folder = with_study(TINY);
    let root = folder.path();
    let straight = check_json(root, &run("straight", &["--json", "-q"]), 0);
    let home = root.join("tasks/tiny");
    std::fs::create_dir_all(&home).unwrap();
    std::fs::copy(root.join("straight/tiny/plan.json"), home.join("plan.json")).unwrap();
    let execute = |id: &str| {
        let args = [
            "task",
            "run",
            "tasks/tiny/plan.json",
            id,
            "--threads",
            "1",
            "--device",
            "cpu",
            "--json",
            "-q",
        ];
        command(root).args(args).output().unwrap()
    };
    check_output(&execute("figure"), 2);
    for task in tasks(&straight) {
        let output = execute(task["id"].as_str().unwrap());
        let (stdout, _) = check_output(&output, 0);
        let record: Value = serde_json::from_str(stdout.lines().last().unwrap()).unwrap();
        assert_eq!(record["ended"], "done");
        assert_eq!(record["outputs"], task["outputs"]);
    }
    let status = ["study", "status", "tasks/tiny", "--json"];
    assert_eq!(hashes(&check_json(root, &status, 0)), hashes(&straight));
    assert!(Path::new(&home.join("figure/figure.pdf")).is_file());
}
