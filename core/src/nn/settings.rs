//! What a user chooses for a training: one table for the window, the command line and files.
//!
//! Warm-up and clipping are on by default. Networks of rectified layers without normalisation collapse to a flat image when
//! an early step is too long: units that a step pushes below zero for every pattern get no gradient ever after. Adam's first
//! steps are the longest, since its moments know one batch; and a batch in which a bright pixel is predicted dark has a
//! gradient several times the usual one. Lines at 1e9 photons, 64 pixels, 256 groups, seed 0: the validation loss after one
//! epoch with both was that after two without, and lower after four. The other half of the cure are the first weights: see
//! [`crate::nn::Parameters::first`].

use crate::grouping::GroupSettings;
use crate::{field_choice, field_table};

field_choice! {
    /// Which network.
    pub enum Model {
        /// Physics-informed: learns from the diffraction alone, through the forward model.
        Pinn = "pinn",
        /// Supervised: learns amplitude and phase of the file's patches `Y`.
        Baseline = "baseline",
    }
}

field_choice! {
    /// What the network's predicted diffraction is measured by.
    pub enum Loss {
        /// Poisson negative log-likelihood of the counts: mean of `λ - k ln λ`.
        Nll = "nll",
        /// Mean absolute error of the amplitudes `√λ` against `√k`.
        Mae = "mae",
    }
}

field_choice! {
    /// What makes the amplitude of what the network puts out.
    pub enum AmplitudeHead {
        /// `amplitude_max · sigmoid`: bounded.
        Sigmoid = "sigmoid",
        /// `ln(1 + exp)`: positive.
        Softplus = "softplus",
        /// `x · sigmoid(x)`: slightly negative too.
        Swish = "swish",
        /// `max(0, x)`.
        Relu = "relu",
    }
}

field_choice! {
    /// How the learning rate changes.
    pub enum Schedule {
        /// Not at all.
        Constant = "constant",
        /// Halved when the validation loss has not fallen for some epochs.
        Plateau = "plateau",
        /// Down to the least rate along half a cosine.
        Cosine = "cosine",
    }
}

field_table! {
    /// How a network is made and trained.
    pub struct TrainSettings {
        /// Which network.
        model: Model = Model::Pinn, basic;
        /// What the predicted diffraction is measured by; the baseline is measured by MAE of amplitude and phase.
        loss: Loss = Loss::Nll, basic;
        /// Patterns along a side of a group, which has C = gridsize² of them; the baseline takes them one by one.
        gridsize: usize = 2, basic, 1..=3;
        /// Groups wanted; 0 takes one for each pattern. A file with `group_index` has its own.
        groups: usize = 0, basic, 0..=100000000;
        /// K: the C patterns of a group are drawn from so many nearest other ones; 0 takes max(7, C + 3).
        neighbors: usize = 0, basic, 0..=100;
        /// Draw more than one group from the neighbours of a pattern where more groups than patterns are wanted.
        oversample: bool = false, advanced;
        /// Width of the network: its channels are this many times 32, 64, 128.
        filters_scale: usize = 2, basic, 1..=4;
        /// Passes over the training groups in all, also when a run is resumed.
        epochs: usize = 50, basic, 1..=1000000;
        /// Groups in a batch.
        batch_size: usize = 16, basic, 1..=4096;
        /// Learning rate of Adam.
        lr: f64 = 1e-3, basic, 0.0..=1.0;
        /// Seed of weights, groups, validation split and batches.
        seed: u64 = 0, basic;
        /// How the learning rate changes. At first a network draws the same for every pattern, for epochs on end on small sets: a plateau, after which the rate would be too low to leave it.
        schedule: Schedule = Schedule::Cosine, advanced;
        /// Epochs over which the learning rate rises from nearly 0: at the full rate Adam's first steps are too long.
        warmup_epochs: usize = 1, advanced, 0..=1000;
        /// Least learning rate of plateau and cosine.
        lr_min: f64 = 1e-4, advanced, 0.0..=1.0;
        /// Factor on the learning rate at a plateau.
        plateau_factor: f64 = 0.5, advanced, 0.01..=1.0;
        /// Epochs without a better validation loss that make a plateau.
        plateau_patience: usize = 2, advanced, 0..=1000;
        /// Greatest norm of a gradient, in units of the objective, which is of order one whatever the dose; longer ones, as
        /// at the start and of single bad batches, are scaled down to it. 0 is off.
        clip_norm: f64 = 1.0, advanced, 0.0..=1e9;
        /// Share of the groups that is kept for validation, drawn by the seed, where no validation file is given.
        validation_fraction: f64 = 0.05, advanced, 0.0..=0.9;
        /// Epochs without a better validation loss after which training stops; 0 is never.
        early_stop: usize = 0, advanced, 0..=100000;
        /// What makes the amplitude.
        amplitude_head: AmplitudeHead = AmplitudeHead::Sigmoid, advanced;
        /// Upper bound of the sigmoid amplitude: the object's amplitude has to stay below.
        amplitude_max: f64 = 2.0, advanced, 0.01..=1000.0;
        /// Whether the object is drawn on the central half of a patch only, zero around.
        pad_object: bool = true, advanced;
        /// Whether the ring around the central half is drawn too, by four channels of the decoder.
        border_head: bool = false, advanced;
        /// Whether the probe is trained along.
        train_probe: bool = false, advanced;
        /// Weight of the chosen loss.
        loss_weight: f64 = 1.0, advanced, 0.0..=1e6;
        /// Weight of the other loss, MAE beside NLL or NLL beside MAE.
        other_loss_weight: f64 = 0.0, advanced, 0.0..=1e6;
        /// Weight of the total variation of the object drawn, per pixel.
        tv_weight: f64 = 0.0, advanced, 0.0..=1e6;
    }
}

impl TrainSettings {
    /// C, patterns of a group as the network takes them: the baseline takes single ones.
    pub fn c(&self) -> usize {
        match self.model {
            Model::Pinn => self.gridsize * self.gridsize,
            Model::Baseline => 1,
        }
    }

    /// How groups are formed: the baseline's are single patterns, and `groups` counts those.
    pub fn grouping(&self) -> GroupSettings {
        GroupSettings {
            gridsize: match self.model {
                Model::Pinn => self.gridsize,
                Model::Baseline => 1,
            },
            neighbors: self.neighbors,
            seed: self.seed,
            n_groups: self.groups,
            oversample: self.oversample,
            ..GroupSettings::default()
        }
    }
}
