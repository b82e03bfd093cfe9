//! Comparison: files read and refused, shifts and factors found, what is exported and that it is the same everywhere.

use std::path::{Path, PathBuf};

use ndarray::{Array2, Array3, s};
use ndarray_npy::NpzReader;
use num_complex::{Complex32, Complex64};
use ptycho_core::data::write::{Compression, NpzWriter, write_npz};
use ptycho_core::data::{Dataset, DatasetParts, Frames, Metadata};
use ptycho_core::metrics::region::Region;
use ptycho_core::metrics::settings::{AmplitudeFactor, CompareSettings, PhaseRemoval};
use ptycho_core::study::compare::export::{
    array_keys, check_folder, curves_csv, metrics_csv, rows, write,
};
use ptycho_core::study::compare::notes::notes;
use ptycho_core::study::compare::{Comparison, Inputs, Loaded, area, compare, difference};
use ptycho_core::study::store::OutputRecord;
use ptycho_core::{Error, disk};
use serde_json::{Value, json};

use crate::support;

const SHAPE: (usize, usize) = (112, 96);
const KEY: &str = "reconstructed_object";

/// A bright upright letter F with soft edges, upper left of the middle, over a slow texture.
fn scene(y: f64, x: f64) -> Complex64 {
    let bar = |from: f64, to: f64, at: f64| {
        let edge = |t: f64| 0.5 * (1.0 + (t / 1.5).tanh());
        edge(at - from) * edge(to - at)
    };
    let stem = bar(30.0, 84.0, y) * bar(28.0, 36.0, x);
    let top = bar(30.0, 38.0, y) * bar(28.0, 62.0, x);
    let middle = bar(52.0, 60.0, y) * bar(28.0, 52.0, x);
    let letter = stem.max(top).max(middle);
    let texture = (0.21 * y + 0.11 * x).sin() * (0.17 * x - 0.05 * y).cos();
    Complex64::from_polar(
        0.6 + 0.35 * letter + 0.03 * texture,
        0.5 * letter + 0.1 * texture,
    )
}

fn narrow(value: Complex64) -> Complex32 {
    Complex32::new(value.re as f32, value.im as f32)
}

fn truth() -> Array2<Complex32> {
    Array2::from_shape_fn(SHAPE, |(row, column)| {
        narrow(scene(row as f64, column as f64))
    })
}

/// The scene moved by `shift_px`, multiplied by a factor and a plane of phase.
fn distorted(shift_px: [f64; 2], factor: f64, plane: [f64; 3]) -> Array2<Complex32> {
    Array2::from_shape_fn(SHAPE, |(row, column)| {
        let (y, x) = (row as f64, column as f64);
        let phase = plane[0] * x + plane[1] * y + plane[2];
        narrow(factor * scene(y - shift_px[0], x - shift_px[1]) * Complex64::cis(phase))
    })
}

/// The same with a deterministic roughness, so that numbers differ from 0.
fn rough(strength: f64) -> Array2<Complex32> {
    let mut object = truth();
    for ((row, column), value) in object.indexed_iter_mut() {
        let at = (row * 7919 + column * 104_729) % 1013;
        let angle = at as f64;
        *value *= narrow(1.0 + strength * Complex64::cis(angle));
    }
    object
}

/// A dataset whose positions reach over rows 20 to 92 and columns 16 to 80.
fn dataset(folder: &Path) -> PathBuf {
    let n = 16;
    let positions_px: Vec<[f64; 2]> = (0..19)
        .flat_map(|i| (0..17).map(move |j| [20.0 + 4.0 * f64::from(i), 16.0 + 4.0 * f64::from(j)]))
        .collect();
    let probe = Array3::from_shape_fn((1, n, n), |(_, row, column)| {
        let at = |i: usize| (i as f64 - 8.0) / 4.0;
        Complex32::new((-at(row).powi(2) - at(column).powi(2)).exp() as f32, 0.0)
    });
    let frames = Frames::from_array(Array3::ones((positions_px.len(), n, n)));
    let parts = DatasetParts {
        object: Some(truth()),
        metadata: Metadata {
            pixel_size_m: Some(10e-9),
            ..Metadata::default()
        },
        ..DatasetParts::required(frames, positions_px, probe)
    };
    let path = folder.join("data.npz");
    Dataset::new(parts).unwrap().save(&path).unwrap();
    path
}

fn save(path: &Path, object: &Array2<Complex32>) -> PathBuf {
    save_with(path, object, |_| {})
}

fn save_with(
    path: &Path,
    object: &Array2<Complex32>,
    more: impl FnOnce(&mut NpzWriter<'_>),
) -> PathBuf {
    write_npz(path, |npz| {
        npz.array(KEY, Compression::Deflated, &object.view())?;
        more(npz);
        Ok(())
    })
    .unwrap();
    path.to_path_buf()
}

fn inputs(truth: &Path, arms: &[(&str, &Path)]) -> Inputs {
    Inputs {
        truth: Some(truth.to_path_buf()),
        arms: arms
            .iter()
            .map(|(name, file)| ((*name).to_owned(), file.to_path_buf()))
            .collect(),
        ..Inputs::default()
    }
}

fn compared(inputs: &Inputs) -> (Loaded, Comparison) {
    let loaded = Loaded::open(inputs).unwrap();
    let comparison = compare(&loaded, &Region::Auto, &CompareSettings::default()).unwrap();
    (loaded, comparison)
}

/// A number of an arm: `.0` of the phase, `.1` of the amplitude.
fn number(comparison: &Comparison, name: &str, key: &str) -> (f64, f64) {
    let arm = comparison.arms.iter().find(|arm| arm.name == name).unwrap();
    let value = arm.evaluation.values.iter().find(|value| value.key == key);
    let value = value.unwrap_or_else(|| panic!("no {key}"));
    (value.phase.unwrap(), value.amplitude.unwrap())
}

#[test]
fn shift_factor_and_plane_are_found_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let data = dataset(folder.path());
    let plane = [0.004, -0.003, 0.7];
    let object = distorted([1.3, -0.6], 1.4, plane);
    let file = save(&folder.path().join("arm.npz"), &object);
    let (_, comparison) = compared(&inputs(&data, &[("arm", &file)]));
    let arm = &comparison.arms[0];
    let found = arm.prepared.steps.registration.unwrap().shift_px;
    assert!(
        (found[0] + 1.3).abs() < 0.02 && (found[1] - 0.6).abs() < 0.02,
        "{found:?}"
    );
    let steps = &arm.prepared.steps;
    assert!(
        (steps.amplitude_factor * 1.4 - 1.0).abs() < 2e-3,
        "{steps:?}"
    );
    let slopes = [steps.plane_rad[0] - plane[0], steps.plane_rad[1] - plane[1]];
    assert!(slopes.iter().all(|off| off.abs() < 2e-4), "{steps:?}");
    // Some hundredths of a pixel on slopes of 0.35 / 3 px.
    let (phase, amplitude) = number(&comparison, "arm", "mae");
    assert!(phase < 3e-3 && amplitude < 3e-3, "{phase} {amplitude}");
    for is_phase in [true, false] {
        let most = difference(&arm.prepared, is_phase);
        assert!(most.iter().all(|value| value.abs() < 0.05));
    }
    let left = compare(
        &Loaded::open(&inputs(&data, &[("arm", &file)])).unwrap(),
        &Region::Auto,
        &CompareSettings {
            register: false,
            phase: PhaseRemoval::None,
            amplitude: AmplitudeFactor::None,
            ..CompareSettings::default()
        },
    )
    .unwrap();
    let (phase, amplitude) = number(&left, "arm", "mae");
    assert!(0.3 < phase && 0.2 < amplitude, "{phase} {amplitude}");
    assert_eq!(left.arms[0].prepared.steps.registration, None);
}

#[test]
fn golden_numbers_come_out_of_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut npz = support::npz("metrics/metrics.npz");
    let truth: Array2<Complex32> = npz.by_name("truth").unwrap();
    let golden = std::fs::read(support::data("metrics/metrics.json")).unwrap();
    let golden: Value = serde_json::from_slice(&golden).unwrap();
    let at = |name: &str| folder.path().join(name);
    let reference = save(&at("truth.npz"), &truth);
    let mut arms = vec![("truth".to_owned(), reference)];
    for name in ["recon_1", "recon_2", "recon_3"] {
        let object: Array2<Complex32> = npz.by_name(name).unwrap();
        arms.push((name.to_owned(), save(&at(&format!("{name}.npz")), &object)));
    }
    let inputs = Inputs {
        arms,
        ..Inputs::default()
    };
    let (_, comparison) = compared(&inputs);
    assert_eq!(comparison.arms.len(), 3);
    for arm in &comparison.arms {
        let expected = &golden["expected"][&arm.name]["registered"];
        let shift = arm.prepared.steps.registration.unwrap().shift_px;
        for axis in [0, 1] {
            let expected = expected["shift_applied"][axis].as_f64().unwrap();
            assert!(
                (shift[axis] - expected).abs() < 0.03,
                "{} {shift:?}",
                arm.name
            );
        }
        // Here pixels beyond the area do not come in cyclically from the other side, so numbers are near, not the same.
        let (phase, _) = number(&comparison, &arm.name, "mae");
        let of_phase = expected["phase_difference"]["mae"].as_f64().unwrap();
        assert!(
            (phase / of_phase - 1.0).abs() < 0.02,
            "{} {phase} {of_phase}",
            arm.name
        );
        let (_, amplitude) = number(&comparison, &arm.name, "ssim");
        let of_amplitude = expected["amplitude"]["ssim"].as_f64().unwrap();
        assert!(
            (amplitude - of_amplitude).abs() < 0.01,
            "{} {amplitude} {of_amplitude}",
            arm.name
        );
    }
}

#[test]
fn the_truth_itself_is_perfect_and_numbers_do_not_depend_on_the_company() {
    let folder = tempfile::tempdir().unwrap();
    let data = dataset(folder.path());
    let at = |name: &str| folder.path().join(name);
    let same = save(&at("same.npz"), &truth());
    let other = save(&at("other.npz"), &rough(0.05));
    let (_, both) = compared(&inputs(&data, &[("same", &same), ("other", &other)]));
    let (_, alone) = compared(&inputs(&data, &[("other", &other)]));
    assert_eq!(both.arms[1].evaluation, alone.arms[0].evaluation);
    assert_eq!(both.arms[1].prepared, alone.arms[0].prepared);
    let (phase, amplitude) = number(&both, "same", "mae");
    assert!(phase < 1e-6 && amplitude < 1e-6, "{phase} {amplitude}");
    let (phase, amplitude) = number(&both, "same", "ssim");
    assert!((phase - 1.0).abs() < 1e-6 && (amplitude - 1.0).abs() < 1e-6);
    let (phase, amplitude) = number(&both, "other", "mae");
    assert!(0.005 < phase && 0.005 < amplitude, "{phase} {amplitude}");
}

/// Files that cannot be compared, each with words of its refusal.
fn bad_files(folder: &Path) -> Vec<(&'static str, PathBuf, [&'static str; 2])> {
    let at = |name: &str| folder.join(name);
    let mut holed = truth();
    holed[[50, 50]] = Complex32::new(f32::NAN, 0.0);
    let cut = truth().slice(s![..64, ..64]).to_owned();
    let turned = truth().reversed_axes().as_standard_layout().to_owned();
    let amplitude = truth().mapv(Complex32::norm);
    let without = at("without.npz");
    write_npz(&without, |npz| npz.values("loss", &[1.0_f64])).unwrap();
    let real = at("real.npz");
    write_npz(&real, |npz| {
        npz.array(KEY, Compression::Deflated, &amplitude.view())
    })
    .unwrap();
    let flat = at("flat.npz");
    write_npz(&flat, |npz| npz.values(KEY, &[Complex32::new(1.0, 0.0); 9])).unwrap();
    let text = at("text.npz");
    disk::write(&text, b"no archive").unwrap();
    vec![
        (
            "without",
            without,
            ["no such key; keys: loss", "write the object under"],
        ),
        ("cut", save(&at("cut.npz"), &cut), ["(112, 96)", "(64, 64)"]),
        (
            "turned",
            save(&at("turned.npz"), &turned),
            ["(96, 112)", "axes are exchanged"],
        ),
        (
            "zeros",
            save(&at("zeros.npz"), &Array2::zeros(SHAPE)),
            ["zeros only", "reconstruct anew"],
        ),
        (
            "holed",
            save(&at("holed.npz"), &holed),
            ["1 of 10752 pixels", "not finite"],
        ),
        ("real", real, ["complex", "float32"]),
        ("flat", flat, ["(h, w)", "(9,)"]),
        ("text", text, ["NPZ", "text"]),
        ("absent", at("absent.npz"), ["open", "absent.npz"]),
    ]
}

#[test]
fn what_cannot_be_compared_is_refused_by_name_and_the_rest_compared() {
    let folder = tempfile::tempdir().unwrap();
    let data = dataset(folder.path());
    let bad = bad_files(folder.path());
    let good = save(&folder.path().join("good.npz"), &rough(0.02));
    let mut arms: Vec<(&str, &Path)> = bad
        .iter()
        .map(|(name, file, _)| (*name, file.as_path()))
        .collect();
    arms.insert(4, ("good", &good));
    let (_, comparison) = compared(&inputs(&data, &arms));
    assert_eq!(comparison.arms.len(), 1);
    assert_eq!(comparison.arms[0].name, "good");
    assert_eq!(comparison.refused.len(), bad.len());
    for (refusal, (name, file, words)) in comparison.refused.iter().zip(&bad) {
        assert_eq!((refusal.name.as_str(), &refusal.file), (*name, file));
        for word in words {
            assert!(refusal.reason.contains(word), "{name}: {}", refusal.reason);
        }
    }
    let alone = Loaded::open(&inputs(&data, &arms[..2]));
    assert!(matches!(alone, Err(Error::Run(words)) if words.contains("2 refused")));
}

#[test]
fn wrong_questions_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = dataset(folder.path());
    let file = save(&folder.path().join("a.npz"), &truth());
    let given = |names: &[&str], truth: bool, reference: Option<&str>| Inputs {
        truth: truth.then(|| data.clone()),
        arms: names
            .iter()
            .map(|name| ((*name).to_owned(), file.clone()))
            .collect(),
        reference: reference.map(ToOwned::to_owned),
        ..Inputs::default()
    };
    let cases = [
        (given(&["a", "a"], true, None), "a twice"),
        (
            given(&["truth"], true, None),
            "other than that of the truth",
        ),
        (given(&[" "], true, None), "a name"),
        (given(&["a"], false, None), "two reconstructions"),
        (given(&[], true, None), "one reconstruction"),
        (given(&["a", "b"], false, Some("c")), "one of a, b"),
        (given(&["a"], true, Some("a")), "both"),
    ];
    for (inputs, words) in cases {
        let error = Loaded::open(&inputs).unwrap_err();
        assert!(matches!(error, Error::Invalid(_)), "{error}");
        assert!(error.to_string().contains(words), "{words}: {error}");
    }
    let loaded = Loaded::open(&given(&["a"], true, None)).unwrap();
    let outside = Region::parse("0:113,0:96").unwrap();
    let error = compare(&loaded, &outside, &CompareSettings::default()).unwrap_err();
    assert!(error.to_string().contains("0:112"), "{error}");
    let parts = DatasetParts {
        object: None,
        ..Dataset::open(&data, ptycho_core::data::Strictness::Strict)
            .unwrap()
            .dataset
            .parts()
            .clone()
    };
    let bare = folder.path().join("bare.npz");
    Dataset::new(parts).unwrap().save(&bare).unwrap();
    let error = Loaded::open(&inputs(&bare, &[("a", &file)])).unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "{error}");
    assert!(error.to_string().contains("objectGuess"), "{error}");
}

#[test]
fn the_automatic_region_is_what_the_positions_span_and_the_probe_lights() {
    let folder = tempfile::tempdir().unwrap();
    let data = dataset(folder.path());
    let file = save(&folder.path().join("a.npz"), &truth());
    let loaded = Loaded::open(&inputs(&data, &[("a", &file)])).unwrap();
    let settings = CompareSettings::default();
    let found = area(&loaded, &Region::Auto, &settings).unwrap();
    assert_eq!(
        (found.rows, found.columns, found.mask),
        (20..93, 16..81, None)
    );
    let demanding = CompareSettings {
        least_light: 0.9,
        ..settings
    };
    let found = area(&loaded, &Region::Auto, &demanding).unwrap();
    let mask = found.mask.unwrap();
    // The corner has a quarter of the light, the middle all of it.
    assert!(!mask[[0, 0]] && mask[[36, 32]] && mask.iter().any(|is_kept| *is_kept));
    let whole = Region::parse("10:30,0:96").unwrap();
    let found = area(&loaded, &whole, &demanding).unwrap();
    assert_eq!(
        (found.rows, found.columns, found.mask),
        (10..30, 0..96, None)
    );
}

#[test]
fn unseen_pixels_count_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = dataset(folder.path());
    let mut coverage = Array2::<f32>::ones(SHAPE);
    coverage.slice_mut(s![60..70, 40..60]).fill(0.0);
    let arm = |name: &str, unseen: Complex32| {
        let mut object = rough(0.05);
        object.slice_mut(s![60..70, 40..60]).fill(unseen);
        save_with(&folder.path().join(name), &object, |npz| {
            npz.array("coverage", Compression::Deflated, &coverage.view())
                .unwrap();
        })
    };
    let zero = arm("zero.npz", Complex32::default());
    let nan = arm("nan.npz", Complex32::new(f32::NAN, 0.0));
    let (loaded, comparison) = compared(&inputs(&data, &[("zero", &zero), ("nan", &nan)]));
    assert!(comparison.refused.is_empty(), "{:?}", comparison.refused);
    // The hole, and 4 px around it, which the shift mixes with it.
    assert_eq!(comparison.arms[0].prepared.steps.n_left_out, 18 * 28);
    assert_eq!(comparison.arms[0].evaluation, comparison.arms[1].evaluation);
    let notes = notes(&loaded, &comparison);
    assert!(
        notes.iter().any(|note| note.starts_with("zero: 504 of")),
        "{notes:?}"
    );
    // All that is wrong is the hole, which is not looked at.
    let whole = save(&folder.path().join("whole.npz"), &rough(0.05));
    let (_, whole) = compared(&inputs(&data, &[("whole", &whole)]));
    let (with_hole, without) = (
        number(&comparison, "zero", "mae"),
        number(&whole, "whole", "mae"),
    );
    assert!(
        (with_hole.0 / without.0 - 1.0).abs() < 0.1,
        "{with_hole:?} {without:?}"
    );
    assert!(
        (with_hole.1 / without.1 - 1.0).abs() < 0.1,
        "{with_hole:?} {without:?}"
    );
}

#[test]
fn without_a_truth_an_arm_serves_as_reference() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let first = save(&at("first.npz"), &truth());
    let second = save(&at("second.npz"), &rough(0.03));
    let zeros = save(&at("zeros.npz"), &Array2::zeros(SHAPE));
    let arms = |names: &[(&str, &Path)], reference: Option<&str>| Inputs {
        truth: None,
        reference: reference.map(ToOwned::to_owned),
        ..inputs(&first, names)
    };
    let pair: [(&str, &Path); 2] = [("first", &first), ("second", &second)];
    let (loaded, comparison) = compared(&arms(&pair, None));
    assert_eq!(
        (comparison.reference.as_str(), comparison.arms.len()),
        ("first", 1)
    );
    assert!(notes(&loaded, &comparison)[0].contains("first serves as reference"));
    let (_, comparison) = compared(&arms(&pair, Some("second")));
    assert_eq!(
        (
            comparison.reference.as_str(),
            comparison.arms[0].name.as_str()
        ),
        ("second", "first")
    );
    let three: [(&str, &Path); 3] = [("zeros", &zeros), pair[0], pair[1]];
    let (loaded, comparison) = compared(&arms(&three, None));
    assert_eq!(
        (comparison.reference.as_str(), comparison.refused.len()),
        ("first", 1)
    );
    assert!(loaded.notes[0].contains("refused"), "{:?}", loaded.notes);
    let error = Loaded::open(&arms(&three, Some("zeros"))).unwrap_err();
    assert!(error.to_string().contains("zeros only"), "{error}");
}

#[test]
fn halves_of_one_scan_may_differ_in_size_but_foreign_files_may_not() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let cut = rough(0.02).slice(s![..100, ..90]).to_owned();
    let ours = |npz: &mut NpzWriter<'_>| {
        npz.json("_metadata", &json!({"program": "ptychobench"}))
            .unwrap();
    };
    let first = save_with(&at("first.npz"), &truth(), ours);
    let second = save_with(&at("second.npz"), &cut, ours);
    let foreign = save(&at("foreign.npz"), &cut);
    let given = |other: &Path| Inputs {
        truth: None,
        crops_to_common: true,
        ..inputs(&first, &[("first", &first), ("other", other)])
    };
    let (loaded, comparison) = compared(&given(&second));
    assert_eq!(loaded.shape(), [100, 90]);
    assert!(loaded.notes[0].contains("(100, 90)"), "{:?}", loaded.notes);
    assert!(number(&comparison, "other", "mae").0 < 0.05);
    let error = Loaded::open(&given(&foreign)).unwrap_err();
    assert!(error.to_string().contains("of one shape"), "{error}");
}

#[test]
fn a_start_from_the_truth_and_a_factor_at_inference_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let data = dataset(folder.path());
    let told = json!({
        "program": "ptychobench", "settings": {"object_init": "file"}, "input": {"content_sha256": "another"},
        "rescale": {"by": "least-squares", "factor": 1.07, "is_applied": true},
    });
    let file = save_with(&folder.path().join("a.npz"), &truth(), |npz| {
        npz.json("_metadata", &told).unwrap();
    });
    let (loaded, comparison) = compared(&inputs(&data, &[("a", &file)]));
    let notes = notes(&loaded, &comparison).join("\n");
    for words in ["no independent result", "multiplied by 1.07", "other data"] {
        assert!(notes.contains(words), "{words}: {notes}");
    }
}

/// A comparison of two arms, one of them with an odd name, and the folder it was written into.
fn written(folder: &Path, name: &str) -> (Loaded, Comparison, PathBuf) {
    let data = dataset(folder);
    let plain = save(&folder.join("plain.npz"), &rough(0.05));
    let odd = save(
        &folder.join("odd.npz"),
        &distorted([0.2, 0.1], 1.2, [0.0, 0.002, 0.1]),
    );
    let given = inputs(
        &data,
        &[("LSQML, 10 \"epochs\" µ<&>", &odd), ("plain", &plain)],
    );
    let (loaded, comparison) = compared(&given);
    let to = folder.join(name);
    let written = write(&loaded, &comparison, &to).unwrap();
    assert_eq!(written.files.len(), 9);
    assert!(
        written.files.iter().all(|file| file.is_file()),
        "{written:?}"
    );
    (loaded, comparison, to)
}

#[test]
fn the_files_hold_the_numbers_that_were_measured() {
    let folder = tempfile::tempdir().unwrap();
    let (loaded, comparison, to) = written(folder.path(), "out");
    let csv = std::fs::read_to_string(to.join("comparison_metrics.csv")).unwrap();
    assert_eq!(csv, metrics_csv(&loaded, &comparison));
    let report: Value =
        serde_json::from_slice(&std::fs::read(to.join("comparison_metrics.json")).unwrap())
            .unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "model,metric,amplitude,phase,value");
    assert!(
        lines[1].starts_with("\"LSQML, 10 \"\"epochs\"\" µ<&>\","),
        "{}",
        lines[1]
    );
    let plain = comparison
        .arms
        .iter()
        .position(|arm| arm.name == "plain")
        .unwrap();
    let mut n_rows = 0;
    for row in rows(loaded.arm("plain"), &comparison.arms[plain]) {
        let start = format!("plain,{},", row.key);
        let line = lines
            .iter()
            .find_map(|line| line.strip_prefix(&start))
            .unwrap();
        let metrics = &report["arms"][plain]["metrics"][row.key];
        let parts = [
            ("amplitude", row.amplitude),
            ("phase", row.phase),
            ("value", row.value),
        ];
        for ((name, number), cell) in parts.iter().zip(line.split(',')) {
            assert_eq!(cell.parse().ok(), *number, "{}", row.key);
            let found = metrics[name].as_f64();
            let is_near = match (found, number.filter(|number| number.is_finite())) {
                (Some(found), Some(number)) => (found - number).abs() <= 1e-15 * number.abs(),
                (found, number) => found == number,
            };
            assert!(is_near, "{}: {metrics}", row.key);
        }
        assert!(
            report["definitions"][row.key]["text"].is_string(),
            "{}",
            row.key
        );
        n_rows += 1;
    }
    assert!(10 < n_rows);
    let curves = std::fs::read_to_string(to.join("frc_curves.csv")).unwrap();
    assert_eq!(curves, curves_csv(&comparison));
    let frc = &comparison.arms[plain].evaluation.frc;
    let line = curves
        .lines()
        .find(|line| line.starts_with("plain,7,"))
        .unwrap();
    let cells: Vec<f64> = line
        .split(',')
        .skip(1)
        .map(|cell| cell.parse().unwrap())
        .collect();
    let side = frc.complex.side_px as f64;
    assert_eq!(cells[..2], [7.0, 7.0 / (side / 2.0)]);
    assert!(
        (cells[2] - 7.0 / (side * 10.0)).abs() < 1e-12,
        "per nm at 10 nm a pixel"
    );
    assert_eq!(
        cells[4..7],
        [&frc.amplitude, &frc.phase, &frc.complex].map(|curve| curve.values[7])
    );
    check_manifest(&to, &loaded);
}

fn check_manifest(to: &Path, loaded: &Loaded) {
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(to.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(
        manifest["inputs"]["truth"]["sha256"],
        json!(loaded.truth_sha256)
    );
    let outputs: Vec<OutputRecord> = serde_json::from_value(manifest["outputs"].clone()).unwrap();
    assert_eq!(outputs.len(), 8);
    for output in outputs {
        let bytes = std::fs::read(to.join(&output.path)).unwrap();
        assert_eq!(output.sha256, disk::sha256_hex(&bytes));
    }
}

/// Where the letter's arms reach: bright at its top right, dark at the other three corners of its box.
fn is_upright_f(bright: impl Fn(f64, f64) -> bool) -> bool {
    // Upper arm, stem above the foot; right of the foot, left of the stem, below the foot.
    bright(34.0, 56.0)
        && bright(78.0, 32.0)
        && !bright(78.0, 56.0)
        && !bright(34.0, 21.0)
        && !bright(87.0, 32.0)
}

#[test]
fn arrays_are_upright_and_open_without_pickle() {
    let folder = tempfile::tempdir().unwrap();
    let (_, comparison, to) = written(folder.path(), "out");
    let file = std::fs::File::open(to.join("reconstructions_aligned.npz")).unwrap();
    let mut npz = NpzReader::new(file).unwrap();
    let rows: ndarray::Array1<i64> = npz.by_name("rows").unwrap();
    let columns: ndarray::Array1<i64> = npz.by_name("columns").unwrap();
    let keys = array_keys(comparison.arms.iter().map(|arm| arm.name.as_str()));
    assert_eq!(keys, ["LSQML__10__epochs______", "plain"]);
    for key in keys.iter().map(String::as_str).chain(["reference"]) {
        let complex: Array2<Complex32> = npz.by_name(&format!("{key}_complex")).unwrap();
        let amplitude: Array2<f32> = npz.by_name(&format!("{key}_amplitude")).unwrap();
        let phase: Array2<f32> = npz.by_name(&format!("{key}_phase")).unwrap();
        let mask: Array2<bool> = npz.by_name(&format!("{key}_mask")).unwrap();
        assert_eq!(complex.nrows() as i64, rows[1] - rows[0]);
        assert!(mask.iter().all(|is_kept| *is_kept));
        for (complex, amplitude) in complex.iter().zip(&amplitude) {
            assert!((complex.norm() - amplitude).abs() < 1e-6);
        }
        let at = |y: f64, x: f64| {
            [
                y as usize - rows[0] as usize,
                x as usize - columns[0] as usize,
            ]
        };
        assert!(is_upright_f(|y, x| 0.8 < amplitude[at(y, x)]), "{key}");
        let dark = phase[at(78.0, 56.0)];
        assert!(is_upright_f(|y, x| dark + 0.25 < phase[at(y, x)]), "{key}");
    }
    let shift: ndarray::Array1<f64> = npz.by_name("LSQML__10__epochs_______shift_px").unwrap();
    assert!(
        (shift[0] + 0.2).abs() < 0.02 && (shift[1] + 0.1).abs() < 0.02,
        "{shift}"
    );
    let metadata: ndarray::Array1<u8> = npz.by_name("_metadata").unwrap();
    let metadata: Value = serde_json::from_slice(metadata.as_slice().unwrap()).unwrap();
    assert_eq!(metadata["array_keys"][&keys[0]], comparison.arms[0].name);
}

/// The value of an attribute of the first tag in `text`.
fn attribute(text: &str, name: &str) -> String {
    let start = text.find(&format!(" {name}=\"")).unwrap() + name.len() + 3;
    text[start..].split('"').next().unwrap().to_owned()
}

#[test]
fn pictures_are_upright_in_both_files_and_share_a_scale_in_each_row() {
    let folder = tempfile::tempdir().unwrap();
    let (_, comparison, to) = written(folder.path(), "out");
    let svg = std::fs::read_to_string(to.join("comparison_plot.svg")).unwrap();
    for words in [
        "LSQML, 10",
        "truth",
        "plain",
        "MAE",
        "phase (rad)",
        "amplitude",
    ] {
        assert!(svg.contains(words), "{words}");
    }
    let page: Vec<f64> = attribute(&svg, "viewBox")
        .split(' ')
        .map(|word| word.parse().unwrap())
        .collect();
    let file = std::fs::File::open(to.join("comparison_plot.png")).unwrap();
    let mut reader = png::Decoder::new(std::io::BufReader::new(file))
        .read_info()
        .unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    let n_channels = info.color_type.samples();
    let scale = f64::from(info.width) / page[2];
    let area = &comparison.arms[0].prepared.area;
    let images = svg.split("<image").skip(1).map(|image| {
        let image = format!("<image{}", image.split("xlink").next().unwrap());
        ["x", "y", "width", "height"].map(|name| attribute(&image, name).parse::<f64>().unwrap())
    });
    // One bar beside each row.
    let (images, bars): (Vec<_>, Vec<_>) =
        images.partition(|[_, _, width, height]| 0.5 * height < *width);
    assert_eq!((images.len(), bars.len()), (6, 2));
    for [x, y, width, height] in images {
        let light = |row: f64, column: f64| {
            let down = (row + 0.5 - area.rows.start as f64) / area.rows.len() as f64;
            let right = (column + 0.5 - area.columns.start as f64) / area.columns.len() as f64;
            let at =
                [(y + down * height) * scale, (x + right * width) * scale].map(|at| at as usize);
            let start = (at[0] * info.width as usize + at[1]) * n_channels;
            bytes[start..start + 3]
                .iter()
                .map(|part| f64::from(*part))
                .sum::<f64>()
        };
        let middle = f64::midpoint(light(34.0, 56.0), light(78.0, 56.0));
        assert!(is_upright_f(|row, column| middle < light(row, column)));
    }
}

#[test]
fn two_comparisons_write_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (loaded, comparison, first) = written(folder.path(), "first");
    let (_, _, second) = written(folder.path(), "second");
    // Over its own folder again.
    write(&loaded, &comparison, &second).unwrap();
    let mut n_same = 0;
    for entry in std::fs::read_dir(&first).unwrap() {
        let name = entry.unwrap().file_name();
        if name != "manifest.json" {
            let read = |folder: &Path| std::fs::read(folder.join(&name)).unwrap();
            assert!(read(&first) == read(&second), "{}", name.display());
            n_same += 1;
        }
    }
    assert_eq!(n_same, 8);
}

#[test]
fn a_folder_of_something_else_is_left_alone_and_no_half_one_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let (loaded, comparison, _) = written(folder.path(), "out");
    let taken = folder.path().join("taken");
    std::fs::create_dir(&taken).unwrap();
    disk::write(&taken.join("thesis.tex"), b"all of it").unwrap();
    let error = write(&loaded, &comparison, &taken).unwrap_err();
    assert!(error.to_string().contains("thesis.tex"), "{error}");
    assert_eq!(std::fs::read_dir(&taken).unwrap().count(), 1);
    assert!(check_folder(&folder.path().join("data.npz")).is_err());
    // Nothing can be written below a file.
    let below = folder.path().join("data.npz").join("out");
    assert!(matches!(
        write(&loaded, &comparison, &below),
        Err(Error::Io { .. })
    ));
    // A comparison that cannot be drawn.
    let mut empty = comparison.clone();
    empty.arms.clear();
    let nowhere = folder.path().join("nowhere");
    assert!(write(&loaded, &empty, &nowhere).is_err());
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name.to_string_lossy().starts_with('.'))
        .collect();
    assert!(!nowhere.exists() && left.is_empty(), "{left:?}");
}

#[test]
fn keys_of_arrays_are_safe_and_differ() {
    let names = ["a b", "a_b", "reference", "α", "β", "../x"];
    assert_eq!(
        array_keys(names.into_iter()),
        ["a_b", "a_b_2", "reference_2", "_", "__2", "___x"]
    );
}
