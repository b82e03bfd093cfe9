//! `figure`.

use ptycho_core::error::Result;

use super::{Exit, Session};
use crate::cli::figure::FigureArgs;

pub(super) fn figure(args: &FigureArgs, session: &Session) -> Result<Exit> {
    let _ = (args, session);
    unimplemented!()
}
