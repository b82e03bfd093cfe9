//! Operations of orthogonal probe relaxation.

use ndarray::{Array2, Axis};
use num_complex::Complex;

use super::forward::Model;
use super::host::{Field, pattern_sums};
use super::{OnDevice, Tensors, no_batch};
use crate::iterative::Compatibility;
use crate::iterative::kernels::Batch;
use crate::simd::Real;

impl Tensors {
    /// `(1, n, n)`
    fn one_mode<T: Real>(&self, mode: &Array2<Complex<T>>) -> OnDevice<Field> {
        self.place.field(mode.view().insert_axis(Axis(0)))
    }

    fn residuals(&self) -> OnDevice<&Field> {
        self.now()?.residuals.as_ref().ok_or_else(no_batch)
    }

    /// `res_i = t_i - ΔP_0`, `t_i = shift⁻¹(χ_i0 conj(O_i))`
    pub(super) fn begin_residuals(&mut self) -> OnDevice<()> {
        let now = self.now()?;
        let back = Model::mode(&now.chi, 0)?.broadcast_mul_conj(&now.model.object)?;
        let shifted = self.shift_back(&now.model, &back)?;
        let mean = Model::modes(&now.probe_direction, 0, 1)?;
        let residuals = Field {
            re: shifted.re.broadcast_sub(&mean.re)?,
            im: shifted.im.broadcast_sub(&mean.im)?,
        };
        self.now_mut()?.residuals = Some(residuals);
        Ok(())
    }

    /// `mean Re(res_i* e)` over pixels.
    pub(super) fn project_residuals<T: Real>(
        &self,
        mode: &Array2<Complex<T>>,
    ) -> OnDevice<Vec<f64>> {
        let sums = pattern_sums([self.residuals()?.broadcast_dot(&self.one_mode(mode)?)?])?;
        let pixels = (self.n * self.n) as f64;
        Ok(sums.into_iter().map(|[sum]| sum / pixels).collect())
    }

    /// `mean_i res_i c_i`, `(n, n)`.
    pub(super) fn combine_residuals(&self, c: &[f64]) -> OnDevice<Field> {
        let (b, n) = (c.len(), self.n);
        let c: Vec<f64> = c.iter().map(|c| c / b as f64).collect();
        let c = self.place.tensor(&c, (1, b))?;
        self.residuals()?
            .map(|part| c.matmul(&part.reshape((b, n * n))?)?.reshape((n, n)))
    }

    /// `res_i -= (Σ res_i e* / Σ |e|²) e`
    pub(super) fn deflate_residuals<T: Real>(&mut self, mode: &Array2<Complex<T>>) -> OnDevice<()> {
        let residuals = self.residuals()?;
        let mode = self.one_mode(mode)?;
        let overlap = residuals.broadcast_mul_conj(&mode)?;
        let power = mode.intensity()?;
        let sums = pattern_sums([overlap.re, overlap.im])?;
        let [power] = pattern_sums([power])?[0];
        let share = |at: usize| {
            let shares: Vec<f64> = sums.iter().map(|sums| sums[at] / power).collect();
            self.place.tensor(&shares, (shares.len(), 1, 1))
        };
        let shares = Field {
            re: share(0)?,
            im: share(1)?,
        };
        let left = residuals.plus(-1.0, &shares.broadcast_mul(&mode)?)?;
        self.now_mut()?.residuals = Some(left);
        Ok(())
    }

    /// `Σ Re(χ_0 (e O)*), Σ|e O|²`, `e` shifted to the positions unless pty-chi's faults are kept; without a mode `P_0`.
    pub(super) fn sums_of_waves<T: Real>(
        &self,
        batch: &Batch<T>,
        mode: Option<&Array2<Complex<T>>>,
    ) -> OnDevice<Vec<[f64; 2]>> {
        let now = self.now()?;
        let mode = match mode {
            Some(mode) => self.one_mode(mode)?,
            None => Model::modes(&self.probe, 0, 1)?,
        };
        let mode = if batch.settings.compat == Compatibility::Ptychi {
            mode
        } else {
            self.shift(&now.model, &mode)?
        };
        let waves = now.model.object.broadcast_mul(&mode)?;
        pattern_sums([
            waves.broadcast_dot(&Model::mode(&now.chi, 0)?)?,
            waves.intensity()?,
        ])
    }
}
