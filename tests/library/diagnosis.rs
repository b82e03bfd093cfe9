//! Reports on datasets and runs: each fault is found where it is, and nowhere else.

use std::path::{Path, PathBuf};

use ndarray::Array3;
use ptycho_core::compute::DeviceChoice;
use ptycho_core::data::{Dataset, DatasetParts, Frames, Strictness};
use ptycho_core::disk;
use ptycho_core::error::Error;
use ptycho_core::fields::AutoReal;
use ptycho_core::iterative::IterativeSettings;
use ptycho_core::job::{Quiet, StopReason};
use ptycho_core::nn::{TrainSettings, TrainingHistory};
use ptycho_core::sim::ObjectContent;
use ptycho_core::study::diagnose::scenario::{
    Scenario, ScenarioOptions, raster_vs_random, scenario,
};
use ptycho_core::study::diagnose::{DiagnoseSettings, Report, Section, Verdict, beside, diagnose};
use ptycho_core::study::generate::{GenerateTask, generate};
use ptycho_core::study::run::{ReconstructTask, Source, reconstruct};
use ptycho_core::study::train::{TrainTask, train};
use serde_json::Value;

const N: usize = 64;

/// Training and test set of a phase object, whose light is the same everywhere.
fn sets(folder: &Path, guard_px: AutoReal) -> [PathBuf; 2] {
    let mut task = GenerateTask::default();
    task.scene.object.object_size = 4 * N;
    task.scene.object.object_content = ObjectContent::Phase;
    task.scene.probe.n = N;
    task.scene.scan.positions = 120;
    task.split.guard_px = guard_px;
    task.doses = vec![1e5];
    task.output = folder.join("sets");
    generate(&task, &Quiet::default()).unwrap();
    ["train", "test"].map(|half| task.dose_folder(1e5).join(format!("{half}.npz")))
}

fn good_set(folder: &Path) -> PathBuf {
    let [train, _] = sets(folder, AutoReal::Given(0.0));
    train
}

fn opened(file: &Path) -> Dataset {
    Dataset::open(file, Strictness::Strict).unwrap().dataset
}

/// The same set, bent.
fn bent(good: &Path, bend: impl FnOnce(&Dataset) -> DatasetParts) -> PathBuf {
    let file = good.with_file_name("bent.npz");
    Dataset::new(bend(&opened(good)))
        .unwrap()
        .save(&file)
        .unwrap();
    file
}

fn singles() -> DiagnoseSettings {
    DiagnoseSettings {
        gridsize: 1,
        ..DiagnoseSettings::default()
    }
}

fn pairs() -> DiagnoseSettings {
    DiagnoseSettings {
        gridsize: 2,
        ..DiagnoseSettings::default()
    }
}

fn look(subject: &Path, settings: &DiagnoseSettings) -> Report {
    diagnose(subject, settings, &Quiet::default()).unwrap()
}

fn verdicts(report: &Report) -> Vec<(&str, Verdict)> {
    let of = |section: &'_ Section| section.verdict;
    let sections = report.sections.iter();
    sections
        .map(|section| (section.key.as_str(), of(section)))
        .collect()
}

/// The only section that is bad, with its words; the report is as bad.
fn only_bad<'a>(report: &'a Report, key: &str) -> &'a Section {
    let bad: Vec<&str> = report
        .sections
        .iter()
        .filter(|section| section.verdict == Verdict::Bad)
        .map(|section| section.key.as_str())
        .collect();
    assert_eq!(bad, [key], "{}", report.markdown());
    assert_eq!(report.verdict, Verdict::Bad);
    report.section(key).unwrap()
}

#[test]
fn a_good_set_is_good_in_every_table() {
    let folder = tempfile::tempdir().unwrap();
    let report = look(&good_set(folder.path()), &singles());
    let expected: Vec<_> = [
        "contract",
        "metadata",
        "grouping",
        "canvas",
        "probe",
        "intensity",
        "photons",
    ]
    .map(|key| (key, Verdict::Good))
    .into();
    assert_eq!(verdicts(&report), expected, "{}", report.markdown());
    assert_eq!(report.verdict, Verdict::Good);
    let probe = &report.section("probe").unwrap().numbers;
    let power = probe["power"]["as_stored"].as_f64().unwrap();
    // Of an object of amplitude 1 every pattern holds the probe's power.
    assert!((probe["counts_over_power"]["as_stored"].as_f64().unwrap() - 1.0).abs() < 0.01);
    for scale in [1.0, 4.0, 10.0] {
        let of = |row: &str| probe[row][format!("probe_scale_{scale}")].as_f64().unwrap();
        assert!((of("power") * of("divisor").powi(2) / power - 1.0).abs() < 1e-9);
        assert!((of("object_amplitude") * of("power").sqrt() / 32.0 - 1.0).abs() < 1e-9);
        let legacy = 1e5f64.sqrt() / 32.0;
        assert!((of("intensity_scale") / legacy - 1.0).abs() < 0.02);
    }
    let intensity = &report.section("intensity").unwrap().numbers;
    let normalised = intensity["normalised"]["per_pattern"].as_f64().unwrap();
    assert!((normalised / 1024.0 - 1.0).abs() < 1e-6, "{normalised}");
    assert_eq!(intensity["whole_share"]["per_pattern"], 1.0);
}

#[test]
fn groups_that_cannot_be_formed_are_a_finding_and_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let good = good_set(folder.path());
    let file = bent(&good, |good| good.parts().select(&[0, 1, 2]));
    let report = look(&file, &pairs());
    let section = only_bad(&report, "grouping");
    assert!(
        section.words.contains("ridsize 2 forms no groups"),
        "{}",
        section.words
    );
    assert!(
        section.words.contains("5 positions at least"),
        "{}",
        section.words
    );
    assert_eq!(section.numbers["formed"], 0);
    // Nobody asked for groups of four: then it is worth a note.
    let report = look(&file, &DiagnoseSettings::default());
    assert_eq!(report.section("grouping").unwrap().verdict, Verdict::Note);
    // K below C is told as the setting that it is.
    let settings = DiagnoseSettings {
        neighbors: 3,
        ..pairs()
    };
    let report = look(&good, &settings);
    let words = &only_bad(&report, "grouping").words;
    assert!(words.contains("K of at least C = 4"), "{words}");
}

#[test]
fn offsets_and_indices_are_those_of_the_groups() {
    let folder = tempfile::tempdir().unwrap();
    let good = good_set(folder.path());
    let settings = DiagnoseSettings {
        groups: 1000,
        ..pairs()
    };
    let report = look(&good, &settings);
    let section = report.section("grouping").unwrap();
    assert_eq!(section.verdict, Verdict::Note);
    let numbers = &section.numbers;
    let m = opened(&good).n_patterns();
    assert_eq!(
        (&numbers["requested"], &numbers["formed"]),
        (&1000.into(), &m.into())
    );
    let of = |row: &str| numbers[row].as_f64().unwrap();
    let formed = ptycho_core::grouping::form_groups(
        opened(&good).positions_px(),
        &ptycho_core::grouping::GroupSettings {
            gridsize: 2,
            n_groups: 1000,
            seed: 0,
            ..ptycho_core::grouping::GroupSettings::default()
        },
    )
    .unwrap();
    for (axis, name) in [(0, "row"), (1, "column")] {
        let offsets: Vec<f64> = (0..m)
            .flat_map(|g| formed.groups.relative_px(g).to_vec())
            .map(|offset| offset[axis])
            .collect();
        let n = offsets.len() as f64;
        let least = offsets.iter().copied().fold(f64::MAX, f64::min);
        let greatest = offsets.iter().copied().fold(f64::MIN, f64::max);
        let squares = offsets.iter().map(|offset| offset * offset).sum::<f64>() / n;
        assert_eq!(of(&format!("offset_{name}_min_px")), least);
        assert_eq!(of(&format!("offset_{name}_max_px")), greatest);
        assert!(of(&format!("offset_{name}_mean_px")).abs() < 1e-9);
        assert!((of(&format!("offset_{name}_std_px")) - squares.sqrt()).abs() < 1e-9);
    }
    let index = formed.groups.index();
    assert_eq!(numbers["index_min"], *index.iter().min().unwrap());
    assert_eq!(numbers["index_max"], *index.iter().max().unwrap());
}

#[test]
fn a_canvas_that_is_too_small_is_told_with_the_share_that_it_loses() {
    let folder = tempfile::tempdir().unwrap();
    let good = good_set(folder.path());
    let settings = DiagnoseSettings {
        canvas: N,
        ..pairs()
    };
    let report = look(&good, &settings);
    let section = only_bad(&report, "canvas");
    let lost = section.numbers["lost_share"].as_f64().unwrap();
    assert!((0.01..0.9).contains(&lost), "{lost}");
    assert_eq!(section.numbers["holds"], false);
    let needed = &section.numbers["required_px"];
    assert!(
        section.words.contains(&format!("{needed} px are needed")),
        "{}",
        section.words
    );
    // One smaller than a pattern is no canvas.
    let settings = DiagnoseSettings {
        canvas: N - 2,
        ..pairs()
    };
    only_bad(&look(&good, &settings), "canvas");
}

#[test]
fn a_probe_of_another_power_is_found_with_and_without_a_truth() {
    let folder = tempfile::tempdir().unwrap();
    let good = good_set(folder.path());
    for has_truth in [true, false] {
        let file = bent(&good, |good| DatasetParts {
            probe: good.probe().mapv(|value| value * 1e3f32.sqrt()),
            object: good.object().cloned().filter(|_| has_truth),
            ..good.parts().clone()
        });
        let report = look(&file, &singles());
        let section = only_bad(&report, "probe");
        let row = if has_truth {
            "measured_over_expected"
        } else {
            "counts_over_power"
        };
        let ratio = section.numbers[row]["as_stored"].as_f64().unwrap();
        assert!((ratio * 1e3 - 1.0).abs() < 0.05, "{ratio}");
    }
    // As PtychoPINN's set_probe leaves it.
    let file = bent(&good, |good| {
        let divisor = ptycho_core::sim::probe::report(good.probe().view(), 4.0).unwrap();
        let factor = 1.0 / divisor.masked_mean_divisor as f32;
        DatasetParts {
            probe: good.probe().mapv(|value| value * factor),
            ..good.parts().clone()
        }
    });
    let report = look(&file, &singles());
    let words = &only_bad(&report, "probe").words;
    assert!(words.contains("probe_scale 4"), "{words}");
}

/// The same frames, each value through `of`, which also gets its place in the file.
fn reworked(good: &Dataset, of: impl Fn(usize, f32) -> f32) -> Frames {
    let (m, n) = (good.n_patterns(), good.n());
    let mut values = Array3::zeros((m, n, n));
    for (i, mut frame) in values.outer_iter_mut().enumerate() {
        let mut buffer = vec![0.0; n * n];
        good.frames().read(i, &mut buffer);
        for (at, (value, amplitude)) in frame.iter_mut().zip(&buffer).enumerate() {
            *value = of(i * n * n + at, *amplitude);
        }
    }
    Frames::from_array(values)
}

#[test]
fn amplitudes_that_are_no_roots_of_counts_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let good = good_set(folder.path());
    // No two by the same factor: nothing tells the counts that they came from.
    let uneven = |at: usize| 0.9 + 0.001 * (at % 199) as f32;
    let file = bent(&good, |good| DatasetParts {
        frames: reworked(good, |at, amplitude| uneven(at) * amplitude),
        ..good.parts().clone()
    });
    let report = look(&file, &singles());
    let section = report.section("intensity").unwrap();
    assert_eq!(section.verdict, Verdict::Note, "{}", section.words);
    assert!(
        section.words.contains("whole number of counts"),
        "{}",
        section.words
    );
    // Divided so that Σ A² is (n/2)², as PtychoPINN's input, the probe too.
    let factor = (N / 2) as f32 / opened(&file).mean_counts().sqrt() as f32;
    let file = bent(&good, |good| DatasetParts {
        frames: reworked(good, |at, amplitude| factor * uneven(at) * amplitude),
        probe: good.probe().mapv(|value| value * factor),
        metadata: ptycho_core::data::Metadata::default(),
        ..good.parts().clone()
    });
    let report = look(&file, &singles());
    let words = &only_bad(&report, "intensity").words;
    assert!(words.contains("normalised"), "{words}");
}

#[test]
fn a_file_of_another_dose_than_it_names_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let good = good_set(folder.path());
    let file = bent(&good, |good| {
        let mut parts = good.parts().clone();
        parts.metadata.photons_requested = Some(1e9);
        parts
    });
    let report = look(&file, &singles());
    let section = only_bad(&report, "photons");
    let ratio = section.numbers["in_file_over_requested"].as_f64().unwrap();
    assert!((ratio * 1e4 - 1.0).abs() < 0.02, "{ratio}");
}

#[test]
fn a_refused_file_has_a_contract_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken.npz");
    disk::write(&file, b"no archive").unwrap();
    let report = look(&file, &singles());
    assert_eq!(verdicts(&report), [("contract", Verdict::Bad)]);
    let error = diagnose(folder.path(), &singles(), &Quiet::default()).unwrap_err();
    assert!(error.to_string().contains("run folder"), "{error}");
}

fn train_small(folder: &Path, data: &Path) -> PathBuf {
    let task = TrainTask {
        train: data.to_path_buf(),
        validation: None,
        settings: TrainSettings {
            filters_scale: 1,
            groups: 16,
            batch_size: 4,
            epochs: 3,
            validation_fraction: 0.2,
            ..TrainSettings::default()
        },
        n_threads: 2,
        device: DeviceChoice::Cpu,
        output: folder.join("run"),
        resume: false,
        time_limit_s: None,
    };
    let outcome = train(&task, &Quiet::default()).unwrap();
    assert_eq!(outcome.reason, StopReason::Finished);
    task.output
}

fn read<T: serde::de::DeserializeOwned>(file: &Path) -> T {
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

#[test]
fn a_training_is_told_with_its_scale_and_its_first_number_that_is_not_finite() {
    let folder = tempfile::tempdir().unwrap();
    let data = good_set(folder.path());
    let run = train_small(folder.path(), &data);
    let report = look(&run, &DiagnoseSettings::default());
    let course = report.section("course").unwrap();
    assert_ne!(course.verdict, Verdict::Bad, "{}", course.words);
    assert_eq!(course.numbers["epochs_done"], 3);
    assert_eq!(course.numbers["first_non_finite_step"], Value::Null);
    let intensity = &report.section("intensity").unwrap().numbers;
    let [recorded, anew] =
        ["recorded", "found_anew"].map(|row| intensity[row]["amplitude_factor"].as_f64().unwrap());
    assert!((recorded / anew - 1.0).abs() < 1e-9);
    let predicted = intensity["predicted"]["per_pattern"].as_f64().unwrap();
    assert!(predicted.is_finite() && 0.0 < predicted);
    let bias = report.section("bias").unwrap();
    let factor = bias.numbers["least_squares_factor"]["amplitude"].as_f64();
    assert!(factor.is_some_and(|factor| 0.0 < factor), "{}", bias.words);
    assert_eq!(
        report.section("settings").unwrap().numbers["settings.batch_size"],
        4
    );

    // 13 of 16 groups train: 4 steps an epoch, so the sixth is in the second.
    let file = run.join("history.json");
    let mut history: TrainingHistory = read(&file);
    history.steps[5].gradient_norm = None;
    disk::write_json(&file, &history).unwrap();
    let report = look(&run, &DiagnoseSettings::default());
    let course = report.section("course").unwrap();
    assert_eq!(course.verdict, Verdict::Bad);
    assert_eq!(course.numbers["first_non_finite_epoch"], 2);
    assert_eq!(course.numbers["first_non_finite_step"], 6);
    assert!(course.words.contains("epoch 2, step 6"), "{}", course.words);

    // An epoch before that counts first, and a flat image at the end is a collapse.
    history.epochs[0].validation = None;
    history.epochs[2].collapsed = true;
    disk::write_json(&file, &history).unwrap();
    let report = look(&run, &DiagnoseSettings::default());
    let course = report.section("course").unwrap();
    assert_eq!(course.numbers["first_non_finite_epoch"], 1);
    assert_eq!(course.numbers["first_non_finite_step"], Value::Null);
    assert!(
        course
            .words
            .contains("collapsed to a flat image, first in epoch 3")
    );

    // Other data than those of the training say nothing of it.
    let other = opened(&data).select(&[0, 1, 2, 3, 4, 5]).unwrap();
    other.save(&data).unwrap();
    let report = look(&run, &DiagnoseSettings::default());
    let contract = report.section("contract").unwrap();
    assert!(
        contract.words.contains("have changed since the run"),
        "{}",
        contract.words
    );
    assert!(report.section("intensity").is_none());
    disk::write(&file, b"[").unwrap();
    let report = look(&run, &DiagnoseSettings::default());
    assert_eq!(report.section("course").unwrap().verdict, Verdict::Bad);
}

#[test]
fn an_iterative_run_predicts_its_data_and_stands_beside_a_training() {
    let folder = tempfile::tempdir().unwrap();
    let data = good_set(folder.path());
    let task = ReconstructTask {
        source: Source::File(data.clone()),
        settings: IterativeSettings {
            epochs: 12,
            batch_size: 10,
            ..IterativeSettings::default()
        },
        n_threads: 2,
        runs: folder.path().join("runs"),
        ..ReconstructTask::default()
    };
    let dataset = std::sync::Arc::new(opened(&data));
    let outcome = reconstruct(&task, dataset, &Quiet::default()).unwrap();
    let report = look(&outcome.run_folder, &singles());
    let course = report.section("course").unwrap();
    assert_eq!(course.verdict, Verdict::Good, "{}", course.words);
    let intensity = &report.section("intensity").unwrap().numbers;
    let ratio = intensity["predicted_over_measured"]["per_pattern"]
        .as_f64()
        .unwrap();
    assert!((ratio - 1.0).abs() < 0.1, "{ratio}");
    assert!(report.section("bias").is_some());
    // Its result names the data too.
    let of_result = look(&outcome.run_folder.join("result.npz"), &singles());
    assert_eq!(
        of_result.section("intensity").unwrap().numbers,
        report.section("intensity").unwrap().numbers
    );

    let run = train_small(folder.path(), &data);
    let pair = beside(&outcome.run_folder, &run, &singles(), &Quiet::default()).unwrap();
    let course = pair.section("course").unwrap();
    assert_eq!(
        course.columns,
        ["quantity", "first", "second", "difference"]
    );
    assert_eq!(course.numbers["epochs_done"]["first"], 12);
    assert_eq!(course.numbers["epochs_done"]["second"], 3);
    assert_eq!(course.numbers["epochs_done"]["difference"], true);
    // The same data.
    let photons = pair.section("photons").unwrap();
    assert_eq!(photons.verdict, Verdict::Good, "{}", photons.words);
}

#[test]
fn markdown_and_json_hold_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let good = good_set(folder.path());
    let report = look(&good, &DiagnoseSettings::default());
    let [markdown, json] =
        ["md", "json"].map(|ending| folder.path().join(format!("report.{ending}")));
    report.save(&markdown).unwrap();
    report.save(&json).unwrap();
    let markdown = std::fs::read_to_string(markdown).unwrap();
    let json: Value = read(&json);
    let mut lines = markdown.lines();
    let mut expect = |text: String| {
        assert!(lines.any(|line| line == text), "{text}\n\n{markdown}");
    };
    for section in json["sections"].as_array().unwrap() {
        let text = |key: &str| section[key].as_str().unwrap().to_owned();
        expect(format!("## {}", text("title")));
        let icon = match section["verdict"].as_str().unwrap() {
            "good" => "✔",
            "note" => "⚠",
            _ => "✖",
        };
        expect(format!("{icon} **{}**: {}", text("verdict"), text("words")));
        let n_columns = section["columns"].as_array().unwrap().len();
        for row in section["rows"].as_array().unwrap() {
            let cells: Vec<&str> = row
                .as_array()
                .unwrap()
                .iter()
                .map(|cell| cell.as_str().unwrap())
                .collect();
            assert_eq!(cells.len(), n_columns);
            let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
            expect(format!("| {} |", cells.join(" | ")));
        }
        let n_rows = section["rows"].as_array().unwrap().len();
        assert_eq!(section["numbers"].as_object().unwrap().len(), n_rows);
    }
    let error = report.save(&folder.path().join("report.csv")).unwrap_err();
    assert!(matches!(error, Error::Invalid(_)), "{error}");
}

#[test]
fn halves_of_a_scan_leak_where_no_guard_band_parts_them() {
    let folder = tempfile::tempdir().unwrap();
    for (guard_px, name, leaks) in [
        (AutoReal::Given(0.0), "near", true),
        (AutoReal::Auto, "apart", false),
    ] {
        let [train, test] = sets(&folder.path().join(name), guard_px);
        let report = beside(&train, &test, &singles(), &Quiet::default()).unwrap();
        let leak = report.section("leak").unwrap();
        assert_eq!(leak.verdict == Verdict::Note, leaks, "{}", leak.words);
        assert_eq!(leak.numbers["n_shared_px"] != 0, leaks);
        let same = &report.section("metadata").unwrap().numbers["seed_simulation"];
        assert_eq!(same["difference"], Value::Null);
    }
}

#[test]
fn a_raster_beside_a_random_scan_differs_by_the_scan_alone() {
    let options = ScenarioOptions::default();
    let settings = DiagnoseSettings::default();
    let report = raster_vs_random(&settings, &options, &Quiet::default()).unwrap();
    let metadata = &report.section("metadata").unwrap().numbers;
    assert_eq!(metadata["flag_scan"]["first"], "raster");
    // The default stands in no command line.
    assert_eq!(metadata["flag_scan"]["second"], Value::Null);
    let differing: Vec<&String> = metadata
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, row)| row["difference"] == true)
        .map(|(key, _)| key)
        .collect();
    assert!(
        differing.contains(&&"flag_scan".to_owned()),
        "{differing:?}"
    );
    assert!(
        differing.iter().all(|key| !key.starts_with("seed")),
        "{differing:?}"
    );
    let contract = report.section("contract").unwrap();
    assert_eq!(
        contract.numbers["probeGuess.found"]["difference"],
        Value::Null
    );
    let probe = &report.section("probe").unwrap().numbers;
    // The same probe but for the factor of the dose.
    assert_eq!(probe["fwhm_px.as_stored"]["difference"], Value::Null);
    assert!(report.section("leak").is_some());
}

#[test]
fn a_scenario_names_the_first_stage_that_fails_and_hears_of_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    let good = good_set(folder.path());
    let file = bent(&good, |good| good.parts().select(&[0, 1, 2]));
    let options = ScenarioOptions {
        data: Some(file),
        ..ScenarioOptions::default()
    };
    let outcome = scenario(Scenario::Gs2Ideal, &options, &Quiet::default()).unwrap();
    assert!(!outcome.passes);
    assert_eq!(outcome.failed_stage, Some("validate"));
    assert_eq!(outcome.stages.len(), 2);
    let cause = outcome.cause.clone().unwrap();
    assert!(cause.contains("ridsize 2 forms no groups"), "{cause}");
    let section = outcome.section();
    assert_eq!(section.verdict, Verdict::Bad);
    assert!(
        section.words.starts_with("FAIL in the stage validate"),
        "{}",
        section.words
    );

    let stopped = Quiet::default();
    stopped.0.request();
    let error = scenario(Scenario::Gs1Ideal, &ScenarioOptions::default(), &stopped).unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error}");
}
