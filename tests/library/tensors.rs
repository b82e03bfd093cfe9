//! The engines on Candle tensors, here on the CPU: against golden trajectories and against the fused kernels.

use std::sync::Arc;

use candle_core::Device;
use ptycho_core::iterative::{
    Batching, Computing, EngineKind, Iterative, IterativeOf, IterativeSettings, Noise,
    PositionMethod,
};

use crate::jobs::resumes_bit_for_bit;
use crate::lsqml::{golden, run_epoch, scan};
use crate::pie;

/// The tensor kernels on the CPU, within this memory.
fn within(memory_bytes: Option<u64>) -> Computing {
    Computing {
        n_threads: 2,
        device: Some(Device::Cpu),
        memory_bytes,
    }
}

fn check(name: &str, single: f64, double: f64) {
    assert!(single < 1e-3, "{name} in single precision: {single:e}");
    assert!(double < 1e-9, "{name} in double precision: {double:e}");
}

fn follow(name: &'static str) {
    let case = golden(name);
    let (single, double) = (
        case.follow::<f32>(within(None)),
        case.follow::<f64>(within(None)),
    );
    check(name, single, double);
}

#[test]
fn one_mode_on_tensors_follows_the_golden_trajectory() {
    follow("lsqml_gaussian_1mode");
}

#[test]
fn three_modes_on_tensors_follow_the_golden_trajectory() {
    follow("lsqml_gaussian_3modes");
}

#[test]
fn compact_batches_with_momentum_on_tensors_follow_the_golden_trajectory() {
    follow("lsqml_compact_momentum");
}

#[test]
fn a_frozen_probe_on_tensors_follows_the_golden_trajectory() {
    follow("lsqml_frozen_probe");
}

#[test]
fn poisson_steps_on_tensors_follow_the_golden_trajectory() {
    follow("lsqml_poisson");
}

#[test]
fn refined_positions_on_tensors_follow_the_golden_trajectory() {
    follow("lsqml_positions");
}

#[test]
fn a_varying_probe_on_tensors_follows_the_golden_trajectory() {
    follow("lsqml_opr");
}

#[test]
fn the_other_engines_on_tensors_follow_the_golden_trajectories() {
    for (engine, name, step) in [
        (EngineKind::Epie, "lsqml_epie", 0.1),
        (EngineKind::Rpie, "lsqml_rpie", 0.1),
        (EngineKind::Dm, "lsqml_dm", 1.0),
    ] {
        let single = pie::follow::<f32>(engine, name, step, within(None));
        check(
            name,
            single,
            pie::follow::<f64>(engine, name, step, within(None)),
        );
    }
}

/// Losses of 20 epochs by both sets of kernels, in single precision; within 1 % of each other at the end.
fn agree(engine: EngineKind, settings: &IterativeSettings, mask: bool) {
    let dataset = scan(24, 5, 16.0, mask);
    let settings = IterativeSettings {
        epochs: 20,
        batch_size: 9,
        ..settings.clone()
    };
    let run = |computing: Computing| {
        let settings = settings.clone();
        let mut engine = Iterative::on(engine, Arc::clone(&dataset), settings, computing).unwrap();
        (0..20).for_each(|_| run_epoch(&mut engine));
        engine.loss().to_vec()
    };
    let fused = run(Computing {
        n_threads: 2,
        ..Computing::default()
    });
    let tensors = run(within(None));
    let (first, expected, found) = (fused[0], fused[19], tensors[19]);
    // What RAAR's loss does is looked at where RAAR is tested.
    let falls = engine == EngineKind::Raar || expected < first;
    assert!(falls, "{engine:?}: {expected} after {first}");
    assert!(
        (found / expected - 1.0).abs() < 0.01,
        "{engine:?}: {found} on tensors, {expected} fused"
    );
}

#[test]
fn both_sets_of_kernels_come_to_the_same_loss_in_every_engine() {
    for engine in EngineKind::ALL {
        agree(engine, &IterativeSettings::default(), false);
    }
}

#[test]
fn both_sets_come_to_the_same_loss_with_modes_masks_and_saturation() {
    let settings = IterativeSettings {
        probe_modes: 2,
        saturation_counts: 40_000.0,
        ..IterativeSettings::default()
    };
    for engine in EngineKind::ALL {
        agree(engine, &settings, true);
    }
}

#[test]
fn both_sets_come_to_the_same_loss_with_what_lsqml_refines() {
    let default = IterativeSettings::default;
    for settings in [
        IterativeSettings {
            noise: Noise::Poisson,
            ..default()
        },
        IterativeSettings {
            refine_positions: PositionMethod::Gradient,
            ..default()
        },
        IterativeSettings {
            refine_positions: PositionMethod::CrossCorrelation,
            ..default()
        },
        IterativeSettings {
            opr_modes: 1,
            vary_intensity: true,
            ..default()
        },
        IterativeSettings {
            batching: Batching::Compact,
            momentum: 0.5,
            ..default()
        },
        IterativeSettings {
            momentum: 0.5,
            ..default()
        },
    ] {
        agree(EngineKind::Lsqml, &settings, false);
    }
}

#[test]
fn a_batch_that_does_not_fit_is_refused_with_the_largest_that_would() {
    let dataset = scan(24, 5, 16.0, false);
    let start = |batch_size: usize, n_bytes: u64| {
        let settings = IterativeSettings {
            batch_size,
            ..IterativeSettings::default()
        };
        let dataset = Arc::clone(&dataset);
        Iterative::on(EngineKind::Lsqml, dataset, settings, within(Some(n_bytes)))
    };
    let n_bytes = 2 << 20;
    let error = start(25, n_bytes).err().unwrap();
    let fix = error.problem().unwrap().fix.clone();
    let (number, or) = fix
        .strip_prefix("use --batch-size ")
        .and_then(|rest| rest.split_once(", "))
        .unwrap();
    assert_eq!(or, "or allow more by --device-memory-gib");
    let largest: usize = number.parse().unwrap();
    assert!((2..24).contains(&largest), "{error}");
    let words = format!("at most {largest} patterns in a batch within 2.0 MiB");
    assert!(error.to_string().contains(&words), "{error}");
    assert!(start(largest, n_bytes).is_ok());
    assert!(start(largest + 1, n_bytes).is_err());
    let error = start(25, 1000).err().unwrap().to_string();
    assert!(error.contains("--device cpu"), "{error}");
}

#[test]
fn what_does_not_fit_on_the_device_is_sent_with_every_batch() {
    let dataset = scan(24, 5, 16.0, false);
    let run = |engine: EngineKind, memory_bytes: Option<u64>| {
        let settings = IterativeSettings {
            epochs: 4,
            batch_size: 5,
            ..IterativeSettings::default()
        };
        let dataset = Arc::clone(&dataset);
        let mut engine = Iterative::on(engine, dataset, settings, within(memory_bytes)).unwrap();
        (0..4).for_each(|_| run_epoch(&mut engine));
        (engine.object(), engine.probe(), engine.loss().to_vec())
    };
    for engine in [EngineKind::Lsqml, EngineKind::Dm, EngineKind::Raar] {
        let whole = run(engine, None);
        // Least memory at all, and a little more.
        let least = (0..500)
            .map(|step| 20_000 * step)
            .find(|&n_bytes| {
                let settings = IterativeSettings {
                    batch_size: 5,
                    ..IterativeSettings::default()
                };
                let dataset = Arc::clone(&dataset);
                Iterative::on(engine, dataset, settings, within(Some(n_bytes))).is_ok()
            })
            .unwrap();
        for n_bytes in [least, least + 30_000] {
            assert_eq!(run(engine, Some(n_bytes)), whole, "{engine:?}");
        }
    }
}

#[test]
fn a_resumed_run_on_tensors_equals_a_straight_one() {
    let dataset = scan(24, 4, 16.0, false);
    let settings = IterativeSettings {
        epochs: 3,
        batch_size: 5,
        probe_modes: 2,
        ..IterativeSettings::default()
    };
    // Four batches in phases; a checkpoint in the midst of an epoch is that of its start.
    for (kind, steps) in [
        (EngineKind::Lsqml, [0, 6, 8]),
        (EngineKind::Mpie, [3, 4, 9]),
        (EngineKind::Dm, [0, 8, 16]),
        (EngineKind::Raar, [0, 16, 32]),
    ] {
        for n_steps in steps {
            let new = |file: Option<&std::path::Path>| {
                let (dataset, settings) = (Arc::clone(&dataset), settings.clone());
                match file {
                    Some(file) => {
                        IterativeOf::<f32>::resume(kind, dataset, settings, within(None), file)
                    }
                    None => IterativeOf::on(kind, dataset, settings, within(None)),
                }
                .unwrap()
            };
            resumes_bit_for_bit(
                || new(None),
                |file| new(Some(file)),
                |engine| (engine.object(), engine.probe(), engine.loss().to_vec()),
                n_steps,
            );
        }
    }
}
