//! The forward model as tensors on a device, in blocks of patterns that are kept until others are wanted.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use candle_core::{DType, Device, Tensor};
use ndarray::{Array2, Array3};
use num_complex::Complex32;

use crate::error::{Error, Result};
use crate::forward::Subpixel;
use crate::patches::whole_start;
use crate::tensor::portable::{Complex, Dft, PatchPlaces, ramps, upload};

/// Patterns of a block.
const BLOCK: usize = 128;
/// Blocks that are kept: more than threads read at once.
const N_KEPT: usize = 16;

/// Expected counts of a block, one pattern after the other; `None` if the device failed.
type Block = Arc<OnceLock<Option<Vec<f32>>>>;

/// The forward model on a device.
pub(super) struct DeviceForward {
    device: Device,
    n: usize,
    stride: usize,
    subpixel: Subpixel,
    dft: Dft,
    /// The object with a row and a column of zeros behind, flat.
    object: Complex,
    /// `(k, 1, n, n)` each.
    probe: Complex,
    spectra: Complex,
    blocks: Mutex<VecDeque<(usize, Block)>>,
    failure: Mutex<Option<String>>,
}

impl DeviceForward {
    /// Put object and probe on the device.
    ///
    /// # Errors
    /// [`Error::Run`] with the device's words.
    pub(super) fn new(
        object: &Array2<Complex32>,
        probe: &Array3<Complex32>,
        subpixel: Subpixel,
        device: &Device,
    ) -> Result<Self> {
        Self::build(object, probe, subpixel, device).map_err(|error| in_words(&error))
    }

    fn build(
        object: &Array2<Complex32>,
        probe: &Array3<Complex32>,
        subpixel: Subpixel,
        device: &Device,
    ) -> candle_core::Result<Self> {
        let (rows, columns) = object.dim();
        let (n_modes, n, _) = probe.dim();
        let stride = columns + 1;
        let canvas = |of: fn(&Complex32) -> f32| {
            let mut values = vec![0.0_f32; (rows + 1) * stride];
            for ((row, column), value) in object.indexed_iter() {
                values[row * stride + column] = of(value);
            }
            let len = values.len();
            Tensor::from_vec(values, len, device)
        };
        let modes = |of: fn(&Complex32) -> f32| {
            Tensor::from_vec(probe.iter().map(of).collect(), (n_modes, n, n), device)
        };
        let dft = Dft::new(n, DType::F32, device)?;
        let probe = Complex {
            re: modes(|v| v.re)?,
            im: modes(|v| v.im)?,
        };
        let spectra = dft.forward(&probe)?;
        Ok(Self {
            device: device.clone(),
            n,
            stride,
            subpixel,
            dft,
            object: Complex {
                re: canvas(|v| v.re)?,
                im: canvas(|v| v.im)?,
            },
            probe: probe.map(|part| part.unsqueeze(1))?,
            spectra: spectra.map(|part| part.unsqueeze(1))?,
            blocks: Mutex::new(VecDeque::new()),
            failure: Mutex::new(None),
        })
    }

    /// Expected counts of pattern `i`; `false` if the device failed.
    pub(super) fn intensity(&self, positions_px: &[[f64; 2]], i: usize, out: &mut [f32]) -> bool {
        let (number, within) = (i / BLOCK, i % BLOCK);
        let block = self.block(number);
        let values = block.get_or_init(|| {
            let last = positions_px.len().min((number + 1) * BLOCK);
            let computed = self.compute(&positions_px[number * BLOCK..last]);
            computed.map_err(|error| self.note(&error)).ok()
        });
        let pixels = self.n * self.n;
        if let Some(values) = values {
            out[..pixels].copy_from_slice(&values[within * pixels..(within + 1) * pixels]);
        }
        values.is_some()
    }

    /// What the device said when it first failed.
    pub(super) fn failure(&self) -> Option<String> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.clone()
    }

    fn note(&self, error: &candle_core::Error) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert_with(|| error.to_string());
    }

    /// The block of this number, kept or to be filled by whoever comes first.
    fn block(&self, number: usize) -> Block {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, block)) = blocks.iter().find(|(kept, _)| *kept == number) {
            return Arc::clone(block);
        }
        if N_KEPT <= blocks.len() {
            blocks.pop_front();
        }
        let block = Block::default();
        blocks.push_back((number, Arc::clone(&block)));
        block
    }

    fn compute(&self, positions_px: &[[f64; 2]]) -> candle_core::Result<Vec<f32>> {
        let (patches, shifts_px) = match self.subpixel {
            Subpixel::Fourier => {
                let placed: Vec<_> = positions_px
                    .iter()
                    .map(|&at| whole_start(at, self.n))
                    .collect();
                let starts: Vec<usize> = placed.iter().map(|(start, _)| self.at(*start)).collect();
                let shifts: Vec<[f64; 2]> = placed.iter().map(|&(_, shift)| shift).collect();
                (self.patches(&starts)?, Some(shifts))
            }
            Subpixel::Bilinear => (self.interpolated(positions_px)?, None),
        };
        let probes = match shifts_px {
            Some(shifts_px) => {
                let on = (DType::F32, &self.device);
                let ramps = ramps(&shifts_px, self.n, self.n / 2, on)?;
                self.planes(&self.spectra.broadcast_mul(&ramps)?, |planes| {
                    self.dft.inverse(planes)
                })?
            }
            None => self.probe.clone(),
        };
        let waves = probes.broadcast_mul(&patches)?;
        let far = self.planes(&waves, |planes| self.dft.forward(planes))?;
        far.intensity()?.sum(0)?.flatten_all()?.to_vec1()
    }

    /// Done to every plane of `(k, b, n, n)`.
    fn planes(
        &self,
        field: &Complex,
        of: impl Fn(&Complex) -> candle_core::Result<Complex>,
    ) -> candle_core::Result<Complex> {
        let shape = field.re.shape().clone();
        of(&field.map(|part| part.reshape(((), self.n, self.n)))?)?.map(|part| part.reshape(&shape))
    }

    /// Place of a patch that was checked to lie inside.
    fn at(&self, start_px: [isize; 2]) -> usize {
        start_px[0] as usize * self.stride + start_px[1] as usize
    }

    fn patches(&self, starts: &[usize]) -> candle_core::Result<Complex> {
        let places = PatchPlaces::new(starts, self.n, self.stride, &self.device)?;
        self.object.map(|part| places.gather(part))
    }

    /// Bilinear patches between four whole-pixel ones.
    fn interpolated(&self, positions_px: &[[f64; 2]]) -> candle_core::Result<Complex> {
        let mut sum: Option<Complex> = None;
        for [down, right] in [[0, 0], [1, 0], [0, 1], [1, 1]] {
            let mut starts = Vec::with_capacity(positions_px.len());
            let mut weights = Vec::with_capacity(positions_px.len());
            for position in positions_px {
                let floor = position.map(f64::floor);
                starts.push(self.at(whole_start(floor, self.n).0) + down * self.stride + right);
                let share = |axis: usize, second: usize| {
                    let fraction = position[axis] - floor[axis];
                    if second == 0 {
                        1.0 - fraction
                    } else {
                        fraction
                    }
                };
                weights.push(share(0, down) * share(1, right));
            }
            let shape = (weights.len(), 1, 1);
            let weights = upload(&weights, shape, DType::F32, &self.device)?;
            let part = self.patches(&starts)?.broadcast_scale(&weights)?;
            sum = Some(match sum {
                Some(sum) => sum.plus(1.0, &part)?,
                None => part,
            });
        }
        sum.ok_or_else(|| candle_core::Error::Msg("no corner".to_owned()))
    }
}

fn in_words(error: &candle_core::Error) -> Error {
    Error::Run(format!("the device failed: {error}"))
}
