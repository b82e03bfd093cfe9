//! Trained networks on disk, as the window knows them.

use std::path::{Path, PathBuf};

use ptycho_core::nn::{Bundle, BundleCard};

/// A bundle that was read: hash, names and shapes checked, or what is wrong with it.
pub struct BundleRead {
    /// What was asked for: a JSON, a safetensors file or a run folder.
    pub path: PathBuf,
    pub card: Result<Box<BundleCard>, String>,
}

impl BundleRead {
    /// Read and check a bundle.
    pub fn new(path: PathBuf) -> Self {
        let card = Bundle::load(&path).map(|(_, card)| Box::new(card));
        Self {
            path,
            card: card.map_err(|error| error.to_string()),
        }
    }
}

/// What is known of a bundle.
pub enum BundleState {
    /// It is being read.
    Reading,
    Read(BundleRead),
}

/// The bundles of a run folder: best and last.
pub fn bundles_of(folder: &Path) -> [(&'static str, PathBuf); 2] {
    [
        ("Best", folder.join("best.json")),
        ("Last", folder.join("last.json")),
    ]
}
