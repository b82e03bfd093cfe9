//! Whether a study fits together, whatever the data.

mod engines;

use std::collections::BTreeMap;

use super::problem::{Finding, nearest};
use super::schema::Section;
use super::{BASELINE, FULL, SCHEMA, Study, Trainings};
use crate::fields::{FieldValue as _, Value};
use crate::grouping::GroupSettings;
use crate::grouping::groups::check as check_groups;
use crate::metrics::region::Region;
use crate::nn::settings::{Loss, Model};
use crate::nn::{Architecture, TrainSettings};
use crate::sim::{ObjectContent, ObjectKind, ProbeKind, ScanKind};
use crate::study::diagnose::scenario::Scenario;

/// Doses are whole numbers in names; up to here every one of them is a different double.
const MOST_PHOTONS: f64 = 9.0e15;
/// What [`names_a_folder`] takes.
const FOLDER_NAME: &str = "a name of letters, digits, - and _, since it becomes a folder's";
/// A name that is a folder's has to be shorter than what file systems take.
const LONGEST_NAME: usize = 100;
/// Where work outside of studies goes; no study may be called so.
const SCRATCH: &str = "scratch";
/// Columns of the figure that are no arms.
pub(super) const COLUMNS: [&str; 2] = ["diffraction", "truth"];

/// With this begin the names of networks in groups; no other arm may be called so.
const PINN_PREFIX: &str = "pinn_";

/// Everything that is wrong.
pub(super) fn findings(study: &Study) -> Vec<Finding> {
    let mut check = Check {
        study,
        findings: Vec::new(),
    };
    check.head();
    check.ranges();
    check.scene();
    check.views();
    check.trainings();
    check.engines();
    check.comparison();
    check.figure();
    check.findings
}

struct Check<'a> {
    study: &'a Study,
    findings: Vec<Finding>,
}

impl Check<'_> {
    fn find(
        &mut self,
        key: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.findings.push(Finding::new(key, expected, found, fix));
    }

    fn head(&mut self) {
        let study = self.study;
        if study.schema != SCHEMA {
            let fix = "use the program that wrote it";
            self.find("schema", SCHEMA.to_string(), study.schema.to_string(), fix);
        }
        self.name(&study.name);
        self.doses(&study.doses);
        let words = Scenario::ALL.map(Scenario::name);
        for (i, name) in study.scenarios.iter().enumerate() {
            let key = format!("scenarios[{i}]");
            if !words.contains(&name.as_str()) {
                let fix = nearest(name, words)
                    .map_or_else(String::new, |near| format!("write \"{near}\""));
                self.find(key, words.join(", "), name, fix);
            } else if study.scenarios[..i].contains(name) {
                self.find(
                    key,
                    "every scenario once",
                    format!("{name} twice"),
                    "remove one",
                );
            }
        }
        if study.doses.is_empty() && study.scenarios.is_empty() {
            let fix = "write doses = [1e9, 1e4] in the first lines";
            self.find("doses", "one dose at least", "none", fix);
        }
        if study.doses.is_empty() {
            let lists = [
                ("trainings", study.trainings.is_empty()),
                ("engines", study.engines.is_empty()),
            ];
            for (key, is_empty) in lists {
                if !is_empty && !study.scenarios.is_empty() {
                    let fix = "write doses = [1e9, 1e4] in the first lines";
                    self.find(key, "doses to do it at", "none", fix);
                }
            }
        }
    }

    fn name(&mut self, name: &str) {
        let fix = "write another name";
        if !names_a_folder(name) {
            self.find("name", FOLDER_NAME, format!("\"{name}\""), fix);
        } else if LONGEST_NAME < name.len() {
            let expected = format!("at most {LONGEST_NAME} letters");
            self.find("name", expected, name.len().to_string(), fix);
        } else if name.eq_ignore_ascii_case(SCRATCH) {
            let found = format!("{name}, where work outside of studies lies");
            self.find("name", "another name", found, fix);
        }
    }

    fn doses(&mut self, doses: &[f64]) {
        for (i, photons) in doses.iter().enumerate() {
            let key = format!("doses[{i}]");
            let same = |other: &&f64| format!("{other:.0}") == format!("{photons:.0}");
            if !(1.0..=MOST_PHOTONS).contains(photons) {
                let fix = "give the photons of a pattern";
                self.find(key, "photons from 1 to 9e15", photons.to_string(), fix);
            } else if let Some(other) = doses[..i].iter().find(same) {
                let found = format!("{photons} beside {other}");
                let expected = "doses that differ as whole numbers";
                self.find(key, expected, found, "remove one");
            }
        }
    }

    /// Values out of range, and values where another place decides.
    fn ranges(&mut self) {
        for section in Section::ALL {
            let Some(table) = self.study.table(section.key) else {
                continue;
            };
            for field in (section.fields)() {
                let key = format!("{}.{}", section.key, field.name);
                let Some(value) = table.value(field.name) else {
                    continue;
                };
                if let Some(place) = section.place_of(field.name) {
                    if table.default_value(field.name) != Some(value) {
                        let expected = format!("{place}, which decides this for all");
                        self.find(
                            key,
                            expected,
                            value.to_string(),
                            format!("write it there: {place}"),
                        );
                    }
                } else if field.check(value).is_err() || !is_finite(value) {
                    self.find(key, field.expected(), value.to_string(), "");
                }
            }
        }
    }

    fn scene(&mut self) {
        let study = self.study;
        let object = &study.object;
        let without_base = study.base.is_none();
        let fix = "name an NPZ: base = \"scan.npz\", in the first lines";
        let kinds = [
            ("object.object", object.object == ObjectKind::File),
            ("probe.probe", study.probe.probe == ProbeKind::File),
            ("scan.scan", study.scan.scan == ScanKind::File),
        ];
        for (key, is_file) in kinds {
            if is_file && without_base {
                self.find(key, "a base file, for the word file", "none", fix);
            }
        }
        let spans = [
            (
                "object.object_amplitude_min",
                ObjectContent::Phase,
                [object.object_amplitude_min, object.object_amplitude_max],
            ),
            (
                "object.object_phase_min_rad",
                ObjectContent::Amplitude,
                [object.object_phase_min_rad, object.object_phase_max_rad],
            ),
        ];
        for (key, unless, [least, greatest]) in spans {
            if greatest < least && object.object_content != unless {
                let expected = format!("at most the greatest, {greatest}");
                self.find(key, expected, least.to_string(), "exchange the two");
            }
        }
        if without_base && object.object_size < study.probe.n {
            let expected = format!(
                "at least {0}, as the patterns of {0} x {0} px",
                study.probe.n
            );
            let fix = "give a larger object_size in [object] or a smaller n in [probe]";
            self.find(
                "object.object_size",
                expected,
                object.object_size.to_string(),
                fix,
            );
        }
        if study.scan.scan == ScanKind::File && 0 < study.split.test_positions {
            let fix = "set it to 0: the halves of the file's scan train and test";
            let found = study.split.test_positions.to_string();
            self.find(
                "split.test_positions",
                "0 for the scan of a file",
                found,
                fix,
            );
        }
    }

    fn views(&mut self) {
        let study = self.study;
        for (i, view) in study.views.iter().enumerate() {
            let key = format!("views[{i}]");
            if let Err(error) = view.check() {
                let field = if (0.0..=1.0).contains(&view.overlap) {
                    "name"
                } else {
                    "overlap"
                };
                self.findings
                    .push(Finding::of_error(format!("{key}.{field}"), &error));
            } else if view.name == FULL {
                let found = format!("{FULL}, which keeps every pattern and needs no entry");
                self.find(format!("{key}.name"), "another name", found, "rename it");
            } else if study.views[..i].iter().any(|other| other.name == view.name) {
                let found = format!("{} twice", view.name);
                self.find(
                    format!("{key}.name"),
                    "a name for each view",
                    found,
                    "rename one",
                );
            }
            let sides = study.sides_on(&view.name);
            if 1 < sides.len() {
                let found = format!("gridsizes {}", listed(&sides));
                let fix = "give a second view of the same overlap another name, and train each on its own";
                let expected = "networks of one gridsize on a view, whose groups are formed for it";
                self.find(format!("{key}.name"), expected, found, fix);
            }
        }
        let mut told = Vec::new();
        for view in &study.views {
            let settings = study.view_groups(&view.name);
            if !told.contains(&settings.gridsize) {
                told.push(settings.gridsize);
                self.group_settings("groups", &settings);
            }
        }
    }

    /// A K below C.
    fn group_settings(&mut self, section: &str, settings: &GroupSettings) {
        if !(1..=3).contains(&settings.gridsize) {
            return;
        }
        if let Err(error) = check_groups(usize::MAX, settings) {
            let fix = format!("give 0, or {} or more", settings.c());
            let finding = Finding::of_error(format!("{section}.neighbors"), &error);
            self.findings.push(Finding { fix, ..finding });
        }
    }

    fn trainings(&mut self) {
        let study = self.study;
        let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
        for (i, trainings) in study.trainings.iter().enumerate() {
            let key = format!("trainings[{i}]");
            self.choices(&key, trainings);
            self.views_named(&key, &trainings.views);
            for view in &trainings.views {
                for (arm, _, _) in trainings.arms() {
                    let first = *seen.entry((view.clone(), arm.clone())).or_insert(i);
                    if first != i {
                        let found = format!("{arm} on {view} in trainings[{first}] too");
                        self.find(&*key, "every network once", found, "remove one");
                    }
                }
            }
            if trainings.model == Model::Baseline && !study.simulation.patches {
                let fix = "set patches = true in [simulation]";
                let expected = "patches, which the baseline learns from";
                self.find("simulation.patches", expected, "false", fix);
            }
        }
        self.network();
        if !study.trainings.is_empty() && study.training.lr <= 0.0 {
            self.find(
                "training.lr",
                "a number above 0",
                study.training.lr.to_string(),
                "",
            );
        }
        let mut sides: Vec<usize> = study
            .trainings
            .iter()
            .filter(|trainings| trainings.views.iter().any(|view| view == FULL))
            .flat_map(|trainings| trainings.gridsizes.iter().copied())
            .collect();
        sides.sort_unstable();
        sides.dedup();
        for gridsize in sides {
            let settings = GroupSettings {
                gridsize,
                neighbors: study.training.neighbors,
                ..GroupSettings::default()
            };
            self.group_settings("training", &settings);
        }
    }

    /// Whether there are such networks for such patterns, where their side is known.
    fn network(&mut self) {
        let study = self.study;
        let Some(trainings) = study.trainings.first().filter(|_| study.base.is_none()) else {
            return;
        };
        let settings = TrainSettings {
            model: trainings.model,
            ..study.training.clone()
        };
        let probe = &study.probe;
        let Err(error) = Architecture::new(&settings, probe.n, probe.n_probe_modes) else {
            return;
        };
        let name = error.problem().and_then(|problem| problem.key.clone());
        let finding = match name.as_deref() {
            Some("n") => Finding {
                fix: "write n = 64, 128 or 256 in [probe]".to_owned(),
                ..Finding::of_error("probe.n", &error)
            },
            name => Finding::of_error(format!("training.{}", name.unwrap_or_default()), &error),
        };
        self.findings.push(finding);
    }

    /// Losses and gridsizes of networks.
    fn choices(&mut self, key: &str, trainings: &Trainings) {
        let Trainings {
            model,
            losses,
            gridsizes,
            ..
        } = trainings;
        let losses_key = format!("{key}.losses");
        if losses.is_empty() {
            self.find(
                &*losses_key,
                "one loss at least",
                "none",
                "write losses = [\"nll\"]",
            );
        } else if model == &Model::Baseline && 1 < losses.len() {
            let found = format!("{}", losses.len());
            let expected = "one, which the baseline does not look at";
            self.find(&*losses_key, expected, found, "remove losses here");
        } else if (1..losses.len()).any(|i| losses[..i].contains(&losses[i])) {
            self.find(&*losses_key, "every loss once", "one twice", "remove one");
        }
        let key = format!("{key}.gridsizes");
        if gridsizes.is_empty() {
            self.find(
                &*key,
                "one gridsize at least",
                "none",
                "write gridsizes = [2]",
            );
        } else if let Some(side) = gridsizes.iter().find(|side| !(1..=3).contains(*side)) {
            self.find(&*key, "whole numbers from 1 to 3", side.to_string(), "");
        } else if model == &Model::Baseline && gridsizes != &[1] {
            let expected = "[1]: the baseline takes patterns one by one";
            let found = format!("[{}]", listed(gridsizes));
            self.find(&*key, expected, found, "write gridsizes = [1]");
        } else if (1..gridsizes.len()).any(|i| gridsizes[..i].contains(&gridsizes[i])) {
            self.find(&*key, "every gridsize once", "one twice", "remove one");
        }
    }

    /// Views that somebody names.
    fn views_named(&mut self, key: &str, views: &[String]) {
        let key = format!("{key}.views");
        if views.is_empty() {
            let fix = format!("write views = [\"{FULL}\"]");
            self.find(&*key, "one view at least", "none", fix);
        }
        for (i, view) in views.iter().enumerate() {
            let key = format!("{key}[{i}]");
            if views[..i].contains(view) {
                self.find(
                    key,
                    "every view once",
                    format!("{view} twice"),
                    "remove one",
                );
            } else {
                self.view_named(key, view);
            }
        }
    }

    fn view_named(&mut self, key: String, view: &str) {
        let known = self.study.view_names();
        if !known.contains(&view) {
            let fix = nearest(view, known.iter().copied()).map_or_else(
                || format!("add it: [[views]] with name = \"{view}\" and its overlap"),
                |near| format!("write \"{near}\""),
            );
            self.find(
                key,
                format!("a view: {}", known.join(", ")),
                format!("\"{view}\""),
                fix,
            );
        }
    }

    fn comparison(&mut self) {
        let comparison = &self.study.comparison;
        let splits = &comparison.splits;
        let has_arms = !self.study.trainings.is_empty() || !self.study.engines.is_empty();
        if splits.is_empty() && has_arms {
            let fix = "write splits = [\"test\"]";
            self.find("comparison.splits", "one split at least", "none", fix);
        }
        if (1..splits.len()).any(|i| splits[..i].contains(&splits[i])) {
            self.find(
                "comparison.splits",
                "every split once",
                "one twice",
                "remove one",
            );
        }
        if let Err(error) = Region::parse(&comparison.region) {
            self.findings
                .push(Finding::of_error("comparison.region", &error));
        }
    }

    fn figure(&mut self) {
        let study = self.study;
        let figure = &study.figure;
        if !figure.view.is_empty() {
            self.view_named("figure.view".to_owned(), &figure.view);
        }
        let view = study.figure_view();
        let arms = view.map_or_else(Vec::new, |view| study.arms_on(view));
        let known: Vec<&str> = COLUMNS
            .into_iter()
            .chain(arms.iter().map(String::as_str))
            .collect();
        for (i, column) in figure.columns.iter().enumerate() {
            if !known.contains(&column.as_str()) {
                let fix = nearest(column, known.iter().copied())
                    .map_or_else(String::new, |near| format!("write \"{near}\""));
                let expected =
                    format!("of the view {}: {}", view.unwrap_or(FULL), known.join(", "));
                self.find(format!("figure.columns[{i}]"), expected, column, fix);
            }
        }
        for (i, dose) in figure.doses.iter().enumerate() {
            if !study.doses.contains(dose) {
                let doses: Vec<String> = study.doses.iter().map(f64::to_string).collect();
                let expected = format!("doses of the study: {}", doses.join(", "));
                self.find(format!("figure.doses[{i}]"), expected, dose.to_string(), "");
            }
        }
    }
}

/// Whether a name can be a folder's everywhere.
fn names_a_folder(name: &str) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    !name.is_empty() && name.chars().all(is_letter) && !name.starts_with('-')
}

fn is_finite(value: Value) -> bool {
    !matches!(value, Value::Real(number) if !number.is_finite())
}

fn listed(sides: &[usize]) -> String {
    let words: Vec<String> = sides.iter().map(usize::to_string).collect();
    words.join(", ")
}

impl Trainings {
    /// Every network of these: its arm's name, loss and gridsize.
    pub fn arms(&self) -> Vec<(String, Loss, usize)> {
        if self.model == Model::Baseline {
            let loss = self.losses.first().copied().unwrap_or(Loss::Nll);
            return vec![(BASELINE.to_owned(), loss, 1)];
        }
        let arm = |loss: Loss, side: usize| {
            let name = format!("{PINN_PREFIX}{}_gs{side}", loss.to_value());
            (name, loss, side)
        };
        self.losses
            .iter()
            .flat_map(|loss| self.gridsizes.iter().map(move |side| arm(*loss, *side)))
            .collect()
    }
}
