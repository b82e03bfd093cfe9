//! How a dataset is looked at: one table for the window and the command line.

use crate::field_table;
use crate::grouping::GroupSettings;
use crate::nn::TrainSettings;

field_table! {
    /// How a dataset is looked at. A training's run has groups of its own.
    pub struct DiagnoseSettings {
        /// Patterns along a side of a group, which has C = gridsize² of them; 0 looks at 1, 2 and 3 in turn.
        gridsize: usize = 0, basic, 0..=3;
        /// Groups wanted; 0 takes one for each pattern. A file with `group_index` has its own.
        groups: usize = 0, basic, 0..=100000000;
        /// K: the C patterns of a group are drawn from so many nearest other ones; 0 takes max(7, C + 3).
        neighbors: usize = 0, basic, 0..=100;
        /// Draw more than one group from the neighbours of a pattern where more groups than patterns are wanted.
        oversample: bool = false, advanced;
        /// Seed of the groups.
        seed: u64 = 0, basic;
        /// Side of the canvas in question; 0 is the least that holds every member of every group.
        canvas: usize = 0, basic, 0..=100000, unit "px";
        /// Groups or patterns, evenly spaced, that a run's network or object has to predict.
        predicted: usize = 256, advanced, 1..=1000000;
    }
}

impl DiagnoseSettings {
    /// The gridsizes to look at.
    pub(super) fn gridsizes(&self) -> Vec<usize> {
        match self.gridsize {
            0 => vec![1, 2, 3],
            gridsize => vec![gridsize],
        }
    }

    /// How a training would take the patterns.
    pub(super) fn training(&self, gridsize: usize) -> TrainSettings {
        TrainSettings {
            gridsize,
            groups: self.groups,
            neighbors: self.neighbors,
            oversample: self.oversample,
            seed: self.seed,
            ..TrainSettings::default()
        }
    }

    /// How groups are formed for a gridsize.
    pub(super) fn grouping(&self, gridsize: usize) -> GroupSettings {
        self.training(gridsize).grouping()
    }
}
