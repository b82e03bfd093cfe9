//! A file against the manifest of the generation that made it.

use std::path::Path;

use crate::data::{Archive, Dataset, Finding, Severity, Strictness, Verdict};
use crate::error::{Error, Result};
use crate::job::Monitor;
use crate::sim::stages::Validation;
use crate::study::generate::{DoseRecord, FileRecord};

/// Add to a judgement what a manifest says about the file: rule STUDY-001, refused where the file is unknown, its content
/// is another, or its dose is stale.
///
/// # Errors
/// [`Error::Io`]; [`Error::Cancelled`].
pub fn check_against(
    validation: &mut Validation,
    file: &Path,
    record: Option<(&DoseRecord, &FileRecord)>,
    monitor: &dyn Monitor<()>,
) -> Result<()> {
    let mut refuse = |expected: String, found: String, fix: &str| {
        validation.verdict = Verdict::Refused;
        validation.findings.push(Finding {
            key: String::new(),
            rule: "STUDY-001".to_owned(),
            severity: Severity::Refused,
            expected,
            found,
            fix: fix.to_owned(),
        });
    };
    let Some((dose, record)) = record else {
        let found = "a file of which it says nothing".to_owned();
        refuse(
            "a file of the manifest".to_owned(),
            found,
            "give the manifest of its own generation",
        );
        return Ok(());
    };
    if dose.is_stale {
        let found = "a dose of an earlier run with other settings".to_owned();
        let fix = "run ptychobench simulate again with this dose";
        refuse("a dose of the last run".to_owned(), found, fix);
    }
    if monitor.stop().is_requested() {
        return Err(Error::Cancelled);
    }
    let opened = match Dataset::open(file, Strictness::Repair) {
        Ok(opened) => opened,
        // That it is no dataset stands among the findings already.
        Err(Error::Refused(_)) => return Ok(()),
        Err(error) => return Err(error),
    };
    // A dose-normalised file is opened with its scale mended; there its directory tells whether it is the same.
    let (found, recorded) = if opened.repairs.is_empty() {
        (opened.dataset.content_sha256(), &record.sha256)
    } else {
        (Archive::open(file)?.fingerprint(), &record.fingerprint)
    };
    if &found != recorded {
        let expected = format!("content {recorded}");
        let fix = "the file was changed after it was made; run ptychobench simulate again";
        refuse(expected, format!("content {found}"), fix);
    }
    Ok(())
}
