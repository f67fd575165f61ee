//! The layers of a network in order, and from them the name, shape and start of every parameter.

use super::ops::{Conv2d, Statistics, average_pool, batch_norm, batch_norm_by, conv2d, dense, leaky_relu, max_pool};
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
    Dense {
        inputs: usize,
        outputs: usize,
    },
    Convolution(Convolution),
    BatchNorm {
        channels: usize,
    },
    Rectifier {
        slope: f64,
    },
    MaxPool {
        size: usize,
    },
    AveragePool {
        size: usize,
    },
    Flatten,
    /// The sum of two branches, named `main` and `shortcut`; an empty one passes its input on.
    Residual {
        main: Vec<Step>,
        shortcut: Vec<Step>,
    },
}

/// A convolution with a square window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Convolution {
    pub inputs: usize,
    pub outputs: usize,
    pub size: usize,
    pub stride: usize,
    pub padding: usize,
    pub bias: bool,
}

impl Convolution {
    pub(super) fn settings(&self) -> Conv2d {
        Conv2d { stride: self.stride, padding: self.padding, ..Conv2d::default() }
    }
}

/// What a parameter is called, its shape, how it starts, and how many inputs feed one of its outputs.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    pub name: String,
    pub shape: Vec<usize>,
    pub fan_in: usize,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Trained; starts uniform.
    Uniform,
    /// Trained; starts at 1.
    Scale,
    /// Trained; starts at 0.
    Shift,
    /// A running mean: not trained, starts at 0.
    Mean,
    /// A running variance: not trained, starts at 1.
    Variance,
    /// How many batches the running values have seen.
    Batches,
}

impl Kind {
    pub(super) fn trained(self) -> bool {
        matches!(self, Kind::Uniform | Kind::Scale | Kind::Shift)
    }
}

/// Added to the variance before its root, as in PyTorch.
pub(super) const EPSILON: f64 = 1e-5;

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
                Step::Convolution(Convolution { inputs, outputs, .. }) if inputs == 0 || outputs == 0 => {
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

    /// Every parameter and running value in the order of the forward pass, the head last.
    pub(super) fn parameters(&self) -> Vec<Parameter> {
        let mut all = Vec::new();
        collect(&self.steps, "features", &mut all);
        layer(&mut all, "head", vec![self.outputs, self.features], self.head_bias);
        all
    }

    /// Whether some layer treats the examples of a batch together.
    pub(super) fn has_batch_norm(&self) -> bool {
        self.parameters().iter().any(|parameter| parameter.kind == Kind::Mean)
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
}

fn layer(all: &mut Vec<Parameter>, prefix: &str, weight: Vec<usize>, bias: bool) {
    // Saturating: `checked` refuses such sizes right after.
    let fan_in = weight[1..].iter().fold(1_usize, |product, &side| product.saturating_mul(side));
    let (outputs, kind) = (weight[0], Kind::Uniform);
    all.push(Parameter { name: format!("{prefix}.weight"), shape: weight, fan_in, kind });
    if bias {
        all.push(Parameter { name: format!("{prefix}.bias"), shape: vec![outputs], fan_in, kind });
    }
}

fn collect(steps: &[Step], prefix: &str, all: &mut Vec<Parameter>) {
    for (index, step) in steps.iter().enumerate() {
        let prefix = format!("{prefix}.{index}");
        match step {
            Step::Dense { inputs, outputs } => layer(all, &prefix, vec![*outputs, *inputs], true),
            Step::Convolution(Convolution { inputs, outputs, size, bias, .. }) => {
                layer(all, &prefix, vec![*outputs, *inputs, *size, *size], *bias);
            }
            Step::BatchNorm { channels } => {
                let mut add = |name: &str, shape: Vec<usize>, kind| {
                    all.push(Parameter { name: format!("{prefix}.{name}"), shape, fan_in: 1, kind });
                };
                add("weight", vec![*channels], Kind::Scale);
                add("bias", vec![*channels], Kind::Shift);
                add("running_mean", vec![*channels], Kind::Mean);
                add("running_var", vec![*channels], Kind::Variance);
                add("num_batches_tracked", vec![], Kind::Batches);
            }
            Step::Residual { main, shortcut } => {
                collect(main, &format!("{prefix}.main"), all);
                collect(shortcut, &format!("{prefix}.shortcut"), all);
            }
            Step::Rectifier { .. } | Step::MaxPool { .. } | Step::AveragePool { .. } | Step::Flatten => {}
        }
    }
}

/// One walk through the layers as operations of candle's graph.
pub(super) struct Walk<'a> {
    pub op: &'static str,
    /// The trained tensors in the order of [`Plan::parameters`], without the head.
    pub parameters: std::slice::Iter<'a, Tensor>,
    /// The running values, normalisation after normalisation.
    pub running: std::slice::Iter<'a, Statistics>,
    /// Normalise each batch by its own values, and note them here.
    pub training: Option<Vec<Statistics>>,
}

impl<'a> Walk<'a> {
    /// `x` after `steps`.
    pub(super) fn through(&mut self, steps: &[Step], x: &Tensor) -> Result<Tensor> {
        let mut x = x.clone();
        for step in steps {
            x = match step {
                Step::Dense { .. } => {
                    let weight = self.next();
                    dense(&x, weight, Some(self.next()))?
                }
                Step::Convolution(convolution) => {
                    let weight = self.next();
                    let bias = if convolution.bias { Some(self.next()) } else { None };
                    conv2d(&x, weight, bias, &convolution.settings())?
                }
                Step::BatchNorm { .. } => self.normalise(&x)?,
                Step::Rectifier { slope } => leaky_relu(&x, *slope)?,
                Step::MaxPool { size } => max_pool(&x, *size, *size)?,
                Step::AveragePool { size } => average_pool(&x, *size, *size)?,
                Step::Flatten => x.flatten_from(1).map_err(Error::candle(self.op))?,
                Step::Residual { main, shortcut } => {
                    let main = self.through(main, &x)?;
                    (main + self.through(shortcut, &x)?).map_err(Error::candle(self.op))?
                }
            };
        }
        Ok(x)
    }

    fn normalise(&mut self, x: &Tensor) -> Result<Tensor> {
        let (weight, bias) = (self.next(), self.next());
        let running = self.running.next().expect("the classifier holds every running value of its plan");
        match &mut self.training {
            Some(seen) => {
                let (y, own) = batch_norm(x, weight, bias, EPSILON)?;
                seen.push(own);
                Ok(y)
            }
            None => batch_norm_by(x, weight, bias, running, EPSILON),
        }
    }

    fn next(&mut self) -> &'a Tensor {
        self.parameters.next().expect("the classifier holds every parameter of its plan")
    }
}
