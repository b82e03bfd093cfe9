//! The middle of the detector, and block sums of its counts: fewer pixels, the same physics.

use std::sync::Arc;

use rayon::prelude::*;

use super::bin::{BinnedProbe, bin};
use super::resample::{centred, resample, resample_mask};
use super::{Made, check_loss, descendant, percent_text};
use crate::data::{Dataset, DatasetParts, Frames, frames};
use crate::error::{Error, Result};
use crate::fields::Fields as _;
use crate::job::Monitor;

/// Frames looked at between two looks at the stop flag.
const CHUNK: usize = 256;

crate::field_table! {
    /// How the detector is made smaller: cropped first, then binned.
    pub struct CropSettings {
        /// Pixels of each side that stay, about the zero frequency; 0 keeps all. The real-space pixel grows by what the
        /// detector loses, so probe, object and positions are resampled.
        crop: usize = 0, basic, 0..=65536, unit "px";
        /// Pixels of each side whose counts become one. The real-space pixel stays, the window of probe and patches
        /// shrinks by this.
        bin: usize = 1, basic, 1..=64;
        /// The probe of binned patterns.
        binned_probe: BinnedProbe = BinnedProbe::Exact, basic;
        /// Most light (crop) and power of the probe (bin) that may fall outside of what is kept.
        max_loss_percent: f64 = 1.0, advanced, 0.0..=100.0, unit "%";
    }
}

impl CropSettings {
    /// Side of the patterns that come out, for patterns of side `n`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it cannot be.
    pub fn side(&self, n: usize) -> Result<usize> {
        let cropped = if self.crop == 0 { n } else { self.crop };
        if n < cropped {
            let expected = format!("at most {n}, the side of the patterns");
            return Err(
                Error::invalid("crop", "crop", expected, cropped.to_string())
                    .with_fix("pad adds pixels"),
            );
        }
        if cropped == n && self.bin == 1 {
            let expected = format!("--crop below {n} or --bin above 1");
            return Err(Error::invalid(
                "crop",
                "crop",
                expected,
                format!("{cropped}, bin 1"),
            ));
        }
        if self.bin == 0 || !cropped.is_multiple_of(self.bin) || cropped / self.bin < 2 {
            let expected = format!("a divisor of {cropped} that leaves at least 2 pixels");
            let best = cropped - cropped % self.bin.max(1);
            return Err(
                Error::invalid("crop", "bin", expected, self.bin.to_string())
                    .with_fix(format!("--crop {best} --bin {}", self.bin)),
            );
        }
        Ok(cropped / self.bin)
    }
}

/// Crop the detector, then sum blocks of its counts.
///
/// A crop drops `Y`, which has to be cut again from the resampled object.
///
/// # Errors
/// [`Error::Invalid`] for sides that do not fit; [`Error::Refused`] where more than `max_loss_percent` would be lost;
/// [`Error::Cancelled`].
pub fn crop(dataset: &Dataset, settings: &CropSettings, monitor: &dyn Monitor<()>) -> Result<Made> {
    settings.check_ranges()?;
    let n = dataset.n();
    settings.side(n)?;
    let mut notes = Vec::new();
    let mut parts = dataset.parts().clone();
    if settings.crop != 0 && settings.crop != n {
        (parts, notes) = crop_to(dataset, settings.crop, settings.max_loss_percent, monitor)?;
    }
    if settings.bin != 1 {
        let (binned, more) = bin(
            &parts,
            settings.bin,
            settings.binned_probe,
            settings.max_loss_percent,
        )?;
        parts = binned;
        notes.extend(more);
    }
    let mut flags = format!("--crop {} --bin {}", settings.crop, settings.bin);
    if settings.bin != 1 && settings.binned_probe == BinnedProbe::One {
        flags.push_str(" --binned-probe one");
    }
    let dataset = descendant(dataset, parts, "crop", &flags)?;
    Ok(Made { dataset, notes })
}

/// The middle `n_new` x `n_new` pixels of the detector.
///
/// `F'{P' O'}` is the middle of `F{P O}` where the exit wave has no light outside it: `P'` is the probe's far field
/// cropped likewise, `O'` the object without the frequencies that the new pixel does not carry, and positions are
/// multiplied by `n_new / n`. Patches (`Y`) are left out: they are cut from the new object.
fn crop_to(
    dataset: &Dataset,
    n_new: usize,
    max_loss_percent: f64,
    monitor: &dyn Monitor<()>,
) -> Result<(DatasetParts, Vec<String>)> {
    let n = dataset.n();
    let lost = light_outside(dataset.frames(), n_new, monitor)?;
    check_loss("crop", "diffraction", lost, max_loss_percent)?;
    let parts = dataset.parts();
    let resampled = resample(parts, n_new);
    let factor = n as f64 / n_new as f64;
    let mut notes = vec![
        format!(
            "{n}x{n} pixels of the detector cropped to {n_new}x{n_new}: {} of the light is left out",
            percent_text(lost)
        ),
        format!(
            "the real-space pixel grows by {factor:.6}: probe and object resampled, positions divided by it"
        ),
        format!(
            "{} of the probe's power is beyond the new band",
            percent_text(resampled.probe_loss)
        ),
    ];
    if resampled.moved_px != [0, 0] {
        let [rows, columns] = resampled.moved_px;
        notes.push(format!("the object grew by {rows} rows above and {columns} columns left, so that every patch lies inside"));
    }
    let frames = cropped(&parts.frames, n_new);
    let mask = resample_mask(parts.detector_mask.as_ref(), n, n_new);
    Ok((with_geometry(parts, resampled, frames, mask), notes))
}

/// The parts with other patterns, mask and geometry, without patches.
pub(super) fn with_geometry(
    parts: &DatasetParts,
    resampled: super::resample::Resampled,
    frames: Frames,
    detector_mask: Option<ndarray::Array2<bool>>,
) -> DatasetParts {
    let mut metadata = parts.metadata.clone();
    metadata.pixel_size_m = resampled.pixel_size_m;
    DatasetParts {
        frames,
        detector_mask,
        probe: resampled.probe,
        object: resampled.object,
        positions_px: resampled.positions_px,
        rows_start_px: resampled.rows_start_px,
        columns_start_px: resampled.columns_start_px,
        patches: None,
        metadata,
        ..parts.clone()
    }
}

/// The middle of every frame, or every frame with dark pixels around.
pub(super) fn cropped(frames: &Frames, n_new: usize) -> Frames {
    let (frames, n) = (frames.clone(), frames.n());
    Frames::from_fn(frames.n_frames(), n_new, move |i, out| {
        let mut frame = vec![0.0; n * n];
        frames.read(i, &mut frame);
        out.copy_from_slice(&centred(&frame, n, n_new));
    })
}

/// Share of all counts that fall outside the middle `n_new` x `n_new` pixels.
fn light_outside(frames: &Frames, n_new: usize, monitor: &dyn Monitor<()>) -> Result<f64> {
    let (n, m) = (frames.n(), frames.n_frames());
    let squares = |plane: &[f32]| {
        plane
            .iter()
            .map(|value| f64::from(*value).powi(2))
            .sum::<f64>()
    };
    let rows: Arc<[usize]> = (0..m).collect();
    let (mut all, mut kept) = (0.0, 0.0);
    for (done, chunk) in rows.chunks(CHUNK).enumerate() {
        if monitor.stop().is_requested() {
            return Err(Error::Cancelled);
        }
        let sums: Vec<[f64; 2]> = chunk
            .par_iter()
            .map_init(
                || vec![0.0; n * n],
                |frame, i| {
                    frames.read(*i, frame);
                    [squares(frame), squares(&centred(frame, n, n_new))]
                },
            )
            .collect();
        for [frame, middle] in sums {
            all += frame;
            kept += middle;
        }
        monitor.progress(frames::one_pass((done * CHUNK + chunk.len()).min(m), m));
    }
    Ok((1.0 - kept / all).max(0.0))
}
