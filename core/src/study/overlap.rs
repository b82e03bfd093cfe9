//! Write overlap views: for every dose, view and split a dataset of the kept patterns with its groups and numbers.
//!
//! ```text
//! DIR/overlap_manifest.json
//! DIR/dose_1000/dense/train.npz  train/metrics.json  test.npz  test/metrics.json  metrics_bundle.json
//! ```
//!
//! Of a single file `scan.npz` the view lies in `DIR/dense`. A view's files are made in a hidden folder and appear
//! together. A view that cannot be formed for one of the splits is skipped for that dose, with the reason.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::data::{Dataset, DatasetParts, Metadata, Strictness};
use crate::disk::{self, StagingFolder};
use crate::error::{Error, Problem, Result};
use crate::fields::Fields as _;
use crate::grouping::groups::check as check_groups;
use crate::grouping::{GroupSettings, Planner, SpacingSettings, View, ViewMetrics, ViewPlan};
use crate::job::{Monitor, Progress, Stop};
use crate::sim::probe::report;
use crate::study::store::utc;

/// The schema number of `overlap_manifest.json`.
const SCHEMA: u32 = 1;
/// The splits of a generated dose.
const SPLITS: [&str; 2] = ["train", "test"];
/// Folders of doses begin so.
const DOSE_PREFIX: &str = "dose_";

/// Views to write, self-contained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverlapTask {
    /// An NPZ file, a folder with `train.npz` and `test.npz`, or one whose `dose_*` folders hold those.
    pub source: PathBuf,
    /// The views.
    pub views: Vec<View>,
    /// How groups are formed.
    pub groups: GroupSettings,
    /// How they are thinned and judged.
    pub spacing: SpacingSettings,
    /// The folder that gets it all; that of the source puts every view beside its parent.
    pub output: PathBuf,
    /// Threads; 0 = one for each core. The result does not depend on it.
    pub n_threads: usize,
}

/// What was written and what was not.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OverlapOutcome {
    /// Views that were written.
    pub views: Vec<WrittenView>,
    /// Views that could not be formed.
    pub skipped: Vec<SkippedView>,
    /// The record of all that.
    pub manifest: PathBuf,
}

/// One view of one dose.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WrittenView {
    /// Photons a pattern, by the name of the parent's folder.
    pub dose: Option<f64>,
    /// Its name.
    pub view: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Its datasets.
    pub splits: Vec<WrittenSplit>,
}

/// One dataset of a view.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WrittenSplit {
    /// `train`, `test`, or the name of a single file.
    pub split: String,
    /// The dataset.
    pub output_path: PathBuf,
    /// Its numbers as a file.
    pub spacing_stats_path: PathBuf,
    /// As [`Dataset::content_sha256`].
    pub content_sha256: String,
    /// The same of the dataset it was made from.
    pub parent_sha256: String,
    /// Its numbers.
    pub metrics: ViewMetrics,
    /// How much is left, in words.
    pub words: String,
    /// Whether that is little to train on.
    pub is_little: bool,
}

/// A view that could not be formed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SkippedView {
    /// Photons a pattern, by the name of the parent's folder.
    pub dose: Option<f64>,
    /// Its name.
    pub view: String,
    /// Why, and what would change it.
    pub reason: String,
}

/// A dataset, or the pair of one dose.
#[derive(Clone, Debug, PartialEq)]
pub struct Parent {
    /// Photons a pattern, by the name of its folder.
    pub dose: Option<f64>,
    /// Its folder within source and output, empty for none.
    pub folder: PathBuf,
    /// The name and the file of each of its datasets.
    pub splits: Vec<(String, PathBuf)>,
}

impl Parent {
    fn view_folder(&self, task: &OverlapTask, view: &View) -> PathBuf {
        task.output.join(&self.folder).join(&view.name)
    }
}

/// A dataset with what is known of it.
struct Scan {
    split: String,
    path: PathBuf,
    dataset: Dataset,
    planner: Planner,
    diameter_px: f64,
}

/// Write every view of every dose.
///
/// # Errors
/// [`Error::Invalid`] where settings cannot be used, or more groups are wanted of a dose than any choice could keep, told
/// before its views are tried; what opening yields; [`Error::Io`]; [`Error::Cancelled`]. Views that were written before
/// stay.
pub fn write_views(task: &OverlapTask, monitor: &dyn Monitor<()>) -> Result<OverlapOutcome> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(task.n_threads)
        .build()
        .map_err(|error| Error::Run(format!("cannot start the threads: {error}")))?;
    pool.install(|| write_all(task, monitor))
}

/// The diameter of discs for a probe: as given, or the full width at half maximum of its intensity.
///
/// # Errors
/// [`Error::Invalid`] for a probe without one.
pub fn diameter_px(spacing: &SpacingSettings, dataset: &Dataset) -> Result<f64> {
    match spacing.probe_diameter {
        crate::fields::AutoReal::Given(diameter_px) => Ok(diameter_px),
        crate::fields::AutoReal::Auto => report(dataset.probe().view(), 1.0)
            .map(|report| report.fwhm_px)
            .map_err(|error| error.with_fix("give --probe-diameter in px")),
    }
}

/// Tells of all files what the writing of one tells of itself.
struct Files<'a> {
    monitor: &'a dyn Monitor<()>,
    n_done: usize,
    n_all: usize,
}

impl Files<'_> {
    fn done(&mut self, n: usize) {
        self.n_done += n;
        self.tell(Progress::default(), 0.0);
    }

    fn tell(&self, progress: Progress, share: f64) {
        self.monitor.progress(Progress {
            epoch: self.n_done,
            n_epochs: self.n_all,
            epoch_share: share,
            ..progress
        });
    }
}

impl Monitor<()> for Files<'_> {
    fn stop(&self) -> &Stop {
        self.monitor.stop()
    }
    fn progress(&self, progress: Progress) {
        self.tell(progress, progress.share());
    }
    fn snapshot(&self, (): ()) {}
}

fn write_all(task: &OverlapTask, monitor: &dyn Monitor<()>) -> Result<OverlapOutcome> {
    task.groups.check_ranges()?;
    task.spacing.check_ranges()?;
    // Whatever the scans are: a K below C is no reason to skip a view, but a mistake.
    check_groups(usize::MAX, &task.groups)?;
    for view in &task.views {
        view.check()?;
    }
    let started = utc(SystemTime::now());
    let parents = parents(&task.source)?;
    let (mut views, mut skipped, mut inputs) = (Vec::new(), Vec::new(), Vec::new());
    let n_all = parents
        .iter()
        .map(|parent| parent.splits.len())
        .sum::<usize>()
        * task.views.len();
    let mut files = Files {
        monitor,
        n_done: 0,
        n_all,
    };
    for parent in &parents {
        let mut scans = open(task, parent)?;
        for scan in &mut scans {
            for view in &task.views {
                let wish = scan.planner.check_wish(view, &task.groups);
                wish.map_err(|error| error.with_file(&scan.path))?;
            }
        }
        for view in &task.views {
            check_stop(monitor.stop())?;
            match plan_all(task, view, &mut scans) {
                Ok(plans) => {
                    views.push(write_view(task, parent, (&scans, &plans), &mut files)?);
                }
                Err(reason) => {
                    skipped.push(SkippedView {
                        dose: parent.dose,
                        view: view.name.clone(),
                        reason: with_earlier(reason, &parent.view_folder(task, view)),
                    });
                    files.done(scans.len());
                }
            }
        }
        inputs.extend(scans.iter().map(|scan| {
            json!({
                "path": scan.path, "content_sha256": scan.dataset.content_sha256(),
                "n_patterns": scan.dataset.n_patterns(), "n": scan.dataset.n(),
                "probe_diameter_px": scan.diameter_px, "repairs": scan.dataset.metadata().repairs,
            })
        }));
    }
    let manifest = task.output.join("overlap_manifest.json");
    let record = json!({
        "schema": SCHEMA, "program": "ptychobench", "version": env!("CARGO_PKG_VERSION"), "task": task,
        "seeds": {"grouping": task.groups.seed, "subsampling": task.groups.seed},
        "n_threads": rayon::current_num_threads(), "inputs": inputs, "outputs": outputs(&views, &task.output),
        "skipped_views": skipped, "skipped_count": skipped.len(), "started": started, "ended": utc(SystemTime::now()),
    });
    disk::write_json(&manifest, &record)?;
    Ok(OverlapOutcome {
        views,
        skipped,
        manifest,
    })
}

/// The datasets of a source ([`OverlapTask::source`]), ordered by dose.
///
/// # Errors
/// [`Error::Io`]; [`Error::Invalid`] for a folder without any.
pub fn parents(source: &Path) -> Result<Vec<Parent>> {
    if !source.is_dir() {
        let name = source.file_stem().unwrap_or_default();
        return Ok(vec![Parent {
            dose: None,
            folder: PathBuf::new(),
            splits: vec![(name.to_string_lossy().into_owned(), source.to_path_buf())],
        }]);
    }
    let entries = std::fs::read_dir(source).map_err(Error::io("list", source))?;
    let mut found: Vec<Parent> = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::io("list", source))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(dose) = name.strip_prefix(DOSE_PREFIX) {
            found.extend(pair(&entry.path(), name.as_ref(), dose.parse().ok()));
        }
    }
    found.sort_by(|a, b| {
        let dose = |parent: &Parent| parent.dose.unwrap_or(f64::INFINITY);
        dose(a).total_cmp(&dose(b)).then(a.folder.cmp(&b.folder))
    });
    if found.is_empty() {
        found.extend(pair(source, Path::new(""), None));
    }
    if found.is_empty() {
        return Err(Error::Invalid(Box::new(Problem {
            attempted: "make overlap views".to_owned(),
            file: Some(source.to_path_buf()),
            expected: "train.npz and test.npz, in the folder or in folders dose_* within"
                .to_owned(),
            found: "neither".to_owned(),
            fix: "give the folder that simulate wrote, or an NPZ file".to_owned(),
            ..Problem::default()
        })));
    }
    Ok(found)
}

/// The pair in a folder, if one of it is there; a missing other one is told when it is opened.
fn pair(path: &Path, name: &Path, dose: Option<f64>) -> Option<Parent> {
    let splits = SPLITS.map(|split| (split.to_owned(), path.join(format!("{split}.npz"))));
    splits
        .iter()
        .any(|(_, file)| file.is_file())
        .then(|| Parent {
            dose,
            folder: name.to_path_buf(),
            splits: splits.to_vec(),
        })
}

fn open(task: &OverlapTask, parent: &Parent) -> Result<Vec<Scan>> {
    let open = |(split, path): &(String, PathBuf)| {
        let dataset = Dataset::open(path, Strictness::Repair)?.dataset;
        let positions: Arc<[[f64; 2]]> = dataset.positions_px().into();
        Ok(Scan {
            split: split.clone(),
            path: path.clone(),
            planner: Planner::new(positions, dataset.n()),
            diameter_px: diameter_px(&task.spacing, &dataset)
                .map_err(|error| error.with_file(path))?,
            dataset,
        })
    };
    parent.splits.iter().map(open).collect()
}

/// A plan for every split, or why there is none.
fn plan_all(task: &OverlapTask, view: &View, scans: &mut [Scan]) -> Result<Vec<ViewPlan>, String> {
    let mut plans = Vec::new();
    for scan in scans {
        let plan = scan
            .planner
            .plan(view, &task.groups, &task.spacing, scan.diameter_px)
            .map_err(|error| format!("{}: {error}", scan.split))?;
        plans.push(plan);
    }
    Ok(plans)
}

fn with_earlier(reason: String, folder: &Path) -> String {
    if folder.join("metrics_bundle.json").is_file() {
        return format!(
            "{reason}; files of an earlier run still lie in {}",
            folder.display()
        );
    }
    reason
}

fn write_view(
    task: &OverlapTask,
    parent: &Parent,
    (scans, plans): (&[Scan], &[ViewPlan]),
    files: &mut Files<'_>,
) -> Result<WrittenView> {
    let view = &plans[0].view;
    let folder = parent.view_folder(task, view);
    let staging = StagingFolder::beside(&folder)?;
    let mut splits = Vec::new();
    let mut bundle = serde_json::Map::new();
    for (scan, plan) in scans.iter().zip(plans) {
        let output = PathBuf::from(format!("{}.npz", scan.split));
        let stats = Path::new(&scan.split).join("metrics.json");
        check_not_input(&folder.join(&output), scans)?;
        let dataset = filtered(task, &scan.dataset, plan)?;
        let saved = dataset.save_hashed(&staging.path().join(&output), files)?;
        files.done(1);
        let metrics = plan.metrics();
        disk::write_json(&staging.path().join(&stats), &metrics)?;
        bundle.insert(
            scan.split.clone(),
            json!({
                "output_path": output, "spacing_stats_path": stats, "K": plan.k, "C": plan.groups.c(),
                "branch": plan.branch, "n_groups": plan.groups.n_groups(), "n_patterns": plan.rows.len(),
                "content_sha256": saved.content_sha256, "parent_sha256": scan.dataset.content_sha256(),
                "seed": task.groups.seed,
            }),
        );
        splits.push(WrittenSplit {
            split: scan.split.clone(),
            output_path: folder.join(output),
            spacing_stats_path: folder.join(stats),
            content_sha256: saved.content_sha256,
            parent_sha256: scan.dataset.content_sha256(),
            metrics,
            words: plan.words(),
            is_little: plan.is_little(),
        });
    }
    disk::write_json(&staging.path().join("metrics_bundle.json"), &bundle)?;
    staging.publish(&folder)?;
    Ok(WrittenView {
        dose: parent.dose,
        view: view.name.clone(),
        folder,
        splits,
    })
}

/// The patterns of a view as a dataset of their own.
fn filtered(task: &OverlapTask, parent: &Dataset, plan: &ViewPlan) -> Result<Dataset> {
    let parts = parent.parts().select(&plan.rows);
    let mut seeds: BTreeMap<String, u64> = parent.metadata().seeds.clone();
    seeds.insert("grouping".to_owned(), task.groups.seed);
    seeds.insert("subsampling".to_owned(), task.groups.seed);
    let mut words = vec![
        "ptychobench".to_owned(),
        "overlap".to_owned(),
        "--views".to_owned(),
    ];
    words.push(format!("{}={}", plan.view.name, plan.view.overlap));
    words.extend(task.groups.flags());
    words.extend(task.spacing.flags());
    Dataset::derived(DatasetParts {
        group_index: Some(plan.groups.index_into(&plan.rows)),
        metadata: Metadata {
            command: words.join(" "),
            seeds,
            parent_sha256: Some(parent.content_sha256()),
            ..parent.metadata().clone()
        },
        ..parts
    })
}

/// A view never takes the place of the file it is made of.
fn check_not_input(output: &Path, scans: &[Scan]) -> Result<()> {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    let Some(output) = real(output) else {
        return Ok(());
    };
    if scans
        .iter()
        .any(|scan| real(&scan.path).as_ref() == Some(&output))
    {
        let expected = "another folder than that of the source";
        let error = Error::invalid("make overlap views", "output", expected, "the same");
        return Err(error.with_fix("give another -o").with_file(&output));
    }
    Ok(())
}

fn outputs(views: &[WrittenView], folder: &Path) -> Vec<serde_json::Value> {
    let short = |path: &Path| path.strip_prefix(folder).unwrap_or(path).to_path_buf();
    let of_view = |view: &WrittenView| {
        let of_split = |split: &WrittenSplit| {
            json!({
                "dose": view.dose, "view": view.view, "split": split.split,
                "path": short(&split.output_path), "content_sha256": split.content_sha256,
                "parent_sha256": split.parent_sha256, "metrics": short(&split.spacing_stats_path),
                "n_groups": split.metrics.n_groups_actual, "n_patterns": split.metrics.n_images_kept,
            })
        };
        view.splits.iter().map(of_split).collect::<Vec<_>>()
    };
    views.iter().flat_map(of_view).collect()
}

fn check_stop(stop: &Stop) -> Result<()> {
    if stop.is_requested() {
        return Err(Error::Cancelled);
    }
    Ok(())
}
