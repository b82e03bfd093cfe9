//! Stage 3: the object patch of every pattern.

use std::sync::Arc;

use ndarray::ArrayViewMut2;

use crate::data::{Dataset, DatasetParts, Patches};
use crate::error::{Error, Result};
use crate::forward::Subpixel;
use crate::patches::{cut, cut_bilinear, whole_start};

/// The dataset with `Y`: of every pattern, in their order, the patch of `objectGuess` at its own position, as the forward
/// model sees it: the integer patch for [`Subpixel::Fourier`], the interpolated one for [`Subpixel::Bilinear`].
///
/// Patches are cut when they are read; patches that the dataset had are replaced.
///
/// # Errors
/// [`Error::Invalid`] for a dataset without an object.
pub fn with_patches(dataset: &Dataset, subpixel: Subpixel) -> Result<Dataset> {
    let Some(object) = dataset.object() else {
        return Err(Error::invalid(
            "cut the object patch of every pattern",
            "objectGuess",
            "an object",
            "none",
        )
        .with_fix("give a dataset that holds its object"));
    };
    let object = Arc::new(object.clone());
    let positions_px: Arc<[[f64; 2]]> = dataset.positions_px().into();
    let n = dataset.n();
    let patches = Patches::from_fn(dataset.n_patterns(), n, move |i, out| {
        let Ok(patch) = ArrayViewMut2::from_shape((n, n), out) else {
            return;
        };
        match subpixel {
            Subpixel::Fourier => {
                let (start_px, _) = whole_start(positions_px[i], n);
                cut(object.view(), start_px, patch);
            }
            Subpixel::Bilinear => cut_bilinear(object.view(), positions_px[i], patch),
        }
    });
    Dataset::derived(DatasetParts {
        patches: Some(patches),
        ..dataset.parts().clone()
    })
}
