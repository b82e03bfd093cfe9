//! Stage 4: training and test set, apart in space.

use ndarray::{Array2, ArrayView3};
use num_complex::Complex32;

use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::fields::{AutoReal, Fields as _};
use crate::sim::leak::{Leak, leak, support};
use crate::sim::{SplitAxis, SplitSettings};

/// Rows of one scan, told apart.
#[derive(Clone, Debug, PartialEq)]
pub struct SplitRows {
    /// Patterns before the middle, outside the guard band, ascending.
    pub train: Vec<usize>,
    /// Patterns from the middle on, outside the guard band, ascending.
    pub test: Vec<usize>,
    /// Patterns in the guard band, ascending.
    pub guarded: Vec<usize>,
    /// Coordinate of the middle of the positions' range along the axis.
    pub middle_px: f64,
    /// Width of the guard band, given or found.
    pub guard_px: f64,
    /// What both halves see.
    pub leak: Leak,
}

/// Training and test set, of one scan or of two.
pub struct Split {
    /// The training set.
    pub train: Dataset,
    /// The test set.
    pub test: Dataset,
    /// Rows of the scan in neither.
    pub guarded: Vec<usize>,
    /// Coordinate of the middle along the axis; `None` for a second scan.
    pub middle_px: Option<f64>,
    /// Width of the guard band, given or found.
    pub guard_px: f64,
    /// What both halves see.
    pub leak: Leak,
}

/// Tell the rows of a scan apart.
///
/// The middle is that of the coordinates' range along the axis. Patterns nearer to it than half the guard's width go into
/// neither half; of the others those before the middle train. `auto` is the least whole number of pixels without a leak;
/// the leak never grows with the guard, so it is found by bisection.
///
/// # Shapes
/// - `probe`: `(k, n, n)`, whose support decides what a pattern sees; `shape`: rows and columns of the object.
///
/// # Errors
/// [`Error::Invalid`] if a half stays empty; the fix says which guard leaves some.
pub fn split_rows(
    positions_px: &[[f64; 2]],
    probe: ArrayView3<'_, Complex32>,
    shape: [usize; 2],
    settings: &SplitSettings,
) -> Result<SplitRows> {
    settings.check_ranges()?;
    let parting = Parting::new(positions_px, support(probe), shape, settings.split_axis)?;
    let guard_px = match settings.guard_px {
        AutoReal::Given(guard_px) => guard_px,
        AutoReal::Auto => parting.least_guard_px(),
    };
    let rows = parting.rows(guard_px);
    parting.check(&rows, settings.guard_px == AutoReal::Auto)?;
    Ok(rows)
}

/// A scan about to be parted.
struct Parting<'a> {
    positions_px: &'a [[f64; 2]],
    support: Array2<bool>,
    shape: [usize; 2],
    axis: SplitAxis,
    least_px: f64,
    most_px: f64,
}

impl<'a> Parting<'a> {
    fn new(
        positions_px: &'a [[f64; 2]],
        support: Array2<bool>,
        shape: [usize; 2],
        axis: SplitAxis,
    ) -> Result<Self> {
        let along = positions_px.iter().map(|position| position[axis.index()]);
        let (least_px, most_px) = along.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), c| {
            (a.min(c), b.max(c))
        });
        if !(least_px < most_px) {
            let found = match positions_px.len() {
                0 => "no position".to_owned(),
                n => format!("{n} with the same one"),
            };
            let expected = format!("positions with different {}", axis.word());
            return Err(Error::invalid("split the scan", "split-axis", expected, found)
                .with_fix("split along the other axis, or give the test set a scan of its own with --test-positions"));
        }
        Ok(Self {
            positions_px,
            support,
            shape,
            axis,
            least_px,
            most_px,
        })
    }

    fn middle_px(&self) -> f64 {
        f64::midpoint(self.least_px, self.most_px)
    }

    fn rows(&self, guard_px: f64) -> SplitRows {
        let middle_px = self.middle_px();
        let (mut train, mut test, mut guarded) = (Vec::new(), Vec::new(), Vec::new());
        for (row, position) in self.positions_px.iter().enumerate() {
            let from_middle_px = position[self.axis.index()] - middle_px;
            if from_middle_px.abs() < guard_px / 2.0 {
                guarded.push(row);
            } else if from_middle_px < 0.0 {
                train.push(row);
            } else {
                test.push(row);
            }
        }
        let at = |rows: &[usize]| -> Vec<[f64; 2]> {
            rows.iter().map(|row| self.positions_px[*row]).collect()
        };
        let leak = leak(&self.support, &at(&train), &at(&test), self.shape);
        SplitRows {
            train,
            test,
            guarded,
            middle_px,
            guard_px,
            leak,
        }
    }

    /// The least whole number of pixels that leaves no pixel to both halves; one that empties them, if none else does.
    fn least_guard_px(&self) -> f64 {
        let is_tight = |guard_px: u32| self.rows(f64::from(guard_px)).leak.n_shared_px == 0;
        let (mut leaks, mut tight) = (None, (self.most_px - self.least_px).ceil() as u32 + 1);
        loop {
            let tried = match leaks {
                None => 0,
                Some(leaks) if leaks + 1 < tight => leaks + (tight - leaks) / 2,
                Some(_) => return f64::from(tight),
            };
            if !is_tight(tried) {
                leaks = Some(tried);
            } else if tried == 0 {
                return 0.0;
            } else {
                tight = tried;
            }
        }
    }

    fn check(&self, rows: &SplitRows, is_auto: bool) -> Result<()> {
        let empty = match (rows.train.is_empty(), rows.test.is_empty()) {
            (false, false) => return Ok(()),
            (true, false) => "no training pattern",
            (false, true) => "no test pattern",
            (true, true) => "no pattern in either half",
        };
        // The middle is that of the range, so the outermost patterns of both halves are equally far from it.
        let most_px = (self.most_px - self.least_px).floor();
        let left = self.rows(most_px);
        let fix = format!(
            "give --guard-px {most_px} or less: {most_px} leaves {} training and {} test patterns, with a leak of {:.1} %",
            left.train.len(),
            left.test.len(),
            left.leak.percent()
        );
        let found = if is_auto {
            format!(
                "{empty}: only a band of {} px is free of a leak",
                rows.guard_px
            )
        } else {
            format!("{empty} beyond a band of {} px", rows.guard_px)
        };
        let expected = "patterns in both halves";
        Err(Error::invalid("split the scan", "guard-px", expected, found).with_fix(fix))
    }
}

/// Tell one dataset apart; nothing is read.
///
/// # Errors
/// As [`split_rows`]; [`Error::Invalid`] for a dataset without positions in an object.
pub fn split(dataset: &Dataset, settings: &SplitSettings) -> Result<Split> {
    let rows = split_rows(
        dataset.positions_px(),
        dataset.probe().view(),
        dataset.object_shape(),
        settings,
    )?;
    Ok(Split {
        train: dataset.select(&rows.train)?,
        test: dataset.select(&rows.test)?,
        guarded: rows.guarded,
        middle_px: Some(rows.middle_px),
        guard_px: rows.guard_px,
        leak: rows.leak,
    })
}

/// Two scans of one object as training and test set; their leak is measured, not mended.
///
/// # Errors
/// [`Error::Invalid`] if their objects differ in size.
pub fn split_scans(train: Dataset, test: Dataset) -> Result<Split> {
    let shape = train.object_shape();
    if test.object_shape() != shape || test.n() != train.n() {
        let words = |dataset: &Dataset| {
            format!(
                "patterns of {} px over an object of {:?}",
                dataset.n(),
                dataset.object_shape()
            )
        };
        return Err(Error::invalid(
            "take a second scan as test set",
            "objectGuess",
            words(&train),
            words(&test),
        ));
    }
    let support = support(train.probe().view());
    let leak = leak(&support, train.positions_px(), test.positions_px(), shape);
    Ok(Split {
        train,
        test,
        guarded: Vec::new(),
        middle_px: None,
        guard_px: 0.0,
        leak,
    })
}

impl SplitAxis {
    /// Index into a position (row, column).
    pub fn index(self) -> usize {
        match self {
            Self::Y => 0,
            Self::X => 1,
        }
    }

    /// The coordinate in words.
    fn word(self) -> &'static str {
        match self {
            Self::Y => "rows",
            Self::X => "columns",
        }
    }
}
