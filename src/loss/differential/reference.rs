//! The double sum, in f64, pair by pair: what the pair loss *is*. Every faster engine is tested against it.
//!
//! Cost O(m n), about 10 ns a pair; memory O(m + n). Every term of a sum has the same sign, so loss and gradients carry
//! a relative error of at most (m + n) · 2⁻⁵³, component by component.

use super::{Algo, PairLoss, Value, check};
use crate::error::Result;

/// The pair loss by its definition.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference;

impl PairLoss for Reference {
    fn evaluate(&self, s: &[f64], t: &[f64], in_s: &mut [f64], in_t: &mut [f64]) -> Result<Value> {
        let range = check(s, t, in_s, in_t)?;
        let pairs = s.len() as f64 * t.len() as f64;
        let mut loss = 0.0;
        in_t.fill(0.0);
        for (s, in_s) in s.iter().zip(in_s) {
            let (mut row_loss, mut row_sigma) = (0.0, 0.0);
            for (t, in_t) in t.iter().zip(in_t.iter_mut()) {
                let x = t - s; // softplus(x) is the loss of this pair, sigmoid(x) its slope
                let e = (-x.abs()).exp(); // in (0, 1]: neither form below overflows or cancels
                row_loss += x.max(0.0) + e.ln_1p();
                let sigma = if x >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) };
                row_sigma += sigma;
                *in_t += sigma;
            }
            loss += row_loss;
            *in_s = -row_sigma / pairs;
        }
        in_t.iter_mut().for_each(|g| *g /= pairs);
        Ok(Value::unscaled(loss / pairs, range.rounding(s.len() + t.len()), Algo::Reference))
    }
}
