//! A fully connected layer, with gradients computed only when asked.
//!
//! y = x · wᵀ + b, x: (n, i), w: (o, i), b: (o,), y: (n, o). x = [[1, 2]], w = [[3, 4]], b = [5] give [[16]].

#[cfg(feature = "candle-cuda")]
use super::tensors;
use super::{Once, SECOND, by_type, contiguous, is_ours};
#[cfg(feature = "candle-cuda")]
use crate::cuda::layers;
use crate::error::{Error, Result};
#[cfg(feature = "candle-cuda")]
use candle_core::CudaStorage;
use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Shape, Tensor, WithDType, bail};

const OP: &str = "dense";

/// `x` · `weight`ᵀ + `bias`.
///
/// `x`: (n, i), `weight`: (o, i), `bias`: (o,), all f32 or all f64. Returns (n, o). Differentiable once in each argument;
/// a gradient that is not tracked is not computed. Errors: `Shape` if the sizes do not fit together.
pub fn dense(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let fits = matches!((x.dims(), weight.dims()), ([_, i], [_, w]) if i == w);
    if !fits {
        let expected = format!("x (n, i) for weight (o, i) {:?}", weight.dims());
        return Err(Error::Shape { op: OP, expected, got: x.dims().to_vec() });
    }
    let outputs = weight.dims()[0];
    if let Some(bias) = bias.filter(|bias| bias.dims() != [outputs]) {
        return Err(Error::Shape { op: OP, expected: format!("bias ({outputs},)"), got: bias.dims().to_vec() });
    }
    let multiply = || {
        if !is_ours(x) {
            let y = x.matmul(&weight.t()?)?;
            return match bias {
                Some(bias) => y.broadcast_add(bias),
                None => Ok(y),
            };
        }
        let bias = match bias {
            Some(bias) => bias.contiguous()?,
            None => Tensor::zeros(outputs, x.dtype(), x.device())?,
        };
        x.contiguous()?.apply_op3(&weight.contiguous()?, &bias, Dense)
    };
    multiply().map_err(Error::candle(OP))
}

struct Dense;

impl CustomOp3 for Dense {
    fn name(&self) -> &'static str {
        OP
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let ((n, i), o) = (x_layout.shape().dims2()?, weight_layout.dims()[0]);
        let product = x.matmul(weight, (1, n, o, i), x_layout, &weight_layout.transpose(0, 1)?)?;
        let y = by_type!(OP, &product, T => {
            let bias = contiguous::<T>(OP, bias, bias_layout)?;
            let mut y = T::cpu_storage_data(product)?;
            for row in y.chunks_exact_mut(o.max(1)) {
                row.iter_mut().zip(bias).for_each(|(y, bias)| *y += *bias);
            }
            y
        });
        Ok((y, Shape::from((n, o))))
    }

    #[cfg(feature = "candle-cuda")]
    fn cuda_fwd(
        &self,
        x: &CudaStorage,
        x_layout: &Layout,
        weight: &CudaStorage,
        weight_layout: &Layout,
        bias: &CudaStorage,
        bias_layout: &Layout,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        let ((n, i), o) = (x_layout.shape().dims2()?, weight_layout.dims()[0]);
        let inputs = [(x, x_layout), (weight, weight_layout), (bias, bias_layout)];
        tensors::run(OP, inputs, Shape::from((n, o)), |card, number, [x, weight, bias], y| {
            layers::dense(card, number, [x, weight, bias, y], [n, i, o])
        })
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _y: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let gradient = gradient.contiguous()?;
        let in_x = || gradient.apply_op3(weight, x, DenseInputGradient);
        let in_weight = || gradient.apply_op3(x, weight, Once(DenseWeightGradient));
        let in_bias = || gradient.apply_op2(bias, Once(super::ChannelSums));
        Ok((
            x.track_op().then(in_x).transpose()?,
            weight.track_op().then(in_weight).transpose()?,
            bias.track_op().then(in_bias).transpose()?,
        ))
    }
}

/// Takes the gradient of the result and the weight, and the input, whose graph it continues so that it can refuse.
struct DenseInputGradient;

impl CustomOp3 for DenseInputGradient {
    fn name(&self) -> &'static str {
        "dense_input_gradient"
    }

    fn cpu_fwd(
        &self,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        _x: &CpuStorage,
        _x_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let ((n, o), i) = (gradient_layout.shape().dims2()?, weight_layout.dims()[1]);
        let product = gradient.matmul(weight, (1, n, i, o), gradient_layout, weight_layout)?;
        Ok((product, Shape::from((n, i))))
    }

    #[cfg(feature = "candle-cuda")]
    fn cuda_fwd(
        &self,
        gradient: &CudaStorage,
        gradient_layout: &Layout,
        weight: &CudaStorage,
        weight_layout: &Layout,
        _x: &CudaStorage,
        _x_layout: &Layout,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        let ((n, o), i) = (gradient_layout.shape().dims2()?, weight_layout.dims()[1]);
        let inputs = [(gradient, gradient_layout), (weight, weight_layout)];
        tensors::run(self.name(), inputs, Shape::from((n, i)), |card, number, [gradient, weight], out| {
            layers::dense_input_gradient(card, number, [gradient, weight, out], [n, i, o])
        })
    }

    fn bwd(
        &self,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        bail!("{OP}: {SECOND}")
    }
}

/// Takes the gradient of the result and the input.
struct DenseWeightGradient;

impl CustomOp2 for DenseWeightGradient {
    fn name(&self) -> &'static str {
        "dense_weight_gradient"
    }

    fn cpu_fwd(
        &self,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
        x: &CpuStorage,
        x_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let ((n, o), i) = (gradient_layout.shape().dims2()?, x_layout.dims()[1]);
        let product = gradient.matmul(x, (1, o, i, n), &gradient_layout.transpose(0, 1)?, x_layout)?;
        Ok((product, Shape::from((o, i))))
    }

    #[cfg(feature = "candle-cuda")]
    fn cuda_fwd(
        &self,
        gradient: &CudaStorage,
        gradient_layout: &Layout,
        x: &CudaStorage,
        x_layout: &Layout,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        let ((n, o), i) = (gradient_layout.shape().dims2()?, x_layout.dims()[1]);
        let inputs = [(gradient, gradient_layout), (x, x_layout)];
        tensors::run(self.name(), inputs, Shape::from((o, i)), |card, number, [gradient, x], out| {
            layers::dense_weight_gradient(card, number, [gradient, x, out], [n, i, o])
        })
    }
}
