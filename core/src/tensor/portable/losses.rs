//! What an expected count is measured by, pixel by pixel; sums and means are the caller's.

use candle_core::{Result, Tensor};

use super::Complex;

/// `λ + ε - k ln(λ + ε)`, from the rate itself: no square root before the square.
///
/// # Shapes
/// - `rate` λ and `counts` k: the same; the result too.
///
/// # Errors
/// Shapes that differ; the device's words.
pub fn negative_log_likelihood(rate: &Tensor, counts: &Tensor, epsilon: f64) -> Result<Tensor> {
    let rate = (rate + epsilon)?;
    &rate - (counts * rate.log()?)?
}

/// `|√(λ + ε') - √k|`, √counts.
///
/// # Shapes
/// - `rate` λ and `amplitude` √k: the same; the result too.
///
/// # Errors
/// Shapes that differ; the device's words.
pub fn amplitude_error(rate: &Tensor, amplitude: &Tensor, epsilon: f64) -> Result<Tensor> {
    ((rate + epsilon)?.sqrt()? - amplitude)?.abs()
}

/// `Σ |D_r O|² + |D_c O|²`: squared differences of neighbouring pixels down and across, a number without axes.
///
/// # Shapes
/// - `object`: `(batch, h, w)`.
///
/// # Errors
/// The device's words.
pub fn roughness(object: &Complex) -> Result<Tensor> {
    let along = |x: &Tensor, axis: usize| {
        let n = x.dim(axis)?;
        (x.narrow(axis, 1, n - 1)? - x.narrow(axis, 0, n - 1)?)?
            .sqr()?
            .sum_all()
    };
    let both = |x: &Tensor| along(x, 1)? + along(x, 2)?;
    both(&object.re)? + both(&object.im)?
}
