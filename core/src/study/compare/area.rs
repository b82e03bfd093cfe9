//! What a region comes to on given data.

use std::ops::Range;

use ndarray::{Array2, s};

use super::load::ATTEMPTED;
use super::{Arm, Loaded};
use crate::error::{Error, Result};
use crate::metrics::prepare::Area;
use crate::metrics::region::Region;
use crate::metrics::settings::CompareSettings;

/// The area that a region comes to on these data.
///
/// `auto` is the bounding box of the positions (the whole frame where there are none), without pixels whose light is below
/// `least_light` of the greatest. Pixels that a reference arm did not see are left out too.
///
/// # Errors
/// [`crate::Error::Invalid`] if it lies outside the frame or holds no pixel.
pub fn area(loaded: &Loaded, region: &Region, settings: &CompareSettings) -> Result<Area> {
    let shape = loaded.shape();
    let [rows, columns] = match region {
        Region::Auto => [0, 1].map(|axis| scanned(&loaded.positions_px, axis, shape[axis])),
        Region::Rectangle { rows, columns } => [rows.clone(), columns.clone()],
    };
    let is_inside = rows.end <= shape[0] && columns.end <= shape[1];
    if !is_inside || rows.is_empty() || columns.is_empty() {
        let found = format!(
            "{}:{},{}:{}",
            rows.start, rows.end, columns.start, columns.end
        );
        let expected = format!(
            "rows within 0:{} and columns within 0:{}",
            shape[0], shape[1]
        );
        let error = Error::invalid(ATTEMPTED, "region", expected, found);
        return Err(error.with_fix("give --region y0:y1,x0:x1 within the frame, ends excluded"));
    }
    let mut area = Area {
        rows,
        columns,
        mask: None,
    };
    if let (Region::Auto, Some(light)) = (region, &loaded.light_share) {
        let is_lit = light.mapv(|share| settings.least_light <= f64::from(share));
        leave_out(&mut area, &is_lit);
    }
    if let Some(coverage) = loaded.reference_arm().and_then(|arm| arm.coverage.as_ref()) {
        leave_out(&mut area, &coverage.mapv(|weight| 0.0 < weight));
    }
    if area
        .mask
        .as_ref()
        .is_some_and(|mask| !mask.iter().any(|is_kept| *is_kept))
    {
        let error = Error::invalid(
            ATTEMPTED,
            "region",
            "a region with lit and seen pixels",
            "none",
        );
        return Err(error.with_fix("give another --region, or a smaller --least-light"));
    }
    Ok(area)
}

/// The same without the pixels that an arm did not see.
pub(super) fn seen_by(area: &Area, arm: &Arm) -> Area {
    let mut own = area.clone();
    if let Some(coverage) = &arm.coverage {
        leave_out(&mut own, &coverage.mapv(|weight| 0.0 < weight));
    }
    own
}

/// Keep what `is_kept` keeps, over the frame; a mask that keeps all is none.
fn leave_out(area: &mut Area, is_kept: &Array2<bool>) {
    let part = s![area.rows.clone(), area.columns.clone()];
    let mut mask = is_kept.slice(part).to_owned();
    if let Some(before) = &area.mask {
        mask.zip_mut_with(before, |now, before| *now &= *before);
    }
    area.mask = mask.iter().any(|is_kept| !is_kept).then_some(mask);
}

/// From the least to the greatest coordinate, cut to the frame; all of it without positions.
fn scanned(positions_px: &[[f64; 2]], axis: usize, side: usize) -> Range<usize> {
    if positions_px.is_empty() {
        return 0..side;
    }
    let along = || positions_px.iter().map(|position| position[axis]);
    let least = along().fold(f64::INFINITY, f64::min).ceil().max(0.0);
    let most = along().fold(f64::NEG_INFINITY, f64::max).floor();
    // A float below 0 becomes 0.
    least as usize..((most + 1.0) as usize).min(side)
}
