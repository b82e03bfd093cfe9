//! Block sums of counts: a detector of larger pixels, and the probe that it sees.
//!
//! A pixel of `b` x `b` old ones counts `I'[U] = Σ_j |Ψ(b U + δ_j)|²` over the offsets `δ_j` of its parts from the
//! frequency `b U`. With the window cut to `n/b` pixels, `Ψ(b U + δ) = F'{P e^{-2πi δ x / n} O / b}[U]`: each part is an
//! incoherent mode, the probe with a tilt. So the patterns of a binned detector obey the forward model with `b²` modes for
//! each one before, exactly as far as the probe lies inside the new window. Any unitary mixture of the modes gives the same
//! counts; the cosines used here make the first one by far the strongest.

use ndarray::{Array2, Array3, Axis};
use num_complex::{Complex32, Complex64};

use super::resample::middle;
use super::{check_loss, percent_text};
use crate::data::{DatasetParts, Frames, Patches};
use crate::error::{Error, Result};

/// Modes weaker than this share of the probe's power are left out.
const LEAST_SHARE: f64 = 1e-7;
/// Most modes that a binned probe may have.
const MOST_MODES: usize = 256;

crate::field_choice! {
    /// The probe of binned patterns.
    pub enum BinnedProbe {
        /// As many incoherent modes as describe the summed counts exactly.
        Exact = "exact",
        /// One mode for each before: the strongest, with the power of all. What it misses is told.
        One = "one",
    }
}

/// Sum blocks of `b` x `b` counts; probe and patches keep the middle of their window, object and positions stay.
pub(super) fn bin(
    parts: &DatasetParts,
    b: usize,
    kind: BinnedProbe,
    max_loss_percent: f64,
) -> Result<(DatasetParts, Vec<String>)> {
    let n = parts.frames.n();
    let n_new = n / b;
    let (probe, report) = binned_probe(&parts.probe, b, kind)?;
    check_loss("bin", "probeGuess", report.outside, max_loss_percent)?;
    let mut notes = vec![
        format!(
            "blocks of {b}x{b} counts summed: {n}x{n} to {n_new}x{n_new} pixels, the real-space pixel stays"
        ),
        format!(
            "{} of the probe's power lay outside the new window",
            percent_text(report.outside)
        ),
    ];
    notes.push(match kind {
        BinnedProbe::Exact => format!(
            "{} incoherent probe modes describe the summed counts; {} of the power is not in the first {}",
            probe.dim().0,
            percent_text(report.weak),
            parts.probe.dim().0
        ),
        BinnedProbe::One => format!(
            "one mode for each before: {} of the power, which other modes would carry, was given to it; --binned-probe exact writes them",
            percent_text(report.weak)
        ),
    });
    let frames = binned(&parts.frames, b);
    let detector_mask = parts
        .detector_mask
        .as_ref()
        .map(|mask| binned_mask(mask, b));
    if let Some(mask) = &detector_mask
        && !mask.iter().any(|used| *used)
    {
        return Err(Error::invalid(
            "bin",
            "detector_mask",
            "a block all of whose pixels are used",
            "none",
        ));
    }
    let parts = DatasetParts {
        frames,
        probe,
        detector_mask,
        patches: parts
            .patches
            .as_ref()
            .map(|patches| middle_patches(patches, n_new)),
        ..parts.clone()
    };
    Ok((parts, notes))
}

/// Square roots of the sums of `b` x `b` squares.
fn binned(frames: &Frames, b: usize) -> Frames {
    let (frames, n) = (frames.clone(), frames.n());
    let n_new = n / b;
    Frames::from_fn(frames.n_frames(), n_new, move |i, out| {
        let mut frame = vec![0.0_f32; n * n];
        frames.read(i, &mut frame);
        let mut sums = vec![0.0_f64; n_new];
        for (block_row, out) in frame.chunks_exact(b * n).zip(out.chunks_exact_mut(n_new)) {
            sums.fill(0.0);
            for row in block_row.chunks_exact(n) {
                for (sum, block) in sums.iter_mut().zip(row.chunks_exact(b)) {
                    *sum += block
                        .iter()
                        .map(|value| f64::from(*value).powi(2))
                        .sum::<f64>();
                }
            }
            out.iter_mut()
                .zip(&sums)
                .for_each(|(out, sum)| *out = sum.sqrt() as f32);
        }
    })
}

/// A block is used if all its pixels are.
fn binned_mask(mask: &Array2<bool>, b: usize) -> Array2<bool> {
    let n_new = mask.nrows() / b;
    Array2::from_shape_fn((n_new, n_new), |(row, column)| {
        (0..b * b).all(|i| mask[[row * b + i / b, column * b + i % b]])
    })
}

fn middle_patches(patches: &Patches, n_new: usize) -> Patches {
    let (patches, [m, n, _]) = (patches.clone(), patches.shape());
    Patches::from_fn(m, n_new, move |i, out| {
        let mut patch = vec![Complex32::default(); n * n];
        patches.read(i, &mut patch);
        out.copy_from_slice(&super::resample::centred(&patch, n, n_new));
    })
}

/// What binning did to the probe, as shares of its power.
struct Report {
    /// Outside the new window.
    outside: f64,
    /// In other modes than the strongest of each.
    weak: f64,
}

fn binned_probe(
    probe: &Array3<Complex32>,
    b: usize,
    kind: BinnedProbe,
) -> Result<(Array3<Complex32>, Report)> {
    let (n_modes, n, _) = probe.dim();
    let most = n_modes * b * b;
    if MOST_MODES < most {
        let expected = format!("at most {MOST_MODES} incoherent modes");
        return Err(Error::invalid(
            "bin",
            "bin",
            expected,
            format!("{n_modes} x {b} x {b} = {most}"),
        )
        .with_fix("bin by less"));
    }
    let n_new = n / b;
    let window = middle(probe, n_new).mapv(|z| Complex64::new(z.re.into(), z.im.into()));
    let power_of = |plane: &Array2<Complex64>| plane.iter().map(Complex64::norm_sqr).sum::<f64>();
    let before: f64 = probe
        .iter()
        .map(|z| f64::from(z.re).powi(2) + f64::from(z.im).powi(2))
        .sum();
    let total: f64 = window.iter().map(Complex64::norm_sqr).sum();
    let tilts = tilts(n, b);
    let mut modes: Vec<(f64, Array2<Complex64>)> = Vec::with_capacity(most);
    let mut weak = 0.0;
    for mode in window.axis_iter(Axis(0)) {
        let mut family: Vec<(f64, Array2<Complex64>)> = (0..b * b)
            .map(|i| {
                let (rows, columns) = (tilts.row(i / b), tilts.row(i % b));
                let tilted = Array2::from_shape_fn((n_new, n_new), |(row, column)| {
                    mode[[row, column]] * rows[row] * columns[column]
                });
                (power_of(&tilted), tilted)
            })
            .collect();
        family.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let all: f64 = family.iter().map(|(power, _)| power).sum();
        if let Some((strongest, plane)) = family.first_mut() {
            weak += all - *strongest;
            if kind == BinnedProbe::One && 0.0 < *strongest {
                let factor = (all / *strongest).sqrt();
                plane.mapv_inplace(|z| z * factor);
                *strongest = all;
            }
        }
        if kind == BinnedProbe::One {
            family.truncate(1);
        }
        modes.extend(family);
    }
    modes.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let n_kept = modes
        .iter()
        .take_while(|(power, _)| LEAST_SHARE * total <= *power)
        .count()
        .max(1);
    modes.truncate(n_kept);
    let mut binned = Array3::zeros((n_kept, n_new, n_new));
    for ((_, mode), mut to) in modes.iter().zip(binned.axis_iter_mut(Axis(0))) {
        to.zip_mut_with(mode, |to, z| *to = Complex32::new(z.re as f32, z.im as f32));
    }
    let outside = if before == 0.0 {
        0.0
    } else {
        (1.0 - total / before).max(0.0)
    };
    let weak = if total == 0.0 { 0.0 } else { weak / total };
    Ok((binned, Report { outside, weak }))
}

/// The tilts of one axis, mixed: row `q` is `Σ_j D[q, j] e^{-2πi δ_j x / n} / √b` for the pixels `x = -n'/2 ...` of the
/// window, `D` the orthonormal cosine matrix, so that the squares of each column sum to 1.
///
/// The block with DC, number `n'/2`, begins at pixel `b (n'/2)` of the detector, DC being pixel `n/2`.
fn tilts(n: usize, b: usize) -> Array2<Complex64> {
    let n_new = n / b;
    let first = (b * (n_new / 2)) as f64 - (n / 2) as f64;
    let cosine = |q: usize, j: usize| {
        let weight = if q == 0 { 1.0 } else { 2.0 } / b as f64;
        weight.sqrt() * (std::f64::consts::PI * q as f64 * (j as f64 + 0.5) / b as f64).cos()
    };
    Array2::from_shape_fn((b, n_new), |(q, x)| {
        let x = x as f64 - (n_new / 2) as f64;
        let sum: Complex64 = (0..b)
            .map(|j| {
                let turn = -std::f64::consts::TAU * (first + j as f64) * x / n as f64;
                Complex64::cis(turn) * cosine(q, j)
            })
            .sum();
        sum / (b as f64).sqrt()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixed_tilts_keep_the_power_of_every_pixel() {
        for (n, b) in [(16, 2), (12, 3), (15, 3), (10, 5), (16, 4), (6, 2)] {
            let tilts = tilts(n, b);
            for column in tilts.axis_iter(Axis(1)) {
                let sum: f64 = column.iter().map(num_complex::Complex::norm_sqr).sum();
                assert!((sum - 1.0).abs() < 1e-12, "{n} {b}: {sum}");
            }
        }
    }

    #[test]
    fn counts_are_summed_and_blocks_with_a_bad_pixel_are_not_used() {
        let frames = Frames::from_array(Array3::from_shape_fn((1, 4, 4), |(_, y, x)| {
            (4 * y + x) as f32
        }));
        let mut out = [0.0; 4];
        binned(&frames, 2).read(0, &mut out);
        assert_eq!(out[0], 42.0_f32.sqrt());
        assert_eq!(out[3], (100.0_f32 + 121.0 + 196.0 + 225.0).sqrt());
        let mut mask = Array2::from_elem((4, 4), true);
        mask[[3, 0]] = false;
        let expected = ndarray::arr2(&[[true, true], [false, true]]);
        assert_eq!(binned_mask(&mask, 2), expected);
    }
}
