//! From what the heads draw to amplitude and phase.

use candle_core::{Error, Result, Tensor};

use crate::nn::architecture::{Architecture, Head};
use crate::nn::device::layers::Heads;
use crate::nn::settings::AmplitudeHead;
use crate::tensor::portable;

/// Amplitude and phase of every channel, `(m, side, side)`, patterns of a group next to each other.
pub(super) struct Fields {
    pub(super) amplitude: Tensor,
    pub(super) phase: Tensor,
}

/// Amplitude and phase of a physics-informed network, on the support: with a border head that is the whole patch, and both
/// are drawn by swish on the ring.
pub(super) fn fields(
    architecture: &Architecture,
    heads: &Heads,
    ring: Option<&Tensor>,
) -> Result<Fields> {
    let amplitude = activate(architecture, &drawn(heads, Head::Amplitude)?)?;
    let phase = (drawn(heads, Head::Phase)?.tanh()? * std::f64::consts::PI)?;
    let Some(ring) = ring else {
        return Ok(Fields { amplitude, phase });
    };
    let margin = architecture.n / 4;
    let joined = |inner: &Tensor, outer: &Tensor| {
        inner
            .pad_with_zeros(1, margin, margin)?
            .pad_with_zeros(2, margin, margin)?
            + outer.broadcast_mul(ring)?
    };
    let border_amplitude = swish(&drawn(heads, Head::BorderAmplitude)?)?;
    let border_phase = swish(&drawn(heads, Head::BorderPhase)?)?;
    Ok(Fields {
        amplitude: joined(&amplitude, &border_amplitude)?,
        phase: joined(&phase, &border_phase)?,
    })
}

/// What a head draws, `(m, side, side)`.
pub(super) fn drawn(heads: &Heads, which: Head) -> Result<Tensor> {
    let (_, map) = heads
        .iter()
        .find(|(head, _)| *head == which)
        .ok_or_else(|| Error::Msg(format!("the network has no head {which:?}")))?;
    let (n_channels, n_groups, side, _) = map.dims4()?;
    map.transpose(0, 1)?
        .reshape((n_groups * n_channels, side, side))
}

fn activate(architecture: &Architecture, x: &Tensor) -> Result<Tensor> {
    match architecture.amplitude_head {
        AmplitudeHead::Sigmoid => portable::sigmoid(x)? * architecture.amplitude_max,
        AmplitudeHead::Softplus => portable::softplus(x),
        AmplitudeHead::Swish => swish(x),
        AmplitudeHead::Relu => portable::relu(x),
    }
}

fn swish(x: &Tensor) -> Result<Tensor> {
    x * portable::sigmoid(x)?
}
