//! The tables of a study file that hold settings: which fields they have, and which of those stand elsewhere.

use super::{Seeds, Study};
use crate::error::Result;
use crate::fields::{Field, Fields, Value};
use crate::grouping::{GroupSettings, SpacingSettings};
use crate::iterative::IterativeSettings;
use crate::metrics::settings::CompareSettings;
use crate::nn::TrainSettings;
use crate::nn::infer::InferSettings;
use crate::sim::{ObjectSettings, ProbeSettings, ScanSettings, SimulationSettings, SplitSettings};
use crate::study::panels::FigureStyle;

/// A table of settings in a study file.
#[derive(Clone, Copy)]
pub struct Section {
    /// Its name in the file, as `comparison.how`.
    pub key: &'static str,
    /// What it decides.
    pub doc: &'static str,
    /// Every field of its settings.
    pub fields: fn() -> &'static [Field],
    /// Fields that another place of the file decides, and that place.
    pub elsewhere: &'static [(&'static str, &'static str)],
}

impl std::fmt::Debug for Section {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{}]", self.key)
    }
}

impl Section {
    const fn of<T: Fields>(key: &'static str, doc: &'static str) -> Self {
        Self {
            key,
            doc,
            fields: T::fields,
            elsewhere: &[],
        }
    }

    const fn without(self, elsewhere: &'static [(&'static str, &'static str)]) -> Self {
        Self { elsewhere, ..self }
    }

    /// Every section, in the order of the file.
    pub const ALL: [Self; 13] = [
        Self::of::<Seeds>("seeds", "Every seed, by purpose."),
        Self::of::<ObjectSettings>("object", "The object; with a base file it is not looked at."),
        Self::of::<ProbeSettings>("probe", "The probe; with a base file it is not looked at."),
        Self::of::<ScanSettings>("scan", "The scan."),
        Self::of::<SimulationSettings>(
            "simulation",
            "How patterns are simulated and stored.",
        )
        .without(&[("seed", "seeds.simulation")]),
        Self::of::<SplitSettings>("split", "How training and test set are told apart.")
            .without(&[("test_seed", "seeds.test_scan")]),
        Self::of::<GroupSettings>(
            "groups",
            "How groups of overlap views are formed; their gridsize is that of the networks that train on them.",
        )
        .without(&[
            ("gridsize", "trainings.gridsizes"),
            ("seed", "seeds.views"),
        ]),
        Self::of::<SpacingSettings>("spacing", "How overlap views are thinned and judged."),
        Self::of::<TrainSettings>("training", "How networks are made and trained.").without(&[
            ("model", "trainings.model"),
            ("loss", "trainings.losses"),
            ("gridsize", "trainings.gridsizes"),
            ("seed", "seeds.training"),
        ]),
        Self::of::<InferSettings>("inference", "How trained networks reconstruct.")
            .without(&[("seed", "seeds.inference")]),
        Self::of::<IterativeSettings>("iterative", "How the iterative engines reconstruct.")
            .without(&[("seed", "seeds.iterative")]),
        Self::of::<CompareSettings>("comparison.how", "How reconstructions are compared."),
        Self::of::<FigureStyle>("figure.style", "How the figure looks."),
    ];

    /// The section of that name.
    pub fn named(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.key == key)
    }

    /// The fields that stand here.
    pub fn own(&self) -> impl Iterator<Item = &'static Field> + use<> {
        let elsewhere = self.elsewhere;
        (self.fields)()
            .iter()
            .filter(move |field| elsewhere.iter().all(|(name, _)| *name != field.name))
    }

    /// Where the field of that name stands, if not here.
    pub fn place_of(&self, name: &str) -> Option<&'static str> {
        let found = self.elsewhere.iter().find(|(field, _)| *field == name);
        found.map(|(_, place)| *place)
    }

    /// The field of that name that stands here.
    pub(super) fn field(&self, name: &str) -> Option<&'static Field> {
        self.own().find(|field| field.name == name)
    }
}

/// Settings whatever their type.
pub(super) trait Table {
    fn value(&self, name: &str) -> Option<Value>;
    fn put(&mut self, name: &str, value: Value) -> Result<()>;
    /// The value of that name in settings nobody changed.
    fn default_value(&self, name: &str) -> Option<Value>;
}

impl<T: Fields> Table for T {
    fn value(&self, name: &str) -> Option<Value> {
        self.get(name)
    }

    fn put(&mut self, name: &str, value: Value) -> Result<()> {
        self.set(name, value)
    }

    fn default_value(&self, name: &str) -> Option<Value> {
        Self::default().get(name)
    }
}

impl Study {
    /// The settings of a section.
    pub(super) fn table(&self, key: &str) -> Option<&dyn Table> {
        Some(match key {
            "seeds" => &self.seeds,
            "object" => &self.object,
            "probe" => &self.probe,
            "scan" => &self.scan,
            "simulation" => &self.simulation,
            "split" => &self.split,
            "groups" => &self.groups,
            "spacing" => &self.spacing,
            "training" => &self.training,
            "inference" => &self.inference,
            "iterative" => &self.iterative,
            "comparison.how" => &self.comparison.how,
            "figure.style" => &self.figure.style,
            _ => return None,
        })
    }

    /// The same to be changed.
    pub(super) fn table_mut(&mut self, key: &str) -> Option<&mut dyn Table> {
        Some(match key {
            "seeds" => &mut self.seeds,
            "object" => &mut self.object,
            "probe" => &mut self.probe,
            "scan" => &mut self.scan,
            "simulation" => &mut self.simulation,
            "split" => &mut self.split,
            "groups" => &mut self.groups,
            "spacing" => &mut self.spacing,
            "training" => &mut self.training,
            "inference" => &mut self.inference,
            "iterative" => &mut self.iterative,
            "comparison.how" => &mut self.comparison.how,
            "figure.style" => &mut self.figure.style,
            _ => return None,
        })
    }
}
