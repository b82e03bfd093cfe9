//! Which layers and parameters a network has.
//!
//! ```text
//! PINN       encoder   n = 64: s[32, 64, 128]   128: s[16, 32, 64, 128]   256: s[8, 16, 32, 64, 128]
//!            decoders  n = 64: s[64, 32]        128: s[128, 64, 32]       256: s[256, 128, 64, 32]
//! baseline   encoder   s[32, 64, 128]           decoders s[128, 64, 32]   for every n
//! ```
//!
//! A block of the encoder is two convolutions with ReLU and a 2x2 max-pool; one of a decoder is two convolutions with ReLU
//! and a nearest 2x upsampling. Amplitude and phase have a decoder each. A PINN's head is drawn on the central half of a
//! patch by all but the last four channels of its decoder; these four draw the ring around it where there is a border
//! head, through a block of 2048 s / n filters. Without `pad_object` such a block on all channels leads up to the whole
//! patch.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::nn::settings::{AmplitudeHead, Model, TrainSettings};
use crate::tensor::conv::ConvLayer;

/// Channels of a decoder that are kept for the border head, whether there is one or not.
const BORDER_CHANNELS: usize = 4;
const ATTEMPTED: &str = "build the network";

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
    /// What makes the amplitude; the baseline's is linear whatever stands here.
    pub amplitude_head: AmplitudeHead,
    /// Upper bound of the sigmoid amplitude.
    pub amplitude_max: f64,
    /// Whether the object is drawn on the central half only; never for the baseline.
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
    /// Name, that of its parameters: `enc0.a`, `amp1.b`, `amp_out`, `phi_out`, `amp_up.a` (without `pad_object`),
    /// `amp_border.a`, `amp_border_out`, ...
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

    /// Its place in the vector of all.
    pub fn range(&self) -> Range<usize> {
        self.start..self.start + self.len()
    }
}

impl Architecture {
    /// Side of the central part of a patch that the network draws: half of it where the object is padded and has no border.
    pub fn drawn_px(&self) -> usize {
        if self.pad_object && !self.border_head {
            self.n / 2
        } else {
            self.n
        }
    }

    /// The network that the settings want for patterns of `n` pixels and a probe of `n_probe_modes`.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for a side that no network is for, or settings that do not fit together.
    pub fn new(settings: &TrainSettings, n: usize, n_probe_modes: usize) -> Result<Self> {
        let pinn = settings.model == Model::Pinn;
        let architecture = Self {
            model: settings.model,
            n,
            n_channels: settings.c(),
            filters_scale: settings.filters_scale,
            amplitude_head: settings.amplitude_head,
            amplitude_max: settings.amplitude_max,
            pad_object: settings.pad_object && pinn,
            border_head: settings.border_head,
            trained_probe_modes: if settings.train_probe {
                n_probe_modes
            } else {
                0
            },
        };
        if settings.border_head && pinn && !settings.pad_object {
            return Err(border_without_padding());
        }
        if settings.train_probe && n_probe_modes == 0 {
            return Err(Error::invalid(
                ATTEMPTED,
                "train_probe",
                "a probe of one mode or more",
                "none",
            ));
        }
        architecture.check()?;
        Ok(architecture)
    }

    /// Whether there is such a network: for one that was read from a file.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] for the first field that no network has.
    pub fn check(&self) -> Result<()> {
        let refuse = |key: &str, expected: &str, found: String| {
            Err(Error::invalid(ATTEMPTED, key, expected, found))
        };
        if !matches!(self.n, 64 | 128 | 256) {
            return refuse(
                "n",
                "patterns of 64, 128 or 256 pixels a side",
                self.n.to_string(),
            )
            .map_err(|error| error.with_fix("crop, bin or pad the data to such a side"));
        }
        if !(1..=4).contains(&self.filters_scale) {
            return refuse("filters_scale", "1 to 4", self.filters_scale.to_string());
        }
        if !(self.amplitude_max.is_finite() && 0.0 < self.amplitude_max) {
            return refuse(
                "amplitude_max",
                "a positive number",
                self.amplitude_max.to_string(),
            );
        }
        match self.model {
            Model::Pinn if !matches!(self.n_channels, 1 | 4 | 9) => refuse(
                "n_channels",
                "1, 4 or 9 patterns of a group",
                self.n_channels.to_string(),
            ),
            Model::Pinn if self.border_head && !self.pad_object => Err(border_without_padding()),
            Model::Baseline if self.n_channels != 1 => refuse(
                "n_channels",
                "single patterns for the baseline",
                self.n_channels.to_string(),
            ),
            Model::Baseline if self.border_head || self.pad_object => refuse(
                "border_head",
                "off for the baseline, which draws the whole patch",
                "on".to_owned(),
            ),
            Model::Baseline if 0 < self.trained_probe_modes => refuse(
                "train_probe",
                "off for the baseline, which knows no probe",
                "on".to_owned(),
            ),
            Model::Pinn | Model::Baseline => Ok(()),
        }
    }

    /// The layers, in order.
    pub fn nodes(&self) -> Vec<Node> {
        let mut layers = Layers::default();
        let mut maps = Maps {
            feed: Feed::Input,
            side: self.n,
            n_channels: self.n_channels,
        };
        for (level, filters) in self.encoder().iter().enumerate() {
            let n_out = self.filters_scale * filters;
            maps = layers.block(&format!("enc{level}"), maps.read(), n_out, After::ReluPool);
        }
        for branch in &BRANCHES {
            let mut drawn = maps;
            for (level, filters) in self.decoder().iter().enumerate() {
                let name = format!("{}{level}", branch.prefix);
                let read = if level == 0 {
                    drawn.read()
                } else {
                    drawn.upsampled()
                };
                drawn = layers.block(&name, read, self.filters_scale * filters, After::Relu);
            }
            self.heads(&mut layers, drawn, branch);
        }
        layers.0
    }

    fn heads(&self, layers: &mut Layers, drawn: Maps, branch: &Branch) {
        let Branch {
            prefix,
            head,
            border,
        } = *branch;
        let (name, n_out) = (format!("{prefix}_out"), self.n_channels);
        let last_filters = self.filters_scale * 2048 / self.n.max(1);
        if self.model == Model::Baseline {
            layers.head(&name, drawn.upsampled(), n_out, head);
        } else if self.pad_object {
            let inner = drawn.n_channels.saturating_sub(BORDER_CHANNELS);
            layers.head(&name, drawn.upsampled().only(0..inner), n_out, head);
            if self.border_head {
                let name = format!("{prefix}_border");
                let ring = drawn.upsampled().only(inner..drawn.n_channels);
                let up = layers.block(&name, ring, last_filters, After::Relu);
                layers.head(&format!("{name}_out"), up.upsampled(), n_out, border);
            }
        } else {
            let block = format!("{prefix}_up");
            let up = layers.block(&block, drawn.upsampled(), last_filters, After::Relu);
            layers.head(&name, up.upsampled(), n_out, head);
        }
    }

    /// Filters of the encoder's blocks at scale 1.
    fn encoder(&self) -> &'static [usize] {
        match (self.model, self.n) {
            (Model::Pinn, 128) => &[16, 32, 64, 128],
            (Model::Pinn, 256) => &[8, 16, 32, 64, 128],
            _ => &[32, 64, 128],
        }
    }

    /// Filters of a decoder's blocks at scale 1.
    fn decoder(&self) -> &'static [usize] {
        match (self.model, self.n) {
            (Model::Baseline, _) | (Model::Pinn, 128) => &[128, 64, 32],
            (Model::Pinn, 256) => &[256, 128, 64, 32],
            (Model::Pinn, _) => &[64, 32],
        }
    }

    /// Named parameters, in the order of the vector: weight and bias of every node in order, then the probe.
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut start = 0;
        let mut add = |name: String, shape: Vec<usize>| {
            let entry = Entry { name, shape, start };
            start += entry.len();
            entries.push(entry);
        };
        for Node { name, layer, .. } in self.nodes() {
            add(
                format!("{name}.weight"),
                vec![layer.n_out, layer.n_in(), 3, 3],
            );
            add(format!("{name}.bias"), vec![layer.n_out]);
        }
        if 0 < self.trained_probe_modes {
            add(
                PROBE_ENTRY.to_owned(),
                vec![self.trained_probe_modes, self.n, self.n, 2],
            );
        }
        entries
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

/// Name of the trained probe among the parameters.
pub const PROBE_ENTRY: &str = "probe";

fn border_without_padding() -> Error {
    Error::invalid(
        ATTEMPTED,
        "border_head",
        "off where pad_object is off: the whole patch is drawn already",
        "on",
    )
    .with_fix("turn border_head off, or pad_object on")
}

/// One of the two decoders.
struct Branch {
    prefix: &'static str,
    head: Head,
    border: Head,
}

const BRANCHES: [Branch; 2] = [
    Branch {
        prefix: "amp",
        head: Head::Amplitude,
        border: Head::BorderAmplitude,
    },
    Branch {
        prefix: "phi",
        head: Head::Phase,
        border: Head::BorderPhase,
    },
];

/// What a layer can read: its source, and that one's side and channels.
#[derive(Clone, Copy)]
struct Maps {
    feed: Feed,
    side: usize,
    n_channels: usize,
}

impl Maps {
    /// All channels as they are.
    fn read(self) -> Read {
        Read {
            from: self,
            channels: 0..self.n_channels,
            upsample: false,
        }
    }

    /// All channels at twice the side.
    fn upsampled(self) -> Read {
        Read {
            upsample: true,
            ..self.read()
        }
    }
}

/// What a layer reads.
struct Read {
    from: Maps,
    channels: Range<usize>,
    upsample: bool,
}

impl Read {
    fn only(self, channels: Range<usize>) -> Self {
        Self { channels, ..self }
    }
}

/// What follows a convolution.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Nothing,
    Relu,
    ReluPool,
}

/// The layers so far.
#[derive(Default)]
struct Layers(Vec<Node>);

impl Layers {
    fn conv(&mut self, name: String, read: Read, n_out: usize, after: After) -> Maps {
        let Read {
            from,
            channels,
            upsample,
        } = read;
        let layer = ConvLayer {
            side: if upsample { 2 * from.side } else { from.side },
            n_stored: from.n_channels,
            channels,
            n_out,
            upsample,
            relu: after != After::Nothing,
            pool: after == After::ReluPool,
        };
        let maps = Maps {
            feed: Feed::Layer(self.0.len()),
            side: layer.output_side(),
            n_channels: n_out,
        };
        self.0.push(Node {
            name,
            feed: from.feed,
            layer,
            head: None,
        });
        maps
    }

    /// Two convolutions with ReLU; a pool may follow the second.
    fn block(&mut self, name: &str, read: Read, n_out: usize, after: After) -> Maps {
        let a = self.conv(format!("{name}.a"), read, n_out, After::Relu);
        self.conv(format!("{name}.b"), a.read(), n_out, after)
    }

    /// A linear convolution that draws.
    fn head(&mut self, name: &str, read: Read, n_out: usize, head: Head) {
        self.conv(name.to_owned(), read, n_out, After::Nothing);
        if let Some(node) = self.0.last_mut() {
            node.head = Some(head);
        }
    }
}
