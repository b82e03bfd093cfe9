//! Directions, step sizes and updates of object and probe.

use candle_core::Tensor;
use ndarray::Array3;
use num_complex::Complex;

use super::forward::Model;
use super::host::{Field, into_tiled, pattern_sums};
use super::placing::differentiate_rows;
use super::{OnDevice, Tensors, array3, no_batch};
use crate::iterative::kernels::{Divisor, ObjectWeight};
use crate::iterative::state::State;
use crate::simd::Real;

impl Tensors {
    /// `A` of all modes and `A0/D` of those kept.
    pub(super) fn direct_object(&mut self, weight: ObjectWeight, carries: bool) -> OnDevice<()> {
        let now = self.now.as_ref().ok_or_else(no_batch)?;
        let Model {
            placing, probes, ..
        } = &now.model;
        let mut deposits = now.chi.broadcast_mul_conj(probes)?;
        if let ObjectWeight::Regularised { alpha, largest } = weight {
            let divisor = probes.intensity()?.affine(1.0 - alpha, alpha * largest)?;
            deposits = deposits.broadcast_scale(&divisor.recip()?)?;
        }
        let n_kept = self.n_kept.min(self.n_modes);
        let sum_of =
            |from: usize, len: usize| Model::modes(&deposits, from, len)?.map(|part| part.sum(0));
        let start = match &self.carried_object {
            Some(carried) if carries => carried.clone(),
            _ => self.place.no_field(self.object.re.elem_count())?,
        };
        let mut all = placing.add_field(&start, &sum_of(0, n_kept)?)?;
        let first = match weight {
            ObjectWeight::Plain => all.broadcast_scale(&self.inverse_damped)?,
            ObjectWeight::Regularised { .. } => all.clone(),
        };
        if n_kept < self.n_modes {
            all = placing.add_field(&all, &sum_of(n_kept, self.n_modes - n_kept)?)?;
        }
        (self.all, self.first) = (all, first);
        Ok(())
    }

    /// `1 / ((1 - α) W + α max W)` over the batch.
    pub(super) fn divide_by_illumination(&mut self, alpha: f64) -> OnDevice<()> {
        let model = &self.now()?.model;
        let nothing = self.place.zeros(self.object.re.elem_count())?;
        let illumination = model.placing.add(&nothing, &model.probe_power()?)?;
        let greatest = (illumination.max(0)? * alpha)?;
        let divisor = (illumination * (1.0 - alpha))?.broadcast_add(&greatest)?;
        let inverse = divisor.recip()?;
        if self.correlates {
            self.first = self.all.broadcast_scale(&inverse)?;
        }
        self.batch_divisor = Some(inverse);
        Ok(())
    }

    /// See [`Kernels::step_sums`](super::Kernels::step_sums).
    pub(super) fn sums_for_steps(&self) -> OnDevice<Vec<[f64; 6]>> {
        let now = self.now()?;
        let kept = |of: &Field| Model::modes(of, 0, self.n_kept.min(self.n_modes));
        let (chi, probes) = (kept(&now.chi)?, kept(&now.model.probes)?);
        let direction = now.model.placing.patches(&self.first)?;
        let u = probes.broadcast_mul(&direction)?;
        let probe_direction = kept(&now.probe_direction)?.map(|part| part.unsqueeze(1))?;
        let v = probe_direction.broadcast_mul(&now.model.object)?;
        let cross = u.broadcast_mul_conj(&v)?;
        pattern_sums([
            u.intensity()?,
            v.intensity()?,
            cross.re,
            cross.im,
            u.broadcast_dot(&chi)?,
            v.broadcast_dot(&chi)?,
        ])
    }

    /// See [`Kernels::position_sums`](super::Kernels::position_sums).
    pub(super) fn sums_for_positions(&self) -> OnDevice<Vec<[f64; 4]>> {
        let now = self.now()?;
        let object = &now.model.object;
        let (chi, probe) = (
            Model::mode(&now.chi, 0)?,
            Model::mode(&now.model.probes, 0)?,
        );
        let turned = |field: &Field| field.map(|part| part.t()?.contiguous());
        let along_columns = differentiate_rows(object, &self.derivative)?;
        let along_rows = turned(&differentiate_rows(&turned(object)?, &self.derivative)?)?;
        let (rows, columns) = (
            along_rows.broadcast_mul(&probe)?,
            along_columns.broadcast_mul(&probe)?,
        );
        pattern_sums([
            rows.broadcast_dot(&chi)?,
            rows.intensity()?,
            columns.broadcast_dot(&chi)?,
            columns.intensity()?,
        ])
    }

    /// Patches of the object and of `A0/D`, `P̃_0`, and `χ_0`.
    pub(super) fn show_patches<T: Real>(&self) -> OnDevice<[Array3<Complex<T>>; 4]> {
        let now = self.now()?;
        Ok([
            array3(&now.model.object)?,
            array3(&now.model.placing.patches(&self.first)?)?,
            array3(&Model::mode(&now.model.probes, 0)?)?,
            array3(&Model::mode(&now.chi, 0)?)?,
        ])
    }

    /// `carried_probe = keep carried_probe + share ΔP`
    pub(super) fn carry_probe_direction(&mut self, keep: f64, share: f64) -> OnDevice<()> {
        let added = self.now()?.probe_direction.times(share)?;
        self.carried_probe = Some(match &self.carried_probe {
            Some(carried) if keep != 0.0 => added.plus(keep, carried)?,
            _ => added,
        });
        Ok(())
    }

    /// `O += step A / divisor`, or with momentum.
    pub(super) fn move_object<T: Real>(
        &mut self,
        state: &State<T>,
        step: f64,
        divisor: Divisor,
        momentum: f64,
    ) -> OnDevice<()> {
        let by: Option<&Tensor> = match divisor {
            Divisor::None => None,
            Divisor::Epoch => Some(&self.inverse_damped),
            Divisor::Batch => Some(self.batch_divisor.as_ref().ok_or_else(no_batch)?),
        };
        let added = match by {
            Some(by) => self.all.broadcast_scale(by)?.times(step)?,
            None => self.all.times(step)?,
        };
        let added = if momentum == 0.0 {
            added
        } else {
            let before = match self.object_velocity.take() {
                Some(velocity) => velocity,
                None => self.place.canvas(&state.object_velocity)?,
            };
            let velocity = added.plus(momentum, &before)?;
            self.object_velocity = Some(velocity.clone());
            velocity
        };
        self.object = self.object.plus(1.0, &added)?;
        self.predicted = None;
        Ok(())
    }

    /// `P += step ΔP` of all modes, or with momentum.
    pub(super) fn move_probe<T: Real>(
        &mut self,
        state: &mut State<T>,
        step: f64,
        momentum: f64,
    ) -> OnDevice<()> {
        let mut added = self.now()?.probe_direction.times(step)?;
        if momentum != 0.0 {
            let before = match self.probe_velocity.take() {
                Some(velocity) => velocity,
                None => self.place.tiled(self.tiling, &state.probe_velocity)?,
            };
            added = added.plus(momentum, &before)?;
            self.probe_velocity = Some(added.clone());
        }
        self.probe = self.probe.plus(1.0, &added)?;
        self.predicted = None;
        if self.shows_probe {
            into_tiled(self.tiling, &self.probe, &mut state.probe)?;
        }
        Ok(())
    }
}
