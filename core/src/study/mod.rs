//! Tasks and run folders: what the window and the command line both execute.

pub mod run;
pub mod store;
