//! Pixels without a value of their own, filled from their neighbours.

use ndarray::Array2;
use num_complex::Complex64;

/// Give every pixel that is not known the mean of its known neighbours (of eight), layer by layer outwards from what is known.
///
/// So no step stands at the edge of the unknown that would ring through the picture when it is transformed; what stood there is
/// never read. A picture of which nothing is known becomes 0.
pub(crate) fn fill(picture: &mut Array2<Complex64>, known: &Array2<bool>) {
    let (n_rows, n_columns) = picture.dim();
    let mut is_known = known.clone();
    for (value, known) in picture.iter_mut().zip(known) {
        if !known {
            *value = Complex64::default();
        }
    }
    let neighbours = |(row, column): (usize, usize)| {
        let rows = row.saturating_sub(1)..(row + 2).min(n_rows);
        rows.flat_map(move |y| {
            (column.saturating_sub(1)..(column + 2).min(n_columns)).map(move |x| (y, x))
        })
        .filter(move |at| *at != (row, column))
    };
    let unknown = known.indexed_iter().filter(|(_, known)| !**known);
    let mut layer: Vec<(usize, usize)> = unknown
        .map(|(at, _)| at)
        .filter(|&at| neighbours(at).any(|near| known[near]))
        .collect();
    while !layer.is_empty() {
        let means: Vec<Complex64> = layer
            .iter()
            .map(|&at| {
                let near: Vec<_> = neighbours(at).filter(|near| is_known[*near]).collect();
                near.iter().map(|near| picture[*near]).sum::<Complex64>() / near.len() as f64
            })
            .collect();
        for (&at, mean) in layer.iter().zip(means) {
            picture[at] = mean;
            is_known[at] = true;
        }
        let mut next: Vec<_> = layer
            .iter()
            .flat_map(|&at| neighbours(at))
            .filter(|near| !is_known[*near])
            .collect();
        next.sort_unstable();
        next.dedup();
        layer = next;
    }
}
