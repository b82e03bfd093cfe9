//! `overlap`, `groups` and `canvas`.

use ptycho_core::error::Result;

use super::{Exit, Session};
use crate::cli::overlap::GroupsArgs;

pub(super) fn groups(args: &GroupsArgs, session: &Session) -> Result<Exit> {
    let _ = (args, session);
    unimplemented!("groups")
}
