//! Dead leaves: discs of all sizes that cover each other, as leaves on the ground.

use ndarray::Array2;
use rand::{Rng, RngExt as _};

use crate::sim::blur::gaussian;

/// Discs after which what is still bare keeps the ground's grey.
const MOST_DISCS_A_PIXEL: usize = 16;
/// Softens the edges of the discs over about two pixels.
const EDGE_PX: f64 = 0.6;

/// A picture of discs, `(side, side)`, greys from 0 to 1.
///
/// Radii follow the density `r⁻³` from `greatest_px / 16` to `greatest_px`, which makes a picture's statistics the same
/// at every magnification; middles and greys are uniform. The discs are laid from the topmost down, each only where
/// nothing lies yet, until the ground is covered: that is exactly the picture after endless leaf fall.
pub(super) fn leaves(side_px: usize, greatest_px: f64, rng: &mut impl Rng) -> Array2<f64> {
    let least_px = (greatest_px / 16.0).max(1.0);
    let greatest_px = greatest_px.max(least_px);
    let side = side_px as f64;
    let mut picture = Array2::from_elem((side_px, side_px), f64::NAN);
    let mut n_bare = side_px * side_px;
    let squares = [least_px, greatest_px].map(|radius| radius.powi(-2));
    for _ in 0..MOST_DISCS_A_PIXEL * side_px * side_px {
        if n_bare == 0 {
            break;
        }
        // The share of discs above r falls with r⁻²: invert it.
        let share: f64 = rng.random();
        let radius_px = (squares[0] + share * (squares[1] - squares[0])).powf(-0.5);
        let middle: [f64; 2] =
            std::array::from_fn(|_| rng.random::<f64>() * (side + 2.0 * greatest_px) - greatest_px);
        let grey: f64 = rng.random();
        n_bare -= lay(&mut picture, middle, radius_px, grey);
    }
    picture.mapv_inplace(|grey| if grey.is_nan() { 0.5 } else { grey });
    gaussian(picture.view(), EDGE_PX)
}

/// Put a disc under what lies there; yields how many pixels it covers.
fn lay(picture: &mut Array2<f64>, middle: [f64; 2], radius_px: f64, grey: f64) -> usize {
    let (n_rows, n_columns) = picture.dim();
    let clipped = |from: f64, to: f64, n: usize| {
        let from = (from.ceil().max(0.0) as usize).min(n);
        from..((to.floor() + 1.0).max(0.0) as usize).clamp(from, n)
    };
    let mut n_covered = 0;
    for row in clipped(middle[0] - radius_px, middle[0] + radius_px, n_rows) {
        let height = row as f64 - middle[0];
        let half = (radius_px.powi(2) - height.powi(2)).max(0.0).sqrt();
        for column in clipped(middle[1] - half, middle[1] + half, n_columns) {
            let pixel = &mut picture[[row, column]];
            if pixel.is_nan() {
                *pixel = grey;
                n_covered += 1;
            }
        }
    }
    n_covered
}
