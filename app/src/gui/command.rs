//! What a user can ask for: one closed table gives label, tooltip and shortcut to menus, buttons and help.

use std::path::PathBuf;

use egui::{Key, KeyboardShortcut, Modifiers};
use ptycho_core::study::tools::Tool;

use ptycho_core::study::generate::Preset;

use super::diagnosis::Ask as AskDiagnosis;
use super::files::Purpose;
use super::study::Ask;
use super::theme::ThemeChoice;
use super::views::View;

/// Everything that changes the state of the window, applied in one place.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// One of the fixed actions of the menus.
    Do(Action),
    /// Open this file.
    Open(PathBuf),
    /// Write the repaired file here, then open it.
    Repair(PathBuf),
    /// Choose where the repaired file goes.
    ChooseRepaired,
    /// Write the result here.
    SaveResult(PathBuf),
    /// Write the scan here as a canonical NPZ.
    SaveScan(PathBuf),
    /// Use a tool on the open scan's file, write here, then open the result if asked.
    UseTool(Box<Tool>, PathBuf, bool),
    /// Write the chosen pane here as PNG.
    ExportPane(PathBuf),
    /// Make this pane the one that copying and export are about.
    FocusPane(String),
    /// Show this view.
    Show(View),
    /// Drop this file from the recent ones.
    ForgetRecent(PathBuf),
    /// Take the parameters of a preset of the generation.
    TakePreset(Preset),
    /// Choose a file or folder of the generation.
    ChooseForGeneration(Purpose),
    /// Take the file or folder that was chosen.
    TakeForGeneration(Purpose, PathBuf),
    /// Write the overlap views.
    WriteViews,
    /// Choose a file or folder of the overlap views.
    ChooseForViews(Purpose),
    /// Take the file or folder that was chosen.
    TakeForViews(Purpose, PathBuf),
    /// Train with the settings as they stand, after the trainings that wait.
    QueueArm,
    /// Stop the training that runs and those that wait.
    StopArms,
    /// Take the training with this number off the list; one that waits is not started.
    DropArm(usize),
    /// Add the training that is kept in this folder to the list.
    AddRun(PathBuf),
    /// Train on this file.
    TrainOn(PathBuf),
    /// Choose a file or folder of a training.
    ChooseForTraining(Purpose),
    /// Take the file or folder that was chosen.
    TakeForTraining(Purpose, PathBuf),
    /// Read this bundle and check it.
    ReadBundle(PathBuf),
    /// Set a reconstruction by this bundle up; the file is the training set that it comes from.
    UseBundle(PathBuf, Option<PathBuf>),
    /// Reconstruct with the chosen bundle.
    Infer,
    /// Something about the report on a scan or a run.
    Diagnosis(AskDiagnosis),
    /// Something about the study that is open.
    Study(Ask),
    /// Add these reconstructions to the comparison and show it.
    AddToComparison(Vec<PathBuf>),
    /// Compare the results of this session.
    CompareSession,
    /// Choose a file or folder of the comparison.
    ChooseForComparison(Purpose),
    /// Take the file or folder that was chosen.
    TakeForComparison(Purpose, PathBuf),
    /// Choose a file or folder of the figure.
    ChooseForFigure(Purpose),
    /// Take the file or folder that was chosen.
    TakeForFigure(Purpose, PathBuf),
    /// Choose a file of the reconstruction.
    ChooseForReconstruction(Purpose),
    /// Take the file that was chosen.
    TakeForReconstruction(Purpose, PathBuf),
    /// Reconstruct the scan in all eight orientations for a few epochs each.
    TryOrientations,
    /// Reconstruct even and odd patterns apart and compare them.
    CompareHalves,
    /// Make overlap views of this generated folder.
    ShowSets(PathBuf),
    /// Open this file and show it in the data view.
    OpenInData(PathBuf),
    /// Put this text on the clipboard.
    CopyText(String),
    /// Change one of the preferences.
    Theme(ThemeChoice),
    /// Show this folder in the system's file manager.
    OpenFolder(PathBuf),
    /// Close the notice with this number.
    Dismiss(u64),
    /// Stop the job with this number.
    StopJob(u64),
}

/// The actions that menus, buttons and shortcuts name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    OpenFile,
    OpenDemonstration,
    RepairFile,
    SaveScanAs,
    SaveResultAs,
    SaveLoss,
    ExportPane,
    Quit,
    CopyImage,
    CopyValues,
    CopyAsCommand,
    Undo,
    Redo,
    Preferences,
    LargerUi,
    SmallerUi,
    NormalUi,
    ResetLayout,
    ToggleLog,
    NextView,
    Generate,
    Train,
    Run,
    Stop,
    Continue,
    Shortcuts,
    DataContract,
    About,
    FrameTimes,
    PreviousFrame,
    NextFrame,
    FitPanes,
    AutoContrast,
}

/// How an action is shown.
pub struct Entry {
    /// Words on menus and buttons.
    pub label: &'static str,
    /// Words under the pointer.
    pub tooltip: &'static str,
    /// Key, if it has one.
    pub shortcut: Option<KeyboardShortcut>,
}

const COMMAND_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);

impl Action {
    /// Every action, in the order of the help page.
    pub const ALL: [Self; 33] = [
        Self::OpenFile,
        Self::OpenDemonstration,
        Self::RepairFile,
        Self::SaveScanAs,
        Self::SaveResultAs,
        Self::SaveLoss,
        Self::ExportPane,
        Self::Quit,
        Self::CopyImage,
        Self::CopyValues,
        Self::CopyAsCommand,
        Self::Undo,
        Self::Redo,
        Self::Preferences,
        Self::LargerUi,
        Self::SmallerUi,
        Self::NormalUi,
        Self::ResetLayout,
        Self::ToggleLog,
        Self::NextView,
        Self::Generate,
        Self::Train,
        Self::Run,
        Self::Stop,
        Self::Continue,
        Self::Shortcuts,
        Self::DataContract,
        Self::About,
        Self::FrameTimes,
        Self::PreviousFrame,
        Self::NextFrame,
        Self::FitPanes,
        Self::AutoContrast,
    ];

    /// Label, tooltip and shortcut.
    pub fn entry(self) -> Entry {
        let (label, tooltip, shortcut) = self.row();
        Entry {
            label,
            tooltip,
            shortcut: shortcut.map(|(modifiers, key)| KeyboardShortcut::new(modifiers, key)),
        }
    }

    #[expect(
        clippy::too_many_lines,
        reason = "one table, a line or two for each action"
    )]
    fn row(self) -> (&'static str, &'static str, Option<(Modifiers, Key)>) {
        const C: Modifiers = Modifiers::COMMAND;
        const NONE: Modifiers = Modifiers::NONE;
        match self {
            Self::OpenFile => ("Open…", "Open a scan (NPZ or NPY)", Some((C, Key::O))),
            Self::OpenDemonstration => (
                "Open demonstration",
                "Simulate the built-in demonstration scan: 128×128 patterns of a star-like object",
                Some((C, Key::D)),
            ),
            Self::RepairFile => (
                "Repair…",
                "Preview what a repair would change, then write a new file",
                Some((C, Key::R)),
            ),
            Self::SaveScanAs => (
                "Save scan as…",
                "Write the open scan, repairs applied, as an NPZ that obeys the contract",
                None,
            ),
            Self::SaveResultAs => (
                "Save result as…",
                "Write object, probe, positions and loss as NPZ",
                Some((C, Key::S)),
            ),
            Self::SaveLoss => (
                "Save loss as CSV…",
                "Write the loss of every epoch as comma-separated values",
                None,
            ),
            Self::ExportPane => (
                "Export pane…",
                "Write the chosen pane as PNG with its colour bar",
                Some((C, Key::E)),
            ),
            Self::Quit => ("Quit", "Close the window", Some((C, Key::Q))),
            Self::CopyImage => (
                "Copy image",
                "Copy the chosen pane as a picture",
                Some((COMMAND_SHIFT, Key::I)),
            ),
            Self::CopyValues => (
                "Copy values",
                "Copy the chosen pane's numbers, tab-separated",
                Some((COMMAND_SHIFT, Key::C)),
            ),
            Self::CopyAsCommand => (
                "Copy as command",
                "Copy the command line that does what this view does",
                Some((COMMAND_SHIFT, Key::K)),
            ),
            Self::Undo => (
                "Undo",
                "Go back one change of the parameters",
                Some((C, Key::Z)),
            ),
            Self::Redo => (
                "Redo",
                "Take the undone change of the parameters again",
                Some((COMMAND_SHIFT, Key::Z)),
            ),
            Self::Preferences => (
                "Preferences…",
                "Theme, UI scale, runs folder, file dialogs",
                Some((C, Key::Comma)),
            ),
            Self::LargerUi => ("Larger", "Enlarge texts and controls", Some((C, Key::Plus))),
            Self::SmallerUi => (
                "Smaller",
                "Shrink texts and controls",
                Some((C, Key::Minus)),
            ),
            Self::NormalUi => (
                "100 %",
                "Texts and controls at their normal size",
                Some((C, Key::Num0)),
            ),
            Self::ResetLayout => ("Reset layout", "Put every pane back to its place", None),
            Self::ToggleLog => ("Log", "Show or hide the log", Some((C, Key::J))),
            Self::NextView => (
                "Next view",
                "Go to the next view",
                Some((Modifiers::CTRL, Key::Tab)),
            ),
            Self::Generate => (
                "Generate",
                "Write training and test sets at every dose (F5 in the Generate view)",
                None,
            ),
            Self::Train => (
                "Train",
                "Train a network with these settings (F5 in the Train view)",
                None,
            ),
            Self::Run => (
                "Run",
                "Reconstruct with these parameters; in the Generate view, generate; in the Overlap view, write; in the Train view, train; in the Compare and Figure views, read the files again; in the Study view, do what is not done yet",
                Some((NONE, Key::F5)),
            ),
            Self::Stop => (
                "Stop",
                "Stop after the present step and keep the result so far",
                Some((C, Key::Period)),
            ),
            Self::Continue => (
                "Continue",
                "Go on from where the last run ended, with the same engine or another; in the Train view, from where the chosen training ended",
                Some((Modifiers::SHIFT, Key::F5)),
            ),
            Self::Shortcuts => (
                "Keyboard shortcuts",
                "Every key and what it does",
                Some((NONE, Key::F1)),
            ),
            Self::DataContract => (
                "Data contract",
                "Which arrays a scan needs, and in which form",
                None,
            ),
            Self::About => ("About", "Versions and compute device", None),
            Self::FrameTimes => (
                "Frame times",
                "Thread CPU time of the window's own work, frame by frame",
                None,
            ),
            Self::PreviousFrame => (
                "Previous pattern",
                "Show the pattern before",
                Some((NONE, Key::OpenBracket)),
            ),
            Self::NextFrame => (
                "Next pattern",
                "Show the next pattern",
                Some((NONE, Key::CloseBracket)),
            ),
            Self::FitPanes => (
                "Fit panes",
                "Show every picture whole",
                Some((NONE, Key::Home)),
            ),
            Self::AutoContrast => (
                "Automatic limits",
                "Let every picture find its colour limits again",
                Some((NONE, Key::A)),
            ),
        }
    }
}

/// The actions whose keys were pressed; keys that edit text are left to the field that has the focus.
pub fn pressed(ctx: &egui::Context) -> Vec<Action> {
    let typing = ctx.text_edit_focused();
    let mut actions: Vec<_> = Action::ALL
        .into_iter()
        .filter_map(|action| action.entry().shortcut.map(|shortcut| (action, shortcut)))
        .collect();
    // `consume_shortcut` ignores extra Shift, so the longer combination must be asked first.
    actions.sort_by_key(|(_, shortcut)| !shortcut.modifiers.shift);
    ctx.input_mut(|input| {
        actions
            .into_iter()
            .filter(|(action, shortcut)| {
                let edits_text = shortcut.conflicts_with_text_editing()
                    && is_letter_like(shortcut.logical_key)
                    || matches!(action, Action::Undo | Action::Redo);
                !(typing && edits_text) && input.consume_shortcut(shortcut)
            })
            .map(|(action, _)| action)
            .collect()
    })
}

/// Function keys do nothing in a text field, so they work there too.
fn is_letter_like(key: Key) -> bool {
    !matches!(key, Key::F1 | Key::F5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_actions_share_a_key_or_a_label() {
        for (i, one) in Action::ALL.iter().enumerate() {
            assert!(!one.entry().label.is_empty() && !one.entry().tooltip.is_empty());
            for other in &Action::ALL[i + 1..] {
                assert_ne!(one.entry().label, other.entry().label);
                let (a, b) = (one.entry().shortcut, other.entry().shortcut);
                assert!(a.is_none() || a != b, "{one:?} and {other:?} share {a:?}");
            }
        }
    }
}
