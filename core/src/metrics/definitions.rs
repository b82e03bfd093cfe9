//! What each number means: shown in tooltips, written into exports.

/// Which way a number is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// The higher.
    Higher,
    /// The lower.
    Lower,
    /// Neither: a description.
    Neither,
}

impl Better {
    /// The best of some numbers; `None` where fewer than two are known, where they are all the same, and where no way is
    /// better.
    pub fn best(self, numbers: &[Option<f64>]) -> Option<f64> {
        let known = || numbers.iter().flatten().copied().filter(|n| !n.is_nan());
        let (least, greatest) = (known().reduce(f64::min)?, known().reduce(f64::max)?);
        if least == greatest {
            return None;
        }
        match self {
            Self::Higher => Some(greatest),
            Self::Lower => Some(least),
            Self::Neither => None,
        }
    }

    /// Its word in files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Higher => "higher",
            Self::Lower => "lower",
            Self::Neither => "neither",
        }
    }
}

/// The definition of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Name in files, as `ms_ssim`.
    pub key: &'static str,
    /// Name in words, as `MS-SSIM`.
    pub label: &'static str,
    /// Unit, or empty.
    pub unit: &'static str,
    /// Which way it is better.
    pub better: Better,
    /// Formula, window, data range, source.
    pub text: &'static str,
}

impl Definition {
    /// The unit of this number of a phase: errors and ranges are in rad.
    pub fn unit_of_phase(&self) -> &'static str {
        match self.key {
            "mae" | "rmse" | "max_error" | "data_range" | "legacy_mae" => "rad",
            "mse" | "legacy_mse" => "rad²",
            _ => self.unit,
        }
    }
}

const fn of(
    key: &'static str,
    label: &'static str,
    unit: &'static str,
    better: Better,
    text: &'static str,
) -> Definition {
    Definition {
        key,
        label,
        unit,
        better,
        text,
    }
}

use Better::{Higher, Lower, Neither};

/// Every number that [`crate::metrics::evaluate`] can yield, in the order of tables.
///
/// In all texts t is the reference, r the reconstruction after registration, removal of the phase plane and the amplitude factor
/// (each as the settings say), over the pixels that are compared. Amplitudes are |t| and |r|. Phases: t's is unwrapped and loses
/// its least-squares plane; r's is that plus the wrapped difference arg(r conj t).
pub const DEFINITIONS: &[Definition] = &[
    of(
        "mae",
        "MAE",
        "",
        Lower,
        "Mean |t - r|. Phase in rad, amplitude in the reference's unit.",
    ),
    of(
        "rmse",
        "RMSE",
        "",
        Lower,
        "Square root of the mean of (t - r)². Phase in rad.",
    ),
    of("mse", "MSE", "", Lower, "Mean of (t - r)². Phase in rad²."),
    of(
        "max_error",
        "max. error",
        "",
        Lower,
        "Greatest |t - r| of a pixel. Phase in rad.",
    ),
    of(
        "psnr",
        "PSNR",
        "dB",
        Higher,
        "10 log10(R² / MSE), R the range of the reference: its greatest less its least value (given as `data_range`).",
    ),
    of(
        "psnr_2pi",
        "PSNR (2π)",
        "dB",
        Higher,
        "Phase only: 10 log10((2π)² / MSE), one full turn as data range, which does not depend on the object.",
    ),
    of(
        "psnr_255",
        "PSNR (peak 255)",
        "dB",
        Higher,
        "10 log10(255² / MSE): the legacy form, which assumes 8-bit pictures whatever the data, and so reads some 50 dB too high. Only for comparison with numbers of PtychoPINN.",
    ),
    of(
        "data_range",
        "data range",
        "",
        Neither,
        "Greatest less least value of the reference: the R of PSNR, and of SSIM and MS-SSIM of the amplitude.",
    ),
    of(
        "ssim",
        "SSIM",
        "",
        Higher,
        "Structural similarity as scikit-image computes it by default: 7x7 window of equal weights, variances of a sample (49/48), K1 = 0.01, K2 = 0.03, mean over all windows that lie wholly inside. Amplitude: data range R of the reference. Phase: (phase + π) / 2π with data range 1, so weak phases come out near 1.",
    ),
    of(
        "ssim_wang",
        "SSIM (Gaussian)",
        "",
        Higher,
        "Structural similarity of Wang, Bovik, Sheikh and Simoncelli (2004): Gaussian window of σ = 1.5 px cut to 11x11, K1 = 0.01, K2 = 0.03, mean over all windows that lie wholly inside. Data range as for SSIM.",
    ),
    of(
        "ms_ssim",
        "MS-SSIM",
        "",
        Higher,
        "Multi-scale structural similarity of Wang, Simoncelli and Bovik (2003): the Gaussian window of 11x11; contrast and structure of every scale but the coarsest, whole similarity of the coarsest, each to its weight (0.0448, 0.2856, 0.3001, 0.2363, 0.1333); means of 2x2 pixels between scales. As many of the five scales as hold a window (all from 176 px a side); with fewer, their weights are divided by their sum. Data range as for SSIM.",
    ),
    of(
        "ms_ssim_scales",
        "MS-SSIM scales",
        "",
        Neither,
        "Scales that MS-SSIM was taken over. Numbers of different scales cannot be compared.",
    ),
    of(
        "ms_ssim_legacy",
        "MS-SSIM (legacy)",
        "",
        Higher,
        "As PtychoPINN computes it: both pictures smoothed by a Gaussian (`ms_ssim_sigma`, 1 px unless set otherwise; cut at 4 σ), whole SSIM (7x7) on five levels, every second pixel without low-pass between levels, the larger of both pictures' ranges as data range, levels below 7 px left out without making up for their weight. Here for phase and amplitude alike.",
    ),
    of(
        "pearson",
        "Pearson",
        "",
        Higher,
        "Correlation coefficient of t and r over the pixels: 1 where one is a factor times the other plus a constant.",
    ),
    of(
        "complex_error",
        "complex error",
        "",
        Lower,
        "Square root of min over c of Σ|t - c r|² / Σ|t|², c one complex number: what is left of amplitude and phase together when a common factor is free.",
    ),
    of(
        "frc50",
        "FRC 0.5",
        "of Nyquist",
        Higher,
        "Where the Fourier ring correlation |Σ F1 conj F2| / √(Σ|F1|² Σ|F2|²) of the central square first falls below 0.5, linear between rings, as a fraction of Nyquist (rings over half the side). Above 1 lies the corner; the last ring plus one if never. Under a Hann window, means taken off, unless switched off; where pixels are left out the others fade to the mean over 6 px towards them, since the edges of the mask are in both pictures. `value` is that of the complex objects.",
    ),
    of(
        "frc_1_7",
        "FRC 1/7",
        "of Nyquist",
        Higher,
        "As FRC 0.5, at 1/7 (Rosenthal and Henderson 2003).",
    ),
    of(
        "frc_1bit",
        "FRC 1 bit",
        "of Nyquist",
        Higher,
        "As FRC 0.5, at the 1-bit curve of van Heel and Schatz (2005), (0.5 + 2.414/√n) / (1.5 + 1.414/√n) with the n pixels of each ring; from ring 1.",
    ),
    of(
        "frc_half_bit",
        "FRC half bit",
        "of Nyquist",
        Higher,
        "As FRC 0.5, at the half-bit curve of van Heel and Schatz (2005), (0.2071 + 1.910/√n) / (1.2071 + 0.9102/√n) with the n pixels of each ring; from ring 1.",
    ),
    of(
        "frc50_rings",
        "FRC 0.5",
        "rings",
        Higher,
        "FRC 0.5 in rings: cycles over the side of the square.",
    ),
    of(
        "frc_1_7_rings",
        "FRC 1/7",
        "rings",
        Higher,
        "FRC 1/7 in rings.",
    ),
    of(
        "frc_1bit_rings",
        "FRC 1 bit",
        "rings",
        Higher,
        "FRC 1 bit in rings.",
    ),
    of(
        "frc_half_bit_rings",
        "FRC half bit",
        "rings",
        Higher,
        "FRC half bit in rings.",
    ),
    of(
        "frc50_nm",
        "FRC 0.5",
        "nm",
        Lower,
        "Half the period at FRC 0.5, in nm: side of the square in nm over twice the rings. Only where the pixel size is known.",
    ),
    of(
        "frc_1_7_nm",
        "FRC 1/7",
        "nm",
        Lower,
        "Half the period at FRC 1/7, in nm.",
    ),
    of(
        "frc_1bit_nm",
        "FRC 1 bit",
        "nm",
        Lower,
        "Half the period at FRC 1 bit, in nm.",
    ),
    of(
        "frc_half_bit_nm",
        "FRC half bit",
        "nm",
        Lower,
        "Half the period at FRC half bit, in nm.",
    ),
    of(
        "registration_dy_px",
        "shift dy",
        "px",
        Neither,
        "Rows by which the reconstruction was moved onto the reference: cross-correlation of the amplitudes (of the phases where these agree far better) under a Hann window, to 1/100 px, a longer shift in two rounds. Frames agree, so it should be near 0.",
    ),
    of(
        "registration_dx_px",
        "shift dx",
        "px",
        Neither,
        "Columns by which the reconstruction was moved onto the reference, as shift dy.",
    ),
    of(
        "registration_error",
        "shift error",
        "",
        Lower,
        "√(1 - |peak|² / (Σ|F t|² Σ|F r|²)) of the cross-correlation at the shift found: 0 for pictures that differ by the shift alone.",
    ),
    of(
        "plane_column_rad_per_px",
        "phase slope x",
        "rad/px",
        Neither,
        "Slope of the phase along columns that was removed from the reconstruction: least-squares plane of the wrapped phase difference. Ptychography leaves it free.",
    ),
    of(
        "plane_row_rad_per_px",
        "phase slope y",
        "rad/px",
        Neither,
        "Slope of the phase along rows that was removed, as phase slope x.",
    ),
    of(
        "plane_offset_rad",
        "phase offset",
        "rad",
        Neither,
        "Phase removed at the first pixel of the area, as phase slope x.",
    ),
    of(
        "amplitude_factor",
        "amplitude factor",
        "",
        Neither,
        "Factor that was laid on the reconstruction's amplitude: mean |t| over mean |r| unless set otherwise.",
    ),
    of(
        "amplitude_factor_least_squares",
        "amplitude factor (least squares)",
        "",
        Neither,
        "Σ |t||r| / Σ |r|² of the reconstruction before any factor: the factor that leaves the least squared error.",
    ),
    of(
        "n_pixels",
        "pixels",
        "",
        Neither,
        "Pixels that were compared.",
    ),
    of(
        "n_left_out",
        "pixels left out",
        "",
        Neither,
        "Pixels of the area that were not compared: too little light, unseen, not finite, or within the border of such a one where the reconstruction was shifted.",
    ),
    of(
        "legacy_mae",
        "MAE (legacy)",
        "",
        Lower,
        "As PtychoPINN: mean |difference| of the wrapped angles, each less its own least-squares plane, in rad. Meaningless where angles wrap.",
    ),
    of(
        "legacy_mse",
        "MSE (legacy)",
        "",
        Lower,
        "As MAE (legacy), mean of the squares.",
    ),
    of(
        "legacy_psnr_255",
        "PSNR (legacy)",
        "dB",
        Higher,
        "10 log10(255² / MSE (legacy)).",
    ),
    of(
        "legacy_ssim",
        "SSIM (legacy)",
        "",
        Higher,
        "SSIM of the phases of MAE (legacy), (phase + π) / 2π with data range 1.",
    ),
    of(
        "legacy_ms_ssim",
        "MS-SSIM of own planes (legacy)",
        "",
        Higher,
        "MS-SSIM (legacy) of the phases of MAE (legacy).",
    ),
    of(
        "legacy_frc50_rings",
        "FRC 0.5 (legacy)",
        "rings",
        Higher,
        "FRC 0.5 in rings as PtychoPINN computes it: no window, means kept; phases those of MAE (legacy). The jump across the frame correlates with itself.",
    ),
    of(
        "legacy_frc_1_7_rings",
        "FRC 1/7 (legacy)",
        "rings",
        Higher,
        "FRC 1/7 in rings, as FRC 0.5 (legacy).",
    ),
];

/// The definition of a key.
pub fn definition(key: &str) -> Option<&'static Definition> {
    DEFINITIONS.iter().find(|definition| definition.key == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_needs_another_and_a_direction() {
        let numbers = [Some(1.0), None, Some(f64::NAN), Some(3.0)];
        assert_eq!(Higher.best(&numbers), Some(3.0));
        assert_eq!(Lower.best(&numbers), Some(1.0));
        assert_eq!(Neither.best(&numbers), None);
        assert_eq!(Higher.best(&numbers[..3]), None);
        assert_eq!(Higher.best(&[Some(1.0), Some(1.0)]), None);
    }

    #[test]
    fn errors_of_phases_are_in_rad() {
        let unit = |key: &str| definition(key).map(Definition::unit_of_phase);
        assert_eq!(unit("mae"), Some("rad"));
        assert_eq!(unit("psnr"), Some("dB"));
    }
}
