//! Which layers and parameters a network has.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::nn::settings::{AmplitudeHead, Model, TrainSettings};
use crate::tensor::conv::ConvLayer;

/// Everything that decides the layers and parameters of a network, and how its heads become an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    /// Which network.
    pub model: Model,
    /// Side of a pattern in pixels: 64, 128 or 256.
    pub n: usize,
    /// Patterns of a group, C.
    pub n_channels: usize,
    /// Width.
    pub filters_scale: usize,
    /// What makes the amplitude.
    pub amplitude_head: AmplitudeHead,
    /// Upper bound of the sigmoid amplitude.
    pub amplitude_max: f64,
    /// Whether the object is drawn on the central half only.
    pub pad_object: bool,
    /// Whether the ring around the central half is drawn too.
    pub border_head: bool,
    /// Probe modes that are trained; 0 leaves the file's probe as it is.
    pub trained_probe_modes: usize,
}

/// What a head of the network draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// Amplitude before its activation.
    Amplitude,
    /// Phase before its activation.
    Phase,
    /// Amplitude of the ring around the central half.
    BorderAmplitude,
    /// Phase of the ring.
    BorderPhase,
}

/// Where a layer's input comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feed {
    /// The network's input.
    Input,
    /// The output of an earlier layer.
    Layer(usize),
}

/// One convolution of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Name, that of its parameters: `enc0.a`, `amp1.b`, `amp_out`, `phi_out`, ... as in golden/network.
    pub name: String,
    /// Where its input comes from; layers stand in an order in which every input comes before.
    pub feed: Feed,
    /// What it does.
    pub layer: ConvLayer,
    /// What it draws, if it is a head.
    pub head: Option<Head>,
}

/// A named parameter and its place in the vector of all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// As `enc0.a.weight`, `enc0.a.bias`, `probe`.
    pub name: String,
    /// As `(out, in, 3, 3)`; `probe` is `(modes, n, n, 2)`, real and imaginary parts, in units of the file's rms probe.
    pub shape: Vec<usize>,
    /// Where it begins.
    pub start: usize,
}

impl Entry {
    /// Its values.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Architecture {
    /// The network that the settings want for patterns of `n` pixels and a probe of `n_probe_modes`.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for a side that no network is for, or settings that do not fit together.
    pub fn new(settings: &TrainSettings, n: usize, n_probe_modes: usize) -> Result<Self> {
        let _ = (settings, n, n_probe_modes);
        unimplemented!()
    }

    /// The layers, in order.
    pub fn nodes(&self) -> Vec<Node> {
        unimplemented!()
    }

    /// Named parameters, in the order of the vector: weight and bias of every node in order, then the probe.
    pub fn entries(&self) -> Vec<Entry> {
        unimplemented!()
    }

    /// Number of parameters.
    pub fn n_parameters(&self) -> usize {
        self.entries().iter().map(Entry::len).sum()
    }

    /// Multiplications of one forward pass of one group by direct convolution.
    pub fn n_multiplications(&self) -> u64 {
        self.nodes()
            .iter()
            .map(|node| (node.layer.n_weights() * node.layer.side * node.layer.side) as u64)
            .sum()
    }
}
