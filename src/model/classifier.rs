//! A feature map and a linear head with their parameters.

use super::architecture::Architecture;
use super::engine::{Engine, Wanted, Workspace};
use super::ops::{Statistics, dense};
use super::plan::{Parameter, Plan, Walk};
use super::{ConvNet, LeNet, Linear, Mlp, ResNet, init};
use crate::error::{Error, Result};
use crate::{guard, rng};
use candle_core::{DType, Device, Shape, Tensor, Var};
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// A classifier: scores = features(x) · wᵀ + b. Owned, `'static` and `Send`, so a notebook cell can keep it.
///
/// One output is a two-class score, positive for class 1; C outputs are one score per class, before any softmax.
///
/// Batch normalisation uses the running values everywhere but in [`Classifier::gradients`], so the answer for an example
/// never depends on the others, and there is no mode to forget.
pub struct Classifier {
    pub(super) architecture: Architecture,
    plan: Plan,
    parameters: Vec<(String, Var)>,
    /// Running means, variances and counts of batches, not trained.
    running: Vec<(String, Var)>,
    workspace: Mutex<Workspace>,
}

/// What one batch says about the parameters; see [`Classifier::gradients`].
#[derive(Clone, Debug)]
pub struct Gradients {
    /// The scores of the batch, (n,) or (n, C), detached.
    pub scores: Tensor,
    /// The value of the objective.
    pub value: f64,
    /// Its gradient in each parameter, in the order of [`Classifier::vars`].
    pub parameters: Vec<Tensor>,
}

/// The share of a batch in the running values, as in PyTorch.
const MOMENTUM: f64 = 0.1;

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

    /// A deeper convolutional classifier of 3×3 windows. Same settings and seed, same bytes.
    ///
    /// Errors: `Value` for a size of 0 or images smaller than 4×4; `SecondCopy`.
    pub fn convnet(settings: &ConvNet, seed: u64) -> Result<Self> {
        Self::seeded(Architecture::ConvNet(settings.clone()), seed)
    }

    /// A residual classifier with batch normalisation. Same settings and seed, same bytes.
    ///
    /// Errors: `Value` for a size of 0 or a side that is no multiple of 4; `SecondCopy`.
    pub fn resnet(settings: &ResNet, seed: u64) -> Result<Self> {
        Self::seeded(Architecture::ResNet(settings.clone()), seed)
    }

    /// A linear classifier, all zero.
    ///
    /// Errors: `Value` for 0 inputs; `SecondCopy`.
    pub fn linear(settings: &Linear) -> Result<Self> {
        Self::build(Architecture::Linear(settings.clone()), |parameter| Ok(vec![0.0; parameter.shape.iter().product()]))
    }

    fn seeded(architecture: Architecture, seed: u64) -> Result<Self> {
        let mut stream = rng::stream(seed, "init");
        Self::build(architecture, |parameter| Ok(init::values(parameter, &mut stream)))
    }

    /// The network with the values that `values` gives for each parameter, in the order of the plan.
    pub(super) fn build(
        architecture: Architecture,
        mut values: impl FnMut(&Parameter) -> Result<Vec<f32>>,
    ) -> Result<Self> {
        guard::one_copy()?;
        let plan = architecture.plan()?;
        let (mut parameters, mut running) = (Vec::new(), Vec::new());
        for parameter in plan.parameters() {
            let values = values(&parameter)?;
            let list = if parameter.kind.trained() { &mut parameters } else { &mut running };
            let var = Var::from_vec(values, parameter.shape, &Device::Cpu);
            list.push((parameter.name, var.map_err(Error::candle("classifier"))?));
        }
        Ok(Self { architecture, plan, parameters, running, workspace: Mutex::default() })
    }

    /// The features of `x`, the input of the head.
    ///
    /// `x`: (n, c, h, w) or (n, inputs) f32, n at least 1; returns (n, d). Gradients reach the parameters.
    /// Errors: `Shape`, or `Value` if `x` is not f32.
    pub fn features(&self, x: &Tensor) -> Result<Tensor> {
        let x = self.plan.arrange("features", x)?;
        let parameters = self.tensors();
        Ok(self.walk("features", &x, &parameters, false)?.0)
    }

    /// The scores of `x`, before any sigmoid or softmax.
    ///
    /// `x`: (n, c, h, w) or (n, inputs) f32, n at least 1; returns (n,) for one output, (n, C) for C outputs.
    /// Gradients reach the parameters. Errors: `Shape`, or `Value` if `x` is not f32.
    pub fn scores(&self, x: &Tensor) -> Result<Tensor> {
        let x = self.plan.arrange("scores", x)?;
        let parameters = self.tensors();
        let (features, _) = self.walk("scores", &x, &parameters, false)?;
        self.head("scores", &features, &parameters)
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
            let x = self.plan.arrange(op, &part.map_err(Error::candle(op))?)?;
            if !self.on_cpu() {
                values.extend(self.fixed_scores(op, &x.detach())?.flatten_all()?.to_vec1::<f32>()?);
                continue;
            }
            let engine = self.engine(op, Wanted::Nothing)?;
            let mut workspace = self.workspace();
            let (scores, _) = engine.forward(&x.detach(), &mut workspace).map_err(Error::candle(op))?;
            values.extend(scores.flatten_all()?.to_vec1::<f32>()?);
            self.keep(workspace);
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
            Some(var) => Ok(var.set(&Tensor::new(biases, var.device())?)?),
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

    /// The same network on a device; see [`crate::device()`]. Inputs must be there too.
    ///
    /// A network on a card runs through candle's graph with CUDA kernels of ours. Errors: `Value` for a network with
    /// batch normalisation, which runs on the CPU only; `Candle` if the device refuses.
    pub fn to_device(&self, device: &Device) -> Result<Self> {
        const OP: &str = "to_device";
        if self.plan.has_batch_norm() && !device.is_cpu() {
            let expected = "a network without batch normalisation, which has no CUDA kernel here".into();
            return Err(Error::Value { op: OP, expected, got: format!("{self:?}") });
        }
        let list = |own: &[(String, Var)]| {
            let moved = |(name, var): &(String, Var)| {
                Ok((name.clone(), Var::from_tensor(&var.as_detached_tensor().to_device(device)?.copy()?)?))
            };
            own.iter().map(moved).collect::<candle_core::Result<Vec<_>>>().map_err(Error::candle(OP))
        };
        Ok(Self {
            architecture: self.architecture.clone(),
            plan: self.architecture.plan()?,
            parameters: list(&self.parameters)?,
            running: list(&self.running)?,
            workspace: Mutex::default(),
        })
    }

    /// Where its parameters are.
    pub fn device(&self) -> &Device {
        self.head_weight().device()
    }

    fn on_cpu(&self) -> bool {
        self.device().is_cpu()
    }

    /// All parameters in the order of the forward pass, the head last.
    pub fn vars(&self) -> Vec<Var> {
        self.parameters.iter().map(|(_, var)| var.clone()).collect()
    }

    /// The running means, variances and counts of batch normalisation, with their PyTorch names.
    pub fn named_buffers(&self) -> Vec<(String, Var)> {
        self.running.clone()
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
        let shape = x.shape().clone();
        let x = self.plan.arrange(OP, x)?.detach();
        if !self.on_cpu() {
            return self.input_gradient_by_graph(OP, &x, &shape, objective);
        }
        let engine = self.engine(OP, Wanted::Input)?;
        let mut workspace = self.workspace();
        let (scores, trace) = engine.forward(&x, &mut workspace).map_err(Error::candle(OP))?;
        let (scores, _, slopes) = self.slopes(OP, scores, objective)?;
        let gradient = match slopes {
            Some(slopes) => {
                let gradient = engine.input_gradient(&slopes, &trace, &mut workspace);
                gradient.and_then(|gradient| gradient.reshape(shape)).map_err(Error::candle(OP))?
            }
            None => Tensor::zeros(shape, DType::F32, &Device::Cpu).map_err(Error::candle(OP))?,
        };
        self.keep(workspace);
        Ok((scores, gradient))
    }

    /// The scores of `x`, the value of `objective(scores)`, and its gradient in every parameter.
    ///
    /// `x` as for [`Classifier::scores`]; `objective` returns a scalar, usually the mean loss. The same gradients as
    /// `objective(&net.scores(&x)?)?.backward()`, in less time. With batch normalisation this is a step of training: the
    /// batch is normalised by its own mean and variance, and the running values move towards them.
    /// Same bytes on any number of threads. Errors: `Shape` for `x` or an objective that is no scalar; `Value` if a batch
    /// to be normalised has fewer than two values a channel; whatever `objective` returns.
    pub fn gradients(&mut self, x: &Tensor, objective: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Gradients> {
        const OP: &str = "gradients";
        let x = self.plan.arrange(OP, x)?.detach();
        if self.plan.has_batch_norm() || !self.on_cpu() {
            return self.gradients_of_batch(OP, &x, objective);
        }
        let engine = self.engine(OP, Wanted::Parameters)?;
        let mut workspace = self.workspace();
        let (scores, trace) = engine.forward(&x, &mut workspace).map_err(Error::candle(OP))?;
        let (scores, value, slopes) = self.slopes(OP, scores, objective)?;
        let parameters = match slopes {
            Some(slopes) => engine.parameter_gradients(&slopes, &trace, &mut workspace),
            None => self.parameters.iter().map(|(_, var)| var.as_detached_tensor().zeros_like()).collect(),
        };
        self.keep(workspace);
        Ok(Gradients { scores, value, parameters: parameters.map_err(Error::candle(OP))? })
    }

    /// The scores of `x`, finite or not, as a detached tensor on its device.
    #[cfg(feature = "candle-cuda")]
    pub(crate) fn scores_in_place(&self, op: &'static str, x: &Tensor) -> Result<Tensor> {
        Ok(self.fixed_scores(op, &self.plan.arrange(op, x)?)?.detach())
    }

    /// The scores with the parameters held fixed, by candle's graph.
    fn fixed_scores(&self, op: &'static str, x: &Tensor) -> Result<Tensor> {
        let parameters: Vec<Tensor> = self.parameters.iter().map(|(_, var)| var.as_detached_tensor()).collect();
        let (features, _) = self.walk(op, x, &parameters, false)?;
        self.head(op, &features, &parameters)
    }

    /// [`Classifier::input_gradient`] through candle's graph, on any device.
    fn input_gradient_by_graph(
        &self,
        op: &'static str,
        x: &Tensor,
        shape: &Shape,
        objective: impl Fn(&Tensor) -> Result<Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        let x = Var::from_tensor(x).map_err(Error::candle(op))?;
        let scores = self.fixed_scores(op, &x)?;
        let value = scalar(op, objective(&scores)?)?;
        let mut gradients = value.backward().map_err(Error::candle(op))?;
        let gradient = match gradients.remove(&x) {
            Some(gradient) => gradient.detach().reshape(shape),
            None => Tensor::zeros(shape, DType::F32, x.device()),
        };
        Ok((scores.detach(), gradient.map_err(Error::candle(op))?))
    }

    /// [`Classifier::gradients`] through candle's graph, for layers that treat the batch as one, and on a card.
    fn gradients_of_batch(
        &mut self,
        op: &'static str,
        x: &Tensor,
        objective: impl Fn(&Tensor) -> Result<Tensor>,
    ) -> Result<Gradients> {
        let tensors = self.tensors();
        let (features, seen) = self.walk(op, x, &tensors, true)?;
        let scores = self.head(op, &features, &tensors)?;
        let value = scalar(op, objective(&scores)?)?;
        let gradients = value.backward().map_err(Error::candle(op))?;
        let gradient = |(_, var): &(String, Var)| match gradients.get(var) {
            Some(gradient) => Ok(gradient.detach()),
            None => var.as_detached_tensor().zeros_like(),
        };
        let parameters: candle_core::Result<Vec<Tensor>> = self.parameters.iter().map(gradient).collect();
        let parameters = parameters.map_err(Error::candle(op))?;
        self.follow(&seen)?;
        Ok(Gradients { scores: scores.detach(), value: to_f64(&value)?, parameters })
    }

    /// Moves the running values towards those of a batch.
    fn follow(&mut self, seen: &[Statistics]) -> Result<()> {
        for (own, seen) in self.running.chunks_exact(3).zip(seen) {
            let [(_, mean), (_, variance), (_, batches)] = own else { continue };
            // The running variance has divisor count - 1.
            let unbiased = seen.count as f64 / (seen.count as f64 - 1.0);
            for (var, new, factor) in [(mean, &seen.mean, 1.0), (variance, &seen.variance, unbiased)] {
                let old = var.to_vec1::<f32>()?;
                let moved =
                    |(old, new): (&f32, &f64)| ((1.0 - MOMENTUM) * f64::from(*old) + MOMENTUM * factor * new) as f32;
                let moved: Vec<f32> = old.iter().zip(new).map(moved).collect();
                var.set(&Tensor::from_vec(moved, var.shape(), &Device::Cpu)?)?;
            }
            batches.set(&(batches.as_detached_tensor() + 1.0)?)?;
        }
        Ok(())
    }

    /// The scores in their public shape, the objective's value, and its gradient in the scores (n, C) if there is one.
    fn slopes(
        &self,
        op: &'static str,
        scores: Tensor,
        objective: impl Fn(&Tensor) -> Result<Tensor>,
    ) -> Result<(Tensor, f64, Option<Tensor>)> {
        let shape = scores.shape().clone();
        let scores = if self.plan.outputs == 1 { scores.squeeze(1) } else { Ok(scores) };
        let scores = scores.and_then(|scores| Var::from_tensor(&scores)).map_err(Error::candle(op))?;
        let value = scalar(op, objective(&scores)?)?;
        let mut gradients = value.backward().map_err(Error::candle(op))?;
        let slopes = gradients.remove(&scores).map(|slopes| slopes.detach().reshape(shape)).transpose();
        Ok((scores.as_detached_tensor(), to_f64(&value)?, slopes.map_err(Error::candle(op))?))
    }

    /// The features, and what each normalisation saw if it is `training`.
    fn walk(
        &self,
        op: &'static str,
        x: &Tensor,
        parameters: &[Tensor],
        training: bool,
    ) -> Result<(Tensor, Vec<Statistics>)> {
        let running = self.statistics()?;
        let mut walk =
            Walk { op, parameters: parameters.iter(), running: running.iter(), training: training.then(Vec::new) };
        let features = walk.through(&self.plan.steps, x)?;
        Ok((features, walk.training.unwrap_or_default()))
    }

    fn head(&self, op: &'static str, features: &Tensor, parameters: &[Tensor]) -> Result<Tensor> {
        let own = &parameters[parameters.len() - if self.plan.head_bias { 2 } else { 1 }..];
        let scores = dense(features, &own[0], own.get(1))?;
        if self.plan.outputs == 1 { scores.squeeze(1).map_err(Error::candle(op)) } else { Ok(scores) }
    }

    fn engine(&self, op: &'static str, wanted: Wanted) -> Result<Engine> {
        let parameters: Vec<Tensor> = self.parameters.iter().map(|(_, var)| var.as_detached_tensor()).collect();
        Engine::new(&self.plan, &parameters, &self.statistics()?, wanted).map_err(Error::candle(op))
    }

    /// The running values by which each normalisation works.
    fn statistics(&self) -> Result<Vec<Statistics>> {
        let read = |own: &[(String, Var)]| {
            let values = |at: usize| own[at].1.to_dtype(DType::F64)?.to_vec1::<f64>();
            Ok(Statistics { mean: values(0)?, variance: values(1)?, count: 0 })
        };
        self.running.chunks_exact(3).map(read).collect::<candle_core::Result<_>>().map_err(Error::candle("classifier"))
    }

    /// The memory of the last pass; a pass inside an objective gets memory of its own.
    fn workspace(&self) -> Workspace {
        std::mem::take(&mut *self.workspace.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep(&self, workspace: Workspace) {
        *self.workspace.lock().unwrap_or_else(PoisonError::into_inner) = workspace;
    }

    fn tensors(&self) -> Vec<Tensor> {
        self.parameters.iter().map(|(_, var)| var.as_tensor().clone()).collect()
    }

    /// Everything a checkpoint holds, in the order of the plan.
    pub(super) fn state(&self) -> Vec<(Parameter, Var)> {
        let (mut parameters, mut running) = (self.parameters.iter(), self.running.iter());
        let own = |parameter: Parameter| {
            let next = if parameter.kind.trained() { parameters.next() } else { running.next() };
            let (_, var) = next.expect("the classifier holds every parameter of its plan");
            (parameter, var.clone())
        };
        self.plan.parameters().into_iter().map(own).collect()
    }

    fn one_output(&self, op: &'static str) -> Result<()> {
        if self.plan.outputs == 1 {
            return Ok(());
        }
        let got = format!("{} outputs", self.plan.outputs);
        Err(Error::Value { op, expected: "a classifier with one output".into(), got })
    }
}

fn scalar(op: &'static str, value: Tensor) -> Result<Tensor> {
    if value.elem_count() == 1 {
        return Ok(value);
    }
    Err(Error::Shape { op, expected: "a scalar objective ()".into(), got: value.dims().to_vec() })
}

fn to_f64(value: &Tensor) -> Result<f64> {
    Ok(value.detach().to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?[0])
}

impl fmt::Debug for Classifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count: usize = self.parameters.iter().map(|(_, var)| var.elem_count()).sum();
        write!(f, "Classifier({:?}, {count} parameters)", self.architecture)
    }
}
