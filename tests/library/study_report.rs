//! Reports of studies: manifests, tables, summaries, from records made by hand.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ndarray::{Array2, Array3};
use num_complex::Complex32;
use ptycho_core::compute::DeviceChoice;
use ptycho_core::data::Reconstruction;
use ptycho_core::disk;
use ptycho_core::error::Error;
use ptycho_core::grouping::View;
use ptycho_core::nn::settings::{Loss, Model};
use ptycho_core::nn::{EpochRecord, TrainSettings, TrainingHistory};
use ptycho_core::study::design::Study;
use ptycho_core::study::execute::{Ended, SCHEMA, TaskRecord};
use ptycho_core::study::loss_check::check_loss;
use ptycho_core::study::plan::{self, Place, Plan, Task, TaskKind, Variant, Work};
use ptycho_core::study::report::{
    REFERENCE_MANIFEST, ReportFiles, SkipSummary, TrainingFlag, TrainingManifest, make_reference,
    notes, write, write_notes,
};
use ptycho_core::study::store::OutputRecord;
use ptycho_core::study::train::TrainTask;
use resvg::usvg::roxmltree;
use serde_json::{Value, json};

const DOSES: [f64; 2] = [1e9, 1e4];
const NETWORKS: [&str; 3] = ["pinn_nll_gs2", "pinn_mae_gs2", "baseline"];

/// A study of two doses, two networks, a baseline and LSQML, with its runs in a folder of its own.
struct Lab {
    runs: tempfile::TempDir,
    plan: Plan,
}

fn study(name: &str) -> Study {
    Study {
        name: name.to_owned(),
        notes: "What a dose is worth.".to_owned(),
        doses: DOSES.into(),
        ..Study::default()
    }
}

fn id(kind: &str, dose: f64, rest: &str) -> String {
    format!("{kind}-{dose:e}{rest}")
}

fn task(kind: TaskKind, id: String, place: Place, after: Vec<String>) -> Task {
    Task {
        kind,
        words: id.clone(),
        place,
        after,
        key: disk::sha256_hex(id.as_bytes()),
        work: Work::Scenario("ideal".to_owned()),
        skip: None,
        n_bytes: 0,
        id,
    }
}

fn training(arm: &str) -> Work {
    let settings = TrainSettings {
        model: if arm == "baseline" {
            Model::Baseline
        } else {
            Model::Pinn
        },
        loss: if arm.contains("mae") {
            Loss::Mae
        } else {
            Loss::Nll
        },
        seed: 7,
        ..TrainSettings::default()
    };
    Work::Train(Box::new(TrainTask {
        train: PathBuf::from("train.npz"),
        validation: None,
        settings,
        n_threads: 0,
        device: DeviceChoice::Cpu,
        output: PathBuf::from("run"),
        resume: false,
        time_limit_s: None,
    }))
}

/// Every task of one dose on one view.
fn tasks(dose: f64, view: &str) -> Vec<Task> {
    let place = |arm: Option<&str>, split: Option<&str>| Place {
        dose: Some(dose),
        view: Some(view.to_owned()),
        arm: arm.map(str::to_owned),
        split: split.map(str::to_owned),
        gridsize: None,
    };
    let simulate = id("simulate", dose, "");
    let mut tasks = Vec::new();
    let mut reconstructed = Vec::new();
    for arm in NETWORKS {
        let train = id("train", dose, &format!("-{view}-{arm}"));
        let work = training(arm);
        tasks.push(Task {
            work,
            ..task(
                TaskKind::Train,
                train.clone(),
                place(Some(arm), None),
                vec![simulate.clone()],
            )
        });
        let infer = id("infer", dose, &format!("-{view}-{arm}-test"));
        let place = place(Some(arm), Some("test"));
        tasks.push(task(TaskKind::Infer, infer.clone(), place, vec![train]));
        reconstructed.push(infer);
    }
    let lsqml = id("reconstruct", dose, &format!("-{view}-lsqml-test"));
    let of_lsqml = place(Some("lsqml"), Some("test"));
    tasks.push(task(
        TaskKind::Reconstruct,
        lsqml.clone(),
        of_lsqml,
        vec![simulate],
    ));
    reconstructed.push(lsqml);
    let compare = id("compare", dose, &format!("-{view}-test"));
    let of_all = place(None, Some("test"));
    tasks.push(task(TaskKind::Compare, compare, of_all, reconstructed));
    tasks
}

impl Lab {
    fn new() -> Self {
        let mut all = Vec::new();
        for dose in DOSES {
            let place = Place {
                dose: Some(dose),
                ..Place::default()
            };
            all.push(task(
                TaskKind::Simulate,
                id("simulate", dose, ""),
                place,
                Vec::new(),
            ));
        }
        for dose in DOSES {
            all.extend(tasks(dose, "full"));
        }
        let arms = NETWORKS.into_iter().chain(["lsqml"]);
        let variants = arms.map(|arm| Variant {
            view: "full".to_owned(),
            arm: arm.to_owned(),
        });
        let plan = Plan {
            schema: plan::SCHEMA,
            study: study("tiny"),
            study_sha256: "5".repeat(64),
            doses: DOSES.into(),
            variants: variants.collect(),
            tasks: all,
            notes: Vec::new(),
        };
        Self {
            runs: tempfile::tempdir().unwrap(),
            plan,
        }
    }

    /// All of it done, so that nothing is to be told.
    fn complete() -> Self {
        let lab = Self::new();
        for dose in DOSES {
            lab.done(&id("simulate", dose, ""), &[], &[]);
            lab.do_arms(dose, "full");
        }
        lab
    }

    fn folder(&self) -> PathBuf {
        self.plan.folder(self.runs.path())
    }

    fn do_arms(&self, dose: f64, view: &str) {
        for arm in NETWORKS {
            self.train(&id("train", dose, &format!("-{view}-{arm}")), [2.0, 0.5]);
            let infer = id("infer", dose, &format!("-{view}-{arm}-test"));
            self.reconstruct(&infer, 0.3);
        }
        let lsqml = id("reconstruct", dose, &format!("-{view}-lsqml-test"));
        self.reconstruct(&lsqml, 0.3);
        let share = if dose < 1e6 { 0.5 } else { 1.0 };
        let pearson = [0.9, 0.8, 0.7, 0.99].map(|r| r * share);
        self.compare(&id("compare", dose, &format!("-{view}-test")), pearson);
    }

    fn train(&self, id: &str, [first, last]: [f64; 2]) {
        let epoch = |loss: f64| EpochRecord {
            loss: Some(loss),
            ..EpochRecord::default()
        };
        let history = TrainingHistory {
            epochs: vec![epoch(first), epoch(last)],
            ..TrainingHistory::default()
        };
        let history = serde_json::to_vec(&history).unwrap();
        let numbers = [
            ("loss_first", first),
            ("loss_last", last),
            ("validation_last", last + 0.125),
            ("best_epoch", 2.0),
        ];
        let files = [
            ("last.safetensors", b"last".to_vec()),
            ("best.safetensors", b"best".to_vec()),
            ("history.json", history),
        ];
        self.done(id, &numbers, &files);
    }

    /// A reconstruction whose amplitude varies about 1 by so much.
    fn reconstruct(&self, id: &str, deviation: f32) {
        let object = Array2::from_shape_fn((8, 8), |(r, c)| {
            let sign = if (r + c) % 2 == 0 { 1.0 } else { -1.0 };
            Complex32::new(1.0 + sign * deviation, 0.0)
        });
        let reconstruction = Reconstruction {
            object,
            coverage: None,
            probe: Array3::from_elem((1, 4, 4), Complex32::new(1.0, 0.0)),
            positions_px: Vec::new(),
            loss: Vec::new(),
            algorithm: "test".to_owned(),
            provenance: Value::Null,
        };
        let file = self.runs.path().join("result.npz");
        reconstruction.save(&file).unwrap();
        let bytes = std::fs::read(&file).unwrap();
        self.done(id, &[("loss_last", 0.25)], &[("result.npz", bytes)]);
    }

    /// A comparison of the three networks and LSQML.
    fn compare(&self, id: &str, pearson: [f64; 4]) {
        let arms = NETWORKS.into_iter().chain(["lsqml"]);
        let mut numbers = Vec::new();
        for (arm, pearson) in arms.clone().zip(pearson) {
            numbers.push((format!("{arm}.pearson.amplitude"), pearson));
            numbers.push((format!("{arm}.mae.phase"), 1.0 - pearson));
            numbers.push((format!("{arm}.complex_error.value"), 0.25));
            numbers.push((format!("{arm}.n_pixels.value"), 64.0));
            numbers.push((format!("{arm}.computation_time_s.value"), 12.5));
        }
        let numbers: Vec<_> = numbers
            .iter()
            .map(|(key, value)| (key.as_str(), *value))
            .collect();
        let arms: Vec<_> = arms.map(|arm| json!({"name": arm})).collect();
        let report = json!({"arms": arms, "refused": [], "inputs": {"arms": []}});
        let files = [
            ("comparison_metrics.json", report.to_string().into_bytes()),
            ("comparison_plot.png", b"a picture".to_vec()),
        ];
        self.done(id, &numbers, &files);
    }

    fn done(&self, id: &str, numbers: &[(&str, f64)], files: &[(&str, Vec<u8>)]) {
        let record = self.record(id, Ended::Done, numbers, files);
        self.save(&record);
    }

    fn record(
        &self,
        id: &str,
        ended: Ended,
        numbers: &[(&str, f64)],
        files: &[(&str, Vec<u8>)],
    ) -> TaskRecord {
        let task = self.plan.task(id).unwrap();
        let outputs = files.iter().map(|(name, bytes)| {
            disk::write(&self.folder().join(id).join(name), bytes).unwrap();
            OutputRecord {
                path: PathBuf::from(name),
                sha256: disk::sha256_hex(bytes),
                n_bytes: bytes.len() as u64,
            }
        });
        let numbers = numbers.iter();
        TaskRecord {
            schema: SCHEMA,
            version: "ptychobench 0.1.0".to_owned(),
            id: id.to_owned(),
            kind: task.kind,
            key: task.key.clone(),
            ended,
            outputs: outputs.collect(),
            numbers: numbers
                .map(|(key, value)| ((*key).to_owned(), *value))
                .collect(),
            notes: Vec::new(),
            seeds: BTreeMap::new(),
            device: ["cpu".to_owned(), "as asked for".to_owned()],
            n_threads: 2,
            started: "2026-11-21T05:35:00Z".to_owned(),
            finished: Some("2026-11-21T05:35:01Z".to_owned()),
            seconds: 1.5,
        }
    }

    /// The record beside what the task was given: what those that it needs had come to.
    fn save(&self, record: &TaskRecord) {
        let folder = self.folder().join(&record.id);
        let after = &self.plan.task(&record.id).unwrap().after;
        let inputs = after.iter().filter_map(|id| {
            let text = std::fs::read(self.folder().join(id).join("task.json")).ok()?;
            let input: TaskRecord = serde_json::from_slice(&text).unwrap();
            let lines = input.outputs.iter();
            let lines =
                lines.map(|output| format!("{}\0{}\n", output.path.display(), output.sha256));
            let sha256 = disk::sha256_hex(lines.collect::<String>().as_bytes());
            Some((id.clone(), json!({"key": input.key, "sha256": sha256})))
        });
        let inputs: serde_json::Map<String, Value> = inputs.collect();
        let given = json!({"work": null, "inputs": inputs});
        disk::write_json(&folder.join("given.json"), &given).unwrap();
        disk::write_json(&folder.join("task.json"), record).unwrap();
    }

    fn fail(&self, id: &str, cause: &str) {
        self.save(&self.record(id, Ended::Failed(cause.to_owned()), &[], &[]));
    }

    fn report(&self) -> ReportFiles {
        let report = write(&self.plan, self.runs.path()).unwrap();
        for file in &report.files {
            assert!(file.is_file(), "{}", file.display());
        }
        well_formed(&self.text("summary.html"));
        for name in ["summary.md", "metrics_summary.md"] {
            even_tables(&self.text(name));
        }
        report
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder().join(name)).unwrap()
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.text(name)).unwrap()
    }

    fn trainings(&self) -> TrainingManifest {
        serde_json::from_value(self.json("training_manifest.json")).unwrap()
    }
}

/// The HTML is well-formed, needs nothing from elsewhere and runs nothing.
fn well_formed(html: &str) {
    let options = roxmltree::ParsingOptions {
        allow_dtd: true,
        ..roxmltree::ParsingOptions::default()
    };
    let document = roxmltree::Document::parse_with_options(html, options);
    let document = document.unwrap_or_else(|error| panic!("{error}\n{html}"));
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        assert_ne!(node.tag_name().name(), "script");
        for attribute in node.attributes() {
            assert!(!attribute.name().starts_with("on"), "{attribute:?}");
        }
        if let Some(source) = node.attribute("src") {
            assert!(source.starts_with("data:image/png;base64,"));
        }
    }
}

/// Every row of a Markdown table has as many cells as its head.
fn even_tables(markdown: &str) {
    let mut n_cells = None;
    for line in markdown.lines() {
        if !line.starts_with('|') {
            n_cells = None;
            continue;
        }
        let n = line.replace("\\|", "").matches('|').count();
        assert_eq!(*n_cells.get_or_insert(n), n, "{line}");
    }
}

fn line<'a>(csv: &'a str, begin: &str) -> &'a str {
    let found = csv.lines().find(|line| line.starts_with(begin));
    found.unwrap_or_else(|| panic!("no line {begin} in\n{csv}"))
}

#[test]
fn a_complete_study_is_reported_without_a_finding_but_what_shows_little() {
    let lab = Lab::complete();
    let report = lab.report();
    let names: Vec<String> = report
        .files
        .iter()
        .map(|file| file.file_name().unwrap().display().to_string())
        .collect();
    for name in [
        "training_manifest.json",
        "reconstruction_manifest.json",
        "comparison_manifest.json",
        "metrics_summary.csv",
        "metrics_summary.json",
        "metrics_summary.md",
        "skip_summary.json",
        "summary.md",
        "summary.html",
    ] {
        assert!(names.iter().any(|own| own == name), "{name} in {names:?}");
    }
    // At the low dose Pearson is 0.45, 0.4, 0.35 and 0.495.
    assert_eq!(report.findings.len(), 4, "{:?}", report.findings);
    let first = &report.findings[0];
    assert_eq!(
        first,
        "pinn_nll_gs2 at 1e4, full, test shows little of the object: Pearson with the truth 0.45"
    );
    assert_eq!(report.likeness.len(), 8);
    assert_eq!(report.likeness[0].amplitude, Some(0.9));
    assert_eq!(report.likeness[0].phase, None, "the object has no phase");
    assert_eq!(report.likeness[0].is_flat, Some(false));
    assert_eq!(lab.json("reconstruction_manifest.json")["n_success"], 8);
    assert_eq!(lab.json("reconstruction_manifest.json")["n_failed"], 0);
    let comparisons = lab.json("comparison_manifest.json");
    assert_eq!(comparisons["n_success"], 2);
    assert_eq!(comparisons["results"][0]["arms"][3], "lsqml");
    let summary = lab.text("summary.md");
    assert!(summary.starts_with("# Study tiny\n\nWhat a dose is worth.\n"));
    assert!(summary.contains("18 of 18 tasks are done."), "{summary}");
    assert!(summary.contains("![Reconstructions beside the truth, 1e9 photons a pattern, view full, test set](compare-1e9-full-test/comparison_plot.png)"));
    assert!(lab.text("summary.html").contains("base64,YSBwaWN0dXJl"));
}

#[test]
fn the_manifest_of_trainings_is_one_that_check_loss_reads() {
    let lab = Lab::complete();
    lab.report();
    let manifest = lab.trainings();
    assert_eq!((manifest.n_success, manifest.n_failed), (6, 0));
    let network = &manifest.arms[1];
    assert_eq!(network.id, "train-1e9-full-pinn_mae_gs2");
    assert_eq!(
        network.bundle,
        "train-1e9-full-pinn_mae_gs2/best.safetensors"
    );
    assert_eq!(network.sha256, disk::sha256_hex(b"best"));
    assert_eq!((network.n_bytes, network.seed), (4, 7));
    assert_eq!((network.epochs, network.best_epoch), (Some(2), Some(2)));
    assert_eq!(network.final_loss, Some(0.5));
    assert_eq!(network.losses.loss, "mae");
    assert_eq!(network.losses.photons, Some(1e9));
    assert_eq!(network.flags, []);
    let baseline = &manifest.arms[2].losses;
    assert_eq!(
        (baseline.model.as_str(), baseline.gridsize),
        ("baseline", 1)
    );
    let file = lab.folder().join("training_manifest.json");
    let check = check_loss(&file, &file, 0.0).unwrap();
    assert!(check.passes);
    assert_eq!(check.verdicts.len(), 6);
}

#[test]
fn numbers_stand_in_csv_json_and_markdown_alike() {
    let lab = Lab::complete();
    lab.report();
    let csv = lab.text("metrics_summary.csv");
    for (begin, rest) in [
        (
            "value,1000000000,full,test,lsqml,amplitude,pearson,,",
            "0.99,1,true",
        ),
        (
            "value,1000000000,full,test,baseline,amplitude,pearson,,",
            "0.7,1,false",
        ),
        ("value,10000,full,test,lsqml,value,n_pixels,,", "64,1,false"),
        (
            "mean,,,test,pinn_nll_gs2,amplitude,pearson,,",
            "0.675,2,false",
        ),
        (
            "best,1000000000,full,test,pinn_nll_gs2,amplitude,pearson,,",
            "0.9,2,false",
        ),
        (
            "best,1000000000,full,test,pinn_nll_gs2,phase,mae,rad,",
            "0.09999999999999998,2,false",
        ),
    ] {
        assert_eq!(line(&csv, begin), format!("{begin}{rest}"));
    }
    let difference = line(
        &csv,
        "difference_to_baseline,1000000000,full,test,pinn_nll_gs2,amplitude,pearson,",
    );
    let number: f64 = difference.split(',').nth(8).unwrap().parse().unwrap();
    assert!((number - 0.2).abs() < 1e-12, "{difference}");
    assert!(csv.contains("mean_difference_to_lsqml,,,test,baseline,amplitude,pearson"));
    // Phase first, and no time: it differs from run to run.
    assert!(csv.lines().nth(1).unwrap().contains(",phase,"), "{csv}");
    assert!(!csv.contains("computation_time"));
    let n_columns = csv.lines().next().unwrap().split(',').count();
    assert!(csv.lines().all(|line| line.split(',').count() == n_columns));
    let json = lab.json("metrics_summary.json");
    let lsqml = &json["comparisons"][0]["arms"]["lsqml"];
    assert_eq!(lsqml["metrics"]["pearson"]["amplitude"], 0.99);
    assert_eq!(lsqml["best"], json!(["mae.phase", "pearson.amplitude"]));
    assert!(lsqml["difference_to_lsqml"].is_null());
    let mean = &json["arms"]["test"]["pinn_nll_gs2"]["mean"]["pearson"]["amplitude"];
    assert_eq!(*mean, json!({"value": 0.675, "n": 2, "is_best": false}));
    assert!(json["definitions"]["pearson"]["text"].is_string());
    let table = lab.text("metrics_summary.md");
    assert!(
        table.contains("| 1e9 | full | test | lsqml | **0.99** |"),
        "{table}"
    );
    assert!(table.contains("| 1e9 | full | test | pinn_nll_gs2 | **+0.2** |"));
    assert!(table.contains("- **Pearson**: Correlation coefficient"));
}

#[test]
fn the_same_records_give_the_same_metrics() {
    let lab = Lab::complete();
    let read = || {
        lab.report();
        [
            "metrics_summary.csv",
            "metrics_summary.json",
            "metrics_summary.md",
        ]
        .map(|name| lab.text(name))
    };
    assert_eq!(read(), read());
}

#[test]
fn means_over_other_comparisons_are_not_ranked() {
    let lab = Lab::complete();
    // The low dose without the baseline: its mean is of the high dose alone, where all is better.
    let low = id("compare", 1e4, "-full-test");
    let record = lab.record(
        &low,
        Ended::Done,
        &[
            ("pinn_nll_gs2.pearson.amplitude", 0.3),
            ("lsqml.pearson.amplitude", 0.2),
        ],
        &[],
    );
    lab.save(&record);
    lab.report();
    let csv = lab.text("metrics_summary.csv");
    let mean = |arm: &str| line(&csv, &format!("mean,,,test,{arm},amplitude,pearson,,")).to_owned();
    assert!(
        mean("baseline").ends_with(",0.7,1,false"),
        "{}",
        mean("baseline")
    );
    assert!(
        mean("pinn_nll_gs2").ends_with(",2,true"),
        "{}",
        mean("pinn_nll_gs2")
    );
}

#[test]
fn nothing_done_is_a_report_too() {
    let lab = Lab::new();
    let report = lab.report();
    assert_eq!(
        report.findings,
        ["18 of 18 tasks are without a result: 18 not done"]
    );
    assert!(report.likeness.is_empty());
    let summary = lab.text("summary.md");
    assert!(summary.contains("0 of 18 tasks are done."));
    assert!(summary.contains("No comparison is done yet."));
    let error = make_reference(&lab.plan, lab.runs.path()).unwrap_err();
    assert!(matches!(error, Error::Invalid(_)), "{error}");
    assert!(
        error.to_string().contains("ptychobench study run"),
        "{error}"
    );
}

#[test]
fn what_is_half_done_or_stale_is_named_and_not_counted() {
    let mut lab = Lab::new();
    lab.done(&id("simulate", 1e9, ""), &[], &[]);
    lab.do_arms(1e9, "full");
    lab.do_arms(1e4, "full");
    for task in &mut lab.plan.tasks {
        if task.place.dose == Some(1e4) {
            task.key = disk::sha256_hex(b"another setting");
        }
    }
    lab.save(&lab.record(
        &id("train", 1e4, "-full-baseline"),
        Ended::Running,
        &[],
        &[],
    ));
    let report = lab.report();
    assert_eq!(report.likeness.len(), 4);
    let open = report.findings.last().unwrap();
    assert!(
        open.starts_with("9 of 18 tasks are without a result: "),
        "{open}"
    );
    let csv = lab.text("metrics_summary.csv");
    assert!(!csv.contains(",10000,"), "a stale number");
    let summary = lab.text("summary.md");
    assert!(
        summary.contains("| 1e9 | done | done | done | done |"),
        "{summary}"
    );
    assert!(
        summary.contains("| 1e4 | stale | stale | stale | stale |"),
        "{summary}"
    );
    assert!(
        summary.contains("| train-1e4-full-baseline | interrupted |"),
        "{summary}"
    );
    assert_eq!(lab.trainings().not_done.len(), 3);
}

#[test]
fn failures_are_told_with_their_cause_and_what_they_block() {
    let lab = Lab::new();
    for dose in DOSES {
        lab.done(&id("simulate", dose, ""), &[], &[]);
    }
    lab.do_arms(1e9, "full");
    let failed = id("train", 1e4, "-full-pinn_nll_gs2");
    lab.fail(&failed, "the loss is not finite after step 12");
    let report = lab.report();
    assert_eq!(
        report.findings[0],
        format!("{failed} failed: the loss is not finite after step 12")
    );
    let manifest = lab.trainings();
    assert_eq!((manifest.n_success, manifest.n_failed), (3, 1));
    let entry = &manifest.not_done[0];
    assert_eq!(
        (entry.id.as_str(), entry.state.as_str()),
        (failed.as_str(), "failed")
    );
    assert_eq!(
        entry.cause.as_deref(),
        Some("the loss is not finite after step 12")
    );
    let summary = lab.text("summary.md");
    assert!(summary.contains(", 1 failed."), "{summary}");
    assert!(summary.contains("| 1e4 | failed |"), "{summary}");
    assert!(
        summary.contains(&format!(
            "| {} | blocked |",
            id("infer", 1e4, "-full-pinn_nll_gs2-test")
        )),
        "{summary}"
    );
}

#[test]
fn views_that_cannot_be_formed_stand_in_the_skip_summary() {
    let mut lab = Lab::complete();
    let reason = "22 positions are left of 60, 36 are needed";
    let place = Place {
        dose: Some(1e4),
        view: Some("sparse".to_owned()),
        ..Place::default()
    };
    let view = id("view", 1e4, "-sparse");
    let mut skipped = task(TaskKind::View, view.clone(), place.clone(), Vec::new());
    skipped.skip = Some(reason.to_owned());
    let train = Place {
        arm: Some("pinn_nll_gs2".to_owned()),
        ..place
    };
    let mut of_view = task(
        TaskKind::Train,
        id("train", 1e4, "-sparse-pinn_nll_gs2"),
        train,
        vec![view],
    );
    of_view.work = training("pinn_nll_gs2");
    of_view.skip = Some("its view cannot be formed".to_owned());
    lab.plan.tasks.extend([skipped, of_view]);
    lab.plan.variants.push(Variant {
        view: "sparse".to_owned(),
        arm: "pinn_nll_gs2".to_owned(),
    });
    lab.plan.study.views.push(View {
        name: "sparse".to_owned(),
        overlap: 0.2,
    });
    let report = lab.report();
    let skips: SkipSummary = serde_json::from_value(lab.json("skip_summary.json")).unwrap();
    assert_eq!(skips.skipped_count, 1);
    let found = &skips.skipped_views[0];
    assert_eq!(
        (found.dose, found.view.as_str(), found.reason.as_str()),
        (Some(1e4), "sparse", reason)
    );
    assert!(skips.timestamp.ends_with('Z'));
    assert_eq!(lab.trainings().skip_summary, "skip_summary.json");
    let words = format!("View sparse at 1e4 was left out: {reason}");
    assert!(report.findings.contains(&words), "{:?}", report.findings);
    let summary = lab.text("summary.md");
    assert!(
        summary.contains(&format!("| 1e4 | sparse | {reason} |")),
        "{summary}"
    );
    assert!(summary.contains("18 of 20 tasks are done, 2 cannot be done."));
    assert_eq!(lab.trainings().n_failed, 0);
}

#[test]
fn a_flat_reconstruction_is_said_to_be_flat() {
    let lab = Lab::complete();
    lab.reconstruct(&id("infer", 1e4, "-full-pinn_nll_gs2-test"), 0.005);
    lab.compare(&id("compare", 1e4, "-full-test"), [0.45, 0.4, 0.35, 0.495]);
    let report = lab.report();
    let flat: Vec<_> = report
        .likeness
        .iter()
        .filter(|found| found.is_flat == Some(true))
        .map(|found| found.words.as_str())
        .collect();
    assert_eq!(flat, ["pinn_nll_gs2 at 1e4, full, test"]);
    let words = "pinn_nll_gs2 at 1e4, full, test is flat: Pearson with the truth 0.45";
    assert!(
        report.findings.iter().any(|found| found == words),
        "{:?}",
        report.findings
    );
    let manifest = lab.trainings();
    let flagged: Vec<_> = manifest
        .arms
        .iter()
        .filter(|network| network.flags.contains(&TrainingFlag::Flat))
        .map(|network| network.id.as_str())
        .collect();
    assert_eq!(flagged, ["train-1e4-full-pinn_nll_gs2"]);
    let text = lab.text("training_manifest.json");
    assert!(text.contains("\"flat\""), "{text}");
}

#[test]
fn trainings_that_end_above_their_first_loss_are_flagged() {
    let lab = Lab::complete();
    let above = id("train", 1e9, "-full-pinn_nll_gs2");
    lab.train(&above, [-3.0, -2.5]);
    let endless = id("train", 1e9, "-full-pinn_mae_gs2");
    let record = lab.record(
        &endless,
        Ended::Done,
        &[("loss_first", 1.0)],
        &[("best.safetensors", b"best".to_vec())],
    );
    lab.save(&record);
    let report = lab.report();
    assert_eq!(
        report.findings[..2],
        [
            format!("{above} ended above its first loss: −2.5 after −3"),
            format!("{endless} ended without a finite loss"),
        ]
    );
    let manifest = lab.trainings();
    assert_eq!(manifest.arms[0].flags, [TrainingFlag::EndedAboveFirstLoss]);
    assert_eq!(manifest.arms[1].flags, [TrainingFlag::NoFiniteLoss]);
    assert!(
        lab.text("training_manifest.json")
            .contains("ended_above_first_loss")
    );
}

#[test]
fn later_losses_are_held_against_the_reference() {
    let lab = Lab::complete();
    assert!(lab.report().loss_check.is_none());
    assert!(
        lab.text("summary.md")
            .contains("No run of this study has been made the reference yet")
    );
    let file = make_reference(&lab.plan, lab.runs.path()).unwrap();
    assert_eq!(file, lab.folder().join(REFERENCE_MANIFEST));
    let report = lab.report();
    assert!(report.loss_check.unwrap().passes);
    assert!(!report.is_worse_than_reference);
    assert!(
        lab.text("summary.md")
            .contains("It passes: a final loss may be worse")
    );

    lab.train(&id("train", 1e9, "-full-pinn_nll_gs2"), [2.0, 0.6]);
    let report = lab.report();
    assert!(report.is_worse_than_reference);
    assert_eq!(
        report.findings[0],
        "The loss guard rail fails for photons=1e9 view=full gridsize=2 model=pinn loss=nll: 0.6 is worse than 0.525"
    );

    // One that is not done is no failure of it, but one that is worse stays one.
    let open = lab.folder().join(id("train", 1e4, "-full-baseline"));
    std::fs::remove_dir_all(open).unwrap();
    lab.report();
    let summary = lab.text("summary.md");
    assert!(summary.contains("| not done yet |"), "{summary}");
    lab.train(&id("train", 1e9, "-full-pinn_nll_gs2"), [2.0, 0.5]);
    assert!(!lab.report().is_worse_than_reference);

    // Trainings without a finite loss are no reference.
    let bad = id("train", 1e4, "-full-pinn_nll_gs2");
    lab.save(&lab.record(
        &bad,
        Ended::Done,
        &[],
        &[("best.safetensors", b"b".to_vec())],
    ));
    make_reference(&lab.plan, lab.runs.path()).unwrap();
    let reference = lab.json(REFERENCE_MANIFEST);
    assert_eq!(reference["arms"].as_array().unwrap().len(), 4);
}

#[test]
fn notes_are_taken_in_and_left_as_they_are() {
    let lab = Lab::complete();
    assert_eq!(notes(&lab.plan, lab.runs.path()).unwrap(), "");
    let own = "# Seen\n\nThe **edges** of pinn_nll_gs2 are <soft>, see [page](https://example.org).\n\n- one\n- two\n";
    write_notes(&lab.plan, lab.runs.path(), own).unwrap();
    lab.report();
    assert_eq!(notes(&lab.plan, lab.runs.path()).unwrap(), own);
    let summary = lab.text("summary.md");
    assert!(
        summary.contains("## Notes\n\n### Seen\n\nThe **edges**"),
        "{summary}"
    );
    let html = lab.text("summary.html");
    assert!(html.contains("<h3>Seen</h3>\n<p>The <strong>edges</strong> of pinn_nll_gs2 are &lt;soft&gt;, see <a href=\"https://example.org\">page</a>.</p>\n<ul>\n<li>one</li>"), "{html}");
}

#[test]
fn letters_that_markdown_and_html_read_otherwise_are_written_as_letters() {
    let mut lab = Lab::new();
    let wild = "<script>alert('1')</script> a|b *c* _d_ `e` [f](g) & \\h\n# no heading";
    lab.plan.study.notes = wild.to_owned();
    lab.plan.notes.push(wild.to_owned());
    for task in &mut lab.plan.tasks {
        task.place.view = task.place.view.as_ref().map(|_| wild.to_owned());
    }
    for variant in &mut lab.plan.variants {
        variant.view = wild.to_owned();
    }
    lab.done(&id("simulate", 1e9, ""), &[], &[]);
    lab.do_arms(1e9, "full");
    lab.fail(&id("train", 1e4, "-full-baseline"), wild);
    let mut record = lab.record(&id("simulate", 1e4, ""), Ended::Done, &[], &[]);
    record.notes.push(wild.to_owned());
    record.device[1] = wild.to_owned();
    lab.save(&record);
    lab.report();
    let summary = lab.text("summary.md");
    assert!(!summary.contains("<script>"));
    assert!(!summary.contains("\n# no heading"));
    assert!(
        summary.contains(r"a\|b \*c\* \_d\_ \`e\` \[f\](g) &amp; \\h # no heading"),
        "{summary}"
    );
    let html = lab.text("summary.html");
    assert!(
        html.contains("&lt;script&gt;alert('1')&lt;/script&gt; a|b *c* _d_ `e` [f](g) &amp; \\h")
    );
    let csv = lab.text("metrics_summary.csv");
    assert!(
        csv.contains("\"<script>"),
        "a cell with a line break is quoted: {csv}"
    );
}

#[test]
fn a_record_that_cannot_be_read_does_not_stop_the_report() {
    let lab = Lab::complete();
    let compare = id("compare", 1e9, "-full-test");
    let folder = lab.folder();
    disk::write(&folder.join(&compare).join("task.json"), b"{ half").unwrap();
    let unreadable = folder.join(id("compare", 1e4, "-full-test"));
    let _ = std::fs::remove_file(unreadable.join("comparison_metrics.json"));
    lab.report();
    let summary = lab.text("summary.md");
    assert!(
        summary.contains(&format!("| {compare} | not done |")),
        "{summary}"
    );
}

#[test]
fn the_figure_is_shown_only_while_it_fits_the_study() {
    let mut lab = Lab::complete();
    let after = [1e9, 1e4].map(|dose| id("compare", dose, "-full-test"));
    let figure = "figure".to_owned();
    lab.plan.tasks.push(task(
        TaskKind::Figure,
        figure.clone(),
        Place::default(),
        after.into(),
    ));
    let files = [
        ("convergence.png", b"losses".to_vec()),
        ("figure.png", b"the figure".to_vec()),
        ("figure.svg", b"<svg/>".to_vec()),
    ];
    lab.done(&figure, &[], &files);
    let own = lab.folder().join("figures/my_own.png");
    disk::write(&own, b"mine").unwrap();
    let report = lab.report();
    assert!(report.file("figure.svg").is_some());
    let pictures = || {
        let summary = lab.text("summary.md");
        let lines = summary.lines().filter(|line| line.contains("(figures/"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        pictures(),
        [
            "![figure](figures/figure.png)",
            "![convergence](figures/convergence.png)",
            "![my own](figures/my_own.png)",
        ]
    );
    std::fs::remove_file(lab.folder().join("figure/task.json")).unwrap();
    lab.report();
    assert_eq!(pictures(), ["![my own](figures/my_own.png)"]);
}
