//! How a run starts: from its settings, from given object, probe, weights or batches, or from a checkpoint.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use ndarray::{Array2, Array3};
use num_complex::Complex;

use super::{Computing, GivenBatches, IterativeOf, power};
use crate::data::{Dataset, Reconstruction};
use crate::error::{Error, Result};
use crate::fields::Fields as _;
use crate::iterative::algorithm::n_kept;
use crate::iterative::batches::BatchSource;
use crate::iterative::kernels::Kernels;
use crate::iterative::kernels::fused::Fused;
use crate::iterative::kernels::tensors::tensors;
use crate::iterative::scan::{Scan, first_probe, with_modes};
use crate::iterative::state::{Planes, State};
use crate::iterative::{EngineKind, IterativeSettings, ProbeScale, checkpoint, opr};
use crate::simd::{Aligned, Real};

impl<T: Real> IterativeOf<T> {
    /// Prepare a run from the start with the fused kernels; `n_threads` 0 means one for each core.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a setting does not suit the dataset.
    pub fn new(
        engine: EngineKind,
        dataset: Arc<Dataset>,
        settings: IterativeSettings,
        n_threads: usize,
    ) -> Result<Self> {
        let computing = Computing {
            n_threads,
            ..Computing::default()
        };
        Self::on(engine, dataset, settings, computing)
    }

    /// Prepare a run from the start.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a setting does not suit the dataset; [`Error::Run`] with the device's words.
    pub fn on(
        engine: EngineKind,
        dataset: Arc<Dataset>,
        settings: IterativeSettings,
        mut computing: Computing,
    ) -> Result<Self> {
        settings.check_ranges()?;
        check_probe(&dataset)?;
        if computing.n_threads == 0 {
            computing.n_threads = std::thread::available_parallelism().map_or(1, usize::from);
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(computing.n_threads)
            .thread_name(|i| format!("engine {i}"))
            .build()
            .map_err(|error| Error::Run(format!("no threads for the computation: {error}")))?;
        let scan = pool.install(|| Scan::new(dataset, &settings))?;
        let dataset = &scan.dataset;
        let mut probe = first_probe(dataset, &settings);
        let mut probe_scale = 1.0;
        if settings.probe_scale == ProbeScale::Match {
            let power: f64 = probe.iter().map(Complex::norm_sqr).sum();
            probe_scale = (scan.mean_counts / power).sqrt();
            probe.mapv_inplace(|value| value * probe_scale);
        }
        let probe = scan.tiled(&probe.mapv(|v| Complex::new(T::of(v.re), T::of(v.im))));
        let batches = if engine.is_in_batches() {
            BatchSource::new(&settings, dataset.positions_px())
        } else {
            BatchSource::in_order(scan.n_patterns(), settings.batch_size)
        };
        let object = scan.first_object(settings.object_init)?;
        let state = first_state(engine, &scan, &settings, object, probe);
        let mut good = State::default();
        good.copy_from(&state);
        let kernels = make_kernels(engine, &scan, &settings, &batches, &computing)?;
        let first_power = power(&state.probe);
        Ok(Self {
            inverse_damped: Aligned::zeros(scan.canvas_len()),
            engine,
            settings,
            computing,
            scan,
            batches,
            state,
            good,
            kernels,
            pool,
            under_way: None,
            prepared: None,
            probe_scale,
            first_power,
            started_from: None,
            trouble: None,
            dataset_sha256: OnceLock::new(),
        })
    }

    /// Use these batches instead of drawing them.
    ///
    /// # Errors
    /// [`Error::Invalid`] if an index is out of range or twice in a batch, or there are too few epochs.
    pub fn with_batches(mut self, batches: GivenBatches) -> Result<Self> {
        self.batches = BatchSource::given(batches, self.scan.n_patterns(), self.settings.epochs)?;
        self.kernels = make_kernels(
            self.engine,
            &self.scan,
            &self.settings,
            &self.batches,
            &self.computing,
        )?;
        self.under_way = None;
        self.prepared = None;
        Ok(self)
    }

    /// Start from the object, probe and positions of an earlier result of the same scan, by whatever engine.
    ///
    /// Probe modes beyond those of the settings are left out, missing ones added as to a file's probe.
    ///
    /// # Errors
    /// [`Error::Invalid`] if object frame, probe or number of positions differ.
    pub fn with_start(mut self, start: &Reconstruction) -> Result<Self> {
        let n = self.scan.tiling.n;
        let frame = self.scan.dataset.object_shape();
        let differs = |key: &str, expected: String, found: String| {
            Err(Error::invalid("start from a result", key, expected, found)
                .with_fix("give a result of the same scan"))
        };
        if start.object.shape() != frame {
            let found = format!("shape {:?}", start.object.shape());
            return differs("reconstructed_object", format!("shape {frame:?}"), found);
        }
        let (n_modes, rows, columns) = start.probe.dim();
        if n_modes == 0 || (rows, columns) != (n, n) {
            let found = format!("shape {:?}", start.probe.dim());
            return differs("reconstructed_probe", format!("shape (k, {n}, {n})"), found);
        }
        if start.positions_px.len() != self.scan.n_patterns() {
            let expected = format!("{} positions", self.scan.n_patterns());
            return differs("xcoords", expected, start.positions_px.len().to_string());
        }
        let probe = with_modes(&start.probe, &self.settings);
        let probe = probe.mapv(|v| Complex::new(T::of(v.re), T::of(v.im)));
        self.state.probe = self.scan.tiled(&probe);
        self.state.object = self.scan.canvas_of(Some(&start.object));
        self.state.positions_px.clone_from(&start.positions_px);
        self.state.places = self.scan.places(&self.state.positions_px);
        self.first_power = power(&self.state.probe);
        self.probe_scale = 1.0;
        self.started_from = Some(start.algorithm.clone());
        self.good.copy_from(&self.state);
        Ok(self)
    }

    /// Start from this probe `(k, n, n)` in √photons, as it is, instead of the file's.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it has another shape.
    pub fn with_probe(mut self, probe: &Array3<Complex<T>>) -> Result<Self> {
        let n = self.scan.tiling.n;
        let expected = (self.settings.probe_modes, n, n);
        if probe.dim() != expected {
            let found = format!("{:?}", probe.dim());
            return Err(Error::invalid(
                "start from a probe",
                "probe",
                format!("shape {expected:?}"),
                found,
            ));
        }
        self.state.probe = self.scan.tiled(probe);
        self.first_power = power(&self.state.probe);
        self.good.copy_from(&self.state);
        self.probe_scale = 1.0;
        Ok(self)
    }

    /// Start from these modes of orthogonal probe relaxation `(r, n, n)` and weights `(m, 1 + r)`, the first probe mode's
    /// first, instead of random ones.
    ///
    /// The modes are brought to the rms of the first probe mode, with [`Compatibility::Ptychi`](crate::iterative::Compatibility::Ptychi) to n √photons; the weights are
    /// taken as they are.
    ///
    /// # Errors
    /// [`Error::Invalid`] if shapes do not fit the settings.
    pub fn with_opr(mut self, modes: &Array3<Complex<T>>, weights: &Array2<f64>) -> Result<Self> {
        let (n, n_opr) = (self.scan.tiling.n, self.state.n_opr());
        let expected = ((n_opr - 1, n, n), (self.scan.n_patterns(), n_opr));
        let found = (modes.dim(), weights.dim());
        if found != expected {
            return Err(Error::invalid(
                "start from OPR modes",
                "modes and weights",
                format!("shapes {expected:?}"),
                format!("{found:?}"),
            ));
        }
        let modes = opr::normalized(&self.scan, &self.settings, &self.state.probe, modes);
        self.state.opr_modes = self.scan.tiled(&modes);
        self.state.opr_weights = weights.iter().copied().collect();
        self.good.copy_from(&self.state);
        Ok(self)
    }

    /// Go on from a checkpoint; `settings.epochs` is the new total, the other settings must be those of the checkpoint.
    ///
    /// Batches that were given have to be given again.
    ///
    /// # Errors
    /// [`Error::Invalid`] if dataset or settings differ; [`Error::Refused`] if the file is none of ours.
    pub fn resume(
        engine: EngineKind,
        dataset: Arc<Dataset>,
        settings: IterativeSettings,
        computing: Computing,
        checkpoint: &Path,
    ) -> Result<Self> {
        let mut engine = Self::on(engine, dataset, settings, computing)?;
        let dataset_sha256 = engine.dataset_sha256().to_owned();
        let identity = checkpoint::Identity {
            dataset_sha256: &dataset_sha256,
            engine: engine.engine,
            settings: &engine.settings,
        };
        checkpoint::read(checkpoint, &identity, &mut engine.state)?;
        engine.state.places = engine.scan.places(&engine.state.positions_px);
        engine.good.copy_from(&engine.state);
        Ok(engine)
    }
}

fn check_probe(dataset: &Dataset) -> Result<()> {
    let power: f64 = dataset
        .probe()
        .iter()
        .map(|v| f64::from(v.norm_sqr()))
        .sum();
    if power > 0.0 && power.is_finite() {
        return Ok(());
    }
    Err(Error::invalid(
        "reconstruct",
        "probeGuess",
        "a probe with finite power above 0",
        format!("power {power}"),
    )
    .with_fix("give a probe that is not empty"))
}

fn make_kernels<T: Real>(
    engine: EngineKind,
    scan: &Scan<T>,
    settings: &IterativeSettings,
    batches: &BatchSource,
    computing: &Computing,
) -> Result<Box<dyn Kernels<T>>> {
    let sizes = (batches.largest(), n_kept(engine, settings));
    match &computing.device {
        None => Ok(Box::new(Fused::new(
            scan,
            settings,
            sizes,
            computing.n_threads,
        ))),
        Some(device) => tensors(scan, settings, sizes, device, computing.memory_bytes),
    }
}

fn first_state<T: Real>(
    engine: EngineKind,
    scan: &Scan<T>,
    settings: &IterativeSettings,
    object: Planes<T>,
    probe: Aligned<T>,
) -> State<T> {
    let (canvas, field) = (scan.canvas_len(), scan.tiling.field_len());
    let is_projected = !engine.is_in_batches();
    let only = |is_used: bool, len: usize| if is_used { len } else { 0 };
    let has_velocity = engine == EngineKind::Lsqml || engine == EngineKind::Mpie;
    let positions_px = scan.dataset.positions_px().to_vec();
    let (opr_modes, opr_weights) = opr::first(engine, scan, settings, &probe);
    State {
        object,
        opr_modes,
        opr_weights,
        places: scan.places(&positions_px),
        detector_steps: vec![0.5; positions_px.len()],
        positions_px,
        illumination: Aligned::zeros(canvas),
        carried_object: Planes::zeros(canvas),
        carried_other: Planes::zeros(only(engine == EngineKind::Raar, canvas)),
        carried_weight: Aligned::zeros(only(is_projected, canvas)),
        carried_probe: Aligned::zeros(probe.len()),
        carried_probe_weight: Aligned::zeros(only(is_projected, field)),
        object_velocity: Planes::zeros(only(has_velocity, canvas)),
        probe_velocity: Aligned::zeros(only(has_velocity, probe.len())),
        probe,
        ..State::default()
    }
}
