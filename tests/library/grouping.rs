//! Neighbours, groups, spacing, overlap and views against golden numbers, by hand, and against slow twins.

use ndarray::{Array1, Array2, array};
use proptest::prelude::*;
use ptycho_core::fields::AutoReal;
use ptycho_core::grouping::groups::form_of_neighbours;
use ptycho_core::grouping::neighbours::first_of_place;
use ptycho_core::grouping::overlap::{among_patterns, between_groups, within_groups};
use ptycho_core::grouping::*;
use ptycho_core::rng::{Purpose, stream};
use std::sync::Arc;

use crate::support;

type Points = Vec<[f64; 2]>;

fn points_of(array: &Array2<f64>) -> Points {
    array
        .rows()
        .into_iter()
        .map(|row| [row[0], row[1]])
        .collect()
}

fn golden<T: ndarray_npy::ReadableElement>(name: &str) -> Array2<T> {
    support::npz("grouping.npz").by_name(name).unwrap()
}

fn golden_points() -> Points {
    points_of(&golden("points"))
}

fn golden_groups() -> Groups {
    Groups::of_file(&golden("groups"), &golden_points()).unwrap()
}

fn uniform(n: usize, [height, width]: [f64; 2], seed: u64) -> Points {
    let mut rng = stream(seed, Purpose::Simulation);
    let mut draw = |side: f64| rng.random_range(0.0..side);
    (0..n).map(|_| [draw(height), draw(width)]).collect()
}

fn distance([a, b]: [f64; 2], [c, d]: [f64; 2]) -> f64 {
    ((a - c) * (a - c) + (b - d) * (b - d)).sqrt()
}

/// The slow twin of neighbours: all distances, sorted.
fn slow_neighbours(points: &[[f64; 2]], k: usize) -> Vec<Vec<u32>> {
    let square =
        |a: [f64; 2], b: [f64; 2]| (a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]);
    let row = |i: usize| {
        let mut others: Vec<(f64, u32)> = (0..points.len())
            .filter(|j| *j != i)
            .map(|j| (square(points[i], points[j]), j as u32))
            .collect();
        others.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        others.into_iter().take(k).map(|(_, j)| j).collect()
    };
    (0..points.len()).map(row).collect()
}

/// The slow twin of the filter: every point against every kept one.
fn slow_kept(points: &[[f64; 2]], spacing: f64) -> Vec<u32> {
    let mut kept: Vec<u32> = Vec::new();
    for (i, point) in points.iter().enumerate() {
        let is_free =
            |other: &u32| spacing * (1.0 - 1e-12) <= distance(*point, points[*other as usize]);
        if kept.iter().all(is_free) {
            kept.push(i as u32);
        }
    }
    kept
}

/// Scans of all kinds that make trees and grids stumble.
fn kinds() -> Vec<(&'static str, Points)> {
    let raster = |step: f64, n: usize| -> Points {
        let at = |i: usize| [(i / n) as f64 * step, (i % n) as f64 * step];
        (0..n * n).map(at).collect()
    };
    let mut clustered = uniform(120, [1.0, 1.0], 3);
    clustered.extend(uniform(120, [1000.0, 1000.0], 4));
    let mut duplicates = uniform(60, [50.0, 50.0], 5);
    duplicates.extend(duplicates.clone());
    duplicates.extend(duplicates[..20].to_vec());
    vec![
        ("random", uniform(300, [200.0, 100.0], 1)),
        ("raster", raster(3.0, 17)),
        ("raster of no round step", raster(0.1, 17)),
        (
            "one row",
            (0..200).map(|i| [7.5, f64::from(i % 97) * 0.5]).collect(),
        ),
        (
            "diagonal",
            (0..150)
                .map(|i| [f64::from(i), f64::from(i) * 2.0])
                .collect(),
        ),
        ("duplicates", duplicates),
        ("one place", vec![[3.0, 4.0]; 70]),
        (
            "two places",
            (0..70).map(|i| [0.0, f64::from(i % 2)]).collect(),
        ),
        ("clusters", clustered),
        (
            "signed zeros",
            vec![[0.0, 0.0], [-0.0, 0.0], [0.0, -0.0], [1.0, 0.0]],
        ),
        (
            "far away",
            uniform(100, [10.0, 10.0], 9)
                .iter()
                .map(|p| [p[0] + 1e7, p[1] - 1e7])
                .collect(),
        ),
        ("two", vec![[0.0, 0.0], [0.0, 5.0]]),
        ("one", vec![[1.0, 1.0]]),
        ("none", Vec::new()),
    ]
}

fn settings(gridsize: usize, neighbors: usize) -> GroupSettings {
    GroupSettings {
        gridsize,
        neighbors,
        ..GroupSettings::default()
    }
}

#[test]
fn neighbours_are_the_golden_ones() {
    for (name, points, k) in [("", "points", 7), ("tiny_", "tiny_points", 2)] {
        let points = points_of(&golden(points));
        let neighbours = Neighbours::of(&points, k);
        let index: Array2<i32> = golden(&format!("{name}neighbours"));
        let distances: Array2<f64> = golden(&format!("{name}neighbour_distance"));
        for i in 0..points.len() {
            let found: Vec<i32> = neighbours.of_point(i).iter().map(|j| *j as i32).collect();
            assert_eq!(found, index.row(i).to_vec(), "{name} {i}");
            for (found, expected) in neighbours.distances_px(i).iter().zip(distances.row(i)) {
                assert!((found - expected).abs() <= 1e-12 * expected.max(1.0));
            }
        }
    }
    let statistics = SpacingStatistics::of(&nearest_distances(&golden_points()));
    let expected = [
        1.4154386727776245,
        22.1833188196384,
        24.53957463963394,
        76.14247240711195,
    ];
    let found = [
        statistics.min_px,
        statistics.median_px,
        statistics.mean_px,
        statistics.max_px,
    ];
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() < 1e-12 * expected,
            "{found} {expected}"
        );
    }
}

#[test]
fn acceptance_is_the_golden_one() {
    for (points, mask, spacing, n) in [
        ("points", "accepted_38_4", 38.4, 33),
        ("points", "accepted_102_4", 102.4, 10),
        ("tiny_points", "tiny_accepted_4", 4.0, 3),
    ] {
        let points = points_of(&golden(points));
        let mask: Array1<u8> = support::npz("grouping.npz").by_name(mask).unwrap();
        let thinned = Thinner::new(&points, spacing).thin(Order::Scan, 0, 0);
        let found: Vec<u8> = thinned
            .fates
            .iter()
            .map(|fate| u8::from(*fate == Fate::Kept))
            .collect();
        assert_eq!(found, mask.to_vec());
        assert_eq!(thinned.kept.len(), n);
    }
}

#[test]
fn overlaps_are_the_golden_ones() {
    let (points, groups) = (golden_points(), golden_groups());
    for (name, diameter, nearest, first, between) in [
        (
            "38_4",
            38.4,
            0.06573959002734917,
            0.036898865873425474,
            0.268535321183367,
        ),
        (
            "102_4",
            102.4,
            0.3808861858649722,
            0.2522828495229391,
            0.36619680839364144,
        ),
    ] {
        let matrix: Array2<f64> = golden(&format!("overlap_{name}"));
        for ((i, j), expected) in matrix.indexed_iter() {
            let found = disc_overlap(distance(points[i], points[j]), diameter);
            assert!(
                (found - expected).abs() < 1e-12,
                "{i} {j} {found} {expected}"
            );
        }
        assert!((among_patterns(&points, 6, diameter) - nearest).abs() < 1e-12);
        let within = within_groups(&groups, &points, diameter).unwrap();
        assert!((within.first_with_rest - first).abs() < 1e-12);
        let per_group: Array1<f64> = support::npz("grouping.npz")
            .by_name(&format!("group_overlap_{name}"))
            .unwrap();
        let found = between_groups(groups.centres_px(), diameter);
        for (found, expected) in found.iter().zip(&per_group) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
        let measures = Measures::of(&groups, &points, 6, diameter);
        assert!((measures.between_groups - between).abs() < 1e-12);
        let centres: Array2<f64> = golden("group_centre");
        for (found, expected) in groups.centres_px().iter().zip(centres.rows()) {
            assert!(distance(*found, [expected[0], expected[1]]) < 1e-12 * 400.0);
        }
    }
}

#[test]
fn five_points_are_as_by_hand() {
    let points = vec![[0.0, 0.0], [0.0, 3.0], [4.0, 0.0], [4.0, 3.0], [0.0, 10.0]];
    let neighbours = Neighbours::of(&points, 2);
    let rows: Vec<_> = (0..5).map(|i| neighbours.of_point(i).to_vec()).collect();
    assert_eq!(
        rows,
        [vec![1, 2], vec![0, 3], vec![3, 0], vec![2, 1], vec![1, 3]]
    );
    assert_eq!(neighbours.distances_px(1), [3.0, 4.0]);
    let thinned = Thinner::new(&points, 4.0).thin(Order::Scan, 0, 0);
    assert_eq!(thinned.kept, [0, 2, 4], "a distance of exactly S passes");
    assert_eq!(thinned.fates[1], Fate::TooCloseTo(0));
    assert_eq!(thinned.fates[3], Fate::TooCloseTo(2));
    let expected = 2.0 / 3.0 - 3f64.sqrt() / (2.0 * std::f64::consts::PI);
    assert!((disc_overlap(3.0, 6.0) - expected).abs() < 1e-15);
    assert_eq!(
        (
            disc_overlap(0.0, 6.0),
            disc_overlap(6.0, 6.0),
            disc_overlap(7.0, 6.0)
        ),
        (1.0, 0.0, 0.0)
    );
}

#[test]
fn offsets_are_member_minus_centre() {
    let points = vec![[10.0, 20.0], [10.0, 26.0], [18.0, 20.0], [18.0, 26.0]];
    let groups = Groups::new(array![[3, 0, 1, 2]], &points).unwrap();
    assert_eq!(groups.centres_px(), [[14.0, 23.0]]);
    // The first member lies below and to the right of the centre: both offsets are positive.
    assert_eq!(
        groups.relative_px(0),
        [[4.0, 3.0], [-4.0, -3.0], [-4.0, 3.0], [4.0, -3.0]]
    );
    let error = Groups::new(array![[4]], &points).unwrap_err().to_string();
    assert!(
        error.contains("group_index: expected members below 4, found 4"),
        "{error}"
    );
    assert!(Groups::of_file(&array![[-1]], &points).is_err());
}

#[test]
fn neighbours_are_those_of_the_slow_twin() {
    for (kind, points) in kinds() {
        for k in [1, 4, 7, 12] {
            let found = Neighbours::of(&points, k);
            assert_eq!(found.k(), k.min(points.len().saturating_sub(1)), "{kind}");
            for (i, expected) in slow_neighbours(&points, k).iter().enumerate() {
                if 0 < found.k() {
                    assert_eq!(found.of_point(i), expected, "{kind}, k = {k}, point {i}");
                }
            }
        }
    }
}

#[test]
fn the_filter_is_that_of_the_slow_twin() {
    for (kind, points) in kinds() {
        for spacing in [0.0, 1e-9, 0.1, 0.3, 3.0, 6.5, 1e6] {
            let found = Thinner::new(&points, spacing).thin(Order::Scan, 0, 0);
            assert_eq!(
                found.kept,
                slow_kept(&points, spacing),
                "{kind}, S = {spacing}"
            );
            for (i, fate) in found.fates.iter().enumerate() {
                if let Fate::TooCloseTo(other) = fate {
                    let to = |j: &u32| distance(points[i], points[*j as usize]);
                    let earlier = found.kept.iter().filter(|kept| (**kept as usize) < i);
                    let nearest = earlier.map(to).fold(f64::INFINITY, f64::min);
                    assert_eq!(to(other), nearest, "{kind}: the nearest kept before it");
                }
            }
        }
    }
}

#[test]
fn a_raster_of_pitch_s_passes_whole() {
    let step = 38.4;
    let at = |i: usize| {
        [
            f64::from(i as u32 / 10) * step,
            f64::from(i as u32 % 10) * step + 0.1,
        ]
    };
    let points: Points = (0..100).map(at).collect();
    assert_eq!(least_spacing_px(0.7, 128), 38.4);
    assert_eq!(least_spacing_px(0.2, 128), 102.4);
    assert_eq!(
        (least_spacing_px(1.0, 128), least_spacing_px(0.0, 128)),
        (0.0, 128.0)
    );
    let thinned = Thinner::new(&points, least_spacing_px(0.7, 128)).thin(Order::Scan, 0, 0);
    assert_eq!(thinned.kept.len(), 100);
}

#[test]
fn more_points_are_found_than_in_scan_order_and_never_beyond_the_bound() {
    let points = uniform(5152, [168.0, 336.0], 11);
    for spacing in [38.4, 102.4] {
        let thinner = Thinner::new(&points, spacing);
        let scan = thinner.thin(Order::Scan, 1, 0).kept.len();
        let most = thinner.thin(Order::Most, 1, 0);
        let bound = most_points([168.0, 336.0], spacing, points.len());
        assert!(
            scan < most.kept.len() && most.kept.len() <= bound,
            "{scan} {} {bound}",
            most.kept.len()
        );
        assert_spaced(&points, &most.kept, spacing);
        assert!(most.order.starts_with("best of "), "{}", most.order);
        let few = thinner.thin(Order::Most, 1, 3);
        assert_eq!(few.kept.len(), 3);
        assert!(few.fates.contains(&Fate::NotWanted));
    }
}

fn assert_spaced(points: &[[f64; 2]], kept: &[u32], spacing: f64) {
    for (i, a) in kept.iter().enumerate() {
        for b in &kept[i + 1..] {
            let between = distance(points[*a as usize], points[*b as usize]);
            assert!(
                spacing * (1.0 - 1e-12) <= between,
                "{a} and {b}: {between} < {spacing}"
            );
        }
    }
}

#[test]
fn the_numbers_of_the_study_are_met() {
    // 336 x 168 px with 5088 positions, as in the overlap views' first study.
    let extent = [168.0, 336.0];
    for (spacing, acceptance) in [(38.4, 0.0095796), (102.4, 0.0013471)] {
        let found = geometry_acceptance_bound(extent, 5088, spacing);
        assert!((found - acceptance).abs() < 5e-8, "{found}");
        let oler = 2.0 * 168.0 * 336.0 / (3f64.sqrt() * spacing * spacing) + 504.0 / spacing + 1.0;
        assert!((oler_bound(extent, spacing) - oler).abs() < 1e-9);
    }
    assert_eq!(geometry_acceptance_bound(extent, 10, 0.0), 0.1);
    assert_eq!(
        (
            most_points(extent, 38.4, 5088),
            most_points(extent, 102.4, 5088)
        ),
        (58, 12)
    );
    assert_eq!(most_points(extent, 0.0, 5088), 5088);
    assert_eq!(
        most_points([0.0, 30.0], 10.0, 99),
        4,
        "a line holds its ends"
    );
    for (d, expected) in [
        (5.0, 0.834683),
        (10.0, 0.672214),
        (200f64.sqrt(), 0.541912),
        (19.2, 0.391002),
        (20.0, 0.368193),
        (30.0, 0.118704),
        (38.4, 0.0),
    ] {
        assert!((disc_overlap(d, 38.4) - expected).abs() < 1e-6, "{d}");
    }
    assert!((disc_overlap(5.0, 10.0) - 0.391002).abs() < 1e-6);
}

#[test]
fn groups_are_neighbours_without_the_point_itself() {
    let points = uniform(500, [300.0, 150.0], 2);
    for gridsize in [2, 3] {
        let formed = form_groups(&points, &settings(gridsize, 0)).unwrap();
        let c = gridsize * gridsize;
        assert_eq!((formed.groups.n_groups(), formed.groups.c()), (500, c));
        assert_eq!((formed.k, formed.branch), (7.max(c + 3), Branch::Standard));
        let near = slow_neighbours(&points, formed.k);
        let mut is_in_rank_order = true;
        for (g, members) in formed.groups.index().rows().into_iter().enumerate() {
            let ranks: Vec<usize> = members
                .iter()
                .map(|member| near[g].iter().position(|other| other == member).unwrap())
                .collect();
            let mut sorted = ranks.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), c, "no member twice");
            is_in_rank_order &= sorted == ranks;
        }
        assert!(!is_in_rank_order, "members stand in the order drawn");
    }
    let single = form_groups(&points, &settings(1, 0)).unwrap();
    assert!((0..500).all(|g| single.groups.index()[[g, 0]] == g as u32));
    assert!((0..500).all(|g| single.groups.relative_px(g) == [[0.0, 0.0]]));
}

#[test]
fn every_neighbour_is_drawn_alike() {
    let points = uniform(4000, [300.0, 300.0], 7);
    let neighbours = Neighbours::of(&points, 7);
    let formed = form_groups(&points, &settings(2, 7)).unwrap();
    let mut counts = [0u32; 7];
    for (g, members) in formed.groups.index().rows().into_iter().enumerate() {
        for member in members {
            counts[neighbours
                .of_point(g)
                .iter()
                .position(|other| other == member)
                .unwrap()] += 1;
        }
    }
    // 4000 draws with probability 4/7: 2286 ± 31.3.
    for count in counts {
        assert!((2286 - 160..2286 + 160).contains(&count), "{counts:?}");
    }
}

#[test]
fn seeds_threads_and_subsets_decide_nothing_but_what_they_should() {
    let points = uniform(700, [300.0, 150.0], 2);
    let all = form_groups(&points, &settings(2, 7)).unwrap();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(5)
        .build()
        .unwrap();
    assert_eq!(
        pool.install(|| form_groups(&points, &settings(2, 7)).unwrap()),
        all
    );
    let other = GroupSettings {
        seed: 5,
        ..settings(2, 7)
    };
    assert_ne!(form_groups(&points, &other).unwrap().groups, all.groups);
    let few = GroupSettings {
        n_groups: 40,
        ..settings(2, 7)
    };
    let few = form_groups(&points, &few).unwrap();
    assert_eq!(few.groups.n_groups(), 40);
    for (g, seed) in few.seeds.iter().enumerate() {
        assert_eq!(
            few.groups.index().row(g),
            all.groups.index().row(*seed as usize)
        );
    }
    assert!(few.seeds.windows(2).all(|pair| pair[0] < pair[1]));
}

#[test]
fn more_groups_than_patterns_are_capped_and_told_or_oversampled_evenly() {
    let points = uniform(100, [100.0, 100.0], 8);
    for (gridsize, oversample, word) in [(1, true, "one for each"), (2, false, "--oversample true")]
    {
        let wish = GroupSettings {
            n_groups: 250,
            oversample,
            ..settings(gridsize, 7)
        };
        let formed = form_groups(&points, &wish).unwrap();
        assert_eq!(
            (formed.groups.n_groups(), formed.branch),
            (100, Branch::Standard)
        );
        assert!(
            formed.notes[0].contains("100 groups instead of 250") && formed.notes[0].contains(word)
        );
    }
    let wish = GroupSettings {
        n_groups: 250,
        oversample: true,
        ..settings(2, 7)
    };
    let formed = form_groups(&points, &wish).unwrap();
    assert_eq!(
        (formed.groups.n_groups(), formed.branch),
        (250, Branch::Oversampled)
    );
    let mut of_seed = std::collections::BTreeMap::<u32, Vec<Vec<u32>>>::new();
    for (g, seed) in formed.seeds.iter().enumerate() {
        let mut members = formed.groups.index().row(g).to_vec();
        members.sort_unstable();
        of_seed.entry(*seed).or_default().push(members);
    }
    assert_eq!(of_seed.len(), 100, "every point serves, not the first ones");
    for groups in of_seed.values_mut() {
        assert!((2..=3).contains(&groups.len()));
        groups.sort();
        groups.dedup();
        assert!(2 <= groups.len(), "choices of one point differ");
    }
    let late = of_seed
        .iter()
        .filter(|(seed, groups)| 50 <= **seed && groups.len() == 3)
        .count();
    assert!(
        (13..=37).contains(&late),
        "the remainder falls anywhere: {late} of 50"
    );
    let wish = GroupSettings {
        n_groups: 9000,
        oversample: true,
        ..settings(2, 7)
    };
    let formed = form_groups(&points, &wish).unwrap();
    assert_eq!(formed.groups.n_groups(), 3500);
    assert!(
        formed.notes[0].contains("35 choices of 4 out of 7"),
        "{:?}",
        formed.notes
    );
}

#[test]
fn errors_name_the_numbers_and_the_smallest_change() {
    let points = uniform(10, [10.0, 10.0], 1);
    let message = |points: &[[f64; 2]], settings: &GroupSettings| {
        form_groups(points, settings).unwrap_err().to_string()
    };
    for (points, settings, words) in [
        (
            &points[..],
            settings(2, 3),
            "K of at least C = 4, the members of a group, found K = 3; fix: give --neighbors 4",
        ),
        (
            &points[..4],
            settings(2, 7),
            "expected 5 positions at least, since a group is C = 4 neighbours of another one, \
             found 4; fix: give --gridsize 1, or 1 more positions",
        ),
        (
            &points[..7],
            settings(3, 0),
            "found 7; fix: give --gridsize 2, or 3 more positions",
        ),
        (&points[..0], settings(1, 0), "found 0 positions"),
        (
            &[[1.0, 2.0]; 20][..],
            settings(2, 7),
            "all of them at one place, which comes 20 times; fix: give --gridsize 1",
        ),
    ] {
        let message = message(points, &settings);
        assert!(message.contains(words), "{message}");
    }
    let mut repeated = vec![[0.0, 0.0]; 9];
    repeated.extend(uniform(20, [10.0, 10.0], 1));
    assert!(
        message(&repeated, &settings(2, 7)).contains("fix: give --neighbors 10"),
        "{}",
        message(&repeated, &settings(2, 7))
    );
    let formed = form_groups(&repeated, &settings(2, 10)).unwrap();
    assert_eq!(
        formed.notes,
        ["8 of 29 positions are duplicates of earlier ones"]
    );
    // Too few for K, enough for C: told, not refused.
    let formed = form_groups(&points[..6], &settings(2, 7)).unwrap();
    assert_eq!(
        (formed.k, formed.notes[0].as_str()),
        (5, "K = 5: there are 5 other points")
    );
}

#[test]
fn measures_have_the_edge_cases_of_their_definition() {
    assert_eq!(among_patterns(&[[1.0, 1.0]], 6, 10.0), 0.0);
    assert_eq!(
        among_patterns(&[[1.0, 1.0]; 5], 6, 10.0),
        0.0,
        "one place is one image"
    );
    let twice = [[0.0, 0.0], [0.0, 5.0], [0.0, 5.0]];
    assert!((among_patterns(&twice, 6, 10.0) - 0.391002).abs() < 1e-6);
    assert_eq!(between_groups(&[[0.0, 0.0], [0.0, 10.0]], 10.0), [0.0, 0.0]);
    let near = between_groups(&[[0.0, 0.0], [0.0, 5.0], [0.0, 80.0]], 10.0);
    assert!((near[0] - 0.391002).abs() < 1e-6 && near[2] == 0.0);
    assert_eq!(between_groups(&[[0.0, 0.0]; 2], 10.0), [1.0, 1.0]);
    let points = uniform(9, [10.0, 10.0], 1);
    let single = form_groups(&points, &settings(1, 0)).unwrap();
    assert_eq!(within_groups(&single.groups, &points, 10.0), None);
    let pair = Groups::new(array![[0, 1], [1, 2]], &twice).unwrap();
    let within = within_groups(&pair, &twice, 10.0).unwrap();
    assert!((within.first_with_rest - f64::midpoint(0.391002, 1.0)).abs() < 1e-6);
    assert_eq!(within.first_with_rest, within.all_pairs);
    assert_eq!(first_of_place(&twice), [0, 1, 1]);
}

#[test]
fn a_canvas_holds_what_it_must() {
    // Members 3 px above and below their centre, 4 px left and right.
    let points = vec![[0.0, 0.0], [0.0, 8.0], [6.0, 0.0], [6.0, 8.0]];
    let groups = Groups::new(array![[0, 1, 2, 3]], &points).unwrap();
    let canvas = Canvas::check(&groups, 64, None).unwrap();
    assert_eq!(
        (canvas.required_px, canvas.chosen_px, canvas.holds),
        (72, 72, true)
    );
    assert_eq!(
        (canvas.largest_offset_px, canvas.lost_share),
        ([3.0, 4.0], 0.0)
    );
    let tight = Canvas::check(&groups, 64, Some(64)).unwrap();
    let lost = 1.0 - (61.0 / 64.0) * (60.0 / 64.0);
    assert!(!tight.holds && (tight.lost_share - lost).abs() < 1e-12);
    assert_eq!(tight.lost_share, tight.lost_share_worst);
    assert!(Canvas::check(&groups, 64, Some(60)).is_err());
    assert_eq!(
        (ptychopinn_canvas_px(64, 1), ptychopinn_canvas_px(64, 2)),
        (74, 78)
    );
    assert_eq!(
        (ptychopinn_canvas_px(128, 1), ptychopinn_canvas_px(128, 2)),
        (138, 142)
    );
    let far = Groups::new(array![[0, 1]], &[[0.0, 0.0], [0.0, 500.25]]).unwrap();
    let lost = Canvas::check(&far, 64, Some(74)).unwrap();
    assert_eq!((lost.required_px, lost.lost_share), (565, 1.0));
}

fn planner(points: Points, n: usize) -> Planner {
    Planner::new(Arc::from(points), n)
}

fn view(text: &str) -> View {
    View::parse_list(text).unwrap().remove(0)
}

#[test]
fn a_view_keeps_tight_groups_far_apart() {
    let points = uniform(5152, [168.0, 336.0], 12);
    let mut planner = planner(points.clone(), 128);
    let spacing = SpacingSettings::default();
    for (text, range) in [("dense=0.7", 25..45), ("sparse=0.2", 4..10)] {
        let plan = planner
            .plan(&view(text), &settings(2, 7), &spacing, 43.7)
            .unwrap();
        assert!(
            range.contains(&plan.groups.n_groups()),
            "{} {}",
            text,
            plan.groups.n_groups()
        );
        assert_eq!(
            plan.rows.len(),
            4 * plan.groups.n_groups(),
            "no pattern in two groups"
        );
        let kept: Vec<u32> = (0..plan.groups.n_groups() as u32).collect();
        assert_spaced(plan.groups.centres_px(), &kept, plan.spacing_px);
        let offsets = (0..kept.len()).flat_map(|g| plan.groups.relative_px(g));
        assert!(
            offsets.flatten().all(|offset| offset.abs() < 10.0),
            "members stay tight"
        );
        assert!(
            plan.is_little() && plan.words().contains("little to train on"),
            "{}",
            plan.words()
        );
        let own = plan.groups.index_into(&plan.rows);
        for (own, scan) in own.iter().zip(plan.groups.index()) {
            assert_eq!(plan.rows[*own as usize], *scan as usize);
        }
        let metrics = plan.metrics();
        assert_eq!(metrics.n_accepted + metrics.n_rejected, 5152);
        assert_eq!(
            metrics.histogram.counts.iter().sum::<usize>(),
            metrics.n_accepted
        );
        assert!(metrics.n_accepted <= metrics.most_possible);
        assert!(metrics.spacing.min_px >= plan.spacing_px * (1.0 - 1e-12));
        assert!(metrics.canvas.unwrap().holds);
        let standings = plan.standings();
        let n_kept = standings
            .iter()
            .filter(|standing| **standing == Standing::Kept)
            .count();
        assert_eq!(n_kept, plan.rows.len());
        assert!(plan.groups_of(plan.rows[0] as u32).count() == 1);
    }
}

#[test]
fn a_view_of_positions_forms_groups_of_what_is_left_or_says_why_not() {
    let points = uniform(5152, [168.0, 336.0], 12);
    let mut planner = planner(points.clone(), 128);
    let spacing = SpacingSettings {
        apply_to: ApplyTo::Positions,
        ..SpacingSettings::default()
    };
    let dense = planner
        .plan(&view("dense=0.7"), &settings(2, 7), &spacing, 43.7)
        .unwrap();
    let rows: Vec<u32> = dense.rows.iter().map(|row| *row as u32).collect();
    assert_spaced(&points, &rows, 38.4);
    assert_eq!(dense.groups.n_groups(), dense.thinned.kept.len());
    let error = planner
        .plan(&view("far=0"), &settings(2, 7), &spacing, 43.7)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("of 5152 positions that are 128.0 px apart (far=0)"),
        "{error}"
    );
    assert!(error.contains("--apply-to groups"), "{error}");
}

#[test]
fn every_position_says_where_it_stands_and_shows_its_group() {
    let points = uniform(600, [100.0, 100.0], 21);
    let mut planner = planner(points, 64);
    let half = GroupSettings {
        subsample_fraction: 0.5,
        ..settings(2, 7)
    };
    for apply_to in [ApplyTo::Groups, ApplyTo::Positions] {
        let spacing = SpacingSettings {
            apply_to,
            ..SpacingSettings::default()
        };
        let plan = planner
            .plan(&view("dense=0.7"), &half, &spacing, 20.0)
            .unwrap();
        let standings = plan.standings();
        let mut n_dropped = 0;
        for (row, standing) in (0u32..).zip(&standings) {
            let drawn = plan.group_drawn_at(row);
            let words = plan.reason(row, *standing);
            assert!(words.starts_with(&format!("pattern {row} is ")), "{words}");
            match standing {
                Standing::Unused => assert_eq!(drawn, None),
                Standing::TooCloseTo(other) => {
                    n_dropped += 1;
                    assert!(
                        words.contains(&format!(" {other}, which was kept")),
                        "{words}"
                    );
                    assert_eq!(drawn.is_some(), apply_to == ApplyTo::Groups);
                    assert!(plan.seeds.contains(other));
                    assert!(!plan.rows.contains(&(row as usize)));
                }
                _ => assert!(
                    drawn.is_none_or(|members| members.len() == 4 && !members.contains(&row))
                ),
            }
        }
        assert!(0 < n_dropped);
        for (g, seed) in plan.seeds.iter().enumerate() {
            let members = plan.groups.index().row(g).to_vec();
            assert_eq!(plan.group_drawn_at(*seed), Some(members));
        }
    }
}

#[test]
fn an_impossible_wish_is_told_before_it_is_tried() {
    let mut planner = planner(uniform(5088, [168.0, 336.0], 12), 128);
    let wish = GroupSettings {
        n_groups: 500,
        ..settings(2, 7)
    };
    let error = planner
        .check_wish(&view("dense=0.7"), &wish)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("at most 5") && error.contains("Oler"),
        "{error}"
    );
    assert!(
        planner
            .plan(&view("dense=0.7"), &wish, &SpacingSettings::default(), 40.0)
            .is_err()
    );
    planner.check_wish(&view("all=1"), &wish).unwrap();
    let all = planner
        .plan(&view("all=1"), &wish, &SpacingSettings::default(), 40.0)
        .unwrap();
    assert_eq!(all.groups.n_groups(), 500);
    let few = GroupSettings {
        n_groups: 10,
        subsample_fraction: 0.5,
        ..settings(2, 7)
    };
    let plan = planner
        .plan(&view("dense=0.7"), &few, &SpacingSettings::default(), 40.0)
        .unwrap();
    assert_eq!((plan.groups.n_groups(), plan.used.len()), (10, 2544));
    assert!(
        plan.rows
            .iter()
            .all(|row| plan.used.contains(&(*row as u32)))
    );
    assert!(plan.standings().contains(&Standing::Unused));
    let none = GroupSettings {
        subsample_fraction: 0.0,
        ..settings(2, 7)
    };
    assert!(
        planner
            .plan(&view("dense=0.7"), &none, &SpacingSettings::default(), 40.0)
            .is_err()
    );
}

#[test]
fn a_planner_that_keeps_what_it_knows_plans_the_same() {
    let points = uniform(800, [168.0, 336.0], 13);
    let mut kept = planner(points.clone(), 64);
    for (gridsize, k, seed, share, order, text) in [
        (2, 7, 1, 1.0, Order::Scan, "a=0.9"),
        (2, 5, 1, 1.0, Order::Random, "a=0.8"),
        (3, 0, 2, 0.5, Order::Most, "a=0.8"),
        (1, 0, 3, 0.5, Order::Scan, "a=1"),
        (2, 9, 3, 0.5, Order::Scan, "a=0.9"),
        (2, 9, 4, 1.0, Order::Scan, "a=0.9"),
    ] {
        let groups = GroupSettings {
            seed,
            subsample_fraction: share,
            ..settings(gridsize, k)
        };
        let spacing = SpacingSettings {
            order,
            probe_diameter: AutoReal::Auto,
            ..SpacingSettings::default()
        };
        let found = kept.plan(&view(text), &groups, &spacing, 20.0).unwrap();
        let fresh = planner(points.clone(), 64)
            .plan(&view(text), &groups, &spacing, 20.0)
            .unwrap();
        assert_eq!(found.metrics(), fresh.metrics());
        assert_eq!((found.groups, found.thinned), (fresh.groups, fresh.thinned));
    }
}

#[test]
fn views_are_parsed_with_their_faults_named() {
    let views = View::parse_list("dense=0.7, sparse=0.2").unwrap();
    assert_eq!(
        views[1],
        View {
            name: "sparse".to_owned(),
            overlap: 0.2
        }
    );
    for text in [
        "dense",
        "dense=1.2",
        "dense=-0.1",
        "=0.5",
        "a/b=0.5",
        "a=0.5,a=0.6",
        "a=x",
        "",
    ] {
        assert!(View::parse_list(text).is_err(), "{text}");
    }
}

fn scans() -> impl Strategy<Value = Points> {
    // Whole numbers over a small range make ties and duplicates.
    let free = prop::collection::vec([0.0..100.0f64, 0.0..60.0], 1..120);
    let tied = prop::collection::vec([0..8i32, 0..8i32], 1..120);
    let tied = tied.prop_map(|points| points.iter().map(|p| p.map(f64::from)).collect());
    prop_oneof![free, tied]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn neighbours_equal_the_slow_twin(points in scans(), k in 1usize..12) {
        let found = Neighbours::of(&points, k);
        for (i, expected) in slow_neighbours(&points, k).iter().enumerate() {
            if 0 < found.k() {
                prop_assert_eq!(found.of_point(i), &expected[..]);
            }
        }
    }

    #[test]
    fn a_filter_never_enlarges_and_what_it_accepts_is_spaced(
        points in scans(), spacing in 0.0..40.0f64, seed in 0u64..9, which in 0usize..3,
    ) {
        let order = [Order::Scan, Order::Random, Order::Most][which];
        let thinned = Thinner::new(&points, spacing).thin(order, seed, 0);
        prop_assert!(!thinned.kept.is_empty() && thinned.kept.len() <= points.len());
        prop_assert!(thinned.kept.len() <= most_points(extent_px(&points), spacing, points.len()));
        assert_spaced(&points, &thinned.kept, spacing);
        // Nothing more could be added: each rejected point is too close to one that was kept.
        for (i, fate) in thinned.fates.iter().enumerate() {
            if let Fate::TooCloseTo(other) = fate {
                prop_assert!(distance(points[i], points[*other as usize]) < spacing);
                prop_assert_eq!(thinned.fates[*other as usize], Fate::Kept);
            }
        }
        let single = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        prop_assert_eq!(single.install(|| Thinner::new(&points, spacing).thin(order, seed, 0)), thinned);
    }

    #[test]
    fn fractions_fall_with_distance(a in 0.0..120.0f64, b in 0.0..120.0f64, diameter in 0.1..100.0f64) {
        let (near, far) = (a.min(b), a.max(b));
        let (near, far) = (disc_overlap(near, diameter), disc_overlap(far, diameter));
        prop_assert!((0.0..=1.0).contains(&far) && far <= near && near <= 1.0);
    }

    #[test]
    fn groups_hold_neighbours_only(points in scans(), gridsize in 1usize..=3, seed in 0u64..99) {
        let wish = GroupSettings { seed, ..settings(gridsize, 0) };
        if let Ok(formed) = form_groups(&points, &wish) {
            let near = slow_neighbours(&points, formed.k);
            for (g, members) in formed.groups.index().rows().into_iter().enumerate() {
                let is_near = |member: &u32| near[g].contains(member);
                prop_assert!(gridsize == 1 || members.iter().all(is_near));
            }
            let known = Neighbours::of(&points, 20);
            prop_assert_eq!(form_of_neighbours(&points, &known, &wish).unwrap(), formed);
        }
    }

    #[test]
    fn histograms_count_everything(values in prop::collection::vec(0.0..50.0f64, 0..60), n_bins in 1usize..30) {
        let histogram = Histogram::of(&values, n_bins);
        prop_assert_eq!(histogram.counts.iter().sum::<usize>(), values.len());
    }
}
