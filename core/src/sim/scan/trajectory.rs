//! Scan trajectories.

use std::f64::consts::{PI, TAU};

use super::Area;
use crate::error::{Error, Result};
use crate::fields::AutoReal;

/// How many times as long as wide an area may be for a spiral.
const MOST_SLENDER: f64 = 30.0;

/// A Fermat spiral about `centre_px`: even density, no lattice.
///
/// Point `i` lies at radius `spacing/√π · √(i + 1/2)` and angle `i` times the golden angle, so that each point has
/// an area of `spacing²` to itself.
///
/// Returns (row, column) of every point.
pub fn fermat_spiral(n_points: usize, spacing_px: f64, centre_px: [f64; 2]) -> Vec<[f64; 2]> {
    let golden_angle_rad = TAU * (1.0 - 2.0 / (1.0 + 5.0_f64.sqrt()));
    (0..n_points)
        .map(|i| {
            let radius_px = spacing_px / PI.sqrt() * (i as f64 + 0.5).sqrt();
            let (sin, cos) = (i as f64 * golden_angle_rad).sin_cos();
            [
                centre_px[0] + radius_px * sin,
                centre_px[1] + radius_px * cos,
            ]
        })
        .collect()
}

/// The Fermat spiral about the area's middle whose first `n_points` points within the area are all there are, in the
/// spiral's order.
///
/// Point `i` lies at `spacing · u_i` from the middle and so within the area up to a spacing `t_i` of its own; the
/// spacing sought is the `n_points`-th greatest `t_i`.
///
/// # Errors
/// [`Error::Invalid`] for an area too slender for a spiral.
pub(super) fn fermat_in(area: &Area, n_points: usize) -> Result<Vec<[f64; 2]>> {
    let [height, width] = area.sides();
    if n_points == 1 {
        return Ok(vec![area.middle()]);
    }
    let slender = height.max(width) / height.min(width);
    if slender.is_nan() || MOST_SLENDER < slender {
        let error = Error::invalid(
            "lay a scan",
            "scan",
            format!("for fermat, an area less than {MOST_SLENDER} times as long as wide"),
            format!("{height} x {width} px"),
        );
        return Err(error.with_fix("choose raster or random, or another object size"));
    }
    // Within the circle about the rectangle, of radius √(h² + w²)/2 and so π (h² + w²) / (4 h w) of its area.
    let share = PI * (slender + 1.0 / slender) / 4.0;
    let n_around = (1.3 * share * n_points as f64) as usize + 64;
    let unit = fermat_spiral(n_around, 1.0, [0.0, 0.0]);
    let reach = |[y, x]: [f64; 2]| (height / (2.0 * y.abs())).min(width / (2.0 * x.abs()));
    let mut reaches: Vec<f64> = unit.iter().map(|point| reach(*point)).collect();
    let (_, spacing_px, _) = reaches.select_nth_unstable_by(n_points - 1, |a, b| b.total_cmp(a));
    let spacing_px = *spacing_px;
    let inside = unit
        .into_iter()
        .filter(|point| spacing_px <= reach(*point))
        .take(n_points);
    let [middle_row, middle_column] = area.middle();
    let placed = inside.map(|[y, x]| {
        // Rounding must not carry the outermost point over the border.
        let row = (middle_row + spacing_px * y).clamp(area.from[0], area.to[0]);
        let column = (middle_column + spacing_px * x).clamp(area.from[1], area.to[1]);
        [row, column]
    });
    Ok(placed.collect())
}

/// Rows from left to right, from the top down.
pub(super) fn raster(area: &Area, n_points: usize, step_px: AutoReal) -> Vec<[f64; 2]> {
    let lattice = Lattice::new(area, n_points, step_px);
    (0..n_points)
        .map(|i| lattice.at(i / lattice.n_columns, i % lattice.n_columns))
        .collect()
}

/// Rows to and fro, the first from the left, from the top down.
pub(super) fn snake(area: &Area, n_points: usize, step_px: AutoReal) -> Vec<[f64; 2]> {
    let lattice = Lattice::new(area, n_points, step_px);
    (0..n_points)
        .map(|i| {
            let (row, column) = (i / lattice.n_columns, i % lattice.n_columns);
            let is_back = row % 2 == 1;
            let column = if is_back {
                lattice.n_columns - 1 - column
            } else {
                column
            };
            lattice.at(row, column)
        })
        .collect()
}

/// A rectangular lattice.
struct Lattice {
    n_columns: usize,
    first_px: [f64; 2],
    step_px: [f64; 2],
}

impl Lattice {
    fn new(area: &Area, n_points: usize, step_px: AutoReal) -> Self {
        let sides = area.sides();
        match step_px {
            AutoReal::Auto => {
                let n_columns = columns(sides, n_points);
                let n_rows = n_points.div_ceil(n_columns);
                let along = |side: f64, n: usize| if n < 2 { 0.0 } else { side / (n - 1) as f64 };
                let step_px = [along(sides[0], n_rows), along(sides[1], n_columns)];
                let middle = area.middle();
                let first = |axis: usize, n: usize| {
                    if n < 2 { middle[axis] } else { area.from[axis] }
                };
                Self {
                    n_columns,
                    first_px: [first(0, n_rows), first(1, n_columns)],
                    step_px,
                }
            }
            AutoReal::Given(step_px) => {
                let n_columns = columns(sides, n_points);
                let n_rows = n_points.div_ceil(n_columns);
                let middle = area.middle();
                let first = |axis: usize, n: usize| middle[axis] - step_px * (n - 1) as f64 / 2.0;
                Self {
                    n_columns,
                    first_px: [first(0, n_rows), first(1, n_columns)],
                    step_px: [step_px; 2],
                }
            }
        }
    }

    fn at(&self, row: usize, column: usize) -> [f64; 2] {
        [
            self.first_px[0] + row as f64 * self.step_px[0],
            self.first_px[1] + column as f64 * self.step_px[1],
        ]
    }
}

/// Columns of a lattice of `n_points` over an area of `sides` whose steps are nearly square and whose last row is
/// nearly full.
fn columns(sides: [f64; 2], n_points: usize) -> usize {
    let [height, width] = sides;
    if height == 0.0 {
        return n_points;
    }
    if width == 0.0 {
        return 1;
    }
    let ideal = (n_points as f64 * width / height).sqrt();
    let candidates =
        [-2.0, -1.0, 0.0, 1.0, 2.0, 3.0].map(|more| ((ideal + more) as usize).clamp(1, n_points));
    let cost = |n_columns: usize| {
        let n_rows = n_points.div_ceil(n_columns);
        let n_missing = n_rows * n_columns - n_points;
        let step = |side: f64, n: usize| side / (n.max(2) - 1) as f64;
        let squareness = (step(height, n_rows) / step(width, n_columns)).ln().abs();
        squareness + n_missing as f64 / n_points as f64
    };
    candidates
        .into_iter()
        .min_by(|a, b| cost(*a).total_cmp(&cost(*b)))
        .unwrap_or(1)
}
