//! Read what is to be compared.

use std::path::{Path, PathBuf};

use ndarray::{Array2, Array3};
use num_complex::Complex32;

use super::arm::{self, Arm};
use crate::data::reconstruction::OBJECT_KEY;
use crate::data::{Dataset, Strictness};
use crate::disk;
use crate::error::{Error, Problem, Result};
use crate::study::store::Naming;

pub(super) const ATTEMPTED: &str = "compare reconstructions";
/// What the truth is called among the arms.
pub const TRUTH: &str = "truth";

/// Files to compare.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Inputs {
    /// Dataset whose `objectGuess` is the truth, and whose positions and probe give the region; `None` without a truth.
    pub truth: Option<PathBuf>,
    /// Name and file of each reconstruction.
    pub arms: Vec<(String, PathBuf)>,
    /// Name of the arm that serves as reference where there is no truth; the first where not given.
    pub reference: Option<String>,
    /// Key of the object in the files of the arms; `None` is `reconstructed_object`.
    #[serde(default)]
    pub key: Option<String>,
    /// Whether objects of other sizes are compared over what they share, which begins at pixel (0, 0) of all: the frames of the
    /// halves of one scan. Only of files by this program, and without a truth.
    #[serde(default)]
    pub crops_to_common: bool,
}

/// An arm that cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Refusal {
    /// Name given.
    pub name: String,
    /// Its file.
    pub file: PathBuf,
    /// What is wrong, in words, with the fix.
    pub reason: String,
}

impl Refusal {
    pub(super) fn new(name: &str, file: &Path, error: &Error) -> Self {
        // The file stands beside the reason.
        let reason = match error.problem() {
            Some(problem) => Problem {
                file: None,
                ..problem.clone()
            }
            .to_string(),
            None => error.to_string(),
        };
        Self {
            name: name.to_owned(),
            file: file.to_path_buf(),
            reason,
        }
    }
}

/// Everything to compare, in memory.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Where it was read from.
    pub inputs: Inputs,
    /// SHA-256 of the dataset's file.
    pub truth_sha256: Option<String>,
    /// SHA-256 of the dataset's arrays, as results record it.
    pub content_sha256: Option<String>,
    /// The truth `(h, w)`.
    pub truth: Option<Array2<Complex32>>,
    /// Name of the arm that serves as reference; `None` where there is a truth.
    pub reference: Option<String>,
    /// Positions `(row, column)` of the dataset, or of the reference arm.
    pub positions_px: Vec<[f64; 2]>,
    /// Probe modes `(k, n, n)` of the dataset, or of the reference arm.
    pub probe: Array3<Complex32>,
    /// Pixel size, where the dataset says so.
    pub pixel_size_m: Option<f64>,
    /// Arms that can be compared.
    pub arms: Vec<Arm>,
    /// Arms that cannot.
    pub refused: Vec<Refusal>,
    /// What a reader has to know of all of them, in words.
    pub notes: Vec<String>,
    /// How exports name the files.
    pub naming: Naming,
}

impl Loaded {
    /// Read the files. An arm without `reconstructed_object`, of another shape, all zeros or not finite is refused by name; the
    /// others remain. Where the first arm serves as reference unasked and is refused, the next one takes its place.
    ///
    /// # Errors
    /// If the truth cannot be read or has no `objectGuess`, names are not unique, the reference asked for is refused, or too
    /// few arms remain.
    pub fn open(inputs: &Inputs) -> Result<Self> {
        let loaded = Self::read(inputs)?;
        loaded.check_enough()?;
        Ok(loaded)
    }

    /// As [`Loaded::open`], also where too few arms remain, so that all refusals can be told.
    ///
    /// # Errors
    /// As [`Loaded::open`], but for too few arms.
    pub fn read(inputs: &Inputs) -> Result<Self> {
        check_names(inputs)?;
        let mut loaded = match &inputs.truth {
            Some(file) => Self::of_truth(inputs, file)?,
            None => Self::empty(inputs),
        };
        let mut shape = loaded.truth.as_ref().map(Array2::dim);
        // The reference first, since its shape is that of all.
        let mut order: Vec<&(String, PathBuf)> = inputs.arms.iter().collect();
        order.sort_by_key(|(name, _)| Some(name) != inputs.reference.as_ref());
        for (name, file) in order {
            let expected = shape.filter(|_| !inputs.crops_to_common);
            match arm::read(
                name,
                file,
                inputs.key.as_deref().unwrap_or(OBJECT_KEY),
                expected,
            ) {
                Ok(arm) => {
                    shape.get_or_insert(arm.object.dim());
                    loaded.arms.push(arm);
                }
                Err(error) if inputs.reference.as_ref() == Some(name) => {
                    return Err(error.with_file(file));
                }
                Err(error) => loaded.refused.push(Refusal::new(name, file, &error)),
            }
        }
        let place = |name: &str| inputs.arms.iter().position(|(given, _)| given == name);
        if loaded.truth.is_none() {
            loaded.refer_to_an_arm()?;
        }
        loaded.arms.sort_by_key(|arm| place(&arm.name));
        loaded.refused.sort_by_key(|refusal| place(&refusal.name));
        Ok(loaded)
    }

    fn empty(inputs: &Inputs) -> Self {
        Self {
            inputs: inputs.clone(),
            truth_sha256: None,
            content_sha256: None,
            truth: None,
            reference: None,
            positions_px: Vec::new(),
            probe: Array3::zeros((0, 0, 0)),
            pixel_size_m: None,
            arms: Vec::new(),
            refused: Vec::new(),
            notes: Vec::new(),
            naming: Naming::Absolute,
        }
    }

    /// Make what is written into `folder` depend on contents alone, not on where and how fast they were made: files are named
    /// from there ([`Naming::Beside`]), and computation times are left out.
    pub fn make_portable(&mut self, folder: &Path) {
        self.naming = Naming::Beside;
        let rename = |path: &mut PathBuf| *path = Naming::Beside.name(path, folder);
        self.inputs.truth.iter_mut().for_each(rename);
        self.inputs
            .arms
            .iter_mut()
            .for_each(|(_, file)| rename(file));
        self.refused
            .iter_mut()
            .for_each(|refusal| rename(&mut refusal.file));
        for arm in &mut self.arms {
            rename(&mut arm.file);
            arm.reconstruction_s = None;
        }
    }

    fn of_truth(inputs: &Inputs, file: &Path) -> Result<Self> {
        let opened = Dataset::open(file, Strictness::Repair)?;
        let dataset = &opened.dataset;
        let truth = dataset.object().ok_or_else(|| {
            let problem = Problem {
                attempted: ATTEMPTED.to_owned(),
                key: Some("objectGuess".to_owned()),
                expected: "the true object (h, w)".to_owned(),
                found: "no such key".to_owned(),
                fix: "leave --truth out: the arms are then compared with each other".to_owned(),
                ..Problem::default()
            };
            Error::Refused(Box::new(problem)).with_file(file)
        })?;
        arm::check_values("objectGuess", truth, None).map_err(|error| error.with_file(file))?;
        let repairs = opened.repairs.iter();
        Ok(Self {
            truth_sha256: Some(disk::sha256_hex(&disk::Map::open(file)?)),
            content_sha256: Some(dataset.content_sha256()),
            truth: Some(truth.clone()),
            positions_px: dataset.positions_px().to_vec(),
            probe: dataset.probe().clone(),
            pixel_size_m: dataset.metadata().pixel_size_m,
            notes: repairs
                .map(|repair| format!("repaired in memory: {repair}"))
                .collect(),
            ..Self::empty(inputs)
        })
    }

    /// Take positions, probe and pixel size from the arm that serves as reference.
    fn refer_to_an_arm(&mut self) -> Result<()> {
        if self.inputs.crops_to_common {
            self.crop_to_common()?;
        }
        let place = |name: &str| self.inputs.arms.iter().position(|(given, _)| given == name);
        let wanted = self.inputs.reference.as_deref();
        let first = self.arms.iter().min_by_key(|arm| {
            let is_wanted = wanted == Some(arm.name.as_str());
            (!is_wanted, place(&arm.name))
        });
        let Some(arm) = first else { return Ok(()) };
        if wanted.is_none() && place(&arm.name) != Some(0) {
            self.notes.push(format!(
                "{} serves as reference, since what came before it was refused",
                arm.name
            ));
        }
        self.reference = Some(arm.name.clone());
        self.positions_px.clone_from(&arm.positions_px);
        self.probe = arm.probe.clone();
        self.pixel_size_m = arm.provenance["pixel_size_m"].as_f64();
        Ok(())
    }

    /// What all objects share, where all of their frames begin at pixel (0, 0) of one scan.
    fn crop_to_common(&mut self) -> Result<()> {
        let shapes: Vec<_> = self.arms.iter().map(|arm| arm.object.dim()).collect();
        let [Some(rows), Some(columns)] = [
            shapes.iter().map(|shape| shape.0).min(),
            shapes.iter().map(|shape| shape.1).min(),
        ] else {
            return Ok(());
        };
        let Some(other) = shapes.iter().find(|shape| **shape != (rows, columns)) else {
            return Ok(());
        };
        if let Some(foreign) = self.arms.iter().find(|arm| !arm.is_ours()) {
            let expected =
                "objects of one shape, or results of this program, whose frames begin alike";
            let found = format!("({}, {}) and ({rows}, {columns})", other.0, other.1);
            let error = Error::invalid(ATTEMPTED, "shape", expected, found);
            return Err(error
                .with_fix("cut both objects to the same part of the sample")
                .with_file(&foreign.file));
        }
        self.notes.push(format!(
            "the objects differ in size; compared is what they share, ({rows}, {columns}) from pixel (0, 0), where the frames \
             of all begin"
        ));
        for arm in &mut self.arms {
            arm.crop(rows, columns);
        }
        Ok(())
    }

    /// Whether enough arms remain: one beside the reference.
    ///
    /// # Errors
    /// [`Error::Invalid`] if too few were given; [`Error::Run`] if too many were refused.
    pub fn check_enough(&self) -> Result<()> {
        let needed = if self.truth.is_some() { 1 } else { 2 };
        if needed <= self.arms.len() {
            return Ok(());
        }
        let expected = if self.truth.is_some() {
            "one reconstruction at least"
        } else {
            "two reconstructions at least, or one and a truth"
        };
        if self.refused.is_empty() {
            let found = self.arms.len().to_string();
            let error = Error::invalid(ATTEMPTED, "recon", expected, found);
            let fix =
                "give more by --recon NAME=FILE.npz, or a dataset with objectGuess by --truth";
            return Err(error.with_fix(fix));
        }
        Err(all_refused(expected, &self.refused))
    }

    /// Rows and columns of the object frame.
    pub fn shape(&self) -> [usize; 2] {
        let object = self.truth.as_ref();
        let object = object.or_else(|| self.reference_arm().map(|arm| &arm.object));
        object.map_or([0, 0], |object| object.dim().into())
    }

    /// The arm that serves as reference; `None` where there is a truth.
    pub fn reference_arm(&self) -> Option<&Arm> {
        self.reference.as_deref().and_then(|name| self.arm(name))
    }

    /// Whether an arm tells that it was made of other data than those whose object is the truth.
    pub fn is_of_other_data(&self, arm: &Arm) -> bool {
        let made_of = arm.provenance["input"]["content_sha256"].as_str();
        let content = self.content_sha256.as_deref();
        made_of.is_some() && content.is_some() && made_of != content
    }

    /// The arm of this name.
    pub fn arm(&self, name: &str) -> Option<&Arm> {
        self.arms.iter().find(|arm| arm.name == name)
    }
}

/// What remains is not enough to compare.
pub(super) fn all_refused(expected: &str, refused: &[Refusal]) -> Error {
    let reasons: Vec<String> = refused
        .iter()
        .map(|refusal| format!("{}: {}", refusal.name, refusal.reason))
        .collect();
    Error::Run(format!(
        "cannot {ATTEMPTED}: expected {expected}, {} refused: {}",
        refused.len(),
        reasons.join("; ")
    ))
}

fn check_names(inputs: &Inputs) -> Result<()> {
    let refuse = |key: &str, expected: &str, found: &str, fix: &str| {
        Err(Error::invalid(ATTEMPTED, key, expected, found).with_fix(fix))
    };
    let fix = "give each its own name: --recon NAME=FILE.npz";
    for (i, (name, file)) in inputs.arms.iter().enumerate() {
        if name.trim().is_empty() || name.contains(['\n', '\r', '\0']) {
            let found = format!("{name:?} for {}", file.display());
            return refuse(
                "recon",
                "a name of one line for each reconstruction",
                &found,
                fix,
            );
        }
        if inputs.arms[..i].iter().any(|(earlier, _)| earlier == name) {
            return refuse("recon", "names that differ", &format!("{name} twice"), fix);
        }
        if inputs.truth.is_some() && name == TRUTH {
            return refuse("recon", "a name other than that of the truth", name, fix);
        }
    }
    match &inputs.reference {
        Some(_) if inputs.truth.is_some() => {
            let fix = "leave out --truth or --reference";
            refuse(
                "reference",
                "the truth as reference, or an arm",
                "both",
                fix,
            )
        }
        Some(name) if inputs.arms.iter().all(|(given, _)| given != name) => {
            let names: Vec<&str> = inputs.arms.iter().map(|(name, _)| name.as_str()).collect();
            let expected = format!("one of {}", names.join(", "));
            refuse("reference", &expected, name, "give the name of an arm")
        }
        _ => Ok(()),
    }
}
