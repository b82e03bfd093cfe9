//! What a simulation looks at: object, probe and positions, made or read from files, before any photon falls.

mod source;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndarray::{Array2, Array3, s};
use num_complex::Complex32;
use serde::{Deserialize, Serialize};

use self::source::{Found, ScanFile};
use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::sim::object::make_object;
use crate::sim::probe::make_probe;
use crate::sim::scan::make_positions;
use crate::sim::{ObjectKind, ObjectSettings, ProbeKind, ProbeSettings, ScanKind, ScanSettings};

const ATTEMPTED: &str = "set up the scene";
/// Most pixels that an object may grow to.
const MOST_OBJECT_PIXELS: f64 = (1u64 << 28) as f64;
/// Positions that a refusal names.
const N_LISTED: usize = 10;

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
}

impl SceneSettings {
    /// The object alone, made or read, as it is before it grows.
    ///
    /// # Errors
    /// Those of [`make_object`], or of reading the file.
    pub fn make_object(&self, seed: u64) -> Result<Array2<Complex32>> {
        Ok(self.object(seed)?.value)
    }

    /// The probe alone, made or read. A file's probe has the file's size, whatever `n` says.
    ///
    /// # Errors
    /// Those of [`make_probe`], or of reading the file.
    pub fn make_probe(&self) -> Result<Array3<Complex32>> {
        Ok(self.probe()?.value)
    }

    /// Positions over an object of `shape` for patterns of side `n`, made or read, as they are before the object grows.
    ///
    /// # Errors
    /// Those of [`make_positions`], or of reading the file.
    pub fn make_positions(&self, shape: [usize; 2], n: usize, seed: u64) -> Result<Vec<[f64; 2]>> {
        if self.scan.scan != ScanKind::File {
            return make_positions(&self.scan, shape, n, seed);
        }
        Ok(match self.scan_file()? {
            ScanFile::Dataset(dataset) => dataset.positions_px().to_vec(),
            ScanFile::Positions(found) => found.value,
        })
    }

    /// The flags of the command line that say the same, as `--object lines --object-size 464`: what differs from the
    /// defaults, a file's path where a file is the source.
    pub fn flags(&self) -> Vec<String> {
        let Sources {
            object,
            probe,
            scan,
        } = &self.sources;
        let mut flags = with_file(&self.object, "--object", object.as_deref());
        flags.extend(with_file(&self.probe, "--probe", probe.as_deref()));
        flags.extend(with_file(&self.scan, "--scan", scan.as_deref()));
        flags
    }

    /// Object, probe and scan in a few words, as `object lines, probe disk, scan random`.
    pub fn words(&self) -> String {
        let word = |value: Option<crate::fields::Value>, file: Option<&PathBuf>| match (
            file.and_then(|file| file.file_name()),
            value,
        ) {
            (Some(name), Some(value)) if value.to_string() == "file" => {
                name.to_string_lossy().into_owned()
            }
            (_, value) => value.map_or_else(String::new, |value| value.to_string()),
        };
        format!(
            "object {}, probe {}, scan {}",
            word(self.object.get("object"), self.sources.object.as_ref()),
            word(self.probe.get("probe"), self.sources.probe.as_ref()),
            word(self.scan.get("scan"), self.sources.scan.as_ref()),
        )
    }

    fn object(&self, seed: u64) -> Result<Found<Array2<Complex32>>> {
        if self.object.object == ObjectKind::File {
            return source::object(named(self.sources.object.as_deref(), "object")?);
        }
        Ok(made(make_object(&self.object, seed)?))
    }

    fn probe(&self) -> Result<Found<Array3<Complex32>>> {
        if self.probe.probe == ProbeKind::File {
            return source::probe(named(self.sources.probe.as_deref(), "probe")?);
        }
        Ok(made(make_probe(&self.probe)?))
    }

    fn scan_file(&self) -> Result<ScanFile> {
        source::scan(named(self.sources.scan.as_deref(), "scan")?)
    }

    /// Whether the object's file is that of the positions, so that the file's repairs move both alike.
    fn shares_frame(&self) -> bool {
        self.object.object == ObjectKind::File && self.sources.object == self.sources.scan
    }

    fn parts(&self, seed: u64, n_test: usize, test_seed: u64) -> Result<SceneParts> {
        let probe = self.probe()?;
        let n = probe.value.dim().1;
        let (object, positions_px, of_scan) = if self.scan.scan == ScanKind::File {
            if n_test > 0 {
                return Err(no_second_scan());
            }
            match self.scan_file()? {
                ScanFile::Dataset(dataset) => {
                    let pixel_size_m = dataset.metadata().pixel_size_m;
                    let object = match dataset.object() {
                        Some(object) if self.shares_frame() => Found {
                            value: object.clone(),
                            pixel_size_m,
                        },
                        _ => self.object(seed)?,
                    };
                    (object, dataset.positions_px().to_vec(), pixel_size_m)
                }
                ScanFile::Positions(found) => (self.object(seed)?, found.value, found.pixel_size_m),
            }
        } else {
            let object = self.object(seed)?;
            let shape = object.value.dim().into();
            let positions_px = make_positions(&self.scan, shape, n, seed)?;
            (object, positions_px, None)
        };
        let test_positions_px = if n_test > 0 {
            let second = ScanSettings {
                positions: n_test,
                ..self.scan.clone()
            };
            let shape = object.value.dim().into();
            Some(make_positions(&second, shape, n, test_seed)?)
        } else {
            None
        };
        Ok(SceneParts {
            pixel_size_m: object.pixel_size_m.or(probe.pixel_size_m).or(of_scan),
            object: Arc::new(object.value),
            probe: Arc::new(probe.value),
            positions_px,
            test_positions_px,
        })
    }
}

impl Scene {
    /// Make or read everything. `n_test` > 0 adds a second scan of so many positions, drawn with `test_seed`.
    ///
    /// The side of a pattern is that of the probe: where the probe is a file's, the setting `n` is not looked at; a
    /// caller who was told an `n` compares by [`Scene::expect_n`].
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

    /// Whether patterns have the side that was asked for.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] that names both.
    pub fn expect_n(&self, n: usize) -> Result<()> {
        if self.n() == n {
            return Ok(());
        }
        let found = format!("{} of the file's probe", self.n());
        let error = Error::invalid(ATTEMPTED, "n", format!("a probe of {n} x {n} px"), found);
        Err(error.with_fix(format!(
            "give --n {}, or crop or pad the probe's file to {n} px",
            self.n()
        )))
    }

    fn refusal(&self) -> Error {
        let [rows, columns] = self.object_shape();
        let n_first = self.positions_px.len();
        let words = |i: &usize| {
            let test = self.test_positions_px.as_deref().unwrap_or_default();
            let (scan, [row, column]) = match self.positions_px.get(*i) {
                Some(position) => (format!("{i}"), *position),
                None => (format!("test {}", i - n_first), test[i - n_first]),
            };
            format!("{scan} ({row:.1}, {column:.1})")
        };
        let all = n_first + self.test_positions_px.as_deref().map_or(0, <[_]>::len);
        let list: Vec<String> = self.outside.iter().take(N_LISTED).map(words).collect();
        let more = if N_LISTED < self.outside.len() {
            ", ..."
        } else {
            ""
        };
        let n = self.n();
        Error::invalid(
            ATTEMPTED,
            "positions",
            format!("every {n} x {n} px patch inside the object of {rows} x {columns} px"),
            format!(
                "{} of {all} outside, by number (row, column): {}{more}",
                self.outside.len(),
                list.join(", "),
            ),
        )
        .with_fix("let the object grow (--outside grow), enlarge it (--object-size), or keep the scan away from its border (--buffer-px auto, less jitter, a smaller step)")
    }

    /// Put a border of vacuum about the object that holds every patch, and move all positions with it.
    fn grow(&mut self, overshoots: &[[[f64; 2]; 2]]) -> Result<()> {
        let most = |axis: usize, end: usize| {
            overshoots
                .iter()
                .map(|over| over[axis][end])
                .fold(0.0, f64::max)
        };
        let border = [0, 1].map(|axis| [most(axis, 0), most(axis, 1)]);
        let shape = self.object_shape();
        let sides = [0, 1].map(|axis| shape[axis] as f64 + border[axis][0] + border[axis][1]);
        if MOST_OBJECT_PIXELS < sides[0] * sides[1] {
            let error = Error::invalid(
                ATTEMPTED,
                "positions",
                "an object of at most 268 million pixels",
                format!("one that must grow to {:.0} x {:.0} px", sides[0], sides[1]),
            );
            return Err(error.with_fix("check the unit of the positions, and the step"));
        }
        let [top, left] = border.map(|[before, _]| before as usize);
        let vacuum = Complex32::new(1.0, 0.0);
        let mut grown = Array2::from_elem(sides.map(|side| side as usize), vacuum);
        grown
            .slice_mut(s![top..top + shape[0], left..left + shape[1]])
            .assign(&self.object);
        let moved = |positions: &[[f64; 2]]| -> Arc<[[f64; 2]]> {
            let moved = positions
                .iter()
                .map(|c| [c[0] + top as f64, c[1] + left as f64]);
            moved.collect()
        };
        self.positions_px = moved(&self.positions_px);
        self.test_positions_px = self.test_positions_px.as_deref().map(moved);
        self.object = Arc::new(grown);
        self.grown_px = [top, left];
        Ok(())
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

/// By how many pixels the patch at a position passes the object's border, `[axis][before the first, after the last]`.
fn overshoots_px(position_px: [f64; 2], n: usize, shape: [usize; 2]) -> [[f64; 2]; 2] {
    // In floats, since positions of a file may be of any size.
    [0, 1].map(|axis| {
        let start = position_px[axis].round_ties_even() - (n / 2) as f64;
        let after = start + n as f64 - shape[axis] as f64;
        [(-start).max(0.0), after.max(0.0)]
    })
}

fn named<'a>(path: Option<&'a Path>, what: &str) -> Result<&'a Path> {
    path.ok_or_else(|| {
        Error::invalid(
            ATTEMPTED,
            what,
            "the path of an NPZ",
            "file, without a path",
        )
        .with_fix(format!("give --{what} FILE.npz"))
    })
}

fn made<T>(value: T) -> Found<T> {
    Found {
        value,
        pixel_size_m: None,
    }
}

fn no_second_scan() -> Error {
    let error = Error::invalid(
        ATTEMPTED,
        "test-positions",
        "0 where the positions come from a file",
        "a second scan",
    );
    error.with_fix("split the file's scan, or choose a trajectory")
}

/// The flags of a table, the word `file` replaced by the path.
fn with_file(settings: &impl Fields, flag: &str, path: Option<&Path>) -> Vec<String> {
    let mut flags = settings.flags();
    if let Some(path) = path
        && let Some(at) = flags.iter().position(|word| word == flag)
        && let Some(value) = flags.get_mut(at + 1)
        && value == "file"
    {
        *value = path.display().to_string();
    }
    flags
}
