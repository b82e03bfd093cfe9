//! Adam: Kingma and Ba, "Adam: a method for stochastic optimization", 2015.
//!
//! ```text
//! g = gradient · min(1, clip_norm / |gradient|)
//! m = β₁ m + (1 - β₁) g          v = β₂ v + (1 - β₂) g²
//! θ = θ - lr · m / (1 - β₁ᵗ) / (√(v / (1 - β₂ᵗ)) + ε)
//! ```

use rayon::prelude::*;

/// β₁, memory of the mean.
pub const BETA_1: f32 = 0.9;
/// β₂, memory of the mean square.
pub const BETA_2: f32 = 0.999;
/// ε, in units of the gradient.
pub const EPSILON: f32 = 1e-8;
/// Values of a piece of work; the pieces, and with them the order of sums, do not depend on the threads.
const PIECE: usize = 1 << 14;

/// Adam's moments of every parameter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Adam {
    /// Running mean of the gradient.
    pub m: Vec<f32>,
    /// Running mean of its square.
    pub v: Vec<f32>,
    /// Steps done, t.
    pub n_steps: u64,
}

impl Adam {
    /// No step done, for so many parameters.
    pub fn new(n_parameters: usize) -> Self {
        Self {
            m: vec![0.0; n_parameters],
            v: vec![0.0; n_parameters],
            n_steps: 0,
        }
    }

    /// One step down a gradient multiplied by `gradient_factor`, in one pass on the current rayon pool.
    pub fn step(
        &mut self,
        parameters: &mut [f32],
        gradient: &[f32],
        lr: f64,
        gradient_factor: f32,
    ) {
        self.n_steps += 1;
        let t = i32::try_from(self.n_steps).unwrap_or(i32::MAX);
        let mean_share = 1.0 - f64::from(BETA_1).powi(t);
        let square_share = 1.0 - f64::from(BETA_2).powi(t);
        let rate = (lr / mean_share) as f32;
        let square_root_share = square_share.sqrt().recip() as f32;
        let pieces = parameters
            .par_chunks_mut(PIECE)
            .zip(gradient.par_chunks(PIECE))
            .zip(self.m.par_chunks_mut(PIECE))
            .zip(self.v.par_chunks_mut(PIECE));
        pieces.for_each(|(((parameters, gradient), m), v)| {
            let moments = m.iter_mut().zip(v);
            for ((parameter, gradient), (m, v)) in parameters.iter_mut().zip(gradient).zip(moments)
            {
                let g = gradient_factor * *gradient;
                *m = BETA_1 * *m + (1.0 - BETA_1) * g;
                *v = BETA_2 * *v + (1.0 - BETA_2) * g * g;
                *parameter -= rate * *m / (v.sqrt() * square_root_share + EPSILON);
            }
        });
    }
}

/// Euclidean norm of a gradient, summed in double precision; NaN or infinite where a value is.
pub fn norm(gradient: &[f32]) -> f64 {
    let of_piece = |piece: &[f32]| -> f64 {
        // Eight sums side by side, so that the loop runs on vectors.
        let (eights, rest) = piece.as_chunks::<8>();
        let mut sums = [0.0f64; 8];
        for eight in eights {
            for (sum, value) in sums.iter_mut().zip(eight) {
                *sum += f64::from(*value) * f64::from(*value);
            }
        }
        let rest: f64 = rest.iter().map(|value| f64::from(*value).powi(2)).sum();
        sums.iter().sum::<f64>() + rest
    };
    let sums: Vec<f64> = gradient.par_chunks(PIECE).map(of_piece).collect();
    sums.iter().sum::<f64>().sqrt()
}

/// What a gradient of this norm is multiplied by so that it is no longer than `clip_norm`; 0 is no limit.
pub fn clip_factor(norm: f64, clip_norm: f64) -> f32 {
    if clip_norm <= 0.0 || norm <= clip_norm {
        1.0
    } else {
        (clip_norm / norm) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_equals_the_formula_in_double_precision() {
        let n = PIECE + 37;
        let gradient_of =
            |step: usize, i: usize| (((i * 7919 + step * 104729) % 1000) as f64 - 500.0) / 300.0;
        let mut parameters: Vec<f32> = (0..n).map(|i| (i % 13) as f32 * 0.1).collect();
        let (mut slow, mut m, mut v) = (
            parameters.iter().map(|p| f64::from(*p)).collect::<Vec<_>>(),
            vec![0.0f64; n],
            vec![0.0f64; n],
        );
        let mut adam = Adam::new(n);
        for step in 1..=5 {
            let gradient: Vec<f32> = (0..n).map(|i| gradient_of(step, i) as f32).collect();
            let length = norm(&gradient);
            let factor = clip_factor(length, 10.0);
            adam.step(&mut parameters, &gradient, 1e-3, factor);
            for i in 0..n {
                let g = f64::from(gradient[i]) * 10.0 / length;
                m[i] = 0.9 * m[i] + 0.1 * g;
                v[i] = 0.999 * v[i] + 0.001 * g * g;
                let t = step as i32;
                let mean = m[i] / (1.0 - 0.9f64.powi(t));
                let square = v[i] / (1.0 - 0.999f64.powi(t));
                slow[i] -= 1e-3 * mean / (square.sqrt() + 1e-8);
            }
        }
        let worst = parameters
            .iter()
            .zip(&slow)
            .map(|(fast, slow)| (f64::from(*fast) - slow).abs())
            .fold(0.0, f64::max);
        assert!(worst < 2e-6, "{worst:e}");
        assert_eq!(adam.n_steps, 5);
    }

    #[test]
    fn clipping_shortens_only_what_is_too_long_and_nan_is_seen() {
        let gradient: Vec<f32> = vec![3.0, 4.0];
        assert_eq!(norm(&gradient), 5.0);
        assert_eq!(
            [0.0, 5.0, 10.0, 2.5].map(|limit| clip_factor(5.0, limit)),
            [1.0, 1.0, 1.0, 0.5]
        );
        assert!(norm(&[1.0, f32::NAN]).is_nan());
        assert!(norm(&[f32::INFINITY]).is_infinite());
    }
}
