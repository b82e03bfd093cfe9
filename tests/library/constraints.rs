//! Constraints at the end of an epoch, against slow twins and known answers; step schedules and late starts.
//!
//! A run with a constraint is compared with the same run without: after one epoch they differ by what it does.

use std::sync::Arc;

use ndarray::{Array2, Array3, Axis, s};
use num_complex::Complex;
use ptycho_core::data::{Dataset, DatasetParts};
use ptycho_core::iterative::{
    Compatibility, EngineKind, IterativeOf, IterativeSettings, StepSchedule,
};
use ptycho_core::job::{DriveOptions, Engine as _, Quiet, drive};

use crate::lsqml::scan;

type Wave = Complex<f64>;

/// A run whose first epoch already updates, without what else is done at its end.
fn settings(compat: Compatibility) -> IterativeSettings {
    IterativeSettings {
        epochs: 1,
        batch_size: 8,
        rescale_first_epoch: false,
        remove_ambiguity: false,
        compat,
        ..IterativeSettings::default()
    }
}

fn run_on(dataset: &Arc<Dataset>, settings: IterativeSettings) -> IterativeOf<f64> {
    let dataset = Arc::clone(dataset);
    let mut engine = IterativeOf::<f64>::new(EngineKind::Lsqml, dataset, settings, 2).unwrap();
    drive(&mut engine, &DriveOptions::default(), &Quiet::default()).unwrap();
    assert_eq!(engine.health(), None);
    engine
}

/// Object and probe after it.
fn run(settings: IterativeSettings) -> (Array2<Wave>, Array3<Wave>) {
    let engine = run_on(&scan(24, 5, 16.0, false), settings);
    (engine.object(), engine.probe())
}

fn distance<'a>(
    found: impl IntoIterator<Item = &'a Wave>,
    expected: impl IntoIterator<Item = &'a Wave>,
) -> f64 {
    found
        .into_iter()
        .zip(expected)
        .map(|(a, b)| (a - b).norm())
        .fold(0.0, f64::max)
}

const BOTH: [Compatibility; 2] = [Compatibility::None, Compatibility::Ptychi];

#[test]
fn the_probe_keeps_its_power_and_the_patterns_stay() {
    for compat in BOTH {
        let free = settings(compat);
        let kept = IterativeSettings {
            keep_probe_power: true,
            ..free.clone()
        };
        let (object, probe) = run(free.clone());
        let (held_object, held_probe) = run(kept);
        let start =
            IterativeOf::<f64>::new(EngineKind::Lsqml, scan(24, 5, 16.0, false), free, 1).unwrap();
        let power = |probe: &Array3<Wave>| probe.iter().map(Complex::norm_sqr).sum::<f64>();
        let first = power(&start.probe());
        assert!(
            (power(&probe) / first - 1.0).abs() > 1e-4,
            "there is something to hold"
        );
        assert!((power(&held_probe) / first - 1.0).abs() < 1e-12);
        let factor = (first / power(&probe)).sqrt();
        assert!(distance(&held_probe, &probe.mapv(|value| value * factor)) < 1e-9);
        assert!(distance(&held_object, &object.mapv(|value| value / factor)) < 1e-9);
    }
}

#[test]
fn amplitudes_and_phases_stay_within_their_limits() {
    for compat in BOTH {
        let (free, _) = run(settings(compat));
        let limits = IterativeSettings {
            object_amplitude_min: 0.95,
            object_amplitude_max: 1.02,
            object_phase_max_rad: 0.05,
            ..settings(compat)
        };
        let (held, _) = run(limits);
        let mut n_changed = 0;
        // The free phase about which is clamped: pty-chi's is 0, ours one and the same for all pixels.
        let turned = |held: Wave, free: Wave| free.arg() - held.arg();
        for (held, free) in held.iter().zip(&free) {
            assert!((0.95 - 1e-12..=1.02 + 1e-12).contains(&held.norm()));
            assert!((held.norm() - free.norm().clamp(0.95, 1.02)).abs() < 1e-12);
            n_changed += usize::from(turned(*held, *free).abs() > 1e-9);
        }
        assert!(0 < n_changed, "there is something to clamp");
        let phases: Vec<f64> = held.iter().map(|value| value.arg()).collect();
        let (least, most) = phases
            .iter()
            .fold((f64::MAX, f64::MIN), |(least, most), p| {
                (least.min(*p), most.max(*p))
            });
        assert!(most - least < 0.1 + 1e-9);
        if compat == Compatibility::Ptychi {
            assert!((most - 0.05).abs() < 1e-9 || (least + 0.05).abs() < 1e-9);
            for (held, free) in held.iter().zip(&free) {
                assert!((held.arg() - free.arg().clamp(-0.05, 0.05)).abs() < 1e-9);
            }
        }
    }
}

/// Chambolle's iteration as it stands in the literature, on whole arrays: `u = x - λ div ξ`.
fn smooth_twin(x: &Array2<Wave>, strength: f64, iterations: usize) -> Array2<Wave> {
    let (rows, columns) = x.dim();
    let zero = Complex::new(0.0, 0.0);
    let mut down = Array2::from_elem((rows, columns), zero);
    let mut across = down.clone();
    let divergence = |down: &Array2<Wave>, across: &Array2<Wave>| {
        let mut sum = Array2::from_elem((rows, columns), zero);
        for r in 0..rows {
            for c in 0..columns {
                if r + 1 < rows {
                    sum[[r, c]] += down[[r, c]];
                    sum[[r + 1, c]] -= down[[r, c]];
                }
                if c + 1 < columns {
                    sum[[r, c]] += across[[r, c]];
                    sum[[r, c + 1]] -= across[[r, c]];
                }
            }
        }
        sum
    };
    for _ in 0..iterations {
        let slope = divergence(&down, &across) - x.mapv(|value| value / strength);
        for r in 0..rows {
            for c in 0..columns {
                let y = if r + 1 < rows {
                    slope[[r + 1, c]] - slope[[r, c]]
                } else {
                    zero
                };
                let z = if c + 1 < columns {
                    slope[[r, c + 1]] - slope[[r, c]]
                } else {
                    zero
                };
                let size = (y.norm_sqr() + z.norm_sqr()).sqrt();
                down[[r, c]] = (down[[r, c]] + y * 0.125) / (1.0 + 0.125 * size);
                across[[r, c]] = (across[[r, c]] + z * 0.125) / (1.0 + 0.125 * size);
            }
        }
    }
    x - divergence(&down, &across).mapv(|value| value * strength)
}

/// pty-chi's `total_variation_2d_chambolle` with two iterations, transcribed.
fn smooth_ptychi_twin(x: &Array2<Wave>, strength: f64) -> Array2<Wave> {
    let (rows, columns) = x.dim();
    let at =
        |plane: &Array2<Wave>, r: usize, c: usize| plane[[r.min(rows - 1), c.min(columns - 1)]];
    let zero = Array2::from_elem((rows, columns), Complex::new(0.0, 0.0));
    let (mut down, mut across, mut plane) = (zero.clone(), zero.clone(), x.clone());
    let divergence = |down: &Array2<Wave>, across: &Array2<Wave>| {
        Array2::from_shape_fn((rows, columns), |(r, c)| {
            down[[r, c]] - down[[r.saturating_sub(1), c]] + across[[r, c]]
                - across[[r, c.saturating_sub(1)]]
        })
    };
    for _ in 0..2 {
        let slope = divergence(&down, &across) - plane.mapv(|value| value / strength);
        for r in 0..rows {
            for c in 0..columns {
                let (y, z) = (
                    at(&slope, r + 1, c) - slope[[r, c]],
                    at(&slope, r, c + 1) - slope[[r, c]],
                );
                let size = (y * y + z * z).sqrt() * 0.125 + 1.0;
                down[[r, c]] = (down[[r, c]] + y * 0.125) / size;
                across[[r, c]] = (across[[r, c]] + z * 0.125) / size;
            }
        }
        plane = plane - divergence(&down, &across).mapv(|value| value * strength);
    }
    let overlap: Wave = x.iter().zip(&plane).map(|(a, b)| a * b).sum();
    let square: Wave = plane.iter().map(|value| value * value).sum();
    plane.mapv(|value| value * overlap / square)
}

fn variation(plane: &Array2<Wave>) -> f64 {
    let (rows, columns) = plane.dim();
    let mut sum = 0.0;
    for r in 0..rows - 1 {
        for c in 0..columns - 1 {
            let (y, z) = (
                plane[[r + 1, c]] - plane[[r, c]],
                plane[[r, c + 1]] - plane[[r, c]],
            );
            sum += (y.norm_sqr() + z.norm_sqr()).sqrt();
        }
    }
    sum
}

#[test]
fn total_variation_is_its_slow_twin() {
    // The frame has room around the patches, so that frame and canvas are the same.
    for compat in BOTH {
        let strength = 0.02;
        let (free, _) = run(settings(compat));
        let (smooth, _) = run(IterativeSettings {
            object_tv: strength,
            ..settings(compat)
        });
        let twin = match compat {
            Compatibility::None => smooth_twin(&free, strength, 50),
            Compatibility::Ptychi => smooth_ptychi_twin(&free, strength),
        };
        assert!(
            distance(&smooth, &twin) < 1e-11,
            "{}",
            distance(&smooth, &twin)
        );
        assert!(variation(&smooth) < variation(&free));
    }
}

#[test]
fn total_variation_comes_near_its_minimum() {
    let strength = 0.02;
    let (free, _) = run(settings(Compatibility::None));
    let cost = |plane: &Array2<Wave>| {
        let misfit: f64 = plane
            .iter()
            .zip(&free)
            .map(|(a, b)| (a - b).norm_sqr())
            .sum();
        0.5 * misfit + strength * variation(plane)
    };
    let (smooth, _) = run(IterativeSettings {
        object_tv: strength,
        ..settings(Compatibility::None)
    });
    let least = cost(&smooth_twin(&free, strength, 2000));
    let gained = (cost(&free) - cost(&smooth)) / (cost(&free) - least);
    assert!(gained > 0.9, "{gained}");
    let mean = |plane: &Array2<Wave>| plane.iter().sum::<Wave>() / plane.len() as f64;
    assert!(
        (mean(&smooth) - mean(&free)).norm() < 1e-12,
        "the mean stays"
    );
}

/// A small Gaussian window over a plane whose border is repeated.
fn blurred_twin(plane: &Array2<Wave>, side: isize, sigma: f64) -> Array2<Wave> {
    let (rows, columns) = plane.dim();
    let reach = side / 2;
    let weight = |t: isize| (-0.5 * (t as f64 / sigma).powi(2)).exp();
    Array2::from_shape_fn((rows, columns), |(r, c)| {
        let (mut sum, mut total) = (Complex::new(0.0, 0.0), 0.0);
        for y in -reach..=reach {
            for x in -reach..=reach {
                let at = |i: usize, by: isize, n: usize| {
                    (i as isize + by).clamp(0, n as isize - 1) as usize
                };
                sum += plane[[at(r, y, rows), at(c, x, columns)]] * (weight(y) * weight(x));
                total += weight(y) * weight(x);
            }
        }
        sum / total
    })
}

fn mask_twin(wave: &Array2<Wave>, threshold: f64) -> Array2<f64> {
    let amplitude = blurred_twin(wave, 5, 3.0).mapv(Complex::norm);
    let most = amplitude.iter().copied().fold(0.0, f64::max);
    let kept =
        amplitude.mapv(|value| Complex::new(if value > threshold * most { 1.0 } else { 0.0 }, 0.0));
    blurred_twin(&kept, 3, 2.0).mapv(Complex::norm)
}

#[test]
fn the_support_is_its_slow_twin() {
    let threshold = 0.1;
    for compat in BOTH {
        let two = IterativeSettings {
            probe_modes: 2,
            ..settings(compat)
        };
        let (_, free) = run(two.clone());
        let (_, cut) = run(IterativeSettings {
            probe_support: threshold,
            ..two
        });
        let all = free
            .mapv(|value| Complex::new(value.norm_sqr(), 0.0))
            .sum_axis(Axis(0))
            .mapv(Complex::sqrt);
        let mut n_dark = 0;
        for (cut, free) in cut.outer_iter().zip(free.outer_iter()) {
            let mask = match compat {
                Compatibility::None => mask_twin(&all, threshold),
                Compatibility::Ptychi => mask_twin(&free.to_owned(), threshold),
            };
            let expected = &free * &mask.mapv(|value| Complex::new(value, 0.0));
            assert!(distance(cut, &expected) < 1e-9);
            n_dark += mask.iter().filter(|value| **value == 0.0).count();
        }
        assert!(0 < n_dark, "something is cut off");
    }
}

/// The scan with its probe moved by whole pixels and the object along with it, which gives the same patterns.
fn moved(by: [isize; 2]) -> Arc<Dataset> {
    let dataset = scan(24, 5, 16.0, false);
    let n = dataset.n() as isize;
    let probe = Array3::from_shape_fn(dataset.probe().dim(), |(k, r, c)| {
        let from = |at: usize, by: isize| (at as isize - by).rem_euclid(n) as usize;
        dataset.probe()[[k, from(r, by[0]), from(c, by[1])]]
    });
    let parts = DatasetParts {
        probe,
        ..dataset.parts().clone()
    };
    Arc::new(Dataset::new(parts).unwrap())
}

fn center_of(probe: &Array3<Wave>, weight: fn(&Wave) -> f64, n_modes: usize) -> [f64; 2] {
    let (mut sum, mut total) = ([0.0; 2], 0.0);
    for ((_, r, c), value) in probe.slice(s![..n_modes, .., ..]).indexed_iter() {
        sum[0] += r as f64 * weight(value);
        sum[1] += c as f64 * weight(value);
        total += weight(value);
    }
    sum.map(|sum| sum / total)
}

#[test]
fn a_centred_probe_takes_the_object_along() {
    let dataset = moved([3, -2]);
    let free = settings(Compatibility::None);
    let centred = IterativeSettings {
        center_probe: true,
        ..free.clone()
    };
    let (free, centred) = (run_on(&dataset, free), run_on(&dataset, centred));
    let before = center_of(&free.probe(), Complex::norm_sqr, 1);
    let after = center_of(&centred.probe(), Complex::norm_sqr, 1);
    assert!((before[0] - 12.0).abs() > 2.0, "{before:?}");
    assert!(after.iter().all(|at| (at - 12.0).abs() <= 0.5), "{after:?}");
    // Whole pixels: nothing is interpolated, and what the probe moved by the object has moved by too.
    let by = [0, 1].map(|axis| (12.0 - before[axis]).round() as isize);
    let probe = free.probe();
    let rolled = Array3::from_shape_fn(probe.dim(), |(k, r, c)| {
        let from = |at: usize, by: isize| (at as isize - by).rem_euclid(24) as usize;
        probe[[k, from(r, by[0]), from(c, by[1])]]
    });
    assert_eq!(centred.probe(), rolled);
    let (object, moved) = (free.object(), centred.object());
    let (rows, columns) = object.dim();
    for r in 5..rows - 5 {
        for c in 5..columns - 5 {
            let from = [(r as isize - by[0]) as usize, (c as isize - by[1]) as usize];
            assert_eq!(moved[[r, c]], object[from]);
        }
    }
}

#[test]
fn a_centred_probe_does_not_disturb_a_run() {
    let dataset = moved([3, -2]);
    let long = IterativeSettings {
        epochs: 12,
        ..settings(Compatibility::None)
    };
    let free = run_on(&dataset, long.clone());
    let centred = run_on(
        &dataset,
        IterativeSettings {
            center_probe: true,
            ..long
        },
    );
    let [free, centred] = [&free, &centred].map(|engine| *engine.loss().last().unwrap());
    assert!(centred < 1.3 * free, "{centred} against {free}");
}

#[test]
fn the_original_centres_the_amplitude_of_the_first_mode_between_pixels() {
    let centred = IterativeSettings {
        center_probe: true,
        ..settings(Compatibility::Ptychi)
    };
    let (free, centred) = (
        run_on(&moved([1, -1]), settings(Compatibility::Ptychi)),
        run_on(&moved([1, -1]), centred),
    );
    let before = center_of(&free.probe(), |value| value.norm(), 1);
    let after = center_of(&centred.probe(), |value| value.norm(), 1);
    for axis in 0..2 {
        // Ringing and what goes round the border keep it from being exact.
        assert!(
            (after[axis] - 12.0).abs() < 0.3 * (before[axis] - 12.0).abs(),
            "{before:?} {after:?}"
        );
    }
    assert_eq!(free.object(), centred.object(), "the object stays");
}

#[test]
fn steps_follow_their_schedule() {
    let with = |step_schedule| IterativeSettings {
        epochs: 11,
        step_schedule,
        step_end: 0.01,
        ..IterativeSettings::default()
    };
    for schedule in [StepSchedule::Cosine, StepSchedule::Exponential] {
        let settings = with(schedule);
        let shares: Vec<f64> = (0..12).map(|epoch| settings.step_share(epoch)).collect();
        assert_eq!(shares[0], 1.0);
        assert!((shares[10] - 0.01).abs() < 1e-12 && shares[11] == shares[10]);
        assert!(shares.windows(2).all(|pair| pair[1] <= pair[0]));
    }
    assert!((with(StepSchedule::Cosine).step_share(5) - 0.505).abs() < 1e-12);
    assert!((with(StepSchedule::Exponential).step_share(5) - 0.1).abs() < 1e-12);
    assert_eq!(with(StepSchedule::Constant).step_share(7), 1.0);
}

#[test]
fn a_schedule_changes_the_steps_of_an_epoch_and_nothing_else() {
    // In the second of two epochs a step of 1 with the share s left is a step of s.
    let two = IterativeSettings {
        epochs: 2,
        ..settings(Compatibility::None)
    };
    let scheduled = run_on(
        &scan(24, 5, 16.0, false),
        IterativeSettings {
            step_schedule: StepSchedule::Exponential,
            step_end: 0.25,
            ..two.clone()
        },
    );
    let constant = run_on(&scan(24, 5, 16.0, false), two);
    assert_eq!(scheduled.loss()[0], constant.loss()[0]);
    assert!(scheduled.object() != constant.object());
    let none_left = run_on(
        &scan(24, 5, 16.0, false),
        IterativeSettings {
            epochs: 2,
            step_schedule: StepSchedule::Exponential,
            step_end: 0.0001,
            ..settings(Compatibility::None)
        },
    );
    let one = run_on(&scan(24, 5, 16.0, false), settings(Compatibility::None));
    assert!(distance(&none_left.object(), &one.object()) < 1e-3);
    assert!(distance(&constant.object(), &one.object()) > 1e-2);
}

#[test]
fn the_probe_waits_for_its_start() {
    let late = |epochs| {
        let settings = IterativeSettings {
            epochs,
            probe_start: 2,
            ..settings(Compatibility::None)
        };
        run_on(&scan(24, 5, 16.0, false), settings)
    };
    let start = IterativeOf::<f64>::new(
        EngineKind::Lsqml,
        scan(24, 5, 16.0, false),
        settings(Compatibility::None),
        1,
    )
    .unwrap();
    assert_eq!(late(2).probe(), start.probe());
    assert!(late(3).probe() != start.probe());
}
