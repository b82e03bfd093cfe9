//! `study report` and `study reference` from the command line.

use crate::support::{check_json, check_run};

#[test]
fn a_study_that_has_not_run_is_reported_as_such_and_is_no_reference() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    check_run(folder, &["study", "new", "lines"], 0);
    let (stdout, stderr) = check_run(folder, &["study", "report", "lines.toml"], 0);
    assert!(
        stdout.starts_with("no reconstruction is done yet\nnote: "),
        "{stdout}"
    );
    assert!(stdout.contains("tasks are without a result"), "{stdout}");
    assert!(stderr.contains("files: runs/lines"), "{stderr}");
    let summary = std::fs::read_to_string(folder.join("runs/lines/summary.md")).unwrap();
    assert!(summary.starts_with("# Study lines\n"), "{summary}");
    assert!(folder.join("runs/lines/summary.html").is_file());

    let report = check_json(folder, &["study", "report", "lines.toml", "--json"], 0);
    let files = report["files"].as_array().unwrap();
    assert!(files.iter().any(|file| file == "runs/lines/summary.html"));
    assert_eq!(report["findings"].as_array().unwrap().len(), 1);
    assert_eq!(report["likeness"], serde_json::json!([]));

    let (_, stderr) = check_run(folder, &["study", "reference", "lines.toml"], 2);
    assert!(
        stderr.contains("expected a training that is done"),
        "{stderr}"
    );
    assert!(!folder.join("runs/lines/reference_manifest.json").exists());
}
