//! Golden values, made by `make_metrics.py` with scikit-image 0.26 and numpy in float64.

use ndarray::{Array1, Array2};
use num_complex::{Complex32, Complex64};
use ptycho_core::metrics::definitions::definition;
use ptycho_core::metrics::errors::Errors;
use ptycho_core::metrics::evaluate::{Evaluation, evaluate};
use ptycho_core::metrics::frc::{FrcCurve, Threshold};
use ptycho_core::metrics::ms_ssim::{ms_ssim, ms_ssim_legacy};
use ptycho_core::metrics::pair::Pair;
use ptycho_core::metrics::phases::Phases;
use ptycho_core::metrics::prepare::{Prepared, prepare, prepare_shifted};
use ptycho_core::metrics::settings::CompareSettings;
use ptycho_core::metrics::ssim::{Window, ssim};
use ptycho_core::register::{RegisterOptions, Registration, register};
use serde_json::Value;

use super::{Of, close, frame, number};
use crate::support::{data, npz};

/// What the storey promises.
const RELATIVE: f64 = 1e-6;
const RECONSTRUCTIONS: [&str; 3] = ["recon_1", "recon_2", "recon_3"];

fn expected() -> Value {
    let text = std::fs::read_to_string(data("metrics/metrics.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn real(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn pair_of(value: &Value) -> [f64; 2] {
    [real(&value[0]), real(&value[1])]
}

fn objects(name: &str) -> [Array2<Complex32>; 2] {
    let mut arrays = npz("metrics/metrics.npz");
    [
        arrays.by_name("truth").unwrap(),
        arrays.by_name(name).unwrap(),
    ]
}

/// A stage of the golden file: as the arrays lie, or with the golden shift.
fn stage(name: &str, stage: &str, numbers: &Value, settings: &CompareSettings) -> Prepared {
    let [truth, other] = objects(name);
    let area = frame(truth.dim());
    if stage == "as_is" {
        return prepare(truth.view(), other.view(), &area, settings).unwrap();
    }
    let shift = Registration {
        shift_px: pair_of(&numbers["shift_applied"]),
        error: 0.0,
    };
    prepare_shifted(truth.view(), other.view(), &area, settings, shift).unwrap()
}

/// Every stage of every reconstruction with its numbers; rings without or with a window.
fn for_each(frc_window: bool, mut check: impl FnMut(&str, &str, &Value, &Prepared, &Evaluation)) {
    let expected = expected();
    for name in RECONSTRUCTIONS {
        for kind in ["as_is", "registered"] {
            let numbers = &expected["expected"][name][kind];
            let settings = CompareSettings {
                register: false,
                frc_window,
                ..CompareSettings::default()
            };
            let prepared = stage(name, kind, numbers, &settings);
            let evaluation = evaluate(&prepared, &settings, None).unwrap();
            check(name, kind, numbers, &prepared, &evaluation);
        }
    }
}

#[track_caller]
fn assert_golden(
    evaluation: &Evaluation,
    of: Of,
    table: &Value,
    keys: &[(&str, &str)],
    what: &str,
) {
    for (key, golden) in keys {
        assert!(definition(key).is_some(), "{key} has no definition");
        let found = number(evaluation, key, of).unwrap();
        let expected = real(&table[*golden]);
        assert!(
            close(found, expected, RELATIVE),
            "{what} {key}: {found}, expected {expected}"
        );
    }
}

#[test]
fn amplitude_numbers_are_the_golden_ones() {
    for_each(true, |name, kind, numbers, _, evaluation| {
        let keys = [
            ("mae", "mae"),
            ("mse", "mse"),
            ("psnr", "psnr"),
            ("psnr_255", "psnr_peak_255"),
            ("data_range", "data_range"),
            ("ssim", "ssim"),
            ("ssim_wang", "ssim_wang"),
            ("ms_ssim_legacy", "ms_ssim_legacy_sigma_1"),
        ];
        let (what, table) = (format!("{name} {kind}"), &numbers["amplitude"]);
        assert_golden(evaluation, Of::Amplitude, table, &keys, &what);
        let factors = [
            ("amplitude_factor", "scale"),
            ("amplitude_factor_least_squares", "least_squares_scale"),
        ];
        assert_golden(evaluation, Of::Whole, table, &factors, &what);
    });
}

#[test]
fn phase_differences_are_the_golden_ones() {
    for_each(true, |name, kind, numbers, prepared, evaluation| {
        let (what, table) = (format!("{name} {kind}"), &numbers["phase_difference"]);
        let keys = [("mae", "mae"), ("mse", "mse"), ("psnr_2pi", "psnr_2pi")];
        assert_golden(evaluation, Of::Phase, table, &keys, &what);
        for (found, expected) in prepared
            .steps
            .plane_rad
            .iter()
            .zip(table["plane"].as_array().unwrap())
        {
            assert!(
                close(*found, real(expected), RELATIVE),
                "{what}: plane {found}, {expected}"
            );
        }
    });
}

#[test]
fn legacy_phase_numbers_are_the_golden_ones() {
    for_each(true, |name, kind, numbers, prepared, evaluation| {
        let (what, table) = (format!("{name} {kind}"), &numbers["phase"]);
        let keys = [
            ("legacy_mae", "mae"),
            ("legacy_mse", "mse"),
            ("legacy_psnr_255", "psnr_peak_255"),
            ("legacy_ssim", "ssim"),
        ];
        assert_golden(evaluation, Of::Phase, table, &keys, &what);
        // The same kernels on the same phases: what the table has no legacy key for.
        let phases = Phases::legacy(prepared);
        let errors = Errors::of(phases.pair(None)).unwrap();
        let range = errors.reference_range();
        let turns = |phase: &Array2<f64>| {
            phase.mapv(|v| (v + std::f64::consts::PI) / std::f64::consts::TAU)
        };
        let (reference, other) = (turns(&phases.reference), turns(&phases.other));
        let turns = Pair::whole(reference.view(), other.view());
        let found = [
            ("data_range", range),
            ("psnr", errors.psnr(range).unwrap()),
            (
                "ssim_wang",
                ssim(turns, Window::Gaussian11, 1.0).unwrap().ssim,
            ),
            ("ms_ssim_3_scales", ms_ssim(turns, 1.0, 3).unwrap().value),
            (
                "ms_ssim_legacy_sigma_0",
                ms_ssim_legacy(turns, 0.0).unwrap(),
            ),
        ];
        for (key, found) in found {
            assert!(
                close(found, real(&table[key]), RELATIVE),
                "{what} {key}: {found}, {}",
                table[key]
            );
        }
    });
}

/// Where nothing wraps, the plane of a difference is the difference of the planes.
#[test]
fn phase_numbers_equal_the_legacy_ones_where_nothing_wraps() {
    for_each(false, |name, kind, numbers, _, evaluation| {
        if name == "recon_3" {
            return;
        }
        let (what, table) = (format!("{name} {kind}"), &numbers["phase"]);
        let keys = [
            ("mae", "mae"),
            ("psnr", "psnr"),
            ("data_range", "data_range"),
            ("ssim", "ssim"),
            ("ssim_wang", "ssim_wang"),
        ];
        assert_golden(evaluation, Of::Phase, table, &keys, &what);
        let keys = [("frc50_rings", "frc50"), ("frc_1_7_rings", "frc_1_7")];
        assert_golden(
            evaluation,
            Of::Phase,
            &numbers["frc"]["phase_plain"],
            &keys,
            &what,
        );
    });
}

#[test]
fn ms_ssim_of_amplitudes_is_the_golden_one() {
    for_each(true, |name, kind, numbers, prepared, _| {
        let [t, r] = [&prepared.reference, &prepared.other].map(|o| o.mapv(Complex64::norm));
        let pair = Pair::whole(t.view(), r.view());
        let range = real(&numbers["amplitude"]["data_range"]);
        for (key, found) in [
            ("ms_ssim_3_scales", ms_ssim(pair, range, 3).unwrap().value),
            ("ms_ssim_legacy_sigma_0", ms_ssim_legacy(pair, 0.0).unwrap()),
        ] {
            let expected = real(&numbers["amplitude"][key]);
            assert!(
                close(found, expected, RELATIVE),
                "{name} {kind} {key}: {found}, {expected}"
            );
        }
    });
}

fn curve(name: &str) -> Vec<f64> {
    let curve: Array1<f64> = npz("metrics/metrics_frc.npz").by_name(name).unwrap();
    curve.to_vec()
}

fn assert_curve(found: &FrcCurve, name: &str) {
    let expected = curve(name);
    assert_eq!(found.values.len(), expected.len(), "{name}");
    for (ring, (found, expected)) in found.values.iter().zip(&expected).enumerate() {
        assert!(
            (found - expected).abs() < RELATIVE * expected.abs().max(1e-3),
            "{name}[{ring}]: {found}, {expected}"
        );
    }
}

#[test]
fn ring_correlations_are_the_golden_ones() {
    for (window, word) in [(false, "plain"), (true, "hann")] {
        for_each(window, |name, kind, numbers, prepared, evaluation| {
            let legacy = Phases::legacy(prepared);
            let phase =
                FrcCurve::of_real(legacy.reference.view(), legacy.other.view(), window).unwrap();
            let start = format!("{name}_{kind}_frc");
            for (of, found) in [
                ("amplitude", &evaluation.frc.amplitude),
                ("phase", &phase),
                ("complex", &evaluation.frc.complex),
            ] {
                assert_curve(found, &format!("{start}_{of}_{word}"));
                let table = &numbers["frc"][format!("{of}_{word}")];
                for (threshold, key) in
                    [(Threshold::Half, "frc50"), (Threshold::Seventh, "frc_1_7")]
                {
                    let cutoff = found.cutoff(threshold, None);
                    let expected = [real(&table[key]), real(&table[format!("{key}_of_nyquist")])];
                    let found = [cutoff.rings, cutoff.of_nyquist];
                    for (found, expected) in found.into_iter().zip(expected) {
                        assert!(
                            close(found, expected, RELATIVE),
                            "{start} {of} {word} {key}: {found}, {expected}"
                        );
                    }
                }
            }
        });
    }
}

#[test]
fn legacy_cutoffs_are_the_golden_plain_ones() {
    for_each(true, |name, kind, numbers, _, evaluation| {
        let keys = [
            ("legacy_frc50_rings", "frc50"),
            ("legacy_frc_1_7_rings", "frc_1_7"),
        ];
        let what = format!("{name} {kind}");
        for (of, table) in [
            (Of::Amplitude, "amplitude_plain"),
            (Of::Phase, "phase_plain"),
        ] {
            assert_golden(evaluation, of, &numbers["frc"][table], &keys, &what);
        }
    });
}

#[test]
fn shifts_are_those_of_scikit_image() {
    let expected = expected();
    for name in RECONSTRUCTIONS {
        let [truth, other] =
            objects(name).map(|o| o.mapv(|v| f64::from(v.re).hypot(f64::from(v.im))));
        let numbers = &expected["expected"][name]["registered"];
        for (key, window, whiten) in [
            ("shift_phase", false, true),
            ("shift_plain", false, false),
            ("shift_hann_phase", true, true),
            ("shift_hann_plain", true, false),
        ] {
            let options = RegisterOptions {
                window,
                whiten,
                ..RegisterOptions::default()
            };
            let found = register(truth.view(), other.view(), options).unwrap();
            for (found, expected) in found.shift_px.into_iter().zip(pair_of(&numbers[key])) {
                assert!(
                    (found - expected).abs() < 0.005,
                    "{name} {key}: {found}, {expected}"
                );
            }
        }
        let [truth, other] = objects(name);
        let settings = CompareSettings::default();
        let prepared = prepare(truth.view(), other.view(), &frame(truth.dim()), &settings).unwrap();
        let found = prepared.steps.registration.unwrap().shift_px;
        // Golden looks at amplitudes alone, and once.
        let expected = pair_of(&numbers["shift_applied"]);
        assert!(
            (0..2).all(|axis| (found[axis] - expected[axis]).abs() < 0.03),
            "{name}: {found:?}"
        );
    }
}

#[test]
fn the_large_pair_has_its_golden_numbers() {
    let mut arrays = npz("metrics/metrics_large.npz");
    let [truth, other]: [Array2<f32>; 2] = [
        arrays.by_name("truth").unwrap(),
        arrays.by_name("other").unwrap(),
    ];
    let (truth, other) = (truth.mapv(f64::from), other.mapv(f64::from));
    let pair = Pair::whole(truth.view(), other.view());
    let errors = Errors::of(pair).unwrap();
    let scales = ms_ssim(pair, 1.0, 5).unwrap();
    let expected = &expected()["expected_large"];
    for (found, factor) in scales
        .factors
        .iter()
        .zip(expected["ms_ssim_wang_factors"].as_array().unwrap())
    {
        assert!(
            close(*found, real(factor), RELATIVE),
            "factor {found}, {factor}"
        );
    }
    assert_eq!(scales.factors.len(), 5);
    for (key, found) in [
        ("ms_ssim_wang", scales.value),
        ("ssim", ssim(pair, Window::Uniform7, 1.0).unwrap().ssim),
        (
            "ssim_wang",
            ssim(pair, Window::Gaussian11, 1.0).unwrap().ssim,
        ),
        ("ms_ssim_legacy_sigma_0", ms_ssim_legacy(pair, 0.0).unwrap()),
        ("ms_ssim_legacy_sigma_1", ms_ssim_legacy(pair, 1.0).unwrap()),
        ("mae", errors.mae),
        ("mse", errors.mse),
        ("psnr", errors.psnr(1.0).unwrap()),
    ] {
        let expected = real(&expected[key]);
        assert!(
            close(found, expected, RELATIVE),
            "{key}: {found}, {expected}"
        );
    }
    assert!(close(scales.value, real(&expected["pytorch_msssim"]), 1e-5));
}
