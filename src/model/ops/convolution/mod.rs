//! Convolution in two dimensions, any stride, padding, dilation and groups, with gradients computed only when asked.
//!
//! `y[n, o, i, j] = b[o] + sum over c, ky, kx of w[o, c, ky, kx] · x[n, c, i·s + ky·d - p, j·s + kx·d - p]`, x zero outside.
//! x: (n, c, h, w), w: (o, c / groups, kh, kw), b: (o,), y: (n, o, h', w') with h' = (h + 2p - d(kh - 1) - 1) / s + 1.
//! A 3×3 image of ones with a 3×3 weight of ones and padding 1 gives 4 in the corners, 6 at the edges, 9 in the middle.
//!
//! | file | holds |
//! |---|---|
//! | `geometry` | the sizes, the layout of a padded image |
//! | `correlate`, `outer`, `rows` | the two inner loops, the copies around them |
//! | `forward`, `gradient` | one image's result and gradients, used here and by [`crate::model`]'s engine |
//! | `winograd`, `tiles` | the way with fewer products that 3×3 windows of stride 1 take where it is faster, f32 only |
//!
//! Elsewhere the convolution is direct: nothing is gathered into columns. Images run in parallel; gradients of the weight are
//! summed in a fixed number of pieces, so that the bytes do not depend on the number of threads.

mod correlate;
mod forward;
mod geometry;
mod gradient;
mod outer;
mod rows;
mod tiles;
mod winograd;

pub(crate) use forward::{Forward, Scratch};
pub(crate) use geometry::Geometry;
pub(crate) use gradient::{InputGradient, WeightGradient, WeightSums};

use super::simd::{Level, Number};
#[cfg(feature = "candle-cuda")]
use super::tensors;
use super::{Once, SECOND, by_type, contiguous, is_ours, pieces};
#[cfg(feature = "candle-cuda")]
use crate::cuda::{Convolution, Number as Type};
use crate::error::{Error, Result};
#[cfg(feature = "candle-cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Shape, Tensor, bail};
use rayon::prelude::*;

/// Settings of [`conv2d`]; the default is a plain convolution that leaves out the border.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2d {
    /// Pixels from one window to the next.
    pub stride: usize,
    /// Zeros around the image.
    pub padding: usize,
    /// Pixels from one row or column of the window to the next.
    pub dilation: usize,
    /// Parts into which the channels are split; filters see their own part only.
    pub groups: usize,
}

impl Default for Conv2d {
    fn default() -> Self {
        Self { stride: 1, padding: 0, dilation: 1, groups: 1 }
    }
}

const OP: &str = "conv2d";

/// The convolution of `x` with `weight`, plus `bias`; see the [module](self).
///
/// `x`: (n, c, h, w), `weight`: (o, c / groups, kh, kw), `bias`: (o,), all f32 or all f64. Returns (n, o, h', w').
/// Differentiable once in each argument; a gradient that is not tracked is not computed. Same bytes on any number of
/// threads. Errors: `Shape` if the sizes do not fit together or the window is larger than the padded image.
pub fn conv2d(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, settings: &Conv2d) -> Result<Tensor> {
    let (Ok((n, c, h, w)), Ok((o, per_group, kh, kw))) = (x.dims4(), weight.dims4()) else {
        let expected = "x (n, c, h, w) and weight (o, c / groups, kh, kw)".into();
        let odd = if x.rank() == 4 { weight } else { x };
        return Err(Error::Shape { op: OP, expected, got: odd.dims().to_vec() });
    };
    let Some(geometry) = Geometry::new(settings, [c, h, w], [o, per_group, kh, kw]) else {
        let expected = format!("a window and channels that fit weight {:?} with {settings:?}", weight.dims());
        return Err(Error::Shape { op: OP, expected, got: x.dims().to_vec() });
    };
    if let Some(bias) = bias.filter(|bias| bias.dims() != [o]) {
        return Err(Error::Shape { op: OP, expected: format!("bias ({o},)"), got: bias.dims().to_vec() });
    }
    let convolve = || {
        if !is_ours(x) {
            let Conv2d { stride, padding, dilation, groups } = *settings;
            let y = x.conv2d(weight, padding, stride, dilation, groups)?;
            return match bias {
                Some(bias) => y.broadcast_add(&bias.reshape((1, o, 1, 1))?),
                None => Ok(y),
            };
        }
        let bias = match bias {
            Some(bias) => bias.contiguous()?,
            None => Tensor::zeros(o, x.dtype(), x.device())?,
        };
        x.contiguous()?.apply_op3(&weight.contiguous()?, &bias, Convolve { images: n, geometry })
    };
    convolve().map_err(Error::candle(OP))
}

#[cfg(feature = "candle-cuda")]
fn on_card(images: usize, geometry: &Geometry, number: Type) -> Convolution {
    let Geometry { channels, filters, groups, height, width, kernel, stride, padding, dilation, out_height, out_width } =
        *geometry;
    let (sides, out) = ([height, width], [out_height, out_width]);
    let (channels, filters) = (channels * groups, filters * groups);
    Convolution { images, channels, filters, groups, sides, kernel, stride, padding, dilation, out, number }
}

struct Convolve {
    images: usize,
    geometry: Geometry,
}

impl Convolve {
    fn forward<T: Number>(&self, x: &[T], weight: &[T], bias: &[T]) -> Vec<T> {
        let forward = Forward::new(Level::best(), self.geometry, weight, Some(bias));
        let (input, output) = (self.geometry.input(), self.geometry.output());
        let mut y = vec![T::zero(); self.images * output];
        y.par_chunks_exact_mut(output).zip(x.par_chunks_exact(input)).for_each_init(Scratch::default, |scratch, at| {
            forward.run(at.1, None, scratch, at.0);
        });
        y
    }
}

impl CustomOp3 for Convolve {
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
        let Geometry { groups, filters, out_height, out_width, .. } = self.geometry;
        let y = by_type!(OP, x, T => {
            let x = contiguous::<T>(OP, x, x_layout)?;
            let weight = contiguous::<T>(OP, weight, weight_layout)?;
            self.forward(x, weight, contiguous::<T>(OP, bias, bias_layout)?)
        });
        Ok((y, Shape::from((self.images, groups * filters, out_height, out_width))))
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
        let Geometry { groups, filters, out_height, out_width, .. } = self.geometry;
        let inputs = [(x, x_layout), (weight, weight_layout), (bias, bias_layout)];
        let shape = Shape::from((self.images, groups * filters, out_height, out_width));
        tensors::run(OP, inputs, shape, |card, number, [x, weight, bias], y| {
            on_card(self.images, &self.geometry, number).forward(card, x, weight, Some(bias), y)
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
        let Self { images, geometry } = *self;
        let gradient = gradient.contiguous()?;
        let in_x = || gradient.apply_op3(weight, x, ConvolveInputGradient { images, geometry });
        let in_weight = || {
            let shape = weight.shape().clone();
            x.apply_op3(&gradient, weight, Once(ConvolveWeightGradient { images, geometry, shape }))
        };
        let in_bias = || gradient.apply_op2(bias, Once(super::ChannelSums));
        Ok((
            x.track_op().then(in_x).transpose()?,
            weight.track_op().then(in_weight).transpose()?,
            bias.track_op().then(in_bias).transpose()?,
        ))
    }
}

/// Takes the gradient of the result and the weight, and the input, whose graph it continues so that it can refuse.
struct ConvolveInputGradient {
    images: usize,
    geometry: Geometry,
}

impl CustomOp3 for ConvolveInputGradient {
    fn name(&self) -> &'static str {
        "conv2d_input_gradient"
    }

    fn cpu_fwd(
        &self,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        _x: &CpuStorage,
        x_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let (input, output) = (self.geometry.input(), self.geometry.output());
        let out = by_type!(self.name(), gradient, T => {
            let gradient = contiguous::<T>(self.name(), gradient, gradient_layout)?;
            let weight = contiguous::<T>(self.name(), weight, weight_layout)?;
            let backward = InputGradient::new(Level::best(), self.geometry, weight);
            let mut out: Vec<T> = vec![0.0; self.images * input];
            out.par_chunks_exact_mut(input).zip(gradient.par_chunks_exact(output)).for_each_init(
                Scratch::default,
                |scratch, at| backward.run(at.1, scratch, at.0),
            );
            out
        });
        Ok((out, x_layout.shape().clone()))
    }

    #[cfg(feature = "candle-cuda")]
    fn cuda_fwd(
        &self,
        gradient: &CudaStorage,
        gradient_layout: &Layout,
        weight: &CudaStorage,
        weight_layout: &Layout,
        _x: &CudaStorage,
        x_layout: &Layout,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        let inputs = [(gradient, gradient_layout), (weight, weight_layout)];
        tensors::run(self.name(), inputs, x_layout.shape().clone(), |card, number, [gradient, weight], out| {
            on_card(self.images, &self.geometry, number).input_gradient(card, gradient, weight, out)
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

/// Takes the input and the gradient of the result.
struct ConvolveWeightGradient {
    images: usize,
    geometry: Geometry,
    shape: Shape,
}

impl ConvolveWeightGradient {
    fn sum<T: Number>(&self, x: &[T], gradient: &[T]) -> Vec<T> {
        let (input, output) = (self.geometry.input(), self.geometry.output());
        let backward = WeightGradient::new(Level::best(), self.geometry);
        let sums: Vec<WeightSums<T>> = pieces(self.images)
            .into_par_iter()
            .map(|images| {
                let mut sums = WeightSums::default();
                for image in images {
                    let (x, gradient) = (&x[image * input..][..input], &gradient[image * output..][..output]);
                    backward.add(x, gradient, &mut sums);
                }
                sums
            })
            .collect();
        let mut out = vec![T::zero(); self.geometry.weights()];
        sums.iter().for_each(|sums| backward.finish(sums, &mut out));
        out
    }
}

impl CustomOp2 for ConvolveWeightGradient {
    fn name(&self) -> &'static str {
        "conv2d_weight_gradient"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let out = by_type!(self.name(), x, T => {
            let x = contiguous::<T>(self.name(), x, x_layout)?;
            self.sum(x, contiguous::<T>(self.name(), gradient, gradient_layout)?)
        });
        Ok((out, self.shape.clone()))
    }

    #[cfg(feature = "candle-cuda")]
    fn cuda_fwd(
        &self,
        x: &CudaStorage,
        x_layout: &Layout,
        gradient: &CudaStorage,
        gradient_layout: &Layout,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        let inputs = [(x, x_layout), (gradient, gradient_layout)];
        tensors::run(self.name(), inputs, self.shape.clone(), |card, number, [x, gradient], out| {
            on_card(self.images, &self.geometry, number).weight_gradient(card, gradient, x, out)
        })
    }
}
