//! Checkpoints: the whole state, bit for bit, in a container of our own.
//!
//! A line `ptychobench engine checkpoint 2`, a line of JSON ([`Header`]), then the arrays that the header lists, one
//! after the other, little-endian.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::disk;
use crate::error::{Error, Problem, Result};
use crate::iterative::state::{Partial, State, Traces};
use crate::iterative::{EngineKind, IterativeSettings};
use crate::simd::{Aligned, Real};

const MAGIC: &str = "ptychobench engine checkpoint 2\n";

#[derive(Serialize, Deserialize)]
struct Header {
    /// `float32` or `float64`.
    real: String,
    /// Content hash of the dataset.
    dataset_sha256: String,
    /// The engine.
    engine: EngineKind,
    /// The settings as JSON text.
    settings: String,
    epoch: usize,
    cursor: usize,
    n_illuminated: usize,
    /// Lengths of the arrays of the engine's type: those of fixed length, the histories, the exit waves.
    real_lengths: Vec<usize>,
    n_object_history: usize,
    /// Lengths of the arrays in double precision: traces, weights, positions, detector steps, partial sums.
    wide_lengths: Vec<usize>,
}

/// What a checkpoint belongs to.
pub(crate) struct Identity<'a> {
    pub(crate) dataset_sha256: &'a str,
    pub(crate) engine: EngineKind,
    pub(crate) settings: &'a IterativeSettings,
}

impl Identity<'_> {
    /// The settings without the number of epochs, which may change.
    fn settings_text(&self) -> String {
        let settings = IterativeSettings {
            epochs: 1,
            ..self.settings.clone()
        };
        serde_json::to_string(&settings).unwrap_or_default()
    }
}

/// The arrays of fixed length.
fn arrays<T: Real>(state: &State<T>) -> Vec<&[T]> {
    vec![
        &state.object.re,
        &state.object.im,
        &state.probe,
        &state.opr_modes,
        &state.illumination,
        &state.carried_object.re,
        &state.carried_object.im,
        &state.carried_other.re,
        &state.carried_other.im,
        &state.carried_weight,
        &state.carried_probe,
        &state.carried_probe_weight,
        &state.object_velocity.re,
        &state.object_velocity.im,
        &state.probe_velocity,
    ]
}

/// The same, to be written to.
fn arrays_mut<T: Real>(state: &mut State<T>) -> Vec<&mut [T]> {
    vec![
        &mut state.object.re,
        &mut state.object.im,
        &mut state.probe,
        &mut state.opr_modes,
        &mut state.illumination,
        &mut state.carried_object.re,
        &mut state.carried_object.im,
        &mut state.carried_other.re,
        &mut state.carried_other.im,
        &mut state.carried_weight,
        &mut state.carried_probe,
        &mut state.carried_probe_weight,
        &mut state.object_velocity.re,
        &mut state.object_velocity.im,
        &mut state.probe_velocity,
    ]
}

/// The arrays in double precision.
fn wides<T: Real>(state: &State<T>) -> Vec<Vec<f64>> {
    let traces = &state.traces;
    vec![
        traces.loss.clone(),
        traces.seconds.clone(),
        traces.fourier_errors.clone(),
        traces.probe_power.clone(),
        traces.position_rms_px.clone(),
        state.opr_weights.clone(),
        state.positions_px.iter().flatten().copied().collect(),
        state.detector_steps.clone(),
        state.partial.to_array().to_vec(),
    ]
}

/// Write a checkpoint; `waves` stand for the state's where they live elsewhere.
pub(crate) fn write<T: Real>(
    file: &Path,
    identity: &Identity,
    state: &State<T>,
    waves: Option<&[T]>,
) -> Result<()> {
    let fixed = arrays(state);
    let histories = state.object_history.iter().chain(&state.probe_history);
    let reals: Vec<&[T]> = fixed
        .into_iter()
        .chain(histories.map(Vec::as_slice))
        .chain([waves.unwrap_or(&state.waves)])
        .collect();
    let wides = wides(state);
    let header = Header {
        real: T::NAME.to_owned(),
        dataset_sha256: identity.dataset_sha256.to_owned(),
        engine: identity.engine,
        settings: identity.settings_text(),
        epoch: state.epoch,
        cursor: state.cursor,
        n_illuminated: state.n_illuminated,
        real_lengths: reals.iter().map(|a| a.len()).collect(),
        n_object_history: state.object_history.len(),
        wide_lengths: wides.iter().map(Vec::len).collect(),
    };
    let text =
        serde_json::to_string(&header).map_err(|error| Error::io("write", file)(error.into()))?;
    disk::write_with(file, |out| {
        let mut put = |bytes: &[u8]| out.write_all(bytes).map_err(Error::io("write", file));
        put(MAGIC.as_bytes())?;
        put(text.as_bytes())?;
        put(b"\n")?;
        let mut buffer = Vec::new();
        for array in reals {
            put(bytes(array, &mut buffer))?;
        }
        for array in wides {
            put(bytes(&array, &mut Vec::new()))?;
        }
        Ok(())
    })
}

fn bytes<'a, T: Real>(values: &[T], buffer: &'a mut Vec<u8>) -> &'a [u8] {
    buffer.clear();
    for value in values {
        value.put_bytes(buffer);
    }
    buffer
}

/// Read a checkpoint into `state`, a fresh one of the same run.
///
/// # Errors
/// [`Error::Refused`] if the file is none of ours, [`Error::Invalid`] if dataset or settings differ.
pub(crate) fn read<T: Real>(file: &Path, identity: &Identity, state: &mut State<T>) -> Result<()> {
    let map = disk::Map::open(file)?;
    let (header, mut rest) = split(&map).ok_or_else(|| refused(file, "another file"))?;
    check(&header, identity, T::NAME).map_err(|error| error.with_file(file))?;
    let n_fixed = arrays(state).len();
    let expected: Vec<usize> = arrays(state).iter().map(|a| a.len()).collect();
    let total: usize = header.real_lengths.iter().sum::<usize>() * T::BYTES
        + 8 * header.wide_lengths.iter().sum::<usize>();
    if header.real_lengths.get(..n_fixed) != Some(&expected)
        || header.real_lengths.len() <= n_fixed + header.n_object_history
        || header.wide_lengths.len() != 9
        || rest.len() != total
    {
        return Err(refused(file, "arrays of other lengths"));
    }
    let mut reals = header
        .real_lengths
        .iter()
        .map(|&len| take::<T>(&mut rest, len));
    for to in arrays_mut(state) {
        to.copy_from_slice(&reals.next().unwrap_or_default());
    }
    state.object_history = reals.by_ref().take(header.n_object_history).collect();
    let mut rest_of_reals: Vec<Vec<T>> = reals.collect();
    let waves = rest_of_reals.pop().unwrap_or_default();
    state.waves = Aligned::zeros(waves.len());
    state.waves.copy_from_slice(&waves);
    state.probe_history = rest_of_reals;
    let mut wides = header
        .wide_lengths
        .iter()
        .map(|&len| take::<f64>(&mut rest, len));
    let mut next = || wides.next().unwrap_or_default();
    state.traces = Traces {
        loss: next(),
        seconds: next(),
        fourier_errors: next(),
        probe_power: next(),
        position_rms_px: next(),
    };
    let (weights, positions, steps) = (next(), next(), next());
    if (weights.len(), positions.len(), steps.len())
        != (
            state.opr_weights.len(),
            2 * state.positions_px.len(),
            state.detector_steps.len(),
        )
    {
        return Err(refused(file, "another number of patterns"));
    }
    state.opr_weights = weights;
    state.positions_px = positions.as_chunks::<2>().0.to_vec();
    state.detector_steps = steps;
    let partial = <[f64; 10]>::try_from(next()).ok();
    state.partial =
        Partial::from_array(partial.ok_or_else(|| refused(file, "other partial sums"))?);
    state.epoch = header.epoch;
    state.cursor = header.cursor;
    state.n_illuminated = header.n_illuminated;
    Ok(())
}

fn split(bytes: &[u8]) -> Option<(Header, &[u8])> {
    let rest = bytes.strip_prefix(MAGIC.as_bytes())?;
    let end = rest.iter().position(|&byte| byte == b'\n')?;
    Some((serde_json::from_slice(&rest[..end]).ok()?, &rest[end + 1..]))
}

fn take<T: Real>(rest: &mut &[u8], len: usize) -> Vec<T> {
    let (now, later) = rest.split_at(len * T::BYTES);
    *rest = later;
    now.chunks_exact(T::BYTES).map(T::from_le).collect()
}

fn check(header: &Header, identity: &Identity, real: &str) -> Result<()> {
    let differ = |key: &str, expected: &str, found: &str, fix: &str| {
        Err(Error::invalid("resume the run", key, expected, found).with_fix(fix))
    };
    if header.dataset_sha256 != identity.dataset_sha256 {
        let fix = "give the file that the run was started with";
        return differ(
            "dataset",
            &header.dataset_sha256,
            identity.dataset_sha256,
            fix,
        );
    }
    if header.engine != identity.engine {
        let fix = "use the engine of the checkpoint, or start from its result";
        let (then, now) = (header.engine.name(), identity.engine.name());
        return differ("algorithm", then, now, fix);
    }
    if header.real != real {
        return differ("precision", &header.real, real, "use the same precision");
    }
    let (then, now) = (&header.settings, identity.settings_text());
    if *then != now {
        return differ(
            "settings",
            then,
            &now,
            "use the settings of the checkpoint; only epochs may differ",
        );
    }
    Ok(())
}

fn refused(file: &Path, found: &str) -> Error {
    Error::Refused(Box::new(Problem {
        attempted: "resume the run".to_owned(),
        file: Some(file.to_path_buf()),
        expected: "a checkpoint of this program".to_owned(),
        found: found.to_owned(),
        fix: "start the run anew".to_owned(),
        ..Problem::default()
    }))
}
