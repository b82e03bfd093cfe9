//! The tools on any dataset as one choice that the window and the command line share: look ahead, then write.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::data::repair::is_same_file;
use crate::data::tools::choose::{Subset, coverage_percent, shuffle, subset};
use crate::data::tools::crop::{CropSettings, crop};
use crate::data::tools::fixture::{self, FixtureSettings};
use crate::data::tools::pad::{pad, side_after};
use crate::data::tools::turn::{Orientation, turn};
use crate::data::tools::{Made, descendant};
use crate::data::{Dataset, Strictness};
use crate::disk::{Map, sha256_hex};
use crate::error::{Error, Result};
use crate::fields::{AutoReal, Fields as _};
use crate::forward::{Subpixel, residual};
use crate::job::{Monitor, Progress, Stop};
use crate::sim::leak::Leak;
use crate::sim::stages::{SplitRows, split_rows, with_patches};
use crate::sim::{SplitAxis, SplitSettings};

/// Patterns whose agreement with the forward model is looked at before and after the physics changes.
const N_COMPARED: usize = 16;

crate::field_table! {
    /// How a scan is told apart into a training and a test half.
    pub struct SplitChoice {
        /// Axis of the split, at the middle of the positions' range.
        split_axis: SplitAxis = SplitAxis::Y, basic;
        /// Width of the band about the middle whose patterns go into neither half; auto is the least without a leak.
        guard_px: AutoReal = AutoReal::Given(0.0), basic, 0.0..=100000.0, unit "px";
    }
}

impl SplitChoice {
    fn rows(&self, dataset: &Dataset) -> Result<SplitRows> {
        let settings = SplitSettings {
            split_axis: self.split_axis,
            guard_px: self.guard_px,
            ..SplitSettings::default()
        };
        split_rows(
            dataset.positions_px(),
            dataset.probe().view(),
            dataset.object_shape(),
            &settings,
        )
    }
}

/// A tool with its settings.
#[derive(Clone, Debug, PartialEq)]
pub enum Tool {
    /// Some of the patterns.
    Subset(Subset),
    /// The patterns in another order.
    Shuffle {
        /// Seed of the order.
        seed: u64,
    },
    /// Training and test half, two files in a folder.
    Split(SplitChoice),
    /// The middle of the detector, and block sums of its counts.
    Crop(CropSettings),
    /// Even sides, or a wider detector.
    Pad {
        /// Side of the detector; the next even one if not given.
        to: Option<usize>,
    },
    /// Patterns and the detector's mask the other way round.
    Turn {
        /// Which way.
        orientation: Orientation,
    },
    /// The object patch of every pattern, `Y`.
    Patches {
        /// Model of positions between pixels; that of the file's metadata if not given, else `fourier`.
        subpixel: Option<Subpixel>,
    },
    /// A small subset with a side-car.
    Fixture(FixtureSettings),
}

/// What a tool would write.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outlook {
    /// Name (empty for a single file) and patterns of each file.
    pub files: Vec<(&'static str, usize)>,
    /// Side of the patterns.
    pub n: usize,
    /// Bytes of patterns and patches.
    pub bytes: u64,
    /// How much of the positions' range the patterns reach over, rows and columns, where some are left out.
    pub coverage_percent: Option<[f64; 2]>,
    /// Rows of the scan in each file, where it matters which.
    pub rows: Vec<Vec<usize>>,
    /// What both halves of a split see.
    pub leak: Option<Leak>,
    /// Middle and guard band of a split.
    pub middle_guard_px: Option<(SplitAxis, f64, f64)>,
}

/// One file that a tool wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Where.
    pub path: PathBuf,
    /// Its patterns.
    pub patterns: usize,
    /// Their side.
    pub n: usize,
    /// SHA-256 of the file.
    pub sha256: String,
    /// SHA-256 of its arrays.
    pub content_sha256: String,
}

/// What a tool did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolOutcome {
    /// The tool.
    pub tool: String,
    /// Its settings, as on the command line.
    pub settings: String,
    /// The datasets written.
    pub files: Vec<Written>,
    /// What was done, with numbers.
    pub done: Vec<String>,
    /// Repairs of the input, applied in memory.
    pub repairs: Vec<String>,
    /// What both halves of a split see.
    pub leak: Option<Leak>,
    /// Side-car of a fixture.
    pub side_car: Option<PathBuf>,
}

impl Tool {
    /// The command's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Subset(_) => "subset",
            Self::Shuffle { .. } => "shuffle",
            Self::Split(_) => "split",
            Self::Crop(_) => "crop",
            Self::Pad { .. } => "pad",
            Self::Turn { .. } => "turn",
            Self::Patches { .. } => "patches",
            Self::Fixture(_) => "fixture",
        }
    }

    /// Its settings as on the command line.
    pub fn flags(&self) -> String {
        match self {
            Self::Subset(choice) => choice.flags(),
            Self::Shuffle { seed } => format!("--seed {seed}"),
            Self::Split(choice) => choice.flags().join(" "),
            Self::Crop(settings) => settings.flags().join(" "),
            Self::Pad { to } => to.map_or(String::new(), |to| format!("--to {to}")),
            Self::Turn { orientation } => format!("--orientation {orientation}"),
            Self::Patches { subpixel } => match subpixel {
                None => String::new(),
                Some(Subpixel::Fourier) => "--subpixel fourier".to_owned(),
                Some(Subpixel::Bilinear) => "--subpixel bilinear".to_owned(),
            },
            Self::Fixture(settings) => settings.flags(),
        }
    }

    /// Whether the output is a folder.
    pub fn writes_folder(&self) -> bool {
        matches!(self, Self::Split(_))
    }

    /// What would come out, from shapes and positions alone.
    ///
    /// # Errors
    /// [`Error::Invalid`] for settings that cannot work on this dataset; [`Error::Refused`] for a fixture that reaches
    /// over too little.
    pub fn outlook(&self, dataset: &Dataset) -> Result<Outlook> {
        let (m, n) = (dataset.n_patterns(), dataset.n());
        let mut outlook = Outlook {
            files: vec![("", m)],
            n,
            ..Outlook::default()
        };
        let mut n_copies = 1;
        let mut has_patches = dataset.parts().patches.is_some();
        match self {
            Self::Subset(choice) => {
                let index = dataset.parts().scan_index.as_deref();
                outlook.rows = vec![choice.rows(dataset.positions_px(), index)?];
            }
            Self::Fixture(settings) => {
                outlook.rows = vec![fixture::rows(dataset, settings)?];
                n_copies += u64::from(settings.legacy_alias);
            }
            Self::Split(choice) => {
                let rows = choice.rows(dataset)?;
                outlook.leak = Some(rows.leak);
                outlook.middle_guard_px = Some((choice.split_axis, rows.middle_px, rows.guard_px));
                outlook.files = vec![("train", rows.train.len()), ("test", rows.test.len())];
                outlook.rows = vec![rows.train, rows.test];
            }
            Self::Crop(settings) => {
                settings.check_ranges()?;
                outlook.n = settings.side(n)?;
                has_patches &= dataset.object().is_some() || settings.crop == 0;
            }
            Self::Pad { to } => outlook.n = side_after(n, *to)?,
            Self::Patches { .. } => {
                object_of(dataset)?;
                has_patches = true;
            }
            Self::Shuffle { .. } | Self::Turn { .. } => {}
        }
        if let [rows] = outlook.rows.as_slice() {
            outlook.files = vec![("", rows.len())];
            outlook.coverage_percent = Some(coverage_percent(dataset.positions_px(), rows));
        }
        let patterns: usize = outlook.files.iter().map(|(_, patterns)| patterns).sum();
        let pixels = (patterns * outlook.n * outlook.n) as u64;
        outlook.bytes = pixels * (4 * n_copies + if has_patches { 8 } else { 0 });
        Ok(outlook)
    }

    /// Read `source`, do the work and write `output`: a file, or for a split the folder of `train.npz` and `test.npz`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if `output` is `source` or the settings cannot work; [`Error::Refused`]; [`Error::Io`];
    /// [`Error::Cancelled`], which leaves nothing half-written.
    pub fn run(
        &self,
        source: &Path,
        output: &Path,
        monitor: &dyn Monitor<()>,
    ) -> Result<ToolOutcome> {
        let outputs = self.outputs(output);
        for output in &outputs {
            not_in_place(source, output)?;
        }
        let opened = Dataset::open_watched(source, Strictness::Repair, &Part::new(monitor, 0, 3))?;
        let dataset = opened.dataset;
        let part = Part::new(monitor, 1, 3);
        let mut outcome = ToolOutcome {
            tool: self.name().to_owned(),
            settings: self.flags(),
            files: Vec::new(),
            done: Vec::new(),
            repairs: opened.repairs,
            leak: None,
            side_car: None,
        };
        let made = match self {
            Self::Subset(choice) => vec![subset(&dataset, choice)?],
            Self::Shuffle { seed } => vec![shuffle(&dataset, *seed)?],
            Self::Split(choice) => self.halves(&dataset, choice, &mut outcome)?,
            Self::Crop(settings) => {
                vec![compared(
                    &dataset,
                    patched(&dataset, crop(&dataset, settings, &part)?)?,
                )]
            }
            Self::Pad { to } => vec![compared(&dataset, patched(&dataset, pad(&dataset, *to)?)?)],
            Self::Turn { orientation } => vec![turn(&dataset, *orientation)?],
            Self::Patches { subpixel } => vec![self.patches(&dataset, *subpixel)?],
            Self::Fixture(settings) => {
                let part = Part::new(monitor, 2, 3);
                let (_, made) = fixture::write(&dataset, (source, output), settings, &part)?;
                outcome.side_car = Some(fixture::SideCar::path_of(output));
                outcome.done.extend(made.notes);
                outcome.files.push(written(&made.dataset, output)?);
                return Ok(outcome);
            }
        };
        let n_files = made.len();
        for (i, (made, output)) in made.into_iter().zip(&outputs).enumerate() {
            let part = Part::new(monitor, 2 * n_files + i, 3 * n_files);
            made.dataset.save_hashed(output, &part)?;
            outcome.done.extend(made.notes);
            outcome.files.push(written(&made.dataset, output)?);
        }
        Ok(outcome)
    }

    fn outputs(&self, output: &Path) -> Vec<PathBuf> {
        if self.writes_folder() {
            return ["train.npz", "test.npz"]
                .map(|name| output.join(name))
                .to_vec();
        }
        vec![output.to_path_buf()]
    }

    fn halves(
        &self,
        dataset: &Dataset,
        choice: &SplitChoice,
        outcome: &mut ToolOutcome,
    ) -> Result<Vec<Made>> {
        let SplitRows {
            train,
            test,
            guarded,
            middle_px,
            guard_px,
            leak,
        } = choice.rows(dataset)?;
        outcome.leak = Some(leak);
        outcome.done.push(format!(
            "split at {} {middle_px:.2} px, guard band {guard_px} px: {} patterns train, {} test, {} in neither",
            match choice.split_axis {
                SplitAxis::Y => "row",
                SplitAxis::X => "column",
            },
            train.len(),
            test.len(),
            guarded.len()
        ));
        outcome.done.push(format!(
            "leak: both halves see {} object pixels, {:.2} % of what the test half sees",
            leak.n_shared_px,
            leak.percent()
        ));
        let half = |rows: &[usize], name: &str| {
            let settings = format!("{} ({name})", self.flags());
            let parts = dataset.parts().select(rows);
            let dataset = descendant(dataset, parts, self.name(), &settings)?;
            Ok(Made {
                dataset,
                notes: Vec::new(),
            })
        };
        Ok(vec![half(&train, "train")?, half(&test, "test")?])
    }

    fn patches(&self, dataset: &Dataset, subpixel: Option<Subpixel>) -> Result<Made> {
        object_of(dataset)?;
        let (model, word) = model_of(dataset, subpixel);
        let with = with_patches(dataset, model)?;
        let replaced = if dataset.parts().patches.is_some() {
            "cut again"
        } else {
            "cut"
        };
        let notes = vec![format!(
            "{} patches {replaced} from objectGuess, each at its pattern's own position, model {word}",
            dataset.n_patterns()
        )];
        let settings = format!("--subpixel {word}");
        let dataset = descendant(dataset, with.parts().clone(), self.name(), &settings)?;
        Ok(Made { dataset, notes })
    }
}

/// The command as one types it.
pub fn command_line(tool: &Tool, source: &str, output: &str) -> String {
    let flags = tool.flags();
    let space = if flags.is_empty() { "" } else { " " };
    format!(
        "ptychobench {} {source} -o {output}{space}{flags}",
        tool.name()
    )
}

fn object_of(dataset: &Dataset) -> Result<()> {
    if dataset.object().is_some() {
        return Ok(());
    }
    Err(Error::Refused(Box::new(crate::error::Problem {
        attempted: "cut the object patch of every pattern".to_owned(),
        key: Some("objectGuess".to_owned()),
        expected: "an object".to_owned(),
        found: "none".to_owned(),
        fix: "name a file that holds its object".to_owned(),
        ..crate::error::Problem::default()
    })))
}

/// The model asked for, else that of the metadata, else `fourier`; and its word.
fn model_of(dataset: &Dataset, asked: Option<Subpixel>) -> (Subpixel, &'static str) {
    let is_bilinear = match asked {
        Some(model) => model == Subpixel::Bilinear,
        None => dataset.metadata().subpixel.as_deref() == Some("bilinear"),
    };
    if is_bilinear {
        (Subpixel::Bilinear, "bilinear")
    } else {
        (Subpixel::Fourier, "fourier")
    }
}

/// Cut `Y` again where a tool changed the pixels of the object, if there was one.
fn patched(before: &Dataset, made: Made) -> Result<Made> {
    let Made { dataset, mut notes } = made;
    if before.parts().patches.is_none() || dataset.parts().patches.is_some() {
        return Ok(Made { dataset, notes });
    }
    if dataset.object().is_none() {
        notes.push("Y left out: without an object it cannot be cut again".to_owned());
        return Ok(Made { dataset, notes });
    }
    notes.push("Y cut again from the new object".to_owned());
    let dataset = with_patches(&dataset, model_of(before, None).0)?;
    Ok(Made { dataset, notes })
}

/// Say how far patterns and forward model are apart, before and after.
fn compared(before: &Dataset, mut made: Made) -> Made {
    let model = model_of(before, None).0;
    let apart = |dataset| residual(dataset, model, N_COMPARED);
    if let (Some(old), Some(new)) = (apart(before), apart(&made.dataset)) {
        made.notes.push(format!(
            "amplitudes and the forward model of probe and object differ by {:.3} % (before: {:.3} %)",
            100.0 * new,
            100.0 * old
        ));
    }
    made
}

fn not_in_place(source: &Path, output: &Path) -> Result<()> {
    if !is_same_file(source, output) {
        return Ok(());
    }
    let expected = "another file than the input, which is never changed";
    Err(Error::invalid(
        "use a tool on a file",
        "output",
        expected,
        output.display().to_string(),
    ))
}

fn written(dataset: &Dataset, path: &Path) -> Result<Written> {
    Ok(Written {
        path: path.to_path_buf(),
        patterns: dataset.n_patterns(),
        n: dataset.n(),
        sha256: sha256_hex(&Map::open(path)?),
        content_sha256: dataset.content_sha256(),
    })
}

/// One of several passes, shown as one progress.
struct Part<'a> {
    monitor: &'a dyn Monitor<()>,
    index: usize,
    n_parts: usize,
}

impl<'a> Part<'a> {
    fn new(monitor: &'a dyn Monitor<()>, index: usize, n_parts: usize) -> Self {
        Self {
            monitor,
            index,
            n_parts,
        }
    }
}

impl Monitor<()> for Part<'_> {
    fn stop(&self) -> &Stop {
        self.monitor.stop()
    }
    fn progress(&self, progress: Progress) {
        self.monitor.progress(Progress {
            epoch: self.index,
            n_epochs: self.n_parts,
            epoch_share: progress.share(),
            loss: f64::NAN,
            rate_per_s: 0.0,
        });
    }
    fn snapshot(&self, (): ()) {}
}
