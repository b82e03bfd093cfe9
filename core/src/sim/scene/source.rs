//! Object, probe and positions of files.
//!
//! A file need not be a whole dataset: one that holds only the key in question serves as well. Patterns are read only
//! where positions are asked for, since what mends positions depends on everything beside them.

use std::path::Path;

use ndarray::{Array2, Array3, ArrayD, Axis, Ix2, Ix3};
use num_complex::{Complex32, Complex64};

use crate::data::dataset::Opened;
use crate::data::{Archive, Dataset, Metadata, Strictness};
use crate::error::{Error, Problem, Result};

/// What a file yielded, the side of its object pixels, and what had to be mended, in words.
pub(super) struct Found<T> {
    pub(super) value: T,
    pub(super) pixel_size_m: Option<f64>,
    pub(super) repairs: Vec<String>,
}

/// `objectGuess` of a file, `(h, w)`.
pub(super) fn object(path: &Path) -> Result<Found<Array2<Complex32>>> {
    let archive = Archive::open(path)?;
    if !archive.has("objectGuess") {
        let opened = mended(&archive, "objectGuess")?;
        let object = opened.dataset.object().cloned();
        let value = object.ok_or_else(|| lacks(&archive, "objectGuess"))?;
        return Ok(of_dataset(value, &opened));
    }
    let values = squeezed(archive.array_complex("objectGuess")?, 2);
    let shape = values.shape().to_vec();
    let value = values
        .into_dimensionality::<Ix2>()
        .ok()
        .filter(|object| !object.is_empty())
        .ok_or_else(|| {
            refused(
                &archive,
                "objectGuess",
                "a picture (h, w)",
                &format!("{shape:?}"),
            )
        })?;
    let value = single(&archive, "objectGuess", &value)?;
    Ok(found(value, &metadata(&archive)))
}

/// `probeGuess` of a file, `(k, n, n)`.
pub(super) fn probe(path: &Path) -> Result<Found<Array3<Complex32>>> {
    let archive = Archive::open(path)?;
    if !archive.has("probeGuess") {
        let opened = mended(&archive, "probeGuess")?;
        return Ok(of_dataset(opened.dataset.probe().clone(), &opened));
    }
    let mut values = squeezed(archive.array_complex("probeGuess")?, 3);
    let shape = values.shape().to_vec();
    if values.ndim() == 2 {
        values.insert_axis_inplace(Axis(0));
    }
    let value = values
        .into_dimensionality::<Ix3>()
        .ok()
        .filter(|probe| !probe.is_empty() && probe.dim().1 == probe.dim().2)
        .ok_or_else(|| {
            let expected = "square modes (n, n) or (k, n, n)";
            refused(&archive, "probeGuess", expected, &format!("{shape:?}"))
        })?;
    let value = single(&archive, "probeGuess", &value)?;
    if value.iter().all(|value| value.norm_sqr() == 0.0) {
        return Err(refused(
            &archive,
            "probeGuess",
            "a probe with power",
            "zeros only",
        ));
    }
    Ok(found(value, &metadata(&archive)))
}

/// A file's scan: the whole dataset, or positions alone.
pub(super) enum ScanFile {
    Dataset(Box<Opened>),
    Positions(Found<Vec<[f64; 2]>>),
}

/// `xcoords` and `ycoords` of a file, as (row, column).
pub(super) fn scan(path: &Path) -> Result<ScanFile> {
    let archive = Archive::open(path)?;
    let is_bare = !archive.has("diffraction") && !archive.has("diff3d");
    if !(is_bare && archive.has("xcoords") && archive.has("ycoords")) {
        let opened = Dataset::open(path, Strictness::Repair)?;
        return Ok(ScanFile::Dataset(Box::new(opened)));
    }
    let (rows, columns) = (archive.array_f64("ycoords")?, archive.array_f64("xcoords")?);
    if rows.len() != columns.len() || rows.is_empty() {
        let expected = format!("as many as ycoords ({}), one at least", rows.len());
        return Err(refused(
            &archive,
            "xcoords",
            &expected,
            &columns.len().to_string(),
        ));
    }
    let value = rows
        .iter()
        .zip(&columns)
        .map(|(row, column)| [*row, *column]);
    let value = value.collect();
    Ok(ScanFile::Positions(found(value, &metadata(&archive))))
}

/// The file as a dataset with its repairs, where the key has another name or the like.
fn mended(archive: &Archive, key: &str) -> Result<Opened> {
    match Dataset::open(&archive.path, Strictness::Repair) {
        Ok(opened) => Ok(opened),
        Err(Error::Refused(_)) => Err(lacks(archive, key)),
        Err(error) => Err(error),
    }
}

fn metadata(archive: &Archive) -> Metadata {
    // Metadata of other programs have another form: there is none of ours then.
    let text = archive.text("_metadata").ok();
    let read = text.and_then(|text| serde_json::from_str(&text).ok());
    read.unwrap_or_default()
}

fn found<T>(value: T, metadata: &Metadata) -> Found<T> {
    Found {
        value,
        pixel_size_m: metadata.pixel_size_m,
        repairs: Vec::new(),
    }
}

/// Something of a dataset, with the dataset's repairs and the file they were made in.
pub(super) fn of_dataset<T>(value: T, opened: &Opened) -> Found<T> {
    let name = opened.path.file_name().unwrap_or_default();
    let repairs = opened.repairs.iter();
    Found {
        value,
        pixel_size_m: opened.dataset.metadata().pixel_size_m,
        repairs: repairs
            .map(|repair| format!("{}: {repair}", name.to_string_lossy()))
            .collect(),
    }
}

/// Without the axes of length 1 that are too many.
fn squeezed(mut values: ArrayD<Complex64>, n_axes: usize) -> ArrayD<Complex64> {
    while n_axes < values.ndim() {
        let Some(axis) = values.shape().iter().position(|length| *length == 1) else {
            break;
        };
        values = values.index_axis_move(Axis(axis), 0);
    }
    values
}

fn single<D: ndarray::Dimension>(
    archive: &Archive,
    key: &str,
    values: &ndarray::Array<Complex64, D>,
) -> Result<ndarray::Array<Complex32, D>> {
    let n_bad = values.iter().filter(|value| !value.is_finite()).count();
    if n_bad != 0 {
        let found = format!("{n_bad} that are not finite");
        return Err(refused(archive, key, "finite values", &found));
    }
    Ok(values.mapv(|value| Complex32::new(value.re as f32, value.im as f32)))
}

fn lacks(archive: &Archive, key: &str) -> Error {
    let keys: Vec<&str> = archive.keys.iter().map(|info| info.key.as_str()).collect();
    let error = refused(
        archive,
        key,
        "this key",
        &format!("only {}", keys.join(", ")),
    );
    error.with_fix("name a file that holds it")
}

fn refused(archive: &Archive, key: &str, expected: &str, found: &str) -> Error {
    Error::Refused(Box::new(Problem {
        attempted: "take a scene from a file".to_owned(),
        file: Some(archive.path.clone()),
        key: Some(key.to_owned()),
        expected: expected.to_owned(),
        found: found.to_owned(),
        ..Problem::default()
    }))
}
