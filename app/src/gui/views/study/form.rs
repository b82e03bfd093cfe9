//! The study as a form: every section with its fields; what is wrong is told where it is.

use egui::{CollapsingHeader, RichText, ScrollArea, TextEdit, Ui};
use ptycho_core::fields::Fields;
use ptycho_core::metrics::region::Region;
use ptycho_core::nn::Model;
use ptycho_core::sim::SceneSettings;
use ptycho_core::study::design::{FULL, Section, Study};
use ptycho_core::study::diagnose::scenario::Scenario;
use ptycho_core::study::generate::GenerateTask;

use super::super::super::command::Command;
use super::super::super::files::Purpose;
use super::super::super::generation::DosesDraft;
use super::super::super::preferences::Preferences;
use super::super::super::study::{Ask, StudyProblem, Studying};
use super::super::super::theme;
use super::super::super::widgets::field_table::{Aids, FieldTable, Relevance};
use super::super::side::{PathRow, problem as problem_line};
use super::super::{generate, train};
use super::engines::{Around, engines};
use super::rows;

/// So that tables under each other are aligned.
pub(super) const WIDTHS: [f32; 3] = [34.0 * theme::GRID, 26.0 * theme::GRID, 6.0 * theme::GRID];

/// What the form remembers between frames.
#[derive(Default)]
pub(super) struct Form {
    doses: DosesDraft,
}

/// What every section needs to know.
struct Known<'a> {
    before: &'a Study,
    problem: Option<&'a StudyProblem>,
    table: FieldTable,
}

impl Form {
    /// Draw the page.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        studying: &mut Studying,
        preferences: &mut Preferences,
        commands: &mut Vec<Command>,
    ) {
        let problem = studying.problem().cloned();
        let is_of_text = problem.as_ref().is_some_and(|problem| problem.is_of_text);
        if is_of_text {
            ui.horizontal_wrapped(|ui| {
                let words = "⚠ The text spells no study just now: mend it on the page Text, or take the last valid study there. The form is that of the last valid study.";
                ui.colored_label(theme::palette(ui).warn, words);
            });
        }
        preferences.parameters.switch_alone(ui);
        let Some(draft) = &mut studying.draft else {
            return;
        };
        let before = draft.study.clone();
        let known = Known {
            before: &before,
            problem: problem.as_ref().filter(|problem| !problem.is_of_text),
            table: preferences.parameters,
        };
        ScrollArea::vertical()
            .auto_shrink([false, false])
            .show(ui, |ui| {
                ui.add_enabled_ui(!is_of_text, |ui| {
                    self.sections(ui, &mut draft.study, &known, commands);
                });
            });
        if draft.study != before {
            studying.form_changed(&before);
        }
    }

    fn sections(
        &mut self,
        ui: &mut Ui,
        study: &mut Study,
        known: &Known<'_>,
        commands: &mut Vec<Command>,
    ) {
        section(
            ui,
            ("Study", &["name", "notes", "base", "scenarios"]),
            known,
            |ui| {
                about(ui, study, commands);
            },
        );
        section(ui, ("Doses", &["doses"]), known, |ui| {
            self.doses(ui, study);
        });
        made(ui, study, known);
        section(ui, ("Views", &["views"]), known, |ui| {
            rows::views(ui, &mut study.views);
        });
        table(ui, ("Groups of views", "groups"), &mut study.groups, known);
        table(
            ui,
            ("Thinning of views", "spacing"),
            &mut study.spacing,
            known,
        );
        let views = view_names(study);
        section(ui, ("Networks", &["trainings"]), known, |ui| {
            rows::trainings(ui, &mut study.trainings, &views);
        });
        table(ui, ("Training", "training"), &mut study.training, known);
        table(ui, ("Inference", "inference"), &mut study.inference, known);
        section(ui, ("Iterative engines", &["engines"]), known, |ui| {
            let around = Around {
                views: &views,
                shared: &known.before.iterative,
                at_fault: known.problem.map(StudyProblem::place),
            };
            engines(ui, &mut study.engines, &around);
        });
        table(
            ui,
            ("Settings of iterative engines", "iterative"),
            &mut study.iterative,
            known,
        );
        section(ui, ("Comparison", &["comparison"]), known, |ui| {
            rows::comparison(ui, &mut study.comparison);
            let how = &mut study.comparison.how;
            fields(ui, "comparison.how", how, known);
        });
        table(ui, ("Seeds", "seeds"), &mut study.seeds, known);
        section(ui, ("Figure", &["figure"]), known, |ui| {
            rows::figure(ui, &mut study.figure, &views);
            fields(ui, "figure.style", &mut study.figure.style, known);
        });
    }

    fn doses(&mut self, ui: &mut Ui, study: &mut Study) {
        self.doses.follow_unless_wrong(&study.doses);
        ui.horizontal(|ui| {
            let label = ui.label("Doses");
            let edit = TextEdit::singleline(&mut self.doses.text)
                .desired_width(50.0 * theme::GRID)
                .hint_text("1e9, 1e4");
            let tip = "Expected photons a pattern, averaged over the scan: one pair of datasets for each, a row of the matrix";
            if ui.add(edit).labelled_by(label.id).on_hover_text(tip).changed() {
                self.doses.read(&mut study.doses);
            }
            ui.label(RichText::new("photons/pattern").color(theme::palette(ui).weak));
        });
        if let Some(words) = &self.doses.problem {
            problem_line(ui, words);
        }
    }
}

/// Every view that trainings and engines can name.
fn view_names(study: &Study) -> Vec<String> {
    let views = study.views.iter().map(|view| view.name.clone());
    std::iter::once(FULL.to_owned()).chain(views).collect()
}

/// Object, probe, scan, simulation, split; fields without effect are left out.
fn made(ui: &mut Ui, study: &mut Study, known: &Known<'_>) {
    let has_base = known.before.base.is_some();
    if has_base {
        section(ui, ("Object", &["object"]), known, |ui| {
            ui.weak("Object and probe come from the base file.");
        });
    } else {
        table(ui, ("Object", "object"), &mut study.object, known);
        table(ui, ("Probe", "probe"), &mut study.probe, known);
    }
    table(ui, ("Scan", "scan"), &mut study.scan, known);
    table(
        ui,
        ("Simulation", "simulation"),
        &mut study.simulation,
        known,
    );
    table(ui, ("Split", "split"), &mut study.split, known);
}

/// A foldable part; open where something is wrong with it.
fn section(
    ui: &mut Ui,
    (title, keys): (&str, &[&str]),
    known: &Known<'_>,
    contents: impl FnOnce(&mut Ui),
) {
    let wrong = known.problem.filter(|problem| {
        let key = problem.key.as_deref().unwrap_or_default();
        let first = key.split(['.', '[']).next().unwrap_or_default();
        keys.contains(&first)
    });
    let words = match wrong {
        Some(_) => RichText::new(format!("✖ {title}")).color(theme::palette(ui).bad),
        None => RichText::new(title),
    };
    CollapsingHeader::new(words.strong())
        .id_salt(("study section", title))
        .default_open(matches!(
            title,
            "Study" | "Doses" | "Networks" | "Iterative engines"
        ))
        .open(wrong.map(|_| true))
        .show_unindented(ui, |ui| {
            if let Some(problem) = wrong {
                problem_line(ui, &problem.words);
            }
            contents(ui);
            ui.add_space(theme::GRID);
        });
}

/// A part that is one table.
fn table<T: Fields>(ui: &mut Ui, (title, key): (&str, &str), settings: &mut T, known: &Known<'_>) {
    section(ui, (title, &[key]), known, |ui| {
        fields(ui, key, settings, known);
    });
}

/// The fields of a section: those that its file has, and that have any effect.
fn fields<T: Fields>(ui: &mut Ui, key: &str, settings: &mut T, known: &Known<'_>) {
    let section = Section::named(key);
    let shown = |name: &str| -> Relevance {
        match section {
            // Another place of the study decides it.
            Some(section) if section.place_of(name).is_some() => Relevance::Never,
            _ => relevance(known.before, key, name),
        }
    };
    let at_fault = known.problem.and_then(|problem| {
        let (section, field) = problem.place();
        (section == key).then(|| field.to_owned())
    });
    let mut aids = Aids {
        relevance: &shown,
        widths: WIDTHS,
        at_fault: at_fault.as_deref(),
        ..Aids::NONE
    };
    known
        .table
        .rows(ui, &format!("study {key}"), settings, &mut aids);
}

/// Whether a field has any effect with the present choices.
fn relevance(study: &Study, section: &str, name: &str) -> Relevance {
    match (section, name) {
        ("training", name) => {
            let mut settings = study.training.clone();
            // What some of the networks need is shown.
            let has_pinn = study.trainings.iter().any(|one| one.model == Model::Pinn);
            settings.model = if has_pinn {
                Model::Pinn
            } else {
                Model::Baseline
            };
            train::field_relevance(&settings, name)
        }
        ("object" | "probe" | "scan" | "simulation" | "split", name) => {
            generate::field_relevance(&as_task(study), name)
        }
        _ => Relevance::ByLevel,
    }
}

/// As much of a generation as its fields depend on.
fn as_task(study: &Study) -> GenerateTask {
    GenerateTask {
        scene: SceneSettings {
            object: study.object.clone(),
            probe: study.probe.clone(),
            scan: study.scan.clone(),
            ..SceneSettings::default()
        },
        simulation: study.simulation.clone(),
        split: study.split.clone(),
        ..GenerateTask::default()
    }
}

/// Name, words, base file, scenarios.
fn about(ui: &mut Ui, study: &mut Study, commands: &mut Vec<Command>) {
    const LABEL: f32 = 14.0 * theme::GRID;
    ui.horizontal(|ui| {
        let label = super::super::side::wide_label(ui, "Name", LABEL);
        let tip = "Name of the study and of its run folder: letters, digits, - and _";
        ui.add(TextEdit::singleline(&mut study.name).desired_width(50.0 * theme::GRID))
            .labelled_by(label.id)
            .on_hover_text(tip);
    });
    ui.horizontal(|ui| {
        let label = super::super::side::wide_label(ui, "Purpose", LABEL);
        let edit = TextEdit::multiline(&mut study.notes)
            .desired_width(ui.available_width() - 4.0 * theme::GRID)
            .desired_rows(2);
        ui.add(edit).labelled_by(label.id).on_hover_text(
            "What the study is for: part of the summary, without effect on what is computed",
        );
    });
    base(ui, study, LABEL, commands);
    ui.horizontal_wrapped(|ui| {
        super::super::side::wide_label(ui, "Scenarios", LABEL);
        for scenario in Scenario::ALL {
            rows::toggle(
                ui,
                &mut study.scenarios,
                scenario.name(),
                "A diagnostic scenario, run beside everything else",
            );
        }
    });
}

fn base(ui: &mut Ui, study: &mut Study, label_width_pt: f32, commands: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        let row = PathRow {
            label: "Base",
            what: "base file",
            hint: "none: object and probe are made",
            tip: "NPZ whose objectGuess and probeGuess stand in for object and probe; relative to the study file",
            label_width_pt,
            beside_pt: 16.0 * theme::GRID,
        };
        let path = study.base.as_ref().map(|path| path.display().to_string());
        let mut text = path.unwrap_or_default();
        let response = row.ui(ui, &mut text);
        if response.is_changed {
            study.base = (!text.trim().is_empty()).then(|| text.into());
        }
        if response.is_browse_asked {
            commands.push(Command::Study(Ask::Choose(Purpose::StudyBase)));
        }
    });
}

/// Whether a text is a region, in words where it is none.
pub(super) fn region_problem(text: &str) -> Option<String> {
    Region::parse(text).err().map(|error| error.to_string())
}
