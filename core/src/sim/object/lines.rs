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
    let wide = 2.0 * side_px as f64;
    let segments =
        (0..n_lines).map(|_| std::array::from_fn(|_| (wide * rng.random::<f64>()) as isize));
    blurred(side_px, segments)
}

/// The picture of segments `[row, column, row, column]`.
fn blurred(side_px: usize, segments: impl Iterator<Item = [isize; 4]>) -> Array2<f64> {
    // Only what the widest blur carries into the middle is drawn.
    let drawn_from = (side_px / 2).saturating_sub(REACH_PX);
    let n_drawn = (side_px / 2 + side_px + REACH_PX).min(2 * side_px) - drawn_from;
    let mut drawn = Array2::<f64>::zeros((n_drawn, n_drawn));
    for [r0, c0, r1, c1] in segments {
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
fn bresenham(from: [isize; 2], to: [isize; 2]) -> impl Iterator<Item = (isize, isize)> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_take_the_pixels_of_skimage() {
        // skimage 0.26: skimage.draw.line(r0, c0, r1, c1).
        let found = |from, to| bresenham(from, to).collect::<Vec<_>>();
        let steep = [
            (2, 3),
            (3, 3),
            (4, 4),
            (5, 4),
            (6, 5),
            (7, 5),
            (8, 6),
            (9, 6),
        ];
        assert_eq!(found([2, 3], [9, 6]), steep);
        let flat = [
            (0, 7),
            (0, 6),
            (1, 5),
            (1, 4),
            (2, 3),
            (2, 2),
            (3, 1),
            (3, 0),
        ];
        assert_eq!(found([0, 7], [3, 0]), flat);
        assert_eq!(found([5, 5], [5, 5]), [(5, 5)]);
        assert_eq!(found([3, 1], [1, 1]), [(3, 1), (2, 1), (1, 1)]);
        assert_eq!(found([1, 1], [3, 3]), [(1, 1), (2, 2), (3, 3)]);
    }

    #[test]
    fn the_picture_is_that_of_scipy() {
        // im[line(*s)] = 1 for all s; G(im, 1) + 2 G(im, 5) + 5 G(im, 10), middle half; scipy 1.17 gaussian_filter.
        // The small one is narrower than the blur, so that its mirrored borders count.
        let small = [[2, 3, 44, 30], [47, 0, 10, 40], [20, 47, 20, 5]];
        let large = [[10, 150, 190, 20], [199, 199, 60, 70], [100, 0, 130, 160]];
        let expected = [
            (
                24,
                small,
                [
                    0.5119738840106497,
                    0.6362660508807165,
                    0.6954678354587592,
                    392.8198250086125,
                ],
            ),
            (
                100,
                large,
                [
                    0.0022469961791049486,
                    0.15610877482731841,
                    0.0241917315409677,
                    2196.631227382636,
                ],
            ),
        ];
        for (side_px, segments, values) in expected {
            let picture = blurred(side_px, segments.into_iter());
            let places = if side_px == 24 {
                [[0, 0], [5, 17], [23, 2]]
            } else {
                [[0, 0], [50, 17], [93, 62]]
            };
            let found = places.map(|place| picture[place]);
            for (found, expected) in found.iter().chain([&picture.sum()]).zip(values) {
                assert!(
                    (found - expected).abs() < 1e-12 * expected.max(1.0),
                    "{found} {expected}"
                );
            }
        }
    }
}
