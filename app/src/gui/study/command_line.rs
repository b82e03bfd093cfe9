//! The command lines that run the same study, or one task of it.

use super::super::files::{shell_line, thread_flags};
use super::Studying;

/// `ptychobench study run` of the study file into the same folder.
pub fn study_command(studying: &Studying, n_threads: usize) -> String {
    let mut words: Vec<String> = ["ptychobench", "study", "run"].map(str::to_owned).to_vec();
    words.push(studying.file_text());
    words.extend(["--runs".to_owned(), studying.runs.display().to_string()]);
    if 1 < studying.n_jobs {
        words.extend(["--jobs".to_owned(), studying.n_jobs.to_string()]);
    }
    words.extend(thread_flags(n_threads));
    shell_line(&words)
}

/// `ptychobench task run` of one task of the plan in the run folder.
pub fn task_command(studying: &Studying, id: &str) -> Option<String> {
    let plan = studying.run_folder()?.join(super::open::PLAN_FILE);
    let words: Vec<String> = ["ptychobench", "task", "run"].map(str::to_owned).to_vec();
    let rest = [plan.display().to_string(), id.to_owned()];
    Some(shell_line(&[words, rest.to_vec()].concat()))
}
