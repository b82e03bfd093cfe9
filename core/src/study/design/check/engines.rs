//! Whether the arms of iterative engines can be told apart, and what each has of its own means anything to it.

use super::super::schema::Section;
use super::super::{BASELINE, EngineKind, Engines};
use super::{COLUMNS, Check, FOLDER_NAME, PINN_PREFIX, names_a_folder};
use crate::fields::FieldValue as _;
use crate::iterative::ObjectInit;

/// The name of an arm is a part of that of a folder, and the title of a column.
const LONGEST_ARM: usize = 40;

impl Check<'_> {
    pub(super) fn engines(&mut self) {
        let study = self.study;
        let mut seen: Vec<(&str, &str)> = Vec::new();
        for (i, engines) in study.engines.iter().enumerate() {
            let key = format!("engines[{i}]");
            self.views_named(&key, &engines.views);
            self.arm_named(&key, engines);
            self.own_settings(&key, engines);
            for view in &engines.views {
                self.told_apart(&key, (view, engines), &seen);
            }
            let arm = engines.arm();
            seen.extend(engines.views.iter().map(|view| (view.as_str(), arm)));
        }
        if study.iterative.object_init == ObjectInit::File {
            self.start_from_truth("iterative.object_init");
        }
    }

    fn start_from_truth(&mut self, key: &str) {
        let expected = "ones: objectGuess of a study's datasets is the truth";
        let fix = "write object_init = \"ones\"; a start from the truth is no reconstruction";
        self.find(key, expected, "file", fix);
    }

    /// A name that is no other arm's by its meaning.
    fn arm_named(&mut self, key: &str, engines: &Engines) {
        let Some(name) = &engines.name else {
            return;
        };
        let key = format!("{key}.name");
        let fix = "write another name";
        let is = |other: &&str| name.eq_ignore_ascii_case(other);
        let others = EngineKind::ALL
            .into_iter()
            .filter(|other| *other != engines.engine)
            .map(EngineKind::name);
        if !names_a_folder(name) {
            self.find(key, FOLDER_NAME, format!("\"{name}\""), fix);
        } else if LONGEST_ARM < name.len() {
            let expected = format!("at most {LONGEST_ARM} letters");
            self.find(key, expected, name.len().to_string(), fix);
        } else if is(&BASELINE) || name.to_ascii_lowercase().starts_with(PINN_PREFIX) {
            let found = format!("{name}, as networks are called");
            self.find(key, "a name of no network", found, fix);
        } else if COLUMNS.iter().any(is) {
            let found = format!("{name}, a column of the figure that is no arm");
            self.find(key, "another name", found, fix);
        } else if let Some(other) = others.into_iter().find(is) {
            let expected = format!("a name of no other engine than {}", engines.engine.name());
            self.find(key, expected, other, fix);
        }
    }

    /// An arm whose name no other one has on its view, and whose folders are no other's.
    fn told_apart(&mut self, key: &str, (view, engines): (&str, &Engines), seen: &[(&str, &str)]) {
        let arm = engines.arm();
        // Some file systems do not tell capital letters apart.
        let is_twice = |(other_view, other): &&(&str, &str)| {
            *other_view == view && other.eq_ignore_ascii_case(arm)
        };
        let folder = format!("{view}-{arm}");
        if let Some((_, other)) = seen.iter().find(is_twice) {
            let expected = "every arm once on a view";
            let found = if *other == arm {
                format!("{arm} on {view} twice")
            } else {
                format!("{other} and {arm} on {view}")
            };
            let fix = format!("give one a name of its own, as name = \"{arm}_2\", or remove it");
            self.find(key, expected, found, fix);
        } else if let Some((other_view, other)) = seen
            .iter()
            .find(|(other_view, other)| format!("{other_view}-{other}") == folder)
        {
            let found = format!("{other} on {other_view} and {arm} on {view}, both {folder}");
            let fix = "rename one of the arms";
            self.find(key, "a folder for every arm and view", found, fix);
        }
    }

    /// Fields that this engine looks at and that no other place decides.
    fn own_settings(&mut self, key: &str, engines: &Engines) {
        let elsewhere = Section::named("iterative").map_or(&[][..], |section| section.elsewhere);
        let title = engines.engine.title();
        for (field, value) in engines.settings.iter() {
            let name = field.name;
            let key = format!("{key}.settings.{name}");
            if let Some((_, place)) = elsewhere.iter().find(|(other, _)| *other == name) {
                let expected = format!("{place}, which decides this for all");
                let fix = format!("write it there: {place}");
                self.find(key, expected, value.to_string(), fix);
            } else if !engines.engine.uses(name) {
                let expected = format!("a field that means something to {title}");
                self.find(key, expected, format!("{name} = {value}"), "remove it");
            } else if (name, value) == ("object_init", ObjectInit::File.to_value()) {
                self.start_from_truth(&key);
            }
        }
    }
}
