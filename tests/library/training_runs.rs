//! Run folders of trainings, the loss guard rail.

use std::path::{Path, PathBuf};

use ndarray::Array3;
use num_complex::Complex32;
use ptycho_core::compute::DeviceChoice;
use ptycho_core::data::{Dataset, DatasetParts, Frames};
use ptycho_core::error::Error;
use ptycho_core::job::{Monitor, Progress, Quiet, Stop, StopReason};
use ptycho_core::nn::settings::{Loss, Model};
use ptycho_core::nn::{TrainSettings, TrainSnapshot, TrainingHistory};
use ptycho_core::rng::{Purpose, stream};
use ptycho_core::study::loss_check::{LossCheck, check_loss};
use ptycho_core::study::store::RunState;
use ptycho_core::study::train::{TrainManifest, TrainTask, train};
use rand::RngExt as _;
use serde_json::{Value, json};

fn write(path: &Path, manifest: &Value) -> PathBuf {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, manifest.to_string()).unwrap();
    path.to_path_buf()
}

fn arm(photons: f64, view: Option<&str>, gridsize: usize, loss_last: Value) -> Value {
    json!({
        "photons": photons, "view": view, "gridsize": gridsize, "model": "pinn", "loss": "nll",
        "loss_last": loss_last,
    })
}

#[test]
fn a_loss_passes_up_to_reference_plus_tolerance_of_its_size() {
    let folder = tempfile::tempdir().unwrap();
    // (reference, candidate, tolerance, passes)
    let table = [
        (json!(2.0), json!(2.0), 0.0, true),
        (json!(2.0), json!(2.1), 0.05, true),
        (json!(2.0), json!(2.100_001), 0.05, false),
        (json!(2.0), json!(-7.0), 0.05, true),
        // Below 0 the tolerance still allows for worse, not for better.
        (json!(-3.0), json!(-3.0), 0.0, true),
        (json!(-3.0), json!(-2.85), 0.05, true),
        (json!(-3.0), json!(-2.84), 0.05, false),
        (json!(-3.0), json!(-3.2), 0.05, true),
        (json!(0.0), json!(0.0), 0.05, true),
        (json!(0.0), json!(1e-9), 0.05, false),
        (json!(2.0), json!(null), 0.05, false),
        (json!(2.0), json!("NaN"), 0.05, false),
        (json!(null), json!(2.0), 0.05, false),
    ];
    for (i, (reference, candidate, tolerance, passes)) in table.iter().enumerate() {
        let manifest =
            |loss: &Value| json!({"kind": "training", "arm": arm(1e9, None, 2, loss.clone())});
        let reference = write(
            &folder.path().join(format!("{i}/good/manifest.json")),
            &manifest(reference),
        );
        let candidate = write(
            &folder.path().join(format!("{i}/new/manifest.json")),
            &manifest(candidate),
        );
        let check = check_loss(&reference, &candidate, *tolerance).unwrap();
        assert_eq!(check.passes, *passes, "{:?}", table[i]);
        assert_eq!(check.verdicts.len(), 1);
        assert_eq!(check.verdicts[0].why.is_none(), *passes);
        let written = std::fs::read(candidate.with_file_name("loss_check.json")).unwrap();
        let written: LossCheck = serde_json::from_slice(&written).unwrap();
        assert_eq!(written, check);
        assert!(!reference.with_file_name("loss_check.json").exists());
    }
}

#[test]
fn arms_are_compared_by_dose_view_and_gridsize() {
    let folder = tempfile::tempdir().unwrap();
    let reference = write(
        &folder.path().join("good/training_manifest.json"),
        &json!({"schema": 1, "arms": [
            arm(1e4, Some("dense"), 2, json!(1.0)),
            arm(1e4, Some("sparse"), 2, json!(2.0)),
            arm(1e9, Some("dense"), 2, json!(-3.0)),
            arm(1e9, Some("dense"), 1, json!(-4.0)),
        ]}),
    );
    let candidate = write(
        &folder.path().join("new/training_manifest.json"),
        &json!({"schema": 1, "arms": [
            arm(1e9, Some("dense"), 1, json!(-3.0)),
            arm(1e9, Some("dense"), 2, json!(-3.0)),
            arm(1e4, Some("dense"), 2, json!(1.04)),
            arm(1e3, Some("dense"), 2, json!(9.0)),
        ]}),
    );
    let check = check_loss(&reference, &candidate, 0.05).unwrap();
    let passes: Vec<bool> = check
        .verdicts
        .iter()
        .map(|verdict| verdict.passes)
        .collect();
    assert_eq!(passes, [true, false, true, false]);
    assert_eq!(
        check.verdicts[1].arm,
        "photons=1e4 view=sparse gridsize=2 model=pinn loss=nll"
    );
    assert_eq!(
        check.verdicts[1].why.as_deref(),
        Some("the candidate has no such arm")
    );
    assert_eq!(check.verdicts[3].limit, Some(-3.8));
    // Folders stand for the manifests in them.
    let again = check_loss(
        &folder.path().join("good"),
        &folder.path().join("new"),
        0.05,
    );
    assert_eq!(again.unwrap(), check);
}

#[test]
fn what_is_no_manifest_is_refused_and_bare_nan_is_not_finite() {
    let folder = tempfile::tempdir().unwrap();
    let good = write(
        &folder.path().join("good/manifest.json"),
        &json!({"arm": arm(1e9, None, 2, json!(1.0))}),
    );
    let path = folder.path().join("new/manifest.json");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let loss = |loss: &str| {
        let text = json!({"arm": arm(1e9, None, 2, json!(0.125))}).to_string();
        std::fs::write(&path, text.replace("0.125", loss)).unwrap();
        check_loss(&good, &path, 0.05).unwrap().passes
    };
    assert!(loss("1.0"));
    assert!(!loss("NaN") && !loss("Infinity") && !loss("-Infinity"));
    for text in ["{}", "[]", "{\"arms\": []}", "loss: 3", "{\"arm\": 3}"] {
        std::fs::write(&path, text).unwrap();
        let error = check_loss(&good, &path, 0.05).unwrap_err();
        assert!(matches!(error, Error::Refused(_)), "{text}: {error}");
        assert!(error.to_string().contains("manifest.json"), "{error}");
    }
    let twice = arm(1e9, None, 2, json!(1.0));
    write(&path, &json!({"arms": [twice, twice]}));
    let error = check_loss(&good, &path, 0.05).unwrap_err().to_string();
    assert!(error.contains("twice"), "{error}");
    for tolerance in [-0.1, f64::NAN, f64::INFINITY] {
        let error = check_loss(&good, &good, tolerance).unwrap_err();
        assert!(matches!(error, Error::Invalid(_)), "{error}");
    }
    let missing = check_loss(&good, &folder.path().join("none.json"), 0.05);
    assert!(matches!(missing, Err(Error::Io { .. })));
}

/// A few patterns of a disc of light, with noise.
fn write_scan(path: &Path) {
    let (n_patterns, n) = (12, 64);
    let mut rng = stream(13, Purpose::Simulation);
    let positions = (0..n_patterns)
        .map(|_| [rng.random_range(34.0..50.0), rng.random_range(34.0..50.0)])
        .collect();
    let light = |y: usize, x: usize| {
        let (y, x) = (y as f32 - 32.0, x as f32 - 32.0);
        20.0 * (-(y * y + x * x) / 60.0).exp()
    };
    let frames = Array3::from_shape_fn((n_patterns, n, n), |(_, y, x)| {
        light(y, x) * rng.random_range(0.8..1.2f32)
    });
    let probe = Array3::from_shape_fn((1, n, n), |(_, y, x)| Complex32::new(light(y, x), 0.0));
    let parts = DatasetParts::required(Frames::from_array(frames), positions, probe);
    Dataset::new(parts).unwrap().save(path).unwrap();
}

fn task(folder: &Path, output: &str, settings: TrainSettings) -> TrainTask {
    TrainTask {
        train: folder.join("scan.npz"),
        validation: None,
        settings,
        n_threads: 2,
        device: DeviceChoice::Cpu,
        output: folder.join(output),
        resume: false,
        time_limit_s: None,
    }
}

fn small() -> TrainSettings {
    TrainSettings {
        filters_scale: 1,
        epochs: 1,
        batch_size: 4,
        groups: 8,
        validation_fraction: 0.2,
        ..TrainSettings::default()
    }
}

#[test]
fn an_arm_among_others_gives_the_bundle_that_it_gives_alone() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write_scan(&root.join("scan.npz"));
    let mae = TrainSettings {
        loss: Loss::Mae,
        ..small()
    };
    let single = TrainSettings {
        gridsize: 1,
        ..small()
    };
    let other = TrainSettings { seed: 9, ..small() };
    for (name, settings) in [
        ("alone", small()),
        ("mae", mae),
        ("single", single),
        ("other", other),
        ("among", small()),
    ] {
        train(&task(root, name, settings), &Quiet::default()).unwrap();
    }
    let bundle = |name: &str| std::fs::read(root.join(name).join("last.safetensors")).unwrap();
    assert_eq!(bundle("alone"), bundle("among"));
    for name in ["mae", "single", "other"] {
        assert_ne!(bundle("alone"), bundle(name), "{name}");
    }
    // The same data have no patches for the baseline to learn.
    let baseline = TrainSettings {
        model: Model::Baseline,
        ..small()
    };
    let error = train(&task(root, "baseline", baseline), &Quiet::default()).unwrap_err();
    assert!(error.to_string().contains("Y"), "{error}");
    assert!(!root.join("baseline").exists());
}

/// Asks for a stop after some steps.
struct StopAfter {
    stop: Stop,
    left: std::sync::atomic::AtomicUsize,
}

impl Monitor<TrainSnapshot> for StopAfter {
    fn stop(&self) -> &Stop {
        &self.stop
    }
    fn progress(&self, _: Progress) {
        let left = self.left.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
        if left == 1 {
            self.stop.request();
        }
    }
    fn snapshot(&self, _: TrainSnapshot) {}
}

#[test]
fn a_cancelled_training_leaves_its_history_and_goes_on_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write_scan(&root.join("scan.npz"));
    let settings = TrainSettings {
        epochs: 3,
        ..small()
    };
    train(&task(root, "straight", settings.clone()), &Quiet::default()).unwrap();
    let mut halves = task(root, "halves", settings);
    let monitor = StopAfter {
        stop: Stop::default(),
        left: 6.into(),
    };
    let outcome = train(&halves, &monitor).unwrap();
    assert_eq!(outcome.reason, StopReason::Cancelled);
    let read = |name: &str| -> TrainingHistory {
        let text = std::fs::read(root.join(name).join("history.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    };
    let history = read("halves");
    assert_eq!(history.stopped_because, Some(StopReason::Cancelled));
    assert!(history.steps.len() < 6, "{}", history.steps.len());
    let manifest = TrainManifest::of_folder(&root.join("halves")).unwrap();
    assert_eq!(manifest.state, RunState::Ended);
    assert_eq!(manifest.reason, Some(StopReason::Cancelled));
    halves.resume = true;
    train(&halves, &Quiet::default()).unwrap();
    for file in ["last.safetensors", "best.safetensors"] {
        let bytes = |name: &str| std::fs::read(root.join(name).join(file)).unwrap();
        assert_eq!(bytes("halves"), bytes("straight"), "{file}");
    }
    let losses = |name: &str| -> Vec<_> { read(name).steps.iter().map(|step| step.loss).collect() };
    assert_eq!(losses("halves"), losses("straight"));
    // A folder whose training was killed before its first checkpoint holds nothing that could be lost.
    let mut manifest = TrainManifest::of_folder(&root.join("straight")).unwrap();
    manifest.state = RunState::Running;
    std::fs::create_dir(root.join("killed")).unwrap();
    let text = serde_json::to_string(&manifest).unwrap();
    std::fs::write(root.join("killed/manifest.json"), text).unwrap();
    train(&task(root, "killed", small()), &Quiet::default()).unwrap();
}

#[test]
fn two_trainings_do_not_write_into_one_folder() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write_scan(&root.join("scan.npz"));
    std::fs::create_dir(root.join("run")).unwrap();
    let lock = std::fs::File::create(root.join("run/run.lock")).unwrap();
    lock.lock().unwrap();
    let task = task(root, "run", small());
    let error = train(&task, &Quiet::default()).unwrap_err().to_string();
    assert!(error.contains("a training that is running"), "{error}");
    assert!(!root.join("run/manifest.json").exists());
    lock.unlock().unwrap();
    train(&task, &Quiet::default()).unwrap();
}
