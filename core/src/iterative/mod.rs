//! Iterative engines over one forward model.

mod batches;
mod checkpoint;
mod epoch;
pub mod lsqml;
mod minibatch;
mod scan;
pub mod settings;
mod state;
mod sweeps;

pub use lsqml::{GivenBatches, Lsqml, LsqmlOf, LsqmlSnapshot};
pub use scan::amplitude_copy_bytes;
pub use settings::{Batching, Compatibility, LsqmlSettings, ObjectInit, ProbeScale};
