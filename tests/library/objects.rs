//! Test objects, probes, scans, scenes and the leak between the halves of a scan.

use ndarray::{Array2, Array3, s};
use num_complex::Complex32;
use proptest::prelude::*;
use ptycho_core::fields::{AutoReal, Fields as _};
use ptycho_core::patches::whole_start;
use ptycho_core::sim::leak::{Leak, leak, seen, support};
use ptycho_core::sim::object::{ObjectSettings, PhasePattern, SiemensStar, make_object};
use ptycho_core::sim::probe::{ProbeSettings, make_probe, report};
use ptycho_core::sim::scan::{ScanSettings, make_positions};
use ptycho_core::sim::{
    ObjectContent, ObjectKind, Outside, ProbeKind, ScanKind, Scene, SceneParts, SceneSettings,
    Sources,
};

use crate::support::shared;

const PATTERNS: [ObjectKind; 6] = [
    ObjectKind::Lines,
    ObjectKind::Siemens,
    ObjectKind::Field,
    ObjectKind::Wing,
    ObjectKind::Leaves,
    ObjectKind::Noise,
];
const TRAJECTORIES: [ScanKind; 4] = [
    ScanKind::Random,
    ScanKind::Raster,
    ScanKind::Snake,
    ScanKind::Fermat,
];

fn object(kind: ObjectKind, size: usize) -> ObjectSettings {
    ObjectSettings {
        object: kind,
        object_size: size,
        ..ObjectSettings::default()
    }
}

fn probe(kind: ProbeKind, n: usize) -> ProbeSettings {
    ProbeSettings {
        probe: kind,
        n,
        ..ProbeSettings::default()
    }
}

fn scan(kind: ScanKind, positions: usize) -> ScanSettings {
    ScanSettings {
        scan: kind,
        positions,
        ..ScanSettings::default()
    }
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), v| {
        (least.min(v), most.max(v))
    })
}

fn amplitudes(object: &Array2<Complex32>) -> (f64, f64) {
    range(object.iter().map(|value| f64::from(value.norm())))
}

fn phases(object: &Array2<Complex32>) -> (f64, f64) {
    range(object.iter().map(|value| f64::from(value.arg())))
}

fn close(found: f64, expected: f64, relative: f64) {
    assert!(
        (found - expected).abs() <= relative * expected.abs(),
        "{found} is not {expected}"
    );
}

#[test]
fn the_same_seed_gives_the_same_object_and_another_seed_another() {
    for kind in PATTERNS {
        let settings = object(kind, 96);
        let first = make_object(&settings, 5).unwrap();
        assert_eq!(first.dim(), (96, 96));
        assert_eq!(first, make_object(&settings, 5).unwrap(), "{kind:?}");
        let is_random = kind != ObjectKind::Siemens;
        assert_eq!(
            first != make_object(&settings, 6).unwrap(),
            is_random,
            "{kind:?}"
        );
    }
}

#[test]
fn amplitude_and_phase_keep_their_ranges() {
    for kind in PATTERNS {
        let mut settings = object(kind, 96);
        let found = make_object(&settings, 1).unwrap();
        let (least, most) = amplitudes(&found);
        close(most, 1.5, 1e-6);
        // Lines keep the least value for ground that no line's blur reaches.
        if kind == ObjectKind::Lines {
            assert!(0.5 < least && least < 0.9, "{least}");
        } else {
            close(least, 0.5, 1e-6);
        }
        assert_eq!(phases(&found), (0.0, 0.0), "{kind:?}");

        settings.object_content = ObjectContent::Phase;
        settings.object_phase_min_rad = -1.0;
        settings.object_phase_max_rad = 2.0;
        let found = make_object(&settings, 1).unwrap();
        let (least, most) = amplitudes(&found);
        assert!((least - 1.0).abs() < 1e-6 && (most - 1.0).abs() < 1e-6);
        close(phases(&found).1, 2.0, 1e-6);
        assert!(phases(&found).0 >= -1.0 - 1e-6);
        if kind != ObjectKind::Lines {
            close(phases(&found).0, -1.0, 1e-6);
        }
    }
}

#[test]
fn both_share_a_pattern_or_have_two() {
    let correlation = |of: PhasePattern| {
        let settings = ObjectSettings {
            object_content: ObjectContent::Both,
            object_phase_pattern: of,
            ..object(ObjectKind::Noise, 64)
        };
        let found = make_object(&settings, 3).unwrap();
        let pairs = found
            .iter()
            .map(|z| (f64::from(z.norm()) - 1.0, f64::from(z.arg())));
        let sum = |f: &dyn Fn((f64, f64)) -> f64| pairs.clone().map(f).sum::<f64>();
        sum(&|(a, p)| a * p) / (sum(&|(a, _)| a * a) * sum(&|(_, p)| p * p)).sqrt()
    };
    assert!(correlation(PhasePattern::Same) > 0.999);
    assert!(correlation(PhasePattern::Own).abs() < 0.06);
}

#[test]
fn settings_that_contradict_each_other_are_refused_in_words() {
    let mut settings = object(ObjectKind::Noise, 64);
    settings.object_amplitude_min = 2.0;
    let message = make_object(&settings, 0).unwrap_err().to_string();
    assert!(message.contains("amplitude") && message.contains("1.5") && message.contains('2'));
    // A range that is not used does not matter.
    settings.object_content = ObjectContent::Phase;
    assert!(make_object(&settings, 0).is_ok());
    settings.object_phase_min_rad = f64::NAN;
    assert!(make_object(&settings, 0).is_err());
    assert!(make_object(&object(ObjectKind::File, 64), 0).is_err());
    assert!(make_object(&object(ObjectKind::Lines, 4), 0).is_err());
}

#[test]
fn lines_are_those_of_the_field() {
    let mut settings = object(ObjectKind::Lines, 192);
    settings.object_lines = AutoReal::Auto;
    let found = make_object(&settings, 11).unwrap();
    // The formula in numpy over 60 seeds: mean 1.019 to 1.149, deviation 0.121 to 0.163.
    let values: Vec<f64> = found.iter().map(|z| f64::from(z.re)).collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let deviation =
        (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt();
    assert!((0.98..1.19).contains(&mean), "{mean}");
    assert!((0.10..0.18).contains(&deviation), "{deviation}");
    // Twice the lines, twice the density: another object.
    settings.object_lines = AutoReal::Given(390.0);
    assert_ne!(found, make_object(&settings, 11).unwrap());
}

#[test]
fn a_star_tells_a_mirrored_or_turned_picture() {
    let found = make_object(&object(ObjectKind::Siemens, 128), 0).unwrap();
    let differs = |other: &Array2<Complex32>| {
        let sum: f32 = found.iter().zip(other).map(|(a, b)| (a - b).norm()).sum();
        sum / found.len() as f32
    };
    // The star's middle is pixel 64: leave the first row and column out, to mirror about it.
    let inner = found.slice(s![1.., 1..]).to_owned();
    let mirrored = inner.slice(s![..;-1, ..]).to_owned();
    let mut whole = found.clone();
    whole.slice_mut(s![1.., 1..]).assign(&mirrored);
    assert!(differs(&whole) > 1e-3);
    assert!(differs(&found.t().to_owned()) > 1e-3);
    // The short spoke points to the upper right: ground where its end would be, dark to the lower right.
    let at = 0.8 * 0.46 * 128.0 / 2.0_f64.sqrt();
    let pixel = |dy: f64, dx: f64| found[[(64.0 + dy) as usize, (64.0 + dx) as usize]].re;
    assert!(pixel(-at, at) > 1.4 && pixel(at, at) < 0.6);
    assert!(SiemensStar::filling(16, 720).hub_px <= 4.0);
}

#[test]
fn the_disk_is_that_of_ptychopinn() {
    for (n, scale, n_px, power, most) in [
        (64, 0.7, 376, 337.757, 1.0),
        (128, 0.7, 1500, 1423.419, 1.0),
        (64, 4.0, 12, 5.6932, 0.790_146),
    ] {
        let settings = ProbeSettings {
            default_probe_scale: scale,
            ..probe(ProbeKind::Disk, n)
        };
        let found = make_probe(&settings).unwrap();
        assert_eq!(found.dim(), (1, n, n));
        let report = report(found.view(), 1.0).unwrap();
        close(report.as_stored.power, power, 1e-5);
        close(report.as_stored.amplitude_max, most, 1e-5);
        let sum: f64 = found.iter().map(|z| f64::from(z.re)).sum();
        close(sum, f64::from(n_px), 1e-5);
        assert!(found.iter().all(|z| z.im == 0.0 && z.re > 0.0));
    }
}

#[test]
fn the_report_gives_both_conventions() {
    for (n, mean, norms) in [
        (64, 0.091_796_9, [200.205, 50.051, 20.020]),
        (128, 0.091_552_7, [412.093, 103.023, 41.209]),
    ] {
        let found = make_probe(&probe(ProbeKind::Disk, n)).unwrap();
        for (probe_scale, norm) in [1.0, 4.0, 10.0].into_iter().zip(norms) {
            let report = report(found.view(), probe_scale).unwrap();
            close(report.masked_mean_divisor, probe_scale * mean, 2e-6);
            close(report.masked_mean.l2, norm, 3e-5);
            close(report.masked_mean.power, norm * norm, 6e-5);
            close(report.as_stored.l2.powi(2), report.as_stored.power, 1e-12);
            assert_eq!(report.mode_power, [1.0]);
        }
    }
    let zeros = Array3::<Complex32>::zeros((1, 16, 16));
    assert!(
        report(zeros.view(), 1.0)
            .unwrap_err()
            .to_string()
            .contains("zeros only")
    );
    let mut bad = zeros;
    bad[[0, 3, 3]] = Complex32::new(f32::NAN, 0.0);
    assert!(
        report(bad.view(), 1.0)
            .unwrap_err()
            .to_string()
            .contains("finite")
    );
}

#[test]
fn the_width_of_a_gaussian_is_the_one_of_its_formula() {
    let settings = ProbeSettings {
        probe_sigma_n: 0.1,
        ..probe(ProbeKind::Gaussian, 128)
    };
    let found = make_probe(&settings).unwrap();
    assert_eq!(found[[0, 64, 64]], Complex32::new(1.0, 0.0));
    // Amplitude of σ, so intensity of σ/√2: full width at half maximum 2 √(ln 2) σ.
    let report = report(found.view(), 1.0).unwrap();
    close(report.fwhm_px, 2.0 * 2.0_f64.ln().sqrt() * 12.8, 0.01);
}

#[test]
fn modes_are_orthogonal_and_their_powers_fall_as_asked() {
    for kind in [
        ProbeKind::Disk,
        ProbeKind::Gaussian,
        ProbeKind::Defocused,
        ProbeKind::ZonePlate,
    ] {
        let one = make_probe(&probe(kind, 64)).unwrap();
        let settings = ProbeSettings {
            n_probe_modes: 16,
            probe_mode_decay: 0.6,
            ..probe(kind, 64)
        };
        let found = make_probe(&settings).unwrap();
        assert_eq!(found.dim(), (16, 64, 64));
        let product = |a: usize, b: usize| {
            let (a, b) = (found.slice(s![a, .., ..]), found.slice(s![b, .., ..]));
            let terms = a.iter().zip(b).map(|(a, b)| {
                let [a, b] = [a, b].map(|z| num_complex::Complex64::new(z.re.into(), z.im.into()));
                a.conj() * b
            });
            terms.sum::<num_complex::Complex64>().norm()
        };
        for a in 0..16 {
            for b in 0..a {
                let relative = product(a, b) / (product(a, a) * product(b, b)).sqrt();
                assert!(relative < 1e-5, "{kind:?} {a} {b}: {relative}");
            }
        }
        let report_of = |probe: &Array3<Complex32>| report(probe.view(), 1.0).unwrap();
        close(
            report_of(&found).as_stored.power,
            report_of(&one).as_stored.power,
            1e-5,
        );
        for pair in report_of(&found).mode_power.windows(2) {
            close(pair[1] / pair[0], 0.6, 1e-4);
        }
    }
    let too_many = ProbeSettings {
        n_probe_modes: 16,
        default_probe_scale: 10.0,
        ..probe(ProbeKind::Disk, 16)
    };
    // A few bright pixels and their blur still carry sixteen modes, or the refusal says how many.
    match make_probe(&too_many) {
        Ok(found) => assert!(found.iter().all(|z| z.is_finite())),
        Err(error) => assert!(error.to_string().contains("n-probe-modes"), "{error}"),
    }
    assert!(make_probe(&probe(ProbeKind::File, 64)).is_err());
}

#[test]
fn a_lens_probe_fits_its_window_and_its_stop_darkens_the_middle_of_the_bright_field() {
    for n in [64, 128, 256] {
        for kind in [ProbeKind::Defocused, ProbeKind::ZonePlate] {
            let found = make_probe(&probe(kind, n)).unwrap();
            let power = |rows: std::ops::Range<usize>| {
                let part = found.slice(s![0, rows.clone(), rows]);
                part.iter().map(|z| f64::from(z.norm_sqr())).sum::<f64>()
            };
            assert!(power(n / 8..n - n / 8) > 0.93 * power(0..n), "{kind:?} {n}");
            let peak = range(found.iter().map(|z| f64::from(z.norm()))).1;
            close(peak, 1.0, 1e-6);
        }
    }
    let bright_middle = |kind| {
        let mut wave = make_probe(&probe(kind, 64)).unwrap();
        let fft = ptycho_core::fft::Fft2::<f32>::new(64, 64);
        fft.forward(wave.as_slice_mut().unwrap(), &mut fft.scratch());
        wave[[0, 32, 32]].norm() / wave[[0, 32, 39]].norm()
    };
    assert!((bright_middle(ProbeKind::Defocused) - 1.0).abs() < 1e-3);
    assert!(bright_middle(ProbeKind::ZonePlate) < 1e-3);
}

/// Whether the patch lies inside, by the file contract's rounding.
fn is_inside(position_px: [f64; 2], n: usize, shape: [usize; 2]) -> bool {
    let (start, _) = whole_start(position_px, n);
    (0..2).all(|axis| 0 <= start[axis] && start[axis] + n as isize <= shape[axis] as isize)
}

proptest! {
    #[test]
    fn every_scan_has_its_number_of_positions_and_stays_inside(
        kind in 0..TRAJECTORIES.len(),
        n_positions in 1usize..1500,
        n in 16usize..70,
        more in (1usize..200, 1usize..200),
        seed in 0u64..50,
    ) {
        let shape = [n + more.0, n + more.1];
        let settings = scan(TRAJECTORIES[kind], n_positions);
        match make_positions(&settings, shape, n, seed) {
            Ok(positions) => {
                prop_assert_eq!(positions.len(), n_positions);
                for position in &positions {
                    prop_assert!(is_inside(*position, n, shape), "{:?}", position);
                }
            }
            // Only a spiral needs an area that is no strip.
            Err(error) => {
                prop_assert!(TRAJECTORIES[kind] == ScanKind::Fermat, "{}", error);
                prop_assert!(30 * more.0.min(more.1) < more.0.max(more.1), "{}", error);
            }
        }
    }

    #[test]
    fn the_seen_pixels_are_those_of_brute_force(
        seed in 0u64..1000,
        n in 3usize..12,
        shape in (8usize..30, 8usize..30),
        positions in prop::collection::vec((-6.0f64..36.0, -6.0f64..36.0), 0..12),
    ) {
        let shape = [shape.0, shape.1];
        let support = Array2::from_shape_fn((n, n), |(row, column)| {
            (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> ((row * n + column) % 61)) & 1 == 1
        });
        let positions: Vec<[f64; 2]> = positions.into_iter().map(|(row, column)| [row, column]).collect();
        let mut twin = Array2::from_elem(shape, false);
        for position in &positions {
            let (start, _) = whole_start(*position, n);
            for ((row, column), is_bright) in support.indexed_iter() {
                let place = [start[0] + row as isize, start[1] + column as isize];
                if *is_bright && (0..2).all(|axis| (0..shape[axis] as isize).contains(&place[axis])) {
                    twin[[place[0] as usize, place[1] as usize]] = true;
                }
            }
        }
        prop_assert_eq!(&seen(&support, &positions, shape), &twin);
        let half = positions.len() / 2;
        let found = leak(&support, &positions[..half], &positions[half..], shape);
        let [train, test] = [&positions[..half], &positions[half..]].map(|part| seen(&support, part, shape));
        let count = |pixels: &Array2<bool>| pixels.iter().filter(|is_seen| **is_seen).count();
        let shared = Array2::from_shape_fn(shape, |at| train[at] && test[at]);
        prop_assert_eq!(found, Leak { n_shared_px: count(&shared), n_test_px: count(&test), n_train_px: count(&train) });
    }
}

#[test]
fn rasters_fill_their_area_with_near_square_steps() {
    for (n_positions, shape) in [(512, [192, 192]), (10304, [464, 464]), (300, [200, 500])] {
        let found = make_positions(&scan(ScanKind::Raster, n_positions), shape, 64, 0).unwrap();
        let step_x = found[1][1] - found[0][1];
        let n_columns = found.iter().take_while(|c| c[0] == found[0][0]).count();
        let step_y = found[n_columns][0] - found[0][0];
        close(step_x, step_y, 0.12);
        for axis in 0..2 {
            let (least, most) = range(found.iter().map(|c| c[axis]));
            assert_eq!((least, most), (32.0, (shape[axis] - 32) as f64));
        }
    }
    // To and fro: neighbours in time are neighbours in space.
    let snake = make_positions(&scan(ScanKind::Snake, 100), [192, 192], 64, 0).unwrap();
    let raster = make_positions(&scan(ScanKind::Raster, 100), [192, 192], 64, 0).unwrap();
    let longest = |scan: &[[f64; 2]]| {
        range(
            scan.windows(2)
                .map(|c| (c[1][0] - c[0][0]).hypot(c[1][1] - c[0][1])),
        )
        .1
    };
    assert!(longest(&snake) < 15.0 && longest(&raster) > 100.0);
    let sorted = |mut scan: Vec<[f64; 2]>| {
        scan.sort_by(|a, b| a.partial_cmp(b).unwrap());
        scan
    };
    assert_eq!(sorted(snake), sorted(raster));
}

#[test]
fn a_given_step_is_kept() {
    for kind in [ScanKind::Raster, ScanKind::Snake] {
        let mut settings = scan(kind, 110);
        settings.scan_step_px = AutoReal::Given(6.5);
        let found = make_positions(&settings, [192, 192], 64, 0).unwrap();
        assert_eq!(found.len(), 110);
        close(found[1][1] - found[0][1], 6.5, 1e-9);
        let middle = |axis: usize| {
            let (least, most) = range(found.iter().map(|c| c[axis]));
            f64::midpoint(least, most)
        };
        close(middle(0), 96.0, 1e-9);
        close(middle(1), 96.0, 1e-9);
    }
}

#[test]
fn a_spiral_fills_its_area_evenly() {
    let found = make_positions(&scan(ScanKind::Fermat, 2000), [300, 400], 64, 0).unwrap();
    // Each quarter of the area has a quarter of the points.
    let quarter = |row: bool, column: bool| {
        let inside = found
            .iter()
            .filter(|c| (c[0] < 150.0) == row && (c[1] < 200.0) == column);
        inside.count()
    };
    for (row, column) in [(true, true), (true, false), (false, true), (false, false)] {
        assert!(quarter(row, column).abs_diff(500) < 25);
    }
    for axis in 0..2 {
        let (least, most) = range(found.iter().map(|c| c[axis]));
        let side = [300.0, 400.0][axis];
        assert!(least - 32.0 < 6.0 && side - 32.0 - most < 6.0);
    }
}

#[test]
fn random_positions_have_their_seed_buffer_and_jitter() {
    let settings = scan(ScanKind::Random, 3000);
    let found = make_positions(&settings, [192, 256], 64, 7).unwrap();
    assert_eq!(found, make_positions(&settings, [192, 256], 64, 7).unwrap());
    assert_ne!(found, make_positions(&settings, [192, 256], 64, 8).unwrap());
    let fewer = make_positions(&scan(ScanKind::Random, 10), [192, 256], 64, 7).unwrap();
    assert_eq!(found[..10], fewer);
    for (axis, side) in [(0, 192.0), (1, 256.0)] {
        let (least, most) = range(found.iter().map(|c| c[axis]));
        assert!((32.0..33.0).contains(&least) && (side - 33.0..side - 32.0).contains(&most));
        let mean = found.iter().map(|c| c[axis]).sum::<f64>() / 3000.0;
        assert!((mean - side / 2.0).abs() < 0.02 * side);
    }
    let narrow = ScanSettings {
        buffer_px: AutoReal::Given(15.0),
        ..settings.clone()
    };
    let wide = make_positions(&narrow, [192, 256], 64, 7).unwrap();
    assert!(range(wide.iter().map(|c| c[0])).0 < 16.0);
    let jittered = ScanSettings {
        jitter_px: 2.0,
        ..settings
    };
    let moved = make_positions(&jittered, [192, 256], 64, 7).unwrap();
    let squares = moved
        .iter()
        .flatten()
        .zip(found.iter().flatten())
        .map(|(a, b)| (a - b).powi(2));
    let deviation = (squares.sum::<f64>() / 6000.0).sqrt();
    assert!((1.9..2.1).contains(&deviation), "{deviation}");
}

#[test]
fn scans_that_cannot_be_laid_are_refused_in_words() {
    let message = |settings: &ScanSettings, shape| {
        make_positions(settings, shape, 64, 0)
            .unwrap_err()
            .to_string()
    };
    let settings = scan(ScanKind::Raster, 9);
    assert!(message(&settings, [63, 192]).contains("at least 64 x 64 px"));
    assert!(message(&settings, [64, 64]).contains("room for 9 positions"));
    assert!(message(&scan(ScanKind::Random, 0), [192, 192]).contains("positions"));
    assert!(message(&scan(ScanKind::File, 9), [192, 192]).contains("file"));
    assert!(message(&scan(ScanKind::Fermat, 9), [64, 192]).contains("fermat"));
    let mut settings = scan(ScanKind::Random, 9);
    settings.buffer_px = AutoReal::Given(100.0);
    assert!(message(&settings, [192, 192]).contains("buffer-px: expected at most 96"));
    settings.buffer_px = AutoReal::Given(f64::NAN);
    assert!(message(&settings, [192, 192]).contains("buffer-px"));
    assert!(make_positions(&scan(ScanKind::Raster, 1), [64, 64], 64, 0).is_ok());
}

fn settings(kind: ObjectKind, size: usize, positions: usize) -> SceneSettings {
    SceneSettings {
        object: object(kind, size),
        probe: probe(ProbeKind::Disk, 64),
        scan: scan(ScanKind::Random, positions),
        sources: Sources::default(),
    }
}

#[test]
fn a_scene_has_two_scans_where_asked() {
    let scene = Scene::build(
        &settings(ObjectKind::Lines, 192, 40),
        Outside::Refuse,
        1,
        (12, 2),
    )
    .unwrap();
    assert_eq!((scene.n(), scene.object_shape()), (64, [192, 192]));
    assert_eq!(scene.positions_px.len(), 40);
    let test = scene.test_positions_px.unwrap();
    assert_eq!(test.len(), 12);
    assert_ne!(test[..], scene.positions_px[..12]);
    let second = make_positions(&scan(ScanKind::Random, 12), [192, 192], 64, 2).unwrap();
    assert_eq!(test[..], second[..]);
    assert!(scene.outside.is_empty() && scene.grown_px == [0, 0] && scene.pixel_size_m.is_none());
}

fn parts(positions_px: Vec<[f64; 2]>, test_positions_px: Option<Vec<[f64; 2]>>) -> SceneParts {
    SceneParts {
        object: make_object(&object(ObjectKind::Wing, 40), 0)
            .unwrap()
            .into(),
        probe: make_probe(&probe(ProbeKind::Disk, 16)).unwrap().into(),
        positions_px,
        test_positions_px,
        pixel_size_m: Some(1e-8),
        repairs: Vec::new(),
    }
}

#[test]
fn positions_outside_are_refused_with_a_list_or_the_object_grows() {
    let first = vec![[20.0, 20.0], [7.4, 20.0], [20.0, 35.2], [32.5, 32.49]];
    let test = vec![[5.0, 8.0], [8.0, 8.0]];
    let refused =
        Scene::assemble(parts(first.clone(), Some(test.clone())), Outside::Refuse).unwrap_err();
    let message = refused.to_string();
    for words in [
        "3 of 6 outside",
        "1 (7.4, 20.0)",
        "2 (20.0, 35.2)",
        "test 0 (5.0, 8.0)",
        "--outside grow",
    ] {
        assert!(message.contains(words), "{message}");
    }
    let scene = Scene::assemble(parts(first.clone(), Some(test)), Outside::Grow).unwrap();
    assert_eq!(scene.outside, [1, 2, 4]);
    // Above 3 rows for the test position, made even, so that 32.5 goes on rounding down; 3 columns to the right, since
    // 35.2 rounds to 35, whose patch ends before 43.
    assert_eq!(scene.grown_px, [4, 0]);
    assert_eq!(scene.object_shape(), [44, 43]);
    assert_eq!(scene.pixel_size_m, Some(1e-8));
    let before = make_object(&object(ObjectKind::Wing, 40), 0).unwrap();
    assert_eq!(scene.object.slice(s![4.., ..40]), before);
    let vacuum = Complex32::new(1.0, 0.0);
    assert!(scene.object.slice(s![..4, ..]).iter().all(|z| *z == vacuum));
    assert!(
        scene
            .object
            .slice(s![.., 40..])
            .iter()
            .all(|z| *z == vacuum)
    );
    for (moved, before) in scene.positions_px.iter().zip(&first) {
        assert_eq!(*moved, [before[0] + 4.0, before[1]]);
        assert!(is_inside(*moved, 16, scene.object_shape()));
    }
    assert_eq!(scene.test_positions_px.unwrap()[0], [9.0, 8.0]);
}

#[test]
fn a_scene_that_cannot_be_is_refused_in_words() {
    let message = |positions: Vec<[f64; 2]>| {
        Scene::assemble(parts(positions, None), Outside::Grow)
            .unwrap_err()
            .to_string()
    };
    assert!(message(vec![]).contains("one position at least"));
    assert!(message(vec![[f64::NAN, 1.0]]).contains("finite"));
    assert!(message(vec![[0.0, 1e300]]).contains("268 million"));
    let many: Vec<[f64; 2]> = (0..30).map(|i| [f64::from(i), 0.0]).collect();
    let listed = Scene::assemble(parts(many, None), Outside::Refuse)
        .unwrap_err()
        .to_string();
    assert!(
        listed.contains("30 of 30")
            && listed.contains("9 (9.0, 0.0), ...")
            && !listed.contains("10 (10")
    );
    let small = Scene::build(
        &settings(ObjectKind::Noise, 60, 5),
        Outside::Grow,
        0,
        (0, 0),
    );
    assert!(
        small
            .unwrap_err()
            .to_string()
            .contains("at least 64 x 64 px")
    );
    let none = Scene::build(
        &settings(ObjectKind::Noise, 96, 0),
        Outside::Grow,
        0,
        (0, 0),
    );
    assert!(none.unwrap_err().to_string().contains("positions"));
    let mut without = settings(ObjectKind::File, 96, 5);
    let error = Scene::build(&without, Outside::Grow, 0, (0, 0))
        .unwrap_err()
        .to_string();
    assert!(error.contains("--object FILE.npz"), "{error}");
    without.sources.object = Some("/nowhere/at/all.npz".into());
    assert!(matches!(
        Scene::build(&without, Outside::Grow, 0, (0, 0)),
        Err(ptycho_core::Error::Io { .. })
    ));
}

#[test]
fn a_file_gives_object_probe_and_positions() {
    let file = crate::support::data("contract/good.npz");
    let sources = Sources {
        object: Some(file.clone()),
        probe: Some(file.clone()),
        scan: Some(file.clone()),
    };
    let settings = SceneSettings {
        object: object(ObjectKind::File, 192),
        probe: probe(ProbeKind::File, 64),
        scan: scan(ScanKind::File, 512),
        sources,
    };
    let scene = Scene::build(&settings, Outside::Refuse, 0, (0, 0)).unwrap();
    let dataset = ptycho_core::data::Dataset::open(&file, ptycho_core::data::Strictness::Strict)
        .unwrap()
        .dataset;
    assert_eq!(Some(&*scene.object), dataset.object());
    assert_eq!(*scene.probe, *dataset.probe());
    assert_eq!(scene.positions_px[..], *dataset.positions_px());
    assert!(scene.repairs.is_empty());
    let message = settings.expect_n().unwrap_err().to_string();
    assert!(
        message.contains("64 x 64") && message.contains("--n 16"),
        "{message}"
    );
    let of_16 = SceneSettings {
        probe: probe(ProbeKind::File, 16),
        ..settings.clone()
    };
    of_16.expect_n().unwrap();
    let second = Scene::build(&settings, Outside::Refuse, 0, (5, 1)).unwrap_err();
    assert!(second.to_string().contains("test-positions"));
    assert_eq!(
        settings.words(),
        "object good.npz, probe good.npz, scan good.npz"
    );
    let flags = settings.flags().join(" ");
    let path = file.display().to_string();
    assert_eq!(
        flags,
        format!("--object {path} --probe {path} --scan {path}")
    );
}

#[test]
fn what_is_mended_in_a_file_is_told() {
    let file = crate::support::data("contract/centred_coordinates.npz");
    let settings = SceneSettings {
        object: object(ObjectKind::File, 192),
        probe: probe(ProbeKind::File, 64),
        scan: scan(ScanKind::File, 512),
        sources: Sources {
            object: Some(file.clone()),
            probe: Some(file.clone()),
            scan: Some(file),
        },
    };
    let scene = Scene::build(&settings, Outside::Refuse, 0, (0, 0)).unwrap();
    // One for each axis.
    assert_eq!(scene.repairs.len(), 2, "{:?}", scene.repairs);
    let name = "centred_coordinates.npz: ";
    assert!(scene.repairs.iter().all(|repair| repair.starts_with(name)));
    assert_eq!((scene.n(), scene.object_shape()), (16, [40, 36]));
}

#[test]
fn a_file_with_nothing_but_the_array_serves_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("parts.npz");
    let mut npz = ndarray_npy::NpzWriter::new(std::fs::File::create(&path).unwrap());
    let object = Array2::from_shape_fn((30, 40), |(row, column)| {
        num_complex::Complex64::new(row as f64, column as f64)
    });
    npz.add_array("objectGuess", &object).unwrap();
    npz.add_array(
        "probeGuess",
        &Array2::from_elem((20, 20), Complex32::new(0.0, 2.0)),
    )
    .unwrap();
    npz.add_array("ycoords", &ndarray::arr1(&[12.0, 15.5]))
        .unwrap();
    npz.add_array("xcoords", &ndarray::arr1(&[20.0, 21.0]))
        .unwrap();
    npz.finish().unwrap();
    let mut settings = SceneSettings {
        object: self::object(ObjectKind::File, 192),
        probe: probe(ProbeKind::File, 64),
        scan: scan(ScanKind::File, 512),
        sources: Sources {
            object: Some(path.clone()),
            probe: Some(path.clone()),
            scan: Some(path.clone()),
        },
    };
    let scene = Scene::build(&settings, Outside::Refuse, 0, (0, 0)).unwrap();
    assert_eq!((scene.n(), scene.object_shape()), (20, [30, 40]));
    assert_eq!(scene.object[[7, 31]], Complex32::new(7.0, 31.0));
    assert_eq!(scene.positions_px[..], [[12.0, 20.0], [15.5, 21.0]]);
    // A made scan over a file's object, with the file's probe.
    settings.scan = scan(ScanKind::Random, 9);
    let scene = Scene::build(&settings, Outside::Refuse, 0, (0, 0)).unwrap();
    assert_eq!(scene.positions_px.len(), 9);
    // What is not there is named.
    settings.sources.object = Some(crate::support::data("contract/no_probe.npz"));
    settings.sources.probe = Some(crate::support::data("contract/no_probe.npz"));
    let message = Scene::build(&settings, Outside::Refuse, 0, (0, 0))
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("probeGuess") && message.contains("no_probe.npz"),
        "{message}"
    );
}

#[test]
fn the_support_is_above_one_hundredth_of_all_modes_together() {
    let mut probe = Array3::<Complex32>::zeros((2, 8, 8));
    probe[[0, 4, 4]] = Complex32::new(1.0, 0.0);
    probe[[1, 4, 4]] = Complex32::new(0.0, 1.0);
    probe[[0, 4, 5]] = Complex32::new(0.15, 0.0);
    probe[[1, 2, 3]] = Complex32::new(0.1, 0.0);
    let found = support(probe.view());
    let seen: Vec<_> = found
        .indexed_iter()
        .filter(|(_, is)| **is)
        .map(|(at, _)| at)
        .collect();
    assert_eq!(seen, [(4, 4), (4, 5)]);
    assert_eq!(Leak::default().percent(), 0.0);
    assert!(
        !support(Array3::zeros((1, 4, 4)).view())
            .iter()
            .any(|is| *is)
    );
}

#[test]
fn halves_a_support_apart_share_nothing() {
    let probe = make_probe(&probe(ProbeKind::Disk, 64)).unwrap();
    let support = support(probe.view());
    let (least, most) = range(
        support
            .indexed_iter()
            .filter(|(_, is)| **is)
            .map(|((row, _), _)| row as f64),
    );
    let height = most - least + 1.0;
    let at = |row: f64| [[row, 100.0], [row, 120.0]];
    let close_by = leak(&support, &at(60.0), &at(60.0 + height - 1.0), [192, 192]);
    let apart = leak(&support, &at(60.0), &at(60.0 + height), [192, 192]);
    assert!(close_by.n_shared_px > 0 && apart.n_shared_px == 0);
    close(
        leak(&support, &at(60.0), &at(60.0), [192, 192]).percent(),
        100.0,
        1e-12,
    );
}

#[test]
fn lines_look_like_those_of_ptychopinn() {
    let Some(path) = shared("data/ptychopinn_lines_1e9_train.npz") else {
        return;
    };
    let settings = SceneSettings {
        sources: Sources {
            object: Some(path),
            ..Sources::default()
        },
        ..settings(ObjectKind::File, 192, 1)
    };
    let theirs = settings.make_object(0).unwrap();
    // How much neighbours differ, and how far: the look of an object, whatever its seed.
    let roughness = |object: &Array2<Complex32>| {
        let pixel = |row: usize, column: usize| f64::from(object[[row, column]].re);
        let mean_square = |reach: usize| {
            let squares = (0..192).flat_map(|row| {
                (reach..192)
                    .map(move |column| (pixel(row, column) - pixel(row, column - reach)).powi(2))
            });
            squares.sum::<f64>() / (192 * (192 - reach)) as f64
        };
        [1, 3, 10, 30].map(mean_square)
    };
    let ours: Vec<[f64; 4]> = (0..8)
        .map(|seed| roughness(&make_object(&object(ObjectKind::Lines, 192), seed).unwrap()))
        .collect();
    for (i, value) in roughness(&theirs).into_iter().enumerate() {
        let (least, most) = range(ours.iter().map(|found| found[i]));
        assert!(
            0.6 * least < value && value < 1.6 * most,
            "{i}: {value} beside {least} to {most}"
        );
    }
}

#[test]
fn every_field_of_the_scene_is_told_by_its_flags() {
    let mut settings = settings(ObjectKind::Leaves, 464, 99);
    settings.object.object_feature_px = AutoReal::Given(30.0);
    assert_eq!(
        settings.flags().join(" "),
        "--object leaves --object-size 464 --object-feature-px 30 --positions 99"
    );
    assert_eq!(settings.words(), "object leaves, probe disk, scan random");
    assert!(settings.object.check_ranges().is_ok());
}
