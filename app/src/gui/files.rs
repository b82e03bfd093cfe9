//! Paths as users type them, and file dialogs that never freeze the window.
//!
//! The system's dialog runs on a thread of its own. Where the system has none it comes back empty at
//! once; then the window's own browser opens. While the system's dialog is up, a path can be typed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ptycho_core::job::{Job, Wake};

/// A dialog that ends sooner than a user can act was never shown.
const SOONEST_ANSWER: Duration = Duration::from_millis(600);

/// A path as typed or dropped: quotes stripped, `~` and `file://` understood.
pub fn parse_path(text: &str) -> PathBuf {
    let text = text.trim();
    let text = ['"', '\'']
        .into_iter()
        .find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(text);
    let text = text.strip_prefix("file://").unwrap_or(text);
    match (text.strip_prefix('~'), home()) {
        (Some(""), Some(home)) => home,
        (Some(rest), Some(home)) if rest.starts_with('/') => home.join(&rest[1..]),
        _ => PathBuf::from(text),
    }
}

/// The user's own folder.
pub fn home() -> Option<PathBuf> {
    directories::BaseDirs::new().map(|folders| folders.home_dir().to_path_buf())
}

/// A word of a command line, quoted where a shell needs it.
pub fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Words as a shell reads them back.
pub fn shell_line(words: &[String]) -> String {
    let words: Vec<_> = words.iter().map(|word| shell_word(word)).collect();
    words.join(" ")
}

/// The flag of so many threads; none where all are meant.
pub fn thread_flags(n_threads: usize) -> Vec<String> {
    if n_threads == 0 {
        return Vec::new();
    }
    vec!["--threads".to_owned(), n_threads.to_string()]
}

/// What a chosen path is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    OpenScan,
    SaveRepaired,
    SaveScan,
    SaveResult,
    SaveLoss,
    ExportPane,
    ObjectFile,
    ProbeFile,
    ScanFile,
    OutputFolder,
    SetsFolder,
    ViewsFolder,
    ExportPlot,
    SavePoints,
    SaveHistogram,
    TrainFile,
    ValidationFile,
    RunFolder,
    KeptRun,
    BundleFile,
    InferData,
    InferOutput,
    SaveCurves,
    OtherScan,
    OtherRun,
    SaveReport,
    CompareTruth,
    CompareResult,
    CompareFolder,
    SaveCompareCurves,
    FigurePng,
    FigureSvg,
    FigurePdf,
    FigureCompanions,
    StudyFile,
    SaveStudy,
    StudyRuns,
    StudyBase,
    OtherStudy,
    SaveSummary,
    StartFile,
    SaveProbePower,
    SavePositionRms,
    SaveShifts,
    SaveWeights,
    SaveHalves,
    SaveTurned,
}

impl Purpose {
    /// Words on the dialog.
    pub fn title(self) -> &'static str {
        match self {
            Self::OpenScan => "Open a scan",
            Self::SaveRepaired => "Write the repaired scan as",
            Self::SaveScan => "Save the scan as",
            Self::SaveResult => "Save the result as",
            Self::SaveLoss => "Save the loss as",
            Self::ExportPane => "Export the pane as PNG",
            Self::ObjectFile => "Take the object from",
            Self::ProbeFile => "Take the probe from",
            Self::ScanFile => "Take the positions from",
            Self::OutputFolder => "Write the datasets into",
            Self::SetsFolder => "Make views of the generated folder",
            Self::ViewsFolder => "Write the views into",
            Self::ExportPlot => "Export the plot as PNG or SVG",
            Self::SavePoints => "Save the points as CSV",
            Self::SaveHistogram => "Save the histogram as CSV",
            Self::TrainFile => "Train on",
            Self::ValidationFile => "Validate on",
            Self::RunFolder => "Keep the training in",
            Self::KeptRun => "Add the training that is kept in",
            Self::BundleFile => "Use the bundle",
            Self::InferData => "Reconstruct with the bundle",
            Self::InferOutput => "Save the reconstruction as",
            Self::SaveCurves => "Save the losses as CSV",
            Self::OtherScan => "Put the scan beside",
            Self::OtherRun => "Put the run beside that in",
            Self::SaveReport => "Save the report as Markdown or JSON",
            Self::CompareTruth => "Compare with the truth of",
            Self::CompareResult => "Compare the reconstruction",
            Self::CompareFolder => "Write the files of the comparison into",
            Self::SaveCompareCurves => "Save the curves as CSV",
            Self::FigurePng => "Export the figure as PNG",
            Self::FigureSvg => "Export the figure as SVG",
            Self::FigurePdf => "Export the figure as PDF",
            Self::FigureCompanions => "Write the companions into",
            Self::StudyFile => "Open a study",
            Self::SaveStudy => "Save the study as",
            Self::StudyRuns => "Run studies in",
            Self::StudyBase => "Take object and probe from",
            Self::OtherStudy => "Put the study beside",
            Self::SaveSummary => "Export the summary as HTML",
            Self::StartFile => "Start from the result",
            Self::SaveProbePower => "Save the probe power as CSV",
            Self::SavePositionRms => "Save the position correction as CSV",
            Self::SaveShifts => "Save the positions and their shifts as CSV",
            Self::SaveWeights => "Save the weights of the modes as CSV",
            Self::SaveHalves => "Save the ring correlation as CSV",
            Self::SaveTurned => "Save the turned scan as",
        }
    }

    /// Words on the button that ends it.
    pub fn verb(self) -> &'static str {
        match self {
            Self::OpenScan | Self::StudyFile => "Open",
            Self::SaveRepaired
            | Self::SaveScan
            | Self::SaveResult
            | Self::SaveLoss
            | Self::SavePoints
            | Self::SaveHistogram
            | Self::InferOutput
            | Self::SaveCurves
            | Self::SaveReport
            | Self::SaveCompareCurves
            | Self::SaveProbePower
            | Self::SavePositionRms
            | Self::SaveShifts
            | Self::SaveWeights
            | Self::SaveHalves
            | Self::SaveTurned
            | Self::SaveStudy => "Save",
            Self::ExportPane
            | Self::ExportPlot
            | Self::CompareFolder
            | Self::SaveSummary
            | Self::FigurePng
            | Self::FigureSvg
            | Self::FigurePdf
            | Self::FigureCompanions => "Export",
            Self::CompareResult => "Add",
            Self::ObjectFile
            | Self::ProbeFile
            | Self::ScanFile
            | Self::OutputFolder
            | Self::SetsFolder
            | Self::ViewsFolder
            | Self::TrainFile
            | Self::ValidationFile
            | Self::RunFolder
            | Self::KeptRun
            | Self::BundleFile
            | Self::InferData
            | Self::OtherScan
            | Self::OtherRun
            | Self::CompareTruth
            | Self::StudyRuns
            | Self::StudyBase
            | Self::OtherStudy
            | Self::StartFile => "Choose",
        }
    }

    /// Endings of the files it is about.
    pub fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::OpenScan => &["npz", "npy"],
            Self::SaveRepaired
            | Self::SaveScan
            | Self::SaveResult
            | Self::ObjectFile
            | Self::ProbeFile
            | Self::ScanFile
            | Self::TrainFile
            | Self::ValidationFile
            | Self::InferData
            | Self::InferOutput
            | Self::OtherScan
            | Self::CompareTruth
            | Self::CompareResult
            | Self::StudyBase
            | Self::StartFile
            | Self::SaveTurned => &["npz"],
            Self::StudyFile | Self::OtherStudy => &["toml", "json"],
            Self::SaveStudy => &["toml"],
            Self::SaveSummary => &["html"],
            Self::BundleFile => &["json", "safetensors"],
            Self::OutputFolder
            | Self::SetsFolder
            | Self::ViewsFolder
            | Self::RunFolder
            | Self::KeptRun
            | Self::OtherRun
            | Self::CompareFolder
            | Self::FigureCompanions
            | Self::StudyRuns => &[],
            Self::FigureSvg => &["svg"],
            Self::FigurePdf => &["pdf"],
            Self::SaveReport => &["md", "json"],
            Self::SaveLoss
            | Self::SavePoints
            | Self::SaveHistogram
            | Self::SaveCurves
            | Self::SaveCompareCurves
            | Self::SaveProbePower
            | Self::SavePositionRms
            | Self::SaveShifts
            | Self::SaveWeights
            | Self::SaveHalves => &["csv"],
            Self::ExportPlot => &["png", "svg"],
            Self::ExportPane | Self::FigurePng => &["png"],
        }
    }

    /// Whether a new file is written.
    pub fn is_save(self) -> bool {
        matches!(
            self,
            Self::SaveRepaired
                | Self::SaveScan
                | Self::SaveResult
                | Self::SaveLoss
                | Self::ExportPane
                | Self::ExportPlot
                | Self::SavePoints
                | Self::SaveHistogram
                | Self::InferOutput
                | Self::SaveCurves
                | Self::SaveReport
                | Self::SaveCompareCurves
                | Self::FigurePng
                | Self::FigureSvg
                | Self::FigurePdf
                | Self::SaveStudy
                | Self::SaveSummary
                | Self::SaveProbePower
                | Self::SavePositionRms
                | Self::SaveShifts
                | Self::SaveWeights
                | Self::SaveHalves
                | Self::SaveTurned
        )
    }

    /// Whether a folder is chosen, not a file.
    pub fn is_folder(self) -> bool {
        matches!(
            self,
            Self::OutputFolder
                | Self::SetsFolder
                | Self::ViewsFolder
                | Self::RunFolder
                | Self::KeptRun
                | Self::OtherRun
                | Self::CompareFolder
                | Self::FigureCompanions
                | Self::StudyRuns
        )
    }
}

/// How a system dialog ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Chosen(PathBuf),
    Dismissed,
    /// The system has no dialog to show.
    Absent,
}

/// The system's dialog, on its way.
pub struct SystemDialog(Job<(), Option<PathBuf>>);

impl SystemDialog {
    /// Ask the system for its dialog.
    ///
    /// # Errors
    /// As [`Job::spawn`].
    pub fn open(
        purpose: Purpose,
        folder: &Path,
        name: &str,
        wake: Wake,
    ) -> ptycho_core::Result<Self> {
        let (folder, name) = (folder.to_path_buf(), name.to_owned());
        let job = Job::spawn("file dialog", wake, move |_| {
            let dialog = rfd::FileDialog::new()
                .set_title(purpose.title())
                .set_directory(folder);
            if purpose.is_folder() {
                return Ok(dialog.pick_folder());
            }
            let dialog = dialog.add_filter(purpose.extensions().join(", "), purpose.extensions());
            Ok(if purpose.is_save() {
                dialog.set_file_name(name).save_file()
            } else {
                dialog.add_filter("all files", &["*"]).pick_file()
            })
        })?;
        Ok(Self(job))
    }

    /// Its answer, once.
    pub fn take(&self) -> Option<Answer> {
        let answer = self.0.take()?;
        Some(match answer {
            Ok(Some(path)) => Answer::Chosen(path),
            Ok(None) if self.0.elapsed() < SOONEST_ANSWER => Answer::Absent,
            Ok(None) => Answer::Dismissed,
            Err(_) => Answer::Absent,
        })
    }
}

/// One line of the in-app browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserEntry {
    pub name: String,
    pub path: PathBuf,
    pub is_folder: bool,
    pub bytes: u64,
}

/// Folders first, then the files with one of these endings, by name; hidden ones are left out.
///
/// # Errors
/// The operating system's words.
pub fn list_folder(folder: &Path, extensions: &[&str]) -> std::io::Result<Vec<BrowserEntry>> {
    let mut entries: Vec<_> = std::fs::read_dir(folder)?
        .filter_map(Result::ok)
        .filter_map(|entry| browser_entry(&entry.path(), extensions))
        .collect();
    entries.sort_by_key(|entry| (!entry.is_folder, entry.name.to_lowercase()));
    Ok(entries)
}

fn browser_entry(path: &Path, extensions: &[&str]) -> Option<BrowserEntry> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    let about = std::fs::metadata(path).ok()?;
    let ending = path
        .extension()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let is_wanted = about.is_dir() || extensions.contains(&ending.as_str());
    (is_wanted && !name.starts_with('.')).then(|| BrowserEntry {
        name,
        path: path.to_path_buf(),
        is_folder: about.is_dir(),
        bytes: about.len(),
    })
}

/// `scan.npz` with `suffix` `_repaired` becomes `scan_repaired.npz` in the same folder.
pub fn beside(path: &Path, suffix: &str, extension: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}{suffix}.{extension}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_users_type_them() {
        assert_eq!(
            parse_path("  \"/data/my scan.npz\" "),
            Path::new("/data/my scan.npz")
        );
        assert_eq!(parse_path("'a b.npz'"), Path::new("a b.npz"));
        assert_eq!(parse_path("../x.npz"), Path::new("../x.npz"));
        assert_eq!(parse_path("file:///data/x.npz"), Path::new("/data/x.npz"));
        if let Some(home) = home() {
            assert_eq!(parse_path("~/x.npz"), home.join("x.npz"));
            assert_eq!(parse_path("~"), home);
        }
        assert_eq!(parse_path("~x.npz"), Path::new("~x.npz"));
    }

    #[test]
    fn shell_words_are_quoted_where_needed() {
        assert_eq!(shell_word("/data/x-1.npz"), "/data/x-1.npz");
        assert_eq!(shell_word("my scan.npz"), "'my scan.npz'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
    }

    #[test]
    fn the_browser_lists_folders_first_and_only_fitting_files() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.npz", "A.NPZ", "c.txt", ".hidden.npz"] {
            ptycho_core::disk::write(&folder.path().join(name), b"1234").unwrap();
        }
        std::fs::create_dir(folder.path().join("z")).unwrap();
        let names: Vec<_> = list_folder(folder.path(), &["npz"])
            .unwrap()
            .into_iter()
            .map(|entry| entry.name)
            .collect();
        assert_eq!(names, ["z", "A.NPZ", "b.npz"]);
        assert_eq!(
            beside(Path::new("/d/scan.npz"), "_repaired", "npz"),
            Path::new("/d/scan_repaired.npz")
        );
    }
}
