//! What a simulation looks at: object, probe and positions, made or read from files, before any photon falls.

use std::path::PathBuf;
use std::sync::Arc;

use ndarray::{Array2, Array3};
use num_complex::Complex32;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::sim::{ObjectSettings, ProbeSettings, ScanSettings};

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
    /// How far the object has grown: rows above and columns on the left, by which positions have moved.
    pub grown_px: [usize; 2],
    /// Positions (of the first scan, then of the second) whose patch left the object before it grew.
    pub outside: Vec<usize>,
}

impl Scene {
    /// Make or read everything. `n_test` > 0 adds a second scan of so many positions, drawn with `test_seed`.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`]: zero positions, an object smaller than the patch, a probe of another size than asked
    /// for, positions outside (counted, the first ten listed) with [`Outside::Refuse`]; what reading the files yields.
    pub fn build(
        settings: &SceneSettings,
        outside: Outside,
        seed: u64,
        (n_test, test_seed): (usize, u64),
    ) -> Result<Self> {
        let _ = (settings, outside, seed, n_test, test_seed);
        unimplemented!("scene")
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
