//! Points and histogram as comma-separated values.

use std::fmt::Write as _;

use ptycho_core::grouping::Standing;

use super::plan::ShownHalf;
use super::{Shown, Subject};

const N_BINS: usize = 40;

/// Distances to the nearest other one, counted before and after thinning in the same bins.
#[derive(Clone, Debug, PartialEq)]
pub struct DistanceBins {
    /// One more than there are bins.
    pub edges_px: Vec<f64>,
    pub all: Vec<usize>,
    pub kept: Vec<usize>,
}

impl DistanceBins {
    /// Of one half; from 0 to the greatest distance, or a little beyond S where that is more.
    pub fn of(half: &ShownHalf) -> Self {
        let [before, after] = &half.distances_px;
        let finite = before.iter().chain(after).filter(|d| d.is_finite());
        let greatest = finite.fold(1.05 * half.plan.spacing_px, |most, d| most.max(*d));
        let width = greatest.max(f64::MIN_POSITIVE) / N_BINS as f64;
        let counted = |distances: &[f64]| {
            let mut counts = vec![0; N_BINS];
            for distance in distances.iter().filter(|d| d.is_finite()) {
                counts[((distance / width) as usize).min(N_BINS - 1)] += 1;
            }
            counts
        };
        Self {
            edges_px: (0..=N_BINS).map(|i| i as f64 * width).collect(),
            all: counted(before),
            kept: counted(after),
        }
    }
}

/// The histogram of every half that has a view: `half,from_px,to_px,all,kept`.
pub fn histogram_csv(subject: &Subject, shown: &Shown) -> String {
    let mut text = "half,from_px,to_px,all,kept\n".to_owned();
    for (half, of_half) in subject.halves.iter().zip(&shown.halves) {
        let Ok(of_half) = of_half else { continue };
        let bins = DistanceBins::of(of_half);
        for (i, (all, kept)) in bins.all.iter().zip(&bins.kept).enumerate() {
            let [from, to] = [bins.edges_px[i], bins.edges_px[i + 1]];
            // Writing into a string cannot fail.
            let _ = writeln!(text, "{},{from},{to},{all},{kept}", half.name);
        }
    }
    text
}

/// Every position: `half,pattern,row_px,column_px,nearest_px,standing,rejected_by,groups`, groups separated by spaces.
pub fn points_csv(subject: &Subject, shown: &Shown) -> String {
    let mut text =
        "half,pattern,row_px,column_px,nearest_px,standing,rejected_by,groups\n".to_owned();
    for (half, of_half) in subject.halves.iter().zip(&shown.halves) {
        let mut groups = vec![String::new(); half.rows.len()];
        if let Ok(of_half) = of_half {
            for (g, members) in of_half.plan.groups.index().outer_iter().enumerate() {
                for member in members {
                    let words = &mut groups[*member as usize];
                    let separator = if words.is_empty() { "" } else { " " };
                    let _ = write!(words, "{separator}{g}");
                }
            }
        }
        for (own, row) in half.rows.clone().enumerate() {
            let standing = of_half
                .as_ref()
                .ok()
                .and_then(|half| half.standings.get(own));
            let (word, by) = word_of(standing);
            let [at_row, at_column] = subject.positions_px[row];
            let _ = writeln!(
                text,
                "{},{own},{at_row},{at_column},{},{word},{by},{}",
                half.name, subject.nearest_px[row], groups[own]
            );
        }
    }
    text
}

fn word_of(standing: Option<&Standing>) -> (&'static str, String) {
    let plain = |word| (word, String::new());
    match standing {
        None => plain("no_view"),
        Some(Standing::Kept) => plain("kept"),
        Some(Standing::Unused) => plain("unused"),
        Some(Standing::TooCloseTo(other)) => ("too_close", other.to_string()),
        Some(Standing::NoMember) => plain("no_member"),
        Some(Standing::NotWanted) => plain("not_wanted"),
    }
}
