//! The data contract (DATA-001): NPZ files in and out, inspection, repair, and the values that obey it.

mod apply;
mod check;
pub mod dataset;
mod draft;
mod examine;
pub mod frames;
mod geometry;
pub mod inspect;
mod member;
mod npy;
pub mod npz;
pub mod reconstruction;
pub mod repair;
mod rows;
pub mod save;
mod scan;
mod stack;
pub mod statistics;
pub mod tools;
pub mod write;

pub(crate) use check::shown;
pub use dataset::{Dataset, DatasetParts, Metadata, Opened, Strictness};
pub use frames::{Frames, Patches};
pub use inspect::{Finding, Inspection, KeyRow, Severity, Verdict};
pub use npz::Archive;
pub use reconstruction::Reconstruction;
pub use save::{SaveSeconds, Saved};
