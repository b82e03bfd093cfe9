//! The layers of a network on a device.

use candle_core::{Result, Tensor};

use crate::job::Stop;
use crate::nn::architecture::{Architecture, Feed, Head, Node};
use crate::tensor::portable;

/// The layers, in order.
pub(super) struct Layers(Vec<Node>);

/// What the network draws: `(c, b, side, side)` of every head.
pub(super) type Heads = Vec<(Head, Tensor)>;

impl Layers {
    pub(super) fn new(architecture: &Architecture) -> Self {
        Self(architecture.nodes())
    }

    /// Tensors of parameters that the layers take, from the first on.
    pub(super) fn n_parameters(&self) -> usize {
        2 * self.0.len()
    }

    /// Forward pass; `None` if `stop` was seen between layers.
    ///
    /// `parameters` are weights and bias of every layer in order, `input` is `(c, b, n, n)`.
    pub(super) fn forward(
        &self,
        parameters: &[Tensor],
        input: &Tensor,
        stop: &Stop,
    ) -> Result<Option<Heads>> {
        let mut outputs: Vec<Tensor> = Vec::with_capacity(self.0.len());
        let mut heads = Vec::new();
        let (pairs, _) = parameters.as_chunks::<2>();
        for (node, [weights, bias]) in self.0.iter().zip(pairs) {
            if stop.is_requested() {
                return Ok(None);
            }
            let x = match node.feed {
                Feed::Input => input,
                Feed::Layer(i) => &outputs[i],
            };
            let y = one(node, x, weights, bias)?;
            if let Some(head) = node.head {
                heads.push((head, y.clone()));
            }
            outputs.push(y);
        }
        Ok(Some(heads))
    }

    /// Values that the layers hold for one group at most: every output (and, where gradients are wanted, what is made of it
    /// on the way back), and the nine-fold copies of the largest layer.
    pub(super) fn n_values(&self, trains: bool) -> usize {
        let output = |node: &Node| {
            let stored = node.layer.n_out * node.layer.side * node.layer.side;
            let upsampled = node.layer.n_in() * node.layer.side * node.layer.side;
            stored + if node.layer.upsample { upsampled } else { 0 }
        };
        let copies = |node: &Node| 9 * node.layer.n_in() * node.layer.side * node.layer.side;
        let outputs: usize = self.0.iter().map(output).sum();
        let largest = self.0.iter().map(copies).max().unwrap_or(0);
        outputs * if trains { 2 } else { 1 } + 2 * largest
    }
}

fn one(node: &Node, x: &Tensor, weights: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let layer = &node.layer;
    let x = if layer.channels == (0..layer.n_stored) {
        x.clone()
    } else {
        x.narrow(0, layer.channels.start, layer.n_in())?
    };
    let x = if layer.upsample {
        portable::upsample2(&x)?
    } else {
        x
    };
    let y = portable::conv3x3(&x, weights, bias, layer.relu)?;
    if layer.pool {
        portable::max_pool2(&y)
    } else {
        Ok(y)
    }
}
