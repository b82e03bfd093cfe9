//! Groups for inference, as wide as those that the network learnt from.

use crate::data::Dataset;
use crate::error::Result;
use crate::grouping::{Neighbours, form_of_neighbours};
use crate::nn::bundle::Bundle;
use crate::nn::infer::InferSettings;
use crate::nn::settings::{Model, TrainSettings};

/// Groups that are made at least, where no number is given: on small scans they cost nothing, and what is drawn of a pattern is
/// the mean over its groups.
const LEAST_GROUPS: usize = 1000;
/// But so many for each pattern at most.
const MOST_FOR_A_PATTERN: usize = 8;
/// K is at least so much more than C, so that a pattern has groups that differ.
const LEAST_MORE: usize = 2;
/// The largest K that is tried.
const MOST_NEIGHBORS: usize = 100;
/// Groups that are formed to try a K.
const TRIED_GROUPS: usize = 1000;
/// Groups whose reach differs by less than this part are alike.
const ALIKE: f64 = 0.1;
/// Groups wider than those of the training by this factor are told.
const TOLD: f64 = 1.5;

/// How the groups of a dataset are formed for a network, and what a user should know of them.
///
/// A network is told no positions: of groups much wider than those that it learnt from it makes little. So where `neighbors` is
/// 0 they get the K whose groups reach as far from their centres, on average, as those of the training.
///
/// # Errors
/// [`crate::Error::Invalid`] if no group can be formed.
pub fn grouping(
    bundle: &Bundle,
    dataset: &Dataset,
    settings: &InferSettings,
) -> Result<(TrainSettings, Vec<String>)> {
    let n_patterns = dataset.n_patterns();
    let mut wanted = TrainSettings {
        groups: settings.groups,
        seed: settings.seed,
        oversample: true,
        ..bundle.settings.clone()
    };
    let has_own = dataset.parts().group_index.as_ref();
    let is_single = wanted.model == Model::Baseline || wanted.gridsize == 1;
    if is_single || has_own.is_some_and(|index| !index.is_empty()) {
        return Ok((wanted, Vec::new()));
    }
    if settings.groups == 0 {
        wanted.groups = n_patterns.max(LEAST_GROUPS.min(MOST_FOR_A_PATTERN * n_patterns));
    }
    if 0 < settings.neighbors {
        wanted.neighbors = settings.neighbors;
        return Ok((wanted, Vec::new()));
    }
    let trained = wanted.grouping().k();
    let (k, reach_px) = matching(&wanted, dataset, bundle.group_reach_px)?;
    wanted.neighbors = k;
    let trained_px = bundle.group_reach_px;
    let note = if TOLD * trained_px < reach_px {
        Some(format!(
            "patterns lie {reach_px:.1} px from their group's centre on average, in training {trained_px:.1} px: the scan is \
             sparser than what the network learnt from; for such scans train with more --neighbors"
        ))
    } else {
        (k != trained).then(|| {
            format!(
                "groups are drawn from K = {k} neighbours (training: {trained}), so that they are as wide as in training, \
                 {trained_px:.1} px"
            )
        })
    };
    Ok((wanted, note.into_iter().collect()))
}

/// The K whose groups reach about as far as `reach_px`, and how far they reach: that of the training where it does.
fn matching(settings: &TrainSettings, dataset: &Dataset, reach_px: f64) -> Result<(usize, f64)> {
    let points = dataset.positions_px();
    let trained = settings.grouping().k();
    let neighbours = Neighbours::of(points, trained.max(MOST_NEIGHBORS));
    let reach = |k: usize| -> Result<f64> {
        let grouping = TrainSettings {
            neighbors: k,
            groups: points.len().min(TRIED_GROUPS),
            ..settings.clone()
        };
        let formed = form_of_neighbours(points, &neighbours, &grouping.grouping())?;
        Ok(formed.groups.reach_px())
    };
    let found = reach(trained)?;
    if (found - reach_px).abs() <= ALIKE * reach_px {
        return Ok((trained, found));
    }
    let most = MOST_NEIGHBORS.min(points.len() - 1);
    let (mut low, mut high) = (settings.c() + LEAST_MORE, most);
    if high <= low {
        return Ok((trained, found));
    }
    // Reach grows with K.
    while low < high {
        let middle = (low + high).div_ceil(2);
        if reach(middle)? <= reach_px {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    Ok((low, reach(low)?))
}
