//! The figure of a study is set up, drawn, exported.

use std::path::PathBuf;
use std::sync::Arc;

use ptycho_core::figure::Format;

use super::super::document::Document;
use super::super::figure::{Drawn, Problem};
use super::super::files::{self, Purpose};
use super::super::queue::{FIGURE, Lane};
use super::super::views::View;
use super::super::work::Outcome;
use super::super::workbench::Workbench;
use super::absolute;

impl Workbench {
    /// Draw the newest choices, unless those before are still being drawn: what is newest when they are done comes next.
    pub(in super::super) fn start_figure(&mut self) {
        if self.view != View::Figure || self.queue.is_busy(Lane::Figure) {
            return;
        }
        let Document {
            figuring, studying, ..
        } = &mut self.document;
        let Some(request) = figuring.take_request(studying) else {
            return;
        };
        let known = figuring.drawn.clone();
        let version = figuring.next_version();
        self.queue.add(Lane::Figure, FIGURE, "Figure", move |_| {
            let drawn = Drawn::new(request, known.as_deref(), version);
            Ok(Outcome::Figured(Box::new(drawn)))
        });
    }

    pub(super) fn figure_failed(&mut self, error: &ptycho_core::Error) {
        tracing::warn!("figure: {error}");
        let problem = Problem::Words(error.to_string());
        self.document.figuring.problem = Some(problem);
    }

    /// The study's own folder for figures, once there is one.
    fn figures_folder(&self) -> Option<PathBuf> {
        let folder = self.document.studying.run_folder()?;
        folder.is_dir().then(|| folder.join("figures"))
    }

    pub(super) fn choose_for_figure(&mut self, purpose: Purpose) {
        let figuring = &self.document.figuring;
        let suggested = if purpose == Purpose::FigureCompanions {
            self.figures_folder()
        } else {
            let page = figuring.page.name();
            let suffix = purpose.extensions().first().copied().unwrap_or_default();
            let folder = self.preferences.last_save_folder.clone();
            let folder = self.figures_folder().or(folder).or_else(files::home);
            folder.map(|folder| folder.join(format!("{page}.{suffix}")))
        };
        let suggested = suggested
            .or_else(|| self.preferences.last_open_folder.clone())
            .or_else(files::home);
        self.choose(purpose, &suggested.unwrap_or_default());
    }

    pub(super) fn take_for_figure(&mut self, purpose: Purpose, path: PathBuf) {
        match purpose {
            Purpose::FigureCompanions => self.export_companions(absolute(&path)),
            _ => self.export_figure(absolute(&path)),
        }
    }

    /// The figure that is shown, if it is of the choices as they stand.
    fn figure_to_export(&mut self) -> Option<Arc<Drawn>> {
        let figuring = &mut self.document.figuring;
        figuring.exported = None;
        figuring.drawn.clone()
    }

    fn export_figure(&mut self, path: PathBuf) {
        let Some(drawn) = self.figure_to_export() else {
            return;
        };
        self.queue
            .add(Lane::Files, FIGURE, "Export the figure", move |_| {
                if let Some(page) = drawn.page() {
                    page.write(&path, drawn.request.design.style.dpi)?;
                }
                Ok(Outcome::FigureWritten(path))
            });
    }

    fn export_companions(&mut self, folder: PathBuf) {
        let Some(drawn) = self.figure_to_export() else {
            return;
        };
        let name = "Export the companions";
        self.queue.add(Lane::Files, FIGURE, name, move |_| {
            for (name, figure) in &drawn.figures.companions {
                for format in Format::ALL {
                    let file = folder.join(format!("{name}.{}", format.suffix()));
                    figure.write(&file, drawn.request.design.style.dpi)?;
                }
            }
            Ok(Outcome::FigureWritten(folder))
        });
    }

    pub(super) fn figure_exported(&mut self, exported: Result<PathBuf, String>) {
        if let Ok(path) = &exported {
            tracing::info!("the figure is written: {}", path.display());
        }
        self.document.figuring.exported = Some(exported);
    }

    /// Whether there is a figure that can be exported.
    pub(super) fn can_export_figure(&self) -> bool {
        let document = &self.document;
        document.figuring.is_current(&document.studying)
    }
}
