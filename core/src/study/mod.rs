//! Tasks and run folders: what the window and the command line both execute.

mod apart;
pub mod batches;
pub mod compare;
pub mod design;
pub mod diagnose;
pub mod execute;
pub mod generate;
pub mod halves;
pub mod infer;
pub mod loss_check;
pub mod losses;
pub mod memory;
pub mod orientation;
pub mod overlap;
pub mod panels;
pub mod plan;
pub mod report;
pub mod resume;
pub mod run;
pub mod store;
pub mod summary;
pub mod tools;
pub mod train;
