//! Checkpoints of a training: one safetensors file with the whole state, bit for bit.
//!
//! | tensor | |
//! |---|---|
//! | `parameters/NAME`, `adam.m/NAME`, `adam.v/NAME`, `best/NAME` | F32, for every parameter |
//! | `history.steps`, `history.epochs` | F64, a row for each; NaN for what is not there |
//! | `numbers` | F64, sums of the epoch so far and the state of the schedule |
//!
//! Counters and the identity of data and settings are JSON under `state` in the file's metadata.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::state::{Best, State, Sums};
use super::{EpochRecord, Samples, StepRecord, TrainSettings};
use crate::disk::{self, ContentHash};
use crate::error::{Error, Problem, Result};
use crate::nn::history::finite;
use crate::nn::optimiser::Adam;
use crate::nn::schedule::PlateauState;
use crate::nn::tensors::{self, Named};

const FORMAT: &str = "ptychobench training checkpoint 1";
const STEPS: &str = "history.steps";
const EPOCHS: &str = "history.epochs";
const NUMBERS: &str = "numbers";
const STEP_COLUMNS: usize = 4;
const EPOCH_COLUMNS: usize = 13;
const N_NUMBERS: usize = 8;

/// What a checkpoint belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    /// Content of the training data.
    pub(super) train_sha256: String,
    /// Content of the validation data.
    validation_sha256: String,
    /// The groups of both.
    groups_sha256: String,
    /// The settings as JSON text, without the number of epochs, which may change.
    settings: String,
}

impl Identity {
    pub(super) fn of(settings: &TrainSettings, train: &Samples, validation: &Samples) -> Self {
        let settings = TrainSettings {
            epochs: 1,
            ..settings.clone()
        };
        let mut groups = ContentHash::default();
        for samples in [train, validation] {
            let index = samples.groups.index();
            groups.begin("groups", "uint32", &[index.nrows(), index.ncols()]);
            index
                .iter()
                .for_each(|member| groups.update(&member.to_le_bytes()));
        }
        Self {
            train_sha256: train.dataset.content_sha256(),
            validation_sha256: validation.dataset.content_sha256(),
            groups_sha256: groups.finish_hex(),
            settings: serde_json::to_string(&settings).unwrap_or_default(),
        }
    }

    /// Whether a checkpoint of `then` may go on as `self`.
    fn check(&self, then: &Self) -> Result<()> {
        let pairs = [
            (
                "training data",
                &then.train_sha256,
                &self.train_sha256,
                "give the training file that the run was started with",
            ),
            (
                "validation data",
                &then.validation_sha256,
                &self.validation_sha256,
                "give the validation file that the run was started with",
            ),
            (
                "settings",
                &then.settings,
                &self.settings,
                "use the settings of the checkpoint; only epochs may differ",
            ),
            (
                "groups",
                &then.groups_sha256,
                &self.groups_sha256,
                "form the groups as the run did",
            ),
        ];
        for (key, then, now, fix) in pairs {
            if then != now {
                return Err(Error::invalid("resume the training", key, then, now).with_fix(fix));
            }
        }
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    identity: Identity,
    epoch: usize,
    step: usize,
    adam_steps: u64,
    best_epoch: Option<usize>,
    stopped_early: bool,
    n_waited: usize,
    n_since_best: usize,
}

/// Write the state; steps that were entered and then taken back are left out.
pub(super) fn write(file: &Path, identity: &Identity, state: &State) -> Result<()> {
    let PlateauState {
        lr,
        best,
        n_waited,
        n_since_best,
    } = state.rate.state;
    let header = Header {
        format: FORMAT.to_owned(),
        identity: identity.clone(),
        epoch: state.epoch,
        step: state.step,
        adam_steps: state.adam.n_steps,
        best_epoch: state.best.as_ref().map(|best| best.epoch),
        stopped_early: state.history.stopped_early,
        n_waited,
        n_since_best,
    };
    let text =
        serde_json::to_string(&header).map_err(|error| Error::io("write", file)(error.into()))?;
    let mut all = Vec::new();
    for (prefix, values) in vectors(state) {
        for entry in state.parameters.entries() {
            let name = format!("{prefix}/{}", entry.name);
            all.push(Named::f32(
                name,
                entry.shape.clone(),
                &values[entry.range()],
            ));
        }
    }
    let n_steps = state.steps_done().min(state.history.steps.len());
    let steps: Vec<f64> = state.history.steps[..n_steps]
        .iter()
        .flat_map(step_row)
        .collect();
    all.push(Named::f64(STEPS, vec![n_steps, STEP_COLUMNS], &steps));
    let epochs = &state.history.epochs[..state.epoch.min(state.history.epochs.len())];
    let rows: Vec<f64> = epochs.iter().flat_map(epoch_row).collect();
    all.push(Named::f64(EPOCHS, vec![epochs.len(), EPOCH_COLUMNS], &rows));
    let numbers: Vec<f64> = state
        .sums
        .to_array()
        .into_iter()
        .chain([lr, best])
        .collect();
    all.push(Named::f64(NUMBERS, vec![N_NUMBERS], &numbers));
    disk::write_with(file, |writer| {
        tensors::write(writer, all, Some(text)).map_err(Error::io("write", file))
    })
}

/// Every vector that has a value for each parameter.
fn vectors(state: &State) -> Vec<(&'static str, &[f32])> {
    let mut all = vec![
        ("parameters", state.parameters.values()),
        ("adam.m", &state.adam.m),
        ("adam.v", &state.adam.v),
    ];
    all.extend(
        state
            .best
            .as_ref()
            .map(|best| ("best", &best.parameters[..])),
    );
    all
}

/// The state that a checkpoint holds; `fresh` is a new one of the same training.
///
/// # Errors
/// [`Error::Refused`] if the file is none of ours, [`Error::Invalid`] if data or settings differ.
pub(super) fn read(file: &Path, identity: &Identity, fresh: State) -> Result<State> {
    let bytes = disk::Map::open(file)?;
    let read = tensors::Read::of(&bytes).map_err(|found| refused(file, &found))?;
    let text = read.state.as_deref().unwrap_or_default();
    let header: Header =
        serde_json::from_str(text).map_err(|error| refused(file, &error.to_string()))?;
    if header.format != FORMAT {
        return Err(refused(file, &header.format));
    }
    identity
        .check(&header.identity)
        .map_err(|error| error.with_file(file))?;
    let entries = fresh.parameters.entries();
    let prefixes = ["parameters", "adam.m", "adam.v", "best"];
    let n_prefixes = 3 + usize::from(header.best_epoch.is_some());
    let mut expected: Vec<(String, Vec<usize>)> = Vec::new();
    for prefix in &prefixes[..n_prefixes] {
        let named = entries
            .iter()
            .map(|entry| (format!("{prefix}/{}", entry.name), entry.shape.clone()));
        expected.extend(named);
    }
    let n_steps = header.epoch * fresh.steps_per_epoch + header.step;
    expected.push((STEPS.to_owned(), vec![n_steps, STEP_COLUMNS]));
    expected.push((EPOCHS.to_owned(), vec![header.epoch, EPOCH_COLUMNS]));
    expected.push((NUMBERS.to_owned(), vec![N_NUMBERS]));
    let differences = read.differences(&expected);
    if !differences.is_empty() {
        return Err(refused(file, &differences.join("; ")));
    }
    fill(&read, &header, fresh).ok_or_else(|| refused(file, "tensors of other types"))
}

/// `fresh` with the values of a file whose names and shapes are right.
fn fill(read: &tensors::Read, header: &Header, fresh: State) -> Option<State> {
    let mut state = fresh;
    let entries = state.parameters.entries().to_vec();
    let vector = |prefix: &str| -> Option<Vec<f32>> {
        let mut values = Vec::new();
        for entry in &entries {
            values.extend(read.f32(&format!("{prefix}/{}", entry.name))?);
        }
        Some(values)
    };
    state
        .parameters
        .values_mut()
        .copy_from_slice(&vector("parameters")?);
    state.adam = Adam {
        m: vector("adam.m")?,
        v: vector("adam.v")?,
        n_steps: header.adam_steps,
    };
    if let Some(epoch) = header.best_epoch {
        let parameters = vector("best")?;
        state.best = Some(Best { parameters, epoch });
    }
    let [sums @ .., lr, best] = <[f64; N_NUMBERS]>::try_from(read.f64(NUMBERS)?).ok()?;
    state.sums = Sums::from_array(sums);
    state.rate.state = PlateauState {
        lr,
        best,
        n_waited: header.n_waited,
        n_since_best: header.n_since_best,
    };
    (state.epoch, state.step) = (header.epoch, header.step);
    let (steps, epochs) = (read.f64(STEPS)?, read.f64(EPOCHS)?);
    let history = Arc::make_mut(&mut state.history);
    history.steps = steps.as_chunks().0.iter().map(step_of).collect();
    history.epochs = epochs.as_chunks().0.iter().map(epoch_of).collect();
    history.best_epoch = header.best_epoch;
    history.stopped_early = header.stopped_early;
    Some(state)
}

fn step_row(step: &StepRecord) -> [f64; STEP_COLUMNS] {
    let number = |value: Option<f64>| value.unwrap_or(f64::NAN);
    [
        number(step.loss),
        number(step.objective),
        step.lr,
        number(step.gradient_norm),
    ]
}

fn step_of([loss, objective, lr, gradient_norm]: &[f64; STEP_COLUMNS]) -> StepRecord {
    StepRecord {
        loss: finite(*loss),
        objective: finite(*objective),
        lr: *lr,
        gradient_norm: finite(*gradient_norm),
    }
}

fn epoch_row(epoch: &EpochRecord) -> [f64; EPOCH_COLUMNS] {
    let number = |value: Option<f64>| value.unwrap_or(f64::NAN);
    [
        epoch.epoch as f64,
        epoch.steps as f64,
        number(epoch.loss),
        number(epoch.nll),
        number(epoch.mae),
        number(epoch.validation),
        epoch.lr,
        epoch.seconds,
        number(epoch.amplitude_spread),
        number(epoch.amplitude_mean),
        number(epoch.amplitude_correlation),
        number(epoch.pattern_correlation),
        f64::from(u8::from(epoch.collapsed)),
    ]
}

fn epoch_of(row: &[f64; EPOCH_COLUMNS]) -> EpochRecord {
    EpochRecord {
        epoch: row[0] as usize,
        steps: row[1] as usize,
        loss: finite(row[2]),
        nll: finite(row[3]),
        mae: finite(row[4]),
        validation: finite(row[5]),
        lr: row[6],
        seconds: row[7],
        amplitude_spread: finite(row[8]),
        amplitude_mean: finite(row[9]),
        amplitude_correlation: finite(row[10]),
        pattern_correlation: finite(row[11]),
        collapsed: row[12] != 0.0,
    }
}

fn refused(file: &Path, found: &str) -> Error {
    Error::Refused(Box::new(Problem {
        attempted: "resume the training".to_owned(),
        file: Some(file.to_path_buf()),
        expected: "a checkpoint of this training".to_owned(),
        found: found.to_owned(),
        fix: "start the training anew".to_owned(),
        ..Problem::default()
    }))
}
