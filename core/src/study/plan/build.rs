//! From a study to its tasks, in the order of the work.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::key::{hash, key};
use super::scans::{Formed, Scans, in_words_of_file};
use super::{
    CompareWork, Place, Plan, SCHEMA, Task, TaskKind, Variant, Work, dataset_file, dose_word,
};
use crate::compute::DeviceChoice;
use crate::error::Result;
use crate::fields::FieldValue as _;
use crate::grouping::groups::check as check_groups;
use crate::iterative::IterativeSettings;
use crate::nn::infer::InferSettings;
use crate::nn::settings::{Loss, Model};
use crate::nn::{Architecture, TrainSettings};
use crate::study::compare::Inputs;
use crate::study::design::{Engines, FULL, Split, Study, Trainings};
use crate::study::diagnose::scenario::Scenario;
use crate::study::infer::InferTask;
use crate::study::overlap::OverlapTask;
use crate::study::run::{ReconstructTask, Source};
use crate::study::train::TrainTask;

/// What reconstructions and inferences are called in their folders.
const RESULT: &str = "result.npz";
/// The best epoch's bundle in the folder of a training.
const BUNDLE: &str = "best.safetensors";
/// Bytes of an object's pixel in a result: object and coverage.
const RESULT_BYTES: u64 = 12;
/// Vectors of all parameters that a training leaves: two bundles; in the checkpoint values, moments, best and last good.
const PARAMETER_VECTORS: u64 = 10;
/// Bytes of a pixel that a comparison writes for an arm: arrays and pictures.
const COMPARED_BYTES: u64 = 40;
/// Reports, manifests, plots.
const SMALL_BYTES: u64 = 1 << 20;
/// A scenario's datasets and network.
const SCENARIO_BYTES: u64 = 60 << 20;

/// The plan of a study whose base file is absolute.
pub(super) fn build(study: &Study) -> Result<Plan> {
    study.check()?;
    let needs_scans = !study.doses.is_empty() || study.base.is_some();
    let scans = needs_scans.then(|| Scans::of(study)).transpose()?;
    let mut builder = Builder {
        study,
        views: BTreeMap::new(),
        tasks: Vec::new(),
        notes: scans.as_ref().map_or_else(Vec::new, Scans::notes),
        scans,
    };
    builder.form_views();
    builder.simulations()?;
    builder.views()?;
    builder.trainings()?;
    builder.reconstructions()?;
    builder.inferences()?;
    builder.comparisons()?;
    builder.scenarios()?;
    builder.figure()?;
    builder.finish()
}

struct Builder<'a> {
    study: &'a Study,
    /// None for scenarios alone.
    scans: Option<Scans>,
    /// Every overlap view, or why it cannot be formed.
    views: BTreeMap<String, Result<Formed, String>>,
    tasks: Vec<Task>,
    notes: Vec<String>,
}

/// A task without its key.
struct Draft {
    kind: TaskKind,
    place: Place,
    words: String,
    after: Vec<String>,
    /// What decides the result beside the tasks before.
    settings: Value,
    work: Work,
    /// Why it cannot be done, whatever the tasks before.
    skip: Option<String>,
    n_bytes: u64,
}

impl Builder<'_> {
    fn finish(self) -> Result<Plan> {
        let keys: Vec<[&str; 2]> = self
            .tasks
            .iter()
            .map(|task| [task.id.as_str(), task.key.as_str()])
            .collect();
        let study_sha256 = hash(&keys)?;
        let variants = self.study.view_names().into_iter().flat_map(|view| {
            let arms = self.study.arms_on(view).into_iter();
            arms.map(move |arm| Variant {
                view: view.to_owned(),
                arm,
            })
        });
        Ok(Plan {
            schema: SCHEMA,
            study: self.study.clone(),
            study_sha256,
            doses: self.study.doses.clone(),
            variants: variants.collect(),
            tasks: self.tasks,
            notes: self.notes,
        })
    }

    fn push(&mut self, draft: Draft) -> Result<()> {
        let needed: Vec<&Task> = draft
            .after
            .iter()
            .filter_map(|id| self.tasks.iter().find(|task| &task.id == id))
            .collect();
        let keys: Vec<&str> = needed.iter().map(|task| task.key.as_str()).collect();
        let task = Task {
            id: draft.place.id(draft.kind),
            kind: draft.kind,
            words: draft.words,
            key: key(draft.kind, &draft.settings, &keys)?,
            skip: needed.iter().find_map(|task| cause(task)).or(draft.skip),
            place: draft.place,
            after: draft.after,
            work: draft.work,
            n_bytes: draft.n_bytes,
        };
        self.tasks.push(task);
        Ok(())
    }

    fn task(&self, id: &str) -> Option<&Task> {
        self.tasks.iter().find(|task| task.id == id)
    }

    /// Form every view once: positions are those of every dose.
    fn form_views(&mut self) {
        let Some(scans) = self.scans.as_ref().filter(|_| !self.study.doses.is_empty()) else {
            return;
        };
        for view in &self.study.views {
            let formed = scans.view(self.study, view);
            match &formed {
                Ok(formed) => {
                    for (plan, split) in formed.iter().zip(["train", "test"]) {
                        self.notes.push(format!("{split}: {}", plan.words()));
                        let of_split = |note: &String| format!("{split}: {}: {note}", view.name);
                        self.notes.extend(plan.notes.iter().map(of_split));
                    }
                }
                Err(reason) => self
                    .notes
                    .push(format!("view {} cannot be formed: {reason}", view.name)),
            }
            if self.study.arms_on(&view.name).is_empty() {
                let note = format!(
                    "view {} is made, but no network or engine uses it",
                    view.name
                );
                self.notes.push(note);
            }
            self.views.insert(view.name.clone(), formed);
        }
    }

    fn simulations(&mut self) -> Result<()> {
        let Some(scans) = &self.scans else {
            return Ok(());
        };
        let (n_bytes, sha256) = (scans.n_bytes(), scans.sha256.clone());
        for dose in &self.study.doses {
            let mut task = self.study.generation(vec![*dose]);
            let place = Place {
                dose: Some(*dose),
                ..Place::default()
            };
            let scene = &task.scene;
            let settings = json!([
                (&scene.object, &scene.probe, &scene.scan, &sha256),
                dose,
                &task.simulation,
                &task.split,
            ]);
            task.output = PathBuf::from(place.id(TaskKind::Simulate));
            self.push(Draft {
                kind: TaskKind::Simulate,
                words: format!("training and test set at {} photons", dose_word(*dose)),
                place,
                after: Vec::new(),
                settings,
                work: Work::Simulate(Box::new(task)),
                skip: None,
                n_bytes,
            })?;
        }
        Ok(())
    }

    fn views(&mut self) -> Result<()> {
        for dose in &self.study.doses {
            for view in &self.study.views {
                let place = Place {
                    dose: Some(*dose),
                    view: Some(view.name.clone()),
                    ..Place::default()
                };
                let source = dataset_file(*dose, FULL, Split::Train);
                let task = OverlapTask {
                    source: source.parent().unwrap_or(&source).to_path_buf(),
                    views: vec![view.clone()],
                    groups: self.study.view_groups(&view.name),
                    spacing: self.study.spacing.clone(),
                    output: PathBuf::from(place.id(TaskKind::View)),
                    n_threads: 0,
                };
                let (skip, n_bytes) = match (&self.views[&view.name], &self.scans) {
                    (Ok(plans), Some(scans)) => {
                        let bytes = plans.iter().map(|plan| scans.n_bytes_of(plan.rows.len()));
                        (None, bytes.sum())
                    }
                    (Err(reason), _) => (Some(reason.clone()), 0),
                    (Ok(_), None) => (None, 0),
                };
                self.push(Draft {
                    kind: TaskKind::View,
                    words: format!("view {} at {} photons", view.name, dose_word(*dose)),
                    after: vec![simulation(*dose)],
                    settings: json!([&task.views, &task.groups, &task.spacing]),
                    work: Work::View(Box::new(task)),
                    place,
                    skip,
                    n_bytes,
                })?;
            }
        }
        Ok(())
    }

    fn trainings(&mut self) -> Result<()> {
        for dose in &self.study.doses {
            for view in self.study.view_names() {
                for trainings in &self.study.trainings {
                    if !trainings.views.iter().any(|name| name == view) {
                        continue;
                    }
                    for arm in trainings.arms() {
                        self.training((*dose, view), trainings, arm)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn training(
        &mut self,
        (dose, view): (f64, &str),
        trainings: &Trainings,
        (arm, loss, gridsize): (String, Loss, usize),
    ) -> Result<()> {
        let settings = network(self.study, trainings.model, loss, gridsize);
        let place = Place {
            dose: Some(dose),
            view: Some(view.to_owned()),
            arm: Some(arm),
            split: None,
            gridsize: Some(gridsize),
        };
        let (skip, n_parameters) = self.network_problem(&settings, view, Split::Train);
        let task = TrainTask {
            train: dataset_file(dose, view, Split::Train),
            validation: None,
            settings: settings.clone(),
            n_threads: 0,
            device: DeviceChoice::Auto,
            output: PathBuf::from(place.id(TaskKind::Train)),
            resume: false,
            time_limit_s: None,
        };
        let network = match trainings.model {
            Model::Pinn => format!(
                "network of gridsize {gridsize} with the loss {}",
                loss.to_value()
            ),
            Model::Baseline => "supervised baseline".to_owned(),
        };
        self.push(Draft {
            kind: TaskKind::Train,
            words: format!("{network} on {} at {} photons", set(view), dose_word(dose)),
            after: vec![data(dose, view)],
            settings: json!(settings),
            work: Work::Train(Box::new(task)),
            place,
            skip,
            n_bytes: 4 * PARAMETER_VECTORS * n_parameters + SMALL_BYTES,
        })
    }

    /// Why such a network cannot be trained on, or infer from, a split; and its number of parameters.
    fn network_problem(
        &self,
        settings: &TrainSettings,
        view: &str,
        split: Split,
    ) -> (Option<String>, u64) {
        let Some(scans) = &self.scans else {
            return (None, 0);
        };
        let n_modes = scans.scene.probe.dim().0;
        let n_parameters = match Architecture::new(settings, scans.scene.n(), n_modes) {
            Ok(architecture) => architecture.n_parameters() as u64,
            Err(error) => return (Some(in_words_of_file(error, &["probe"]).to_string()), 0),
        };
        if view != FULL {
            return (None, n_parameters);
        }
        let checked = check_groups(scans.n_patterns(split), &settings.grouping());
        let skip = checked
            .err()
            .map(|error| in_words_of_file(error, &["training"]).to_string());
        (skip, n_parameters)
    }

    /// Every place of an arm on the splits that are compared.
    fn splits(&self, place: &Place) -> Vec<(Split, Place)> {
        let splits = self.study.comparison.splits.iter();
        splits
            .map(|split| {
                let place = Place {
                    split: Some(split.to_value().to_string()),
                    ..place.clone()
                };
                (*split, place)
            })
            .collect()
    }

    fn reconstructions(&mut self) -> Result<()> {
        for dose in &self.study.doses {
            for view in self.study.view_names() {
                for engines in &self.study.engines {
                    if !engines.views.iter().any(|name| name == view) {
                        continue;
                    }
                    let place = Place {
                        dose: Some(*dose),
                        view: Some(view.to_owned()),
                        arm: Some(engines.arm().to_owned()),
                        ..Place::default()
                    };
                    for (split, place) in self.splits(&place) {
                        self.reconstruction(engines, (*dose, view, split), place)?;
                    }
                }
            }
        }
        self.tell_repeated_arms();
        Ok(())
    }

    /// Arms of different names that are one reconstruction: a setting may have been forgotten.
    fn tell_repeated_arms(&mut self) {
        let mut first: BTreeMap<&str, &Task> = BTreeMap::new();
        let reconstructions = self
            .tasks
            .iter()
            .filter(|task| task.kind == TaskKind::Reconstruct);
        for task in reconstructions {
            let arm = |task: &Task| task.place.arm.clone().unwrap_or_default();
            let Some(other) = first.get(task.key.as_str()) else {
                first.insert(&task.key, task);
                continue;
            };
            let note = format!(
                "{} and {} are the same engine with the same settings",
                arm(other),
                arm(task)
            );
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }

    fn reconstruction(
        &mut self,
        engines: &Engines,
        at: (f64, &str, Split),
        place: Place,
    ) -> Result<()> {
        let (dose, view, split) = at;
        let engine = engines.engine;
        let settings = IterativeSettings {
            seed: self.study.seeds.iterative,
            ..engines.settings.over(&self.study.iterative)?
        };
        let what = match &engines.name {
            Some(name) => format!("{name} ({})", engine.title()),
            None => engine.title().to_owned(),
        };
        let folder = PathBuf::from(place.id(TaskKind::Reconstruct));
        let task = ReconstructTask {
            source: Source::File(dataset_file(dose, view, split)),
            engine,
            settings: settings.clone(),
            output: Some(folder.join(RESULT)),
            runs: folder,
            ..ReconstructTask::default()
        };
        self.push(Draft {
            kind: TaskKind::Reconstruct,
            words: format!(
                "{what} on the {} split of {} at {} photons",
                split.to_value(),
                set(view),
                dose_word(dose)
            ),
            after: vec![data(dose, view)],
            settings: json!([split, engine, settings]),
            work: Work::Reconstruct(Box::new(task)),
            place,
            skip: None,
            // The result and the state to go on from.
            n_bytes: 4 * RESULT_BYTES * self.object_pixels() + SMALL_BYTES,
        })
    }

    fn inferences(&mut self) -> Result<()> {
        let of_trainings = |task: &&Task| task.kind == TaskKind::Train;
        let trained: Vec<Task> = self.tasks.iter().filter(of_trainings).cloned().collect();
        for task in trained {
            let (Some(dose), Some(view), Work::Train(training)) =
                (task.place.dose, task.place.view.clone(), &task.work)
            else {
                continue;
            };
            for (split, place) in self.splits(&task.place) {
                let settings = InferSettings {
                    seed: self.study.seeds.inference,
                    ..self.study.inference.clone()
                };
                let (skip, _) = self.network_problem(&training.settings, &view, split);
                let arm = place.arm.clone().unwrap_or_default();
                let work = InferTask {
                    bundle: Path::new(&task.id).join(BUNDLE),
                    data: dataset_file(dose, &view, split),
                    settings: settings.clone(),
                    n_threads: 0,
                    device: DeviceChoice::Auto,
                    output: PathBuf::from(place.id(TaskKind::Infer)).join(RESULT),
                };
                self.push(Draft {
                    kind: TaskKind::Infer,
                    words: format!(
                        "{arm} on the {} split of {} at {} photons",
                        split.to_value(),
                        set(&view),
                        dose_word(dose)
                    ),
                    after: vec![data(dose, &view), task.id.clone()],
                    settings: json!([split, settings]),
                    work: Work::Infer(Box::new(work)),
                    place,
                    skip,
                    n_bytes: RESULT_BYTES * self.object_pixels() + SMALL_BYTES / 4,
                })?;
            }
        }
        Ok(())
    }

    fn object_pixels(&self) -> u64 {
        let shape = self.scans.as_ref().map(|scans| scans.scene.object_shape());
        shape.map_or(0, |[rows, columns]| (rows * columns) as u64)
    }

    fn comparisons(&mut self) -> Result<()> {
        for dose in &self.study.doses {
            for view in self.study.view_names() {
                let place = Place {
                    dose: Some(*dose),
                    view: Some(view.to_owned()),
                    ..Place::default()
                };
                for (split, place) in self.splits(&place) {
                    if !self.study.arms_on(view).is_empty() {
                        self.comparison((*dose, view, split), place)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn comparison(&mut self, at: (f64, &str, Split), place: Place) -> Result<()> {
        let (dose, view, split) = at;
        let mut after = vec![data(dose, view)];
        let mut arms = Vec::new();
        let mut skip = None;
        for arm in self.study.arms_on(view) {
            let of_arm = Place {
                arm: Some(arm.clone()),
                ..place.clone()
            };
            let results = [TaskKind::Infer, TaskKind::Reconstruct].map(|kind| of_arm.id(kind));
            for id in results {
                match self.task(&id).map(|task| &task.skip) {
                    Some(None) => {
                        arms.push((arm.clone(), Path::new(&id).join(RESULT)));
                        after.push(id);
                    }
                    Some(Some(reason)) => skip = Some(reason.clone()),
                    None => {}
                }
            }
        }
        // With some arms the others are named by their own tasks.
        let skip = skip.filter(|_| arms.is_empty());
        let comparison = &self.study.comparison;
        let names: Vec<&String> = arms.iter().map(|(arm, _)| arm).collect();
        let settings = json!([split, names, &comparison.region, &comparison.how]);
        let n_bytes = arms.len() as u64 * COMPARED_BYTES * self.object_pixels() + SMALL_BYTES;
        let work = CompareWork {
            inputs: Inputs {
                truth: Some(dataset_file(dose, view, split)),
                arms,
                ..Inputs::default()
            },
            region: comparison.region.clone(),
            settings: comparison.how.clone(),
        };
        self.push(Draft {
            kind: TaskKind::Compare,
            words: format!(
                "all arms on the {} split of {} at {} photons beside the truth",
                split.to_value(),
                set(view),
                dose_word(dose)
            ),
            place,
            after,
            settings,
            work: Work::Compare(Box::new(work)),
            skip,
            n_bytes,
        })
    }

    fn scenarios(&mut self) -> Result<()> {
        let sha256 = self.scans.as_ref().and_then(|scans| scans.sha256.clone());
        for name in &self.study.scenarios {
            let gridsize = Scenario::ALL
                .into_iter()
                .find(|scenario| scenario.name() == name)
                .map(Scenario::gridsize);
            // The scenario's name stands where an arm's does.
            let place = Place {
                arm: Some(name.clone()),
                gridsize,
                ..Place::default()
            };
            self.push(Draft {
                kind: TaskKind::Scenario,
                words: format!("scenario {name}"),
                place,
                after: Vec::new(),
                settings: json!([name, sha256]),
                work: Work::Scenario(name.clone()),
                skip: None,
                n_bytes: SCENARIO_BYTES,
            })?;
        }
        Ok(())
    }

    /// The figure, after every comparison of its rows.
    fn figure(&mut self) -> Result<()> {
        let design = self.study.figure.clone();
        let Some(view) = self.study.figure_view() else {
            return Ok(());
        };
        let is_row = |dose: f64| design.doses.is_empty() || design.doses.contains(&dose);
        let compared: Vec<&Task> = self
            .tasks
            .iter()
            .filter(|task| {
                task.kind == TaskKind::Compare
                    && task.place.view.as_deref() == Some(view)
                    && task.place.dose.is_some_and(is_row)
            })
            .collect();
        if compared.is_empty() {
            return Ok(());
        }
        let skip = compared.iter().find_map(|task| task.skip.clone());
        let after = compared.iter().map(|task| task.id.clone()).collect();
        self.push(Draft {
            kind: TaskKind::Figure,
            place: Place::default(),
            words: "figure and its companions".to_owned(),
            after,
            settings: json!([view, &design]),
            work: Work::Figure(Box::new(design)),
            skip,
            n_bytes: 8 * SMALL_BYTES,
        })
    }
}

/// Why nothing that needs this task can be done, if so.
fn cause(task: &Task) -> Option<String> {
    let reason = task.skip.as_ref()?;
    Some(match (task.kind, &task.place.view) {
        (TaskKind::View, Some(view)) => format!("view {view} cannot be formed: {reason}"),
        _ => reason.clone(),
    })
}

/// The settings of one network of a study.
fn network(study: &Study, model: Model, loss: Loss, gridsize: usize) -> TrainSettings {
    TrainSettings {
        model,
        loss,
        gridsize,
        seed: study.seeds.training,
        ..study.training.clone()
    }
}

/// The task that makes the datasets of a dose.
fn simulation(dose: f64) -> String {
    let place = Place {
        dose: Some(dose),
        ..Place::default()
    };
    place.id(TaskKind::Simulate)
}

/// The task that makes the datasets of a dose and view.
fn data(dose: f64, view: &str) -> String {
    if view == FULL {
        return simulation(dose);
    }
    let place = Place {
        dose: Some(dose),
        view: Some(view.to_owned()),
        ..Place::default()
    };
    place.id(TaskKind::View)
}

fn set(view: &str) -> String {
    if view == FULL {
        "the full set".to_owned()
    } else {
        format!("the view {view}")
    }
}
