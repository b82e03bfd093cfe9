//! The user's preferences: a TOML in the configuration folder, apart from science.

use std::path::{Path, PathBuf};

use ptycho_core::disk;
use serde::{Deserialize, Serialize};

/// How many files are remembered.
const N_RECENT: usize = 10;
/// Least and greatest UI scale.
pub const SCALE_RANGE: std::ops::RangeInclusive<f32> = 0.75..=2.5;

/// Light, dark, or as the system is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    Light,
    Dark,
    #[default]
    System,
}

/// What is remembered between two starts; losing it loses no science.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    pub theme: Theme,
    pub ui_scale: f32,
    pub recent: Vec<PathBuf>,
    pub last_open_folder: Option<PathBuf>,
    pub last_save_folder: Option<PathBuf>,
    pub runs_folder: PathBuf,
    pub system_file_dialogs: bool,
    pub all_parameters: bool,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            theme: Theme::System,
            ui_scale: 1.0,
            recent: Vec::new(),
            last_open_folder: None,
            last_save_folder: None,
            runs_folder: PathBuf::from("runs/scratch"),
            system_file_dialogs: true,
            all_parameters: false,
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
        let text = toml::to_string_pretty(self)
            .map_err(|error| ptycho_core::Error::Run(format!("the preferences cannot be written: {error}")))?;
        disk::write(file, text.as_bytes())
    }

    /// Put a file on top of the recent ones.
    pub fn remember(&mut self, path: &Path) {
        self.recent.retain(|known| known != path);
        self.recent.insert(0, path.to_path_buf());
        self.recent.truncate(N_RECENT);
        self.last_open_folder = path.parent().map(Path::to_path_buf);
    }

    fn made_valid(mut self) -> Self {
        if !self.ui_scale.is_finite() {
            self.ui_scale = 1.0;
        }
        self.ui_scale = self.ui_scale.clamp(*SCALE_RANGE.start(), *SCALE_RANGE.end());
        self.recent.truncate(N_RECENT);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_survive_writing_and_a_broken_file_gives_the_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sub/preferences.toml");
        let mut preferences = Preferences {
            ui_scale: 9.0,
            theme: Theme::Dark,
            ..Preferences::default()
        };
        for i in 0..12 {
            preferences.remember(Path::new(&format!("/data/{i}.npz")));
        }
        preferences.remember(Path::new("/data/5.npz"));
        preferences.save(&file).unwrap();
        let (read, problem) = Preferences::load(&file);
        assert_eq!(problem, None);
        assert_eq!((read.ui_scale, read.theme, read.recent.len()), (2.5, Theme::Dark, 10));
        assert_eq!(read.recent[0], Path::new("/data/5.npz"));

        disk::write(&file, b"theme = 7").unwrap();
        let (read, problem) = Preferences::load(&file);
        assert_eq!(read, Preferences::default());
        assert!(problem.unwrap().contains("preferences.toml"));
        assert_eq!(Preferences::load(&folder.path().join("none")), (Preferences::default(), None));
    }
}
