//! The settings of the iterative engines: one table for the window, the command line and files.

use crate::{field_choice, field_table};

field_choice! {
    /// An iterative engine.
    pub enum EngineKind {
        /// Least-squares maximum likelihood, as pty-chi's: the best picture from most scans.
        Lsqml = "lsqml",
        /// Regularised ptychographic iterative engine (Maiden 2017): robust and quick.
        Rpie = "rpie",
        /// Extended ptychographic iterative engine (Maiden 2009): the plain classic.
        Epie = "epie",
        /// rPIE with momentum (Maiden 2017).
        Mpie = "mpie",
        /// Difference map (Thibault 2008): all patterns at once; finds its way from a poor start.
        Dm = "dm",
        /// Relaxed averaged alternating reflections (Luke 2005): all patterns at once.
        Raar = "raar",
    }
}

field_choice! {
    /// The noise that LSQML assumes.
    pub enum Noise {
        /// Gaussian on the amplitudes, whose variance is the same at every dose.
        Gaussian = "gaussian",
        /// Poisson on the counts, in the proximal form, which stays stable at few counts.
        Poisson = "poisson",
    }
}

field_choice! {
    /// How positions are refined.
    pub enum PositionMethod {
        /// Not at all.
        Off = "off",
        /// Along the gradient of the residual wave.
        Gradient = "gradient",
        /// By the shift between each patch before and after its update.
        CrossCorrelation = "cross-correlation",
    }
}

field_choice! {
    /// How step sizes change over a run.
    pub enum StepSchedule {
        /// Not at all.
        Constant = "constant",
        /// Along half a cosine down to the final share.
        Cosine = "cosine",
        /// By the same factor every epoch down to the final share.
        Exponential = "exponential",
    }
}

field_choice! {
    /// How patterns are put into batches.
    pub enum Batching {
        /// A new random order every epoch.
        Random = "random",
        /// Each batch spread evenly over the scan; fixed contents, new order every epoch.
        Uniform = "uniform",
        /// Each batch a compact cluster of neighbours; the object is updated once an epoch.
        Compact = "compact",
    }
}

field_choice! {
    /// What the object starts from.
    pub enum ObjectInit {
        /// Ones everywhere.
        Ones = "ones",
        /// The file's `objectGuess`. A start from the truth is no reconstruction: the choice is recorded in the result.
        File = "file",
    }
}

field_choice! {
    /// What is done to the power of the file's probe before the first epoch.
    pub enum ProbeScale {
        /// Scale it to the mean measured count of a pattern.
        Match = "match",
        /// Leave it as stored.
        Keep = "keep",
    }
}

field_choice! {
    /// Whose faults to keep.
    pub enum Compatibility {
        /// Nobody's: every probe mode is shifted to its sub-pixel position; odd sizes are centred.
        None = "none",
        /// pty-chi's: only the first probe mode is shifted; the plain `fftshift` on odd sizes.
        Ptychi = "ptychi",
    }
}

/// Which kernels an engine computes with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KernelChoice {
    /// Fused ones on the CPU, tensors on a GPU.
    #[default]
    Auto,
    /// Those fused for the CPU.
    Fused,
    /// Those composed of tensors, on whatever device: on the CPU they are slow and serve to check a device's results.
    Tensors,
}

field_table! {
    /// How the iterative engines reconstruct. Defaults are those of pty-chi 2.2.0 unless said otherwise.
    pub struct IterativeSettings {
        /// Passes over the data in all, also when a run is resumed. LSQML with the rescale of the first epoch on only rescales the probe in the first.
        epochs: usize = 100, basic, 1..=1000000;
        /// Patterns in a batch. Smaller batches converge in fewer epochs and run slower; 50 to 200 suit most scans. DM and RAAR take all patterns at once and only compute in batches.
        batch_size: usize = 96, basic, 1..=1000000;
        /// How patterns are put into batches.
        batching: Batching = Batching::Random, basic;
        /// The noise assumed.
        noise: Noise = Noise::Gaussian, basic;
        /// Incoherent probe modes. Missing ones are added as Hermite-like modes of the first.
        probe_modes: usize = 1, basic, 1..=64;
        /// How positions are refined.
        refine_positions: PositionMethod = PositionMethod::Off, basic;
        /// Modes of orthogonal probe relaxation (OPR) beside the probe itself: the probe may vary from pattern to pattern along them. 0 is off; 1 to 3 suit an unsteady beam.
        opr_modes: usize = 0, basic, 0..=32;
        /// Whether the power of the probe may vary from pattern to pattern.
        vary_intensity: bool = false, basic;
        /// Gain of the momentum that accelerates convergence; 0 is off, 0.5 is usual.
        momentum: f64 = 0.0, basic, 0.0..=1.0;
        /// Share of each step that mPIE carries over into the next.
        pie_momentum: f64 = 0.5, basic, 0.0..=0.99;
        /// Regularisation of the object's update: the share of the greatest illumination; 1 is ePIE's division by the greatest.
        object_alpha: f64 = 0.1, basic, 0.0001..=1.0;
        /// Regularisation of the probe's update: the share of the object's greatest intensity.
        probe_alpha: f64 = 0.1, basic, 0.0001..=1.0;
        /// Share of the difference that DM adds in an epoch. pty-chi's 1 finds its way fast and then swings about the solution of noisy data; 0.2 stays near it.
        relaxation: f64 = 0.2, basic, 0.01..=2.0;
        /// RAAR's relaxation β.
        beta: f64 = 0.75, basic, 0.01..=1.0;
        /// What the object starts from.
        object_init: ObjectInit = ObjectInit::Ones, basic;
        /// What is done to the power of the file's probe before the first epoch.
        probe_scale: ProbeScale = ProbeScale::Match, basic;
        /// Seed of the batch order and of added probe modes.
        seed: u64 = 0, basic;
        /// Whether the probe is refined. When off it is still rescaled by the first epoch of LSQML and by the ambiguity step.
        refine_probe: bool = true, basic;
        /// Whose faults to keep, for parity with the original.
        compat: Compatibility = Compatibility::None, advanced;
        /// Whether the first epoch only rescales the probe to the measured power.
        rescale_first_epoch: bool = true, advanced;
        /// Whether object and probe are rescaled every tenth epoch so that the object's mean amplitude is 1.
        remove_ambiguity: bool = true, advanced;
        /// Standard deviation of the Gaussian noise model on amplitudes; 0.5 is plain modulus replacement.
        noise_sigma: f64 = 0.5, advanced, 0.05..=10.0, unit "√photons";
        /// Damping of the object preconditioner, as a share of its maximum.
        preconditioner_damping: f64 = 0.1, advanced, 0.0001..=10.0;
        /// Floor of DM's and RAAR's divisions, as a share of the greatest divisor.
        projection_floor: f64 = 0.05, advanced, 0.0..=1.0;
        /// Factor on the object's optimal step.
        object_step_scaler: f64 = 0.9, advanced, 0.0..=2.0;
        /// Factor on the probe's optimal step.
        probe_step_scaler: f64 = 0.9, advanced, 0.0..=2.0;
        /// Step size of the object.
        object_step: f64 = 1.0, advanced, 0.0..=10.0;
        /// Step size of the probe.
        probe_step: f64 = 1.0, advanced, 0.0..=10.0;
        /// How the step sizes of object and probe change over the run.
        step_schedule: StepSchedule = StepSchedule::Constant, advanced;
        /// Share of the step sizes that is left in the last epoch.
        step_end: f64 = 0.1, advanced, 0.0001..=1.0;
        /// Epochs before the probe is refined.
        probe_start: usize = 0, advanced, 0..=1000000;
        /// Whether object and probe steps are solved together.
        joint_step: bool = true, advanced;
        /// Whether steps are solved from the first probe mode alone.
        first_mode_step: bool = true, advanced;
        /// Share of the power given to each added probe mode.
        added_mode_power: f64 = 0.02, advanced, 0.0..=0.5;
        /// Epochs before positions are refined.
        position_start: usize = 3, advanced, 0..=1000000;
        /// Share of the positions' step that is taken; pty-chi takes 0.3 of half of it.
        position_step: f64 = 1.0, advanced, 0.0..=10.0;
        /// The furthest that a position moves in an epoch.
        position_limit_px: f64 = 0.5, advanced, 0.001..=100.0, unit "px";
        /// Whether refined positions keep the middle and the mean scale of the given ones, which data hardly tell from a curvature of the probe. Off where the scale of the stage itself is in doubt.
        hold_scale: bool = true, advanced;
        /// Whether refined positions are held to an affine map of the given ones: shift, scale, rotation and shear.
        affine_positions: bool = false, advanced;
        /// Share by which positions are drawn to the affine map every epoch.
        affine_relaxation: f64 = 0.1, advanced, 0.0..=1.0;
        /// The distance from the affine map that a position may keep.
        affine_error_px: f64 = 1.0, advanced, 0.0..=1000.0, unit "px";
        /// Epochs before OPR modes and intensities are refined.
        opr_start: usize = 3, advanced, 0..=1000000;
        /// Share of the weights' least-squares step that is taken.
        opr_weight_relaxation: f64 = 0.1, advanced, 0.0..=1.0;
        /// Share of the modes' step that is taken, on top of the batch's share of the scan.
        opr_mode_relaxation: f64 = 1.0, advanced, 0.0..=1.0;
        /// Counts from which on a pixel of a pattern is saturated and left out; 0 is off.
        saturation_counts: f64 = 0.0, advanced, 0.0..=1000000000000.0;
        /// Share of the probe's greatest amplitude below which it is cut off every epoch (support constraint); 0 is off, 0.005 is usual.
        probe_support: f64 = 0.0, advanced, 0.0..=1.0;
        /// Whether the probe is kept in the middle of its array.
        center_probe: bool = false, advanced;
        /// Whether the probe keeps the power that it starts with.
        keep_probe_power: bool = false, advanced;
        /// Least amplitude of the object.
        object_amplitude_min: f64 = 0.0, advanced, 0.0..=1000.0;
        /// Greatest amplitude of the object; 0 is no limit.
        object_amplitude_max: f64 = 0.0, advanced, 0.0..=1000.0;
        /// Greatest phase of the object about its mean, to either side; 0 is no limit.
        object_phase_max_rad: f64 = 0.0, advanced, 0.0..=3.2, unit "rad";
        /// Strength of the total-variation smoothing of the object every epoch; 0 is off.
        object_tv: f64 = 0.0, advanced, 0.0..=1.0;
    }
}

/// Fields that only some engines use: their names, and whether LSQML, the PIE family, DM, RAAR do.
const OWN_FIELDS: [(&[&str], [bool; 4]); 6] = [
    (
        &[
            "noise",
            "vary_intensity",
            "opr_modes",
            "opr_start",
            "opr_weight_relaxation",
            "opr_mode_relaxation",
            "momentum",
            "rescale_first_epoch",
            "noise_sigma",
            "preconditioner_damping",
            "object_step_scaler",
            "probe_step_scaler",
            "joint_step",
            "first_mode_step",
        ],
        [true, false, false, false],
    ),
    (
        &[
            "refine_positions",
            "position_start",
            "position_step",
            "position_limit_px",
            "hold_scale",
            "affine_positions",
            "affine_relaxation",
            "affine_error_px",
            "object_step",
            "probe_step",
            "step_schedule",
            "step_end",
            "batching",
        ],
        [true, true, false, false],
    ),
    (
        &["object_alpha", "probe_alpha"],
        [false, true, false, false],
    ),
    (&["relaxation"], [false, false, true, false]),
    (&["beta"], [false, false, false, true]),
    (&["projection_floor"], [false, false, true, true]),
];

#[expect(clippy::derivable_impls, reason = "the macro of choices derives none")]
impl Default for EngineKind {
    fn default() -> Self {
        Self::Lsqml
    }
}

impl EngineKind {
    /// Every engine.
    pub const ALL: [Self; 6] = [
        Self::Lsqml,
        Self::Rpie,
        Self::Epie,
        Self::Mpie,
        Self::Dm,
        Self::Raar,
    ];

    /// The name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lsqml => "lsqml",
            Self::Rpie => "rpie",
            Self::Epie => "epie",
            Self::Mpie => "mpie",
            Self::Dm => "dm",
            Self::Raar => "raar",
        }
    }

    /// The engine of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|engine| engine.name() == name)
    }

    /// The name as it is printed.
    pub fn title(self) -> &'static str {
        match self {
            Self::Lsqml => "LSQML",
            Self::Rpie => "rPIE",
            Self::Epie => "ePIE",
            Self::Mpie => "mPIE",
            Self::Dm => "DM",
            Self::Raar => "RAAR",
        }
    }

    /// Whether object and probe are updated batch by batch.
    pub fn is_in_batches(self) -> bool {
        !matches!(self, Self::Dm | Self::Raar)
    }

    /// Whether the field called `name` of [`IterativeSettings`] means anything to this engine.
    pub fn uses(self, name: &str) -> bool {
        match (self, name) {
            (_, "pie_momentum") => return self == Self::Mpie,
            // ePIE divides by the greatest value, which is rPIE with 1.
            (Self::Epie, "object_alpha" | "probe_alpha") => return false,
            _ => {}
        }
        let column = match self {
            Self::Lsqml => 0,
            Self::Rpie | Self::Epie | Self::Mpie => 1,
            Self::Dm => 2,
            Self::Raar => 3,
        };
        OWN_FIELDS
            .iter()
            .find(|(names, _)| names.contains(&name))
            .is_none_or(|(_, used)| used[column])
    }
}

impl IterativeSettings {
    /// Whether the object gets momentum from its step over a whole epoch of random or uniform batches; pty-chi gives it none
    /// there.
    pub(crate) fn follows_object(&self, engine: EngineKind) -> bool {
        engine == EngineKind::Lsqml
            && self.momentum > 0.0
            && self.batching != Batching::Compact
            && self.compat == Compatibility::None
    }

    /// Whether the probe is refined in this epoch, counted from 0.
    pub fn refines_probe(&self, epoch: usize) -> bool {
        self.refine_probe && self.probe_start <= epoch
    }

    /// Share of the step sizes in this epoch, counted from 0.
    pub fn step_share(&self, epoch: usize) -> f64 {
        let last = self.epochs.saturating_sub(1).max(1) as f64;
        let passed = (epoch as f64 / last).min(1.0);
        match self.step_schedule {
            StepSchedule::Constant => 1.0,
            StepSchedule::Cosine => {
                let falling = 0.5 * (1.0 + (std::f64::consts::PI * passed).cos());
                self.step_end + (1.0 - self.step_end) * falling
            }
            StepSchedule::Exponential => self.step_end.powf(passed),
        }
    }
}
