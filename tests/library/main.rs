//! Tests of the library, by topic.
#![expect(clippy::print_stderr, reason = "a skipped test says so")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod bundles; // trained networks on disk
mod comparison; // reconstructions side by side, refusals, exports
mod constraints; // what holds probe and object at the end of an epoch, step schedules
mod contract; // verdicts and repairs of good, bent and broken files
mod convolution; // the fast convolution against its plain twin
mod diagnosis; // reports on datasets and runs, scenarios
mod figures; // panels, letters and files of figures
mod files; // NPZ in and out, maps, statistics, reconstructions
mod grouping; // neighbours, groups, spacing, overlap against golden numbers and slow twins
mod inference; // bundle and dataset to an object
mod jobs; // drive, cancel, resume: one body for every engine
mod layers; // the floors, read from the `use` lines
mod lsqml; // the engine against golden trajectories and its slow twin
mod made_study; // the run folder of a study, made up
mod metrics; // registration and the numbers of a comparison: golden values, identities, slow twins
mod network; // layers, golden losses and gradients
mod objects; // test objects, probes, scans
mod painting; // colour maps, limits, orientation of exports
mod physics; // FFT, forward model, patches, demonstration scan
mod pie; // the PIE family, difference map and RAAR against golden trajectories and slow twins
mod portable; // the composition for devices against the fused kernels
mod simulation; // fast patterns against the forward model, photon statistics
mod stages; // the five stages, their files and manifests
mod stitching; // merge, views, likelihoods and their adjoints
mod study; // run folders and tasks
mod study_arms; // arms of iterative engines with names and settings of their own
mod study_figure; // the figure of a study: panels, companions, what is missing, provenance
mod study_files; // studies as written, what is wrong with them, what they come to
mod study_report; // what studies came to: manifests, tables, summaries
mod study_runs; // studies executed: straight, interrupted, changed, failed
mod support; // paths and small helpers
mod tensors; // the engines on tensors against golden trajectories and the fused kernels
mod tools; // subset, shuffle, split, crop, bin, pad, fixture
mod training; // learning, resuming, diverging
mod training_runs;
mod trials; // orientations and halves: what they find, write and refuse // run folders of trainings, the loss guard rail
