//! A pane taken out of the window: as PNG, on the clipboard as a picture or as numbers.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use egui::{ColorImage, Context};
use ndarray::Array2;
use num_complex::Complex32;
use ptycho_core::paint::component::Source;
use ptycho_core::paint::export::Figure;
use ptycho_core::paint::phase::Region;
use ptycho_core::paint::picture::{Look, Meaning, Picture};

use super::command::Action;
use super::queue::Lane;
use super::views::View;
use super::views::pictures::Pictures;
use super::views::reconstruct::Permissions;
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
    pub look: Look,
    pub quantity: &'static str,
    pub unit: &'static str,
    pub region: Option<Region>,
    pub pixel_size_m: Option<f64>,
    pub from: String,
}

impl PaneCopy {
    /// The same picture as on the screen.
    pub fn picture(&self) -> Picture {
        let source = match &self.values {
            Values::Real(values) => Source::Real(values.view()),
            Values::Complex(values) => Source::Complex(values.view()),
        };
        let meaning = Meaning { quantity: self.quantity, unit: self.unit };
        Picture::new(&source, &self.look, meaning, self.region.as_ref())
    }

    /// The figure of `picture`, which is [`PaneCopy::picture`].
    pub fn figure<'a>(&'a self, picture: &'a Picture) -> Figure<'a> {
        let is_complex = matches!(self.values, Values::Complex(_));
        Figure {
            title: &self.title,
            picture,
            map: self.look.used_map(is_complex).map.name(),
            source: &self.from,
            pixel_size_m: self.pixel_size_m,
            has_scale_bar: true,
        }
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
            View::Reconstruct => self.reconstruct.pictures_ref(),
        }
    }

    fn pictures_mut(&mut self) -> &mut Pictures {
        match self.view {
            View::Data => self.data.pictures(),
            View::Reconstruct => self.reconstruct.pictures(),
        }
    }

    /// The pane that copying and export are about.
    pub fn focused_pane(&self) -> String {
        self.pictures().focused().to_owned()
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
        self.queue.add(Lane::Files, self.document.scan.id, "Export the pane", move |_| {
            copy.figure(&copy.picture()).write_png(&path)?;
            Ok(Outcome::Written(path))
        });
    }

    pub(super) fn copy_image(&mut self, ctx: &Context) {
        let Some(copy) = self.pane_copy() else { return };
        let picture = copy.picture();
        let figure = copy.figure(&picture).draw();
        let image = ColorImage::from_rgba_unmultiplied([figure.width, figure.height], figure.bytes());
        ctx.copy_image(image);
        self.document.tell(Level::Info, format!("Copied the picture of the {}.", copy.title), None);
    }

    pub(super) fn copy_values(&mut self, ctx: &Context) {
        let Some(copy) = self.pane_copy() else { return };
        ctx.copy_text(copy.tab_separated());
        self.document.tell(Level::Info, format!("Copied the values of the {}.", copy.title), None);
    }

    /// What the buttons of the reconstruct view may do.
    pub(super) fn permissions(&self) -> Permissions {
        Permissions {
            run: self.is_enabled(Action::Run),
            stop: self.is_enabled(Action::Stop),
            resume: self.is_enabled(Action::Continue),
            save: self.is_enabled(Action::SaveResultAs),
            export: self.is_enabled(Action::ExportPane),
        }
    }

    /// A copy of the pane in focus, if there is anything in it.
    fn pane_copy(&self) -> Option<PaneCopy> {
        let name = self.pictures().focused();
        let scan = &self.document.scan;
        let dataset = scan.dataset.as_ref()?;
        let preview = self.document.run.preview.as_ref().map(Arc::as_ref);
        let values = match self.view {
            View::Data => self.data.values(name, scan, dataset)?,
            View::Reconstruct => self.reconstruct.values(name, preview?)?,
        };
        self.pictures().copy(name, values)
    }
}
