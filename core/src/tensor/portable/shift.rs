//! Translation by fractions of a pixel as products with banded matrices, together with padding or cropping.

use candle_core::{DType, Device, Result, Tensor};

use super::upload;

/// Where planes of `n_in` x `n_in` pixels lie in planes of `n_out` x `n_out` before they are shifted.
#[derive(Clone, Debug)]
pub struct Placement {
    /// `(1, n_out, n_in)`: place of an output pixel minus that of an input pixel.
    distance: Tensor,
}

impl Placement {
    /// Input pixel 0 lies at output pixel `corner_px` along both axes; below 0 for a crop.
    ///
    /// # Errors
    /// The device's words.
    pub fn new(
        n_in: usize,
        n_out: usize,
        corner_px: i64,
        dtype: DType,
        device: &Device,
    ) -> Result<Self> {
        let distance: Vec<f64> = (0..n_out as i64)
            .flat_map(|to| (0..n_in as i64).map(move |from| (to - from - corner_px) as f64))
            .collect();
        Ok(Self {
            distance: upload(&distance, (1, n_out, n_in), dtype, device)?,
        })
    }

    /// The matrices that shift plane `i` by `shifts_px[i]` (row, column): content moves towards greater indices.
    ///
    /// Pixel `from` reaches pixel `to` with the weight `max(0, 1 - |to - from - shift|)`: linear interpolation, zeros
    /// outside. Whole and fractional part of the shift are taken apart in `f64`, so that single precision loses nothing.
    ///
    /// # Errors
    /// The device's words.
    pub fn at(&self, shifts_px: &[[f64; 2]]) -> Result<Shifts> {
        let (dtype, device) = (self.distance.dtype(), self.distance.device());
        let column = |of: &dyn Fn(f64) -> f64, axis: usize| {
            let values: Vec<f64> = shifts_px.iter().map(|shift| of(shift[axis])).collect();
            upload(&values, (shifts_px.len(), 1, 1), dtype, device)
        };
        let hats = |axis| {
            let whole = column(&f64::floor, axis)?;
            let fraction = column(&|shift| shift - shift.floor(), axis)?;
            self.distance
                .broadcast_sub(&whole)?
                .broadcast_sub(&fraction)?
                .abs()?
                .affine(-1.0, 1.0)?
                .relu()
        };
        Ok(Shifts {
            rows: hats(0)?,
            columns: hats(1)?,
        })
    }
}

/// Shifts of a batch of planes, `T_d[f](p) = f(p - d)`, bilinear.
#[derive(Clone, Debug)]
pub struct Shifts {
    /// `(batch, n_out, n_in)`.
    rows: Tensor,
    /// `(batch, n_out, n_in)`.
    columns: Tensor,
}

impl Shifts {
    /// Every plane by its own shift.
    ///
    /// # Shapes
    /// - `planes`: `(batch, n_in, n_in)`; result: `(batch, n_out, n_out)`.
    ///
    /// # Errors
    /// Another shape; the device's words.
    pub fn apply(&self, planes: &Tensor) -> Result<Tensor> {
        self.rows.matmul(planes)?.matmul(&self.columns.t()?)
    }

    /// Several shifts of every plane: with `batch = groups · c`, plane `g` is shifted by the shifts `g c .. (g + 1) c`.
    ///
    /// # Shapes
    /// - `planes`: `(groups, n_in, n_in)`; result: `(batch, n_out, n_out)`.
    ///
    /// # Errors
    /// Another shape; the device's words.
    pub fn apply_shared(&self, planes: &Tensor) -> Result<Tensor> {
        let (n_batch, n_out, n_in) = self.rows.dims3()?;
        let n_groups = planes.dim(0)?;
        self.rows
            .reshape((n_groups, n_batch / n_groups * n_out, n_in))?
            .matmul(planes)?
            .reshape((n_batch, n_out, n_in))?
            .matmul(&self.columns.t()?)
    }

    /// Planes of ones, shifted: how much of a plane reaches each pixel, `(batch, n_out, n_out)`.
    ///
    /// # Errors
    /// The device's words.
    pub fn of_ones(&self) -> Result<Tensor> {
        let (n_batch, n_out, _) = self.rows.dims3()?;
        let down = super::layers::row_sums(&self.rows)?.reshape((n_batch, n_out, 1))?;
        let across = super::layers::row_sums(&self.columns)?.reshape((n_batch, 1, n_out))?;
        down.broadcast_mul(&across)
    }
}
