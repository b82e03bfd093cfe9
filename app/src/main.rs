//! Parse, set up messages, dispatch to the window or to a command, end with its exit code.

use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;
use ptycho_core::Error;
use ptycho_core::compute::{Compute, DeviceChoice};
use ptycho_core::error::Result;
use ptychobench::cli::Cli;
use ptychobench::gui::log::{LogLayer, LogRing};
use ptychobench::gui::preferences;
use ptychobench::gui::workbench::{self, WindowOptions};
use ptychobench::{headless, records};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let exit = match &cli.command {
        Some(command) => {
            records::start(cli.verbose, cli.quiet, None::<LogLayer>);
            match check_no_window_arguments(&cli) {
                Ok(()) => headless::run(command, cli.quiet),
                Err(error) => headless::report(&error, false),
            }
        }
        None => match open_window(&cli) {
            Ok(()) => headless::Exit::Done,
            Err(error) => headless::report(&error, false),
        },
    };
    exit.into()
}

fn open_window(cli: &Cli) -> Result<()> {
    if let Some(file) = &cli.file {
        check_file(file)?;
    }
    let log = LogRing::default();
    records::start(cli.verbose, cli.quiet, Some(LogLayer(log.clone())));
    let options = WindowOptions {
        file: cli.file.clone(),
        compute: Compute::open(DeviceChoice::Auto, 0)?,
        runs: cli.runs.clone(),
        preferences: preferences::default_file(),
        log,
        open_demonstration: cli.file.is_none(),
    };
    workbench::run(options).map_err(|error| {
        // The toolkit's words begin with places in its own source.
        let error = error.to_string();
        let error = error
            .rsplit(": ")
            .next()
            .unwrap_or_default()
            .trim_end_matches('.');
        Error::Run(format!(
            "cannot open the window: {error}; fix: start it where there is a display, \
             or use the commands, as ptychobench inspect (see ptychobench --help)"
        ))
    })
}

/// FILE and `--runs` before a command would be those of the window.
fn check_no_window_arguments(cli: &Cli) -> Result<()> {
    let found = match (&cli.file, &cli.runs) {
        (Some(file), _) => file.display().to_string(),
        (None, Some(runs)) => format!("--runs {}", runs.display()),
        (None, None) => return Ok(()),
    };
    let error = Error::invalid("run the command", "arguments", "the command first", found);
    Err(error.with_fix("write it after the command"))
}

/// A mistyped command looks like a file.
fn check_file(file: &Path) -> Result<()> {
    if file.exists() {
        return Ok(());
    }
    let found = "neither a file nor a command";
    let error = Error::invalid(
        "open the window",
        "FILE",
        "an NPZ, NPY or study file",
        found,
    );
    Err(error
        .with_fix("see ptychobench --help for the commands")
        .with_file(file))
}
