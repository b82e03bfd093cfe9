//! What a user chooses for a comparison, and what can be undone.

use std::path::{Path, PathBuf};

use ptycho_core::metrics::region::Region;
use ptycho_core::metrics::settings::CompareSettings;
use ptycho_core::study::compare::TRUTH;

/// More columns would be too narrow to see anything.
pub const MOST_PICKS: usize = 6;

/// Where the truth comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Truth {
    /// The open scan, if it holds a truth.
    #[default]
    Scan,
    /// A file of its own.
    File,
    /// None: one of the reconstructions serves as the reference.
    None,
}

/// One reconstruction that was picked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pick {
    /// Short name, on panes and in tables.
    pub name: String,
    pub file: PathBuf,
}

/// What a user chooses for a comparison.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CompareDraft {
    pub truth: Truth,
    /// The file of the truth as typed.
    pub truth_file: String,
    pub picks: Vec<Pick>,
    /// The file of the reconstruction that serves as the reference where there is no truth; the first where not given.
    pub reference: Option<PathBuf>,
    pub region: Region,
    pub settings: CompareSettings,
}

impl CompareDraft {
    /// Add a reconstruction under a name that no other one has.
    ///
    /// # Errors
    /// Why it is not added, in words.
    pub fn add(&mut self, name: &str, file: PathBuf) -> Result<(), String> {
        if let Some(known) = self.picks.iter().find(|pick| pick.file == file) {
            return Err(format!(
                "{} is there already, named {}.",
                file.display(),
                known.name
            ));
        }
        if MOST_PICKS <= self.picks.len() {
            return Err(format!(
                "{} is not added: {MOST_PICKS} reconstructions are the most that are shown side by side. Remove one first.",
                file.display()
            ));
        }
        let name = self.unused_name(name);
        self.picks.push(Pick { name, file });
        Ok(())
    }

    fn unused_name(&self, wanted: &str) -> String {
        let wanted = wanted.replace('=', "-");
        let wanted = wanted.trim();
        let wanted = if wanted.is_empty() { "arm" } else { wanted };
        // The truth has a name too.
        let is_used = |name: &str| name == TRUTH || self.picks.iter().any(|pick| pick.name == name);
        if !is_used(wanted) {
            return wanted.to_owned();
        }
        (2..=2 + self.picks.len())
            .map(|i| format!("{wanted} {i}"))
            .find(|name| !is_used(name))
            .unwrap_or_default()
    }

    /// The pick that serves as the reference where there is no truth.
    pub fn reference_pick(&self) -> Option<&Pick> {
        let named = self
            .picks
            .iter()
            .find(|pick| Some(&pick.file) == self.reference.as_ref());
        named.or_else(|| self.picks.first())
    }

    /// What is wrong with the names, in words.
    pub fn name_problem(&self) -> Option<String> {
        for (i, pick) in self.picks.iter().enumerate() {
            let name = pick.name.trim();
            if name.is_empty() {
                return Some(format!("Name {}.", pick.file.display()));
            }
            if name.contains('=') {
                return Some(format!(
                    "The name {name} holds a =, which parts name and file in commands: rename it."
                ));
            }
            if name == TRUTH {
                return Some(format!(
                    "{name} is the name of the truth: rename {}.",
                    pick.file.display()
                ));
            }
            if self.picks[..i]
                .iter()
                .any(|other| other.name.trim() == name)
            {
                return Some(format!("Two reconstructions are named {name}: rename one."));
            }
        }
        None
    }
}

/// A short name for a file: its own, or that of its run folder where files of runs are all named alike.
pub fn short_name(file: &Path) -> String {
    let text = |name: Option<&std::ffi::OsStr>| {
        name.map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    let stem = text(file.file_stem());
    match file.parent().and_then(Path::file_name) {
        Some(folder) if stem == "result" => text(Some(folder)),
        _ => stem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_unique_and_files_stand_once() {
        let mut draft = CompareDraft::default();
        for file in ["/a/x.npz", "/b/x.npz", "/c/x.npz"] {
            let file = PathBuf::from(file);
            draft.add(&short_name(&file), file).unwrap();
        }
        let names: Vec<_> = draft.picks.iter().map(|pick| pick.name.as_str()).collect();
        assert_eq!(names, ["x", "x 2", "x 3"]);
        let twice = draft.add("y", "/a/x.npz".into()).unwrap_err();
        assert!(twice.contains("named x"), "{twice}");
        for i in 3..MOST_PICKS {
            draft.add("more", format!("/{i}.npz").into()).unwrap();
        }
        let most = draft.add("one", "/too/many.npz".into()).unwrap_err();
        assert!(most.contains("6 reconstructions"), "{most}");
        assert_eq!(draft.name_problem(), None);
        draft.picks[1].name = "x".to_owned();
        assert!(draft.name_problem().unwrap().contains("rename one"));
        draft.picks[1].name = "a=b".to_owned();
        assert!(draft.name_problem().unwrap().contains('='));
        draft.picks[1].name = TRUTH.to_owned();
        assert!(draft.name_problem().unwrap().contains("the truth"));
        draft.picks.clear();
        draft.add(TRUTH, "/truth.npz".into()).unwrap();
        assert_eq!(draft.picks[0].name, "truth 2");
        assert_eq!(short_name(Path::new("/runs/lsqml_1/result.npz")), "lsqml_1");
    }
}
