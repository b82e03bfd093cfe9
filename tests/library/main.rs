//! Tests of the library, by topic.
#![expect(clippy::print_stderr, reason = "a skipped test says so")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod contract; // verdicts and repairs of good, bent and broken files
mod files; // NPZ in and out, maps, statistics, reconstructions
mod jobs; // drive, cancel, resume: one body for every engine
mod layers; // the floors, read from the `use` lines
mod lsqml; // the engine against golden trajectories and its slow twin
mod painting; // colour maps, limits, orientation of exports
mod physics; // FFT, forward model, patches, demonstration scan
mod study; // run folders and tasks
mod support; // paths and small helpers
