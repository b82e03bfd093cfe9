//! The stages of a scenario.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::{DiagnoseSettings, Part, Scan, Verdict, diagnose_scan};
use super::{Scenario, ScenarioOptions, tasks};
use crate::compute::DeviceChoice;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::grouping::form_groups;
use crate::job::StopReason;
use crate::metrics::region::Region;
use crate::metrics::settings::CompareSettings;
use crate::nn::collapse::{Spread, is_flat};
use crate::nn::infer::InferSettings;
use crate::sim::stages::{Design, validate};
use crate::study::compare::{Inputs, Loaded, compare};
use crate::study::generate::generate;
use crate::study::infer::{InferTask, infer_naming};
use crate::study::run::in_words;
use crate::study::store::Naming;
use crate::study::train::{TrainTask, train};

/// Amplitudes have to come within this factor of the truth's.
const AMPLITUDE_WITHIN: f64 = 2.0;

/// One stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Generate,
    Validate,
    Group,
    Train,
    Infer,
    Compare,
}

impl Stage {
    pub(super) const ALL: [Self; 6] = [
        Self::Generate,
        Self::Validate,
        Self::Group,
        Self::Train,
        Self::Infer,
        Self::Compare,
    ];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Generate => "generate",
            Self::Validate => "validate",
            Self::Group => "group",
            Self::Train => "train",
            Self::Infer => "infer",
            Self::Compare => "compare",
        }
    }
}

/// A scenario under way.
pub(super) struct Trial<'a> {
    scenario: Scenario,
    options: &'a ScenarioOptions,
    folder: &'a Path,
    train: PathBuf,
    test: PathBuf,
    dataset: Option<Arc<Dataset>>,
}

impl<'a> Trial<'a> {
    pub(super) fn new(scenario: Scenario, options: &'a ScenarioOptions, folder: &'a Path) -> Self {
        Self {
            scenario,
            options,
            folder,
            train: PathBuf::new(),
            test: PathBuf::new(),
            dataset: None,
        }
    }

    /// Run a stage: what came out of it in words.
    ///
    /// # Errors
    /// Why it failed; [`Error::Cancelled`].
    pub(super) fn run(&mut self, stage: Stage, part: &Part<'_>) -> Result<String> {
        match stage {
            Stage::Generate => self.generate(part),
            Stage::Validate => self.validate(part),
            Stage::Group => self.group(),
            Stage::Train => self.train(part),
            Stage::Infer => self.infer(part),
            Stage::Compare => self.compare(),
        }
    }

    fn generate(&mut self, part: &Part<'_>) -> Result<String> {
        if let Some(data) = &self.options.data {
            (self.train, self.test) = (data.clone(), data.clone());
            return Ok(format!("nothing to generate: {}", data.display()));
        }
        let mut task = tasks::generation(self.scenario, self.folder.join("data"));
        if let Some(base) = &self.options.base {
            tasks::put_base(&mut task.scene, self.scenario, base);
        }
        task.n_threads = self.options.n_threads;
        let outcome = generate(&task, part)?;
        let folder = task.dose_folder(tasks::PHOTONS);
        self.train = folder.join("train.npz");
        self.test = folder.join("test.npz");
        let photons = outcome
            .doses
            .first()
            .map_or(0.0, |dose| dose.photons_measured);
        let n = task.scene.scan.positions + task.split.test_positions;
        Ok(format!("{n} patterns of {photons:.0} photons"))
    }

    /// Contract, design and everything else that can be told of the data alone.
    fn validate(&mut self, part: &Part<'_>) -> Result<String> {
        let gridsize = self.scenario.gridsize();
        if self.options.data.is_none() {
            let design = Design {
                gridsize,
                neighbors: Some(tasks::training(self.scenario).grouping().k()),
                ..Design::default()
            };
            for file in [&self.train, &self.test] {
                if let Some(words) = validate(file, &design, part)?.refusal() {
                    return Err(failed(format!("{}: {words}", file.display())));
                }
            }
        }
        let scan = Scan::open(&self.train, part)?;
        let settings = DiagnoseSettings {
            gridsize,
            ..DiagnoseSettings::default()
        };
        let report = diagnose_scan(&scan, &settings, part)?;
        let bad = report
            .sections
            .iter()
            .find(|section| section.verdict == Verdict::Bad);
        if let Some(bad) = bad {
            return Err(failed(format!("{}: {}", bad.title, bad.words)));
        }
        self.dataset = scan.dataset;
        Ok(format!(
            "{} tables, none of them bad",
            report.sections.len()
        ))
    }

    fn dataset(&self) -> Result<&Arc<Dataset>> {
        let dataset = self.dataset.as_ref();
        dataset.ok_or_else(|| failed("there are no data".to_owned()))
    }

    fn group(&self) -> Result<String> {
        let settings = tasks::training(self.scenario).grouping();
        let dataset = self.dataset()?;
        let formed = form_groups(dataset.positions_px(), &settings)?;
        let (n, wanted) = (formed.groups.n_groups(), settings.n_groups);
        // Data of one's own may have fewer patterns.
        if n < wanted && self.options.data.is_none() {
            return Err(failed(format!("{n} groups instead of {wanted}")));
        }
        Ok(format!(
            "{n} groups of {} out of {}",
            settings.c(),
            formed.k
        ))
    }

    fn run_folder(&self) -> PathBuf {
        self.folder.join("training")
    }

    fn train(&self, part: &Part<'_>) -> Result<String> {
        let task = TrainTask {
            train: self.train.clone(),
            validation: None,
            settings: tasks::training(self.scenario),
            n_threads: self.options.n_threads,
            device: DeviceChoice::Auto,
            output: self.run_folder(),
            resume: false,
            time_limit_s: None,
        };
        let outcome = train(&task, part)?;
        match &outcome.reason {
            StopReason::Finished => {}
            StopReason::Cancelled => return Err(Error::Cancelled),
            reason => return Err(failed(in_words(reason))),
        }
        let epochs = &outcome.history.epochs;
        if epochs.last().is_some_and(|epoch| epoch.collapsed) {
            return Err(failed(
                "the network has collapsed to a flat image".to_owned(),
            ));
        }
        let of = |epoch: Option<&crate::nn::EpochRecord>| epoch.and_then(|epoch| epoch.loss);
        match (of(epochs.first()), of(epochs.last())) {
            (Some(first), Some(last)) if last < first => Ok(format!(
                "loss {first:.4} to {last:.4} in {} epochs, {:.0} groups/s",
                epochs.len(),
                outcome.samples_per_s
            )),
            (Some(first), Some(last)) => {
                Err(failed(format!("the loss did not fall: {first} to {last}")))
            }
            _ => Err(failed("the loss is not finite".to_owned())),
        }
    }

    fn result(&self) -> PathBuf {
        self.folder.join("object.npz")
    }

    fn infer(&self, part: &Part<'_>) -> Result<String> {
        let task = InferTask {
            bundle: self.run_folder(),
            data: self.test.clone(),
            settings: InferSettings::default(),
            n_threads: self.options.n_threads,
            device: DeviceChoice::Auto,
            output: self.result(),
        };
        // The folder of the scenario can be moved.
        let outcome = infer_naming(&task, Naming::Beside, part)?;
        let inferred = &outcome.inferred;
        if inferred.object.iter().any(|value| !value.is_finite()) {
            return Err(failed("the object is not finite".to_owned()));
        }
        let spread = Spread::of(&inferred.object, &inferred.coverage);
        let spread = spread.ok_or_else(|| failed("no pixel was seen".to_owned()))?;
        if is_flat(spread, None) {
            return Err(failed(format!(
                "the object is flat: its amplitude of {:.3} spreads by {:.2e} only",
                spread.mean, spread.deviation
            )));
        }
        let seen = 1.0 - inferred.n_unseen as f64 / inferred.coverage.len().max(1) as f64;
        Ok(format!(
            "amplitude {:.3} ± {:.3} over {:.0} % of the frame",
            spread.mean,
            spread.deviation,
            100.0 * seen
        ))
    }

    fn compare(&self) -> Result<String> {
        if self.dataset()?.object().is_none() {
            return Ok("nothing to compare with: the data hold no truth".to_owned());
        }
        let loaded = Loaded::open(&Inputs {
            truth: Some(self.test.clone()),
            arms: vec![(self.scenario.name().to_owned(), self.result())],
            ..Inputs::default()
        })?;
        let comparison = compare(&loaded, &Region::Auto, &CompareSettings::default())?;
        let compared = comparison.arms.first();
        let compared = compared.ok_or_else(|| failed("nothing could be measured".to_owned()))?;
        let bias = &compared.evaluation.amplitude_bias;
        let factor = bias.least_squares_factor;
        let factor = factor.ok_or_else(|| failed("the amplitude is zero".to_owned()))?;
        let words = format!(
            "factor to the truth's amplitude {factor:.3}, mean error {:.3}, with the factor {:.3}",
            bias.mae, bias.mae_rescaled
        );
        if (1.0 / AMPLITUDE_WITHIN..=AMPLITUDE_WITHIN).contains(&factor) {
            Ok(words)
        } else {
            Err(failed(format!("amplitudes are of another scale: {words}")))
        }
    }
}

fn failed(words: String) -> Error {
    Error::Run(words)
}
