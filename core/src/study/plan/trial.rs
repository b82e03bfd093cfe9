//! Trial steps on patterns of the study's own scene.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::scans::Scans;
use super::{Plan, Work};
use crate::compute::DeviceChoice;
use crate::data::{Dataset, DatasetParts};
use crate::error::{Error, Result};
use crate::iterative::{EngineKind, Iterative, IterativeSettings};
use crate::job::{Engine as _, Stop};
use crate::nn::TrainSettings;
use crate::nn::samples::Samples;
use crate::sim::Scene;
use crate::sim::stages::{canonicalise, with_patches};
use crate::study::design::{FULL, Split, Study};
use crate::study::generate::{pattern_s, trial_patterns};
use crate::study::memory::estimate_bytes;
use crate::study::train::{self, TrainTask};

/// Patterns that an iterative engine is tried on at most.
const TRIED_PATTERNS: usize = 192;
/// Epochs of that trial; the first also finds its memory.
const TRIED_EPOCHS: usize = 3;

/// What was tried, and on what.
pub(super) struct Trials {
    scans: Option<Scans>,
    photons: f64,
    device: DeviceChoice,
    n_threads: usize,
    pattern_s: Option<f64>,
    networks: Vec<(TrainSettings, Network)>,
    n_groups: BTreeMap<(String, String), f64>,
    iterative: Vec<((EngineKind, IterativeSettings), (f64, u64))>,
    datasets: BTreeMap<(String, bool), Arc<Dataset>>,
}

/// What a kind of network takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Network {
    /// Seconds of a group in training.
    pub(super) seconds_per_group: f64,
    pub(super) memory_bytes: u64,
}

impl Trials {
    pub(super) fn new(plan: &Plan, device: DeviceChoice, n_threads: usize) -> Result<Self> {
        let study = &plan.study;
        let is_simulated = |work: &Work| matches!(work, Work::Simulate(_));
        let scans = plan.tasks.iter().any(|task| is_simulated(&task.work));
        Ok(Self {
            scans: scans.then(|| Scans::of(study)).transpose()?,
            // Few photons take longest to draw.
            photons: study.doses.iter().copied().fold(f64::INFINITY, f64::min),
            device,
            n_threads,
            pattern_s: None,
            networks: Vec::new(),
            n_groups: BTreeMap::new(),
            iterative: Vec::new(),
            datasets: BTreeMap::new(),
        })
    }

    fn scans(&self) -> Result<&Scans> {
        let lost = || Error::Run("there is nothing to simulate".to_owned());
        self.scans.as_ref().ok_or_else(lost)
    }

    pub(super) fn object_pixels(&self) -> u64 {
        let shape = self.scans.as_ref().map(|scans| scans.scene.object_shape());
        shape.map_or(0, |[rows, columns]| (rows * columns) as u64)
    }

    /// Seconds to draw all patterns of a dose.
    pub(super) fn simulation_s(&mut self, study: &Study) -> Result<f64> {
        let scans = self.scans()?;
        let scene = &scans.scene;
        let second = scene
            .test_positions_px
            .as_ref()
            .map_or(0, |second| second.len());
        let n_patterns = (scene.positions_px.len() + second) as f64;
        let pattern_s = match self.pattern_s {
            Some(pattern_s) => pattern_s,
            None => pattern_s(scene, &study.simulation, self.photons)?,
        };
        self.pattern_s = Some(pattern_s);
        Ok(n_patterns * pattern_s / self.n_threads as f64)
    }

    /// A dataset as it will be, whose patterns are drawn when they are read.
    fn dataset(&mut self, study: &Study, view: &str, split: Split) -> Result<Arc<Dataset>> {
        let key = (view.to_owned(), split == Split::Train);
        if let Some(dataset) = self.datasets.get(&key) {
            return Ok(Arc::clone(dataset));
        }
        let dataset = Arc::new(self.drawn(study, view, split)?);
        self.datasets.insert(key, Arc::clone(&dataset));
        Ok(dataset)
    }

    fn drawn(&self, study: &Study, view: &str, split: Split) -> Result<Dataset> {
        let scans = self.scans()?;
        let scene = Scene {
            positions_px: scans.positions_px(split),
            test_positions_px: None,
            ..scans.scene.clone()
        };
        let simulated = trial_patterns(&scene, &study.simulation, self.photons)?;
        let mut dataset = canonicalise(simulated)?;
        if study.simulation.patches {
            dataset = with_patches(&dataset, study.simulation.subpixel)?;
        }
        let Some(view) = study.views.iter().find(|other| other.name == view) else {
            return Ok(dataset);
        };
        let [train, test] = scans.view(study, view).map_err(Error::Run)?;
        let plan = match split {
            Split::Train => train,
            Split::Test => test,
        };
        Dataset::derived(DatasetParts {
            group_index: Some(plan.groups.index_into(&plan.rows)),
            ..dataset.parts().select(&plan.rows)
        })
    }

    /// Patterns of a split of a view.
    pub(super) fn n_patterns(&mut self, study: &Study, view: &str, split: Split) -> Result<usize> {
        if view == FULL {
            return Ok(self.scans()?.n_patterns(split));
        }
        Ok(self.dataset(study, view, split)?.n_patterns())
    }

    /// What a network takes; tried once for each kind.
    pub(super) fn network(
        &mut self,
        study: &Study,
        view: &str,
        settings: &TrainSettings,
    ) -> Result<Network> {
        let known = self
            .networks
            .iter()
            .find(|(other, _)| super::estimate::is_alike(other, settings));
        if let Some((_, network)) = known {
            return Ok(*network);
        }
        let dataset = self.dataset(study, view, Split::Train)?;
        let task = TrainTask {
            train: PathBuf::new(),
            validation: None,
            settings: settings.clone(),
            n_threads: self.n_threads,
            device: self.device,
            output: PathBuf::new(),
            resume: false,
            time_limit_s: None,
        };
        let plan = train::plan(&task, &dataset, None)?;
        let n_groups = self.n_groups(study, view, settings)?;
        let seconds = plan.seconds_estimated.unwrap_or_default();
        let network = Network {
            seconds_per_group: seconds / (n_groups * settings.epochs as f64).max(1.0),
            memory_bytes: plan.n_bytes,
        };
        self.networks.push((settings.clone(), network));
        Ok(network)
    }

    /// Groups that an epoch of a training comes to.
    pub(super) fn n_groups(
        &mut self,
        study: &Study,
        view: &str,
        settings: &TrainSettings,
    ) -> Result<f64> {
        let key = (
            view.to_owned(),
            format!("{:?} {}", settings.model, settings.gridsize),
        );
        if let Some(n_groups) = self.n_groups.get(&key) {
            return Ok(*n_groups);
        }
        let dataset = self.dataset(study, view, Split::Train)?;
        let n_groups = Samples::to_predict(dataset, settings)?.n_groups() as f64;
        self.n_groups.insert(key, n_groups);
        Ok(n_groups)
    }

    /// Seconds for a pattern in an epoch of an iterative engine, and its memory; tried once for each engine and settings.
    pub(super) fn iterative(
        &mut self,
        study: &Study,
        engine: EngineKind,
        settings: &IterativeSettings,
    ) -> Result<(f64, u64)> {
        let tried_as = (engine, tried_settings(settings));
        if let Some((_, tried)) = self.iterative.iter().find(|(other, _)| *other == tried_as) {
            return Ok(*tried);
        }
        let dataset = self.dataset(study, FULL, Split::Test)?;
        let memory_bytes = estimate_bytes(&dataset, engine, settings);
        let n_patterns = dataset.n_patterns().min(TRIED_PATTERNS);
        let few: Vec<usize> = (0..n_patterns).collect();
        let dataset = Arc::new(dataset.select(&few)?);
        let mut trial = Iterative::new(engine, dataset, tried_as.1.clone(), self.n_threads)?;
        while !trial.is_finished() {
            trial.step(&Stop::default())?;
        }
        let last = trial.seconds_per_epoch().last().copied();
        let tried = (
            last.unwrap_or_default() / n_patterns.max(1) as f64,
            memory_bytes,
        );
        self.iterative.push((tried_as, tried));
        Ok(tried)
    }
}

/// What a trial of settings is done with: few epochs, in which all that will ever be refined is refined already.
fn tried_settings(settings: &IterativeSettings) -> IterativeSettings {
    IterativeSettings {
        epochs: TRIED_EPOCHS,
        probe_start: 0,
        position_start: 0,
        opr_start: 0,
        ..settings.clone()
    }
}
