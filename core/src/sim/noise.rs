//! Photon noise.

use rand::{Rng, RngExt as _};
use rand_distr::Poisson;

/// One Poisson draw of mean `mean_counts`, for means from 0 to 1e8 and beyond; 0 for a mean of 0 or below.
///
/// Up to 2^53 counts are exact in the result.
pub fn poisson(rng: &mut impl Rng, mean_counts: f64) -> f64 {
    // A mean that is not above zero (or NaN) has no distribution: no photons come.
    Poisson::new(mean_counts).map_or(0.0, |distribution| rng.sample(distribution))
}
