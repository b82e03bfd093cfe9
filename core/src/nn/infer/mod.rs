//! Bundle and dataset to an object in the object's own frame.

mod stitcher;

use ndarray::Array2;
use num_complex::Complex32;

use crate::compute::Compute;
use crate::error::Result;
use crate::job::Monitor;
use crate::nn::bundle::Bundle;
use crate::nn::samples::Samples;
use crate::{field_choice, field_table};

pub use stitcher::Stitcher;

field_choice! {
    /// How overlapping patches are averaged.
    pub enum StitchWeight {
        /// Alike.
        Uniform = "uniform",
        /// By the probe's intensity at the pixel.
        Probe = "probe",
    }
}

field_choice! {
    /// What multiplies the amplitude that is saved.
    pub enum Rescale {
        /// Nothing: the amplitude as it comes out.
        None = "none",
        /// The factor that the file's metadata records.
        Recorded = "recorded",
        /// The factor that fits the predicted to the measured counts best.
        LeastSquares = "least-squares",
    }
}

field_table! {
    /// How patches become an object.
    pub struct InferSettings {
        /// M: the central M x M pixels of every patch are stitched, but no more than the network draws.
        stitch_crop: usize = 20, basic, 2..=256;
        /// How overlapping patches are averaged.
        weight: StitchWeight = StitchWeight::Uniform, basic;
        /// What multiplies the amplitude that is saved.
        rescale: Rescale = Rescale::None, basic;
        /// Groups wanted; 0 takes one for each pattern.
        groups: usize = 0, basic, 0..=100000000;
        /// Groups in a batch.
        batch_size: usize = 16, advanced, 1..=4096;
        /// Seed of the groups.
        seed: u64 = 0, basic;
    }
}

/// What inference yields.
#[derive(Clone, Debug)]
pub struct Inferred {
    /// `(h, w)` in the object frame; 0 where no patch was.
    pub object: Array2<Complex32>,
    /// Sum of the weights over each pixel, `(h, w)`.
    pub coverage: Array2<f32>,
    /// Pixels that no patch saw.
    pub n_unseen: usize,
    /// What the amplitude was multiplied by.
    pub factor: f64,
    /// Groups.
    pub n_groups: usize,
    /// Groups a second through the network, reading and stitching included.
    pub groups_per_s: f64,
    /// Standard deviation of the amplitude over the pixels seen.
    pub amplitude_spread: f64,
    /// Correlation of predicted and measured amplitudes; `None` for the baseline.
    pub amplitude_correlation: Option<f64>,
}

/// Stream `samples` through the bundle's network and stitch.
///
/// # Errors
/// [`crate::Error::Invalid`] if the data do not suit the bundle (another side, no group); [`crate::Error::Cancelled`].
pub fn infer(
    bundle: &Bundle,
    samples: &Samples,
    settings: &InferSettings,
    compute: &Compute,
    monitor: &dyn Monitor<()>,
) -> Result<Inferred> {
    let _ = (bundle, samples, settings, compute, monitor);
    unimplemented!()
}
