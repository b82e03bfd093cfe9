//! `training_manifest.json`: every network, its bundle and its losses.

use serde::{Deserialize, Serialize};

use crate::fields::FieldValue as _;
use crate::nn::BundleCard;
use crate::nn::settings::Model;
use crate::study::execute::TaskState;
use crate::study::plan::{TaskKind, Work};
use crate::study::store::{OutputRecord, SCHEMA};
use crate::study::train::{ArmRecord, TrainTask};

use super::gather::{Gathered, Seen, cause, state_word};
use super::skips;

/// The file of every network, in the study's run folder.
pub const TRAINING_MANIFEST: &str = "training_manifest.json";

/// Something worth knowing about a training, as `training_manifest.json` flags it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrainingFlag {
    /// The mean loss of the last epoch is above that of the first.
    EndedAboveFirstLoss,
    /// The loss of the last epoch is no number.
    NoFiniteLoss,
    /// The network draws the same flat image for every pattern, or what it reconstructs is flat.
    Flat,
}

/// One network that is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkRecord {
    /// Id of the task.
    pub id: String,
    /// Name of the arm.
    pub arm: String,
    /// Dose, view, gridsize, model, loss, and the losses: what `check-loss` compares.
    #[serde(flatten)]
    pub losses: ArmRecord,
    /// Mean training loss of the last epoch, of the loss that it was trained with.
    pub final_loss: Option<f64>,
    /// Its bundle, relative to the study's run folder.
    pub bundle: String,
    /// SHA-256 of the bundle.
    pub sha256: String,
    /// Bytes of the bundle.
    pub n_bytes: u64,
    /// Parameters of the network.
    pub n_parameters: Option<usize>,
    /// Epochs done.
    pub epochs: Option<usize>,
    /// The epoch of the bundle, counted from 1.
    pub best_epoch: Option<usize>,
    /// Seed of weights, groups, validation split and batches.
    pub seed: u64,
    /// Seconds.
    pub seconds: f64,
    /// What is worth knowing.
    pub flags: Vec<TrainingFlag>,
}

/// A task of the plan without a result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NotDone {
    /// Id of the task.
    pub id: String,
    /// Where it stands, in a word.
    pub state: String,
    /// Why, where that is known.
    pub cause: Option<String>,
}

impl NotDone {
    pub(super) fn of(seen: &Seen<'_>) -> Self {
        Self {
            id: seen.task.id.clone(),
            state: state_word(&seen.state).to_owned(),
            cause: cause(&seen.state).map(str::to_owned),
        }
    }
}

/// `training_manifest.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingManifest {
    /// Schema number.
    pub schema: u32,
    /// `ptychobench`.
    pub program: String,
    /// Its version.
    pub version: String,
    /// Name of the study.
    pub study: String,
    /// What the study as a whole comes to.
    pub study_sha256: String,
    /// `skip_summary.json`, beside this file.
    pub skip_summary: String,
    /// Trainings done.
    pub n_success: usize,
    /// Trainings that failed.
    pub n_failed: usize,
    /// Trainings that are done.
    pub arms: Vec<NetworkRecord>,
    /// Trainings that are not.
    pub not_done: Vec<NotDone>,
}

/// The manifest of what is trained so far; `flat` names tasks whose reconstruction is flat.
pub(super) fn manifest(gathered: &Gathered<'_>, flat: &[&str]) -> TrainingManifest {
    let all: Vec<&Seen<'_>> = gathered.of_kinds(&[TaskKind::Train]).collect();
    let is_failed = |seen: &&&Seen<'_>| matches!(seen.state, TaskState::Failed(_));
    let arms: Vec<_> = all
        .iter()
        .filter_map(|seen| network(seen, gathered, flat))
        .collect();
    let missing = all.iter().filter(|seen| seen.state != TaskState::Done);
    TrainingManifest {
        schema: SCHEMA,
        program: "ptychobench".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        study: gathered.plan.study.name.clone(),
        study_sha256: gathered.plan.study_sha256.clone(),
        skip_summary: skips::SKIP_SUMMARY.to_owned(),
        n_success: arms.len(),
        n_failed: all.iter().filter(is_failed).count(),
        not_done: missing.map(|seen| NotDone::of(seen)).collect(),
        arms,
    }
}

fn network(seen: &Seen<'_>, gathered: &Gathered<'_>, flat: &[&str]) -> Option<NetworkRecord> {
    let (record, Work::Train(task)) = (seen.done()?, &seen.task.work) else {
        return None;
    };
    let history = seen.history();
    let card: Option<BundleCard> = seen.json("best.json");
    let bundle = bundle(&record.outputs)?;
    let losses = losses(seen, task);
    let is_collapsed = history
        .as_ref()
        .and_then(|history| history.epochs.last())
        .is_some_and(|epoch| epoch.collapsed);
    let draws_flat = gathered.tasks.iter().any(|other| {
        other.is(&[TaskKind::Infer])
            && other.task.after.contains(&seen.task.id)
            && flat.contains(&other.task.id.as_str())
    });
    let mut flags = Vec::new();
    match (losses.loss_first, losses.loss_last) {
        (Some(first), Some(last)) if first < last => flags.push(TrainingFlag::EndedAboveFirstLoss),
        (_, None) => flags.push(TrainingFlag::NoFiniteLoss),
        _ => {}
    }
    if is_collapsed || draws_flat {
        flags.push(TrainingFlag::Flat);
    }
    let best_epoch = seen.number("best_epoch").map(|epoch| epoch as usize);
    Some(NetworkRecord {
        id: seen.task.id.clone(),
        arm: seen.place().arm.clone().unwrap_or_default(),
        final_loss: losses.loss_last,
        losses,
        bundle: seen.path(&bundle.path),
        sha256: bundle.sha256.clone(),
        n_bytes: bundle.n_bytes,
        n_parameters: card.as_ref().map(|card| card.n_parameters),
        epochs: history.map(|history| history.epochs.len()),
        best_epoch: best_epoch.or(card.map(|card| card.epoch)),
        seed: task.settings.seed,
        seconds: record.seconds,
        flags,
    })
}

/// The bundle that inference takes: the best one, else whatever there is.
fn bundle(outputs: &[OutputRecord]) -> Option<&OutputRecord> {
    let is_network = |output: &&OutputRecord| {
        let is_bundle = output
            .path
            .extension()
            .is_some_and(|end| end == "safetensors");
        is_bundle && !output.path.starts_with("checkpoint")
    };
    let is_best =
        |output: &&OutputRecord| output.path.file_stem().is_some_and(|name| name == "best");
    let networks = || outputs.iter().filter(is_network);
    networks().find(is_best).or_else(|| networks().next())
}

/// Dose, view, gridsize, model and loss of a training, with the losses of its record.
pub(super) fn losses(seen: &Seen<'_>, task: &TrainTask) -> ArmRecord {
    let (place, settings) = (seen.place(), &task.settings);
    ArmRecord {
        photons: place.dose,
        view: place.view.clone(),
        gridsize: match settings.model {
            Model::Pinn => settings.gridsize,
            Model::Baseline => 1,
        },
        model: settings.model.to_value().to_string(),
        loss: settings.loss.to_value().to_string(),
        loss_first: seen.number("loss_first"),
        loss_last: seen.number("loss_last"),
        validation_last: seen.number("validation_last"),
    }
}
