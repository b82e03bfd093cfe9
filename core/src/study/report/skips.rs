//! `skip_summary.json`: views that cannot be formed.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::study::execute::TaskState;
use crate::study::plan::TaskKind;
use crate::study::store::utc;

use super::gather::Gathered;

/// The file of skipped views, in the study's run folder.
pub const SKIP_SUMMARY: &str = "skip_summary.json";

/// One view that cannot be formed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SkippedView {
    /// Photons a pattern.
    pub dose: Option<f64>,
    /// Name of the view.
    pub view: String,
    /// Why, in words.
    pub reason: String,
}

/// `skip_summary.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SkipSummary {
    /// When it was written, UTC.
    pub timestamp: String,
    /// The views.
    pub skipped_views: Vec<SkippedView>,
    /// Their number.
    pub skipped_count: usize,
}

/// The views that are skipped, as the plan or their execution found.
pub(super) fn summary(gathered: &Gathered<'_>) -> SkipSummary {
    let views = gathered.of_kinds(&[TaskKind::View]);
    let skipped_views: Vec<_> = views
        .filter_map(|seen| match &seen.state {
            TaskState::Skipped(reason) => Some(SkippedView {
                dose: seen.place().dose,
                view: seen.place().view.clone().unwrap_or_default(),
                reason: reason.clone(),
            }),
            _ => None,
        })
        .collect();
    SkipSummary {
        timestamp: utc(SystemTime::now()),
        skipped_count: skipped_views.len(),
        skipped_views,
    }
}
