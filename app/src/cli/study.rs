//! `study` and `task` as typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Plan and run whole studies: datasets, networks, reconstructions, comparison and figure from one file.
#[derive(Debug, Args)]
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
    Reference(ReportArgs),
}

/// Write a study file from a template.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// Name of the study; the file is NAME.toml unless -o says otherwise.
    pub name: String,
}

/// Tell what a study comes to, without doing it.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// Study file.
    pub file: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Run a study, or go on with it.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Study file.
    pub file: PathBuf,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}

/// Tell where every task of a study stands.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Study file.
    pub file: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Write tables and summary of what is done.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Study file.
    pub file: PathBuf,
    /// Print one JSON object.
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

/// Execute one task of a plan.
#[derive(Debug, Args)]
pub struct TaskRunArgs {
    /// `plan.json` in the study's run folder.
    pub plan: PathBuf,
    /// The task.
    pub id: String,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}

impl StudyArgs {
    /// Whether a program waits for the output.
    pub fn is_json(&self) -> bool {
        match &self.command {
            StudyCommand::New(_) => false,
            StudyCommand::Plan(args) => args.json,
            StudyCommand::Run(args) => args.json,
            StudyCommand::Status(args) => args.json,
            StudyCommand::Report(args) | StudyCommand::Reference(args) => args.json,
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
