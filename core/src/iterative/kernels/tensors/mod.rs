//! The kernels composed of Candle's operations on whole batches, for CUDA and Metal; they run on the CPU as well.
//!
//! Patterns are `(b, n, n)`, modes of patterns `(k, b, n, n)`, canvases flat. The Fourier transform is two matrix
//! products, patches are gathered by index and placed as [`placing`] says. Sums over pixels are taken over rows on the
//! device and over rows' sums on the host in double precision, one transfer for all sums of an operation.

mod amplitudes;
mod forward;
mod host;
mod memory;
mod opr;
mod placing;
mod projections;
mod rules;
mod updates;

use candle_core::{Device, Tensor};
use ndarray::{Array2, Array3};
use num_complex::Complex;

use self::amplitudes::Amplitudes;
use self::forward::Model;
use self::host::{Field, Place, array2, array3, into_planes, into_tiled, values};
use self::memory::Memory;
use self::placing::{Adding, Placing, derivative};
use self::projections::Projections;
use self::rules::Prediction;
use super::{Batch, Canvas, Divisor, FirstPass, Kernels, ObjectWeight, PatternSums};
use crate::error::{Error, Result};
use crate::fft::tile::Tiling;
use crate::iterative::IterativeSettings;
use crate::iterative::scan::Scan;
use crate::iterative::state::State;
use crate::simd::{Aligned, Real};
use crate::tensor::portable::Dft;

/// Kernels on a device, for batches of up to `batch` patterns; `memory_bytes` limits what they take, for tests and small
/// cards.
///
/// # Errors
/// [`Error::Invalid`] if a batch does not fit, with the largest that would; [`Error::Run`] with the device's words.
pub(crate) fn tensors<T: Real>(
    scan: &Scan<T>,
    settings: &IterativeSettings,
    (batch, n_kept): (usize, usize),
    device: &Device,
    memory_bytes: Option<u64>,
) -> Result<Box<dyn Kernels<T>>> {
    if T::BYTES != 4 && device.is_metal() {
        return Err(Error::invalid(
            "reconstruct on the Metal device",
            "precision",
            "float32",
            T::NAME,
        ));
    }
    let place = Place::of::<T>(device);
    let canvas = [scan.canvas[0], scan.stride];
    let n = scan.tiling.n;
    let adding = Adding::on(&place, canvas, n);
    let values = (
        fixed_values(scan, settings),
        pattern_values(settings, n) + Placing::n_values(adding, canvas, n),
    );
    let memory = Memory::new(&place, batch, values, memory_bytes);
    memory.check()?;
    let made = Tensors::new(scan, settings, n_kept, (place, adding), memory.clone());
    let made = made.map_err(|error| memory.in_words(&error))?;
    Ok(Box::new(made))
}

/// Values held for every pattern of a batch at most: patches, ramps, shifted probes, waves, residual waves and what a
/// transform works in.
fn pattern_values(settings: &IterativeSettings, n: usize) -> usize {
    (20 + 20 * settings.probe_modes) * n * n
}

/// Values held beside batches: the canvases of object, direction, sums, velocity and damping, the probe's, the matrices.
fn fixed_values<T: Real>(scan: &Scan<T>, settings: &IterativeSettings) -> usize {
    let n2 = scan.tiling.n * scan.tiling.n;
    let n_modes = settings.probe_modes + settings.opr_modes;
    18 * scan.canvas_len() + (10 * n_modes + 10) * n2
}

/// The kernels, and what of the state lives on the device.
struct Tensors {
    place: Place,
    memory: Memory,
    n: usize,
    tiling: Tiling,
    canvas: [usize; 2],
    adding: Adding,
    n_modes: usize,
    n_kept: usize,
    /// Whether the host wants the probe within an epoch.
    shows_probe: bool,
    dft: Dft,
    derivative: Tensor,
    amplitudes: Amplitudes,
    /// 1 where a pixel counts, `(n, n)`.
    mask: Option<Tensor>,
    object: Field,
    probe: Field,
    /// `1/D`
    inverse_damped: Tensor,
    carried_object: Option<Field>,
    carried_probe: Option<Field>,
    object_velocity: Option<Field>,
    probe_velocity: Option<Field>,
    projections: Projections,
    /// `A` and `A0/D`.
    all: Field,
    first: Field,
    batch_divisor: Option<Tensor>,
    now: Option<Now>,
    /// The prediction of these patterns, as long as object and probe are as they were.
    predicted: Option<(Vec<usize>, Prediction)>,
}

/// The batch gone through last.
struct Now {
    model: Model,
    /// Residual waves, `(k, b, n, n)`.
    chi: Field,
    /// `(k, n, n)`
    probe_direction: Field,
    /// OPR's, `(b, n, n)`.
    residuals: Option<Field>,
}

type OnDevice<R> = candle_core::Result<R>;

/// An operation that needs a batch came before one.
fn no_batch() -> candle_core::Error {
    candle_core::Error::Msg("a batch was not gone through first".to_owned())
}

impl Tensors {
    fn new<T: Real>(
        scan: &Scan<T>,
        settings: &IterativeSettings,
        n_kept: usize,
        (place, adding): (Place, Adding),
        mut memory: Memory,
    ) -> OnDevice<Self> {
        let n = scan.tiling.n;
        let (len, modes) = (scan.canvas_len(), (settings.probe_modes, n, n));
        let mask = scan.dataset.detector_mask().map(|mask| {
            let used: Vec<f64> = mask.iter().map(|&used| f64::from(u8::from(used))).collect();
            place.tensor(&used, (n, n))
        });
        let amplitudes = Amplitudes::new(scan, &place, &memory)?;
        memory.fixed_bytes += amplitudes.n_bytes();
        Ok(Self {
            amplitudes,
            n,
            tiling: scan.tiling,
            canvas: [scan.canvas[0], scan.stride],
            adding,
            n_modes: settings.probe_modes,
            n_kept,
            shows_probe: settings.vary_intensity || settings.opr_modes > 0,
            dft: Dft::with_origin(n, scan.origin(), place.dtype, &place.device)?,
            derivative: derivative(&place, n)?,
            mask: mask.transpose()?,
            object: place.no_field(len)?,
            probe: place.no_field(modes)?,
            inverse_damped: place.zeros(len)?,
            carried_object: None,
            carried_probe: None,
            object_velocity: None,
            probe_velocity: None,
            projections: Projections::default(),
            all: place.no_field(len)?,
            first: place.no_field(len)?,
            batch_divisor: None,
            now: None,
            predicted: None,
            place,
            memory,
        })
    }

    fn now(&self) -> OnDevice<&Now> {
        self.now.as_ref().ok_or_else(no_batch)
    }

    fn now_mut(&mut self) -> OnDevice<&mut Now> {
        self.now.as_mut().ok_or_else(no_batch)
    }

    fn in_words<R>(&self, result: OnDevice<R>) -> Result<R> {
        result.map_err(|error| self.memory.in_words(&error))
    }

    fn take_over<T: Real>(&mut self, state: &State<T>, inverse_damped: &[T]) -> OnDevice<()> {
        (self.now, self.predicted) = (None, None);
        self.object = self.place.canvas(&state.object)?;
        self.probe = self.place.tiled(self.tiling, &state.probe)?;
        self.inverse_damped = self.place.tensor(inverse_damped, inverse_damped.len())?;
        (self.carried_object, self.carried_probe) = (None, None);
        (self.object_velocity, self.probe_velocity) = (None, None);
        self.projections.take_over(state);
        Ok(())
    }

    fn bring_back<T: Real>(&mut self, state: &mut State<T>) -> OnDevice<()> {
        (self.now, self.predicted) = (None, None);
        into_planes(&self.object, &mut state.object)?;
        into_tiled(self.tiling, &self.probe, &mut state.probe)?;
        if let Some(field) = &self.carried_object {
            into_planes(field, &mut state.carried_object)?;
        }
        if let Some(field) = &self.carried_probe {
            into_tiled(self.tiling, field, &mut state.carried_probe)?;
        }
        if let Some(field) = &self.object_velocity {
            into_planes(field, &mut state.object_velocity)?;
        }
        if let Some(field) = &self.probe_velocity {
            into_tiled(self.tiling, field, &mut state.probe_velocity)?;
        }
        self.projections.end_epoch(state);
        Ok(())
    }
}

impl<T: Real> Kernels<T> for Tensors {
    fn device(&self) -> &'static str {
        match self.place.device {
            Device::Cpu => "cpu",
            Device::Cuda(_) => "cuda",
            Device::Metal(_) => "metal",
        }
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn upload(&mut self, _: &Scan<T>, state: &State<T>, inverse_damped: &[T]) -> Result<()> {
        let done = self.take_over(state, inverse_damped);
        self.in_words(done)
    }

    fn download(&mut self, _: &Scan<T>, state: &mut State<T>) -> Result<()> {
        let done = self.bring_back(state);
        self.in_words(done)
    }

    fn waves(&self) -> Result<Option<Aligned<T>>> {
        self.in_words(self.projections.waves(self.tiling))
    }

    fn first_pass(
        &mut self,
        batch: &Batch<T>,
        state: &State<T>,
        pass: &FirstPass,
    ) -> Result<Option<Vec<PatternSums>>> {
        if batch.stop.is_requested() {
            return Ok(None);
        }
        let done = self.go_through(batch, state, pass);
        let sums = self.in_words(done)?;
        Ok((!batch.stop.is_requested()).then_some(sums))
    }

    fn likelihood_sums(
        &mut self,
        batch: &Batch<T>,
        state: &State<T>,
        mean_step: f64,
    ) -> Result<Vec<[f64; 2]>> {
        let sums = self.likelihood(batch, state, mean_step);
        self.in_words(sums)
    }

    fn object_direction(
        &mut self,
        _: &Batch<T>,
        _: &State<T>,
        weight: ObjectWeight,
        carries: bool,
    ) -> Result<()> {
        let done = self.direct_object(weight, carries);
        self.in_words(done)
    }

    fn divide_by_batch(&mut self, _: &Batch<T>, _: &State<T>, alpha: f64) -> Result<()> {
        let done = self.divide_by_illumination(alpha);
        self.in_words(done)
    }

    fn step_sums(&mut self, batch: &Batch<T>, _: &State<T>) -> Result<Option<Vec<[f64; 6]>>> {
        let sums = self.sums_for_steps();
        let sums = self.in_words(sums)?;
        Ok((!batch.stop.is_requested()).then_some(sums))
    }

    fn position_sums(&mut self, _: &Batch<T>, _: &State<T>) -> Result<Vec<[f64; 4]>> {
        let sums = self.sums_for_positions();
        self.in_words(sums)
    }

    fn patches(&mut self, _: &Batch<T>, _: &State<T>) -> Result<[Array3<Complex<T>>; 4]> {
        let patches = self.show_patches();
        self.in_words(patches)
    }

    fn opr_begin(&mut self, _: &Batch<T>, _: &State<T>) -> Result<()> {
        let done = self.begin_residuals();
        self.in_words(done)
    }

    fn opr_project(&mut self, _: &Batch<T>, mode: &Array2<Complex<T>>) -> Result<Vec<f64>> {
        let means = self.project_residuals(mode);
        self.in_words(means)
    }

    fn opr_combine(&mut self, _: &Batch<T>, c: &[f64]) -> Result<Array2<Complex<T>>> {
        let combined = self.combine_residuals(c).and_then(|field| array2(&field));
        self.in_words(combined)
    }

    fn opr_deflate(&mut self, _: &Batch<T>, mode: &Array2<Complex<T>>) -> Result<()> {
        let done = self.deflate_residuals(mode);
        self.in_words(done)
    }

    fn opr_wave_sums(
        &mut self,
        batch: &Batch<T>,
        _: &State<T>,
        mode: Option<&Array2<Complex<T>>>,
    ) -> Result<Vec<[f64; 2]>> {
        let sums = self.sums_of_waves(batch, mode);
        self.in_words(sums)
    }

    fn carry_object(&mut self, _: &mut State<T>) -> Result<()> {
        self.carried_object = Some(self.all.clone());
        Ok(())
    }

    fn carry_probe(&mut self, _: &mut State<T>, keep: f64, share: f64) -> Result<()> {
        let done = self.carry_probe_direction(keep, share);
        self.in_words(done)
    }

    fn step_object(
        &mut self,
        state: &mut State<T>,
        step: f64,
        divisor: Divisor,
        momentum: f64,
    ) -> Result<()> {
        let done = self.move_object(state, step, divisor, momentum);
        self.in_words(done)
    }

    fn step_probe(&mut self, state: &mut State<T>, step: f64, momentum: f64) -> Result<()> {
        let done = self.move_probe(state, step, momentum);
        self.in_words(done)
    }

    fn begin_waves(&mut self, batch: &Batch<T>, state: &mut State<T>) -> Result<()> {
        let done = self.start_waves(batch, state);
        self.in_words(done)
    }

    fn difference_map(
        &mut self,
        batch: &Batch<T>,
        state: &mut State<T>,
        relaxation: f64,
    ) -> Result<Option<Vec<(PatternSums, f64)>>> {
        if batch.stop.is_requested() {
            return Ok(None);
        }
        let sums = self.map_difference(batch, state, relaxation);
        self.in_words(sums).map(Some)
    }

    fn sum_object(&mut self, batch: &Batch<T>, state: &mut State<T>, both: bool) -> Result<bool> {
        if batch.stop.is_requested() {
            return Ok(false);
        }
        let done = self.add_objects(batch, state, both);
        self.in_words(done).map(|()| true)
    }

    fn reflect(
        &mut self,
        batch: &Batch<T>,
        state: &mut State<T>,
        beta: f64,
    ) -> Result<Option<Vec<(PatternSums, f64)>>> {
        if batch.stop.is_requested() {
            return Ok(None);
        }
        let sums = self.reflect_waves(batch, state, beta);
        self.in_words(sums).map(Some)
    }

    fn sum_probe(&mut self, batch: &Batch<T>, state: &mut State<T>) -> Result<bool> {
        if batch.stop.is_requested() {
            return Ok(false);
        }
        let done = self.add_probes(batch, state);
        self.in_words(done).map(|()| true)
    }

    fn divide_object(
        &mut self,
        _: &mut State<T>,
        canvas: Canvas,
        floor: f64,
        replaces: bool,
    ) -> Result<()> {
        let done = self.divide_canvas(canvas, floor, replaces);
        self.in_words(done)
    }

    fn clear_object_sums(&mut self, _: &mut State<T>) -> Result<()> {
        self.projections.clear_object();
        Ok(())
    }

    fn divide_probe(&mut self, _: &mut State<T>, floor: f64) -> Result<()> {
        let done = self.divide_probe_sums(floor);
        self.in_words(done)
    }
}
