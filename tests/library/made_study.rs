//! The run folder of a study without its computations: what its tasks write, made up.

use std::path::{Path, PathBuf};

use ndarray::{Array2, Array3};
use num_complex::{Complex32, Complex64};
use ptycho_core::data::{Dataset, DatasetParts, Frames, Metadata};
use ptycho_core::disk;
use ptycho_core::metrics::region::Region;
use ptycho_core::nn::history::{EpochRecord, TrainingHistory};
use ptycho_core::study::compare::{Inputs, Loaded, compare, export};
use ptycho_core::study::design::Study;
use ptycho_core::study::plan::{Plan, Task, TaskKind, Work};
use serde_json::json;

/// The study as text: two doses, two losses, LSQML.
pub(crate) const STUDY: &str = r#"
schema = 1
name = "made"
doses = [1e3, 1e6]
[scan]
positions = 400
[split]
test_positions = 200
[[trainings]]
model = "pinn"
losses = ["nll", "mae"]
gridsizes = [2]
[training]
filters_scale = 1
epochs = 4
[[engines]]
engine = "lsqml"
"#;

const SHAPE: (usize, usize) = (112, 96);
const N: usize = 32;

/// A bright upright letter F with soft edges over a slow texture.
fn scene(y: f64, x: f64) -> Complex64 {
    let bar = |from: f64, to: f64, at: f64| {
        let edge = |t: f64| 0.5 * (1.0 + (t / 1.5).tanh());
        edge(at - from) * edge(to - at)
    };
    let stem = bar(30.0, 84.0, y) * bar(28.0, 36.0, x);
    let top = bar(30.0, 38.0, y) * bar(28.0, 62.0, x);
    let middle = bar(52.0, 60.0, y) * bar(28.0, 52.0, x);
    let letter = stem.max(top).max(middle);
    let texture = (0.21 * y + 0.11 * x).sin() * (0.17 * x - 0.05 * y).cos();
    Complex64::from_polar(
        0.6 + 0.35 * letter + 0.03 * texture,
        0.5 * letter + 0.1 * texture,
    )
}

/// The scene with a deterministic roughness.
fn object(roughness: f64) -> Array2<Complex32> {
    Array2::from_shape_fn(SHAPE, |(row, column)| {
        let angle = ((row * 7919 + column * 104_729) % 1013) as f64;
        let value = scene(row as f64, column as f64) * (1.0 + roughness * Complex64::cis(angle));
        Complex32::new(value.re as f32, value.im as f32)
    })
}

fn save_dataset(file: &Path, dose: f64) {
    let positions_px: Vec<[f64; 2]> = (0..19)
        .flat_map(|i| (0..17).map(move |j| [20.0 + 4.0 * f64::from(i), 16.0 + 4.0 * f64::from(j)]))
        .collect();
    let square = |row: usize, column: usize| {
        let at = |i: usize| i as f64 - N as f64 / 2.0;
        at(row).powi(2) + at(column).powi(2)
    };
    let probe = Array3::from_shape_fn((1, N, N), |(_, row, column)| {
        Complex32::new((-square(row, column) / 64.0).exp() as f32, 0.0)
    });
    let frames = Array3::from_shape_fn((positions_px.len(), N, N), |(i, row, column)| {
        let speckle = 1.2 + ((row * 31 + column * 17 + i * 7) as f64).sin();
        let counts = dose / 100.0 * speckle * (-square(row, column) / 20.0).exp();
        // Whole photons, so that a low dose has dark pixels.
        counts.round().sqrt() as f32
    });
    let parts = DatasetParts {
        object: Some(object(0.0)),
        metadata: Metadata {
            pixel_size_m: Some(10e-9),
            ..Metadata::default()
        },
        ..DatasetParts::required(Frames::from_array(frames), positions_px, probe)
    };
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    Dataset::new(parts).unwrap().save(file).unwrap();
}

fn save_result(file: &Path, roughness: f64) {
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    ptycho_core::data::write::write_npz(file, |npz| {
        let stored = ptycho_core::data::write::Compression::Deflated;
        npz.array("reconstructed_object", stored, &object(roughness).view())
    })
    .unwrap();
}

/// The lower the dose, the rougher; MAE is the rougher loss.
fn roughness(arm: &str, dose: f64) -> f64 {
    let of_arm = match arm {
        "lsqml" => 0.02,
        "pinn_nll_gs2" => 0.05,
        _ => 0.1,
    };
    if dose < 1e4 { 4.0 * of_arm } else { of_arm }
}

fn save_comparison(task: &Task, folder: &Path) {
    let Work::Compare(work) = &task.work else {
        panic!("{} is no comparison", task.id)
    };
    let dose = task.place.dose.unwrap();
    let inputs = Inputs {
        truth: work.inputs.truth.as_ref().map(|file| folder.join(file)),
        arms: work
            .inputs
            .arms
            .iter()
            .map(|(name, file)| (name.clone(), folder.join(file)))
            .collect(),
        ..Inputs::default()
    };
    save_dataset(inputs.truth.as_ref().unwrap(), dose);
    for (arm, file) in &inputs.arms {
        save_result(file, roughness(arm, dose));
    }
    let loaded = Loaded::open(&inputs).unwrap();
    let comparison = compare(&loaded, &Region::Auto, &work.settings).unwrap();
    export::write(&loaded, &comparison, &folder.join(&task.id)).unwrap();
}

fn save_history(task: &Task, folder: &Path) {
    let file = folder.join(&task.id).join("history.json");
    let loss = |epoch: usize| 3.0 / epoch as f64;
    if task.kind == TaskKind::Reconstruct {
        let losses: Vec<f64> = (1..=40).map(loss).collect();
        return disk::write_json(&file, &json!({"loss": losses, "seconds_per_epoch": []})).unwrap();
    }
    let epochs = (1..=4).map(|epoch| EpochRecord {
        epoch,
        loss: Some(loss(epoch)),
        validation: Some(1.1 * loss(epoch)),
        ..EpochRecord::default()
    });
    let history = TrainingHistory {
        loss_name: "nll".to_owned(),
        epochs: epochs.collect(),
        best_epoch: Some(4),
        ..TrainingHistory::default()
    };
    disk::write_json(&file, &history).unwrap();
}

/// The study's plan and the folder of all runs, in `root`.
pub(crate) fn made(root: &Path) -> (Plan, PathBuf) {
    let plan = Plan::of(&Study::parse(STUDY).unwrap(), root).unwrap();
    let runs = root.join("runs");
    let folder = plan.folder(&runs);
    std::fs::create_dir_all(&folder).unwrap();
    plan.save(&folder.join("plan.json")).unwrap();
    for task in &plan.tasks {
        match task.kind {
            TaskKind::Compare => save_comparison(task, &folder),
            TaskKind::Train | TaskKind::Reconstruct => save_history(task, &folder),
            _ => {}
        }
        let record = folder.join(&task.id).join("task.json");
        disk::write_json(&record, &json!({"key": task.key})).unwrap();
    }
    (plan, runs)
}
