//! One module for each view. A view is a struct of choices with a `ui` function; it borrows the document
//! and asks for commands.

pub mod compare;
pub mod data;
pub mod figure;
pub mod generate;
pub mod overlap;
pub mod pictures;
pub mod reconstruct;
pub mod side;
pub mod study;
pub mod tiles;
pub mod train;

pub use compare::CompareView;
pub use data::DataView;
pub use figure::FigureView;
pub use generate::GenerateView;
pub use overlap::OverlapView;
pub use reconstruct::ReconstructView;
pub use study::StudyView;
pub use train::TrainView;

/// The views that exist, in the order of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    Study,
    Data,
    Generate,
    Overlap,
    Train,
    Reconstruct,
    Compare,
    Figure,
}

impl View {
    /// Every view.
    pub const ALL: [Self; 8] = [
        Self::Study,
        Self::Data,
        Self::Generate,
        Self::Overlap,
        Self::Train,
        Self::Reconstruct,
        Self::Compare,
        Self::Figure,
    ];

    /// Words of the sidebar.
    pub fn label(self) -> &'static str {
        match self {
            Self::Study => "Study",
            Self::Data => "Data",
            Self::Generate => "Generate",
            Self::Overlap => "Overlap",
            Self::Train => "Train",
            Self::Reconstruct => "Reconstruct",
            Self::Compare => "Compare",
            Self::Figure => "Figure",
        }
    }

    /// A sign beside the words.
    pub fn icon(self) -> &'static str {
        match self {
            Self::Study => "☰",
            Self::Data => "🗁",
            Self::Generate => "⚙",
            Self::Overlap => "⛶",
            Self::Train => "📉",
            Self::Reconstruct => "◎",
            Self::Compare => "⇔",
            Self::Figure => "🖼",
        }
    }

    /// What it is for.
    pub fn tooltip(self) -> &'static str {
        match self {
            Self::Study => "A whole study: what is done, what is left, and how it came out",
            Self::Data => "What is in the scan, and is it right?",
            Self::Generate => "Make training and test sets at several photon doses",
            Self::Overlap => {
                "Thin the scan to dense and sparse views of groups, and see what is kept and why"
            }
            Self::Train => {
                "Train a network on a dataset, watch it learn, and reconstruct others with it in seconds"
            }
            Self::Reconstruct => "Reconstruct object and probe, and watch them converge",
            Self::Compare => {
                "Reconstructions beside the truth and each other: where and why they differ, in pictures and numbers"
            }
            Self::Figure => "The figure for the paper, with everything that is written into it",
        }
    }

    /// The view after this one.
    pub fn next(self) -> Self {
        match self {
            Self::Study => Self::Data,
            Self::Data => Self::Generate,
            Self::Generate => Self::Overlap,
            Self::Overlap => Self::Train,
            Self::Train => Self::Reconstruct,
            Self::Reconstruct => Self::Compare,
            Self::Compare => Self::Figure,
            Self::Figure => Self::Study,
        }
    }
}
