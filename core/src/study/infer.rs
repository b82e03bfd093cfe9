//! Execute one inference: bundle and dataset to a result file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndarray::Array3;
use num_complex::Complex32;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::compute::{Compute, DeviceChoice};
use crate::data::{Dataset, Reconstruction, Strictness};
use crate::error::{Error, Result};
use crate::fields::Fields as _;
use crate::job::Monitor;
use crate::nn::infer::{
    InferSettings, Inferred, Rescale, grouping, infer as infer_samples, probe_factor,
};
use crate::nn::samples::Samples;
use crate::nn::settings::Model;
use crate::nn::{Bundle, BundleCard};
use crate::study::store::{Naming, SCHEMA};

/// Powers of two probes that differ by less than this part are those of one dose.
const SAME_POWER: f64 = 0.02;
/// Probes that overlap less than this, normalised, are not the same but for their power.
const SAME_PROBE: f64 = 0.999;

/// One inference, self-contained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InferTask {
    /// A bundle, or a run folder with one.
    pub bundle: PathBuf,
    /// The data.
    pub data: PathBuf,
    /// How patches become an object.
    pub settings: InferSettings,
    /// Threads; 0 = one for each core.
    pub n_threads: usize,
    /// Device.
    pub device: DeviceChoice,
    /// Where the result goes.
    pub output: PathBuf,
}

/// What an inference yields.
#[derive(Clone, Debug)]
pub struct InferOutcome {
    /// The result, as written.
    pub reconstruction: Reconstruction,
    /// Numbers beside it.
    pub inferred: Inferred,
    /// Device that computed.
    pub device: String,
    /// Why it was this device.
    pub device_reason: String,
    /// The bundle used.
    pub bundle: BundleCard,
    /// What turned out other than asked for, in words.
    pub notes: Vec<String>,
}

/// Read bundle and data, infer, write the result.
///
/// Groups are formed by [`grouping`], or are those of the file; the number and the seed are the task's. The input is
/// normalised as in training. A network knows the probe and the dose that it was trained with: where the data have others
/// the notes say so.
///
/// # Errors
/// [`crate::Error::Invalid`], [`crate::Error::Refused`] if they do not fit; [`crate::Error::Io`]; [`crate::Error::Cancelled`].
pub fn infer(task: &InferTask, monitor: &dyn Monitor<()>) -> Result<InferOutcome> {
    infer_naming(task, Naming::Absolute, monitor)
}

/// As [`infer`], with the choice how the result names bundle and data.
///
/// # Errors
/// As [`infer`].
pub fn infer_naming(
    task: &InferTask,
    naming: Naming,
    monitor: &dyn Monitor<()>,
) -> Result<InferOutcome> {
    task.settings.check_ranges()?;
    check_output(task)?;
    let (bundle, card) = Bundle::load(&task.bundle)?;
    let opened = Dataset::open(&task.data, Strictness::Repair)?;
    let compute = Compute::open(task.device, task.n_threads)?;
    let of_data = |error: Error| error.with_file(&task.data);
    let (settings, of_groups) =
        grouping(&bundle, &opened.dataset, &task.settings).map_err(of_data)?;
    let samples = Samples::to_predict(Arc::new(opened.dataset), &settings).map_err(of_data)?;
    let inferred =
        infer_samples(&bundle, &samples, &task.settings, &compute, monitor).map_err(of_data)?;
    let mut notes = opened.repairs;
    notes.extend(of_groups);
    notes.extend(samples.notes.iter().cloned());
    notes.extend(differences(&bundle, &samples.dataset));
    notes.extend(unseen(&inferred));
    let probe = scaled_probe(&bundle, &samples.dataset);
    let mut reconstruction = Reconstruction {
        object: inferred.object.clone(),
        coverage: Some(inferred.coverage.clone()),
        probe,
        positions_px: samples.dataset.positions_px().to_vec(),
        loss: Vec::new(),
        algorithm: algorithm(bundle.settings.model).to_owned(),
        provenance: Value::Null,
    };
    let of = (&card, &*samples.dataset);
    reconstruction.provenance = provenance((task, naming), of, &inferred, (&compute, &notes));
    reconstruction.save(&task.output)?;
    Ok(InferOutcome {
        reconstruction,
        inferred,
        device: compute.name().to_owned(),
        device_reason: compute.reason().to_owned(),
        bundle: card,
        notes,
    })
}

/// How results call a model.
fn algorithm(model: Model) -> &'static str {
    match model {
        Model::Pinn => "ptychopinn",
        Model::Baseline => "baseline",
    }
}

/// A result that cannot be written must be known before, not after.
fn check_output(task: &InferTask) -> Result<()> {
    let refuse = |expected: &str, found: &str| {
        let error = Error::invalid("infer", "output", expected, found);
        Err(error.with_fix("give another -o").with_file(&task.output))
    };
    if task.output.is_dir() {
        return refuse("a file", "a folder");
    }
    let is_same = |input: &Path| match (input.canonicalize(), task.output.canonicalize()) {
        (Ok(input), Ok(output)) => input == output,
        _ => false,
    };
    if is_same(&task.data) || is_same(&task.bundle) {
        return refuse("another file than the input", "the input");
    }
    Ok(())
}

/// The probe in use, brought to the power of the data's.
fn scaled_probe(bundle: &Bundle, dataset: &Dataset) -> Array3<Complex32> {
    let factor = probe_factor(&bundle.probe, dataset.probe()) as f32;
    bundle.trained_probe().mapv_into(|value| value * factor)
}

/// In what the data differ from those of the training so that the network was never told.
fn differences(bundle: &Bundle, dataset: &Dataset) -> Vec<String> {
    let mut notes = Vec::new();
    let power = probe_factor(&bundle.probe, dataset.probe()).powi(2);
    if SAME_POWER < (power - 1.0).abs() {
        notes.push(format!(
            "the probe has {power:.4} times the power of the one in training: the data are of another dose, which the \
             network is not told; its input is normalised as in training"
        ));
    }
    match likeness(&bundle.probe, dataset.probe()) {
        Some(likeness) if likeness < SAME_PROBE => notes.push(format!(
            "the probe is not the one in training (normalised overlap {likeness:.4}), and the network knows no other"
        )),
        None => notes.push(format!(
            "the data have {} probe modes, the training had {}",
            dataset.probe().dim().0,
            bundle.probe.dim().0
        )),
        Some(_) => {}
    }
    notes
}

/// |Σ P* Q| / √(Σ|P|² Σ|Q|²) over all modes; `None` for different shapes.
fn likeness(a: &Array3<Complex32>, b: &Array3<Complex32>) -> Option<f64> {
    if a.dim() != b.dim() {
        return None;
    }
    let wide = |z: &Complex32| num_complex::Complex64::new(f64::from(z.re), f64::from(z.im));
    let product: num_complex::Complex64 =
        a.iter().zip(b).map(|(a, b)| wide(a).conj() * wide(b)).sum();
    let power = |probe: &Array3<Complex32>| -> f64 {
        probe.iter().map(|value| wide(value).norm_sqr()).sum()
    };
    let scale = (power(a) * power(b)).sqrt();
    Some(if 0.0 < scale {
        product.norm() / scale
    } else {
        1.0
    })
}

fn unseen(inferred: &Inferred) -> Option<String> {
    let n = inferred.coverage.len();
    (0 < inferred.n_unseen).then(|| {
        format!(
            "{} of {n} pixels ({:.1} %) were seen by no patch and are 0",
            inferred.n_unseen,
            100.0 * inferred.n_unseen as f64 / n as f64
        )
    })
}

/// What a reader of the result alone has to know; no times, so that the same inference gives the same bytes.
fn provenance(
    (task, naming): (&InferTask, Naming),
    (card, dataset): (&BundleCard, &Dataset),
    inferred: &Inferred,
    (compute, notes): (&Compute, &[String]),
) -> Value {
    let folder = task.output.parent().unwrap_or_else(|| Path::new(""));
    let path = |path: &Path| naming.name(path, folder);
    let metadata = dataset.metadata();
    json!({
        "schema": SCHEMA, "program": "ptychobench", "version": env!("CARGO_PKG_VERSION"),
        "algorithm": algorithm(card.settings.model),
        "bundle": {
            "path": path(&card.file), "sha256": card.sha256, "epoch": card.epoch, "n_parameters": card.n_parameters,
            "data_sha256": card.data_sha256, "settings": card.settings, "normalisation": card.normalisation,
        },
        "input": {
            "path": path(&task.data), "content_sha256": dataset.content_sha256(), "n_patterns": dataset.n_patterns(),
            "n": dataset.n(),
        },
        "settings": task.settings, "seeds": {"grouping": task.settings.seed},
        "n_groups": inferred.n_groups, "n_unseen": inferred.n_unseen,
        "rescale": {"by": task.settings.rescale, "factor": inferred.factor, "is_applied": task.settings.rescale != Rescale::None},
        "amplitude_spread": inferred.amplitude_spread, "amplitude_correlation": inferred.amplitude_correlation,
        "device": compute.name(), "repairs": metadata.repairs, "pixel_size_m": metadata.pixel_size_m, "notes": notes,
    })
}
