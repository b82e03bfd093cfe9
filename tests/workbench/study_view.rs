//! See `main.rs`. The study view by label: templates, matrix, form and text, run, notes, another study.

use std::path::PathBuf;
use std::sync::Arc;

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use ptycho_core::fields::Value;
use ptycho_core::job::Progress;
use ptycho_core::study::execute::{Ended, SCHEMA, TaskRecord, TaskState, TaskStatus};
use ptycho_core::study::plan::{Task, TaskKind};
use ptychobench::cli::Command as CliCommand;
use ptychobench::cli::study::StudyCommand;
use ptychobench::gui::command::{Action, Command};
use ptychobench::gui::files::Purpose;
use ptychobench::gui::study::command_line::study_command;
use ptychobench::gui::study::run::RunEnd;
use ptychobench::gui::study::{Ask, Studying};
use ptychobench::gui::views::View;
use ptychobench::gui::workbench::Workbench;

use crate::flows::{Window, is_idle};
use crate::support::parsed_command;

/// A study whose every task takes a moment.
const TINY: &str = r#"# A comment of the user's.
schema = 1
name = "tiny"
doses = [1e9, 1e4]
[object]
object_size = 64
[probe]
n = 16
[scan]
positions = 60
[split]
test_positions = 24
[[engines]]
engine = "lsqml"
[iterative]
epochs = 2  # few
[comparison.how]
border = 0
"#;

/// The same with networks and a view, to be looked at, not run.
fn with_networks() -> String {
    // Networks take patterns of 64, 128 or 256 pixels a side.
    let large = TINY
        .replace("n = 16", "n = 64")
        .replace("object_size = 64", "object_size = 192");
    format!(
        "{large}
[[views]]
name = \"dense\"
overlap = 0.7
[[trainings]]
model = \"pinn\"
losses = [\"nll\", \"mae\"]
gridsizes = [1, 2]
[[trainings]]
model = \"baseline\"
"
    )
}

/// A window with this study open and planned.
fn open(size: [f32; 2], text: &str) -> Window {
    let mut window = Window::open(size, None);
    let file = window.in_folder("tiny.toml");
    ptycho_core::disk::write(&file, text.as_bytes()).unwrap();
    window.harness.state_mut().send(Command::Open(file));
    window.until("the study is planned", is_planned);
    window
}

fn is_planned(app: &Workbench) -> bool {
    app.document.studying.is_plan_current() && is_idle(app)
}

fn studying(window: &Window) -> &Studying {
    &window.app().document.studying
}

fn record(task: &Task, numbers: &[(&str, f64)]) -> Arc<TaskRecord> {
    let numbers = numbers.iter();
    Arc::new(TaskRecord {
        schema: SCHEMA,
        version: "ptychobench".to_owned(),
        id: task.id.clone(),
        kind: task.kind,
        key: task.key.clone(),
        ended: Ended::Done,
        outputs: Vec::new(),
        numbers: numbers
            .map(|(name, value)| ((*name).to_owned(), *value))
            .collect(),
        notes: vec!["a word from the task".to_owned()],
        seeds: std::collections::BTreeMap::new(),
        device: ["cpu".to_owned(), "no other".to_owned()],
        n_threads: 1,
        started: "2026-11-21T12:00:00Z".to_owned(),
        finished: None,
        seconds: 3.0,
    })
}

/// Every state, one for each training, and a comparison that has numbers.
fn state_of(i: usize) -> TaskState {
    let why = || "the disk was full".to_owned();
    match i % 10 {
        0 => TaskState::Done,
        1 => TaskState::Missing,
        2 => TaskState::Running(Progress {
            epoch: 2,
            n_epochs: 5,
            ..Progress::default()
        }),
        3 => TaskState::Waiting,
        4 => TaskState::Stale("its settings have changed".to_owned()),
        5 => TaskState::Failed(why()),
        6 => TaskState::Skipped("the view has no group".to_owned()),
        7 => TaskState::Blocked("simulate-1e9".to_owned()),
        8 => TaskState::Interrupted,
        _ => TaskState::Cancelled,
    }
}

/// Put every state into the matrix by hand.
fn with_every_state(window: &mut Window) {
    let studying = &mut window.harness.state_mut().document.studying;
    let (planned, tasks) = studying.planned.as_mut().unwrap();
    let mut n_trainings = 0;
    for (task, status) in planned.plan.tasks.iter().zip(tasks.iter_mut()) {
        *status = TaskStatus {
            id: task.id.clone(),
            state: TaskState::Done,
            record: Some(record(task, &[])),
        };
        match task.kind {
            TaskKind::Train => {
                status.state = state_of(n_trainings);
                status.record = Some(record(task, &[("loss_last", 0.25), ("loss_first", 1.5)]));
                n_trainings += 1;
            }
            TaskKind::Compare => {
                let numbers = [
                    ("lsqml.pearson.phase", 0.75),
                    ("pinn_nll_gs1.pearson.phase", 0.9375),
                    ("lsqml.mae.phase", 0.125),
                    ("pinn_nll_gs1.mae.phase", 0.5),
                ];
                status.record = Some(record(task, &numbers));
            }
            _ => {}
        }
    }
    window.harness.run_steps(3);
}

#[test]
fn a_newcomer_reads_what_a_study_is_and_begins_one_from_a_template() {
    let mut window = Window::open([1440.0, 900.0], None);
    window.harness.state_mut().send(Command::Show(View::Study));
    window.harness.run_steps(3);
    for words in [
        "Studies",
        "A study is one file that decides everything",
        "New from a template",
        "dose-overlap",
        "🗁 Open a study…",
    ] {
        assert!(window.shows(words), "{words} is not shown");
    }
    window.click("quick");
    window.until("it is planned", is_planned);
    assert!(window.shows("• not saved yet") && window.shows("PINN NLL, gridsize 2"));
    assert!(window.shows("simulate-1e9: missing"));
    let draft = studying(&window).draft.as_ref().unwrap();
    assert!(
        draft.text.contains("batch_size ="),
        "every default is visible"
    );
    // Without a file it asks for one before it runs.
    window.key(Modifiers::NONE, Key::F5);
    assert!(window.shows("Save the study as") && !studying(&window).is_running());
}

#[test]
fn every_state_is_shown_by_icon_and_word_with_losses_and_the_best_metric() {
    let mut window = open([1440.0, 900.0], &with_networks());
    with_every_state(&mut window);
    for state in (0..10).map(state_of) {
        let word = match &state {
            TaskState::Running(_) => "40 %",
            other => other.word(),
        };
        let labels = window.harness.query_all_by_label_contains(word).count();
        assert!(labels != 0, "{word} is not shown");
    }
    let (planned, tasks) = studying(&window).shown().unwrap();
    assert_eq!(planned.plan.doses, [1e9, 1e4]);
    for (row, column) in [(0, 0), (1, planned.plan.variants.len() - 1)] {
        assert!(!planned.matrix.cell(row, column).is_empty());
    }
    assert_eq!(tasks.len(), planned.plan.tasks.len());
    // The cause stands under the pointer.
    let failed = window.harness.get_all_by_label_contains(": failed").next();
    let at = failed.unwrap().rect().center();
    window.harness.hover_at(at);
    for _ in 0..12 {
        window.harness.run_steps(3);
        std::thread::sleep(std::time::Duration::from_millis(60));
    }
    assert!(window.shows("Failed: the disk was full"), "no cause");
    window.click("Pre-flight");
    for words in ["Cannot be done", "the view has no group", "Out of date"] {
        assert!(window.shows(words), "{words} is not shown");
    }
    let screen = window.harness.ctx.content_rect();
    for cell in window.harness.query_all_by_label_contains("train-1e9") {
        assert!(screen.contains(cell.rect().min), "{:?}", cell.rect());
    }
}

#[test]
fn the_metric_of_the_cells_is_chosen_and_its_best_marked() {
    let mut window = open([1440.0, 900.0], &with_networks());
    with_every_state(&mut window);
    let chosen = window.harness.get_by_label("Metric of the cells").value();
    assert!(
        window.shows("Pearson, phase") || chosen.is_some(),
        "{chosen:?}"
    );
    window.harness.get_by_label("Metric of the cells").click();
    window.harness.run_steps(4);
    window.click("MAE, phase");
    let chosen = window.harness.get_by_label("Metric of the cells").value();
    assert_eq!(chosen.as_deref(), Some("MAE, phase"));
}

#[test]
fn form_and_text_are_in_step_and_comments_stay() {
    let mut window = open([1440.0, 900.0], TINY);
    let epochs = |window: &Window| {
        studying(window)
            .draft
            .as_ref()
            .unwrap()
            .study
            .iterative
            .epochs
    };
    let text = |window: &Window| studying(window).draft.as_ref().unwrap().text.clone();
    // From the form to the text: one line changes.
    let document = &mut window.harness.state_mut().document;
    let draft = document.studying.draft.as_mut().unwrap();
    let before = draft.study.clone();
    draft.study.iterative.epochs = 7;
    draft.study.doses = vec![1e9];
    document.studying.form_changed(&before);
    let expected = TINY
        .replace("epochs = 2  #", "epochs = 7  #")
        .replace("[1e9, 1e4]", "[1e9]");
    assert_eq!(text(&window), expected);
    // From the text to the form.
    let document = &mut window.harness.state_mut().document;
    let draft = document.studying.draft.as_mut().unwrap();
    draft.text = expected.replace("epochs = 7", "epochs = 9");
    document.studying.text_changed();
    assert_eq!(epochs(&window), 9);
    window.until("it is planned anew", is_planned);
    assert_eq!(studying(&window).plan().unwrap().doses, [1e9]);
    // A slip is marked at its line; the last valid study stays.
    let document = &mut window.harness.state_mut().document;
    let draft = document.studying.draft.as_mut().unwrap();
    draft.text = draft.text.replace("epochs = 9", "epoks = 9");
    document.studying.text_changed();
    window.harness.run_steps(3);
    let problem = studying(&window).problem.clone().unwrap();
    let line = expected
        .lines()
        .position(|line| line.starts_with("epochs"))
        .unwrap();
    assert_eq!(problem.line, Some(line + 1), "{problem:?}");
    assert!(problem.words.contains("epochs") && problem.is_of_text);
    assert_eq!(epochs(&window), 9);
    assert!(!window.app().is_enabled(Action::Run));
    assert!(window.shows("The text spells no study just now"));
    window.click("✖ Text");
    for words in [
        format!("Line {}: iterative", line + 1),
        format!("Go to line {}", line + 1),
        "Take the last valid study".to_owned(),
    ] {
        assert!(window.shows(&words), "{words} is not shown");
    }
    window.click("Take the last valid study");
    assert_eq!(studying(&window).problem, None);
    assert_eq!(epochs(&window), 9);
}

#[test]
fn lists_and_fields_that_the_text_lacks_are_written_beside_what_is_there() {
    let mut window = open([1440.0, 900.0], &with_networks());
    let document = &mut window.harness.state_mut().document;
    let draft = document.studying.draft.as_mut().unwrap();
    let before = draft.study.clone();
    draft.study.views[0].overlap = 0.5;
    draft.study.trainings.pop();
    draft.study.training.epochs = 3;
    draft.study.scan.positions = 61;
    draft.study.base = Some("scan.npz".into());
    let wanted = draft.study.clone();
    document.studying.form_changed(&before);
    let draft = document.studying.draft.as_ref().unwrap();
    for part in [
        "# A comment of the user's.",
        "epochs = 2  # few",
        "base = \"scan.npz\"",
        "positions = 61\n[split]",
        "[[views]]\nname = \"dense\"\noverlap = 0.5\n",
        "\n[training]\nepochs = 3\n",
    ] {
        assert!(draft.text.contains(part), "{part:?} not in\n{}", draft.text);
    }
    assert!(!draft.text.contains("baseline"), "{}", draft.text);
    assert_eq!(draft.study.text(), wanted.text());
    // The base goes as it came.
    let before = draft.study.clone();
    let draft = document.studying.draft.as_mut().unwrap();
    draft.study.base = None;
    document.studying.form_changed(&before);
    let text = &studying(&window).draft.as_ref().unwrap().text;
    assert!(
        !text.contains("scan.npz") && text.contains("# few"),
        "{text}"
    );
}

#[test]
fn arms_of_engines_get_names_and_settings_in_the_form() {
    let commented = TINY.replace("[[engines]]", "[[engines]]  # the first");
    let mut window = open([1440.0, 1500.0], &commented);
    let text = |window: &Window| studying(window).draft.as_ref().unwrap().text.clone();
    let own = |window: &Window, name: &str| {
        let study = &studying(window).draft.as_ref().unwrap().study;
        study.engines[1].settings.get(name)
    };
    window.click("➕ Add an engine");
    let block = "[[engines]]\nengine = \"lsqml\"\nname = \"lsqml_2\"\nviews = [\"full\"]\n";
    assert!(text(&window).contains(block), "{}", text(&window));
    // A name of the user's.
    window.harness.get_by_label("Name of engine 2").focus();
    window.key(Modifiers::COMMAND, Key::A);
    window
        .harness
        .get_by_label("Name of engine 2")
        .type_text("two");
    window.harness.run_steps(4);
    assert!(
        text(&window).contains("name = \"two\""),
        "{}",
        text(&window)
    );
    // A field is added with the value of all engines.
    let headers = window
        .harness
        .get_all_by_label("Settings of the table below");
    headers.last().unwrap().click();
    // It opens in a moment.
    window.harness.run_steps(20);
    window.click("Add a field to engine 2");
    window.click("Probe modes");
    assert_eq!(own(&window, "probe_modes"), Some(Value::Integer(1)));
    assert!(window.shows("Differs from the table below in 1"));
    window.until("the arm is planned", is_planned);
    let plan = studying(&window).plan().unwrap();
    let words = "lsqml and two are the same engine with the same settings";
    assert!(plan.notes.contains(&words.to_owned()), "{:?}", plan.notes);
    // An edited value stands in its table of the text, and nothing else moves.
    let document = &mut window.harness.state_mut().document;
    document.studying.change(|study| {
        let own = &mut study.engines[1].settings;
        own.set("probe_modes", Value::Integer(2)).unwrap();
    });
    let changed = text(&window);
    for part in [
        "[engines.settings]\nprobe_modes = 2\n",
        "epochs = 2  # few",
        "# A comment of the user's.",
        "[[engines]]  # the first",
    ] {
        assert!(changed.contains(part), "{part} not in\n{changed}");
    }
    assert_eq!(changed.matches("[engines.settings]").count(), 1);
    assert_eq!(studying(&window).problem, None);
    window.until("two modes are planned", is_planned);
    let arms: Vec<&str> = studying(&window)
        .plan()
        .unwrap()
        .variants
        .iter()
        .map(|variant| variant.arm.as_str())
        .collect();
    assert_eq!(arms, ["lsqml", "two"]);
    // What means nothing to the engine is told at its section.
    let document = &mut window.harness.state_mut().document;
    document.studying.change(|study| {
        let own = &mut study.engines[1].settings;
        own.set("pie_momentum", Value::Real(0.5)).unwrap();
    });
    window.harness.run_steps(4);
    assert!(window.shows("✖ Iterative engines") && window.shows("means something to LSQML"));
    window.click("Remove Pie momentum of engine 2");
    assert_eq!(studying(&window).problem, None);
    window.click("Remove Probe modes of engine 2");
    assert_eq!(own(&window, "probe_modes"), None);
    assert!(!text(&window).contains("[engines.settings]"));
    window.click("Remove engine 2");
    assert!(!text(&window).contains("two"), "{}", text(&window));
}

#[test]
fn a_change_is_undone_and_done_again() {
    let mut window = open([1440.0, 900.0], TINY);
    window.harness.run_steps(8);
    let positions = |window: &Window| {
        let draft = studying(window).draft.as_ref().unwrap();
        let is_said = draft
            .text
            .contains(&format!("positions = {}", draft.study.scan.positions));
        assert!(is_said, "{}", draft.text);
        draft.study.scan.positions
    };
    let document = &mut window.harness.state_mut().document;
    let draft = document.studying.draft.as_mut().unwrap();
    let before = draft.study.clone();
    draft.study.scan.positions = 80;
    document.studying.form_changed(&before);
    window.harness.run_steps(8);
    assert_eq!(positions(&window), 80);
    window.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(positions(&window), 60);
    window.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert_eq!(positions(&window), 80);
}

#[test]
fn what_is_wrong_in_the_form_is_told_at_its_section() {
    let mut window = open([1440.0, 900.0], TINY);
    let document = &mut window.harness.state_mut().document;
    let draft = document.studying.draft.as_mut().unwrap();
    let before = draft.study.clone();
    draft.study.name = "two words".to_owned();
    document.studying.form_changed(&before);
    window.harness.run_steps(4);
    let problem = studying(&window).problem.clone().unwrap();
    assert!(!problem.is_of_text, "form and text are in step");
    assert!(window.shows("✖ Study"), "the section is not marked");
    assert!(!window.app().is_enabled(Action::Run));
}

fn has_ended(app: &Workbench) -> bool {
    let run = app.document.studying.run.as_ref();
    run.is_some_and(|run| !run.is_running()) && is_planned(app)
}

#[test]
fn a_study_is_run_looked_at_noted_and_goes_on_where_something_changed() {
    let mut window = open([1440.0, 900.0], TINY);
    assert!(!studying(&window).is_changed());
    window.key(Modifiers::NONE, Key::F5);
    window.until("the run has ended", has_ended);
    let run = studying(&window).run.as_ref().unwrap();
    assert_eq!(run.ended, Some(RunEnd::Done(0)), "{:?}", run.snapshot.tasks);
    assert!(window.shows("reconstruct-1e4-full-lsqml-test: done"));
    assert!(window.shows("✔ all that can be done"));
    // A click opens the result beside the truth that it is of.
    window.click("reconstruct-1e4-full-lsqml-test: done");
    window.until("it is compared", |app| {
        let document = &app.document;
        document.comparing.is_current(&document.scan) && is_idle(app)
    });
    assert_eq!(window.app().view, View::Compare);
    // Notes are kept in the run folder.
    window.harness.state_mut().send(Command::Show(View::Study));
    window.harness.run_steps(3);
    let notes = &mut window.harness.state_mut().document.studying.notes;
    let file = notes.file.clone().unwrap();
    notes.text = "Looks right.".to_owned();
    window.click("Notes");
    window.click("Save notes");
    window.until("the notes are kept", |app| {
        !app.document.studying.notes.is_changed() && is_idle(app)
    });
    assert_eq!(std::fs::read_to_string(file).unwrap(), "Looks right.");
    // Other epochs make the reconstructions stale, and nothing else.
    let document = &mut window.harness.state_mut().document;
    let draft = document.studying.draft.as_mut().unwrap();
    let before = draft.study.clone();
    draft.study.iterative.epochs = 3;
    document.studying.form_changed(&before);
    window.until("it is looked at again", is_planned);
    assert!(window.shows("reconstruct-1e4-full-lsqml-test: stale"));
    assert!(window.shows("simulate-1e4: done"));
    let html = window.in_folder("summary.html");
    window.harness.state_mut().send(Command::Study(Ask::Take(
        Purpose::SaveSummary,
        html.clone(),
    )));
    window.until("the summary is exported", |app| {
        html.is_file() && is_idle(app)
    });
}

#[test]
fn a_window_that_is_closed_stops_the_study_first_and_the_next_run_goes_on() {
    let text = TINY.replace("epochs = 2", "epochs = 4000");
    let mut window = open([1440.0, 900.0], &text);
    window.click("▶ Run");
    window.until("a reconstruction runs", |app| {
        let run = app.document.studying.own_run();
        run.is_some_and(|run| {
            let is_at_work = |task: &TaskStatus| {
                matches!(task.state, TaskState::Running(progress) if progress.n_epochs == 4000)
            };
            run.snapshot.tasks.iter().any(is_at_work)
        })
    });
    for label in ["Queue", "Cancel all", "⏸ Pause"] {
        assert!(window.shows(label), "{label} is not shown");
    }
    let id = egui::ViewportId::ROOT;
    let input = window.harness.input_mut();
    let viewport = input.viewports.entry(id).or_default();
    viewport.events.push(egui::ViewportEvent::Close);
    window.harness.step();
    assert!(studying(&window).quits_after_run);
    window.until("the run has stopped", |app| {
        !app.document.studying.is_running()
    });
    let run = studying(&window).run.as_ref().unwrap();
    assert_eq!(run.ended, Some(RunEnd::Stopped));
    window.until("it is looked at again", is_planned);
    assert!(window.shows(": interrupted"), "it goes on from here");
}

#[test]
fn changes_that_are_not_saved_are_not_lost_without_a_word() {
    let mut window = open([1440.0, 900.0], TINY);
    let draft = window.harness.state_mut().document.studying.draft.as_mut();
    draft.unwrap().text.push_str("# more\n");
    window.harness.state_mut().document.studying.text_changed();
    window
        .harness
        .state_mut()
        .send(Command::Study(Ask::New("quick")));
    window.harness.run_steps(4);
    assert!(window.shows("Changes are not saved"));
    assert_eq!(studying(&window).name(), Some("tiny"));
    window.click("Save first");
    window.until("the new study is open", |app| {
        app.document.studying.name() == Some("quick") && is_idle(app)
    });
    let saved = std::fs::read_to_string(window.in_folder("tiny.toml")).unwrap();
    assert!(saved.ends_with("# more\n"), "{saved}");
    // Another study's past is no past of this one.
    window.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(studying(&window).name(), Some("quick"));
}

#[test]
fn two_studies_are_compared_setting_by_setting() {
    let mut window = open([1440.0, 900.0], TINY);
    let other = window.in_folder("other.toml");
    let text = TINY
        .replace("epochs = 2", "epochs = 5")
        .replace("tiny", "other");
    ptycho_core::disk::write(&other, text.as_bytes()).unwrap();
    window.click("Compare studies");
    window
        .harness
        .state_mut()
        .send(Command::Study(Ask::CompareWith(other)));
    window.until("it is read", |app| {
        app.document.studying.other.is_some() && is_idle(app)
    });
    assert!(window.shows("Settings that differ") && window.shows("iterative.epochs"));
    assert!(!window.shows("scan.positions"));
}

#[test]
fn the_copied_command_runs_the_same_study_in_the_same_folder() {
    let window = open([1440.0, 900.0], TINY);
    let studying = studying(&window);
    let text = study_command(studying, 1);
    let CliCommand::Study(args) = parsed_command(&text) else {
        panic!("{text} is no study");
    };
    let StudyCommand::Run(args) = args.command else {
        panic!("{text} is no run");
    };
    let expected: (Option<&PathBuf>, _) = (studying.file.as_ref(), &studying.runs);
    assert_eq!(
        (Some(&args.study.file), &args.study.runs),
        expected,
        "{text}"
    );
    assert_eq!(args.jobs, 1);
}

#[test]
fn a_small_window_holds_the_view() {
    let mut window = open([1024.0, 640.0], &with_networks());
    window.harness.run_steps(3);
    let screen = window.harness.ctx.content_rect().expand(0.5);
    for label in [
        "▶ Run",
        "⏹ Stop",
        "Export report…",
        "Make reference",
        "Form",
        "Text",
        "Pre-flight",
        "Compare studies",
        "simulate-1e9: missing",
    ] {
        let rects: Vec<_> = window
            .harness
            .query_all_by_label(label)
            .map(|node| node.rect())
            .collect();
        assert!(
            rects.iter().any(|rect| screen.contains_rect(*rect)),
            "{label} at {rects:?}"
        );
    }
    let mut cells = window.harness.query_all_by_label_contains("train-1e9");
    assert!(cells.any(|cell| screen.contains_rect(cell.rect())));
}
