//! All numbers of one reconstruction.

use ndarray::{Array2, ArrayView2, s};
use num_complex::Complex64;
use num_traits::Zero;

use crate::error::{Error, Result};
use crate::metrics::bias::Bias;
use crate::metrics::definitions::DEFINITIONS;
use crate::metrics::errors::{Errors, complex_error};
use crate::metrics::frc::{FrcCurve, Threshold};
use crate::metrics::ms_ssim::{WEIGHTS, ms_ssim, ms_ssim_legacy};
use crate::metrics::pair::{Pair, counted};
use crate::metrics::phases::Phases;
use crate::metrics::prepare::Prepared;
use crate::metrics::settings::CompareSettings;
use crate::metrics::ssim::{Window, ssim};

/// Data range that PtychoPINN's PSNR takes, whatever the data.
const LEGACY_PEAK: f64 = 255.0;

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

/// A number, or why there is none.
type Number = std::result::Result<f64, &'static str>;
/// Numbers of one picture by key.
type Numbers = Vec<(&'static str, Number)>;

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
    let amplitudes =
        [&prepared.reference, &prepared.other].map(|object| object.mapv(Complex64::norm));
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
        || similarities(pair, range, settings.sigma),
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
    let (pair, legacy) = (phases.pair(mask), legacy.pair(mask));
    let errors = errors_of(pair)?;
    let mut numbers = of_errors(&errors, errors.reference_range());
    numbers.push(("psnr_2pi", psnr(&errors, std::f64::consts::TAU)));
    let turns = |phase: ArrayView2<'_, f64>| {
        phase.mapv(|rad| (rad + std::f64::consts::PI) / std::f64::consts::TAU)
    };
    let (reference, other) = (turns(pair.reference), turns(pair.other));
    let of_turns = Pair {
        reference: reference.view(),
        other: other.view(),
        mask,
    };
    let (more, (rings, (of_legacy, bias))) = rayon::join(
        || similarities(of_turns, 1.0, settings.sigma),
        || {
            rayon::join(
                || both_rings(pair, legacy, settings.frc_window),
                || {
                    rayon::join(
                        || legacy_numbers(legacy, settings.sigma),
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

fn errors_of(pair: Pair<'_>) -> Result<Errors> {
    Errors::of(pair)
        .ok_or_else(|| Error::invalid("compare", "region", "a pixel to compare", "none"))
}

fn psnr(errors: &Errors, range: f64) -> Number {
    if range <= 0.0 {
        return Err("the reference is the same everywhere, so it has no range");
    }
    errors
        .psnr(range)
        .ok_or("nothing differs, so the ratio is infinite")
}

fn of_errors(errors: &Errors, range: f64) -> Numbers {
    vec![
        ("mae", Ok(errors.mae)),
        ("rmse", Ok(errors.rmse())),
        ("mse", Ok(errors.mse)),
        ("max_error", Ok(errors.max_error)),
        ("psnr", psnr(errors, range)),
        ("psnr_255", psnr(errors, LEGACY_PEAK)),
        (
            "pearson",
            errors
                .pearson
                .ok_or("one of the pictures is the same everywhere"),
        ),
        ("data_range", Ok(range)),
    ]
}

/// SSIM in both forms, MS-SSIM in both forms.
fn similarities(pair: Pair<'_>, range: f64, sigma_px: f64) -> Numbers {
    let no_window = if range > 0.0 {
        "no window lies wholly inside the region"
    } else {
        "the reference is the same everywhere, so it has no range"
    };
    let ((uniform, gaussian), (scales, legacy)) = rayon::join(
        || {
            (
                ssim(pair, Window::Uniform7, range),
                ssim(pair, Window::Gaussian11, range),
            )
        },
        || {
            rayon::join(
                || ms_ssim(pair, range, WEIGHTS.len()),
                || ms_ssim_legacy(pair, sigma_px),
            )
        },
    );
    let n_scales = scales.as_ref().map(|scales| scales.factors.len() as f64);
    vec![
        ("ssim", uniform.map(|s| s.ssim).ok_or(no_window)),
        ("ssim_wang", gaussian.map(|s| s.ssim).ok_or(no_window)),
        (
            "ms_ssim",
            scales.map(|scales| scales.value).ok_or(no_window),
        ),
        ("ms_ssim_scales", n_scales.ok_or(no_window)),
        ("ms_ssim_legacy", legacy.ok_or(no_window)),
    ]
}

/// What PtychoPINN prints for a phase.
fn legacy_numbers(pair: Pair<'_>, sigma_px: f64) -> Result<Numbers> {
    let errors = errors_of(pair)?;
    let turns = |phase: ArrayView2<'_, f64>| {
        phase.mapv(|rad| (rad + std::f64::consts::PI) / std::f64::consts::TAU)
    };
    let (reference, other) = (turns(pair.reference), turns(pair.other));
    let pair = Pair {
        reference: reference.view(),
        other: other.view(),
        mask: pair.mask,
    };
    let no_window = "no window lies wholly inside the region";
    let uniform = ssim(pair, Window::Uniform7, 1.0).map(|s| s.ssim);
    Ok(vec![
        ("legacy_mae", Ok(errors.mae)),
        ("legacy_mse", Ok(errors.mse)),
        ("legacy_psnr_255", psnr(&errors, LEGACY_PEAK)),
        ("legacy_ssim", uniform.ok_or(no_window)),
        (
            "legacy_ms_ssim",
            ms_ssim_legacy(pair, sigma_px).ok_or(no_window),
        ),
    ])
}

/// Ring correlations as asked for, and as PtychoPINN has them: without a window.
fn both_rings(pair: Pair<'_>, legacy: Pair<'_>, window: bool) -> Result<(FrcCurve, FrcCurve)> {
    let (rings, legacy) = rayon::join(|| real_rings(pair, window), || real_rings(legacy, false));
    Ok((rings?, legacy?))
}

fn real_rings(pair: Pair<'_>, window: bool) -> Result<FrcCurve> {
    let (reference, other) = (
        square(pair.reference, pair.mask),
        square(pair.other, pair.mask),
    );
    FrcCurve::of_real(reference.view(), other.view(), window)
}

fn rings(
    reference: ArrayView2<'_, Complex64>,
    other: ArrayView2<'_, Complex64>,
    mask: Option<&Array2<bool>>,
    window: bool,
) -> Result<FrcCurve> {
    FrcCurve::of(
        square(reference, mask).view(),
        square(other, mask).view(),
        window,
    )
}

/// The central square, pixels that do not count set to the mean of those in it that do.
fn square<T>(picture: ArrayView2<'_, T>, mask: Option<&Array2<bool>>) -> Array2<T>
where
    T: Copy + Zero + std::ops::Div<f64, Output = T> + std::iter::Sum,
{
    let (n_rows, n_columns) = picture.dim();
    let side = n_rows.min(n_columns);
    let (top, left) = ((n_rows - side) / 2, (n_columns - side) / 2);
    let part = s![top..top + side, left..left + side];
    let mut square = picture.slice(part).to_owned();
    if let Some(mask) = mask {
        let mask = mask.slice(part).to_owned();
        let values = counted(square.view(), Some(&mask));
        let n = values.len().max(1) as f64;
        let mean = values.into_iter().sum::<T>() / n;
        for (value, &counts) in square.iter_mut().zip(&mask) {
            if !counts {
                *value = mean;
            }
        }
    }
    square
}

const NO_RING: &str = "no ring has power in both pictures";

/// Every threshold, as a fraction of Nyquist, in rings, as half a period in nm.
fn cutoffs(curve: &FrcCurve, pixel_size_m: Option<f64>, numbers: &mut Numbers) {
    const KEYS: [[&str; 3]; 4] = [
        ["frc50", "frc50_rings", "frc50_nm"],
        ["frc_1_7", "frc_1_7_rings", "frc_1_7_nm"],
        ["frc_1bit", "frc_1bit_rings", "frc_1bit_nm"],
        ["frc_half_bit", "frc_half_bit_rings", "frc_half_bit_nm"],
    ];
    for (threshold, [of_nyquist, rings, nm]) in Threshold::ALL.into_iter().zip(KEYS) {
        if !curve.is_known() {
            numbers.extend([of_nyquist, rings, nm].map(|key| (key, Err(NO_RING))));
            continue;
        }
        let cutoff = curve.cutoff(threshold, pixel_size_m);
        let no_nm = if pixel_size_m.is_some() {
            "the curve lies below the threshold from the start"
        } else {
            "the pixel size is not known"
        };
        numbers.push((of_nyquist, Ok(cutoff.of_nyquist)));
        numbers.push((rings, Ok(cutoff.rings)));
        numbers.push((nm, cutoff.half_period_nm.ok_or(no_nm)));
    }
}

fn legacy_cutoffs(curve: &FrcCurve) -> Numbers {
    let rings = |threshold| {
        if curve.is_known() {
            Ok(curve.cutoff(threshold, None).rings)
        } else {
            Err(NO_RING)
        }
    };
    vec![
        ("legacy_frc50_rings", rings(Threshold::Half)),
        ("legacy_frc_1_7_rings", rings(Threshold::Seventh)),
    ]
}

/// Numbers of the whole comparison.
fn of_whole(prepared: &Prepared, least_squares_factor: Option<f64>) -> Numbers {
    let steps = &prepared.steps;
    let mask = prepared.area.mask.as_ref();
    let error = complex_error(prepared.reference.view(), prepared.other.view(), mask);
    let no_shift = "nothing was registered";
    let registered = steps.registration.ok_or(no_shift);
    vec![
        ("complex_error", error.ok_or("one of the objects is zero")),
        ("registration_dy_px", registered.map(|r| r.shift_px[0])),
        ("registration_dx_px", registered.map(|r| r.shift_px[1])),
        ("registration_error", registered.map(|r| r.error)),
        ("plane_column_rad_per_px", Ok(steps.plane_rad[0])),
        ("plane_row_rad_per_px", Ok(steps.plane_rad[1])),
        ("plane_offset_rad", Ok(steps.plane_rad[2])),
        ("amplitude_factor", Ok(steps.amplitude_factor)),
        (
            "amplitude_factor_least_squares",
            least_squares_factor.ok_or("the reconstruction is zero"),
        ),
        ("n_pixels", Ok(steps.n_pixels as f64)),
        ("n_left_out", Ok(steps.n_left_out as f64)),
    ]
}

/// One row for every definition that has a number, and the reasons where there is none.
fn table(parts: [Numbers; 3]) -> (Vec<MetricValue>, Vec<Missing>) {
    const OF: [&str; 3] = ["amplitude", "phase", "value"];
    let (mut values, mut missing) = (Vec::new(), Vec::new());
    for definition in DEFINITIONS {
        let mut row = [None; 3];
        for ((part, cell), of) in parts.iter().zip(&mut row).zip(OF) {
            let number = part.iter().find(|(key, _)| *key == definition.key);
            let reason = match number {
                None => continue,
                Some((_, Ok(number))) if number.is_finite() => {
                    *cell = Some(*number);
                    continue;
                }
                Some((_, Ok(_))) => "the number is not finite",
                Some((_, Err(reason))) => reason,
            };
            missing.push(Missing {
                key: definition.key,
                of,
                reason: reason.to_owned(),
            });
        }
        if row != [None; 3] {
            let [amplitude, phase, value] = row;
            values.push(MetricValue {
                key: definition.key,
                amplitude,
                phase,
                value,
            });
        }
    }
    (values, missing)
}
