//! Scan trajectories.

use std::f64::consts::TAU;

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
            let radius_px = spacing_px / std::f64::consts::PI.sqrt() * (i as f64 + 0.5).sqrt();
            let (sin, cos) = (i as f64 * golden_angle_rad).sin_cos();
            [
                centre_px[0] + radius_px * sin,
                centre_px[1] + radius_px * cos,
            ]
        })
        .collect()
}
