//! `simulate` and `validate` as typed.

use std::path::PathBuf;

use clap::Args;
use ptycho_core::sim::{
    ObjectSettings, ProbeSettings, ScanSettings, SimulationSettings, SplitSettings,
};

use super::settings::Flags;

/// Make training and test sets at several photon doses from an object and a probe.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    #[command(flatten)]
    pub object: Flags<ObjectSettings>,
    #[command(flatten)]
    pub probe: Flags<ProbeSettings>,
    #[command(flatten)]
    pub scan: Flags<ScanSettings>,
    #[command(flatten)]
    pub simulation: Flags<SimulationSettings>,
    #[command(flatten)]
    pub split: Flags<SplitSettings>,
    /// Photons a pattern, averaged over the scan: one pair of datasets for each.
    #[arg(long, value_delimiter = ',', value_name = "PHOTONS")]
    pub doses: Vec<f64>,
    /// Take object, probe and positions from this NPZ, unless given otherwise.
    #[arg(long, value_name = "BASE.npz")]
    pub from: Option<PathBuf>,
    /// Folder that gets the datasets.
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Threads; 0 is one for each core. The result does not depend on it.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}

/// Check datasets against the contract and the design of a study.
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// NPZ files.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}
