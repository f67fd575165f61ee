//! A network's scores and gradients on plain memory, without candle's graph.
//!
//! candle's graph adds every gradient to a tensor of zeros, and each layer sweeps the whole batch through memory. Here
//! an image runs through all layers up to the first fully connected one while it is in the cache, forward and backward
//! ([`images`]); the rest are products of matrices ([`tail`]). The results are those of the graph up to rounding, and the
//! same bytes on any number of threads: gradients are summed in a fixed number of pieces.
//!
//! x: (n, ...) and the parameters, to scores (n, C) and from their gradient to that of x or of the parameters. What is
//! not asked for is not computed. Used by [`Classifier`](super::Classifier) alone.

mod images;
mod node;
mod tail;

use super::ops::Statistics;
use super::plan::{Plan, Step};
use candle_core::{Result, Tensor};
use images::Images;
pub(super) use images::Workspace;
use tail::Tail;

/// What a backward pass will be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Nothing,
    Input,
    /// Not with batch normalisation, which is then by fixed values.
    Parameters,
}

/// A network with its parameters laid out for the kernels.
pub(super) struct Engine {
    images: Images,
    tail: Tail,
    wanted: Wanted,
}

/// What a backward pass needs from the forward one, beside the workspace.
pub(super) struct Trace {
    /// The inputs of the fully connected layers.
    inputs: Vec<Tensor>,
    count: usize,
}

impl Engine {
    /// `parameters`: the trained tensors in the order of the plan; `running`: the values of its normalisations.
    pub(super) fn new(plan: &Plan, parameters: &[Tensor], running: &[Statistics], wanted: Wanted) -> Result<Self> {
        let dense = |step: &Step| matches!(step, Step::Dense { .. });
        let first = plan.steps.iter().position(dense).unwrap_or(plan.steps.len());
        let mut parameters = parameters.iter();
        let images = Images::new(plan, &plan.steps[..first], &mut parameters, running, wanted)?;
        let tail = Tail::new(plan, &plan.steps[first..], parameters)?;
        Ok(Self { images, tail, wanted })
    }

    /// The scores (n, C) of `x`, an arranged and contiguous batch.
    pub(super) fn forward(&self, x: &Tensor, workspace: &mut Workspace) -> Result<(Tensor, Trace)> {
        let count = x.dims()[0];
        let flat = self.images.forward(x, workspace)?;
        let (scores, inputs) = self.tail.forward(flat, self.wanted != Wanted::Nothing)?;
        Ok((scores, Trace { inputs, count }))
    }

    /// The gradient in the input, flat, from that of the scores.
    pub(super) fn input_gradient(&self, scores: &Tensor, trace: &Trace, workspace: &mut Workspace) -> Result<Tensor> {
        let flat = self.tail.backward(scores, &trace.inputs, None, true)?.expect("it was asked for");
        self.images.input_gradient(flat, trace.count, workspace)
    }

    /// The gradient in each trained parameter, in the order of the plan.
    pub(super) fn parameter_gradients(
        &self,
        scores: &Tensor,
        trace: &Trace,
        workspace: &mut Workspace,
    ) -> Result<Vec<Tensor>> {
        let mut own = Vec::new();
        let flat = self.tail.backward(scores, &trace.inputs, Some(&mut own), !self.images.is_empty())?;
        let mut all = match flat {
            Some(flat) => self.images.parameter_gradients(flat, trace.count, workspace)?,
            None => Vec::new(),
        };
        all.extend(own);
        Ok(all)
    }
}
