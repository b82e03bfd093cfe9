//! The scan on the engine's canvas: where patches lie, the measured amplitudes, and what a run starts from.

use std::sync::Arc;

use ndarray::{Array2, Array3};
use num_complex::{Complex, Complex32};
use rayon::prelude::*;

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::fft::tile::Tiling;
use crate::iterative::state::{Place, Planes};
use crate::iterative::{Compatibility, IterativeSettings, ObjectInit, PositionMethod};
use crate::patches::whole_start;
use crate::simd::{Aligned, LANES, Real};

/// Spare object pixels around the patches.
const MARGIN_PX: f64 = 2.0;
/// The same where positions are refined: how far a patch can go beyond the outermost.
const REFINED_MARGIN_PX: f64 = 16.0;
/// Amplitudes up to this size are kept in the order in which the sweeps read them; larger scans are read frame by frame.
const KEPT_AMPLITUDES_BYTES: usize = 160 << 20;

/// Bytes of the engine's own copy of the amplitudes; 0 for a scan that it reads frame by frame.
pub fn amplitude_copy_bytes<T: Real>(n_patterns: usize, n: usize) -> usize {
    let n_bytes = n_patterns.saturating_mul(Tiling::new(n).plane_len() * T::BYTES);
    if n_bytes <= KEPT_AMPLITUDES_BYTES {
        n_bytes
    } else {
        0
    }
}

/// Pixels that are left out.
#[derive(Clone, Copy)]
pub(crate) struct Used<'a, T> {
    /// 1 where a pixel is used, 0 where it is left out.
    pub(crate) mask: &'a [T],
    /// Amplitude from which on a pixel is saturated; infinite where none is.
    pub(crate) saturation: T,
    /// Whether the pixels left out stay in the sums, as in pty-chi.
    pub(crate) sums_all: bool,
}

/// Geometry and data of a run; it never changes.
pub(crate) struct Scan<T> {
    pub(crate) dataset: Arc<Dataset>,
    pub(crate) tiling: Tiling,
    n_patterns: usize,
    /// Whether odd patches start where pty-chi's default puts them.
    is_odd_ptychi: bool,
    /// Rows and columns of the canvas.
    pub(crate) canvas: [usize; 2],
    /// Values between two rows of the canvas; there is room for a whole strip beyond the last column.
    pub(crate) stride: usize,
    /// Rows and columns of the canvas before the object frame.
    padding: [usize; 2],
    /// The object frame.
    frame: [usize; 2],
    /// Rows and columns of the box of patch centres.
    pub(crate) center_box: [std::ops::Range<usize>; 2],
    /// Greatest measured count of a pattern, and the mean.
    pub(crate) max_counts: f64,
    pub(crate) mean_counts: f64,
    /// 1 where a pixel of the detector is used, 0 where it is left out; `None` where all are used in every pattern.
    pub(crate) mask: Option<Aligned<T>>,
    /// Amplitude from which on a pixel of a pattern is saturated and left out as well; infinite where none is.
    pub(crate) saturation: T,
    /// Whether pixels left out stay in the sums of a pattern, as in pty-chi.
    pub(crate) sums_all: bool,
    kept: Option<Aligned<T>>,
    /// Offset of the frequency origin in a frame.
    origin: usize,
}

impl<T: Real> Scan<T> {
    pub(crate) fn new(dataset: Arc<Dataset>, settings: &IterativeSettings) -> Result<Self> {
        let n = dataset.n();
        let compat = settings.compat;
        let margin_px = match settings.refine_positions {
            PositionMethod::Off => MARGIN_PX,
            _ => REFINED_MARGIN_PX,
        };
        let tiling = Tiling::new(n);
        let half = (n / 2) as f64;
        let positions = dataset.positions_px();
        if positions.is_empty() {
            return Err(Error::invalid(
                "reconstruct",
                "diffraction",
                "at least one pattern",
                "none",
            ));
        }
        let frame = dataset.object_shape();
        let range = |axis: usize| {
            let values = positions.iter().map(move |p| p[axis]);
            (
                values.clone().fold(f64::INFINITY, f64::min),
                values.fold(f64::NEG_INFINITY, f64::max),
            )
        };
        let pad = |axis: usize| {
            let (low, high) = range(axis);
            let before = (half + margin_px - low.floor()).max(0.0);
            let after = (high.ceil() - half + n as f64 + margin_px - frame[axis] as f64).max(0.0);
            [before as usize, after as usize]
        };
        let (rows, columns) = (pad(0), pad(1));
        let padding = [rows[0], columns[0]];
        let canvas = [
            frame[0] + rows[0] + rows[1],
            frame[1] + columns[0] + columns[1],
        ];
        let is_odd_ptychi = compat == Compatibility::Ptychi && n % 2 == 1;
        let origin_px = if n.is_multiple_of(2) || is_odd_ptychi {
            -0.5
        } else {
            0.0
        };
        let center_range = |axis: usize| {
            let (low, high) = range(axis);
            let at = |p: f64| (p + padding[axis] as f64 + origin_px).max(0.0) as usize;
            at(low)..at(high)
        };
        let mut scan = Self {
            tiling,
            n_patterns: positions.len(),
            is_odd_ptychi,
            canvas,
            stride: (canvas[1] + LANES).next_multiple_of(LANES),
            padding,
            frame,
            center_box: [center_range(0), center_range(1)],
            max_counts: 0.0,
            mean_counts: 0.0,
            mask: None,
            saturation: saturation_amplitude(settings.saturation_counts),
            sums_all: compat == Compatibility::Ptychi,
            kept: None,
            // `ifftshift`; pty-chi's `fftshift` is one pixel off on odd sizes.
            origin: if is_odd_ptychi { n - n / 2 } else { n / 2 },
            dataset,
        };
        scan.read_mask();
        scan.read_amplitudes();
        Ok(scan)
    }

    fn read_mask(&mut self) {
        let (n, tiling) = (self.tiling.n, self.tiling);
        let mut plane = Aligned::zeros(tiling.plane_len());
        let Some(mask) = self.dataset.detector_mask() else {
            if self.saturation.is_finite() {
                plane.fill(T::one());
                self.mask = Some(plane);
            }
            return;
        };
        for ((row, column), &used) in mask.indexed_iter() {
            let frequency = |at: usize| (at + n - self.origin) % n;
            plane[tiling.at(frequency(column), frequency(row))] =
                if used { T::one() } else { T::zero() };
        }
        self.mask = Some(plane);
    }

    fn read_amplitudes(&mut self) {
        let (m, plane, n) = (self.n_patterns, self.tiling.plane_len(), self.tiling.n);
        let keep = amplitude_copy_bytes::<T>(m, n) != 0;
        let mut kept = Aligned::zeros(if keep { m * plane } else { 0 });
        let this = &*self;
        let counts = |frame: &[f32]| this.counts(frame);
        let totals: Vec<f64> = if keep {
            kept.par_chunks_mut(plane)
                .enumerate()
                .map_init(
                    || vec![0.0; n * n],
                    |buffer, (i, to)| {
                        this.dataset.frames().read(i, buffer);
                        this.permute(buffer, to);
                        counts(buffer)
                    },
                )
                .collect()
        } else {
            (0..m)
                .into_par_iter()
                .map_init(
                    || vec![0.0; n * n],
                    |buffer, i| {
                        this.dataset.frames().read(i, buffer);
                        counts(buffer)
                    },
                )
                .collect()
        };
        self.max_counts = totals.iter().copied().fold(0.0, f64::max);
        self.mean_counts = totals.iter().sum::<f64>() / m as f64;
        self.kept = keep.then_some(kept);
    }

    /// Counts of a frame; without the pixels left out, which may hold anything, unless they stay in the sums.
    fn counts(&self, frame: &[f32]) -> f64 {
        let mask = self.dataset.detector_mask().filter(|_| !self.sums_all);
        let square = |&a: &f32| f64::from(a) * f64::from(a);
        match mask {
            Some(mask) => frame
                .iter()
                .zip(mask)
                .filter(|&(_, &used)| used)
                .map(|(a, _)| square(a))
                .sum(),
            None => frame.iter().map(square).sum(),
        }
    }

    /// Which pixels of a pattern are used; `None` where all are.
    pub(crate) fn used(&self) -> Option<Used<'_, T>> {
        self.mask.as_deref().map(|mask| Used {
            mask,
            saturation: self.saturation,
            sums_all: self.sums_all,
        })
    }

    /// From the file's order (zero frequency in the middle) to the tiled, transposed plane.
    fn permute(&self, frame: &[f32], to: &mut [T]) {
        let n = self.tiling.n;
        for (s, strip) in to.chunks_exact_mut(n * LANES).enumerate() {
            let n_lanes = (n - s * LANES).min(LANES);
            for lane in 0..n_lanes {
                let row = &frame[(s * LANES + lane + self.origin) % n * n..][..n];
                let (tail, head) = row.split_at(self.origin % n);
                for (column, &value) in head.iter().chain(tail).enumerate() {
                    strip[column * LANES + lane] = T::of(f64::from(value));
                }
            }
        }
    }

    /// The amplitudes of pattern `i`, in `room` if they are not kept.
    pub(crate) fn amplitude<'a>(
        &'a self,
        i: usize,
        frame: &mut [f32],
        room: &'a mut [T],
    ) -> &'a [T] {
        let plane = self.tiling.plane_len();
        if let Some(kept) = &self.kept {
            return &kept[i * plane..(i + 1) * plane];
        }
        self.dataset.frames().read(i, frame);
        self.permute(frame, room);
        room
    }

    /// Values of a canvas.
    pub(crate) fn canvas_len(&self) -> usize {
        self.canvas[0] * self.stride
    }

    /// Where the patch of a position lies; one that leaves the canvas is moved to its border.
    pub(crate) fn place(&self, position_px: [f64; 2]) -> Place {
        let n = self.tiling.n;
        let (start, shift_px) = whole_start(position_px, n);
        let corner = std::array::from_fn(|axis| {
            let start = start[axis] + self.padding[axis] as isize;
            // pty-chi's default origin puts odd patches on half-integers, which it rounds to the even number.
            let start = if self.is_odd_ptychi {
                (start as f64 - 0.5).round_ties_even() as isize
            } else {
                start
            };
            start.clamp(0, (self.canvas[axis] - n) as isize) as usize
        });
        Place { corner, shift_px }
    }

    /// Where every patch lies.
    pub(crate) fn places(&self, positions_px: &[[f64; 2]]) -> Vec<Place> {
        positions_px.iter().map(|&at| self.place(at)).collect()
    }

    /// Place of a patch's first pixel in a plane.
    pub(crate) fn start(&self, place: &Place) -> usize {
        place.corner[0] * self.stride + place.corner[1]
    }

    pub(crate) fn n_patterns(&self) -> usize {
        self.n_patterns
    }

    /// Offset of the frequency origin in a frame.
    pub(crate) fn origin(&self) -> usize {
        self.origin
    }

    /// The object that a run starts from: ones, or the file's.
    pub(crate) fn first_object(&self, init: ObjectInit) -> Result<Planes<T>> {
        let file = match init {
            ObjectInit::Ones => None,
            ObjectInit::File => Some(self.dataset.object().ok_or_else(|| {
                Error::invalid(
                    "start from the file's object",
                    "objectGuess",
                    "an object",
                    "none in the file",
                )
                .with_fix("use --object-init ones")
            })?),
        };
        Ok(self.canvas_of(file))
    }

    /// A canvas of an object in the frame, its edge repeated in the padding; ones where there is none.
    pub(crate) fn canvas_of(&self, object: Option<&Array2<Complex32>>) -> Planes<T> {
        let mut planes = Planes::zeros(self.canvas_len());
        for row in 0..self.canvas[0] {
            for column in 0..self.canvas[1] {
                let inside = |at: usize, axis: usize| {
                    at.saturating_sub(self.padding[axis])
                        .min(self.frame[axis] - 1)
                };
                let value = object.map_or(Complex::new(1.0, 0.0), |object| {
                    object[[inside(row, 0), inside(column, 1)]]
                });
                let at = row * self.stride + column;
                planes.re[at] = T::of(f64::from(value.re));
                planes.im[at] = T::of(f64::from(value.im));
            }
        }
        planes
    }

    /// The object frame of a canvas.
    pub(crate) fn object(&self, planes: &Planes<T>) -> Array2<Complex<T>> {
        Array2::from_shape_fn((self.frame[0], self.frame[1]), |(row, column)| {
            let at = (row + self.padding[0]) * self.stride + column + self.padding[1];
            Complex::new(planes.re[at], planes.im[at])
        })
    }

    /// Probe modes from their tiled fields.
    pub(crate) fn probe(&self, fields: &[T]) -> Array3<Complex<T>> {
        untiled(self.tiling, fields)
    }

    /// Tiled fields of probe modes.
    pub(crate) fn tiled(&self, probe: &Array3<Complex<T>>) -> Aligned<T> {
        tiled(self.tiling, probe)
    }
}

/// Modes `(k, n, n)` from their tiled fields.
pub(crate) fn untiled<T: Real>(tiling: Tiling, fields: &[T]) -> Array3<Complex<T>> {
    let (n, plane) = (tiling.n, tiling.plane_len());
    Array3::from_shape_fn((fields.len() / (2 * plane), n, n), |(k, row, column)| {
        let at = 2 * plane * k + tiling.at(row, column);
        Complex::new(fields[at], fields[at + plane])
    })
}

/// Tiled fields of modes `(k, n, n)`.
pub(crate) fn tiled<T: Real>(tiling: Tiling, modes: &Array3<Complex<T>>) -> Aligned<T> {
    let plane = tiling.plane_len();
    let mut fields = Aligned::zeros(2 * plane * modes.dim().0);
    for ((k, row, column), value) in modes.indexed_iter() {
        let at = 2 * plane * k + tiling.at(row, column);
        (fields[at], fields[at + plane]) = (value.re, value.im);
    }
    fields
}

/// The amplitude of this many counts, a little less for the rounding of stored amplitudes; infinite for 0.
fn saturation_amplitude<T: Real>(counts: f64) -> T {
    if counts > 0.0 {
        T::of(counts.sqrt() * (1.0 - 1e-6))
    } else {
        T::infinity()
    }
}

/// The file's probe with the number of modes asked for.
///
/// Added modes are the first one times Hermite polynomials in both directions, about its centre and by its widths,
/// made orthogonal to the earlier ones; each gets the share `added_mode_power` of the first mode's power, as pty-chi's
/// `orthogonalize_initial_probe` gives them. Modes that the file has are kept.
pub(crate) fn first_probe(dataset: &Dataset, settings: &IterativeSettings) -> Array3<Complex<f64>> {
    with_modes(&dataset.probe().to_owned(), settings)
}

/// The same of any probe.
pub(crate) fn with_modes(
    probe: &Array3<Complex32>,
    settings: &IterativeSettings,
) -> Array3<Complex<f64>> {
    let file = probe.mapv(|v| Complex::new(f64::from(v.re), f64::from(v.im)));
    let (n_file, n, _) = file.dim();
    let n_modes = settings.probe_modes;
    if n_modes <= n_file {
        return file.slice_move(ndarray::s![..n_modes, .., ..]);
    }
    let first = file.index_axis(ndarray::Axis(0), 0).to_owned();
    let power = first
        .iter()
        .map(Complex::norm_sqr)
        .sum::<f64>()
        .max(f64::MIN_POSITIVE);
    let moment = |f: &dyn Fn(f64, f64) -> f64| {
        first
            .indexed_iter()
            .map(|((r, c), v)| f(r as f64, c as f64) * v.norm_sqr())
            .sum::<f64>()
            / power
    };
    let (row0, column0) = (moment(&|r, _| r), moment(&|_, c| c));
    let sigma_row = moment(&|r, _| (r - row0).powi(2)).sqrt().max(0.5);
    let sigma_column = moment(&|_, c| (c - column0).powi(2)).sqrt().max(0.5);
    let side = (n_modes as f64).sqrt().ceil() as usize;
    let mut modes = Array3::zeros((n_modes, n, n));
    let added = settings.added_mode_power;
    let n_added = (n_modes - n_file) as f64;
    let mut orders = (0..side)
        .flat_map(|a| (0..side).map(move |b| (a, b)))
        .filter(|&o| o != (0, 0));
    for k in 0..n_modes {
        let mut mode = if k < n_file {
            file.index_axis(ndarray::Axis(0), k).to_owned()
        } else {
            let (a, b) = orders.next().unwrap_or((side, side));
            Array2::from_shape_fn((n, n), |(r, c)| {
                let (y, x) = (
                    (r as f64 - row0) / sigma_row,
                    (c as f64 - column0) / sigma_column,
                );
                first[[r, c]] * (hermite(a, y) * hermite(b, x))
            })
        };
        if k >= n_file {
            for earlier in 0..k {
                let other = modes.index_axis(ndarray::Axis(0), earlier);
                let norm: f64 = other.iter().map(Complex::norm_sqr).sum();
                let overlap: Complex<f64> =
                    other.iter().zip(&mode).map(|(o, m)| o.conj() * m).sum();
                if norm > 0.0 {
                    mode.zip_mut_with(&other, |m, o| *m -= o * (overlap / norm));
                }
            }
            let norm: f64 = mode.iter().map(Complex::norm_sqr).sum();
            if norm > 0.0 {
                mode *= Complex::from((added * power / norm).sqrt());
            }
        } else if k == 0 {
            mode *= Complex::from((1.0 - added * n_added).max(0.05).sqrt());
        }
        modes.index_axis_mut(ndarray::Axis(0), k).assign(&mode);
    }
    modes
}

/// Probabilists' Hermite polynomials.
fn hermite(order: usize, x: f64) -> f64 {
    let (mut before, mut value) = (0.0, 1.0);
    for k in 0..order {
        (before, value) = (value, x * value - k as f64 * before);
    }
    value
}
