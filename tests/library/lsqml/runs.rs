//! What holds for every run: threads, frames, batches, starts.

use std::sync::Arc;

use ndarray::{Array3, Axis};
use num_complex::Complex;
use ptycho_core::data::{Dataset, DatasetParts, Frames};
use ptycho_core::iterative::{Batching, EngineKind, IterativeOf, IterativeSettings, ObjectInit};

use super::{relative, run_epoch, scan};

#[test]
fn the_same_bytes_come_out_whatever_the_number_of_threads() {
    let dataset = scan(32, 5, 20.0, false);
    let settings = IterativeSettings {
        epochs: 3,
        probe_modes: 2,
        batch_size: 9,
        ..IterativeSettings::default()
    };
    let run = |n_threads: usize| {
        let mut engine = IterativeOf::<f32>::new(
            EngineKind::Lsqml,
            Arc::clone(&dataset),
            settings.clone(),
            n_threads,
        )
        .unwrap();
        (0..3).for_each(|_| run_epoch(&mut engine));
        (engine.object(), engine.probe(), engine.loss().to_vec())
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(3));
}

#[test]
fn patches_that_leave_the_object_frame_are_reconstructed_all_the_same() {
    let settings = IterativeSettings {
        epochs: 3,
        batch_size: 7,
        ..IterativeSettings::default()
    };
    let inside = scan(24, 4, 20.0, false);
    let moved = {
        let parts = inside.parts();
        let mut frames = Array3::zeros((parts.frames.n_frames(), 24, 24));
        for (i, mut frame) in frames.outer_iter_mut().enumerate() {
            parts.frames.read(i, frame.as_slice_mut().unwrap());
        }
        let positions = parts
            .positions_px
            .iter()
            .map(|p| [p[0] - 7.0, p[1] - 7.0])
            .collect();
        Arc::new(
            Dataset::new(DatasetParts::required(
                Frames::from_array(frames),
                positions,
                parts.probe.clone(),
            ))
            .unwrap(),
        )
    };
    let run = |dataset: &Arc<Dataset>| {
        let mut engine =
            IterativeOf::<f64>::new(EngineKind::Lsqml, Arc::clone(dataset), settings.clone(), 2)
                .unwrap();
        (0..3).for_each(|_| run_epoch(&mut engine));
        engine.object()
    };
    let (whole, part) = (run(&inside), run(&moved));
    let (h, w) = part.dim();
    let expected = whole.slice(ndarray::s![7..7 + h, 7..7 + w]);
    assert!(relative(&part, expected) < 1e-9);
}

#[test]
fn uniform_and_compact_batches_hold_each_pattern_once() {
    let dataset = scan(16, 6, 12.0, false);
    for batching in [Batching::Random, Batching::Uniform, Batching::Compact] {
        let settings = IterativeSettings {
            batching,
            batch_size: 8,
            epochs: 2,
            ..IterativeSettings::default()
        };
        let engine =
            IterativeOf::<f32>::new(EngineKind::Lsqml, Arc::clone(&dataset), settings, 1).unwrap();
        for epoch in 0..3 {
            let batches = engine.epoch_batches(epoch);
            let mut all: Vec<usize> = batches.iter().flatten().copied().collect();
            all.sort_unstable();
            assert_eq!(all, (0..36).collect::<Vec<_>>(), "{batching:?}");
            assert!(batches.iter().all(|batch| batch.len() <= 8), "{batching:?}");
            assert_eq!(batches, engine.epoch_batches(epoch), "{batching:?}");
        }
        let positions_px = dataset.positions_px();
        let spread = |batch: &Vec<usize>| {
            let at = |axis: usize| batch.iter().map(move |&i| positions_px[i][axis]);
            (0..2)
                .map(|axis| at(axis).fold(0.0, f64::max) - at(axis).fold(f64::INFINITY, f64::min))
                .fold(0.0, f64::max)
        };
        let widest = engine
            .epoch_batches(0)
            .iter()
            .map(&spread)
            .fold(0.0, f64::max);
        let narrowest = engine
            .epoch_batches(0)
            .iter()
            .map(&spread)
            .fold(f64::INFINITY, f64::min);
        match batching {
            Batching::Compact => assert!(widest < 13.0, "{widest}"),
            Batching::Uniform => assert!(narrowest > 11.0, "{narrowest}"),
            Batching::Random => assert_ne!(engine.epoch_batches(0), engine.epoch_batches(1)),
        }
    }
}

#[test]
fn batches_that_cannot_be_used_are_refused_in_words() {
    let dataset = scan(16, 2, 12.0, false);
    let settings = IterativeSettings {
        epochs: 2,
        ..IterativeSettings::default()
    };
    let refuse = |batches: Vec<Vec<Vec<usize>>>| {
        let engine =
            IterativeOf::<f32>::new(EngineKind::Lsqml, Arc::clone(&dataset), settings.clone(), 1)
                .unwrap();
        engine.with_batches(batches).err().unwrap().to_string()
    };
    let epoch = vec![vec![0, 1], vec![2, 3]];
    assert!(refuse(vec![epoch.clone()]).contains("expected batches for 2 epochs, found 1 epochs"));
    assert!(
        refuse(vec![epoch.clone(), vec![vec![4]]])
            .contains("expected indices below 4, found 4 in epoch 2")
    );
    assert!(refuse(vec![epoch.clone(), vec![vec![1, 1]]]).contains("found 1 in epoch 2"));
    assert!(refuse(vec![epoch.clone(), vec![vec![]]]).contains("an empty one in epoch 2"));
    assert!(refuse(vec![epoch, vec![]]).contains("none in epoch 2"));
}

#[test]
fn the_start_from_the_files_object_is_recorded() {
    let dataset = scan(16, 2, 12.0, false);
    let start = |object_init| {
        let settings = IterativeSettings {
            object_init,
            ..IterativeSettings::default()
        };
        let engine =
            IterativeOf::<f32>::new(EngineKind::Lsqml, Arc::clone(&dataset), settings, 1).unwrap();
        engine.reconstruction().provenance["object_start"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(start(ObjectInit::Ones), "ones");
    assert!(start(ObjectInit::File).contains("no reconstruction"));
}

#[test]
fn added_modes_are_orthogonal_and_hold_the_power_asked_for() {
    let settings = IterativeSettings {
        probe_modes: 4,
        ..IterativeSettings::default()
    };
    let dataset = scan(24, 2, 16.0, false);
    let engine =
        IterativeOf::<f64>::new(EngineKind::Lsqml, Arc::clone(&dataset), settings, 1).unwrap();
    let probe = engine.probe();
    let dot = |a: usize, b: usize| {
        let (a, b) = (probe.index_axis(Axis(0), a), probe.index_axis(Axis(0), b));
        a.iter()
            .zip(&b)
            .map(|(a, b)| a * b.conj())
            .sum::<Complex<f64>>()
    };
    let total: f64 = (0..4).map(|k| dot(k, k).re).sum();
    assert!((total / dataset.mean_counts() - 1.0).abs() < 1e-6);
    for k in 1..4 {
        assert!((dot(k, k).re / total - 0.02).abs() < 1e-9);
        assert!((0..k).all(|j| dot(k, j).norm() < 1e-9 * total));
    }
}
