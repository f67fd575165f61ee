//! Three defences that defend nothing: what [`masking`](super::masking()) has to see through.
//!
//! Each stands in front of an honest model and changes what an attack sees, not where the decision boundary is: scores
//! multiplied by a constant, an input rounded to few levels, an input with fresh random noise at each call.

use super::Model;
use crate::error::{Error, Result};
use crate::rng;
use candle_core::Tensor;
use rand_distr::{Distribution, StandardNormal};
use std::sync::atomic::{AtomicU64, Ordering};

/// The same classes, with all scores multiplied: cross-entropy loses its gradient.
pub struct ScaledLogits<'a> {
    /// The model behind.
    pub net: &'a dyn Model,
    /// The factor, above 0.
    pub by: f32,
}

/// The input rounded to `levels` equal steps of [0, 1]: the gradient is zero almost everywhere.
pub struct QuantisedInput<'a> {
    /// The model behind.
    pub net: &'a dyn Model,
    /// The number of steps, at least 1.
    pub levels: u32,
}

/// Gaussian noise on the input, other noise at each call: scores and gradients change under the attack's feet.
pub struct NoisyInput<'a> {
    net: &'a dyn Model,
    deviation: f32,
    seed: u64,
    calls: AtomicU64,
}

impl Model for ScaledLogits<'_> {
    fn outputs(&self) -> usize {
        self.net.outputs()
    }

    fn score_rows(&self, x: &Tensor) -> Result<Vec<f32>> {
        Ok(self.net.score_rows(x)?.into_iter().map(|score| score * self.by).collect())
    }

    fn score_gradient(&self, x: &Tensor, slopes: &dyn Fn(&[f32]) -> Vec<f32>) -> Result<(Vec<f32>, Vec<f32>)> {
        let scale = |scores: &[f32]| -> Vec<f32> { scores.iter().map(|score| score * self.by).collect() };
        let (scores, gradient) = self.net.score_gradient(x, &|scores| scale(&slopes(&scale(scores))))?;
        Ok((scale(&scores), gradient))
    }
}

impl QuantisedInput<'_> {
    fn round(&self, x: &Tensor) -> Result<Tensor> {
        let levels = f64::from(self.levels);
        let rounded = (x * levels).and_then(|x| x.round()).and_then(|x| x / levels);
        rounded.map_err(Error::candle("quantised input"))
    }
}

impl Model for QuantisedInput<'_> {
    fn outputs(&self) -> usize {
        self.net.outputs()
    }

    fn score_rows(&self, x: &Tensor) -> Result<Vec<f32>> {
        self.net.score_rows(&self.round(x)?)
    }

    fn score_gradient(&self, x: &Tensor, _: &dyn Fn(&[f32]) -> Vec<f32>) -> Result<(Vec<f32>, Vec<f32>)> {
        // The derivative of a step function.
        Ok((self.score_rows(x)?, vec![0.0; x.elem_count()]))
    }
}

impl<'a> NoisyInput<'a> {
    /// Noise of this standard deviation in front of `net`. The sequence of noises depends on `seed` and the calls made.
    pub fn new(net: &'a dyn Model, deviation: f32, seed: u64) -> Self {
        Self { net, deviation, seed, calls: AtomicU64::new(0) }
    }

    fn disturb(&self, x: &Tensor) -> Result<Tensor> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let mut rng = rng::stream(self.seed, &format!("noisy input {call}"));
        let noise: Vec<f32> = (0..x.elem_count())
            .map(|_| {
                let normal: f32 = StandardNormal.sample(&mut rng);
                self.deviation * normal
            })
            .collect();
        Ok((x + Tensor::from_vec(noise, x.dims(), x.device())?)?)
    }
}

impl Model for NoisyInput<'_> {
    fn outputs(&self) -> usize {
        self.net.outputs()
    }

    fn score_rows(&self, x: &Tensor) -> Result<Vec<f32>> {
        self.net.score_rows(&self.disturb(x)?)
    }

    fn score_gradient(&self, x: &Tensor, slopes: &dyn Fn(&[f32]) -> Vec<f32>) -> Result<(Vec<f32>, Vec<f32>)> {
        self.net.score_gradient(&self.disturb(x)?, slopes)
    }
}
