//! The data contract (DATA-001): NPZ files in and out, inspection, repair, and the values that obey it.

mod check;
pub mod dataset;
pub mod frames;
pub mod inspect;
mod member;
mod npy;
pub mod npz;
pub mod reconstruction;
pub mod repair;
mod stack;
pub mod statistics;
pub mod write;

pub use dataset::{Dataset, DatasetParts, Metadata, Opened, Strictness};
pub use frames::{Frames, Patches};
pub use inspect::{Finding, Inspection, Severity, Verdict};
pub use npz::Archive;
pub use reconstruction::Reconstruction;
