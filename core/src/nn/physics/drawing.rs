//! From the maps of the heads to what each channel draws, and back to their gradients.
//!
//! Planes stand transposed, with the picture's columns as rows (see the [module above](super)).
#![expect(
    clippy::inline_always,
    reason = "vector instructions only reach what is inlined into the dispatched function"
)]

use std::f32::consts::PI;

use pulp::{Arch, Simd, WithSimd};

use crate::nn::settings::AmplitudeHead;
use crate::simd::{Aligned, LANES, Real as _};
use crate::tensor::activations::CHANNEL_BLOCK;
use crate::tensor::elementary::{Sweep, sigmoid, sin_cos, softplus, tanh};

/// How the object is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pen {
    pub(super) head: AmplitudeHead,
    pub(super) amplitude_max: f32,
    /// Side of the planes: what is drawn on.
    pub(super) support: usize,
    /// Side of the maps of the central heads; less than `support` where a ring is drawn around.
    pub(super) central: usize,
    pub(super) n_channels: usize,
}

/// The maps of one group, one head each, and where their gradients go; a head that is not there is empty.
#[derive(Debug, Default)]
pub(super) struct Maps<'a> {
    pub(super) amplitude: &'a [f32],
    pub(super) phase: &'a [f32],
    pub(super) border_amplitude: &'a [f32],
    pub(super) border_phase: &'a [f32],
}

/// As [`Maps`].
#[derive(Debug, Default)]
pub(super) struct MapsMut<'a> {
    pub(super) amplitude: &'a mut [f32],
    pub(super) phase: &'a mut [f32],
    pub(super) border_amplitude: &'a mut [f32],
    pub(super) border_phase: &'a mut [f32],
}

/// What the channels of a group draw, `(c, support, support)` each.
#[derive(Debug)]
pub(super) struct Drawing {
    /// First the map, then a.
    pub(super) amplitude: Aligned<f32>,
    /// da/dmap, then the gradient for the map.
    d_amplitude: Aligned<f32>,
    /// First the map, then cos φ.
    cosine: Aligned<f32>,
    sine: Aligned<f32>,
    /// dφ/dmap, then the gradient for the map.
    d_phase: Aligned<f32>,
}

impl Drawing {
    pub(super) fn new(pen: Pen) -> Self {
        let zeros = || Aligned::zeros(pen.n_channels * pen.support * pen.support);
        Self {
            amplitude: zeros(),
            d_amplitude: zeros(),
            cosine: zeros(),
            sine: zeros(),
            d_phase: zeros(),
        }
    }

    pub(super) fn n_bytes(&self) -> usize {
        let planes = [
            &self.amplitude,
            &self.d_amplitude,
            &self.cosine,
            &self.sine,
            &self.d_phase,
        ];
        planes.map(Aligned::n_bytes).iter().sum()
    }

    /// Amplitude and phase of all channels, and their slopes.
    pub(super) fn draw(&mut self, arch: Arch, pen: Pen, maps: &Maps<'_>) {
        if !maps.border_amplitude.is_empty() {
            unpack(
                arch,
                pen,
                pen.support,
                maps.border_amplitude,
                &mut self.amplitude,
            );
            unpack(arch, pen, pen.support, maps.border_phase, &mut self.cosine);
        }
        unpack(arch, pen, pen.central, maps.amplitude, &mut self.amplitude);
        unpack(arch, pen, pen.central, maps.phase, &mut self.cosine);
        arch.dispatch(Sweep(
            #[inline(always)]
            || {
                if pen.central == pen.support {
                    self.central(pen, 0..self.amplitude.len());
                    return;
                }
                let margin = (pen.support - pen.central) / 2;
                for line in 0..pen.n_channels * pen.support {
                    let (start, row) = (line * pen.support, line % pen.support);
                    if (margin..margin + pen.central).contains(&row) {
                        let (left, right) = (start + margin, start + margin + pen.central);
                        self.ring(start..left);
                        self.central(pen, left..right);
                        self.ring(right..start + pen.support);
                    } else {
                        self.ring(start..start + pen.support);
                    }
                }
            },
        ));
    }

    /// `re + i im = a exp(i φ)` of a channel.
    pub(super) fn object(&self, arch: Arch, channel: usize, re: &mut [f32], im: &mut [f32]) {
        let range = channel * re.len()..(channel + 1) * re.len();
        let (a, c, s) = (
            &self.amplitude[range.clone()],
            &self.cosine[range.clone()],
            &self.sine[range],
        );
        arch.dispatch(Sweep(
            #[inline(always)]
            || {
                for (i, (&a, (&c, &s))) in a.iter().zip(c.iter().zip(s)).enumerate() {
                    (re[i], im[i]) = (a * c, a * s);
                }
            },
        ));
    }

    /// From the gradient for a channel's object (∂/∂re, ∂/∂im) to those for its maps.
    pub(super) fn backward(&mut self, arch: Arch, channel: usize, d_re: &[f32], d_im: &[f32]) {
        let range = channel * d_re.len()..(channel + 1) * d_re.len();
        let (a, c, s) = (
            &self.amplitude[range.clone()],
            &self.cosine[range.clone()],
            &self.sine[range.clone()],
        );
        let (d_amplitude, d_phase) = (
            &mut self.d_amplitude[range.clone()],
            &mut self.d_phase[range],
        );
        arch.dispatch(Sweep(
            #[inline(always)]
            || {
                let slopes = d_amplitude.iter_mut().zip(d_phase.iter_mut());
                let polar = a.iter().zip(c.iter().zip(s));
                for ((slopes, (&a, (&c, &s))), (&re, &im)) in
                    slopes.zip(polar).zip(d_re.iter().zip(d_im))
                {
                    *slopes.0 *= re * c + im * s;
                    *slopes.1 *= a * (im * c - re * s);
                }
            },
        ));
    }

    /// Write the gradients for the maps.
    pub(super) fn write_gradients(&mut self, arch: Arch, pen: Pen, maps: &mut MapsMut<'_>) {
        pack(arch, pen, pen.central, &self.d_amplitude, maps.amplitude);
        pack(arch, pen, pen.central, &self.d_phase, maps.phase);
        if maps.border_amplitude.is_empty() {
            return;
        }
        for plane in [&mut self.d_amplitude, &mut self.d_phase] {
            let margin = (pen.support - pen.central) / 2;
            for rows in plane.chunks_exact_mut(pen.support * pen.support) {
                for row in rows
                    .chunks_exact_mut(pen.support)
                    .skip(margin)
                    .take(pen.central)
                {
                    row[margin..margin + pen.central].fill(0.0);
                }
            }
        }
        pack(
            arch,
            pen,
            pen.support,
            &self.d_amplitude,
            maps.border_amplitude,
        );
        pack(arch, pen, pen.support, &self.d_phase, maps.border_phase);
    }

    /// Activations of the central heads.
    #[inline(always)]
    fn central(&mut self, pen: Pen, range: std::ops::Range<usize>) {
        let values = self.amplitude[range.clone()].iter_mut();
        let values = values.zip(&mut self.d_amplitude[range.clone()]);
        match pen.head {
            AmplitudeHead::Sigmoid => {
                let most = pen.amplitude_max;
                for (a, slope) in values {
                    let (s, rest) = sigmoid(*a);
                    (*a, *slope) = (most * s, most * s * rest);
                }
            }
            AmplitudeHead::Softplus => {
                for (a, slope) in values {
                    (*a, *slope) = (softplus(*a), sigmoid(*a).0);
                }
            }
            AmplitudeHead::Swish => values.for_each(|(a, slope)| (*a, *slope) = swish(*a)),
            AmplitudeHead::Relu => {
                for (a, slope) in values {
                    *slope = if *a > 0.0 { 1.0 } else { 0.0 };
                    *a = if *a < 0.0 { 0.0 } else { *a };
                }
            }
        }
        let phases = self.cosine[range.clone()].iter_mut();
        let phases = phases.zip(&mut self.sine[range.clone()]);
        for ((c, s), slope) in phases.zip(&mut self.d_phase[range]) {
            let t = tanh(*c);
            *slope = PI * (1.0 - t * t);
            (*s, *c) = sin_cos(PI * t);
        }
    }

    /// Activations of the ring: swish for both.
    #[inline(always)]
    fn ring(&mut self, range: std::ops::Range<usize>) {
        let amplitudes = self.amplitude[range.clone()].iter_mut();
        for (a, slope) in amplitudes.zip(&mut self.d_amplitude[range.clone()]) {
            (*a, *slope) = swish(*a);
        }
        let phases = self.cosine[range.clone()].iter_mut();
        let phases = phases.zip(&mut self.sine[range.clone()]);
        for ((c, s), slope) in phases.zip(&mut self.d_phase[range]) {
            let (phase, by) = swish(*c);
            *slope = by;
            (*s, *c) = sin_cos(phase);
        }
    }
}

/// `x sigmoid(x)` and its slope.
#[inline(always)]
fn swish(x: f32) -> (f32, f32) {
    let (s, rest) = sigmoid(x);
    (x * s, s * (1.0 + x * rest))
}

/// Channels-last maps of `side` into the middle of planes of the support, transposed.
fn unpack(arch: Arch, pen: Pen, side: usize, maps: &[f32], planes: &mut [f32]) {
    arch.dispatch(Unpack {
        pen,
        side,
        maps,
        planes,
    });
}

/// The reverse of [`unpack`]; channels beyond the last become 0.
fn pack(arch: Arch, pen: Pen, side: usize, planes: &[f32], maps: &mut [f32]) {
    arch.dispatch(Pack {
        pen,
        side,
        planes,
        maps,
    });
}

struct Unpack<'a> {
    pen: Pen,
    side: usize,
    maps: &'a [f32],
    planes: &'a mut [f32],
}

struct Pack<'a> {
    pen: Pen,
    side: usize,
    planes: &'a [f32],
    maps: &'a mut [f32],
}

/// A block of pixels of one column of the picture, and of channels: where it stands in both layouts.
struct Block {
    /// Pixel of the maps, before channels.
    pixel: usize,
    /// Place in a plane.
    place: usize,
    n_pixels: usize,
    channels: std::ops::Range<usize>,
}

#[inline(always)]
fn blocks(pen: Pen, side: usize) -> impl Iterator<Item = Block> {
    let margin = (pen.support - side) / 2;
    let n_blocks = pen.n_channels.div_ceil(CHANNEL_BLOCK);
    (0..side).flat_map(move |column| {
        (0..side).step_by(LANES).flat_map(move |row| {
            (0..n_blocks).map(move |block| Block {
                pixel: row * side + column,
                place: (margin + column) * pen.support + margin + row,
                n_pixels: LANES.min(side - row),
                channels: block * CHANNEL_BLOCK..pen.n_channels.min((block + 1) * CHANNEL_BLOCK),
            })
        })
    })
}

impl WithSimd for Unpack<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (area, stride) = (
            self.pen.support * self.pen.support,
            self.pen.n_channels.next_multiple_of(CHANNEL_BLOCK),
        );
        let (mut pixels, mut lines) = ([0.0; LANES * LANES], [0.0; LANES * LANES]);
        for block in blocks(self.pen, self.side) {
            for i in 0..block.n_pixels {
                let from = (block.pixel + i * self.side) * stride + block.channels.start;
                pixels[i * LANES..][..LANES].copy_from_slice(&self.maps[from..][..LANES]);
            }
            f32::transpose_block(simd, &pixels, &mut lines);
            for (line, channel) in lines.chunks_exact(LANES).zip(block.channels) {
                let to = channel * area + block.place;
                self.planes[to..][..block.n_pixels].copy_from_slice(&line[..block.n_pixels]);
            }
        }
    }
}

impl WithSimd for Pack<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (area, stride) = (
            self.pen.support * self.pen.support,
            self.pen.n_channels.next_multiple_of(CHANNEL_BLOCK),
        );
        let (mut pixels, mut lines) = ([0.0; LANES * LANES], [0.0; LANES * LANES]);
        for block in blocks(self.pen, self.side) {
            lines[block.channels.len() * LANES..].fill(0.0);
            for (line, channel) in lines.chunks_exact_mut(LANES).zip(block.channels.clone()) {
                let from = channel * area + block.place;
                line[..block.n_pixels].copy_from_slice(&self.planes[from..][..block.n_pixels]);
            }
            f32::transpose_block(simd, &lines, &mut pixels);
            for i in 0..block.n_pixels {
                let to = (block.pixel + i * self.side) * stride + block.channels.start;
                self.maps[to..][..LANES].copy_from_slice(&pixels[i * LANES..][..LANES]);
            }
        }
    }
}
