//! Feature maps of a batch, channels last.

use crate::simd::Aligned;

/// Channels are stored in blocks of this many: one AVX-512 register of `f32`.
pub const CHANNEL_BLOCK: usize = 16;

/// Feature maps `(batch, side, side, stride)`, channels last; `stride` is the number of channels rounded up to whole
/// blocks of [`CHANNEL_BLOCK`], and the channels beyond are zero.
#[derive(Clone, Debug, Default)]
pub struct Activations {
    n_batch: usize,
    side: usize,
    n_channels: usize,
    /// The pixels and, behind them, one of zeros that stands for what lies outside.
    values: Aligned<f32>,
}

impl Activations {
    /// Zeros.
    pub fn zeros(n_batch: usize, side: usize, n_channels: usize) -> Self {
        let stride = n_channels.next_multiple_of(CHANNEL_BLOCK);
        Self {
            n_batch,
            side,
            n_channels,
            values: Aligned::zeros((n_batch * side * side + 1) * stride),
        }
    }

    /// Items of the batch.
    pub fn n_batch(&self) -> usize {
        self.n_batch
    }

    /// Height and width in pixels.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Channels that mean something.
    pub fn n_channels(&self) -> usize {
        self.n_channels
    }

    /// Channels stored.
    pub fn stride(&self) -> usize {
        self.n_channels.next_multiple_of(CHANNEL_BLOCK)
    }

    /// Place of a value.
    pub fn at(&self, item: usize, row: usize, column: usize, channel: usize) -> usize {
        ((item * self.side + row) * self.side + column) * self.stride() + channel
    }

    /// Take another shape in the same memory, which grows only where it is too small. Values mean nothing afterwards,
    /// but the channels beyond `n_channels` are zero.
    pub fn reshape(&mut self, n_batch: usize, side: usize, n_channels: usize) {
        if (n_batch, side, n_channels) == (self.n_batch, self.side, self.n_channels) {
            return;
        }
        (self.n_batch, self.side, self.n_channels) = (n_batch, side, n_channels);
        let (n_values, stride) = (self.n_values(), self.stride());
        if self.values.len() < n_values + stride {
            self.values = Aligned::zeros(n_values + stride);
        } else if n_channels == stride {
            self.values[n_values..n_values + stride].fill(0.0);
        } else {
            self.values.fill(0.0);
        }
    }

    /// Bytes of memory held.
    pub fn n_bytes(&self) -> usize {
        self.values.n_bytes()
    }

    /// All values, channels beyond [`Activations::n_channels`] included.
    pub fn values(&self) -> &[f32] {
        &self.values[..self.n_values()]
    }

    /// All values and behind them the zeros of a pixel outside.
    pub(super) fn with_outside(&self) -> &[f32] {
        &self.values[..self.n_values() + self.stride()]
    }

    fn n_values(&self) -> usize {
        self.n_batch * self.side * self.side * self.stride()
    }

    /// All values; whoever writes keeps the channels beyond [`Activations::n_channels`] zero.
    pub fn values_mut(&mut self) -> &mut [f32] {
        let n_values = self.n_values();
        &mut self.values[..n_values]
    }
}
