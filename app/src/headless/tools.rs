//! Tools on any dataset: subset, shuffle, split, crop, pad, patches, fixture.

use ptycho_core::error::Result;

use super::{Exit, Session};
use crate::cli::tools::SubsetArgs;

pub(super) fn subset(args: &SubsetArgs, session: &Session) -> Result<Exit> {
    let _ = (args, session);
    unimplemented!("subset")
}
