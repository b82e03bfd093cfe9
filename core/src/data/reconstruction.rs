//! What every arm yields, from a network, an iterative engine or a file.

use std::path::Path;

use ndarray::{Array2, Array3, Axis, Ix2, Ix3};
use num_complex::Complex32;

use crate::data::Archive;
use crate::data::check::shown;
use crate::data::write::{Compression, write_npz};
use crate::error::Result;

/// The key of the object in a result.
pub const OBJECT_KEY: &str = "reconstructed_object";
const PROBE_KEY: &str = "reconstructed_probe";

/// Object, probe, positions, losses and where they come from.
#[derive(Clone, Debug, PartialEq)]
pub struct Reconstruction {
    /// `(h, w)` in the object frame of the dataset.
    pub object: Array2<Complex32>,
    /// `(h, w)`: weight of the patches over each pixel, where the object was stitched of patches; 0 where none was, and the
    /// object is 0 there too.
    pub coverage: Option<Array2<f32>>,
    /// Probe modes `(k, n, n)`, √photons, strongest first.
    pub probe: Array3<Complex32>,
    /// Positions `(row, column)` in px, as used or refined.
    pub positions_px: Vec<[f64; 2]>,
    /// Loss of every epoch.
    pub loss: Vec<f64>,
    /// Name of the algorithm, as `lsqml`.
    pub algorithm: String,
    /// How it was made: input hash, settings, seeds, start, repairs, versions.
    pub provenance: serde_json::Value,
}

impl Reconstruction {
    /// Write as NPZ: `reconstructed_object` (h, w) and `reconstructed_probe` (k, n, n) complex64, `coverage`
    /// (h, w) float32 where there is one, `xcoords`, `ycoords`, `loss`, `algorithm`, `_metadata` (UTF-8 JSON of the provenance).
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn save(&self, path: &Path) -> Result<()> {
        let along = |axis: usize| -> Vec<f64> {
            self.positions_px
                .iter()
                .map(|position| position[axis])
                .collect()
        };
        write_npz(path, |npz| {
            let (object, probe) = (self.object.view(), self.probe.view());
            npz.array(OBJECT_KEY, Compression::Deflated, &object)?;
            npz.array(PROBE_KEY, Compression::Deflated, &probe)?;
            if let Some(coverage) = &self.coverage {
                npz.array("coverage", Compression::Deflated, &coverage.view())?;
            }
            npz.values("xcoords", &along(1))?;
            npz.values("ycoords", &along(0))?;
            npz.values("loss", &self.loss)?;
            npz.text("algorithm", &self.algorithm)?;
            npz.json("_metadata", &self.provenance)
        })
    }

    /// Read what [`Reconstruction::save`] wrote, or a file from elsewhere with the same keys.
    ///
    /// Of a foreign file only object and probe are required; one probe mode may lack its axis.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] that names the key; [`crate::Error::Io`].
    pub fn load(path: &Path) -> Result<Self> {
        let archive = Archive::open(path)?;
        let object = object(&archive, OBJECT_KEY)?;
        let probe = probe(&archive)?;
        Self::of(&archive, object, probe)
    }

    /// Read a file whose object stands under `key` ([`OBJECT_KEY`] is the usual one); whatever else there is comes along. A
    /// file without a probe gives one without modes.
    ///
    /// # Errors
    /// As [`Reconstruction::load`].
    pub fn load_object(path: &Path, key: &str) -> Result<Self> {
        let archive = Archive::open(path)?;
        let object = object(&archive, key)?;
        let probe = if archive.has(PROBE_KEY) {
            probe(&archive)?
        } else {
            Array3::zeros((0, 0, 0))
        };
        Self::of(&archive, object, probe)
    }

    fn of(archive: &Archive, object: Array2<Complex32>, probe: Array3<Complex32>) -> Result<Self> {
        let numbers = |key: &str| -> Result<Vec<f64>> {
            if archive.has(key) {
                Ok(archive.array_f64(key)?.into_iter().collect())
            } else {
                Ok(Vec::new())
            }
        };
        let (columns, rows) = (numbers("xcoords")?, numbers("ycoords")?);
        if columns.len() != rows.len() {
            let expected = format!("as many as ycoords, {}", rows.len());
            return Err(archive.bad_member("xcoords", &expected, &shown(&[columns.len()])));
        }
        let provenance = archive
            .text("_metadata")
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or(serde_json::Value::Null);
        Ok(Self {
            coverage: coverage(archive, object.dim())?,
            object,
            probe,
            positions_px: rows.into_iter().zip(columns).map(Into::into).collect(),
            loss: numbers("loss")?,
            algorithm: archive.text("algorithm").unwrap_or_default(),
            provenance,
        })
    }
}

fn object(archive: &Archive, key: &str) -> Result<Array2<Complex32>> {
    let object = archive.array_complex(key)?;
    let object = object
        .view()
        .into_dimensionality::<Ix2>()
        .ok()
        .ok_or_else(|| archive.bad_member(key, "(h, w)", &shown(object.shape())))?;
    Ok(object.map(single))
}

fn probe(archive: &Archive) -> Result<Array3<Complex32>> {
    let mut probe = archive.array_complex(PROBE_KEY)?;
    if probe.ndim() == 2 {
        probe.insert_axis_inplace(Axis(0));
    }
    let probe = probe
        .view()
        .into_dimensionality::<Ix3>()
        .ok()
        .ok_or_else(|| archive.bad_member(PROBE_KEY, "(k, n, n)", &shown(probe.shape())))?;
    Ok(probe.map(single))
}

fn single(z: &num_complex::Complex64) -> Complex32 {
    Complex32::new(z.re as f32, z.im as f32)
}

fn coverage(archive: &Archive, shape: (usize, usize)) -> Result<Option<Array2<f32>>> {
    let key = "coverage";
    if !archive.has(key) {
        return Ok(None);
    }
    let values = archive.array_f64(key)?;
    let coverage = values.view().into_dimensionality::<Ix2>();
    match coverage {
        Ok(coverage) if coverage.dim() == shape => Ok(Some(coverage.map(|weight| *weight as f32))),
        _ => {
            let expected = format!("({}, {}) as the object", shape.0, shape.1);
            Err(archive.bad_member(key, &expected, &shown(values.shape())))
        }
    }
}
