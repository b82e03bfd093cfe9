//! Simulation: test objects, probes, scans, photon noise, and the five stages that make datasets of them.
//!
//! [`Scene::build`] makes or reads what a simulation looks at: an object ([`object`]), a probe ([`probe`]) and positions
//! ([`scan`]). [`Simulator`] yields the patterns of a scene at a dose, [`stages`] make datasets of them, and [`leak`] says
//! how much of the object the two halves of a split share. [`demo`] is the built-in demonstration scan.
//!
//! What a scene is made of depends on its settings and seed alone: the object draws from
//! `stream_at(seed, Purpose::Simulation, 0)`, the positions from index 1, their jitter from index 2.

pub(crate) mod blur;
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
