//! Paths and small helpers.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use clap::Parser as _;
use ptychobench::cli::Cli;
use serde_json::Value;

/// A file of `tests/data`.
pub(crate) fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/data")
        .join(name)
}

/// The program, about to run in `folder`.
pub(crate) fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ptychobench"));
    command.current_dir(folder).stdin(Stdio::null());
    command
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Check the exit code, and give standard output and standard error.
pub(crate) fn check_output(output: &Output, code: i32) -> (String, String) {
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{stdout}\n{stderr}");
    (stdout, stderr)
}

/// Run, check the exit code, and give standard output and standard error.
pub(crate) fn check_run(folder: &Path, args: &[&str], code: i32) -> (String, String) {
    let output = command(folder).args(args).output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(code),
        "{args:?}\n{}\n{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    check_output(&output, code)
}

/// The object on the last line of standard output.
pub(crate) fn check_json(folder: &Path, args: &[&str], code: i32) -> Value {
    let (stdout, _) = check_run(folder, args, code);
    serde_json::from_str(stdout.lines().last().unwrap()).unwrap()
}

/// What the command line makes of words that the window put on the clipboard.
pub(crate) fn parsed_command(text: &str) -> ptychobench::cli::Command {
    let cli = Cli::try_parse_from(shell_words(text));
    let cli = cli.unwrap_or_else(|error| panic!("{text}: {error}"));
    cli.command
        .unwrap_or_else(|| panic!("{text} is no command"))
}

/// Words as a shell reads them: single quotes hold spaces together.
fn shell_words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for letter in text.chars() {
        match letter {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            _ => words.last_mut().unwrap().push(letter),
        }
    }
    words
}
