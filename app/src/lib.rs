//! The window of Ptychobench and its twin, the command line.

pub mod cli;
pub mod gui;
pub mod headless;
pub mod records;
pub mod units;
pub mod words;
