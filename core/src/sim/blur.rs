//! The Gaussian filter, as `scipy.ndimage.gaussian_filter` has it: cut at 4 σ, half-sample symmetric at the border.

use std::ops::Range;

use ndarray::{Array2, ArrayView2};

/// `image` under a Gaussian of standard deviation `sigma_px`; 0 leaves it as it is.
pub(crate) fn gaussian(image: ArrayView2<'_, f64>, sigma_px: f64) -> Array2<f64> {
    let (rows, columns) = image.dim();
    gaussian_window(image, sigma_px, [0..rows, 0..columns])
}

/// As [`gaussian`], computed only for the pixels of a window `[rows, columns]`.
///
/// Costs `2 r + 1` products a pixel and axis, `r` = 4 σ, in runs along rows that vector units take whole.
pub(crate) fn gaussian_window(
    image: ArrayView2<'_, f64>,
    sigma_px: f64,
    window: [Range<usize>; 2],
) -> Array2<f64> {
    let weights = half_kernel(sigma_px);
    let reach = weights.len() - 1;
    let [rows, columns] = window;
    let (n_rows, n_columns) = image.dim();
    let mut result = Array2::zeros((rows.len(), columns.len()));
    let image = image.as_standard_layout();
    // A row of sums along columns, from `reach` before the window to `reach` after it.
    let mut sums = vec![0.0; columns.len() + 2 * reach];
    let sources: Vec<usize> = (0..sums.len())
        .map(|i| mirrored((columns.start + i) as isize - reach as isize, n_columns))
        .collect();
    let (least, most) = bounds(&sources);
    let mut line = vec![0.0; most - least];
    let row_of = |row: isize| {
        let row = mirrored(row, n_rows);
        image
            .as_slice()
            .map_or(&[][..], |all| &all[row * n_columns..][least..most])
    };
    for (row, mut out) in rows.zip(result.rows_mut()) {
        let row = row as isize;
        for (sum, value) in line.iter_mut().zip(row_of(row)) {
            *sum = weights[0] * value;
        }
        for (offset, weight) in (1..).zip(&weights[1..]) {
            add_pair(
                &mut line,
                row_of(row - offset),
                row_of(row + offset),
                *weight,
            );
        }
        for (sum, source) in sums.iter_mut().zip(&sources) {
            *sum = line[source - least];
        }
        if let Some(out) = out.as_slice_mut() {
            along_row(&sums, &weights, out);
        }
    }
    result
}

/// Weights at 0, 1, ... r px, `r = ⌊4 σ + 1/2⌋`; those of both sides sum to 1.
fn half_kernel(sigma_px: f64) -> Vec<f64> {
    if sigma_px <= 0.0 {
        return vec![1.0];
    }
    let reach = (4.0 * sigma_px + 0.5) as usize;
    let raw: Vec<f64> = (0..=reach)
        .map(|i| (-0.5 * (i as f64 / sigma_px).powi(2)).exp())
        .collect();
    let total = 2.0 * raw[1..].iter().sum::<f64>() + raw[0];
    raw.iter().map(|weight| weight / total).collect()
}

/// `out[i] = Σ_t w[|t|] sums[i + r + t]`.
fn along_row(sums: &[f64], weights: &[f64], out: &mut [f64]) {
    let reach = weights.len() - 1;
    for (value, sum) in out.iter_mut().zip(&sums[reach..]) {
        *value = weights[0] * sum;
    }
    for (offset, weight) in weights.iter().enumerate().skip(1) {
        add_pair(
            out,
            &sums[reach - offset..],
            &sums[reach + offset..],
            *weight,
        );
    }
}

fn add_pair(out: &mut [f64], before: &[f64], after: &[f64], weight: f64) {
    for ((value, before), after) in out.iter_mut().zip(before).zip(after) {
        *value += weight * (before + after);
    }
}

/// Index of the pixel that stands at `index` when the row is continued as `d c b a | a b c d | d c b a`.
fn mirrored(index: isize, n: usize) -> usize {
    let period = 2 * n as isize;
    let within = index.rem_euclid(period.max(1));
    within.min(period - 1 - within) as usize
}

/// Least index, and one after the greatest.
fn bounds(indices: &[usize]) -> (usize, usize) {
    indices.iter().fold((usize::MAX, 0), |(least, most), i| {
        (least.min(*i), most.max(i + 1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_is_its_definition_at_every_border() {
        // Slow twin: the sum over all pixels of the mirrored plane.
        let image = Array2::from_shape_fn((7, 5), |(row, column)| {
            ((row * 31 + column * 17) % 11) as f64 - 3.0
        });
        for sigma_px in [0.4, 1.0, 2.5] {
            let weights = half_kernel(sigma_px);
            let reach = weights.len() as isize - 1;
            let twin = Array2::from_shape_fn((7, 5), |(row, column)| {
                let mut sum = 0.0;
                for y in -reach..=reach {
                    for x in -reach..=reach {
                        let pixel = [
                            mirrored(row as isize + y, 7),
                            mirrored(column as isize + x, 5),
                        ];
                        sum += weights[y.unsigned_abs()] * weights[x.unsigned_abs()] * image[pixel];
                    }
                }
                sum
            });
            let fast = gaussian(image.view(), sigma_px);
            let window = gaussian_window(image.view(), sigma_px, [2..6, 1..4]);
            for ((index, expected), found) in twin.indexed_iter().zip(&fast) {
                assert!((expected - found).abs() < 1e-12, "{index:?}");
            }
            assert_eq!(window, fast.slice(ndarray::s![2..6, 1..4]));
        }
        assert_eq!(gaussian(image.view(), 0.0), image);
    }

    #[test]
    fn a_row_is_continued_as_in_a_mirror_before_its_first_pixel() {
        // scipy: mode 'reflect', d c b a | a b c d | d c b a.
        let found: Vec<usize> = (-5..9).map(|i| mirrored(i, 4)).collect();
        assert_eq!(found, [3, 3, 2, 1, 0, 0, 1, 2, 3, 3, 2, 1, 0, 0]);
    }
}
