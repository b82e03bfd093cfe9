//! Subset, shuffle, split, crop, bin, pad, patches and fixtures: what travels together, and the physics of what comes out.

use std::collections::BTreeSet;
use std::path::Path;

use ndarray::{Array2, Array3, s};
use num_complex::{Complex32, Complex64};
use ptycho_core::data::tools::bin::BinnedProbe;
use ptycho_core::data::tools::choose::{Count, Evenly, Subset, shuffle, subset};
use ptycho_core::data::tools::crop::{CropSettings, crop};
use ptycho_core::data::tools::fixture::{FixtureSettings, SideCar, verify};
use ptycho_core::data::tools::pad::pad;
use ptycho_core::data::tools::turn::Orientation;
use ptycho_core::data::{Dataset, DatasetParts, Frames, Metadata, Patches, Strictness};
use ptycho_core::disk;
use ptycho_core::fields::AutoReal;
use ptycho_core::forward::{Forward, Subpixel, residual};
use ptycho_core::job::Quiet;
use ptycho_core::sim::SplitAxis;
use ptycho_core::study::tools::{SplitChoice, Tool, ToolOutcome};
use ptycho_core::{Error, Result};

use crate::support;

/// Most relative difference of amplitudes from the model: the object is continued by its mirror image, whose kink at the
/// border leaves a ripple of about `slope h / (π k)²` (here 4e-4 of the object) once the frequencies above `k` are cut.
const EXACT: f64 = 4e-4;
/// The same where the object is left alone: tails of Gaussian probes, and f32.
const WITHOUT_RESAMPLING: f64 = 1e-4;

/// A noise-free scan of a slow object by Gaussian modes of `sigma_px`, at positions between the pixels.
fn scene(n: usize, sigma_px: f64, n_modes: usize) -> Dataset {
    let shape = (n + 41, n + 30);
    let object = Array2::from_shape_fn(shape, |(row, column)| {
        let (y, x) = (row as f64, column as f64);
        let amplitude = 1.0 + 0.2 * (0.11 * y + 0.4).cos() * (0.07 * x).cos();
        Complex64::from_polar(amplitude, 0.6 * (0.09 * x + 0.05 * y).sin())
    });
    let probe = Array3::from_shape_fn((n_modes, n, n), |(mode, row, column)| {
        let at = |i: usize| i as f64 - (n / 2) as f64;
        let (y, x) = (at(row), at(column));
        let odd = if mode == 0 { 1.0 } else { 0.5 * x / sigma_px };
        let square = (y * y + x * x) / (2.0 * sigma_px * sigma_px);
        Complex64::from_polar(30.0 * odd * (-square).exp(), 0.3 * square + 0.02 * y)
    });
    let half = (n / 2) as f64;
    let positions_px: Vec<[f64; 2]> = (0..24)
        .map(|i| {
            let (row, column) = (f64::from(i / 6), f64::from(i % 6));
            [
                half + 1.3 + 11.7 * row + 0.31 * column,
                half + 0.2 + 5.3 * column + 0.17 * row,
            ]
        })
        .collect();
    let forward = Forward::<f64>::new(n, Subpixel::Fourier);
    let mut frames = Array3::zeros((positions_px.len(), n, n));
    for (position, mut frame) in positions_px.iter().zip(frames.outer_iter_mut()) {
        let counts = forward.intensity(object.view(), probe.view(), *position);
        frame.assign(&counts.mapv(|counts| counts.sqrt() as f32));
    }
    let single = |z: &Complex64| Complex32::new(z.re as f32, z.im as f32);
    Dataset::new(DatasetParts {
        object: Some(object.map(single)),
        metadata: Metadata {
            subpixel: Some("fourier".to_owned()),
            amplitude: Some("sqrt_counts".to_owned()),
            pixel_size_m: Some(12e-9),
            photons_requested: Some(1e4),
            ..Metadata::default()
        },
        ..DatasetParts::required(Frames::from_array(frames), positions_px, probe.map(single))
    })
    .unwrap()
}

fn residual_of(dataset: &Dataset) -> f64 {
    residual(dataset, Subpixel::Fourier, 24).unwrap()
}

fn cropped(dataset: &Dataset, settings: &CropSettings) -> Dataset {
    crop(dataset, settings, &Quiet::default()).unwrap().dataset
}

/// A scan whose every part carries the number of its pattern.
fn marked(m: usize) -> Dataset {
    let n = 8;
    let frames = Array3::from_shape_fn((m, n, n), |(i, row, column)| (1 + i + row * column) as f32);
    let patches = Array3::from_shape_fn((m, n, n), |(i, _, _)| Complex32::new(i as f32, 1.0));
    let positions_px: Vec<[f64; 2]> = (0..m)
        .map(|i| [4.0 + (i / 8) as f64, 4.0 + (i % 8) as f64 * 1.5])
        .collect();
    let numbers = || (0..m).map(|i| i as f64);
    Dataset::new(DatasetParts {
        object: Some(Array2::from_elem((80, 40), Complex32::new(1.0, 0.0))),
        patches: Some(Patches::from_array(patches)),
        scan_index: Some((0..m as i64).collect()),
        rows_start_px: Some(numbers().map(|i| i + 0.25).collect()),
        columns_start_px: Some(numbers().map(|i| i + 0.75).collect()),
        group_index: Some(Array2::from_shape_fn((m - 1, 2), |(group, member)| {
            (group + member) as i32
        })),
        detector_mask: Some(Array2::from_shape_fn((n, n), |(row, column)| {
            row + column != 3
        })),
        metadata: Metadata {
            amplitude: Some("sqrt_counts".to_owned()),
            ..Metadata::default()
        },
        ..DatasetParts::required(
            Frames::from_array(frames),
            positions_px,
            Array3::from_elem((1, n, n), Complex32::new(1.0, 0.0)),
        )
    })
    .unwrap()
}

/// The number that every part of each pattern carries; they must agree.
fn markers(dataset: &Dataset) -> Vec<usize> {
    let parts = dataset.parts();
    let n = dataset.n();
    (0..dataset.n_patterns())
        .map(|i| {
            let mut frame = vec![0.0; n * n];
            parts.frames.read(i, &mut frame);
            let mut patch = vec![Complex32::default(); n * n];
            parts.patches.as_ref().unwrap().read(i, &mut patch);
            let marker = frame[0] as usize - 1;
            let expected = [4.0 + (marker / 8) as f64, 4.0 + (marker % 8) as f64 * 1.5];
            assert_eq!(parts.positions_px[i], expected);
            assert_eq!(patch[5].re as usize, marker);
            assert_eq!(parts.scan_index.as_ref().unwrap()[i], marker as i64);
            assert_eq!(
                parts.rows_start_px.as_ref().unwrap()[i],
                marker as f64 + 0.25
            );
            assert_eq!(
                parts.columns_start_px.as_ref().unwrap()[i],
                marker as f64 + 0.75
            );
            marker
        })
        .collect()
}

fn choice(count: Count) -> Subset {
    Subset {
        region: None,
        count,
    }
}

#[test]
fn the_noise_free_scene_obeys_the_forward_model_itself() {
    for dataset in [scene(32, 2.5, 1), scene(33, 2.5, 2)] {
        assert!(residual_of(&dataset) < 1e-6, "{}", residual_of(&dataset));
    }
}

#[test]
fn a_cropped_scan_obeys_the_forward_model() {
    for (n, n_new, n_modes) in [
        (64, 32, 1),
        (64, 48, 2),
        (64, 45, 1),
        (63, 48, 1),
        (63, 41, 1),
    ] {
        let before = scene(n, 4.0, n_modes);
        let after = cropped(
            &before,
            &CropSettings {
                crop: n_new,
                ..CropSettings::default()
            },
        );
        assert_eq!(
            (after.n(), after.n_patterns()),
            (n_new, before.n_patterns())
        );
        let error = residual_of(&after);
        assert!(error < EXACT, "{n} to {n_new}: {error:e}");
        let size_m = after.metadata().pixel_size_m.unwrap();
        assert!((size_m - 12e-9 * n as f64 / n_new as f64).abs() < 1e-18);
    }
}

#[test]
fn a_crop_takes_the_middle_of_the_counts_and_scales_the_positions() {
    let before = scene(64, 4.0, 1);
    let after = cropped(
        &before,
        &CropSettings {
            crop: 32,
            ..CropSettings::default()
        },
    );
    let (mut old, mut new) = (vec![0.0; 64 * 64], vec![0.0; 32 * 32]);
    before.frames().read(5, &mut old);
    after.frames().read(5, &mut new);
    let old = Array2::from_shape_vec((64, 64), old).unwrap();
    let new = Array2::from_shape_vec((32, 32), new).unwrap();
    assert_eq!(old.slice(s![16..48, 16..48]), new);
    for (old, new) in before.positions_px().iter().zip(after.positions_px()) {
        assert_eq!([old[0] / 2.0, old[1] / 2.0], *new);
    }
    assert_eq!(after.object().unwrap().dim(), (53, 47));
}

#[test]
fn binned_counts_obey_the_forward_model_with_the_exact_modes_and_nearly_with_one() {
    for (n, b, sigma_px, n_modes) in [
        (64, 2, 2.5, 1),
        (64, 2, 2.5, 2),
        (48, 3, 1.3, 1),
        (45, 3, 1.3, 1),
        (66, 2, 2.5, 1),
    ] {
        let before = scene(n, sigma_px, n_modes);
        let exact = CropSettings {
            bin: b,
            ..CropSettings::default()
        };
        let after = cropped(&before, &exact);
        assert_eq!(after.n(), n / b);
        let error = residual_of(&after);
        assert!(error < WITHOUT_RESAMPLING, "{n} by {b}: {error:e}");
        assert!((after.mean_counts() / before.mean_counts() - 1.0).abs() < 1e-6);
        assert_eq!(after.positions_px(), before.positions_px());
        assert_eq!(after.object(), before.object());
        let one = CropSettings {
            binned_probe: BinnedProbe::One,
            ..exact
        };
        let after = cropped(&before, &one);
        assert_eq!(after.probe().dim().0, n_modes);
        let error_of_one = residual_of(&after);
        assert!(
            error < error_of_one && error_of_one < 0.15,
            "{n} by {b}: {error_of_one}"
        );
    }
}

#[test]
fn crop_and_bin_together_are_crop_then_bin() {
    let before = scene(64, 3.0, 1);
    let both = cropped(
        &before,
        &CropSettings {
            crop: 48,
            bin: 2,
            ..CropSettings::default()
        },
    );
    assert_eq!(both.n(), 24);
    assert!(residual_of(&both) < EXACT, "{:e}", residual_of(&both));
    let first = cropped(
        &before,
        &CropSettings {
            crop: 48,
            ..CropSettings::default()
        },
    );
    let second = cropped(
        &first,
        &CropSettings {
            bin: 2,
            ..CropSettings::default()
        },
    );
    assert_eq!(both.content_sha256(), second.content_sha256());
}

#[test]
fn a_padded_scan_obeys_the_forward_model_and_marks_what_was_not_measured() {
    for (n, to, expected) in [(33, None, 34), (40, Some(64), 64), (33, Some(48), 48)] {
        let before = scene(n, 2.5, 1);
        let after = pad(&before, to).unwrap().dataset;
        assert_eq!(after.n(), expected);
        let error = residual_of(&after);
        assert!(error < EXACT, "{n} to {expected}: {error:e}");
        assert!((after.mean_counts() / before.mean_counts() - 1.0).abs() < 1e-12);
        let mask = after.detector_mask().unwrap();
        assert_eq!(mask.iter().filter(|used| **used).count(), n * n);
        assert!(mask[[expected / 2, expected / 2]] && !mask[[0, 0]]);
        assert!(
            after
                .object()
                .unwrap()
                .shape()
                .iter()
                .all(|side| side % 2 == 0)
        );
    }
}

#[test]
fn an_even_scan_with_an_odd_object_only_gets_zeros_at_the_end() {
    let before = scene(32, 2.5, 1);
    let after = pad(&before, None).unwrap().dataset;
    let (old, new) = (before.object().unwrap(), after.object().unwrap());
    assert_eq!((old.dim(), new.dim()), ((73, 62), (74, 62)));
    assert_eq!(new.slice(s![..73, ..]), *old);
    assert!(new.row(73).iter().all(|z| *z == Complex32::default()));
    assert_eq!(after.positions_px(), before.positions_px());
    assert!(after.detector_mask().is_none());
}

#[test]
fn light_or_probe_that_would_be_lost_is_refused_unless_allowed() {
    let before = scene(32, 1.0, 1);
    let settings = CropSettings {
        crop: 8,
        ..CropSettings::default()
    };
    let refused = crop(&before, &settings, &Quiet::default());
    assert!(matches!(refused, Err(Error::Refused(_))));
    let allowed = CropSettings {
        max_loss_percent: 100.0,
        ..settings
    };
    assert!(crop(&before, &allowed, &Quiet::default()).is_ok());
    let wide = scene(32, 5.0, 1);
    let settings = CropSettings {
        bin: 4,
        ..CropSettings::default()
    };
    assert!(matches!(
        crop(&wide, &settings, &Quiet::default()),
        Err(Error::Refused(_))
    ));
}

#[test]
fn sides_that_do_not_fit_are_told_with_what_would() {
    let before = scene(32, 2.5, 1);
    let settings = |crop, bin| CropSettings {
        crop,
        bin,
        ..CropSettings::default()
    };
    for (crop_px, bin, words) in [
        (0, 3, "--crop 30 --bin 3"),
        (0, 1, "--crop below 32 or --bin above 1"),
        (40, 1, "pad adds pixels"),
        (0, 32, "at least 2 pixels"),
    ] {
        let error = crop(&before, &settings(crop_px, bin), &Quiet::default())
            .err()
            .unwrap();
        assert!(
            matches!(error, Error::Invalid(_)) && error.to_string().contains(words),
            "{error}"
        );
    }
    assert!(matches!(pad(&before, Some(31)), Err(Error::Invalid(_))));
    let stopped = Quiet::default();
    stopped.0.request();
    assert!(matches!(
        crop(&before, &settings(16, 1), &stopped),
        Err(Error::Cancelled)
    ));
}

#[test]
fn patterns_and_all_that_belongs_to_them_travel_together() {
    let scan = marked(60);
    let sets = [
        choice(Count::First(7)),
        choice(Count::Random { n: 20, seed: 3 }),
        choice(Count::Stratified {
            n: 11,
            by: Evenly::Area,
        }),
        Subset {
            region: Some("5:8,5.5:13".parse().unwrap()),
            count: Count::All,
        },
    ];
    for set in sets {
        let made = subset(&scan, &set).unwrap().dataset;
        let found = markers(&made);
        assert!(found.is_sorted() && !found.is_empty());
        let groups = made.parts().group_index.as_ref().unwrap();
        for group in groups.rows() {
            let members: Vec<usize> = group
                .iter()
                .map(|row| found[usize::try_from(*row).unwrap()])
                .collect();
            assert_eq!(members[1], members[0] + 1, "a group follows its patterns");
        }
        let neighbours = found
            .windows(2)
            .filter(|pair| pair[1] == pair[0] + 1)
            .count();
        assert_eq!(groups.nrows(), neighbours);
        assert_eq!(made.detector_mask(), scan.detector_mask());
    }
    let mut found = markers(&shuffle(&scan, 5).unwrap().dataset);
    assert!(!found.is_sorted());
    found.sort_unstable();
    assert!(found.iter().copied().eq(0..60));
}

#[test]
fn every_second_pattern_parts_a_scan_into_its_halves() {
    let positions: Vec<[f64; 2]> = (0..9).map(|i| [f64::from(i), 0.0]).collect();
    let half = |from, index: Option<&[i64]>| {
        let count = Count::Every { step: 2, from };
        choice(count).rows(&positions, index)
    };
    assert_eq!(half(0, None).unwrap(), [0, 2, 4, 6, 8]);
    assert_eq!(half(1, None).unwrap(), [1, 3, 5, 7]);
    // The order of the scan is that of its index.
    let index = [0, 2, 4, 6, 8, 1, 3, 5, 7];
    assert_eq!(half(0, Some(&index)).unwrap(), [0, 1, 2, 3, 4]);
    assert!(half(2, None).is_err());
    let too_far = choice(Count::Every { step: 10, from: 0 });
    assert!(too_far.rows(&positions, None).is_err());
}

#[test]
fn all_patterns_are_the_same_scan_and_a_sorted_shuffle_too() {
    let scan = marked(40);
    for count in [
        Count::All,
        Count::First(40),
        Count::Stratified {
            n: 40,
            by: Evenly::Order,
        },
    ] {
        let made = subset(&scan, &choice(count)).unwrap().dataset;
        assert_eq!(made.content_sha256(), scan.content_sha256());
    }
    let shuffled = shuffle(&scan, 9).unwrap().dataset;
    assert_ne!(shuffled.content_sha256(), scan.content_sha256());
    assert_eq!(
        shuffled.content_sha256(),
        shuffle(&scan, 9).unwrap().dataset.content_sha256()
    );
    assert_ne!(
        shuffled.content_sha256(),
        shuffle(&scan, 8).unwrap().dataset.content_sha256()
    );
    let index = shuffled.parts().scan_index.as_ref().unwrap();
    let mut order: Vec<usize> = (0..40).collect();
    order.sort_by_key(|row| index[*row]);
    let sorted = shuffled.select(&order).unwrap();
    assert_eq!(markers(&sorted), markers(&scan));
    let frames = |dataset: &Dataset| {
        let mut frame = vec![0.0; 64];
        (0..40)
            .flat_map(|i| {
                dataset.frames().read(i, &mut frame);
                frame.clone()
            })
            .collect::<Vec<f32>>()
    };
    assert_eq!(frames(&sorted), frames(&scan));
}

#[test]
fn a_stratified_choice_is_even_and_a_random_one_is_drawn_without_repeats() {
    let positions: Vec<[f64; 2]> = (0..1087).map(|i| [f64::from(i), 0.0]).collect();
    let rows = |count| choice(count).rows(&positions, None).unwrap();
    let even = rows(Count::Stratified {
        n: 64,
        by: Evenly::Order,
    });
    let expected: Vec<usize> = (0..64).map(|i| i * 1087 / 64).collect();
    assert_eq!(even, expected);
    let drawn = rows(Count::Random { n: 500, seed: 1 });
    assert_eq!(drawn.iter().collect::<BTreeSet<_>>().len(), 500);
    assert!(drawn.is_sorted() && drawn != rows(Count::Random { n: 500, seed: 2 }));
    // Every tenth part of the scan gets its share: 50 +- 6 standard deviations of a hypergeometric draw.
    for tenth in 0..10 {
        let share = drawn.iter().filter(|row| **row / 109 == tenth).count();
        assert!((20..=80).contains(&share), "{tenth}: {share}");
    }
    // A scan index that tells the patterns apart is the order of the scan.
    let backwards: Vec<i64> = (0..1087).rev().collect();
    let even = choice(Count::Stratified {
        n: 2,
        by: Evenly::Order,
    })
    .rows(&positions, Some(&backwards))
    .unwrap();
    assert_eq!(even, [543, 1086]);
}

#[test]
fn an_even_choice_over_the_area_reaches_every_part_of_it() {
    // A spiral: even over its order crowds nowhere, but the first turns are short.
    let positions: Vec<[f64; 2]> = (0..900)
        .map(|i| [f64::from(i / 30), f64::from(i % 30)])
        .collect();
    let rows = choice(Count::Stratified {
        n: 36,
        by: Evenly::Area,
    })
    .rows(&positions, None)
    .unwrap();
    let mut cells = [0; 9];
    for row in rows {
        let [y, x] = positions[row];
        cells[(y as usize / 10) * 3 + x as usize / 10] += 1;
    }
    assert!(cells.iter().all(|n| (2..=6).contains(n)), "{cells:?}");
}

#[test]
fn more_patterns_than_there_are_and_empty_regions_are_refused() {
    let scan = marked(20);
    for (set, word) in [
        (choice(Count::First(21)), "1 to 20"),
        (choice(Count::Random { n: 0, seed: 0 }), "1 to 20"),
        (
            Subset {
                region: Some("100:200,:".parse().unwrap()),
                count: Count::All,
            },
            "100:200",
        ),
        (
            Subset {
                region: Some("4:5,:".parse().unwrap()),
                count: Count::First(9),
            },
            "1 to 8",
        ),
    ] {
        let error = subset(&scan, &set).err().unwrap();
        assert!(
            matches!(error, Error::Invalid(_)) && error.to_string().contains(word),
            "{error}"
        );
    }
}

#[test]
fn metadata_tell_the_way_from_the_first_file() {
    let before = scene(32, 2.5, 1);
    let first = subset(&before, &choice(Count::First(12))).unwrap().dataset;
    let second = cropped(
        &first,
        &CropSettings {
            crop: 24,
            ..CropSettings::default()
        },
    );
    let metadata = second.metadata();
    assert_eq!(metadata.parent_sha256, Some(first.content_sha256()));
    let history: Vec<_> = metadata
        .history
        .iter()
        .map(|step| (step.tool.as_str(), step.settings.as_str()))
        .collect();
    assert_eq!(
        history,
        [("subset", "--first 12"), ("crop", "--crop 24 --bin 1")]
    );
    assert_eq!(metadata.history[0].parent_sha256, before.content_sha256());
    assert_eq!(metadata.photons_measured, Some(second.mean_counts()));
    assert_eq!(metadata.photons_requested, Some(1e4));
    assert_eq!(metadata.command, "ptychobench crop --crop 24 --bin 1");
}

/// A scan in a file, and a place for others.
fn on_disk(dataset: &Dataset) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan.npz");
    dataset.save(&path).unwrap();
    (folder, path)
}

fn run(tool: &Tool, source: &Path, output: &Path) -> Result<ToolOutcome> {
    tool.run(source, output, &Quiet::default())
}

#[test]
fn every_tool_writes_a_sound_file_and_never_its_input() {
    let (folder, source) = on_disk(&scene(32, 2.5, 1));
    let before = std::fs::read(&source).unwrap();
    let fixture = FixtureSettings {
        patterns: 12,
        ..FixtureSettings::default()
    };
    let tools = [
        Tool::Subset(choice(Count::First(5))),
        Tool::Shuffle { seed: 1 },
        Tool::Crop(CropSettings {
            crop: 24,
            ..CropSettings::default()
        }),
        Tool::Pad { to: Some(48) },
        Tool::Turn {
            orientation: Orientation::TransposeFlipRows,
        },
        Tool::Patches { subpixel: None },
        Tool::Fixture(fixture),
    ];
    for tool in &tools {
        let output = folder.path().join(tool.name()).with_extension("npz");
        let outcome = run(tool, &source, &output).unwrap();
        let opened = Dataset::open(&output, Strictness::Strict).unwrap();
        let written = &outcome.files[0];
        assert_eq!(
            written.content_sha256,
            opened.dataset.content_sha256(),
            "{}",
            tool.name()
        );
        assert_eq!(
            (written.patterns, written.n),
            (opened.dataset.n_patterns(), opened.dataset.n())
        );
        let outlook = tool
            .outlook(&Dataset::open(&source, Strictness::Strict).unwrap().dataset)
            .unwrap();
        assert_eq!(
            (outlook.files[0].1, outlook.n),
            (written.patterns, written.n)
        );
        assert!(outlook.bytes <= std::fs::metadata(&output).unwrap().len());
        let in_place = run(tool, &source, &source).unwrap_err();
        assert!(matches!(in_place, Error::Invalid(_)), "{in_place}");
    }
    assert_eq!(std::fs::read(&source).unwrap(), before);
}

#[test]
fn patches_are_those_of_the_forward_model_and_are_cut_again_after_a_crop() {
    let scan = scene(32, 2.5, 1);
    let (folder, source) = on_disk(&scan);
    let with = folder.path().join("with.npz");
    run(&Tool::Patches { subpixel: None }, &source, &with).unwrap();
    let smaller = folder.path().join("smaller.npz");
    let settings = CropSettings {
        crop: 24,
        ..CropSettings::default()
    };
    run(&Tool::Crop(settings), &with, &smaller).unwrap();
    for (path, n) in [(&with, 32), (&smaller, 24)] {
        let dataset = Dataset::open(path, Strictness::Strict).unwrap().dataset;
        let object = dataset.object().unwrap();
        let mut patch = vec![Complex32::default(); n * n];
        for (i, position) in dataset.positions_px().iter().enumerate() {
            dataset
                .parts()
                .patches
                .as_ref()
                .unwrap()
                .read(i, &mut patch);
            let [row, column] = position.map(|c| c.round_ties_even() as usize - n / 2);
            assert_eq!(patch[0], object[[row, column]]);
            assert_eq!(patch[n * n - 1], object[[row + n - 1, column + n - 1]]);
        }
    }
    let bare = Dataset::new(DatasetParts {
        object: None,
        ..scan.parts().clone()
    })
    .unwrap();
    let (folder, source) = on_disk(&bare);
    let error = run(
        &Tool::Patches { subpixel: None },
        &source,
        &folder.path().join("x.npz"),
    )
    .unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "{error}");
}

#[test]
fn a_split_tells_its_leak_and_a_guard_band_removes_it() {
    let (folder, source) = on_disk(&scene(32, 1.2, 1));
    let split = |guard_px| {
        let choice = SplitChoice {
            split_axis: SplitAxis::Y,
            guard_px,
        };
        run(&Tool::Split(choice), &source, &folder.path().join("halves")).unwrap()
    };
    let open = split(AutoReal::Given(0.0));
    assert_eq!(
        open.files.iter().map(|file| file.patterns).sum::<usize>(),
        24
    );
    let guarded = split(AutoReal::Auto);
    assert_eq!(guarded.leak.unwrap().n_shared_px, 0);
    for name in ["train.npz", "test.npz"] {
        let path = folder.path().join("halves").join(name);
        let half = Dataset::open(&path, Strictness::Strict).unwrap().dataset;
        assert!(residual_of(&half) < 1e-6);
    }
    let error = run(
        &Tool::Split(SplitChoice::default()),
        &folder.path().join("halves/train.npz"),
        &folder.path().join("halves"),
    );
    assert!(
        matches!(error, Err(Error::Invalid(_))),
        "a half would be written over its source"
    );
}

fn fixture(patterns: usize, legacy_alias: bool) -> Tool {
    Tool::Fixture(FixtureSettings {
        patterns,
        by: Evenly::Order,
        legacy_alias,
    })
}

#[test]
fn a_fixture_is_made_again_byte_for_byte() {
    let (folder, source) = on_disk(&marked(60));
    let (one, two) = (folder.path().join("one.npz"), folder.path().join("two.npz"));
    run(&fixture(20, false), &source, &one).unwrap();
    run(&fixture(20, false), &source, &two).unwrap();
    assert_eq!(std::fs::read(&one).unwrap(), std::fs::read(&two).unwrap());
    let side_car = SideCar::load(&one).unwrap();
    assert_eq!(side_car.indices, (0..20).map(|i| i * 3).collect::<Vec<_>>());
    let verified = verify(&one, None).unwrap();
    assert_eq!(verified.source, Some(source));
    assert!(
        verified
            .notes
            .iter()
            .any(|note| note.contains("byte for byte")),
        "{:?}",
        verified.notes
    );
    let dataset = Dataset::open(&one, Strictness::Strict).unwrap().dataset;
    assert_eq!(markers(&dataset), side_car.indices);
    let info = ptycho_core::data::Archive::open(&one).unwrap();
    let dtype = |key: &str| {
        info.keys
            .iter()
            .find(|info| info.key == key)
            .unwrap()
            .dtype
            .clone()
    };
    assert_eq!(
        [
            dtype("diffraction"),
            dtype("objectGuess"),
            dtype("probeGuess")
        ],
        ["float32", "complex64", "complex64"]
    );
}

#[test]
fn the_older_name_holds_the_same_patterns() {
    let (folder, source) = on_disk(&marked(60));
    let path = folder.path().join("fixture.npz");
    run(&fixture(20, true), &source, &path).unwrap();
    let archive = ptycho_core::data::Archive::open(&path).unwrap();
    assert_eq!(
        archive.array_f64("diff3d").unwrap(),
        archive.array_f64("diffraction").unwrap()
    );
    assert!(verify(&path, None).is_ok());
}

#[test]
fn a_fixture_that_reaches_over_too_little_is_refused_and_leaves_nothing() {
    let (folder, source) = on_disk(&marked(60));
    let path = folder.path().join("fixture.npz");
    let error = run(&fixture(1, false), &source, &path).unwrap_err();
    assert!(
        matches!(&error, Error::Refused(_)) && error.to_string().contains("50 %"),
        "{error}"
    );
    assert!(!path.exists() && !SideCar::path_of(&path).exists());
}

#[test]
fn verify_names_the_byte_or_the_array_or_the_line_that_differs() {
    let (folder, source) = on_disk(&marked(60));
    let path = folder.path().join("fixture.npz");
    run(&fixture(20, false), &source, &path).unwrap();
    let good = std::fs::read(&path).unwrap();
    // The patterns are stored as they are: the marker of the second one, 4.0, stands in the file.
    let at = good
        .windows(8)
        .position(|bytes| bytes == [0, 0, 0x80, 0x40, 0, 0, 0x80, 0x40])
        .unwrap()
        + 2;
    let mut bad = good.clone();
    bad[at] ^= 0x01;
    disk::write(&path, &bad).unwrap();
    let error = verify(&path, None).unwrap_err().to_string();
    assert!(
        error.contains("diffraction") && error.contains(&format!("at byte {at}")),
        "{error}"
    );
    std::fs::rename(&source, folder.path().join("elsewhere.npz")).unwrap();
    let error = verify(&path, None).unwrap_err().to_string();
    assert!(error.contains("diffraction"), "{error}");
    disk::write(&path, &good).unwrap();
    assert_eq!(verify(&path, None).unwrap().source, None);
    let side_car = SideCar::path_of(&path);
    let text = std::fs::read_to_string(&side_car).unwrap();
    for (from, to, word) in [
        ("\"x\": 100.0", "\"x\": 40.0", "coverage_percent.x"),
        ("\"float32\"", "\"float64\"", "diffraction"),
    ] {
        assert!(text.contains(from), "{text}");
        disk::write(&side_car, text.replacen(from, to, 1).as_bytes()).unwrap();
        let error = verify(&path, None).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
    let other = text
        .replacen("      3,", "      4,", 1)
        .replacen("    3,", "    4,", 1);
    disk::write(&side_car, other.as_bytes()).unwrap();
    let error = verify(&path, Some(&folder.path().join("elsewhere.npz")))
        .unwrap_err()
        .to_string();
    assert!(error.contains("indices"), "{error}");
}

#[test]
fn published_data_are_cropped_with_their_model() {
    let Some(path) = support::shared("data/ptychopinn_lines_1e9_test.npz") else {
        return;
    };
    let dataset = Dataset::open(&path, Strictness::Repair).unwrap().dataset;
    let few = subset(
        &dataset,
        &choice(Count::Stratified {
            n: 32,
            by: Evenly::Order,
        }),
    )
    .unwrap()
    .dataset;
    let half = dataset.n() / 2;
    let settings = CropSettings {
        crop: half,
        max_loss_percent: 100.0,
        ..CropSettings::default()
    };
    let smaller = cropped(&few, &settings);
    let [before, after] =
        [&few, &smaller].map(|dataset| residual(dataset, Subpixel::Bilinear, 32).unwrap());
    eprintln!("residual {before} before, {after} after");
    assert!(after < before + 0.05, "{before} {after}");
}
