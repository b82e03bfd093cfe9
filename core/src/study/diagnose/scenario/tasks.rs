//! What the scenarios ask for.

use std::path::{Path, PathBuf};

use super::Scenario;
use crate::nn::TrainSettings;
use crate::nn::settings::Loss;
use crate::sim::probe::ProbeKind;
use crate::sim::{
    ObjectKind, ObjectSettings, ProbeSettings, ScanSettings, SceneSettings, SplitSettings,
};
use crate::study::generate::GenerateTask;

/// Photons a pattern.
pub(super) const PHOTONS: f64 = 1e6;
/// Side of a pattern and of the object.
const N_PX: usize = 64;
const OBJECT_PX: usize = 160;
/// Passes over the groups: enough for the amplitude to find its scale and its contrast.
const EPOCHS: [usize; 2] = [16, 20];
/// Seed of the scan that tests.
const TEST_SEED: u64 = 1;

/// Groups to train on, one for each pattern of the training scan; the test scan has as many patterns.
fn n_groups(scenario: Scenario) -> usize {
    match scenario.gridsize() {
        1 => 256,
        _ => 128,
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
                positions: n_groups(scenario),
                ..ScanSettings::default()
            },
            ..SceneSettings::default()
        },
        doses: vec![PHOTONS],
        // Halves of a random scan would not be of equal size.
        split: SplitSettings {
            test_positions: n_groups(scenario),
            test_seed: TEST_SEED,
            ..SplitSettings::default()
        },
        output,
        ..GenerateTask::default()
    }
}

/// A file's object in place of the lines, and its probe in place of the defocused lens.
pub(super) fn put_base(scene: &mut SceneSettings, scenario: Scenario, base: &Path) {
    scene.object.object = ObjectKind::File;
    scene.sources.object = Some(base.to_path_buf());
    if !scenario.is_ideal() {
        scene.probe.probe = ProbeKind::File;
        scene.sources.probe = Some(base.to_path_buf());
    }
}

/// How the network is trained.
pub(super) fn training(scenario: Scenario) -> TrainSettings {
    let (batch_size, neighbors, epochs) = match scenario.gridsize() {
        1 => (8, 0, EPOCHS[0]),
        _ => (4, 4, EPOCHS[1]),
    };
    TrainSettings {
        loss: Loss::Nll,
        gridsize: scenario.gridsize(),
        groups: n_groups(scenario),
        batch_size,
        neighbors,
        filters_scale: 1,
        epochs,
        ..TrainSettings::default()
    }
}
