//! The double sum, in f64, pair by pair: what the pair loss *is*. Every faster engine is tested against it.
//!
//! Cost O(m n), about 10 ns a pair; memory O(m + n). Every term of a sum has the same sign, so loss and gradients carry
//! a relative error of at most (m + n) · 2⁻⁵³, component by component.

use super::engine::Engine;
use super::points::Points;
use super::{Algo, Along, Curvature, Score, Value};
use crate::error::Result;
use crate::loss::cross_entropy::sigmoid;

/// The pair loss by its definition.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference;

impl Engine for Reference {
    fn gradient<S: Score>(&mut self, points: &Points<S>, in_s: &mut [S], in_t: &mut [S]) -> Result<Value> {
        Ok(double_sum(points, in_s, in_t))
    }

    fn second<S: Score>(
        &mut self,
        points: &Points<S>,
        along: Option<Along>,
        of_s: &mut [f64],
        of_t: &mut [f64],
    ) -> Result<Curvature> {
        of_s.fill(0.0);
        of_t.fill(0.0);
        for (i, of_s) in of_s.iter_mut().enumerate() {
            for (j, of_t) in of_t.iter_mut().enumerate() {
                let x = points.t.scores[j].to_f64() - points.s.scores[i].to_f64();
                let weight = points.s.weight(i) * points.t.weight(j) / points.pairs();
                let curvature = weight * sigmoid(x) * sigmoid(-x);
                let [v, u] = along.map_or([1.0, 1.0], |(v, u)| [v[i] - u[j], u[j] - v[i]]);
                *of_s += curvature * v;
                *of_t += curvature * u;
            }
        }
        Ok(Curvature { log_scale: 0.0, certified_rel: points.rounding(), algo: Algo::Reference })
    }
}

fn double_sum<S: Score>(points: &Points<S>, in_s: &mut [S], in_t: &mut [S]) -> Value {
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
    Value::unscaled(loss / pairs, points.rounding(), Algo::Reference)
}
