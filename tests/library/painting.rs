//! See `main.rs`.

use ndarray::{Array2, s};
use num_complex::Complex32;
use proptest::prelude::*;
use ptycho_core::paint::colormap::{
    ColorMap, HueLightness, MINUS_INFINITY, Map, NAN, PLUS_INFINITY,
};
use ptycho_core::paint::component::{Component, Source};
use ptycho_core::paint::export::Figure;
use ptycho_core::paint::limits::{Limits, ResolvedLimits, histogram};
use ptycho_core::paint::picture::{Look, Meaning, Picture};
use ptycho_core::paint::raster::{self, Rgba, area_average, magnify};
use ptycho_core::paint::text;
use ptycho_core::phase::{PhaseRamp, remove_phase_ramp_and_offset, unwrap};
use std::f32::consts::{PI, TAU};

const MEANING: Meaning<'static> = Meaning {
    quantity: "amplitude",
    unit: "√photons",
};

/// The letter F: neither turning nor mirroring leaves it as it is.
fn letter_f() -> Array2<f32> {
    let rows = [
        "......", ".####.", ".#....", ".###..", ".#....", ".#....", "......",
    ];
    Array2::from_shape_fn((7, 6), |(row, column)| {
        f32::from(rows[row].as_bytes()[column] == b'#')
    })
}

fn picture(values: &Array2<f32>, look: &Look) -> Picture {
    Picture::new(&Source::Real(values.view()), look, MEANING, None)
}

fn figure<'a>(picture: &'a Picture, source: &'a str) -> Figure<'a> {
    Figure {
        title: "glyph",
        picture,
        map: "gray",
        source,
        pixel_size_m: Some(1e-8),
        has_scale_bar: true,
    }
}

fn gray() -> Look {
    Look {
        color_map: Some(ColorMap::new(Map::Gray)),
        limits: Some(Limits::MinMax),
        ..Look::default()
    }
}

/// Small numbers that look random, from a fixed recurrence.
fn noise(n: usize) -> Vec<f32> {
    let mut state = 12345u32;
    (0..n)
        .map(|_| {
            state = state.wrapping_mul(1664525).wrapping_add(1013904223);
            (state >> 8) as f32 / 8388608.0 - 1.0
        })
        .collect()
}

#[test]
fn row_0_is_the_top_and_column_0_the_left_of_the_raster() {
    let glyph = letter_f();
    let raster = picture(&glyph, &gray()).rgba;
    assert_eq!((raster.height, raster.width), glyph.dim());
    for ((row, column), &value) in glyph.indexed_iter() {
        let expected = if value > 0.5 { 255 } else { 0 };
        assert_eq!(raster.at(row, column), [expected, expected, expected, 255]);
    }
}

#[test]
fn an_exported_png_shows_the_glyph_upright_and_tells_what_it_shows() {
    let glyph = letter_f();
    let picture = picture(&glyph, &gray());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("glyph.png");
    figure(&picture, "scan.npz").write_png(&path).unwrap();

    let file = std::io::BufReader::new(std::fs::File::open(&path).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    let pixel = |row: usize, column: usize| {
        let at = (row * info.width as usize + column) * 4;
        [bytes[at], bytes[at + 1], bytes[at + 2]]
    };
    // The longest side of 7 pixels is drawn in blocks of 69, below two lines and right of one.
    let line = text::line_height_px(text::Size::Small);
    let block = 480_usize.div_ceil(7);
    for ((row, column), &value) in glyph.indexed_iter() {
        if row == 6 && column < 4 {
            continue; // The scale bar stands there.
        }
        let expected = if value > 0.5 { 255 } else { 0 };
        let found = pixel(
            2 * line + row * block + block / 2,
            line + column * block + block / 2,
        );
        assert_eq!(found, [expected; 3], "row {row}, column {column}");
    }
    let info = reader.info();
    let latin = |keyword: &str| {
        let found = info.uncompressed_latin1_text.iter();
        found
            .filter(|chunk| chunk.keyword == keyword)
            .map(|chunk| chunk.text.clone())
            .next()
    };
    assert_eq!(latin("Source").as_deref(), Some("scan.npz"));
    assert_eq!(latin("Limits").as_deref(), Some("0e0 1e0"));
    assert_eq!(latin("PixelSize").as_deref(), Some("1e-8 m"));
    assert!(latin("Software").unwrap().starts_with("Ptychobench "));
    let quantity = &info.utf8_text[0];
    assert_eq!(quantity.keyword, "Quantity");
    assert_eq!(quantity.get_text().unwrap(), "amplitude [√photons]");
}

#[test]
fn an_export_is_the_same_bytes_twice_and_a_broken_path_is_an_error_with_the_path() {
    let picture = picture(&letter_f(), &gray());
    let figure = figure(&picture, "");
    let path = std::path::Path::new("unused.png");
    assert_eq!(figure.png(path).unwrap(), figure.png(path).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::File::create(&file).unwrap();
    let error = figure.write_png(&file.join("glyph.png")).unwrap_err();
    assert!(error.to_string().contains("file"), "{error}");
}

#[test]
fn what_is_no_number_has_its_own_colour_and_is_counted() {
    let mut values = Array2::from_shape_fn((20, 50), |(row, column)| (row * 50 + column) as f32);
    for i in 0..50 {
        values[[i % 20, i]] = f32::NAN;
    }
    values[[1, 0]] = f32::INFINITY;
    values[[2, 0]] = f32::NEG_INFINITY;
    let picture = picture(&values, &Look::default());
    assert_eq!(picture.limits.n_nan, 50);
    assert_eq!(picture.limits.n_infinite, 2);
    assert_eq!(picture.limits.n_finite, 948);
    assert_eq!(picture.remark().unwrap(), "50 NaN, 2 infinite");
    let n_magenta = picture.rgba.pixels.iter().filter(|&&colour| colour == NAN);
    assert_eq!(n_magenta.count(), 50);
    assert_eq!(picture.rgba.at(1, 0), PLUS_INFINITY);
    assert_eq!(picture.rgba.at(2, 0), MINUS_INFINITY);
    let counts = histogram(&values.view(), &picture.limits, 10);
    assert_eq!(counts.iter().sum::<usize>(), 948);
}

#[test]
fn no_map_holds_the_colours_of_what_is_no_number() {
    for map in Map::ALL {
        let table = ColorMap::new(map).table();
        for colour in [NAN, PLUS_INFINITY, MINUS_INFINITY] {
            assert!(!table.contains(&colour), "{}", map.name());
        }
        let mut reversed = ColorMap {
            map,
            is_reversed: true,
        }
        .table();
        reversed.reverse();
        assert_eq!(reversed, table);
    }
}

#[test]
fn sequential_maps_brighten_cyclic_ones_close_and_the_diverging_one_is_white_in_the_middle() {
    // CIE 1976 lightness, 0 to 100.
    let lightness = |[red, green, blue, _]: [u8; 4]| {
        let linear = |byte: u8| {
            let x = f32::from(byte) / 255.0;
            if x <= 0.04045 {
                x / 12.92
            } else {
                ((x + 0.055) / 1.055).powf(2.4)
            }
        };
        let luminance = 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
        if luminance <= 0.008856 {
            903.3 * luminance
        } else {
            116.0 * luminance.cbrt() - 16.0
        }
    };
    let distance = |a: [u8; 4], b: [u8; 4]| (0..3).map(|i| a[i].abs_diff(b[i])).max().unwrap();
    for map in [
        Map::Viridis,
        Map::Magma,
        Map::Inferno,
        Map::Cividis,
        Map::Gray,
    ] {
        let table = ColorMap::new(map).table();
        // Rounding to whole bytes may step back by less than one level.
        let is_rising = table
            .windows(2)
            .all(|pair| lightness(pair[0]) <= lightness(pair[1]) + 0.5);
        assert!(
            is_rising && lightness(table[0]) + 60.0 < lightness(table[255]),
            "{}",
            map.name()
        );
    }
    let twilight = ColorMap::new(Map::Twilight).table();
    assert!(distance(twilight[0], twilight[255]) <= 2);
    assert!(distance(twilight[0], twilight[127]) > 100);
    let diverging = ColorMap::new(Map::Diverging).table();
    assert!(diverging[127][..3].iter().all(|&byte| byte > 245));
    assert!(diverging[0][2] > diverging[0][0] && diverging[255][0] > diverging[255][2]);
    for i in 0..128 {
        let difference = lightness(diverging[i]) - lightness(diverging[255 - i]);
        assert!(difference.abs() < 5.0, "{i}: {difference}");
    }
    let wheel = HueLightness::default();
    // The hue wheel closes too, is black at no amplitude and of even lightness around.
    assert!(distance(wheel.colour(-PI, 0.7), wheel.colour(PI, 0.7)) <= 1);
    assert_eq!(wheel.colour(1.0, 0.0), [0, 0, 0, 255]);
    let around: Vec<_> = (0..64)
        .map(|i| lightness(wheel.colour(i as f32 * TAU / 64.0, 1.0)))
        .collect();
    let least = around.iter().copied().fold(f32::MAX, f32::min);
    let greatest = around.iter().copied().fold(0.0, f32::max);
    assert!(greatest - least < 8.0, "{least} to {greatest}");
    assert_eq!(wheel.colour(f32::NAN, 1.0), NAN);
}

#[test]
fn limits_are_found_over_finite_values() {
    let mut values = Array2::from_shape_fn((1, 1001), |(_, column)| column as f32 - 200.0);
    values[[0, 1000]] = f32::INFINITY;
    let ends = |limits: Limits| {
        let resolved = limits.resolve(&values.view());
        (resolved.min, resolved.max)
    };
    assert_eq!(ends(Limits::MinMax), (-200.0, 799.0));
    assert_eq!(ends(Limits::Symmetric), (-799.0, 799.0));
    let percentile = |low_percent, high_percent| Limits::Percentile {
        low_percent,
        high_percent,
    };
    assert_eq!(ends(percentile(0.0, 100.0)), (-200.0, 799.0));
    // Ranks 0.1 * 999 and 0.9 * 999, rounded.
    assert_eq!(ends(percentile(10.0, 90.0)), (-100.0, 699.0));
    assert_eq!(ends(percentile(90.0, 10.0)), (-100.0, 699.0));
    assert_eq!(
        ends(Limits::Manual {
            min: 5.0,
            max: -5.0
        }),
        (-5.0, 5.0)
    );
    let none = Limits::Manual {
        min: f64::NAN,
        max: 1.0,
    };
    assert_eq!(ends(none), (-200.0, 799.0));
}

#[test]
fn values_beyond_the_limits_take_the_end_colours() {
    let values = ndarray::array![[-5.0, 0.0, 0.999, 1.0, 7.0_f32]];
    let limits = Limits::Manual { min: 0.0, max: 1.0 }.resolve(&values.view());
    let raster = raster::rgba(&values.view(), &limits, ColorMap::new(Map::Gray));
    let levels: Vec<_> = raster.pixels.iter().map(|colour| colour[0]).collect();
    assert_eq!(levels, [0, 0, 255, 255, 255]);
}

#[test]
fn constant_empty_and_wholly_undefined_arrays_still_give_a_picture() {
    for (values, remark) in [
        (Array2::from_elem((3, 4), 2.5_f32), Some("constant 2.5")),
        (
            Array2::from_elem((3, 4), f32::NAN),
            Some("no finite value, 12 NaN"),
        ),
        (Array2::zeros((0, 5)), Some("no finite value")),
    ] {
        for limits in [Limits::MinMax, Limits::AUTO, Limits::Symmetric] {
            let look = Look {
                limits: Some(limits),
                ..Look::default()
            };
            let picture = picture(&values, &look);
            assert_eq!(picture.rgba.pixels.len(), values.len());
            assert_eq!(picture.remark().as_deref(), remark);
            if !values.is_empty() {
                let path = std::path::Path::new("unused.png");
                assert!(figure(&picture, "").png(path).unwrap().len() > 100);
            }
        }
        let complex = values.mapv(|value| Complex32::new(value, value));
        for component in Component::ALL {
            for is_ramp_removed in [false, true] {
                let look = Look {
                    component,
                    is_ramp_removed,
                    ..Look::default()
                };
                let source = Source::Complex(complex.view());
                let picture = Picture::new(&source, &look, MEANING, None);
                assert_eq!(picture.rgba.pixels.len(), values.len());
            }
        }
    }
}

#[test]
fn a_logarithm_states_its_floor_and_counts_what_lies_below() {
    let values = ndarray::array![[0.0, -3.0, 0.05, 0.1, 10.0, 1000.0, f32::NAN]];
    let look = Look {
        is_log10: true,
        log_floor: 0.1,
        ..gray()
    };
    let picture = picture(&values, &look);
    assert_eq!(picture.bar.label, "log10 amplitude [√photons], floor 0.1");
    assert_eq!(picture.n_at_floor, 3);
    assert_eq!((picture.limits.min, picture.limits.max), (-1.0, 3.0));
    let expected = [-1.0, -1.0, -1.0, -1.0, 1.0, 3.0];
    for (value, expected) in picture.values.iter().zip(expected) {
        assert!((value - expected).abs() < 1e-6, "{value} {expected}");
    }
    assert!(picture.values[[0, 6]].is_nan());
    assert_eq!(picture.remark().unwrap(), "1 NaN, 3 at the floor");
}

#[test]
fn components_are_the_parts_of_the_numbers() {
    let values = ndarray::array![[Complex32::new(3.0, -4.0), Complex32::new(-1e30, 0.0)]];
    let of = |component: Component| component.of(&values.view());
    assert_eq!(of(Component::Amplitude), ndarray::array![[5.0, 1e30]]);
    assert_eq!(of(Component::Real), ndarray::array![[3.0, -1e30]]);
    assert_eq!(of(Component::Imaginary), ndarray::array![[-4.0, 0.0]]);
    let phase = of(Component::Phase);
    assert!((phase[[0, 0]] + 0.9272952).abs() < 1e-6 && phase[[0, 1]] == PI);
    for (component, label) in [
        (Component::Amplitude, "amplitude [√photons]"),
        (Component::Phase, "phase [rad]"),
        (Component::UnwrappedPhase, "unwrapped phase [rad]"),
        (Component::Real, "real part [√photons]"),
    ] {
        let look = Look {
            component,
            ..Look::default()
        };
        let source = Source::Complex(values.view());
        let picture = Picture::new(&source, &look, MEANING, None);
        assert_eq!(picture.bar.label, label);
    }
}

#[test]
fn a_wrapped_phase_is_shown_cyclic_from_minus_pi_to_pi() {
    let values = Array2::from_shape_fn((4, 4), |(row, _)| Complex32::cis(row as f32 * 0.1));
    let look = Look {
        component: Component::Phase,
        ..Look::default()
    };
    let picture = Picture::new(&Source::Complex(values.view()), &look, MEANING, None);
    assert_eq!(look.used_map(true).map, Map::Twilight);
    assert!((picture.bar.max - f64::from(PI)).abs() < 1e-6);
    assert_eq!(picture.bar.min, -picture.bar.max);
}

/// The true phase but for a constant, wherever it changes by less than half a turn a pixel.
fn check_unwrap(truth_rad: &Array2<f32>, tolerance_rad: f32) {
    let wrapped = truth_rad.mapv(|phase| phase.sin().atan2(phase.cos()));
    let found = unwrap(&wrapped.view());
    let constant = found[[0, 0]] - truth_rad[[0, 0]];
    assert!(((constant / TAU).round() * TAU - constant).abs() < tolerance_rad);
    for (found, truth) in found.iter().zip(truth_rad) {
        assert!(
            (found - truth - constant).abs() < tolerance_rad,
            "{found} {truth}"
        );
    }
    let mean = found.mean().unwrap();
    assert!(mean.abs() <= PI + 1e-3, "{mean}");
}

#[test]
fn ramps_and_bowls_of_many_turns_are_unwrapped_also_under_noise() {
    let ramp = |(row, column): (usize, usize)| 0.9 * row as f32 - 0.35 * column as f32;
    let clean = Array2::from_shape_fn((61, 83), ramp);
    assert!(clean[[60, 0]] > 8.0 * TAU);
    check_unwrap(&clean, 1e-4);
    let noise = noise(61 * 83);
    let noisy = Array2::from_shape_fn((61, 83), |at| ramp(at) + 0.8 * noise[at.0 * 83 + at.1]);
    check_unwrap(&noisy, 1e-4);
    let bowl = Array2::from_shape_fn((64, 64), |(row, column)| {
        let (y, x) = (row as f32 - 30.0, column as f32 - 35.0);
        0.02 * (x * x + y * y)
    });
    check_unwrap(&bowl, 1e-4);
    check_unwrap(&Array2::zeros((1, 1)), 1e-6);
}

#[test]
fn what_is_no_number_stays_so_and_does_not_stop_the_unwrapping() {
    let mut wrapped = Array2::from_shape_fn((30, 40), |(row, _)| {
        let phase = 0.7 * row as f32;
        phase.sin().atan2(phase.cos())
    });
    wrapped.slice_mut(s![14..16, 5..40]).fill(f32::NAN);
    let found = unwrap(&wrapped.view());
    assert_eq!(found.iter().filter(|value| value.is_nan()).count(), 70);
    // Around the hole: both sides hang together through columns 0 to 4.
    assert!((found[[29, 39]] - found[[0, 39]] - 0.7 * 29.0).abs() < 1e-3);
}

#[test]
fn a_ramp_is_recovered_and_leaves_amplitudes_and_features_as_they_are() {
    let truth = PhaseRamp {
        offset_rad: 0.7,
        row_slope_rad_per_px: 0.11,
        column_slope_rad_per_px: -0.23,
    };
    let noise = noise(2 * 90 * 70);
    let feature = |row: usize, column: usize| {
        let i = row * 70 + column;
        Complex32::new(1.0 + 0.05 * noise[2 * i], 0.05 * noise[2 * i + 1])
    };
    let object = Array2::from_shape_fn((90, 70), |(row, column)| {
        let ramp = 0.7 + 0.11 * row as f32 - 0.23 * column as f32;
        feature(row, column) * Complex32::cis(ramp)
    });
    // Without noise in the phase the numbers are exact; with 0.05 a pixel they are within 1e-3.
    let (flat, ramp) = remove_phase_ramp_and_offset(&object.view(), None);
    assert!(
        (ramp.row_slope_rad_per_px - truth.row_slope_rad_per_px).abs() < 1e-3,
        "{ramp:?}"
    );
    assert!((ramp.column_slope_rad_per_px - truth.column_slope_rad_per_px).abs() < 1e-3);
    for (&after, &before) in flat.iter().zip(&object) {
        assert!((after.norm() - before.norm()).abs() < 1e-5);
    }
    let mean: Complex32 = flat.iter().sum();
    assert!(mean.arg().abs() < 1e-4, "{}", mean.arg());

    // Rubbish outside the region does not count.
    let mut bordered = object.mapv(|value| value / value.norm());
    let exact =
        |row: usize, column: usize| Complex32::cis(0.7 + 0.11 * row as f32 - 0.23 * column as f32);
    for ((row, column), value) in bordered.indexed_iter_mut() {
        let is_inside = (20..80).contains(&row) && (10..60).contains(&column);
        *value = if is_inside {
            exact(row, column)
        } else {
            Complex32::new(1.0, f32::NAN)
        };
    }
    let found = PhaseRamp::of(&bordered.view(), Some(&(20..80, 10..60)));
    for (found, truth) in [
        (found.offset_rad, truth.offset_rad),
        (found.row_slope_rad_per_px, truth.row_slope_rad_per_px),
        (found.column_slope_rad_per_px, truth.column_slope_rad_per_px),
    ] {
        assert!((found - truth).abs() < 1e-5, "{found} {truth}");
    }
}

#[test]
fn averaging_keeps_means_and_border_blocks_and_magnifying_keeps_squares() {
    let mut picture = Rgba::filled(5, 3, [0, 0, 0, 255]);
    picture.pixels[4] = [200, 100, 50, 255];
    let small = area_average(&picture, 2);
    assert_eq!((small.width, small.height), (3, 2));
    // The last block of the first row holds two pixels.
    assert_eq!(small.at(0, 2), [100, 50, 25, 255]);
    assert_eq!(small.at(1, 2), [0, 0, 0, 255]);
    let large = magnify(&picture, 3);
    assert_eq!((large.width, large.height), (15, 9));
    assert_eq!(large.at(2, 12), [200, 100, 50, 255]);
    assert_eq!(large.at(3, 12), [0, 0, 0, 255]);
    assert_eq!(area_average(&Rgba::filled(0, 0, NAN), 4).pixels.len(), 0);
}

#[test]
fn letters_are_drawn_with_the_corner_given_and_unknown_ones_as_question_marks() {
    let ink = |words: &str, direction| {
        let mut page = Rgba::filled(120, 120, [255; 4]);
        let at = if direction == text::Direction::Up {
            (110, 20)
        } else {
            (20, 10)
        };
        text::draw(
            &mut page,
            at,
            words,
            (text::Size::Small, direction),
            [0, 0, 0, 255],
        );
        page
    };
    let right = ink("L", text::Direction::Right);
    let is_dark = |page: &Rgba, row, column| page.at(row, column)[0] < 128;
    let rows: Vec<_> = (0..120)
        .filter(|&row| (0..120).any(|c| is_dark(&right, row, c)))
        .collect();
    let columns: Vec<_> = (0..120)
        .filter(|&c| (0..120).any(|row| is_dark(&right, row, c)))
        .collect();
    assert!(rows[0] >= 20 && columns[0] >= 10);
    assert!(columns.len() <= text::width_px("L", text::Size::Small));
    // The foot of the L is at its bottom, and at the right once it is turned to run upwards.
    let foot = *rows.last().unwrap();
    assert!((0..120).filter(|&c| is_dark(&right, foot, c)).count() > 5);
    let up = ink("L", text::Direction::Up);
    let rightmost = (0..120)
        .rev()
        .find(|&c| (0..120).any(|row| is_dark(&up, row, c)))
        .unwrap();
    assert!((0..120).filter(|&row| is_dark(&up, row, rightmost)).count() > 5);
    assert_eq!(
        ink("漢", text::Direction::Right),
        ink("?", text::Direction::Right)
    );
    assert!(text::width_px("√µ²", text::Size::Large) > text::width_px("√µ²", text::Size::Small));
}

#[test]
fn an_image_beyond_the_size_of_a_figure_is_averaged() {
    let values = Array2::from_shape_fn((4, 9000), |(_, column)| column as f32);
    let picture = picture(&values, &gray());
    let drawn = figure(&picture, "").draw();
    assert!(drawn.width < 9000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The radix selection against sorting.
    #[test]
    fn percentiles_equal_those_of_the_sorted_values(
        values in proptest::collection::vec(proptest::num::f32::ANY, 1..200),
        low in 0.0..100.0f64,
        high in 0.0..100.0f64,
    ) {
        let mut finite: Vec<f32> = values.iter().copied().filter(|value| value.is_finite()).collect();
        finite.sort_by(f32::total_cmp);
        let array = Array2::from_shape_vec((1, values.len()), values).unwrap();
        let found: ResolvedLimits = Limits::Percentile { low_percent: low, high_percent: high }
            .resolve(&array.view());
        let rank = |percent: f64| {
            finite.get((percent / 100.0 * (finite.len().max(1) - 1) as f64).round() as usize)
        };
        let (low, high) = (low.min(high), low.max(high));
        let value = |percent| rank(percent).map_or(0.0, |&value| f64::from(value));
        prop_assert_eq!((found.min, found.max), (value(low), value(high)));
    }
}
