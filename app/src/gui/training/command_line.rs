//! The command lines that train and reconstruct in the same way.

use ptycho_core::compute::DeviceChoice;
use ptycho_core::fields::Fields as _;
use ptycho_core::study::infer::InferTask;
use ptycho_core::study::train::TrainTask;

use super::super::files::{shell_line, shell_word, thread_flags};

/// The word of a device on the command line.
pub fn device_word(device: DeviceChoice) -> &'static str {
    match device {
        DeviceChoice::Auto => "auto",
        DeviceChoice::Cpu => "cpu",
        DeviceChoice::Cuda => "cuda",
        DeviceChoice::Metal => "metal",
    }
}

/// `ptychobench train` with the flags that differ from their default.
///
/// `is_demonstration`: the training file is the built-in scan, which is written first.
pub fn train_command(task: &TrainTask, is_demonstration: bool) -> String {
    let train = task.train.display().to_string();
    let mut words = vec!["ptychobench".to_owned(), "train".to_owned(), train.clone()];
    if let Some(validation) = &task.validation {
        words.extend(["--validation".to_owned(), validation.display().to_string()]);
    }
    words.extend(task.settings.flags());
    if let Some(seconds) = task.time_limit_s {
        words.extend(["--time-limit".to_owned(), seconds.to_string()]);
    }
    words.extend(common(task.n_threads, task.device));
    words.extend(["-o".to_owned(), task.output.display().to_string()]);
    if task.resume {
        words.push("--resume".to_owned());
    }
    joined(&words, is_demonstration.then_some(train.as_str()))
}

/// `ptychobench infer` with the flags that differ from their default.
pub fn infer_command(task: &InferTask, is_demonstration: bool) -> String {
    let data = task.data.display().to_string();
    let mut words = vec![
        "ptychobench".to_owned(),
        "infer".to_owned(),
        task.bundle.display().to_string(),
        data.clone(),
    ];
    words.extend(task.settings.flags());
    words.extend(common(task.n_threads, task.device));
    words.extend(["-o".to_owned(), task.output.display().to_string()]);
    joined(&words, is_demonstration.then_some(data.as_str()))
}

fn common(n_threads: usize, device: DeviceChoice) -> Vec<String> {
    let mut words = thread_flags(n_threads);
    if device != DeviceChoice::Auto {
        words.extend(["--device".to_owned(), device_word(device).to_owned()]);
    }
    words
}

fn joined(words: &[String], demonstration: Option<&str>) -> String {
    let before = demonstration.map_or_else(String::new, |file| {
        format!("ptychobench demo -o {} && ", shell_word(file))
    });
    format!("{before}{}", shell_line(words))
}
