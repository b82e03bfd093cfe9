//! Random straight lines, sharp and blurred: the standard test object of `PtychoPINN`.

use ndarray::Array2;
use rand::{Rng, RngExt as _};

use crate::sim::blur::gaussian_window;

/// Standard deviations of the blurs and their weights in the sum.
const BLURS: [(f64, f64); 3] = [(1.0, 1.0), (5.0, 2.0), (10.0, 5.0)];
/// How far the widest blur reaches: 4 σ.
const REACH_PX: usize = 40;

/// Segments over the square of twice the side that give `PtychoPINN`'s density: 400 for 784 px, `⌊400 · 2 side / 784⌋`.
pub(super) fn standard_number(side_px: usize) -> usize {
    400 * 2 * side_px / 784
}

/// `G₁ + 2 G₅ + 5 G₁₀` of `n_lines` segments, the middle `(side, side)` of a square twice as wide; 0 and above.
///
/// `G_σ` is the picture of all segments, 1 on each and 0 elsewhere, under a Gaussian of σ px. A segment's ends are drawn
/// as (row, column) of the one, then of the other.
pub(super) fn lines(side_px: usize, n_lines: usize, rng: &mut impl Rng) -> Array2<f64> {
    let wide = 2 * side_px;
    // Only what the widest blur carries into the middle is drawn.
    let drawn_from = (side_px / 2).saturating_sub(REACH_PX);
    let n_drawn = (side_px / 2 + side_px + REACH_PX).min(wide) - drawn_from;
    let mut drawn = Array2::<f64>::zeros((n_drawn, n_drawn));
    for _ in 0..n_lines {
        let [r0, c0, r1, c1]: [isize; 4] =
            std::array::from_fn(|_| (wide as f64 * rng.random::<f64>()) as isize);
        for (row, column) in bresenham([r0, c0], [r1, c1]) {
            let place = [row, column].map(|c| (c as usize).wrapping_sub(drawn_from));
            if let Some(pixel) = drawn.get_mut(place) {
                *pixel = 1.0;
            }
        }
    }
    let first = side_px / 2 - drawn_from;
    let middle = first..first + side_px;
    let mut sum = Array2::zeros((side_px, side_px));
    for (sigma_px, weight) in BLURS {
        let blurred = gaussian_window(drawn.view(), sigma_px, [middle.clone(), middle.clone()]);
        sum.scaled_add(weight, &blurred);
    }
    sum
}

/// Pixels of a straight line, both ends included, as `skimage.draw.line` orders and chooses them.
pub(super) fn bresenham(from: [isize; 2], to: [isize; 2]) -> impl Iterator<Item = (isize, isize)> {
    let span = [0, 1].map(|axis| (to[axis] - from[axis]).abs());
    let step = [0, 1].map(|axis| if from[axis] < to[axis] { 1 } else { -1 });
    // The axis along which every pixel is taken.
    let long = usize::from(span[0] <= span[1]);
    let short = 1 - long;
    let mut excess = 2 * span[short] - span[long];
    let mut at = from;
    (0..=span[long]).map(move |i| {
        if i == span[long] {
            return (to[0], to[1]);
        }
        let pixel = (at[0], at[1]);
        while 0 <= excess {
            at[short] += step[short];
            excess -= 2 * span[long];
        }
        at[long] += step[long];
        excess += 2 * span[short];
        pixel
    })
}
