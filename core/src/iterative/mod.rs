//! Iterative engines over one forward model.
//!
//! | module | what it is |
//! |---|---|
//! | `engine` | the driver that every engine shares: batches, epochs, state, result |
//! | `algorithm` | LSQML, the PIE family, DM and RAAR, each written once over `kernels` |
//! | `kernels` | operations on a batch, fused for the CPU or as tensors on a device |
//! | `epoch`, `constraints`, `positions`, `opr` | what happens between batches |

mod algorithm;
mod batches;
mod checkpoint;
mod constraints;
mod engine;
mod epoch;
mod kernels;
mod opr;
mod positions;
mod scan;
pub mod settings;
mod state;

pub use engine::{
    Computing, Course, GivenBatches, Iterative, IterativeOf, IterativeSnapshot, Rise,
};
pub use scan::amplitude_copy_bytes;
pub use settings::{
    Batching, Compatibility, EngineKind, IterativeSettings, KernelChoice, Noise, ObjectInit,
    PositionMethod, ProbeScale, StepSchedule,
};
