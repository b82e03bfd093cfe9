//! From the heads of a network to the expected counts, losses, and back; on the CPU, group by group.
//!
//! ```text
//! O_c = a_c exp(i φ_c)                         on the support (the central half of a patch, or all of it), 0 around
//! merged = Σ_c T_rel_c[w O_c] / (Σ_c T_rel_c[w] + 1e-3)       w = 1 on the support, or as [`merge_weights`]
//! λ_c = Σ_k |F{P_k · T_-rel_c[merged]}|²       F orthonormal, DC at [n/2, n/2]
//! ```
//!
//! | module | |
//! |---|---|
//! | `drawing` | maps of the heads to amplitude and phase of every channel |
//! | `canvas` | merge, views, total variation |
//! | `detector` | probe, Fourier transform, likelihood |
//! | `group` | all of it for one group, forward and backward |
//! | `parts` | a batch dealt to threads |
//!
//! Every plane in here stands transposed, the picture's columns as rows: the tiled Fourier transform transposes once
//! more, so that rates come out in the order of the measured patterns. The maps, channels last, have to be sorted into
//! planes anyway. Offsets are turned once, in [`Physics::losses`].

mod canvas;
mod detector;
mod drawing;
mod group;
mod parts;

use std::sync::{Mutex, PoisonError};

use ndarray::{Array2, Array3, Axis, s};
use num_complex::Complex32;
use pulp::Arch;
use rayon::prelude::*;

use self::canvas::Sides;
use self::detector::TiledProbe;
use self::drawing::Pen;
use self::group::{GroupSums, Room};
use self::parts::{Job, Outputs, Part, split_heads};
use crate::fft::tile::TileFft;
use crate::nn::architecture::{Architecture, Head};
use crate::nn::settings::Merge;
use crate::nn::stepper::{Batch, Losses, Objective, Prediction};
use crate::tensor::Activations;
use crate::tensor::elementary::Sweep;
use crate::tensor::poisson::Likelihood;

/// What the merge adds to the number of patches over a pixel.
pub const MERGE_EPSILON: f32 = 1e-3;
/// ε of NLL, in counts.
pub const RATE_EPSILON: f32 = 1e-6;
/// The gradient of a trained probe is summed in at most so many parts, each over neighbouring groups.
const N_PROBE_PARTS: usize = 16;

/// The physics of a network's groups, with room for every thread.
#[derive(Debug)]
pub struct Physics {
    plan: Plan,
    objective: Objective,
    probe: TiledProbe,
    rooms: Vec<Room>,
    /// Of every group.
    sums: Vec<GroupSums>,
    /// As the planes stand: (column, row), `(b, c)`.
    offsets_px: Vec<[f64; 2]>,
    /// The probe's gradient from every part of the batch.
    d_probe: Vec<f32>,
}

/// What does not change from batch to batch.
#[derive(Debug)]
struct Plan {
    pen: Pen,
    sides: Sides,
    fft: TileFft<f32>,
    /// What a pixel of a channel weighs in the merge, `(support, support)`, transposed; empty where all weigh alike.
    weights: Vec<f32>,
}

/// Side of what a channel draws in pixels: the central half of a patch, or all of it.
pub(crate) fn support_px(architecture: &Architecture) -> usize {
    if architecture.pad_object && !architecture.border_head {
        architecture.n / 2
    } else {
        architecture.n
    }
}

/// The least that a pixel of a patch weighs in [`Merge::Probe`], as a share of the brightest's.
pub const LEAST_MERGE_WEIGHT: f32 = 0.02;

/// What a pixel of a channel weighs in the merge, `(s, s)` over what a channel draws: `0.02 + 0.98 Σ_k |P_k|² / max`. `None`
/// where all weigh alike.
///
/// A pattern tells of its patch only where its light fell. The plain mean mixes what one pattern knows with what its
/// neighbours guess, the more so the farther apart they lie.
pub fn merge_weights(
    architecture: &Architecture,
    probe: &Array3<Complex32>,
) -> Option<Array2<f32>> {
    if architecture.merge == Merge::Uniform {
        return None;
    }
    let side = support_px(architecture);
    let first = (architecture.n - side) / 2;
    let light = probe.map(Complex32::norm_sqr).sum_axis(Axis(0));
    let light = light.slice(s![first..first + side, first..first + side]);
    let most = light.fold(0.0f32, |most, value| most.max(*value));
    let weigh = |value: &f32| LEAST_MERGE_WEIGHT + (1.0 - LEAST_MERGE_WEIGHT) * value / most;
    (0.0 < most).then(|| light.map(weigh))
}

impl Physics {
    /// Plan for canvases of `canvas_px` pixels and a probe of `n_modes` modes.
    ///
    /// # Panics
    /// If the side of a pattern is no multiple of 16, or the canvas is smaller.
    pub fn new(
        architecture: &Architecture,
        canvas_px: usize,
        n_modes: usize,
        objective: Objective,
        n_threads: usize,
    ) -> Self {
        let n = architecture.n;
        assert!(n.is_multiple_of(16) && n <= canvas_px, "{n} {canvas_px}");
        let central = if architecture.pad_object { n / 2 } else { n };
        let support = support_px(architecture);
        let plan = Plan {
            pen: Pen {
                head: architecture.amplitude_head,
                amplitude_max: architecture.amplitude_max as f32,
                support,
                central,
                n_channels: architecture.n_channels,
            },
            sides: Sides {
                n,
                support,
                canvas: canvas_px,
            },
            fft: TileFft::new(n),
            weights: Vec::new(),
        };
        Self {
            objective,
            probe: TiledProbe::new(n, n_modes),
            rooms: (0..n_threads.max(1))
                .map(|_| Room::new(&plan, n_modes))
                .collect(),
            sums: Vec::new(),
            offsets_px: Vec::new(),
            d_probe: Vec::new(),
            plan,
        }
    }

    /// The same, where what a channel draws weighs `weights` in the merge; see [`merge_weights`].
    ///
    /// # Panics
    /// If there are weights of another shape than what a channel draws.
    #[must_use]
    pub fn with_merge_weights(mut self, weights: Option<&Array2<f32>>) -> Self {
        let support = self.plan.sides.support;
        if let Some(weights) = weights {
            assert_eq!(weights.dim(), (support, support), "the weights");
            self.plan.weights = weights.t().iter().copied().collect();
        }
        self
    }

    /// Take all memory that batches of up to `n_groups` groups need now, rather than with the first of them.
    #[must_use]
    pub fn with_room(mut self, n_groups: usize, trains_probe: bool) -> Self {
        self.sums.resize(n_groups, GroupSums::default());
        self.offsets_px.reserve(n_groups * self.plan.pen.n_channels);
        if trains_probe {
            let n_parts = n_groups.min(N_PROBE_PARTS);
            self.d_probe.resize(n_parts * self.probe.modes.len(), 0.0);
        }
        self
    }

    /// Bytes that it holds; but for those few that are in use during a step alone.
    pub fn n_bytes(&self) -> usize {
        let rooms: usize = self.rooms.iter().map(Room::n_bytes).sum();
        let lists = self.sums.capacity() * size_of::<GroupSums>()
            + self.offsets_px.capacity() * size_of::<[f64; 2]>();
        let probes = self.probe.modes.n_bytes() + self.d_probe.capacity() * size_of::<f32>();
        rooms + lists + probes + size_of_val(&self.plan.weights[..])
    }

    /// Losses of a batch. Where `gradient` is wanted, the second activations of every head take the gradient, and
    /// `d_probe` (`(k, n, n)`, as ∂/∂re + i ∂/∂im; overwritten) that of the probe. Where `prediction` is wanted it is filled.
    ///
    /// Runs in parallel over groups on the current rayon pool; the result does not depend on the number of threads.
    /// What the largest batch needs is allocated when it first comes, or by [`Physics::with_room`]; after that only a list
    /// of the groups is.
    ///
    /// # Panics
    /// If the heads, batch or probe are not of the shapes planned for.
    #[expect(
        clippy::too_many_arguments,
        reason = "what a step takes and gives, agreed with its callers"
    )]
    pub fn losses(
        &mut self,
        heads: &mut [(Head, &Activations, &mut Activations)],
        batch: &Batch,
        probe: &[Complex32],
        gradient: bool,
        d_probe: Option<&mut [Complex32]>,
        prediction: Option<&mut Prediction>,
    ) -> Losses {
        let n_groups = batch.n_groups;
        let d_probe = d_probe.filter(|_| gradient);
        self.take(batch, probe);
        let n_each = match d_probe {
            Some(_) => self.clear_probe_parts(n_groups),
            None => 1,
        };
        let (maps, gradients) = split_heads(heads, gradient);
        let n_pixels = if gradient {
            n_in_use(&batch.amplitude[..self.n_values(n_groups)])
        } else {
            1
        };
        let job = Job {
            plan: &self.plan,
            probe: &self.probe,
            batch,
            offsets_px: &self.offsets_px,
            maps,
            likelihood: likelihood(self.objective, n_pixels),
            variation_weight: (self.objective.tv / self.plan.n_central(n_groups)) as f32,
            gradient,
        };
        let outputs = Outputs {
            sums: &mut self.sums[..n_groups],
            gradients,
            d_probe: match d_probe {
                Some(_) => &mut self.d_probe,
                None => &mut [],
            },
            probe_len: self.probe.modes.len(),
            prediction,
        };
        let parts = self.plan.deal(n_groups, n_each, outputs);
        run_all(&mut self.rooms, parts, &job);
        if let Some(d_probe) = d_probe {
            self.sum_probe(n_groups.div_ceil(n_each), d_probe);
        }
        self.total(n_groups)
    }

    /// Room for the probe's gradient from every part of the batch, zeros; how many groups a part has.
    fn clear_probe_parts(&mut self, n_groups: usize) -> usize {
        let n_each = n_groups.div_ceil(N_PROBE_PARTS).max(1);
        let n_parts = n_groups.div_ceil(n_each).max(1);
        let len = self.d_probe.len().max(n_parts * self.probe.modes.len());
        self.d_probe.resize(len, 0.0);
        self.d_probe.fill(0.0);
        n_each
    }

    /// Probe and offsets, and room for the sums.
    fn take(&mut self, batch: &Batch, probe: &[Complex32]) {
        let (n, c) = (self.plan.sides.n, self.plan.pen.n_channels);
        let n_modes = self.probe.modes.len() / self.plan.fft.tiling().field_len();
        assert_eq!(probe.len(), n_modes * n * n, "the probe");
        self.probe.load(probe);
        self.offsets_px.clear();
        let offsets_px = batch.relative_px[..batch.n_groups * c].iter();
        self.offsets_px
            .extend(offsets_px.map(|&[row, column]| [column, row]));
        let n_sums = self.sums.len().max(batch.n_groups);
        self.sums.resize(n_sums, GroupSums::default());
    }

    fn n_values(&self, n_groups: usize) -> usize {
        n_groups * self.plan.pen.n_channels * self.plan.sides.n * self.plan.sides.n
    }

    /// The probe's gradient from that of every part, in their order.
    fn sum_probe(&mut self, n_parts: usize, d_probe: &mut [Complex32]) {
        let (first, others) = self.d_probe.split_at_mut(self.probe.modes.len());
        for other in others
            .chunks_exact(first.len())
            .take(n_parts.saturating_sub(1))
        {
            for (sum, value) in first.iter_mut().zip(other) {
                *sum += value;
            }
        }
        self.probe.gradient(first, d_probe);
    }

    /// Means over the batch, summed in the order of the groups.
    fn total(&self, n_groups: usize) -> Losses {
        let (mut nll, mut mae, mut tv, mut n_pixels) = (0.0, 0.0, 0.0, 0);
        for sums in &self.sums[..n_groups] {
            nll += sums.likelihood.nll;
            mae += sums.likelihood.mae;
            tv += sums.variation;
            n_pixels += sums.likelihood.n_pixels;
        }
        let n_pixels = n_pixels.max(1) as f64;
        let (nll, mae) = (nll / n_pixels, mae / n_pixels);
        let tv = tv / self.plan.n_central(n_groups);
        let Objective {
            nll: a,
            mae: b,
            tv: c,
            ..
        } = self.objective;
        Losses {
            objective: a * nll + b * mae + c * tv,
            nll,
            mae,
            tv,
        }
    }
}

impl Plan {
    /// Pixels of the central part of all merged objects, over which total variation is a mean.
    fn n_central(&self, n_groups: usize) -> f64 {
        (n_groups.max(1) * self.sides.n * self.sides.n) as f64
    }
}

/// All parts, each by the first thread that is free.
fn run_all(rooms: &mut [Room], parts: Vec<Part<'_>>, job: &Job<'_>) {
    let queue = Mutex::new(parts.into_iter());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    rooms.par_iter_mut().with_max_len(1).for_each(|room| {
        while let Some(part) = next() {
            job.run(room, part);
        }
    });
}

/// How many amplitudes are measured.
fn n_in_use(amplitude: &[f32]) -> usize {
    let counts = amplitude.par_chunks(1 << 14).map(|values| {
        Arch::new().dispatch(Sweep(
            #[inline(always)]
            || {
                let in_use = values.iter().map(|value| u32::from(!value.is_nan()));
                in_use.sum::<u32>() as usize
            },
        ))
    });
    counts.sum()
}

/// The likelihood whose sums over `n_pixels` pixels are means, weighted as the objective has them.
fn likelihood(objective: Objective, n_pixels: usize) -> Likelihood {
    let each = 1.0 / n_pixels.max(1) as f64;
    Likelihood {
        rate_epsilon: RATE_EPSILON,
        amplitude_epsilon: objective.amplitude_epsilon as f32,
        nll_weight: (objective.nll * each) as f32,
        mae_weight: (objective.mae * each) as f32,
    }
}
