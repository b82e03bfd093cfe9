//! Photons asked for against photons found.

use super::Verdict;
use super::table::{Cell, Draft};
use crate::data::Dataset;

/// A half of a scan may see a brighter part of the object than the whole.
const NEAR: f64 = 0.1;
/// Beyond this factor the file is not of that dose.
const OTHER_DOSE: f64 = 2.0;

/// As the metadata say, and as the patterns hold.
pub(super) fn photons(dataset: &Dataset) -> Draft {
    let mut draft = Draft::list("photons", "Photons");
    let metadata = dataset.metadata();
    let (requested, measured) = (metadata.photons_requested, metadata.photons_measured);
    let now = dataset.mean_counts();
    let ratio = requested.filter(|of| 0.0 < *of).map(|of| now / of);
    let pixels = dataset.n().pow(2) as f64;
    draft.row(
        "requested",
        "asked for, a pattern",
        [Cell::maybe(requested)],
    );
    draft.row(
        "measured",
        "drawn over the whole scan",
        [Cell::maybe(measured)],
    );
    draft.row(
        "in_file",
        "in the patterns of this file",
        [Cell::number(now)],
    );
    draft.row(
        "in_file_over_requested",
        "found / asked for",
        [Cell::maybe(ratio)],
    );
    draft.row(
        "per_pixel",
        "counts of a pixel, mean",
        [Cell::number(now / pixels)],
    );
    let noise = (0.0 < now).then(|| 1.0 / (now * dataset.n_patterns() as f64).sqrt());
    let noise = noise.map_or_else(Cell::none, Cell::share);
    draft.row("noise_of_mean", "photon noise of the mean", [noise]);
    match ratio {
        Some(ratio) if NEAR < (ratio - 1.0).abs() => {
            let is_other = OTHER_DOSE < ratio.max(1.0 / ratio);
            draft.find(
                if is_other { Verdict::Bad } else { Verdict::Note },
                format!(
                    "the patterns hold {} times the photons that were asked for{}",
                    Cell::number(ratio).text,
                    if is_other {
                        ": the file is not of the dose that it names"
                    } else {
                        "; the dose is the mean over the whole scan, of which this file may be a part"
                    }
                ),
            );
        }
        _ => {}
    }
    draft.good = match requested {
        Some(_) => "The patterns hold the photons that were asked for.",
        None => "The file does not say which dose was asked for.",
    }
    .into();
    draft
}
