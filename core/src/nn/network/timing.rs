//! Where the time of a step goes, layer by layer; costs nothing unless it is asked for.

use std::time::Instant;

use crate::nn::architecture::Node;

/// Seconds spent in one layer since timing began.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LayerTime {
    /// The layer's name.
    pub name: String,
    /// Taking its weights.
    pub load_s: f64,
    /// Forward passes.
    pub forward_s: f64,
    /// Backward passes.
    pub backward_s: f64,
}

/// What a span of time is counted as.
#[derive(Clone, Copy)]
pub(super) enum Pass {
    Load,
    Forward,
    Backward,
}

/// Times of all layers, if they are wanted.
#[derive(Debug, Default)]
pub(super) struct Clock(Option<Vec<LayerTime>>);

impl Clock {
    pub(super) fn start(&mut self, nodes: &[Node]) {
        let time = |node: &Node| LayerTime {
            name: node.name.clone(),
            ..LayerTime::default()
        };
        self.0 = Some(nodes.iter().map(time).collect());
    }

    pub(super) fn times(&self) -> &[LayerTime] {
        self.0.as_deref().unwrap_or_default()
    }

    /// Do some work, and count its time if times are wanted.
    pub(super) fn count<T>(&mut self, node: usize, pass: Pass, work: impl FnOnce() -> T) -> T {
        let Some(time) = self.0.as_mut().and_then(|times| times.get_mut(node)) else {
            return work();
        };
        let began = Instant::now();
        let done = work();
        let seconds = began.elapsed().as_secs_f64();
        match pass {
            Pass::Load => time.load_s += seconds,
            Pass::Forward => time.forward_s += seconds,
            Pass::Backward => time.backward_s += seconds,
        }
        done
    }
}
