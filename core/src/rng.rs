//! Seeded random streams: every draw of the program comes from here.
//!
//! A stream is `ChaCha8` with the seed as its key and (purpose, index) as its 64-bit stream number,
//! so streams of one seed never overlap, and pattern `i` draws the same numbers whichever thread
//! handles it.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;

/// What random numbers are drawn for. Each purpose has streams of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Purpose {
    /// Objects, probes and scan positions.
    Simulation = 1,
    /// Photon noise.
    Noise = 2,
    /// Groups of neighbouring patterns.
    Grouping = 3,
    /// Choice of a subset.
    Subsampling = 4,
    /// First weights of a network.
    Weights = 5,
    /// Order and content of batches.
    Batches = 6,
    /// First modes of a probe that varies from pattern to pattern.
    ProbeVariation = 7,
}

/// The random stream of a purpose.
pub fn stream(seed: u64, purpose: Purpose) -> ChaCha8Rng {
    stream_at(seed, purpose, 0)
}

/// The random stream of a purpose for item `index` (a pattern, an epoch), below 2^48.
pub fn stream_at(seed: u64, purpose: Purpose, index: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream((u64::from(purpose as u8) << 48) | (index & 0xffff_ffff_ffff));
    rng
}
