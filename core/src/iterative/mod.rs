//! Iterative engines over one forward model.

pub mod lsqml;
pub mod settings;

pub use lsqml::{Lsqml, LsqmlSnapshot};
pub use settings::{Batching, Compatibility, LsqmlSettings, ObjectInit, ProbeScale};
