//! The kernels for the CPU: everything for one pattern while it is in cache.
//!
//! Two passes over the patterns, each in parallel over fixed chunks, and one over bands of the canvas between them.
//! What a chunk or band sums, and in which order, does not depend on the number of threads. The threads are those of
//! the pool that the caller has entered.
//!
//! | module | what it holds |
//! |---|---|
//! | `rooms` | memory that a batch and a thread work in |
//! | `predict`, `modulus` | from probe and object to the detector, and the change there |
//! | `first_pass`, `step_sums` | the two passes over the patterns |
//! | `placing` | what patterns add to the canvas, band by band |
//! | `weights` | divisors of the PIE family |
//! | `stepping` | steps of object and probe |
//! | `projections` | exit waves of DM and RAAR |
//! | `positions`, `opr` | what else is refined |
//! | `sweeps` | elementwise sweeps that several of these share |
//! | `operations` | [`Kernels`](super::Kernels), by all of these |

mod first_pass;
mod modulus;
mod operations;
mod opr;
mod placing;
mod positions;
mod predict;
mod projections;
mod rooms;
mod step_sums;
mod stepping;
mod sweeps;
mod weights;

use self::rooms::Workspace;
pub(crate) use self::stepping::{Over, step_planes};
use super::{Batch, FirstPass};
use crate::error::{Error, Result};
use crate::fft::tile::fields::Patch;
use crate::iterative::IterativeSettings;
use crate::iterative::scan::Scan;
use crate::iterative::state::{Planes, State};
use crate::simd::Real;

/// Chunks of a batch; their sums are added in order.
const N_CHUNKS: usize = 16;

/// Rows of a band of the canvas.
const BAND_ROWS: usize = 16;

/// The fused kernels, which run on the threads of the pool that they are called in.
pub(crate) struct Fused<T> {
    work: Workspace<T>,
    /// How the last first pass went.
    pass: Option<FirstPass>,
}

impl<T: Real> Fused<T> {
    /// Kernels for batches of up to `batch` patterns of which `n_kept` modes are looked at twice, with memory for so many
    /// threads; on more they wait for each other.
    pub(crate) fn new(
        scan: &Scan<T>,
        settings: &IterativeSettings,
        (batch, n_kept): (usize, usize),
        n_threads: usize,
    ) -> Self {
        Self {
            work: Workspace::new(scan, settings, batch, n_kept, n_threads),
            pass: None,
        }
    }

    /// The last first pass; the operations after it need it.
    fn pass(&self) -> Result<FirstPass> {
        self.pass
            .ok_or_else(|| Error::Run("a batch was not gone through first".to_owned()))
    }
}

/// A batch and how it is gone through.
struct Minibatch<'a, T> {
    batch: &'a Batch<'a, T>,
    pass: FirstPass,
}

impl<T: Real> Minibatch<'_, T> {
    /// Patterns of a chunk.
    fn chunk_len(&self) -> usize {
        self.batch.patterns.len().div_ceil(N_CHUNKS)
    }

    fn patch<'b>(&self, planes: &'b Planes<T>, state: &State<T>, i: usize) -> Patch<'b, T> {
        Patch {
            re: &planes.re,
            im: &planes.im,
            start: self.batch.scan.start(&state.places[i]),
            stride: self.batch.scan.stride,
        }
    }
}
