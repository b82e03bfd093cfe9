//! Operations whose result is computed beside Candle's graph and whose gradient is given.
//!
//! Inside, forward and backward are compositions of Candle's kernels on tensors that the graph does not see; so the graph
//! keeps the arguments and the result of a layer only, not the nine-fold matrix of a convolution.

use std::sync::{Mutex, PoisonError};

use candle_core::backend::BackendStorage as _;
use candle_core::{
    CpuStorage, CudaStorage, CustomOp1, CustomOp3, Layout, MetalStorage, Result, Shape, Storage,
    Tensor, bail,
};

/// A result that the graph takes over once.
struct Computed(Mutex<Option<Tensor>>);

impl Computed {
    fn new(result: Tensor) -> Self {
        Self(Mutex::new(Some(result)))
    }

    fn take(&self) -> Result<Tensor> {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        taken.map_or_else(
            || bail!("a result computed beside the graph is taken twice"),
            |it| it.contiguous(),
        )
    }
}

macro_rules! hand_over {
    ($self:ident, $device:ident) => {{
        let result = $self.computed.take()?;
        let (storage, layout) = result.storage_and_layout();
        let Storage::$device(storage) = &*storage else {
            bail!("{}: its result lies on another device", $self.name());
        };
        if layout.start_offset() != 0 {
            bail!("{}: its result is part of another tensor", $self.name());
        }
        Ok((storage.try_clone(layout)?, layout.shape().clone()))
    }};
}

/// Gradient for the one argument from (argument, result, gradient for the result).
pub(super) type Adjoint1 = fn(&Tensor, &Tensor, &Tensor) -> Result<Tensor>;

/// Gradients for three arguments from (arguments, result, gradient for the result), where they are wanted.
pub(super) type Adjoint3 =
    fn([&Tensor; 3], &Tensor, &Tensor) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)>;

struct Beside1 {
    computed: Computed,
    adjoint: Adjoint1,
}

struct Beside3 {
    computed: Computed,
    adjoint: Adjoint3,
}

/// `forward(x)` with the gradient of `adjoint`; both see tensors that no graph follows.
pub(super) fn apply1(
    x: &Tensor,
    forward: impl Fn(&Tensor) -> Result<Tensor>,
    adjoint: Adjoint1,
) -> Result<Tensor> {
    let result = forward(&x.detach())?;
    if !x.track_op() {
        return Ok(result);
    }
    x.apply_op1(Beside1 {
        computed: Computed::new(result),
        adjoint,
    })
}

/// As [`apply1`] for three arguments.
pub(super) fn apply3(
    x: [&Tensor; 3],
    forward: impl Fn([&Tensor; 3]) -> Result<Tensor>,
    adjoint: Adjoint3,
) -> Result<Tensor> {
    let [a, b, c] = x.map(Tensor::detach);
    let result = forward([&a, &b, &c])?;
    if !x.iter().any(|it| it.track_op()) {
        return Ok(result);
    }
    x[0].apply_op3(
        x[1],
        x[2],
        Beside3 {
            computed: Computed::new(result),
            adjoint,
        },
    )
}

impl CustomOp1 for Beside1 {
    fn name(&self) -> &'static str {
        "beside1"
    }
    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        hand_over!(self, Cpu)
    }
    fn cuda_fwd(&self, _: &CudaStorage, _: &Layout) -> Result<(CudaStorage, Shape)> {
        hand_over!(self, Cuda)
    }
    fn metal_fwd(&self, _: &MetalStorage, _: &Layout) -> Result<(MetalStorage, Shape)> {
        hand_over!(self, Metal)
    }
    fn bwd(&self, x: &Tensor, y: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        (self.adjoint)(&x.detach(), &y.detach(), dy).map(Some)
    }
}

impl CustomOp3 for Beside3 {
    fn name(&self) -> &'static str {
        "beside3"
    }
    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        hand_over!(self, Cpu)
    }
    fn cuda_fwd(
        &self,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        hand_over!(self, Cuda)
    }
    fn metal_fwd(
        &self,
        _: &MetalStorage,
        _: &Layout,
        _: &MetalStorage,
        _: &Layout,
        _: &MetalStorage,
        _: &Layout,
    ) -> Result<(MetalStorage, Shape)> {
        hand_over!(self, Metal)
    }
    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        c: &Tensor,
        y: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        // What follows the graph tells whose gradient is wanted: detached tensors would not.
        (self.adjoint)([a, b, c], &y.detach(), dy)
    }
}
