//! Exit waves of the difference map and of RAAR, and what is summed from them.

use candle_core::{Device, Tensor};

use super::forward::{Model, joined};
use super::host::{Field, Place, array3, pattern_sums};
use super::memory::is_short_of_memory;
use super::{OnDevice, Tensors, no_batch};
use crate::fft::tile::Tiling;
use crate::iterative::Compatibility;
use crate::iterative::kernels::{Batch, Canvas, PatternSums, Rule};
use crate::iterative::scan::tiled;
use crate::iterative::state::State;
use crate::simd::{Aligned, Real};

/// Exit waves of some patterns, `(k, b, n, n)`.
struct Held {
    patterns: Vec<usize>,
    waves: Field,
}

/// What the engines that project all exit waves keep.
#[derive(Default)]
pub(super) struct Projections {
    held: Vec<Held>,
    /// Whether exit waves are kept in the host's memory.
    is_on_host: bool,
    /// The epoch whose start the waves stand for.
    epoch: Option<usize>,
    /// Numerators of the object, of [`Canvas::Object`] and [`Canvas::Other`], then objects.
    canvases: [Option<Field>; 2],
    /// Denominator of the object.
    weight: Option<Tensor>,
    /// Numerator of the probe, `(k, n, n)`, and denominator, `(1, n, n)`, in the Fourier plane.
    probe: Option<[Field; 2]>,
}

impl Projections {
    /// Waves of another moment than the state's are forgotten.
    pub(super) fn take_over<T: Real>(&mut self, state: &State<T>) {
        if self.epoch != Some(state.epoch) {
            self.held.clear();
        }
        self.clear_object();
        self.probe = None;
    }

    /// The waves stand for the start of the next epoch.
    pub(super) fn end_epoch<T: Real>(&mut self, state: &State<T>) {
        self.epoch = (!self.held.is_empty()).then_some(state.epoch + 1);
    }

    pub(super) fn clear_object(&mut self) {
        self.canvases = [None, None];
        self.weight = None;
    }

    /// All waves as the state holds them; `None` if there are none, or not those of the start of an epoch.
    pub(super) fn waves<T: Real>(&self, tiling: Tiling) -> OnDevice<Option<Aligned<T>>> {
        let (Some(first), Some(_)) = (self.held.first(), self.epoch) else {
            return Ok(None);
        };
        let n_modes = first.waves.re.dim(0)?;
        let n_patterns: usize = self.held.iter().map(|held| held.patterns.len()).sum();
        let pattern_len = n_modes * tiling.field_len();
        let mut all = Aligned::zeros(n_patterns * pattern_len);
        for held in &self.held {
            for (at, &i) in held.patterns.iter().enumerate() {
                let modes = held.waves.map(|part| part.narrow(1, at, 1)?.squeeze(1))?;
                let fields = tiled(tiling, &array3(&modes)?);
                all[i * pattern_len..(i + 1) * pattern_len].copy_from_slice(&fields);
            }
        }
        Ok(Some(all))
    }

    fn keep(&mut self, patterns: &[usize], waves: Field) -> OnDevice<()> {
        let waves = if self.is_on_host {
            on(&waves, &Device::Cpu)?
        } else {
            waves
        };
        self.held.push(Held {
            patterns: patterns.to_vec(),
            waves,
        });
        Ok(())
    }

    /// Whether there are waves of this pattern.
    fn holds(&self, pattern: usize) -> bool {
        self.held
            .iter()
            .any(|held| held.patterns.contains(&pattern))
    }

    /// Move all waves to the host's memory, and those to come.
    fn move_to_host(&mut self) -> OnDevice<()> {
        self.is_on_host = true;
        for held in &mut self.held {
            held.waves = on(&held.waves, &Device::Cpu)?;
        }
        Ok(())
    }

    /// Take the waves of a batch out; [`Projections::keep`] puts the new ones in.
    fn take(&mut self, patterns: &[usize], device: &Device) -> OnDevice<Field> {
        if let Some(at) = self.held.iter().position(|held| held.patterns == patterns) {
            return on(&self.held.swap_remove(at).waves, device);
        }
        // Batches of another make-up than those before: pattern by pattern.
        let mut singles = Vec::new();
        for held in self.held.drain(..) {
            for (at, &i) in held.patterns.iter().enumerate() {
                singles.push(Held {
                    patterns: vec![i],
                    waves: held.waves.map(|part| part.narrow(1, at, 1)?.contiguous())?,
                });
            }
        }
        let mut taken = Vec::with_capacity(patterns.len());
        for &i in patterns {
            let at = singles.iter().position(|held| held.patterns == [i]);
            let single = singles.swap_remove(at.ok_or_else(no_batch)?);
            taken.push(on(&single.waves, device)?);
        }
        self.held = singles;
        joined(&taken, 1)
    }
}

fn on(field: &Field, device: &Device) -> OnDevice<Field> {
    field.map(|part| part.to_device(device))
}

/// Bytes of the exit waves of a scan.
pub(super) fn waves_bytes(place: &Place, n_patterns: usize, n_modes: usize, n: usize) -> u64 {
    2 * (n_patterns * n_modes * n * n) as u64 * place.bytes_per_value()
}

impl Tensors {
    /// Exit waves `O P̃` of a batch that has none.
    pub(super) fn start_waves<T: Real>(
        &mut self,
        batch: &Batch<T>,
        state: &State<T>,
    ) -> OnDevice<()> {
        if self.projections.holds(batch.patterns[0]) {
            return Ok(());
        }
        if let Some(spare) = self.memory.spare_bytes() {
            let m = batch.scan.n_patterns();
            self.projections.is_on_host = spare < waves_bytes(&self.place, m, self.n_modes, self.n);
        }
        match self.first_waves(batch, state) {
            Err(error) if is_short_of_memory(&error) && !self.projections.is_on_host => {
                self.projections.move_to_host()?;
                let waves = self.first_waves(batch, state)?;
                self.projections.keep(batch.patterns, waves)
            }
            waves => self.projections.keep(batch.patterns, waves?),
        }
    }

    /// The state's exit waves, of a checkpoint; or `O P̃`.
    fn first_waves<T: Real>(&self, batch: &Batch<T>, state: &State<T>) -> OnDevice<Field> {
        if state.waves.is_empty() {
            let model = self.model(batch, state)?;
            return model.probes.broadcast_mul(&model.object);
        }
        let len = self.n_modes * self.tiling.field_len();
        let patterns = batch
            .patterns
            .iter()
            .map(|&i| {
                let modes = &state.waves[i * len..(i + 1) * len];
                self.place
                    .tiled(self.tiling, modes)?
                    .map(|part| part.unsqueeze(1))
            })
            .collect::<OnDevice<Vec<_>>>()?;
        joined(&patterns, 1)
    }

    /// `F⁻¹{mod F ψ}`
    fn onto_amplitudes<T: Real>(&self, batch: &Batch<T>, waves: &Field) -> OnDevice<Field> {
        let (far, prediction) = self.predict(batch, waves)?;
        let no_steps = self.place.zeros((batch.patterns.len(), 1, 1))?;
        let factor = (prediction.factor(Rule::Modulus, &no_steps)? + 1.0)?;
        self.inverse(&far.broadcast_scale(&factor)?)
    }

    /// Sums of the prediction `|F{O P̃}|²` beside those of the change of the waves.
    fn sums_beside<T: Real>(
        &self,
        batch: &Batch<T>,
        model: &Field,
        change: &Field,
    ) -> OnDevice<Vec<(PatternSums, f64)>> {
        let (_, prediction) = self.predict(batch, model)?;
        let changes = pattern_sums([change.intensity()?])?;
        let sums = prediction.sums()?.into_iter().zip(changes);
        Ok(sums.map(|(sums, [change])| (sums, change)).collect())
    }

    /// See [`Kernels::difference_map`](super::Kernels::difference_map).
    pub(super) fn map_difference<T: Real>(
        &mut self,
        batch: &Batch<T>,
        state: &State<T>,
        relaxation: f64,
    ) -> OnDevice<Vec<(PatternSums, f64)>> {
        let model = self.model(batch, state)?;
        let exit = model.probes.broadcast_mul(&model.object)?;
        self.projections.epoch = None;
        let waves = self.projections.take(batch.patterns, &self.place.device)?;
        let reflected = exit.times(2.0)?.plus(-1.0, &waves)?;
        let change = self
            .onto_amplitudes(batch, &reflected)?
            .plus(-1.0, &exit)?
            .times(relaxation)?;
        let waves = waves.plus(1.0, &change)?;
        let sums = self.sums_beside(batch, &exit, &change)?;
        self.add_to_probe(&model, &waves)?;
        self.projections.keep(batch.patterns, waves)?;
        Ok(sums)
    }

    /// Onto the probe's sums, in the Fourier plane: `Σ_i shift⁻¹(conj(O) ψ)` and `Σ_i shift⁻¹(|O|²)`.
    fn add_to_probe(&mut self, model: &Model, waves: &Field) -> OnDevice<()> {
        let numerator = self.sum_shifted_back(model, &waves.broadcast_mul_conj(&model.object)?)?;
        let power = model.object.intensity()?.unsqueeze(0)?;
        let power = Field {
            im: power.zeros_like()?,
            re: power,
        };
        let denominator = self.sum_shifted_back(model, &power)?;
        self.projections.probe = Some(match self.projections.probe.take() {
            Some([a, b]) => [a.plus(1.0, &numerator)?, b.plus(1.0, &denominator)?],
            None => [numerator, denominator],
        });
        Ok(())
    }

    /// See [`Kernels::sum_probe`](super::Kernels::sum_probe).
    pub(super) fn add_probes<T: Real>(
        &mut self,
        batch: &Batch<T>,
        state: &State<T>,
    ) -> OnDevice<()> {
        let model = self.model(batch, state)?;
        let waves = self.projections.take(batch.patterns, &self.place.device)?;
        self.add_to_probe(&model, &waves)?;
        self.projections.keep(batch.patterns, waves)
    }

    /// See [`Kernels::sum_object`](super::Kernels::sum_object).
    pub(super) fn add_objects<T: Real>(
        &mut self,
        batch: &Batch<T>,
        state: &State<T>,
        both: bool,
    ) -> OnDevice<()> {
        let model = self.model(batch, state)?;
        let waves = self.projections.take(batch.patterns, &self.place.device)?;
        self.add_to_canvas(0, &model, &waves)?;
        if both {
            let projected = self.onto_amplitudes(batch, &waves)?;
            self.add_to_canvas(1, &model, &projected)?;
        }
        let weight = match self.projections.weight.take() {
            Some(weight) => weight,
            None => self.place.zeros(self.object.re.elem_count())?,
        };
        self.projections.weight = Some(model.placing.add(&weight, &model.probe_power()?)?);
        self.projections.keep(batch.patterns, waves)
    }

    fn add_to_canvas(&mut self, which: usize, model: &Model, waves: &Field) -> OnDevice<()> {
        let sum = match self.projections.canvases[which].take() {
            Some(sum) => sum,
            None => self.place.no_field(self.object.re.elem_count())?,
        };
        let deposit = waves
            .broadcast_mul_conj(&model.probes)?
            .map(|part| part.sum(0))?;
        self.projections.canvases[which] = Some(model.placing.add_field(&sum, &deposit)?);
        Ok(())
    }

    /// See [`Kernels::reflect`](super::Kernels::reflect).
    pub(super) fn reflect_waves<T: Real>(
        &mut self,
        batch: &Batch<T>,
        state: &State<T>,
        beta: f64,
    ) -> OnDevice<Vec<(PatternSums, f64)>> {
        let model = self.model(batch, state)?;
        self.projections.epoch = None;
        let waves = self.projections.take(batch.patterns, &self.place.device)?;
        let projected = self.onto_amplitudes(batch, &waves)?;
        let exit_of = |canvas: &Option<Field>| {
            let canvas = canvas.as_ref().ok_or_else(no_batch)?;
            model.probes.broadcast_mul(&model.placing.patches(canvas)?)
        };
        let [object, other] = &self.projections.canvases;
        let sign = match batch.settings.compat {
            Compatibility::Ptychi => 1.0,
            Compatibility::None => -1.0,
        };
        let next = exit_of(other)?
            .times(2.0 * beta)?
            .plus(1.0 - 2.0 * beta, &projected)?
            .plus(sign * beta, &exit_of(object)?)?
            .plus(-sign * beta, &waves)?;
        let exit = model.probes.broadcast_mul(&model.object)?;
        let sums = self.sums_beside(batch, &exit, &next.plus(-1.0, &waves)?)?;
        self.projections.keep(batch.patterns, next)?;
        Ok(sums)
    }

    /// See [`Kernels::divide_object`](super::Kernels::divide_object).
    pub(super) fn divide_canvas(
        &mut self,
        canvas: Canvas,
        floor: f64,
        replaces: bool,
    ) -> OnDevice<()> {
        let which = match canvas {
            Canvas::Object => 0,
            Canvas::Other => 1,
        };
        let numerator = self.projections.canvases[which].take();
        let (Some(numerator), Some(weight)) = (numerator, &self.projections.weight) else {
            return Err(no_batch());
        };
        let divided = self.divided(&numerator, weight, floor, &self.object)?;
        self.projections.canvases[which] = Some(divided.clone());
        if replaces {
            self.object = divided;
        }
        Ok(())
    }

    /// See [`Kernels::divide_probe`](super::Kernels::divide_probe).
    pub(super) fn divide_probe_sums(&mut self, floor: f64) -> OnDevice<()> {
        let [numerator, weight] = self.projections.probe.take().ok_or_else(no_batch)?;
        let (numerator, weight) = (self.inverse(&numerator)?, self.inverse(&weight)?.re);
        self.probe = self.divided(&numerator, &weight, floor, &self.probe)?;
        Ok(())
    }

    /// `numerator / √(w² + (floor max w)²)`; with a floor of 0 `numerator / w` where `w` is above the type's least
    /// positive number, `otherwise` elsewhere.
    fn divided(
        &self,
        numerator: &Field,
        weight: &Tensor,
        floor: f64,
        otherwise: &Field,
    ) -> OnDevice<Field> {
        if floor > 0.0 {
            let least = (weight.max_all()? * floor)?.sqr()?;
            let divisor = weight.sqr()?.broadcast_add(&least)?.sqrt()?;
            return numerator.broadcast_scale(&divisor.recip()?);
        }
        let tiny = if self.place.bytes_per_value() == 4 {
            f64::from(f32::MIN_POSITIVE)
        } else {
            f64::MIN_POSITIVE
        };
        let is_lit = weight.gt(tiny)?;
        let divisor = is_lit.where_cond(weight, &weight.ones_like()?)?;
        let part = |numerator: &Tensor, otherwise: &Tensor| {
            let quotient = numerator.broadcast_div(&divisor)?;
            is_lit
                .broadcast_as(quotient.shape())?
                .where_cond(&quotient, otherwise)
        };
        Ok(Field {
            re: part(&numerator.re, &otherwise.re)?,
            im: part(&numerator.im, &otherwise.im)?,
        })
    }
}
