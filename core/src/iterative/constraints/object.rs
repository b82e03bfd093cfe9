//! Limits and smoothness of the object.

use num_complex::Complex;
use rayon::prelude::*;

use crate::iterative::scan::Scan;
use crate::iterative::state::{Planes, State};
use crate::iterative::{Compatibility, IterativeSettings};
use crate::simd::Real;

/// Time step of Chambolle's iteration, below the 1/8 up to which it is known to converge.
const STEP: f64 = 0.125;
/// Iterations of the original.
const ITERATIONS_PTYCHI: usize = 2;
/// Iterations that come within a few per cent of the smoothing that the strength stands for.
const ITERATIONS: usize = 50;

/// Amplitude and phase of the object within their limits.
///
/// `|O|` is clamped between `object_amplitude_min` and `object_amplitude_max` (0 = none). The phase is clamped to
/// `± object_phase_max_rad` about that of `Σ W O`, `W` the illumination, since a constant phase is free; pty-chi clamps
/// about 0.
pub(crate) fn limit_object<T: Real>(settings: &IterativeSettings, state: &mut State<T>) {
    let (least, most) = (settings.object_amplitude_min, settings.object_amplitude_max);
    let most = if most > 0.0 {
        most.max(least)
    } else {
        f64::INFINITY
    };
    let widest_rad = settings.object_phase_max_rad;
    let has_phase = widest_rad > 0.0;
    if least == 0.0 && most.is_infinite() && !has_phase {
        return;
    }
    let middle = if has_phase && settings.compat != Compatibility::Ptychi {
        mean_direction(state)
    } else {
        Complex::new(1.0, 0.0)
    };
    let Planes { re, im } = &mut state.object;
    for (re, im) in re.iter_mut().zip(im.iter_mut()) {
        let value = Complex::new(re.wide(), im.wide()) * middle.conj();
        let (amplitude, mut phase_rad) = value.to_polar();
        if has_phase {
            phase_rad = phase_rad.clamp(-widest_rad, widest_rad);
        }
        // Not `clamp`, which would hide a NaN or stop at one.
        let held = if amplitude < least {
            least
        } else if amplitude > most {
            most
        } else {
            amplitude
        };
        let value = Complex::from_polar(held, phase_rad) * middle;
        (*re, *im) = (T::of(value.re), T::of(value.im));
    }
}

/// `Σ W O / |Σ W O|`; 1 where the sum vanishes.
fn mean_direction<T: Real>(state: &State<T>) -> Complex<f64> {
    let mut sum = Complex::new(0.0, 0.0);
    let pixels = state.object.re.iter().zip(&*state.object.im);
    for ((re, im), weight) in pixels.zip(&*state.illumination) {
        sum += Complex::new(re.wide(), im.wide()) * weight.wide();
    }
    let size = sum.norm();
    if size > 0.0 {
        sum / size
    } else {
        Complex::new(1.0, 0.0)
    }
}

/// Total variation of the object by Chambolle's projection (J. Math. Imaging Vis. 20, 89 (2004)).
///
/// The object becomes `argmin ½ Σ|u - O|² + λ Σ √(|∂_r u|² + |∂_c u|²)` with λ = `object_tv`, as
/// `u = O - λ div ξ`, `ξ ← (ξ + τ g) / (1 + τ |g|)`, `g = ∇(div ξ - O/λ)`. pty-chi takes two iterations, with the object
/// replaced in each, `√(g·g)` of complex numbers instead of `|g|`, another divergence along the border, and a factor that gives
/// back the overlap with the start; those are kept in its compatibility.
pub(crate) fn smooth_object<T: Real>(
    scan: &Scan<T>,
    settings: &IterativeSettings,
    state: &mut State<T>,
) {
    let strength = settings.object_tv;
    if strength <= 0.0 {
        return;
    }
    let [rows, columns] = scan.canvas;
    let at = |row: usize, column: usize| row * scan.stride + column;
    let mut start = Vec::with_capacity(rows * columns);
    for row in 0..rows {
        start.extend((0..columns).map(|column| {
            let at = at(row, column);
            Complex::new(state.object.re[at].wide(), state.object.im[at].wide())
        }));
    }
    let plane = Grid { rows, columns };
    let smooth = if settings.compat == Compatibility::Ptychi {
        plane.smooth_ptychi(&start, strength)
    } else {
        plane.smooth(&start, strength)
    };
    for (row, values) in smooth.chunks_exact(columns).enumerate() {
        for (column, value) in values.iter().enumerate() {
            let at = at(row, column);
            state.object.re[at] = T::of(value.re);
            state.object.im[at] = T::of(value.im);
        }
    }
}

/// Differences on a plane.
#[derive(Clone, Copy)]
struct Grid {
    rows: usize,
    columns: usize,
}

/// A complex plane.
type Plane = Vec<Complex<f64>>;
/// Along rows, along columns.
type Field = Vec<[Complex<f64>; 2]>;

impl Grid {
    /// The value of each pixel from its row and column, in parallel over rows.
    fn map<V: Send + Clone>(self, zero: V, value: impl Fn(usize, usize) -> V + Sync) -> Vec<V> {
        let mut values = vec![zero; self.rows * self.columns];
        values
            .par_chunks_mut(self.columns)
            .enumerate()
            .for_each(|(row, out)| {
                for (column, out) in out.iter_mut().enumerate() {
                    *out = value(row, column);
                }
            });
        values
    }

    /// Forward differences; 0 beyond the last row and column.
    fn gradient(self, row: usize, column: usize, plane: &[Complex<f64>]) -> [Complex<f64>; 2] {
        let at = row * self.columns + column;
        let zero = Complex::new(0.0, 0.0);
        let below = (row + 1 < self.rows).then(|| plane[at + self.columns] - plane[at]);
        let beside = (column + 1 < self.columns).then(|| plane[at + 1] - plane[at]);
        [below.unwrap_or(zero), beside.unwrap_or(zero)]
    }

    /// The negative adjoint of [`Grid::gradient`].
    fn divergence(self, row: usize, column: usize, field: &[[Complex<f64>; 2]]) -> Complex<f64> {
        let at = row * self.columns + column;
        let part = |axis: usize, is_first: bool, is_last: bool, step: usize| {
            let here = if is_last {
                Complex::new(0.0, 0.0)
            } else {
                field[at][axis]
            };
            if is_first {
                here
            } else {
                here - field[at - step][axis]
            }
        };
        part(0, row == 0, row + 1 == self.rows, self.columns)
            + part(1, column == 0, column + 1 == self.columns, 1)
    }

    fn smooth(self, start: &[Complex<f64>], strength: f64) -> Plane {
        let zero = Complex::new(0.0, 0.0);
        let mut dual: Field = vec![[zero; 2]; start.len()];
        for _ in 0..ITERATIONS {
            let slope = self.map(zero, |row, column| {
                self.divergence(row, column, &dual) - start[row * self.columns + column] / strength
            });
            dual = self.map([zero; 2], |row, column| {
                let [down, across] = self.gradient(row, column, &slope);
                let size = (down.norm_sqr() + across.norm_sqr()).sqrt();
                let [y, x] = dual[row * self.columns + column];
                [y + down * STEP, x + across * STEP].map(|value| value / (1.0 + STEP * size))
            });
        }
        self.map(zero, |row, column| {
            start[row * self.columns + column] - self.divergence(row, column, &dual) * strength
        })
    }

    fn smooth_ptychi(self, start: &[Complex<f64>], strength: f64) -> Plane {
        let zero = Complex::new(0.0, 0.0);
        // Backward differences, 0 before the first row and column.
        let divergence = |row: usize, column: usize, field: &Field| {
            let at = row * self.columns + column;
            let down = (row > 0).then(|| field[at][0] - field[at - self.columns][0]);
            let across = (column > 0).then(|| field[at][1] - field[at - 1][1]);
            across.unwrap_or(zero) + down.unwrap_or(zero)
        };
        let mut plane = start.to_vec();
        let mut dual: Field = vec![[zero; 2]; start.len()];
        for _ in 0..ITERATIONS_PTYCHI {
            let slope = self.map(zero, |row, column| {
                divergence(row, column, &dual) - plane[row * self.columns + column] / strength
            });
            dual = self.map([zero; 2], |row, column| {
                let [down, across] = self.gradient(row, column, &slope);
                let size = (down * down + across * across).sqrt();
                let [y, x] = dual[row * self.columns + column];
                [y + down * STEP, x + across * STEP].map(|value| value / (size * STEP + 1.0))
            });
            plane = self.map(zero, |row, column| {
                let at = row * self.columns + column;
                plane[at] - divergence(row, column, &dual) * strength
            });
        }
        let overlap: Complex<f64> = start.iter().zip(&plane).map(|(a, b)| a * b).sum();
        let square: Complex<f64> = plane.iter().map(|value| value * value).sum();
        if square.norm() > 0.0 {
            let factor = overlap / square;
            for value in &mut plane {
                *value *= factor;
            }
        }
        plane
    }
}
