//! Study files: what they say, what is wrong with them and where, and what they come to.

use std::collections::BTreeMap;
use std::path::Path;

use ptycho_core::compute::DeviceChoice;
use ptycho_core::fields::Fields as _;
use ptycho_core::study::design::{FULL, Section, Study, Template, problems};
use ptycho_core::study::plan::{Plan, TaskKind, Work, dose_word, estimate};

/// A study that is small enough to be planned in no time.
const SMALL: &str = "\
schema = 1
name = \"small\"
doses = [1e9, 1e4]
[scan]
positions = 40
[split]
test_positions = 20
[[views]]
name = \"half\"
overlap = 0.9
[[trainings]]
model = \"pinn\"
losses = [\"nll\", \"mae\"]
gridsizes = [2]
views = [\"full\", \"half\"]
[training]
filters_scale = 1
epochs = 2
[[engines]]
engine = \"lsqml\"
[iterative]
epochs = 4
";

fn small() -> Study {
    Study::parse(SMALL).unwrap()
}

fn plan(study: &Study) -> Plan {
    Plan::of(study, Path::new("")).unwrap()
}

/// The small study with a line put in the place of another.
fn bent(from: &str, to: &str) -> String {
    assert!(SMALL.contains(from), "{from}");
    SMALL.replacen(from, to, 1)
}

#[test]
fn every_template_is_as_the_program_writes_it_and_is_read_back() {
    for template in Template::ALL {
        let study = Study::parse(template.text).unwrap();
        assert_eq!(study.name, template.name);
        assert_eq!(study.text(), template.text, "{}", template.name);
        assert_eq!(Template::named(template.name), Some(template));
    }
    assert_eq!(Template::named("nothing"), None);
}

#[test]
fn text_and_study_are_the_same() {
    let mut study = small();
    study.notes = "two lines\n\"quoted\" \\ and é\n".to_owned();
    study.base = Some("folder with space/scan's.npz".into());
    study.scenarios = vec!["gs2_ideal".to_owned()];
    study.doses = vec![1.0, 12345.0, 2.5e12, 1e15];
    study.seeds.training = u64::MAX;
    study.training.lr = 1.0 / 3.0;
    study.training.clip_norm = 1e-17;
    study.figure.columns = vec!["truth".to_owned(), "lsqml".to_owned()];
    study.figure.doses = vec![12345.0];
    study.check().unwrap();
    let text = study.text();
    let read = Study::parse(&text).unwrap();
    assert_eq!(read, study);
    assert_eq!(read.text(), text, "stable");
    // A short file and its long form are one study.
    assert_eq!(Study::parse(&small().text()).unwrap(), small());
}

#[test]
fn every_field_stands_in_the_text_with_its_meaning() {
    let text = small().text();
    for section in Section::ALL {
        assert!(
            text.contains(&format!("\n[{}]\n", section.key)),
            "{section:?}"
        );
        for field in section.own() {
            let line = text
                .lines()
                .position(|line| line.starts_with(&format!("{} = ", field.name)));
            let line = line.unwrap_or_else(|| panic!("{}.{}", section.key, field.name));
            assert!(text.lines().nth(line - 1).unwrap().starts_with("# "));
        }
        for (field, _) in section.elsewhere {
            assert!(
                (section.fields)().iter().any(|known| known.name == *field),
                "{field}"
            );
        }
    }
}

/// A broken file: what stands in place of what, then line, key and words of the one problem.
type Broken = (
    &'static str,
    &'static str,
    usize,
    &'static str,
    &'static str,
);

const BROKEN: &[Broken] = &[
    (
        "epochs = 2",
        "epoch = 2",
        18,
        "training.epoch",
        "found `epoch`; fix: write epochs",
    ),
    (
        "epochs = 2",
        "epochs = 0",
        18,
        "training.epochs",
        "expected a whole number from 1 to 1000000, found 0",
    ),
    (
        "epochs = 2",
        "epochs = 2.5",
        18,
        "training.epochs",
        "expected a whole number from 1 to 1000000, found 2.5",
    ),
    (
        "epochs = 2",
        "epochs = \"two\"",
        18,
        "training.epochs",
        "found \"two\"",
    ),
    (
        "epochs = 2",
        "epochs = -2",
        18,
        "training.epochs",
        "found -2",
    ),
    (
        "epochs = 2",
        "lr = 0",
        18,
        "training.lr",
        "expected a number above 0, found 0",
    ),
    (
        "epochs = 2",
        "lr = nan",
        18,
        "training.lr",
        "expected a number from 0 to 1, found nan",
    ),
    (
        "epochs = 2",
        "schedule = \"cosin\"",
        18,
        "training.schedule",
        "write \"cosine\"",
    ),
    (
        "epochs = 2",
        "seed = 3",
        18,
        "training.seed",
        "training in [seeds]",
    ),
    (
        "epochs = 2",
        "gridsize = 2",
        18,
        "training.gridsize",
        "gridsizes in [[trainings]]",
    ),
    (
        "epochs = 2",
        "neighbors = 3",
        18,
        "training.neighbors",
        "K of at least C = 4",
    ),
    (
        "epochs = 2",
        "probe_modes = 2",
        18,
        "training.probe_modes",
        "probe_modes stands in [iterative]",
    ),
    (
        "epochs = 2",
        "epochs = 2\nepochs = 3",
        19,
        "",
        "duplicate key",
    ),
    ("epochs = 2", "epochs = ", 18, "", "expected TOML"),
    (
        "schema = 1",
        "schema = 2",
        1,
        "schema",
        "expected 1, found 2",
    ),
    (
        "schema = 1\n",
        "",
        1,
        "schema",
        "expected this key, found none",
    ),
    (
        "name = \"small\"",
        "name = \"small one\"",
        2,
        "name",
        "letters, digits, - and _",
    ),
    (
        "name = \"small\"",
        "name = \"scratch\"",
        2,
        "name",
        "where work outside of studies lies",
    ),
    ("name = \"small\"", "name = \"small", 2, "", "expected TOML"),
    (
        "doses = [1e9, 1e4]",
        "doses = [1e9, \"1e4\"]",
        3,
        "doses[1]",
        "expected a number, found \"1e4\"",
    ),
    (
        "doses = [1e9, 1e4]",
        "doses = [1e9, 0]",
        3,
        "doses[1]",
        "expected photons from 1 to 9e15, found 0",
    ),
    (
        "doses = [1e9, 1e4]",
        "doses = [1e4, 1e4]",
        3,
        "doses[1]",
        "doses that differ as whole numbers",
    ),
    (
        "doses = [1e9, 1e4]",
        "doses = []",
        3,
        "doses",
        "one dose at least",
    ),
    (
        "doses = [1e9, 1e4]",
        "doses = 1e9",
        3,
        "doses",
        "a list of numbers",
    ),
    (
        "doses = [1e9, 1e4]",
        "doses = [1e9]\nscenarios = [\"gs1_idel\"]",
        4,
        "scenarios[0]",
        "write \"gs1_ideal\"",
    ),
    (
        "[scan]",
        "[scans]",
        4,
        "scans",
        "found `scans`; fix: write scan",
    ),
    (
        "[scan]",
        "[probe]\nprobe = \"file\"\n[scan]",
        5,
        "probe.probe",
        "a base file",
    ),
    (
        "positions = 40",
        "buffer_px = -1",
        5,
        "scan.buffer_px",
        "expected auto, or a number from 0 to 10000, found -1",
    ),
    (
        "test_positions = 20",
        "test_seed = 3",
        7,
        "split.test_seed",
        "test_scan in [seeds]",
    ),
    (
        "name = \"half\"",
        "name = \"full\"",
        9,
        "views[0].name",
        "needs no entry",
    ),
    (
        "name = \"half\"",
        "name = \"a/b\"",
        9,
        "views[0].name",
        "becomes a folder's",
    ),
    (
        "overlap = 0.9",
        "overlap = 1.5",
        10,
        "views[0].overlap",
        "from 0 (a whole pattern apart) to 1",
    ),
    (
        "overlap = 0.9",
        "overlp = 0.9",
        10,
        "views[0].overlp",
        "write overlap",
    ),
    (
        "model = \"pinn\"",
        "model = \"pin\"",
        12,
        "trainings[0].model",
        "expected pinn, baseline, found \"pin\"; fix: write \"pinn\"",
    ),
    (
        "model = \"pinn\"\nlosses = [\"nll\", \"mae\"]",
        "model = \"baseline\"",
        13,
        "trainings[0].gridsizes",
        "takes patterns one by one",
    ),
    (
        "losses = [\"nll\", \"mae\"]",
        "losses = [\"nll\", \"nll\"]",
        13,
        "trainings[0].losses",
        "every loss once",
    ),
    (
        "gridsizes = [2]",
        "gridsizes = [4]",
        14,
        "trainings[0].gridsizes",
        "whole numbers from 1 to 3, found 4",
    ),
    (
        "gridsizes = [2]",
        "gridsizes = [1, 2]",
        9,
        "views[0].name",
        "networks of one gridsize on a view",
    ),
    (
        "gridsizes = [2]\n",
        "",
        11,
        "trainings[0].gridsizes",
        "write gridsizes = [2]",
    ),
    (
        "views = [\"full\", \"half\"]",
        "views = [\"full\", \"hlf\"]",
        15,
        "trainings[0].views[1]",
        "write \"half\"",
    ),
    (
        "[[engines]]",
        "[engines]",
        19,
        "engines",
        "tables [[engines]]",
    ),
    (
        "engine = \"lsqml\"",
        "engine = \"sharp\"",
        20,
        "engines[0].engine",
        "expected lsqml, rpie, epie, mpie, dm, raar, found \"sharp\"",
    ),
    (
        "[iterative]",
        "[iterative]\nobject_init = \"file\"",
        22,
        "iterative.object_init",
        "is no reconstruction",
    ),
    (
        "[iterative]",
        "[figure]\ncolumns = [\"pinn_nll_gs1\"]\n[iterative]",
        22,
        "figure.columns[0]",
        "write \"pinn_nll_gs2\"",
    ),
    (
        "[iterative]",
        "[figure]\nview = \"halv\"\n[iterative]",
        22,
        "figure.view",
        "write \"half\"",
    ),
    (
        "[iterative]",
        "[comparison]\nregion = \"all\"\n[iterative]",
        22,
        "comparison.region",
        "y0:y1,x0:x1",
    ),
    (
        "[iterative]",
        "[comparison]\nsplits = [\"tests\"]\n[iterative]",
        22,
        "comparison.splits[0]",
        "write \"test\"",
    ),
    (
        "[iterative]",
        "[comparison.how]\nborder = 65\n[iterative]",
        22,
        "comparison.how.border",
        "from 0 to 64, found 65",
    ),
    (
        "[iterative]",
        "[probe]\nn = 100\n[iterative]",
        22,
        "probe.n",
        "patterns of 64, 128 or 256 pixels a side",
    ),
    (
        "[iterative]",
        "[object]\nobject_amplitude_min = 2\n[iterative]",
        22,
        "object.object_amplitude_min",
        "exchange the two",
    ),
];

#[test]
fn fifty_broken_files_are_refused_at_the_line_with_key_and_fix() {
    for (from, to, line, key, words) in BROKEN {
        let text = bent(from, to);
        let found = problems(&text);
        // What follows from it may be told too.
        let problem = found.first().unwrap_or_else(|| panic!("{to} is taken"));
        assert_eq!(
            (problem.line, problem.key.as_str()),
            (*line, *key),
            "{to}: {problem:#?}"
        );
        assert!(problem.message.contains(words), "{to}: {problem:#?}");
        assert!(
            !problem.expected.is_empty() && !problem.found.is_empty(),
            "{to}"
        );
        let error = Study::parse(&text).unwrap_err();
        assert!(matches!(error, ptycho_core::Error::Refused(_)));
        let message = error.to_string();
        assert!(
            message.contains(&format!("line {line}")) && message.contains(key),
            "{message}"
        );
        assert!(!message.contains("machine"), "{message}");
    }
    assert!(problems(SMALL).is_empty());
}

#[test]
fn several_problems_are_told_together_in_the_order_of_the_lines() {
    let text = bent("epochs = 2", "epoch = 2\nseed = 1").replace("positions = 40", "positions = 0");
    let found = problems(&text);
    let keys: Vec<(usize, &str)> = found.iter().map(|it| (it.line, it.key.as_str())).collect();
    assert_eq!(
        keys,
        [
            (5, "scan.positions"),
            (18, "training.epoch"),
            (19, "training.seed")
        ]
    );
    assert_eq!(found[1].column, 1);
    let message = Study::parse(&text).unwrap_err().to_string();
    assert!(
        message.contains("then mend 2 more: line 18 training.epoch"),
        "{message}"
    );
}

#[test]
fn a_study_bent_in_memory_is_refused_with_its_path() {
    type Bend = fn(&mut Study);
    let bends: [(Bend, &str); 5] = [
        (|study| study.training.epochs = 0, "training.epochs"),
        (|study| study.training.seed = 7, "training.seed"),
        (|study| study.doses.clear(), "doses"),
        (
            |study| study.views[0].name = "other".to_owned(),
            "trainings[0].views[1]",
        ),
        (|study| study.simulation.keep_intermediates = true, ""),
    ];
    for (bend, key) in bends {
        let mut study = small();
        bend(&mut study);
        let found = study
            .check()
            .err()
            .map(|error| error.problem().unwrap().key.clone().unwrap());
        assert_eq!(found.unwrap_or_default(), key);
    }
}

#[test]
fn files_that_are_no_text_or_not_there_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("study.toml");
    let error = Study::load(&file).unwrap_err();
    assert!(error.to_string().contains("study.toml"), "{error}");
    ptycho_core::disk::write(&file, b"schema = 1\nname = \"\xff\"").unwrap();
    let error = Study::load(&file).unwrap_err();
    assert!(
        error.to_string().contains("line 2: expected text in UTF-8"),
        "{error}"
    );
    ptycho_core::disk::write(&file, bent("epochs = 2", "epochs = 0").as_bytes()).unwrap();
    let error = Study::load(&file).unwrap_err();
    assert!(error.to_string().ends_with("study.toml"), "{error}");
}

#[test]
fn a_plan_is_the_same_every_time_and_each_task_stands_after_those_it_needs() {
    let first = plan(&small());
    assert_eq!(first, plan(&small()));
    let mut seen: Vec<&str> = Vec::new();
    for task in &first.tasks {
        assert!(
            task.after.iter().all(|id| seen.contains(&id.as_str())),
            "{}",
            task.id
        );
        assert!(!seen.contains(&task.id.as_str()), "{} twice", task.id);
        seen.push(&task.id);
    }
    for id in [
        "simulate-1e9",
        "view-1e4-half",
        "train-1e4-full-pinn_nll_gs2",
        "reconstruct-1e4-full-lsqml-test",
        "infer-1e9-half-pinn_mae_gs2-test",
        "compare-1e4-full-test",
        "figure",
    ] {
        assert!(seen.contains(&id), "{id}: {seen:?}");
    }
    let variants: Vec<String> = first
        .variants
        .iter()
        .map(|variant| format!("{}/{}", variant.view, variant.arm))
        .collect();
    assert_eq!(
        variants,
        [
            "full/pinn_nll_gs2",
            "full/pinn_mae_gs2",
            "full/lsqml",
            "half/pinn_nll_gs2",
            "half/pinn_mae_gs2"
        ]
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    first.save(&file).unwrap();
    assert_eq!(Plan::load(&file).unwrap(), first);
}

#[test]
fn seeds_stand_in_the_tasks() {
    let mut study = small();
    for (seed, field) in (11..).zip(ptycho_core::study::design::Seeds::fields()) {
        study
            .seeds
            .set(field.name, ptycho_core::fields::Value::Integer(seed))
            .unwrap();
    }
    let plan = plan(&study);
    let mut seeds: BTreeMap<&str, u64> = BTreeMap::new();
    for task in &plan.tasks {
        match &task.work {
            Work::Simulate(task) => {
                seeds.insert("simulation", task.simulation.seed);
                seeds.insert("test_scan", task.split.test_seed);
            }
            Work::View(task) => drop(seeds.insert("views", task.groups.seed)),
            Work::Train(task) => drop(seeds.insert("training", task.settings.seed)),
            Work::Infer(task) => drop(seeds.insert("inference", task.settings.seed)),
            Work::Reconstruct(task) => drop(seeds.insert("iterative", task.settings.seed)),
            _ => {}
        }
    }
    let given = study.seeds.by_purpose();
    let given: BTreeMap<&str, u64> = given
        .iter()
        .map(|(name, seed)| (name.as_str(), *seed))
        .collect();
    assert_eq!(seeds, given);
}

/// Ids of the tasks whose keys differ, or that only one of the plans has.
fn changed(bend: impl Fn(&mut Study)) -> Vec<String> {
    let mut study = small();
    bend(&mut study);
    let (old, new) = (plan(&small()), plan(&study));
    let differs = |task: &&ptycho_core::study::plan::Task| {
        old.task(&task.id)
            .is_none_or(|before| before.key != task.key)
    };
    new.tasks
        .iter()
        .filter(differs)
        .map(|task| task.id.clone())
        .collect()
}

#[test]
fn a_change_changes_the_keys_of_what_depends_on_it_and_of_nothing_else() {
    let none: [&str; 0] = [];
    assert_eq!(changed(|study| study.name = "other".to_owned()), none);
    assert_eq!(changed(|study| study.notes = "words".to_owned()), none);
    let of_dose = changed(|study| study.doses[1] = 2e4);
    assert!(
        of_dose
            .iter()
            .all(|id| id.contains("-2e4") || id == "figure"),
        "{of_dose:?}"
    );
    assert!(of_dose.contains(&"figure".to_owned()));
    let of_lsqml = changed(|study| study.iterative.epochs = 5);
    assert_eq!(
        of_lsqml,
        [
            "reconstruct-1e9-full-lsqml-test",
            "reconstruct-1e4-full-lsqml-test",
            "compare-1e9-full-test",
            "compare-1e4-full-test",
            "figure"
        ]
    );
    let of_views = changed(|study| study.views[0].overlap = 0.95);
    assert!(
        of_views.iter().all(|id| id.contains("-half")),
        "{of_views:?}"
    );
    assert_eq!(changed(|study| study.comparison.how.border = 5).len(), 5);
    assert_eq!(
        changed(|study| study.figure.style.font_pt = 9.0),
        ["figure"]
    );
    let of_seed = changed(|study| study.seeds.simulation = 1);
    assert_eq!(of_seed.len(), plan(&small()).tasks.len());
    let of_training = changed(|study| study.seeds.training = 1);
    assert!(of_training.iter().any(|id| id.starts_with("train")));
    assert!(
        !of_training
            .iter()
            .any(|id| id.starts_with("view") || id.starts_with("simulate"))
    );
}

#[test]
fn a_view_that_cannot_be_formed_is_skipped_with_all_that_needs_it() {
    let mut study = small();
    study.views[0].overlap = 0.0;
    study.spacing.apply_to = ptycho_core::grouping::settings::ApplyTo::Positions;
    let plan = plan(&study);
    let view = plan.task("view-1e4-half").unwrap();
    let reason = view.skip.as_deref().unwrap();
    assert!(
        reason.starts_with("train: ") && reason.contains("64.0 px apart (half=0)"),
        "{reason}"
    );
    assert!(!reason.contains("--"), "in the words of the file: {reason}");
    for task in &plan.tasks {
        let needs = task.id.contains("-half");
        assert_eq!(task.skip.is_some(), needs, "{}", task.id);
        if needs && task.kind != TaskKind::View {
            let reason = task.skip.as_deref().unwrap();
            assert!(
                reason.starts_with("view half cannot be formed: train: "),
                "{reason}"
            );
        }
    }
}

#[test]
fn the_base_file_takes_the_place_of_object_and_probe() {
    let folder = tempfile::tempdir().unwrap();
    let mut study = small();
    let object = study.object.clone();
    let generation = |seed: u64| {
        let scene = ptycho_core::sim::SceneSettings {
            object: object.clone(),
            scan: ptycho_core::sim::ScanSettings {
                positions: 4,
                ..Default::default()
            },
            ..Default::default()
        };
        let settings = ptycho_core::study::generate::GenerateTask {
            scene,
            doses: vec![1e6],
            simulation: ptycho_core::sim::SimulationSettings {
                seed,
                ..Default::default()
            },
            output: folder.path().join(seed.to_string()),
            n_threads: 1,
            ..Default::default()
        };
        let quiet = ptycho_core::job::Quiet::default();
        ptycho_core::study::generate::generate(&settings, &quiet).unwrap();
        settings.output.join("dose_1000000/train.npz")
    };
    let files = [generation(1), generation(2)];
    let base = folder.path().join("base.npz");
    std::fs::copy(&files[0], &base).unwrap();
    study.base = Some("base.npz".into());
    let first = Plan::of(&study, folder.path()).unwrap();
    let Work::Simulate(task) = &first.tasks[0].work else {
        panic!("{:?}", first.tasks[0].work);
    };
    assert_eq!(task.scene.sources.object.as_ref(), Some(&base));
    assert_eq!(first.study.base.as_ref(), Some(&base), "absolute");
    // The same content elsewhere is the same plan; other content under the same name is not.
    std::fs::copy(&files[0], folder.path().join("copy.npz")).unwrap();
    study.base = Some("copy.npz".into());
    let copied = Plan::of(&study, folder.path()).unwrap();
    assert_eq!(copied.study_sha256, first.study_sha256);
    std::fs::copy(&files[1], folder.path().join("copy.npz")).unwrap();
    assert_ne!(
        Plan::of(&study, folder.path()).unwrap().study_sha256,
        first.study_sha256
    );
    study.base = Some("none.npz".into());
    let error = Plan::of(&study, folder.path()).unwrap_err();
    assert!(error.to_string().contains("none.npz"), "{error}");
}

#[test]
fn templates_come_to_what_they_promise() {
    let count =
        |plan: &Plan, kind: TaskKind| plan.tasks.iter().filter(|task| task.kind == kind).count();
    let of = |name: &str| plan(&Study::parse(Template::named(name).unwrap().text).unwrap());
    let quick = of("quick");
    assert_eq!(
        (
            count(&quick, TaskKind::Train),
            count(&quick, TaskKind::Compare)
        ),
        (4, 2)
    );
    let response = of("dose-response");
    assert_eq!(count(&response, TaskKind::Train), 4);
    let overlap = of("dose-overlap");
    let is_pinn = |task: &&ptycho_core::study::plan::Task| {
        task.kind == TaskKind::Train && task.place.arm.as_deref() != Some("baseline")
    };
    assert_eq!(overlap.tasks.iter().filter(is_pinn).count(), 9);
    assert_eq!(count(&overlap, TaskKind::Compare), 18);
    for dose in [1e3, 1e4, 1e5] {
        let word = dose_word(dose);
        for (view, side) in [(FULL, 1), ("dense", 2), ("sparse", 2)] {
            let id = format!("train-{word}-{view}-pinn_nll_gs{side}");
            assert!(overlap.task(&id).is_some(), "{id}");
        }
    }
    let scenarios = of("scenarios");
    assert_eq!(scenarios.tasks.len(), 4);
    assert!(
        scenarios
            .tasks
            .iter()
            .all(|task| task.kind == TaskKind::Scenario)
    );
}

#[test]
fn every_open_task_is_estimated() {
    let plan = plan(&small());
    let estimates = estimate(&plan, DeviceChoice::Cpu, 2).unwrap();
    let ids: Vec<&str> = estimates
        .iter()
        .map(|estimate| estimate.id.as_str())
        .collect();
    let open = plan.tasks.iter().filter(|task| task.skip.is_none());
    assert_eq!(ids, open.map(|task| task.id.as_str()).collect::<Vec<_>>());
    for estimate in &estimates {
        assert!(
            estimate.seconds.is_finite() && 0.0 < estimate.seconds,
            "{estimate:?}"
        );
        assert!(0 < estimate.memory_bytes, "{estimate:?}");
    }
    assert!(plan.tasks.iter().all(|task| 0 < task.n_bytes));
}
