//! An insect's wing: cells of thin membrane between dark veins, crossed by long veins that branch.

use std::f64::consts::TAU;

use ndarray::Array2;
use rand::{Rng, RngExt as _};

/// Brightness of the darkest membrane; the brightest is 1, veins are 0.
const DARKEST_MEMBRANE: f64 = 0.55;
/// Half the width of the veins between cells, and of the long veins at the root, over the width of a cell.
const CELL_VEIN: f64 = 0.045;
const LONG_VEIN: f64 = 0.16;
/// Long veins that leave the root.
const N_LONG_VEINS: usize = 5;

/// A wing, `(side, side)`, 0 in the veins to 1 in the brightest cell, its root in the middle of the left edge.
///
/// Cells are those of Voronoi about points that stand at random in a lattice of `cell_px`; each has a brightness of its
/// own and is thinner (brighter) in its middle.
pub(super) fn wing(side_px: usize, cell_px: f64, rng: &mut impl Rng) -> Array2<f64> {
    let cells = Cells::new(side_px, cell_px, rng);
    let mut picture = Array2::from_shape_fn((side_px, side_px), |(row, column)| {
        cells.brightness([row as f64, column as f64])
    });
    let side = side_px as f64;
    for i in 0..N_LONG_VEINS {
        let share = (i as f64 + 0.5) / N_LONG_VEINS as f64 - 0.5;
        let vein = Vein {
            at: [side * (0.5 + 0.1 * share), -LONG_VEIN * cell_px],
            heading_rad: 2.3 * share + 0.15 * (rng.random::<f64>() - 0.5),
            // The fan closes again towards the tip.
            turn_rad: -1.6 * share / side + 0.3 * (rng.random::<f64>() - 0.5) / side,
            half_width_px: LONG_VEIN * cell_px * (1.0 - share.abs()),
        };
        vein.draw(&mut picture, cell_px, rng);
    }
    picture
}

/// Points in a jittered lattice with one cell to spare around the picture.
struct Cells {
    cell_px: f64,
    n_across: usize,
    /// (row, column, brightness), by lattice place.
    points: Vec<[f64; 3]>,
}

impl Cells {
    fn new(side_px: usize, cell_px: f64, rng: &mut impl Rng) -> Self {
        // Two places beyond each edge, so that the nearest two points of every pixel are there.
        let n_across = (side_px as f64 / cell_px).ceil() as usize + 4;
        let points = (0..n_across * n_across)
            .map(|i| {
                let place = [i / n_across, i % n_across];
                let [row, column] = place
                    .map(|place| (place as f64 - 2.0 + 0.1 + 0.8 * rng.random::<f64>()) * cell_px);
                let brightness = DARKEST_MEMBRANE + (1.0 - DARKEST_MEMBRANE) * rng.random::<f64>();
                [row, column, brightness]
            })
            .collect();
        Self {
            cell_px,
            n_across,
            points,
        }
    }

    fn brightness(&self, at: [f64; 2]) -> f64 {
        let place = at.map(|c| (c / self.cell_px) as usize + 2);
        let (mut first, mut second) = ([f64::INFINITY, 0.0, 0.0, 0.0], [f64::INFINITY, 0.0, 0.0]);
        for row in place[0] - 2..(place[0] + 3).min(self.n_across) {
            for column in place[1] - 2..(place[1] + 3).min(self.n_across) {
                let [y, x, brightness] = self.points[row * self.n_across + column];
                let square = (y - at[0]).powi(2) + (x - at[1]).powi(2);
                if square < first[0] {
                    second = [first[0], first[1], first[2]];
                    first = [square, y, x, brightness];
                } else if square < second[0] {
                    second = [square, y, x];
                }
            }
        }
        // Distance to the line half-way between the two nearest points.
        let apart = (first[1] - second[1]).hypot(first[2] - second[2]);
        let to_edge_px = (second[0] - first[0]) / (2.0 * apart.max(1e-9));
        let dome = 1.0 - 0.25 * (first[0] / self.cell_px.powi(2)).min(1.0);
        let vein_px = (CELL_VEIN * self.cell_px).max(0.5);
        first[3] * dome * soft_step((to_edge_px - vein_px) / 1.5)
    }
}

/// The tip of a vein that is being drawn.
#[derive(Clone, Copy)]
struct Vein {
    at: [f64; 2],
    /// 0 to the right, growing downwards.
    heading_rad: f64,
    /// Change of heading a pixel.
    turn_rad: f64,
    half_width_px: f64,
}

impl Vein {
    /// Draw from the root to the border or until it is thin, with branches to either side.
    fn draw(self, picture: &mut Array2<f64>, cell_px: f64, rng: &mut impl Rng) {
        let side_px = picture.nrows() as f64;
        let thinnest_px = (0.9 * CELL_VEIN * cell_px).max(0.5);
        let mut tips = vec![self];
        while let Some(mut vein) = tips.pop() {
            let mut to_branch_px = cell_px * (3.0 + 3.0 * rng.random::<f64>());
            let mut branch_side = if rng.random::<bool>() { 1.0 } else { -1.0 };
            let is_inside = |at: [f64; 2]| {
                at.iter()
                    .all(|c| (-2.0 * cell_px..side_px + 2.0).contains(c))
            };
            while is_inside(vein.at) && thinnest_px <= vein.half_width_px {
                stamp(picture, vein.at, vein.half_width_px);
                let (sin, cos) = vein.heading_rad.sin_cos();
                vein.at = [vein.at[0] + sin, vein.at[1] + cos];
                vein.heading_rad += vein.turn_rad;
                vein.half_width_px *= 1.0 - 0.6 / side_px;
                to_branch_px -= 1.0;
                if to_branch_px < 0.0 {
                    tips.push(Self {
                        heading_rad: vein.heading_rad
                            + branch_side * (0.35 + 0.3 * rng.random::<f64>()),
                        turn_rad: -branch_side * 0.25 * rng.random::<f64>() / (4.0 * cell_px),
                        half_width_px: 0.55 * vein.half_width_px,
                        ..vein
                    });
                    to_branch_px = cell_px * (4.0 + 3.0 * rng.random::<f64>());
                    branch_side = -branch_side;
                }
            }
        }
    }
}

/// Darken a soft-edged disc.
fn stamp(picture: &mut Array2<f64>, at: [f64; 2], radius_px: f64) {
    let (n_rows, n_columns) = picture.dim();
    let reach = radius_px + 1.0;
    let span = |c: f64, n: usize| {
        let from = (c - reach).ceil().max(0.0) as usize;
        from..((c + reach + 1.0).max(0.0) as usize).min(n)
    };
    for row in span(at[0], n_rows) {
        for column in span(at[1], n_columns) {
            let distance_px = (row as f64 - at[0]).hypot(column as f64 - at[1]);
            let light = soft_step((distance_px - radius_px) / 1.5);
            let pixel = &mut picture[[row, column]];
            *pixel = pixel.min(light);
        }
    }
}

/// 0 below -1/2, 1 above 1/2, smooth between.
fn soft_step(t: f64) -> f64 {
    0.5 - 0.5 * (TAU / 2.0 * (t + 0.5).clamp(0.0, 1.0)).cos()
}
