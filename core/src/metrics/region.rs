//! Which part of the object is compared.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, ArrayView3, s};
use num_complex::Complex32;

use crate::error::{Error, Result};
use crate::metrics::prepare::Area;
use crate::patches::whole_start;

/// Which part of the object is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Region {
    /// The bounding box of the scan's positions, without pixels that got too little light.
    #[default]
    Auto,
    /// Rows and columns as given, all of their pixels.
    Rectangle {
        /// Rows.
        rows: Range<usize>,
        /// Columns.
        columns: Range<usize>,
    },
}

/// Where the light of a scan went.
#[derive(Clone, Copy, Debug)]
pub struct Light<'a> {
    /// Positions `(row, column)` in the object frame.
    pub positions_px: &'a [[f64; 2]],
    /// Probe modes `(k, n, n)`.
    pub probe: ArrayView3<'a, Complex32>,
    /// `(h, w)` of each reconstruction that says where patches lay; a pixel that is 0 in one of them is compared in none.
    pub coverages: &'a [ArrayView2<'a, f32>],
}

impl Region {
    /// `auto` or `y0:y1,x0:x1`, ends excluded.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] that says what was expected.
    pub fn parse(text: &str) -> Result<Self> {
        if text.trim() == "auto" {
            return Ok(Self::Auto);
        }
        let range = |text: &str| {
            let (start, end) = text.split_once(':')?;
            let range = start.trim().parse().ok()?..end.trim().parse().ok()?;
            (range.start < range.end).then_some(range)
        };
        text.split_once(',')
            .and_then(|(rows, columns)| {
                Some(Self::Rectangle {
                    rows: range(rows)?,
                    columns: range(columns)?,
                })
            })
            .ok_or_else(|| {
                let expected =
                    "auto, or y0:y1,x0:x1: first and last row and column, the last one excluded";
                Error::invalid("compare", "region", expected, format!("{text:?}"))
                    .with_fix("give for example 100:300,80:280")
            })
    }

    /// The area that the region comes to in an object frame `(h, w)`.
    ///
    /// `Auto`: rows and columns from the least to the greatest position, and of them the pixels that got at least `least_light` of
    /// the greatest light, Σ |probe|² over all positions and modes, and were seen by every reconstruction.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] if it lies outside the frame or holds no pixel.
    pub fn area(&self, frame: (usize, usize), light: Light<'_>, least_light: f64) -> Result<Area> {
        match self {
            Self::Auto => automatic(frame, light, least_light),
            Self::Rectangle { rows, columns } => {
                let is_inside = rows.start < rows.end
                    && columns.start < columns.end
                    && rows.end <= frame.0
                    && columns.end <= frame.1;
                if !is_inside {
                    let expected = format!("a part of 0:{},0:{}", frame.0, frame.1);
                    return Err(invalid(expected, self.to_string()));
                }
                Ok(Area {
                    rows: rows.clone(),
                    columns: columns.clone(),
                    mask: None,
                })
            }
        }
    }
}

impl std::fmt::Display for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Auto => write!(f, "auto"),
            Self::Rectangle { rows, columns } => write!(
                f,
                "{}:{},{}:{}",
                rows.start, rows.end, columns.start, columns.end
            ),
        }
    }
}

fn invalid(expected: impl Into<String>, found: impl Into<String>) -> Error {
    Error::invalid("compare", "region", expected, found)
}

fn automatic(frame: (usize, usize), light: Light<'_>, least_light: f64) -> Result<Area> {
    let (rows, columns) = bounding_box(frame, light.positions_px)?;
    let illumination = illumination(frame, light);
    let most = illumination.iter().copied().fold(0.0, f64::max);
    if most <= 0.0 {
        return Err(invalid("a probe that lights the object", "no light at all")
            .with_fix("give a rectangle y0:y1,x0:x1"));
    }
    let part = s![rows.clone(), columns.clone()];
    let mut mask = illumination
        .slice(part)
        .mapv(|light| light >= least_light * most);
    for coverage in light
        .coverages
        .iter()
        .filter(|coverage| coverage.dim() == frame)
    {
        for (counts, &seen) in mask.iter_mut().zip(coverage.slice(part)) {
            *counts &= seen > 0.0;
        }
    }
    match mask.iter().filter(|counts| **counts).count() {
        0 => Err(invalid(
            "a pixel with enough light that every reconstruction saw",
            format!(
                "none within {}:{},{}:{}",
                rows.start, rows.end, columns.start, columns.end
            ),
        )
        .with_fix("lower --least-light, or give a rectangle y0:y1,x0:x1")),
        n if n == mask.len() => Ok(Area {
            rows,
            columns,
            mask: None,
        }),
        _ => Ok(Area {
            rows,
            columns,
            mask: Some(mask),
        }),
    }
}

/// Whole rows and columns from the least to the greatest position, inside the frame.
pub(crate) fn bounding_box(
    frame: (usize, usize),
    positions_px: &[[f64; 2]],
) -> Result<(Range<usize>, Range<usize>)> {
    let range = |axis: usize, side: usize| {
        let along = positions_px.iter().map(|position| position[axis]);
        let along = along.filter(|at| at.is_finite());
        let least = along.clone().fold(f64::INFINITY, f64::min).floor().max(0.0);
        let most = along.fold(f64::NEG_INFINITY, f64::max).ceil();
        let end = (most + 1.0).clamp(0.0, side as f64);
        (least < end).then_some(least as usize..end as usize)
    };
    match (range(0, frame.0), range(1, frame.1)) {
        (Some(rows), Some(columns)) => Ok((rows, columns)),
        _ => Err(invalid(
            "positions inside the object",
            format!("{} positions, none inside", positions_px.len()),
        )
        .with_fix("give a rectangle y0:y1,x0:x1")),
    }
}

/// Σ |probe|² over all positions and modes on each pixel of the frame, each position rounded to whole pixels.
pub fn illumination(frame: (usize, usize), light: Light<'_>) -> Array2<f64> {
    let (_, n, n_columns) = light.probe.dim();
    let mut intensity = Array2::<f64>::zeros((n, n_columns));
    for mode in light.probe.outer_iter() {
        for (sum, value) in intensity.iter_mut().zip(mode) {
            *sum += f64::from(value.norm_sqr());
        }
    }
    let mut total = Array2::zeros(frame);
    let clip = |start: isize, side: usize| {
        let end = (start + n as isize).clamp(0, side as isize) as usize;
        let first = start.clamp(0, side as isize) as usize;
        (first..end, (first as isize - start) as usize)
    };
    for &position in light
        .positions_px
        .iter()
        .filter(|p| p.iter().all(|c| c.is_finite()))
    {
        let (start, _) = whole_start(position, n);
        let (rows, top) = clip(start[0], frame.0);
        let (columns, left) = clip(start[1], frame.1);
        if rows.is_empty() || columns.is_empty() {
            continue;
        }
        let seen = s![top..top + rows.len(), left..left + columns.len()];
        let mut part = total.slice_mut(s![rows, columns]);
        part += &intensity.slice(seen);
    }
    total
}
