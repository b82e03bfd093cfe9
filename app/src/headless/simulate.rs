//! `simulate` and `validate`.

use ptycho_core::error::Result;

use super::{Exit, Session};
use crate::cli::simulate::{SimulateArgs, ValidateArgs};

pub(super) fn simulate(args: &SimulateArgs, session: &Session) -> Result<Exit> {
    let _ = (args, session);
    unimplemented!("simulate")
}

pub(super) fn validate(args: &ValidateArgs, session: &Session) -> Result<Exit> {
    let _ = (args, session);
    unimplemented!("validate")
}
