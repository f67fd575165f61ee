//! Training on attacked inputs: the loss at the worst neighbour, or TRADES.
//!
//! Adversarial training replaces every batch by what [`Pgd`] makes of it (Madry et al., arXiv:1706.06083). TRADES keeps the
//! clean batch and adds `beta` times the divergence between the predictions for it and for neighbours that PGD chose to
//! maximise that divergence, from a random start, since it is zero at the input itself (Zhang et al., arXiv:1901.08573).

use super::Trainer;
use crate::attack::Pgd;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::loss::Loss;
use crate::model::Classifier;
use candle_core::Tensor;

/// How inputs are attacked during training.
#[derive(Clone, Debug, PartialEq)]
pub struct Adversary {
    /// The attack; its `silent` and `seed` are the trainer's own.
    pub pgd: Pgd,
    /// The factor of the divergence in TRADES, usually 6; `None` trains on the attacked inputs alone.
    pub trades: Option<f64>,
}

impl Default for Adversary {
    fn default() -> Self {
        Self { pgd: Pgd { steps: 7, random_start: true, ..Pgd::default() }, trades: None }
    }
}

impl Adversary {
    pub(super) fn check(&self, trainer: &Trainer) -> Result<()> {
        let wrong = |expected: &str, got: String| Err(Error::Value { op: "fit", expected: expected.into(), got });
        if let Some(beta) = self.trades {
            if !(beta >= 0.0 && beta.is_finite()) {
                return wrong("a finite trades factor of at least 0", beta.to_string());
            }
            if trainer.loss != Loss::CrossEntropy {
                return wrong("the cross-entropy with TRADES", trainer.loss.name().into());
            }
        }
        Ok(())
    }
}

impl Trainer {
    /// What a step is taken on: the batch, its attacked inputs, or both one after the other. `None` after an interrupt.
    pub(super) fn attacked(&self, net: &Classifier, batch: Dataset, step: usize) -> Result<Option<Dataset>> {
        let Some(adversary) = &self.adversary else { return Ok(Some(batch)) };
        // Another start in each step, the same in each run.
        let seed = self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(step as u64);
        let pgd = Pgd { silent: true, seed, ..adversary.pgd.clone() };
        if adversary.trades.is_none() {
            let found = pgd.run(net, &batch.x, &batch.y)?;
            return Ok((!found.interrupted).then(|| Dataset { x: found.x, ..batch }));
        }
        let pgd = Pgd { random_start: true, ..pgd };
        let outputs = net.outputs();
        let clean = net.score_values("fit", &batch.x)?;
        let divergence =
            |row: usize, scores: &[f32], _: u32| slopes(&clean[row * outputs..(row + 1) * outputs], scores);
        let found = pgd.run_on(net, &batch.x, &batch.y, &divergence)?;
        if found.interrupted {
            return Ok(None);
        }
        let x = Tensor::cat(&[&batch.x, &found.x], 0)?;
        let y = Tensor::cat(&[&batch.y, &batch.y], 0)?;
        Ok(Some(Dataset { x, y, ..batch }))
    }
}

/// d KL(clean ‖ neighbour) / d the neighbour's scores: the difference of the probabilities.
fn slopes(clean: &[f32], scores: &[f32]) -> Vec<f32> {
    if let ([clean], [score]) = (clean, scores) {
        let sigmoid = |z: f32| 1.0 / (1.0 + (-f64::from(z)).exp());
        return vec![(sigmoid(*score) - sigmoid(*clean)) as f32];
    }
    let softmax = |scores: &[f32]| -> Vec<f64> {
        let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let all: Vec<f64> = scores.iter().map(|z| f64::from(z - largest).exp()).collect();
        let total: f64 = all.iter().sum();
        all.into_iter().map(|e| e / total).collect()
    };
    softmax(scores).into_iter().zip(softmax(clean)).map(|(a, c)| (a - c) as f32).collect()
}
