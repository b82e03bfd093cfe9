//! Overlap of discs: how much of the object neighbouring patterns share, by three measures.

use std::f64::consts::FRAC_2_PI;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::grid::Grid;
use super::groups::Groups;
use super::neighbours::{Neighbours, first_of_place, square_px2};

/// Common area of two discs of diameter D at distance d, over the area of one:
/// `f = (2R² acos(d/2R) - (d/2) √(4R² - d²)) / (π R²)`, `R = D/2`; 1 at d = 0, exactly 0 for d >= D.
pub fn disc_overlap(distance_px: f64, diameter_px: f64) -> f64 {
    // The same with x = d / D: 2/π (acos x - x √(1 - x²)).
    let x = distance_px / diameter_px;
    if 1.0 <= x {
        return 0.0;
    }
    FRAC_2_PI * (x.acos() - x * ((1.0 - x) * (1.0 + x)).sqrt())
}

/// Overlap within groups.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WithinGroups {
    /// Mean over groups of the first member's overlap with each other one.
    pub first_with_rest: f64,
    /// Mean over groups of all pairs of members: that of every member with the others.
    pub all_pairs: f64,
}

/// The three measures of how patterns overlap, each between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measures {
    /// Within groups; none where a group is one pattern.
    pub within_groups: Option<WithinGroups>,
    /// Among patterns: mean overlap of each with its K nearest others, duplicates taken once.
    pub among_patterns: f64,
    /// Between groups: mean overlap of a group's centre with the others closer than D, 0 where there is none.
    pub between_groups: f64,
}

impl Measures {
    /// Of these groups and of the patterns in them, for discs of diameter D; `k` neighbours among patterns.
    pub fn of(groups: &Groups, points: &[[f64; 2]], k: usize, diameter_px: f64) -> Self {
        let patterns: Vec<[f64; 2]> = groups.rows().iter().map(|row| points[*row]).collect();
        let between = between_groups(groups.centres_px(), diameter_px);
        Self {
            within_groups: within_groups(groups, points, diameter_px),
            among_patterns: among_patterns(&patterns, k, diameter_px),
            between_groups: mean(&between),
        }
    }
}

/// Overlap within groups; `None` for groups of one pattern, or none.
pub fn within_groups(
    groups: &Groups,
    points: &[[f64; 2]],
    diameter_px: f64,
) -> Option<WithinGroups> {
    let c = groups.c();
    if c < 2 || groups.n_groups() == 0 {
        return None;
    }
    let index: Vec<&[u32]> = (0..groups.n_groups())
        .filter_map(|g| groups.index().row(g).to_slice())
        .collect();
    let sums: Vec<[f64; 2]> = index
        .par_iter()
        .with_min_len(256)
        .map(|members| {
            let overlap = |a: u32, b: u32| {
                let square = square_px2(points[a as usize], points[b as usize]);
                disc_overlap(square.sqrt(), diameter_px)
            };
            let mut sums = [0.0; 2];
            for (i, a) in members.iter().enumerate() {
                for b in &members[i + 1..] {
                    let overlap = overlap(*a, *b);
                    sums[0] += if i == 0 { overlap } else { 0.0 };
                    sums[1] += overlap;
                }
            }
            [sums[0] / (c - 1) as f64, sums[1] / (c * (c - 1) / 2) as f64]
        })
        .collect();
    let [first, all] = [0, 1].map(|which| sums.iter().map(|sums| sums[which]).sum::<f64>());
    Some(WithinGroups {
        first_with_rest: first / sums.len() as f64,
        all_pairs: all / sums.len() as f64,
    })
}

/// Mean overlap of each pattern with its `k` nearest others, averaged over patterns; positions that come twice are taken
/// once. 0 for a single pattern.
pub fn among_patterns(points: &[[f64; 2]], k: usize, diameter_px: f64) -> f64 {
    let first = first_of_place(points);
    let distinct: Vec<[f64; 2]> = (0u32..)
        .zip(&first)
        .filter(|(i, first)| i == *first)
        .map(|(i, _)| points[i as usize])
        .collect();
    let neighbours = Neighbours::of(&distinct, k);
    if neighbours.k() == 0 {
        return 0.0;
    }
    let overlaps: Vec<f64> = (0..distinct.len())
        .into_par_iter()
        .with_min_len(256)
        .map(|i| {
            let distances = neighbours.distances_px(i).iter();
            let sum: f64 = distances.map(|d| disc_overlap(*d, diameter_px)).sum();
            sum / neighbours.k() as f64
        })
        .collect();
    mean(&overlaps)
}

/// For each group's centre the mean overlap with the other centres closer than D; 0 where there is none.
///
/// Time grows with the number of such pairs, memory with that of the groups.
pub fn between_groups(centres_px: &[[f64; 2]], diameter_px: f64) -> Vec<f64> {
    if centres_px.is_empty() {
        return Vec::new();
    }
    let grid = Grid::new(centres_px, diameter_px);
    let reach = diameter_px * diameter_px;
    (0..centres_px.len() as u32)
        .into_par_iter()
        .with_min_len(64)
        .map(|i| {
            let here = centres_px[i as usize];
            let (mut sum, mut n_near) = (0.0, 0u32);
            for cell in grid.cells_around(i) {
                for other in grid.points_of(cell) {
                    let square = square_px2(here, centres_px[*other as usize]);
                    if square < reach && *other != i {
                        sum += disc_overlap(square.sqrt(), diameter_px);
                        n_near += 1;
                    }
                }
            }
            if n_near == 0 {
                0.0
            } else {
                sum / f64::from(n_near)
            }
        })
        .collect()
}

fn mean(values: &[f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    values.iter().sum::<f64>() / values.len() as f64
}
