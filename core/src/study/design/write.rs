//! From a study to its text: every default visible, every field with what it means.

use std::fmt::Write as _;

use toml::Value as Toml;

use super::schema::Section;
use super::{Split, Study};
use crate::fields::{AUTO, Field, FieldValue, Kind, Value};

/// Comments are wrapped here.
const WIDTH: usize = 110;

/// The text of a study.
pub(super) fn write(study: &Study) -> String {
    let mut text = Writer::default();
    text.comment(
        "A study of Ptychobench: datasets, networks, reconstructions, comparison and figure. What runs is told by \
         `ptychobench study plan`; `ptychobench study run` does it.",
    );
    text.head(study);
    let sections = |text: &mut Writer, keys: &[&str]| {
        for key in keys {
            text.section(study, key);
        }
    };
    sections(
        &mut text,
        &["seeds", "object", "probe", "scan", "simulation", "split"],
    );
    text.views(study);
    sections(&mut text, &["groups", "spacing"]);
    text.trainings(study);
    sections(&mut text, &["training", "inference"]);
    text.engines(study);
    sections(&mut text, &["iterative"]);
    text.comparison(study);
    sections(&mut text, &["comparison.how"]);
    text.figure(study);
    sections(&mut text, &["figure.style"]);
    text.0
}

#[derive(Default)]
struct Writer(String);

impl Writer {
    fn comment(&mut self, words: &str) {
        let mut line = String::from("#");
        for word in words.split_whitespace() {
            if WIDTH < line.chars().count() + 1 + word.chars().count() {
                self.line(&line);
                line = String::from("#");
            }
            line.push(' ');
            line.push_str(word);
        }
        self.line(&line);
    }

    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn entry(&mut self, comment: &str, key: &str, value: &str) {
        self.comment(comment);
        self.line(&format!("{key} = {value}"));
    }

    /// A table's head with what it decides.
    fn table(&mut self, head: &str, doc: &str) {
        self.line("");
        self.comment(doc);
        self.line(head);
    }

    fn head(&mut self, study: &Study) {
        self.entry(
            "Number of the form of this file.",
            "schema",
            &study.schema.to_string(),
        );
        self.entry(
            "Name of the study and of its run folder: letters, digits, - and _.",
            "name",
            &string(&study.name),
        );
        self.entry(
            "What it is for, in words; part of the summary.",
            "notes",
            &string(&study.notes),
        );
        self.entry(
            "Photons a pattern; training and test set are made at each.",
            "doses",
            &list(study.doses.iter().map(|dose| number(*dose))),
        );
        let base = "NPZ whose objectGuess and probeGuess stand in for object and probe; relative to this file.";
        if let Some(path) = &study.base {
            self.entry(base, "base", &string(&path.to_string_lossy()));
        } else {
            self.comment(base);
            self.line("# base = \"scan.npz\"");
        }
        self.entry(
            "Ready diagnostic scenarios, run beside everything else: gs1_ideal, gs1_custom, gs2_ideal, gs2_custom.",
            "scenarios",
            &strings(&study.scenarios),
        );
    }

    /// Settings, field by field.
    fn section(&mut self, study: &Study, key: &str) {
        let (Some(section), Some(table)) = (Section::named(key), study.table(key)) else {
            return;
        };
        self.table(&format!("[{key}]"), section.doc);
        for field in section.own() {
            if let Some(value) = table.value(field.name) {
                self.entry(&meaning(field), field.name, &settled(value));
            }
        }
    }

    fn views(&mut self, study: &Study) {
        const DOC: &str = "Overlap views beside `full`, which keeps every pattern and needs no entry. A view of overlap f \
                           keeps what is at least (1 - f) n px apart; 1 keeps all.";
        self.line("");
        self.comment(DOC);
        if study.views.is_empty() {
            self.line("# [[views]]\n# name = \"dense\"\n# overlap = 0.7");
        }
        for (i, view) in study.views.iter().enumerate() {
            self.next(i, "[[views]]");
            self.line(&format!("name = {}", string(&view.name)));
            self.line(&format!("overlap = {}", number(view.overlap)));
        }
    }

    fn trainings(&mut self, study: &Study) {
        const DOC: &str = "Networks: one for each loss, gridsize, view and dose. model: pinn or baseline; losses: nll, mae; \
                           gridsizes: patterns along a side of a group, 1 to 3 (of the baseline 1); views: full and those \
                           above.";
        self.line("");
        self.comment(DOC);
        if study.trainings.is_empty() {
            self.line(
                "# [[trainings]]\n# model = \"pinn\"\n# losses = [\"nll\", \"mae\"]\n# gridsizes = [2]\n# views = [\"full\"]",
            );
        }
        for (i, trainings) in study.trainings.iter().enumerate() {
            self.next(i, "[[trainings]]");
            self.line(&format!("model = {}", word(&trainings.model)));
            let losses = trainings.losses.iter().map(word);
            self.line(&format!("losses = {}", list(losses)));
            let sides = trainings.gridsizes.iter().map(usize::to_string);
            self.line(&format!("gridsizes = {}", list(sides)));
            self.line(&format!("views = {}", strings(&trainings.views)));
        }
    }

    fn engines(&mut self, study: &Study) {
        const DOC: &str = "Iterative reconstructions: one for each view, dose and split that is compared. engine: lsqml, rpie, epie, mpie, dm or raar.";
        const ARMS: &str = "An arm can have settings of its own: [engines.settings] has the fields that differ from \
                            [iterative], and name (letters, digits, - and _; by default the engine's) is what results, \
                            tables and figure call it. For example:";
        self.line("");
        self.comment(DOC);
        self.comment(ARMS);
        self.line("# [[engines]]\n# engine = \"lsqml\"\n# name = \"lsqml_2modes\"\n# views = [\"full\"]\n# [engines.settings]\n# probe_modes = 2");
        for engines in &study.engines {
            self.line("");
            self.line("[[engines]]");
            self.line(&format!("engine = {}", word(&engines.engine)));
            if let Some(name) = &engines.name {
                self.line(&format!("name = {}", string(name)));
            }
            self.line(&format!("views = {}", strings(&engines.views)));
            if !engines.settings.is_empty() {
                self.line("[engines.settings]");
            }
            for (field, value) in engines.settings.iter() {
                self.entry(&meaning(field), field.name, &settled(value));
            }
        }
    }

    /// The head of the table number `i` of a list.
    fn next(&mut self, i: usize, head: &str) {
        if 0 < i {
            self.line("");
        }
        self.line(head);
    }

    fn comparison(&mut self, study: &Study) {
        self.table("[comparison]", "What is compared with the truth.");
        self.entry(
            "The splits that are reconstructed and compared: train, test.",
            "splits",
            &list(study.comparison.splits.iter().map(word::<Split>)),
        );
        self.entry(
            "The region: auto (what the scan lit), or rows and columns y0:y1,x0:x1.",
            "region",
            &string(&study.comparison.region),
        );
    }

    fn figure(&mut self, study: &Study) {
        let figure = &study.figure;
        self.table("[figure]", "What the figure shows.");
        self.entry(
            "View whose arms are drawn; empty is the first that has any.",
            "view",
            &string(&figure.view),
        );
        self.entry(
            "Columns: diffraction, truth, or an arm, as pinn_nll_gs2; none is diffraction, MAE and NLL, as far as the study \
             has them.",
            "columns",
            &strings(&figure.columns),
        );
        self.entry(
            "Rows, photons a pattern; none is every dose, the highest first.",
            "doses",
            &list(figure.doses.iter().map(|dose| number(*dose))),
        );
    }
}

/// What a field means: its first sentence, then in brackets its words or range with its unit.
fn meaning(field: &Field) -> String {
    let words: Vec<&str> = field.doc.split_whitespace().collect();
    let doc = words.join(" ");
    let mut text = match doc.find(". ") {
        Some(at) => doc[..=at].to_owned(),
        None => doc,
    };
    let range = match (field.kind, field.range) {
        (Kind::Choice(choices), _) => {
            let names: Vec<&str> = choices.iter().map(|choice| choice.name).collect();
            names.join(", ")
        }
        (Kind::AutoReal, Some((least, greatest))) => format!("{AUTO}, or {least} to {greatest}"),
        (_, Some((least, greatest))) => format!("{least} to {greatest}"),
        (Kind::AutoReal, None) => format!("{AUTO}, or a number"),
        (_, None) => String::new(),
    };
    let own = [range.as_str(), field.unit];
    let own: Vec<&str> = own.into_iter().filter(|part| !part.is_empty()).collect();
    if !own.is_empty() {
        // Writing to a string cannot fail.
        let _ = write!(text, " [{}]", own.join(" "));
    }
    text
}

fn settled(value: Value) -> String {
    match value {
        Value::Integer(value) => value.to_string(),
        Value::Real(value) => number(value),
        Value::Toggle(value) => value.to_string(),
        Value::Choice(value) => string(value),
    }
}

/// The word of a choice, in quotes.
fn word<T: FieldValue>(value: &T) -> String {
    settled(value.to_value())
}

fn string(text: &str) -> String {
    Toml::String(text.to_owned()).to_string()
}

fn strings(items: &[String]) -> String {
    list(items.iter().map(|item| string(item)))
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// The shortest form that is read back as the same number, always that of a real one.
fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e4).contains(&size) {
        return format!("{value:e}");
    }
    format!("{value:?}")
}
