//! What a training needs before its first step, and whether its parts fit together.

use std::sync::Arc;

use crate::compute::Compute;
use crate::error::{Error, Result};
use crate::nn::architecture::Architecture;
use crate::nn::samples::{Normalisation, Samples};
use crate::nn::settings::{AmplitudeHead, Loss, Model, TrainSettings};
use crate::nn::stepper::{Objective, StepperSettings};

const ATTEMPTED: &str = "train";

/// ε' of MAE in counts: far below what any measured pixel tells, and enough for a finite slope at no counts.
const AMPLITUDE_EPSILON_COUNTS: f64 = 1e-6;

/// A training's network, normalisation and what its stepper is made for.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Layers.
    pub architecture: Architecture,
    /// Normalisation of the training groups.
    pub normalisation: Normalisation,
    /// What the stepper is made for.
    pub stepper: StepperSettings,
}

/// Look whether settings and data fit together, and prepare. Every training pattern is read once.
///
/// # Errors
/// [`Error::Invalid`] that names the field and what would mend it.
pub fn prepare(
    settings: &TrainSettings,
    train: &Samples,
    validation: &Samples,
    compute: &Compute,
) -> Result<Prepared> {
    check_shapes(settings, train, validation)?;
    let dataset = &train.dataset;
    let probe = dataset.probe();
    let architecture = Architecture::new(settings, dataset.n(), probe.dim().0)?;
    let normalisation = compute.pool()?.install(|| train.normalisation());
    if normalisation.mean_counts_per_pattern <= 0.0 {
        let expected = "patterns with counts";
        return Err(Error::invalid(ATTEMPTED, "diffraction", expected, "zeros"));
    }
    if settings.model == Model::Pinn {
        check_scale(settings, train, &normalisation)?;
    }
    let most = train.n_groups().max(validation.n_groups());
    let stepper = StepperSettings {
        largest_batch: settings.batch_size.min(most),
        canvas_px: train.canvas_px().max(validation.canvas_px()),
        probe: probe.clone(),
        objective: objective(settings, &normalisation),
        trains: true,
        n_threads: compute.n_threads(),
    };
    Ok(Prepared {
        architecture,
        normalisation,
        stepper,
    })
}

fn check_shapes(settings: &TrainSettings, train: &Samples, validation: &Samples) -> Result<()> {
    if train.n_groups() == 0 {
        return Err(Error::invalid(ATTEMPTED, "groups", "one at least", "none"));
    }
    if train.c() != settings.c() {
        let expected = format!("groups of {} patterns", settings.c());
        let found = format!("groups of {}", train.c());
        return Err(Error::invalid(ATTEMPTED, "gridsize", expected, found));
    }
    if 0 < validation.n_groups() {
        let shape = |samples: &Samples| (samples.dataset.n(), samples.c());
        let words = |(n, c)| format!("{n}-pixel patterns in groups of {c}");
        if shape(train) != shape(validation) {
            let (expected, found) = (words(shape(train)), words(shape(validation)));
            return Err(Error::invalid(ATTEMPTED, "validation", expected, found));
        }
        if !Arc::ptr_eq(&train.dataset, &validation.dataset) {
            warn_of_other_probe(train, validation);
        }
    }
    Ok(())
}

/// The forward model of validation is that of training: another probe makes its loss mean less.
fn warn_of_other_probe(train: &Samples, validation: &Samples) {
    let power = |samples: &Samples| {
        let probe = samples.dataset.probe().iter();
        probe.map(|v| f64::from(v.norm_sqr())).sum::<f64>()
    };
    let (of_train, of_validation) = (power(train), power(validation));
    if (of_train - of_validation).abs() > 0.01 * of_train {
        tracing::warn!(
            "the probe of the validation file carries {of_validation:.4e} photons and that of the training file {of_train:.4e}: \
             validation is done with the latter"
        );
    }
}

/// The counts and the probe fix the object's amplitude; one that the network cannot draw is refused before hours are spent.
fn check_scale(settings: &TrainSettings, train: &Samples, of: &Normalisation) -> Result<()> {
    let n = train.dataset.n();
    let drawn = if settings.pad_object && !settings.border_head {
        n / 4..n - n / 4
    } else {
        0..n
    };
    let probe = train.dataset.probe().indexed_iter();
    let lit = probe.filter(|((_, row, column), _)| drawn.contains(row) && drawn.contains(column));
    let photons: f64 = lit.map(|(_, value)| f64::from(value.norm_sqr())).sum();
    let counts = of.mean_counts_per_pattern;
    if photons <= 0.0 {
        let expected = "a probe with light on the part of a patch that is drawn";
        let error = Error::invalid(ATTEMPTED, "probeGuess", expected, "a dark one");
        return Err(error.with_fix("give --pad-object false, or a probe in its middle"));
    }
    let amplitude = (counts / photons).sqrt();
    let bound = settings.amplitude_max;
    if settings.amplitude_head == AmplitudeHead::Sigmoid && bound <= amplitude {
        let expected = format!(
            "above {amplitude:.3}, the object's amplitude by {counts:.4e} counts of a pattern and {photons:.4e} photons \
             of the probe"
        );
        let error = Error::invalid(ATTEMPTED, "amplitude_max", expected, bound.to_string());
        return Err(error.with_fix(format!(
            "give --amplitude-max {:.3}, or calibrate the probe to the counts",
            2.0 * amplitude
        )));
    }
    if amplitude < 0.05
        || (settings.amplitude_head == AmplitudeHead::Sigmoid && 0.9 * bound < amplitude)
    {
        tracing::warn!(
            "counts and probe mean an object amplitude of {amplitude:.3}, near the end of what the network draws well: \
             check the scale of probe and patterns"
        );
    }
    Ok(())
}

/// What is minimised: losses in units of order one whatever the dose, so that Adam's ε and the clipping mean the same.
fn objective(settings: &TrainSettings, of: &Normalisation) -> Objective {
    let (chosen, other) = (settings.loss_weight, settings.other_loss_weight);
    let unit = of.mean_counts_per_pixel;
    let (nll, mae) = match (settings.model, settings.loss) {
        (Model::Baseline, _) => (0.0, chosen),
        (Model::Pinn, Loss::Nll) => (chosen / unit, other / unit.sqrt()),
        (Model::Pinn, Loss::Mae) => (other / unit, chosen / unit.sqrt()),
    };
    Objective {
        nll,
        mae,
        tv: settings.tv_weight,
        amplitude_epsilon: AMPLITUDE_EPSILON_COUNTS,
    }
}
