//! Square patches of a canvas, and the phase ramps that shift a probe to them.

use candle_core::{DType, Device, Result, Tensor};

use super::{Complex, upload};

/// Where the pixels of square patches stand on a flat canvas.
#[derive(Clone, Debug)]
pub struct PatchPlaces {
    n_patches: usize,
    n: usize,
    /// `(patches n²)`
    ids: Tensor,
}

impl PatchPlaces {
    /// Patches of `n` x `n` pixels that begin at `starts` of a canvas with `stride` values between two rows.
    ///
    /// # Errors
    /// The device's words.
    pub fn new(starts: &[usize], n: usize, stride: usize, device: &Device) -> Result<Self> {
        let firsts: Vec<u32> = starts.iter().map(|&start| start as u32).collect();
        let within: Vec<u32> = (0..n * n)
            .map(|at| (at / n * stride + at % n) as u32)
            .collect();
        let firsts = Tensor::from_vec(firsts, (starts.len(), 1), device)?;
        let within = Tensor::from_vec(within, (1, n * n), device)?;
        Ok(Self {
            n_patches: starts.len(),
            n,
            ids: firsts.broadcast_add(&within)?.flatten_all()?,
        })
    }

    /// The patches `(patches, n, n)` of a flat canvas.
    ///
    /// # Errors
    /// A patch that leaves the canvas; the device's words.
    pub fn gather(&self, canvas: &Tensor) -> Result<Tensor> {
        canvas
            .index_select(&self.ids, 0)?
            .reshape((self.n_patches, self.n, self.n))
    }

    /// The flat canvas with the patches added, one value after the other: slow on a GPU.
    ///
    /// # Errors
    /// A patch that leaves the canvas; the device's words.
    pub fn add(&self, canvas: &Tensor, patches: &Tensor) -> Result<Tensor> {
        canvas.index_add(&self.ids, &patches.flatten_all()?, 0)
    }
}

/// Cycles per pixel of the frequency at pixel `v` of `n`, the frequency 0 at pixel `origin`; the Nyquist frequency of an
/// even size is -½.
pub fn frequency(v: usize, n: usize, origin: usize) -> f64 {
    let from_zero = (v + n - origin) % n;
    let signed = if from_zero < n.div_ceil(2) {
        from_zero as f64
    } else {
        from_zero as f64 - n as f64
    };
    signed / n as f64
}

/// The phase ramps `exp(-2πi (f_row u + f_column v))` that shift by `shifts_px`, `(shifts, n, n)`, the frequency 0 at
/// pixel `origin`.
///
/// # Errors
/// The device's words.
pub fn ramps(
    shifts_px: &[[f64; 2]],
    n: usize,
    origin: usize,
    (dtype, device): (DType, &Device),
) -> Result<Complex> {
    let along = |axis: usize| -> Result<Complex> {
        let turns = |shift: &[f64; 2]| {
            let shift = shift[axis];
            (0..n).map(move |v| -std::f64::consts::TAU * frequency(v, n, origin) * shift)
        };
        let angles: Vec<f64> = shifts_px.iter().flat_map(turns).collect();
        let shape = if axis == 0 {
            (shifts_px.len(), n, 1)
        } else {
            (shifts_px.len(), 1, n)
        };
        let of = |f: fn(f64) -> f64| {
            let values: Vec<f64> = angles.iter().map(|&angle| f(angle)).collect();
            upload(&values, shape, dtype, device)
        };
        Ok(Complex {
            re: of(f64::cos)?,
            im: of(f64::sin)?,
        })
    };
    along(0)?.broadcast_mul(&along(1)?)
}
