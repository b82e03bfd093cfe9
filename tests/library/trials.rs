//! Trials of orientations and comparisons of halves: what they find, write and refuse.

use std::path::Path;
use std::sync::Arc;

use num_complex::Complex32;
use ptycho_core::data::tools::turn::{Orientation, turn, turned};
use ptycho_core::data::{Dataset, DatasetParts, Reconstruction};
use ptycho_core::iterative::{IterativeSettings, ObjectInit, ProbeScale};
use ptycho_core::job::{Monitor, Progress, Quiet, Stop};
use ptycho_core::study::halves::{Half, HalvesSnapshot, HalvesTask, compare_halves};
use ptycho_core::study::orientation::{
    CONTACT_SHEET_FILE, ORIENTATION_FILE, OrientationSnapshot, OrientationTask, try_orientations,
};
use serde_json::Value;

use crate::lsqml::scan;

fn settings(epochs: usize) -> IterativeSettings {
    IterativeSettings {
        epochs,
        batch_size: 16,
        probe_scale: ProbeScale::Match,
        ..IterativeSettings::default()
    }
}

fn orientation_task(runs: &Path, epochs: usize) -> OrientationTask {
    OrientationTask {
        settings: settings(epochs),
        n_threads: 2,
        runs: runs.to_path_buf(),
        ..OrientationTask::default()
    }
}

fn json(file: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

#[test]
fn eight_orientations_are_the_symmetries_of_the_square_about_dc() {
    for n in [6, 7] {
        let middle = n / 2 * n + n / 2;
        let maps = Orientation::ALL.map(|orientation| orientation.sources(n));
        for (map, orientation) in maps.iter().zip(Orientation::ALL) {
            assert_eq!(map[middle], middle, "DC stays");
            let mut sorted = map.clone();
            sorted.sort_unstable();
            assert!(sorted.into_iter().eq(0..n * n));
            assert_eq!(orientation.twin().twin(), orientation);
            assert_eq!(
                orientation.name().parse::<Orientation>().unwrap(),
                orientation
            );
            // The twin is the half turn of it.
            let half = Orientation::HalfTurn.sources(n);
            let twin: Vec<usize> = half.iter().map(|&at| map[at]).collect();
            assert_eq!(twin, orientation.twin().sources(n));
        }
        for i in 0..8 {
            assert!((0..i).all(|j| maps[i] != maps[j]));
        }
    }
    // By hand: a quarter turn to the left brings the right column (about the middle) to the top.
    let map = Orientation::TransposeFlipRows.sources(5);
    assert_eq!(map[..5], [4, 9, 14, 19, 24]);
    assert!("sideways".parse::<Orientation>().is_err());
}

#[test]
fn turned_patterns_keep_mask_and_history() {
    let dataset = scan(24, 3, 16.0, true);
    let made = turn(&dataset, Orientation::TransposeFlipColumns)
        .unwrap()
        .dataset;
    let map = Orientation::TransposeFlipColumns.sources(24);
    let (mut before, mut after) = (vec![0.0; 576], vec![0.0; 576]);
    dataset.frames().read(2, &mut before);
    made.frames().read(2, &mut after);
    let masks = [
        dataset.detector_mask().unwrap(),
        made.detector_mask().unwrap(),
    ];
    for (at, &from) in map.iter().enumerate() {
        assert_eq!(after[at], before[from]);
        assert_eq!(
            masks[1][[at / 24, at % 24]],
            masks[0][[from / 24, from % 24]]
        );
    }
    assert_eq!(made.positions_px(), dataset.positions_px());
    assert_eq!(made.metadata().history.last().unwrap().tool, "turn");
}

#[test]
fn the_right_orientation_stands_out_whichever_way_the_file_is() {
    let right = scan(24, 5, 16.0, false);
    // A file whose rows and columns were exchanged is mended by exchanging them again.
    let parts = turned(right.parts(), Orientation::Transpose);
    let wrong = Dataset::new(parts).unwrap();
    let runs = tempfile::tempdir().unwrap();
    let outcome = try_orientations(
        &orientation_task(runs.path(), 20),
        &wrong,
        &Quiet::default(),
    )
    .unwrap();
    assert_eq!(outcome.trials.len(), 8);
    assert!(!outcome.is_stopped);
    let verdict = &outcome.verdict;
    let best = verdict.best.unwrap();
    assert!(
        best == Orientation::Transpose || best == Orientation::Transpose.twin(),
        "{}",
        verdict.words
    );
    assert!(verdict.ratio.unwrap() < 0.5, "{}", verdict.words);
    assert!(verdict.words.contains("stands out"));
    let record = json(&outcome.run_folder.join(ORIENTATION_FILE));
    assert_eq!(record["outcome"]["trials"].as_array().unwrap().len(), 8);
    assert_eq!(record["outcome"]["verdict"]["best"], best.name());
    assert!(
        std::fs::read(outcome.run_folder.join(CONTACT_SHEET_FILE))
            .unwrap()
            .starts_with(b"\x89PNG")
    );
    for trial in &outcome.trials {
        let saved = Reconstruction::load(&trial.result).unwrap();
        assert_eq!(saved.object, trial.object);
        assert_eq!(saved.provenance["orientation"], trial.orientation.name());
    }
}

/// Asks to stop once so many epochs are done in all, and keeps what it is told.
struct StopAfter<S> {
    stop: Stop,
    n_epochs: usize,
    seen: std::sync::Mutex<(Vec<Progress>, Option<S>)>,
}

impl<S> StopAfter<S> {
    fn new(n_epochs: usize) -> Self {
        Self {
            stop: Stop::default(),
            n_epochs,
            seen: std::sync::Mutex::new((Vec::new(), None)),
        }
    }
}

impl<S: Send> Monitor<S> for StopAfter<S> {
    fn stop(&self) -> &Stop {
        &self.stop
    }
    fn progress(&self, progress: Progress) {
        if self.n_epochs <= progress.epoch {
            self.stop.request();
        }
        self.seen.lock().unwrap().0.push(progress);
    }
    fn snapshot(&self, snapshot: S) {
        self.seen.lock().unwrap().1 = Some(snapshot);
    }
}

#[test]
fn a_stopped_trial_keeps_what_there_is() {
    let dataset = scan(24, 4, 16.0, false);
    let runs = tempfile::tempdir().unwrap();
    let monitor = StopAfter::<OrientationSnapshot>::new(5);
    let outcome = try_orientations(&orientation_task(runs.path(), 4), &dataset, &monitor).unwrap();
    assert!(outcome.is_stopped);
    assert_eq!(outcome.trials.len(), 2);
    assert_eq!(outcome.trials[0].loss.len(), 4);
    assert_eq!(outcome.trials[1].loss.len(), 1);
    assert!(outcome.run_folder.join(ORIENTATION_FILE).is_file());
    let (progress, snapshot) = monitor.seen.into_inner().unwrap();
    assert!(progress.iter().all(|progress| progress.n_epochs == 32));
    assert!(
        progress
            .windows(2)
            .all(|pair| pair[0].share() <= pair[1].share() + 1e-12)
    );
    assert_eq!(snapshot.unwrap().ended.len(), 2);
}

#[test]
fn halves_of_a_good_scan_agree_and_of_noise_do_not() {
    let runs = tempfile::tempdir().unwrap();
    let task = HalvesTask {
        settings: settings(40),
        n_threads: 2,
        runs: runs.path().to_path_buf(),
        ..HalvesTask::default()
    };
    let good = scan(24, 9, 16.0, false);
    let outcome = compare_halves(&task, &good, &Quiet::default()).unwrap();
    let agreement = outcome.agreement.as_ref().unwrap();
    assert_eq!(
        [outcome.halves[0].n_patterns, outcome.halves[1].n_patterns],
        [41, 40]
    );
    assert!(
        agreement.half_bit.of_nyquist > 0.2,
        "{:?}",
        agreement.half_bit
    );
    assert!(
        agreement.complex.values[1] > 0.95,
        "{:?}",
        agreement.complex.values
    );
    let [rows, columns] = agreement.area_px;
    assert_eq!(
        agreement.phases_rad[0].dim(),
        (rows[1] - rows[0], columns[1] - columns[0])
    );
    let csv = std::fs::read_to_string(outcome.run_folder.join("frc.csv")).unwrap();
    assert_eq!(csv.lines().count(), agreement.complex.values.len() + 1);
    let n_cells = csv.lines().next().unwrap().split(',').count();
    assert!(csv.lines().all(|line| line.split(',').count() == n_cells));
    let record = json(&outcome.run_folder.join("halves.json"));
    assert_eq!(
        record["outcome"]["agreement"]["half_bit"]["rings"],
        agreement.half_bit.rings
    );
    assert!(outcome.run_folder.join("halves.png").is_file());
    // Patterns of the odd half in another order belong to no object: both halves show something else.
    let rows: Vec<usize> = (0..81)
        .map(|i| {
            if i % 2 == 1 {
                ((i * 38 + 1) % 80) | 1
            } else {
                i
            }
        })
        .collect();
    let frames = good.frames().select(rows.into());
    let mixed = Dataset::new(DatasetParts {
        frames,
        ..good.parts().clone()
    })
    .unwrap();
    let bad = compare_halves(&task, &mixed, &Quiet::default())
        .unwrap()
        .agreement
        .unwrap();
    assert!(
        bad.half_bit.rings < 0.7 * agreement.half_bit.rings,
        "{:?} against {:?}",
        bad.half_bit,
        agreement.half_bit
    );
}

#[test]
fn both_halves_stand_in_the_frame_of_the_whole_scan() {
    // Without an object the frame follows from the positions, and one half lacks the outermost.
    let whole = scan(24, 4, 16.0, false);
    let parts = DatasetParts {
        object: None,
        ..whole.parts().clone()
    };
    let dataset = Dataset::new(parts).unwrap();
    let [rows, columns] = dataset.object_shape();
    let runs = tempfile::tempdir().unwrap();
    let task = HalvesTask {
        settings: settings(3),
        runs: runs.path().to_path_buf(),
        ..HalvesTask::default()
    };
    let outcome = compare_halves(&task, &dataset, &Quiet::default()).unwrap();
    for half in &outcome.halves {
        assert_eq!(half.object.dim(), (rows, columns));
    }
    assert_eq!(
        Half::Odd.rows(&dataset).unwrap(),
        [1, 3, 5, 7, 9, 11, 13, 15]
    );
}

#[test]
fn a_stopped_comparison_has_no_agreement() {
    let runs = tempfile::tempdir().unwrap();
    let task = HalvesTask {
        settings: settings(4),
        runs: runs.path().to_path_buf(),
        ..HalvesTask::default()
    };
    let monitor = StopAfter::<HalvesSnapshot>::new(4);
    let outcome = compare_halves(&task, &scan(24, 4, 16.0, false), &monitor).unwrap();
    assert_eq!(outcome.halves.len(), 1);
    assert!(outcome.agreement.is_none());
    assert!(outcome.run_folder.join("halves.json").is_file());
}

#[test]
fn what_would_decide_the_answer_is_refused() {
    let runs = tempfile::tempdir().unwrap();
    let dataset: Arc<Dataset> = scan(24, 3, 16.0, false);
    let from_file = IterativeSettings {
        object_init: ObjectInit::File,
        ..settings(2)
    };
    let halves = HalvesTask {
        settings: from_file.clone(),
        runs: runs.path().to_path_buf(),
        ..HalvesTask::default()
    };
    let orientations = OrientationTask {
        settings: from_file,
        ..orientation_task(runs.path(), 2)
    };
    let twice = OrientationTask {
        orientations: vec![Orientation::AsStored; 2],
        ..orientation_task(runs.path(), 2)
    };
    let none = OrientationTask {
        orientations: Vec::new(),
        ..orientation_task(runs.path(), 2)
    };
    let quiet = Quiet::default();
    let errors = [
        compare_halves(&halves, &dataset, &quiet).unwrap_err(),
        try_orientations(&orientations, &dataset, &quiet).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.problem().unwrap().key.as_deref(), Some("object_init"));
    }
    for task in [twice, none] {
        let error = try_orientations(&task, &dataset, &quiet).unwrap_err();
        assert_eq!(
            error.problem().unwrap().key.as_deref(),
            Some("orientations")
        );
    }
    let few = dataset.select(&[0, 1, 2]).unwrap();
    let plain = HalvesTask {
        settings: settings(2),
        ..halves
    };
    assert!(compare_halves(&plain, &few, &quiet).is_err());
    assert!(
        std::fs::read_dir(runs.path()).unwrap().next().is_none(),
        "nothing was begun"
    );
    assert!(
        dataset
            .object()
            .unwrap()
            .iter()
            .all(|value| *value == Complex32::new(1.0, 0.0))
    );
}
