//! Complex numbers as pairs of real tensors, and the Fourier transform as two matrix products.

use candle_core::{DType, Device, Result, Tensor};

use super::upload;

/// Real and imaginary parts, of one shape.
#[derive(Clone, Debug)]
pub struct Complex {
    /// Real part.
    pub re: Tensor,
    /// Imaginary part.
    pub im: Tensor,
}

impl Complex {
    /// `amplitude · exp(i phase)`.
    ///
    /// # Errors
    /// The device's words.
    pub fn polar(amplitude: &Tensor, phase: &Tensor) -> Result<Self> {
        Ok(Self {
            re: (amplitude * phase.cos()?)?,
            im: (amplitude * phase.sin()?)?,
        })
    }

    /// The product with `other`, which is repeated where it has fewer axes.
    ///
    /// # Errors
    /// Shapes that do not fit; the device's words.
    pub fn broadcast_mul(&self, other: &Self) -> Result<Self> {
        let product = |a: &Tensor, b: &Tensor| a.broadcast_mul(b);
        Ok(Self {
            re: (product(&self.re, &other.re)? - product(&self.im, &other.im)?)?,
            im: (product(&self.re, &other.im)? + product(&self.im, &other.re)?)?,
        })
    }

    /// The product with the conjugate of `other`, which is repeated where it has fewer axes.
    ///
    /// # Errors
    /// Shapes that do not fit; the device's words.
    pub fn broadcast_mul_conj(&self, other: &Self) -> Result<Self> {
        let product = |a: &Tensor, b: &Tensor| a.broadcast_mul(b);
        Ok(Self {
            re: (product(&self.re, &other.re)? + product(&self.im, &other.im)?)?,
            im: (product(&self.im, &other.re)? - product(&self.re, &other.im)?)?,
        })
    }

    /// Real part of the product with the conjugate of `other`, which is repeated where it has fewer axes.
    ///
    /// # Errors
    /// Shapes that do not fit; the device's words.
    pub fn broadcast_dot(&self, other: &Self) -> Result<Tensor> {
        self.re.broadcast_mul(&other.re)? + self.im.broadcast_mul(&other.im)?
    }

    /// The product with real numbers, which are repeated where they have fewer axes.
    ///
    /// # Errors
    /// Shapes that do not fit; the device's words.
    pub fn broadcast_scale(&self, by: &Tensor) -> Result<Self> {
        self.map(|part| part.broadcast_mul(by))
    }

    /// `self + factor other`.
    ///
    /// # Errors
    /// Shapes that do not fit; the device's words.
    pub fn plus(&self, factor: f64, other: &Self) -> Result<Self> {
        let sum = |a: &Tensor, b: &Tensor| -> Result<Tensor> {
            if factor == 1.0 {
                a + b
            } else if factor == -1.0 {
                a - b
            } else {
                a + (b * factor)?
            }
        };
        Ok(Self {
            re: sum(&self.re, &other.re)?,
            im: sum(&self.im, &other.im)?,
        })
    }

    /// The product with a number.
    ///
    /// # Errors
    /// The device's words.
    pub fn times(&self, factor: f64) -> Result<Self> {
        self.map(|part| part * factor)
    }

    /// `re² + im²`.
    ///
    /// # Errors
    /// The device's words.
    pub fn intensity(&self) -> Result<Tensor> {
        self.re.sqr()? + self.im.sqr()?
    }

    /// The same done to both parts.
    ///
    /// # Errors
    /// Those of `f`.
    pub fn map(&self, f: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Self> {
        Ok(Self {
            re: f(&self.re)?,
            im: f(&self.im)?,
        })
    }
}

/// The centred orthonormal 2-D Fourier transform of square planes, as [`crate::fft::Fft2::forward`]:
///
/// `A[u, v] = 1/n Σ a[y, x] exp(-2πi ((u - n/2)(y - n/2) + (v - n/2)(x - n/2))/n)`
///
/// by two products with the matrix of the 1-D transform. For sides of 64 to 256 that is little work for a device.
#[derive(Clone, Debug)]
pub struct Dft {
    n: usize,
    /// `(2 n, 2 n)`: from a row's real and imaginary parts to those of its transform.
    matrix: Tensor,
}

impl Dft {
    /// The transform of planes of `n` x `n` pixels.
    ///
    /// # Errors
    /// The device's words.
    pub fn new(n: usize, dtype: DType, device: &Device) -> Result<Self> {
        Self::with_origin(n, n / 2, dtype, device)
    }

    /// The same with pixel and frequency 0 at `origin` along both axes.
    ///
    /// # Errors
    /// The device's words.
    pub fn with_origin(n: usize, origin: usize, dtype: DType, device: &Device) -> Result<Self> {
        let origin = origin as i64;
        let mut matrix = vec![0.0; 4 * n * n];
        let root = (n as f64).sqrt();
        for x in 0..n {
            for v in 0..n {
                // The product modulo n keeps the angle small, hence exact.
                let turns = ((x as i64 - origin) * (v as i64 - origin)).rem_euclid(n as i64);
                let angle = -std::f64::consts::TAU * turns as f64 / n as f64;
                let (re, im) = (angle.cos() / root, angle.sin() / root);
                matrix[2 * n * x + v] = re;
                matrix[2 * n * x + n + v] = im;
                matrix[2 * n * (n + x) + v] = -im;
                matrix[2 * n * (n + x) + n + v] = re;
            }
        }
        Ok(Self {
            n,
            matrix: upload(&matrix, (2 * n, 2 * n), dtype, device)?,
        })
    }

    /// The transform of every plane.
    ///
    /// # Shapes
    /// - `planes`: `(batch, n, n)`; the result too.
    ///
    /// # Errors
    /// Another shape; the device's words.
    pub fn forward(&self, planes: &Complex) -> Result<Complex> {
        let n = self.n;
        let (n_batch, _, _) = planes.re.dims3()?;
        let rows = |x: &Tensor| {
            x.reshape((n_batch * n, 2 * n))?
                .matmul(&self.matrix)?
                .reshape((n_batch, n, 2, n))
        };
        let x = Tensor::stack(&[&planes.re, &planes.im], 2)?;
        let x = rows(&rows(&x)?.permute((0, 3, 2, 1))?.contiguous()?)?;
        let part = |i| x.narrow(2, i, 1)?.squeeze(2)?.t()?.contiguous();
        Ok(Complex {
            re: part(0)?,
            im: part(1)?,
        })
    }

    /// The inverse transform of every plane: the forward one of the parts exchanged.
    ///
    /// # Shapes
    /// - `planes`: `(batch, n, n)`; the result too.
    ///
    /// # Errors
    /// Another shape; the device's words.
    pub fn inverse(&self, planes: &Complex) -> Result<Complex> {
        let exchanged = self.forward(&Complex {
            re: planes.im.clone(),
            im: planes.re.clone(),
        })?;
        Ok(Complex {
            re: exchanged.im,
            im: exchanged.re,
        })
    }
}
