//! All parameters of a network in one vector, with names and shapes.

use ndarray::Array3;
use num_complex::Complex32;
use rand::RngExt as _;

use crate::nn::architecture::{Architecture, Entry, PROBE_ENTRY};
use crate::rng::{Purpose, stream_at};

/// All parameters of a network.
#[derive(Clone, Debug)]
pub struct Parameters {
    entries: Vec<Entry>,
    values: Vec<f32>,
}

impl Parameters {
    /// First weights: Glorot-uniform, `U(±√(6 / (9 (in + out))))`, from the seed's stream for each layer; biases 0. A trained probe is
    /// left 0: whoever has the probe sets it by [`Parameters::set_probe`].
    pub fn first(architecture: &Architecture, seed: u64) -> Self {
        let entries = architecture.entries();
        let mut values = vec![0.0; architecture.n_parameters()];
        let weights = entries
            .iter()
            .filter(|entry| entry.name.ends_with(".weight"));
        for (layer, entry) in weights.enumerate() {
            let [n_out, n_in, ..] = entry.shape[..] else {
                continue;
            };
            let bound = (6.0 / (9.0 * (n_in + n_out) as f64)).sqrt();
            let mut rng = stream_at(seed, Purpose::Weights, layer as u64);
            for value in &mut values[entry.range()] {
                *value = (bound * (2.0 * rng.random::<f64>() - 1.0)) as f32;
            }
        }
        Self { entries, values }
    }

    /// Given values, in the order of [`Architecture::entries`]; `None` if there are more or fewer.
    pub fn of(architecture: &Architecture, values: Vec<f32>) -> Option<Self> {
        let entries = architecture.entries();
        let n: usize = entries.iter().map(Entry::len).sum();
        (values.len() == n).then_some(Self { entries, values })
    }

    /// Names, shapes and places.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Every value.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Every value.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// The values of one parameter, if there is one of that name.
    pub fn get(&self, name: &str) -> Option<&[f32]> {
        let entry = self.entries.iter().find(|entry| entry.name == name)?;
        Some(&self.values[entry.range()])
    }

    /// Let the trained probe begin as the file's, `(k, n, n)` in √photons. Without a trained probe, or where the shape is
    /// another or the probe is 0, nothing happens.
    pub fn set_probe(&mut self, file_probe: &Array3<Complex32>) {
        let rms = rms_probe(file_probe);
        let Some(entry) = self.entries.iter().find(|entry| entry.name == PROBE_ENTRY) else {
            return;
        };
        if entry.len() != 2 * file_probe.len() || rms == 0.0 {
            return;
        }
        let (pairs, _) = self.values[entry.range()].as_chunks_mut::<2>();
        for (pair, value) in pairs.iter_mut().zip(file_probe) {
            *pair = [value.re / rms, value.im / rms];
        }
    }

    /// The trained probe in √photons; `None` without one. `file_probe` is the probe that its unit comes from.
    pub fn probe(&self, file_probe: &Array3<Complex32>) -> Option<Array3<Complex32>> {
        let rms = rms_probe(file_probe);
        let (pairs, _) = self.get(PROBE_ENTRY)?.as_chunks::<2>();
        let values = pairs
            .iter()
            .map(|[re, im]| Complex32::new(re * rms, im * rms))
            .collect();
        Array3::from_shape_vec(file_probe.raw_dim(), values).ok()
    }
}

/// Root of the mean intensity of a probe over all its modes and pixels, √photons: the unit of a trained probe, which makes
/// its values of order one whatever the dose.
pub fn rms_probe(probe: &Array3<Complex32>) -> f32 {
    let sum: f64 = probe.iter().map(|value| f64::from(value.norm_sqr())).sum();
    (sum / probe.len().max(1) as f64).sqrt() as f32
}
