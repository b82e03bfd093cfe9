//! A batch of groups with its heads and probe: by the fast physics, and term by term in double precision.

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
use rand::RngExt as _;

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

pub(super) fn noise(len: usize, index: u64) -> Vec<f64> {
    let mut rng = stream_at(11, Purpose::Simulation, index);
    (0..len).map(|_| rng.random_range(-1.0..1.0)).collect()
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A batch of groups with its heads and probe, in double precision.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) architecture: Architecture,
    pub(super) canvas_px: usize,
    pub(super) objective: Objective,
    pub(super) n_groups: usize,
    /// Maps of the heads, `(b, side, side, c)`.
    pub(super) maps: Vec<(Head, Vec<f64>)>,
    pub(super) probe: Array3<Complex64>,
    pub(super) offsets_px: Vec<[f64; 2]>,
    pub(super) amplitude: Vec<f32>,
}

/// What differs between the cases.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    pub(super) head: AmplitudeHead,
    pub(super) gridsize: usize,
    pub(super) pad_object: bool,
    pub(super) border_head: bool,
    pub(super) n_modes: usize,
    pub(super) masked: bool,
    pub(super) weights: [f64; 3],
}

pub(super) const PLAIN: Kind = Kind {
    head: AmplitudeHead::Sigmoid,
    gridsize: 2,
    pad_object: true,
    border_head: false,
    n_modes: 1,
    masked: false,
    weights: [1.0, 0.0, 0.0],
};

impl Case {
    pub(super) fn new(kind: Kind, n_groups: usize) -> Self {
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
    pub(super) fn run(&self, gradient: bool, n_threads: usize) -> Run {
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
    pub(super) fn patch(&self, b: usize, c: usize) -> Array2<Complex64> {
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
    pub(super) fn merged(&self, b: usize) -> Array2<Complex64> {
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
    pub(super) fn rates(&self, b: usize, merged: &Array2<Complex64>) -> Array3<f64> {
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
    pub(super) fn slow_losses(&self) -> Losses {
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
pub(super) struct Run {
    pub(super) losses: Losses,
    /// In the order of the heads, `(b, side, side, c)`.
    pub(super) gradients: Vec<Vec<f64>>,
    /// Real and imaginary parts.
    pub(super) d_probe: Vec<f64>,
    pub(super) prediction: Prediction,
}

pub(super) fn kinds() -> Vec<(&'static str, Kind)> {
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
