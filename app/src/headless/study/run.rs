//! Commands about a study's run.

use ptycho_core::error::Result;

use super::super::{Exit, Session};
use crate::cli::study::{RunArgs, StatusArgs, TaskRunArgs};

pub(super) fn run(args: &RunArgs, session: &Session) -> Result<Exit> {
    let _ = (args, session);
    unimplemented!()
}

pub(super) fn status(args: &StatusArgs, session: &Session) -> Result<Exit> {
    let _ = (args, session);
    unimplemented!()
}

pub(super) fn task(args: &TaskRunArgs, session: &Session) -> Result<Exit> {
    let _ = (args, session);
    unimplemented!()
}
