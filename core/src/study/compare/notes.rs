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
        notes.extend(shift(compared, comparison.settings.most_shift).map(of_arm));
        notes.extend(left_out(compared).map(of_arm));
    }
    notes
}

/// Whether an arm had to be moved further than it should.
pub fn is_far(compared: &Compared, most_shift_px: f64) -> bool {
    let shift = compared.prepared.steps.registration;
    shift.is_some_and(|found| most_shift_px < found.shift_px[0].hypot(found.shift_px[1]))
}

fn shift(compared: &Compared, most_shift_px: f64) -> Option<String> {
    let [dy, dx] = compared.prepared.steps.registration?.shift_px;
    is_far(compared, most_shift_px).then(|| {
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
            "{} of {n} pixels ({:.1} %) left out: too little light, seen by no patch, or not finite",
            steps.n_left_out,
            100.0 * steps.n_left_out as f64 / n as f64
        )
    })
}
