//! The positions in layers of one colour each: kept and dropped, groups, local spacing, halves.

use ptycho_core::grouping::Standing;
use ptycho_core::paint::colormap::{ColorMap, Map};
use ptycho_core::paint::ticks::value_text;

use super::plan::ShownHalf;
use super::subject::Subject;
use crate::gui::widgets::scan_marks::{LayerColour, Marker};

/// Colours of groups; more would not be told apart.
const N_GROUP_COLOURS: usize = 6;
/// Steps of the local spacing.
const N_SPACINGS: usize = 8;

/// Sizes of marks that step back, and of those to be seen first.
const SMALL: f32 = 0.6;
const LARGE: f32 = 1.9;

/// What the colour of a position tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColourBy {
    #[default]
    Kept,
    Group,
    Spacing,
    Half,
}

impl ColourBy {
    /// Every choice.
    pub const ALL: [Self; 4] = [Self::Kept, Self::Group, Self::Spacing, Self::Half];

    /// In a word.
    pub fn label(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Group => "group",
            Self::Spacing => "spacing",
            Self::Half => "split",
        }
    }

    /// What is seen.
    pub fn tooltip(self) -> &'static str {
        match self {
            Self::Kept => "What becomes of each position, and why",
            Self::Group => {
                "Members of one group in one colour; a position of several groups has that of the first"
            }
            Self::Spacing => "Distance to the nearest other position of the scan",
            Self::Half => "Which half each position belongs to",
        }
    }
}

/// Positions of one colour and mark.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Its words in the legend.
    pub name: String,
    /// Rows of the subject.
    pub rows: Vec<usize>,
    pub colour: LayerColour,
    pub marker: Marker,
    /// Size of its marks beside the usual one.
    pub size: f32,
}

impl Layer {
    /// Its words in the legend, with its number of positions.
    pub fn legend(&self) -> String {
        // A group's first colour stands for the others.
        if self.name.contains(',') {
            self.name.clone()
        } else {
            format!("{} {}", self.name, self.rows.len())
        }
    }
}

/// The layers for every choice of colours, those drawn last on top.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    kept: Vec<Layer>,
    group: Vec<Layer>,
    spacing: Vec<Layer>,
    half: Vec<Layer>,
}

impl Layers {
    pub(super) fn new(subject: &Subject, halves: &[Result<ShownHalf, String>]) -> Self {
        Self {
            kept: by_standing(subject, halves),
            group: by_group(subject, halves),
            spacing: by_spacing(subject),
            half: by_half(subject),
        }
    }

    /// The layers of a choice.
    pub fn of(&self, colour_by: ColourBy) -> &[Layer] {
        match colour_by {
            ColourBy::Kept => &self.kept,
            ColourBy::Group => &self.group,
            ColourBy::Spacing => &self.spacing,
            ColourBy::Half => &self.half,
        }
    }
}

fn layer(name: impl Into<String>, colour: LayerColour, marker: Marker) -> Layer {
    Layer {
        name: name.into(),
        rows: Vec::new(),
        colour,
        marker,
        size: 1.0,
    }
}

/// Dropped ones first, kept ones on top of them.
fn by_standing(subject: &Subject, halves: &[Result<ShownHalf, String>]) -> Vec<Layer> {
    let mut layers = [
        layer("no view", LayerColour::Weak, Marker::Cross),
        layer("not in the subset", LayerColour::Weak, Marker::Square),
        layer("not wanted", LayerColour::Series(3), Marker::Square),
        layer("too close", LayerColour::Series(1), Marker::Square),
        layer("in no kept group", LayerColour::Series(0), Marker::Square),
        layer("kept", LayerColour::Series(2), Marker::Diamond),
    ];
    layers[3].size = SMALL;
    layers[5].size = LARGE;
    for (half, shown) in subject.halves.iter().zip(halves) {
        for (i, row) in half.rows.clone().enumerate() {
            let standing = shown.as_ref().ok().and_then(|shown| shown.standings.get(i));
            let at = match standing {
                None => 0,
                Some(Standing::Unused) => 1,
                Some(Standing::NotWanted) => 2,
                Some(Standing::TooCloseTo(_)) => 3,
                Some(Standing::NoMember) => 4,
                Some(Standing::Kept) => 5,
            };
            layers[at].rows.push(row);
        }
    }
    layers.into()
}

fn by_group(subject: &Subject, halves: &[Result<ShownHalf, String>]) -> Vec<Layer> {
    const NONE: usize = N_GROUP_COLOURS;
    let mut layers = vec![layer("in no group", LayerColour::Weak, Marker::Square)];
    layers.extend((0..N_GROUP_COLOURS).map(|colour| {
        let name = if colour == 0 {
            "in groups, a colour each"
        } else {
            ""
        };
        Layer {
            size: LARGE,
            ..layer(name, LayerColour::Series(colour), Marker::Diamond)
        }
    }));
    for (half, shown) in subject.halves.iter().zip(halves) {
        let mut colours = vec![NONE; half.rows.len()];
        if let Ok(shown) = shown {
            let index = shown.plan.groups.index();
            // Backwards, so that the first group of a position wins.
            for (g, members) in index.outer_iter().enumerate().rev() {
                for member in members {
                    colours[*member as usize] = g % N_GROUP_COLOURS;
                }
            }
        }
        for (row, colour) in half.rows.clone().zip(colours) {
            let at = if colour == NONE { 0 } else { 1 + colour };
            layers[at].rows.push(row);
        }
    }
    layers
}

fn by_spacing(subject: &Subject) -> Vec<Layer> {
    let finite = subject.nearest_px.iter().filter(|d| d.is_finite());
    let [least, greatest] = finite.fold([f64::INFINITY, 0.0], |[a, b], d| [d.min(a), d.max(b)]);
    let table = ColorMap::new(Map::Viridis).table();
    let step = ((greatest - least) / N_SPACINGS as f64).max(f64::MIN_POSITIVE);
    // As many digits as tell the steps apart.
    let digits = 10_f64.powf((1.0 - step.log10()).floor().clamp(0.0, 6.0));
    let edge = |i: usize| value_text(((least + i as f64 * step) * digits).round() / digits);
    let mut layers: Vec<_> = (0..N_SPACINGS)
        .map(|i| {
            let name = format!("{} – {} px", edge(i), edge(i + 1));
            // The darkest colours would not be seen on a dark ground.
            let colour = table[64 + i * 191 / (N_SPACINGS - 1)];
            layer(name, LayerColour::Shade(colour), Marker::Square)
        })
        .collect();
    for (row, distance) in subject.nearest_px.iter().enumerate() {
        let at = ((distance - least) / step) as usize;
        layers[at.min(N_SPACINGS - 1)].rows.push(row);
    }
    layers
}

fn by_half(subject: &Subject) -> Vec<Layer> {
    let halves = subject.halves.iter().enumerate();
    halves
        .map(|(i, half)| Layer {
            rows: half.rows.clone().collect(),
            ..layer(&half.name, LayerColour::Series(i), Marker::Square)
        })
        .collect()
}
