//! What a simulation looks at: object, probe and positions, made or read from files, before any photon falls.

mod border;
mod make;
mod source;

use std::path::PathBuf;
use std::sync::Arc;

use ndarray::{Array2, Array3};
use num_complex::Complex32;
use serde::{Deserialize, Serialize};

use self::border::overshoots_px;
use crate::error::{Error, Result};
use crate::sim::{ObjectSettings, ProbeSettings, ScanSettings};

const ATTEMPTED: &str = "set up the scene";

crate::field_choice! {
    /// What becomes of positions whose patch leaves the object.
    pub enum Outside {
        /// The run is refused; the positions are counted and listed.
        Refuse = "refuse",
        /// The object grows by a border of 1 (vacuum) until it holds every patch, and positions move with it.
        Grow = "grow",
    }
}

/// Files that stand in for a made object, probe or scan; used where the kind is `file`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sources {
    /// NPZ whose `objectGuess` is the object.
    pub object: Option<PathBuf>,
    /// NPZ whose `probeGuess` is the probe.
    pub probe: Option<PathBuf>,
    /// NPZ whose `xcoords`, `ycoords` are the positions.
    pub scan: Option<PathBuf>,
}

/// Everything that decides a scene.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SceneSettings {
    /// Object.
    pub object: ObjectSettings,
    /// Probe.
    pub probe: ProbeSettings,
    /// Positions.
    pub scan: ScanSettings,
    /// Files.
    pub sources: Sources,
}

/// Object, probe and positions of one simulated scan, with every patch inside the object. Cheap to clone.
///
/// Values are those that files hold (`complex64`, `float64`), so that the patterns are exactly those of the stored
/// object and probe.
#[derive(Clone, Debug)]
pub struct Scene {
    /// `(h, w)`, dimensionless.
    pub object: Arc<Array2<Complex32>>,
    /// `(k, n, n)`, in the scale of its kind or file.
    pub probe: Arc<Array3<Complex32>>,
    /// (row, column), px.
    pub positions_px: Arc<[[f64; 2]]>,
    /// Positions of a second scan for the test set, where asked for; in the same frame.
    pub test_positions_px: Option<Arc<[[f64; 2]]>>,
    /// Side of an object pixel, where a file tells it.
    pub pixel_size_m: Option<f64>,
    /// How far the object has grown: rows above and columns on the left, by which positions have moved; even numbers.
    pub grown_px: [usize; 2],
    /// Positions (of the first scan, then of the second) whose patch left the object before it grew.
    pub outside: Vec<usize>,
    /// What had to be mended in files, in words with the file's name: patterns left out, coordinates moved.
    pub repairs: Vec<String>,
}

/// Object, probe and positions before any patch is known to lie inside.
#[derive(Clone, Debug)]
pub struct SceneParts {
    /// `(h, w)`, dimensionless.
    pub object: Arc<Array2<Complex32>>,
    /// `(k, n, n)`.
    pub probe: Arc<Array3<Complex32>>,
    /// (row, column), px.
    pub positions_px: Vec<[f64; 2]>,
    /// Those of a second scan.
    pub test_positions_px: Option<Vec<[f64; 2]>>,
    /// Side of an object pixel, where a file tells it.
    pub pixel_size_m: Option<f64>,
    /// What had to be mended in files, in words.
    pub repairs: Vec<String>,
}

impl Scene {
    /// Make or read everything. `n_test` > 0 adds a second scan of so many positions, drawn with `test_seed`.
    ///
    /// The side of a pattern is that of the probe: where the probe is a file's, the setting `n` is not looked at; a
    /// caller who was told an `n` compares by [`SceneSettings::expect_n`].
    ///
    /// # Errors
    /// [`crate::Error::Invalid`]: zero positions, an object smaller than the patch, positions outside (counted, the
    /// first ten listed) with [`Outside::Refuse`], a second scan where the first is a file's; what reading the files
    /// yields.
    pub fn build(
        settings: &SceneSettings,
        outside: Outside,
        seed: u64,
        (n_test, test_seed): (usize, u64),
    ) -> Result<Self> {
        Self::assemble(settings.parts(seed, n_test, test_seed)?, outside)
    }

    /// A scene of parts that are there already; see [`Scene::build`].
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] as [`Scene::build`].
    pub fn assemble(parts: SceneParts, outside: Outside) -> Result<Self> {
        let SceneParts {
            object,
            probe,
            positions_px,
            test_positions_px,
            pixel_size_m,
            repairs,
        } = parts;
        let n = probe.dim().1;
        let shape: [usize; 2] = object.dim().into();
        let all = || {
            positions_px
                .iter()
                .chain(test_positions_px.iter().flatten())
        };
        check_parts(shape, n, all().count(), all())?;
        let overshoots: Vec<_> = all()
            .map(|position| overshoots_px(*position, n, shape))
            .collect();
        let is_outside = |i: &usize| overshoots[*i].iter().flatten().any(|over| 0.0 < *over);
        let listed: Vec<usize> = (0..overshoots.len()).filter(is_outside).collect();
        let mut scene = Self {
            object,
            probe,
            positions_px: positions_px.into(),
            test_positions_px: test_positions_px.map(Into::into),
            pixel_size_m,
            grown_px: [0, 0],
            outside: listed,
            repairs,
        };
        if scene.outside.is_empty() {
            return Ok(scene);
        }
        match outside {
            Outside::Refuse => Err(scene.refusal()),
            Outside::Grow => {
                scene.grow(&overshoots)?;
                Ok(scene)
            }
        }
    }

    /// Side of a pattern.
    pub fn n(&self) -> usize {
        self.probe.dim().1
    }

    /// Rows and columns of the object.
    pub fn object_shape(&self) -> [usize; 2] {
        self.object.dim().into()
    }
}

fn check_parts<'a>(
    shape: [usize; 2],
    n: usize,
    n_positions: usize,
    mut positions: impl Iterator<Item = &'a [f64; 2]>,
) -> Result<()> {
    if shape.iter().any(|side| *side < n) {
        let error = Error::invalid(
            ATTEMPTED,
            "object",
            format!("at least {n} x {n} px, as the probe"),
            format!("{} x {} px", shape[0], shape[1]),
        );
        return Err(error.with_fix("give a larger --object-size or a smaller --n"));
    }
    if n_positions == 0 {
        let error = Error::invalid(ATTEMPTED, "positions", "one position at least", "none");
        return Err(error.with_fix("give --positions"));
    }
    match positions.find(|position| position.iter().any(|c| !c.is_finite())) {
        Some([row, column]) => Err(Error::invalid(
            ATTEMPTED,
            "positions",
            "finite coordinates",
            format!("row {row}, column {column}"),
        )),
        None => Ok(()),
    }
}
