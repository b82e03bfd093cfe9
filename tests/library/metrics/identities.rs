//! What must hold whatever the picture.

use std::f64::consts::SQRT_2;

use ndarray::{Array2, Array3, s};
use num_complex::{Complex32, Complex64};
use ptycho_core::metrics::bias::Bias;
use ptycho_core::metrics::definitions::{Better, DEFINITIONS, definition};
use ptycho_core::metrics::frc::{FrcCurve, Threshold};
use ptycho_core::metrics::plane::{difference_plane, plane_of};
use ptycho_core::metrics::prepare::{Area, prepare};
use ptycho_core::metrics::region::{Light, Region};
use ptycho_core::metrics::settings::{AmplitudeFactor, CompareSettings, PhaseRemoval};
use ptycho_core::register::{RegisterOptions, fourier_shift, register};

use super::{Of, both, frame, greatest_difference, noise, number, object, single};

const DIM: (usize, usize) = (192, 180);

fn unregistered() -> CompareSettings {
    CompareSettings {
        register: false,
        ..CompareSettings::default()
    }
}

#[test]
fn an_object_agrees_with_itself() {
    let object = object(DIM, 1.0, 1);
    let (prepared, evaluation) = both(&object, &object, &frame(DIM), &CompareSettings::default());
    assert_eq!(prepared.steps.registration.unwrap().shift_px, [0.0; 2]);
    assert!(prepared.steps.registration.unwrap().error < 1e-6);
    assert_eq!(prepared.area.dim(), (DIM.0 - 8, DIM.1 - 8));
    for key in ["ssim", "ssim_wang", "ms_ssim", "ms_ssim_legacy", "pearson"] {
        for of in [Of::Amplitude, Of::Phase] {
            let found = number(&evaluation, key, of).unwrap();
            assert!((found - 1.0).abs() < 1e-9, "{key} {of:?}: {found}");
        }
    }
    for key in ["mae", "rmse", "max_error"] {
        for of in [Of::Amplitude, Of::Phase] {
            assert!(number(&evaluation, key, of).unwrap() < 1e-9, "{key} {of:?}");
        }
    }
    assert!(number(&evaluation, "complex_error", Of::Whole).unwrap() < 1e-9);
    for curve in [
        &evaluation.frc.amplitude,
        &evaluation.frc.phase,
        &evaluation.frc.complex,
    ] {
        assert!(curve.values.iter().all(|value| (value - 1.0).abs() < 1e-6));
        assert_eq!(
            curve.cutoff(Threshold::Half, None).rings,
            curve.values.len() as f64
        );
    }
}

#[test]
fn independent_noise_agrees_no_better_than_by_chance() {
    let dim = (256, 256);
    let (a, b) = (noise(dim, 1), noise(dim, 2));
    let curve = FrcCurve::of_real(a.view(), b.view(), true).unwrap();
    // The root mean square of a ring of n pixels under a window is about 1.5/√(n/2), since a pixel and its mirror are one.
    for ring in 10..128 {
        let chance = 1.5 / (curve.n_pixels[ring] as f64 / 2.0).sqrt();
        assert!(
            curve.values[ring] < 5.0 * chance,
            "ring {ring}: {}",
            curve.values[ring]
        );
    }
    let mean = curve.values[10..128].iter().sum::<f64>() / 118.0;
    assert!(mean < 0.1, "{mean}");
    assert!(curve.cutoff(Threshold::HalfBit, None).of_nyquist < 0.1);
    let complex = |seed| {
        let (amplitude, phase) = (noise(dim, seed), noise(dim, seed + 1));
        let mut object = amplitude.mapv(|v| Complex64::from(0.5 + v));
        for (value, phase) in object.iter_mut().zip(phase) {
            *value *= Complex64::cis(phase - 0.5);
        }
        object
    };
    let (_, evaluation) = both(&complex(3), &complex(5), &frame(dim), &unregistered());
    for key in ["pearson", "ssim", "ssim_wang"] {
        let found = number(&evaluation, key, Of::Amplitude).unwrap();
        assert!(found.abs() < 0.03, "{key}: {found}");
    }
    assert!(number(&evaluation, "pearson", Of::Phase).unwrap().abs() < 0.03);
}

/// A shift of the content inside a larger scene, not a cyclic one.
fn moved_scene(shift_px: [f64; 2]) -> [Array2<Complex64>; 2] {
    let scene = object((DIM.0 + 40, DIM.1 + 40), 1.0, 11);
    let part = s![20..20 + DIM.0, 20..20 + DIM.1];
    let moved = fourier_shift(scene.view(), shift_px.map(|shift| -shift));
    [scene.slice(part).to_owned(), moved.slice(part).to_owned()]
}

#[test]
fn a_known_shift_is_found_and_undone() {
    for shift_px in [[0.0, 0.0], [0.13, -0.41], [-2.27, 1.5], [1.03, 1.98]] {
        let [reference, other] = moved_scene(shift_px);
        let area = Area {
            rows: 30..160,
            columns: 25..150,
            mask: None,
        };
        for area in [area, frame(DIM)] {
            let (prepared, evaluation) =
                both(&reference, &other, &area, &CompareSettings::default());
            let found = prepared.steps.registration.unwrap().shift_px;
            for (found, expected) in found.iter().zip(shift_px) {
                assert!(
                    (found - expected).abs() < 0.02,
                    "{found}, expected {expected}"
                );
            }
            assert_eq!(prepared.steps.is_far, shift_px[0].hypot(shift_px[1]) > 0.5);
            let ssim = number(&evaluation, "ssim", Of::Amplitude).unwrap();
            assert!(ssim > 0.995, "{shift_px:?}: {ssim}");
        }
    }
}

#[test]
fn a_shift_is_found_under_a_round_region_and_with_lost_pixels() {
    let [reference, mut other] = moved_scene([0.37, -0.22]);
    let radius = Array2::from_shape_fn(DIM, |(y, x)| (y as f64 - 96.0).hypot(x as f64 - 90.0));
    let area = Area {
        mask: Some(radius.mapv(|r| r < 80.0)),
        ..frame(DIM)
    };
    other[[90, 70]] = Complex64::new(f64::NAN, 0.0);
    other[[120, 111]] = Complex64::new(0.0, f64::INFINITY);
    let (prepared, evaluation) = both(&reference, &other, &area, &CompareSettings::default());
    let found = prepared.steps.registration.unwrap().shift_px;
    assert!(
        (found[0] - 0.37).abs() < 0.03 && (found[1] + 0.22).abs() < 0.03,
        "{found:?}"
    );
    assert_eq!(prepared.steps.n_not_finite, 2);
    let mask = prepared.area.mask.as_ref().unwrap();
    // Within the border of a lost pixel nothing is compared: (90, 70) is (86, 66) of the area.
    assert!(!mask[[86, 66]] && !mask[[90, 70]] && mask[[91, 70]]);
    assert!(number(&evaluation, "ssim", Of::Amplitude).unwrap() > 0.99);
}

#[test]
fn a_plane_is_removed_exactly_however_steep() {
    let reference = object(DIM, 1.0, 5);
    for slopes in [[0.0, 0.0], [0.01, -0.02], [0.8, -1.1], [-2.5, 2.0]] {
        let [a, b, c] = [slopes[0], slopes[1], 1.7];
        let mut other = reference.clone();
        for ((row, column), value) in other.indexed_iter_mut() {
            *value *= Complex64::from_polar(1.9, a * column as f64 + b * row as f64 + c);
        }
        let found = difference_plane(reference.view(), other.view(), None, PhaseRemoval::Plane);
        assert!(
            (found[0] - a).abs() < 1e-12 && (found[1] - b).abs() < 1e-12,
            "{found:?}"
        );
        assert!(Complex64::cis(found[2] - c).arg().abs() < 1e-9);
        let (prepared, evaluation) = both(&reference, &other, &frame(DIM), &unregistered());
        assert!(number(&evaluation, "mae", Of::Phase).unwrap() < 1e-6);
        assert!((prepared.steps.amplitude_factor - 1.0 / 1.9).abs() < 1e-6);
        let bias = &evaluation.amplitude_bias;
        assert!((bias.least_squares_factor.unwrap() - 1.0 / 1.9).abs() < 1e-6);
        assert!((bias.ratio.unwrap().median - 1.9).abs() < 1e-6 && bias.mae_rescaled < 1e-6);
    }
    let offset = CompareSettings {
        phase: PhaseRemoval::Offset,
        amplitude: AmplitudeFactor::LeastSquares,
        ..unregistered()
    };
    let other = reference.mapv(|value| value * Complex64::from_polar(0.5, -2.9));
    let (prepared, evaluation) = both(&reference, &other, &frame(DIM), &offset);
    assert_eq!(prepared.steps.plane_rad[..2], [0.0; 2]);
    assert!((prepared.steps.plane_rad[2] + 2.9).abs() < 1e-6);
    assert!(number(&evaluation, "mae", Of::Phase).unwrap() < 1e-6);
}

#[test]
fn planes_are_fitted_over_the_pixels_that_count() {
    let mut values = Array2::from_shape_fn((9, 7), |(y, x)| 0.5 * x as f64 - 0.25 * y as f64 + 2.0);
    let mut mask = Array2::from_elem(values.dim(), true);
    (values[[3, 3]], mask[[3, 3]]) = (f64::NAN, false);
    let found = plane_of(values.view(), Some(&mask));
    assert!(
        found
            .iter()
            .zip([0.5, -0.25, 2.0])
            .all(|(found, expected)| (found - expected).abs() < 1e-12)
    );
    let row = plane_of(values.slice(s![..1, ..]), None);
    assert!((row[0] - 0.5).abs() < 1e-12 && row[1] == 0.0 && (row[2] - 2.0).abs() < 1e-12);
}

#[test]
fn phase_numbers_know_nothing_of_turns() {
    // The same pair, once with small phases and once turned so that both wrap, at different places.
    let reference = object(DIM, 1.0, 21);
    let error = object(DIM, 0.2, 31);
    let other = &reference * &error.mapv(|v| v / v.norm());
    let turned = [&reference, &other].map(|o| o.mapv(|v| v * Complex64::cis(3.1)));
    let mut steep = [reference.clone(), other.clone()];
    for object in &mut steep {
        for ((row, column), value) in object.indexed_iter_mut() {
            *value *= Complex64::cis(0.3 * row as f64 - 0.2 * column as f64);
        }
    }
    let (_, plain) = both(&reference, &other, &frame(DIM), &unregistered());
    for [reference, other] in [turned, steep] {
        let (_, found) = both(&reference, &other, &frame(DIM), &unregistered());
        for key in [
            "mae",
            "rmse",
            "max_error",
            "psnr",
            "ssim",
            "ms_ssim",
            "pearson",
            "frc50",
        ] {
            let [found, plain] = [&found, &plain].map(|e| number(e, key, Of::Phase).unwrap());
            assert!(
                (found - plain).abs() < 1e-4 * plain,
                "{key}: {found}, {plain}"
            );
        }
    }
}

#[test]
fn what_stands_under_the_mask_changes_nothing() {
    let reference = object(DIM, 1.0, 41);
    let other = &reference * &object(DIM, 0.2, 51);
    let other = fourier_shift(other.view(), [0.3, 0.2]);
    let radius = Array2::from_shape_fn(DIM, |(y, x)| (y as f64 - 96.0).hypot(x as f64 - 90.0));
    let mask = radius.mapv(|r| r < 75.0);
    let area = Area {
        mask: Some(mask.clone()),
        ..frame(DIM)
    };
    let spoilt = |object: &Array2<Complex64>, with: Complex64| {
        let mut spoilt = object.clone();
        for (value, &counts) in spoilt.iter_mut().zip(&mask) {
            if !counts {
                *value = with;
            }
        }
        spoilt
    };
    for settings in [unregistered(), CompareSettings::default()] {
        let (prepared, clean) = both(&reference, &other, &area, &settings);
        for with in [
            Complex64::new(3e3, -1e3),
            Complex64::new(f64::NAN, f64::NAN),
        ] {
            let [reference, other] = [spoilt(&reference, with), spoilt(&other, with)];
            let (spoilt, found) = both(&reference, &other, &area, &settings);
            assert_eq!(spoilt.steps.registration, prepared.steps.registration);
            assert_eq!(found.values, clean.values);
            assert_eq!(found.missing, clean.missing);
            assert_eq!(
                (found.amplitude_bias, found.phase_bias),
                (clean.amplitude_bias.clone(), clean.phase_bias.clone())
            );
        }
        assert!(prepared.other.iter().all(|value| value.is_finite()));
        assert_eq!(
            prepared.steps.n_pixels + prepared.steps.n_left_out,
            prepared.other.len()
        );
    }
}

#[test]
fn numbers_do_not_depend_on_the_number_of_threads() {
    let reference = object(DIM, 1.0, 61);
    let other = &reference * &object(DIM, 0.3, 71);
    let on = |n_threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n_threads)
            .build()
            .unwrap();
        pool.install(|| both(&reference, &other, &frame(DIM), &CompareSettings::default()))
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn a_number_that_cannot_be_had_is_missing_with_a_reason() {
    let flat = Array2::from_elem((9, 40), Complex64::new(1.0, 0.0));
    let other = object((9, 40), 0.5, 3);
    let (prepared, evaluation) = both(&flat, &other, &frame((9, 40)), &unregistered());
    assert_eq!(prepared.steps.n_pixels, 360);
    for (key, of) in [
        ("psnr", "amplitude"),
        ("ssim", "amplitude"),
        ("pearson", "phase"),
        ("ms_ssim", "phase"),
        ("frc50", "phase"),
        ("registration_dy_px", "value"),
    ] {
        let missing = evaluation
            .missing
            .iter()
            .find(|m| m.key == key && m.of == of);
        assert!(
            missing.is_some_and(|missing| !missing.reason.is_empty()),
            "{key} {of}"
        );
        let of = match of {
            "amplitude" => Of::Amplitude,
            "phase" => Of::Phase,
            _ => Of::Whole,
        };
        assert_eq!(number(&evaluation, key, of), None);
    }
    // Scales of MS-SSIM are as many as fit, and so is everything else.
    assert_eq!(number(&evaluation, "ms_ssim_scales", Of::Phase), None);
    assert!(number(&evaluation, "ssim", Of::Phase).is_some());
    let text = serde_json::to_string(&(
        &evaluation.values,
        &evaluation.amplitude_bias,
        &evaluation.phase_bias,
    ))
    .unwrap();
    assert!(text.contains("\"mae\"") && !text.contains("NaN") && !text.contains("inf"));
    // A flat reference cannot be registered on, which is said and no reason to refuse.
    let (prepared, _) = both(
        &Array2::from_elem((40, 40), Complex64::new(1.0, 0.0)),
        &object((40, 40), 0.5, 3),
        &frame((40, 40)),
        &CompareSettings::default(),
    );
    assert!(prepared.steps.registration.is_none() && prepared.steps.notes.len() == 1);
}

#[test]
fn a_pure_phase_object_is_registered_on_its_phase() {
    let unit = |object: Array2<Complex64>| object.mapv(|value| value / value.norm());
    let scene = unit(object((232, 220), 2.0, 81));
    let moved = fourier_shift(scene.view(), [-0.4, 0.6]).mapv(|v| v * Complex64::cis(2.0));
    let part = s![20..212, 20..200];
    let (reference, moved) = (
        scene.slice(part).to_owned(),
        unit(moved.slice(part).to_owned()),
    );
    let (prepared, _) = both(&reference, &moved, &frame(DIM), &CompareSettings::default());
    let found = prepared.steps.registration.unwrap().shift_px;
    assert!(
        (found[0] - 0.4).abs() < 0.02 && (found[1] + 0.6).abs() < 0.02,
        "{found:?}"
    );
    assert!(prepared.steps.notes[0].contains("registered on phases"));
}

#[test]
fn whitening_finds_the_shift_too() {
    let [reference, other] = moved_scene([1.25, -0.75]).map(|o| o.mapv(Complex64::norm));
    let options = RegisterOptions {
        whiten: true,
        ..RegisterOptions::default()
    };
    let found = register(reference.view(), other.view(), options).unwrap();
    assert!(
        (found.shift_px[0] - 1.25).abs() < 0.03 && (found.shift_px[1] + 0.75).abs() < 0.03,
        "{found:?}"
    );
    assert!((0.0..=1.0).contains(&found.error));
    let there_and_back = fourier_shift(
        fourier_shift(reference.mapv(Complex64::from).view(), [1.5, -2.25]).view(),
        [-1.5, 2.25],
    );
    // The half frequency of an even side does not come back whole; the sides here hold little of it.
    assert!(greatest_difference(there_and_back.mapv(|v| v.re).view(), reference.view()) < 1e-2);
}

#[test]
fn what_cannot_be_compared_is_refused_in_words() {
    let good = single(&object((30, 30), 0.5, 1));
    let settings = CompareSettings::default();
    let refused = |other: &Array2<Complex32>, area: &Area| {
        prepare(good.view(), other.view(), area, &settings)
            .unwrap_err()
            .to_string()
    };
    let area = frame((30, 30));
    assert!(refused(&good.slice(s![.., ..20]).to_owned(), &area).contains("(30, 30)"));
    assert!(refused(&Array2::zeros((30, 30)), &area).contains("zeros"));
    let nan = Array2::from_elem((30, 30), Complex32::new(f32::NAN, 0.0));
    assert!(refused(&nan, &area).contains("finite"));
    let outside = Area {
        rows: 20..31,
        ..frame((30, 30))
    };
    assert!(refused(&good, &outside).contains("0:30,0:30"));
    let small = Area {
        rows: 0..8,
        ..frame((30, 30))
    };
    assert!(refused(&good, &small).contains("border"));
    let empty = Area {
        mask: Some(Array2::from_elem((30, 30), false)),
        ..frame((30, 30))
    };
    assert!(refused(&good, &empty).contains("pixel"));
}

#[test]
fn regions_are_read_and_written() {
    let rectangle = Region::Rectangle {
        rows: 3..40,
        columns: 0..17,
    };
    assert_eq!(Region::parse("3:40,0:17").unwrap(), rectangle);
    assert_eq!(Region::parse(" 3 : 40 , 0 : 17 ").unwrap(), rectangle);
    assert_eq!(Region::parse(&rectangle.to_string()).unwrap(), rectangle);
    assert_eq!(
        Region::parse(&Region::Auto.to_string()).unwrap(),
        Region::Auto
    );
    for text in [
        "",
        "all",
        "3:40",
        "40:3,0:17",
        "3:3,0:17",
        "-3:4,0:17",
        "1:2,3:4,5:6",
    ] {
        let error = Region::parse(text).unwrap_err().to_string();
        assert!(error.contains("y0:y1,x0:x1"), "{error}");
    }
}

#[test]
fn the_automatic_region_is_what_the_scan_lit() {
    let probe = Array3::from_elem((1, 8, 8), Complex32::new(1.0, 0.0));
    let positions: Vec<_> = (0..5)
        .flat_map(|y| (0..4).map(move |x| [12.2 + 4.0 * f64::from(y), 9.0 + 4.0 * f64::from(x)]))
        .collect();
    let mut seen = Array2::from_elem((50, 40), 1.0_f32);
    let light = |coverages| Light {
        positions_px: &positions,
        probe: probe.view(),
        coverages,
    };
    let area = Region::Auto.area((50, 40), light(&[]), 0.1).unwrap();
    assert_eq!((area.rows.clone(), area.columns.clone()), (12..30, 9..22));
    assert_eq!(area.mask, None);
    seen[[15, 10]] = 0.0;
    let coverages = [seen.view()];
    let area = Region::Auto.area((50, 40), light(&coverages), 0.1).unwrap();
    let mask = area.mask.as_ref().unwrap();
    assert!(!mask[[3, 1]] && area.n_pixels() == 18 * 13 - 1);
    // Four patches lie over every pixel but the last two rows and the last column, where two and one do.
    let bright = Region::Auto.area((50, 40), light(&[]), 0.9).unwrap();
    assert!(
        bright
            .mask
            .is_some_and(|mask| mask[[0, 0]] && mask[[9, 6]] && !mask[[17, 12]])
    );
    let nowhere = Light {
        positions_px: &[],
        ..light(&[])
    };
    assert!(Region::Auto.area((50, 40), nowhere, 0.1).is_err());
    let rectangle = Region::Rectangle {
        rows: 0..50,
        columns: 0..41,
    };
    let error = rectangle
        .area((50, 40), light(&[]), 0.1)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("0:50,0:40") && error.contains("0:50,0:41"),
        "{error}"
    );
}

#[test]
fn curves_cross_thresholds_between_rings() {
    let curve = FrcCurve {
        values: vec![1.0, 0.9, f64::NAN, 0.6, 0.2, 0.1],
        n_pixels: vec![1, 8, 12, 16, 32, 28],
        side_px: 8,
    };
    let half = curve.cutoff(Threshold::Half, Some(2e-9));
    assert!((half.rings - 3.25).abs() < 1e-12 && (half.of_nyquist - 3.25 / 4.0).abs() < 1e-12);
    assert!((half.half_period_nm.unwrap() - 8.0 * 2.0 / (2.0 * 3.25)).abs() < 1e-12);
    // Published: 0.5 + 2.4142/√n over 1.5 + 1.4142/√n; 0.2071 + 1.9102/√n over 1.2071 + 0.9102/√n.
    for (threshold, [a, b, c, d]) in [
        (Threshold::OneBit, [0.5, 1.0 + SQRT_2, 1.5, SQRT_2]),
        (Threshold::HalfBit, [0.2071, 1.9102, 1.2071, 0.9102]),
    ] {
        for n in [1_usize, 8, 100] {
            let root = (n as f64).sqrt();
            assert!((threshold.at(n) - (a + b / root) / (c + d / root)).abs() < 1e-4);
        }
    }
    assert!((curve.threshold(Threshold::OneBit)[0] - 1.0).abs() < 1e-12);
    let high = FrcCurve {
        values: vec![0.999; 6],
        ..curve.clone()
    };
    assert_eq!(high.cutoff(Threshold::OneBit, None).rings, 6.0);
    let unknown = FrcCurve {
        values: vec![f64::NAN; 6],
        ..curve
    };
    assert!(
        !unknown.is_known()
            && unknown
                .cutoff(Threshold::Half, Some(1e-9))
                .half_period_nm
                .is_none()
    );
}

#[test]
fn one_factor_explains_a_scaled_picture() {
    let reference = noise((20, 30), 1).mapv(|v| v + 0.5);
    let other = reference.mapv(|v| v / 1.3);
    let bias = Bias::of(reference.view(), other.view(), None);
    assert!((bias.least_squares_factor.unwrap() - 1.3).abs() < 1e-12);
    assert!((bias.mean_ratio.unwrap() - 1.3).abs() < 1e-12);
    assert!(bias.mae > 0.1 && bias.mae_rescaled < 1e-12);
    let ratio = bias.ratio.unwrap();
    assert!(
        ratio
            .percentiles
            .iter()
            .all(|p| (p - 1.0 / 1.3).abs() < 1e-12)
    );
    let nothing = Bias::of(
        Array2::zeros((3, 3)).view(),
        Array2::zeros((3, 3)).view(),
        None,
    );
    assert!(nothing.ratio.is_none() && nothing.least_squares_factor.is_none());
}

#[test]
fn every_number_has_its_definition() {
    let object = object(DIM, 1.0, 1);
    let other = &object * &super::object(DIM, 0.2, 9);
    let (_, evaluation) = both(&object, &other, &frame(DIM), &CompareSettings::default());
    assert_eq!(
        evaluation.values.len(),
        DEFINITIONS.len(),
        "{:?}",
        evaluation.missing
    );
    for (row, definition) in evaluation.values.iter().zip(DEFINITIONS) {
        assert_eq!(row.key, definition.key);
        assert!(definition.text.ends_with('.') && !definition.label.is_empty());
    }
    assert_eq!(definition("ssim").unwrap().better, Better::Higher);
    assert!(definition("nothing").is_none());
    for (at, definition) in DEFINITIONS.iter().enumerate() {
        assert!(
            DEFINITIONS[..at]
                .iter()
                .all(|other| other.key != definition.key)
        );
    }
}
