//! Bundle and dataset to an object in the object's own frame.

mod agreement;
mod drawn;
mod stitcher;

use std::time::Instant;

use ndarray::{Array2, Array3, Axis};
use num_complex::Complex32;

use self::agreement::Agreement;
use self::drawn::Drawn;
use crate::compute::Compute;
use crate::error::{Error, Result};
use crate::job::{Monitor, Progress};
use crate::nn::bundle::Bundle;
use crate::nn::samples::Samples;
use crate::nn::settings::Model;
use crate::nn::stepper::{self, Batch, Objective, Prediction, StepperSettings};
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

/// What every error of this module was about.
const ATTEMPTED: &str = "reconstruct with a trained network";

/// Stream `samples` through the bundle's network and stitch: of every group the object around its centre, of the
/// baseline every pattern's patch.
///
/// Input is normalised as in training. Counts are predicted with the bundle's probe, brought to the power of this
/// dataset's. Neither the batch size nor the number of threads changes the result.
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
    check(bundle, samples, settings)?;
    let n_groups = samples.n_groups();
    let size = settings.batch_size.clamp(1, n_groups);
    let (n, c) = (samples.dataset.n(), samples.c());
    let mut stepper = stepper::open(
        &bundle.architecture,
        stepper_settings(bundle, samples, size, compute),
        compute,
    )?;
    let pool = compute.pool()?;
    let mut stitcher = Stitcher::new(
        samples.dataset.object_shape(),
        n,
        settings.stitch_crop,
        weights(settings.weight, &bundle.trained_probe()),
    );
    let drawn = Drawn::of(&bundle.architecture);
    let mut agreement = Agreement::default();
    let (mut batch, mut prediction) = (samples.room(size), Prediction::default());
    let all: Vec<usize> = (0..n_groups).collect();
    let started = Instant::now();
    for which in all.chunks(size) {
        pool.install(|| samples.fill(which, &bundle.normalisation, &mut batch));
        let values = bundle.parameters.values();
        let stop = monitor.stop();
        let done = stepper.predict(values, &batch, &mut prediction, stop)?;
        if done.is_none() || stop.is_requested() {
            return Err(Error::Cancelled);
        }
        for (group, patch) in which.iter().zip(prediction.objects.chunks(n * n)) {
            let relative_px = samples.groups.relative_px(*group);
            stitcher.add_where(patch, samples.groups.centres_px()[*group], |row, column| {
                drawn.has(row, column, relative_px)
            });
        }
        pool.install(|| agreement.add(&measured(&batch, c * n * n), &prediction.amplitude));
        monitor.progress(Progress {
            epoch: which.last().map_or(0, |last| last + 1),
            n_epochs: n_groups,
            ..Progress::default()
        });
    }
    let factor = factor(settings.rescale, samples, &agreement)?;
    let seconds = started.elapsed().as_secs_f64();
    Ok(Inferred {
        n_groups,
        groups_per_s: n_groups as f64 / seconds.max(f64::MIN_POSITIVE),
        amplitude_correlation: agreement.correlation(),
        ..finished(&stitcher, factor)
    })
}

fn check(bundle: &Bundle, samples: &Samples, settings: &InferSettings) -> Result<()> {
    let architecture = &bundle.architecture;
    let (n, c) = (samples.dataset.n(), samples.c());
    let refuse = |key: &str, expected: String, found: String, fix: &str| {
        Err(Error::invalid(ATTEMPTED, key, expected, found).with_fix(fix))
    };
    if n != architecture.n {
        let expected = format!("patterns of {0}x{0} as in training", architecture.n);
        let fix = "crop, bin or pad the data, or train a network for this side";
        return refuse("diffraction", expected, format!("{n}x{n}"), fix);
    }
    if c != architecture.n_channels {
        let expected = format!("groups of {} as in training", architecture.n_channels);
        let fix = "use data without group_index, or with groups of that many";
        return refuse("group_index", expected, format!("groups of {c}"), fix);
    }
    if samples.n_groups() == 0 {
        let fix = "give a file with more patterns";
        return refuse("groups", "one at least".to_owned(), "none".to_owned(), fix);
    }
    if architecture.model == Model::Baseline && settings.rescale == Rescale::LeastSquares {
        let fix = "give --rescale none";
        let found = "least-squares for the supervised baseline, which predicts no counts";
        let expected = "none or recorded".to_owned();
        return refuse("rescale", expected, found.to_owned(), fix);
    }
    if settings.rescale == Rescale::Recorded {
        recorded_factor(samples)?;
    }
    Ok(())
}

fn stepper_settings(
    bundle: &Bundle,
    samples: &Samples,
    largest_batch: usize,
    compute: &Compute,
) -> StepperSettings {
    let factor = probe_factor(&bundle.probe, samples.dataset.probe()) as f32;
    StepperSettings {
        largest_batch,
        canvas_px: samples.canvas_px(),
        probe: bundle.probe.mapv(|value| value * factor),
        // Losses are not looked at.
        objective: Objective::NLL,
        trains: false,
        n_threads: compute.n_threads(),
    }
}

/// What brings a bundle's probe to the power of a dataset's: √(Σ|P|² of the dataset's / Σ|P|² of the bundle's).
pub fn probe_factor(of_bundle: &Array3<Complex32>, of_data: &Array3<Complex32>) -> f64 {
    let power = |probe: &Array3<Complex32>| -> f64 {
        probe.iter().map(|value| f64::from(value.norm_sqr())).sum()
    };
    let (from, to) = (power(of_bundle), power(of_data));
    if 0.0 < from { (to / from).sqrt() } else { 1.0 }
}

/// Weights of a patch's pixels, `(n, n)`, 1 where they are greatest.
fn weights(weight: StitchWeight, probe: &Array3<Complex32>) -> Array2<f32> {
    let intensity = probe.map(Complex32::norm_sqr).sum_axis(Axis(0));
    let most = intensity
        .iter()
        .fold(0.0f32, |most, value| most.max(*value));
    match weight {
        StitchWeight::Probe if 0.0 < most => intensity / most,
        _ => Array2::from_elem(intensity.dim(), 1.0),
    }
}

fn measured(batch: &Batch, n_values: usize) -> Vec<&[f32]> {
    batch.amplitude[..batch.n_groups * n_values]
        .chunks(n_values)
        .collect()
}

fn factor(rescale: Rescale, samples: &Samples, agreement: &Agreement) -> Result<f64> {
    match rescale {
        Rescale::None => Ok(1.0),
        Rescale::Recorded => recorded_factor(samples),
        Rescale::LeastSquares => agreement.best_factor().ok_or_else(|| {
            let expected = "predicted counts above 0";
            Error::invalid(ATTEMPTED, "rescale", expected, "none").with_fix("give --rescale none")
        }),
    }
}

fn recorded_factor(samples: &Samples) -> Result<f64> {
    let recorded = samples.dataset.metadata().counts_factor;
    recorded.ok_or_else(|| {
        let expected = "a file whose _metadata records counts_factor, as dose-normalised ones do";
        Error::invalid(
            ATTEMPTED,
            "rescale",
            expected,
            "recorded for a file without",
        )
        .with_fix("give --rescale none or least-squares")
    })
}

fn finished(stitcher: &Stitcher, factor: f64) -> Inferred {
    let (mut object, coverage) = stitcher.finish();
    object.mapv_inplace(|value| value * factor as f32);
    let seen = || {
        let pixels = object.iter().zip(&coverage);
        let seen = pixels.filter(|(_, weight)| 0.0 < **weight);
        seen.map(|(value, _)| f64::from(value.norm()))
    };
    let n_seen = seen().count();
    let mean = seen().sum::<f64>() / n_seen.max(1) as f64;
    let variance = seen().map(|value| (value - mean).powi(2)).sum::<f64>() / n_seen.max(1) as f64;
    Inferred {
        n_unseen: coverage.len() - n_seen,
        object,
        coverage,
        factor,
        amplitude_spread: variance.sqrt(),
        n_groups: 0,
        groups_per_s: 0.0,
        amplitude_correlation: None,
    }
}
