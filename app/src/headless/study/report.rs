//! Commands about a study's report.

use ptycho_core::error::Result;

use super::super::{Exit, Session};
use crate::cli::study::{ReferenceArgs, ReportArgs};

pub(super) fn report(args: &ReportArgs, session: &Session) -> Result<Exit> {
    let _ = (args, session);
    unimplemented!()
}

pub(super) fn reference(args: &ReferenceArgs, session: &Session) -> Result<Exit> {
    let _ = (args, session);
    unimplemented!()
}
