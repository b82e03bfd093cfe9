//! `compare` as typed.

use std::path::{Path, PathBuf};

use clap::Args;
use ptycho_core::error::{Error, Result};
use ptycho_core::metrics::region::Region;
use ptycho_core::metrics::settings::CompareSettings;
use ptycho_core::study::compare::Inputs;

use super::settings::Flags;

/// Compare reconstructions with the truth, or with each other.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ptychobench compare --truth test.npz --recon network=by_network.npz --recon lsqml=result.npz -o comparison
  ptychobench compare --recon short=ten.npz --recon long=hundred.npz --reference long -o comparison
  ptychobench compare --truth test.npz --recon result.npz --region 40:200,40:200 --phase offset --json

Each arm is registered, its phase plane and amplitude factor are removed, all alike; every step can be switched off and
is reported. A file that cannot be compared is refused by name, the others are compared, and the exit code is 1.
-h shows the basic settings, --help all of them.")]
pub struct CompareArgs {
    /// Dataset whose objectGuess is the truth; without it one of the reconstructions serves as reference.
    #[arg(long, value_name = "DATA.npz")]
    pub truth: Option<PathBuf>,
    /// Reconstructions; a name left out is the file's.
    #[arg(long, value_name = "NAME=FILE.npz", required = true, num_args = 1.., value_parser = named)]
    pub recon: Vec<Named>,
    /// Name of the reconstruction that serves as reference where there is no truth; the first unless given.
    #[arg(long, value_name = "NAME", conflicts_with = "truth")]
    pub reference: Option<String>,
    #[command(flatten)]
    pub how: HowArgs,
    /// Folder for plots, tables and arrays: a new or empty one, or that of an earlier comparison.
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}

/// How reconstructions are compared.
#[derive(Debug, Args)]
pub struct HowArgs {
    /// Part of the object: auto is the bounding box of the positions without dark pixels; ends are excluded.
    #[arg(long, value_name = "auto|y0:y1,x0:x1", default_value = "auto", value_parser = region)]
    pub region: Region,
    /// As --register false.
    #[arg(long, conflicts_with = "register")]
    pub no_register: bool,
    /// Side of an object pixel, where the files do not tell it or tell it wrong.
    #[arg(long, value_name = "X", value_parser = pixel_size_nm)]
    pub pixel_size_nm: Option<f64>,
    /// Key of the object in the files.
    #[arg(long, value_name = "KEY", default_value = "reconstructed_object")]
    pub key: String,
    #[command(flatten)]
    pub settings: Flags<CompareSettings>,
}

/// One reconstruction as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub name: Option<String>,
    pub file: PathBuf,
}

/// `NAME=FILE`, or a file alone, also one with `=` in its path.
pub fn named(text: &str) -> Result<Named, String> {
    let alone = || Named {
        name: None,
        file: PathBuf::from(text),
    };
    match text.split_once('=') {
        Some((name, file)) if !Path::new(text).exists() => {
            if name.trim().is_empty() || file.is_empty() {
                return Err("expected NAME=FILE.npz or FILE.npz".to_owned());
            }
            Ok(Named {
                name: Some(name.to_owned()),
                file: PathBuf::from(file),
            })
        }
        _ => Ok(alone()),
    }
}

/// Each file with its name: the one given, the file's stem, or the whole path where stems are the same.
pub fn names(given: &[Named]) -> Vec<(String, PathBuf)> {
    let stem = |file: &Path| {
        file.file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    let name = |one: &Named| {
        one.name.clone().unwrap_or_else(|| {
            let stem_of = stem(&one.file);
            let others = given
                .iter()
                .filter(|other| other.name.clone().unwrap_or_else(|| stem(&other.file)) == stem_of);
            if 1 < others.count() {
                one.file.display().to_string()
            } else {
                stem_of
            }
        })
    };
    given
        .iter()
        .map(|one| (name(one), one.file.clone()))
        .collect()
}

fn region(text: &str) -> Result<Region, String> {
    Region::parse(text).map_err(|error| in_short(&error))
}

fn in_short(error: &Error) -> String {
    match error.problem() {
        Some(problem) => format!("expected {}", problem.expected),
        None => error.to_string(),
    }
}

fn pixel_size_nm(text: &str) -> Result<f64, String> {
    let value = text.parse().ok();
    value
        .filter(|value: &f64| value.is_finite() && 0.0 < *value)
        .ok_or_else(|| "expected nanometres above 0".to_owned())
}

impl HowArgs {
    /// The settings with every flag laid over the defaults.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a value out of range.
    pub fn settings(&self) -> Result<CompareSettings> {
        let mut settings = self.settings.over(&CompareSettings::default())?;
        settings.register &= !self.no_register;
        Ok(settings)
    }

    /// Pixel size in m, if given.
    pub fn pixel_size_m(&self) -> Option<f64> {
        self.pixel_size_nm.map(|nm| nm / 1e9)
    }
}

impl CompareArgs {
    /// What to read.
    pub fn inputs(&self) -> Inputs {
        Inputs {
            truth: self.truth.clone(),
            arms: names(&self.recon),
            reference: self.reference.clone(),
            key: Some(self.how.key.clone()),
            crops_to_common: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_be_left_out_and_never_coincide() {
        let given: Vec<_> = ["a=x.npz", "runs/b.npz", "odd/r.npz", "even/r.npz"]
            .map(|text| named(text).unwrap())
            .into();
        let found: Vec<_> = names(&given).into_iter().map(|(name, _)| name).collect();
        assert_eq!(found, ["a", "b", "odd/r.npz", "even/r.npz"]);
        assert!(named("=x.npz").is_err() && named("a=").is_err());
    }
}
