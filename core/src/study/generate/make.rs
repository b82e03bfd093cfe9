//! One dose through the five stages, into a staging folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use crate::compute::Compute;
use crate::data::write::write_npz;
use crate::data::{Dataset, DatasetParts, Finding, Metadata, Saved, Strictness};
use crate::error::{Error, Problem, Result};
use crate::sim::stages::{
    Design, Half, canonicalise, simulate_on, split_scans, validate, with_patches,
};
use crate::sim::{Scene, Simulator};
use crate::study::generate::manifest::LightRecord;
use crate::study::generate::progress::{Part, Watch};
use crate::study::generate::scene::{Parted, Prepared, Prior};
use crate::study::generate::{Stage, StageState};

/// Where writing ends and validation begins, in parts of the work on a dose.
const WRITTEN_SHARE: f64 = 0.85;

/// What came of one dose.
pub(super) struct Made {
    /// Files in the staging folder, and their content's SHA-256.
    pub(super) files: Vec<(PathBuf, String)>,
    pub(super) photons_measured: f64,
    pub(super) light: BTreeMap<String, LightRecord>,
    pub(super) findings: BTreeMap<String, Vec<Finding>>,
    /// Of the stages' own work.
    pub(super) seconds: [f64; 5],
    pub(super) writing_s: f64,
    pub(super) total_s: f64,
    pub(super) patterns_per_s: f64,
}

/// Make one dose in `staging`; `dose` is its number and the factor on its probe.
pub(super) fn make(
    prepared: &Prepared<'_>,
    prior: &Prior,
    watch: &Watch<'_>,
    dose: (usize, f64),
    staging: &Path,
) -> Result<Made> {
    let start = Instant::now();
    let mut making = Making {
        prepared,
        prior,
        watch,
        dose: dose.0,
        probe_factor: dose.1,
        staging,
        files: Vec::new(),
        seconds: [0.0; 5],
        writing_s: 0.0,
        n_drawn: 0,
        drawing_s: 0.0,
        simulators: Vec::new(),
    };
    let halves = making.halves()?;
    let (saved, photons_measured) = making.write(&halves)?;
    making.check_device()?;
    let findings = making.validate()?;
    let counts_factor = halves.train.metadata().counts_factor.unwrap_or(1.0);
    let light = |saved: &Saved, half: &Dataset| {
        LightRecord::of(saved, half.n_patterns(), half.n(), counts_factor)
    };
    let light = BTreeMap::from([
        ("train".to_owned(), light(&saved[0], &halves.train)),
        ("test".to_owned(), light(&saved[1], &halves.test)),
    ]);
    let earlier = prior.record.as_ref();
    let rate = making.n_drawn as f64 / making.drawing_s;
    Ok(Made {
        photons_measured,
        light,
        findings,
        patterns_per_s: match making.n_drawn {
            0 => earlier.map_or(0.0, |record| record.patterns_per_s),
            _ => rate,
        },
        files: making.files,
        seconds: making.seconds,
        writing_s: making.writing_s,
        total_s: start.elapsed().as_secs_f64(),
    })
}

/// One dose in the making.
struct Making<'a> {
    prepared: &'a Prepared<'a>,
    prior: &'a Prior,
    watch: &'a Watch<'a>,
    dose: usize,
    probe_factor: f64,
    staging: &'a Path,
    files: Vec<(PathBuf, String)>,
    seconds: [f64; 5],
    writing_s: f64,
    /// Patterns drawn, and the wall-clock time while all threads drew.
    n_drawn: usize,
    drawing_s: f64,
    /// Those behind the patterns.
    simulators: Vec<Arc<Simulator>>,
}

/// Training and test set, not yet written.
struct Halves {
    train: Dataset,
    test: Dataset,
    /// Patterns of the guard band, which are drawn for the photon statistics alone.
    guarded: Option<Dataset>,
    /// Whether patterns are drawn when read, and not read from a kept result.
    is_drawn: bool,
}

impl Making<'_> {
    /// Stages 1 to 4; nothing is computed yet, unless intermediate results are kept.
    fn halves(&mut self) -> Result<Halves> {
        let scene = &self.prepared.scene;
        let seed = self.prepared.task.simulation.seed;
        let first = self.whole(scene, seed, "")?;
        let second = match &scene.test_positions_px {
            None => None,
            Some(positions_px) => {
                let scene = Scene {
                    positions_px: positions_px.clone(),
                    test_positions_px: None,
                    ..scene.clone()
                };
                Some(self.whole(&scene, self.prepared.task.split.test_seed, "_test")?)
            }
        };
        let is_drawn = !first.frames().is_mapped();
        let start = Instant::now();
        let halves = match (&self.prepared.parted, second) {
            (Parted::Rows(rows), _) => Halves {
                train: first.select(&rows.train)?,
                test: first.select(&rows.test)?,
                guarded: match rows.guarded.as_slice() {
                    [] => None,
                    guarded => Some(first.select(guarded)?),
                },
                is_drawn,
            },
            (Parted::Scans(_), Some(second)) => {
                let split = split_scans(first, second)?;
                Halves {
                    train: split.train,
                    test: split.test,
                    guarded: None,
                    is_drawn,
                }
            }
            (Parted::Scans(_), None) => {
                return Err(Error::Run("the second scan is lost".to_owned()));
            }
        };
        self.seconds[Stage::Split as usize] += start.elapsed().as_secs_f64();
        Ok(halves)
    }

    /// Stages 1 to 3 of one scan, from the latest kept result that holds.
    fn whole(&mut self, scene: &Scene, seed: u64, suffix: &str) -> Result<Dataset> {
        let simulation = &self.prepared.task.simulation;
        let kept = self.prior.start.as_ref().and_then(|start| {
            let file = if suffix.is_empty() {
                Some(&start.file)
            } else {
                start.second.as_ref()
            };
            Some((start.stage, file?))
        });
        if let Some((stage, _)) = kept {
            for done in Stage::ALL.into_iter().take_while(|done| *done <= stage) {
                self.done(done, true);
            }
        }
        let canonical = match kept {
            Some((Stage::Patches, file)) => return self.reopened(file),
            Some((_, file)) => self.reopened(file)?,
            None => {
                let canonical = self.canonical(scene, seed)?;
                self.keep(canonical, &format!("2_canonical{suffix}.npz"))?
            }
        };
        if !simulation.patches {
            return Ok(canonical);
        }
        let start = Instant::now();
        let patched = with_patches(&canonical, simulation.subpixel)?;
        self.seconds[Stage::Patches as usize] += start.elapsed().as_secs_f64();
        self.keep(patched, &format!("3_patches{suffix}.npz"))
    }

    /// Stages 1 and 2.
    fn canonical(&mut self, scene: &Scene, seed: u64) -> Result<Dataset> {
        let (task, photons) = (self.prepared.task, self.prior.photons);
        let start = Instant::now();
        let device = self.prepared.compute.as_ref().map(Compute::device);
        let light = (photons, self.probe_factor);
        let simulated = simulate_on(scene, light, seed, &task.simulation, device)?;
        self.simulators.push(Arc::clone(&simulated.simulator));
        let simulated_at = Instant::now();
        let dataset = canonicalise(simulated)?;
        self.seconds[Stage::Simulate as usize] += (simulated_at - start).as_secs_f64();
        self.seconds[Stage::Canonicalise as usize] += simulated_at.elapsed().as_secs_f64();
        let mut seeds = dataset.metadata().seeds.clone();
        // The object is the first scan's, whatever the seed of this one.
        if let Some(scan) = seeds.insert("simulation".to_owned(), task.simulation.seed) {
            seeds.insert("scan".to_owned(), scan);
        }
        let metadata = Metadata {
            seeds,
            ..dataset.metadata().clone()
        };
        self.named(&dataset, metadata)
    }

    /// A kept result, made by another command perhaps.
    fn reopened(&self, file: &Path) -> Result<Dataset> {
        let dataset = Dataset::open(file, Strictness::Repair)?.dataset;
        let metadata = dataset.metadata().clone();
        self.named(&dataset, metadata)
    }

    /// The dataset with the command that makes it.
    fn named(&self, dataset: &Dataset, metadata: Metadata) -> Result<Dataset> {
        let metadata = Metadata {
            command: self.prepared.task.command(self.prior.photons),
            ..metadata
        };
        Dataset::derived(DatasetParts {
            metadata,
            ..dataset.parts().clone()
        })
    }

    /// Write an intermediate result where that is asked for, and go on from what was written.
    fn keep(&mut self, dataset: Dataset, name: &str) -> Result<Dataset> {
        if !self.prepared.task.simulation.keep_intermediates {
            return Ok(dataset);
        }
        let path = Path::new("stages").join(name);
        let file = self.staging.join(&path);
        let is_drawn = !dataset.frames().is_mapped();
        let part = self.part([0.05, 0.4], [0.0, 1.0], dataset.parts().patches.is_some());
        let mut written = None;
        write_npz(&file, |npz| {
            let saved = dataset.write_arrays(npz, &part)?;
            let metadata = measured(dataset.metadata(), saved.mean_counts);
            written = Some(saved);
            npz.json("_metadata", &metadata)
        })?;
        let Some(saved) = written else {
            return Err(Error::Run(
                "a file was written without its content".to_owned(),
            ));
        };
        self.count(&saved, dataset.n_patterns(), is_drawn);
        self.files.push((path, saved.content_sha256));
        if dataset.metadata().counts_factor.is_some() {
            // Opened again it would be mended to counts.
            return Ok(dataset);
        }
        Ok(Dataset::open(&file, Strictness::Repair)?.dataset)
    }

    /// Write both halves; the photons measured over the whole scan stand in both.
    fn write(&mut self, halves: &Halves) -> Result<([Saved; 2], f64)> {
        let Halves {
            train,
            test,
            guarded,
            is_drawn,
        } = halves;
        let has_patches = train.parts().patches.is_some();
        let guarded_counts = match guarded {
            Some(guarded) => self.guarded_counts(guarded, *is_drawn)?,
            None => 0.0,
        };
        let n_train = train.n_patterns() as f64;
        let n_both = n_train + test.n_patterns() as f64;
        let middle = n_train / n_both;
        let parts = [[0.0, middle], [middle, 1.0]].map(|span| {
            let of_dose = span.map(|share| 0.05 + share * (WRITTEN_SHARE - 0.05));
            self.part(of_dose, span, has_patches)
        });
        let is_one_scan = matches!(self.prepared.parted, Parted::Rows(_));
        let n_scan = n_both + guarded.as_ref().map_or(0, Dataset::n_patterns) as f64;
        let mut pair = None;
        write_npz(&self.staging.join("train.npz"), |npz| {
            let first = train.write_arrays(npz, &parts[0])?;
            let mut second = None;
            let mut of_scan = first.mean_counts;
            write_npz(&self.staging.join("test.npz"), |npz| {
                let saved = test.write_arrays(npz, &parts[1])?;
                let mut of_test = saved.mean_counts;
                if is_one_scan {
                    let drawn =
                        first.mean_counts * n_train + saved.mean_counts * (n_both - n_train);
                    of_scan = (drawn + guarded_counts) / n_scan;
                    of_test = of_scan;
                }
                second = Some(saved);
                npz.json("_metadata", &measured(test.metadata(), of_test))
            })?;
            pair = second.map(|second| ([first, second], of_scan));
            npz.json("_metadata", &measured(train.metadata(), of_scan))
        })?;
        let Some((saved, of_scan)) = pair else {
            return Err(Error::Run(
                "a file was written without its content".to_owned(),
            ));
        };
        for (half, saved, dataset) in [("train", &saved[0], train), ("test", &saved[1], test)] {
            self.count(saved, dataset.n_patterns(), *is_drawn);
            let file = PathBuf::from(format!("{half}.npz"));
            self.files.push((file, saved.content_sha256.clone()));
        }
        for stage in [
            Stage::Simulate,
            Stage::Canonicalise,
            Stage::Patches,
            Stage::Split,
        ] {
            self.done(stage, false);
        }
        let counts_factor = train.metadata().counts_factor.unwrap_or(1.0);
        Ok((saved, of_scan * counts_factor.powi(2)))
    }

    /// Counts of all patterns in the guard band, which stand in no file.
    fn guarded_counts(&mut self, guarded: &Dataset, is_drawn: bool) -> Result<f64> {
        let start = Instant::now();
        let stop = self.watch.stop();
        let counts = guarded.frames().map_frames(|_, frame| {
            // What is drawn after a stop is dropped with all the rest.
            if stop.is_requested() {
                return 0.0;
            }
            frame.iter().map(|value| f64::from(*value).powi(2)).sum()
        });
        if stop.is_requested() {
            return Err(Error::Cancelled);
        }
        if is_drawn {
            self.n_drawn += guarded.n_patterns();
            self.drawing_s += start.elapsed().as_secs_f64();
            self.seconds[Stage::Simulate as usize] += start.elapsed().as_secs_f64();
        }
        Ok(counts.iter().sum())
    }

    /// That no pattern was drawn from counts of another origin than the device's.
    fn check_device(&self) -> Result<()> {
        let failure = self.simulators.iter().find_map(|s| s.device_failure());
        failure.map_or(Ok(()), |words| {
            Err(Error::Run(format!(
                "the device failed: {words}; simulate again with --device cpu"
            )))
        })
    }

    /// Stage 5.
    fn validate(&mut self) -> Result<BTreeMap<String, Vec<Finding>>> {
        let start = Instant::now();
        let mut findings = BTreeMap::new();
        for (i, half) in [Half::Train, Half::Test].into_iter().enumerate() {
            let at = |share: f64| WRITTEN_SHARE + share * (1.0 - WRITTEN_SHARE);
            let from = i as f64 / 2.0;
            let part = Part {
                watch: self.watch,
                dose: self.dose,
                span: [at(from), at(from + 0.5)],
                stages: vec![(Stage::Validate, 1.0)],
                stage_span: [from, from + 0.5],
            };
            let name = |half: Half| format!("{}.npz", half.stem());
            let other = self.staging.join(name(half.other()));
            let design = Design {
                half: Some(half),
                other: Some(&other),
                split: self.prepared.split().design,
                ..Design::default()
            };
            let judged = validate(&self.staging.join(name(half)), &design, &part)?;
            if let Some(sentence) = judged.refusal() {
                let folder = self.prepared.task.dose_folder(self.prior.photons);
                return Err(Error::Refused(Box::new(Problem {
                    attempted: "accept a generated dataset".to_owned(),
                    file: Some(folder.join(name(half))),
                    expected: "a file that obeys contract and design".to_owned(),
                    found: sentence,
                    fix: "nothing was kept; change the scene or the split".to_owned(),
                    ..Problem::default()
                })));
            }
            findings.insert(half.stem().to_owned(), judged.findings);
        }
        self.seconds[Stage::Validate as usize] = start.elapsed().as_secs_f64();
        self.done(Stage::Validate, false);
        Ok(findings)
    }

    fn count(&mut self, saved: &Saved, n_patterns: usize, is_drawn: bool) {
        self.writing_s += saved.seconds.writing;
        self.seconds[Stage::Patches as usize] += saved.seconds.patches;
        if is_drawn {
            self.n_drawn += n_patterns;
            self.drawing_s += saved.seconds.patterns;
            self.seconds[Stage::Simulate as usize] += saved.seconds.patterns;
        } else {
            self.writing_s += saved.seconds.patterns;
        }
    }

    fn done(&self, stage: Stage, is_unchanged: bool) {
        let is_kept = self
            .prior
            .start
            .as_ref()
            .is_some_and(|start| stage <= start.stage);
        let state = if stage == Stage::Patches && !self.prepared.task.simulation.patches {
            StageState::Skipped
        } else {
            StageState::Done {
                is_unchanged: is_unchanged || is_kept,
                seconds: self.seconds[stage as usize],
            }
        };
        self.watch.set(self.dose, stage, state);
    }

    /// A pass that draws and, with patches, cuts: a pixel has 4 bytes of pattern and 8 of patch.
    fn part(&self, span: [f64; 2], stage_span: [f64; 2], has_patches: bool) -> Part<'_> {
        let stages = if has_patches {
            vec![(Stage::Simulate, 1.0 / 3.0), (Stage::Patches, 1.0)]
        } else {
            vec![(Stage::Simulate, 1.0)]
        };
        Part {
            watch: self.watch,
            dose: self.dose,
            span,
            stages,
            stage_span,
        }
    }
}

/// Metadata with the photons that were measured, in counts.
fn measured(metadata: &Metadata, mean_squares: f64) -> Metadata {
    let counts_factor = metadata.counts_factor.unwrap_or(1.0);
    let metadata = metadata.clone();
    Metadata {
        photons_measured: Some(mean_squares * counts_factor.powi(2)),
        ..metadata
    }
    .signed()
}
