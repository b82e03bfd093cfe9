//! A batch on its way to the device.

use candle_core::{Result, Tensor, WithDType};
use num_complex::Complex;

use crate::error::Error;
use crate::nn::architecture::Architecture;
use crate::nn::device::{ATTEMPTED, Place};
use crate::nn::settings::Model;
use crate::nn::stepper::Batch;
use crate::tensor::portable;

/// A batch in the order of the device's tensors, in single or double precision.
#[derive(Clone, Debug)]
pub struct HostBatch<T> {
    /// Groups.
    pub n_groups: usize,
    /// Normalised amplitudes, `(c, b, n, n)`.
    pub input: Vec<T>,
    /// Measured amplitudes in √counts, `(b, c, n, n)`; NaN where the detector is masked.
    pub amplitude: Vec<T>,
    /// `member - centre`, (row, column), `(b, c)`.
    pub relative_px: Vec<[f64; 2]>,
    /// True patches `(b, c, n, n)` for the losses of the baseline, else empty.
    pub truth: Vec<Complex<T>>,
}

impl<T: WithDType> HostBatch<T> {
    /// The groups of a batch that count.
    pub fn from_batch(architecture: &Architecture, batch: &Batch) -> Self
    where
        T: From<f32>,
    {
        let n_groups = batch.n_groups;
        let n_pixels = architecture.n * architecture.n;
        let (n_channels, stride) = (architecture.n_channels, batch.input.stride());
        let values = batch.input.values();
        let mut input = Vec::with_capacity(n_channels * n_groups * n_pixels);
        for channel in 0..n_channels {
            let places = values.iter().skip(channel).step_by(stride.max(1));
            input.extend(
                places
                    .take(n_groups * n_pixels)
                    .map(|&value| T::from(value)),
            );
        }
        let n_values = n_groups * n_channels * n_pixels;
        let wide = |z: &Complex<f32>| Complex::new(T::from(z.re), T::from(z.im));
        Self {
            n_groups,
            input,
            amplitude: batch
                .amplitude
                .iter()
                .take(n_values)
                .map(|&a| T::from(a))
                .collect(),
            relative_px: batch
                .relative_px
                .iter()
                .take(n_groups * n_channels)
                .copied()
                .collect(),
            truth: batch.truth.iter().take(n_values).map(wide).collect(),
        }
    }

    /// Whether there is a value for everything that a step reads: for losses also what the baseline is to learn.
    pub(super) fn check(&self, architecture: &Architecture, has_losses: bool) -> crate::Result<()> {
        let n_planes = self.n_groups * architecture.n_channels;
        let n_values = n_planes * architecture.n * architecture.n;
        let lengths = match architecture.model {
            Model::Pinn => vec![
                ("input", n_values, self.input.len()),
                ("amplitude", n_values, self.amplitude.len()),
                ("relative_px", n_planes, self.relative_px.len()),
            ],
            Model::Baseline if has_losses => vec![
                ("input", n_values, self.input.len()),
                ("truth", n_values, self.truth.len()),
            ],
            Model::Baseline => vec![("input", n_values, self.input.len())],
        };
        match lengths
            .iter()
            .find(|(_, expected, found)| found != expected)
        {
            Some((key, expected, found)) => Err(Error::invalid(
                ATTEMPTED,
                *key,
                format!("{expected} values"),
                found.to_string(),
            )),
            None => Ok(()),
        }
    }
}

/// A batch on the device; `m = b c` patterns.
pub(super) struct DeviceBatch {
    /// `(c, b, n, n)`.
    pub(super) input: Tensor,
    pub(super) target: Target,
}

/// What a network is measured by.
pub(super) enum Target {
    Measured(Measured),
    Truth(Truth),
    /// The baseline's patches are not known: it can only draw.
    Unknown,
}

/// What the detector saw.
pub(super) struct Measured {
    /// √counts, `(m, n, n)`; 0 where the detector is masked.
    pub(super) amplitude: Tensor,
    /// 1 where the detector is in use, `(m, n, n)`; `None` where it is everywhere.
    pub(super) used: Option<Tensor>,
    /// Pixels in use, of all patterns.
    pub(super) n_used: usize,
    /// `(b, c)`.
    pub(super) relative_px: Vec<[f64; 2]>,
}

/// What the baseline learns, `(m, n, n)`.
pub(super) struct Truth {
    pub(super) amplitude: Tensor,
    pub(super) phase: Tensor,
}

impl DeviceBatch {
    pub(super) fn new<T: WithDType>(
        architecture: &Architecture,
        batch: &HostBatch<T>,
        place: &Place<'_>,
    ) -> Result<Self> {
        let (n, n_channels, n_groups) = (architecture.n, architecture.n_channels, batch.n_groups);
        let planes = (n_groups * n_channels, n, n);
        Ok(Self {
            input: Tensor::from_slice(&batch.input, (n_channels, n_groups, n, n), place.device)?
                .to_dtype(place.dtype)?,
            target: match architecture.model {
                Model::Pinn => Target::Measured(Measured::new(batch, planes, place)?),
                Model::Baseline if batch.truth.is_empty() => Target::Unknown,
                Model::Baseline => Target::Truth(Truth::new(batch, planes, place)?),
            },
        })
    }
}

impl Measured {
    fn new<T: WithDType>(
        batch: &HostBatch<T>,
        planes: (usize, usize, usize),
        place: &Place<'_>,
    ) -> Result<Self> {
        let masked = |value: &T| value.to_f64().is_nan();
        let n_masked = batch.amplitude.iter().filter(|value| masked(value)).count();
        let amplitude = batch.amplitude.iter();
        let amplitude: Vec<T> = amplitude
            .map(|value| if masked(value) { T::zero() } else { *value })
            .collect();
        let used = |value: &T| f64::from(u8::from(!masked(value)));
        let used: Option<Vec<f64>> =
            (0 < n_masked).then(|| batch.amplitude.iter().map(used).collect());
        Ok(Self {
            amplitude: Tensor::from_vec(amplitude, planes, place.device)?.to_dtype(place.dtype)?,
            used: used
                .map(|used| portable::upload(&used, planes, place.dtype, place.device))
                .transpose()?,
            n_used: batch.amplitude.len() - n_masked,
            relative_px: batch.relative_px.clone(),
        })
    }
}

impl Truth {
    fn new<T: WithDType>(
        batch: &HostBatch<T>,
        planes: (usize, usize, usize),
        place: &Place<'_>,
    ) -> Result<Self> {
        let part = |of: fn(Complex<f64>) -> f64| {
            let values = batch.truth.iter();
            let values: Vec<f64> = values
                .map(|z| of(Complex::new(z.re.to_f64(), z.im.to_f64())))
                .collect();
            portable::upload(&values, planes, place.dtype, place.device)
        };
        Ok(Self {
            amplitude: part(Complex::norm)?,
            phase: part(Complex::arg)?,
        })
    }
}
