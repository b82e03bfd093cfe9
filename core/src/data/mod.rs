//! The data contract (DATA-001): NPZ files in and out, inspection, repair, and the values that obey it.

pub mod dataset;
pub mod frames;
pub mod inspect;
pub mod npz;
pub mod reconstruction;
pub mod repair;
pub mod statistics;
pub mod write;

pub use dataset::{Dataset, DatasetParts, Metadata, Opened, Strictness};
pub use frames::Frames;
pub use inspect::{Finding, Inspection, Severity, Verdict};
pub use reconstruction::Reconstruction;
