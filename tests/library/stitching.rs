//! Merge, views, likelihoods and their adjoints.

mod case;
mod golden;
mod pieces;

use ndarray::s;
use num_complex::{Complex32, Complex64};
use ptycho_core::nn::Head;

use self::case::{Case, Kind, PLAIN, dot, kinds, noise};

#[test]
fn physics_is_that_of_the_forward_model() {
    for (name, kind) in kinds() {
        let case = Case::new(kind, 2);
        let (slow, fast) = (case.slow_losses(), case.run(false, 1));
        for (what, slow, fast) in [
            ("nll", slow.nll, fast.losses.nll),
            ("mae", slow.mae, fast.losses.mae),
            ("variation", slow.tv, fast.losses.tv),
            ("objective", slow.objective, fast.losses.objective),
        ] {
            assert!(
                (slow - fast).abs() < 2e-6 * slow.abs().max(0.1),
                "{name}: {what} {slow} {fast}"
            );
        }
        let (n, c) = (case.architecture.n, case.architecture.n_channels);
        let first = (case.canvas_px - n) / 2;
        for b in 0..2 {
            let merged = case.merged(b);
            let centre = merged.slice(s![first..first + n, first..first + n]);
            let drawn = (0..c).flat_map(|c| case.patch(b, c));
            let expected = centre.iter().copied().chain(drawn);
            let found = fast.prediction.objects[b * n * n..][..n * n].iter();
            let found = found.chain(&fast.prediction.patches[b * c * n * n..][..c * n * n]);
            for (found, expected) in found.zip(expected) {
                let found = Complex64::new(f64::from(found.re), f64::from(found.im));
                assert!(
                    (found - expected).norm() < 2e-6,
                    "{name}: {found} {expected}"
                );
            }
            let found = &fast.prediction.amplitude[b * c * n * n..][..c * n * n];
            for (found, expected) in found.iter().zip(&case.rates(b, &merged)) {
                let error = (f64::from(*found) - expected.sqrt()).abs();
                assert!(error < 1e-5, "{name}: {found} {}", expected.sqrt());
            }
        }
    }
}

#[test]
fn gradients_of_physics_are_its_differences() {
    const STEP: f64 = 1e-5;
    for (name, kind) in kinds() {
        let case = Case::new(kind, 2);
        let run = case.run(true, 1);
        let check = |what: &str, gradient: &[f64], bent: &dyn Fn(&[f64]) -> Case| {
            let direction = noise(gradient.len(), 77);
            let at = |step: f64| {
                let move_by: Vec<f64> = direction.iter().map(|d| d * step).collect();
                bent(&move_by).slow_losses().objective
            };
            let expected = (at(STEP) - at(-STEP)) / (2.0 * STEP);
            let found = dot(gradient, &direction);
            let norm = dot(gradient, gradient).sqrt();
            let error = (found - expected).abs();
            assert!(
                error <= 1e-4 * norm,
                "{name}, {what}: {found} {expected} of {norm}"
            );
        };
        for (i, gradient) in run.gradients.iter().enumerate() {
            check(&format!("head {i}"), gradient, &|by| {
                let mut bent = case.clone();
                bent.maps[i]
                    .1
                    .iter_mut()
                    .zip(by)
                    .for_each(|(x, by)| *x += by);
                bent
            });
        }
        check("probe", &run.d_probe, &|by| {
            let mut bent = case.clone();
            for (x, by) in bent.probe.iter_mut().zip(by.as_chunks::<2>().0) {
                *x += Complex64::new(by[0], by[1]);
            }
            bent
        });
        if !kind.border_head && kind.weights[2] == 0.0 {
            assert!(
                run.gradients.iter().all(|g| g.iter().any(|&x| x != 0.0)),
                "{name}"
            );
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let kind = Kind {
        border_head: true,
        n_modes: 2,
        weights: [1.0, 0.5, 0.1],
        ..PLAIN
    };
    // More groups than parts of the probe's gradient.
    let case = Case::new(kind, 19);
    let one = case.run(true, 1);
    for n_threads in [2, 3] {
        let more = case.run(true, n_threads);
        assert_eq!(one.losses, more.losses);
        assert_eq!(one.gradients, more.gradients);
        assert_eq!(one.d_probe, more.d_probe);
        assert_eq!(one.prediction.amplitude, more.prediction.amplitude);
        assert_eq!(one.prediction.objects, more.prediction.objects);
    }
}

#[test]
fn without_gradient_losses_are_the_same_and_gradients_stay() {
    let case = Case::new(
        Kind {
            masked: true,
            ..PLAIN
        },
        3,
    );
    let (with, without) = (case.run(true, 2), case.run(false, 2));
    assert_eq!(with.losses, without.losses);
    assert_eq!(with.prediction.amplitude, without.prediction.amplitude);
    assert!(
        without
            .gradients
            .iter()
            .flatten()
            .chain(&without.d_probe)
            .all(|&x| x == 7.0)
    );
}

#[test]
fn the_size_of_the_canvas_does_not_matter() {
    let mut case = Case::new(
        Kind {
            border_head: true,
            weights: [1.0, 1.0, 1.0],
            ..PLAIN
        },
        2,
    );
    let small = case.run(true, 1);
    case.canvas_px += 26;
    let large = case.run(true, 1);
    assert_eq!(small.losses, large.losses);
    assert_eq!(small.gradients, large.gradients);
    assert_eq!(small.prediction.objects, large.prediction.objects);
}

#[test]
fn positions_moved_together_move_the_object_and_nothing_else() {
    let mut case = Case::new(PLAIN, 2);
    case.canvas_px += 12;
    let still = case.run(true, 1);
    let by = [3_usize, 5];
    for offset in &mut case.offsets_px {
        *offset = [offset[0] + by[0] as f64, offset[1] - by[1] as f64];
    }
    let moved = case.run(true, 1);
    assert!((still.losses.nll - moved.losses.nll).abs() < 1e-6 * still.losses.nll.abs());
    for (a, b) in still
        .gradients
        .iter()
        .flatten()
        .zip(moved.gradients.iter().flatten())
    {
        assert!((a - b).abs() < 1e-7, "{a} {b}");
    }
    let n = case.architecture.n;
    for row in 0..n - by[0] {
        for column in by[1]..n {
            let from = still.prediction.objects[row * n + column];
            let to = moved.prediction.objects[(row + by[0]) * n + column - by[1]];
            assert!((from - to).norm() < 1e-5, "({row}, {column}): {from} {to}");
        }
    }
}

#[test]
fn channels_may_come_in_any_order() {
    let case = Case::new(
        Kind {
            gridsize: 3,
            ..PLAIN
        },
        1,
    );
    let turn = |values: &[f64]| -> Vec<f64> {
        let pixels = values.as_chunks::<9>().0.iter();
        pixels
            .flat_map(|pixel| pixel.iter().rev().copied())
            .collect()
    };
    let mut turned = case.clone();
    turned.offsets_px.reverse();
    turned
        .maps
        .iter_mut()
        .for_each(|(_, values)| *values = turn(values));
    let n = case.architecture.n;
    turned.amplitude = case.amplitude.rchunks(n * n).flatten().copied().collect();
    let (a, b) = (case.run(true, 1), turned.run(true, 1));
    assert!((a.losses.nll - b.losses.nll).abs() < 1e-6 * a.losses.nll.abs());
    for (a, b) in a.gradients.iter().zip(&b.gradients) {
        let norm = dot(a, a).sqrt();
        for (a, b) in a.iter().zip(turn(b)) {
            assert!((a - b).abs() < 1e-5 * norm, "{a} {b}");
        }
    }
}

/// Ones drawn by every channel merge to `w / (w + ε)` wherever the weight w of the supports is: never more than one.
#[test]
fn sum_and_weight_share_the_mask() {
    for (pad_object, border_head) in [(true, false), (true, true), (false, false)] {
        let mut case = Case::new(
            Kind {
                pad_object,
                border_head,
                ..PLAIN
            },
            2,
        );
        case.architecture.amplitude_max = 2.0;
        for (head, values) in &mut case.maps {
            // swish(1.2784645) = 1
            values.fill(if *head == Head::BorderAmplitude {
                1.278_464_542_761_074
            } else {
                0.0
            });
        }
        let objects = case.run(false, 1).prediction.objects;
        let n = case.architecture.n;
        let middle = objects[n / 2 * n + n / 2];
        assert!(
            (f64::from(middle.re) - 4.0 / 4.001).abs() < 1e-6,
            "{middle}"
        );
        assert!(
            objects
                .iter()
                .all(|z| (0.0..=1.0).contains(&z.re) && z.im.abs() < 1e-6)
        );
        let is_edge = |z: &&Complex32| 0.0 < z.re && z.re < 0.998;
        assert_eq!(
            objects.iter().any(|z| is_edge(&z)),
            pad_object && !border_head
        );
    }
}
