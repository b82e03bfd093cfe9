//! The user's preferences: a TOML in the configuration folder, apart from science.

use std::path::{Path, PathBuf};

use ptycho_core::disk;
use serde::{Deserialize, Serialize};

use super::theme::{Appearance, UI_SCALE_RANGE};
use super::widgets::field_table::FieldTable;

/// How many files are remembered.
const N_RECENT: usize = 10;

/// What is remembered between two starts; losing it loses no science.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    pub appearance: Appearance,
    pub recent: Vec<PathBuf>,
    pub last_open_folder: Option<PathBuf>,
    pub last_save_folder: Option<PathBuf>,
    pub runs_folder: PathBuf,
    /// The folder under which studies are run.
    pub studies_folder: PathBuf,
    /// Study files, the last one first.
    pub recent_studies: Vec<PathBuf>,
    pub system_file_dialogs: bool,
    pub parameters: FieldTable,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            appearance: Appearance::default(),
            recent: Vec::new(),
            last_open_folder: None,
            last_save_folder: None,
            runs_folder: PathBuf::from("runs/scratch"),
            studies_folder: PathBuf::from("runs"),
            recent_studies: Vec::new(),
            system_file_dialogs: true,
            parameters: FieldTable::default(),
        }
    }
}

/// Where the preferences are kept; `None` where the system has no such folder.
pub fn default_file() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "ptychobench")
        .map(|folders| folders.config_dir().join("preferences.toml"))
}

impl Preferences {
    /// Read a file. A missing one gives the defaults, a broken one the defaults and what is wrong with it.
    pub fn load(file: &Path) -> (Self, Option<String>) {
        let Ok(text) = std::fs::read_to_string(file) else {
            return (Self::default(), None);
        };
        match toml::from_str::<Self>(&text) {
            Ok(preferences) => (preferences.made_valid(), None),
            Err(error) => {
                let words = error.message().to_owned();
                let problem = format!(
                    "The preferences could not be read ({words}); the defaults are in use: {}",
                    file.display()
                );
                (Self::default(), Some(problem))
            }
        }
    }

    /// Write a file.
    ///
    /// # Errors
    /// As [`disk::write`].
    pub fn save(&self, file: &Path) -> ptycho_core::Result<()> {
        let text = toml::to_string_pretty(self).map_err(|error| {
            ptycho_core::Error::Run(format!("the preferences cannot be written: {error}"))
        })?;
        disk::write(file, text.as_bytes())
    }

    /// Put a file on top of the recent ones.
    pub fn remember(&mut self, path: &Path) {
        self.recent.retain(|known| known != path);
        self.recent.insert(0, path.to_path_buf());
        self.recent.truncate(N_RECENT);
        self.last_open_folder = path.parent().map(Path::to_path_buf);
    }

    /// Put a study on top of the recent ones.
    pub fn remember_study(&mut self, path: &Path) {
        self.recent_studies.retain(|known| known != path);
        self.recent_studies.insert(0, path.to_path_buf());
        self.recent_studies.truncate(N_RECENT);
    }

    fn made_valid(mut self) -> Self {
        let scale = &mut self.appearance.ui_scale;
        *scale = if scale.is_finite() {
            scale.clamp(*UI_SCALE_RANGE.start(), *UI_SCALE_RANGE.end())
        } else {
            1.0
        };
        self.recent.truncate(N_RECENT);
        self.recent_studies.truncate(N_RECENT);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gui::theme::ThemeChoice;

    #[test]
    fn preferences_survive_writing_and_a_broken_file_gives_the_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sub/preferences.toml");
        let mut preferences = Preferences {
            appearance: Appearance {
                theme: ThemeChoice::Dark,
                ui_scale: 9.0,
            },
            ..Preferences::default()
        };
        for i in 0..12 {
            preferences.remember(Path::new(&format!("/data/{i}.npz")));
        }
        preferences.remember(Path::new("/data/5.npz"));
        preferences.save(&file).unwrap();
        let (read, problem) = Preferences::load(&file);
        assert_eq!(problem, None);
        assert_eq!(
            (
                read.appearance.ui_scale,
                read.appearance.theme,
                read.recent.len()
            ),
            (2.5, ThemeChoice::Dark, 10)
        );
        assert_eq!(read.recent[0], Path::new("/data/5.npz"));

        disk::write(&file, b"recent = 7").unwrap();
        let (read, problem) = Preferences::load(&file);
        assert_eq!(read, Preferences::default());
        assert!(problem.unwrap().contains("preferences.toml"));
        assert_eq!(
            Preferences::load(&folder.path().join("none")),
            (Preferences::default(), None)
        );
    }
}
