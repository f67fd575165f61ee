//! Batch normalisation of images, channel by channel.
//!
//! y = (x - mean) / √(variance + epsilon) · weight + bias, x: (n, c, h, w), weight and bias: (c,), y as x. In training mean
//! and variance are the batch's own (variance with divisor n·h·w) and the gradient goes through them; afterwards they
//! are given. Sums are f64, plane after plane, so the bytes do not depend on the number of threads.
//! x = [1, 3] in one channel: mean 2, variance 1, y = [-1, 1] for weight 1, bias 0, epsilon 0. Source: Ioffe, Szegedy 2015.

use super::simd::Number;
use super::{ChannelSums, Once, SECOND, by_type, contiguous, on_cpu};
use crate::error::{Error, Result};
use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Shape, Tensor, WithDType, bail};
use rayon::prelude::*;
use std::sync::Arc;

const OP: &str = "batch_norm";

/// What a channel is normalised by.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// One a channel.
    pub mean: Vec<f64>,
    /// One a channel, with the number of values as divisor.
    pub variance: Vec<f64>,
    /// Values of a channel: images times pixels.
    pub count: usize,
}

/// Normalises `x` by its own mean and variance, which are returned too.
///
/// `x`: (n, c, h, w), `weight` and `bias`: (c,), f32 or f64, on the CPU. Returns `x`'s shape. Differentiable once in each
/// argument. Errors: `Shape` if the sizes do not fit together; `Value` for fewer than two values a channel or another
/// device.
pub fn batch_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, epsilon: f64) -> Result<(Tensor, Statistics)> {
    check(x, weight, bias)?;
    let statistics = Statistics::of(x)?;
    if statistics.count < 2 {
        let got = format!("{} from x {:?}", statistics.count, x.dims());
        return Err(Error::Value { op: OP, expected: "at least two values a channel".into(), got });
    }
    let op = Normalise::new(&statistics, epsilon, true);
    Ok((apply(x, weight, bias, op)?, statistics))
}

/// Normalises `x` by `statistics`; arguments and errors as for [`batch_norm`].
pub fn batch_norm_by(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    statistics: &Statistics,
    epsilon: f64,
) -> Result<Tensor> {
    check(x, weight, bias)?;
    let channels = weight.dims()[0];
    if statistics.mean.len() != channels || statistics.variance.len() != channels {
        let got = format!("{} and {}", statistics.mean.len(), statistics.variance.len());
        return Err(Error::Value { op: OP, expected: format!("{channels} means and variances"), got });
    }
    apply(x, weight, bias, Normalise::new(statistics, epsilon, false))
}

fn check(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<()> {
    let [_, c, _, _] = x.dims() else {
        return Err(Error::Shape { op: OP, expected: "x (n, c, h, w)".into(), got: x.dims().to_vec() });
    };
    for (name, own) in [("weight", weight), ("bias", bias)] {
        if own.dims() != [*c] {
            return Err(Error::Shape { op: OP, expected: format!("{name} ({c},)"), got: own.dims().to_vec() });
        }
    }
    if !on_cpu(x) {
        return Err(Error::Value { op: OP, expected: "a tensor on the CPU".into(), got: format!("{:?}", x.device()) });
    }
    Ok(())
}

fn apply(x: &Tensor, weight: &Tensor, bias: &Tensor, op: Normalise) -> Result<Tensor> {
    let apply = || x.contiguous()?.apply_op3(&weight.contiguous()?, &bias.contiguous()?, op);
    apply().map_err(Error::candle(OP))
}

impl Statistics {
    fn of(x: &Tensor) -> Result<Self> {
        let dims = x.dims4()?;
        let (mean, variance) = match x.dtype() {
            candle_core::DType::F32 => moments(&x.flatten_all()?.to_vec1::<f32>()?, dims),
            _ => moments(&x.flatten_all()?.to_vec1::<f64>()?, dims),
        };
        Ok(Self { mean, variance, count: dims.0 * dims.2 * dims.3 })
    }
}

fn moments<T: Number>(x: &[T], (n, c, h, w): (usize, usize, usize, usize)) -> (Vec<f64>, Vec<f64>) {
    let count = (n * h * w) as f64;
    let moments = |channel: usize| {
        let sum = |term: &dyn Fn(&[T]) -> f64| {
            (0..n).map(|image| term(&x[(image * c + channel) * h * w..][..h * w])).sum::<f64>()
        };
        let mean = sum(&|plane| lane_sum(plane, |x| x)) / count;
        // Two passes: the difference of two large squares would lose the variance of a channel far from zero.
        (mean, sum(&|plane| lane_sum(plane, |x| (x - mean) * (x - mean))) / count)
    };
    (0..c).into_par_iter().map(moments).unzip()
}

/// The sum of `term` over a plane, in eight lanes.
#[inline(always)]
fn lane_sum<T: Number>(plane: &[T], term: impl Fn(f64) -> f64) -> f64 {
    let mut lanes = [0.0; 8];
    let (whole, rest) = plane.as_chunks::<8>();
    for chunk in whole {
        lanes.iter_mut().zip(chunk).for_each(|(lane, x)| *lane += term(x.to_f64()));
    }
    lanes.iter().sum::<f64>() + rest.iter().map(|x| term(x.to_f64())).sum::<f64>()
}

/// x · scale + shift by channel, where scale = weight / √(variance + epsilon).
#[derive(Clone)]
struct Normalise {
    mean: Arc<[f64]>,
    /// 1 / √(variance + epsilon).
    inverse: Arc<[f64]>,
    /// Whether mean and variance are those of the argument.
    own: bool,
}

impl Normalise {
    fn new(statistics: &Statistics, epsilon: f64, own: bool) -> Self {
        let inverse = statistics.variance.iter().map(|variance| 1.0 / (variance + epsilon).sqrt()).collect();
        Self { mean: statistics.mean.as_slice().into(), inverse, own }
    }
}

impl CustomOp3 for Normalise {
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
        let (_, c, h, w) = x_layout.shape().dims4()?;
        let y = by_type!(OP, x, T => {
            let x = contiguous::<T>(OP, x, x_layout)?;
            let weight = contiguous::<T>(OP, weight, weight_layout)?;
            let bias = contiguous::<T>(OP, bias, bias_layout)?;
            let mut y: Vec<T> = vec![0.0; x.len()];
            let plane = (h * w).max(1);
            y.par_chunks_exact_mut(plane).zip(x.par_chunks_exact(plane)).enumerate().for_each(|(at, (y, x))| {
                let channel = at % c;
                let scale = self.inverse[channel] * weight[channel].to_f64();
                // x - mean first: scale · mean could cancel against the bias.
                let (mean, bias) = (self.mean[channel], bias[channel].to_f64());
                y.iter_mut().zip(x).for_each(|(y, x)| *y = T::from_f64((x.to_f64() - mean) * scale + bias));
            });
            y
        });
        Ok((y, x_layout.shape().clone()))
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
        let in_x = || gradient.apply_op3(x, weight, NormaliseInputGradient(self.clone()));
        let in_weight = || gradient.apply_op3(x, weight, Once(NormaliseWeightGradient(self.clone())));
        let in_bias = || gradient.apply_op2(bias, Once(ChannelSums));
        Ok((
            x.track_op().then(in_x).transpose()?,
            weight.track_op().then(in_weight).transpose()?,
            bias.track_op().then(in_bias).transpose()?,
        ))
    }
}

impl Normalise {
    /// For each channel the sums of the gradient, and of the gradient times the normalised argument.
    fn sums<T: Number>(&self, gradient: &[T], x: &[T], plane: usize) -> Vec<[f64; 2]> {
        let c = self.mean.len();
        let sums = |channel: usize| {
            let mut sums = [0.0; 2];
            for (g, x) in gradient.chunks_exact(plane).zip(x.chunks_exact(plane)).skip(channel).step_by(c) {
                sums[0] += lane_sum(g, |g| g);
                let mean = self.mean[channel];
                let mut lanes = [0.0; 8];
                for (at, (g, x)) in g.iter().zip(x).enumerate() {
                    lanes[at % 8] += g.to_f64() * (x.to_f64() - mean);
                }
                sums[1] += lanes.iter().sum::<f64>() * self.inverse[channel];
            }
            sums
        };
        (0..c).into_par_iter().map(sums).collect()
    }
}

/// Takes the gradient of the result, the argument and the weight.
struct NormaliseInputGradient(Normalise);

impl CustomOp3 for NormaliseInputGradient {
    fn name(&self) -> &'static str {
        "batch_norm_input_gradient"
    }

    fn cpu_fwd(
        &self,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let (n, c, h, w) = x_layout.shape().dims4()?;
        let (norm, plane) = (&self.0, (h * w).max(1));
        let out = by_type!(self.name(), x, T => {
            let gradient = contiguous::<T>(self.name(), gradient, gradient_layout)?;
            let x = contiguous::<T>(self.name(), x, x_layout)?;
            let weight = contiguous::<T>(self.name(), weight, weight_layout)?;
            let count = (n * plane) as f64;
            // The part of the gradient that moves the batch's own mean and variance.
            let sums = if norm.own { norm.sums(gradient, x, plane) } else { vec![[0.0; 2]; c] };
            let mut out: Vec<T> = vec![0.0; x.len()];
            let planes = out.par_chunks_exact_mut(plane).zip(gradient.par_chunks_exact(plane));
            planes.zip(x.par_chunks_exact(plane)).enumerate().for_each(|(at, ((out, gradient), x))| {
                let channel = at % c;
                let (mean, inverse) = (norm.mean[channel], norm.inverse[channel]);
                let scale = weight[channel].to_f64() * inverse;
                let [shift, slope] = sums[channel].map(|sum| sum / count);
                let slope = slope * inverse;
                for ((out, g), x) in out.iter_mut().zip(gradient).zip(x) {
                    *out = T::from_f64(scale * (g.to_f64() - shift - (x.to_f64() - mean) * slope));
                }
            });
            out
        });
        Ok((out, x_layout.shape().clone()))
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

/// Takes the gradient of the result and the argument.
struct NormaliseWeightGradient(Normalise);

impl CustomOp2 for NormaliseWeightGradient {
    fn name(&self) -> &'static str {
        "batch_norm_weight_gradient"
    }

    fn cpu_fwd(
        &self,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
        x: &CpuStorage,
        x_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let (_, c, h, w) = x_layout.shape().dims4()?;
        let out = by_type!(self.name(), x, T => {
            let gradient = contiguous::<T>(self.name(), gradient, gradient_layout)?;
            let x = contiguous::<T>(self.name(), x, x_layout)?;
            let sums = self.0.sums(gradient, x, (h * w).max(1));
            sums.iter().map(|[_, sum]| <T as WithDType>::from_f64(*sum)).collect::<Vec<T>>()
        });
        Ok((out, Shape::from(c)))
    }
}
