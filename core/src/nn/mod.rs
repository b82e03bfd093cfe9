//! The networks and their training: PtychoPINN, physics-informed, and the supervised baseline.
//!
//! | module | |
//! |---|---|
//! | [`architecture`] | which layers and parameters a network has |
//! | [`parameters`] | all parameters of a network in one vector, with names and shapes |
//! | [`network`] | passes through the layers on the CPU, on memory planned once |
//! | [`physics`] | from the heads to the expected counts, losses, and back |
//! | [`device`] | the same step composed for CUDA and Metal |
//! | [`samples`] | groups of patterns, normalised, in batches |
//! | [`trainer`] | the engine that [`crate::job::drive`] runs |
//! | [`collapse`] | whether a network has collapsed to a flat image |
//! | [`bundle`] | a trained network on disk |
//! | [`infer`] | bundle and dataset to an object |

pub mod architecture;
pub mod bundle;
pub mod collapse;
pub mod device;
pub mod history;
pub mod infer;
pub mod network;
pub mod optimiser;
pub mod parameters;
pub mod physics;
pub mod samples;
pub mod schedule;
pub mod settings;
pub mod stepper;
pub(crate) mod tensors;
pub mod trainer;

pub use architecture::{Architecture, Head};
pub use bundle::{Bundle, BundleCard};
pub use history::{EpochRecord, StepRecord, TrainingHistory};
pub use parameters::Parameters;
pub use settings::{AmplitudeHead, Loss, Model, Schedule, TrainSettings};
pub use stepper::{Batch, Losses, Prediction, Stepper};
pub use trainer::{TrainPreview, TrainSnapshot, Trainer};
