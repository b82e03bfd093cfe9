//! Arms of iterative engines in a study: names and settings of their own, read, refused, planned, run, reported.

use std::path::Path;

use ptycho_core::compute::DeviceChoice;
use ptycho_core::fields::Value;
use ptycho_core::iterative::{EngineKind, IterativeSettings};
use ptycho_core::job::Quiet;
use ptycho_core::study::design::{Engines, OwnSettings, Study, problems};
use ptycho_core::study::execute::{Control, RunOptions, Selection, TaskState, run};
use ptycho_core::study::plan::{Plan, TaskKind, Work, estimate};
use ptycho_core::study::report;

/// One dose on a few small patterns; LSQML with one mode, with two, and DM with more epochs.
const ARMS: &str = "\
schema = 1
name = \"arms\"
doses = [1e6]
[object]
object_size = 64
[probe]
n = 16
[scan]
positions = 60
[split]
test_positions = 24
[[engines]]
engine = \"lsqml\"
[[engines]]
engine = \"lsqml\"
name = \"lsqml_2modes\"
[engines.settings]
probe_modes = 2
[[engines]]
engine = \"dm\"
settings = { epochs = 5 }
[iterative]
epochs = 3
batch_size = 16
[comparison.how]
border = 0
[figure.style]
crop = 16
dpi = 60.0
";

fn arms() -> Study {
    Study::parse(ARMS).unwrap()
}

fn plan(study: &Study) -> Plan {
    Plan::of(study, Path::new("")).unwrap()
}

/// Engine and settings of the reconstruction by an arm.
fn settings(plan: &Plan, arm: &str) -> (EngineKind, IterativeSettings) {
    let id = format!("reconstruct-1e6-full-{arm}-test");
    match &plan.task(&id).unwrap().work {
        Work::Reconstruct(task) => (task.engine, task.settings.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn arms_are_read_and_written_with_their_own_settings() {
    let study = arms();
    let names: Vec<&str> = study.engines.iter().map(Engines::arm).collect();
    assert_eq!(names, ["lsqml", "lsqml_2modes", "dm"]);
    assert_eq!(study.arms_on("full"), names);
    let own = &study.engines[1].settings;
    assert_eq!(own.get("probe_modes"), Some(Value::Integer(2)));
    assert_eq!(own.get("epochs"), None);
    assert_eq!(study.engines[1].words(), "LSQML; probe-modes 2");
    let text = study.text();
    let read = Study::parse(&text).unwrap();
    assert_eq!(read, study);
    assert_eq!(read.text(), text, "stable");
    // Every field of an arm stands there with its meaning, and the file tells how arms are written.
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().position(|line| *line == "[engines.settings]");
    let at = at.unwrap();
    assert_eq!(lines[at + 2], "probe_modes = 2");
    assert!(
        lines[at + 1].starts_with("# Incoherent"),
        "{}",
        lines[at + 1]
    );
    assert!(text.contains("\n# name = \"lsqml_2modes\"\n"));
}

#[test]
fn every_kind_of_value_goes_to_text_and_json_and_back() {
    let mut study = arms();
    let own = &mut study.engines[1].settings;
    for (name, value) in [
        ("epochs", Value::Integer(7)),
        ("probe_step", Value::Real(1.0 / 3.0)),
        ("refine_probe", Value::Toggle(false)),
        ("refine_positions", Value::Choice("gradient")),
        // A whole number is taken for a real one, as everywhere.
        ("object_step", Value::Integer(2)),
    ] {
        own.set(name, value).unwrap();
    }
    assert_eq!(own.get("object_step"), Some(Value::Real(2.0)));
    assert_eq!(Study::parse(&study.text()).unwrap(), study);
    let json = serde_json::to_string(&study).unwrap();
    assert_eq!(serde_json::from_str::<Study>(&json).unwrap(), study);
    let own = &mut study.engines[1].settings;
    own.remove("epochs");
    assert_eq!(own.get("epochs"), None);
    for (name, value) in [
        ("epochs", Value::Integer(0)),
        ("epochs", Value::Real(2.5)),
        ("nothing", Value::Integer(1)),
    ] {
        let before = own.clone();
        assert!(own.set(name, value).is_err(), "{name} = {value}");
        assert_eq!(*own, before, "{name}");
    }
    for wrong in [
        "{\"epochs\": \"5\"}",
        "{\"noise\": \"loud\"}",
        "{\"nothing\": 1}",
        "{\"probe_step\": -1.0}",
    ] {
        assert!(
            serde_json::from_str::<OwnSettings>(wrong).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn plans_of_before_open_and_stay_as_they_were() {
    let old = "{\"engine\": \"lsqml\", \"views\": [\"full\"]}";
    let engines: Engines = serde_json::from_str(old).unwrap();
    assert_eq!(engines, Engines::new(EngineKind::Lsqml));
    let words = serde_json::to_string(&engines).unwrap();
    assert_eq!(words, old.replace(": ", ":").replace(", ", ","));
}

/// What stands in place of what, then line, key and words of the one problem.
type Broken = (
    &'static str,
    &'static str,
    usize,
    &'static str,
    &'static str,
);

const SECOND: &str = "name = \"lsqml_2modes\"\n";
const OWN: &str = "probe_modes = 2";

const BROKEN: [Broken; 21] = [
    (
        SECOND,
        "",
        14,
        "engines[1]",
        "lsqml on full twice; fix: give one a name of its own, as name = \"lsqml_2\"",
    ),
    (
        SECOND,
        "name = \"LSQML\"\n",
        14,
        "engines[1]",
        "found lsqml and LSQML on full",
    ),
    (
        SECOND,
        "name = \"two modes\"\n",
        16,
        "engines[1].name",
        "letters, digits, - and _",
    ),
    (
        SECOND,
        "name = \"\"\n",
        16,
        "engines[1].name",
        "letters, digits, - and _",
    ),
    (
        SECOND,
        "name = 2\n",
        16,
        "engines[1].name",
        "words in quotes",
    ),
    (
        SECOND,
        "name = \"pinn_nll_gs2\"\n",
        16,
        "engines[1].name",
        "expected a name of no network",
    ),
    (
        SECOND,
        "name = \"Baseline\"\n",
        16,
        "engines[1].name",
        "expected a name of no network",
    ),
    (
        SECOND,
        "name = \"truth\"\n",
        16,
        "engines[1].name",
        "a column of the figure",
    ),
    (
        SECOND,
        "name = \"raar\"\n",
        16,
        "engines[1].name",
        "a name of no other engine than lsqml",
    ),
    (
        SECOND,
        "nam = \"b\"\n",
        16,
        "engines[1].nam",
        "fix: write name",
    ),
    (
        OWN,
        "probe_mode = 2",
        18,
        "engines[1].settings.probe_mode",
        "fix: write probe_modes",
    ),
    (
        OWN,
        "probe_modes = 0",
        18,
        "engines[1].settings.probe_modes",
        "a whole number from 1 to",
    ),
    (
        OWN,
        "probe_modes = \"2\"",
        18,
        "engines[1].settings.probe_modes",
        "a whole number from 1 to",
    ),
    (
        OWN,
        "noise = \"gausian\"",
        18,
        "engines[1].settings.noise",
        "write \"gaussian\"",
    ),
    (
        OWN,
        "seed = 2",
        18,
        "engines[1].settings.seed",
        "fix: write it as iterative in [seeds]",
    ),
    (
        OWN,
        "object_init = \"file\"",
        18,
        "engines[1].settings.object_init",
        "is no reconstruction",
    ),
    (
        OWN,
        "pie_momentum = 0.5",
        18,
        "engines[1].settings.pie_momentum",
        "a field that means something to LSQML",
    ),
    (
        OWN,
        "views = [\"full\"]",
        18,
        "engines[1].settings.views",
        "fix: write views above [engines.settings]",
    ),
    (
        OWN,
        "lr = 0.1",
        18,
        "engines[1].settings.lr",
        "lr stands in [training]",
    ),
    (
        "settings = { epochs = 5 }",
        "settings = 5",
        21,
        "engines[2].settings",
        "a table",
    ),
    (
        "settings = { epochs = 5 }",
        "settings = { momentum = 0.5 }",
        21,
        "engines[2].settings.momentum",
        "a field that means something to DM",
    ),
];

#[test]
fn what_is_wrong_with_an_arm_is_told_at_its_line() {
    for (from, to, line, key, words) in BROKEN {
        assert!(ARMS.contains(from), "{from}");
        let text = ARMS.replacen(from, to, 1);
        let found = problems(&text);
        let problem = found.first().unwrap_or_else(|| panic!("{to} is taken"));
        assert_eq!(
            (problem.line, problem.key.as_str()),
            (line, key),
            "{to}: {problem:#?}"
        );
        assert!(problem.message.contains(words), "{to}: {problem:#?}");
        assert!(Study::parse(&text).is_err(), "{to}");
    }
    assert!(problems(ARMS).is_empty());
}

#[test]
fn folders_of_arms_are_never_shared() {
    let text = ARMS.replacen("name = \"lsqml_2modes\"\n", "name = \"half-a\"\n", 1)
        + "[[views]]\nname = \"full-half\"\noverlap = 0.9\n[[engines]]\nengine = \"rpie\"\nname = \"a\"\nviews = [\"full-half\"]\n";
    let found = problems(&text);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].message.contains("both full-half-a"), "{found:#?}");
}

#[test]
fn an_arm_is_planned_with_its_settings_and_its_name() {
    let study = arms();
    let plan = plan(&study);
    let (engine, one) = settings(&plan, "lsqml");
    assert_eq!(
        (engine, one.probe_modes, one.epochs),
        (EngineKind::Lsqml, 1, 3)
    );
    let (engine, two) = settings(&plan, "lsqml_2modes");
    assert_eq!((engine, two.probe_modes), (EngineKind::Lsqml, 2));
    // All else is the study's.
    assert_eq!(
        IterativeSettings {
            probe_modes: 1,
            ..two
        },
        one
    );
    let (engine, dm) = settings(&plan, "dm");
    assert_eq!((engine, dm.epochs), (EngineKind::Dm, 5));
    let task = plan.task("reconstruct-1e6-full-lsqml_2modes-test").unwrap();
    assert!(
        task.words
            .starts_with("lsqml_2modes (LSQML) on the test split"),
        "{}",
        task.words
    );
    let Work::Compare(work) = &plan.task("compare-1e6-full-test").unwrap().work else {
        panic!("no comparison");
    };
    let compared: Vec<&str> = work
        .inputs
        .arms
        .iter()
        .map(|(arm, _)| arm.as_str())
        .collect();
    assert_eq!(compared, ["lsqml", "lsqml_2modes", "dm"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    plan.save(&file).unwrap();
    assert_eq!(Plan::load(&file).unwrap(), plan);
}

/// Ids of the tasks whose keys a change of the study changes.
fn changed(bend: impl Fn(&mut Study)) -> Vec<String> {
    let mut study = arms();
    bend(&mut study);
    let (old, new) = (plan(&arms()), plan(&study));
    let of = |id: &str| old.task(id).map(|task| task.key.clone());
    let tasks = new.tasks.into_iter();
    let differ = tasks.filter(|task| of(&task.id).as_ref() != Some(&task.key));
    differ.map(|task| task.id).collect()
}

#[test]
fn a_setting_of_an_arm_changes_the_key_of_that_arm_alone() {
    let two = "reconstruct-1e6-full-lsqml_2modes-test";
    let after = ["compare-1e6-full-test", "figure"];
    let own = changed(|study| {
        let own = &mut study.engines[1].settings;
        own.set("probe_modes", Value::Integer(3)).unwrap();
    });
    assert_eq!(own, [&[two][..], &after[..]].concat());
    // DM has epochs of its own.
    let shared = changed(|study| study.iterative.epochs = 4);
    assert_eq!(
        shared,
        [&["reconstruct-1e6-full-lsqml-test", two][..], &after[..]].concat()
    );
    // A value that is the study's anyway changes nothing.
    let same = changed(|study| {
        let own = &mut study.engines[1].settings;
        own.set("epochs", Value::Integer(3)).unwrap();
    });
    assert!(same.is_empty(), "{same:?}");
    // The name is that of the folder, and the comparison's.
    let renamed = changed(|study| study.engines[1].name = Some("two".to_owned()));
    assert_eq!(
        renamed,
        [&["reconstruct-1e6-full-two-test"][..], &after[..]].concat()
    );
}

#[test]
fn arms_that_are_one_reconstruction_are_told() {
    let told = |study: &Study| {
        let words = "are the same engine with the same settings";
        let notes = plan(study).notes;
        notes
            .into_iter()
            .filter(|note| note.ends_with(words))
            .collect::<Vec<_>>()
    };
    let mut study = arms();
    assert!(told(&study).is_empty());
    study.engines[1].settings = OwnSettings::default();
    let found = told(&study);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("lsqml and lsqml_2modes "), "{found:?}");
}

#[test]
fn every_arm_is_tried_with_its_own_settings() {
    let mut study = arms();
    let own = &mut study.engines[1].settings;
    own.set("probe_modes", Value::Integer(8)).unwrap();
    let estimates = estimate(&plan(&study), DeviceChoice::Cpu, 2).unwrap();
    let memory = |arm: &str| {
        let id = format!("reconstruct-1e6-full-{arm}-test");
        let found = estimates.iter().find(|estimate| estimate.id == id);
        found.unwrap().memory_bytes
    };
    let [one, eight] = ["lsqml", "lsqml_2modes"].map(memory);
    assert!(one < eight, "{one} and {eight} bytes");
}

#[test]
fn arms_of_one_engine_are_run_compared_and_reported_beside_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let runs = folder.path();
    let plan = plan(&arms());
    let options = RunOptions {
        runs: runs.to_path_buf(),
        selection: Selection::default(),
        n_jobs: 1,
        n_threads: 2,
        device: DeviceChoice::Cpu,
    };
    let outcome = run(&plan, &options, &Control::default(), &Quiet::default()).unwrap();
    for task in &outcome.tasks {
        assert_eq!(task.state, TaskState::Done, "{}", task.id);
    }
    let is_compared = |task: &&ptycho_core::study::execute::TaskStatus| {
        plan.task(&task.id).unwrap().kind == TaskKind::Compare
    };
    let compared = outcome.tasks.iter().find(is_compared).unwrap();
    let numbers = &compared.record.as_ref().unwrap().numbers;
    let likeness = |arm: &str| numbers[&format!("{arm}.pearson.amplitude")];
    assert!((likeness("lsqml") - likeness("lsqml_2modes")).abs() > 0.0);
    assert!(likeness("dm").is_finite());
    // The report says which is which, and how they differ.
    report::write(&plan, runs).unwrap();
    let summary = std::fs::read_to_string(plan.folder(runs).join("summary.md")).unwrap();
    for words in [
        "Arm lsqml_2modes",
        "LSQML; probe-modes 2",
        "Arm dm",
        "DM; epochs 5",
    ] {
        assert!(summary.contains(words), "{words} not in\n{summary}");
    }
    assert!(
        !summary.contains("Arm lsqml |"),
        "it has nothing of its own"
    );
    let table = plan.folder(runs).join("metrics_summary.csv");
    let table = std::fs::read_to_string(table).unwrap();
    assert!(table.contains(",lsqml_2modes,") && table.contains(",dm,"));
}
