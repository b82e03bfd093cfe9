//! What is shown of a training and of what a trained network reconstructs, prepared off the window's thread.

use std::sync::Arc;

use ndarray::{Array2, Zip};
use num_complex::Complex32;
use ptycho_core::nn::{TrainPreview, TrainSnapshot, TrainingHistory};
use ptycho_core::study::infer::InferOutcome;

/// A preview with its unseen pixels marked.
pub struct ShownPreview {
    pub preview: Arc<TrainPreview>,
    /// The object so far, NaN where no patch was.
    pub object: Array2<Complex32>,
    /// Pixels where no patch was.
    pub n_unseen: usize,
}

/// The state of a running training.
pub struct ShownTraining {
    pub history: Arc<TrainingHistory>,
    pub preview: Option<Arc<ShownPreview>>,
    pub samples_per_s: f64,
}

impl ShownTraining {
    /// Prepare a snapshot; `last` is the preview that was prepared last, which most snapshots still hold.
    pub fn new(snapshot: TrainSnapshot, last: &mut Option<Arc<ShownPreview>>) -> Self {
        if let Some(preview) = snapshot.preview {
            let is_known = last
                .as_ref()
                .is_some_and(|last| Arc::ptr_eq(&last.preview, &preview));
            if !is_known {
                let (object, n_unseen) = with_unseen(&preview.object, &preview.coverage);
                *last = Some(Arc::new(ShownPreview {
                    preview,
                    object,
                    n_unseen,
                }));
            }
        }
        Self {
            history: snapshot.history,
            preview: last.clone(),
            samples_per_s: snapshot.samples_per_s,
        }
    }
}

/// What a trained network has reconstructed.
pub struct ShownInference {
    pub outcome: InferOutcome,
    /// The object, NaN where no patch was.
    pub object: Array2<Complex32>,
    /// The coverage, NaN where no patch was.
    pub coverage: Array2<f32>,
}

impl ShownInference {
    /// Prepare a result.
    pub fn new(outcome: InferOutcome) -> Self {
        let inferred = &outcome.inferred;
        let (object, _) = with_unseen(&inferred.object, &inferred.coverage);
        let coverage = inferred
            .coverage
            .mapv(|weight| if 0.0 < weight { weight } else { f32::NAN });
        Self {
            outcome,
            object,
            coverage,
        }
    }
}

/// The object with NaN where the coverage is 0, and how many pixels that are.
fn with_unseen(object: &Array2<Complex32>, coverage: &Array2<f32>) -> (Array2<Complex32>, usize) {
    let mut shown = object.clone();
    let mut n_unseen = 0;
    if shown.dim() == coverage.dim() {
        Zip::from(&mut shown)
            .and(coverage)
            .for_each(|value, weight| {
                if *weight <= 0.0 || weight.is_nan() {
                    *value = Complex32::new(f32::NAN, f32::NAN);
                    n_unseen += 1;
                }
            });
    }
    (shown, n_unseen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn pixels_that_no_patch_saw_are_marked_and_counted() {
        let object = array![[Complex32::new(1.0, 0.0), Complex32::new(0.0, 0.0)]];
        let (shown, n_unseen) = with_unseen(&object, &array![[2.0, 0.0]]);
        assert_eq!((shown[[0, 0]], n_unseen), (object[[0, 0]], 1));
        assert!(shown[[0, 1]].re.is_nan());
    }
}
