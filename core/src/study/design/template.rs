//! Ready studies of the program.

/// A ready study of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its word, as `dose-response`.
    pub name: &'static str,
    /// What it is for.
    pub doc: &'static str,
    /// Its file, as in `resources/studies`.
    pub text: &'static str,
}

impl Template {
    /// Every template.
    pub const ALL: [Self; 4] = [
        Self {
            name: "quick",
            doc: "Two doses, both losses, LSQML, comparison and figure in minutes.",
            text: include_str!("../../../../resources/studies/quick.toml"),
        },
        Self {
            name: "dose-response",
            doc: "1e9 against 1e4 photons, NLL against MAE, on the same trajectories.",
            text: include_str!("../../../../resources/studies/dose-response.toml"),
        },
        Self {
            name: "dose-overlap",
            doc: "1e3, 1e4 and 1e5 photons on a full, a dense and a sparse set: networks, baseline, LSQML.",
            text: include_str!("../../../../resources/studies/dose-overlap.toml"),
        },
        Self {
            name: "scenarios",
            doc: "The four diagnostic scenarios, from end to end.",
            text: include_str!("../../../../resources/studies/scenarios.toml"),
        },
    ];

    /// The template of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|template| template.name == name)
    }
}
