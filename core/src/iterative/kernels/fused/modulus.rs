//! From detector waves to their predicted intensity, its sums over the pattern, and the waves' change.
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use pulp::{Simd, WithSimd};

use crate::fft::tile::Tiling;
use crate::iterative::kernels::{PatternSums, Rule};
use crate::iterative::scan::Used;
use crate::simd::{LANES, Real};

/// Predictions below this count as this in the proximal Poisson step.
const LEAST_INTENSITY: f64 = 1e-12;

/// Sums of the predicted intensity, and the factor of the rule over n² that makes the waves' change.
pub(crate) struct Modulus<'a, T> {
    pub(crate) tiling: Tiling,
    pub(crate) amplitude: &'a [T],
    pub(crate) used: Option<Used<'a, T>>,
    /// Of all modes, unnormalised; it becomes the factors.
    pub(crate) intensity: &'a mut [T],
    pub(crate) rule: Rule,
    /// The pattern's step, of [`Rule::PoissonSteps`].
    pub(crate) step: f64,
}

impl<T: Real> WithSimd for Modulus<'_, T> {
    type Output = PatternSums;

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _: S) -> PatternSums {
        let n2 = (self.tiling.n * self.tiling.n) as f64;
        let per_pixel = T::of(1.0 / n2);
        match self.rule {
            Rule::Gaussian { weight } => self.sweep(Replace {
                weight: T::of(weight / n2),
                floor: T::of(1e-9),
            }),
            Rule::Poisson { mu } => self.sweep(Proximal {
                per_pixel,
                mu: T::of(mu),
                squared: T::of(mu * mu),
                four: T::of(4.0 * (1.0 + mu)),
                half: T::of(0.5 / (1.0 + mu)),
                floor: T::of(LEAST_INTENSITY.sqrt()),
            }),
            Rule::PoissonSteps => self.sweep(Ratio {
                step: T::of(self.step / n2),
                floor: T::of(1e-6),
            }),
            Rule::Modulus => self.sweep(Softened {
                per_pixel,
                floor: T::of(1e-7),
            }),
        }
    }
}

/// What the wave of a pixel is multiplied by, over n².
trait Factor<T>: Copy {
    /// From the predicted intensity `y`, its root, the measured amplitude and its square.
    fn of(self, y: T, root: T, amplitude: T, counts: T) -> T;
}

/// [`Rule::Gaussian`]
#[derive(Clone, Copy)]
struct Replace<T> {
    weight: T,
    floor: T,
}

impl<T: Real> Factor<T> for Replace<T> {
    #[inline(always)]
    fn of(self, _: T, root: T, amplitude: T, _: T) -> T {
        self.weight * (amplitude / (root + self.floor) - T::one())
    }
}

/// [`Rule::Poisson`]
#[derive(Clone, Copy)]
struct Proximal<T> {
    per_pixel: T,
    mu: T,
    /// `μ²`
    squared: T,
    /// `4 (1 + μ)`
    four: T,
    /// `1 / 2 (1 + μ)`
    half: T,
    floor: T,
}

impl<T: Real> Factor<T> for Proximal<T> {
    #[inline(always)]
    fn of(self, _: T, root: T, _: T, counts: T) -> T {
        let root = if root > self.floor { root } else { self.floor };
        let inner = self.squared * root * root + self.four * counts;
        let wanted = (self.mu * root + inner.sqrt()) * self.half;
        self.per_pixel * (wanted / root - T::one())
    }
}

/// [`Rule::PoissonSteps`]
#[derive(Clone, Copy)]
struct Ratio<T> {
    step: T,
    floor: T,
}

impl<T: Real> Factor<T> for Ratio<T> {
    #[inline(always)]
    fn of(self, y: T, _: T, _: T, counts: T) -> T {
        self.step * (counts / (y + self.floor) - T::one())
    }
}

/// [`Rule::Modulus`]
#[derive(Clone, Copy)]
struct Softened<T> {
    per_pixel: T,
    floor: T,
}

impl<T: Real> Factor<T> for Softened<T> {
    #[inline(always)]
    fn of(self, _: T, root: T, _: T, counts: T) -> T {
        self.per_pixel * ((counts + self.floor).sqrt() / (root + self.floor) - T::one())
    }
}

/// Whether a pixel is used, and what it weighs in the sums.
#[inline(always)]
fn gap<T: Real>(is_below: bool, mask: T, least_weight: T) -> (T, T) {
    let used = if is_below { mask } else { T::zero() };
    (
        used,
        if used > least_weight {
            used
        } else {
            least_weight
        },
    )
}

impl<T: Real> Modulus<'_, T> {
    #[inline(always)]
    fn sweep(&mut self, factor: impl Factor<T>) -> PatternSums {
        if self.used.is_some() {
            self.sweep_strips::<true>(factor)
        } else {
            self.sweep_strips::<false>(factor)
        }
    }

    #[inline(always)]
    fn sweep_strips<const HAS_GAPS: bool>(&mut self, factor: impl Factor<T>) -> PatternSums {
        let per_pixel = T::of(1.0 / (self.tiling.n * self.tiling.n) as f64);
        let (tiny, zero, one) = (T::of(1e-7), T::zero(), T::one());
        let strip = self.tiling.n * LANES;
        let mut sums = PatternSums::default();
        let (mask, saturation, least_weight) = match self.used {
            Some(used) => {
                let least = if used.sums_all { one } else { zero };
                (used.mask, used.saturation, least)
            }
            None => (self.amplitude, T::infinity(), one),
        };
        for ((y, a), mask) in self
            .intensity
            .chunks_exact_mut(strip)
            .zip(self.amplitude.chunks_exact(strip))
            .zip(mask.chunks_exact(strip))
        {
            let mut lanes = [[T::zero(); LANES]; 4];
            let (rows, _) = y.as_chunks_mut::<LANES>();
            let (masks, _) = mask.as_chunks::<LANES>();
            for ((y, a), mask) in rows.iter_mut().zip(a.as_chunks::<LANES>().0).zip(masks) {
                let intensity = y.map(|y| y * per_pixel);
                let root = intensity.map(T::sqrt);
                for l in 0..LANES {
                    let counts = a[l] * a[l];
                    let error = root[l] - a[l];
                    let loss = (intensity[l] + tiny).sqrt() - (counts + tiny).sqrt();
                    let change = factor.of(intensity[l], root[l], a[l], counts);
                    // Constants where there are no gaps.
                    let (used, weight) = if HAS_GAPS {
                        gap(a[l] < saturation, mask[l], least_weight)
                    } else {
                        (one, one)
                    };
                    lanes[0][l] += weight * loss * loss;
                    lanes[1][l] += weight * error * error;
                    lanes[2][l] += weight * counts;
                    lanes[3][l] += weight * intensity[l];
                    y[l] = used * change;
                }
            }
            let sum = |lanes: [T; LANES]| lanes.iter().map(|x| x.wide()).sum::<f64>();
            sums.loss += sum(lanes[0]);
            sums.error += sum(lanes[1]);
            sums.measured += sum(lanes[2]);
            sums.predicted += sum(lanes[3]);
        }
        sums
    }
}

/// With `ξ = 1 - I/(y + 1e-5)` where used: `Σ ξ (y - I/(1 - mean_step ξ))` and `Σ ξ² y`.
pub(crate) struct LikelihoodSums<'a, T> {
    pub(crate) tiling: Tiling,
    pub(crate) amplitude: &'a [T],
    pub(crate) used: Option<Used<'a, T>>,
    /// Of all modes, unnormalised.
    pub(crate) intensity: &'a [T],
    pub(crate) mean_step: f64,
}

impl<T: Real> WithSimd for LikelihoodSums<'_, T> {
    type Output = [f64; 2];

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> [f64; 2] {
        let per_pixel = 1.0 / (self.tiling.n * self.tiling.n) as f64;
        let mut sums = [0.0; 2];
        for (at, (y, a)) in self.intensity.iter().zip(self.amplitude).enumerate() {
            let is_used = self
                .used
                .is_none_or(|used| used.mask[at] > T::zero() && *a < used.saturation);
            if !is_used {
                continue;
            }
            let (y, counts) = (y.wide() * per_pixel, a.wide() * a.wide());
            let xi = 1.0 - counts / (y + 1e-5);
            sums[0] += xi * (y - counts / (1.0 - self.mean_step * xi));
            sums[1] += xi * xi * y;
        }
        sums
    }
}
