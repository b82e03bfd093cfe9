//! What a comparison leaves: tables, curves, arrays, plots, a manifest.

mod arrays;
mod curves;
mod plot;
mod report;
mod tables;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::json;

use super::load::ATTEMPTED;
use super::{Comparison, Loaded};
use crate::disk::{self, StagingFolder};
use crate::error::{Error, Result};
use crate::study::store::{Naming, OutputRecord, RECORD_FILES, SCHEMA, utc};
pub use arrays::keys as array_keys;
pub use curves::{curves_csv, curves_plot};
pub use plot::{metric_words, plot};
pub use report::{EXTRA_DEFINITIONS, definitions, report, rows, threshold_key};
pub use tables::{metrics_csv, quoted};

/// All numbers with their definitions.
pub const METRICS_FILE: &str = "comparison_metrics.json";
/// Ring correlations.
pub const CURVES_FILE: &str = "frc_curves.csv";
/// What was compared, as arrays.
pub const ARRAYS_FILE: &str = "reconstructions_aligned.npz";
/// Dots an inch of pictures.
const DPI: f64 = 300.0;
/// Tells our folders from others.
const KIND: &str = "comparison";

/// The files written.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Written {
    /// `comparison_plot.png`, `comparison_plot.svg`, `comparison_metrics.csv`, `comparison_metrics.json`, `frc_curves.csv`,
    /// `frc_plot.png`, `frc_plot.svg`, `reconstructions_aligned.npz`, `manifest.json`.
    pub files: Vec<PathBuf>,
}

/// Whether [`write()`] may write into a folder: a new or empty one, or that of an earlier comparison.
///
/// # Errors
/// [`Error::Invalid`] that names what lies there.
pub fn check_folder(folder: &Path) -> Result<()> {
    let refuse = |found: String| {
        let expected = "a new or empty folder, or that of an earlier comparison";
        let error = Error::invalid(ATTEMPTED, "output", expected, found);
        Err(error.with_fix("give another -o").with_file(folder))
    };
    if folder.exists() && !folder.is_dir() {
        return refuse("a file".to_owned());
    }
    let manifest = std::fs::read(folder.join("manifest.json")).unwrap_or_default();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap_or_default();
    if manifest["kind"] == KIND {
        return Ok(());
    }
    let mut entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_other = |entry: &std::fs::DirEntry| {
        RECORD_FILES
            .iter()
            .all(|record| entry.file_name() != *record)
    };
    match entries.find(is_other) {
        None => Ok(()),
        Some(entry) => {
            let name = entry.file_name();
            refuse(format!("a folder with other files, as {}", name.display()))
        }
    }
}

/// Write everything into `folder`, at once or not at all.
///
/// The same inputs and settings give the same bytes, but for the time in the manifest.
///
/// # Errors
/// As [`check_folder`]; [`crate::Error::Io`].
pub fn write(loaded: &Loaded, comparison: &Comparison, folder: &Path) -> Result<Written> {
    check_folder(folder)?;
    let staging = StagingFolder::beside(folder)?;
    let names = fill(loaded, comparison, staging.path())
        .map_err(|error| error.relocated(staging.path(), folder))?;
    staging.publish(folder)?;
    let files = names.iter().map(|name| folder.join(name)).collect();
    Ok(Written { files })
}

fn fill(loaded: &Loaded, comparison: &Comparison, to: &Path) -> Result<Vec<&'static str>> {
    let mut names = Vec::new();
    let metadata = plot::metadata(loaded, comparison);
    for (png, svg, mut figure) in [
        (
            "comparison_plot.png",
            "comparison_plot.svg",
            plot(comparison),
        ),
        ("frc_plot.png", "frc_plot.svg", curves_plot(comparison)),
    ] {
        figure.metadata.extend(metadata.iter().cloned());
        figure.write(&to.join(png), DPI)?;
        figure.write(&to.join(svg), DPI)?;
        names.extend([png, svg]);
    }
    let texts = [
        ("comparison_metrics.csv", metrics_csv(loaded, comparison)),
        (CURVES_FILE, curves_csv(comparison)),
    ];
    for (name, text) in texts {
        disk::write(&to.join(name), text.as_bytes())?;
        names.push(name);
    }
    disk::write_json(&to.join(METRICS_FILE), &report(loaded, comparison))?;
    arrays::write(loaded, comparison, &to.join(ARRAYS_FILE))?;
    names.extend([METRICS_FILE, ARRAYS_FILE]);
    write_manifest(loaded, comparison, to, &names)?;
    names.push("manifest.json");
    Ok(names)
}

fn write_manifest(
    loaded: &Loaded,
    comparison: &Comparison,
    folder: &Path,
    names: &[&'static str],
) -> Result<()> {
    let mut outputs = Vec::new();
    for name in names {
        outputs.push(OutputRecord::within(&folder.join(name), folder)?);
    }
    let absolute = |path: &Path| match loaded.naming {
        Naming::Absolute => Naming::Absolute.name(path, folder),
        // They are named from the folder already.
        Naming::Beside => path.to_path_buf(),
    };
    let arms = loaded
        .arms
        .iter()
        .map(|arm| json!({"name": arm.name, "path": absolute(&arm.file), "sha256": arm.sha256}));
    let seconds = comparison
        .arms
        .iter()
        .map(|arm| json!({"name": arm.name, "measured_in_s": arm.seconds}));
    let truth = loaded
        .inputs
        .truth
        .as_deref()
        .map(|path| json!({"path": absolute(path), "sha256": loaded.truth_sha256}));
    let manifest = json!({
        "schema": SCHEMA, "kind": KIND, "program": "ptychobench", "version": env!("CARGO_PKG_VERSION"),
        "inputs": {"truth": truth, "arms": arms.collect::<Vec<_>>()}, "reference": comparison.reference,
        "refused": comparison.refused, "region": comparison.region.to_string(), "settings": comparison.settings,
        "seconds": seconds.collect::<Vec<_>>(), "outputs": outputs, "written": utc(SystemTime::now()),
    });
    disk::write_json(&folder.join("manifest.json"), &manifest)
}
