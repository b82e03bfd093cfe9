//! The window of Ptychobench and its twin, the command line.

pub mod gui;
