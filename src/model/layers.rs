//! A network's layers with their numbers, for those who bound it without running it.

use super::Classifier;
use super::plan::{EPSILON, Step};
use crate::error::{Error, Result};
use candle_core::{DType, Tensor};

/// One layer, its parameters in f64.
#[derive(Clone, Debug)]
pub(crate) enum Layer {
    /// y = x · weightᵀ + bias; weight (o, i), bias (o,).
    Dense { weight: Tensor, bias: Option<Tensor> },
    /// weight (o, i, k, k), bias (o,).
    Convolution { weight: Tensor, bias: Option<Tensor>, stride: usize, padding: usize },
    /// y = scale · x + shift in each channel, both (c,): batch normalisation by its running values.
    Affine { scale: Tensor, shift: Tensor },
    /// max(x, 0) + slope · min(x, 0).
    Rectifier { slope: f64 },
    /// The largest of each window, windows side by side.
    MaxPool { size: usize },
    /// The mean of each window, windows side by side.
    AveragePool { size: usize },
    /// One row of numbers per example.
    Flatten,
    /// The sum of two branches; an empty one passes its input on.
    Residual { main: Vec<Layer>, shortcut: Vec<Layer> },
}

/// A network taken apart: the shape of one input, its feature layers, and the head, which is `Dense`.
#[derive(Clone, Debug)]
pub(crate) struct Layers {
    pub input: Vec<usize>,
    pub features: Vec<Layer>,
    pub head_weight: Tensor,
    pub head_bias: Option<Tensor>,
}

impl Classifier {
    /// The network's layers at its present parameters.
    pub(crate) fn layers(&self) -> Result<Layers> {
        let plan = self.architecture.plan()?;
        let state = self.state();
        let mut values = state.iter().map(|(_, var)| var.as_detached_tensor().to_dtype(DType::F64));
        let mut next = || {
            let value = values.next().expect("the classifier holds every parameter of its plan");
            value.map_err(Error::candle("layers"))
        };
        let features = read(&plan.steps, &mut next)?;
        let head_weight = next()?;
        let head_bias = if plan.head_bias { Some(next()?) } else { None };
        Ok(Layers { input: plan.input, features, head_weight, head_bias })
    }
}

fn read(steps: &[Step], next: &mut impl FnMut() -> Result<Tensor>) -> Result<Vec<Layer>> {
    let mut layers = Vec::new();
    for step in steps {
        layers.push(match step {
            Step::Dense { .. } => Layer::Dense { weight: next()?, bias: Some(next()?) },
            Step::Convolution(own) => {
                let weight = next()?;
                let bias = if own.bias { Some(next()?) } else { None };
                Layer::Convolution { weight, bias, stride: own.stride, padding: own.padding }
            }
            Step::BatchNorm { .. } => {
                let (weight, bias, mean, variance) = (next()?, next()?, next()?, next()?);
                let _batches = next()?;
                let scale = (weight / (variance + EPSILON)?.sqrt()?)?;
                let shift = (bias - (&mean * &scale)?)?;
                Layer::Affine { scale, shift }
            }
            Step::Rectifier { slope } => Layer::Rectifier { slope: *slope },
            Step::MaxPool { size } => Layer::MaxPool { size: *size },
            Step::AveragePool { size } => Layer::AveragePool { size: *size },
            Step::Flatten => Layer::Flatten,
            Step::Residual { main, shortcut } => {
                Layer::Residual { main: read(main, next)?, shortcut: read(shortcut, next)? }
            }
        });
    }
    Ok(layers)
}
