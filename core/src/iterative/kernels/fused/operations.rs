//! The operations of [`Kernels`], by the passes and sweeps beside.

use ndarray::{Array2, Array3};
use num_complex::Complex;

use super::projections::division;
use super::stepping::Over;
use super::{Fused, Minibatch, opr, positions, stepping};
use crate::error::{Error, Result};
use crate::iterative::kernels::{
    Batch, Canvas, Divisor, FirstPass, Kernels, ObjectWeight, PatternSums, ProbeWeight, Rule,
};
use crate::iterative::scan::Scan;
use crate::iterative::state::State;
use crate::simd::Real;

impl<T: Real> Fused<T> {
    /// A batch whose exit waves are to be projected, with the transforms of its probe; `None` if the stop flag is up.
    fn projecting<'a>(
        &mut self,
        batch: &'a Batch<'a, T>,
        state: &State<T>,
    ) -> Option<Minibatch<'a, T>> {
        if batch.stop.is_requested() {
            return None;
        }
        let minibatch = Minibatch::projecting(batch);
        minibatch.transform_probe(state, &mut self.work);
        Some(minibatch)
    }
}

impl<T: Real> Kernels<T> for Fused<T> {
    fn device(&self) -> &'static str {
        "cpu"
    }

    fn is_remote(&self) -> bool {
        false
    }

    fn upload(&mut self, _: &Scan<T>, _: &State<T>, inverse_damped: &[T]) -> Result<()> {
        self.work.inverse_damped.copy_from_slice(inverse_damped);
        Ok(())
    }

    fn download(&mut self, _: &Scan<T>, _: &mut State<T>) -> Result<()> {
        Ok(())
    }

    fn first_pass(
        &mut self,
        batch: &Batch<T>,
        state: &State<T>,
        pass: &FirstPass,
    ) -> Result<Option<Vec<PatternSums>>> {
        let minibatch = Minibatch { batch, pass: *pass };
        self.pass = Some(*pass);
        let work = &mut self.work;
        minibatch.transform_probe(state, work);
        minibatch.first_pass(state, work);
        if batch.stop.is_requested() {
            return Ok(None);
        }
        if !pass.only_sums {
            minibatch.sum_probe_direction(work);
        }
        Ok(Some(work.sums[..batch.patterns.len()].to_vec()))
    }

    fn likelihood_sums(
        &mut self,
        batch: &Batch<T>,
        state: &State<T>,
        mean_step: f64,
    ) -> Result<Vec<[f64; 2]>> {
        let pass = FirstPass {
            rule: Rule::PoissonSteps,
            probe_weight: ProbeWeight::Plain,
            only_sums: true,
            n_kept: batch.settings.probe_modes.min(1),
        };
        let minibatch = Minibatch { batch, pass };
        let work = &mut self.work;
        minibatch.transform_probe(state, work);
        Ok(minibatch.likelihood_sums(state, work, mean_step))
    }

    fn object_direction(
        &mut self,
        batch: &Batch<T>,
        state: &State<T>,
        weight: ObjectWeight,
        carries: bool,
    ) -> Result<()> {
        let minibatch = Minibatch {
            batch,
            pass: self.pass()?,
        };
        let work = &mut self.work;
        work.batch_divisor = None;
        if minibatch.pass.probe_weight == ProbeWeight::Plain && weight == ObjectWeight::Plain {
            minibatch.sum_object_direction(state, work, carries);
        } else {
            minibatch.sum_weighted_direction(state, work, weight);
        }
        Ok(())
    }

    fn divide_by_batch(&mut self, batch: &Batch<T>, _: &State<T>, alpha: f64) -> Result<()> {
        let work = &mut self.work;
        stepping::divide_by_batch(batch, work, alpha);
        Ok(())
    }

    fn step_sums(&mut self, batch: &Batch<T>, state: &State<T>) -> Result<Option<Vec<[f64; 6]>>> {
        let minibatch = Minibatch {
            batch,
            pass: self.pass()?,
        };
        let work = &mut self.work;
        minibatch.second_pass(state, work);
        if batch.stop.is_requested() {
            return Ok(None);
        }
        Ok(Some(self.work.steps[..batch.patterns.len()].to_vec()))
    }

    fn position_sums(&mut self, batch: &Batch<T>, state: &State<T>) -> Result<Vec<[f64; 4]>> {
        let kept = self.pass()?.n_kept;
        let work = &mut self.work;
        Ok(positions::position_sums(batch, state, work, kept))
    }

    fn patches(&mut self, batch: &Batch<T>, state: &State<T>) -> Result<[Array3<Complex<T>>; 4]> {
        let kept = self.pass()?.n_kept;
        let work = &self.work;
        Ok(positions::patches(batch, state, work, kept))
    }

    fn opr_begin(&mut self, batch: &Batch<T>, state: &State<T>) -> Result<()> {
        let kept = self.pass()?.n_kept;
        let work = &mut self.work;
        opr::keep_residuals(batch, state, work, kept);
        Ok(())
    }

    fn opr_project(&mut self, batch: &Batch<T>, mode: &Array2<Complex<T>>) -> Result<Vec<f64>> {
        let work = &mut self.work;
        Ok(opr::project(batch, work, mode))
    }

    fn opr_combine(&mut self, batch: &Batch<T>, c: &[f64]) -> Result<Array2<Complex<T>>> {
        let work = &mut self.work;
        Ok(opr::combine(batch, work, c))
    }

    fn opr_deflate(&mut self, batch: &Batch<T>, mode: &Array2<Complex<T>>) -> Result<()> {
        let work = &mut self.work;
        opr::deflate(batch, work, mode);
        Ok(())
    }

    fn opr_wave_sums(
        &mut self,
        batch: &Batch<T>,
        state: &State<T>,
        mode: Option<&Array2<Complex<T>>>,
    ) -> Result<Vec<[f64; 2]>> {
        let kept = self.pass()?.n_kept;
        let work = &mut self.work;
        Ok(opr::wave_sums((batch, state), work, kept, mode))
    }

    fn carry_object(&mut self, state: &mut State<T>) -> Result<()> {
        state.carried_object.copy_from(&self.work.all);
        Ok(())
    }

    fn carry_probe(&mut self, state: &mut State<T>, keep: f64, share: f64) -> Result<()> {
        let (keep, share) = (T::of(keep), T::of(share));
        let direction = &self.work.probe_direction;
        for (sum, &value) in state.carried_probe.iter_mut().zip(&**direction) {
            *sum = *sum * keep + value * share;
        }
        Ok(())
    }

    fn step_object(
        &mut self,
        state: &mut State<T>,
        step: f64,
        divisor: Divisor,
        momentum: f64,
    ) -> Result<()> {
        let work = &self.work;
        let over = match (divisor, work.batch_divisor) {
            (Divisor::None, _) => Over::Nothing,
            (Divisor::Epoch, _) => Over::Inverse(&work.inverse_damped),
            (Divisor::Batch, Some(divisor)) => Over::Weight(&work.batch_weight, divisor),
            (Divisor::Batch, None) => {
                return Err(Error::Run(
                    "a batch's illumination was not summed".to_owned(),
                ));
            }
        };
        let velocity = (momentum != 0.0).then_some((&mut state.object_velocity, T::of(momentum)));
        stepping::step_planes(&mut state.object, velocity, T::of(step), &work.all, over);
        Ok(())
    }

    fn step_probe(&mut self, state: &mut State<T>, step: f64, momentum: f64) -> Result<()> {
        let velocity = (momentum != 0.0).then_some((&mut state.probe_velocity, T::of(momentum)));
        let direction = &self.work.probe_direction;
        stepping::step_field(&mut state.probe, velocity, T::of(step), direction);
        Ok(())
    }

    fn begin_waves(&mut self, batch: &Batch<T>, state: &mut State<T>) -> Result<()> {
        if state.waves.is_empty()
            && let Some(minibatch) = self.projecting(batch, state)
        {
            minibatch.begin_waves(state, &self.work);
        }
        Ok(())
    }

    fn difference_map(
        &mut self,
        batch: &Batch<T>,
        state: &mut State<T>,
        relaxation: f64,
    ) -> Result<Option<Vec<(PatternSums, f64)>>> {
        let minibatch = self.projecting(batch, state);
        Ok(minibatch.map(|of| of.difference_map(state, &mut self.work, relaxation)))
    }

    fn sum_object(&mut self, batch: &Batch<T>, state: &mut State<T>, both: bool) -> Result<bool> {
        let Some(minibatch) = self.projecting(batch, state) else {
            return Ok(false);
        };
        minibatch.sum_object(state, &mut self.work, both);
        Ok(true)
    }

    fn reflect(
        &mut self,
        batch: &Batch<T>,
        state: &mut State<T>,
        beta: f64,
    ) -> Result<Option<Vec<(PatternSums, f64)>>> {
        let minibatch = self.projecting(batch, state);
        Ok(minibatch.map(|of| of.reflect(state, &mut self.work, beta)))
    }

    fn sum_probe(&mut self, batch: &Batch<T>, state: &mut State<T>) -> Result<bool> {
        let minibatch = Minibatch::projecting(batch);
        let work = &mut self.work;
        if batch.stop.is_requested() {
            return Ok(false);
        }
        minibatch.sum_probe(state, work);
        Ok(true)
    }

    fn divide_object(
        &mut self,
        state: &mut State<T>,
        canvas: Canvas,
        floor: f64,
        replaces: bool,
    ) -> Result<()> {
        division::divide_object(state, canvas, floor, replaces);
        Ok(())
    }

    fn clear_object_sums(&mut self, state: &mut State<T>) -> Result<()> {
        for canvas in [&mut state.carried_object, &mut state.carried_other] {
            canvas.re.fill(T::zero());
            canvas.im.fill(T::zero());
        }
        state.carried_weight.fill(T::zero());
        Ok(())
    }

    fn divide_probe(&mut self, state: &mut State<T>, floor: f64) -> Result<()> {
        let work = &mut self.work;
        division::divide_probe(state, work, floor);
        Ok(())
    }
}
