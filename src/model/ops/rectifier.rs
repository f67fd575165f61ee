//! The (leaky) rectifier: x for x > 0, `slope` · x otherwise.
//!
//! Same shape out as in. The derivative at 0 is `slope`, so a plain rectifier (`slope` 0) has relu'(0) = 0.
//! leaky_relu(-2) with slope 0.01 is -0.02; leaky_relu(-inf) with slope 0 is 0, not NaN.

use super::simd::Number;
#[cfg(feature = "candle-cuda")]
use super::tensors;
use super::{SECOND, by_type, contiguous, is_ours};
#[cfg(feature = "candle-cuda")]
use crate::cuda::layers;
use crate::error::{Error, Result};
#[cfg(feature = "candle-cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Shape, Tensor, WithDType, bail};

/// x where x > 0, `slope` · x elsewhere; see [`super`] for why candle's rectifier is not used.
///
/// `x`: any shape, f32 or f64. Differentiable once; the derivative at 0 is `slope`. NaN stays NaN.
/// Errors: `Value` if `slope` is negative or not finite.
pub fn leaky_relu(x: &Tensor, slope: f64) -> Result<Tensor> {
    if !(slope.is_finite() && slope >= 0.0) {
        let expected = "a finite slope of at least 0".into();
        return Err(Error::Value { op: "leaky_relu", expected, got: slope.to_string() });
    }
    let rectify = || {
        if is_ours(x) { x.contiguous()?.apply_op1(Rectifier { slope }) } else { composed(x, slope) }
    };
    rectify().map_err(Error::candle("leaky_relu"))
}

/// The same from candle's operations, for other devices.
fn composed(x: &Tensor, slope: f64) -> candle_core::Result<Tensor> {
    // A slope of 0 must not meet -inf: the product would be NaN.
    let below = if slope == 0.0 { x.zeros_like()? } else { (x * slope)? };
    x.le(0.0)?.where_cond(&below, x)
}

/// Rectifies in place; see [`leaky_relu`].
#[inline]
pub(crate) fn rectify<T: Number>(values: &mut [T], slope: T) {
    if slope == T::zero() {
        values.iter_mut().for_each(|x| *x = if *x <= T::zero() { T::zero() } else { *x });
    } else {
        values.iter_mut().for_each(|x| *x = if *x <= T::zero() { *x * slope } else { *x });
    }
}

/// Turns the gradient of the result into that of the argument. `values` may be either of the two: both are above 0 at
/// the same places.
#[inline]
pub(crate) fn rectify_gradient<T: Number>(values: &[T], slope: T, gradient: &mut [T]) {
    for (g, value) in gradient.iter_mut().zip(values) {
        *g = if *value > T::zero() { *g } else { *g * slope };
    }
}

struct Rectifier {
    slope: f64,
}

/// Takes the rectifier's result and the gradient of it; returns the gradient of the input.
struct RectifierGradient {
    slope: f64,
}

impl CustomOp1 for Rectifier {
    fn name(&self) -> &'static str {
        "leaky_relu"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let out = by_type!("leaky_relu", storage, T => {
            let mut out = contiguous::<T>("leaky_relu", storage, layout)?.to_vec();
            rectify(&mut out, T::from_f64(self.slope));
            out
        });
        Ok((out, layout.shape().clone()))
    }

    #[cfg(feature = "candle-cuda")]
    fn cuda_fwd(&self, storage: &CudaStorage, layout: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        let numbers = layout.shape().elem_count();
        tensors::run(self.name(), [(storage, layout)], layout.shape().clone(), |card, number, [x], y| {
            layers::rectify(card, number, x, numbers, self.slope, y)
        })
    }

    fn bwd(&self, x: &Tensor, _rectified: &Tensor, gradient: &Tensor) -> candle_core::Result<Option<Tensor>> {
        gradient.contiguous()?.apply_op2(x, RectifierGradient { slope: self.slope }).map(Some)
    }
}

impl CustomOp2 for RectifierGradient {
    fn name(&self) -> &'static str {
        "leaky_relu_gradient"
    }

    fn cpu_fwd(
        &self,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
        x: &CpuStorage,
        x_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let out = by_type!(self.name(), x, T => {
            let mut out = contiguous::<T>(self.name(), gradient, gradient_layout)?.to_vec();
            rectify_gradient(contiguous::<T>(self.name(), x, x_layout)?, T::from_f64(self.slope), &mut out);
            out
        });
        Ok((out, x_layout.shape().clone()))
    }

    #[cfg(feature = "candle-cuda")]
    fn cuda_fwd(
        &self,
        gradient: &CudaStorage,
        gradient_layout: &Layout,
        x: &CudaStorage,
        x_layout: &Layout,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        let (shape, numbers) = (x_layout.shape().clone(), x_layout.shape().elem_count());
        tensors::run(self.name(), [(gradient, gradient_layout), (x, x_layout)], shape, |card, number, [g, x], out| {
            layers::rectify_gradient(card, number, [g, x, out], numbers, self.slope)
        })
    }

    fn bwd(
        &self,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        bail!("leaky_relu: {SECOND}")
    }
}
