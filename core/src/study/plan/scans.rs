//! What will be simulated, without a photon: scene, halves, and the overlap views of both.

use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::fields::AutoReal;
use crate::grouping::{Planner, View, ViewPlan};
use crate::sim::probe::report;
use crate::sim::stages::{SplitRows, split_rows};
use crate::sim::{ObjectKind, ProbeKind, ScanKind, Scene, SceneSettings, Sources};
use crate::sim::{SimulationSettings, SplitSettings};
use crate::study::design::{Section, Split, Study};
use crate::study::generate::{GenerateTask, bytes_of_dose, scene_sha256};

/// Sections whose fields a scene's errors may name by their flags.
const OF_SCENE: [&str; 5] = ["object", "probe", "scan", "simulation", "split"];

/// What is simulated at every dose.
pub(super) struct Scans {
    pub(super) scene: Scene,
    /// Rows of the halves; `None` where the test set is a scan of its own.
    rows: Option<SplitRows>,
    /// SHA-256 of what was taken from files, if anything was.
    pub(super) sha256: Option<String>,
    simulation: SimulationSettings,
}

/// One split of a view, formed.
pub(super) type Formed = [ViewPlan; 2];

impl Study {
    /// The base file in full, so that it does not depend on where the study file lies.
    pub(super) fn with_base_in(&self, folder: &Path) -> Result<Self> {
        let absolute = |base: &Path| {
            let path = folder.join(base);
            std::path::absolute(&path).map_err(Error::io("find the base file", &path))
        };
        Ok(Self {
            base: self.base.as_deref().map(absolute).transpose()?,
            ..self.clone()
        })
    }

    /// What makes the datasets of these doses.
    pub(super) fn generation(&self, doses: Vec<f64>) -> GenerateTask {
        let mut scene = SceneSettings {
            object: self.object.clone(),
            probe: self.probe.clone(),
            scan: self.scan.clone(),
            sources: Sources::default(),
        };
        if self.base.is_some() {
            scene.object.object = ObjectKind::File;
            scene.probe.probe = ProbeKind::File;
            scene.sources.object.clone_from(&self.base);
            scene.sources.probe.clone_from(&self.base);
            if scene.scan.scan == ScanKind::File {
                scene.sources.scan.clone_from(&self.base);
            }
        }
        GenerateTask {
            scene,
            doses,
            simulation: SimulationSettings {
                seed: self.seeds.simulation,
                ..self.simulation.clone()
            },
            split: SplitSettings {
                test_seed: self.seeds.test_scan,
                ..self.split.clone()
            },
            ..GenerateTask::default()
        }
    }
}

impl Scans {
    /// Lay the scans of a study.
    ///
    /// # Errors
    /// What [`Scene::build`] and [`split_rows`] yield, in the words of the study file.
    pub(super) fn of(study: &Study) -> Result<Self> {
        let task = study.generation(Vec::new());
        let second = (task.split.test_positions, task.split.test_seed);
        let scene = Scene::build(
            &task.scene,
            task.simulation.outside,
            task.simulation.seed,
            second,
        )
        .map_err(|error| in_words_of_file(error, &OF_SCENE))?;
        let rows = if scene.test_positions_px.is_some() {
            None
        } else {
            let probe = scene.probe.view();
            let rows = split_rows(
                &scene.positions_px,
                probe,
                scene.object_shape(),
                &task.split,
            );
            Some(rows.map_err(|error| in_words_of_file(error, &OF_SCENE))?)
        };
        Ok(Self {
            sha256: study.base.is_some().then(|| scene_sha256(&scene)),
            scene,
            rows,
            simulation: task.simulation,
        })
    }

    /// Positions of a split.
    pub(super) fn positions_px(&self, split: Split) -> Arc<[[f64; 2]]> {
        let first = &self.scene.positions_px;
        match (self.rows_of(split), &self.scene.test_positions_px) {
            (Some(rows), _) => rows.iter().map(|row| first[*row]).collect(),
            (None, Some(second)) if split == Split::Test => Arc::clone(second),
            (None, _) => Arc::clone(first),
        }
    }

    /// Rows of a split in the scan, where both are halves of one.
    pub(super) fn rows_of(&self, split: Split) -> Option<&[usize]> {
        self.rows.as_ref().map(|rows| match split {
            Split::Train => rows.train.as_slice(),
            Split::Test => rows.test.as_slice(),
        })
    }

    /// Patterns of a split.
    pub(super) fn n_patterns(&self, split: Split) -> usize {
        self.positions_px(split).len()
    }

    /// Bytes of one dose on the disk.
    pub(super) fn n_bytes(&self) -> u64 {
        let scene = &self.scene;
        let second = scene
            .test_positions_px
            .as_ref()
            .map_or(0, |second| second.len());
        let written = self.n_patterns(Split::Train) + self.n_patterns(Split::Test);
        bytes_of_dose(
            [scene.n(), scene.probe.dim().0],
            scene.object_shape(),
            [written, scene.positions_px.len() + second],
            &self.simulation,
        )
    }

    /// Bytes of a file of so many patterns.
    pub(super) fn n_bytes_of(&self, n_patterns: usize) -> u64 {
        let scene = &self.scene;
        bytes_of_dose(
            [scene.n(), scene.probe.dim().0],
            scene.object_shape(),
            [n_patterns, n_patterns],
            &SimulationSettings {
                keep_intermediates: false,
                ..self.simulation.clone()
            },
        )
    }

    /// Both splits of an overlap view, or why it cannot be formed; the dose does not matter.
    pub(super) fn view(&self, study: &Study, view: &View) -> Result<Formed, String> {
        let diameter_px = match study.spacing.probe_diameter {
            AutoReal::Given(diameter_px) => diameter_px,
            AutoReal::Auto => {
                let report = report(self.scene.probe.view(), 1.0);
                report.map_err(|error| error.to_string())?.fwhm_px
            }
        };
        let settings = study.view_groups(&view.name);
        let form = |split: Split, word: &str| {
            let mut planner = Planner::new(self.positions_px(split), self.scene.n());
            let plan = planner.plan(view, &settings, &study.spacing, diameter_px);
            plan.map_err(|error| {
                let error = in_words_of_file(error, &["groups", "spacing"]);
                format!("{word}: {error}")
            })
        };
        Ok([form(Split::Train, "train")?, form(Split::Test, "test")?])
    }

    /// What is worth knowing of the scans, in words.
    pub(super) fn notes(&self) -> Vec<String> {
        let scene = &self.scene;
        let mut notes: Vec<String> = scene
            .repairs
            .iter()
            .map(|repair| format!("mended: {repair}"))
            .collect();
        if !scene.outside.is_empty() {
            let [rows, columns] = scene.object_shape();
            notes.push(format!(
                "{} patches left the object, which has grown to {rows} x {columns} px",
                scene.outside.len()
            ));
        }
        if let Some(rows) = self.rows.as_ref().filter(|rows| 0 < rows.leak.n_shared_px) {
            notes.push(format!(
                "{:.1} % of what the test half sees is seen in training too, with a guard band of {} px; guard_px = \
                 \"auto\" in [split] leaves nothing",
                rows.leak.percent(),
                rows.guard_px
            ));
        }
        notes
    }
}

/// An error in the words of the study file: `object_size in [object]` for the flag `--object-size`.
pub(super) fn in_words_of_file(mut error: Error, sections: &[&str]) -> Error {
    if let Error::Invalid(problem) | Error::Refused(problem) = &mut error {
        problem.fix = without_flags(&problem.fix, sections);
        if let Some(key) = &problem.key
            && let Some(path) = path_of(key, sections)
        {
            problem.key = Some(path);
        }
    }
    error
}

fn without_flags(text: &str, sections: &[&str]) -> String {
    let words = text.split(' ').map(|word| {
        let Some(flag) = word.strip_prefix("--") else {
            return word.to_owned();
        };
        let name = flag.trim_end_matches([',', ';', ':', '.']);
        let end = &flag[name.len()..];
        path_of(name, sections).map_or_else(|| word.to_owned(), |path| format!("{path}{end}"))
    });
    words.collect::<Vec<_>>().join(" ")
}

/// `object.object_size` for `object-size`; a field that stands elsewhere is named by that place.
fn path_of(flag: &str, sections: &[&str]) -> Option<String> {
    let name = flag.replace('-', "_");
    sections.iter().find_map(|key| {
        let section = Section::named(key)?;
        if let Some(place) = section.place_of(&name) {
            return Some(place.to_owned());
        }
        let mut own = section.own();
        own.find(|field| field.name == name)
            .map(|field| format!("{key}.{}", field.name))
    })
}
