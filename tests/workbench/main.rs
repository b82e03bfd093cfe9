//! Tests of the program, by topic.
#![expect(clippy::unwrap_used, reason = "tests")]

mod cli; // every command as a user runs it
mod compare_commands; // compare and frc as a user runs them
mod compare_view; // the compare view by label
mod dataset_commands; // simulate and validate as a user runs them
mod diagnose_commands; // reports as a user asks for them, and their window
mod engine_commands; // every engine as a user runs it, and their losses
mod figure_commands; // the figure of a study as a user asks for it
mod figure_view; // the figure view by label
mod flows; // the window by label: open, inspect, repair, run, cancel, continue, export
mod generate_view; // the generate view by label
mod group_commands; // overlap, groups and canvas as a user runs them
#[path = "../library/made_study.rs"]
mod made_study; // the run folder of a study, made up
mod overlap_view; // the overlap view by label
mod reconstruct_view; // the reconstruct view by label
mod report_commands; // study report and study reference as a user runs them
mod snapshots; // a dozen small pictures at most
mod study_commands; // study new and study plan as a user runs them
mod study_runs; // studies as a user runs them: straight, killed, by single tasks
mod study_view; // the study view by label
mod support; // paths and small helpers
mod tool_commands; // subset, split, crop, pad, patches, fixture as a user runs them
mod train_commands; // train, infer and check-loss as a user runs them
mod train_view; // the train view by label
mod trial_commands; // orient, halves, turn, and engines that go on from one another, as a user runs them
mod widgets; // widgets by label
