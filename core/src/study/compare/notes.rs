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
        notes.extend(shift(compared, comparison.settings.most_shift).map(of_arm));
        notes.extend(left_out(compared).map(of_arm));
    }
    notes
}

fn shift(compared: &Compared, most_shift_px: f64) -> Option<String> {
    let steps = &compared.prepared.steps;
    let [dy, dx] = steps.registration?.shift_px;
    steps.is_far.then(|| {
        format!(
            "moved by ({dy:.2}, {dx:.2}) px, further than {most_shift_px} px: frames agree, so look for an offset of its \
             positions or its probe"
        )
    })
}

fn left_out(compared: &Compared) -> Option<String> {
    let steps = &compared.prepared.steps;
    let n = steps.n_pixels + steps.n_left_out;
    (0 < steps.n_left_out).then(|| {
        format!(
            "{} of {n} pixels ({:.1} %) left out: too little light, seen by no patch, not finite, or so near to such a one that its border is cut",
            steps.n_left_out,
            100.0 * steps.n_left_out as f64 / n as f64
        )
    })
}
