//! Run folders and tasks: what is recorded, what is kept, what goes on.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ptycho_core::compute::DeviceChoice;
use ptycho_core::data::{Reconstruction, Strictness};
use ptycho_core::iterative::{IterativeSettings, IterativeSnapshot};
use ptycho_core::job::{Monitor, Progress, Quiet, Stop, StopReason};
use ptycho_core::study::resume::run_of_output;
use ptycho_core::study::run::{
    ReconstructOutcome, ReconstructTask, Source, open_source, reconstruct,
};
use ptycho_core::study::store::{RunFolder, RunState};
use ptycho_core::{Error, disk};

use crate::support::data;

fn task(folder: &Path, epochs: usize) -> ReconstructTask {
    ReconstructTask {
        source: Source::File(data("contract/good.npz")),
        settings: IterativeSettings {
            epochs,
            batch_size: 2,
            ..IterativeSettings::default()
        },
        n_threads: 1,
        output: Some(folder.join("out.npz")),
        runs: folder.join("runs"),
        ..ReconstructTask::default()
    }
}

fn run(task: &ReconstructTask, monitor: &dyn Monitor<IterativeSnapshot>) -> ReconstructOutcome {
    let opened = open_source(&task.source, Strictness::Repair).unwrap();
    reconstruct(task, Arc::new(opened.dataset), monitor).unwrap()
}

#[test]
fn a_run_folder_holds_all_that_made_the_result() {
    let folder = tempfile::tempdir().unwrap();
    let task = task(folder.path(), 3);
    let outcome = run(&task, &Quiet::default());
    assert_eq!(outcome.reason, StopReason::Finished);
    let run = RunFolder::open(&outcome.run_folder).unwrap();
    let manifest = run.manifest().unwrap();
    assert_eq!(manifest.state, RunState::Ended);
    assert_eq!(manifest.task, task);
    assert_eq!((manifest.epochs_done, manifest.input.n_patterns), (3, 6));
    assert_eq!(manifest.seeds["batches"], 0);
    assert_eq!(
        (manifest.device.as_str(), manifest.object_start.as_str()),
        ("cpu", "ones")
    );
    assert!(manifest.started <= manifest.ended.clone().unwrap());
    assert_eq!(
        manifest.outputs.len(),
        4,
        "history, checkpoint, result and output"
    );
    for output in &manifest.outputs {
        let bytes = std::fs::read(run.path().join(&output.path)).unwrap();
        assert_eq!(
            disk::sha256_hex(&bytes),
            output.sha256,
            "{}",
            output.path.display()
        );
        assert_eq!(bytes.len() as u64, output.n_bytes);
    }
    let history: serde_json::Value =
        serde_json::from_slice(&std::fs::read(run.history_file()).unwrap()).unwrap();
    assert_eq!(history["loss"].as_array().unwrap().len(), 3);
    let saved = Reconstruction::load(&folder.path().join("out.npz")).unwrap();
    assert_eq!(saved.loss, outcome.reconstruction.loss);
    assert_eq!(saved.provenance["run_folder"].as_str(), run.path().to_str());
    assert_eq!(saved.provenance["settings"]["batch_size"], 2);
}

/// Asks to stop once two epochs are done.
#[derive(Default)]
struct StopAtTwo(Stop, AtomicUsize);

impl Monitor<IterativeSnapshot> for StopAtTwo {
    fn stop(&self) -> &Stop {
        &self.0
    }
    fn progress(&self, progress: Progress) {
        if 2 <= progress.epoch {
            self.0.request();
        }
    }
    fn snapshot(&self, _: IterativeSnapshot) {
        self.1.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_stopped_run_keeps_its_result_and_goes_on_to_the_same_end() {
    let folder = tempfile::tempdir().unwrap();
    let straight = run(&task(folder.path(), 6), &Quiet::default());
    let stopped = folder.path().join("stopped");
    let first = task(&stopped, 6);
    let monitor = StopAtTwo::default();
    let partial = run(&first, &monitor);
    assert_eq!(partial.reason, StopReason::Cancelled);
    assert_eq!(partial.reconstruction.loss.len(), 2);
    assert!(
        0 < monitor.1.load(Ordering::Relaxed),
        "the final snapshot is never lost"
    );
    assert!(Reconstruction::load(&stopped.join("out.npz")).is_ok());
    let found = run_of_output(&stopped.join("out.npz"), &first.runs).unwrap();
    assert_eq!(found.path(), partial.run_folder);
    let second = ReconstructTask {
        resume: Some(partial.run_folder.clone()),
        n_threads: 2,
        ..first
    };
    let resumed = run(&second, &Quiet::default());
    assert_ne!(
        resumed.run_folder, partial.run_folder,
        "the earlier result stays"
    );
    assert!(resumed.reconstruction.object == straight.reconstruction.object);
    assert!(resumed.reconstruction.probe == straight.reconstruction.probe);
    assert_eq!(resumed.reconstruction.loss, straight.reconstruction.loss);
    assert_eq!(resumed.course.seconds_per_epoch.len(), 6);
    let newest = run_of_output(&stopped.join("out.npz"), &second.runs).unwrap();
    assert_eq!(newest.path(), resumed.run_folder);
}

#[test]
fn what_cannot_run_is_refused_before_a_folder_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let good = task(folder.path(), 3);
    let mut other_batch = good.settings.clone();
    other_batch.batch_size = 3;
    let done = run(&good, &Quiet::default());
    let n_runs = RunFolder::list(&good.runs).len();
    let cases = [
        ReconstructTask {
            device: DeviceChoice::Cuda,
            ..good.clone()
        },
        ReconstructTask {
            time_limit_s: Some(-1.0),
            ..good.clone()
        },
        ReconstructTask {
            checkpoint_interval_s: f64::NAN,
            ..good.clone()
        },
        ReconstructTask {
            settings: other_batch,
            resume: Some(done.run_folder),
            ..good.clone()
        },
    ];
    for case in cases {
        let opened = open_source(&case.source, Strictness::Repair).unwrap();
        let outcome = reconstruct(&case, Arc::new(opened.dataset), &Quiet::default());
        assert!(
            matches!(outcome.map(|_| ()), Err(Error::Invalid(_))),
            "{case:?}"
        );
    }
    assert_eq!(RunFolder::list(&good.runs).len(), n_runs);
    let nothing = run_of_output(&folder.path().join("other.npz"), &good.runs);
    assert!(matches!(nothing, Err(Error::Refused(_))));
}

#[test]
fn given_batches_decide_the_result() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("batches.npz");
    let write = |index: Vec<i64>| {
        let mut npz = ndarray_npy::NpzWriter::new(std::fs::File::create(&file).unwrap());
        let offset: Vec<i64> = (0..=index.len() as i64).step_by(3).collect();
        npz.add_array("batch_index", &ndarray::Array1::from(index))
            .unwrap();
        npz.add_array("batch_offset", &ndarray::Array1::from(offset))
            .unwrap();
        npz.finish().unwrap();
    };
    let result = || {
        let mut task = task(folder.path(), 3);
        task.batches = Some(file.clone());
        run(&task, &Quiet::default()).reconstruction
    };
    let order = [0, 1, 2, 3, 4, 5];
    write(order.repeat(3));
    let (first, again) = (result(), result());
    assert!(first.object == again.object);
    write([order, [5, 0, 2, 1, 3, 4], order].concat());
    assert!(
        first.object != result().object,
        "another order, another result"
    );
}

#[test]
fn a_task_survives_its_own_json() {
    let folder = tempfile::tempdir().unwrap();
    let task = task(folder.path(), 3);
    let text = serde_json::to_string(&task).unwrap();
    assert_eq!(
        serde_json::from_str::<ReconstructTask>(&text).unwrap(),
        task
    );
}
