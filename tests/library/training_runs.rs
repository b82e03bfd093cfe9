//! Run folders of trainings, the loss guard rail.
