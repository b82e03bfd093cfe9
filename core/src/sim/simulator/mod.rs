//! Patterns by the forward model, fast: one core's cache holds everything of a pattern, nothing is allocated for it.
//!
//! [`crate::forward::Forward`] in double precision is the slow twin that tests this. Fields are tiled (see
//! [`crate::fft::tile`]) with rows and columns exchanged, so that the Fourier plane, which is stored transposed, comes
//! out in the order of the pattern.

mod canvas;
mod device;
mod kernels;

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::Device;
use ndarray::{Array2, Array3};
use num_complex::Complex32;
use rayon::prelude::*;

use self::canvas::{Canvas, Modes, check_positions, check_values};
use self::device::DeviceForward;
use self::kernels::{AddIntensity, Interpolate, Power};
use crate::data::Frames;
use crate::error::{Error, Result};
use crate::fft::tile::fields::{ApplyRamp, ExitWave, Patch, Ramp};
use crate::fft::tile::{Scratch, TileFft, Tiling};
use crate::forward::Subpixel;
use crate::job::{Monitor, Progress};
use crate::patches::whole_start;
use crate::rng::{Purpose, stream_at};
use crate::sim::noise::draw_amplitudes;
use crate::simd::{Aligned, LANES};

/// Patterns between two reports of progress.
const REPORT_INTERVAL: usize = 64;

/// Patterns of one scan at one dose.
pub struct Simulator {
    object: Canvas,
    probe: Modes,
    positions_px: Arc<[[f64; 2]]>,
    subpixel: Subpixel,
    noise_seed: u64,
    fft: TileFft<f32>,
    rooms: Mutex<Vec<Room>>,
    /// The forward model elsewhere.
    device: Option<DeviceForward>,
}

/// What one thread works in.
struct Room {
    /// Shifted probe, then detector wave.
    wave: Aligned<f32>,
    /// What a transform starts from.
    start: Aligned<f32>,
    /// Interpolated object patch, row by row of strips; empty for the Fourier model.
    patch: [Aligned<f32>; 2],
    intensity: Aligned<f32>,
    ramp: Ramp<f32>,
    scratch: Scratch<f32>,
}

impl Simulator {
    /// Patterns of `object` `(h, w)` under `probe` `(k, n, n)` (√photons: its scale is the dose) at `positions_px`;
    /// photon noise of pattern `i` comes from `stream_at(noise_seed, Purpose::Noise, i)`.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] if a patch leaves the object, shapes do not fit, there is no position, a value is not
    /// finite or the probe has more than 1e18 photons.
    pub fn new(
        object: Arc<Array2<Complex32>>,
        probe: Arc<Array3<Complex32>>,
        positions_px: Arc<[[f64; 2]]>,
        subpixel: Subpixel,
        noise_seed: u64,
    ) -> Result<Self> {
        check_values(&object, &probe)?;
        let n = probe.dim().1;
        check_positions(&positions_px, object.dim().into(), n, subpixel)?;
        let fft = TileFft::new(n);
        Ok(Self {
            object: Canvas::new(object.view()),
            probe: Modes::new(probe.view(), fft.tiling()),
            positions_px,
            subpixel,
            noise_seed,
            fft,
            rooms: Mutex::new(Vec::new()),
            device: None,
        })
    }

    /// As [`Simulator::new`] with the expected counts computed on a device, in blocks of patterns; photons are drawn on the
    /// CPU all the same. The counts are those of the CPU up to the rounding of single precision.
    ///
    /// # Errors
    /// As [`Simulator::new`]; [`Error::Run`] with the device's words.
    pub fn on(
        object: Arc<Array2<Complex32>>,
        probe: Arc<Array3<Complex32>>,
        positions_px: Arc<[[f64; 2]]>,
        (subpixel, noise_seed): (Subpixel, u64),
        device: &Device,
    ) -> Result<Self> {
        let (whole, modes) = (Arc::clone(&object), Arc::clone(&probe));
        let simulator = Self::new(object, probe, positions_px, subpixel, noise_seed)?;
        let device = DeviceForward::new(&whole, &modes, subpixel, device)?;
        Ok(Self {
            device: Some(device),
            ..simulator
        })
    }

    /// What the device said when it failed; patterns from then on were computed on the CPU.
    pub fn device_failure(&self) -> Option<String> {
        self.device.as_ref().and_then(DeviceForward::failure)
    }

    /// Number of patterns.
    pub fn n_patterns(&self) -> usize {
        self.positions_px.len()
    }

    /// Side of a pattern.
    pub fn n(&self) -> usize {
        self.tiling().n
    }

    /// Expected counts of pattern `i`, row-major, DC at `[n/2, n/2]`.
    ///
    /// # Panics
    /// If there is no pattern `i`, or `out` is shorter than a pattern.
    pub fn intensity(&self, i: usize, out: &mut [f32]) {
        if let Some(device) = &self.device
            && device.intensity(&self.positions_px, i, out)
        {
            return;
        }
        self.with_room(|room| {
            let (object, fraction_px) = self.patch(i, &mut room.patch);
            for k in 0..self.probe.n_modes() {
                let probe = self.shifted(k, fraction_px, room);
                self.fft.arch().dispatch(ExitWave {
                    tiling: self.tiling(),
                    object: object.as_patch(self, &room.patch),
                    probe: probe.unwrap_or(&room.wave),
                    to: &mut room.start,
                });
                self.fft
                    .forward(&mut room.start, &mut room.wave, &mut room.scratch);
                self.fft.arch().dispatch(AddIntensity {
                    wave: &room.wave,
                    is_first: k == 0,
                    to: &mut room.intensity,
                });
            }
            kernels::centre(self.tiling(), &room.intensity, out);
        });
    }

    /// `√Poisson(intensity)` of pattern `i`: the same every time, on any thread.
    ///
    /// # Panics
    /// As [`Simulator::intensity`].
    pub fn amplitude(&self, i: usize, out: &mut [f32]) {
        self.intensity(i, out);
        let mut rng = stream_at(self.noise_seed, Purpose::Noise, i as u64);
        draw_amplitudes(&mut rng, out);
    }

    /// Photons that each pattern is expected to have: `Σ|P · O_patch|²` over modes and pixels (Parseval), in the order
    /// of the positions, computed in parallel on the current rayon pool.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`].
    pub fn expected_photons(&self, monitor: &dyn Monitor<()>) -> Result<Vec<f64>> {
        let n_done = Mutex::new(0);
        let mut photons = vec![0.0; self.n_patterns()];
        photons
            .par_chunks_mut(REPORT_INTERVAL)
            .enumerate()
            .try_for_each(|(chunk, photons)| {
                for (j, photons) in photons.iter_mut().enumerate() {
                    if monitor.stop().is_requested() {
                        return Err(Error::Cancelled);
                    }
                    *photons = self.photons_of(chunk * REPORT_INTERVAL + j);
                }
                // Locked, so that progress never goes back.
                let mut n_done = n_done.lock().unwrap_or_else(PoisonError::into_inner);
                *n_done += photons.len();
                monitor.progress(self.progress(*n_done));
                Ok(())
            })?;
        Ok(photons)
    }

    /// All amplitudes, drawn whenever they are read.
    pub fn frames(self: &Arc<Self>) -> Frames {
        let simulator = Arc::clone(self);
        Frames::from_fn(self.n_patterns(), self.n(), move |i, out| {
            simulator.amplitude(i, out);
        })
    }

    fn photons_of(&self, i: usize) -> f64 {
        self.with_room(|room| {
            let (object, fraction_px) = self.patch(i, &mut room.patch);
            let modes = (0..self.probe.n_modes()).map(|k| {
                let probe = self.shifted(k, fraction_px, room);
                self.fft.arch().dispatch(Power {
                    tiling: self.tiling(),
                    object: object.as_patch(self, &room.patch),
                    probe: probe.unwrap_or(&room.wave),
                })
            });
            // The probe is kept over n: what the unnormalised transform needs.
            modes.sum::<f64>() * (self.n() * self.n()) as f64
        })
    }

    /// Mode `k` shifted by the fraction: in `room.wave`, or as it is where there is nothing to shift.
    fn shifted(&self, k: usize, fraction_px: [f64; 2], room: &mut Room) -> Option<&[f32]> {
        if fraction_px == [0.0, 0.0] {
            return Some(self.probe.field(k));
        }
        if k == 0 {
            // Lanes run over the pattern's columns.
            let [row, column] = fraction_px;
            room.ramp.set(self.tiling(), [column, row]);
        }
        self.fft.arch().dispatch(ApplyRamp {
            tiling: self.tiling(),
            ramp: &room.ramp,
            from: self.probe.spectrum(k),
            to: &mut room.start,
            conjugate: false,
            add: false,
        });
        self.fft
            .inverse(&mut room.start, &mut room.wave, &mut room.scratch);
        None
    }

    /// The object patch of pattern `i`, and how far the probe is to be shifted.
    fn patch(&self, i: usize, room: &mut [Aligned<f32>; 2]) -> (PatchAt, [f64; 2]) {
        let position_px = self.positions_px[i];
        match self.subpixel {
            Subpixel::Fourier => {
                let (start_px, fraction_px) = whole_start(position_px, self.n());
                (PatchAt::Canvas(self.object.at(start_px)), fraction_px)
            }
            Subpixel::Bilinear => {
                let floor = position_px.map(f64::floor);
                let (start_px, _) = whole_start(floor, self.n());
                let [re, im] = room;
                self.fft.arch().dispatch(Interpolate {
                    tiling: self.tiling(),
                    object: self.object.patch(self.object.at(start_px)),
                    fraction_px: [position_px[0] - floor[0], position_px[1] - floor[1]],
                    re,
                    im,
                });
                (PatchAt::Room, [0.0, 0.0])
            }
        }
    }

    fn tiling(&self) -> Tiling {
        self.fft.tiling()
    }

    fn progress(&self, n_done: usize) -> Progress {
        let is_done = n_done == self.n_patterns();
        Progress {
            epoch: usize::from(is_done),
            n_epochs: 1,
            epoch_share: if is_done {
                0.0
            } else {
                n_done as f64 / self.n_patterns() as f64
            },
            loss: f64::NAN,
            rate_per_s: 0.0,
        }
    }

    /// Work in a room of the pool; there are as many as threads have ever worked at once.
    fn with_room<R>(&self, work: impl FnOnce(&mut Room) -> R) -> R {
        let rooms = || self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        let free = rooms().pop();
        let mut room = free.unwrap_or_else(|| self.room());
        let result = work(&mut room);
        rooms().push(room);
        result
    }

    fn room(&self) -> Room {
        let tiling = self.tiling();
        let patch_len = match self.subpixel {
            Subpixel::Fourier => 0,
            Subpixel::Bilinear => tiling.plane_len(),
        };
        Room {
            wave: Aligned::zeros(tiling.field_len()),
            start: Aligned::zeros(tiling.field_len()),
            patch: [Aligned::zeros(patch_len), Aligned::zeros(patch_len)],
            intensity: Aligned::zeros(tiling.plane_len()),
            ramp: Ramp::new(tiling),
            scratch: self.fft.scratch(),
        }
    }
}

/// Where the object patch of a pattern stands.
#[derive(Clone, Copy)]
enum PatchAt {
    /// On the canvas, from this place.
    Canvas(usize),
    /// Interpolated, in the room.
    Room,
}

impl PatchAt {
    fn as_patch<'a>(self, simulator: &'a Simulator, room: &'a [Aligned<f32>; 2]) -> Patch<'a, f32> {
        match self {
            Self::Canvas(start) => simulator.object.patch(start),
            Self::Room => Patch {
                re: &room[0],
                im: &room[1],
                start: 0,
                stride: simulator.tiling().n_strips * LANES,
            },
        }
    }
}
