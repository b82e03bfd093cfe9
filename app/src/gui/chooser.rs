//! Choosing a file: the system's dialog where there is one, else a browser in the window; a path box always.

use std::path::{Path, PathBuf};

use egui::{Align, Key, Layout, RichText, ScrollArea, Ui};
use ptycho_core::job::Wake;

use super::files::{Answer, BrowserEntry, Purpose, SystemDialog, list_folder, parse_path};
use crate::units::bytes_text;

/// The chooser while it is open.
pub struct Chooser {
    purpose: Purpose,
    /// The path box.
    text: String,
    folder: PathBuf,
    entries: Vec<BrowserEntry>,
    problem: Option<String>,
    system: Option<SystemDialog>,
    is_new: bool,
}

/// What came of drawing the chooser.
pub enum Choice {
    /// Nothing yet.
    Open,
    Chosen(PathBuf),
    Closed,
}

impl Chooser {
    /// Open the chooser at `suggested`: a folder, or a file to be written.
    pub fn new(purpose: Purpose, suggested: &Path, use_system: bool, wake: Wake) -> Self {
        let (folder, name) = match suggested {
            path if path.is_dir() => (path.to_path_buf(), String::new()),
            path => (
                path.parent().unwrap_or(Path::new("")).to_path_buf(),
                path.file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
            ),
        };
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        let system = use_system
            .then(|| SystemDialog::open(purpose, &folder, &name, wake).ok())
            .flatten();
        let mut chooser = Self {
            purpose,
            text: folder.join(&name).display().to_string(),
            folder: PathBuf::new(),
            entries: Vec::new(),
            problem: None,
            system,
            is_new: true,
        };
        chooser.go_to(folder);
        chooser
    }

    /// What the chosen file is for.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Look whether the system's dialog has answered.
    pub fn poll(&mut self) -> Choice {
        match self.system.as_ref().and_then(SystemDialog::take) {
            None => Choice::Open,
            Some(Answer::Chosen(path)) => Choice::Chosen(path),
            Some(Answer::Dismissed) => Choice::Closed,
            Some(Answer::Absent) => {
                tracing::info!("the system has no file dialog; using the built-in one");
                self.system = None;
                Choice::Open
            }
        }
    }

    fn go_to(&mut self, folder: PathBuf) {
        match list_folder(&folder, self.purpose.extensions()) {
            Ok(entries) => {
                self.problem = None;
                self.entries = entries;
                self.folder = folder;
            }
            Err(error) => self.problem = Some(format!("Cannot list {}: {error}", folder.display())),
        }
    }

    /// Draw the chooser over the window.
    pub fn ui(&mut self, ctx: &egui::Context) -> Choice {
        let mut choice = Choice::Open;
        let size = ctx.content_rect().size();
        let modal = egui::Modal::new(egui::Id::unique("chooser")).show(ctx, |ui| {
            ui.set_width((size.x - 60.0).min(680.0));
            ui.heading(self.purpose.title());
            choice = self.contents(ui, (size.y - 240.0).clamp(120.0, 420.0));
        });
        if modal.should_close() && matches!(choice, Choice::Open) {
            choice = Choice::Closed;
        }
        choice
    }

    fn contents(&mut self, ui: &mut Ui, list_height: f32) -> Choice {
        let mut choice = Choice::Open;
        ui.add_space(4.0);
        let label = ui.label("Path");
        let edit = egui::TextEdit::singleline(&mut self.text)
            .desired_width(f32::INFINITY)
            .hint_text("a path; ~ and quotes are understood");
        let response = ui.add(edit).labelled_by(label.id);
        if std::mem::take(&mut self.is_new) {
            response.request_focus();
        }
        let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        if self.system.is_some() {
            ui.add_space(4.0);
            ui.label("The system's file dialog is open. If none appears, use the built-in one or type a path.");
            if ui.button("Use the built-in dialog").clicked() {
                self.system = None;
            }
        } else {
            self.browser(ui, list_height);
        }
        if let Some(problem) = &self.problem {
            ui.colored_label(ui.visuals().error_fg_color, format!("✖ {problem}"));
        }
        ui.separator();
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let replaces = self.purpose.is_save() && parse_path(&self.text).is_file();
            let verb = if replaces {
                "Replace"
            } else {
                self.purpose.verb()
            };
            let has_path = !self.text.trim().is_empty();
            if ui.add_enabled(has_path, egui::Button::new(verb)).clicked() || entered {
                choice = self.accept();
            }
            if ui.button("Cancel").clicked() {
                choice = Choice::Closed;
            }
            if replaces {
                ui.colored_label(ui.visuals().warn_fg_color, "⚠ This file exists.");
            }
        });
        choice
    }

    /// The path box's content: a folder is entered, anything else chosen.
    fn accept(&mut self) -> Choice {
        let path = parse_path(&self.text);
        if self.purpose.is_folder() {
            // A folder that does not exist yet is made when something is written.
            return Choice::Chosen(path);
        }
        if path.is_dir() {
            self.go_to(path);
            return Choice::Open;
        }
        if !self.purpose.is_save() && !path.is_file() {
            self.problem = Some(format!("There is no file {}", path.display()));
            return Choice::Open;
        }
        if self.purpose.is_save() && path.file_name().is_none() {
            self.problem = Some("The path needs a file name".to_owned());
            return Choice::Open;
        }
        Choice::Chosen(match path.extension() {
            None if self.purpose.is_save() => path.with_extension(self.purpose.extensions()[0]),
            _ => path,
        })
    }

    fn nothing_here(&self) -> String {
        if self.purpose.is_folder() {
            return "No folder within this one.".to_owned();
        }
        let endings = self.purpose.extensions().join(" or ");
        format!("No folder and no {endings} file here.")
    }

    fn browser(&mut self, ui: &mut Ui, height: f32) {
        ui.add_space(4.0);
        let mut target = None;
        ui.horizontal(|ui| {
            if ui.button("⬆ Parent folder").clicked() {
                target = self.folder.parent().map(Path::to_path_buf);
            }
            if ui.button("🏠 Home").clicked() {
                target = super::files::home();
            }
            ui.label(RichText::new(self.folder.display().to_string()).weak());
        });
        egui::Frame::group(ui.style()).show(ui, |ui| {
            ScrollArea::vertical()
                .max_height(height)
                .min_scrolled_height(height)
                .auto_shrink([false, false])
                .show(ui, |ui| {
                    if self.entries.is_empty() {
                        ui.label(RichText::new(self.nothing_here()).weak());
                    }
                    for entry in &self.entries {
                        let icon = if entry.is_folder { "🗀" } else { "🗋" };
                        let size = if entry.is_folder {
                            String::new()
                        } else {
                            format!("   {}", bytes_text(entry.bytes))
                        };
                        let is_chosen = parse_path(&self.text) == entry.path;
                        let row =
                            ui.selectable_label(is_chosen, format!("{icon} {}{size}", entry.name));
                        if row.clicked() && entry.is_folder {
                            target = Some(entry.path.clone());
                        } else if row.clicked() {
                            self.text = entry.path.display().to_string();
                        }
                    }
                });
        });
        if let Some(folder) = target {
            let name = parse_path(&self.text)
                .file_name()
                .filter(|_| self.purpose.is_save())
                .map(|name| name.to_string_lossy().into_owned());
            self.text = folder.join(name.unwrap_or_default()).display().to_string();
            self.go_to(folder);
        }
    }
}
