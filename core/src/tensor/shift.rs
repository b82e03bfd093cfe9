//! Translation of planes by fractions of a pixel, bilinear, zeros outside, and its adjoint.
//!
//! `T_d[f](p) = f(p - d)`, linear in each axis: with `d = ⌊d⌋ + f`, the weights `(1 - f)` and `f` of the two pixels
//! `p - ⌊d⌋` and `p - ⌊d⌋ - 1`. `T_-d` is the adjoint of `T_d` only for whole pixels; [`shift_adjoint_add`] is for all.
//! A complex plane is shifted as two real ones.
//!
//! All of it is one kernel, [`resample`]: shifts, their adjoints, and both between planes of different size, since the
//! adjoint of two weighted neighbours is two weighted neighbours in the other order ([`Taps::adjoint`]).
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use pulp::Arch;

use crate::simd::Real;
use crate::tensor::elementary::Sweep;

/// Two neighbours along one axis and their weights: pixel `i` takes `Σ_s weights[s] · from[i + start + s]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Taps<T> {
    /// Offset of the first neighbour in pixels.
    pub start: isize,
    /// Weights of the two.
    pub weights: [T; 2],
}

impl<T: Real> Taps<T> {
    /// Pixel `i` takes the plane's value at `i + offset_px`.
    pub fn at(offset_px: f64) -> Self {
        let whole = offset_px.floor();
        let fraction = offset_px - whole;
        Self {
            start: whole as isize,
            weights: [T::of(1.0 - fraction), T::of(fraction)],
        }
    }

    /// The transposed operation.
    pub fn adjoint(self) -> Self {
        Self {
            start: -self.start - 1,
            weights: [self.weights[1], self.weights[0]],
        }
    }

    /// The same, seen from a plane that begins `by` pixels further on.
    pub fn moved(self, by: isize) -> Self {
        Self {
            start: self.start + by,
            ..self
        }
    }

    /// Pixels of `0..n_to` that have a neighbour in `0..n_from`.
    pub fn reach(self, n_from: usize, n_to: usize) -> std::ops::Range<usize> {
        let clip = |i: isize| i.clamp(0, n_to as isize) as usize;
        let first = clip(-self.start - 1);
        first..clip(n_from as isize - self.start).max(first)
    }

    /// What pixel `i` takes from ones on `0..n_from` and zeros outside.
    pub fn of_ones(self, i: usize, n_from: usize) -> T {
        let first = i as isize + self.start;
        let is_inside = |i: isize| (0..n_from as isize).contains(&i);
        let weight = |i: isize, weight: T| if is_inside(i) { weight } else { T::zero() };
        weight(first, self.weights[0]) + weight(first + 1, self.weights[1])
    }
}

/// Add to every pixel of `to` its four weighted neighbours in `from`, zero outside.
///
/// # Shapes
/// - `from`: rows of `n_from` values; `to`: rows of `n_to` values; `taps`: of rows, of columns;
/// - `room`: at least `n_from + 2` values.
#[inline(always)]
pub(crate) fn resample_add<T: Real>(
    (from, n_from): (&[T], usize),
    (to, n_to): (&mut [T], usize),
    [rows, columns]: [Taps<T>; 2],
    room: &mut [T],
) {
    let n_from_rows = from.len() / n_from;
    let reach = columns.reach(n_from, n_to);
    if reach.is_empty() {
        return;
    }
    let first = (reach.start as isize + columns.start + 1) as usize;
    let room = &mut room[..n_from + 2];
    room[0] = T::zero();
    room[n_from + 1] = T::zero();
    let source = |i: isize| {
        let row = usize::try_from(i).ok().filter(|&row| row < n_from_rows)?;
        from.get(row * n_from..(row + 1) * n_from)
    };
    let [c0, c1] = columns.weights;
    for r in rows.reach(n_from_rows, to.len() / n_to) {
        let above = r as isize + rows.start;
        let between = &mut room[1..=n_from];
        match (source(above), source(above + 1)) {
            (Some(a), Some(b)) => {
                let [w0, w1] = rows.weights;
                for ((out, &a), &b) in between.iter_mut().zip(a).zip(b) {
                    *out = a * w0 + b * w1;
                }
            }
            (Some(a), None) => weigh(between, a, rows.weights[0]),
            (None, Some(b)) => weigh(between, b, rows.weights[1]),
            (None, None) => continue,
        }
        let out = &mut to[r * n_to..][reach.clone()];
        let (left, right) = (&room[first..][..out.len()], &room[first + 1..][..out.len()]);
        for ((out, &a), &b) in out.iter_mut().zip(left).zip(right) {
            *out += a * c0 + b * c1;
        }
    }
}

#[inline(always)]
fn weigh<T: Real>(to: &mut [T], from: &[T], weight: T) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to = from * weight;
    }
}

/// Add to every pixel of `to` its four weighted neighbours in `from`, zero outside:
/// `to[r, c] += Σ_st rows.weights[s] columns.weights[t] from[r + rows.start + s, c + columns.start + t]`.
///
/// # Shapes
/// - `from`, `to`: planes with the row lengths beside them; `taps`: of rows, of columns.
///
/// # Panics
/// If a row length is 0.
pub fn resample<T: Real>(from: (&[T], usize), to: (&mut [T], usize), taps: [Taps<T>; 2]) {
    let mut room = vec![T::zero(); from.1 + 2];
    let (to, n_to) = to;
    Arch::new().dispatch(Sweep(
        #[inline(always)]
        || resample_add(from, (&mut *to, n_to), taps, &mut room),
    ));
}

/// `T_d[from]`: `to(p) = from(p - shift_px)`.
///
/// # Shapes
/// - `from`, `to`: planes of the same shape with rows of `n_columns`; `shift_px`: (row, column).
///
/// # Panics
/// If `n_columns` is 0.
pub fn shift<T: Real>(from: &[T], to: &mut [T], n_columns: usize, shift_px: [f64; 2]) {
    to.fill(T::zero());
    let taps = shift_px.map(|d| Taps::at(-d));
    resample((from, n_columns), (to, n_columns), taps);
}

/// The adjoint of [`shift`], added: `to += T_d*[from]`, so that `⟨T_d f, g⟩ = ⟨f, T_d* g⟩`.
///
/// # Shapes
/// As of [`shift`].
///
/// # Panics
/// If `n_columns` is 0.
pub fn shift_adjoint_add<T: Real>(from: &[T], to: &mut [T], n_columns: usize, shift_px: [f64; 2]) {
    let taps = shift_px.map(|d| Taps::at(-d).adjoint());
    resample((from, n_columns), (to, n_columns), taps);
}
