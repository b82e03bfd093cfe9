//! What overlap views are made of: one dataset, or both halves of a generated dose.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use ndarray::Array2;
use num_complex::Complex32;
use ptycho_core::data::{Dataset, Strictness};
use ptycho_core::grouping::{Planner, SpacingSettings, nearest_distances};
use ptycho_core::job::Monitor;
use ptycho_core::paint::colormap::{ColorMap, Map};
use ptycho_core::paint::component::Source;
use ptycho_core::paint::limits::Limits;
use ptycho_core::paint::picture::{Look, Meaning, Picture};
use ptycho_core::sim::SplitAxis;
use ptycho_core::study::generate::RunManifest;
use ptycho_core::study::overlap::{diameter_px, parents};
use ptycho_core::{Error, Result};

use super::super::widgets::scan_marks::Divide;

/// How much brighter than the brightest value white would be.
const BRIGHTER: f64 = 1.2;

/// Which subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectKey {
    /// The open scan of this number.
    Scan(u64),
    /// A generated folder, and the number of a dose in it.
    Folder(PathBuf, usize),
}

/// Positions of one dataset or two, with what lies beneath them.
pub struct Subject {
    /// Another number for another subject.
    pub version: u64,
    pub key: SubjectKey,
    pub name: String,
    pub halves: Vec<Half>,
    /// (row, column) of all halves, one after the other.
    pub positions_px: Vec<[f64; 2]>,
    /// Distance of each to the nearest other one of its half.
    pub nearest_px: Vec<f64>,
    pub frame_px: (usize, usize),
    /// Side of a pattern.
    pub n: usize,
    pub pixel_size_m: Option<f64>,
    /// In grey, where a file holds it.
    pub object: Option<Picture>,
    /// The probe's intensity, summed at all positions.
    pub illumination: Picture,
    /// How the halves were parted, where that is known.
    pub divide: Option<Divide>,
    /// Photons of each dose of the folder.
    pub doses: Vec<Option<f64>>,
    /// Keeps what does not change with the settings; one for each half.
    pub(super) planners: Mutex<Vec<Planner>>,
}

/// One dataset of a subject.
pub struct Half {
    /// `train`, `test`, or `scan`.
    pub name: String,
    /// Its rows of the subject.
    pub rows: Range<usize>,
    pub dataset: Arc<Dataset>,
    /// The probe's full width at half maximum, or why it has none.
    pub fwhm_px: Result<f64, String>,
}

impl Subject {
    /// The scan that is open.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn of_scan(
        id: u64,
        (name, path): (String, Option<&Path>),
        dataset: Arc<Dataset>,
        monitor: &dyn Monitor<super::super::work::Event>,
    ) -> Result<Self> {
        let divide = path.and_then(divide_of);
        let named = vec![("scan".to_owned(), dataset)];
        Self::new((SubjectKey::Scan(id), name), named, divide, monitor)
    }

    /// Both halves of the dose numbered `dose` of a generated folder.
    ///
    /// # Errors
    /// What opening yields; [`Error::Cancelled`].
    pub fn of_folder(
        folder: &Path,
        dose: usize,
        monitor: &dyn Monitor<super::super::work::Event>,
    ) -> Result<Self> {
        let parents = parents(folder)?;
        let chosen = dose.min(parents.len().saturating_sub(1));
        let parent = parents
            .get(chosen)
            .ok_or_else(|| Error::Run("the folder holds no dose".to_owned()))?;
        let open = |(name, path): &(String, PathBuf)| {
            let dataset = Dataset::open(path, Strictness::Repair)?.dataset;
            Ok((name.clone(), Arc::new(dataset)))
        };
        let named = parent.splits.iter().map(open).collect::<Result<_>>()?;
        let divide = parent.splits.first().and_then(|(_, path)| divide_of(path));
        let key = SubjectKey::Folder(folder.to_path_buf(), dose);
        let name = folder.file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        let mut subject = Self::new((key, name), named, divide, monitor)?;
        subject.doses = parents.iter().map(|parent| parent.dose).collect();
        Ok(subject)
    }

    fn new(
        (key, name): (SubjectKey, String),
        named: Vec<(String, Arc<Dataset>)>,
        divide: Option<Divide>,
        monitor: &dyn Monitor<super::super::work::Event>,
    ) -> Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let (mut halves, mut positions_px, mut nearest_px) = (Vec::new(), Vec::new(), Vec::new());
        let (mut planners, mut frame_px) = (Vec::new(), (1, 1));
        for (name, dataset) in named {
            let own = dataset.positions_px();
            let start = positions_px.len();
            positions_px.extend_from_slice(own);
            nearest_px.extend(nearest_distances(own));
            planners.push(Planner::new(own.into(), dataset.n()));
            let [rows, columns] = dataset.object_shape();
            frame_px = (frame_px.0.max(rows), frame_px.1.max(columns));
            let fwhm = diameter_px(&SpacingSettings::default(), &dataset);
            halves.push(Half {
                name,
                rows: start..positions_px.len(),
                fwhm_px: fwhm.map_err(|error| error.to_string()),
                dataset,
            });
            if monitor.stop().is_requested() {
                return Err(Error::Cancelled);
            }
        }
        let first = halves
            .first()
            .map(|half| Arc::clone(&half.dataset))
            .ok_or_else(|| Error::Run("there is no dataset".to_owned()))?;
        Ok(Self {
            version: NEXT.fetch_add(1, Ordering::Relaxed),
            key,
            name,
            object: halves.iter().find_map(|half| object_picture(&half.dataset)),
            illumination: illumination_picture(&halves, frame_px),
            halves,
            positions_px,
            nearest_px,
            frame_px,
            n: first.n(),
            pixel_size_m: first.metadata().pixel_size_m,
            divide,
            doses: Vec::new(),
            planners: Mutex::new(planners),
        })
    }

    /// The half that a row belongs to, with its number and the row within it.
    pub fn half_of(&self, row: usize) -> Option<(usize, &Half, usize)> {
        let mut halves = self.halves.iter().enumerate();
        let (i, half) = halves.find(|(_, half)| half.rows.contains(&row))?;
        Some((i, half, row - half.rows.start))
    }
}

/// How a generation parted the scan that this file is a half of.
fn divide_of(file: &Path) -> Option<Divide> {
    let folder = file.parent()?;
    let manifest = RunManifest::read(&RunManifest::file_in(folder.parent()?)).ok()?;
    let mut doses = manifest.doses.iter();
    let dose = doses.find(|dose| Some(dose.folder.as_os_str()) == folder.file_name())?;
    let design = dose.split.design?;
    Some(Divide {
        axis: usize::from(design.axis == SplitAxis::X),
        middle_px: design.middle_px,
        width_px: design.guard_px,
    })
}

fn object_picture(dataset: &Dataset) -> Option<Picture> {
    let object = dataset.object()?;
    let amplitude = object.mapv(Complex32::norm);
    Some(dimmed(&amplitude, Meaning::default()))
}

fn illumination_picture(halves: &[Half], frame_px: (usize, usize)) -> Picture {
    let mut sum = Array2::<f32>::zeros(frame_px);
    for half in halves {
        add_illumination(&mut sum, &half.dataset);
    }
    let meaning = Meaning {
        quantity: "illumination",
        unit: "photons",
    };
    dimmed(&sum, meaning)
}

/// In grey from black to the middle, so that marks of any colour are seen over it.
fn dimmed(values: &Array2<f32>, meaning: Meaning<'_>) -> Picture {
    let finite = values.iter().filter(|value| value.is_finite());
    let (min, max) = finite.fold((f32::INFINITY, f32::NEG_INFINITY), |(min, max), value| {
        (min.min(*value), max.max(*value))
    });
    let (min, max) = (f64::from(min), f64::from(max));
    let look = Look {
        color_map: Some(ColorMap::new(Map::Gray)),
        limits: (min < max).then_some(Limits::Manual {
            min,
            max: max + BRIGHTER * (max - min),
        }),
        ..Look::default()
    };
    Picture::new(&Source::Real(values.view()), &look, meaning, None)
}

/// `Σ |P|²` of all modes at the rounded positions; what lies outside of the frame is left out.
pub fn add_illumination(sum: &mut Array2<f32>, dataset: &Dataset) {
    let n = dataset.n();
    let mut intensity = Array2::<f32>::zeros((n, n));
    for mode in dataset.probe().outer_iter() {
        intensity.zip_mut_with(&mode, |sum, value| *sum += value.norm_sqr());
    }
    let (height, width) = sum.dim();
    for [row, column] in dataset.positions_px() {
        let corner = [row, column].map(|at| at.round() as i64 - (n / 2) as i64);
        let seen = |corner: i64, side: usize| {
            let from = (-corner).clamp(0, n as i64) as usize;
            let to = (side as i64 - corner).clamp(from as i64, n as i64) as usize;
            from..to
        };
        let columns = seen(corner[1], width);
        if columns.is_empty() {
            continue;
        }
        let left = (corner[1] + columns.start as i64) as usize;
        for i in seen(corner[0], height) {
            let target = (corner[0] + i as i64) as usize;
            let target = sum.row_mut(target);
            let source = intensity.row(i);
            let pairs = target
                .into_iter()
                .skip(left)
                .zip(source.iter().skip(columns.start));
            for (sum, value) in pairs.take(columns.len()) {
                *sum += value;
            }
        }
    }
}
