//! The five stages, their files and manifests.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ndarray::{Array2, Array3, s};
use num_complex::Complex32;
use ptycho_core::Error;
use ptycho_core::data::inspect::inspect_full;
use ptycho_core::data::{Dataset, DatasetParts, Frames, Severity, Strictness, Verdict};
use ptycho_core::fields::AutoReal;
use ptycho_core::forward::Subpixel;
use ptycho_core::iterative::{EngineKind, Iterative, IterativeSettings};
use ptycho_core::job::{DriveOptions, Monitor, Progress, Quiet, Stop, drive};
use ptycho_core::patches;
use ptycho_core::sim::leak::{leak, support};
use ptycho_core::sim::noise::noise_seed;
use ptycho_core::sim::stages::{
    Design, Half, SplitDesign, probe_factor, split_rows, validate, with_patches,
};
use ptycho_core::sim::{AmplitudeScale, Outside, SplitAxis, SplitSettings};
use ptycho_core::study::generate::{
    GenerateOutcome, GenerateSnapshot, GenerateTask, Preset, RunManifest, Stage, StageState,
    generate, plan,
};

/// Patterns of 32 px over an object of 96 px: a fraction of a second.
fn small(output: &Path) -> GenerateTask {
    let mut task = Preset::named("dose-sweep").unwrap().task();
    task.scene.object.object_size = 96;
    task.scene.probe.n = 32;
    task.scene.scan.positions = 60;
    task.doses = vec![1e3, 1e4];
    task.output = output.to_path_buf();
    task.n_threads = 2;
    task
}

fn run(task: &GenerateTask) -> GenerateOutcome {
    generate(task, &Quiet::default()).unwrap()
}

fn open(file: impl AsRef<Path>) -> Dataset {
    Dataset::open(file.as_ref(), Strictness::Strict)
        .unwrap()
        .dataset
}

/// Every file under a folder with its bytes, sorted.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(contents(&path));
        } else {
            files.push((path.clone(), std::fs::read(&path).unwrap()));
        }
    }
    files.sort();
    files
}

fn bytes_of_dose(folder: &Path, dose: &str) -> Vec<Vec<u8>> {
    let files = contents(&folder.join(dose));
    assert_eq!(files.len(), 2, "train and test");
    files.into_iter().map(|(_, bytes)| bytes).collect()
}

#[test]
fn the_same_study_gives_the_same_bytes_on_one_and_two_threads_and_beside_any_dose() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b, c] = ["a", "b", "c"].map(|name| folder.path().join(name));
    let first = run(&small(&a));
    run(&GenerateTask {
        n_threads: 1,
        ..small(&b)
    });
    run(&GenerateTask {
        doses: vec![1e4],
        ..small(&c)
    });
    for dose in ["dose_1000", "dose_10000"] {
        assert_eq!(bytes_of_dose(&a, dose), bytes_of_dose(&b, dose), "{dose}");
    }
    let alone = bytes_of_dose(&c, "dose_10000");
    assert_eq!(bytes_of_dose(&a, "dose_10000"), alone);
    for dose in &first.doses {
        for file in &dose.files {
            assert_eq!(open(&file.path).content_sha256(), file.sha256);
        }
    }
    assert_ne!(noise_seed(42, 1e3), noise_seed(42, 1e4));
}

#[test]
fn photons_are_those_asked_for_and_probes_of_two_doses_differ_by_the_root() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = run(&small(folder.path()));
    let n_patterns = 60.0;
    let mut probes = Vec::new();
    for (dose, name) in outcome.doses.iter().zip(["dose_1000", "dose_10000"]) {
        let photons = dose.photons_requested;
        let sigma = (photons / n_patterns).sqrt();
        assert!((dose.photons_measured - photons).abs() < 4.0 * sigma);
        let [train, test] = ["train", "test"]
            .map(|half| open(folder.path().join(name).join(format!("{half}.npz"))));
        let n_both = (train.n_patterns() + test.n_patterns()) as f64;
        let both = train.mean_counts() * train.n_patterns() as f64
            + test.mean_counts() * test.n_patterns() as f64;
        assert_eq!(n_both, n_patterns);
        assert!((both / n_both / dose.photons_measured - 1.0).abs() < 1e-9);
        let metadata = train.metadata();
        assert_eq!(metadata.photons_requested, Some(photons));
        assert_eq!(metadata.photons_measured, test.metadata().photons_measured);
        assert_eq!(metadata.seeds["simulation"], 42);
        assert_eq!(metadata.seeds["noise"], noise_seed(42, photons));
        assert!(
            metadata.command.contains("--doses 1000"),
            "{}",
            metadata.command
        );
        probes.push(train.probe().clone());
    }
    let ratio = probes[1][[0, 16, 16]].norm() / probes[0][[0, 16, 16]].norm();
    assert!((f64::from(ratio) - 10f64.sqrt()).abs() < 1e-5);
    assert_eq!(probe_factor(&[1.0, 3.0], 8.0).unwrap(), 2.0);
    assert!(probe_factor(&[0.0], 1.0).is_err() && probe_factor(&[1.0], f64::NAN).is_err());
}

#[test]
fn y_is_the_patch_of_the_object_at_the_patterns_own_position() {
    for subpixel in [Subpixel::Fourier, Subpixel::Bilinear] {
        let folder = tempfile::tempdir().unwrap();
        let mut task = small(folder.path());
        task.doses = vec![1e4];
        task.simulation.subpixel = subpixel;
        // The bilinear patch needs a pixel more.
        task.scene.scan.buffer_px = AutoReal::Given(18.0);
        run(&task);
        for half in ["train", "test"] {
            let dataset = open(folder.path().join(format!("dose_10000/{half}.npz")));
            let object = dataset.object().unwrap();
            let patches = dataset.parts().patches.clone().unwrap();
            let mut found = vec![Complex32::default(); 32 * 32];
            for (i, position) in dataset.positions_px().iter().enumerate() {
                patches.read(i, &mut found);
                let found = Array2::from_shape_vec((32, 32), found.clone()).unwrap();
                let mut expected = Array2::zeros((32, 32));
                if subpixel == Subpixel::Fourier {
                    let [row, column] = position.map(|c| c.round_ties_even() as usize - 16);
                    expected.assign(&object.slice(s![row..row + 32, column..column + 32]));
                } else {
                    patches::cut_bilinear(object.view(), *position, expected.view_mut());
                }
                assert_eq!(found, expected, "{half} {i}");
            }
        }
    }
}

fn scattered(n: usize) -> Vec<[f64; 2]> {
    (0..n)
        .map(|i| {
            let turn = |step: f64| (i as f64 * step).fract() * 120.0 + 20.0;
            [turn(0.618_034), turn(0.754_878)]
        })
        .collect()
}

fn disk_probe() -> Array3<Complex32> {
    Array3::from_shape_fn((1, 32, 32), |(_, y, x)| {
        let r2 = (y as f32 - 16.0).powi(2) + (x as f32 - 16.0).powi(2);
        Complex32::from(if r2 < 49.0 { 1.0 } else { 0.0 })
    })
}

#[test]
fn the_least_guard_band_has_no_leak_and_one_pixel_less_has_one() {
    let positions = scattered(200);
    let (probe, shape) = (disk_probe(), [160, 160]);
    for split_axis in [SplitAxis::Y, SplitAxis::X] {
        let settings = |guard_px| SplitSettings {
            split_axis,
            guard_px,
            ..SplitSettings::default()
        };
        let split = |guard_px| split_rows(&positions, probe.view(), shape, &settings(guard_px));
        let auto = split(AutoReal::Auto).unwrap();
        assert_eq!(auto.leak.n_shared_px, 0);
        assert!((5.0..=15.0).contains(&auto.guard_px), "{}", auto.guard_px);
        let less = split(AutoReal::Given(auto.guard_px - 1.0)).unwrap();
        assert!(less.leak.n_shared_px > 0, "one pixel less leaks");
        let none = split(AutoReal::Given(0.0)).unwrap();
        assert!(none.guarded.is_empty() && none.leak.percent() > less.leak.percent());

        let axis = split_axis.index();
        let coordinate = |row: &usize| positions[*row][axis] - auto.middle_px;
        assert!(
            auto.train
                .iter()
                .all(|row| coordinate(row) <= -auto.guard_px / 2.0)
        );
        assert!(
            auto.test
                .iter()
                .all(|row| auto.guard_px / 2.0 <= coordinate(row))
        );
        let mut all = [auto.train.clone(), auto.test.clone(), auto.guarded.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..200).collect::<Vec<_>>(), "every pattern once");
        // The leak as reported is that of the rows as told apart.
        let at = |rows: &[usize]| rows.iter().map(|row| positions[*row]).collect::<Vec<_>>();
        let support = support(probe.view());
        assert_eq!(
            less.leak,
            leak(&support, &at(&less.train), &at(&less.test), shape)
        );
    }
}

#[test]
fn a_guard_band_that_leaves_no_test_point_says_which_would() {
    let settings = |guard_px| SplitSettings {
        guard_px: AutoReal::Given(guard_px),
        ..SplitSettings::default()
    };
    let positions = scattered(50);
    let split = |guard_px| {
        split_rows(
            &positions,
            disk_probe().view(),
            [160, 160],
            &settings(guard_px),
        )
    };
    let error = split(500.0).unwrap_err().to_string();
    assert!(
        error.contains("guard-px") && error.contains("no pattern in either half"),
        "{error}"
    );
    let fix = error.split("give --guard-px ").nth(1).unwrap();
    let most: f64 = fix.split(' ').next().unwrap().parse().unwrap();
    let rows = split(most).unwrap();
    assert!(!rows.test.is_empty() && !rows.train.is_empty());
    assert!(split(most + 1.0).is_err(), "and {most} is the widest");
    let one = split_rows(
        &[[50.0, 50.0]; 3],
        disk_probe().view(),
        [160, 160],
        &settings(0.0),
    );
    assert!(one.unwrap_err().to_string().contains("split-axis"));
}

#[test]
fn a_second_scan_is_the_test_set_and_its_leak_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut task = small(folder.path());
    task.scene.scan.positions = 400;
    task.split.test_positions = 40;
    task.split.test_seed = 2;
    task.doses = vec![1e4];
    let planned = plan(&task).unwrap();
    assert!(
        planned
            .warnings
            .iter()
            .any(|words| words.contains("second scan"))
    );
    let outcome = run(&task);
    assert!(
        outcome.doses[0].leak_percent > 95.0,
        "{}",
        outcome.doses[0].leak_percent
    );
    let [train, test] =
        ["train", "test"].map(|half| open(folder.path().join(format!("dose_10000/{half}.npz"))));
    assert_eq!([train.n_patterns(), test.n_patterns()], [400, 40]);
    assert_eq!(train.probe(), test.probe(), "one beam");
    assert_eq!(train.object(), test.object());
    assert_ne!(
        train.metadata().seeds["noise"],
        test.metadata().seeds["noise"]
    );
    // Another seed moves the second scan alone.
    let before = contents(&folder.path().join("dose_10000"));
    task.split.test_seed = 3;
    run(&task);
    let after = open(folder.path().join("dose_10000/train.npz"));
    assert_eq!(after.content_sha256(), train.content_sha256());
    assert_ne!(contents(&folder.path().join("dose_10000")), before);
}

#[test]
fn what_has_not_changed_is_not_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let task = small(folder.path());
    run(&task);
    let modified = |dose: &str| {
        let file = folder.path().join(dose).join("train.npz");
        std::fs::metadata(file).unwrap().modified().unwrap()
    };
    let before = ["dose_1000", "dose_10000"].map(modified);
    let planned = plan(&task).unwrap();
    assert!(
        planned
            .doses
            .iter()
            .all(|dose| dose.stages.is_empty() && !dose.is_stale)
    );
    assert_eq!(planned.bytes, 0);
    let seen = Seen::default();
    generate(&task, &seen).unwrap();
    assert_eq!(["dose_1000", "dose_10000"].map(modified), before);
    let last = seen.snapshots.lock().unwrap().pop().unwrap();
    let is_unchanged = |state: &StageState| {
        matches!(
            state,
            StageState::Done {
                is_unchanged: true,
                ..
            }
        )
    };
    assert!(
        last.doses
            .iter()
            .all(|(_, stages)| stages.iter().all(is_unchanged))
    );

    // Another dose is made beside them; a damaged file is made again.
    let more = GenerateTask {
        doses: vec![1e3, 2e4, 1e4],
        ..task.clone()
    };
    run(&more);
    assert_eq!(["dose_1000", "dose_10000"].map(modified), before);
    let file = folder.path().join("dose_1000/train.npz");
    let good = std::fs::read(&file).unwrap();
    let mut bad = good.clone();
    let directory = bad
        .windows(4)
        .rposition(|four| four == b"PK\x01\x02")
        .unwrap();
    bad[directory + 16] ^= 1;
    ptycho_core::disk::write(&file, &bad).unwrap();
    assert!(plan(&more).unwrap().doses[0].is_stale);
    run(&more);
    assert_eq!(std::fs::read(&file).unwrap(), good);
    assert_eq!(modified("dose_10000"), before[1]);

    // With another object all doses of the task are stale, and so is the one that is left alone.
    let mut other = task.clone();
    other.simulation.seed = 7;
    assert!(
        plan(&other)
            .unwrap()
            .doses
            .iter()
            .all(|dose| dose.is_stale && dose.stages.len() == 5)
    );
    run(&other);
    let manifest = RunManifest::read(&RunManifest::file_in(folder.path())).unwrap();
    let stale: Vec<bool> = manifest.doses.iter().map(|dose| dose.is_stale).collect();
    assert_eq!(stale, [false, false, true]);
    let log = std::fs::read_to_string(folder.path().join("dataset_generation.log")).unwrap();
    let n = |event: &str| log.matches(&format!("\"event\":\"{event}\"")).count();
    assert_eq!([n("unchanged"), n("made")], [6, 6], "{log}");
}

#[test]
fn kept_results_save_the_stages_before_a_change() {
    let folder = tempfile::tempdir().unwrap();
    let [kept, plain] = ["kept", "plain"].map(|name| folder.path().join(name));
    let mut task = small(&kept);
    task.doses = vec![1e4];
    task.simulation.keep_intermediates = true;
    run(&task);
    let third = kept.join("dose_10000/stages/3_patches.npz");
    assert_eq!(open(&third).n_patterns(), 60);
    let before = std::fs::metadata(&third).unwrap().modified().unwrap();
    task.split.guard_px = AutoReal::Given(6.0);
    let planned = plan(&task).unwrap();
    assert_eq!(planned.doses[0].stages, [Stage::Split, Stage::Validate]);
    run(&task);
    assert_eq!(
        std::fs::metadata(&third).unwrap().modified().unwrap(),
        before
    );
    let straight = GenerateTask {
        output: plain.clone(),
        ..task.clone()
    };
    run(&straight);
    for half in ["train.npz", "test.npz"] {
        let [a, b] = [&kept, &plain]
            .map(|folder| std::fs::read(folder.join("dose_10000").join(half)).unwrap());
        assert!(a == b, "{half} by a kept result and straight");
    }
    assert!(plan(&task).unwrap().doses[0].stages.is_empty());
}

/// A monitor that keeps what it is shown and asks to stop after some calls.
#[derive(Default)]
struct Seen {
    stop: Stop,
    n_calls: AtomicUsize,
    stops_after: Option<usize>,
    snapshots: Mutex<Vec<GenerateSnapshot>>,
}

impl Monitor<GenerateSnapshot> for Seen {
    fn stop(&self) -> &Stop {
        &self.stop
    }
    fn progress(&self, progress: Progress) {
        assert!((0.0..=1.0).contains(&progress.share()));
        let n = self.n_calls.fetch_add(1, Ordering::Relaxed);
        if self.stops_after.is_some_and(|most| most <= n) {
            self.stop.request();
        }
    }
    fn snapshot(&self, snapshot: GenerateSnapshot) {
        self.snapshots.lock().unwrap().push(snapshot);
    }
}

#[test]
fn a_stop_at_any_moment_leaves_nothing_half_written() {
    let mut n_stopped = 0;
    for stops_after in [0, 1, 2, 3, 4, 6, 8] {
        let folder = tempfile::tempdir().unwrap();
        let mut task = small(folder.path());
        task.doses = vec![1e4];
        task.split.guard_px = AutoReal::Given(4.0);
        let seen = Seen {
            stops_after: Some(stops_after),
            ..Seen::default()
        };
        let outcome = generate(&task, &seen);
        let names: Vec<String> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert!(names.iter().all(|name| !name.contains("tmp")), "{names:?}");
        for dose in names.iter().filter(|name| name.starts_with("dose_")) {
            for half in ["train", "test"] {
                open(folder.path().join(dose).join(format!("{half}.npz")));
            }
        }
        if outcome.is_ok() {
            continue;
        }
        assert!(matches!(outcome, Err(Error::Cancelled)));
        n_stopped += 1;
        let failed = |(_, stages): &(f64, [StageState; 5])| {
            stages
                .iter()
                .any(|state| matches!(state, StageState::Failed(_)))
        };
        let last = seen.snapshots.lock().unwrap().pop();
        assert!(last.is_none_or(|last| last.doses.iter().any(failed)));
        if stops_after == 3 {
            // What was stopped can be made after all.
            run(&task);
        }
    }
    assert!(n_stopped > 4, "stopped at {n_stopped} moments");
}

fn check_refused(words: &[&str], change: impl FnOnce(&mut GenerateTask)) {
    let folder = tempfile::tempdir().unwrap();
    let mut task = small(&folder.path().join("out"));
    change(&mut task);
    let error = generate(&task, &Quiet::default()).unwrap_err();
    assert!(matches!(error, Error::Invalid(_)), "{error}");
    let message = error.to_string();
    for word in words {
        assert!(message.contains(word), "{word} in {message}");
    }
    assert!(
        !folder.path().join("out").exists(),
        "nothing was written: {message}"
    );
    assert_eq!(plan(&task).unwrap_err().to_string(), message);
}

#[test]
fn wrong_inputs_are_refused_before_anything_is_written() {
    check_refused(&["positions", "found 0"], |task| {
        task.scene.scan.positions = 0;
    });
    check_refused(&["32"], |task| task.scene.object.object_size = 20);
    check_refused(&["doses", "-5"], |task| task.doses = vec![1e3, -5.0]);
    check_refused(&["doses", "NaN"], |task| task.doses = vec![f64::NAN]);
    check_refused(&["doses", "0"], |task| task.doses = vec![0.0]);
    check_refused(&["doses", "none"], |task| task.doses.clear());
    check_refused(&["doses", "dose_1000"], |task| {
        task.doses = vec![1000.0, 1000.4];
    });
    check_refused(&["guard-px", "no pattern"], |task| {
        task.split.guard_px = AutoReal::Given(90.0);
    });
    check_refused(&["outside", "--outside grow"], |task| {
        task.scene.scan.buffer_px = AutoReal::Given(0.0);
    });
}

#[test]
fn an_object_grows_where_that_is_asked_for_and_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut task = small(folder.path());
    task.doses = vec![1e4];
    task.scene.scan.buffer_px = AutoReal::Given(4.0);
    task.simulation.outside = Outside::Grow;
    assert!(plan(&task).unwrap().n_outside > 0);
    run(&task);
    let dataset = open(folder.path().join("dose_10000/train.npz"));
    assert!(dataset.object_shape()[0] > 96);
    let summary = std::fs::read_to_string(folder.path().join("summary.md")).unwrap();
    assert!(
        summary.contains("patches left the object, which grew by"),
        "{summary}"
    );
}

#[test]
fn files_of_unknown_origin_are_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let task = small(folder.path());
    let own = folder.path().join("dose_1000/train.npz");
    ptycho_core::disk::write(&own, b"precious").unwrap();
    let error = generate(&task, &Quiet::default()).unwrap_err().to_string();
    assert!(
        error.contains("train.npz") && error.contains("give another -o"),
        "{error}"
    );
    assert_eq!(std::fs::read(&own).unwrap(), b"precious");
    assert!(!folder.path().join("dose_10000").exists());
}

#[test]
fn a_dose_normalised_set_is_marked_and_opens_as_counts() {
    let folder = tempfile::tempdir().unwrap();
    let mut task = small(folder.path());
    // So many photons that the values themselves do not tell the factor.
    task.doses = vec![1e9, 1e4];
    task.simulation.amplitude = AmplitudeScale::DoseNormalised;
    let outcome = run(&task);
    let mut means = Vec::new();
    for dose in &outcome.doses {
        let file = &dose.files[0].path;
        let inspection = inspect_full(file, &Quiet::default()).unwrap();
        assert_eq!(inspection.verdict, Verdict::Repairable);
        assert!(
            inspection.repairs()[0].contains("marked as divided by"),
            "{:?}",
            inspection.repairs()
        );
        let opened = Dataset::open(file, Strictness::Repair).unwrap().dataset;
        let ratio = opened.mean_counts() / dose.photons_requested;
        assert!((0.8..1.25).contains(&ratio), "half of the scan: {ratio}");
        assert_eq!(opened.metadata().amplitude.as_deref(), Some("sqrt_counts"));
        let power: f64 = opened.probe().iter().map(|z| f64::from(z.norm_sqr())).sum();
        assert!(
            (0.2..5.0).contains(&(power / dose.photons_requested)),
            "{power}"
        );
        let judged = validate(file, &Design::default(), &Quiet::default()).unwrap();
        assert_eq!(judged.verdict, Verdict::Ok, "{:?}", judged.findings);
        let raw = ptycho_core::data::Archive::open(file)
            .unwrap()
            .array_f64("diffraction")
            .unwrap();
        means.push(raw.mapv(|value| value * value).mean().unwrap());
    }
    assert!(
        (means[0] / means[1] - 1.0).abs() < 0.05,
        "hardly depends on the dose"
    );
}

#[test]
fn the_validator_refuses_what_breaks_the_design() {
    let folder = tempfile::tempdir().unwrap();
    let mut task = small(folder.path());
    task.doses = vec![1e4];
    task.split.guard_px = AutoReal::Given(6.0);
    run(&task);
    let [train, test] =
        ["train", "test"].map(|half| folder.path().join(format!("dose_10000/{half}.npz")));
    let manifest = RunManifest::read(&RunManifest::file_in(folder.path())).unwrap();
    let split = manifest.doses[0].split.design;
    let judge = |file: &Path, design: &Design<'_>| {
        let judged = validate(file, design, &Quiet::default()).unwrap();
        let refused = judged
            .findings
            .iter()
            .filter(|f| f.severity == Severity::Refused);
        let rules: Vec<String> = refused.map(|f| f.rule.clone()).collect();
        assert_eq!(judged.verdict == Verdict::Refused, !rules.is_empty());
        rules
    };
    let good = Design {
        half: Some(Half::Train),
        other: Some(&test),
        split,
        gridsize: 2,
        neighbors: Some(7),
        ..Design::default()
    };
    assert!(judge(&train, &good).is_empty());
    assert_eq!(
        judge(
            &train,
            &Design {
                half: Some(Half::Test),
                ..good.clone()
            }
        ),
        ["SPLIT-001"]
    );
    assert_eq!(
        judge(
            &train,
            &Design {
                other: Some(&train),
                ..good.clone()
            }
        ),
        ["SPLIT-002"]
    );
    let wide = split.map(|split| SplitDesign {
        guard_px: 20.0,
        ..split
    });
    assert_eq!(
        judge(
            &train,
            &Design {
                split: wide,
                ..good.clone()
            }
        ),
        ["SPLIT-001"]
    );
    for neighbors in [None, Some(3)] {
        assert_eq!(
            judge(
                &train,
                &Design {
                    neighbors,
                    ..good.clone()
                }
            ),
            ["OVERSAMPLING-001"]
        );
    }
    let bare = folder.path().join("bare.npz");
    let dataset = open(&train);
    let parts = dataset.parts().clone();
    Dataset::new(DatasetParts {
        object: None,
        patches: None,
        ..parts
    })
    .unwrap()
    .save(&bare)
    .unwrap();
    let judged = validate(&bare, &Design::default(), &Quiet::default()).unwrap();
    let sentence = judged.refusal().unwrap();
    assert!(
        sentence.contains("Missing required NPZ keys: objectGuess"),
        "{sentence}"
    );
}

#[test]
fn presets_are_those_of_the_studies() {
    let sweep = Preset::named("dose-sweep").unwrap().task();
    assert_eq!(sweep.doses, [1e3, 1e4, 1e5]);
    assert_eq!(
        (sweep.scene.probe.n, sweep.scene.scan.positions),
        (128, 10_304)
    );
    assert_eq!(
        (sweep.scene.object.object_size, sweep.simulation.seed),
        (464, 42)
    );
    let response = Preset::named("dose-response").unwrap().task();
    assert_eq!(response.doses, [1e9, 1e4]);
    assert_eq!(
        (response.split.test_positions, response.split.test_seed),
        (128, 2)
    );
    assert_eq!(
        (response.scene.probe.n, response.scene.object.object_size),
        (64, 192)
    );
    assert!(Preset::named("none").is_none());
}

#[test]
fn patches_need_an_object() {
    let frames = Frames::from_array(Array3::ones((1, 32, 32)));
    let parts = DatasetParts::required(frames, vec![[20.0, 20.0]], disk_probe());
    let dataset = Dataset::new(parts).unwrap();
    assert!(with_patches(&dataset, Subpixel::Fourier).is_err());
}

/// Pearson's correlation.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let sum = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
        a.iter()
            .zip(b)
            .map(|(a, b)| f(a - mean_a, b - mean_b))
            .sum()
    };
    sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt()
}

#[test]
fn a_generated_set_reconstructs_to_its_object() {
    let folder = tempfile::tempdir().unwrap();
    let mut task = small(folder.path());
    task.scene.object.object_size = 128;
    task.scene.scan.positions = 500;
    task.doses = vec![1e6];
    run(&task);
    let dataset = std::sync::Arc::new(open(folder.path().join("dose_1000000/train.npz")));
    let settings = IterativeSettings {
        epochs: 60,
        batch_size: 50,
        ..IterativeSettings::default()
    };
    let mut engine = Iterative::new(EngineKind::Lsqml, dataset.clone(), settings, 2).unwrap();
    drive(&mut engine, &DriveOptions::default(), &Quiet::default()).unwrap();
    let found = engine.reconstruction().object;
    let truth = dataset.object().unwrap();
    let support = support(dataset.probe().view());
    let seen =
        ptycho_core::sim::leak::seen(&support, dataset.positions_px(), dataset.object_shape());
    let pixels = || {
        seen.indexed_iter()
            .filter(|(_, is_seen)| **is_seen)
            .map(|(at, _)| at)
    };
    let amplitude = |of: &Array2<Complex32>| -> Vec<f64> {
        pixels().map(|at| f64::from(of[at].norm())).collect()
    };
    let alike = correlation(&amplitude(&found), &amplitude(truth));
    assert!(alike > 0.95, "amplitudes correlate by {alike}");
}
