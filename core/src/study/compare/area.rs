//! What a region comes to on given data.

use ndarray::{Array2, s};

use super::{Arm, Loaded};
use crate::error::Result;
use crate::metrics::prepare::Area;
use crate::metrics::region::{Light, Region};
use crate::metrics::settings::CompareSettings;

/// The area that a region comes to on these data.
///
/// As [`Region::area`]; where nothing is known of positions or probe, `auto` is the whole frame. Pixels that a reference arm did
/// not see are left out.
///
/// # Errors
/// [`crate::Error::Invalid`] if it lies outside the frame or holds no pixel.
pub fn area(loaded: &Loaded, region: &Region, settings: &CompareSettings) -> Result<Area> {
    let [rows, columns] = loaded.shape();
    let light = Light {
        positions_px: &loaded.positions_px,
        probe: loaded.probe.view(),
        coverages: &[],
    };
    let has_light = !loaded.positions_px.is_empty() && !loaded.probe.is_empty();
    let whole = Region::Rectangle {
        rows: 0..rows,
        columns: 0..columns,
    };
    let region = match region {
        Region::Auto if !has_light => &whole,
        region => region,
    };
    let area = region.area((rows, columns), light, settings.least_light)?;
    Ok(match loaded.reference_arm() {
        Some(arm) => seen_by(&area, arm),
        None => area,
    })
}

/// The same without the pixels that an arm did not see.
pub(super) fn seen_by(area: &Area, arm: &Arm) -> Area {
    let mut area = area.clone();
    let Some(coverage) = &arm.coverage else {
        return area;
    };
    let part = s![area.rows.clone(), area.columns.clone()];
    let mut mask: Array2<bool> = coverage.slice(part).mapv(|weight| 0.0 < weight);
    if let Some(before) = &area.mask {
        mask.zip_mut_with(before, |now, before| *now &= *before);
    }
    area.mask = mask.iter().any(|is_kept| !is_kept).then_some(mask);
    area
}
