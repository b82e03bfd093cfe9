//! What [`Dataset::new`](crate::data::Dataset::new) checks: shapes, finite values, a probe that shines.

use crate::data::{DatasetParts, Frames};
use crate::error::{Error, Result};

const ATTEMPTED: &str = "make a dataset";

fn wrong(key: &str, expected: impl Into<String>, found: impl Into<String>) -> Error {
    Error::invalid(ATTEMPTED, key, expected, found)
}

/// Every array has the shape that the others ask for.
pub(crate) fn shapes(parts: &DatasetParts) -> Result<()> {
    let m = parts.frames.n_frames();
    let [rows, columns] = parts.frames.frame_shape();
    if m == 0 || rows == 0 {
        return Err(wrong(
            "diffraction",
            "at least one pattern",
            shown(&[m, rows, columns]),
        ));
    }
    if rows != columns {
        return Err(wrong(
            "diffraction",
            "square patterns",
            shown(&[m, rows, columns]),
        ));
    }
    let n = rows;
    let (k, probe_rows, probe_columns) = parts.probe.dim();
    if k == 0 || [probe_rows, probe_columns] != [n, n] {
        return Err(wrong(
            "probeGuess",
            format!("(k, {n}, {n}) as the patterns"),
            shown(parts.probe.shape()),
        ));
    }
    if let Some(object) = &parts.object
        && object.shape().iter().any(|side| *side < n)
    {
        return Err(wrong(
            "objectGuess",
            format!("at least ({n}, {n})"),
            shown(object.shape()),
        ));
    }
    if let Some(mask) = &parts.detector_mask
        && mask.dim() != (n, n)
    {
        return Err(wrong("detector_mask", shown(&[n, n]), shown(mask.shape())));
    }
    if let Some(patches) = &parts.patches
        && patches.shape() != [m, n, n]
    {
        return Err(wrong("Y", shown(&[m, n, n]), shown(&patches.shape())));
    }
    let lengths = [
        ("scan_index", parts.scan_index.as_ref().map(Vec::len)),
        (
            "xcoords_start",
            parts.columns_start_px.as_ref().map(Vec::len),
        ),
        ("ycoords_start", parts.rows_start_px.as_ref().map(Vec::len)),
    ];
    for (key, length) in lengths {
        if let Some(length) = length.filter(|length| *length != m) {
            return Err(wrong(key, shown(&[m]), shown(&[length])));
        }
    }
    group_rows(parts, m)
}

fn group_rows(parts: &DatasetParts, m: usize) -> Result<()> {
    let row = |index: i32| usize::try_from(index).is_ok_and(|index| index < m);
    let outside = parts
        .group_index
        .as_ref()
        .and_then(|groups| groups.iter().find(|index| !row(**index)));
    match outside {
        Some(index) => Err(wrong(
            "group_index",
            format!("rows 0 to {}", m - 1),
            index.to_string(),
        )),
        None => Ok(()),
    }
}

/// Positions are finite, one for each pattern, every patch inside the object.
pub(crate) fn positions(parts: &DatasetParts) -> Result<()> {
    let m = parts.frames.n_frames();
    let positions = &parts.positions_px;
    if positions.len() != m {
        return Err(wrong(
            "xcoords, ycoords",
            format!("{m} positions, one for each pattern"),
            positions.len().to_string(),
        ));
    }
    let n = parts.frames.n();
    let shape = parts.object.as_ref().map(|object| object.dim().into());
    for (i, position) in positions.iter().enumerate() {
        for (axis, key) in ["ycoords", "xcoords"].into_iter().enumerate() {
            let value = position[axis];
            if !value.is_finite() {
                return Err(wrong(
                    key,
                    "finite coordinates",
                    format!("{value} at pattern {i}"),
                ));
            }
            let side = shape.map(|shape: [usize; 2]| shape[axis]);
            if overshoot_px(value, n, side) != 0.0 {
                let expected = side.map_or(
                    "patches that begin at pixel 0 or later".to_owned(),
                    |side| format!("every {n}-pixel patch inside the {side} pixels of the object"),
                );
                return Err(wrong(key, expected, format!("{value} at pattern {i}")));
            }
        }
    }
    Ok(())
}

/// By how many pixels the patch at a coordinate passes the object's border; 0 inside.
///
/// The patch is the integer one, from `round(c) - n/2` with halves to the even number; `side` is the object's length along
/// the axis, `None` where there is no object and only pixel 0 bounds it.
pub(crate) fn overshoot_px(coordinate: f64, n: usize, side: Option<usize>) -> f64 {
    let [before, after] = overshoots_px(coordinate, n, side);
    before.max(after)
}

/// As [`overshoot_px`], before the object's first pixel and after its last.
pub(crate) fn overshoots_px(coordinate: f64, n: usize, side: Option<usize>) -> [f64; 2] {
    let start = coordinate.round_ties_even() - (n / 2) as f64;
    let after = side.map_or(0.0, |side| start + n as f64 - side as f64);
    [(-start).max(0.0), after.max(0.0)]
}

/// The probe is finite and not dark, the object finite.
pub(crate) fn finite_probe(parts: &DatasetParts) -> Result<()> {
    let n_bad = parts.probe.iter().filter(|z| !z.is_finite()).count();
    if n_bad != 0 {
        return Err(wrong(
            "probeGuess",
            "finite values",
            format!("{n_bad} that are not finite"),
        ));
    }
    if parts.probe.iter().all(|z| z.norm_sqr() == 0.0) {
        return Err(wrong("probeGuess", "a probe with power", "zeros only"));
    }
    let object = parts.object.iter().flatten();
    let n_bad = object.filter(|z| !z.is_finite()).count();
    if n_bad != 0 {
        return Err(wrong(
            "objectGuess",
            "finite values",
            format!("{n_bad} that are not finite"),
        ));
    }
    Ok(())
}

/// Amplitudes are finite, not negative and not all zero; yields the counts of each frame.
pub(crate) fn frames(frames: &Frames) -> Result<Vec<f64>> {
    let counts = frames.map_frames(|_, frame| {
        let bad = frame
            .iter()
            .find(|value| !(value.is_finite() && 0.0 <= **value));
        match bad {
            Some(value) => Err(*value),
            None => Ok(frame
                .iter()
                .map(|value| f64::from(*value).powi(2))
                .sum::<f64>()),
        }
    });
    let mut sums = Vec::with_capacity(counts.len());
    for (i, count) in counts.into_iter().enumerate() {
        match count {
            Ok(count) => sums.push(count),
            Err(value) => {
                return Err(wrong(
                    "diffraction",
                    "finite amplitudes >= 0",
                    format!("{value} in frame {i}"),
                ));
            }
        }
    }
    if sums.iter().all(|sum| *sum == 0.0) {
        return Err(wrong("diffraction", "some light", "zeros only"));
    }
    Ok(sums)
}

/// A shape as Python shows it.
pub(crate) fn shown(shape: &[usize]) -> String {
    let sides: Vec<String> = shape.iter().map(ToString::to_string).collect();
    match sides.as_slice() {
        [one] => format!("({one},)"),
        more => format!("({})", more.join(", ")),
    }
}
