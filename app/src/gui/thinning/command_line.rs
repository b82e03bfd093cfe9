//! The command line that writes the same views.

use ptycho_core::fields::Fields as _;

use super::super::document::Scan;
use super::super::files::{shell_line, thread_flags};
use super::{Thinning, ThinningSettings};

/// `ptychobench overlap` with the flags that differ from their default.
pub fn overlap_command(thinning: &Thinning, scan: &Scan, n_threads: usize) -> String {
    let (before, source, output) = match (thinning.task(scan, n_threads), &scan.source) {
        (Some(task), _) => (
            "",
            task.source.display().to_string(),
            task.output.display().to_string(),
        ),
        (None, Some(_)) if !thinning.is_of_folder => (
            "ptychobench demo -o demo.npz && ",
            "demo.npz".to_owned(),
            "demo_views".to_owned(),
        ),
        (None, _) => ("", "DIR_OR_NPZ".to_owned(), "DIR".to_owned()),
    };
    let settings = &thinning.settings;
    let mut words = vec!["ptychobench".to_owned(), "overlap".to_owned(), source];
    if settings.views != ThinningSettings::default().views {
        let views = settings.views.iter();
        let views: Vec<_> = views
            .map(|view| format!("{}={}", view.name, view.overlap))
            .collect();
        words.extend(["--views".to_owned(), views.join(",")]);
    }
    words.extend(settings.groups.flags());
    words.extend(settings.spacing.flags());
    words.extend(thread_flags(n_threads));
    words.extend(["-o".to_owned(), output]);
    format!("{before}{}", shell_line(&words))
}
