//! The command line that makes the same comparison.

use ptycho_core::fields::Fields as _;
use ptycho_core::metrics::region::Region;

use super::Request;
use crate::gui::files::{shell_line, shell_word};

/// `ptychobench compare` with the flags that differ from their default; `output` is the folder of the files.
pub fn compare_command(request: &Request, output: &str, is_demonstration: bool) -> String {
    let inputs = &request.inputs;
    let mut words = vec!["ptychobench".to_owned(), "compare".to_owned()];
    let mut before = String::new();
    if let Some(truth) = &inputs.truth {
        let truth = truth.display().to_string();
        if is_demonstration {
            before = format!("ptychobench demo -o {} && ", shell_word(&truth));
        }
        words.extend(["--truth".to_owned(), truth]);
    }
    for (name, file) in &inputs.arms {
        words.extend(["--recon".to_owned(), format!("{name}={}", file.display())]);
    }
    let first = inputs.arms.first().map(|(name, _)| name);
    if let Some(reference) = inputs
        .reference
        .as_ref()
        .filter(|name| Some(*name) != first)
    {
        words.extend(["--reference".to_owned(), reference.clone()]);
    }
    if request.region != Region::Auto {
        words.extend(["--region".to_owned(), request.region.to_string()]);
    }
    words.extend(request.settings.flags());
    words.extend(["-o".to_owned(), output.to_owned()]);
    format!("{before}{}", shell_line(&words))
}
