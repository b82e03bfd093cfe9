//! Numbers of the host as tensors and back.

use candle_core::{DType, Device, Result, Shape, Tensor};
use ndarray::{Array2, Array3, ArrayView3};
use num_complex::Complex;

use crate::fft::tile::Tiling;
use crate::iterative::scan::{tiled, untiled};
use crate::iterative::state::Planes;
use crate::simd::{Aligned, Real};
use crate::tensor::portable;

/// Real and imaginary parts on the device.
pub(super) type Field = portable::Complex;

/// Where tensors lie and of which type they are.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) device: Device,
    pub(super) dtype: DType,
}

impl Place {
    /// For an engine of type `T`.
    pub(super) fn of<T: Real>(device: &Device) -> Self {
        let dtype = if T::BYTES == 4 {
            DType::F32
        } else {
            DType::F64
        };
        Self {
            device: device.clone(),
            dtype,
        }
    }

    pub(super) fn bytes_per_value(&self) -> u64 {
        self.dtype.size_in_bytes() as u64
    }

    pub(super) fn tensor<T: Real>(&self, values: &[T], shape: impl Into<Shape>) -> Result<Tensor> {
        if self.dtype == DType::F32 {
            let narrow: Vec<f32> = values.iter().map(|value| value.wide() as f32).collect();
            return Tensor::from_vec(narrow, shape, &self.device);
        }
        let wide: Vec<f64> = values.iter().map(|value| value.wide()).collect();
        Tensor::from_vec(wide, shape, &self.device)
    }

    pub(super) fn zeros(&self, shape: impl Into<Shape>) -> Result<Tensor> {
        Tensor::zeros(shape, self.dtype, &self.device)
    }

    /// Zeros in both parts.
    pub(super) fn no_field(&self, shape: impl Into<Shape> + Clone) -> Result<Field> {
        Ok(Field {
            re: self.zeros(shape.clone())?,
            im: self.zeros(shape)?,
        })
    }

    /// Two planes of the canvas.
    pub(super) fn canvas<T: Real>(&self, planes: &Planes<T>) -> Result<Field> {
        Ok(Field {
            re: self.tensor(&planes.re, planes.re.len())?,
            im: self.tensor(&planes.im, planes.im.len())?,
        })
    }

    /// `(k, n, n)`
    pub(super) fn field<T: Real>(&self, values: ArrayView3<Complex<T>>) -> Result<Field> {
        let shape = values.dim();
        let re: Vec<T> = values.iter().map(|v| v.re).collect();
        let im: Vec<T> = values.iter().map(|v| v.im).collect();
        Ok(Field {
            re: self.tensor(&re, shape)?,
            im: self.tensor(&im, shape)?,
        })
    }

    /// Tiled fields as `(k, n, n)`.
    pub(super) fn tiled<T: Real>(&self, tiling: Tiling, fields: &[T]) -> Result<Field> {
        self.field(untiled(tiling, fields).view())
    }
}

/// All values in order.
pub(super) fn values<T: Real>(tensor: &Tensor) -> Result<Vec<T>> {
    let flat = tensor.flatten_all()?;
    if tensor.dtype() == DType::F32 {
        let narrow = flat.to_vec1::<f32>()?;
        return Ok(narrow.into_iter().map(|v| T::of(f64::from(v))).collect());
    }
    Ok(flat.to_vec1::<f64>()?.into_iter().map(T::of).collect())
}

/// `(k, n, n)` on the host.
pub(super) fn array3<T: Real>(field: &Field) -> Result<Array3<Complex<T>>> {
    let shape = field.re.dims3()?;
    let (re, im) = (values::<T>(&field.re)?, values::<T>(&field.im)?);
    let mut pairs = re.into_iter().zip(im);
    Ok(Array3::from_shape_simple_fn(shape, || {
        let (re, im) = pairs.next().unwrap_or_default();
        Complex::new(re, im)
    }))
}

/// `(n, n)` on the host.
pub(super) fn array2<T: Real>(field: &Field) -> Result<Array2<Complex<T>>> {
    let planes = array3(&field.map(|part| part.unsqueeze(0))?)?;
    Ok(planes.index_axis_move(ndarray::Axis(0), 0))
}

/// Into two planes of the canvas.
pub(super) fn into_planes<T: Real>(field: &Field, planes: &mut Planes<T>) -> Result<()> {
    planes.re.copy_from_slice(&values::<T>(&field.re)?);
    planes.im.copy_from_slice(&values::<T>(&field.im)?);
    Ok(())
}

/// Into tiled fields.
pub(super) fn into_tiled<T: Real>(
    tiling: Tiling,
    field: &Field,
    fields: &mut Aligned<T>,
) -> Result<()> {
    *fields = tiled(tiling, &array3(field)?);
    Ok(())
}

/// Sums over the pixels of every pattern: of each tensor `(.., b, n, n)`, over its leading axes too. One transfer; rows
/// are summed on the device, their sums here in double precision.
pub(super) fn pattern_sums<const N: usize>(terms: [Tensor; N]) -> Result<Vec<[f64; N]>> {
    let rows = terms
        .iter()
        .map(|term| {
            let mut rows = term.sum(candle_core::D::Minus1)?;
            while rows.rank() > 2 {
                rows = rows.sum(0)?;
            }
            Ok(rows)
        })
        .collect::<Result<Vec<_>>>()?;
    let all = Tensor::stack(&rows, 0)?;
    let (_, n_patterns, n) = all.dims3()?;
    let values = values::<f64>(&all)?;
    let sum = |of: usize, i: usize| {
        let at = (of * n_patterns + i) * n;
        values[at..at + n].iter().sum()
    };
    Ok((0..n_patterns)
        .map(|i| std::array::from_fn(|of| sum(of, i)))
        .collect())
}
