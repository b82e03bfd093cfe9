//! Scan trajectories: their kinds, settings, and the positions they give.

mod trajectory;

use rand::RngExt as _;
use rand_distr::StandardNormal;

use crate::error::{Error, Result};
use crate::fields::{AutoReal, Fields as _};
use crate::rng::{Purpose, stream_at};

pub use trajectory::fermat_spiral;
use trajectory::{fermat_in, raster, snake};

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

/// Positions (row, column) in px over an object of `shape` `(h, w)`, patterns of side `n`; exactly as many as asked for.
///
/// The scanned area is `[n/2, side - n + n/2]` along each axis where the buffer is automatic, so that every patch lies
/// inside however its position rounds, else `[buffer, side - buffer]`.
///
/// - random: row and column of each uniform in the area; the first positions do not depend on how many there are;
/// - raster, snake: near-square steps that fill the area, the last row perhaps not full; with a given step as many
///   columns to a row as give the area's shape, about the area's middle;
/// - fermat: the spiral about the area's middle, as wide as lets the area hold the number of points, those beyond the
///   area left out; with a given step the whole spiral.
///
/// Draws come from `stream_at(seed, Purpose::Simulation, index)`, index 1 for the scan, 2 for its jitter. With jitter or
/// a given step positions may leave the area; they are not checked against the object: see [`crate::sim::Scene`].
///
/// # Errors
/// [`Error::Invalid`] for settings out of range, no room between the borders (object smaller than the patch, a wide
/// buffer), or [`ScanKind::File`].
pub fn make_positions(
    settings: &ScanSettings,
    shape: [usize; 2],
    n: usize,
    seed: u64,
) -> Result<Vec<[f64; 2]>> {
    settings.check_ranges()?;
    let area = Area::new(settings, shape, n)?;
    let n_points = settings.positions;
    let mut positions = match settings.scan {
        ScanKind::Random => {
            let mut rng = stream_at(seed, Purpose::Simulation, 1);
            let [height, width] = area.sides();
            (0..n_points)
                .map(|_| {
                    let [y, x]: [f64; 2] = std::array::from_fn(|_| rng.random());
                    [area.from[0] + y * height, area.from[1] + x * width]
                })
                .collect()
        }
        ScanKind::Raster => raster(&area, n_points, settings.scan_step_px),
        ScanKind::Snake => snake(&area, n_points, settings.scan_step_px),
        ScanKind::Fermat => match settings.scan_step_px {
            AutoReal::Given(step_px) => fermat_spiral(n_points, step_px, area.middle()),
            AutoReal::Auto => fermat_in(&area, n_points)?,
        },
        ScanKind::File => {
            let error = Error::invalid(
                "lay a scan",
                "scan",
                "a trajectory",
                "file, which has its own",
            );
            return Err(error.with_fix("name the NPZ whose xcoords, ycoords are the positions"));
        }
    };
    if settings.jitter_px > 0.0 {
        let mut rng = stream_at(seed, Purpose::Simulation, 2);
        for c in positions.iter_mut().flatten() {
            let shift: f64 = rng.sample(StandardNormal);
            *c += settings.jitter_px * shift;
        }
    }
    Ok(positions)
}

/// The rectangle that a scan fills, ends included.
struct Area {
    /// Least row and column, px.
    from: [f64; 2],
    /// Greatest row and column, px.
    to: [f64; 2],
}

impl Area {
    fn new(settings: &ScanSettings, shape: [usize; 2], n: usize) -> Result<Self> {
        if shape.iter().any(|side| *side < n) {
            let error = Error::invalid(
                "lay a scan",
                "object",
                format!("at least {n} x {n} px, as the pattern"),
                format!("{} x {} px", shape[0], shape[1]),
            );
            return Err(error.with_fix("give a larger --object-size or a smaller --n"));
        }
        let (from, to) = match settings.buffer_px {
            AutoReal::Auto => {
                let half = n / 2;
                ([half as f64; 2], shape.map(|side| (side - n + half) as f64))
            }
            AutoReal::Given(buffer_px) => {
                ([buffer_px; 2], shape.map(|side| side as f64 - buffer_px))
            }
        };
        let area = Self { from, to };
        let [height, width] = area.sides();
        if height < 0.0 || width < 0.0 {
            let least_side = shape[0].min(shape[1]);
            let error = Error::invalid(
                "lay a scan",
                "buffer-px",
                format!("at most {}, half the object", least_side as f64 / 2.0),
                from[0].to_string(),
            );
            return Err(error.with_fix("give a smaller --buffer-px or a larger --object-size"));
        }
        if height == 0.0 && width == 0.0 && settings.positions > 1 {
            let error = Error::invalid(
                "lay a scan",
                "object",
                format!("room for {} positions", settings.positions),
                format!("{} x {} px, room for one", shape[0], shape[1]),
            );
            return Err(error.with_fix("give a larger --object-size or a smaller --n"));
        }
        Ok(area)
    }

    fn sides(&self) -> [f64; 2] {
        [self.to[0] - self.from[0], self.to[1] - self.from[1]]
    }

    fn middle(&self) -> [f64; 2] {
        [0, 1].map(|axis| f64::midpoint(self.from[axis], self.to[axis]))
    }
}
