//! Measured amplitudes on the device: in chunks as far as they fit, the rest sent with every batch.

use candle_core::{Result, Tensor};

use super::host::Place;
use super::memory::Memory;
use crate::iterative::scan::Scan;
use crate::simd::Real;

/// Values of a chunk at most: candle counts the values of a tensor in 32 bits on CUDA.
const CHUNK_VALUES: usize = 1 << 29;

/// Amplitudes of a scan, `(patterns, n, n)`, the frequency 0 where the file has it.
pub(super) struct Amplitudes {
    place: Place,
    n: usize,
    per_chunk: usize,
    /// The first patterns.
    chunks: Vec<Tensor>,
    n_resident: usize,
}

impl Amplitudes {
    /// Send what fits beside a batch.
    pub(super) fn new<T: Real>(scan: &Scan<T>, place: &Place, memory: &Memory) -> Result<Self> {
        let n = scan.tiling.n;
        let m = scan.n_patterns();
        let pattern_bytes = (n * n) as u64 * place.bytes_per_value();
        let room = memory.reserve()?;
        let n_spare = memory
            .spare_bytes()
            .map_or(m, |spare| ((spare / pattern_bytes) as usize).min(m));
        let mut this = Self {
            place: place.clone(),
            n,
            per_chunk: (CHUNK_VALUES / (n * n)).max(1),
            chunks: Vec::new(),
            n_resident: 0,
        };
        while this.n_resident < n_spare {
            let patterns: Vec<usize> =
                (this.n_resident..n_spare.min(this.n_resident + this.per_chunk)).collect();
            // Memory that cannot be had is done without: these patterns travel with their batches.
            let Ok(chunk) = this.send(scan, &patterns) else {
                break;
            };
            this.chunks.push(chunk);
            this.n_resident += patterns.len();
        }
        drop(room);
        Ok(this)
    }

    /// Bytes that stay on the device.
    pub(super) fn n_bytes(&self) -> u64 {
        (self.n_resident * self.n * self.n) as u64 * self.place.bytes_per_value()
    }

    fn send<T: Real>(&self, scan: &Scan<T>, patterns: &[usize]) -> Result<Tensor> {
        let n = self.n;
        let mask = scan.dataset.detector_mask().filter(|_| !scan.sums_all);
        let mut frames = vec![0.0_f32; patterns.len() * n * n];
        for (&i, frame) in patterns.iter().zip(frames.chunks_exact_mut(n * n)) {
            scan.dataset.frames().read(i, frame);
            if let Some(mask) = mask {
                // Masked pixels may hold anything.
                let masked = frame.iter_mut().zip(mask).filter(|(_, used)| !**used);
                masked.for_each(|(value, _)| *value = 0.0);
            }
        }
        let shape = (patterns.len(), n, n);
        Tensor::from_vec(frames, shape, &self.place.device)?.to_dtype(self.place.dtype)
    }

    /// Those of a batch, `(b, n, n)`.
    pub(super) fn batch<T: Real>(&self, scan: &Scan<T>, patterns: &[usize]) -> Result<Tensor> {
        let chunk_of = |i: usize| (i < self.n_resident).then_some(i / self.per_chunk);
        let mut parts = Vec::new();
        let mut order = vec![0_u32; patterns.len()];
        let mut n_done = 0;
        for chunk in (0..self.chunks.len()).map(Some).chain([None]) {
            let places: Vec<usize> = (0..patterns.len())
                .filter(|&at| chunk_of(patterns[at]) == chunk)
                .collect();
            if places.is_empty() {
                continue;
            }
            for (rank, &at) in places.iter().enumerate() {
                order[at] = (n_done + rank) as u32;
            }
            n_done += places.len();
            parts.push(if let Some(chunk) = chunk {
                let rows = places
                    .iter()
                    .map(|&at| (patterns[at] % self.per_chunk) as u32);
                let rows: Vec<u32> = rows.collect();
                let rows = Tensor::from_vec(rows, places.len(), &self.place.device)?;
                self.chunks[chunk].index_select(&rows, 0)?
            } else {
                let sent: Vec<usize> = places.iter().map(|&at| patterns[at]).collect();
                self.send(scan, &sent)?
            });
        }
        if let [only] = parts.as_slice() {
            return Ok(only.clone());
        }
        let order = Tensor::from_vec(order, patterns.len(), &self.place.device)?;
        Tensor::cat(&parts, 0)?.index_select(&order, 0)
    }
}
