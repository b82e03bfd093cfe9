//! Datasets to files: one pass computes, hashes and writes, a few megabytes at a time.
//!
//! Patterns and patches of a lazy dataset are computed by all threads of the current rayon pool, chunk by chunk; then one
//! thread hashes the chunk while another writes it. Memory does not grow with the scan.

use std::path::Path;
use std::time::Instant;

use ndarray::{ArrayView, Axis, Dimension};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::data::frames::one_pass;
use crate::data::write::{Compression, Element, NpzWriter, le_bytes, write_npz};
use crate::data::{Dataset, DatasetParts};
use crate::disk::ContentHash;
use crate::error::{Error, Result};
use crate::job::{Monitor, Quiet};

/// Bytes computed before they are hashed and written.
const CHUNK_BYTES: usize = 16 << 20;

/// Where the time of a pass went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SaveSeconds {
    /// Wall-clock time while all threads computed patterns.
    pub patterns: f64,
    /// Wall-clock time while all threads computed patches.
    pub patches: f64,
    /// Hashing and writing.
    pub writing: f64,
}

/// What a pass over a whole dataset tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    /// As [`Dataset::content_sha256`].
    pub content_sha256: String,
    /// As [`Dataset::mean_counts`].
    pub mean_counts: f64,
    /// Mean of all amplitudes.
    pub mean_amplitude: f64,
    /// Greatest amplitude.
    pub max_amplitude: f64,
    /// Share of the pixels without light.
    pub dark_share: f64,
    /// Where the time went.
    pub seconds: SaveSeconds,
}

impl Dataset {
    /// Write as a canonical NPZ (same content, same bytes); `diffraction` and `Y` stored so that they can be mapped.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn save(&self, path: &Path) -> Result<()> {
        self.save_hashed(path, &Quiet::default()).map(|_| ())
    }

    /// As [`Dataset::save`], with progress and cancel; the content is hashed on the way.
    ///
    /// # Errors
    /// [`crate::Error::Io`]; [`crate::Error::Cancelled`]. No file is left then.
    pub fn save_hashed(&self, path: &Path, monitor: &dyn Monitor<()>) -> Result<Saved> {
        let mut saved = None;
        write_npz(path, |npz| {
            saved = Some(self.write_arrays(npz, monitor)?);
            npz.json("_metadata", &self.metadata().clone().signed())
        })?;
        saved.ok_or_else(|| Error::Run("a file was written without its content".to_owned()))
    }

    /// SHA-256 over the contract's arrays (not the metadata), in hex; computed once.
    pub fn content_sha256(&self) -> String {
        if let Some(known) = self.known_sha256() {
            return known.clone();
        }
        // Nothing is written and nobody can cancel, so the pass cannot fail.
        self.pass(None, &Quiet::default())
            .map_or_else(|_| String::new(), |saved| saved.content_sha256)
    }

    /// Add every array but the metadata to a file.
    ///
    /// # Errors
    /// As [`Dataset::save_hashed`].
    pub(crate) fn write_arrays(
        &self,
        npz: &mut NpzWriter<'_>,
        monitor: &dyn Monitor<()>,
    ) -> Result<Saved> {
        self.pass(Some(npz), monitor)
    }

    fn pass(&self, npz: Option<&mut NpzWriter<'_>>, monitor: &dyn Monitor<()>) -> Result<Saved> {
        let (m, n) = (self.n_patterns(), self.n());
        let patches = self.parts().patches.as_ref();
        let all_bytes = m * n * n * if patches.is_some() { 12 } else { 4 };
        let mut pass = Pass {
            npz,
            hash: ContentHash::default(),
            monitor,
            done_bytes: 0,
            all_bytes,
            writing_s: 0.0,
        };
        let mut light = Light::default();
        let read = |i: usize, out: &mut [f32]| self.frames().read(i, out);
        let patterns_s = pass.stack("diffraction", "float32", [m, n, n], read, |chunk| {
            light.add(chunk, n * n);
        })?;
        self.write_scan(&mut pass)?;
        let mut patches_s = 0.0;
        if let Some(patches) = patches {
            let read = |i: usize, out: &mut [_]| patches.read(i, out);
            patches_s = pass.stack("Y", "complex64", patches.shape(), read, |_| {})?;
        }
        self.write_carried(&mut pass)?;
        let writing = pass.writing_s;
        let saved = Saved {
            content_sha256: pass.hash.finish_hex(),
            mean_counts: light.counts / m as f64,
            mean_amplitude: light.amplitude / (m * n * n) as f64,
            max_amplitude: f64::from(light.most),
            dark_share: light.n_dark as f64 / (m * n * n) as f64,
            seconds: SaveSeconds {
                patterns: patterns_s,
                patches: patches_s,
                writing,
            },
        };
        self.remember(&saved.content_sha256, saved.mean_counts);
        Ok(saved)
    }

    fn write_scan(&self, pass: &mut Pass<'_, '_>) -> Result<()> {
        pass.values("xcoords", "float64", &self.coordinates(1))?;
        pass.values("ycoords", "float64", &self.coordinates(0))?;
        let probe = self.probe().view();
        pass.hash("probeGuess", "complex64", &probe);
        if probe.dim().0 == 1 {
            pass.write("probeGuess", &probe.index_axis(Axis(0), 0))?;
        } else {
            pass.write("probeGuess", &probe)?;
        }
        match self.object() {
            Some(object) => pass.array("objectGuess", "complex64", &object.view()),
            None => Ok(()),
        }
    }

    fn write_carried(&self, pass: &mut Pass<'_, '_>) -> Result<()> {
        let DatasetParts {
            frames: _,
            positions_px: _,
            probe: _,
            object: _,
            detector_mask,
            patches: _,
            scan_index,
            rows_start_px,
            columns_start_px,
            group_index,
            metadata: _,
        } = self.parts();
        if let Some(scan_index) = scan_index {
            pass.values("scan_index", "int64", scan_index)?;
        }
        if let Some(columns) = columns_start_px {
            pass.values("xcoords_start", "float64", columns)?;
        }
        if let Some(rows) = rows_start_px {
            pass.values("ycoords_start", "float64", rows)?;
        }
        if let Some(groups) = group_index {
            pass.array("group_index", "int32", &groups.view())?;
        }
        if let Some(mask) = detector_mask {
            pass.array("detector_mask", "bool", &mask.view())?;
        }
        Ok(())
    }
}

/// Sums over all patterns, in their order.
#[derive(Default)]
struct Light {
    counts: f64,
    amplitude: f64,
    most: f32,
    n_dark: usize,
}

impl Light {
    fn add(&mut self, chunk: &[f32], n_pixels: usize) {
        let frames: Vec<Self> = chunk.par_chunks(n_pixels).map(Self::of).collect();
        for frame in frames {
            self.counts += frame.counts;
            self.amplitude += frame.amplitude;
            self.most = self.most.max(frame.most);
            self.n_dark += frame.n_dark;
        }
    }

    fn of(frame: &[f32]) -> Self {
        let mut light = Self::default();
        for value in frame {
            light.counts += f64::from(*value).powi(2);
            light.amplitude += f64::from(*value);
            light.most = light.most.max(*value);
            light.n_dark += usize::from(*value == 0.0);
        }
        light
    }
}

/// One pass: where the arrays go, and how far it is.
struct Pass<'a, 'w> {
    npz: Option<&'a mut NpzWriter<'w>>,
    hash: ContentHash,
    monitor: &'a dyn Monitor<()>,
    done_bytes: usize,
    all_bytes: usize,
    writing_s: f64,
}

impl Pass<'_, '_> {
    /// Planes that `read` computes, chunk by chunk; the seconds that took, without hashing and writing.
    #[expect(
        clippy::too_many_arguments,
        reason = "the header of one array, and two closures"
    )]
    fn stack<T: Element + Default + Send + Sync>(
        &mut self,
        key: &str,
        dtype: &str,
        shape: [usize; 3],
        read: impl Fn(usize, &mut [T]) + Sync,
        mut look: impl FnMut(&[T]),
    ) -> Result<f64> {
        let [n_planes, rows, columns] = shape;
        let n_pixels = rows * columns;
        let n_chunk = (CHUNK_BYTES / (n_pixels * size_of::<T>()).max(1)).clamp(1, n_planes.max(1));
        let mut buffer = vec![T::default(); n_chunk * n_pixels];
        self.hash.begin(key, dtype, &shape);
        let Self {
            npz,
            hash,
            monitor,
            done_bytes,
            all_bytes,
            writing_s,
        } = self;
        let mut computing_s = 0.0;
        let mut all = |sink: &mut (dyn FnMut(&[T]) -> Result<()> + Send)| -> Result<()> {
            for first in (0..n_planes).step_by(n_chunk) {
                if monitor.stop().is_requested() {
                    return Err(Error::Cancelled);
                }
                let chunk = &mut buffer[..n_chunk.min(n_planes - first) * n_pixels];
                let start = Instant::now();
                chunk
                    .par_chunks_mut(n_pixels)
                    .enumerate()
                    .for_each(|(i, plane)| read(first + i, plane));
                let computed = Instant::now();
                computing_s += (computed - start).as_secs_f64();
                let chunk: &[T] = chunk;
                look(chunk);
                let ((), written) = rayon::join(|| hash.update(&le_bytes(chunk)), || sink(chunk));
                written?;
                *writing_s += computed.elapsed().as_secs_f64();
                *done_bytes += size_of_val(chunk);
                monitor.progress(one_pass(*done_bytes, *all_bytes));
            }
            Ok(())
        };
        match npz {
            Some(npz) => npz.stream(key, Compression::Stored, &shape, all)?,
            None => all(&mut |_| Ok(()))?,
        }
        Ok(computing_s)
    }

    fn values<T: Element>(&mut self, key: &str, dtype: &str, values: &[T]) -> Result<()> {
        self.array(key, dtype, &ArrayView::from(values))
    }

    fn array<T: Element, D: Dimension>(
        &mut self,
        key: &str,
        dtype: &str,
        array: &ArrayView<T, D>,
    ) -> Result<()> {
        self.hash(key, dtype, array);
        self.write(key, array)
    }

    fn hash<T: Element, D: Dimension>(&mut self, key: &str, dtype: &str, array: &ArrayView<T, D>) {
        self.hash.begin(key, dtype, array.shape());
        let array = array.as_standard_layout();
        self.hash
            .update(&le_bytes(array.as_slice().unwrap_or_default()));
    }

    fn write<T: Element, D: Dimension>(
        &mut self,
        key: &str,
        array: &ArrayView<T, D>,
    ) -> Result<()> {
        let start = Instant::now();
        if let Some(npz) = &mut self.npz {
            npz.array(key, Compression::Deflated, array)?;
        }
        self.writing_s += start.elapsed().as_secs_f64();
        Ok(())
    }
}
