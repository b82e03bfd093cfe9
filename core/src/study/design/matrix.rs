//! What a study's lists come to: views, arms, groups.

use super::{Engines, FULL, Seeds, Study};
use crate::fields::FieldValue as _;
use crate::grouping::GroupSettings;
use crate::nn::settings::Model;

impl Study {
    /// Every view by name, [`FULL`] first.
    pub fn view_names(&self) -> Vec<&str> {
        let own = self.views.iter().map(|view| view.name.as_str());
        std::iter::once(FULL).chain(own).collect()
    }

    /// The arms on a view, in the order written: networks, then iterative reconstructions.
    pub fn arms_on(&self, view: &str) -> Vec<String> {
        let names = |views: &[String]| views.iter().any(|name| name == view);
        let networks = self.trainings.iter().filter(|of| names(&of.views));
        let engines = self.engines.iter().filter(|of| names(&of.views));
        networks
            .flat_map(|trainings| trainings.arms().into_iter().map(|(arm, _, _)| arm))
            .chain(engines.map(|engines| engines.arm().to_owned()))
            .collect()
    }

    /// What an iterative arm on a view is, in words, where it has a name or settings of its own.
    pub fn arm_settings(&self, view: &str, arm: &str) -> Option<String> {
        let is_it = |engines: &&Engines| {
            engines.arm() == arm && engines.views.iter().any(|name| name == view)
        };
        let engines = self.engines.iter().find(is_it)?;
        engines.has_own().then(|| engines.words())
    }

    /// The view that the figure shows: as written, or the first that has any arm.
    pub fn figure_view(&self) -> Option<&str> {
        let wanted = Some(self.figure.view.as_str()).filter(|view| !view.is_empty());
        let has_arms = |view: &&str| !self.arms_on(view).is_empty();
        wanted.or_else(|| self.view_names().into_iter().find(has_arms))
    }

    /// Gridsizes of the networks in groups that train on a view, ascending.
    pub(super) fn sides_on(&self, view: &str) -> Vec<usize> {
        let mut sides: Vec<usize> = self
            .trainings
            .iter()
            .filter(|of| of.model == Model::Pinn && of.views.iter().any(|name| name == view))
            .flat_map(|of| of.gridsizes.iter().copied())
            .collect();
        sides.sort_unstable();
        sides.dedup();
        sides
    }

    /// How the groups of an overlap view are formed: for the networks that train on it.
    pub fn view_groups(&self, view: &str) -> GroupSettings {
        let default = GroupSettings::default().gridsize;
        GroupSettings {
            gridsize: self.sides_on(view).first().copied().unwrap_or(default),
            seed: self.seeds.views,
            ..self.groups.clone()
        }
    }
}

impl Seeds {
    /// Every seed by its purpose.
    pub fn by_purpose(&self) -> std::collections::BTreeMap<String, u64> {
        let fields = <Self as crate::fields::Fields>::fields().iter();
        fields
            .filter_map(|field| {
                let value = crate::fields::Fields::get(self, field.name)?;
                Some((field.name.to_owned(), u64::from_value(value)?))
            })
            .collect()
    }
}
