//! The built-in demonstration scan.

use crate::data::Dataset;
use crate::error::Result;

/// A star-like test object, a curved probe, about 400 positions of 128x128, 1e5 photons a pattern.
///
/// The same seed gives the same dataset.
///
/// # Errors
/// [`crate::Error::Run`] if the system gives no threads.
pub fn demonstration(seed: u64) -> Result<Dataset> {
    let _ = seed;
    unimplemented!()
}
