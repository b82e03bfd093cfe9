//! Commands about a study's plan.

use ptycho_core::error::Result;

use super::super::{Exit, Session};
use crate::cli::study::{NewArgs, PlanArgs};

pub(super) fn new(args: &NewArgs, session: &Session) -> Result<Exit> {
    let _ = (args, session);
    unimplemented!()
}

pub(super) fn plan(args: &PlanArgs, session: &Session) -> Result<Exit> {
    let _ = (args, session);
    unimplemented!()
}
