//! Groups of patterns, normalised, in batches.

use std::sync::Arc;

use ndarray::Array2;
use num_complex::Complex32;
use rand::seq::index::sample;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::data::{Dataset, Patches};
use crate::error::{Error, Result};
use crate::grouping::{Groups, form_groups};
use crate::nn::settings::{Model, TrainSettings};
use crate::nn::stepper::Batch;
use crate::rng::{Purpose, stream};
use crate::simd::Aligned;
use crate::tensor::Activations;

/// What every error of this module was about.
const ATTEMPTED: &str = "take samples";

/// How amplitudes become a network's input; from the training groups alone, stored in the bundle, used unchanged ever after.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normalisation {
    /// Input = this factor · amplitude in √counts: `(n/2) / √(mean over patterns of Σ A²)`.
    pub input_factor: f64,
    /// Mean counts of a pixel in use: unit of the losses in the objective.
    pub mean_counts_per_pixel: f64,
    /// Mean counts of a pattern.
    pub mean_counts_per_pattern: f64,
}

/// A dataset seen as groups.
#[derive(Clone)]
pub struct Samples {
    /// The dataset.
    pub dataset: Arc<Dataset>,
    /// Its groups: single patterns for the baseline.
    pub groups: Groups,
    /// What turned out other than asked for, in words.
    pub notes: Vec<String>,
    /// True patches, for the baseline.
    truth: Option<Patches>,
}

impl Samples {
    /// Groups as the settings want them, or as the file's `group_index` has them; the members of each in reading order.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] where the settings do not suit the dataset (too few patterns, no `Y` for the baseline, ...).
    pub fn new(dataset: Arc<Dataset>, settings: &TrainSettings) -> Result<Self> {
        let samples = Self::to_predict(dataset, settings)?;
        let truth = match settings.model {
            Model::Pinn => None,
            Model::Baseline => Some(true_patches(&samples.dataset)?),
        };
        Ok(Self { truth, ..samples })
    }

    /// As [`Samples::new`] for prediction alone: the baseline needs no `Y`, and batches hold no truth.
    ///
    /// # Errors
    /// As [`Samples::new`].
    pub fn to_predict(dataset: Arc<Dataset>, settings: &TrainSettings) -> Result<Self> {
        let points = dataset.positions_px();
        let stored = dataset.parts().group_index.as_ref();
        let stored = stored.filter(|index| !index.is_empty());
        let (groups, notes) = match (stored, settings.model) {
            (Some(index), Model::Pinn) => (
                of_file(index, points, settings)?,
                vec![format!(
                    "the file's own {} groups are used as they are; groups, neighbors and oversample are not looked at",
                    index.nrows()
                )],
            ),
            (Some(index), Model::Baseline) => {
                let rows = Groups::of_file(index, points)?.rows();
                let note = format!(
                    "the {} patterns of the file's groups are taken one by one",
                    rows.len()
                );
                (single(&rows, points)?, vec![note])
            }
            (None, _) => {
                let formed = form_groups(points, &settings.grouping())?;
                (formed.groups, formed.notes)
            }
        };
        let groups = in_reading_order(&groups, points)?;
        Ok(Self {
            dataset,
            groups,
            notes,
            truth: None,
        })
    }

    /// Training and validation groups, drawn by the seed and in ascending order: round(`validation_fraction` · groups) for
    /// validation, one at least where the fraction is above 0 and there are two groups, and one less than all at most.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] if no training group would be left.
    pub fn split(&self, validation_fraction: f64, seed: u64) -> Result<(Self, Self)> {
        let n = self.groups.n_groups();
        if n == 0 {
            let expected = "one group at least";
            return Err(Error::invalid(ATTEMPTED, "groups", expected, "none"));
        }
        let wanted = (validation_fraction * n as f64).round() as usize;
        let least = usize::from(0.0 < validation_fraction);
        let n_validation = wanted.max(least).min(n - 1);
        let mut rng = stream(seed, Purpose::Subsampling);
        let mut is_validation = vec![false; n];
        for group in sample(&mut rng, n, n_validation) {
            is_validation[group] = true;
        }
        let part = |validation: bool| {
            let which: Vec<usize> = (0..n)
                .filter(|group| is_validation[*group] == validation)
                .collect();
            self.select(&which)
        };
        Ok((part(false), part(true)))
    }

    /// The groups with these numbers, in that order.
    ///
    /// # Panics
    /// If there is no such group.
    pub fn select(&self, which: &[usize]) -> Self {
        Self {
            groups: self.groups.select(which),
            ..self.clone()
        }
    }

    /// Number of groups.
    pub fn n_groups(&self) -> usize {
        self.groups.n_groups()
    }

    /// Patterns of a group.
    pub fn c(&self) -> usize {
        self.groups.c()
    }

    /// Whether true patches come along.
    pub fn has_truth(&self) -> bool {
        self.truth.is_some()
    }

    /// The normalisation of these groups: every pattern counts once, masked pixels not at all.
    pub fn normalisation(&self) -> Normalisation {
        let (n, rows) = (self.dataset.n(), self.groups.rows());
        let used = self.pixels_in_use();
        let sum_of = |row: &usize, frame: &mut Vec<f32>| {
            self.dataset.frames().read(*row, frame);
            let counts = |(i, amplitude): (usize, &f32)| match &used {
                Some(used) if !used[i] => 0.0,
                _ => f64::from(*amplitude).powi(2),
            };
            frame.iter().enumerate().map(counts).sum::<f64>()
        };
        let sums: Vec<f64> = rows
            .par_iter()
            .map_init(|| vec![0.0; n * n], |frame, row| sum_of(row, frame))
            .collect();
        let mean_counts_per_pattern = sums.iter().sum::<f64>() / sums.len().max(1) as f64;
        let n_used = used.map_or(n * n, |used| used.iter().filter(|used| **used).count());
        // Patterns without a count would give an infinite factor; 1 leaves them what they are: zeros.
        let input_factor = if mean_counts_per_pattern > 0.0 {
            (n / 2) as f64 / mean_counts_per_pattern.sqrt()
        } else {
            1.0
        };
        Normalisation {
            input_factor,
            mean_counts_per_pixel: mean_counts_per_pattern / n_used.max(1) as f64,
            mean_counts_per_pattern,
        }
    }

    /// Greatest |offset| of a member from its group's centre, (row, column).
    pub fn largest_offset_px(&self) -> [f64; 2] {
        let offsets = (0..self.n_groups()).flat_map(|g| self.groups.relative_px(g));
        offsets.fold([0.0f64; 2], |[row, column], offset| {
            [row.max(offset[0].abs()), column.max(offset[1].abs())]
        })
    }

    /// The canvas side that every group fits into: `n` + 2 (largest |offset| rounded up).
    pub fn canvas_px(&self) -> usize {
        let [row, column] = self.largest_offset_px();
        self.dataset.n() + 2 * row.max(column).ceil() as usize
    }

    /// Room for `n_groups` groups.
    pub fn room(&self, n_groups: usize) -> Batch {
        let (n, c) = (self.dataset.n(), self.c());
        let n_values = n_groups * c * n * n;
        let n_truth = if self.has_truth() { n_values } else { 0 };
        Batch {
            n_groups: 0,
            input: Activations::zeros(n_groups, n, c),
            amplitude: Aligned::zeros(n_values),
            relative_px: vec![[0.0; 2]; n_groups * c],
            truth: vec![Complex32::default(); n_truth],
        }
    }

    /// Fill `batch` with these groups, normalised by `normalisation`, in parallel on the current rayon pool.
    ///
    /// # Panics
    /// If there is no such group, or more than the batch has room for.
    pub fn fill(&self, which: &[usize], normalisation: &Normalisation, batch: &mut Batch) {
        let (n, c) = (self.dataset.n(), self.c());
        let group_values = c * n * n;
        assert!(
            which.len() <= batch.input.n_batch(),
            "{} groups for a batch of {}",
            which.len(),
            batch.input.n_batch()
        );
        batch.n_groups = which.len();
        let used = self.pixels_in_use();
        let frames = Filler {
            samples: self,
            used: used.as_deref(),
            input_factor: normalisation.input_factor as f32,
            stride: batch.input.stride(),
        };
        let item = n * n * batch.input.stride();
        let Batch {
            input,
            amplitude,
            relative_px,
            truth,
            ..
        } = batch;
        let groups = which
            .par_iter()
            .zip(input.values_mut().par_chunks_mut(item.max(1)))
            .zip(amplitude.par_chunks_mut(group_values.max(1)))
            .zip(relative_px.par_chunks_mut(c.max(1)));
        groups.for_each(|(((group, input), amplitude), relative_px)| {
            relative_px.copy_from_slice(self.groups.relative_px(*group));
            frames.group(*group, input, amplitude);
        });
        if let Some(patches) = &self.truth {
            let groups = which.par_iter().zip(truth.par_chunks_mut(group_values));
            groups.for_each(|(group, truth)| {
                let members = self.groups.index().row(*group);
                for (member, out) in members.iter().zip(truth.chunks_mut(n * n)) {
                    patches.read(*member as usize, out);
                }
            });
        }
    }

    /// Whether each pixel of a pattern is in use, where some are not.
    fn pixels_in_use(&self) -> Option<Vec<bool>> {
        let mask = self.dataset.detector_mask()?;
        mask.iter()
            .any(|used| !used)
            .then(|| mask.iter().copied().collect())
    }
}

/// Puts patterns where a batch wants them.
struct Filler<'a> {
    samples: &'a Samples,
    used: Option<&'a [bool]>,
    input_factor: f32,
    stride: usize,
}

impl Filler<'_> {
    /// One group: `amplitude` is `(c, n, n)`, `input` is `(n, n, stride)` whose spare channels are zero and stay so.
    fn group(&self, group: usize, input: &mut [f32], amplitude: &mut [f32]) {
        let Samples {
            dataset, groups, ..
        } = self.samples;
        let members = groups.index().row(group);
        let n_pixels = dataset.n() * dataset.n();
        for (channel, (member, frame)) in members
            .iter()
            .zip(amplitude.chunks_mut(n_pixels))
            .enumerate()
        {
            dataset.frames().read(*member as usize, frame);
            if let Some(used) = self.used {
                let unused = frame.iter_mut().zip(used).filter(|(_, used)| !**used);
                unused.for_each(|(value, _)| *value = f32::NAN);
            }
            let pixels = input.chunks_exact_mut(self.stride);
            for (pixel, value) in pixels.zip(&*frame) {
                pixel[channel] = if value.is_nan() {
                    0.0
                } else {
                    self.input_factor * *value
                };
            }
        }
    }
}

/// The same groups, the members of each in reading order: cut into gridsize rows from the top, each from left to right. A
/// network is told no positions; a channel that always lies in the same quarter of its group tells it as much.
fn in_reading_order(groups: &Groups, points: &[[f64; 2]]) -> Result<Groups> {
    let c = groups.c();
    let side = c.isqrt().max(1);
    let mut index = groups.index().clone();
    let mut members: Vec<u32> = Vec::with_capacity(c);
    for mut row in index.rows_mut() {
        members.clear();
        members.extend(row.iter());
        let by = |axis: usize| {
            move |a: &u32, b: &u32| {
                points[*a as usize][axis]
                    .total_cmp(&points[*b as usize][axis])
                    .then(a.cmp(b))
            }
        };
        members.sort_unstable_by(by(0));
        for line in members.chunks_mut(side) {
            line.sort_unstable_by(by(1));
        }
        for (to, from) in row.iter_mut().zip(&members) {
            *to = *from;
        }
    }
    Groups::new(index, points)
}

/// The groups that a file holds, if the network takes groups of that many.
fn of_file(index: &Array2<i32>, points: &[[f64; 2]], settings: &TrainSettings) -> Result<Groups> {
    let (c, stored) = (settings.c(), index.ncols());
    if c != stored {
        let side = (1..=3).find(|side| side * side == stored);
        let expected = format!(
            "groups of C = {c} patterns, for gridsize {}",
            settings.gridsize
        );
        let found = format!("group_index with groups of {stored}");
        let error = Error::invalid(ATTEMPTED, "gridsize", expected, found);
        return Err(error.with_fix(match side {
            Some(side) => format!("give --gridsize {side}"),
            None => "make the overlap view anew for this gridsize".to_owned(),
        }));
    }
    Groups::of_file(index, points)
}

/// Each of these patterns as a group of its own, at its own position.
fn single(rows: &[usize], points: &[[f64; 2]]) -> Result<Groups> {
    let index: Vec<u32> = rows.iter().map(|row| *row as u32).collect();
    let index = Array2::from_shape_vec((index.len(), 1), index).unwrap_or_default();
    Groups::new(index, points)
}

/// The true patches that the baseline learns.
fn true_patches(dataset: &Dataset) -> Result<Patches> {
    dataset.parts().patches.clone().ok_or_else(|| {
        let expected = "true patches, which the baseline learns from";
        let fix = "make them of the file's objectGuess by `ptychobench patches`, or train --model pinn, which needs none";
        Error::invalid(ATTEMPTED, "Y", expected, "none").with_fix(fix)
    })
}
