//! What is shown of a running or finished reconstruction, prepared off the window's thread.
//!
//! Object and probe of a ptychographic reconstruction are known only up to a common complex factor
//! and a phase ramp that one takes from the other. For display the ramp and the offset of the object
//! are removed; data and files keep them.

use ndarray::{Array2, Array3, Axis};
use num_complex::Complex32;
use ptycho_core::phase::{Region, remove_phase_ramp_and_offset};

/// Object and probe as shown.
#[derive(Clone, Debug)]
pub struct Preview {
    /// `(h, w)`, as it is.
    pub object: Array2<Complex32>,
    /// `(h, w)`, phase offset and ramp removed.
    pub object_flat: Array2<Complex32>,
    /// Probe modes `(k, n, n)`.
    pub probe: Array3<Complex32>,
    /// Share of the power in each mode.
    pub mode_power: Vec<f64>,
}

impl Preview {
    /// Prepare a state for display; the ramp is found over the part of the object that the scan covers.
    pub fn new(object: Array2<Complex32>, probe: Array3<Complex32>, scanned: &Region) -> Self {
        let (object_flat, _) = remove_phase_ramp_and_offset(&object.view(), Some(scanned));
        let power: Vec<f64> = probe
            .axis_iter(Axis(0))
            .map(|mode| mode.iter().map(|value| f64::from(value.norm_sqr())).sum())
            .collect();
        let total = power.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        Self {
            object,
            object_flat,
            probe,
            mode_power: power.into_iter().map(|power| power / total).collect(),
        }
    }
}

/// The rows and columns that the middles of all patches span.
pub fn scanned_region(positions_px: &[[f64; 2]], shape: [usize; 2]) -> Region {
    let span = |axis: usize| {
        let values = positions_px.iter().map(|position| position[axis]);
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let last = shape[axis].saturating_sub(1) as f64;
        let low = low.clamp(0.0, last);
        let high = high.clamp(low, last);
        low as usize..high as usize + 1
    };
    (span(0), span(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scanned_region_lies_inside_the_object() {
        let positions = [[-3.0, 5.2], [10.0, 99.0], [4.0, 7.0]];
        assert_eq!(scanned_region(&positions, [20, 30]), (0..11, 5..30));
        assert_eq!(scanned_region(&[], [20, 30]), (19..20, 29..30));
    }

    #[test]
    fn mode_powers_are_shares_of_one() {
        let probe = Array3::from_shape_fn((2, 4, 4), |(k, _, _)| {
            Complex32::new(if k == 0 { 2.0 } else { 1.0 }, 0.0)
        });
        let preview = Preview::new(Array2::ones((8, 8)), probe, &(0..8, 0..8));
        assert_eq!(preview.mode_power, [0.8, 0.2]);
    }
}
