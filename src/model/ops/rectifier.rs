//! The (leaky) rectifier: x for x > 0, `slope` · x otherwise.
//!
//! Same shape out as in. The derivative at 0 is `slope`, so a plain rectifier (`slope` 0) has relu'(0) = 0.
//! leaky_relu(-2) with slope 0.01 is -0.02; leaky_relu(-inf) with slope 0 is 0, not NaN.

use super::contiguous;
use crate::error::{Error, Result};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Shape, Tensor, bail};

/// x where x > 0, `slope` · x elsewhere; see [`super`] for why candle's rectifier is not used.
///
/// `x`: any shape, f32 or f64. Differentiable once; the derivative at 0 is `slope`. NaN stays NaN.
/// Errors: `Value` if `slope` is negative or not finite.
pub fn leaky_relu(x: &Tensor, slope: f64) -> Result<Tensor> {
    if !(slope.is_finite() && slope >= 0.0) {
        let expected = "a finite slope of at least 0".into();
        return Err(Error::Value { op: "leaky_relu", expected, got: slope.to_string() });
    }
    let rectify = || x.contiguous()?.apply_op1(Rectifier { slope });
    rectify().map_err(Error::candle("leaky_relu"))
}

struct Rectifier {
    slope: f64,
}

/// Takes the rectifier's input and the gradient of its output; returns the gradient of the input.
struct RectifierGradient {
    slope: f64,
}

impl CustomOp1 for Rectifier {
    fn name(&self) -> &'static str {
        "leaky_relu"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let slope = self.slope;
        // A slope of 0 must not meet -inf: the product would be NaN.
        let out = match storage {
            CpuStorage::F32(x) => {
                let below = |x: f32| if slope == 0.0 { 0.0 } else { x * slope as f32 };
                let x = contiguous("leaky_relu", x, layout)?;
                CpuStorage::F32(x.iter().map(|&x| if x <= 0.0 { below(x) } else { x }).collect())
            }
            CpuStorage::F64(x) => {
                let below = |x: f64| if slope == 0.0 { 0.0 } else { x * slope };
                let x = contiguous("leaky_relu", x, layout)?;
                CpuStorage::F64(x.iter().map(|&x| if x <= 0.0 { below(x) } else { x }).collect())
            }
            _ => bail!("leaky_relu: the values must be f32 or f64"),
        };
        Ok((out, layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _rectified: &Tensor, gradient: &Tensor) -> candle_core::Result<Option<Tensor>> {
        x.apply_op2_no_bwd(&gradient.contiguous()?, &RectifierGradient { slope: self.slope }).map(Some)
    }
}

impl CustomOp2 for RectifierGradient {
    fn name(&self) -> &'static str {
        "leaky_relu_gradient"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let (name, slope) = (self.name(), self.slope);
        let out = match (x, gradient) {
            (CpuStorage::F32(x), CpuStorage::F32(g)) => {
                let (x, g) = (contiguous(name, x, x_layout)?, contiguous(name, g, gradient_layout)?);
                CpuStorage::F32(x.iter().zip(g).map(|(&x, &g)| if x > 0.0 { g } else { g * slope as f32 }).collect())
            }
            (CpuStorage::F64(x), CpuStorage::F64(g)) => {
                let (x, g) = (contiguous(name, x, x_layout)?, contiguous(name, g, gradient_layout)?);
                CpuStorage::F64(x.iter().zip(g).map(|(&x, &g)| if x > 0.0 { g } else { g * slope }).collect())
            }
            _ => bail!("{name}: values and gradient must both be f32 or both f64"),
        };
        Ok((out, x_layout.shape().clone()))
    }
}
