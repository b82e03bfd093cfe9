//! Which way round are the patterns stored? Short reconstructions of all eight orientations, side by side.
//!
//! Detectors, readers and file formats flip and transpose. With patterns the wrong way round the overlap between
//! neighbours contradicts itself: the loss stays high and the picture is smeared. Of the eight ways four pairs differ by a
//! half turn only, and the two of a pair fit equally well ([`Orientation::twin`]): one shows the complex conjugate of the
//! other. Which of them is right is told by the sign of the phase, or by a probe known well enough to start from.
//!
//! ```text
//! RUN/orientation.json      task, losses, verdict
//! RUN/contact_sheet.png     phase and amplitude of all, with losses
//! RUN/trials/NAME/result.npz
//! ```

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndarray::{Array2, s};
use num_complex::Complex32;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::compute::DeviceChoice;
use crate::data::Dataset;
pub use crate::data::tools::turn::Orientation;
use crate::data::tools::turn::turned;
use crate::disk;
use crate::error::{Error, Result};
use crate::iterative::{EngineKind, IterativeSettings, IterativeSnapshot, KernelChoice};
use crate::job::{Monitor, StopReason};
use crate::metrics::region::bounding_box;
use crate::paint::colormap::{ColorMap, Map};
use crate::paint::component::{Component, Source as Shown};
use crate::paint::export::encode;
use crate::paint::limits::Limits;
use crate::paint::picture::{Look, Meaning, Picture};
use crate::paint::sheet::{Tile, sheet};
use crate::study::apart::{Common, Part, part};
use crate::study::run::{Source, in_words};
use crate::study::store::InputRecord;

/// The epochs that tell right from wrong for most scans.
pub const EPOCHS: usize = 20;
/// The file that a trial leaves in its run folder.
pub const ORIENTATION_FILE: &str = "orientation.json";
/// The pictures of all orientations.
pub const CONTACT_SHEET_FILE: &str = "contact_sheet.png";

/// The schema number of [`ORIENTATION_FILE`].
const SCHEMA: u32 = 1;
/// A pair stands out if its loss is at most this share of that of the next pair.
const STANDS_OUT: f64 = 0.9;
/// Of two that fit equally well in principle, one is told to be nearer to the probe given if its loss is at most this share.
const IS_NEARER: f64 = 0.98;
const SHEET_COLUMNS: usize = 4;

/// A trial of orientations, self-contained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrientationTask {
    /// Where the data come from.
    pub source: Source,
    /// Engine.
    pub engine: EngineKind,
    /// Its settings; [`EPOCHS`] epochs by default. The object always starts from ones: a start from the file's object would decide the answer.
    pub settings: IterativeSettings,
    /// Those that are tried.
    pub orientations: Vec<Orientation>,
    /// Threads; 0 = one for each core.
    pub n_threads: usize,
    /// Device asked for.
    pub device: DeviceChoice,
    /// Kernels asked for.
    pub kernels: KernelChoice,
    /// What the tensor kernels may take of the device's memory, in GiB; `None` = what there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_memory_gib: Option<f64>,
    /// The folder under which the run folder is made.
    pub runs: PathBuf,
}

impl Default for OrientationTask {
    fn default() -> Self {
        Self {
            source: Source::Demonstration,
            engine: EngineKind::default(),
            settings: IterativeSettings {
                epochs: EPOCHS,
                ..IterativeSettings::default()
            },
            orientations: Orientation::ALL.to_vec(),
            n_threads: 0,
            device: DeviceChoice::Auto,
            kernels: KernelChoice::Auto,
            device_memory_gib: None,
            runs: PathBuf::from("runs/scratch"),
        }
    }
}

/// What is seen of a trial that runs.
#[derive(Clone, Debug)]
pub struct OrientationSnapshot {
    /// Those that have ended, in the order of the task.
    pub ended: Vec<OrientationTrial>,
    /// The one under way, with its state.
    pub running: Option<(Orientation, IterativeSnapshot)>,
}

/// One orientation.
#[derive(Clone, Debug, PartialEq)]
pub struct OrientationTrial {
    /// Which.
    pub orientation: Orientation,
    /// Loss of every whole epoch.
    pub loss: Vec<f64>,
    /// Why it stopped.
    pub reason: StopReason,
    /// The object `(h, w)` in the object frame.
    pub object: Array2<Complex32>,
    /// The result as a file.
    pub result: PathBuf,
}

impl OrientationTrial {
    /// The loss it came to; `None` if it diverged or no epoch was done.
    pub fn error(&self) -> Option<f64> {
        let is_good = !matches!(self.reason, StopReason::Diverged { .. });
        self.loss
            .last()
            .copied()
            .filter(|loss| is_good && loss.is_finite())
    }
}

/// Whether one pair stands out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrientationVerdict {
    /// The orientation of least loss, if its pair stands out from the others.
    pub best: Option<Orientation>,
    /// Least loss of all over the least loss outside its pair; `None` where fewer than two pairs came to a loss.
    pub ratio: Option<f64>,
    /// Loss of the best over that of its twin, which fits as well in principle; `None` where either is missing.
    pub twin_ratio: Option<f64>,
    /// All that in a sentence or two.
    pub words: String,
}

/// What a trial of orientations yields.
#[derive(Clone, Debug, PartialEq)]
pub struct OrientationOutcome {
    /// One for each orientation that was begun, in the order of the task.
    pub trials: Vec<OrientationTrial>,
    /// The answer.
    pub verdict: OrientationVerdict,
    /// Whether the user stopped it: orientations are missing, or the last one is short.
    pub is_stopped: bool,
    /// Device that computed: `cpu`, `cuda` or `metal`.
    pub device: &'static str,
    /// The run folder.
    pub run_folder: PathBuf,
}

/// Try every orientation. Progress counts the epochs of all; a stop keeps what there is.
///
/// # Errors
/// [`Error::Invalid`] if it cannot start; [`Error::Io`]; [`Error::Run`].
pub fn try_orientations(
    task: &OrientationTask,
    dataset: &Dataset,
    monitor: &dyn Monitor<OrientationSnapshot>,
) -> Result<OrientationOutcome> {
    check(task)?;
    let common = common(task);
    let under_way = common.begin(&task.runs)?;
    let _inside = under_way.span.enter();
    tracing::info!(n = task.orientations.len(), "trial of orientations started");
    let mut outcome = OrientationOutcome {
        trials: Vec::new(),
        verdict: verdict(&[]),
        is_stopped: false,
        device: "cpu",
        run_folder: under_way.folder.path().to_path_buf(),
    };
    for (index, &orientation) in task.orientations.iter().enumerate() {
        if monitor.stop().is_requested() {
            break;
        }
        let result = outcome
            .run_folder
            .join("trials")
            .join(orientation.name())
            .join("result.npz");
        let variant = Arc::new(Dataset::derived(turned(dataset.parts(), orientation))?);
        let provenance = json!({"orientation": orientation, "run_folder": &outcome.run_folder});
        let before = outcome.trials.clone();
        let wrap = |snapshot| OrientationSnapshot {
            ended: before.clone(),
            running: Some((orientation, snapshot)),
        };
        let part_monitor = Part {
            monitor,
            index,
            n_parts: task.orientations.len(),
            wrap: &wrap,
        };
        let ended = part(
            &common,
            variant,
            &under_way.computing,
            (&result, provenance),
            &part_monitor,
        )?;
        tracing::info!("{orientation}: {}", in_words(&ended.reason));
        outcome.device = ended.device;
        outcome.trials.push(OrientationTrial {
            orientation,
            loss: ended.reconstruction.loss,
            reason: ended.reason,
            object: ended.reconstruction.object,
            result,
        });
    }
    outcome.is_stopped = monitor.stop().is_requested();
    outcome.verdict = verdict(&outcome.trials);
    monitor.snapshot(OrientationSnapshot {
        ended: outcome.trials.clone(),
        running: None,
    });
    write_sheet(&outcome, dataset)?;
    let input = InputRecord::of(&task.source, dataset);
    let name = (ORIENTATION_FILE, SCHEMA);
    under_way.record(name, (task, &input), &outcome.to_json())?;
    tracing::info!("{}", outcome.verdict.words);
    Ok(outcome)
}

impl OrientationOutcome {
    /// The outcome without its pictures, as the record and `orient --json` have it.
    pub fn to_json(&self) -> serde_json::Value {
        let trials = self.trials.iter().map(|trial| {
            json!({
                "orientation": trial.orientation,
                "error": trial.error(),
                "loss": trial.loss,
                "reason": trial.reason,
                "result": trial.result.strip_prefix(&self.run_folder).unwrap_or(&trial.result),
            })
        });
        json!({
            "trials": trials.collect::<Vec<_>>(),
            "verdict": self.verdict,
            "is_stopped": self.is_stopped,
            "device": self.device,
            "run_folder": self.run_folder,
        })
    }
}

fn check(task: &OrientationTask) -> Result<()> {
    let invalid = |expected: &str, found: String| {
        Err(Error::invalid(
            "try orientations",
            "orientations",
            expected,
            found,
        ))
    };
    if task.orientations.is_empty() {
        return invalid("at least one", "none".to_owned());
    }
    for (i, orientation) in task.orientations.iter().enumerate() {
        if task.orientations[..i].contains(orientation) {
            return invalid("each only once", format!("{orientation} twice"));
        }
    }
    Ok(())
}

fn common(task: &OrientationTask) -> Common<'_> {
    Common {
        what: "try orientations",
        source: &task.source,
        engine: task.engine,
        settings: &task.settings,
        n_threads: task.n_threads,
        device: task.device,
        kernels: task.kernels,
        device_memory_gib: task.device_memory_gib,
    }
}

/// Which orientation is right, as far as the losses tell.
fn verdict(trials: &[OrientationTrial]) -> OrientationVerdict {
    let mut ranked: Vec<(f64, Orientation)> = trials
        .iter()
        .filter_map(|trial| Some((trial.error()?, trial.orientation)))
        .collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
    let Some(&(least, first)) = ranked.first() else {
        return OrientationVerdict {
            best: None,
            ratio: None,
            twin_ratio: None,
            words: "No orientation came to a loss.".to_owned(),
        };
    };
    let twin = first.twin();
    let over = |loss: f64| if loss > 0.0 { least / loss } else { 1.0 };
    let others = ranked.iter().find(|(_, at)| *at != first && *at != twin);
    let ratio = others.map(|(loss, _)| over(*loss));
    let twin_ratio = ranked
        .iter()
        .find(|(_, at)| *at == twin)
        .map(|(loss, _)| over(*loss));
    let best = ratio
        .is_some_and(|ratio| ratio <= STANDS_OUT)
        .then_some(first);
    OrientationVerdict {
        best,
        ratio,
        twin_ratio,
        words: words((first, best.is_some()), ratio, twin_ratio),
    }
}

fn words(
    (first, stands_out): (Orientation, bool),
    ratio: Option<f64>,
    twin_ratio: Option<f64>,
) -> String {
    let twin = first.twin();
    let Some(ratio) = ratio else {
        return format!("Only {first} and its half turn were tried: nothing to compare with.");
    };
    if !stands_out {
        return format!(
            "No orientation stands out: the least loss, of {first}, is {ratio:.2} of that of the next pair. \
             Try more epochs, another engine, or a better probe."
        );
    }
    let told = match twin_ratio {
        None => format!("{twin} was not tried; it fits as well in principle."),
        Some(twin_ratio) if twin_ratio <= IS_NEARER => format!(
            "{twin} fits as well in principle, with the complex conjugate object; here its loss is higher \
             ({first} has {twin_ratio:.2} of it), since the probe given suits {first}."
        ),
        Some(_) => format!(
            "{twin} fits equally well, with the complex conjugate object: the sign of the phase tells which one is right."
        ),
    };
    format!("{first} stands out: its loss is {ratio:.2} of that of the next pair. {told}")
}

/// The phase of an object over the scanned area, without its ramp.
pub(super) fn phase_picture(
    object: &Array2<Complex32>,
    positions_px: &[[f64; 2]],
) -> Result<Picture> {
    let (rows, columns) = bounding_box(object.dim(), positions_px)?;
    let look = Look {
        component: Component::Phase,
        color_map: Some(ColorMap::new(Map::Gray)),
        limits: Some(Limits::AUTO),
        is_ramp_removed: true,
        ..Look::default()
    };
    let part = object.slice(s![rows, columns]);
    Ok(Picture::new(
        &Shown::Complex(part),
        &look,
        Meaning::default(),
        None,
    ))
}

/// The contact sheet: phase of every orientation with its loss.
fn write_sheet(outcome: &OrientationOutcome, dataset: &Dataset) -> Result<()> {
    let file = outcome.run_folder.join(CONTACT_SHEET_FILE);
    let tiles = outcome.trials.iter().map(|trial| {
        let loss = trial.error().map_or_else(
            || in_words(&trial.reason),
            |loss| format!("loss {loss:.4e}"),
        );
        let mark = if outcome.verdict.best == Some(trial.orientation) {
            " (best)"
        } else {
            ""
        };
        Ok(Tile {
            title: format!("{}{mark}", trial.orientation),
            caption: vec![loss],
            picture: Some(phase_picture(&trial.object, dataset.positions_px())?),
        })
    });
    let tiles: Vec<Tile> = tiles.collect::<Result<_>>()?;
    let picture = sheet(
        "Phase of the object for every orientation of the patterns",
        &tiles,
        SHEET_COLUMNS,
    );
    write_png(&file, &picture, "Orientations")
}

/// Write a picture with its title.
pub(super) fn write_png(
    file: &Path,
    picture: &crate::paint::raster::Rgba,
    title: &str,
) -> Result<()> {
    let software = concat!("Ptychobench ", env!("CARGO_PKG_VERSION")).to_owned();
    let metadata = [("Software", software), ("Title", title.to_owned())];
    let bytes = encode(picture, &metadata).map_err(Error::io("draw", file))?;
    disk::write(file, &bytes)
}
