//! Patches of the canvas and their adjoint: where patterns of a batch lie.
//!
//! Patches are gathered by index. Candle adds by index one value after the other on a GPU; there patches are placed by
//! products with matrices of zeros and ones, which are exact.

use candle_core::{Result, Tensor};

use super::host::{Field, Place};
use crate::iterative::state;
use crate::tensor::portable::{PatchPlaces, frequency};

/// Work of a product (canvas rows x canvas columns x pattern rows) above which patches are added one by one.
const PRODUCT_WORK: usize = 80_000_000;

/// How patches are added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Adding {
    /// By index.
    Index,
    /// By two matrix products.
    Products,
    /// Spread over the canvas's columns by a product, then pattern by pattern.
    Rows,
}

impl Adding {
    /// What is fastest on this device for a canvas of `(rows, stride)`.
    pub(super) fn on(place: &Place, canvas: [usize; 2], n: usize) -> Self {
        if place.device.is_cpu() {
            Self::Index
        } else if canvas[0] * canvas[1] * n <= PRODUCT_WORK {
            Self::Products
        } else {
            Self::Rows
        }
    }
}

/// Where the patches of a batch lie.
pub(super) struct Placing {
    adding: Adding,
    n: usize,
    canvas: [usize; 2],
    corners: Vec<[usize; 2]>,
    places: PatchPlaces,
    /// `(b, n, stride)`: 1 where a patch's column lies.
    columns: Option<Tensor>,
    /// `(rows, b n)`: 1 where a patch's row lies.
    rows: Option<Tensor>,
}

impl Placing {
    pub(super) fn new(
        place: &Place,
        adding: Adding,
        canvas: [usize; 2],
        n: usize,
        places: impl Iterator<Item = state::Place>,
    ) -> Result<Self> {
        let corners: Vec<[usize; 2]> = places.map(|place| place.corner).collect();
        let [n_rows, stride] = canvas;
        let starts: Vec<usize> = corners.iter().map(|c| c[0] * stride + c[1]).collect();
        let places = PatchPlaces::new(&starts, n, stride, &place.device)?;
        let b = corners.len();
        let spread = |axis: usize, size: usize| -> Result<Tensor> {
            let firsts: Vec<f64> = corners.iter().map(|c| c[axis] as f64).collect();
            let firsts = place.tensor(&firsts, (b, 1, 1))?;
            let distance = |of: usize| (0..size).map(move |to| to as f64 - of as f64);
            let distances: Vec<f64> = (0..n).flat_map(distance).collect();
            let distances = place.tensor(&distances, (1, n, size))?;
            let shape = (b, n, size);
            distances
                .broadcast_as(shape)?
                .eq(&firsts.broadcast_as(shape)?)?
                .to_dtype(place.dtype)
        };
        let columns = (adding != Adding::Index)
            .then(|| spread(1, stride))
            .transpose()?;
        let rows = (adding == Adding::Products)
            .then(|| spread(0, n_rows)?.reshape((b * n, n_rows))?.t())
            .transpose()?;
        Ok(Self {
            adding,
            n,
            canvas,
            corners,
            places,
            columns,
            rows,
        })
    }

    /// Values that [`Placing::new`] makes for every pattern.
    pub(super) fn n_values(adding: Adding, canvas: [usize; 2], n: usize) -> usize {
        let [n_rows, stride] = canvas;
        match adding {
            Adding::Index => n * n,
            // Indices and comparisons beside the matrix itself, and the patches spread out.
            Adding::Products => n * (4 * stride + 3 * n_rows),
            Adding::Rows => n * 4 * stride,
        }
    }

    /// `(b, n, n)` of a canvas.
    pub(super) fn patches(&self, canvas: &Field) -> Result<Field> {
        canvas.map(|part| self.places.gather(part))
    }

    /// The canvas with patches `(b, n, n)` added.
    pub(super) fn add_field(&self, canvas: &Field, patches: &Field) -> Result<Field> {
        Ok(Field {
            re: self.add(&canvas.re, &patches.re)?,
            im: self.add(&canvas.im, &patches.im)?,
        })
    }

    /// As [`Placing::add_field`] for one part.
    pub(super) fn add(&self, canvas: &Tensor, patches: &Tensor) -> Result<Tensor> {
        let [n_rows, stride] = self.canvas;
        let (Some(columns), true) = (&self.columns, self.adding != Adding::Index) else {
            return self.places.add(canvas, patches);
        };
        let spread = patches.contiguous()?.matmul(columns)?;
        if let Some(rows) = &self.rows {
            let placed = rows.matmul(&spread.reshape((self.corners.len() * self.n, stride))?)?;
            return canvas + placed.flatten_all()?;
        }
        let sum = canvas.reshape((n_rows, stride))?.copy()?;
        for (i, &[row, _]) in self.corners.iter().enumerate() {
            let band = (sum.narrow(0, row, self.n)? + spread.get(i)?)?;
            sum.slice_set(&band, 0, row)?;
        }
        sum.flatten_all()
    }
}

/// The derivative along a row by its Fourier transform, `2πi f` with the Nyquist frequency at -½: `(2 n, 2 n)`, from a
/// row's real and imaginary parts to those of its derivative.
pub(super) fn derivative(place: &Place, n: usize) -> Result<Tensor> {
    let kernel = |distance: usize| {
        (0..n).fold((0.0, 0.0), |(re, im), v| {
            // The product modulo n keeps the angle small, hence exact.
            let angle = std::f64::consts::TAU * (v * distance % n) as f64 / n as f64;
            let slope = std::f64::consts::TAU * frequency(v, n, 0) / n as f64;
            (re - slope * angle.sin(), im + slope * angle.cos())
        })
    };
    let kernel: Vec<(f64, f64)> = (0..n).map(kernel).collect();
    let mut matrix = vec![0.0; 4 * n * n];
    for from in 0..n {
        for to in 0..n {
            let (re, im) = kernel[(to + n - from) % n];
            let at = |a: usize, b: usize| 2 * n * (a * n + from) + b * n + to;
            matrix[at(0, 0)] = re;
            matrix[at(0, 1)] = im;
            matrix[at(1, 0)] = -im;
            matrix[at(1, 1)] = re;
        }
    }
    place.tensor(&matrix, (2 * n, 2 * n))
}

/// The derivative of every row of planes `(b, n, n)` by the matrix that [`derivative`] makes.
///
/// The mean of a row has no slope. It is taken away first: where the object is nearly flat, its rounding would be most of
/// what comes out.
pub(super) fn differentiate_rows(planes: &Field, matrix: &Tensor) -> Result<Field> {
    let (b, n, _) = planes.re.dims3()?;
    let centred = planes.map(|part| part.broadcast_sub(&part.mean_keepdim(2)?))?;
    let rows = Tensor::cat(&[&centred.re, &centred.im], 2)?
        .reshape((b * n, 2 * n))?
        .matmul(matrix)?
        .reshape((b, n, 2, n))?;
    let part = |i| rows.narrow(2, i, 1)?.squeeze(2)?.contiguous();
    Ok(Field {
        re: part(0)?,
        im: part(1)?,
    })
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn every_way_of_adding_places_patches_alike() {
        let place = Place {
            device: Device::Cpu,
            dtype: DType::F64,
        };
        let (canvas, n) = ([11, 16], 4);
        let corners = [[0, 0], [7, 12], [3, 5], [3, 6], [6, 1]];
        let places = || {
            corners.iter().map(|&corner| state::Place {
                corner,
                shift_px: [0.0; 2],
            })
        };
        let values: Vec<f64> = (0..5 * n * n).map(|i| (i as f64 * 1.3).sin()).collect();
        let patches = place.tensor(&values, (5, n, n)).unwrap();
        let start = place.tensor(&vec![0.25; 11 * 16], 11 * 16).unwrap();
        let mut expected = vec![0.25; 11 * 16];
        for (i, value) in values.iter().enumerate() {
            let ([row, column], at) = (corners[i / 16], i % 16);
            expected[(row + at / n) * 16 + column + at % n] += value;
        }
        for adding in [Adding::Index, Adding::Products, Adding::Rows] {
            let placing = Placing::new(&place, adding, canvas, n, places()).unwrap();
            let sum = placing.add(&start, &patches).unwrap();
            let found = sum.to_vec1::<f64>().unwrap();
            let worst = found.iter().zip(&expected).map(|(a, b)| (a - b).abs());
            assert!(worst.fold(0.0, f64::max) < 1e-14, "{adding:?}");
        }
    }
}
