//! Positions whose patch leaves the object: how far, in words, and how the object grows to hold them.

use std::sync::Arc;

use ndarray::{Array2, s};
use num_complex::Complex32;

use super::{ATTEMPTED, Scene};
use crate::error::{Error, Result};

/// Most pixels that an object may grow to.
const MOST_OBJECT_PIXELS: f64 = (1u64 << 28) as f64;
/// Positions that a refusal names.
const N_LISTED: usize = 10;

/// Pixels by which a patch passes the object's border, `[axis][before the first, after the last]`.
pub(super) type Overshoot = [[f64; 2]; 2];

impl Scene {
    /// Words for the positions outside.
    pub(super) fn refusal(&self) -> Error {
        let [rows, columns] = self.object_shape();
        let n_first = self.positions_px.len();
        let words = |i: &usize| {
            let test = self.test_positions_px.as_deref().unwrap_or_default();
            let (scan, [row, column]) = match self.positions_px.get(*i) {
                Some(position) => (format!("{i}"), *position),
                None => (format!("test {}", i - n_first), test[i - n_first]),
            };
            format!("{scan} ({row:.1}, {column:.1})")
        };
        let all = n_first + self.test_positions_px.as_deref().map_or(0, <[_]>::len);
        let list: Vec<String> = self.outside.iter().take(N_LISTED).map(words).collect();
        let more = if N_LISTED < self.outside.len() {
            ", ..."
        } else {
            ""
        };
        let n = self.n();
        Error::invalid(
            ATTEMPTED,
            "positions",
            format!("every {n} x {n} px patch inside the object of {rows} x {columns} px"),
            format!(
                "{} of {all} outside, by number (row, column): {}{more}",
                self.outside.len(),
                list.join(", "),
            ),
        )
        .with_fix("let the object grow (--outside grow), enlarge it (--object-size), or keep the scan away from its border (--buffer-px auto, less jitter, a smaller step)")
    }

    /// Put a border of vacuum about the object that holds every patch, and move all positions with it.
    pub(super) fn grow(&mut self, overshoots: &[Overshoot]) -> Result<()> {
        let most = |axis: usize, end: usize| {
            overshoots
                .iter()
                .map(|over| over[axis][end])
                .fold(0.0, f64::max)
        };
        // Even above and on the left: halves round to the even pixel and must still do so to the same one.
        let even = |px: f64| px + px % 2.0;
        let border = [0, 1].map(|axis| [even(most(axis, 0)), most(axis, 1)]);
        let shape = self.object_shape();
        let sides = [0, 1].map(|axis| shape[axis] as f64 + border[axis][0] + border[axis][1]);
        if MOST_OBJECT_PIXELS < sides[0] * sides[1] {
            let error = Error::invalid(
                ATTEMPTED,
                "positions",
                "an object of at most 268 million pixels",
                format!("one that must grow to {:.0} x {:.0} px", sides[0], sides[1]),
            );
            return Err(error.with_fix("check the unit of the positions, and the step"));
        }
        let [top, left] = border.map(|[before, _]| before as usize);
        let vacuum = Complex32::new(1.0, 0.0);
        let mut grown = Array2::from_elem(sides.map(|side| side as usize), vacuum);
        grown
            .slice_mut(s![top..top + shape[0], left..left + shape[1]])
            .assign(&self.object);
        let by = [top as f64, left as f64];
        self.positions_px = moved(&self.positions_px, by);
        let test = self.test_positions_px.as_deref();
        self.test_positions_px = test.map(|positions| moved(positions, by));
        self.object = Arc::new(grown);
        self.grown_px = [top, left];
        Ok(())
    }
}

fn moved(positions_px: &[[f64; 2]], by_px: [f64; 2]) -> Arc<[[f64; 2]]> {
    let moved = positions_px
        .iter()
        .map(|c| [c[0] + by_px[0], c[1] + by_px[1]]);
    moved.collect()
}

/// The overshoot of the whole-pixel patch at a position.
pub(super) fn overshoots_px(position_px: [f64; 2], n: usize, shape: [usize; 2]) -> Overshoot {
    // In floats, since positions of a file may be of any size.
    [0, 1].map(|axis| {
        let start = position_px[axis].round_ties_even() - (n / 2) as f64;
        let after = start + n as f64 - shape[axis] as f64;
        [(-start).max(0.0), after.max(0.0)]
    })
}
