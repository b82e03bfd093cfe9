//! The steps from two objects in one frame to two pictures that can be measured.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, s};
use num_complex::{Complex32, Complex64};

use crate::error::{Error, Result};
use crate::metrics::pair::{Pair, amplitudes, counted, eroded};
use crate::metrics::plane::{self, difference_plane};
use crate::metrics::prepare::fill::fill;
use crate::metrics::prepare::{Area, Prepared, Steps};
use crate::metrics::settings::{AmplitudeFactor, CompareSettings, PhaseRemoval};
use crate::register::{RegisterOptions, Registration, fourier_shift, register};

/// Pixels of the object around the area that are shifted with it.
const MARGIN_PX: usize = 32;
/// Spread of the reference's amplitude, over its mean, below which it has no contrast to be registered on.
const LEAST_CONTRAST: f64 = 1e-3;
/// Spread over mean that may be rounding alone.
const ROUNDING: f64 = 1e-6;

/// A shift below this is not looked at again: the window pulls by some hundredths of it.
const LEAST_SHIFT_PX: f64 = 0.1;

/// Amplitudes whose error is below this tell the shift, whatever the phases.
const SURE: f64 = 0.3;
/// Phases tell the shift where their error is below this part of the amplitudes'.
const FAR_BETTER: f64 = 0.5;

/// What of two objects is registered.
#[derive(Clone, Copy)]
enum Part {
    Amplitude,
    Phase,
}

/// Both objects, and what of the area can be compared.
pub(super) struct Objects<'a> {
    reference: ArrayView2<'a, Complex32>,
    other: ArrayView2<'a, Complex32>,
    area: &'a Area,
    /// `(h, w)` of the area: lit, seen and finite in both.
    known: Array2<bool>,
    n_not_finite: usize,
    /// The reference over the area, pixels that are not known filled.
    filled: Array2<Complex64>,
}

fn invalid(key: &str, expected: impl Into<String>, found: impl Into<String>) -> Error {
    Error::invalid("compare", key, expected, found)
}

impl<'a> Objects<'a> {
    pub(super) fn check(
        reference: ArrayView2<'a, Complex32>,
        other: ArrayView2<'a, Complex32>,
        area: &'a Area,
    ) -> Result<Self> {
        let frame = reference.dim();
        if other.dim() != frame {
            let (expected, found) = (format!("the reference's {frame:?}"), other.dim());
            return Err(invalid("shape", expected, format!("{found:?}"))
                .with_fix("reconstruct in the dataset's object frame"));
        }
        let is_inside = area.rows.end <= frame.0
            && area.columns.end <= frame.1
            && !area.rows.is_empty()
            && !area.columns.is_empty();
        if !is_inside {
            let found = format!("rows {:?}, columns {:?}", area.rows, area.columns);
            return Err(invalid(
                "region",
                format!("a part of 0:{},0:{}", frame.0, frame.1),
                found,
            ));
        }
        if let Some(mask) = area.mask.as_ref().filter(|mask| mask.dim() != area.dim()) {
            let (expected, found) = (format!("{:?}", area.dim()), format!("{:?}", mask.dim()));
            return Err(invalid("mask", expected, found));
        }
        Self::of(reference, other, area)
    }

    fn of(
        reference: ArrayView2<'a, Complex32>,
        other: ArrayView2<'a, Complex32>,
        area: &'a Area,
    ) -> Result<Self> {
        let part = s![area.rows.clone(), area.columns.clone()];
        let lit = |at| area.mask.as_ref().is_none_or(|mask| mask[at]);
        let (reference_part, other_part) = (reference.slice(part), other.slice(part));
        let (mut n_not_finite, mut n_lit, mut n_other) = (0, 0, [0_usize; 2]);
        let known = Array2::from_shape_fn(area.dim(), |at| {
            let is_finite = reference_part[at].is_finite() && other_part[at].is_finite();
            n_not_finite += usize::from(!is_finite);
            n_lit += usize::from(lit(at));
            n_other[0] += usize::from(lit(at) && other_part[at].is_finite());
            n_other[1] += usize::from(lit(at) && is_finite && other_part[at].norm_sqr() > 0.0);
            lit(at) && is_finite
        });
        match (n_lit, n_other) {
            (0, _) => Err(invalid("region", "a pixel to compare", "none")),
            (_, [0, _]) => Err(invalid(
                "reconstruction",
                "finite values",
                "none in the region",
            )),
            _ if !known.iter().any(|&known| known) => {
                Err(invalid("reference", "finite values", "none in the region"))
            }
            (_, [_, 0]) => Err(invalid(
                "reconstruction",
                "values other than 0",
                "zeros alone in the region",
            )),
            _ => Ok(Self {
                filled: filled(reference_part, &known),
                reference,
                other,
                area,
                known,
                n_not_finite,
            }),
        }
    }

    /// The reconstruction over the area, pixels that are not known filled.
    fn filled_other(&self) -> Array2<Complex64> {
        let part = s![self.area.rows.clone(), self.area.columns.clone()];
        filled(self.other.slice(part), &self.known)
    }

    /// The shift of the reconstruction; `None` where the reference is the same everywhere.
    ///
    /// Amplitudes tell, unless they have no contrast or phases agree far better, amplitudes being noise alone; of two that
    /// agree about as well amplitudes are the surer, since no plane has to be taken off them first. The window that keeps the frame's edge out does not move with the
    /// content and pulls a shift towards zero, so what is left after it is looked for again.
    pub(super) fn registration(&self, notes: &mut Vec<String>) -> Result<Option<Registration>> {
        let other = self.filled_other();
        let by_amplitude = self.register_part(Part::Amplitude, &other)?;
        let by_phase = match by_amplitude {
            Some(found) if found.error < SURE => None,
            _ => self.register_part(Part::Phase, &other)?,
        };
        let (part, found) = match (by_amplitude, by_phase) {
            (None, None) => {
                let is_flat = contrast(&amplitudes(&other), &self.known) < ROUNDING
                    && spread(&self.phases(&other)[1]) < ROUNDING;
                let which = if is_flat {
                    "reconstruction"
                } else {
                    "reference"
                };
                notes.push(format!(
                    "The {which} is the same everywhere: there is nothing to register on."
                ));
                return Ok(None);
            }
            (Some(amplitude), Some(phase)) if phase.error < FAR_BETTER * amplitude.error => {
                notes.push("Registered on phases, which agree far better.".to_owned());
                (Part::Phase, phase)
            }
            (Some(amplitude), _) => (Part::Amplitude, amplitude),
            (None, Some(phase)) => {
                notes.push("The amplitude has no contrast: registered on phases.".to_owned());
                (Part::Phase, phase)
            }
        };
        if found.shift_px[0].hypot(found.shift_px[1]) < LEAST_SHIFT_PX {
            return Ok(Some(found));
        }
        let rest = self.register_part(part, &self.shifted(found.shift_px))?;
        Ok(Some(rest.map_or(found, |rest| Registration {
            shift_px: [0, 1].map(|axis| found.shift_px[axis] + rest.shift_px[axis]),
            error: rest.error,
        })))
    }

    /// The shift by one part of the objects; `None` where either has no contrast in it.
    fn register_part(&self, part: Part, other: &Array2<Complex64>) -> Result<Option<Registration>> {
        let [reference, other] = match part {
            Part::Amplitude => {
                let [reference, other] = [&self.filled, other].map(amplitudes);
                let has_contrast = contrast(&reference, &self.known) > LEAST_CONTRAST
                    && contrast(&other, &self.known) >= ROUNDING;
                if !has_contrast {
                    return Ok(None);
                }
                [reference, other]
            }
            Part::Phase => {
                let [reference, other] = self.phases(other);
                if spread(&reference) < LEAST_CONTRAST || spread(&other) < ROUNDING {
                    return Ok(None);
                }
                [reference, other]
            }
        };
        register(reference.view(), other.view(), RegisterOptions::default()).map(Some)
    }

    /// The sines of both phases' differences from the reference's mean direction, the plane between them removed: they stay
    /// continuous where phases wrap.
    fn phases(&self, other: &Array2<Complex64>) -> [Array2<f64>; 2] {
        let reference = &self.filled;
        let plane = difference_plane(
            reference.view(),
            other.view(),
            Some(&self.known),
            PhaseRemoval::Plane,
        );
        let mut level = other.clone();
        plane::remove(&mut level, plane);
        let mean = reference.sum().arg();
        [reference, &level]
            .map(|object| object.mapv(|value| (value * Complex64::cis(-mean)).arg().sin()))
    }

    /// Shift, cut the border, remove the phase, scale the amplitude.
    pub(super) fn aligned(
        &self,
        settings: &CompareSettings,
        registration: Option<Registration>,
        mut notes: Vec<String>,
    ) -> Result<Prepared> {
        let border = if settings.register {
            settings.border
        } else {
            0
        };
        let shift_px = registration.map_or([0.0; 2], |found| found.shift_px);
        let area = self.inner(border, shift_px)?;
        let moved = if registration.is_some() {
            self.shifted(shift_px)
        } else {
            self.filled_other()
        };
        let inner = s![
            border..border + area.rows.len(),
            border..border + area.columns.len()
        ];
        let reference = self.filled.slice(inner).to_owned();
        let mut other = moved.slice(inner).to_owned();
        let mask = area.mask.as_ref();
        let plane_rad = difference_plane(reference.view(), other.view(), mask, settings.phase);
        plane::remove(&mut other, plane_rad);
        let amplitude_factor = factor(&reference, &other, mask, settings.amplitude)?;
        other.mapv_inplace(|value| value * amplitude_factor);
        let is_far = shift_px[0].hypot(shift_px[1]) > settings.most_shift;
        if is_far {
            notes.push(format!(
                "The shift is longer than {} px, though frames agree.",
                settings.most_shift
            ));
        }
        let n_pixels = area.n_pixels();
        let steps = Steps {
            registration,
            is_far,
            plane_rad,
            amplitude_factor,
            n_pixels,
            n_left_out: area.rows.len() * area.columns.len() - n_pixels,
            n_not_finite: self.n_not_finite,
            notes,
        };
        Ok(Prepared {
            area,
            reference,
            other,
            steps,
        })
    }

    /// The area less its border, with the pixels that count; what came in from beyond the object's edge does not.
    fn inner(&self, border: usize, shift_px: [f64; 2]) -> Result<Area> {
        let (n_rows, n_columns) = self.area.dim();
        let too_small = || {
            let expected = format!(
                "more than {} px a side, the border on both sides",
                2 * border
            );
            invalid("region", expected, format!("{n_rows} x {n_columns} px"))
                .with_fix("take a larger region, a smaller --border, or leave registration out")
        };
        if n_rows.min(n_columns) <= 2 * border {
            return Err(too_small());
        }
        let mut mask = eroded(&self.known, border, border);
        let (frame, margins) = (self.reference.dim(), self.margins());
        let sides = [
            (n_rows, margins[0], frame.0),
            (n_columns, margins[1], frame.1),
        ];
        let reached = [0, 1].map(|axis| {
            let (n, [before, after], _) = sides[axis];
            let least = (shift_px[axis] - before as f64).ceil() - border as f64;
            let most = (shift_px[axis] + (n + after) as f64).floor() - border as f64;
            (least, most)
        });
        for ((row, column), counts) in mask.indexed_iter_mut() {
            let is_reached = |at: usize, (least, most): (f64, f64)| {
                let at = at as f64;
                least <= at && at < most
            };
            *counts &= is_reached(row, reached[0]) && is_reached(column, reached[1]);
        }
        if !mask.iter().any(|&counts| counts) {
            let found = format!("every pixel within {border} px of one that is left out");
            return Err(invalid("region", "a pixel to compare", found)
                .with_fix("take another region, or a smaller --border"));
        }
        let is_whole = mask.iter().all(|&counts| counts);
        Ok(Area {
            rows: self.area.rows.start + border..self.area.rows.end - border,
            columns: self.area.columns.start + border..self.area.columns.end - border,
            mask: (!is_whole).then_some(mask),
        })
    }

    /// Pixels of the object before and after the area that go with it, for rows and columns.
    fn margins(&self) -> [[usize; 2]; 2] {
        let (height, width) = self.reference.dim();
        let margin = |range: &Range<usize>, side: usize| {
            [
                range.start.min(MARGIN_PX),
                (side - range.end).min(MARGIN_PX),
            ]
        };
        [
            margin(&self.area.rows, height),
            margin(&self.area.columns, width),
        ]
    }

    /// The reconstruction over the area, shifted together with its surroundings, which fade out towards their mean.
    fn shifted(&self, shift_px: [f64; 2]) -> Array2<Complex64> {
        let [[top, bottom], [left, right]] = self.margins();
        let Area { rows, columns, .. } = self.area;
        let wide = s![
            rows.start - top..rows.end + bottom,
            columns.start - left..columns.end + right
        ];
        let (n_rows, n_columns) = self.area.dim();
        let around = self.other.slice(wide);
        let mut known = around.map(|value| value.is_finite());
        let area = s![top..top + n_rows, left..left + n_columns];
        known.slice_mut(area).assign(&self.known);
        let mut values = filled(around, &known);
        let mean = counted(values.slice(area), Some(&self.known))
            .iter()
            .sum::<Complex64>()
            / self.known.iter().filter(|known| **known).count() as f64;
        let down = fades(n_rows, [top, bottom]);
        let across = fades(n_columns, [left, right]);
        for ((row, column), value) in values.indexed_iter_mut() {
            let weight = down[row] * across[column];
            if weight < 1.0 {
                *value = mean + (*value - mean) * weight;
            }
        }
        fourier_shift(values.view(), shift_px)
            .slice(area)
            .to_owned()
    }
}

/// 1 over the area, falling to 0 over the margins as a cosine.
fn fades(n: usize, [before, after]: [usize; 2]) -> Vec<f64> {
    let fade = |distance: usize, margin: usize| {
        let part = distance as f64 / (margin + 1) as f64;
        0.5 + 0.5 * (std::f64::consts::PI * part).cos()
    };
    let rising = (1..=before).rev().map(|distance| fade(distance, before));
    let falling = (1..=after).map(|distance| fade(distance, after));
    rising
        .chain(std::iter::repeat_n(1.0, n))
        .chain(falling)
        .collect()
}

fn spread(picture: &Array2<f64>) -> f64 {
    picture.std(0.0)
}

/// Standard deviation over mean of the pixels that count.
fn contrast(amplitude: &Array2<f64>, known: &Array2<bool>) -> f64 {
    let values = counted(amplitude.view(), Some(known));
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>()
        / n;
    if mean > 0.0 {
        variance.sqrt() / mean
    } else {
        0.0
    }
}

/// The factor on the amplitude of `other`.
fn factor(
    reference: &Array2<Complex64>,
    other: &Array2<Complex64>,
    mask: Option<&Array2<bool>>,
    choice: AmplitudeFactor,
) -> Result<f64> {
    let (reference, other) = (amplitudes(reference), amplitudes(other));
    let pixels = Pair {
        reference: reference.view(),
        other: other.view(),
        mask,
    }
    .counted();
    let (mut sums, mut products) = ([0.0; 2], [0.0; 2]);
    for (t, r) in pixels {
        sums = [sums[0] + t, sums[1] + r];
        products = [products[0] + t * r, products[1] + r * r];
    }
    let [over, under] = match choice {
        AmplitudeFactor::Mean => sums,
        AmplitudeFactor::LeastSquares => products,
        AmplitudeFactor::None => [1.0; 2],
    };
    if under > 0.0 {
        Ok(over / under)
    } else {
        Err(invalid(
            "reconstruction",
            "values other than 0",
            "zeros alone in the region",
        ))
    }
}

/// An object in double precision, pixels that are not known filled from their neighbours.
fn filled(object: ArrayView2<'_, Complex32>, known: &Array2<bool>) -> Array2<Complex64> {
    let mut values = object.mapv(double);
    if known.iter().any(|&known| !known) {
        fill(&mut values, known);
    }
    values
}

fn double(value: Complex32) -> Complex64 {
    Complex64::new(f64::from(value.re), f64::from(value.im))
}
