//! All parameters of a network in one vector, with names and shapes.

use crate::nn::architecture::{Architecture, Entry};

/// All parameters of a network.
#[derive(Clone, Debug)]
pub struct Parameters {
    entries: Vec<Entry>,
    values: Vec<f32>,
}

impl Parameters {
    /// First weights: Glorot-uniform, `U(±√(6 / (9 (in + out))))`, from the seed's stream for each layer; biases 0. A trained probe is
    /// left 0: whoever has the probe sets it.
    pub fn first(architecture: &Architecture, seed: u64) -> Self {
        let _ = (architecture, seed);
        unimplemented!()
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
        Some(&self.values[entry.start..entry.start + entry.len()])
    }
}
