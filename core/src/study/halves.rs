//! How far do two independent reconstructions of one scan agree? Even and odd patterns apart, and their ring correlation.
//!
//! The patterns are split into those of even and odd number in the order of the scan (its scan index where all numbers differ,
//! else the order of the file), each half is reconstructed for itself from the same
//! start, the odd half is registered to the even one (shift, phase plane, mean amplitude, as
//! [`prepare`] does), and the Fourier ring correlation over the area that the scan lights
//! says up to which spatial frequency both show the same. Each half has half the dose and half the overlap, so the whole scan
//! is at least as good. What both halves share besides the object (probe start, detector faults) correlates too.
//!
//! ```text
//! RUN/halves.json           task, cut-offs, what was done to compare
//! RUN/frc.csv               rings: correlation and thresholds
//! RUN/halves.png            both halves side by side
//! RUN/even/result.npz  RUN/odd/result.npz
//! ```

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use ndarray::{Array2, ArrayView3};
use num_complex::Complex32;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::compute::DeviceChoice;
use crate::data::tools::choose::{Count, Subset};
use crate::data::{Dataset, DatasetParts, Reconstruction};
use crate::disk;
use crate::error::{Error, Result};
use crate::iterative::{EngineKind, IterativeSettings, IterativeSnapshot, KernelChoice};
use crate::job::{Monitor, StopReason};
use crate::metrics::evaluate::evaluate;
use crate::metrics::frc::{Cutoff, FrcCurve, Threshold};
use crate::metrics::pair::angles;
use crate::metrics::prepare::{Steps, prepare};
use crate::metrics::region::{Light, Region};
use crate::metrics::settings::CompareSettings;
use crate::paint::sheet::{Tile, sheet};
use crate::study::apart::{Common, Ended, Part, part};
use crate::study::orientation::{phase_picture, write_png};
use crate::study::run::{Source, in_words};
use crate::study::store::InputRecord;

/// The file that a comparison of halves leaves in its run folder.
pub const HALVES_FILE: &str = "halves.json";
/// The rings as a table.
pub const CURVE_FILE: &str = "frc.csv";
/// Both halves side by side.
pub const PICTURE_FILE: &str = "halves.png";

/// The schema number of [`HALVES_FILE`].
const SCHEMA: u32 = 1;
const N_HALVES: usize = 2;
/// Less than this makes no two halves.
const LEAST_PATTERNS: usize = 4;

/// A comparison of halves, self-contained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HalvesTask {
    /// Where the data come from.
    pub source: Source,
    /// Engine.
    pub engine: EngineKind,
    /// Its settings. The object starts from ones: halves that start from one object agree because of it.
    pub settings: IterativeSettings,
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

impl Default for HalvesTask {
    fn default() -> Self {
        Self {
            source: Source::Demonstration,
            engine: EngineKind::default(),
            settings: IterativeSettings::default(),
            n_threads: 0,
            device: DeviceChoice::Auto,
            kernels: KernelChoice::Auto,
            device_memory_gib: None,
            runs: PathBuf::from("runs/scratch"),
        }
    }
}

/// Which half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Half {
    /// Patterns 0, 2, 4, … in the order of the scan.
    Even,
    /// Patterns 1, 3, 5, …
    Odd,
}

impl Half {
    /// The word in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Even => "even",
            Self::Odd => "odd",
        }
    }

    /// Its rows of a dataset: every second pattern in the order of the scan.
    ///
    /// # Errors
    /// As [`Subset::rows`].
    pub fn rows(self, dataset: &Dataset) -> Result<Vec<usize>> {
        let choice = Subset {
            region: None,
            count: Count::Every {
                step: N_HALVES,
                from: usize::from(self == Self::Odd),
            },
        };
        choice.rows(
            dataset.positions_px(),
            dataset.parts().scan_index.as_deref(),
        )
    }
}

/// What is seen of a comparison that runs.
#[derive(Clone, Debug)]
pub struct HalvesSnapshot {
    /// The half under way.
    pub half: Half,
    /// Its state.
    pub running: IterativeSnapshot,
}

/// One half.
#[derive(Clone, Debug, PartialEq)]
pub struct HalfResult {
    /// Which.
    pub half: Half,
    /// Its patterns.
    pub n_patterns: usize,
    /// Loss of every whole epoch.
    pub loss: Vec<f64>,
    /// Why it stopped.
    pub reason: StopReason,
    /// The object `(h, w)` in the object frame, as it came out.
    pub object: Array2<Complex32>,
    /// The result as a file.
    pub result: PathBuf,
}

/// How far two halves agree.
#[derive(Clone, Debug, PartialEq)]
pub struct HalvesAgreement {
    /// Ring correlation of the complex objects.
    pub complex: FrcCurve,
    /// Ring correlation of the phases.
    pub phase: FrcCurve,
    /// Where the complex curve first falls below the half-bit curve: the resolution of the whole scan by the usual measure.
    pub half_bit: Cutoff,
    /// Where the complex curve first falls below 1/7.
    pub seventh: Cutoff,
    /// Pixel size of the object, where the file tells it.
    pub pixel_size_m: Option<f64>,
    /// What was done to the odd half before it was compared.
    pub steps: Steps,
    /// Rows and columns of the object frame that were compared: first and last (excluded).
    pub area_px: [[usize; 2]; 2],
    /// Phases of the even and of the odd half over the area, after all that, in rad.
    pub phases_rad: [Array2<f32>; 2],
}

/// What a comparison of halves yields.
#[derive(Clone, Debug, PartialEq)]
pub struct HalvesOutcome {
    /// Even, then odd; the second is missing if it was stopped before.
    pub halves: Vec<HalfResult>,
    /// How far they agree; `None` if it was stopped.
    pub agreement: Option<HalvesAgreement>,
    /// Device that computed: `cpu`, `cuda` or `metal`.
    pub device: &'static str,
    /// The run folder.
    pub run_folder: PathBuf,
}

/// Reconstruct both halves and compare them. Progress counts the epochs of both; a stop keeps what there is.
///
/// # Errors
/// [`Error::Invalid`] if it cannot start, or nothing can be compared; [`Error::Io`]; [`Error::Run`].
pub fn compare_halves(
    task: &HalvesTask,
    dataset: &Dataset,
    monitor: &dyn Monitor<HalvesSnapshot>,
) -> Result<HalvesOutcome> {
    let common = Common {
        what: "compare halves",
        source: &task.source,
        engine: task.engine,
        settings: &task.settings,
        n_threads: task.n_threads,
        device: task.device,
        kernels: task.kernels,
        device_memory_gib: task.device_memory_gib,
    };
    if dataset.n_patterns() < LEAST_PATTERNS {
        let found = dataset.n_patterns().to_string();
        let expected = format!("at least {LEAST_PATTERNS} patterns");
        return Err(Error::invalid(
            "compare halves",
            "diffraction",
            expected,
            found,
        ));
    }
    let under_way = common.begin(&task.runs)?;
    let _inside = under_way.span.enter();
    tracing::info!(
        n_patterns = dataset.n_patterns(),
        "comparison of halves started"
    );
    let mut outcome = HalvesOutcome {
        halves: Vec::new(),
        agreement: None,
        device: "cpu",
        run_folder: under_way.folder.path().to_path_buf(),
    };
    let mut ended = Vec::new();
    for (index, half) in [Half::Even, Half::Odd].into_iter().enumerate() {
        if monitor.stop().is_requested() {
            break;
        }
        let result = outcome.run_folder.join(half.name()).join("result.npz");
        let provenance = json!({"half": half, "run_folder": &outcome.run_folder});
        let wrap = |running| HalvesSnapshot { half, running };
        let part_monitor = Part {
            monitor,
            index,
            n_parts: N_HALVES,
            wrap: &wrap,
        };
        let variant = Arc::new(half_of(dataset, half)?);
        let one = part(
            &common,
            variant,
            &under_way.computing,
            (&result, provenance),
            &part_monitor,
        )?;
        tracing::info!("{}: {}", half.name(), in_words(&one.reason));
        outcome.device = one.device;
        outcome.halves.push(HalfResult {
            half,
            n_patterns: one.reconstruction.positions_px.len(),
            loss: one.reconstruction.loss.clone(),
            reason: one.reason.clone(),
            object: one.reconstruction.object.clone(),
            result,
        });
        ended.push(one);
    }
    if let ([first, second], false) = (ended.as_slice(), monitor.stop().is_requested()) {
        outcome.agreement = Some(agreement(dataset, first, second)?);
    }
    write_pictures(&outcome, dataset)?;
    let input = InputRecord::of(&task.source, dataset);
    under_way.record((HALVES_FILE, SCHEMA), (task, &input), &outcome.to_json())?;
    Ok(outcome)
}

impl HalvesOutcome {
    /// The outcome without its pictures and rings, as the record and `halves --json` have it.
    pub fn to_json(&self) -> serde_json::Value {
        let halves = self.halves.iter().map(|half| {
            json!({
                "half": half.half,
                "n_patterns": half.n_patterns,
                "loss": half.loss,
                "reason": half.reason,
                "result": half.result.strip_prefix(&self.run_folder).unwrap_or(&half.result),
            })
        });
        json!({
            "halves": halves.collect::<Vec<_>>(),
            "agreement": self.agreement.as_ref().map(HalvesAgreement::to_json),
            "device": self.device,
            "run_folder": self.run_folder,
        })
    }
}

impl HalvesAgreement {
    fn to_json(&self) -> serde_json::Value {
        json!({
            "half_bit": self.half_bit,
            "seventh": self.seventh,
            "pixel_size_m": self.pixel_size_m,
            "steps": self.steps,
            "area_px": self.area_px,
            "side_px": self.complex.side_px,
        })
    }

    /// One line for each ring: ring, fraction of Nyquist, spatial frequency (empty where the pixel size is not known), pixels
    /// of the ring, correlations of complex objects and of phases, the half-bit curve, 1/7.
    pub fn csv(&self) -> String {
        let mut text = String::from(
            "ring,of_nyquist,per_nm,n_pixels,complex,phase,half_bit_threshold,seventh_threshold\n",
        );
        let thresholds = [Threshold::HalfBit, Threshold::Seventh]
            .map(|threshold| self.complex.threshold(threshold));
        let number = |value: f64| {
            if value.is_finite() {
                value.to_string()
            } else {
                String::new()
            }
        };
        let side_px = self.complex.side_px as f64;
        for (ring, of_nyquist) in self.complex.of_nyquist().into_iter().enumerate() {
            let per_nm = self
                .pixel_size_m
                .map_or(f64::NAN, |pixel_m| ring as f64 / (side_px * pixel_m * 1e9));
            let phase = self.phase.values.get(ring).copied().unwrap_or(f64::NAN);
            let numbers = [
                self.complex.values[ring],
                phase,
                thresholds[0][ring],
                thresholds[1][ring],
            ];
            let cells = numbers.map(number).join(",");
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{ring},{},{},{},{cells}",
                number(of_nyquist),
                number(per_nm),
                self.complex.n_pixels[ring],
            );
        }
        text
    }
}

/// One half, in the object frame of the whole scan.
fn half_of(dataset: &Dataset, half: Half) -> Result<Dataset> {
    let parts = dataset.parts().select(&half.rows(dataset)?);
    let [rows, columns] = dataset.object_shape();
    // Without an object the frame would follow from the positions that are left. It is not what the half starts from.
    let frame = || Array2::from_elem((rows, columns), Complex32::new(1.0, 0.0));
    Dataset::derived(DatasetParts {
        object: Some(parts.object.clone().unwrap_or_else(frame)),
        ..parts
    })
}

/// How far the halves agree over the area that the whole scan lights.
fn agreement(dataset: &Dataset, first: &Ended, second: &Ended) -> Result<HalvesAgreement> {
    for half in [first, second] {
        if let StopReason::Diverged { .. } = &half.reason {
            return Err(Error::Run(format!(
                "a half {}: there is nothing to compare; fix: other settings, or another engine",
                in_words(&half.reason)
            )));
        }
    }
    let settings = CompareSettings::default();
    let (even, odd): (&Reconstruction, &Reconstruction) =
        (&first.reconstruction, &second.reconstruction);
    let probe: ArrayView3<'_, Complex32> = even.probe.view();
    let light = Light {
        positions_px: dataset.positions_px(),
        probe,
        coverages: &[],
    };
    let area = Region::Auto.area(even.object.dim(), light, settings.least_light)?;
    let prepared = prepare(even.object.view(), odd.object.view(), &area, &settings)?;
    let pixel_size_m = dataset.metadata().pixel_size_m;
    let frc = evaluate(&prepared, &settings, pixel_size_m)?.frc;
    let phases_rad = [&prepared.reference, &prepared.other]
        .map(|object| angles(object).mapv(|phase_rad| phase_rad as f32));
    let area = &prepared.area;
    let cutoff = |threshold| frc.complex.cutoff(threshold, pixel_size_m);
    Ok(HalvesAgreement {
        half_bit: cutoff(Threshold::HalfBit),
        seventh: cutoff(Threshold::Seventh),
        pixel_size_m,
        area_px: [
            [area.rows.start, area.rows.end],
            [area.columns.start, area.columns.end],
        ],
        steps: prepared.steps,
        phases_rad,
        complex: frc.complex,
        phase: frc.phase,
    })
}

fn write_pictures(outcome: &HalvesOutcome, dataset: &Dataset) -> Result<()> {
    if let Some(agreement) = &outcome.agreement {
        let file = outcome.run_folder.join(CURVE_FILE);
        disk::write(&file, agreement.csv().as_bytes())?;
    }
    let tiles = outcome.halves.iter().map(|half| {
        let loss = half
            .loss
            .last()
            .map_or(String::new(), |loss| format!("loss {loss:.4e}"));
        Ok(Tile {
            title: format!("{} patterns", half.half.name()),
            caption: vec![format!("{} patterns", half.n_patterns), loss],
            picture: Some(phase_picture(&half.object, dataset.positions_px())?),
        })
    });
    let tiles: Vec<Tile> = tiles.collect::<Result<_>>()?;
    let picture = sheet(
        "Phase of the object from each half of the patterns",
        &tiles,
        N_HALVES,
    );
    write_png(&outcome.run_folder.join(PICTURE_FILE), &picture, "Halves")
}
