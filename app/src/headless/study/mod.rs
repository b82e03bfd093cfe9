//! `study` and `task`.

mod overview;
mod plan;
mod report;
mod run;
pub(super) mod source;
mod states;
mod teller;

use ptycho_core::error::Result;

use super::{Exit, Session};
use crate::cli::study::{StudyArgs, StudyCommand, TaskArgs, TaskCommand};

pub(super) fn study(args: &StudyArgs, session: &Session) -> Result<Exit> {
    match &args.command {
        StudyCommand::New(args) => plan::new(args, session),
        StudyCommand::Plan(args) => plan::plan(args, session),
        StudyCommand::Run(args) => run::run(args, session),
        StudyCommand::Status(args) => run::status(args, session),
        StudyCommand::Report(args) => report::report(args, session),
        StudyCommand::Reference(args) => report::reference(args, session),
    }
}

pub(super) fn task(args: &TaskArgs, session: &Session) -> Result<Exit> {
    match &args.command {
        TaskCommand::Run(args) => run::task(args, session),
    }
}
