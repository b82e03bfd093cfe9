//! Merge, views, diffraction and losses on a device.

use candle_core::{Result, Tensor};
use num_complex::{Complex, Complex32};

use crate::nn::architecture::{Architecture, Head};
use crate::nn::device::Place;
use crate::nn::device::batch::{Measured, Truth};
use crate::nn::device::heads::{self, drawn};
use crate::nn::device::layers::Heads;
use crate::nn::parameters::rms_probe;
use crate::nn::physics as fused;
use crate::nn::stepper::{Losses, Objective, Prediction, StepperSettings};
use crate::tensor::portable::{self, Dft, Placement, upload};

/// What the merge adds to the number of patches over a pixel: the fused physics' in double precision.
const MERGE_EPSILON: f64 = 1e-3;
/// ε of NLL, in counts.
const RATE_EPSILON: f64 = 1e-6;
const _: () = assert!(
    (MERGE_EPSILON as f32).to_bits() == fused::MERGE_EPSILON.to_bits()
        && (RATE_EPSILON as f32).to_bits() == fused::RATE_EPSILON.to_bits()
);

/// Constants of the physics.
pub(super) struct Physics {
    architecture: Architecture,
    objective: Objective,
    canvas_px: usize,
    /// `(k, n, n)`, √photons.
    probe: portable::Complex,
    probe_rms: f64,
    /// Fields on the canvas.
    merge: Placement,
    /// The canvas on patches.
    view: Placement,
    dft: Dft,
    /// What a pixel weighs in the merge, `(side, side)`; `None` where all weigh alike.
    weights: Option<Tensor>,
    /// 1 on the ring around the central half, `(n, n)`; with a border head.
    ring: Option<Tensor>,
}

/// What a network makes of a batch.
pub(super) struct Drawn {
    /// What is differentiated; its value may be less exact than that in the losses.
    pub(super) root: Tensor,
    pub(super) losses: Losses,
    /// `(m, side, side)`.
    fields: portable::Complex,
    /// Around each group's centre, `(b, n, n)`.
    objects: portable::Complex,
    /// Expected counts, `(m, n, n)`; `None` for the baseline.
    rate: Option<Tensor>,
}

impl Physics {
    pub(super) fn new(
        architecture: &Architecture,
        settings: &StepperSettings,
        probe: &[Complex<f64>],
        place: &Place<'_>,
    ) -> Result<Self> {
        let n = architecture.n;
        let side = field_side(architecture);
        let canvas = settings.canvas_px.max(n);
        let corner = |inner: usize| ((canvas - inner) / 2) as i64;
        let Place { dtype, device } = *place;
        let n_modes = probe.len() / (n * n);
        let part = |of: fn(&Complex<f64>) -> f64| {
            let values: Vec<f64> = probe.iter().take(n_modes * n * n).map(of).collect();
            upload(&values, (n_modes, n, n), dtype, device)
        };
        let outside = |i: usize| !(n / 4..3 * n / 4).contains(&i);
        let ring: Vec<f64> = (0..n * n)
            .map(|i| f64::from(u8::from(outside(i / n) || outside(i % n))))
            .collect();
        Ok(Self {
            architecture: architecture.clone(),
            objective: settings.objective,
            canvas_px: canvas,
            probe: portable::Complex {
                re: part(|z| z.re)?,
                im: part(|z| z.im)?,
            },
            probe_rms: f64::from(rms_probe(&settings.probe)),
            merge: Placement::new(side, canvas, corner(side), dtype, device)?,
            view: Placement::new(canvas, n, -corner(n), dtype, device)?,
            dft: Dft::new(n, dtype, device)?,
            weights: fused::merge_weights(architecture, &settings.probe)
                .map(|weights| {
                    let values: Vec<f64> = weights.iter().map(|w| f64::from(*w)).collect();
                    upload(&values, (side, side), dtype, device)
                })
                .transpose()?,
            ring: if architecture.border_head {
                Some(upload(&ring, (n, n), dtype, device)?)
            } else {
                None
            },
        })
    }

    /// Values held for one group at most: fields, canvases, views and far fields with what the graph makes of them.
    pub(super) fn n_values(&self) -> usize {
        let n_modes = self.probe.re.dims().first().copied().unwrap_or(1);
        let plane = self.canvas_px * self.canvas_px;
        self.architecture.n_channels * plane * (24 + 16 * n_modes)
    }

    /// Losses of a physics-informed network. `probe` is the trained one, `(k, n, n, 2)` in units of the file's rms probe.
    pub(super) fn pinn(
        &self,
        heads: &Heads,
        measured: &Measured,
        probe: Option<&Tensor>,
    ) -> Result<Drawn> {
        let fields = heads::fields(&self.architecture, heads, self.ring.as_ref())?;
        let fields = portable::Complex::polar(&fields.amplitude, &fields.phase)?;
        let merged = self.merge(&fields, &measured.relative_px)?;
        let back: Vec<[f64; 2]> = measured.relative_px.iter().map(|d| d.map(|d| -d)).collect();
        let view = self.view.at(&back)?;
        let views = merged.map(|plane| view.apply_shared(plane))?;
        let rate = self.rate(&views, probe)?;
        let (n, margin) = (
            self.architecture.n,
            (self.canvas_px - self.architecture.n) / 2,
        );
        let objects = merged.map(|plane| plane.narrow(1, margin, n)?.narrow(2, margin, n))?;
        let (root, losses) = self.likelihood(&rate, &objects, measured)?;
        Ok(Drawn {
            root,
            losses,
            fields,
            objects,
            rate: Some(rate),
        })
    }

    /// `Σ_c T_rel_c[w O_c] / (Σ_c T_rel_c[w] + 1e-3)`, `(b, canvas, canvas)`.
    fn merge(
        &self,
        fields: &portable::Complex,
        relative_px: &[[f64; 2]],
    ) -> Result<portable::Complex> {
        let (n_channels, canvas) = (self.architecture.n_channels, self.canvas_px);
        let n_groups = relative_px.len() / n_channels;
        let shifts = self.merge.at(relative_px)?;
        let of_group = |planes: &Tensor| {
            planes
                .reshape((n_groups, n_channels, canvas, canvas))?
                .sum(1)
        };
        let Some(weights) = &self.weights else {
            let weight = (of_group(&shifts.of_ones()?)? + MERGE_EPSILON)?;
            return fields.map(|plane| of_group(&shifts.apply(plane)?)? / &weight);
        };
        let planes = weights.broadcast_as(fields.re.shape())?.contiguous()?;
        let weight = (of_group(&shifts.apply(&planes)?)? + MERGE_EPSILON)?;
        fields.map(|plane| of_group(&shifts.apply(&plane.mul(&planes)?)?)? / &weight)
    }

    /// `Σ_k |F{P_k · view}|²`, `(m, n, n)`.
    fn rate(&self, views: &portable::Complex, trained: Option<&Tensor>) -> Result<Tensor> {
        let probe = match trained {
            Some(pairs) => {
                let pairs = (pairs * self.probe_rms)?;
                portable::Complex {
                    re: pairs.narrow(3, 0, 1)?.squeeze(3)?,
                    im: pairs.narrow(3, 1, 1)?.squeeze(3)?,
                }
            }
            None => self.probe.clone(),
        };
        let mut rate: Option<Tensor> = None;
        for mode in 0..probe.re.dim(0)? {
            let mode = probe.map(|part| part.get(mode))?;
            let power = self
                .dft
                .forward(&views.broadcast_mul(&mode)?)?
                .intensity()?;
            rate = Some(match rate {
                Some(rate) => (rate + power)?,
                None => power,
            });
        }
        rate.ok_or_else(|| candle_core::Error::Msg("the probe has no mode".to_owned()))
    }

    fn likelihood(
        &self,
        rate: &Tensor,
        objects: &portable::Complex,
        measured: &Measured,
    ) -> Result<(Tensor, Losses)> {
        let objective = &self.objective;
        let in_use = |terms: Tensor| match &measured.used {
            Some(used) => terms * used,
            None => Ok(terms),
        };
        let counts = measured.amplitude.sqr()?;
        let nll = in_use(portable::negative_log_likelihood(
            rate,
            &counts,
            RATE_EPSILON,
        )?)?;
        let mae = in_use(portable::amplitude_error(
            rate,
            &measured.amplitude,
            objective.amplitude_epsilon,
        )?)?;
        let n_used = measured.n_used.max(1) as f64;
        let tv = (portable::roughness(objects)? / objects.re.elem_count() as f64)?;
        let mut root = Root::default();
        root.add(&nll, objective.nll / n_used)?;
        root.add(&mae, objective.mae / n_used)?;
        root.add(&tv, objective.tv)?;
        let (nll, mae) = (exact_sum(&nll)? / n_used, exact_sum(&mae)? / n_used);
        let tv = exact_sum(&tv)?;
        let losses = Losses {
            objective: objective.nll * nll + objective.mae * mae + objective.tv * tv,
            nll,
            mae,
            tv,
        };
        Ok((root.of(rate)?, losses))
    }

    /// What the supervised network draws, with its losses where the truth is known: mean absolute errors of amplitude and
    /// phase, the latter by the shorter way round.
    pub(super) fn baseline(&self, heads: &Heads, truth: Option<&Truth>) -> Result<Drawn> {
        let (amplitude, phase) = (drawn(heads, Head::Amplitude)?, drawn(heads, Head::Phase)?);
        let fields = portable::Complex::polar(&amplitude, &phase)?;
        let errors = match truth {
            Some(truth) => vec![
                (&amplitude - &truth.amplitude)?.abs()?,
                shorter_way_round(&(&phase - &truth.phase)?)?.abs()?,
            ],
            None => Vec::new(),
        };
        let n_values = amplitude.elem_count() as f64;
        let mut root = Root::default();
        let mut mae = 0.0;
        for error in &errors {
            root.add(error, self.objective.mae / n_values)?;
            mae += exact_sum(error)? / n_values;
        }
        let losses = Losses {
            objective: self.objective.mae * mae,
            mae,
            ..Losses::default()
        };
        Ok(Drawn {
            root: root.of(&amplitude)?,
            losses,
            objects: fields.clone(),
            fields,
            rate: None,
        })
    }

    /// Bring home what a network makes of a batch.
    pub(super) fn download(&self, drawn: &Drawn, prediction: &mut Prediction) -> Result<()> {
        let n = self.architecture.n;
        prediction.objects = complex_values(&drawn.objects)?;
        let side = drawn.fields.re.dim(1)?;
        let margin = (n - side) / 2;
        let patch = |part: &Tensor| {
            part.pad_with_zeros(1, margin, margin)?
                .pad_with_zeros(2, margin, margin)
        };
        prediction.patches = complex_values(&drawn.fields.map(patch)?)?;
        prediction.amplitude = match &drawn.rate {
            Some(rate) => values(&rate.sqrt()?)?,
            None => Vec::new(),
        };
        Ok(())
    }
}

/// A phase without its whole turns.
fn shorter_way_round(phase_rad: &Tensor) -> Result<Tensor> {
    let turns = (phase_rad.detach() / std::f64::consts::TAU)?.round()?;
    phase_rad - (turns * std::f64::consts::TAU)?
}

/// Side of what a channel draws.
fn field_side(architecture: &Architecture) -> usize {
    if architecture.pad_object && !architecture.border_head {
        architecture.n / 2
    } else {
        architecture.n
    }
}

/// A weighted sum to differentiate.
#[derive(Default)]
struct Root(Option<Tensor>);

impl Root {
    fn add(&mut self, terms: &Tensor, weight: f64) -> Result<()> {
        if weight == 0.0 {
            return Ok(());
        }
        let term = (terms.sum_all()? * weight)?;
        self.0 = Some(match self.0.take() {
            Some(sum) => (sum + term)?,
            None => term,
        });
        Ok(())
    }

    /// The sum; without any weight, zero times `anything`.
    fn of(self, anything: &Tensor) -> Result<Tensor> {
        self.0.map_or_else(|| anything.sum_all()? * 0.0, Ok)
    }
}

/// Sum of all values: rows on the device, their sums in `f64` here, so that single precision loses little.
fn exact_sum(terms: &Tensor) -> Result<f64> {
    let rows = if terms.rank() < 2 {
        terms.flatten_all()?
    } else {
        terms.sum(candle_core::D::Minus1)?.flatten_all()?
    };
    let rows = rows.detach().to_device(&candle_core::Device::Cpu)?;
    Ok(rows
        .to_dtype(candle_core::DType::F64)?
        .to_vec1::<f64>()?
        .iter()
        .sum())
}

fn values(tensor: &Tensor) -> Result<Vec<f32>> {
    tensor
        .detach()
        .to_dtype(candle_core::DType::F32)?
        .flatten_all()?
        .to_vec1()
}

fn complex_values(pair: &portable::Complex) -> Result<Vec<Complex32>> {
    let (re, im) = (values(&pair.re)?, values(&pair.im)?);
    Ok(re
        .into_iter()
        .zip(im)
        .map(|(re, im)| Complex32::new(re, im))
        .collect())
}
