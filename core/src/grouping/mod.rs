//! Groups of neighbouring patterns, spacing filters and overlap of a scan: plain geometry of positions in px.

pub mod neighbours;

pub use neighbours::{Neighbours, SpacingStatistics, nearest_distances};
