//! Which patterns: subset by number, chance, even spread or region; shuffle.

use std::fmt::Write as _;
use std::str::FromStr;

use rand::seq::SliceRandom as _;

use super::{Made, descendant};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::rng::{Purpose, stream};

/// Cells along each axis of the curve that orders positions by place.
const CURVE_BITS: u32 = 16;

crate::field_choice! {
    /// Over what a stratified choice is even.
    pub enum Evenly {
        /// The order of the scan: its scan index where every number differs, else the order in the file.
        Order = "order",
        /// The scanned area: positions in the order of a Hilbert curve.
        Area = "area",
    }
}

/// How many patterns, and which.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Count {
    /// All that the region holds.
    #[default]
    All,
    /// The first so many.
    First(usize),
    /// So many by chance, each set of that size as likely as any other.
    Random {
        /// How many.
        n: usize,
        /// Seed of the choice.
        seed: u64,
    },
    /// So many, evenly spread: of `m` in order, those at `floor(i m / n)`.
    Stratified {
        /// How many.
        n: usize,
        /// Over what they are even.
        by: Evenly,
    },
    /// Every so many in the order of the scan: its odd and even halves are two such choices.
    Every {
        /// Distance from one to the next.
        step: usize,
        /// The first, below `step`.
        from: usize,
    },
}

/// Positions in px from (included) to (not included); an end left out is open.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Region {
    /// Rows.
    pub rows_px: [Option<f64>; 2],
    /// Columns.
    pub columns_px: [Option<f64>; 2],
}

impl Region {
    /// Whether a position `(row, column)` lies inside.
    pub fn holds(&self, position_px: [f64; 2]) -> bool {
        [self.rows_px, self.columns_px]
            .iter()
            .zip(position_px)
            .all(|([from, to], c)| from.is_none_or(|from| from <= c) && to.is_none_or(|to| c < to))
    }
}

impl FromStr for Region {
    type Err = Error;

    /// `y0:y1,x0:x1`, as `20:60,:100`.
    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::invalid(
                "choose patterns",
                "region",
                "y0:y1,x0:x1 in px, as 20:60.5,:100; an end left out is open",
                text,
            )
        };
        let end = |word: &str| match word.trim() {
            "" => Ok(None),
            word => word
                .parse()
                .ok()
                .filter(|value: &f64| value.is_finite())
                .map(Some)
                .ok_or_else(wrong),
        };
        let range = |text: &str| -> Result<[Option<f64>; 2]> {
            let (from, to) = text.split_once(':').ok_or_else(wrong)?;
            let range = [end(from)?, end(to)?];
            match range {
                [Some(from), Some(to)] if to <= from => Err(wrong()),
                range => Ok(range),
            }
        };
        let (rows, columns) = text.split_once(',').ok_or_else(wrong)?;
        Ok(Self {
            rows_px: range(rows)?,
            columns_px: range(columns)?,
        })
    }
}

impl std::fmt::Display for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let end = |end: Option<f64>| end.map_or(String::new(), |value| value.to_string());
        let [[y0, y1], [x0, x1]] = [self.rows_px, self.columns_px].map(|range| range.map(end));
        write!(f, "{y0}:{y1},{x0}:{x1}")
    }
}

/// A choice of patterns: those of a region, and of them so many.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Subset {
    /// Only positions inside.
    pub region: Option<Region>,
    /// How many of them.
    pub count: Count,
}

impl Subset {
    /// The rows that are chosen, ascending, so that the order of the file stays.
    ///
    /// # Errors
    /// [`Error::Invalid`] if no pattern lies in the region, or fewer than were asked for.
    pub fn rows(
        &self,
        positions_px: &[[f64; 2]],
        scan_index: Option<&[i64]>,
    ) -> Result<Vec<usize>> {
        let inside: Vec<usize> = (0..positions_px.len())
            .filter(|i| {
                self.region
                    .is_none_or(|region| region.holds(positions_px[*i]))
            })
            .collect();
        let m = inside.len();
        if m == 0 {
            let expected = format!(
                "a region that holds some of the {} positions",
                positions_px.len()
            );
            let found = self
                .region
                .map_or(String::new(), |region| region.to_string());
            return Err(Error::invalid("choose patterns", "region", expected, found));
        }
        let (n, key) = match self.count {
            Count::All => return Ok(inside),
            Count::First(n) => (n, "first"),
            Count::Random { n, .. } => (n, "random"),
            Count::Stratified { n, .. } => (n, "stratified"),
            Count::Every { step, from } => {
                let mut order = inside;
                by_scan_index(&mut order, scan_index);
                return every(&order, step, from);
            }
        };
        if n == 0 || m < n {
            let place = if self.region.is_some() {
                "the region"
            } else {
                "the scan"
            };
            let expected = format!("1 to {m}, as many as {place} has");
            return Err(Error::invalid(
                "choose patterns",
                key,
                expected,
                n.to_string(),
            ));
        }
        let mut order = inside;
        match self.count {
            Count::All | Count::First(_) | Count::Every { .. } => {}
            Count::Random { seed, .. } => order.shuffle(&mut stream(seed, Purpose::Subsampling)),
            Count::Stratified { by, .. } => {
                match by {
                    Evenly::Order => by_scan_index(&mut order, scan_index),
                    Evenly::Area => by_place(&mut order, positions_px),
                }
                order = (0..n).map(|i| order[i * m / n]).collect();
            }
        }
        order.truncate(n);
        order.sort_unstable();
        Ok(order)
    }

    /// As on the command line.
    pub fn flags(&self) -> String {
        let mut text = match self.count {
            Count::All => String::new(),
            Count::First(n) => format!("--first {n}"),
            Count::Random { n, seed } => format!("--random {n} --seed {seed}"),
            Count::Stratified {
                n,
                by: Evenly::Order,
            } => format!("--stratified {n} --by order"),
            Count::Stratified {
                n,
                by: Evenly::Area,
            } => format!("--stratified {n} --by area"),
            Count::Every { step, from } => format!("--every {step} --from {from}"),
        };
        if let Some(region) = self.region {
            let space = if text.is_empty() { "" } else { " " };
            let _ = write!(text, "{space}--region={region}");
        }
        text
    }
}

/// Rows at `from`, `from + step`, ... of an order, ascending.
fn every(order: &[usize], step: usize, from: usize) -> Result<Vec<usize>> {
    let refuse = |key: &str, expected: String, found: usize| {
        let found = found.to_string();
        Err(Error::invalid("choose patterns", key, expected, found))
    };
    if step == 0 || order.len() < step {
        let expected = format!("1 to {}, as many as there are", order.len());
        return refuse("every", expected, step);
    }
    if step <= from {
        return refuse("from", format!("0 to {}", step - 1), from);
    }
    let mut rows: Vec<usize> = order.iter().copied().skip(from).step_by(step).collect();
    rows.sort_unstable();
    Ok(rows)
}

/// Stable, and only where the numbers tell the patterns apart.
fn by_scan_index(rows: &mut [usize], scan_index: Option<&[i64]>) {
    let Some(index) = scan_index else { return };
    let mut sorted = rows.to_vec();
    sorted.sort_by_key(|row| index[*row]);
    if sorted
        .windows(2)
        .all(|pair| index[pair[0]] != index[pair[1]])
    {
        rows.copy_from_slice(&sorted);
    }
}

fn by_place(rows: &mut [usize], positions_px: &[[f64; 2]]) {
    let [rows_px, columns_px] = ranges(rows.iter().map(|row| positions_px[*row]));
    // One scale for both axes, so that near on the curve is near in the plane.
    let span = (rows_px[1] - rows_px[0])
        .max(columns_px[1] - columns_px[0])
        .max(f64::MIN_POSITIVE);
    let cells = f64::from((1_u32 << CURVE_BITS) - 1);
    let cell = |value: f64, least: f64| ((value - least) / span * cells) as u32;
    rows.sort_by_cached_key(|row| {
        let [y, x] = positions_px[*row];
        (hilbert(cell(x, columns_px[0]), cell(y, rows_px[0])), *row)
    });
}

/// Distance along the Hilbert curve of a cell (Wikipedia, "Hilbert curve", `xy2d`).
fn hilbert(mut x: u32, mut y: u32) -> u64 {
    let mut distance = 0;
    let mut side = 1_u32 << (CURVE_BITS - 1);
    while 0 < side {
        let right = u32::from(x & side != 0);
        let upper = u32::from(y & side != 0);
        distance += u64::from(side) * u64::from(side) * u64::from((3 * right) ^ upper);
        if upper == 0 {
            if right == 1 {
                let most = (1_u32 << CURVE_BITS) - 1;
                (x, y) = (most - x, most - y);
            }
            std::mem::swap(&mut x, &mut y);
        }
        side /= 2;
    }
    distance
}

/// Least and greatest row, least and greatest column.
pub fn ranges(positions_px: impl Iterator<Item = [f64; 2]>) -> [[f64; 2]; 2] {
    positions_px.fold(
        [[f64::INFINITY, f64::NEG_INFINITY]; 2],
        |ranges, position| {
            [0, 1].map(|axis| {
                let [least, most]: [f64; 2] = ranges[axis];
                [least.min(position[axis]), most.max(position[axis])]
            })
        },
    )
}

/// How much of the range of all positions the chosen rows reach, in per cent, for rows and columns; 100 along an axis
/// that has no range.
pub fn coverage_percent(positions_px: &[[f64; 2]], rows: &[usize]) -> [f64; 2] {
    let all = ranges(positions_px.iter().copied());
    let chosen = ranges(rows.iter().map(|row| positions_px[*row]));
    [0, 1].map(|axis| {
        let span = |[least, most]: [f64; 2]| most - least;
        if span(all[axis]) == 0.0 {
            return 100.0;
        }
        (100.0 * span(chosen[axis]) / span(all[axis])).max(0.0)
    })
}

/// The patterns that a choice names, with all that belongs to them.
///
/// # Errors
/// As [`Subset::rows`].
pub fn subset(dataset: &Dataset, choice: &Subset) -> Result<Made> {
    let rows = choice.rows(
        dataset.positions_px(),
        dataset.parts().scan_index.as_deref(),
    )?;
    let [y, x] = coverage_percent(dataset.positions_px(), &rows);
    let mut notes = vec![format!(
        "{} of {} patterns, which reach over {y:.1} % of the rows and {x:.1} % of the columns scanned",
        rows.len(),
        dataset.n_patterns()
    )];
    let parts = dataset.parts().select(&rows);
    notes.extend(lost_groups(dataset, parts.group_index.as_ref()));
    let dataset = descendant(dataset, parts, "subset", &choice.flags())?;
    Ok(Made { dataset, notes })
}

fn lost_groups(dataset: &Dataset, kept: Option<&ndarray::Array2<i32>>) -> Option<String> {
    let before = dataset.parts().group_index.as_ref()?.nrows();
    let after = kept.map_or(0, ndarray::Array2::nrows);
    (after < before).then(|| {
        format!(
            "{} of {before} groups held a pattern that is left out, and went",
            before - after
        )
    })
}

/// The order of a shuffle: row `i` of the result is row `order[i]` of the scan.
pub fn shuffled(n_patterns: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n_patterns).collect();
    order.shuffle(&mut stream(seed, Purpose::Subsampling));
    order
}

/// The same patterns in another order, drawn by `seed`, with all that belongs to them.
///
/// # Errors
/// None of a valid dataset.
pub fn shuffle(dataset: &Dataset, seed: u64) -> Result<Made> {
    let parts = dataset
        .parts()
        .select(&shuffled(dataset.n_patterns(), seed));
    let notes = vec![format!(
        "{} patterns in another order",
        dataset.n_patterns()
    )];
    let dataset = descendant(dataset, parts, "shuffle", &format!("--seed {seed}"))?;
    Ok(Made { dataset, notes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_visits_every_cell_once_and_steps_to_neighbours() {
        // The top bits select the cells of a coarse 8 x 8 curve.
        let shift = CURVE_BITS - 3;
        let mut cells: Vec<(u64, i32, i32)> = (0..8)
            .flat_map(|x: u32| (0..8).map(move |y: u32| (x, y)))
            .map(|(x, y)| {
                (
                    hilbert(x << shift, y << shift) >> (2 * shift),
                    x as i32,
                    y as i32,
                )
            })
            .collect();
        cells.sort_unstable();
        for (i, cell) in cells.iter().enumerate() {
            assert_eq!(cell.0, i as u64);
        }
        for pair in cells.windows(2) {
            let step = (pair[0].1 - pair[1].1).abs() + (pair[0].2 - pair[1].2).abs();
            assert_eq!(step, 1);
        }
    }

    #[test]
    fn a_region_is_read_and_written() {
        let region: Region = "20:60.5,:100".parse().unwrap();
        assert_eq!(region.to_string(), "20:60.5,:100");
        assert!(
            region.holds([20.0, -5.0])
                && !region.holds([60.5, 0.0])
                && !region.holds([30.0, 100.0])
        );
        for wrong in ["", "1:2", "2:1,0:1", "a:2,0:1", "1,2", "0:1,NaN:2"] {
            assert!(wrong.parse::<Region>().is_err(), "{wrong}");
        }
    }
}
