//! Convolution, pool, upsampling and activations on feature maps `(channels, batch, rows, columns)`.

use candle_core::{D, Result, Tensor};

use super::beside::{apply1, apply3};

/// `y[o, b, r, c] = bias[o] + Σ_{i, u, v} w[o, i, u, v] x[i, b, r + u - 1, c + v - 1]`, zero outside; then
/// `max(0, y)` where wanted.
///
/// One matrix product with the nine shifted copies of `x`. Backwards two more: that for `x` is the same convolution of
/// the gradient with the mirrored weights, so nothing is scattered. The copies are made anew rather than kept.
///
/// # Shapes
/// - `x`: `(in, batch, h, w)`; `weights`: `(out, in, 3, 3)`; `bias`: `(out)`; result: `(out, batch, h, w)`.
///
/// # Errors
/// Shapes that do not fit; the device's words.
pub fn conv3x3(x: &Tensor, weights: &Tensor, bias: &Tensor, with_relu: bool) -> Result<Tensor> {
    let arguments = [x, weights, bias];
    if with_relu {
        apply3(
            arguments,
            |[x, w, b]| convolve(x, &kernel_matrix(w)?, Some(b))?.relu(),
            |x, y, dy| conv_adjoint(x, &(dy * positive(y)?)?),
        )
    } else {
        apply3(
            arguments,
            |[x, w, b]| convolve(x, &kernel_matrix(w)?, Some(b)),
            |x, _, dy| conv_adjoint(x, dy),
        )
    }
}

/// The nine shifted copies of `x`: `(9 in, batch h w)`, the rows ordered by (u, v, channel).
fn shifted_copies(x: &Tensor) -> Result<Tensor> {
    let (n_channels, n_batch, h, w) = x.dims4()?;
    let padded = x.pad_with_zeros(2, 1, 1)?.pad_with_zeros(3, 1, 1)?;
    let across = (0..3)
        .map(|v| padded.narrow(3, v, w))
        .collect::<Result<Vec<_>>>()?;
    let across = Tensor::cat(&across, 0)?;
    let down = (0..3)
        .map(|u| across.narrow(2, u, h))
        .collect::<Result<Vec<_>>>()?;
    Tensor::cat(&down, 0)?.reshape((9 * n_channels, n_batch * h * w))
}

/// Weights `(out, in, 3, 3)` as `(out, 9 in)`, in the order of [`shifted_copies`].
fn kernel_matrix(weights: &Tensor) -> Result<Tensor> {
    let (n_out, n_in, _, _) = weights.dims4()?;
    weights.permute((0, 2, 3, 1))?.reshape((n_out, 9 * n_in))
}

/// The same weights mirrored, for the way back: `(in, 9 out)`.
fn mirrored_matrix(weights: &Tensor) -> Result<Tensor> {
    let (n_out, n_in, _, _) = weights.dims4()?;
    let backwards = Tensor::from_vec((0..9_u32).rev().collect(), 9, weights.device())?;
    weights
        .permute((1, 2, 3, 0))?
        .reshape((n_in, 9, n_out))?
        .index_select(&backwards, 1)?
        .reshape((n_in, 9 * n_out))
}

fn convolve(x: &Tensor, matrix: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let (_, n_batch, h, w) = x.dims4()?;
    let y = matrix.matmul(&shifted_copies(x)?)?;
    let y = match bias {
        Some(bias) => y.broadcast_add(&bias.reshape((bias.elem_count(), 1))?)?,
        None => y,
    };
    y.reshape((matrix.dim(0)?, n_batch, h, w))
}

fn conv_adjoint(
    [x, weights, bias]: [&Tensor; 3],
    dy: &Tensor,
) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
    let (n_out, n_in, _, _) = weights.dims4()?;
    let dy = dy.contiguous()?;
    let flat = dy.reshape((n_out, dy.elem_count() / n_out))?;
    let d_x = if x.track_op() {
        Some(convolve(&dy, &mirrored_matrix(&weights.detach())?, None)?)
    } else {
        None
    };
    let d_weights = if weights.track_op() {
        let copies = shifted_copies(&x.detach())?;
        let matrix = flat.matmul(&copies.t()?)?;
        Some(matrix.reshape((n_out, 3, 3, n_in))?.permute((0, 3, 1, 2))?)
    } else {
        None
    };
    let d_bias = if bias.track_op() {
        Some(flat.sum(1)?)
    } else {
        None
    };
    Ok((d_x, d_weights, d_bias))
}

/// Maximum of every 2x2 pixels; of equal values the first in row order takes the gradient.
///
/// # Shapes
/// - `x`: `(channels, batch, h, w)`, h and w even; result: `(channels, batch, h/2, w/2)`.
///
/// # Errors
/// An odd side; the device's words.
pub fn max_pool2(x: &Tensor) -> Result<Tensor> {
    apply1(
        x,
        |x| {
            let (n_channels, n_batch, h, w) = x.dims4()?;
            let [a, b, c, d] = corners(x)?;
            a.maximum(&b)?
                .maximum(&c.maximum(&d)?)?
                .reshape((n_channels, n_batch, h / 2, w / 2))
        },
        |x, y, dy| {
            let planes = corners(x)?;
            let y = y.reshape(planes[0].dims())?;
            let dy = dy.reshape(planes[0].dims())?;
            let mut free = y.ones_like()?;
            let mut parts = Vec::with_capacity(4);
            for plane in planes {
                let chosen = (plane.eq(&y)?.to_dtype(y.dtype())? * &free)?;
                free = (free - &chosen)?;
                parts.push((&dy * chosen)?);
            }
            join_corners(&parts)?.reshape(x.dims())
        },
    )
}

/// Every pixel twice in both directions.
///
/// # Shapes
/// - `x`: `(channels, batch, h, w)`; result: `(channels, batch, 2 h, 2 w)`.
///
/// # Errors
/// The device's words.
pub fn upsample2(x: &Tensor) -> Result<Tensor> {
    apply1(
        x,
        |x| {
            let (n_channels, n_batch, h, w) = x.dims4()?;
            let x = x.reshape((n_channels * n_batch * h, w))?;
            join_corners(&[x.clone(), x.clone(), x.clone(), x])?.reshape((
                n_channels,
                n_batch,
                2 * h,
                2 * w,
            ))
        },
        |x, _, dy| {
            let [a, b, c, d] = corners(dy)?;
            ((a + b)? + (c + d)?)?.reshape(x.dims())
        },
    )
}

/// The four pixels of every 2x2, in row order, each `(channels batch h/2, w/2)`.
fn corners(x: &Tensor) -> Result<[Tensor; 4]> {
    let (n_channels, n_batch, h, w) = x.dims4()?;
    let x = x.reshape((n_channels * n_batch * h / 2, 2, w / 2, 2))?;
    let corner = |row, column| {
        x.narrow(1, row, 1)?
            .narrow(3, column, 1)?
            .squeeze(3)?
            .squeeze(1)
    };
    Ok([corner(0, 0)?, corner(0, 1)?, corner(1, 0)?, corner(1, 1)?])
}

/// The way back of [`corners`]: `(channels batch h/2, 2, w/2, 2)`.
fn join_corners(parts: &[Tensor]) -> Result<Tensor> {
    let last = parts[0].rank();
    let above = Tensor::stack(&parts[..2], last)?;
    let below = Tensor::stack(&parts[2..], last)?;
    Tensor::stack(&[above, below], 1)
}

/// 1 where positive, else 0.
fn positive(x: &Tensor) -> Result<Tensor> {
    x.gt(0.0)?.to_dtype(x.dtype())
}

/// `max(0, x)`; the gradient at 0 is 0 (Candle's is 1).
///
/// # Errors
/// The device's words.
pub fn relu(x: &Tensor) -> Result<Tensor> {
    x * positive(&x.detach())?
}

/// `1 / (1 + exp(-x))`, by the hyperbolic tangent: neither it nor its gradient overflows.
///
/// # Errors
/// The device's words.
pub fn sigmoid(x: &Tensor) -> Result<Tensor> {
    (x * 0.5)?.tanh()?.affine(0.5, 0.5)
}

/// `ln(1 + exp(x))`, without overflow.
///
/// # Errors
/// The device's words.
pub fn softplus(x: &Tensor) -> Result<Tensor> {
    // Where x = 0 Candle's gradients of relu and abs are those from the right: 1 - 1/2.
    x.relu()? + ((x.abs()?.neg()?.exp()? + 1.0)?).log()?
}

/// Sum over the last axis.
pub(super) fn row_sums(x: &Tensor) -> Result<Tensor> {
    x.sum(D::Minus1)
}
