//! Files that were read, with what is shown of them as they are.

use ndarray::{Array2, ArrayView2};
use num_complex::Complex32;
use ptycho_core::Result;
use ptycho_core::paint::component::{amplitude, phase};
use ptycho_core::study::compare::{Inputs, Loaded};

/// Phase and amplitude of one object.
pub type Pair = [Array2<f32>; 2];

/// Everything to compare, in memory, and its pictures before anything is done to them.
pub struct Opened {
    pub loaded: Loaded,
    /// Counts how often files were asked to be read again.
    pub round: u64,
    /// Of each arm, in its order.
    pub raw: Vec<Pair>,
    /// Of the truth, where there is one.
    pub raw_truth: Option<Pair>,
}

impl Opened {
    /// Read the files, also where too few can be compared, so that all refusals can be told.
    ///
    /// # Errors
    /// As [`Loaded::read`].
    pub fn new(inputs: &Inputs, round: u64) -> Result<Self> {
        let loaded = Loaded::read(inputs)?;
        let raw = loaded.arms.iter().map(|arm| pair(&arm.object.view()));
        let raw_truth = loaded.truth.as_ref().map(|truth| pair(&truth.view()));
        Ok(Self {
            raw: raw.collect(),
            raw_truth,
            round,
            loaded,
        })
    }

    /// Whether these are those files, read after they were last asked to be.
    pub fn is_of(&self, inputs: &Inputs, round: u64) -> bool {
        self.loaded.inputs == *inputs && self.round == round
    }

    /// The same files in another order or under other names, without reading them again; none where other files are asked
    /// for, or where what was read depends on the order.
    pub fn arranged(&self, inputs: &Inputs, round: u64) -> Option<Self> {
        let known = &self.loaded.inputs;
        let is_same = self.round == round
            && inputs.truth.is_some()
            && known.truth == inputs.truth
            && known.arms.len() == inputs.arms.len();
        if !is_same {
            return None;
        }
        let mut loaded = Loaded {
            inputs: inputs.clone(),
            arms: Vec::new(),
            refused: Vec::new(),
            ..self.loaded.clone()
        };
        let mut raw = Vec::new();
        for (name, file) in &inputs.arms {
            let arms = &self.loaded.arms;
            if let Some(i) = arms.iter().position(|arm| arm.file == *file) {
                let mut arm = arms[i].clone();
                arm.name.clone_from(name);
                loaded.arms.push(arm);
                raw.push(self.raw[i].clone());
            } else {
                let refused = &self.loaded.refused;
                let mut refusal = refused
                    .iter()
                    .find(|refused| refused.file == *file)?
                    .clone();
                refusal.name.clone_from(name);
                loaded.refused.push(refusal);
            }
        }
        Some(Self {
            loaded,
            round,
            raw,
            raw_truth: self.raw_truth.clone(),
        })
    }
}

fn pair(object: &ArrayView2<'_, Complex32>) -> Pair {
    [phase(object), amplitude(object)]
}
