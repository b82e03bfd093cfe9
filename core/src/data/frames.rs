//! Stacks of diffraction amplitudes and of object patches, in memory or read frame by frame from a
//! memory map, so that a scan larger than memory can be reconstructed.

use std::sync::Arc;

use ndarray::{Array2, Array3, Axis};
use num_complex::Complex32;
use rayon::prelude::*;

use crate::data::npy::Kind;
use crate::data::stack::Stack;
use crate::error::{Error, Result};
use crate::job::{Monitor, Progress};

/// What is done to a value of the file on its way to an amplitude.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Conversion {
    /// Values are counts: take the square root.
    pub(crate) is_counts: bool,
    /// DC stands at `[0, 0]`: move it to `[n/2, n/2]`.
    pub(crate) is_corner: bool,
    /// Values below 0 become 0.
    pub(crate) is_clipped: bool,
    /// Factor on the amplitude that makes its square a count.
    pub(crate) counts_factor: f64,
}

impl Conversion {
    /// Nothing is done.
    pub(crate) const NONE: Self = Self {
        is_counts: false,
        is_corner: false,
        is_clipped: false,
        counts_factor: 1.0,
    };

    fn amplitude(&self, value: f64) -> f32 {
        let value = if self.is_clipped && value < 0.0 {
            0.0
        } else {
            value
        };
        let value = if self.is_counts { value.sqrt() } else { value };
        (value * self.counts_factor) as f32
    }
}

/// Amplitudes `(m, n, n)` in √photons, DC at `[n/2, n/2]`; cheap to clone.
#[derive(Clone)]
pub struct Frames(Source);

#[derive(Clone)]
enum Source {
    Memory(Arc<Array3<f32>>),
    Stack {
        stack: Arc<Stack>,
        convert: Conversion,
    },
    Derived(Derived<f32>),
}

/// Writes the plane of an index.
type ReadPlane<T> = dyn Fn(usize, &mut [T]) + Send + Sync;

/// Square planes that are computed whenever they are read.
struct Derived<T> {
    n_planes: usize,
    n: usize,
    read: Arc<ReadPlane<T>>,
}

impl<T> Clone for Derived<T> {
    fn clone(&self) -> Self {
        Self {
            read: Arc::clone(&self.read),
            ..*self
        }
    }
}

impl Frames {
    /// Frames in memory.
    pub fn from_array(values: Array3<f32>) -> Self {
        Self(Source::Memory(Arc::new(values)))
    }

    /// `n_frames` frames of side `n` that `read` writes, row-major, whenever they are asked for: simulated, chosen or cut
    /// from others. It must give the same values for the same index every time, on any thread.
    pub fn from_fn(
        n_frames: usize,
        n: usize,
        read: impl Fn(usize, &mut [f32]) + Send + Sync + 'static,
    ) -> Self {
        Self(Source::Derived(Derived {
            n_planes: n_frames,
            n,
            read: Arc::new(read),
        }))
    }

    /// Those frames whose indices stand in `rows`, in that order, read from these when asked for.
    ///
    /// # Panics
    /// When read, if there is no such frame.
    pub fn select(&self, rows: Arc<[usize]>) -> Self {
        let frames = self.clone();
        Self::from_fn(rows.len(), self.n(), move |i, out| {
            frames.read(rows[i], out);
        })
    }

    /// Frames of a stack, converted as they are read; those in memory are converted once where that costs work.
    pub(crate) fn from_stack(stack: Stack, convert: Conversion) -> Self {
        let stack = Arc::new(stack);
        let frames = Self(Source::Stack { stack, convert });
        if frames.is_mapped() || frames.is_plain() {
            return frames;
        }
        let (m, n) = (frames.n_frames(), frames.n());
        let mut values = vec![0.0; m * n * n];
        if n != 0 {
            values
                .par_chunks_mut(n * n)
                .enumerate()
                .for_each(|(i, out)| frames.read(i, out));
        }
        Array3::from_shape_vec((m, n, n), values).map_or(frames, Self::from_array)
    }

    /// Number of frames.
    pub fn n_frames(&self) -> usize {
        match &self.0 {
            Source::Memory(values) => values.dim().0,
            Source::Stack { stack, .. } => stack.n_frames(),
            Source::Derived(derived) => derived.n_planes,
        }
    }

    /// Side of a frame in pixels.
    pub fn n(&self) -> usize {
        self.frame_shape()[0]
    }

    /// Rows and columns of a frame; equal in a valid dataset.
    pub fn frame_shape(&self) -> [usize; 2] {
        match &self.0 {
            Source::Memory(values) => [values.dim().1, values.dim().2],
            Source::Stack { stack, .. } => [stack.layout.n; 2],
            Source::Derived(derived) => [derived.n; 2],
        }
    }

    /// Whether frames are read from a mapped file.
    pub fn is_mapped(&self) -> bool {
        matches!(&self.0, Source::Stack { stack, .. } if stack.is_mapped())
    }

    /// Bytes of memory that the frames take; 0 where they are mapped or computed.
    pub fn bytes_in_memory(&self) -> usize {
        match &self.0 {
            Source::Memory(values) => values.len() * size_of::<f32>(),
            Source::Stack { stack, .. } if !stack.is_mapped() => stack.bytes.len(),
            Source::Stack { .. } | Source::Derived(_) => 0,
        }
    }

    /// Copy frame `i` in row-major order into `out`, of length `n * n`.
    ///
    /// # Panics
    /// If there is no frame `i`.
    pub fn read(&self, i: usize, out: &mut [f32]) {
        let (stack, convert) = match &self.0 {
            Source::Memory(values) => {
                let frame = values.index_axis(Axis(0), i);
                match frame.as_slice() {
                    Some(slice) if slice.len() == out.len() => out.copy_from_slice(slice),
                    _ => out.iter_mut().zip(frame).for_each(|(to, from)| *to = *from),
                }
                return;
            }
            Source::Stack { stack, convert } => (stack, convert),
            Source::Derived(derived) => return (derived.read)(i, out),
        };
        let mut buffer = Vec::new();
        let bytes = stack.frame(i, &mut buffer);
        if self.is_plain() {
            let (elements, _) = bytes.as_chunks::<4>();
            for (to, from) in out.iter_mut().zip(elements) {
                *to = f32::from_le_bytes(*from);
            }
            return;
        }
        let n = stack.layout.n;
        let shift = if convert.is_corner { n / 2 } else { 0 };
        let (mut row, mut column) = (shift, shift);
        stack.dtype.for_each_real(bytes, |value| {
            if let Some(to) = out.get_mut(row % n * n + column % n) {
                *to = convert.amplitude(value);
            }
            column += 1;
            if column == n + shift {
                (row, column) = (row + 1, shift);
            }
        });
    }

    /// Mean over all frames, in the order of the frames.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`].
    pub fn mean_frame(&self, monitor: &dyn Monitor<()>) -> Result<Array2<f32>> {
        let m = self.n_frames().max(1) as f64;
        let sum = self.fold(monitor, |sum, value| sum + f64::from(value))?;
        Ok(sum.mapv(|sum| (sum / m) as f32))
    }

    /// Greatest value of each pixel over all frames.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`].
    pub fn max_frame(&self, monitor: &dyn Monitor<()>) -> Result<Array2<f32>> {
        let most = self.fold(monitor, |most, value| most.max(f64::from(value)))?;
        Ok(most.mapv(|most| most as f32))
    }

    /// `of` of every frame, in their order; frames are read in parallel.
    pub(crate) fn map_frames<T: Send>(&self, of: impl Fn(usize, &[f32]) -> T + Sync) -> Vec<T> {
        let [rows, columns] = self.frame_shape();
        (0..self.n_frames())
            .into_par_iter()
            .map_init(
                || vec![0.0; rows * columns],
                |buffer, i| {
                    self.read(i, buffer);
                    of(i, buffer)
                },
            )
            .collect()
    }

    fn fold(
        &self,
        monitor: &dyn Monitor<()>,
        add: impl Fn(f64, f32) -> f64,
    ) -> Result<Array2<f64>> {
        let [rows, columns] = self.frame_shape();
        let mut buffer = vec![0.0; rows * columns];
        let mut total = Array2::zeros((rows, columns));
        for i in 0..self.n_frames() {
            if monitor.stop().is_requested() {
                return Err(Error::Cancelled);
            }
            self.read(i, &mut buffer);
            total
                .iter_mut()
                .zip(&buffer)
                .for_each(|(sum, value)| *sum = add(*sum, *value));
            monitor.progress(one_pass(i + 1, self.n_frames()));
        }
        Ok(total)
    }

    /// Little-endian f32, row by row, nothing to do.
    fn is_plain(&self) -> bool {
        match &self.0 {
            Source::Memory(_) | Source::Derived(_) => true,
            Source::Stack { stack, convert } => {
                *convert == Conversion::NONE
                    && stack.layout.is_row_major()
                    && stack.dtype.kind == Kind::Float
                    && stack.dtype.size == 4
                    && !stack.dtype.is_big_endian
            }
        }
    }
}

/// Progress of work that goes over its data once.
pub(crate) fn one_pass(done: usize, all: usize) -> Progress {
    Progress {
        epoch: usize::from(done == all),
        n_epochs: 1,
        epoch_share: if done == all {
            0.0
        } else {
            done as f64 / all.max(1) as f64
        },
        loss: f64::NAN,
        rate_per_s: 0.0,
    }
}

/// Object patches `(m, n, n)`, one for each pattern; the key `Y`. Cheap to clone.
#[derive(Clone)]
pub struct Patches(PatchSource);

#[derive(Clone)]
enum PatchSource {
    Memory(Arc<Array3<Complex32>>),
    Stack(Arc<Stack>),
    Derived(Derived<Complex32>),
}

impl Patches {
    /// Patches in memory.
    pub fn from_array(values: Array3<Complex32>) -> Self {
        Self(PatchSource::Memory(Arc::new(values)))
    }

    pub(crate) fn from_stack(stack: Stack) -> Self {
        Self(PatchSource::Stack(Arc::new(stack)))
    }

    /// Patches that `read` writes whenever they are asked for, as [`Frames::from_fn`].
    pub fn from_fn(
        n_patches: usize,
        n: usize,
        read: impl Fn(usize, &mut [Complex32]) + Send + Sync + 'static,
    ) -> Self {
        Self(PatchSource::Derived(Derived {
            n_planes: n_patches,
            n,
            read: Arc::new(read),
        }))
    }

    /// As [`Frames::select`].
    ///
    /// # Panics
    /// When read, if there is no such patch.
    pub fn select(&self, rows: Arc<[usize]>) -> Self {
        let patches = self.clone();
        let n = self.shape()[1];
        Self::from_fn(rows.len(), n, move |i, out| patches.read(rows[i], out))
    }

    /// `(m, rows, columns)`.
    pub fn shape(&self) -> [usize; 3] {
        match &self.0 {
            PatchSource::Memory(values) => values.dim().into(),
            PatchSource::Stack(stack) => [stack.n_frames(), stack.layout.n, stack.layout.n],
            PatchSource::Derived(derived) => [derived.n_planes, derived.n, derived.n],
        }
    }

    /// Copy patch `i` in row-major order into `out`, of length `n * n`.
    ///
    /// # Panics
    /// If there is no patch `i`.
    pub fn read(&self, i: usize, out: &mut [Complex32]) {
        match &self.0 {
            PatchSource::Memory(values) => {
                let patch = values.index_axis(Axis(0), i);
                out.iter_mut().zip(patch).for_each(|(to, from)| *to = *from);
            }
            PatchSource::Derived(derived) => (derived.read)(i, out),
            PatchSource::Stack(stack) => {
                let mut buffer = Vec::new();
                let mut out = out.iter_mut();
                let bytes = stack.frame(i, &mut buffer);
                stack.dtype.for_each_complex(bytes, |value| {
                    if let Some(to) = out.next() {
                        *to = Complex32::new(value.re as f32, value.im as f32);
                    }
                });
            }
        }
    }
}
