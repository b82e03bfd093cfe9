//! Statistics of an array, streamed.

use std::path::Path;

use crate::error::Result;
use crate::job::Monitor;

/// Statistics of one array; of the magnitude for complex ones.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Statistics {
    /// The key.
    pub key: String,
    /// Elements.
    pub n_values: u64,
    /// Least finite value.
    pub min: f64,
    /// Greatest finite value.
    pub max: f64,
    /// Mean of the finite values.
    pub mean: f64,
    /// Percentiles 1, 5, 50, 95, 99 of the finite values.
    pub percentiles: [f64; 5],
    /// Number of NaN.
    pub n_nan: u64,
    /// Number of infinities.
    pub n_infinite: u64,
    /// Index of the first value that is not finite.
    pub first_non_finite: Option<Vec<usize>>,
}

/// Statistics of every readable array of a file; partial results come as snapshots, key by key.
///
/// # Errors
/// [`crate::Error::Io`], [`crate::Error::Refused`], [`crate::Error::Cancelled`].
pub fn file_statistics(
    path: &Path,
    monitor: &dyn Monitor<Vec<Statistics>>,
) -> Result<Vec<Statistics>> {
    let _ = (path, monitor);
    unimplemented!()
}
