//! From a judged file to a dataset: every repair applied in memory.

use ndarray::{Array2, ArrayD, Ix2};
use num_complex::Complex32;

use crate::data::dataset::renumbered;
use crate::data::examine::Source;
use crate::data::frames::{Frames, Patches};
use crate::data::npz::Archive;
use crate::data::{DatasetParts, Metadata};
use crate::error::{Error, Result};

/// Parts of a dataset and the counts of each pattern that is kept.
pub(crate) struct Applied {
    pub(crate) parts: DatasetParts,
    pub(crate) counts_per_frame: Vec<f64>,
}

/// Apply the repairs of a file that is not refused.
pub(crate) fn apply(source: Source, repairs: &[String]) -> Result<Applied> {
    let left_out = source.left_out();
    let m = source.positions_px.len();
    let kept: Vec<usize> = (0..m)
        .filter(|i| left_out.binary_search(i).is_err())
        .collect();
    let archive = &source.archive;
    let lost = || Error::Run("a file that was judged sound lost a part".to_owned());
    let draft = &source.draft;

    let move_px = source.geometry.move_px();
    let positions_px = kept
        .iter()
        .map(|i| [0, 1].map(|axis| source.positions_px[*i][axis] + move_px[axis]))
        .collect();
    let mut probe = source.probe.clone().ok_or_else(lost)?;
    if source.convert.counts_factor != 1.0 {
        let factor = source.convert.counts_factor;
        probe.mapv_inplace(|z| {
            Complex32::new(
                (f64::from(z.re) * factor) as f32,
                (f64::from(z.im) * factor) as f32,
            )
        });
    }
    let is_thinned = kept.len() != m;
    let pick = is_thinned.then(|| kept.clone());
    let start = |index: Option<usize>, axis: usize| -> Result<Option<Vec<f64>>> {
        let Some(index) = index else { return Ok(None) };
        let values = archive.array_f64(&source.key(index))?;
        let values: Vec<f64> = values.into_iter().collect();
        Ok(Some(
            kept.iter().map(|i| values[*i] + move_px[axis]).collect(),
        ))
    };
    let (rows_start_px, columns_start_px) =
        (start(draft.rows_start, 0)?, start(draft.columns_start, 1)?);
    let counts_per_frame = kept
        .iter()
        .filter_map(|i| source.counts_per_frame.get(*i).copied())
        .collect();
    let object = match draft.object {
        Some(index) => Some(object(
            archive,
            &source.key(index),
            source.geometry.padding_px,
        )?),
        None => None,
    };
    let detector_mask = match draft.mask {
        Some(index) => Some(mask(archive, &source.key(index))?),
        None => None,
    };
    let patches = match draft.patches {
        Some((index, layout)) => {
            let mut stack = archive.stack(index, layout)?;
            stack.kept.clone_from(&pick);
            Some(Patches::from_stack(stack))
        }
        None => None,
    };
    let scan_index = match draft.scan_index {
        Some(index) => Some(scan_index(archive, &source.key(index), &kept)?),
        None => None,
    };
    let group_index = match draft.groups {
        Some(index) => Some(groups(archive, &source.key(index), &kept)?),
        None => None,
    };
    let metadata = metadata(&source, repairs);
    let mut stack = source.stack.ok_or_else(lost)?;
    stack.kept = pick;
    Ok(Applied {
        parts: DatasetParts {
            object,
            detector_mask,
            patches,
            scan_index,
            rows_start_px,
            columns_start_px,
            group_index,
            metadata,
            ..DatasetParts::required(
                Frames::from_stack(stack, source.convert),
                positions_px,
                probe,
            )
        },
        counts_per_frame,
    })
}

fn metadata(source: &Source, repairs: &[String]) -> Metadata {
    let mut metadata = source.metadata.clone().unwrap_or_default();
    metadata.repairs.extend_from_slice(repairs);
    if source.convert.is_counts || source.convert.counts_factor != 1.0 {
        metadata.amplitude = Some("sqrt_counts".to_owned());
        metadata.counts_factor = None;
    }
    metadata
}

fn object(
    archive: &Archive,
    key: &str,
    padding_px: Option<[usize; 4]>,
) -> Result<Array2<Complex32>> {
    let mut object = archive.array_complex(key)?;
    while 2 < object.ndim() {
        object = object.index_axis_move(ndarray::Axis(0), 0);
    }
    let object = two_axes(archive, key, object)?.map(|z| Complex32::new(z.re as f32, z.im as f32));
    let Some([top, left, bottom, right]) = padding_px else {
        return Ok(object);
    };
    let (rows, columns) = object.dim();
    let mut extended = Array2::zeros((top + rows + bottom, left + columns + right));
    extended
        .slice_mut(ndarray::s![top..top + rows, left..left + columns])
        .assign(&object);
    Ok(extended)
}

fn mask(archive: &Archive, key: &str) -> Result<Array2<bool>> {
    let values = archive.array_f64(key)?;
    let n = (values.len() as f64).sqrt().round() as usize;
    let values: Vec<bool> = values.into_iter().map(|value| value != 0.0).collect();
    Array2::from_shape_vec((n, n), values)
        .map_err(|error| archive.bad_member(key, "(n, n)", &error.to_string()))
}

fn scan_index(archive: &Archive, key: &str, kept: &[usize]) -> Result<Vec<i64>> {
    let values: Vec<i64> = match archive.array_i64(key) {
        Ok(values) => values.into_iter().collect(),
        Err(_) => archive
            .array_f64(key)?
            .into_iter()
            .map(|value| value as i64)
            .collect(),
    };
    Ok(kept.iter().map(|i| values[*i]).collect())
}

/// Groups in the numbers of the patterns that are kept; a group that held another goes.
fn groups(archive: &Archive, key: &str, kept: &[usize]) -> Result<Array2<i32>> {
    let groups = two_axes(archive, key, archive.array_i64(key)?)?;
    let groups = groups.mapv(|row| i32::try_from(row).unwrap_or(-1));
    Ok(renumbered(&groups, kept))
}

fn two_axes<T>(archive: &Archive, key: &str, array: ArrayD<T>) -> Result<Array2<T>> {
    array
        .into_dimensionality::<Ix2>()
        .map_err(|error| archive.bad_member(key, "two axes", &error.to_string()))
}
