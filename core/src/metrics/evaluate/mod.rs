//! All numbers of one reconstruction.

mod numbers;
mod rings;

use ndarray::Array2;

use crate::error::{Error, Result};
use crate::metrics::bias::Bias;
use crate::metrics::frc::FrcCurve;
use crate::metrics::pair::{Pair, amplitudes, mapped};
use crate::metrics::phases::Phases;
use crate::metrics::prepare::Prepared;
use crate::metrics::settings::CompareSettings;
use numbers::{
    Numbers, cutoffs, errors_of, legacy_cutoffs, legacy_numbers, of_errors, of_whole, psnr,
    similarities, table,
};
use rings::{both_rings, rings};

/// One number, for phase, amplitude or the whole.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct MetricValue {
    /// As in [`crate::metrics::definitions::DEFINITIONS`].
    pub key: &'static str,
    /// Of the amplitude.
    pub amplitude: Option<f64>,
    /// Of the phase.
    pub phase: Option<f64>,
    /// Of the whole: complex error, shifts.
    pub value: Option<f64>,
}

/// A number that cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Missing {
    /// As in [`crate::metrics::definitions::DEFINITIONS`].
    pub key: &'static str,
    /// `amplitude`, `phase` or `value`.
    pub of: &'static str,
    /// Why, in words.
    pub reason: String,
}

/// Ring correlations of amplitude, phase and the complex object.
#[derive(Clone, Debug, PartialEq)]
pub struct FrcCurves {
    /// Of amplitudes.
    pub amplitude: FrcCurve,
    /// Of phases.
    pub phase: FrcCurve,
    /// Of the complex objects.
    pub complex: FrcCurve,
}

/// What [`evaluate`] yields.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Numbers in the order of the definitions; a number that cannot be had (too small an area) is missing.
    pub values: Vec<MetricValue>,
    /// The numbers that are missing, and why.
    pub missing: Vec<Missing>,
    /// Ring correlations.
    pub frc: FrcCurves,
    /// Amplitudes before the factor.
    pub amplitude_bias: Bias,
    /// Phases after the plane.
    pub phase_bias: Bias,
}

/// Measure. On the current rayon pool; 512x512 in well under 200 ms on two threads.
///
/// Ring correlations are of the central square of the area, pixels left out set to the mean of the others in it.
///
/// # Errors
/// [`crate::Error::Invalid`] if nothing can be measured.
pub fn evaluate(
    prepared: &Prepared,
    settings: &CompareSettings,
    pixel_size_m: Option<f64>,
) -> Result<Evaluation> {
    if prepared.steps.n_pixels == 0 {
        return Err(Error::invalid(
            "compare",
            "region",
            "a pixel to compare",
            "none",
        ));
    }
    let mask = prepared.area.mask.as_ref();
    let amplitudes = [&prepared.reference, &prepared.other].map(amplitudes);
    let (amplitude, (phase, complex)) = rayon::join(
        || of_amplitude(prepared, &amplitudes, settings),
        || {
            rayon::join(
                || of_phase(prepared, settings),
                || {
                    rings(
                        prepared.reference.view(),
                        prepared.other.view(),
                        mask,
                        settings.frc_window,
                    )
                },
            )
        },
    );
    let (mut amplitude, mut phase, complex) = (amplitude?, phase?, complex?);
    let mut whole = of_whole(prepared, amplitude.bias.least_squares_factor);
    for (numbers, curve) in [
        (&mut amplitude.numbers, &amplitude.rings),
        (&mut phase.numbers, &phase.rings),
        (&mut whole, &complex),
    ] {
        cutoffs(curve, pixel_size_m, numbers);
    }
    let (values, missing) = table([amplitude.numbers, phase.numbers, whole]);
    Ok(Evaluation {
        values,
        missing,
        frc: FrcCurves {
            amplitude: amplitude.rings,
            phase: phase.rings,
            complex,
        },
        amplitude_bias: amplitude.bias,
        phase_bias: phase.bias,
    })
}

/// What is measured of amplitudes, or of phases.
struct Part {
    numbers: Numbers,
    rings: FrcCurve,
    bias: Bias,
}

fn of_amplitude(
    prepared: &Prepared,
    [reference, other]: &[Array2<f64>; 2],
    settings: &CompareSettings,
) -> Result<Part> {
    let mask = prepared.area.mask.as_ref();
    let pair = Pair {
        reference: reference.view(),
        other: other.view(),
        mask,
    };
    let errors = errors_of(pair)?;
    let range = errors.reference_range();
    let mut numbers = of_errors(&errors, range);
    let (more, (rings, bias)) = rayon::join(
        || similarities(pair, range, settings.ms_ssim_sigma),
        || {
            rayon::join(
                || both_rings(pair, pair, settings.frc_window),
                || {
                    let before = other.mapv(|value| value / prepared.steps.amplitude_factor);
                    Bias::of(reference.view(), before.view(), mask)
                },
            )
        },
    );
    let (rings, legacy_rings) = rings?;
    numbers.extend(more);
    numbers.extend(legacy_cutoffs(&legacy_rings));
    Ok(Part {
        numbers,
        rings,
        bias,
    })
}

fn of_phase(prepared: &Prepared, settings: &CompareSettings) -> Result<Part> {
    let mask = prepared.area.mask.as_ref();
    let (phases, legacy) = rayon::join(|| Phases::of(prepared), || Phases::legacy(prepared));
    let pair = phases.pair(mask);
    let errors = errors_of(pair)?;
    let mut numbers = of_errors(&errors, errors.reference_range());
    numbers.push(("psnr_2pi", psnr(&errors, std::f64::consts::TAU)));
    let (reference, other) = (in_turns(&phases.reference), in_turns(&phases.other));
    let of_turns = Pair {
        reference: reference.view(),
        other: other.view(),
        mask,
    };
    let (more, (rings, (of_legacy, bias))) = rayon::join(
        || similarities(of_turns, 1.0, settings.ms_ssim_sigma),
        || {
            rayon::join(
                || both_rings(pair, legacy.pair(mask), settings.frc_window),
                || {
                    rayon::join(
                        || legacy_numbers(&legacy, mask, settings.ms_ssim_sigma),
                        || Bias::of(pair.reference, pair.other, mask),
                    )
                },
            )
        },
    );
    let (rings, legacy_rings) = rings?;
    numbers.extend(more);
    numbers.extend(of_legacy?);
    numbers.extend(legacy_cutoffs(&legacy_rings));
    Ok(Part {
        numbers,
        rings,
        bias,
    })
}

/// A phase in rad as the pictures that SSIM is taken of: `(phase + π) / 2π`.
fn in_turns(phase_rad: &Array2<f64>) -> Array2<f64> {
    mapped(phase_rad, |rad| {
        (rad + std::f64::consts::PI) / std::f64::consts::TAU
    })
}
