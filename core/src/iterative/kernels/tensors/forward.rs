//! The forward model of a batch, and its first pass.

use candle_core::{D, Tensor};

use super::host::Field;
use super::placing::Placing;
use super::rules::Prediction;
use super::{Now, OnDevice, Tensors};
use crate::iterative::kernels::{Batch, FirstPass, PatternSums, ProbeWeight};
use crate::iterative::scan::Scan;
use crate::iterative::state::State;
use crate::simd::Real;
use crate::tensor::portable::ramps;

/// What a batch is predicted from.
pub(super) struct Model {
    pub(super) placing: Placing,
    ramps: Field,
    /// Modes that are shifted: all, or the first.
    n_shifted: usize,
    /// Patches of the object, `(b, n, n)`.
    pub(super) object: Field,
    /// Shifted probes, `(k, b, n, n)`.
    pub(super) probes: Field,
}

impl Model {
    /// Modes from `from` on, `len` of them, of planes `(k, b, n, n)`.
    pub(super) fn modes(of: &Field, from: usize, len: usize) -> OnDevice<Field> {
        of.map(|part| part.narrow(0, from, len))
    }

    /// Mode `k` of planes `(k, b, n, n)`: `(b, n, n)`.
    pub(super) fn mode(of: &Field, k: usize) -> OnDevice<Field> {
        of.map(|part| part.get(k))
    }

    /// `Σ_k |P̃_k|²`, `(b, n, n)`.
    pub(super) fn probe_power(&self) -> OnDevice<Tensor> {
        self.probes.intensity()?.sum(0)
    }
}

impl Tensors {
    /// Done to every plane of `(.., n, n)`.
    fn transform(&self, field: &Field, of: impl Fn(&Field) -> OnDevice<Field>) -> OnDevice<Field> {
        let shape = field.re.shape().clone();
        let planes = field.map(|part| part.reshape(((), self.n, self.n)))?;
        of(&planes)?.map(|part| part.reshape(&shape))
    }

    /// Fourier transform of every plane.
    pub(super) fn forward(&self, field: &Field) -> OnDevice<Field> {
        self.transform(field, |planes| self.dft.forward(planes))
    }

    /// The inverse.
    pub(super) fn inverse(&self, field: &Field) -> OnDevice<Field> {
        self.transform(field, |planes| self.dft.inverse(planes))
    }

    /// Where the batch lies, its patches and shifted probes.
    pub(super) fn model<T: Real>(&self, batch: &Batch<T>, state: &State<T>) -> OnDevice<Model> {
        let places = || batch.patterns.iter().map(|&i| state.places[i]);
        let placing = Placing::new(&self.place, self.adding, self.canvas, self.n, places())?;
        let shifts_px: Vec<[f64; 2]> = places().map(|place| place.shift_px).collect();
        let on = (self.place.dtype, &self.place.device);
        let ramps = ramps(&shifts_px, self.n, batch.scan.origin(), on)?;
        let n_shifted = (0..self.n_modes)
            .take_while(|&k| batch.is_shifted(k))
            .count();
        let spectra = self.forward(&self.probe)?;
        let first = self.first_spectra(batch, state, &spectra)?;
        let mut shifted = vec![first.broadcast_mul(&ramps)?];
        if n_shifted > 1 {
            let others = Model::modes(&spectra, 1, n_shifted - 1)?;
            shifted.push(
                others
                    .map(|part| part.unsqueeze(1))?
                    .broadcast_mul(&ramps)?,
            );
        }
        let shifted = self.inverse(&joined(&shifted, 0)?)?;
        let probes = if n_shifted < self.n_modes {
            let shape = (
                self.n_modes - n_shifted,
                batch.patterns.len(),
                self.n,
                self.n,
            );
            let others = Model::modes(&self.probe, n_shifted, self.n_modes - n_shifted)?;
            let others = others.map(|part| part.unsqueeze(1)?.broadcast_as(shape))?;
            joined(&[shifted, others], 0)?
        } else {
            shifted
        };
        Ok(Model {
            object: placing.patches(&self.object)?,
            placing,
            ramps,
            n_shifted,
            probes,
        })
    }

    /// Transforms of the first mode, `(1, 1, n, n)`, or of every pattern's own, `(1, b, n, n)`.
    fn first_spectra<T: Real>(
        &self,
        batch: &Batch<T>,
        state: &State<T>,
        spectra: &Field,
    ) -> OnDevice<Field> {
        let first = Model::modes(spectra, 0, 1)?;
        let rows = batch.patterns.iter().map(|&i| batch.weights(state, i));
        let Some(rows) = rows.collect::<Option<Vec<&[f64]>>>() else {
            return first.map(|part| part.unsqueeze(0));
        };
        let (b, n, n_opr) = (rows.len(), self.n, state.n_opr());
        let weights = rows.concat();
        let weights = self.place.tensor(&weights, (b, n_opr))?;
        let mut basis = vec![first];
        if n_opr > 1 {
            basis.push(self.forward(&self.place.tiled(self.tiling, &state.opr_modes)?)?);
        }
        joined(&basis, 0)?.map(|part| {
            weights
                .matmul(&part.reshape((n_opr, n * n))?)?
                .reshape((1, b, n, n))
        })
    }

    /// Detector waves of exit waves or of anything else, beside what was measured.
    pub(super) fn predict<T: Real>(
        &self,
        batch: &Batch<T>,
        waves: &Field,
    ) -> OnDevice<(Field, Prediction)> {
        let far = self.forward(waves)?;
        let amplitude = self.amplitudes.batch(batch.scan, batch.patterns)?;
        let used = self.used(batch.scan, &amplitude)?;
        let prediction = Prediction {
            intensity: far.intensity()?.sum(0)?,
            amplitude,
            used,
            sums_used: !batch.scan.sums_all,
        };
        Ok((far, prediction))
    }

    /// 1 where a pixel is neither masked nor saturated; `None` where all count.
    fn used<T: Real>(&self, scan: &Scan<T>, amplitude: &Tensor) -> OnDevice<Option<Tensor>> {
        if !scan.saturation.is_finite() {
            return Ok(self.mask.clone());
        }
        let below = amplitude
            .lt(scan.saturation.wide())?
            .to_dtype(self.place.dtype)?;
        match &self.mask {
            Some(mask) => below.broadcast_mul(mask).map(Some),
            None => Ok(Some(below)),
        }
    }

    /// The first pass over a batch: see [`Kernels::first_pass`](super::Kernels::first_pass).
    pub(super) fn go_through<T: Real>(
        &mut self,
        batch: &Batch<T>,
        state: &State<T>,
        pass: &FirstPass,
    ) -> OnDevice<Vec<PatternSums>> {
        (self.now, self.predicted) = (None, None);
        let model = self.model(batch, state)?;
        let (far, prediction) = self.predict(batch, &model.probes.broadcast_mul(&model.object)?)?;
        let mut sums = prediction.sums()?;
        if let ProbeWeight::Regularised { .. } = pass.probe_weight {
            let peaks = model.probe_power()?.flatten_from(1)?.max(D::Minus1)?;
            for (sums, peak) in sums.iter_mut().zip(super::values::<f64>(&peaks)?) {
                sums.probe_peak = peak;
            }
        }
        if pass.only_sums {
            self.predicted = Some((batch.patterns.to_vec(), prediction));
            return Ok(sums);
        }
        let steps: Vec<f64> = batch
            .patterns
            .iter()
            .map(|&i| state.detector_steps[i])
            .collect();
        let steps = self.place.tensor(&steps, (steps.len(), 1, 1))?;
        let factor = prediction.factor(pass.rule, &steps)?;
        let chi = self.inverse(&far.broadcast_scale(&factor)?)?;
        drop((far, factor, prediction));
        let probe_direction = self.direct_probe(&model, &chi, pass.probe_weight)?;
        self.now = Some(Now {
            model,
            chi,
            probe_direction,
            residuals: None,
        });
        Ok(sums)
    }

    /// `ΔP_k = mean_i shift⁻¹(weight χ_k conj(O))`
    fn direct_probe(&self, model: &Model, chi: &Field, weight: ProbeWeight) -> OnDevice<Field> {
        let mut back = chi.broadcast_mul_conj(&model.object)?;
        if let ProbeWeight::Regularised { alpha } = weight {
            let power = model.object.intensity()?;
            let greatest = power.max_keepdim(1)?.max_keepdim(2)?;
            let divisor = (power * (1.0 - alpha))?.broadcast_add(&(greatest * alpha)?)?;
            back = back.broadcast_scale(&divisor.recip()?)?;
        }
        let n_patterns = back.re.dim(1)? as f64;
        let spectra = self.sum_shifted_back(model, &back)?;
        self.inverse(&spectra)?.times(1.0 / n_patterns)
    }

    /// Transform of `Σ_i shift⁻¹(planes)` of every mode, `(k, n, n)`; the sum is taken there, for one inverse.
    pub(super) fn sum_shifted_back(&self, model: &Model, planes: &Field) -> OnDevice<Field> {
        let n_modes = planes.re.dim(0)?;
        let n_shifted = model.n_shifted.min(n_modes);
        let shifted = self.forward(&Model::modes(planes, 0, n_shifted)?)?;
        let shifted = shifted
            .broadcast_mul_conj(&model.ramps)?
            .map(|part| part.sum(1))?;
        if n_shifted == n_modes {
            return Ok(shifted);
        }
        let others = Model::modes(planes, n_shifted, n_modes - n_shifted)?;
        let others = self.forward(&others.map(|part| part.sum(1))?)?;
        joined(&[shifted, others], 0)
    }

    /// A mode `(1, n, n)` shifted to every pattern: `(b, n, n)`.
    pub(super) fn shift(&self, model: &Model, mode: &Field) -> OnDevice<Field> {
        self.inverse(&self.forward(mode)?.broadcast_mul(&model.ramps)?)
    }

    /// `shift⁻¹` of planes `(b, n, n)`.
    pub(super) fn shift_back(&self, model: &Model, planes: &Field) -> OnDevice<Field> {
        self.inverse(&self.forward(planes)?.broadcast_mul_conj(&model.ramps)?)
    }

    /// Sums of pty-chi's Poisson step.
    pub(super) fn likelihood<T: Real>(
        &mut self,
        batch: &Batch<T>,
        state: &State<T>,
        mean_step: f64,
    ) -> OnDevice<Vec<[f64; 2]>> {
        match &self.predicted {
            Some((patterns, prediction)) if patterns == batch.patterns => {
                prediction.likelihood_sums(mean_step)
            }
            _ => {
                let model = self.model(batch, state)?;
                let waves = model.probes.broadcast_mul(&model.object)?;
                let (_, prediction) = self.predict(batch, &waves)?;
                let sums = prediction.likelihood_sums(mean_step);
                self.predicted = Some((batch.patterns.to_vec(), prediction));
                sums
            }
        }
    }
}

/// Fields one after the other along an axis.
pub(super) fn joined(fields: &[Field], axis: usize) -> OnDevice<Field> {
    let part = |of: fn(&Field) -> &Tensor| {
        let parts: Vec<&Tensor> = fields.iter().map(of).collect();
        Tensor::cat(&parts, axis)
    };
    Ok(Field {
        re: part(|field| &field.re)?,
        im: part(|field| &field.im)?,
    })
}
