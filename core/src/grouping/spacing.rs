//! Least spacing: which points are kept so that no two lie closer, and how many any choice could keep.

use rand::seq::SliceRandom as _;
use rayon::prelude::*;
use serde::Serialize;

use super::grid::{Grid, NONE};
use super::neighbours::square_px2;
use super::settings::Order;
use crate::rng::{Purpose, stream_at};

/// A distance short of S by less than this part of it counts as S, so that a raster of pitch S passes however its
/// coordinates were rounded.
const ROUNDING: f64 = 1e-12;
/// Index of the first random stream for orders; those of points lie below.
const ORDER_STREAM: u64 = 1 << 40;
/// Drawn orders that [`Order::Most`] tries.
const N_DRAWN: u64 = 8;
/// Pitches of the lattices that [`Order::Most`] tries, in parts of S: points lie a little beside the nodes.
const PITCHES: [f64; 4] = [1.0, 1.02, 1.05, 1.1];
/// Shifts of those lattices, in parts of the pitch.
const SHIFTS: [[f64; 2]; 3] = [[0.0, 0.0], [0.0, 0.5], [0.5, 0.25]];

/// `S = (1 - f) n` for patterns of `n` pixels that may overlap by the part `f` of their side; rounded to 1e-9 px, so
/// that 0.7 of 128 gives 38.4.
pub fn least_spacing_px(overlap: f64, n: usize) -> f64 {
    let exact = n as f64 - overlap * n as f64;
    ((exact * 1e9).round() / 1e9).max(0.0)
}

/// What became of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Kept.
    Kept,
    /// Closer than S to this point, which was kept before it; the nearest of those.
    TooCloseTo(u32),
    /// Kept points were as many as wanted when its turn came.
    NotWanted,
}

/// What a spacing filter did.
#[derive(Clone, Debug, PartialEq)]
pub struct Thinned {
    /// Fate of each point.
    pub fates: Vec<Fate>,
    /// Points that were kept, ascending.
    pub kept: Vec<u32>,
    /// The order in which points were accepted, in words.
    pub order: String,
}

/// Keeps points that are at least S apart, in one order after another.
pub struct Thinner<'a> {
    points: &'a [[f64; 2]],
    spacing_px: f64,
    grid: Option<Grid>,
}

impl<'a> Thinner<'a> {
    /// Prepare for finite `points` and S; an S of 0 keeps them all. Time `O(n log n)`, memory `O(n)`.
    pub fn new(points: &'a [[f64; 2]], spacing_px: f64) -> Self {
        let is_needed = 0.0 < spacing_px && !points.is_empty();
        Self {
            points,
            spacing_px,
            grid: is_needed.then(|| Grid::new(points, spacing_px)),
        }
    }

    /// Keep points greedily: each that is at least S from all kept before it, until `most` are kept (0: no end).
    ///
    /// The answer does not depend on threads; `seed` matters to [`Order::Random`] and [`Order::Most`].
    pub fn thin(&self, order: Order, seed: u64, most: usize) -> Thinned {
        let n = self.points.len() as u32;
        match order {
            Order::Scan => self.in_order(0..n, most, "as in the file".to_owned()),
            Order::Random => {
                let order = drawn(n, seed, 0);
                self.in_order(order.into_iter(), most, format!("drawn with seed {seed}"))
            }
            Order::Most => self.best(seed, most),
        }
    }

    /// Keep points in the order given, which names each point once; `words` name the order.
    pub fn in_order(
        &self,
        order: impl Iterator<Item = u32>,
        most: usize,
        words: String,
    ) -> Thinned {
        let mut fates = vec![Fate::NotWanted; self.points.len()];
        let mut kept_in = Kept::new(self.grid.as_ref().map_or(0, Grid::n_cells), fates.len());
        let mut n_kept = 0;
        for point in order {
            if 0 < most && most <= n_kept {
                break;
            }
            let fate = match &self.grid {
                Some(grid) => self.fate(grid, &kept_in, point),
                None => Fate::Kept,
            };
            fates[point as usize] = fate;
            if fate == Fate::Kept {
                n_kept += 1;
                if let Some(grid) = &self.grid {
                    kept_in.add(grid.cell_of(point), point);
                }
            }
        }
        let kept = (0u32..).zip(&fates);
        Thinned {
            kept: kept
                .filter(|(_, fate)| **fate == Fate::Kept)
                .map(|(i, _)| i)
                .collect(),
            fates,
            order: words,
        }
    }

    fn fate(&self, grid: &Grid, kept: &Kept, point: u32) -> Fate {
        let least = self.spacing_px * self.spacing_px * (1.0 - 2.0 * ROUNDING);
        let here = self.points[point as usize];
        let mut nearest = (least, NONE);
        for cell in grid.cells_around(point) {
            for other in kept.of_cell(cell) {
                let square = square_px2(here, self.points[other as usize]);
                if square < nearest.0
                    || (square == nearest.0 && other < nearest.1 && square < least)
                {
                    nearest = (square, other);
                }
            }
        }
        match nearest.1 {
            NONE => Fate::Kept,
            other => Fate::TooCloseTo(other),
        }
    }

    /// The most of: the file's order, sweeps from four sides, drawn orders, and nodes of hexagonal lattices (which are
    /// the densest packing) along rows and along columns. The first of equals wins.
    fn best(&self, seed: u64, most: usize) -> Thinned {
        let n = self.points.len() as u32;
        if self.grid.is_none() {
            return self.in_order(0..n, most, "as in the file".to_owned());
        }
        let tried: Vec<Try> = Try::all();
        let counts: Vec<usize> = tried
            .par_iter()
            .map(|tried| {
                let order = tried.order(self.points, self.spacing_px, seed);
                let thinned = self.in_order(order.into_iter(), 0, String::new());
                thinned.kept.len()
            })
            .collect();
        let mut best = 0;
        for (i, count) in counts.iter().enumerate() {
            if counts[best] < *count {
                best = i;
            }
        }
        let order = tried[best].order(self.points, self.spacing_px, seed);
        let words = format!("best of {} orders: {}", tried.len(), tried[best].words());
        self.in_order(order.into_iter(), most, words)
    }
}

/// The points kept so far, cell by cell, as linked lists.
struct Kept {
    first: Vec<u32>,
    next: Vec<u32>,
}

impl Kept {
    fn new(n_cells: usize, n_points: usize) -> Self {
        Self {
            first: vec![NONE; n_cells],
            next: vec![NONE; n_points],
        }
    }

    fn add(&mut self, cell: u32, point: u32) {
        self.next[point as usize] = std::mem::replace(&mut self.first[cell as usize], point);
    }

    fn of_cell(&self, cell: u32) -> impl Iterator<Item = u32> + use<'_> {
        let existing = |point: u32| (point != NONE).then_some(point);
        std::iter::successors(existing(self.first[cell as usize]), move |point| {
            existing(self.next[*point as usize])
        })
    }
}

fn drawn(n: u32, seed: u64, number: u64) -> Vec<u32> {
    let mut order: Vec<u32> = (0..n).collect();
    order.shuffle(&mut stream_at(
        seed,
        Purpose::Grouping,
        ORDER_STREAM + number,
    ));
    order
}

/// An order that is tried in search of the most points.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Try {
    Scan,
    Sweep {
        axis: usize,
        is_reversed: bool,
    },
    Drawn(u64),
    Lattice {
        axis: usize,
        pitch: f64,
        shift: [f64; 2],
    },
}

impl Try {
    fn all() -> Vec<Self> {
        let mut all = vec![Self::Scan];
        for axis in [0, 1] {
            all.extend([false, true].map(|is_reversed| Self::Sweep { axis, is_reversed }));
        }
        all.extend((0..N_DRAWN).map(Self::Drawn));
        for axis in [0, 1] {
            for pitch in PITCHES {
                all.extend(SHIFTS.map(|shift| Self::Lattice { axis, pitch, shift }));
            }
        }
        all
    }

    fn words(self) -> String {
        let lines = |axis| if axis == 0 { "rows" } else { "columns" };
        match self {
            Self::Scan => "as in the file".to_owned(),
            Self::Sweep { axis, is_reversed } => {
                let from = if is_reversed { "last" } else { "first" };
                format!("{} from the {from}", lines(axis))
            }
            Self::Drawn(number) => format!("drawn, number {}", number + 1),
            Self::Lattice { axis, pitch, .. } => {
                let per_cent = 100.0 * (pitch - 1.0);
                format!(
                    "hexagonal lattice along {}, S + {per_cent:.0} %",
                    lines(axis)
                )
            }
        }
    }

    fn order(self, points: &[[f64; 2]], spacing_px: f64, seed: u64) -> Vec<u32> {
        let n = points.len() as u32;
        match self {
            Self::Scan => (0..n).collect(),
            Self::Drawn(number) => drawn(n, seed, number),
            Self::Sweep { axis, is_reversed } => {
                let sign = if is_reversed { -1.0 } else { 1.0 };
                by_key(points, |point| sign * point[axis])
            }
            Self::Lattice { axis, pitch, shift } => {
                let pitch = pitch * spacing_px;
                let least = points.iter().fold([f64::INFINITY; 2], |least, point| {
                    [least[0].min(point[0]), least[1].min(point[1])]
                });
                by_key(points, |point| {
                    let across = (point[axis] - least[axis]) / pitch - shift[0];
                    let along = (point[1 - axis] - least[1 - axis]) / pitch - shift[1];
                    square_to_node(across, along)
                })
            }
        }
    }
}

/// Points by a key, those of the same key by index.
fn by_key(points: &[[f64; 2]], key: impl Fn(&[f64; 2]) -> f64) -> Vec<u32> {
    let mut keyed: Vec<(f64, u32)> = points.iter().map(key).zip(0u32..).collect();
    keyed.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    keyed.into_iter().map(|(_, point)| point).collect()
}

/// Squared distance to the nearest node of a hexagonal lattice of pitch 1 whose lines run along `along`.
fn square_to_node(across: f64, along: f64) -> f64 {
    let height = 0.75f64.sqrt();
    let line = (across / height).round();
    let to_line = |line: f64| {
        let down = across - line * height;
        // Every other line is shifted by half a pitch.
        let shift = if line.rem_euclid(2.0) == 0.0 {
            0.0
        } else {
            0.5
        };
        let beside = (along - shift) - (along - shift).round();
        down * down + beside * beside
    };
    to_line(line)
        .min(to_line(line - 1.0))
        .min(to_line(line + 1.0))
}

/// Rows and columns that the points span, from the first to the last, px.
pub fn extent_px(points: &[[f64; 2]]) -> [f64; 2] {
    [0, 1].map(|axis| {
        let least = points
            .iter()
            .map(|point| point[axis])
            .fold(f64::INFINITY, f64::min);
        let most = points
            .iter()
            .map(|point| point[axis])
            .fold(f64::NEG_INFINITY, f64::max);
        (most - least).max(0.0)
    })
}

/// The most points that can lie in a box `extent_px` with no two closer than S, after Oler:
/// `2A / (√3 S²) + L / (2S) + 1` with its area A and perimeter L, before rounding down.
///
/// A true bound for any convex region, and so for the positions of a scan and for centres of its groups. Infinite for
/// S = 0. Source: N. Oler, "An inequality in the geometry of numbers", Acta Math. 105 (1961).
pub fn oler_bound([height, width]: [f64; 2], spacing_px: f64) -> f64 {
    if spacing_px <= 0.0 {
        return f64::INFINITY;
    }
    let (area, perimeter) = (height * width, 2.0 * (height + width));
    2.0 * area / (3f64.sqrt() * spacing_px * spacing_px) + perimeter / (2.0 * spacing_px) + 1.0
}

/// The most of `n_points` that any choice could keep: [`oler_bound`] rounded down, or all.
pub fn most_points(extent_px: [f64; 2], spacing_px: f64, n_points: usize) -> usize {
    let bound = oler_bound(extent_px, spacing_px);
    if (n_points as f64) <= bound {
        return n_points;
    }
    // Rounding must not take away a point that fits.
    (bound * (1.0 + 1e-9)).floor() as usize
}

/// `min(A / (n π (D/2)²), 0.10)`, the number that earlier studies call `geometry_acceptance_bound`: the share of `n`
/// positions whose discs of diameter D would cover the scan's box once. It is no bound; [`oler_bound`] is.
pub fn geometry_acceptance_bound(
    [height, width]: [f64; 2],
    n_points: usize,
    diameter_px: f64,
) -> f64 {
    let disc = std::f64::consts::PI * (diameter_px / 2.0) * (diameter_px / 2.0);
    let share = height * width / (n_points as f64 * disc);
    // Also where nothing is divided by nothing.
    if share < 0.1 { share } else { 0.1 }
}

/// Counts of distances in bins of equal width from 0 to the greatest.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Histogram {
    /// Edges of the bins, one more than there are bins.
    pub edges_px: Vec<f64>,
    /// Distances in each bin; the last one has its upper edge.
    pub counts: Vec<usize>,
}

impl Histogram {
    /// Of these distances, those that are not finite left out; empty where there is none.
    pub fn of(distances_px: &[f64], n_bins: usize) -> Self {
        let finite = distances_px.iter().filter(|distance| distance.is_finite());
        let greatest = finite
            .clone()
            .fold(f64::NEG_INFINITY, |most, d| most.max(*d));
        if greatest < 0.0 || n_bins == 0 {
            return Self::default();
        }
        let width = if greatest == 0.0 { 1.0 } else { greatest } / n_bins as f64;
        let mut counts = vec![0; n_bins];
        for distance in finite {
            counts[((distance / width) as usize).min(n_bins - 1)] += 1;
        }
        Self {
            edges_px: (0..=n_bins).map(|i| i as f64 * width).collect(),
            counts,
        }
    }
}
