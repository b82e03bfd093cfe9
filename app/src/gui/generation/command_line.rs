//! The command line that generates the same datasets.

use ptycho_core::fields::Fields as _;
use ptycho_core::sim::{ProbeKind, ProbeSettings};
use ptycho_core::study::generate::GenerateTask;

use super::super::files::{parse_path, shell_line, thread_flags};
use super::doses::dose_text;

/// `ptychobench simulate` with the flags that differ from their default.
pub fn simulate_command(task: &GenerateTask) -> String {
    let mut scene = task.scene.clone();
    if scene.probe.probe == ProbeKind::File {
        // A file's probe has a size of its own.
        scene.probe.n = ProbeSettings::default().n;
    }
    let mut words = vec!["ptychobench".to_owned(), "simulate".to_owned()];
    words.extend(scene.flags());
    if task.doses != GenerateTask::default().doses {
        let doses: Vec<_> = task.doses.iter().copied().map(dose_text).collect();
        words.extend(["--doses".to_owned(), doses.join(",")]);
    }
    words.extend(task.simulation.flags());
    words.extend(task.split.flags());
    words.extend(thread_flags(task.n_threads));
    if task.device != GenerateTask::default().device {
        words.extend(["--device".to_owned(), task.device.name().to_owned()]);
    }
    let output = parse_path(&task.output.display().to_string());
    words.extend(["-o".to_owned(), output.display().to_string()]);
    shell_line(&words)
}
