//! `orient` and `halves` as typed.

use std::path::PathBuf;

use clap::Args;
use ptycho_core::data::tools::turn::Orientation;
use ptycho_core::iterative::IterativeSettings;

use super::settings::Flags;
use super::tools::orientation;
use super::{Algorithm, Computing, KernelArgs};

/// What both trials are given.
#[derive(Debug, Args)]
pub struct TrialArgs {
    /// NPZ scan.
    #[arg(required_unless_present = "demo", conflicts_with = "demo")]
    pub file: Option<PathBuf>,
    /// The built-in demonstration scan.
    #[arg(long)]
    pub demo: bool,
    /// Engine.
    #[arg(long, value_enum, default_value_t = Algorithm::Lsqml)]
    pub algorithm: Algorithm,
    #[command(flatten)]
    pub settings: Flags<IterativeSettings>,
    #[command(flatten)]
    pub computing: Computing,
    #[command(flatten)]
    pub kernels: KernelArgs,
    /// Folder for the run folders.
    #[arg(long, value_name = "DIR", default_value = "runs/scratch")]
    pub runs: PathBuf,
    /// Refuse a file that would have to be mended.
    #[arg(long)]
    pub strict: bool,
}

/// Reconstruct shortly with the patterns in all eight orientations: which way round are they stored?
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ptychobench orient scan.npz
  ptychobench orient scan.npz --epochs 40 --algorithm rpie --threads 2
  ptychobench orient scan.npz --orientation as-stored --orientation transpose
  ptychobench turn scan.npz -o turned.npz --orientation transpose    write what was found

Without --epochs each takes 20. The run folder gets orientation.json, contact_sheet.png and every result. Two
orientations that differ by a half turn fit equally well: one shows the complex conjugate of the other, and the sign of
the phase tells which one is right.")]
pub struct OrientArgs {
    #[command(flatten)]
    pub trial: TrialArgs,
    /// Only these, each with a flag of its own [default: all eight].
    #[arg(long, value_name = "WORD", value_parser = orientation)]
    pub orientation: Vec<Orientation>,
    /// Where to write the contact sheet (PNG), besides the run folder.
    #[arg(short, long, value_name = "OUT.png")]
    pub output: Option<PathBuf>,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}

/// Reconstruct even and odd patterns apart and correlate the two: which resolution do both agree on?
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ptychobench halves scan.npz
  ptychobench halves scan.npz -o frc.csv --epochs 200 --probe-modes 2

The Fourier ring correlation is of the complex objects over the lit area, after registration, under a Hann window. The
resolution is where it falls below the half-bit curve, or below 1/7. Each half has half the dose and half the overlap:
the whole scan is at least as good. The run folder gets halves.json, frc.csv, halves.png and both results.")]
pub struct HalvesArgs {
    #[command(flatten)]
    pub trial: TrialArgs,
    /// Where to write the curve (CSV), besides the run folder.
    #[arg(short, long, value_name = "OUT.csv")]
    pub output: Option<PathBuf>,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}
