//! Likelihoods of counts and their gradients for the rate.
//!
//! ```text
//! NLL = Σ λ + ε - k ln(λ + ε)          ∂/∂λ = 1 - k / (λ + ε)
//! MAE = Σ |√(λ + ε') - √k|             ∂/∂λ = sign(√(λ + ε') - √k) / (2 √(λ + ε'))
//! ```
//!
//! λ the rate (expected counts), √k the measured amplitude, NaN where a pixel is not used: it adds nothing. The rate is
//! taken as it is, never as the square of a root, whose gradient at 0 is not finite. Sums are in double precision.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use pulp::Arch;

use crate::simd::LANES;
use crate::tensor::elementary::{Sweep, ln};

/// ε, ε' and the weights of the two in the gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Likelihood {
    /// ε in counts, positive.
    pub rate_epsilon: f32,
    /// ε' in counts, positive.
    pub amplitude_epsilon: f32,
    /// Weight of NLL in the gradient.
    pub nll_weight: f32,
    /// Weight of MAE in the gradient.
    pub mae_weight: f32,
}

/// Sums over the pixels in use.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LikelihoodSums {
    /// Σ λ + ε - k ln(λ + ε)
    pub nll: f64,
    /// Σ |√(λ + ε') - √k|
    pub mae: f64,
    /// Pixels in use.
    pub n_pixels: usize,
}

impl Likelihood {
    /// Both sums; `d_rate`, where not empty, becomes the gradient of `nll_weight · NLL + mae_weight · MAE` for the rate.
    ///
    /// # Shapes
    /// - `rate`, `amplitude` (√counts) and `d_rate`: equally long.
    ///
    /// # Panics
    /// If they are not.
    pub fn sums(&self, rate: &[f32], amplitude: &[f32], d_rate: &mut [f32]) -> LikelihoodSums {
        assert_eq!(rate.len(), amplitude.len(), "rates and amplitudes");
        let wants_gradient = !d_rate.is_empty();
        assert!(!wants_gradient || d_rate.len() == rate.len(), "gradients");
        Arch::new().dispatch(Sweep(
            #[inline(always)]
            || {
                let mut lanes = LaneSums::default();
                let chunks = rate.chunks(LANES).zip(amplitude.chunks(LANES));
                for (i, (rate, amplitude)) in chunks.enumerate() {
                    let mut rates = [0.0; LANES];
                    rates[..rate.len()].copy_from_slice(rate);
                    let mut amplitudes = [f32::NAN; LANES];
                    amplitudes[..rate.len()].copy_from_slice(amplitude);
                    let gradient = self.lanes(&rates, &amplitudes, &mut lanes);
                    if wants_gradient {
                        d_rate[i * LANES..][..rate.len()].copy_from_slice(&gradient[..rate.len()]);
                    }
                }
                lanes.total()
            },
        ))
    }

    /// Add sixteen pixels to the sums; their gradient.
    #[inline(always)]
    pub(crate) fn lanes(
        &self,
        rate: &[f32; LANES],
        amplitude: &[f32; LANES],
        sums: &mut LaneSums,
    ) -> [f32; LANES] {
        let (mut nll, mut mae, mut gradient) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
        let mut used = [0; LANES];
        for l in 0..LANES {
            let is_used = !amplitude[l].is_nan();
            let measured = if is_used { amplitude[l] } else { 0.0 };
            let counts = measured * measured;
            let x = rate[l] + self.rate_epsilon;
            let root = (rate[l] + self.amplitude_epsilon).sqrt();
            let difference = root - measured;
            let sign = if difference > 0.0 { 0.5 } else { 0.0 };
            let sign = if difference < 0.0 { -0.5 } else { sign };
            let slope = self.nll_weight * (1.0 - counts / x) + self.mae_weight * sign / root;
            nll[l] = if is_used { x - counts * ln(x) } else { 0.0 };
            mae[l] = if is_used { difference.abs() } else { 0.0 };
            gradient[l] = if is_used { slope } else { 0.0 };
            used[l] = u32::from(is_used);
        }
        for l in 0..LANES {
            sums.nll[l] += f64::from(nll[l]);
            sums.mae[l] += f64::from(mae[l]);
            sums.n_pixels[l] += used[l];
        }
        gradient
    }
}

/// Sums of every sixteenth pixel.
#[derive(Clone, Debug, Default)]
pub(crate) struct LaneSums {
    nll: [f64; LANES],
    mae: [f64; LANES],
    n_pixels: [u32; LANES],
}

impl LaneSums {
    pub(crate) fn total(&self) -> LikelihoodSums {
        LikelihoodSums {
            nll: self.nll.iter().sum(),
            mae: self.mae.iter().sum(),
            n_pixels: self.n_pixels.iter().map(|&n| n as usize).sum(),
        }
    }
}
