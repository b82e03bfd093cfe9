//! Stage keys: what decides the result of a stage, as one hash.

use serde::Serialize;

use crate::compute::DeviceChoice;
use crate::data::dataset::SCHEMA;
use crate::disk::{ContentHash, sha256_hex};
use crate::error::{Error, Result};
use crate::sim::Scene;
use crate::study::generate::{GenerateTask, Stage};

/// To be raised when a stage comes to yield something else for the same inputs.
const REVISIONS: [u32; 5] = [1; 5];

/// Keys of the five stages of one dose, in order.
pub(super) type Keys = [String; 5];

/// SHA-256 over the arrays of a scene.
pub(in crate::study) fn scene_sha256(scene: &Scene) -> String {
    let mut hash = ContentHash::default();
    let mut add = |name: &str, shape: &[usize], bytes: Vec<u8>| {
        hash.begin(name, "f", shape);
        hash.update(&bytes);
    };
    let complex = |values: &mut dyn Iterator<Item = &num_complex::Complex32>| -> Vec<u8> {
        let parts = values.flat_map(|value| [value.re, value.im]);
        parts.flat_map(f32::to_le_bytes).collect()
    };
    let real = |values: &[[f64; 2]]| -> Vec<u8> {
        let parts = values.iter().flatten();
        parts.flat_map(|value| value.to_le_bytes()).collect()
    };
    add(
        "object",
        scene.object.shape(),
        complex(&mut scene.object.iter()),
    );
    add(
        "probe",
        scene.probe.shape(),
        complex(&mut scene.probe.iter()),
    );
    let positions = &scene.positions_px;
    add("positions", &[positions.len(), 2], real(positions));
    if let Some(second) = &scene.test_positions_px {
        add("second", &[second.len(), 2], real(second));
    }
    hash.finish_hex()
}

/// The keys of one dose.
pub(super) fn keys(task: &GenerateTask, scene_sha256: &str, photons: f64) -> Result<Keys> {
    let GenerateTask {
        scene: _,
        doses: _,
        simulation,
        split,
        output: _,
        n_threads: _,
        device,
    } = task;
    // A file's metadata names the command, so that another one makes another file.
    let command = task.command(photons);
    let version = (SCHEMA, env!("CARGO_PKG_VERSION"));
    let mut first = chained(
        "",
        Stage::Simulate,
        &(
            (scene_sha256, photons, version),
            (simulation.seed, simulation.subpixel, simulation.amplitude),
            (split.test_positions, split.test_seed),
        ),
    )?;
    if *device != DeviceChoice::Cpu {
        first = chained(&first, Stage::Simulate, device)?;
    }
    let second = chained(&first, Stage::Canonicalise, &())?;
    let third = chained(&second, Stage::Patches, &simulation.patches)?;
    let fourth = chained(&third, Stage::Split, &(split, command))?;
    let fifth = chained(&fourth, Stage::Validate, &())?;
    Ok([first, second, third, fourth, fifth])
}

fn chained(before: &str, stage: Stage, inputs: &impl Serialize) -> Result<String> {
    let revision = REVISIONS[stage as usize];
    let text = serde_json::to_vec(&(before, stage, revision, inputs))
        .map_err(|error| Error::Run(format!("cannot hash the settings of a stage: {error}")))?;
    Ok(sha256_hex(&text))
}
