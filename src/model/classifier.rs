//! A feature map and a linear head with their parameters.

use super::architecture::Architecture;
use super::ops::dense;
use super::plan::{Parameter, Plan};
use super::{LeNet, Linear, Mlp, init};
use crate::error::{Error, Result};
use crate::{guard, rng};
use candle_core::{DType, Device, Tensor, Var};
use std::fmt;

/// A classifier: scores = features(x) · wᵀ + b. Owned, `'static` and `Send`, so a notebook cell can keep it.
///
/// One output is a two-class score, positive for class 1; C outputs are one score per class, before any softmax.
pub struct Classifier {
    pub(super) architecture: Architecture,
    plan: Plan,
    parameters: Vec<(String, Var)>,
}

// Rows per forward pass when only the answer is wanted: bounds the memory of a large test set.
const ROWS: usize = 512;

impl Classifier {
    /// A fully connected classifier. Same settings and seed, same bytes.
    ///
    /// Errors: `Value` for a size of 0 or a slope below 0; `SecondCopy` (see [`crate::guard`]).
    pub fn mlp(settings: &Mlp, seed: u64) -> Result<Self> {
        Self::seeded(Architecture::Mlp(settings.clone()), seed)
    }

    /// A convolutional classifier. Same settings and seed, same bytes.
    ///
    /// Errors: `Value` for a size of 0 or images smaller than 16×16; `SecondCopy`.
    pub fn lenet(settings: &LeNet, seed: u64) -> Result<Self> {
        Self::seeded(Architecture::LeNet(settings.clone()), seed)
    }

    /// A linear classifier, all zero.
    ///
    /// Errors: `Value` for 0 inputs; `SecondCopy`.
    pub fn linear(settings: &Linear) -> Result<Self> {
        Self::build(Architecture::Linear(settings.clone()), |parameter| Ok(vec![0.0; parameter.shape.iter().product()]))
    }

    fn seeded(architecture: Architecture, seed: u64) -> Result<Self> {
        let mut stream = rng::stream(seed, "init");
        Self::build(architecture, |parameter| Ok(init::uniform(parameter, &mut stream)))
    }

    /// The network with the values that `values` gives for each parameter, in the order of the plan.
    pub(super) fn build(
        architecture: Architecture,
        mut values: impl FnMut(&Parameter) -> Result<Vec<f32>>,
    ) -> Result<Self> {
        guard::one_copy()?;
        let plan = architecture.plan()?;
        let mut parameters = Vec::new();
        for parameter in plan.parameters() {
            let var = Var::from_vec(values(&parameter)?, parameter.shape, &Device::Cpu);
            parameters.push((parameter.name, var.map_err(Error::candle("classifier"))?));
        }
        Ok(Self { architecture, plan, parameters })
    }

    /// The features of `x`, the input of the head.
    ///
    /// `x`: (n, c, h, w) or (n, inputs) f32, n at least 1; returns (n, d). Gradients reach the parameters.
    /// Errors: `Shape`, or `Value` if `x` is not f32.
    pub fn features(&self, x: &Tensor) -> Result<Tensor> {
        self.plan.features("features", &self.plan.arrange("features", x)?, &self.tensors(Gradients::Tracked))
    }

    /// The scores of `x`, before any sigmoid or softmax.
    ///
    /// `x`: (n, c, h, w) or (n, inputs) f32, n at least 1; returns (n,) for one output, (n, C) for C outputs.
    /// Gradients reach the parameters. Errors: `Shape`, or `Value` if `x` is not f32.
    pub fn scores(&self, x: &Tensor) -> Result<Tensor> {
        self.forward("scores", x, Gradients::Tracked)
    }

    /// The class of each row of `x`: for one output 1 where the score is above 0, else the first largest score.
    ///
    /// Errors: as [`Classifier::scores`]; `Value` naming the row if a score is not finite.
    pub fn predict(&self, x: &Tensor) -> Result<Vec<u32>> {
        let values = self.score_values("predict", x)?;
        let class = |(row, scores): (usize, &[f32])| {
            if let Some(bad) = scores.iter().find(|score| !score.is_finite()) {
                let got = format!("{bad} at row {row}");
                return Err(Error::Value { op: "predict", expected: "finite scores".into(), got });
            }
            Ok(match scores {
                [score] => u32::from(*score > 0.0),
                scores => (1..scores.len()).fold(0, |best, c| if scores[c] > scores[best] { c } else { best }) as u32,
            })
        };
        values.chunks_exact(self.plan.outputs).enumerate().map(class).collect()
    }

    /// The scores row by row, finite or not, computed in parts and without a graph.
    pub(crate) fn score_values(&self, op: &'static str, x: &Tensor) -> Result<Vec<f32>> {
        let rows = x.dims().first().copied().unwrap_or(0);
        let mut values = Vec::with_capacity(rows * self.plan.outputs);
        // At least one pass, which refuses a wrong shape and an empty batch.
        for start in (0..rows.max(1)).step_by(ROWS) {
            let part = if rows <= ROWS { Ok(x.clone()) } else { x.narrow(0, start, ROWS.min(rows - start)) };
            let scores = self.forward(op, &part.map_err(Error::candle(op))?, Gradients::None)?;
            values.extend(scores.flatten_all()?.to_vec1::<f32>()?);
        }
        Ok(values)
    }

    /// The share of rows whose predicted class is `y`.
    ///
    /// `x` as for [`Classifier::scores`]; `y`: (n,) u32. Errors: as [`Classifier::predict`]; `Shape` or `Value` for `y`.
    pub fn accuracy(&self, x: &Tensor, y: &Tensor) -> Result<f64> {
        let predicted = self.predict(x)?;
        if y.dims() != [predicted.len()] {
            let expected = format!("labels ({},)", predicted.len());
            return Err(Error::Shape { op: "accuracy", expected, got: y.dims().to_vec() });
        }
        if y.dtype() != DType::U32 {
            let got = format!("{:?}", y.dtype());
            return Err(Error::Value { op: "accuracy", expected: "u32 labels".into(), got });
        }
        let labels = y.to_vec1::<u32>()?;
        let right = predicted.iter().zip(&labels).filter(|(class, label)| class == label).count();
        Ok(right as f64 / predicted.len() as f64)
    }

    /// The head's weight vector `w` of a classifier with one output.
    ///
    /// Errors: `Value` if there are more outputs.
    pub fn weight(&self) -> Result<Vec<f32>> {
        self.one_output("weight")?;
        Ok(self.head_weight().flatten_all()?.to_vec1()?)
    }

    /// The head's bias `b` of a classifier with one output; 0 if it was built without one.
    ///
    /// Errors: `Value` if there are more outputs.
    pub fn bias(&self) -> Result<f32> {
        self.one_output("bias")?;
        match self.head_bias() {
            Some(bias) => Ok(bias.to_vec1::<f32>()?[0]),
            None => Ok(0.0),
        }
    }

    /// Moves the threshold of a classifier with one output: class 1 where w·features + `bias` is above 0.
    ///
    /// Errors: `Value` if there are more outputs, no bias to set, or `bias` is not finite.
    pub fn set_bias(&mut self, bias: f32) -> Result<()> {
        self.one_output("set_bias")?;
        if !bias.is_finite() {
            let got = bias.to_string();
            return Err(Error::Value { op: "set_bias", expected: "a finite bias".into(), got });
        }
        self.set_head_bias(&[bias])
    }

    /// Replaces the head's biases, one per output.
    pub(crate) fn set_head_bias(&mut self, biases: &[f32]) -> Result<()> {
        match self.head_bias() {
            Some(var) => Ok(var.set(&Tensor::new(biases, &Device::Cpu)?)?),
            None => Err(Error::Value {
                op: "set_bias",
                expected: "a classifier with a bias".into(),
                got: "Linear { bias: false, .. }".into(),
            }),
        }
    }

    /// The head's bias, absent for `Linear { bias: false, .. }`.
    pub(crate) fn head_bias(&self) -> Option<&Var> {
        self.plan.head_bias.then(|| &self.parameters[self.parameters.len() - 1].1)
    }

    fn head_weight(&self) -> &Var {
        let from_end = if self.plan.head_bias { 2 } else { 1 };
        &self.parameters[self.parameters.len() - from_end].1
    }

    /// How many scores a row has; 1 is the two-class score.
    pub fn outputs(&self) -> usize {
        self.plan.outputs
    }

    /// All parameters in the order of the forward pass, the head last.
    pub fn vars(&self) -> Vec<Var> {
        self.parameters.iter().map(|(_, var)| var.clone()).collect()
    }

    /// All parameters with their PyTorch names. Setting a `Var` changes the classifier.
    pub fn named_vars(&self) -> Vec<(String, Var)> {
        self.parameters.clone()
    }

    /// The scores of `x`, and the gradient of `objective(scores)` in `x` with the parameters held fixed.
    ///
    /// `x` as for [`Classifier::scores`]; `objective` returns a scalar, usually a sum over rows so that no row's
    /// gradient depends on the others. Returns (scores, gradient in the shape of `x`), both detached; the gradient is
    /// zero if the objective does not depend on the scores. It can hold NaN: check before taking signs.
    /// Errors: `Shape` for `x` or an objective that is no scalar; whatever `objective` returns.
    pub fn input_gradient(
        &self,
        x: &Tensor,
        objective: impl Fn(&Tensor) -> Result<Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        const OP: &str = "input_gradient";
        let x = Var::from_tensor(&x.detach()).map_err(Error::candle(OP))?;
        let scores = self.forward(OP, &x, Gradients::Input)?;
        let value = objective(&scores)?;
        if value.elem_count() != 1 {
            return Err(Error::Shape { op: OP, expected: "a scalar objective ()".into(), got: value.dims().to_vec() });
        }
        let mut gradients = value.backward().map_err(Error::candle(OP))?;
        let gradient = match gradients.remove(&x) {
            Some(gradient) => gradient.detach(),
            None => x.zeros_like().map_err(Error::candle(OP))?.detach(),
        };
        Ok((scores.detach(), gradient))
    }

    fn forward(&self, op: &'static str, x: &Tensor, gradients: Gradients) -> Result<Tensor> {
        let x = self.plan.arrange(op, x)?;
        let x = if gradients == Gradients::None { x.detach() } else { x };
        let tensors = self.tensors(gradients);
        let (layers, head) = tensors.split_at(tensors.len() - if self.plan.head_bias { 2 } else { 1 });
        let features = self.plan.features(op, &x, layers)?;
        let scores = dense(&features, &head[0], head.get(1))?;
        if self.plan.outputs == 1 { scores.squeeze(1).map_err(Error::candle(op)) } else { Ok(scores) }
    }

    fn tensors(&self, gradients: Gradients) -> Vec<Tensor> {
        self.parameters
            .iter()
            .map(|(_, var)| match gradients {
                Gradients::Tracked => var.as_tensor().clone(),
                // Detached weights spare the backward pass their gradients.
                Gradients::Input | Gradients::None => var.as_detached_tensor(),
            })
            .collect()
    }

    fn one_output(&self, op: &'static str) -> Result<()> {
        if self.plan.outputs == 1 {
            return Ok(());
        }
        let got = format!("{} outputs", self.plan.outputs);
        Err(Error::Value { op, expected: "a classifier with one output".into(), got })
    }
}

/// What a forward pass is to be differentiated in.
#[derive(Clone, Copy, PartialEq)]
enum Gradients {
    /// The parameters, and the input if it is tracked.
    Tracked,
    /// The input alone.
    Input,
    /// Nothing.
    None,
}

impl fmt::Debug for Classifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count: usize = self.parameters.iter().map(|(_, var)| var.elem_count()).sum();
        write!(f, "Classifier({:?}, {count} parameters)", self.architecture)
    }
}
