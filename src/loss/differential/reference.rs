//! The double sum, in f64, pair by pair: what the pair loss *is*. Every faster engine is tested against it.
//!
//! Cost O(m n), about 10 ns a pair; memory O(m + n). Every term of a sum has the same sign, so loss and gradients carry
//! a relative error of at most (m + n) · 2⁻⁵³, component by component.

use super::points::Points;
use super::{Algo, PairLoss, Score, Value, Weights};
use crate::error::Result;

/// The pair loss by its definition.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference;

impl<S: Score> PairLoss<S> for Reference {
    fn evaluate(&mut self, s: &[S], t: &[S], in_s: &mut [S], in_t: &mut [S]) -> Result<Value> {
        double_sum(&Points::new(s, t, None)?, in_s, in_t)
    }

    fn evaluate_weighted(
        &mut self,
        s: &[S],
        t: &[S],
        weights: Weights,
        in_s: &mut [S],
        in_t: &mut [S],
    ) -> Result<Value> {
        double_sum(&Points::new(s, t, Some(weights))?, in_s, in_t)
    }
}

fn double_sum<S: Score>(points: &Points<S>, in_s: &mut [S], in_t: &mut [S]) -> Result<Value> {
    points.check_lengths("gradient", in_s.len(), in_t.len())?;
    let pairs = points.pairs();
    let mut loss = 0.0;
    let mut columns = vec![0.0; in_t.len()];
    for (i, in_s) in in_s.iter_mut().enumerate() {
        let (mut row_loss, mut row_slope) = (0.0, 0.0);
        for (j, column) in columns.iter_mut().enumerate() {
            let x = points.t.scores[j].to_f64() - points.s.scores[i].to_f64();
            // softplus(x) is the loss of this pair, sigmoid(x) its slope
            let e = (-x.abs()).exp(); // in (0, 1]: neither form below overflows or cancels
            let slope = if x >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) };
            row_loss += points.t.weight(j) * (x.max(0.0) + e.ln_1p());
            row_slope += points.t.weight(j) * slope;
            *column += points.s.weight(i) * slope;
        }
        loss += points.s.weight(i) * row_loss;
        *in_s = S::from_f64(-points.s.weight(i) * row_slope / pairs);
    }
    for (j, (in_t, column)) in in_t.iter_mut().zip(columns).enumerate() {
        *in_t = S::from_f64(points.t.weight(j) * column / pairs);
    }
    Ok(Value::unscaled(loss / pairs, points.rounding(), Algo::Reference))
}
