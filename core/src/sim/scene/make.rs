//! From settings to the parts of a scene: made, or read from the files that stand in.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndarray::{Array2, Array3};
use num_complex::Complex32;

use super::source::{self, Found, ScanFile, of_dataset};
use super::{ATTEMPTED, SceneParts, SceneSettings, Sources};
use crate::error::{Error, Result};
use crate::fields::{Fields, Value};
use crate::sim::object::make_object;
use crate::sim::probe::make_probe;
use crate::sim::scan::make_positions;
use crate::sim::{ObjectKind, ProbeKind, ScanKind, ScanSettings};

impl SceneSettings {
    /// The object alone, made or read, as it is before it grows.
    ///
    /// # Errors
    /// Those of [`make_object`], or of reading the file.
    pub fn make_object(&self, seed: u64) -> Result<Array2<Complex32>> {
        Ok(self.object(seed)?.value)
    }

    /// The probe alone, made or read. A file's probe has the file's size, whatever `n` says.
    ///
    /// # Errors
    /// Those of [`make_probe`], or of reading the file.
    pub fn make_probe(&self) -> Result<Array3<Complex32>> {
        Ok(self.probe()?.value)
    }

    /// Whether the probe has the side `n` of these settings, as a file's may not.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] that names both; those of [`SceneSettings::make_probe`].
    pub fn expect_n(&self) -> Result<()> {
        let (asked, found) = (self.probe.n, self.make_probe()?.dim().1);
        if asked == found {
            return Ok(());
        }
        let expected = format!("a probe of {asked} x {asked} px");
        let error = Error::invalid(ATTEMPTED, "n", expected, format!("{found} x {found} px"))
            .with_fix(format!(
                "give --n {found}, or crop or pad the probe's file to {asked} px"
            ));
        Err(match &self.sources.probe {
            Some(file) => error.with_file(file),
            None => error,
        })
    }

    /// Positions over an object of `shape` for patterns of side `n`, made or read, as they are before the object grows.
    ///
    /// # Errors
    /// Those of [`make_positions`], or of reading the file.
    pub fn make_positions(&self, shape: [usize; 2], n: usize, seed: u64) -> Result<Vec<[f64; 2]>> {
        if self.scan.scan != ScanKind::File {
            return make_positions(&self.scan, shape, n, seed);
        }
        Ok(match self.scan_file()? {
            ScanFile::Dataset(opened) => opened.dataset.positions_px().to_vec(),
            ScanFile::Positions(found) => found.value,
        })
    }

    /// The flags of the command line that say the same, as `--object lines --object-size 464`: what differs from the
    /// defaults, a file's path where a file is the source.
    pub fn flags(&self) -> Vec<String> {
        let Sources {
            object,
            probe,
            scan,
        } = &self.sources;
        let mut flags = with_file(&self.object, "--object", object.as_deref());
        flags.extend(with_file(&self.probe, "--probe", probe.as_deref()));
        flags.extend(with_file(&self.scan, "--scan", scan.as_deref()));
        flags
    }

    /// Object, probe and scan in a few words, as `object lines, probe disk, scan random`.
    pub fn words(&self) -> String {
        let word = |value: Option<Value>, file: Option<&PathBuf>| match (
            file.and_then(|file| file.file_name()),
            value,
        ) {
            (Some(name), Some(value)) if value.to_string() == "file" => {
                name.to_string_lossy().into_owned()
            }
            (_, value) => value.map_or_else(String::new, |value| value.to_string()),
        };
        format!(
            "object {}, probe {}, scan {}",
            word(self.object.get("object"), self.sources.object.as_ref()),
            word(self.probe.get("probe"), self.sources.probe.as_ref()),
            word(self.scan.get("scan"), self.sources.scan.as_ref()),
        )
    }

    fn object(&self, seed: u64) -> Result<Found<Array2<Complex32>>> {
        if self.object.object == ObjectKind::File {
            return source::object(named(self.sources.object.as_deref(), "object")?);
        }
        Ok(made(make_object(&self.object, seed)?))
    }

    fn probe(&self) -> Result<Found<Array3<Complex32>>> {
        if self.probe.probe == ProbeKind::File {
            return source::probe(named(self.sources.probe.as_deref(), "probe")?);
        }
        Ok(made(make_probe(&self.probe)?))
    }

    fn scan_file(&self) -> Result<ScanFile> {
        source::scan(named(self.sources.scan.as_deref(), "scan")?)
    }

    /// Whether the object's file is that of the positions, so that the file's repairs move both alike.
    fn shares_frame(&self) -> bool {
        self.object.object == ObjectKind::File && self.sources.object == self.sources.scan
    }

    /// Everything that a scene is made of.
    pub(super) fn parts(&self, seed: u64, n_test: usize, test_seed: u64) -> Result<SceneParts> {
        let probe = self.probe()?;
        let n = probe.value.dim().1;
        let (object, scan) = if self.scan.scan == ScanKind::File {
            if n_test > 0 {
                return Err(no_second_scan());
            }
            self.object_and_file_scan(seed)?
        } else {
            let object = self.object(seed)?;
            let shape = object.value.dim().into();
            (object, made(make_positions(&self.scan, shape, n, seed)?))
        };
        let test_positions_px = if n_test > 0 {
            let second = ScanSettings {
                positions: n_test,
                ..self.scan.clone()
            };
            let shape = object.value.dim().into();
            Some(make_positions(&second, shape, n, test_seed)?)
        } else {
            None
        };
        let pixel_sizes_m = [object.pixel_size_m, probe.pixel_size_m, scan.pixel_size_m];
        let mut repairs = [object.repairs, probe.repairs, scan.repairs].concat();
        repairs.sort();
        repairs.dedup();
        Ok(SceneParts {
            pixel_size_m: pixel_sizes_m.into_iter().flatten().next(),
            object: Arc::new(object.value),
            probe: Arc::new(probe.value),
            positions_px: scan.value,
            test_positions_px,
            repairs,
        })
    }

    fn object_and_file_scan(&self, seed: u64) -> Result<(Found<Array2<Complex32>>, FoundScan)> {
        match self.scan_file()? {
            ScanFile::Dataset(opened) => {
                let object = match opened.dataset.object() {
                    Some(object) if self.shares_frame() => of_dataset(object.clone(), &opened),
                    _ => self.object(seed)?,
                };
                let positions_px = opened.dataset.positions_px().to_vec();
                Ok((object, of_dataset(positions_px, &opened)))
            }
            ScanFile::Positions(found) => Ok((self.object(seed)?, found)),
        }
    }
}

type FoundScan = Found<Vec<[f64; 2]>>;

fn named<'a>(path: Option<&'a Path>, what: &str) -> Result<&'a Path> {
    path.ok_or_else(|| {
        Error::invalid(
            ATTEMPTED,
            what,
            "the path of an NPZ",
            "file, without a path",
        )
        .with_fix(format!("give --{what} FILE.npz"))
    })
}

fn made<T>(value: T) -> Found<T> {
    Found {
        value,
        pixel_size_m: None,
        repairs: Vec::new(),
    }
}

fn no_second_scan() -> Error {
    let error = Error::invalid(
        ATTEMPTED,
        "test-positions",
        "0 where the positions come from a file",
        "a second scan",
    );
    error.with_fix("split the file's scan, or choose a trajectory")
}

/// The flags of a table, the word `file` replaced by the path.
fn with_file(settings: &impl Fields, flag: &str, path: Option<&Path>) -> Vec<String> {
    let mut flags = settings.flags();
    if let Some(path) = path
        && let Some(at) = flags.iter().position(|word| word == flag)
        && let Some(value) = flags.get_mut(at + 1)
        && value == "file"
    {
        *value = path.display().to_string();
    }
    flags
}
