//! Everything that a figure needs, read and checked before anything is drawn.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ndarray::Array2;
use serde::Serialize;
use serde_json::Value;

use super::choice::{Choice, DIFFRACTION, TRUTH, is_same};
use super::read::{self, Compared, Course, InputFile, Pictures, RingCurves};
use super::{ATTEMPTED, FigureDesign};
use crate::error::{Error, Problem, Result};
use crate::metrics::settings::CompareSettings;
use crate::study::plan::{Plan, Task, TaskKind, Work};
use crate::study::store::RECORD_FILES;

/// What trainings and reconstructions tell of their epochs.
const HISTORY: &str = "history.json";

/// What a figure is drawn from.
#[derive(Clone, Debug)]
pub struct Material {
    pub(super) study: String,
    pub(super) study_sha256: String,
    pub(super) choice: Choice,
    /// Which half is drawn: `test`, unless only the other was compared.
    pub(super) split: String,
    /// Which pattern is drawn.
    pub(super) pattern: usize,
    pub(super) rows: Vec<Row>,
    pub(super) pixel_size_m: Option<f64>,
    /// How reconstructions were brought to the truth.
    pub(super) how: CompareSettings,
    /// Files that were read, each once, in order.
    pub(super) inputs: Vec<InputFile>,
    pub(super) notes: Vec<String>,
}

/// One dose.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) dose: f64,
    /// Counts `(n, n)`; empty where no column shows them.
    pub(super) counts: Array2<f32>,
    /// Of each column; `None` for diffraction.
    pub(super) pictures: Vec<Option<Pictures>>,
    /// First row and column of the pictures in the object frame.
    pub(super) corner: [usize; 2],
    /// Every number of the comparison.
    pub(super) numbers: Vec<Numbers>,
    /// Correlations of amplitudes, then of phases.
    pub(super) rings: [RingCurves; 2],
    /// Of each arm that is drawn, in order.
    pub(super) courses: Vec<(String, Course)>,
}

/// A number of a reconstruction that is drawn.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Number {
    /// Photons a pattern.
    pub dose: f64,
    /// Arm.
    pub arm: String,
    /// As in [`crate::metrics::definitions::DEFINITIONS`].
    pub metric: &'static str,
    /// Of the amplitude, over all that is compared.
    pub amplitude: Option<f64>,
    /// Of the phase.
    pub phase: Option<f64>,
}

/// Numbers of one column, of amplitude and phase, by key; none of what is no reconstruction.
pub(super) type Numbers = Vec<(&'static str, [Option<f64>; 2])>;

/// Why nothing can be drawn.
#[derive(Debug)]
pub enum Unready {
    /// Inputs that are missing or cannot be used, each in words.
    Missing(Vec<String>),
    /// What cannot be drawn in this study at all.
    Wrong(Error),
}

impl From<Error> for Unready {
    fn from(error: Error) -> Self {
        Self::Wrong(error)
    }
}

impl Unready {
    /// One error that names everything.
    pub fn into_error(self) -> Error {
        match self {
            Self::Wrong(error) => error,
            Self::Missing(missing) => Error::Invalid(Box::new(Problem {
                attempted: ATTEMPTED.to_owned(),
                key: Some("inputs".to_owned()),
                expected: "every input there".to_owned(),
                found: format!("{} missing: {}", missing.len(), missing.join("; ")),
                fix: "run the study first: ptychobench study run".to_owned(),
                ..Problem::default()
            })),
        }
    }
}

impl Material {
    /// Read all that a figure of this design needs; of its style only which pattern is drawn matters here.
    ///
    /// # Errors
    /// [`Unready`] that names everything that is missing at once.
    pub fn read(plan: &Plan, runs: &Path, design: &FigureDesign) -> Result<Self, Unready> {
        let choice = Choice::of(plan, design)?;
        let mut reader = Reader {
            plan,
            folder: plan.folder(runs),
            choice: &choice,
            pattern: design.style.pattern,
            pixel_size_m: None,
            how: CompareSettings::default(),
            inputs: BTreeSet::new(),
            missing: Vec::new(),
            stale: BTreeSet::new(),
        };
        let split = choice.split.clone();
        let rows: Vec<Option<Row>> = choice
            .doses
            .iter()
            .map(|&dose| reader.row(dose, &split))
            .collect();
        let Reader {
            missing,
            inputs,
            stale,
            pixel_size_m,
            how,
            ..
        } = reader;
        if !missing.is_empty() {
            return Err(Unready::Missing(missing));
        }
        let notes = stale.into_iter().map(|id| {
            format!("{id} was made for other settings than the study has now: run the study again")
        });
        Ok(Self {
            study: plan.study.name.clone(),
            study_sha256: plan.study_sha256.clone(),
            split,
            pattern: design.style.pattern,
            rows: rows.into_iter().flatten().collect(),
            pixel_size_m,
            how,
            inputs: inputs.into_iter().collect(),
            notes: notes.collect(),
            choice,
        })
    }

    /// Rows and columns that were read.
    pub fn choice(&self) -> &Choice {
        &self.choice
    }

    /// Files that were read, with their hashes.
    pub fn inputs(&self) -> &[InputFile] {
        &self.inputs
    }

    /// Name of the study.
    pub fn study(&self) -> &str {
        &self.study
    }

    /// What the study as a whole comes to.
    pub fn study_sha256(&self) -> &str {
        &self.study_sha256
    }

    /// How well every reconstruction agrees with the truth, those that are drawn.
    pub fn numbers(&self) -> Vec<Number> {
        let mut found = Vec::new();
        for row in &self.rows {
            for (column, numbers) in self.choice.columns.iter().zip(&row.numbers) {
                for (metric, [amplitude, phase]) in numbers {
                    found.push(Number {
                        dose: row.dose,
                        arm: column.clone(),
                        metric,
                        amplitude: *amplitude,
                        phase: *phase,
                    });
                }
            }
        }
        found
    }

    /// What a reader has to know, in words.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

struct Reader<'a> {
    plan: &'a Plan,
    /// The study's run folder.
    folder: PathBuf,
    choice: &'a Choice,
    pattern: usize,
    pixel_size_m: Option<f64>,
    how: CompareSettings,
    inputs: BTreeSet<InputFile>,
    missing: Vec<String>,
    stale: BTreeSet<String>,
}

impl<'a> Reader<'a> {
    /// Tasks of a kind at the chosen view.
    fn of_kind(&self, kind: TaskKind) -> impl Iterator<Item = &'a Task> {
        let (plan, view) = (self.plan, self.choice.view.clone());
        plan.tasks
            .iter()
            .filter(move |task| task.kind == kind && task.place.view.as_ref() == Some(&view))
    }

    fn at_dose(&self, kind: TaskKind, dose: f64) -> impl Iterator<Item = &'a Task> {
        self.of_kind(kind)
            .filter(move |task| task.place.dose.is_some_and(|of| is_same(of, dose)))
    }

    /// The file of a task if it is there; else it is noted as missing. Hashed, as one that the figure depends on, unless it
    /// holds times.
    fn file(&mut self, task: &Task, path: &Path) -> Option<PathBuf> {
        let file = self.folder.join(path);
        if let Some(reason) = &task.skip {
            self.missing
                .push(format!("{} is skipped: {reason}", task.id));
            return None;
        }
        if !file.is_file() {
            let words = format!("{} (by {}, not done)", slashed(path), task.id);
            if !self.missing.contains(&words) {
                self.missing.push(words);
            }
            return None;
        }
        self.note_stale(task);
        // Histories hold times: their hash would tell two runs of one study apart that came to the same.
        if !path.ends_with(HISTORY) {
            let sha256 = self.kept(read::sha256(&file))?;
            self.inputs.insert(InputFile {
                path: slashed(path),
                sha256,
            });
        }
        Some(file)
    }

    /// A task whose record has another key than the plan has changed since.
    fn note_stale(&mut self, task: &Task) {
        let record = self.folder.join(&task.id).join(RECORD_FILES[0]);
        let record: Option<Value> = read::json(&record).ok();
        let key = record.as_ref().and_then(|record| record["key"].as_str());
        if key.is_some_and(|key| key != task.key) {
            self.stale.insert(task.id.clone());
        }
    }

    /// What was read; what stood in the way is noted.
    fn kept<T>(&mut self, read: Result<T>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(error) => {
                self.missing.push(error.to_string());
                None
            }
        }
    }

    fn row(&mut self, dose: f64, split: &str) -> Option<Row> {
        let compared = self
            .at_dose(TaskKind::Compare, dose)
            .find(|task| task.place.split.as_deref() == Some(split));
        let Some(task) = compared else {
            let view = &self.choice.view;
            self.missing.push(format!(
                "a comparison at {dose:e} photons of the view {view}: the study has none"
            ));
            return None;
        };
        let courses = self.courses(dose, split);
        let counts = self.counts(task);
        let files = Compared::FILES.map(|name| self.file(task, &Path::new(&task.id).join(name)));
        let [Some(_), Some(_), Some(curves)] = files else {
            return None;
        };
        let folder = self.folder.join(&task.id);
        let compared = self.kept(Compared::open(&folder))?;
        self.pixel_size_m = self.pixel_size_m.or(compared.pixel_size_m());
        self.how = compared.how();
        let rings = self.rings(&curves);
        let pictures = self.pictures(&compared);
        let numbers = self
            .choice
            .columns
            .iter()
            .map(|arm| numbers(&compared, arm));
        Some(Row {
            dose,
            counts: counts?,
            pictures: pictures?,
            corner: compared.corner,
            numbers: numbers.collect(),
            rings: rings?,
            courses: courses?,
        })
    }

    /// The pattern that is drawn; empty where none is.
    fn counts(&mut self, task: &Task) -> Option<Array2<f32>> {
        if self
            .choice
            .columns
            .iter()
            .all(|column| column != DIFFRACTION)
        {
            return Some(Array2::zeros((0, 0)));
        }
        let Work::Compare(work) = &task.work else {
            return None;
        };
        let Some(data) = &work.inputs.truth else {
            self.missing
                .push(format!("the dataset that {} compares with", task.id));
            return None;
        };
        // Made by a simulation or, of a view, by its own task.
        let maker = data.iter().next().and_then(|first| first.to_str());
        let maker = maker.and_then(|id| self.plan.task(id)).unwrap_or(task);
        let file = self.file(maker, data)?;
        self.kept(read::pattern(&file, self.pattern))
    }

    fn rings(&mut self, curves: &Path) -> Option<[RingCurves; 2]> {
        let arms = self.choice.arms();
        let amplitude = self.kept(read::ring_curves(curves, &arms, "amplitude"));
        let phase = self.kept(read::ring_curves(curves, &arms, "phase"));
        Some([amplitude?, phase?])
    }

    fn pictures(&mut self, compared: &Compared) -> Option<Vec<Option<Pictures>>> {
        let columns = &self.choice.columns;
        let read = columns.iter().map(|column| match column.as_str() {
            DIFFRACTION => Ok(None),
            TRUTH => compared.pictures(None).map(Some),
            arm => compared.pictures(Some(arm)).map(Some),
        });
        let read: Vec<_> = read.collect();
        // Every one that is missing is noted.
        let kept: Vec<_> = read.into_iter().map(|read| self.kept(read)).collect();
        kept.into_iter().collect()
    }

    fn courses(&mut self, dose: f64, split: &str) -> Option<Vec<(String, Course)>> {
        let mut courses = Some(Vec::new());
        for arm in self.choice.arms() {
            let course = self.course(dose, split, arm);
            match (&mut courses, course) {
                (Some(courses), Some(course)) => courses.push((arm.to_owned(), course)),
                _ => courses = None,
            }
        }
        courses
    }

    fn course(&mut self, dose: f64, split: &str, arm: &str) -> Option<Course> {
        let is_arm = |task: &&Task| task.place.arm.as_deref() == Some(arm);
        let trained = self.at_dose(TaskKind::Train, dose).find(is_arm);
        if let Some(task) = trained {
            let file = self.file(task, &Path::new(&task.id).join(HISTORY))?;
            return self.kept(read::training(&file));
        }
        let is_split = |task: &&Task| task.place.split.as_deref() == Some(split);
        let made = self
            .at_dose(TaskKind::Reconstruct, dose)
            .filter(is_split)
            .find(is_arm);
        let Some(task) = made else {
            self.missing.push(format!(
                "{arm} at {dose:e} photons: the study has no such arm"
            ));
            return None;
        };
        let file = self.file(task, &Path::new(&task.id).join(HISTORY))?;
        self.kept(read::reconstruction(&file))
    }
}

/// A path as metadata write it, whatever the system.
fn slashed(path: &Path) -> String {
    let parts = path.iter().map(|part| part.to_string_lossy().into_owned());
    parts.collect::<Vec<_>>().join("/")
}

/// Every number that can stand below a picture.
fn numbers(compared: &Compared, arm: &str) -> Numbers {
    if [DIFFRACTION, TRUTH].contains(&arm) {
        return Vec::new();
    }
    ["pearson", "ssim", "psnr", "mae"]
        .into_iter()
        .map(|key| {
            let of = |part: &str| compared.number(arm, key, part);
            (key, [of("amplitude"), of("phase")])
        })
        .collect()
}
