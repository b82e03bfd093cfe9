//! What the kernels take of the device's memory, and what is said when it does not suffice.

use candle_core::{Device, Tensor};

use super::host::Place;
use crate::error::{Error, Result};

/// Words in which devices say that memory is short (CUDA, cuBLAS, Metal, the operating system).
const SHORT: [&str; 6] = [
    "out of memory",
    "out_of_memory",
    "outofmemory",
    "alloc_failed",
    "cannot allocate",
    "failed to create metal resource",
];

/// Values of a tensor that is made to see whether there is memory.
const PIECE_VALUES: u64 = 1 << 28;

/// An estimate of the device's memory in use, for batches of up to `batch` patterns.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    place: Place,
    pub(super) batch: usize,
    /// Held whatever the batch: canvases, probe, matrices.
    pub(super) fixed_bytes: u64,
    /// Held for every pattern of a batch.
    pub(super) pattern_bytes: u64,
    pub(super) limit_bytes: Option<u64>,
}

impl Memory {
    pub(super) fn new(
        place: &Place,
        batch: usize,
        (fixed, per_pattern): (usize, usize),
        limit_bytes: Option<u64>,
    ) -> Self {
        Self {
            place: place.clone(),
            batch,
            fixed_bytes: fixed as u64 * place.bytes_per_value(),
            pattern_bytes: per_pattern as u64 * place.bytes_per_value(),
            limit_bytes,
        }
    }

    /// Whether a batch fits within the limit.
    pub(super) fn check(&self) -> Result<()> {
        match self.limit_bytes {
            Some(limit) if limit < self.taken_bytes() => {
                Err(self.too_large(self.largest_within(limit)))
            }
            _ => Ok(()),
        }
    }

    fn taken_bytes(&self) -> u64 {
        self.fixed_bytes + self.batch as u64 * self.pattern_bytes
    }

    fn largest_within(&self, limit_bytes: u64) -> usize {
        (limit_bytes.saturating_sub(self.fixed_bytes) / self.pattern_bytes.max(1)) as usize
    }

    /// What is left for data on the device beside a batch; `None` where nothing is known.
    pub(super) fn spare_bytes(&self) -> Option<u64> {
        self.limit_bytes
            .map(|limit| limit.saturating_sub(self.taken_bytes()))
    }

    /// Room for a batch, held while data take theirs.
    pub(super) fn reserve(&self) -> candle_core::Result<Vec<Tensor>> {
        self.room(self.batch)
    }

    /// As much memory as a batch of this size takes, in pieces that tensors can have.
    fn room(&self, batch: usize) -> candle_core::Result<Vec<Tensor>> {
        let n_values = batch as u64 * self.pattern_bytes / self.place.bytes_per_value();
        let pieces = (0..n_values).step_by(PIECE_VALUES as usize);
        pieces
            .map(|from| {
                self.place
                    .zeros((n_values - from).min(PIECE_VALUES) as usize)
            })
            .collect()
    }

    /// A device's error in words; where memory was short, with the largest batch that would fit.
    pub(super) fn in_words(&self, error: &candle_core::Error) -> Error {
        if is_short_of_memory(error) {
            return self.too_large(self.largest_by_trial());
        }
        Error::Run(format!(
            "the {} failed: {error}",
            device_name(&self.place.device)
        ))
    }

    /// The largest batch below the present one for which the device gives memory: by halves, then in between.
    fn largest_by_trial(&self) -> usize {
        let (mut fits, mut fails) = (0, self.batch);
        while fails - fits > 1 + self.batch / 32 {
            let middle = usize::midpoint(fits, fails);
            if self.room(middle).is_ok() {
                fits = middle;
            } else {
                fails = middle;
            }
        }
        fits
    }

    fn too_large(&self, largest: usize) -> Error {
        let attempted = format!("reconstruct on the {}", device_name(&self.place.device));
        let found = format!(
            "{}, which takes about {}",
            self.batch,
            size(self.taken_bytes())
        );
        let limit = self
            .limit_bytes
            .map_or_else(String::new, |limit| format!(" within {}", size(limit)));
        let or = match self.limit_bytes {
            Some(_) => ", or allow more by --device-memory-gib",
            None => "",
        };
        if largest == 0 {
            let expected = format!("memory for at least one pattern{limit}");
            let fix = format!("use --device cpu --kernels fused{or}");
            return Error::invalid(attempted, "batch_size", expected, found).with_fix(fix);
        }
        let expected = format!("at most {largest} patterns in a batch{limit}");
        Error::invalid(attempted, "batch_size", expected, found)
            .with_fix(format!("use --batch-size {largest}{or}"))
    }
}

pub(super) fn is_short_of_memory(error: &candle_core::Error) -> bool {
    let words = error.to_string().to_lowercase();
    SHORT.iter().any(|short| words.contains(short))
}

/// In the unit of the limit, GiB, and below that in MiB.
fn size(n_bytes: u64) -> String {
    let mib = n_bytes as f64 / f64::from(1 << 20);
    if mib < 1024.0 {
        format!("{mib:.1} MiB")
    } else {
        format!("{:.1} GiB", mib / 1024.0)
    }
}

fn device_name(device: &Device) -> &'static str {
    match device {
        Device::Cpu => "processor",
        Device::Cuda(_) => "CUDA device",
        Device::Metal(_) => "Metal device",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_in_the_unit_that_fits() {
        assert_eq!(
            [3 << 19, 2 << 30, 5 << 29].map(size),
            ["1.5 MiB", "2.0 GiB", "2.5 GiB"]
        );
    }

    #[test]
    fn a_device_without_memory_is_known_by_its_words() {
        let said = |words: &str| is_short_of_memory(&candle_core::Error::Msg(words.to_owned()));
        assert!(said(
            "DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")"
        ));
        assert!(said("CublasError(CUBLAS_STATUS_ALLOC_FAILED)"));
        assert!(said("Failed to create metal resource: Buffer"));
        assert!(!said("shape mismatch in matmul"));
    }
}
