//! What the detector waves are multiplied by, and the sums of a prediction.

use candle_core::{Result, Tensor};

use super::host::pattern_sums;
use crate::iterative::kernels::{PatternSums, Rule};

/// Predicted intensities of a batch beside the measured amplitudes, `(b, n, n)` each.
pub(super) struct Prediction {
    /// `y`
    pub(super) intensity: Tensor,
    /// `√I`
    pub(super) amplitude: Tensor,
    /// 1 where a pixel counts; `None` where all do.
    pub(super) used: Option<Tensor>,
    /// Whether pixels that do not count are left out of the sums too.
    pub(super) sums_used: bool,
}

impl Prediction {
    /// `Ψ'/Ψ - 1`; `steps` are those of [`Rule::PoissonSteps`], `(b, 1, 1)`.
    pub(super) fn factor(&self, rule: Rule, steps: &Tensor) -> Result<Tensor> {
        let (y, a) = (&self.intensity, &self.amplitude);
        let factor = match rule {
            Rule::Gaussian { weight } => (a / (y.sqrt()? + 1e-9)?)?.affine(weight, -weight)?,
            Rule::Poisson { mu } => {
                let y = y.maximum(1e-12)?;
                let root = y.sqrt()?;
                let under = ((y * (mu * mu))? + (a.sqr()? * (4.0 * (1.0 + mu)))?)?;
                let wanted = ((&root * mu)? + under.sqrt()?)?;
                (wanted / root)?.affine(0.5 / (1.0 + mu), -1.0)?
            }
            Rule::PoissonSteps => {
                let share = (a.sqr()? / (y + 1e-6)?)?;
                share.affine(1.0, -1.0)?.broadcast_mul(steps)?
            }
            Rule::Modulus => {
                let wanted = (a.sqr()? + 1e-7)?.sqrt()?;
                (wanted / (y.sqrt()? + 1e-7)?)?.affine(1.0, -1.0)?
            }
        };
        match &self.used {
            Some(used) => factor.broadcast_mul(used),
            None => Ok(factor),
        }
    }

    /// The sums over the pixels of every pattern, without the probe's peak.
    pub(super) fn sums(&self) -> Result<Vec<PatternSums>> {
        let (y, a) = (&self.intensity, &self.amplitude);
        let counts = a.sqr()?;
        let loss = ((y + 1e-7)?.sqrt()? - (&counts + 1e-7)?.sqrt()?)?.sqr()?;
        let error = (y.sqrt()? - a)?.sqr()?;
        let mut terms = [loss, error, counts, y.clone()];
        if let (true, Some(used)) = (self.sums_used, &self.used) {
            for term in &mut terms {
                *term = term.broadcast_mul(used)?;
            }
        }
        let sums = pattern_sums(terms)?;
        let of = |[loss, error, measured, predicted]: [f64; 4]| PatternSums {
            loss,
            error,
            measured,
            predicted,
            probe_peak: 0.0,
        };
        Ok(sums.into_iter().map(of).collect())
    }

    /// Sums of pty-chi's Poisson step: see [`Kernels::likelihood_sums`](super::Kernels::likelihood_sums).
    pub(super) fn likelihood_sums(&self, mean_step: f64) -> Result<Vec<[f64; 2]>> {
        let (y, counts) = (&self.intensity, self.amplitude.sqr()?);
        let mut xi = (&counts / (y + 1e-5)?)?.affine(-1.0, 1.0)?;
        if let Some(used) = &self.used {
            xi = xi.broadcast_mul(used)?;
        }
        let rest = (y - (counts / xi.affine(-mean_step, 1.0)?)?)?;
        pattern_sums([(&xi * rest)?, (xi.sqr()? * y)?])
    }
}
