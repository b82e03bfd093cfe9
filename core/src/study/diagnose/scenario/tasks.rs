//! What the scenarios ask for.

use std::path::PathBuf;

use super::Scenario;
use crate::nn::TrainSettings;
use crate::nn::settings::Loss;
use crate::sim::probe::ProbeKind;
use crate::sim::{ObjectSettings, ProbeSettings, ScanSettings, SceneSettings};
use crate::study::generate::GenerateTask;

/// Photons a pattern.
pub(super) const PHOTONS: f64 = 1e6;
/// Side of a pattern and of the object.
const N_PX: usize = 64;
const OBJECT_PX: usize = 160;
/// Passes over the groups: enough for the amplitude to find its scale.
const EPOCHS: [usize; 2] = [12, 20];

/// Patterns in both halves together.
fn n_patterns(scenario: Scenario) -> usize {
    match scenario.gridsize() {
        1 => 512,
        _ => 256,
    }
}

/// The scene at one dose, into `output`.
pub(super) fn generation(scenario: Scenario, output: PathBuf) -> GenerateTask {
    let probe = if scenario.is_ideal() {
        ProbeKind::Disk
    } else {
        ProbeKind::Defocused
    };
    GenerateTask {
        scene: SceneSettings {
            object: ObjectSettings {
                object_size: OBJECT_PX,
                ..ObjectSettings::default()
            },
            probe: ProbeSettings {
                probe,
                n: N_PX,
                ..ProbeSettings::default()
            },
            scan: ScanSettings {
                positions: n_patterns(scenario),
                ..ScanSettings::default()
            },
            ..SceneSettings::default()
        },
        doses: vec![PHOTONS],
        output,
        ..GenerateTask::default()
    }
}

/// How the network is trained.
pub(super) fn training(scenario: Scenario) -> TrainSettings {
    let (groups, batch_size, neighbors, epochs) = match scenario.gridsize() {
        1 => (256, 8, 0, EPOCHS[0]),
        _ => (128, 4, 4, EPOCHS[1]),
    };
    TrainSettings {
        loss: Loss::Nll,
        gridsize: scenario.gridsize(),
        groups,
        batch_size,
        neighbors,
        filters_scale: 1,
        epochs,
        ..TrainSettings::default()
    }
}
