//! What an attack needs of a model: scores, and the gradient of a combination of them in the input.
//!
//! [`Classifier`] has it; a model of your own joins in by implementing [`Model`], for instance to attack a network
//! behind a transformation of its input.

use crate::error::{Error, Result};
use crate::model::Classifier;
use candle_core::{Device, Tensor};

/// A model that can be attacked.
///
/// One output is a two-class score, positive for class 1; C outputs are one score per class, before any softmax.
pub trait Model {
    /// How many scores a row has.
    fn outputs(&self) -> usize;

    /// The scores of `x` (n, ...), row by row: n · outputs of them, finite or not.
    fn score_rows(&self, x: &Tensor) -> Result<Vec<f32>>;

    /// The scores of `x`, and the gradient in `x` of the sum over all scores of slope · score.
    ///
    /// `slopes` gets the scores, row by row, and returns as many numbers. The gradient has the values of `x`, row by row.
    fn score_gradient(&self, x: &Tensor, slopes: &dyn Fn(&[f32]) -> Vec<f32>) -> Result<(Vec<f32>, Vec<f32>)>;

    /// The classifier that this is, if it is nothing else: projected gradient descent then runs where its parameters are.
    fn classifier(&self) -> Option<&Classifier> {
        None
    }
}

impl Model for Classifier {
    fn outputs(&self) -> usize {
        Classifier::outputs(self)
    }

    fn score_rows(&self, x: &Tensor) -> Result<Vec<f32>> {
        self.score_values("attack", &x.to_device(self.device()).map_err(Error::candle("attack"))?)
    }

    fn classifier(&self) -> Option<&Classifier> {
        Some(self)
    }

    fn score_gradient(&self, x: &Tensor, slopes: &dyn Fn(&[f32]) -> Vec<f32>) -> Result<(Vec<f32>, Vec<f32>)> {
        let x = x.to_device(self.device()).map_err(Error::candle("attack"))?;
        let (scores, gradient) = self.input_gradient(&x, |scores| {
            let slopes = slopes(&scores.detach().flatten_all()?.to_vec1::<f32>()?);
            // Linear in the scores: the gradient is that of the caller's own objective.
            Ok((scores * Tensor::from_vec(slopes, scores.dims(), scores.device())?)?.sum_all()?)
        })?;
        Ok((scores.flatten_all()?.to_vec1()?, gradient.flatten_all()?.to_vec1()?))
    }
}

/// A model with the shape of its inputs: takes and gives plain rows.
pub(super) struct Rows<'a> {
    pub op: &'static str,
    pub net: &'a dyn Model,
    /// The shape of one input.
    pub shape: &'a [usize],
}

impl Rows<'_> {
    pub(super) fn width(&self) -> usize {
        self.shape.iter().product()
    }

    fn tensor(&self, x: &[f32]) -> Result<Tensor> {
        let shape = [&[x.len() / self.width()], self.shape].concat();
        Tensor::from_slice(x, shape.as_slice(), &Device::Cpu).map_err(Error::candle(self.op))
    }

    /// The scores of every row of `x`, which may have none.
    pub(super) fn scores(&self, x: &[f32]) -> Result<Vec<f32>> {
        if x.is_empty() {
            return Ok(Vec::new());
        }
        let scores = self.net.score_rows(&self.tensor(x)?)?;
        self.count("scores", scores.len(), x.len() / self.width() * self.net.outputs())?;
        Ok(scores)
    }

    /// The scores, and the gradient of the sum over rows of slopes(row, its scores) · scores.
    pub(super) fn gradient(
        &self,
        x: &[f32],
        slopes: impl Fn(usize, &[f32]) -> Vec<f32>,
    ) -> Result<(Vec<f32>, Vec<f32>)> {
        let outputs = self.net.outputs();
        let all =
            |scores: &[f32]| scores.chunks_exact(outputs).enumerate().flat_map(|(k, row)| slopes(k, row)).collect();
        let (scores, gradient) = self.net.score_gradient(&self.tensor(x)?, &all)?;
        self.count("scores", scores.len(), x.len() / self.width() * outputs)?;
        self.count("gradient values", gradient.len(), x.len())?;
        Ok((scores, gradient))
    }

    fn count(&self, what: &str, got: usize, expected: usize) -> Result<()> {
        if got == expected {
            return Ok(());
        }
        Err(Error::Value { op: self.op, expected: format!("{expected} {what} from the model"), got: got.to_string() })
    }
}
