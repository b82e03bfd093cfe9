//! `simulate`: from flags to a task, then plan or run.

use std::fmt::Write as _;
use std::path::Path;

use ptycho_core::error::Result;
use ptycho_core::sim::{ObjectKind, ProbeKind, ScanKind};
use ptycho_core::study::generate::{
    GenerateOutcome, GeneratePlan, GenerateTask, PlannedDose, Preset, Stage, generate, plan,
};

use super::{Exit, Session, print, print_json, terminal};
use crate::cli::simulate::SimulateArgs;

pub(super) fn simulate(args: &SimulateArgs, session: &Session) -> Result<Exit> {
    let task = task(args)?;
    if args.dry_run {
        let plan = plan(&task)?;
        if args.json {
            print_json(&plan)?;
        } else {
            print(&plan_in_lines(&plan))?;
        }
        return Ok(Exit::Done);
    }
    let monitor = terminal(session, "generating");
    let outcome = generate(&task, monitor.as_ref());
    monitor.clear();
    let outcome = outcome?;
    if args.json {
        print_json(&outcome)?;
    } else {
        print(&in_lines(&outcome, &task))?;
    }
    Ok(Exit::Done)
}

/// Flag before base file before preset before default.
fn task(args: &SimulateArgs) -> Result<GenerateTask> {
    let preset = args.preset.as_deref().and_then(Preset::named);
    let base = preset.map_or_else(GenerateTask::default, Preset::task);
    let mut scene = base.scene;
    if let Some(file) = &args.from {
        scene.object.object = ObjectKind::File;
        scene.probe.probe = ProbeKind::File;
        scene.scan.scan = ScanKind::File;
        scene.sources.object = Some(file.clone());
        scene.sources.probe = Some(file.clone());
        scene.sources.scan = Some(file.clone());
    }
    scene.object = args.object.over(&scene.object)?;
    scene.probe = args.probe.over(&scene.probe)?;
    scene.scan = args.scan.over(&scene.scan)?;
    let owned = |file: Option<&Path>| file.map(Path::to_path_buf);
    let sources = &mut scene.sources;
    sources.object = owned(args.object.file("object")).or(sources.object.take());
    sources.probe = owned(args.probe.file("probe")).or(sources.probe.take());
    sources.scan = owned(args.scan.file("scan")).or(sources.scan.take());
    if args.probe.is_given("n") {
        scene.expect_n()?;
    }
    Ok(GenerateTask {
        scene,
        doses: if args.doses.is_empty() {
            base.doses
        } else {
            args.doses.clone()
        },
        simulation: args.simulation.over(&base.simulation)?,
        split: args.split.over(&base.split)?,
        output: args.output.clone(),
        n_threads: args.threads.n,
        device: args.device.into(),
    })
}

fn plan_in_lines(plan: &GeneratePlan) -> String {
    let mut text = String::new();
    for dose in &plan.doses {
        let PlannedDose {
            photons,
            folder,
            n_train,
            n_test,
            n_guarded,
            leak,
            stages,
            is_stale,
        } = dose;
        let words: Vec<&str> = stages.iter().copied().map(Stage::word).collect();
        let work = match (words.is_empty(), is_stale) {
            (true, _) => "unchanged".to_owned(),
            (false, true) => format!("stale; to run: {}", words.join(", ")),
            (false, false) => format!("to run: {}", words.join(", ")),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{}  {photons} photons, {n_train} train, {n_test} test, {n_guarded} guarded, leak {} px ({:.2} %); {work}",
            folder.display(),
            leak.n_shared_px,
            leak.percent(),
        );
    }
    let free = plan.free_bytes.map_or_else(String::new, |free| {
        format!(" of {:.2} GB free", free as f64 / 1e9)
    });
    let _ = writeln!(
        text,
        "writes     {:.3} GB{free}, about {:.1} s",
        plan.bytes as f64 / 1e9,
        plan.seconds
    );
    for warning in &plan.warnings {
        let _ = writeln!(text, "note       {warning}");
    }
    text
}

fn in_lines(outcome: &GenerateOutcome, task: &GenerateTask) -> String {
    let mut text = String::from(
        "requested       measured        leak          seconds  patterns/s  content SHA-256, file\n",
    );
    for dose in &outcome.doses {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "{:<14}  {:<14.4}  {:>6.2} %      {:>8.2}  {:>10.0}",
            dose.photons_requested,
            dose.photons_measured,
            dose.leak_percent,
            dose.seconds,
            dose.patterns_per_s,
        );
        for (i, file) in dose.files.iter().enumerate() {
            let indent = if i == 0 { 0 } else { 68 };
            let start = file.sha256.get(..12).unwrap_or(&file.sha256);
            let _ = writeln!(text, "{:indent$}  {start}  {}", "", file.path.display());
        }
    }
    let _ = writeln!(
        text,
        "summary: {}",
        task.output.join("summary.md").display()
    );
    text
}
