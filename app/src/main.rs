//! Parse, set up messages, dispatch to the window or to a command, end with its exit code.

use std::process::ExitCode;

use clap::Parser as _;
use ptychobench::cli::Cli;
use ptychobench::{headless, records};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let no_window: Option<tracing_subscriber::layer::Identity> = None;
    records::start(cli.verbose, cli.quiet, no_window);
    match &cli.command {
        Some(command) => headless::run(command, cli.quiet).into(),
        None => ExitCode::SUCCESS,
    }
}
