//! A pane taken out of the window: as PNG, on the clipboard as a picture or as numbers.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use egui::Context;
use ndarray::Array2;
use num_complex::Complex32;
use ptycho_core::paint::component::Source;
use ptycho_core::paint::picture::{Meaning, Picture};

use super::command::Action;
use super::queue::Lane;
use super::texture::color_image;
use super::views::pictures::{Context as PaneContext, Pictures};
use super::views::reconstruct::Permissions;
use super::views::{TrainView, View};
use super::widgets::image_pane::{ImagePane, PaneData};
use super::widgets::notice::Level;
use super::work::Outcome;
use super::workbench::Workbench;

/// The array behind a pane, owned, so that a job can paint it again.
#[derive(Clone, Debug)]
pub enum Values {
    Real(Array2<f32>),
    Complex(Array2<Complex32>),
}

/// A pane as it is shown, with all that its picture needs.
#[derive(Clone, Debug)]
pub struct PaneCopy {
    pub title: String,
    pub values: Values,
    pub pane: ImagePane,
    pub quantity: &'static str,
    pub unit: &'static str,
    pub context: PaneContext,
}

impl PaneCopy {
    fn source(&self) -> Source<'_> {
        match &self.values {
            Values::Real(values) => Source::Real(values.view()),
            Values::Complex(values) => Source::Complex(values.view()),
        }
    }

    /// The same picture as on the screen.
    pub fn picture(&self) -> Picture {
        let meaning = Meaning {
            quantity: self.quantity,
            unit: self.unit,
        };
        Picture::new(
            &self.source(),
            &self.pane.look,
            meaning,
            self.context.region.as_ref(),
        )
    }

    /// Write the pane with its colour bar.
    ///
    /// # Errors
    /// [`ptycho_core::Error::Io`].
    pub fn export(&self, path: &Path) -> ptycho_core::Result<()> {
        let data = PaneData {
            image: self.source(),
            version: 0,
            quantity: self.quantity,
            unit: self.unit,
            pixel_size_m: self.context.pixel_size_m,
            points: &[],
            region: self.context.region.clone(),
        };
        self.pane
            .export(path, (&self.title, &self.context.from), &data)
    }

    /// The values shown, a line for each row, separated by tabs.
    pub fn tab_separated(&self) -> String {
        let picture = self.picture();
        let mut text = String::new();
        for row in picture.values.outer_iter() {
            for (i, value) in row.iter().enumerate() {
                let separator = if i == 0 { "" } else { "\t" };
                let _ = write!(text, "{separator}{value}");
            }
            text.push('\n');
        }
        text
    }
}

impl Workbench {
    fn pictures(&self) -> &Pictures {
        match self.view {
            View::Data => self.data.pictures_ref(),
            View::Generate => self.generate.pictures_ref(),
            View::Overlap => self.overlap.pictures_ref(),
            View::Train => self.train.pictures_ref(),
            View::Reconstruct => self.reconstruct.pictures_ref(),
            View::Compare => self.compare.pictures_ref(),
            View::Study => self.study.pictures_ref(),
            View::Figure => self.figure.pictures_ref(),
        }
    }

    fn pictures_mut(&mut self) -> &mut Pictures {
        match self.view {
            View::Data => self.data.pictures(),
            View::Generate => self.generate.pictures(),
            View::Overlap => self.overlap.pictures(),
            View::Train => self.train.pictures(),
            View::Reconstruct => self.reconstruct.pictures(),
            View::Compare => self.compare.pictures(),
            View::Study => self.study.pictures(),
            View::Figure => self.figure.pictures(),
        }
    }

    /// The pane that copying and export are about.
    pub fn focused_pane(&self) -> String {
        self.pictures().focused().1.to_lowercase()
    }

    pub(super) fn has_focused_pane(&self) -> bool {
        self.pane_copy().is_some()
    }

    pub(super) fn fit_panes(&mut self) {
        self.pictures_mut().fit();
    }

    pub(super) fn auto_contrast(&mut self) {
        self.pictures_mut().auto_limits();
    }

    pub(super) fn export_pane(&mut self, path: PathBuf) {
        let Some(copy) = self.pane_copy() else { return };
        self.queue.add(
            Lane::Files,
            self.document.scan.id,
            "Export the pane",
            move |_| {
                copy.export(&path)?;
                Ok(Outcome::Written(path))
            },
        );
    }

    pub(super) fn copy_image(&mut self, ctx: &Context) {
        let Some(copy) = self.pane_copy() else { return };
        ctx.copy_image(color_image(&copy.picture().rgba));
        self.document.tell(
            Level::Info,
            format!("Copied the picture of the {}.", copy.title),
            None,
        );
    }

    pub(super) fn copy_values(&mut self, ctx: &Context) {
        let Some(copy) = self.pane_copy() else { return };
        ctx.copy_text(copy.tab_separated());
        self.document.tell(
            Level::Info,
            format!("Copied the values of the {}.", copy.title),
            None,
        );
    }

    /// What the buttons of the reconstruct view may do.
    pub(super) fn permissions(&self) -> Permissions {
        Permissions {
            run: self.is_enabled(Action::Run),
            stop: self.queue.reconstruction().is_some(),
            busy: self.queue.busy_words(),
            resume: self.is_enabled(Action::Continue),
            save: self.is_enabled(Action::SaveResultAs),
            export: self.is_enabled(Action::ExportPane),
        }
    }

    /// A copy of the pane in focus, if there is anything in it.
    fn pane_copy(&self) -> Option<PaneCopy> {
        let (pane, _) = self.pictures().focused();
        let scan = &self.document.scan;
        let values = match self.view {
            View::Data => self.data.values(pane, scan, scan.dataset.as_ref()?)?,
            View::Generate => self
                .generate
                .values(pane, &self.document.generation.sketch)?,
            View::Overlap => self.overlap.values()?,
            View::Train => TrainView::values(pane, &self.document.training)?,
            View::Reconstruct => self.reconstruct.values(pane, &self.document)?,
            View::Compare => return self.compare.copy(&self.document),
            View::Study | View::Figure => return None,
        };
        Some(self.pictures().copy(values))
    }
}
