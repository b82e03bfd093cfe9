//! Every engine under `drive`: cancel, resume, divergence. One body for all of them.

use std::path::Path;
use std::sync::Arc;

use ptycho_core::data::Dataset;
use ptycho_core::iterative::{Batching, Computing, EngineKind, Iterative, IterativeSettings};
use ptycho_core::job::{
    DriveOptions, Engine, Monitor, Progress, Quiet, Step, Stop, StopReason, drive,
};

use crate::lsqml::scan;

/// The fused kernels with so many threads.
fn threads(n_threads: usize) -> Computing {
    Computing {
        n_threads,
        ..Computing::default()
    }
}

/// A straight run must equal a run stopped after `n_steps`, written, read and run to its end.
pub(crate) fn resumes_bit_for_bit<E: Engine, R: PartialEq + std::fmt::Debug>(
    fresh: impl Fn() -> E,
    resume: impl Fn(&Path) -> E,
    result: impl Fn(&E) -> R,
    n_steps: usize,
) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("checkpoint");
    let finish = |engine: &mut E| {
        let reason = drive(engine, &DriveOptions::default(), &Quiet::default()).unwrap();
        assert_eq!(reason, StopReason::Finished);
    };
    let mut straight = fresh();
    finish(&mut straight);
    let mut first = fresh();
    for _ in 0..n_steps {
        first.step(&Stop::default()).unwrap();
    }
    // A step that sees the stop flag leaves no trace.
    let stop = Stop::default();
    stop.request();
    assert_eq!(first.step(&stop).unwrap(), Step::Dropped);
    first.checkpoint(&file).unwrap();
    let mut second = resume(&file);
    finish(&mut second);
    assert_eq!(result(&straight), result(&second));
    finish(&mut first);
    assert_eq!(result(&straight), result(&first));
}

fn lsqml_resumes(settings: &IterativeSettings, n_steps: usize) {
    let dataset = scan(24, 4, 16.0, false);
    resumes_bit_for_bit(
        || Iterative::new(EngineKind::Lsqml, Arc::clone(&dataset), settings.clone(), 2).unwrap(),
        |file| {
            Iterative::resume(
                EngineKind::Lsqml,
                Arc::clone(&dataset),
                settings.clone(),
                threads(1),
                file,
            )
            .unwrap()
        },
        |engine| (engine.object(), engine.probe(), engine.loss().to_vec()),
        n_steps,
    );
}

#[test]
fn a_resumed_lsqml_run_equals_a_straight_one() {
    let settings = IterativeSettings {
        epochs: 5,
        batch_size: 5,
        probe_modes: 2,
        ..IterativeSettings::default()
    };
    for n_steps in [0, 3, 10] {
        lsqml_resumes(&settings, n_steps);
    }
}

#[test]
fn a_resumed_lsqml_run_with_momentum_equals_a_straight_one() {
    let settings = IterativeSettings {
        epochs: 8,
        batch_size: 5,
        batching: Batching::Compact,
        momentum: 0.5,
        ..IterativeSettings::default()
    };
    for n_steps in [2, 23, 26] {
        lsqml_resumes(&settings, n_steps);
    }
}

#[test]
fn a_finished_run_continues_and_equals_a_longer_one() {
    let dataset = scan(24, 4, 16.0, false);
    let settings = |epochs| IterativeSettings {
        epochs,
        batch_size: 5,
        ..IterativeSettings::default()
    };
    let run = |engine: &mut Iterative| {
        drive(engine, &DriveOptions::default(), &Quiet::default()).unwrap()
    };
    let mut long = Iterative::new(EngineKind::Lsqml, Arc::clone(&dataset), settings(5), 2).unwrap();
    run(&mut long);
    let mut short = Iterative::new(EngineKind::Lsqml, dataset, settings(3), 2).unwrap();
    run(&mut short);
    short.set_epochs(5);
    run(&mut short);
    assert_eq!(long.reconstruction().object, short.reconstruction().object);
    assert_eq!(short.seconds_per_epoch().len(), 5);
}

#[test]
fn a_checkpoint_of_another_run_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("checkpoint");
    let (dataset, other) = (scan(24, 4, 16.0, false), scan(24, 4, 16.5, false));
    let settings = IterativeSettings {
        epochs: 2,
        batch_size: 5,
        ..IterativeSettings::default()
    };
    let mut engine =
        Iterative::new(EngineKind::Lsqml, Arc::clone(&dataset), settings.clone(), 1).unwrap();
    engine.step(&Stop::default()).unwrap();
    engine.checkpoint(&file).unwrap();
    let refuse = |dataset: &Arc<Dataset>, settings: IterativeSettings| {
        Iterative::resume(
            EngineKind::Lsqml,
            Arc::clone(dataset),
            settings,
            threads(1),
            &file,
        )
        .err()
        .unwrap()
        .to_string()
    };
    assert!(refuse(&other, settings.clone()).contains("resume the run: dataset"));
    let changed = IterativeSettings {
        batch_size: 6,
        ..settings.clone()
    };
    assert!(refuse(&dataset, changed).contains("only epochs may differ"));
    let longer = IterativeSettings {
        epochs: 9,
        ..settings.clone()
    };
    assert!(
        Iterative::resume(
            EngineKind::Lsqml,
            Arc::clone(&dataset),
            longer,
            threads(1),
            &file
        )
        .is_ok()
    );
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.truncate(bytes.len() - 1);
    ptycho_core::disk::write(&file, &bytes).unwrap();
    assert!(refuse(&dataset, settings.clone()).contains("arrays of other lengths"));
    ptycho_core::disk::write(&file, b"PK\x03\x04").unwrap();
    assert!(refuse(&dataset, settings).contains("expected a checkpoint of this program"));
}

/// Stops the run after some steps.
struct StopAfter {
    stop: Stop,
    steps: std::sync::atomic::AtomicUsize,
    snapshots: std::sync::Mutex<usize>,
}

impl<S> Monitor<S> for StopAfter {
    fn stop(&self) -> &Stop {
        &self.stop
    }
    fn progress(&self, progress: Progress) {
        assert!((0.0..=1.0).contains(&progress.share()));
        if self
            .steps
            .fetch_sub(1, std::sync::atomic::Ordering::Relaxed)
            == 1
        {
            self.stop.request();
        }
    }
    fn snapshot(&self, _: S) {
        *self.snapshots.lock().unwrap() += 1;
    }
}

#[test]
fn a_cancelled_run_keeps_a_valid_partial_result() {
    let settings = IterativeSettings {
        epochs: 1000,
        batch_size: 5,
        ..IterativeSettings::default()
    };
    let mut engine =
        Iterative::new(EngineKind::Lsqml, scan(24, 4, 16.0, false), settings, 2).unwrap();
    let monitor = StopAfter {
        stop: Stop::default(),
        steps: 10.into(),
        snapshots: 0.into(),
    };
    let reason = drive(&mut engine, &DriveOptions::default(), &monitor).unwrap();
    assert_eq!(reason, StopReason::Cancelled);
    assert!(*monitor.snapshots.lock().unwrap() > 0);
    let partial = engine.reconstruction();
    assert_eq!(partial.loss.len(), 2);
    assert!(
        partial.object.iter().all(|v| v.is_finite()) && partial.probe.iter().all(|v| v.is_finite())
    );
    assert_eq!(partial.provenance["batches_done_of_next_epoch"], 2);
}

#[test]
fn a_vanishing_probe_stops_the_run_and_names_the_epoch() {
    let settings = IterativeSettings {
        epochs: 5,
        batch_size: 5,
        refine_probe: false,
        remove_ambiguity: false,
        rescale_first_epoch: false,
        ..IterativeSettings::default()
    };
    let engine = Iterative::new(EngineKind::Lsqml, scan(24, 3, 16.0, false), settings, 1).unwrap();
    let faint = engine.probe().mapv(|v| v * 1e-4);
    let mut engine = engine.with_probe(&faint).unwrap();
    let reason = drive(&mut engine, &DriveOptions::default(), &Quiet::default()).unwrap();
    let StopReason::Diverged { epoch, why } = reason else {
        panic!("{reason:?}")
    };
    assert_eq!(epoch, 1);
    assert!(why.contains("the probe has vanished"), "{why}");
    assert!(
        engine
            .object()
            .iter()
            .all(|v| *v == num_complex::Complex32::new(1.0, 0.0))
    );
}

#[test]
fn values_that_are_not_finite_stop_the_run_with_the_last_good_state() {
    let settings = IterativeSettings {
        epochs: 2000,
        batch_size: 5,
        object_step: 10.0,
        probe_step: 10.0,
        object_step_scaler: 2.0,
        probe_step_scaler: 2.0,
        remove_ambiguity: false,
        ..IterativeSettings::default()
    };
    let mut engine =
        Iterative::new(EngineKind::Lsqml, scan(24, 3, 16.0, false), settings, 1).unwrap();
    let reason = drive(&mut engine, &DriveOptions::default(), &Quiet::default()).unwrap();
    let StopReason::Diverged { epoch, why } = reason else {
        panic!("{reason:?}")
    };
    assert!(
        why.contains("not finite") || why.contains("NaN") || why.contains("inf"),
        "{why}"
    );
    let last = engine.reconstruction();
    assert_eq!(last.loss.len(), epoch - 1);
    assert!(last.object.iter().all(|v| v.is_finite()) && last.probe.iter().all(|v| v.is_finite()));
    assert!(last.loss.iter().all(|loss| loss.is_finite()));
}
