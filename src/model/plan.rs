//! The layers of a network in order, and from them the name and shape of every parameter.

use super::ops::{Conv2d, conv2d, dense, leaky_relu, max_pool};
use crate::error::{Error, Result};
use candle_core::Tensor;

/// A network: per-example input shape, feature layers, linear head.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub input: Vec<usize>,
    pub steps: Vec<Step>,
    pub features: usize,
    pub outputs: usize,
    pub head_bias: bool,
}

/// One entry of the `features` sequence; its index is its name.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Dense { inputs: usize, outputs: usize },
    Convolution { inputs: usize, outputs: usize, size: usize },
    Rectifier { slope: f64 },
    MaxPool { size: usize },
    Flatten,
}

/// What a parameter is called, its shape, and how many inputs feed one of its outputs.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    pub name: String,
    pub shape: Vec<usize>,
    pub fan_in: usize,
}

// 2^28 numbers are 1 GiB: a larger request is a slip of a digit, and allocating it would end the process.
const MOST_PARAMETERS: usize = 1 << 28;

impl Plan {
    /// The plan itself, if every size is at least 1 and the whole fits in memory.
    pub(super) fn checked(self, op: &'static str) -> Result<Self> {
        let value = |expected: &str, got: String| Err(Error::Value { op, expected: expected.into(), got });
        if self.outputs == 0 || self.features == 0 || self.input.contains(&0) {
            return value("sizes of at least 1", format!("{self:?}"));
        }
        for step in &self.steps {
            match *step {
                Step::Dense { inputs, outputs } if inputs == 0 || outputs == 0 => {
                    return value("layers of at least 1", format!("{inputs} to {outputs}"));
                }
                Step::Rectifier { slope } if !(slope.is_finite() && slope >= 0.0) => {
                    return value("a finite leaky_slope of at least 0", slope.to_string());
                }
                _ => {}
            }
        }
        let count = self.parameters().iter().try_fold(0_usize, |sum, parameter| {
            let size = parameter.shape.iter().try_fold(1_usize, |product, &side| product.checked_mul(side))?;
            sum.checked_add(size)
        });
        match count {
            Some(count) if count <= MOST_PARAMETERS => Ok(self),
            count => {
                value("at most 2^28 parameters", count.map_or("more than usize can hold".into(), |n| n.to_string()))
            }
        }
    }

    /// Every parameter in the order of the forward pass, the head last.
    pub(super) fn parameters(&self) -> Vec<Parameter> {
        let mut all = Vec::new();
        let mut layer = |prefix: String, weight: Vec<usize>, bias: bool| {
            // Saturating: `checked` refuses such sizes right after.
            let fan_in = weight[1..].iter().fold(1_usize, |product, &side| product.saturating_mul(side));
            let outputs = weight[0];
            all.push(Parameter { name: format!("{prefix}.weight"), shape: weight, fan_in });
            if bias {
                all.push(Parameter { name: format!("{prefix}.bias"), shape: vec![outputs], fan_in });
            }
        };
        for (index, step) in self.steps.iter().enumerate() {
            match *step {
                Step::Dense { inputs, outputs } => layer(format!("features.{index}"), vec![outputs, inputs], true),
                Step::Convolution { inputs, outputs, size } => {
                    layer(format!("features.{index}"), vec![outputs, inputs, size, size], true);
                }
                Step::Rectifier { .. } | Step::MaxPool { .. } | Step::Flatten => {}
            }
        }
        layer("head".into(), vec![self.outputs, self.features], self.head_bias);
        all
    }

    /// `x` as the first layer wants it: `(n, c, h, w)` for convolutions, `(n, inputs)` otherwise.
    pub(super) fn arrange(&self, op: &'static str, x: &Tensor) -> Result<Tensor> {
        let inputs: usize = self.input.iter().product();
        let flat = self.input.len() == 1;
        let fits = match x.dims() {
            [] | [_] => false,
            [0, ..] => false,
            // A dense network flattens any image; a convolution must not guess which side is which.
            [_, rest @ ..] => {
                rest == self.input || rest == [inputs] || (flat && rest.iter().product::<usize>() == inputs)
            }
        };
        if !fits {
            let sides = self.input.iter().map(|side| side.to_string()).collect::<Vec<_>>().join(", ");
            let expected = if flat {
                format!("(n, {inputs}) or images of {inputs} numbers, n at least 1")
            } else {
                format!("(n, {sides}) or (n, {inputs}), n at least 1")
            };
            return Err(Error::Shape { op, expected, got: x.dims().to_vec() });
        }
        if x.dtype() != candle_core::DType::F32 {
            let expected = "f32 values (convert with x.to_dtype(DType::F32)?)".into();
            return Err(Error::Value { op, expected, got: format!("{:?}", x.dtype()) });
        }
        let mut shape = vec![x.dims()[0]];
        shape.extend(&self.input);
        x.reshape(shape).map_err(Error::candle(op))
    }

    /// The features `(n, d)` of an arranged `x`; `parameters` are the tensors in the order of [`Plan::parameters`].
    pub(super) fn features(&self, op: &'static str, x: &Tensor, parameters: &[Tensor]) -> Result<Tensor> {
        let mut parameters = parameters.iter();
        let mut x = x.clone();
        for step in &self.steps {
            x = match step {
                Step::Dense { .. } => {
                    let (weight, bias) = weight_and_bias(&mut parameters);
                    dense(&x, weight, Some(bias))?
                }
                Step::Convolution { .. } => {
                    let (weight, bias) = weight_and_bias(&mut parameters);
                    conv2d(&x, weight, Some(bias), &Conv2d::default())?
                }
                Step::Rectifier { slope } => leaky_relu(&x, *slope)?,
                Step::MaxPool { size } => max_pool(&x, *size, *size)?,
                Step::Flatten => x.flatten_from(1).map_err(Error::candle(op))?,
            };
        }
        Ok(x)
    }
}

fn weight_and_bias<'a>(parameters: &mut impl Iterator<Item = &'a Tensor>) -> (&'a Tensor, &'a Tensor) {
    let mut next = || parameters.next().expect("the classifier holds every parameter of its plan");
    (next(), next())
}
