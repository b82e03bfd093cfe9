//! Where feature maps and their gradients lie: in slots that are shared by maps of which one is no longer needed when the
//! other comes to be.

use crate::nn::architecture::{Feed, Node};
use crate::tensor::Activations;
use crate::tensor::activations::CHANNEL_BLOCK;

/// When a map is first written and last read, counted in layers passed, and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Life {
    from: usize,
    to: usize,
    side: usize,
    n_channels: usize,
}

impl Life {
    fn of(node: &Node, from: usize, to: usize) -> Self {
        Self {
            from,
            to,
            side: node.layer.output_side(),
            n_channels: node.layer.n_out,
        }
    }

    fn zeros(self, n_batch: usize) -> Activations {
        Activations::zeros(n_batch, self.side, self.n_channels)
    }
}

/// Slots, and which of them holds the map of each layer.
#[derive(Debug)]
pub(super) struct Arena {
    n_batch: usize,
    lives: Vec<Life>,
    slot_of: Vec<usize>,
    slots: Vec<Activations>,
}

impl Arena {
    /// Room for the output of every layer, all of them kept for the adjoints.
    pub(super) fn kept_outputs(nodes: &[Node], n_batch: usize) -> Self {
        let last = nodes.len();
        Self::plan(
            nodes.iter().enumerate().map(|(i, n)| Life::of(n, i, last)),
            n_batch,
        )
    }

    /// Room for the output of every layer until the last layer that reads it is done; those of the heads to the end.
    pub(super) fn passing_outputs(nodes: &[Node], n_batch: usize) -> Self {
        let last = |i: usize| {
            if nodes[i].head.is_some() {
                return nodes.len();
            }
            readers(nodes, i).max().unwrap_or(i)
        };
        Self::plan(
            nodes
                .iter()
                .enumerate()
                .map(|(i, n)| Life::of(n, i, last(i))),
            n_batch,
        )
    }

    /// Room for the gradient of every layer's output, from the last layer that reads it (the heads' from the start) back
    /// to the layer itself.
    pub(super) fn gradients(nodes: &[Node], n_batch: usize) -> Self {
        let passed = |i: usize| nodes.len() - i;
        let first = |i: usize| readers(nodes, i).max().map_or(0, passed);
        Self::plan(
            nodes
                .iter()
                .enumerate()
                .map(|(i, n)| Life::of(n, first(i), passed(i))),
            n_batch,
        )
    }

    /// The smallest free slot that is large enough, else the largest free one enlarged, else one more.
    fn plan(lives: impl Iterator<Item = Life>, n_batch: usize) -> Self {
        let lives: Vec<Life> = lives.collect();
        let mut order: Vec<usize> = (0..lives.len()).collect();
        order.sort_by_key(|&i| lives[i].from);
        let mut slot_of = vec![0; lives.len()];
        let mut slots: Vec<(usize, Life)> = Vec::new();
        // With the pixel of zeros that stands for the outside.
        let n_values = |life: Life| {
            let stride = life.n_channels.next_multiple_of(CHANNEL_BLOCK);
            (n_batch * life.side * life.side + 1) * stride
        };
        for i in order {
            let life = lives[i];
            let free = |slot: &(usize, Life)| slot.0 < life.from;
            let fits = |slot: &(usize, Life)| n_values(life) <= n_values(slot.1);
            let places = || slots.iter().enumerate().filter(|(_, slot)| free(slot));
            let chosen = places()
                .filter(|(_, slot)| fits(slot))
                .min_by_key(|(_, slot)| n_values(slot.1))
                .or_else(|| places().max_by_key(|(_, slot)| n_values(slot.1)))
                .map(|(at, _)| at);
            slot_of[i] = chosen.unwrap_or(slots.len());
            match chosen.map(|at| &mut slots[at]) {
                Some((until, largest)) => {
                    *until = life.to;
                    if n_values(*largest) < n_values(life) {
                        *largest = life;
                    }
                }
                None => slots.push((life.to, life)),
            }
        }
        Self {
            n_batch,
            slot_of,
            slots: slots.iter().map(|(_, life)| life.zeros(n_batch)).collect(),
            lives,
        }
    }

    /// No room at all, but a place for what nobody writes.
    pub(super) fn nothing(nodes: &[Node]) -> Self {
        Self {
            n_batch: 0,
            lives: nodes.iter().map(|n| Life::of(n, 0, 0)).collect(),
            slot_of: (0..nodes.len()).collect(),
            slots: vec![Activations::default(); nodes.len()],
        }
    }

    /// The map of a layer.
    pub(super) fn get(&self, node: usize) -> &Activations {
        &self.slots[self.slot_of[node]]
    }

    /// The map of layer `from`, if any, and that of layer `to` to be written in its shape.
    pub(super) fn pair(
        &mut self,
        from: Option<usize>,
        to: usize,
    ) -> (Option<&Activations>, Option<&mut Activations>) {
        self.shape(to);
        let to = self.slot_of[to];
        match from.map(|from| self.slot_of[from]) {
            None => (None, self.slots.get_mut(to)),
            Some(from) => match self.slots.get_disjoint_mut([from, to]) {
                Ok([from, to]) => (Some(from), Some(to)),
                // The plan keeps maps apart that are needed together.
                Err(_) => (None, None),
            },
        }
    }

    /// The maps of some layers, which all live at once, to be written in their shapes; in the order of the slots.
    pub(super) fn several(&mut self, nodes: &[usize]) -> Vec<(usize, &mut Activations)> {
        for &node in nodes {
            self.shape(node);
        }
        let slot_of = &self.slot_of;
        self.slots
            .iter_mut()
            .enumerate()
            .filter_map(|(slot, map)| {
                let node = nodes.iter().find(|&&node| slot_of[node] == slot)?;
                Some((*node, map))
            })
            .collect()
    }

    fn shape(&mut self, node: usize) {
        let life = self.lives[node];
        self.slots[self.slot_of[node]].reshape(self.n_batch, life.side, life.n_channels);
    }

    pub(super) fn n_bytes(&self) -> usize {
        self.slots.iter().map(Activations::n_bytes).sum()
    }
}

/// The layers that read the output of layer `i`.
pub(super) fn readers(nodes: &[Node], i: usize) -> impl Iterator<Item = usize> {
    nodes
        .iter()
        .enumerate()
        .filter(move |(_, node)| node.feed == Feed::Layer(i))
        .map(|(reader, _)| reader)
}
