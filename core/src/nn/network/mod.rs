//! Passes through the layers on the CPU, on memory planned once.

mod cpu;
mod memory;
mod supervised;
mod timing;

use crate::job::Stop;
use crate::nn::architecture::{Architecture, Feed, Head, Node};
use crate::tensor::Activations;
use crate::tensor::conv::{Conv3x3, ConvLayer, PoolCodes};

pub use cpu::CpuStepper;
use memory::{Arena, readers};
pub use timing::LayerTime;
use timing::{Clock, Pass};

/// The layers of a network with room for their activations and gradients.
#[derive(Debug)]
pub struct Network {
    nodes: Vec<Node>,
    /// Where each layer's weights begin in the vector of all parameters; its bias follows them.
    starts: Vec<usize>,
    /// Whether the gradient for a layer's input is added to what a later layer that reads the same has put there.
    accumulates: Vec<bool>,
    layers: Vec<Conv3x3>,
    codes: Vec<PoolCodes>,
    outputs: Arena,
    gradients: Arena,
    clock: Clock,
}

/// The weights of a forward pass.
#[derive(Clone, Copy, Debug)]
pub enum Weights<'a> {
    /// As they were loaded last.
    Kept,
    /// Those of these parameters, for a pass without [`Network::backward`].
    Inference(&'a [f32]),
    /// Those of these parameters.
    Training(&'a [f32]),
}

impl Network {
    /// Plan for batches of up to `largest_batch` groups; without `trains` there is room for forward passes only.
    pub fn new(
        architecture: &Architecture,
        largest_batch: usize,
        n_threads: usize,
        trains: bool,
    ) -> Self {
        let nodes = architecture.nodes();
        let mut start = 0;
        let mut starts = Vec::with_capacity(nodes.len());
        for Node { layer, .. } in &nodes {
            starts.push(start);
            start += layer.n_weights() + layer.n_out;
        }
        let n_codes = |node: &Node| {
            let side = node.layer.output_side();
            let stride = Activations::zeros(0, side, node.layer.n_out).stride();
            usize::from(node.layer.pool) * largest_batch * side * side * stride
        };
        let (outputs, gradients) = if trains {
            let outputs = Arena::kept_outputs(&nodes, largest_batch);
            (outputs, Arena::gradients(&nodes, largest_batch))
        } else {
            let outputs = Arena::passing_outputs(&nodes, largest_batch);
            (outputs, Arena::nothing(&nodes))
        };
        let shared = |(i, node): (usize, &Node)| match node.feed {
            Feed::Input => false,
            Feed::Layer(from) => readers(&nodes, from).any(|reader| i < reader),
        };
        let layers: Vec<ConvLayer> = nodes.iter().map(|node| node.layer.clone()).collect();
        Self {
            layers: Conv3x3::plan(&layers, largest_batch, n_threads),
            codes: nodes.iter().map(|node| vec![0; n_codes(node)]).collect(),
            accumulates: nodes.iter().enumerate().map(shared).collect(),
            starts,
            outputs,
            gradients,
            clock: Clock::default(),
            nodes,
        }
    }

    /// Forward pass; `false` if `stop` was seen between layers, after which the weights count as not loaded.
    ///
    /// # Panics
    /// If there are too few parameters, or the input has another shape.
    pub fn forward(
        &mut self,
        weights: Weights<'_>,
        n_groups: usize,
        input: &Activations,
        stop: &Stop,
    ) -> bool {
        for i in 0..self.nodes.len() {
            if stop.is_requested() {
                return false;
            }
            let layer = &mut self.layers[i];
            // Just before they are used, while they are in the caches.
            if let Weights::Inference(all) | Weights::Training(all) = weights {
                let end = self.starts[i] + layer.layer().n_weights();
                let bias = &all[end..end + layer.layer().n_out];
                let inference = matches!(weights, Weights::Inference(_));
                let values = &all[self.starts[i]..end];
                self.clock
                    .count(i, Pass::Load, || layer.load(values, bias, inference));
            }
            let from = match self.nodes[i].feed {
                Feed::Input => None,
                Feed::Layer(from) => Some(from),
            };
            let codes = &mut self.codes[i];
            if let (x, Some(y)) = self.outputs.pair(from, i) {
                let x = x.unwrap_or(input);
                self.clock
                    .count(i, Pass::Forward, || layer.forward(n_groups, x, y, codes));
            }
        }
        true
    }

    /// What the last forward pass drew, and where its gradient goes (empty where the network was not planned to train).
    pub fn heads(&mut self) -> Vec<(Head, &Activations, &mut Activations)> {
        let nodes = &self.nodes;
        let heads: Vec<usize> = (0..nodes.len())
            .filter(|&i| nodes[i].head.is_some())
            .collect();
        let mut maps = self.gradients.several(&heads);
        maps.sort_by_key(|(node, _)| *node);
        let outputs = &self.outputs;
        maps.into_iter()
            .filter_map(|(i, gradient)| Some((nodes[i].head?, outputs.get(i), gradient)))
            .collect()
    }

    /// Backward pass from the gradients in [`Network::heads`]; `gradient` is overwritten, but for what follows the layers'
    /// parameters. `false` if `stop` was seen, after which the gradient means nothing.
    ///
    /// # Panics
    /// If the network was not planned to train, the weights were loaded for inference, or a length is another.
    pub fn backward(
        &mut self,
        n_groups: usize,
        input: &Activations,
        gradient: &mut [f32],
        stop: &Stop,
    ) -> bool {
        for i in (0..self.nodes.len()).rev() {
            if stop.is_requested() {
                return false;
            }
            let layer = &mut self.layers[i];
            let n_weights = layer.layer().n_weights();
            let own = &mut gradient[self.starts[i]..][..n_weights + layer.layer().n_out];
            let (d_weights, d_bias) = own.split_at_mut(n_weights);
            let (y, codes) = (self.outputs.get(i), &self.codes[i]);
            let (x, dy, dx) = match self.nodes[i].feed {
                Feed::Input => (input, Some(self.gradients.get(i)), None),
                Feed::Layer(from) => {
                    let (dy, dx) = self.gradients.pair(Some(i), from);
                    let dx = dx.map(|dx| (dx, self.accumulates[i]));
                    (self.outputs.get(from), dy, dx)
                }
            };
            if let Some(dy) = dy {
                self.clock.count(i, Pass::Backward, || {
                    layer.backward(n_groups, x, y, codes, dy, dx, d_weights, d_bias);
                });
            }
        }
        true
    }

    /// Begin to measure the time of every layer.
    pub fn start_timing(&mut self) {
        self.clock.start(&self.nodes);
    }

    /// Times since [`Network::start_timing`]; empty before.
    pub fn times(&self) -> &[LayerTime] {
        self.clock.times()
    }

    /// Bytes that it holds.
    pub fn n_bytes(&self) -> usize {
        let codes: usize = self.codes.iter().map(Vec::len).sum();
        let maps = self.outputs.n_bytes() + self.gradients.n_bytes();
        maps + codes + Conv3x3::n_bytes(&self.layers)
    }
}
