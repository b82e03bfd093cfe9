//! The command lines that reconstruct in the same way.

use std::path::Path;

use ptycho_core::fields::Fields as _;
use ptycho_core::iterative::KernelChoice;
use ptycho_core::study::run::Source;

use super::super::document::Document;
use super::super::files::{beside, shell_line, thread_flags};
use super::super::training::command_line::device_word;
use super::{How, used};

/// The word of the kernels on the command line.
pub fn kernels_choice_word(kernels: KernelChoice) -> &'static str {
    match kernels {
        KernelChoice::Auto => "auto",
        KernelChoice::Fused => "fused",
        KernelChoice::Tensors => "tensors",
    }
}

/// `ptychobench reconstruct` with the flags that differ from their default.
pub fn reconstruct_command(document: &Document) -> String {
    let settings = used(document.engine, &document.settings);
    let mut flags = settings.flags();
    if let Some(start) = document.how.start() {
        flags.extend(flag("--start-from", &start));
    }
    command(document, flags)
}

/// The command that goes on as Continue does; none before a run has ended.
pub fn continue_command(document: &Document) -> Option<String> {
    let finished = document.finished()?;
    if finished.engine == document.engine {
        let mut settings = finished.settings.clone();
        settings.epochs = finished.n_epochs + document.more_epochs;
        let mut flags = settings.flags();
        flags.extend(flag("--resume-from", &finished.run_folder));
        return Some(command(document, flags));
    }
    let mut settings = used(document.engine, &document.settings);
    settings.epochs = document.more_epochs;
    let mut flags = settings.flags();
    flags.extend(flag("--start-from", &document.present_result()?));
    Some(command(document, flags))
}

fn flag(name: &str, path: &Path) -> [String; 2] {
    [name.to_owned(), path.display().to_string()]
}

fn command(document: &Document, flags: Vec<String>) -> String {
    let engine = document.engine.name();
    let (before, input, output) = match &document.scan.source {
        Some(Source::File(path)) => {
            let output = beside(path, &format!("_{engine}"), "npz");
            let output = output.file_name().unwrap_or_default();
            let output = output.to_string_lossy().into_owned();
            ("", path.display().to_string(), output)
        }
        Some(Source::Demonstration) => (
            "ptychobench demo -o demo.npz && ",
            "demo.npz".to_owned(),
            format!("demo_{engine}.npz"),
        ),
        None => ("", "SCAN.npz".to_owned(), "OUT.npz".to_owned()),
    };
    let words = ["ptychobench", "reconstruct", &input, "-o", &output];
    let mut words: Vec<_> = words.map(str::to_owned).into();
    words.extend(["--algorithm".to_owned(), engine.to_owned()]);
    words.extend(flags);
    words.extend(computing(&document.how));
    words.extend(thread_flags(document.n_threads));
    format!("{before}{}", shell_line(&words))
}

fn computing(how: &How) -> Vec<String> {
    let mut words = Vec::new();
    if how.device != ptycho_core::compute::DeviceChoice::Auto {
        words.extend(["--device", device_word(how.device)].map(str::to_owned));
    }
    if how.kernels != KernelChoice::Auto {
        words.extend(["--kernels", kernels_choice_word(how.kernels)].map(str::to_owned));
    }
    if let Some(limit_gib) = how.device_memory_gib {
        words.extend(["--device-memory-gib".to_owned(), limit_gib.to_string()]);
    }
    words
}
