//! What a user chooses: groups, spacing, views.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::fields::AutoReal;

/// Where K is found by the program it is this, or C + [`SPARE_NEIGHBOURS`] if that is more.
const FEWEST_NEIGHBOURS: usize = 7;
/// Neighbours beyond the C that are needed, so that there is something to draw.
const SPARE_NEIGHBOURS: usize = 3;

crate::field_table! {
    /// How patterns are grouped.
    pub struct GroupSettings {
        /// Patterns along a side of a group, which has C = gridsize² of them.
        gridsize: usize = 2, basic, 1..=3;
        /// K: the C patterns of a group are drawn from so many nearest other ones; 0 takes max(7, C + 3).
        neighbors: usize = 0, basic, 0..=100;
        /// Seed of everything that is drawn: subset, members of groups, random order.
        seed: u64 = 123, basic;
        /// Share of the patterns that is used at all, drawn without replacement.
        subsample_fraction: f64 = 1.0, basic, 0.0..=1.0;
        /// Groups wanted; 0 takes all that there are, which without a spacing is one for each pattern.
        n_groups: usize = 0, basic, 0..=100000000;
        /// Draw more than one group from the neighbours of a pattern where more groups than patterns are wanted.
        oversample: bool = false, advanced;
    }
}

impl GroupSettings {
    /// C, patterns of a group.
    pub fn c(&self) -> usize {
        self.gridsize * self.gridsize
    }

    /// K as given, or max(7, C + 3).
    pub fn k(&self) -> usize {
        match self.neighbors {
            0 => FEWEST_NEIGHBOURS.max(self.c() + SPARE_NEIGHBOURS),
            k => k,
        }
    }
}

crate::field_choice! {
    /// What has to keep the least spacing of a view.
    pub enum ApplyTo {
        /// The centres of groups; their members stay as tight as the scan is.
        Groups = "groups",
        /// The positions themselves, before groups are formed of what is left.
        Positions = "positions",
    }
}

crate::field_choice! {
    /// The order in which points are offered to the spacing filter, which keeps what it can.
    pub enum Order {
        /// As in the file.
        Scan = "scan",
        /// Drawn with the seed.
        Random = "random",
        /// The best of many orders, lattices among them: the most points that this program finds, not proven to be the
        /// most there are.
        Most = "most",
    }
}

crate::field_table! {
    /// How a view is thinned and judged.
    pub struct SpacingSettings {
        /// What has to keep the least spacing.
        apply_to: ApplyTo = ApplyTo::Groups, basic;
        /// Order in which points are accepted.
        order: Order = Order::Scan, basic;
        /// Diameter of the discs whose overlap is told; auto is the probe's full width at half maximum.
        probe_diameter: AutoReal = AutoReal::Auto, basic, 0.001..=100000.0, unit "px";
        /// Nearest neighbours of a pattern in the overlap among patterns.
        overlap_neighbors: usize = 6, advanced, 1..=100;
    }
}

/// A named overlap fraction, as `dense=0.7`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// Its name, that of its folder.
    pub name: String,
    /// f: neighbours may overlap by this part of a pattern's side, so that they keep `(1 - f) n` px; 1 keeps all.
    pub overlap: f64,
}

impl View {
    /// The views that `text` names, as `dense=0.7,sparse=0.2`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a name that is none for a folder or comes twice, or a fraction that is not in [0, 1].
    pub fn parse_list(text: &str) -> Result<Vec<Self>> {
        let mut views: Vec<Self> = Vec::new();
        for part in text.split(',') {
            let view = Self::parse(part.trim())?;
            if views.iter().any(|other| other.name == view.name) {
                return Err(invalid("a name for each view", part).with_fix("rename one of the two"));
            }
            views.push(view);
        }
        Ok(views)
    }

    fn parse(text: &str) -> Result<Self> {
        let expected = "NAME=FRACTION, as dense=0.7";
        let (name, fraction) = text
            .split_once('=')
            .ok_or_else(|| invalid(expected, text))?;
        let overlap: f64 = fraction.parse().unwrap_or(f64::NAN);
        let view = Self {
            name: name.to_owned(),
            overlap,
        };
        view.check()?;
        Ok(view)
    }

    /// Whether name and fraction can be used.
    ///
    /// # Errors
    /// As [`View::parse_list`].
    pub fn check(&self) -> Result<()> {
        let is_letter = |letter: char| letter.is_alphanumeric() || "-_".contains(letter);
        if self.name.is_empty() || !self.name.chars().all(is_letter) {
            let expected = "a name of letters, digits, - and _, since it becomes a folder's";
            return Err(invalid(expected, &self.name));
        }
        if !(0.0..=1.0).contains(&self.overlap) {
            let expected = "an overlap fraction from 0 (a whole pattern apart) to 1 (no spacing)";
            return Err(invalid(expected, &format!("{}", self.overlap)));
        }
        Ok(())
    }

    /// S, the least spacing of this view for patterns of `n` pixels; see [`super::spacing::least_spacing_px`].
    pub fn spacing_px(&self, n: usize) -> f64 {
        super::spacing::least_spacing_px(self.overlap, n)
    }
}

fn invalid(expected: &str, found: &str) -> Error {
    Error::invalid("make overlap views", "views", expected, found)
}
