//! Studies executed: straight, interrupted, changed, failed, skipped, damaged.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use ptycho_core::compute::DeviceChoice;
use ptycho_core::disk::FileLock;
use ptycho_core::error::Error;
use ptycho_core::job::{Monitor, Progress, Quiet, Stop};
use ptycho_core::study::design::Study;
use ptycho_core::study::execute::{
    Control, Ended, RunOptions, Selection, StudyOutcome, StudySnapshot, TaskRecord, TaskState, run,
    run_task, status,
};
use ptycho_core::study::plan::{Plan, Work};

/// One dose more than the others, both losses, LSQML, comparison and figure on a few patterns of 64x64.
const TINY: &str = r#"
schema = 1
name = "tiny"
doses = [1e6, 1e4]
[object]
object_size = 128
[probe]
n = 64
[scan]
positions = 40
[split]
test_positions = 24
[[trainings]]
model = "pinn"
losses = ["nll", "mae"]
gridsizes = [1]
[training]
filters_scale = 1
epochs = 2
groups = 16
batch_size = 8
[[engines]]
engine = "lsqml"
[iterative]
epochs = 3
batch_size = 16
[figure.style]
crop = 32
dpi = 60.0
"#;

/// A view that keeps one position: none lies so far from another.
const SPARSE: &str = r#"
[[views]]
name = "sparse"
overlap = 0.0
[spacing]
apply_to = "positions"
probe_diameter = 90.0
"#;

fn study(text: &str) -> Study {
    Study::parse(text).unwrap()
}

fn plan(text: &str) -> Plan {
    Plan::of(&study(text), Path::new("")).unwrap()
}

fn options(runs: &Path) -> RunOptions {
    RunOptions {
        runs: runs.to_path_buf(),
        selection: Selection::default(),
        n_jobs: 1,
        n_threads: 2,
        device: DeviceChoice::Cpu,
    }
}

fn execute(plan: &Plan, runs: &Path) -> StudyOutcome {
    run(plan, &options(runs), &Control::default(), &Quiet::default()).unwrap()
}

fn only(words: &[&str]) -> Selection {
    Selection {
        only: words.iter().map(|word| (*word).to_owned()).collect(),
        ..Selection::default()
    }
}

fn state<'a>(outcome: &'a StudyOutcome, id: &str) -> &'a TaskState {
    let found = outcome.tasks.iter().find(|task| task.id == id);
    &found.unwrap_or_else(|| panic!("no task {id}")).state
}

fn record(folder: &Path, id: &str) -> TaskRecord {
    let text = std::fs::read(folder.join(id).join("task.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// Hash of every output by task and file.
fn hashes(plan: &Plan, folder: &Path) -> BTreeMap<PathBuf, String> {
    let of_task = |id: &str| {
        let outputs = record(folder, id).outputs;
        assert!(!outputs.is_empty(), "{id} has no output");
        let id = id.to_owned();
        outputs
            .into_iter()
            .map(move |output| (Path::new(&id).join(output.path), output.sha256))
    };
    plan.tasks
        .iter()
        .flat_map(|task| of_task(&task.id))
        .collect()
}

fn states(outcome: &StudyOutcome) -> Vec<(&str, &TaskState)> {
    let tasks = outcome.tasks.iter();
    tasks.map(|task| (task.id.as_str(), &task.state)).collect()
}

fn check_all_done(outcome: &StudyOutcome) {
    for (id, state) in states(outcome) {
        assert_eq!(*state, TaskState::Done, "{id}");
    }
}

/// When each task's record was written last.
fn written(plan: &Plan, folder: &Path) -> BTreeMap<String, SystemTime> {
    let at = |id: &str| {
        let file = folder.join(id).join("task.json");
        std::fs::metadata(file).unwrap().modified().unwrap()
    };
    let tasks = plan.tasks.iter();
    tasks.map(|task| (task.id.clone(), at(&task.id))).collect()
}

/// Stops everything once the named task has begun and told of an epoch, or of anything.
struct StopAt {
    stop: Stop,
    id: &'static str,
    snapshots: Mutex<Vec<StudySnapshot>>,
}

impl StopAt {
    fn new(id: &'static str) -> Self {
        Self {
            stop: Stop::default(),
            id,
            snapshots: Mutex::default(),
        }
    }
}

impl Monitor<StudySnapshot> for StopAt {
    fn stop(&self) -> &Stop {
        &self.stop
    }
    fn progress(&self, _: Progress) {}
    fn snapshot(&self, snapshot: StudySnapshot) {
        let mut of_id = snapshot.tasks.iter().filter(|task| task.id == self.id);
        if of_id.any(|task| matches!(task.state, TaskState::Running(_))) {
            self.stop.request();
        }
        self.snapshots.lock().unwrap().push(snapshot);
    }
}

#[test]
fn interrupted_in_every_kind_of_task_it_ends_as_the_straight_run() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(TINY);
    let straight = execute(&plan, &folder.path().join("straight"));
    check_all_done(&straight);
    assert!(!straight.is_stopped);
    let expected = hashes(&plan, &straight.folder);
    // As many as make the point; every task that is begun is stopped somewhere.
    let runs = folder.path().join("other/place");
    for id in [
        "simulate-1e6",
        "train-1e6-full-pinn_nll_gs1",
        "train-1e4-full-pinn_mae_gs1",
        "reconstruct-1e6-full-lsqml-test",
        "infer-1e4-full-pinn_nll_gs1-test",
        "compare-1e6-full-test",
        "figure",
    ] {
        let monitor = StopAt::new(id);
        let options = RunOptions {
            n_threads: 1,
            ..options(&runs)
        };
        let outcome = run(&plan, &options, &Control::default(), &monitor).unwrap();
        let snapshots = monitor.snapshots.into_inner().unwrap();
        let last = snapshots.last().unwrap();
        assert_eq!(
            last.tasks, outcome.tasks,
            "the final snapshot is never lost"
        );
    }
    let outcome = execute(&plan, &runs);
    check_all_done(&outcome);
    assert_eq!(
        hashes(&plan, &outcome.folder),
        expected,
        "also in another folder"
    );
    // Nothing is done twice.
    let before = written(&plan, &outcome.folder);
    check_all_done(&execute(&plan, &runs));
    assert_eq!(written(&plan, &outcome.folder), before);
    for file in [
        "plan.json",
        "study.toml",
        "summary.md",
        "figures/figure.png",
    ] {
        assert!(outcome.folder.join(file).is_file(), "{file}");
    }
    assert!(!outcome.folder.join("run.lock").exists());
    let kept = Study::load(&outcome.folder.join("study.toml")).unwrap();
    assert_eq!(kept, plan.study);
    assert_eq!(Plan::load(&outcome.folder.join("plan.json")).unwrap(), plan);
}

#[test]
fn records_tell_numbers_seeds_and_inputs() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(&TINY.replace("doses = [1e6, 1e4]", "doses = [1e6]"));
    let outcome = execute(&plan, folder.path());
    check_all_done(&outcome);
    let trained = record(&outcome.folder, "train-1e6-full-pinn_nll_gs1");
    for key in ["loss_first", "loss_last", "validation_last", "best_epoch"] {
        assert!(trained.numbers.contains_key(key), "{key}");
    }
    assert_eq!((trained.ended, trained.n_threads), (Ended::Done, 2));
    assert_eq!(trained.seeds["weights"], plan.study.seeds.training);
    assert_eq!(trained.device[0], "cpu");
    assert!(0.0 < trained.seconds && trained.finished.is_some());
    let names: Vec<&Path> = trained
        .outputs
        .iter()
        .map(|output| output.path.as_path())
        .collect();
    let bundles = [
        "best.json",
        "best.safetensors",
        "last.json",
        "last.safetensors",
    ];
    assert_eq!(names, bundles.map(Path::new));
    let inferred = record(&outcome.folder, "infer-1e6-full-pinn_nll_gs1-test");
    assert!(
        inferred.numbers.contains_key("factor")
            && inferred.numbers.contains_key("amplitude_spread")
    );
    let compared = record(&outcome.folder, "compare-1e6-full-test");
    for key in [
        "lsqml.pearson.amplitude",
        "pinn_nll_gs1.mae.phase",
        "pinn_mae_gs1.complex_error.value",
    ] {
        assert!(
            compared.numbers.contains_key(key),
            "{key}: {:?}",
            compared.numbers
        );
    }
    assert!(compared.numbers.values().all(|number| number.is_finite()));
    assert!(
        compared
            .outputs
            .iter()
            .all(|output| !output.path.ends_with("manifest.json"))
    );
    // Results name files from where they lie, so that a study can be moved.
    let result = outcome
        .folder
        .join("infer-1e6-full-pinn_nll_gs1-test/result.npz");
    let found = ptycho_core::data::Reconstruction::load(&result).unwrap();
    assert_eq!(
        found.provenance["input"]["path"],
        "../simulate-1e6/dose_1000000/test.npz"
    );
}

#[test]
fn a_changed_dose_does_again_only_what_depends_on_it() {
    let folder = tempfile::tempdir().unwrap();
    let before = plan(TINY);
    let outcome = execute(&before, folder.path());
    check_all_done(&outcome);
    let times = written(&before, &outcome.folder);
    let after = plan(&TINY.replace("1e4", "2e4"));
    let stands = status(&after, folder.path()).unwrap();
    for (task, standing) in after.tasks.iter().zip(&stands) {
        let expected = match task.place.dose {
            Some(1e6) => TaskState::Done,
            Some(_) => TaskState::Missing,
            None => standing.state.clone(),
        };
        assert_eq!(standing.state, expected, "{}", task.id);
    }
    let figure = &stands.last().unwrap().state;
    assert!(matches!(figure, TaskState::Stale(_)), "{figure:?}");
    let outcome = execute(&after, folder.path());
    check_all_done(&outcome);
    let now = written(&after, &outcome.folder);
    for (id, at) in &times {
        if id.contains("1e6") {
            assert_eq!(now[id], *at, "{id} was left alone");
        }
    }
    assert!(times["figure"] < now["figure"]);
    // More epochs: only the networks and what needs them, told by name.
    let longer = plan(
        &TINY
            .replace("1e4", "2e4")
            .replace("epochs = 2", "epochs = 3"),
    );
    for standing in status(&longer, folder.path()).unwrap() {
        match standing.id.split('-').next().unwrap() {
            "simulate" | "reconstruct" => assert_eq!(standing.state, TaskState::Done),
            "train" => {
                let expected = "settings have changed: settings.epochs 2 -> 3".to_owned();
                assert_eq!(standing.state, TaskState::Stale(expected));
            }
            "infer" => {
                let TaskState::Stale(why) = &standing.state else {
                    panic!("{standing:?}")
                };
                assert!(
                    why.starts_with("the settings of its input have changed: train-"),
                    "{why}"
                );
            }
            _ => assert!(
                matches!(standing.state, TaskState::Stale(_)),
                "{standing:?}"
            ),
        }
    }
}

#[test]
fn a_damaged_or_lost_file_is_stale_by_name_and_is_made_again_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(&TINY.replace("doses = [1e6, 1e4]", "doses = [1e6]"));
    let outcome = execute(&plan, folder.path());
    check_all_done(&outcome);
    let expected = hashes(&plan, &outcome.folder);
    let times = written(&plan, &outcome.folder);
    let bundle = outcome
        .folder
        .join("train-1e6-full-pinn_nll_gs1/best.safetensors");
    let mut bytes = std::fs::read(&bundle).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    ptycho_core::disk::write(&bundle, &bytes).unwrap();
    let test = outcome.folder.join("simulate-1e6/dose_1000000/test.npz");
    std::fs::remove_file(test).unwrap();
    let stands = status(&plan, folder.path()).unwrap();
    let words = |id: &str| match &stands.iter().find(|task| task.id == id).unwrap().state {
        TaskState::Stale(why) => why.clone(),
        state => panic!("{id}: {state:?}"),
    };
    assert_eq!(words("simulate-1e6"), "dose_1000000/test.npz is gone");
    assert_eq!(
        words("reconstruct-1e6-full-lsqml-test"),
        "its input simulate-1e6 is not done any more"
    );
    let outcome = execute(&plan, folder.path());
    check_all_done(&outcome);
    assert_eq!(hashes(&plan, &outcome.folder), expected);
    let now = written(&plan, &outcome.folder);
    let again: Vec<&String> = now.keys().filter(|id| now[*id] != times[*id]).collect();
    // The others' inputs were made again the same.
    assert_eq!(again, ["simulate-1e6", "train-1e6-full-pinn_nll_gs1"]);
}

#[test]
fn a_failed_task_blocks_what_needs_it_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let mut broken = plan(TINY);
    for task in &mut broken.tasks {
        if task.id == "train-1e4-full-pinn_nll_gs1"
            && let Work::Train(training) = &mut task.work
        {
            training.train = PathBuf::from("no/such/file.npz");
        }
    }
    let outcome = execute(&broken, folder.path());
    let TaskState::Failed(cause) = state(&outcome, "train-1e4-full-pinn_nll_gs1") else {
        panic!("{:?}", states(&outcome))
    };
    assert!(cause.contains("no/such/file.npz"), "{cause}");
    for (id, state) in states(&outcome) {
        let expected = match id {
            "train-1e4-full-pinn_nll_gs1" => continue,
            "infer-1e4-full-pinn_nll_gs1-test" | "compare-1e4-full-test" | "figure" => {
                TaskState::Blocked("train-1e4-full-pinn_nll_gs1".to_owned())
            }
            _ => TaskState::Done,
        };
        assert_eq!(*state, expected, "{id}");
    }
    assert_eq!(status(&broken, folder.path()).unwrap(), outcome.tasks);
    // Mended, only that is done which was not.
    check_all_done(&execute(&plan(TINY), folder.path()));
}

#[test]
fn a_view_that_cannot_be_formed_is_skipped_with_all_that_needs_it() {
    let folder = tempfile::tempdir().unwrap();
    let text = TINY.replace("doses = [1e6, 1e4]", "doses = [1e6]").replace(
        "gridsizes = [1]",
        "gridsizes = [2]\nviews = [\"full\", \"sparse\"]",
    ) + SPARSE;
    let mut skipping = plan(&text);
    let of_view = |id: &str| id.contains("-sparse");
    assert!(
        skipping
            .tasks
            .iter()
            .any(|task| of_view(&task.id) && task.skip.is_some())
    );
    // Also one that only the attempt shows.
    for task in &mut skipping.tasks {
        task.skip = None;
    }
    let outcome = execute(&skipping, folder.path());
    for (id, state) in states(&outcome) {
        match state {
            TaskState::Skipped(reason) => {
                assert!(of_view(id) && !reason.is_empty(), "{id}: {reason}");
            }
            state => assert!(!of_view(id) && *state == TaskState::Done, "{id}: {state:?}"),
        }
    }
    assert_eq!(status(&skipping, folder.path()).unwrap(), outcome.tasks);
}

/// Cancels a task as soon as it runs and puts another first.
struct Cancels {
    stop: Stop,
    control: Control,
    id: &'static str,
    queue: Mutex<Vec<String>>,
    is_done: AtomicBool,
}

impl Monitor<StudySnapshot> for Cancels {
    fn stop(&self) -> &Stop {
        &self.stop
    }
    fn progress(&self, _: Progress) {}
    fn snapshot(&self, snapshot: StudySnapshot) {
        let mut of_id = snapshot.tasks.iter().filter(|task| task.id == self.id);
        if of_id.any(|task| matches!(task.state, TaskState::Running(_))) {
            self.control.cancel(self.id);
            self.is_done.store(true, Ordering::Relaxed);
        }
        let mut queue = self.queue.lock().unwrap();
        if queue.is_empty() {
            *queue = snapshot.queue;
        }
    }
}

#[test]
fn one_task_is_cancelled_while_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let text = TINY
        .replace("doses = [1e6, 1e4]", "doses = [1e6]")
        .replace("epochs = 2", "epochs = 40");
    let plan = plan(&text);
    let control = Control::default();
    let id = "train-1e6-full-pinn_nll_gs1";
    let monitor = Cancels {
        stop: Stop::default(),
        control: control.clone(),
        id,
        queue: Mutex::default(),
        is_done: AtomicBool::new(false),
    };
    control.put_first("reconstruct-1e6-full-lsqml-test");
    let outcome = run(&plan, &options(folder.path()), &control, &monitor).unwrap();
    assert!(monitor.is_done.load(Ordering::Relaxed));
    let queue = monitor.queue.into_inner().unwrap();
    let place = |id: &str| queue.iter().position(|other| other == id);
    assert!(
        place("reconstruct-1e6-full-lsqml-test") < place(id),
        "{queue:?}"
    );
    assert_eq!(*state(&outcome, id), TaskState::Cancelled);
    assert_eq!(
        *state(&outcome, "compare-1e6-full-test"),
        TaskState::Blocked(id.to_owned())
    );
    assert_eq!(
        *state(&outcome, "train-1e6-full-pinn_mae_gs1"),
        TaskState::Done
    );
    assert!(!outcome.is_stopped);
    assert_eq!(record(&outcome.folder, id).ended, Ended::Stopped);
    let stands = status(&plan, folder.path()).unwrap();
    let standing = stands.iter().find(|task| task.id == id).unwrap();
    assert_eq!(standing.state, TaskState::Interrupted);
}

#[test]
fn nothing_begins_during_a_pause() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(TINY);
    let control = Control::default();
    control.pause();
    let watched = control.clone();
    let runs = folder.path().to_path_buf();
    let seen = std::thread::scope(|scope| {
        let running = scope.spawn(|| {
            let options = RunOptions {
                selection: only(&["simulate"]),
                ..options(&runs)
            };
            run(&plan, &options, &watched, &Quiet::default()).unwrap()
        });
        std::thread::sleep(Duration::from_millis(300));
        let is_begun = runs.join("tiny/simulate-1e6").exists();
        control.go_on();
        (is_begun, running.join().unwrap())
    });
    assert!(!seen.0);
    for (id, state) in states(&seen.1) {
        let expected = if id.starts_with("simulate") {
            TaskState::Done
        } else {
            TaskState::Missing
        };
        assert_eq!(*state, expected, "{id}");
    }
}

#[test]
fn single_tasks_are_executed_where_their_inputs_are_done() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(TINY);
    let runs = folder.path();
    let home = plan.folder(runs);
    let task = |id: &str| run_task(&plan, id, &home, (DeviceChoice::Cpu, 1), &Quiet::default());
    let refused = |id: &str| match task(id) {
        Err(Error::Invalid(problem)) => problem.to_string(),
        other => panic!("{id}: {other:?}"),
    };
    assert!(refused("train-1e6-full-pinn_nll_gs1").contains("simulate-1e6"));
    assert!(refused("train-1e6").contains("id"));
    assert_eq!(task("simulate-1e6").unwrap().ended, Ended::Done);
    let first = task("reconstruct-1e6-full-lsqml-test").unwrap();
    assert_eq!(first.ended, Ended::Done);
    let again = task("reconstruct-1e6-full-lsqml-test").unwrap();
    assert_eq!(again.started, first.started, "done is done");
    assert_eq!(
        (again.outputs, again.finished),
        (first.outputs, first.finished)
    );
    // While another program is at it.
    let lock = home.join("simulate-1e4");
    std::fs::create_dir_all(&lock).unwrap();
    let held = FileLock::take(&lock.join("task.lock")).unwrap().unwrap();
    assert!(matches!(task("simulate-1e4"), Err(Error::Refused(_))));
    drop(held);
    assert_eq!(task("simulate-1e4").unwrap().ended, Ended::Done);
}

#[test]
fn two_runs_of_one_study_are_refused_and_a_left_lock_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(TINY);
    let home = plan.folder(folder.path());
    std::fs::create_dir_all(&home).unwrap();
    let held = FileLock::take(&home.join("run.lock")).unwrap().unwrap();
    let simulate = RunOptions {
        selection: only(&["simulate-1e4"]),
        ..options(folder.path())
    };
    let again = || run(&plan, &simulate, &Control::default(), &Quiet::default());
    assert!(matches!(again(), Err(Error::Refused(_))));
    drop(held);
    ptycho_core::disk::write(&home.join("run.lock"), b"").unwrap();
    let outcome = again().unwrap();
    assert_eq!(*state(&outcome, "simulate-1e4"), TaskState::Done);
    assert_eq!(*state(&outcome, "simulate-1e6"), TaskState::Missing);
}

#[test]
fn a_selection_names_tasks_and_what_they_need() {
    let plan = plan(TINY);
    let chosen = |selection: Selection| -> Vec<String> {
        let selected = selection.of(&plan).unwrap();
        let tasks = plan.tasks.iter().zip(selected);
        tasks
            .filter(|(_, is_selected)| *is_selected)
            .map(|(task, _)| task.id.clone())
            .collect()
    };
    assert_eq!(
        chosen(only(&["infer-1e4-full-pinn_mae_gs1-test"])),
        [
            "simulate-1e4",
            "train-1e4-full-pinn_mae_gs1",
            "infer-1e4-full-pinn_mae_gs1-test"
        ]
    );
    let low = Selection {
        doses: vec![1e4],
        ..only(&["train"])
    };
    assert_eq!(
        chosen(low),
        [
            "simulate-1e4",
            "train-1e4-full-pinn_nll_gs1",
            "train-1e4-full-pinn_mae_gs1"
        ]
    );
    assert_eq!(chosen(Selection::default()).len(), plan.tasks.len());
    let wrong = [
        (only(&["trian"]), "only"),
        (
            Selection {
                doses: vec![3.0],
                ..Selection::default()
            },
            "dose",
        ),
        (
            Selection {
                views: vec!["dense".to_owned()],
                ..Selection::default()
            },
            "view",
        ),
        (
            Selection {
                gridsizes: vec![2],
                ..Selection::default()
            },
            "gridsize",
        ),
        (
            Selection {
                doses: vec![1e4],
                ..only(&["figure"])
            },
            "selection",
        ),
    ];
    for (selection, key) in wrong {
        match selection.of(&plan) {
            Err(Error::Invalid(problem)) => assert_eq!(problem.key.as_deref(), Some(key)),
            other => panic!("{key}: {other:?}"),
        }
    }
}

#[test]
fn several_tasks_at_a_time_make_the_same_files() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(&TINY.replace("doses = [1e6, 1e4]", "doses = [1e6]"));
    let one = execute(&plan, &folder.path().join("one"));
    let options = RunOptions {
        n_jobs: 3,
        ..options(&folder.path().join("three"))
    };
    let three = run(&plan, &options, &Control::default(), &Quiet::default()).unwrap();
    check_all_done(&three);
    assert_eq!(hashes(&plan, &three.folder), hashes(&plan, &one.folder));
}
