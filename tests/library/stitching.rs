//! Merge, views, likelihoods and their adjoints.

use std::f64::consts::PI;

use ndarray::{Array2, Array3, Axis, s};
use num_complex::{Complex32, Complex64};
use ptycho_core::forward::{Forward, Subpixel};
use ptycho_core::nn::physics::{MERGE_EPSILON, Physics, RATE_EPSILON};
use ptycho_core::nn::stepper::Objective;
use ptycho_core::nn::{AmplitudeHead, Architecture, Batch, Head, Losses, Model, Prediction};
use ptycho_core::patches;
use ptycho_core::rng::{Purpose, stream_at};
use ptycho_core::simd::Aligned;
use ptycho_core::tensor::Activations;
use ptycho_core::tensor::poisson::Likelihood;
use ptycho_core::tensor::shift::{shift, shift_adjoint_add};
use rand::RngExt as _;

use crate::support;

const OFFSETS_PX: [[f64; 2]; 9] = [
    [-2.25, -1.5],
    [-1.75, 2.5],
    [1.5, -3.0],
    [2.5, 2.0],
    [0.0, 0.0],
    [3.3, -0.7],
    [-3.1, 1.2],
    [0.8, -0.5],
    [-1.0, 3.0],
];

fn noise(len: usize, index: u64) -> Vec<f64> {
    let mut rng = stream_at(11, Purpose::Simulation, index);
    (0..len).map(|_| rng.random_range(-1.0..1.0)).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A batch of groups with its heads and probe, in double precision.
#[derive(Clone)]
struct Case {
    architecture: Architecture,
    canvas_px: usize,
    objective: Objective,
    n_groups: usize,
    /// Maps of the heads, `(b, side, side, c)`.
    maps: Vec<(Head, Vec<f64>)>,
    probe: Array3<Complex64>,
    offsets_px: Vec<[f64; 2]>,
    amplitude: Vec<f32>,
}

/// What differs between the cases.
#[derive(Clone, Copy)]
struct Kind {
    head: AmplitudeHead,
    gridsize: usize,
    pad_object: bool,
    border_head: bool,
    n_modes: usize,
    masked: bool,
    weights: [f64; 3],
}

const PLAIN: Kind = Kind {
    head: AmplitudeHead::Sigmoid,
    gridsize: 2,
    pad_object: true,
    border_head: false,
    n_modes: 1,
    masked: false,
    weights: [1.0, 0.0, 0.0],
};

impl Case {
    fn new(kind: Kind, n_groups: usize) -> Self {
        let (n, c) = (32, kind.gridsize * kind.gridsize);
        let architecture = Architecture {
            model: Model::Pinn,
            n,
            n_channels: c,
            filters_scale: 1,
            amplitude_head: kind.head,
            amplitude_max: 1.5,
            pad_object: kind.pad_object,
            border_head: kind.border_head,
            trained_probe_modes: kind.n_modes,
        };
        let central = if kind.pad_object { n / 2 } else { n };
        let mut sides = vec![(Head::Amplitude, central), (Head::Phase, central)];
        if kind.border_head {
            sides.extend([(Head::BorderAmplitude, n), (Head::BorderPhase, n)]);
        }
        let maps = sides.into_iter().enumerate().map(|(i, (head, side))| {
            let values = noise(n_groups * side * side * c, i as u64);
            (head, values.into_iter().map(|x| 1.5 * x).collect())
        });
        let probe = Array3::from_shape_fn((kind.n_modes, n, n), |(k, r, c)| {
            let (y, x) = (r as f64 - 15.0 + k as f64, c as f64 - 17.0);
            let size = 3.0 / (1.0 + k as f64) * (-(y * y + x * x) / 60.0).exp();
            Complex64::from_polar(size, 0.02 * (y * y - x * y) + 0.1 * x * k as f64)
        });
        let mut amplitude: Vec<f32> = noise(n_groups * c * n * n, 9)
            .into_iter()
            .map(|x| (3.0 * x * x) as f32)
            .collect();
        if kind.masked {
            amplitude.iter_mut().step_by(7).for_each(|a| *a = f32::NAN);
        }
        let [nll, mae, tv] = kind.weights;
        Self {
            architecture,
            canvas_px: n + 8,
            objective: Objective {
                nll,
                mae,
                tv,
                amplitude_epsilon: 1e-6,
            },
            n_groups,
            maps: maps.collect(),
            probe,
            offsets_px: (0..n_groups * c)
                .map(|i| {
                    if c == 1 {
                        [0.0; 2]
                    } else {
                        OFFSETS_PX[i * (1 + i / c) % 9]
                    }
                })
                .collect(),
            amplitude,
        }
    }

    fn side(&self, len: usize) -> usize {
        (len / self.n_groups / self.architecture.n_channels).isqrt()
    }

    fn batch(&self) -> Batch {
        let mut amplitude = Aligned::zeros(self.amplitude.len());
        amplitude.copy_from_slice(&self.amplitude);
        Batch {
            n_groups: self.n_groups,
            amplitude,
            relative_px: self.offsets_px.clone(),
            ..Batch::default()
        }
    }

    fn probe32(&self) -> Vec<Complex32> {
        let narrow = |z: &Complex64| Complex32::new(z.re as f32, z.im as f32);
        self.probe.iter().map(narrow).collect()
    }

    /// The fast physics on some threads.
    fn run(&self, gradient: bool, n_threads: usize) -> Run {
        let c = self.architecture.n_channels;
        let mut heads = Vec::new();
        for (head, values) in &self.maps {
            let side = self.side(values.len());
            let mut map = Activations::zeros(self.n_groups, side, c);
            let stride = map.stride();
            for (pixel, values) in map.values_mut().chunks_mut(stride).zip(values.chunks(c)) {
                pixel
                    .iter_mut()
                    .zip(values)
                    .for_each(|(to, &x)| *to = x as f32);
            }
            let mut room = map.clone();
            room.values_mut().fill(7.0);
            heads.push((*head, map, room));
        }
        let mut borrowed: Vec<_> = heads
            .iter_mut()
            .map(|(h, map, room)| (*h, &*map, room))
            .collect();
        let (n_modes, probe) = (self.probe.dim().0, self.probe32());
        let mut d_probe = vec![Complex32::new(7.0, 7.0); probe.len()];
        let mut prediction = Prediction::default();
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads)
            .build()
            .unwrap();
        let losses = pool.install(|| {
            Physics::new(
                &self.architecture,
                self.canvas_px,
                n_modes,
                self.objective,
                n_threads,
            )
            .losses(
                &mut borrowed,
                &self.batch(),
                &probe,
                gradient,
                Some(&mut d_probe),
                Some(&mut prediction),
            )
        });
        let gradients = heads.into_iter().map(|(_, _, room)| {
            let stride = room.stride();
            let pixels = room.values().chunks(stride);
            assert!(
                !gradient
                    || pixels
                        .clone()
                        .all(|pixel| pixel[c..].iter().all(|&x| x == 0.0))
            );
            pixels
                .flat_map(|pixel| pixel[..c].iter().map(|&x| f64::from(x)))
                .collect()
        });
        Run {
            losses,
            gradients: gradients.collect(),
            d_probe: d_probe
                .iter()
                .flat_map(|z| [f64::from(z.re), f64::from(z.im)])
                .collect(),
            prediction,
        }
    }

    /// What channel `c` of group `b` draws, `(n, n)`.
    fn patch(&self, b: usize, c: usize) -> Array2<Complex64> {
        let (n, n_channels) = (self.architecture.n, self.architecture.n_channels);
        let mut patch = Array2::zeros((n, n));
        let value = |head: Head, row: usize, column: usize| {
            let (_, values) = self.maps.iter().find(|(h, _)| *h == head)?;
            let side = self.side(values.len());
            let (row, column) = (
                row.checked_sub((n - side) / 2)?,
                column.checked_sub((n - side) / 2)?,
            );
            let at = ((b * side + row) * side + column) * n_channels + c;
            (row < side && column < side).then(|| values[at])
        };
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        let swish = |x: f64| x * sigmoid(x);
        for ((r, col), pixel) in patch.indexed_iter_mut() {
            if let (Some(x), Some(y)) = (value(Head::Amplitude, r, col), value(Head::Phase, r, col))
            {
                let a = match self.architecture.amplitude_head {
                    AmplitudeHead::Sigmoid => self.architecture.amplitude_max * sigmoid(x),
                    AmplitudeHead::Softplus => x.exp().ln_1p(),
                    AmplitudeHead::Swish => swish(x),
                    AmplitudeHead::Relu => x.max(0.0),
                };
                *pixel = Complex64::cis(PI * y.tanh()) * a;
            } else if let (Some(x), Some(y)) = (
                value(Head::BorderAmplitude, r, col),
                value(Head::BorderPhase, r, col),
            ) {
                *pixel = Complex64::cis(swish(y)) * swish(x);
            }
        }
        patch
    }

    /// The merged object of a group by [`patches::cut_bilinear`].
    fn merged(&self, b: usize) -> Array2<Complex64> {
        let (n, c, canvas) = (
            self.architecture.n,
            self.architecture.n_channels,
            self.canvas_px,
        );
        let is_half = self.architecture.pad_object && !self.architecture.border_head;
        let (first, last) = if is_half {
            (n / 4, n / 4 + n / 2)
        } else {
            (0, n)
        };
        let mut mask = Array2::zeros((n, n));
        mask.slice_mut(s![first..last, first..last])
            .fill(Complex64::ONE);
        let (mut sum, mut weight) = (
            Array2::zeros((canvas, canvas)),
            Array2::zeros((canvas, canvas)),
        );
        for (channel, offset) in self.offsets_px[b * c..][..c].iter().enumerate() {
            // T_d[f](p) = f(p - d): canvas pixel p is patch pixel p - margin - d.
            let position = offset.map(|d| (canvas / 2 - (canvas - n) / 2) as f64 - d);
            let mut moved = Array2::zeros((canvas, canvas));
            patches::cut_bilinear(self.patch(b, channel).view(), position, moved.view_mut());
            sum += &moved;
            patches::cut_bilinear(mask.view(), position, moved.view_mut());
            weight += &moved;
        }
        sum / weight.mapv(|w| w + f64::from(MERGE_EPSILON))
    }

    /// Rates of a group by the forward model, `(c, n, n)`.
    fn rates(&self, b: usize, merged: &Array2<Complex64>) -> Array3<f64> {
        let (n, c) = (self.architecture.n, self.architecture.n_channels);
        let forward = Forward::<f64>::new(n, Subpixel::Bilinear);
        let mut rates = Array3::zeros((c, n, n));
        for (mut rate, offset) in rates.outer_iter_mut().zip(&self.offsets_px[b * c..][..c]) {
            let position = offset.map(|d| (self.canvas_px / 2) as f64 + d);
            rate.assign(&forward.intensity(merged.view(), self.probe.view(), position));
        }
        rates
    }

    /// The losses, term by term.
    fn slow_losses(&self) -> Losses {
        let (n, c) = (self.architecture.n, self.architecture.n_channels);
        let (mut losses, mut n_pixels) = (Losses::default(), 0.0);
        for b in 0..self.n_groups {
            let merged = self.merged(b);
            let measured = &self.amplitude[b * c * n * n..][..c * n * n];
            for (rate, &measured) in self.rates(b, &merged).iter().zip(measured) {
                if !measured.is_nan() {
                    let (x, a) = (rate + f64::from(RATE_EPSILON), f64::from(measured));
                    losses.nll += x - a * a * x.ln();
                    losses.mae += ((rate + self.objective.amplitude_epsilon).sqrt() - a).abs();
                    n_pixels += 1.0;
                }
            }
            let first = (self.canvas_px - n) / 2;
            let centre = merged.slice(s![first..first + n, first..first + n]);
            for axis in [Axis(0), Axis(1)] {
                let (mut next, mut this) = (centre, centre);
                next.slice_axis_inplace(axis, (1..).into());
                this.slice_axis_inplace(axis, (..-1).into());
                let sum: f64 = (&next - &this).iter().map(Complex64::norm_sqr).sum();
                losses.tv += sum / (self.n_groups * n * n) as f64;
            }
        }
        losses.nll /= n_pixels;
        losses.mae /= n_pixels;
        let Objective { nll, mae, tv, .. } = self.objective;
        losses.objective = nll * losses.nll + mae * losses.mae + tv * losses.tv;
        losses
    }
}

#[derive(Debug)]
struct Run {
    losses: Losses,
    /// In the order of the heads, `(b, side, side, c)`.
    gradients: Vec<Vec<f64>>,
    /// Real and imaginary parts.
    d_probe: Vec<f64>,
    prediction: Prediction,
}

fn kinds() -> Vec<(&'static str, Kind)> {
    use AmplitudeHead::{Relu, Sigmoid, Softplus, Swish};
    let [nll, mae, tv] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    let both = [0.3, 0.5, 2.0];
    vec![
        ("plain", PLAIN),
        (
            "mae",
            Kind {
                weights: mae,
                ..PLAIN
            },
        ),
        (
            "variation",
            Kind {
                weights: tv,
                ..PLAIN
            },
        ),
        (
            "one of a group",
            Kind {
                gridsize: 1,
                ..PLAIN
            },
        ),
        (
            "nine, masked",
            Kind {
                gridsize: 3,
                masked: true,
                weights: both,
                ..PLAIN
            },
        ),
        (
            "softplus, modes",
            Kind {
                head: Softplus,
                n_modes: 3,
                ..PLAIN
            },
        ),
        (
            "swish, whole",
            Kind {
                head: Swish,
                pad_object: false,
                weights: mae,
                ..PLAIN
            },
        ),
        (
            "relu",
            Kind {
                head: Relu,
                weights: both,
                ..PLAIN
            },
        ),
        (
            "ring",
            Kind {
                border_head: true,
                ..PLAIN
            },
        ),
        (
            "ring, modes",
            Kind {
                head: Relu,
                border_head: true,
                n_modes: 2,
                masked: true,
                weights: both,
                ..PLAIN
            },
        ),
        (
            "whole, one",
            Kind {
                head: Sigmoid,
                pad_object: false,
                gridsize: 1,
                weights: nll,
                ..PLAIN
            },
        ),
    ]
}

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

#[test]
fn shifts_are_bilinear_patches_and_have_an_adjoint() {
    let shifts = [
        [0.0, 0.0],
        [3.0, -2.0],
        [0.25, -0.5],
        [-4.75, 2.3],
        [30.0, 0.5],
        [-0.1, -40.0],
    ];
    for (i, (rows, columns)) in [(7, 9), (12, 12), (5, 33), (1, 1)].into_iter().enumerate() {
        let (f, g) = (
            noise(rows * columns, i as u64),
            noise(rows * columns, 50 + i as u64),
        );
        let plane = Array2::from_shape_vec((rows, columns), f.clone()).unwrap();
        let plane = plane.mapv(|x| Complex64::new(x, 0.0));
        for d in shifts {
            let (mut moved, mut back) = (vec![0.0; f.len()], vec![0.0; f.len()]);
            shift(&f, &mut moved, columns, d);
            shift_adjoint_add(&g, &mut back, columns, d);
            let difference = dot(&moved, &g) - dot(&f, &back);
            assert!(
                difference.abs() < 1e-13,
                "{rows}x{columns} {d:?}: {difference}"
            );
            // cut_bilinear: patch[i] = O(c - n/2 + i), n the rows of the patch.
            let position = d.map(|d| (rows / 2) as f64 - d);
            let mut cut = Array2::zeros((rows, columns));
            patches::cut_bilinear(plane.view(), position, cut.view_mut());
            for (moved, cut) in moved.iter().zip(&cut) {
                assert!((moved - cut.re).abs() < 1e-15, "{rows}x{columns} {d:?}");
            }
            let is_whole = d.iter().all(|d| d.fract() == 0.0);
            let mut reverse = vec![0.0; f.len()];
            shift(&g, &mut reverse, columns, d.map(|d| -d));
            if is_whole {
                assert_eq!(reverse, back);
            }
        }
    }
}

#[test]
fn likelihoods_and_their_slopes_are_those_of_the_formula() {
    let likelihood = Likelihood {
        rate_epsilon: 1e-6,
        amplitude_epsilon: 1e-4,
        nll_weight: 0.7,
        mae_weight: 0.4,
    };
    let rate: Vec<f32> = (0..101)
        .map(|i| (i * i) as f32 * 0.01 + 1e-3 * (i % 3) as f32)
        .collect();
    let mut amplitude: Vec<f32> = (0..101).map(|i| ((i * 37) % 11) as f32 * 0.5).collect();
    amplitude.iter_mut().step_by(10).for_each(|a| *a = f32::NAN);
    let terms = |rate: f64, a: f64| {
        let (x, y) = (rate + 1e-6, rate + 1e-4);
        (x - a * a * x.ln(), (y.sqrt() - a).abs())
    };
    let mut gradient = vec![1.0; rate.len()];
    let sums = likelihood.sums(&rate, &amplitude, &mut gradient);
    let (mut nll, mut mae, mut n_pixels) = (0.0, 0.0, 0);
    for ((&rate, &a), &slope) in rate.iter().zip(&amplitude).zip(&gradient) {
        let (rate, a, slope) = (f64::from(rate), f64::from(a), f64::from(slope));
        if a.is_nan() {
            assert_eq!(slope, 0.0);
            continue;
        }
        let (here, step) = (terms(rate, a), 1e-6 * (rate + 1e-4));
        let (up, down) = (terms(rate + step, a), terms(rate - step, a));
        let expected = (0.7 * (up.0 - down.0) + 0.4 * (up.1 - down.1)) / (2.0 * step);
        assert!(
            (slope - expected).abs() < 1e-5 * (1.0 + expected.abs()),
            "{rate} {a}: {slope} {expected}"
        );
        nll += here.0;
        mae += here.1;
        n_pixels += 1;
    }
    assert!((sums.nll - nll).abs() < 1e-6 * nll.abs() && (sums.mae - mae).abs() < 1e-6 * mae);
    assert_eq!(sums.n_pixels, n_pixels);
    // No rate at all: finite where nothing was counted and where something was.
    let mut gradient = [0.0; 2];
    let sums = likelihood.sums(&[0.0, 0.0], &[0.0, 2.0], &mut gradient);
    assert!(
        sums.nll.is_finite() && gradient.iter().all(|x| x.is_finite()),
        "{gradient:?}"
    );
    assert_eq!(likelihood.sums(&[0.0; 2], &[0.0, 2.0], &mut []), sums);
}

/// `golden/network.npz` holds two of the four channels: where only these two draw, the merged object is known; and from
/// the merged object follow the rates.
#[test]
fn golden_amplitudes_and_phases_merge_to_the_golden_object() {
    const N: usize = 64;
    let Some(path) = support::shared("golden/network.npz") else {
        return;
    };
    let mut file = ndarray_npy::NpzReader::new(std::fs::File::open(path).unwrap()).unwrap();
    let amplitude: ndarray::Array4<f32> = file.by_name("amplitude").unwrap();
    let phase: ndarray::Array4<f32> = file.by_name("phase").unwrap();
    let merged: Array3<Complex32> = file.by_name("merged").unwrap();
    let relative: Array3<f64> = file.by_name("relative").unwrap();
    let rate: Array3<f32> = file.by_name("rate").unwrap();
    let wide = |z: &Complex32| Complex64::new(f64::from(z.re), f64::from(z.im));
    let probe = Array3::from_shape_fn((1, N, N), |(_, r, c)| {
        let r2 = ((r as f64) - 32.0).powi(2) + ((c as f64) - 32.0).powi(2);
        Complex64::from_polar(3.125 * 0.9 * (-r2 / 162.0).exp(), 3.0 * r2 / 1024.0)
    });
    let forward = Forward::<f64>::new(N, Subpixel::Bilinear);
    for c in 0..2 {
        let position = [0, 1].map(|axis| 42.0 + relative[[0, c, axis]]);
        let object = merged.index_axis(Axis(0), 0).map(wide);
        let found = forward.intensity(object.view(), probe.view(), position);
        for (found, &expected) in found.iter().zip(rate.index_axis(Axis(0), c)) {
            let error = (found - f64::from(expected)).abs();
            assert!(error < 1e-5 * (1.0 + found), "{found} {expected}");
        }
    }

    let mut case = Case::new(PLAIN, 2);
    case.architecture.n = N;
    case.architecture.amplitude_max = 1.0;
    case.canvas_px = 74;
    case.offsets_px = relative
        .iter()
        .copied()
        .collect::<Vec<_>>()
        .as_chunks::<2>()
        .0
        .to_vec();
    case.amplitude = vec![1.0; 2 * 4 * N * N];
    case.probe = probe;
    let map = |values: &ndarray::Array4<f32>, nothing: f64, inverse: &dyn Fn(f64) -> f64| {
        let values = Array2::from_shape_fn((2 * 32 * 32, 4), |(pixel, c)| {
            let (b, row, column) = (pixel / 1024, pixel / 32 % 32, pixel % 32);
            if c < 2 {
                inverse(f64::from(values[[b, c, row, column]]))
            } else {
                nothing
            }
        });
        values.into_raw_vec_and_offset().0
    };
    case.maps = vec![
        (
            Head::Amplitude,
            map(&amplitude, -200.0, &|a| (a / (1.0 - a)).ln()),
        ),
        (Head::Phase, map(&phase, 0.0, &|y| (y / PI).atanh())),
    ];
    let found = case.run(false, 2).prediction.objects;
    let mut n_known = 0;
    for b in 0..2 {
        let covers = |c: usize, row: usize, column: usize| {
            [row, column].iter().enumerate().all(|(axis, &i)| {
                let first = 16.0 + relative[[b, c, axis]];
                (first - 1.0..first + 32.0).contains(&(i as f64))
            })
        };
        for (row, column) in (0..N).flat_map(|row| (0..N).map(move |column| (row, column))) {
            let by_known = (0..2).any(|c| covers(c, row, column));
            if by_known && !(2..4).any(|c| covers(c, row, column)) {
                n_known += 1;
                let (found, expected) = (
                    found[(b * N + row) * N + column],
                    merged[[b, row + 10, column + 10]],
                );
                assert!(
                    (found - expected).norm() < 1e-5,
                    "{b} ({row}, {column}): {found} {expected}"
                );
            }
        }
    }
    assert!(
        n_known > 150,
        "{n_known} pixels are drawn by known channels only"
    );
}
