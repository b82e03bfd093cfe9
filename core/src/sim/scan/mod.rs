//! Scan trajectories: their kinds, settings, and the positions they give.

mod trajectory;

use crate::error::Result;
use crate::fields::AutoReal;

pub use trajectory::fermat_spiral;

crate::field_choice! {
    /// The trajectory.
    pub enum ScanKind {
        /// Uniform random points.
        Random = "random",
        /// Rows, each from left to right.
        Raster = "raster",
        /// Rows, to and fro.
        Snake = "snake",
        /// A Fermat spiral.
        Fermat = "fermat",
        /// Positions of a file.
        File = "file",
    }
}

crate::field_table! {
    /// The scan of a simulation.
    pub struct ScanSettings {
        /// Scan: a trajectory, or the positions of a file.
        scan: ScanKind = ScanKind::Random, basic, or_file "xcoords";
        /// Positions. A file brings its own.
        positions: usize = 512, basic, 1..=10000000;
        /// Distance of the scanned area from the object's border; auto is half a pattern, so that every patch lies
        /// inside.
        buffer_px: AutoReal = AutoReal::Auto, basic, 0.0..=10000.0, unit "px";
        /// Distance between neighbours (raster, snake, fermat); auto fills the scanned area.
        scan_step_px: AutoReal = AutoReal::Auto, advanced, 0.01..=10000.0, unit "px";
        /// Standard deviation of a random shift of every position along each axis.
        jitter_px: f64 = 0.0, advanced, 0.0..=1000.0, unit "px";
    }
}

/// Positions (row, column) in px over an object of `shape` `(h, w)`, patterns of side `n`.
///
/// Random: row and column uniform in `[buffer, side - buffer)`, the side's last pixel included where the buffer is
/// automatic. Draws come from `stream_at(seed, Purpose::Simulation, index)`, index 1 for the scan, 2 for its jitter.
/// Positions are not checked against the object: see [`crate::sim::Scene`].
///
/// # Errors
/// [`crate::Error::Invalid`] if there is no room between the borders (object smaller than the patch), no position, or
/// [`ScanKind::File`].
pub fn make_positions(
    settings: &ScanSettings,
    shape: [usize; 2],
    n: usize,
    seed: u64,
) -> Result<Vec<[f64; 2]>> {
    let _ = (settings, shape, n, seed);
    unimplemented!("scans")
}
