//! A scalar function whose value and gradient are already known, as a node of candle's graph.
//!
//! candle's own softplus and log-sum-exp chains lose digits or turn NaN (its `binary_cross_entropy_with_logit` from a
//! score of 17 on), so a loss computes both by its own f64 code and hands them over here.

use crate::error::{Error, Result};
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor, bail};

/// The function's value at the argument, and its gradient there in row-major order.
pub(super) struct Known {
    pub value: f64,
    pub gradient: Vec<f64>,
}

impl Known {
    /// The scalar tensor, with `argument` as its parent in the graph.
    pub(super) fn attach(self, argument: &Tensor) -> Result<Tensor> {
        argument.apply_op1(self).map_err(Error::candle("loss"))
    }
}

impl CustomOp1 for Known {
    fn name(&self) -> &'static str {
        "loss"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, _layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let value = match storage {
            CpuStorage::F32(_) => CpuStorage::F32(vec![self.value as f32]),
            CpuStorage::F64(_) => CpuStorage::F64(vec![self.value]),
            _ => bail!("loss: the scores must be f32 or f64"),
        };
        Ok((value, Shape::from(())))
    }

    fn bwd(&self, argument: &Tensor, _value: &Tensor, outer: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let outer = outer.to_dtype(candle_core::DType::F64)?.to_scalar::<f64>()?;
        let gradient: Vec<f64> = self.gradient.iter().map(|g| g * outer).collect();
        Tensor::from_vec(gradient, argument.shape(), argument.device())?.to_dtype(argument.dtype()).map(Some)
    }
}
