//! Overlap of discs: how much of the object neighbouring patterns share, by three measures.

use std::f64::consts::{FRAC_2_PI, PI, SQRT_2};

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

/// Intervals of the table in [`FastOverlap`]: with cubics these reach 1e-14, and it stays in the first cache.
const N_INTERVALS: usize = 512;

/// [`disc_overlap`] by a table of cubics in place of an arc cosine, within 1e-14: for millions of pairs.
///
/// `f = (1 - x)^(3/2) P(x)`, `x = d / D`, where P is smooth from 0 to 1.
struct FastOverlap {
    per_diameter: f64,
    /// For each interval of x the coefficients of P in the place within it, 0 to 1.
    cubics: Vec<[f64; 4]>,
}

impl FastOverlap {
    fn new(diameter_px: f64) -> Self {
        Self {
            per_diameter: 1.0 / diameter_px,
            cubics: (0..N_INTERVALS).map(cubic).collect(),
        }
    }

    /// Overlap at a distance below D.
    #[inline]
    fn at(&self, distance_px: f64) -> f64 {
        let x = distance_px * self.per_diameter;
        let place = x * N_INTERVALS as f64;
        let interval = (place as usize).min(N_INTERVALS - 1);
        let t = place - interval as f64;
        let [a, b, c, d] = self.cubics[interval];
        let rest = (1.0 - x).max(0.0);
        (rest * rest.sqrt() * (a + t * (b + t * (c + t * d)))).min(1.0)
    }
}

/// The cubic through P at the four Chebyshev nodes of an interval.
fn cubic(interval: usize) -> [f64; 4] {
    let nodes = [0, 1, 2, 3].map(|k| 0.5 - 0.5 * (PI * (f64::from(k) + 0.5) / 4.0).cos());
    let values = nodes.map(|t| smooth_part((interval as f64 + t) / N_INTERVALS as f64));
    let mut sum = [0.0; 4];
    for (k, value) in values.into_iter().enumerate() {
        // Lagrange's polynomial of this node, factor by factor.
        let mut basis = [value, 0.0, 0.0, 0.0];
        for (_, other) in nodes.iter().enumerate().filter(|(other, _)| *other != k) {
            let scale = 1.0 / (nodes[k] - other);
            let [a, b, c, d] = basis;
            basis = [-other * a, a - other * b, b - other * c, c - other * d].map(|x| x * scale);
        }
        (0..4).for_each(|power| sum[power] += basis[power]);
    }
    sum
}

/// P of [`FastOverlap`] at x < 1: `(2θ - sin 2θ) / (π (1 - x)^(3/2))`, `cos θ = x`.
fn smooth_part(x: f64) -> f64 {
    let half_sine = ((1.0 - x) / 2.0).sqrt();
    let twice_theta = 4.0 * half_sine.asin();
    // Near 0 the difference would cancel: its series, to terms far below rounding.
    let difference = if twice_theta < 0.5 {
        let square = twice_theta * twice_theta;
        let tail = (1..12).rev().fold(1.0, |tail, k| {
            let k = f64::from(k);
            1.0 - tail * square / ((2.0 * k + 2.0) * (2.0 * k + 3.0))
        });
        twice_theta * square / 6.0 * tail
    } else {
        twice_theta - twice_theta.sin()
    };
    difference / (PI * 2.0 * SQRT_2 * half_sine.powi(3))
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
    let by_cell_px: Vec<[f64; 2]> = grid
        .order()
        .iter()
        .map(|point| centres_px[*point as usize])
        .collect();
    let overlap = FastOverlap::new(diameter_px);
    let reach = diameter_px * diameter_px;
    (0..centres_px.len() as u32)
        .into_par_iter()
        .with_min_len(64)
        .map(|i| {
            let here = centres_px[i as usize];
            let (mut sum, mut n_near) = (0.0, 0u32);
            for cell in grid.cells_around(i) {
                for other in &by_cell_px[grid.span_of(cell)] {
                    let square = square_px2(here, *other);
                    if square < reach {
                        sum += overlap.at(square.sqrt());
                        n_near += 1;
                    }
                }
            }
            // The centre met itself, too.
            match n_near {
                0 | 1 => 0.0,
                more => (sum - overlap.at(0.0)) / f64::from(more - 1),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_overlap_is_that_of_the_formula() {
        let fast = FastOverlap::new(38.4);
        for i in 0..=20_000 {
            let distance_px = 38.4 * f64::from(i) / 20_000.0;
            let (found, expected) = (fast.at(distance_px), disc_overlap(distance_px, 38.4));
            assert!(
                (found - expected).abs() < 1e-14,
                "{distance_px}: {found} {expected}"
            );
        }
    }
}
