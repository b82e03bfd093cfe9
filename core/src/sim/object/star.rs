//! The Siemens star.

use std::f64::consts::{PI, TAU};

use ndarray::Array2;
use num_complex::Complex64;

/// A Siemens star: spokes that narrow towards the middle, in phase and a little in amplitude.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SiemensStar {
    /// Rows and columns of the object.
    pub side_px: usize,
    /// Radius of the star.
    pub radius_px: f64,
    /// Radius of the plain disk in the middle.
    pub hub_px: f64,
    /// Number of spokes.
    pub n_spokes: usize,
    /// Phase of the spokes against the ground.
    pub phase_rad: f64,
    /// Amplitude of the spokes; that of the ground is 1.
    pub amplitude: f64,
}

impl SiemensStar {
    /// A star that fills a square, its spokes a pixel wide at the hub; dark where it covers.
    pub fn filling(side_px: usize, n_spokes: usize) -> Self {
        let radius_px = 0.46 * side_px as f64;
        Self {
            side_px,
            radius_px,
            // Half a period on the circle of this radius is 1.2 px.
            hub_px: (1.2 * n_spokes as f64 / PI).min(radius_px / 2.0),
            n_spokes,
            phase_rad: -1.0,
            amplitude: 0.5,
        }
    }

    /// The object, `(side, side)`, dimensionless.
    ///
    /// Edges are softened over one pixel. The spoke that points to the upper right ends at 60 % of
    /// the radius, so that a mirrored or transposed picture can be told from the true one.
    pub fn object(&self) -> Array2<Complex64> {
        self.pattern().mapv(|cover| {
            Complex64::from_polar(1.0 + (self.amplitude - 1.0) * cover, self.phase_rad * cover)
        })
    }

    /// Share of every pixel that the star covers, `(side, side)`, 0 on the ground to 1 on a spoke.
    pub fn pattern(&self) -> Array2<f64> {
        let middle = (self.side_px / 2) as f64;
        Array2::from_shape_fn((self.side_px, self.side_px), |(row, column)| {
            self.cover(row as f64 - middle, column as f64 - middle)
        })
    }

    /// Share of the pixel that a spoke covers, 0 to 1.
    fn cover(&self, y: f64, x: f64) -> f64 {
        let radius = y.hypot(x);
        let period = TAU / self.n_spokes as f64;
        // Upwards is towards smaller rows; the first spoke's middle points to the right.
        let angle = (-y).atan2(x);
        let spoke = (angle / period).round();
        let to_edge_rad = period / 4.0 - (angle - spoke * period).abs();
        let along_edge_px = to_edge_rad.sin() * radius;
        let is_short =
            spoke.rem_euclid(self.n_spokes as f64) == (self.n_spokes as f64 / 8.0).round();
        let end_px = if is_short {
            0.6 * self.radius_px
        } else {
            self.radius_px
        };
        let inside_px = along_edge_px.min(end_px - radius);
        let hub = soft(self.hub_px - radius);
        // Rings of bare ground across the spokes, as real stars have.
        let ring = (0.5 * self.radius_px - radius).abs() - 1.5;
        (soft(inside_px) * soft(ring)).max(hub)
    }
}

/// 0 outside, 1 inside, smooth over about two pixels.
fn soft(inside_px: f64) -> f64 {
    let t = f64::midpoint(inside_px, 1.0).clamp(0.0, 1.0);
    0.5 - 0.5 * (PI * t).cos()
}
