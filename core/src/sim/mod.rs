//! Simulation: test objects, probes, scans, photon noise, and the five stages that make datasets of them.

mod blur;
pub mod demo;
pub mod leak;
pub mod noise;
pub mod object;
pub mod probe;
pub mod scan;
pub mod scene;
pub mod simulator;
pub mod stages;

pub use object::{ObjectContent, ObjectKind, ObjectSettings, PhasePattern};
pub use probe::{ProbeKind, ProbeSettings};
pub use scan::{ScanKind, ScanSettings};
pub use scene::{Outside, Scene, SceneParts, SceneSettings, Sources};
pub use simulator::Simulator;
pub use stages::{AmplitudeScale, SimulationSettings, SplitAxis, SplitSettings};
