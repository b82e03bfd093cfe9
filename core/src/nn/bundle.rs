//! A trained network on disk: `NAME.safetensors` with the parameters, `NAME.json` with all that is needed to use them.
//!
//! | tensor | shape | |
//! |---|---|---|
//! | as [`crate::nn::architecture::Entry::name`] | as its shape | F32, one for each parameter |
//! | `file_probe` | `(k, n, n, 2)` | F32, real and imaginary parts, √photons |
//! | `normalisation` | `(3,)` | F64, the numbers of [`Normalisation`], bit for bit |

use std::path::{Path, PathBuf};

use ndarray::Array3;
use num_complex::Complex32;
use serde::{Deserialize, Serialize};

use crate::disk;
use crate::error::{Error, Problem, Result};
use crate::nn::architecture::Architecture;
use crate::nn::parameters::Parameters;
use crate::nn::samples::Normalisation;
use crate::nn::settings::TrainSettings;
use crate::nn::tensors::{self, Named};

/// Schema of the bundles that this program writes.
pub const SCHEMA: u32 = 1;

const FILE_PROBE: &str = "file_probe";
const NORMALISATION: &str = "normalisation";
const ATTEMPTED: &str = "open as a trained network";

/// A trained network and all that is needed to use it.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// Layers.
    pub architecture: Architecture,
    /// Parameters.
    pub parameters: Parameters,
    /// Input normalisation of the training split.
    pub normalisation: Normalisation,
    /// The training file's probe, `(k, n, n)`, √photons. A probe that was trained along is among the parameters, in units
    /// of this one's root mean square; [`Bundle::trained_probe`] puts the two together.
    pub probe: Array3<Complex32>,
    /// Settings of the training.
    pub settings: TrainSettings,
    /// How far patterns lay from their group's centre in the training, on average; 0 for single patterns.
    pub group_reach_px: f64,
    /// SHA-256 of the training data's content.
    pub data_sha256: String,
    /// Epochs of training in these parameters.
    pub epoch: usize,
}

/// What a bundle's JSON says, for a person and for a check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BundleCard {
    /// Schema number.
    pub schema: u32,
    /// The safetensors file: its name alone in the JSON, so that a folder can be moved; with its folder once read.
    pub file: PathBuf,
    /// SHA-256 of the safetensors file.
    pub sha256: String,
    /// Its bytes.
    pub n_bytes: u64,
    /// Number of parameters.
    pub n_parameters: usize,
    /// Layers.
    pub architecture: Architecture,
    /// Settings of the training.
    pub settings: TrainSettings,
    /// Input normalisation.
    pub normalisation: Normalisation,
    /// Mean distance of a pattern from its group's centre in the training.
    pub group_reach_px: f64,
    /// SHA-256 of the training data's content.
    pub data_sha256: String,
    /// Epochs of training.
    pub epoch: usize,
    /// The program's version.
    pub version: String,
}

impl Bundle {
    /// Write `folder/NAME.safetensors` and `folder/NAME.json`; the JSON last, so that one without the other is never found.
    ///
    /// # Errors
    /// [`crate::Error::Io`].
    pub fn save(&self, folder: &Path, name: &str) -> Result<BundleCard> {
        let file = folder.join(format!("{name}.safetensors"));
        let (sha256, n_bytes) = self.write(&file)?;
        let json = folder.join(format!("{name}.json"));
        let card = BundleCard {
            schema: SCHEMA,
            file: PathBuf::from(format!("{name}.safetensors")),
            sha256,
            n_bytes,
            n_parameters: self.parameters.values().len(),
            architecture: self.architecture.clone(),
            settings: self.settings.clone(),
            normalisation: self.normalisation,
            group_reach_px: self.group_reach_px,
            data_sha256: self.data_sha256.clone(),
            epoch: self.epoch,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        disk::write_json(&json, &card)?;
        Ok(BundleCard { file, ..card })
    }

    /// Read a bundle: `path` is the JSON, the safetensors file, or a folder with `best.json` (or else `last.json`). Hash,
    /// names and shapes are checked both ways.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] that says what differs; [`crate::Error::Io`].
    pub fn load(path: &Path) -> Result<(Self, BundleCard)> {
        let json = card_path(path)?;
        let mut card = read_card(&json)?;
        card.file = json.with_file_name(card.file.file_name().unwrap_or_default());
        let bytes = std::fs::read(&card.file).map_err(Error::io("read", &card.file))?;
        let found = disk::sha256_hex(&bytes);
        if found != card.sha256 {
            let expected = format!("SHA-256 {} and {} bytes", card.sha256, card.n_bytes);
            let found = format!("SHA-256 {found} and {} bytes", bytes.len());
            let fix = "restore both files of the bundle from one run";
            return Err(refused(&card.file, "content", &expected, &found, fix));
        }
        let bundle = Self::of_bytes(&bytes, &card)?;
        // Decimal digits may miss the last bit; the tensor does not.
        card.normalisation = bundle.normalisation;
        Ok((bundle, card))
    }

    /// The probe in use: the trained one where it was trained along, else the file's; `(k, n, n)`, √photons.
    pub fn trained_probe(&self) -> Array3<Complex32> {
        let trained = self.parameters.probe(&self.probe);
        trained.unwrap_or_else(|| self.probe.clone())
    }

    /// Write the safetensors file, the same bytes for the same bundle; its SHA-256 and its size.
    fn write(&self, file: &Path) -> Result<(String, u64)> {
        let values = self.parameters.values();
        let mut all: Vec<Named> = Vec::new();
        for entry in self.parameters.entries() {
            let values = &values[entry.start..entry.start + entry.len()];
            all.push(Named::f32(entry.name.clone(), entry.shape.clone(), values));
        }
        let probe: Vec<f32> = self.probe.iter().flat_map(|v| [v.re, v.im]).collect();
        let (modes, rows, columns) = self.probe.dim();
        let shape = vec![modes, rows, columns, 2];
        all.push(Named::f32(FILE_PROBE, shape, &probe));
        let Normalisation {
            input_factor,
            mean_counts_per_pixel,
            mean_counts_per_pattern,
        } = self.normalisation;
        let numbers = [input_factor, mean_counts_per_pixel, mean_counts_per_pattern];
        all.push(Named::f64(NORMALISATION, vec![3], &numbers));
        let mut written = (String::new(), 0);
        disk::write_with(file, |writer| {
            let mut hashing = disk::Hashing::new(writer);
            tensors::write(&mut hashing, all, None).map_err(Error::io("write", file))?;
            written = hashing.finish();
            Ok(())
        })?;
        Ok(written)
    }

    /// The bundle that the bytes and their card hold.
    fn of_bytes(bytes: &[u8], card: &BundleCard) -> Result<Self> {
        let file = &card.file;
        let read = tensors::Read::of(bytes).map_err(|found| {
            let expected = "a safetensors file";
            refused(file, "content", expected, &found, "restore the file")
        })?;
        let (n, entries) = (card.architecture.n, card.architecture.entries());
        let n_modes = read
            .shape(FILE_PROBE)
            .and_then(|shape| shape.first().copied());
        let mut expected: Vec<(String, Vec<usize>)> = entries
            .iter()
            .map(|entry| (entry.name.clone(), entry.shape.clone()))
            .collect();
        expected.push((FILE_PROBE.to_owned(), vec![n_modes.unwrap_or(1), n, n, 2]));
        expected.push((NORMALISATION.to_owned(), vec![3]));
        let differences = read.differences(&expected);
        if !differences.is_empty() {
            let expected = format!("the {} tensors of the network described", expected.len());
            let fix = "use bundle and description of one run";
            return Err(refused(
                file,
                "tensors",
                &expected,
                &differences.join("; "),
                fix,
            ));
        }
        Self::of_tensors(&read, card).ok_or_else(|| {
            let expected = "F32 for parameters and probe, F64 for the normalisation";
            refused(file, "tensors", expected, "other types", "restore the file")
        })
    }

    /// The bundle of tensors whose names and shapes are right; `None` where their types are not.
    fn of_tensors(read: &tensors::Read, card: &BundleCard) -> Option<Self> {
        let (n, entries) = (card.architecture.n, card.architecture.entries());
        let mut values = Vec::with_capacity(card.n_parameters);
        for entry in &entries {
            values.extend(read.f32(&entry.name)?);
        }
        let numbers = <[f64; 3]>::try_from(read.f64(NORMALISATION)?).ok()?;
        let probe = read.f32(FILE_PROBE)?;
        let (pairs, _) = probe.as_chunks::<2>();
        let probe: Vec<Complex32> = pairs
            .iter()
            .map(|[re, im]| Complex32::new(*re, *im))
            .collect();
        let n_modes = probe.len() / (n * n).max(1);
        Some(Self {
            architecture: card.architecture.clone(),
            parameters: Parameters::of(&card.architecture, values)?,
            normalisation: Normalisation {
                input_factor: numbers[0],
                mean_counts_per_pixel: numbers[1],
                mean_counts_per_pattern: numbers[2],
            },
            probe: Array3::from_shape_vec((n_modes, n, n), probe).ok()?,
            settings: card.settings.clone(),
            group_reach_px: card.group_reach_px,
            data_sha256: card.data_sha256.clone(),
            epoch: card.epoch,
        })
    }
}

/// The JSON that `path` means.
fn card_path(path: &Path) -> Result<PathBuf> {
    if !path.is_dir() {
        let is_tensors = path.extension().is_some_and(|it| it == "safetensors");
        return Ok(if is_tensors {
            path.with_extension("json")
        } else {
            path.to_path_buf()
        });
    }
    let cards = ["best.json", "last.json"].map(|name| path.join(name));
    cards
        .into_iter()
        .find(|card| card.is_file())
        .ok_or_else(|| {
            let expected = "best.json or last.json with its safetensors file";
            let fix = "give the folder of a training, or a bundle";
            refused(path, "folder", expected, "neither", fix)
        })
}

fn read_card(json: &Path) -> Result<BundleCard> {
    #[derive(Deserialize)]
    struct Schema {
        schema: u32,
    }
    let text = std::fs::read(json).map_err(Error::io("read", json))?;
    let not_ours = |error: serde_json::Error| {
        let expected = "the description of a trained network";
        let fix = "give the JSON beside a bundle's safetensors file";
        refused(json, "content", expected, &error.to_string(), fix)
    };
    // The number first: the fields of a newer schema may be others.
    let Schema { schema } = serde_json::from_slice(&text).map_err(not_ours)?;
    if SCHEMA < schema {
        let expected = format!("schema {SCHEMA} at most");
        let fix = "use the version of this program that wrote it, or a newer one";
        return Err(refused(json, "schema", &expected, &schema.to_string(), fix));
    }
    serde_json::from_slice(&text).map_err(not_ours)
}

fn refused(file: &Path, key: &str, expected: &str, found: &str, fix: &str) -> Error {
    Error::Refused(Box::new(Problem {
        attempted: ATTEMPTED.to_owned(),
        file: Some(file.to_path_buf()),
        key: Some(key.to_owned()),
        expected: expected.to_owned(),
        found: found.to_owned(),
        fix: fix.to_owned(),
        ..Problem::default()
    }))
}
