//! What can be asked of a study, and what its jobs yield.

use std::path::PathBuf;

use ptycho_core::study::execute::StudyOutcome;

use super::super::files::Purpose;
use super::notes::ReadNotes;
use super::open::OpenedStudy;
use super::other::OtherStudy;
use super::plan::{Estimated, PlannedStudy};

/// What a user asks about a study.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// A new study from the template of this name.
    New(&'static str),
    /// Open this study file, or the study of a run folder or `plan.json`.
    Open(PathBuf),
    /// Write the study file.
    Save,
    /// Save, then do what was asked for.
    SaveFirst,
    /// Do what was asked for, whatever is not saved.
    Discard,
    /// Go on with the study as it is.
    KeepEditing,
    /// Close the window.
    Quit,
    /// Close the study that is open, whatever is not saved.
    Close,
    /// Choose a file or folder.
    Choose(Purpose),
    /// Take the file or folder that was chosen.
    Take(Purpose, PathBuf),
    /// Do what is not done yet.
    Run,
    /// Do only this, and what it needs.
    RunOnly(String),
    /// Begin no further task.
    Pause,
    /// Go on after a pause.
    GoOn,
    /// Take this task off the queue, or stop it where it runs.
    Cancel(String),
    /// Take all off the queue, and stop what runs.
    CancelAll,
    /// Do this before all others that wait.
    PutFirst(String),
    /// Do this before the one that stands before it.
    MoveUp(String),
    /// Show what this task has made, in its view.
    Show(String),
    /// Copy the command line that executes this task.
    CopyTask(String),
    /// Look again what is done: files may have changed.
    LookAgain,
    /// Keep the notes of the run.
    SaveNotes,
    /// Put another study beside this one.
    CompareWith(PathBuf),
    /// Write tables and summary of what is done.
    WriteReport,
    /// Make the trainings of this run the reference.
    MakeReference,
}

/// What a job about a study yields.
pub enum Done {
    /// A study was read.
    Opened(Box<OpenedStudy>),
    /// The study file was written with this text.
    Saved(PathBuf, String),
    /// What a study comes to and where it stands.
    Planned(Box<PlannedStudy>),
    /// What its tasks will take.
    Estimated(Box<Estimated>),
    /// A run has ended.
    Ran(Box<StudyOutcome>),
    /// The notes of a run.
    Notes(ReadNotes),
    /// The notes were written with this text.
    NotesSaved(PathBuf, String),
    /// Another study was read.
    Other(Box<OtherStudy>),
    /// The report was written, with findings.
    Reported(PathBuf, Vec<String>),
    /// The reference was written here.
    Reference(PathBuf),
}
