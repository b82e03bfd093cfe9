//! The canvas on which the members of a group are put together: what it must hold, and what a smaller one loses.

use serde::{Deserialize, Serialize};

use super::groups::Groups;
use crate::error::{Error, Result};

/// `PtychoPINN`'s step between the patterns of its grid scans, from which its canvas is derived, px.
const PTYCHOPINN_OFFSET_PX: usize = 4;
/// Its further margin, px.
const PTYCHOPINN_JITTER_PX: usize = 10;

/// Whether a canvas holds the members of every group.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Canvas {
    /// Side of a pattern, n.
    pub n_px: usize,
    /// Largest |member - centre| along rows and along columns.
    pub largest_offset_px: [f64; 2],
    /// `ceil(n + 2 max|offset|)`: the side that holds every member.
    pub required_px: usize,
    /// The side chosen.
    pub chosen_px: usize,
    /// Whether the chosen side is enough.
    pub holds: bool,
    /// Share of the members' area that falls off the chosen canvas, averaged over members.
    pub lost_share: f64,
    /// The same for the member that loses most.
    pub lost_share_worst: f64,
    /// Largest |centre - mean of all centres|: no canvas needs it, since a stitched object lies in the object's frame.
    pub largest_centre_px: [f64; 2],
}

impl Canvas {
    /// Check a canvas of side `chosen_px`, or for `None` the least that holds all with the same margin on both sides.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a canvas smaller than a pattern.
    pub fn check(groups: &Groups, n: usize, chosen_px: Option<usize>) -> Result<Self> {
        if let Some(chosen) = chosen_px
            && chosen < n
        {
            let expected = format!("{n} px at least, the side of a pattern");
            let error = Error::invalid("check the canvas", "canvas", expected, chosen.to_string());
            return Err(error.with_fix(format!("give --canvas {n} or more")));
        }
        let offsets = || (0..groups.n_groups()).flat_map(|g| groups.relative_px(g));
        let largest_offset_px = largest(offsets());
        let most = largest_offset_px[0].max(largest_offset_px[1]);
        let required_px = (n as f64 + 2.0 * most).ceil() as usize;
        // The margin is the same above and below: an even number more than n.
        let chosen_px = chosen_px.unwrap_or(required_px + (required_px - n) % 2);
        let lost =
            |offset: &[f64; 2]| 1.0 - held(offset[0], n, chosen_px) * held(offset[1], n, chosen_px);
        let (mut sum, mut worst) = (0.0, 0.0f64);
        for offset in offsets() {
            let lost = lost(offset);
            sum += lost;
            worst = worst.max(lost);
        }
        let n_members = groups.n_groups() * groups.c();
        Ok(Self {
            n_px: n,
            largest_offset_px,
            required_px,
            chosen_px,
            holds: required_px <= chosen_px,
            lost_share: sum / n_members.max(1) as f64,
            lost_share_worst: worst,
            largest_centre_px: largest_from_mean(groups.centres_px()),
        })
    }
}

/// The canvas of `PtychoPINN`: `n + 4 (gridsize - 1) + 10`.
pub fn ptychopinn_canvas_px(n: usize, gridsize: usize) -> usize {
    n + gridsize.saturating_sub(1) * PTYCHOPINN_OFFSET_PX + PTYCHOPINN_JITTER_PX
}

/// Share of a line of `n` pixels, `offset` from the middle, that a line of `canvas` pixels holds.
fn held(offset: f64, n: usize, canvas: usize) -> f64 {
    let beyond = offset.abs() + (n as f64 - canvas as f64) / 2.0;
    (1.0 - beyond.max(0.0) / n as f64).max(0.0)
}

fn largest<'a>(offsets: impl Iterator<Item = &'a [f64; 2]>) -> [f64; 2] {
    offsets.fold([0.0; 2], |most, offset| {
        [most[0].max(offset[0].abs()), most[1].max(offset[1].abs())]
    })
}

fn largest_from_mean(centres: &[[f64; 2]]) -> [f64; 2] {
    let n = centres.len().max(1) as f64;
    let mean = [0, 1].map(|axis| centres.iter().map(|centre| centre[axis]).sum::<f64>() / n);
    let offsets: Vec<[f64; 2]> = centres
        .iter()
        .map(|centre| [centre[0] - mean[0], centre[1] - mean[1]])
        .collect();
    largest(offsets.iter())
}
