//! The adaptive attack on a net trained by pairs: it increases the pair loss itself, against a set of opponents.
//!
//! A row with score s of class 1 is compared with the scores t of all opponents of class 0, and the other way round. What
//! is increased is u = ln of mean_j softplus(-(s - t_j)), the logarithm of the row's share of the differential loss: its
//! slope -Σ σ(t_j - s) / Σ softplus(t_j - s) tends to -1 where the loss itself underflows, so it never saturates.
//! For two classes that slope has one sign, so the path is that of the logit margin: what the pair loss hides, it does not
//! hide from the default attack. Source: Nar et al., arXiv:1901.08360, equation (6), and the protocol of Carlini et al.,
//! arXiv:1902.06705 (attack what was trained).

use super::Adversarial;
use super::inputs::Inputs;
use super::model::{Model, Rows};
use super::pgd::Pgd;
use crate::data::Dataset;
use crate::error::{Error, Result};
use candle_core::Tensor;

const OP: &str = "pair_attack";

/// [`Pgd`] on the pair loss.
#[derive(Clone, Debug, Default)]
pub struct PairAttack {
    /// Everything but the objective.
    pub pgd: Pgd,
}

impl PairAttack {
    /// The inputs near `x` with the largest pair loss against `opponents`, usually the training set.
    ///
    /// `x`: (n, ...), `y`: (n,) u32 below 2. Shapes, guarantees and errors as [`Pgd::run`]; `Value` if the model has more
    /// than two outputs or a class has no opponent.
    pub fn run(&self, net: &dyn Model, x: &Tensor, y: &Tensor, opponents: &Dataset) -> Result<Adversarial> {
        let outputs = net.outputs();
        if outputs > 2 {
            let got = format!("{outputs} outputs");
            return Err(Error::Value { op: OP, expected: "one or two outputs".into(), got });
        }
        let others = Inputs::read(OP, &opponents.x, &opponents.y, self.pgd.bounds, outputs)?;
        let rows = Rows { op: OP, net, shape: &others.shape };
        let scores = rows.scores(&others.values)?;
        let mut sides: [Vec<f64>; 2] = [Vec::new(), Vec::new()];
        for (row, (scores, label)) in scores.chunks_exact(outputs).zip(&others.labels).enumerate() {
            let score = two_class(scores);
            if !score.is_finite() {
                let got = format!("{score} in row {row}");
                return Err(Error::Value { op: OP, expected: "finite scores of the opponents".into(), got });
            }
            sides[*label as usize].push(score);
        }
        if let Some(class) = sides.iter().position(Vec::is_empty) {
            let expected = format!("opponents of class {class}");
            return Err(Error::Value { op: OP, expected, got: "none".into() });
        }
        let slopes = |_: usize, scores: &[f32], label: u32| {
            let slope = slope(two_class(scores), label, &sides[1 - label.min(1) as usize]) as f32;
            if outputs == 1 { vec![slope] } else { vec![-slope, slope] }
        };
        self.pgd.run_on(net, x, y, &slopes)
    }
}

fn two_class(scores: &[f32]) -> f64 {
    match scores {
        [score] => f64::from(*score),
        scores => f64::from(scores[1]) - f64::from(scores[0]),
    }
}

/// d ln(mean_j softplus(u_j)) / d score, with u_j the score's distance to opponent j on the wrong side.
fn slope(score: f64, label: u32, opponents: &[f64]) -> f64 {
    let side = if label == 1 { -1.0 } else { 1.0 };
    let gaps = opponents.iter().map(|t| side * (score - t));
    let largest = gaps.clone().fold(f64::NEG_INFINITY, f64::max);
    let (mut above, mut below) = (0.0, 0.0);
    for gap in gaps {
        // Both parts relative to e^largest when that is small: sigma(u) and softplus(u) both tend to e^u.
        if largest < -30.0 {
            above += (gap - largest).exp();
            below += (gap - largest).exp();
        } else {
            above += 1.0 / (1.0 + (-gap).exp());
            below += gap.max(0.0) + (-gap.abs()).exp().ln_1p();
        }
    }
    side * above / below
}
