//! What a run's network or object predicts of its data.

use std::path::PathBuf;
use std::sync::Arc;

use ndarray::Array2;
use num_complex::Complex32;

use super::DiagnoseSettings;
use super::subject::{Run, Training};
use crate::compute::{Compute, DeviceChoice};
use crate::data::{Dataset, Reconstruction};
use crate::error::{Error, Result};
use crate::forward::{Forward, Subpixel};
use crate::job::Monitor;
use crate::nn::infer::{InferSettings, infer};
use crate::nn::samples::{Normalisation, Samples};
use crate::nn::{Bundle, TrainSettings};

/// What a run makes of its data.
pub(super) struct Predicted {
    /// The object, `(h, w)`, in the frame of the data.
    pub(super) object: Array2<Complex32>,
    /// Where patches lay; none where the object is whole.
    pub(super) coverage: Option<Array2<f32>>,
    pub(super) algorithm: String,
    /// The file that it comes from.
    pub(super) file: PathBuf,
    /// Groups or patterns that were predicted.
    pub(super) n: usize,
    /// What was predicted, as `groups`.
    pub(super) of: &'static str,
    /// Mean counts of a pattern, measured and predicted; none for a network that predicts no counts.
    pub(super) mean_counts: Option<[f64; 2]>,
    /// Factor that brings predicted amplitudes to the measured ones.
    pub(super) best_factor: Option<f64>,
    /// How the network's input was scaled: as recorded, and as the data give it.
    pub(super) input: Option<[Normalisation; 2]>,
}

/// What the run predicts, or in words why that is not known.
pub(super) fn predicted(
    run: &Run,
    dataset: &Arc<Dataset>,
    settings: &DiagnoseSettings,
    monitor: &dyn Monitor<()>,
) -> Result<std::result::Result<Predicted, String>> {
    let found = match run {
        Run::Training(training) => of_training(training, dataset, settings, monitor),
        Run::Iterative(iterative) => {
            let file = iterative.folder.result_file();
            Reconstruction::load(&file)
                .and_then(|result| of_result(&result, file, dataset, (settings, monitor)))
        }
        Run::Result(outcome) => of_result(
            &outcome.reconstruction,
            outcome.file.clone(),
            dataset,
            (settings, monitor),
        ),
    };
    match found {
        Ok(predicted) => Ok(Ok(predicted)),
        Err(Error::Cancelled) => Err(Error::Cancelled),
        // A run without a usable result is a finding.
        Err(error) => Ok(Err(error.to_string())),
    }
}

fn of_training(
    training: &Training,
    dataset: &Arc<Dataset>,
    settings: &DiagnoseSettings,
    monitor: &dyn Monitor<()>,
) -> Result<Predicted> {
    let (bundle, card) = Bundle::load(&training.folder)?;
    let compute = Compute::open(DeviceChoice::Auto, 0)?;
    let samples = Samples::to_predict(Arc::clone(dataset), &bundle.settings)?;
    let of_data = normalisation(training, &samples, &bundle.settings)?;
    let which = spaced(samples.n_groups(), settings.predicted);
    let few = samples.select(&which);
    let inferred = infer(&bundle, &few, &InferSettings::default(), &compute, monitor)?;
    Ok(Predicted {
        object: inferred.object,
        coverage: Some(inferred.coverage),
        algorithm: "network".to_owned(),
        file: card.file,
        n: which.len(),
        of: "groups",
        mean_counts: inferred.mean_counts,
        best_factor: inferred.best_factor,
        input: Some([bundle.normalisation, of_data]),
    })
}

/// The normalisation that the training groups give, found anew.
fn normalisation(
    training: &Training,
    samples: &Samples,
    settings: &TrainSettings,
) -> Result<Normalisation> {
    if training.manifest.task.validation.is_some() {
        return Ok(samples.normalisation());
    }
    let (train, _) = samples.split(settings.validation_fraction, settings.seed)?;
    Ok(train.normalisation())
}

fn of_result(
    result: &Reconstruction,
    file: PathBuf,
    dataset: &Arc<Dataset>,
    (settings, monitor): (&DiagnoseSettings, &dyn Monitor<()>),
) -> Result<Predicted> {
    let (m, n) = (dataset.n_patterns(), dataset.n());
    let (_, rows, columns) = result.probe.dim();
    if [rows, columns] != [n, n] {
        let expected = format!("a probe of {n}x{n} as the data");
        let found = format!("{rows}x{columns}");
        let error = Error::invalid("predict the data", "reconstructed_probe", expected, found);
        return Err(error.with_file(&file));
    }
    // Networks learn with the bilinear model; every iterative engine shifts the probe.
    let is_network = matches!(result.algorithm.as_str(), "ptychopinn" | "baseline");
    let subpixel = if is_network {
        Subpixel::Bilinear
    } else {
        Subpixel::Fourier
    };
    let forward = Forward::<f32>::new(n, subpixel);
    let refined = (result.positions_px.len() == m).then_some(&result.positions_px);
    let which = spaced(m, settings.predicted);
    let mut frame = vec![0.0; n * n];
    let (mut measured, mut expected, mut product) = (0.0, 0.0, 0.0);
    for row in &which {
        if monitor.stop().is_requested() {
            return Err(Error::Cancelled);
        }
        dataset.frames().read(*row, &mut frame);
        let positions_px = refined.map_or(dataset.positions_px(), Vec::as_slice);
        let (object, probe) = (result.object.view(), result.probe.view());
        let counts = forward.intensity(object, probe, positions_px[*row]);
        for (pixel, (counts, amplitude)) in counts.iter().zip(&frame).enumerate() {
            let mask = dataset.detector_mask();
            if mask.is_none_or(|mask| mask[[pixel / n, pixel % n]]) {
                let (counts, amplitude) = (f64::from(*counts), f64::from(*amplitude));
                measured += amplitude.powi(2);
                expected += counts;
                product += amplitude * counts.sqrt();
            }
        }
    }
    let mean = |sum: f64| sum / which.len().max(1) as f64;
    Ok(Predicted {
        object: result.object.clone(),
        coverage: result.coverage.clone(),
        algorithm: result.algorithm.clone(),
        file,
        n: which.len(),
        of: "patterns",
        // What a supervised network puts out was never held against counts.
        mean_counts: (result.algorithm != "baseline").then(|| [mean(measured), mean(expected)]),
        best_factor: (0.0 < expected).then(|| product / expected),
        input: None,
    })
}

/// At most `most` of `n` numbers, evenly spaced.
pub(super) fn spaced(n: usize, most: usize) -> Vec<usize> {
    let wanted = most.min(n);
    (0..wanted).map(|i| i * n / wanted).collect()
}
