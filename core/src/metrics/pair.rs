//! Two pictures beside each other, and the pixels that count.

use ndarray::{Array2, ArrayView2};

/// Two pictures `(h, w)` of one shape, and which pixels count.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    /// The truth, or what serves as one.
    pub reference: ArrayView2<'a, f64>,
    /// What is compared with it.
    pub other: ArrayView2<'a, f64>,
    /// true = counts; `None` = all. What stands elsewhere is never read into a number.
    pub mask: Option<&'a Array2<bool>>,
}

impl<'a> Pair<'a> {
    /// Two pictures of which every pixel counts.
    pub fn whole(reference: ArrayView2<'a, f64>, other: ArrayView2<'a, f64>) -> Self {
        Self {
            reference,
            other,
            mask: None,
        }
    }

    /// The values of the pixels that count, row by row.
    pub fn counted(&self) -> Vec<(f64, f64)> {
        let pairs = self
            .reference
            .iter()
            .copied()
            .zip(self.other.iter().copied());
        match self.mask {
            None => pairs.collect(),
            Some(mask) => pairs
                .zip(mask)
                .filter_map(|(pair, &counts)| counts.then_some(pair))
                .collect(),
        }
    }
}

/// The values of the pixels that count, row by row.
pub fn counted<T: Copy>(picture: ArrayView2<'_, T>, mask: Option<&Array2<bool>>) -> Vec<T> {
    match mask {
        None => picture.iter().copied().collect(),
        Some(mask) => picture
            .iter()
            .zip(mask)
            .filter_map(|(&value, &counts)| counts.then_some(value))
            .collect(),
    }
}

/// The pixels whose whole neighbourhood of `before` pixels up and left and `after` down and right counts; the picture shrinks by
/// both on each axis, so pixel (0, 0) of the result is pixel `(before, before)`.
pub fn eroded(mask: &Array2<bool>, before: usize, after: usize) -> Array2<bool> {
    let size = before + after + 1;
    let (n_rows, n_columns) = mask.dim();
    let dim = (
        (n_rows + 1).saturating_sub(size),
        (n_columns + 1).saturating_sub(size),
    );
    let mut inside = Array2::from_elem(dim, false);
    // How many rows in a row have counted, up to this one, in every column.
    let mut runs = vec![0_usize; n_columns];
    for (row, counts) in mask.outer_iter().enumerate() {
        for (run, &counts) in runs.iter_mut().zip(counts) {
            *run = if counts { *run + 1 } else { 0 };
        }
        let Some(to) = (row + 1).checked_sub(size) else {
            continue;
        };
        let mut run = 0;
        for (column, &rows) in runs.iter().enumerate() {
            run = if rows < size { 0 } else { run + 1 };
            if run >= size {
                inside[[to, column + 1 - size]] = true;
            }
        }
    }
    inside
}
