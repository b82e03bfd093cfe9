//! The command line that generates the same datasets.

use std::path::Path;

use ptycho_core::fields::{Fields, Value};
use ptycho_core::study::generate::GenerateTask;

use super::super::files::{parse_path, shell_word};
use super::doses::dose_text;

/// `ptychobench simulate` with the flags that differ from their default.
pub fn simulate_command(task: &GenerateTask) -> String {
    let GenerateTask {
        scene,
        doses,
        simulation,
        split,
        output,
        n_threads,
    } = task;
    let mut words = vec!["ptychobench".to_owned(), "simulate".to_owned()];
    words.extend(flags(&scene.object, scene.sources.object.as_deref()));
    words.extend(flags(&scene.probe, scene.sources.probe.as_deref()));
    words.extend(flags(&scene.scan, scene.sources.scan.as_deref()));
    let doses: Vec<_> = doses.iter().copied().map(dose_text).collect();
    words.extend(["--doses".to_owned(), doses.join(",")]);
    words.extend(flags(simulation, None));
    words.extend(flags(split, None));
    if *n_threads != 0 {
        words.extend(["--threads".to_owned(), n_threads.to_string()]);
    }
    let output = parse_path(&output.display().to_string());
    words.extend(["-o".to_owned(), shell_word(&output.display().to_string())]);
    words.join(" ")
}

/// As [`Fields::flags`], with the path in place of the word `file`.
fn flags<T: Fields>(settings: &T, file: Option<&Path>) -> Vec<String> {
    let default = T::default();
    let mut words = Vec::new();
    for field in T::fields() {
        let Some(value) = settings.get(field.name) else {
            continue;
        };
        let is_file = field.takes_file && value == Value::Choice("file");
        if !is_file && default.get(field.name) == Some(value) {
            continue;
        }
        let text = match file.filter(|_| is_file) {
            Some(path) => shell_word(&path_word(path)),
            None => value.to_string(),
        };
        words.extend([format!("--{}", field.flag()), text]);
    }
    words
}

/// A path that cannot be taken for a word of the choice.
fn path_word(path: &Path) -> String {
    let text = path.display().to_string();
    if text.contains(['.', '/', '\\']) {
        text
    } else {
        format!("./{text}")
    }
}
