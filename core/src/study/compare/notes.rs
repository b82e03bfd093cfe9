//! What a reader has to know beside the numbers.

use super::{Compared, Comparison, Loaded};

/// In words, those of all first; each of an arm begins with its name.
pub fn notes(loaded: &Loaded, comparison: &Comparison) -> Vec<String> {
    let mut notes = loaded.notes.clone();
    if let Some(arm) = loaded.reference_arm() {
        let name = &arm.name;
        notes.push(format!(
            "{name} serves as reference: the numbers tell how far the others agree with it, not how true they are"
        ));
        notes.extend(arm.notes().iter().map(|note| format!("{name}: {note}")));
    }
    for compared in &comparison.arms {
        let of_arm = |note: String| format!("{}: {note}", compared.name);
        notes.extend(loaded.arm(&compared.name).into_iter().flat_map(|arm| {
            let other_data = loaded.is_of_other_data(arm).then(|| {
                "made of other data than those of the truth; what they did not see counts as it stands in its file".to_owned()
            });
            arm.notes().into_iter().chain(other_data).map(of_arm)
        }));
        let steps = &compared.prepared.steps;
        notes.extend(steps.notes.iter().cloned().map(of_arm));
        notes.extend(left_out(compared).into_iter().map(of_arm));
    }
    notes
}

/// Share of the pixels above which holes are told to disturb ring correlations.
const MANY_HOLES: f64 = 0.01;

fn left_out(compared: &Compared) -> Vec<String> {
    let steps = &compared.prepared.steps;
    let n = steps.n_pixels + steps.n_left_out;
    let share = steps.n_left_out as f64 / n.max(1) as f64;
    let mut notes = Vec::new();
    if 0 < steps.n_left_out {
        notes.push(format!(
            "{} of {n} pixels ({:.1} %) left out: too little light, seen by no patch, not finite, or within reach of the shift of \
             such a one",
            steps.n_left_out,
            100.0 * share
        ));
    }
    if MANY_HOLES < share {
        notes.push(
            "ring correlations also see the outline of what is left out, the same in both: trust them over a region without holes"
                .to_owned(),
        );
    }
    notes
}
