//! The window's twin: every command without a window. Results go to standard output, all else to standard error.

mod compare;
mod diagnose;
mod figure;
mod frc;
mod infer;
mod inspect;
mod losses;
mod overlap;
mod progress;
mod reconstruct;
mod repair;
mod settings;
mod several;
mod simulate;
mod study;
mod tools;
mod train;
mod trials;
mod validate;

use std::fmt::Display;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use ptycho_core::Error;
use ptycho_core::error::Result;
use ptycho_core::job::Stop;
use serde::Serialize;
use serde_json::json;

use crate::cli::{Command, DemoArgs};

/// How the program ends, in the order of gravity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    Refused = 3,
    GuardRail = 4,
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// The code for an error.
    pub fn of(error: &Error) -> Self {
        match error {
            Error::Refused(_) => Self::Refused,
            Error::Invalid(_) => Self::Usage,
            Error::Cancelled => Self::Interrupted,
            _ => Self::Failed,
        }
    }
}

/// What a command needs beside its own flags.
pub struct Session {
    /// Asked for by Ctrl-C.
    pub stop: Stop,
    /// Say nothing on standard error but errors.
    pub is_quiet: bool,
}

impl Session {
    /// One line for a person, on standard error.
    pub fn say(&self, line: impl Display) {
        if !self.is_quiet {
            say(line);
        }
    }

    /// What was mended in memory, which the file still lacks.
    pub fn say_repairs(&self, repairs: &[impl Display]) {
        for repair in repairs {
            self.say(format_args!("repaired in memory: {repair}"));
        }
    }
}

/// Execute a command and report how it ended; the one place where errors are printed.
pub fn run(command: &Command, is_quiet: bool) -> Exit {
    let session = Session {
        stop: interruptible(),
        is_quiet,
    };
    let outcome = match command {
        Command::Inspect(args) => inspect::inspect(args, &session),
        Command::Repair(args) => repair::repair(args, &session),
        Command::Reconstruct(args) => reconstruct::reconstruct(args, &session),
        Command::Orient(args) => trials::orient(args, &session),
        Command::Halves(args) => trials::halves(args, &session),
        Command::Simulate(args) => simulate::simulate(args, &session),
        Command::Validate(args) => validate::validate(args, &session),
        Command::Subset(args) => tools::subset(args, &session),
        Command::Shuffle(args) => tools::shuffle(args, &session),
        Command::Split(args) => tools::split(args, &session),
        Command::Crop(args) => tools::crop(args, &session),
        Command::Pad(args) => tools::pad(args, &session),
        Command::Turn(args) => tools::turn(args, &session),
        Command::Patches(args) => tools::patches(args, &session),
        Command::Fixture(args) => tools::fixture(args, &session),
        Command::Overlap(args) => overlap::overlap(args, &session),
        Command::Groups(args) => overlap::groups(args, &session),
        Command::Canvas(args) => overlap::canvas(args, &session),
        Command::Train(args) => train::train(args, &session),
        Command::Infer(args) => infer::infer(args, &session),
        Command::CheckLoss(args) => train::check_loss(args),
        Command::Compare(args) => compare::compare(args, &session),
        Command::Frc(args) => frc::frc(args, &session),
        Command::Losses(args) => losses::losses(args, &session),
        Command::Diagnose(args) => diagnose::diagnose(args, &session),
        Command::Study(args) => study::study(args, &session),
        Command::Task(args) => study::task(args, &session),
        Command::Figure(args) => figure::figure(args, &session),
        Command::Demo(args) => demo(args, &session),
    };
    outcome.unwrap_or_else(|error| report(&error, command.is_json()))
}

/// Print an error for a person, and as JSON for a program that waits for it.
pub fn report(error: &Error, is_json: bool) -> Exit {
    let exit = Exit::of(error);
    say(format_args!("error: {error}"));
    if is_json {
        let problem = error.problem();
        let object =
            json!({"error": error.to_string(), "problem": problem, "exit_code": exit as u8});
        // The exit code tells what went wrong, also where nobody reads the output any more.
        let _ = print_json(&object);
    }
    exit
}

fn demo(args: &DemoArgs, session: &Session) -> Result<Exit> {
    let dataset = ptycho_core::sim::demo::demonstration(args.seed)?;
    dataset.save(&args.output)?;
    let (patterns, n) = (dataset.n_patterns(), dataset.n());
    if args.json {
        let sha256 = dataset.content_sha256();
        print_json(&json!({
            "output": args.output, "patterns": patterns, "n": n, "seed": args.seed, "content_sha256": sha256,
        }))?;
    } else {
        session.say(format_args!(
            "wrote {patterns} patterns of {n}x{n}: {}",
            args.output.display()
        ));
    }
    Ok(Exit::Done)
}

/// A flag that the first Ctrl-C raises; the second leaves at once.
fn interruptible() -> Stop {
    let stop = Stop::default();
    let flag = stop.clone();
    let handler = move || {
        if flag.is_requested() {
            std::process::exit(i32::from(Exit::Interrupted as u8));
        }
        flag.request();
        say("stopping after this step; once more to leave at once");
    };
    if let Err(error) = ctrlc::set_handler(handler) {
        tracing::warn!("Ctrl-C will end the program without a result: {error}");
    }
    stop
}

/// Text to standard output. A reader that went away (`| head`) is no failure.
fn print(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::io("write", "standard output".as_ref())(error))
        }
        _ => Ok(()),
    }
}

/// One object on one line of standard output.
fn print_json(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string(value)
        .map_err(|error| Error::io("write", "standard output".as_ref())(error.into()))?;
    print(&format!("{text}\n"))
}

/// One line on standard error; nothing can be done where even that fails.
fn say(line: impl Display) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// A monitor for work that only has to be stoppable and to show how far it is.
fn terminal(session: &Session, what: &str) -> Arc<progress::Terminal> {
    Arc::new(progress::Terminal::new(session, what))
}
