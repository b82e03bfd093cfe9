//! The settings of LSQML: one table for the window, the command line and files.

use crate::{field_choice, field_table};

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

field_table! {
    /// How LSQML reconstructs. Defaults are those of pty-chi 2.2.0 unless said otherwise.
    pub struct LsqmlSettings {
        /// Passes over the data in all, also when a run is resumed. With the rescale of the first epoch on, the first only rescales the probe.
        epochs: usize = 100, basic, 1..=1000000;
        /// Patterns in a batch. Smaller batches converge in fewer epochs and run slower; 50 to 200 suit most scans.
        batch_size: usize = 96, basic, 1..=1000000;
        /// How patterns are put into batches.
        batching: Batching = Batching::Random, basic;
        /// Incoherent probe modes. Missing ones are added as Hermite-like modes of the first.
        probe_modes: usize = 1, basic, 1..=64;
        /// Gain of the momentum that accelerates convergence; 0 is off, 0.5 suits compact batches.
        momentum: f64 = 0.0, basic, 0.0..=1.0;
        /// What the object starts from.
        object_init: ObjectInit = ObjectInit::Ones, basic;
        /// What is done to the power of the file's probe before the first epoch.
        probe_scale: ProbeScale = ProbeScale::Match, basic;
        /// Seed of the batch order and of added probe modes.
        seed: u64 = 0, basic;
        /// Whether the probe is refined. When off it is still rescaled by the first epoch and by the ambiguity step.
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
        /// Factor on the object's optimal step.
        object_step_scaler: f64 = 0.9, advanced, 0.0..=2.0;
        /// Factor on the probe's optimal step.
        probe_step_scaler: f64 = 0.9, advanced, 0.0..=2.0;
        /// Step size of the object, on top of the optimal step.
        object_step: f64 = 1.0, advanced, 0.0..=10.0;
        /// Step size of the probe, on top of the optimal step.
        probe_step: f64 = 1.0, advanced, 0.0..=10.0;
        /// Whether object and probe steps are solved together.
        joint_step: bool = true, advanced;
        /// Whether steps are solved from the first probe mode alone.
        first_mode_step: bool = true, advanced;
        /// Share of the power given to each added probe mode.
        added_mode_power: f64 = 0.02, advanced, 0.0..=0.5;
    }
}
