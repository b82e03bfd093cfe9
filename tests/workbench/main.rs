//! Tests of the program, by topic.
#![expect(clippy::unwrap_used, reason = "tests")]

mod cli; // every command as a user runs it
mod flows; // the window by label: open, inspect, repair, run, cancel, continue, export
mod snapshots; // a dozen small pictures at most
mod support; // paths and small helpers
mod widgets; // widgets by label
