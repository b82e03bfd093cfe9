//! The lists of a study file, comparison and figure.

use toml::de::DeTable;

use super::super::problem::Finding;
use super::super::schema::Section;
use super::super::{
    ComparisonDesign, EngineKind, Engines, OwnSettings, Split, Trainings, full, nll,
};
use super::{Item, Reader, integer, real};
use crate::grouping::View;
use crate::nn::settings::Model;

/// Keys of [[engines]].
const OF_ENGINE: [&str; 4] = ["engine", "name", "views", "settings"];

impl Reader<'_> {
    pub(super) fn view(&mut self, path: &str, table: &DeTable<'_>) -> Option<View> {
        let known = ["name", "overlap"];
        let keys = self.keys(path, table, (&known, &known));
        let (key, value) = keys.get("name")?;
        let name = self.string(key, value)?;
        let (key, value) = keys.get("overlap")?;
        let Some(overlap) = real(value) else {
            self.refuse(key, "a fraction from 0 to 1", value);
            return None;
        };
        Some(View { name, overlap })
    }

    pub(super) fn training(&mut self, path: &str, table: &DeTable<'_>) -> Option<Trainings> {
        let known = ["model", "losses", "gridsizes", "views"];
        let keys = self.keys(path, table, (&known, &["model"]));
        let (key, value) = keys.get("model")?;
        let model = self.choice(key, value)?;
        let losses = keys
            .get("losses")
            .map_or_else(nll, |(key, value)| self.choices(key, value));
        let views = keys
            .get("views")
            .map_or_else(full, |(key, value)| self.strings(key, value));
        let gridsizes = match (keys.get("gridsizes"), model) {
            (Some((key, value)), _) => self.sides(key, value),
            (None, Model::Baseline) => vec![1],
            (None, Model::Pinn) => {
                let fix = "write gridsizes = [2] for groups of four, [1] for single patterns";
                let finding = Finding::new(format!("{path}.gridsizes"), "this key", "none", fix);
                self.find(self.place_of(path), finding);
                return None;
            }
        };
        Some(Trainings {
            model,
            losses,
            gridsizes,
            views,
        })
    }

    fn sides(&mut self, key: &str, value: &Item<'_>) -> Vec<usize> {
        let items = self.array(key, "a list of whole numbers, as [2]", value);
        let mut sides = Vec::new();
        for (i, item) in items.iter().enumerate() {
            match integer(item).and_then(|side| usize::try_from(side).ok()) {
                Some(side) => sides.push(side),
                None => self.refuse(&format!("{key}[{i}]"), "a whole number from 1 to 3", item),
            }
        }
        sides
    }

    pub(super) fn engine(&mut self, path: &str, table: &DeTable<'_>) -> Option<Engines> {
        let keys = self.keys(path, table, (&OF_ENGINE, &["engine"]));
        let (key, value) = keys.get("engine")?;
        let engine: EngineKind = self.choice(key, value)?;
        let views = keys
            .get("views")
            .map_or_else(full, |(key, value)| self.strings(key, value));
        let name = keys
            .get("name")
            .and_then(|(key, value)| self.string(key, value));
        let settings = keys
            .get("settings")
            .map_or_else(OwnSettings::default, |(key, value)| {
                self.own_settings(key, value)
            });
        Some(Engines {
            engine,
            name,
            views,
            settings,
        })
    }

    /// Some fields of the settings of iterative engines.
    fn own_settings(&mut self, path: &str, value: &Item<'_>) -> OwnSettings {
        let mut own = OwnSettings::default();
        let section = Section::named("iterative");
        let (Some(table), Some(section)) = (self.table(path, value), section) else {
            return own;
        };
        for (key, value) in table {
            let name: &str = key.get_ref();
            if OF_ENGINE.contains(&name) {
                let fix = format!("write {name} above [engines.settings]");
                let of = format!("`{name}`, a key of [[engines]]");
                let finding =
                    Finding::new(format!("{path}.{name}"), "a field of [iterative]", of, fix);
                self.find(key.span().start, finding);
                continue;
            }
            let Some((field, read)) = self.field((section, path), key, value) else {
                continue;
            };
            if own.set(field.name, read).is_err() {
                self.refuse(&format!("{path}.{}", field.name), &field.expected(), value);
            }
        }
        own
    }

    pub(super) fn comparison(&mut self, value: &Item<'_>) {
        let Some(table) = self.table("comparison", value) else {
            return;
        };
        let keys = self.keys("comparison", table, (&["splits", "region", "how"], &[]));
        let mut comparison = ComparisonDesign::default();
        if let Some((key, value)) = keys.get("splits") {
            comparison.splits = self.choices::<Split>(key, value);
        }
        if let Some((key, value)) = keys.get("region") {
            comparison.region = self.string(key, value).unwrap_or(comparison.region);
        }
        self.study.comparison = comparison;
        if let (Some((key, value)), Some(section)) =
            (keys.get("how"), Section::named("comparison.how"))
        {
            self.places.insert(key.clone(), value.span().start);
            self.section(section, value);
        }
    }

    pub(super) fn figure(&mut self, value: &Item<'_>) {
        let Some(table) = self.table("figure", value) else {
            return;
        };
        let known = ["view", "columns", "doses", "style"];
        let keys = self.keys("figure", table, (&known, &[]));
        if let Some((key, value)) = keys.get("view") {
            self.study.figure.view = self.string(key, value).unwrap_or_default();
        }
        if let Some((key, value)) = keys.get("columns") {
            self.study.figure.columns = self.strings(key, value);
        }
        if let Some((key, value)) = keys.get("doses") {
            self.study.figure.doses = self.numbers(key, value);
        }
        if let (Some((_, value)), Some(section)) =
            (keys.get("style"), Section::named("figure.style"))
        {
            self.section(section, value);
        }
    }
}
