//! `study` and `task` as typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Computing;

/// Plan and run whole studies: datasets, networks, reconstructions, comparison and figure from one file.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ptychobench study new lines                     writes lines.toml from the template quick
  ptychobench study plan lines.toml               what will be done, how long, how large
  ptychobench study run lines.toml                do it; the same again goes on where it was left
  ptychobench study status lines.toml             what is done, stale, failed or missing
  ptychobench study report lines.toml             tables and summary of what is done
  ptychobench figure lines.toml -o figure.pdf     the figure

A study lies in one file; what it makes lies in runs/NAME. In place of a FILE stands also the name of a template (quick,
dose-response, dose-overlap, scenarios) or the run folder of a study.")]
pub struct StudyArgs {
    #[command(subcommand)]
    pub command: StudyCommand,
}

/// What to do with a study.
#[derive(Debug, Subcommand)]
pub enum StudyCommand {
    New(NewArgs),
    Plan(PlanArgs),
    Run(Box<RunArgs>),
    Status(StatusArgs),
    Report(ReportArgs),
    Reference(ReferenceArgs),
}

/// Write a study file from a template, every setting in it with its default and its meaning.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ptychobench study new lines
  ptychobench study new leaf --template dose-response --base leaf.npz -o studies/leaf.toml

Templates:
  quick          two doses, both losses, LSQML, comparison and figure in minutes
  dose-response  1e9 against 1e4 photons, NLL against MAE
  dose-overlap   1e3, 1e4, 1e5 photons; the full, a dense and a sparse set; nine trainings and a baseline
  scenarios      the four diagnostic scenarios")]
pub struct NewArgs {
    /// Name of the study and of its run folder; the file is NAME.toml unless -o says otherwise.
    pub name: String,
    /// What to begin with.
    #[arg(long, default_value = "quick")]
    pub template: String,
    /// NPZ whose objectGuess and probeGuess stand in for the synthetic object and probe.
    #[arg(long, value_name = "NPZ")]
    pub base: Option<PathBuf>,
    /// Where to write the study.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write over a file that is there.
    #[arg(long)]
    pub force: bool,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}

/// A study, and where its runs are.
#[derive(Clone, Debug, Args)]
pub struct StudyFile {
    /// Study file, name of a template, or run folder of a study.
    pub file: PathBuf,
    /// Folder that holds the studies' run folders.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub runs: PathBuf,
}

/// Tell what a study comes to, how long it takes and what cannot be done; nothing is written.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ptychobench study plan lines.toml
  ptychobench study plan dose-overlap --json

Times come from trial steps on this machine, as busy as it is now.")]
pub struct PlanArgs {
    #[command(flatten)]
    pub study: StudyFile,
    #[command(flatten)]
    pub computing: Computing,
    /// Do not try how long things take.
    #[arg(long)]
    pub no_times: bool,
    /// Print one JSON object: the plan, states and times.
    #[arg(long)]
    pub json: bool,
}

/// Run a study, or go on with it; what is done and still fits is not done again.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ptychobench study run lines.toml
  ptychobench study run lines.toml --only train --dose 1e9
  ptychobench study run lines.toml --only train-1e4-full-pinn_nll_gs2
  ptychobench study run dose-overlap --view dense --gridsize 2 --dry-run

Ctrl-C stops after the present step; the same command goes on from there, also after a crash. A failed task does not stop
the others. Selections leave out all but what they name, and what that needs.")]
pub struct RunArgs {
    #[command(flatten)]
    pub study: StudyFile,
    /// Only tasks of this kind (simulate, view, train, reconstruct, infer, compare, scenario, figure) or of this id.
    #[arg(long, value_name = "KIND|ID", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Only this dose, in photons a pattern.
    #[arg(long = "dose", value_name = "D", value_delimiter = ',')]
    pub doses: Vec<f64>,
    /// Only this view.
    #[arg(long = "view", value_name = "V", value_delimiter = ',')]
    pub views: Vec<String>,
    /// Only networks of this gridsize.
    #[arg(long = "gridsize", value_name = "G", value_delimiter = ',')]
    pub gridsizes: Vec<usize>,
    /// Tasks at a time; they share the threads.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub jobs: usize,
    #[command(flatten)]
    pub computing: Computing,
    /// Only print what would be done.
    #[arg(long)]
    pub dry_run: bool,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}

/// Tell where every task of a study stands.
#[derive(Debug, Args)]
pub struct StatusArgs {
    #[command(flatten)]
    pub study: StudyFile,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Write tables, manifests and summary of what is done.
#[derive(Debug, Args)]
pub struct ReportArgs {
    #[command(flatten)]
    pub study: StudyFile,
    /// Then make the trainings of this run the reference, as `study reference` does.
    #[arg(long)]
    pub reference: bool,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}

/// Make the trainings of a run that was looked at the reference that later runs are held against.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  ptychobench study reference runs/lines")]
pub struct ReferenceArgs {
    #[command(flatten)]
    pub study: StudyFile,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}

/// Execute single tasks of a plan, as a cluster's scheduler does.
#[derive(Debug, Args)]
pub struct TaskArgs {
    #[command(subcommand)]
    pub command: TaskCommand,
}

/// What to do with a task.
#[derive(Debug, Subcommand)]
pub enum TaskCommand {
    Run(TaskRunArgs),
}

/// Execute one task of a plan; the tasks that it needs have to be done.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  ptychobench task run runs/lines/plan.json train-1e9-full-pinn_nll_gs2 --threads 8")]
pub struct TaskRunArgs {
    /// `plan.json` in the study's run folder.
    pub plan: PathBuf,
    /// The task.
    pub id: String,
    #[command(flatten)]
    pub computing: Computing,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}

impl StudyArgs {
    /// Whether a program waits for the output.
    pub fn is_json(&self) -> bool {
        match &self.command {
            StudyCommand::New(args) => args.json,
            StudyCommand::Plan(args) => args.json,
            StudyCommand::Run(args) => args.json,
            StudyCommand::Status(args) => args.json,
            StudyCommand::Report(args) => args.json,
            StudyCommand::Reference(args) => args.json,
        }
    }
}

impl TaskArgs {
    /// Whether a program waits for the output.
    pub fn is_json(&self) -> bool {
        match &self.command {
            TaskCommand::Run(args) => args.json,
        }
    }
}
