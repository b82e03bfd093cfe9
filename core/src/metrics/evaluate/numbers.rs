//! The single numbers, and why one is missing.

use ndarray::Array2;

use crate::error::{Error, Result};
use crate::metrics::definitions::DEFINITIONS;
use crate::metrics::errors::{Errors, complex_error};
use crate::metrics::evaluate::{MetricValue, Missing, in_turns};
use crate::metrics::frc::{FrcCurve, Threshold};
use crate::metrics::ms_ssim::{WEIGHTS, ms_ssim, ms_ssim_legacy};
use crate::metrics::pair::Pair;
use crate::metrics::phases::Phases;
use crate::metrics::prepare::Prepared;
use crate::metrics::ssim::{Window, ssim};

/// Data range that PtychoPINN's PSNR takes, whatever the data.
const LEGACY_PEAK: f64 = 255.0;

/// A number, or why there is none.
pub(super) type Number = std::result::Result<f64, &'static str>;
/// Numbers of one picture by key.
pub(super) type Numbers = Vec<(&'static str, Number)>;

pub(super) fn errors_of(pair: Pair<'_>) -> Result<Errors> {
    Errors::of(pair)
        .ok_or_else(|| Error::invalid("compare", "region", "a pixel to compare", "none"))
}

pub(super) fn psnr(errors: &Errors, range: f64) -> Number {
    if range <= 0.0 {
        return Err("the reference is the same everywhere, so it has no range");
    }
    errors
        .psnr(range)
        .ok_or("nothing differs, so the ratio is infinite")
}

pub(super) fn of_errors(errors: &Errors, range: f64) -> Numbers {
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
pub(super) fn similarities(pair: Pair<'_>, range: f64, sigma_px: f64) -> Numbers {
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
pub(super) fn legacy_numbers(
    phases: &Phases,
    mask: Option<&Array2<bool>>,
    sigma_px: f64,
) -> Result<Numbers> {
    let errors = errors_of(phases.pair(mask))?;
    let (reference, other) = (in_turns(&phases.reference), in_turns(&phases.other));
    let pair = Pair {
        reference: reference.view(),
        other: other.view(),
        mask,
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

const NO_RING: &str = "no ring has power in both pictures";

/// Every threshold, as a fraction of Nyquist, in rings, as half a period in nm.
pub(super) fn cutoffs(curve: &FrcCurve, pixel_size_m: Option<f64>, numbers: &mut Numbers) {
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

pub(super) fn legacy_cutoffs(curve: &FrcCurve) -> Numbers {
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
pub(super) fn of_whole(prepared: &Prepared, least_squares_factor: Option<f64>) -> Numbers {
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
pub(super) fn table(parts: [Numbers; 3]) -> (Vec<MetricValue>, Vec<Missing>) {
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
