//! The definition's formula, row by row on all cores: for weighted points and scores too far apart for the blocks of
//! [`super::Exact`].
//!
//! g_i = -1/(m n) · sum_j sigmoid(t_j - s_i), the loss beside it, and the same for columns; cost O(m n).
//! A difference of 1e4 costs 1e4 and has slope 1, one of -1e4 costs and has 0.

use super::points::{Points, Side};
use super::{Algo, Score, Value};
use rayon::prelude::*;

/// Fills both gradients.
pub(super) fn by_rows<S: Score>(points: &Points<S>, in_s: &mut [S], in_t: &mut [S]) -> Value {
    let pairs = points.pairs();
    // Of one score: its sums of losses and of slopes, where sign · (other - own) is t - s.
    let sums = |own: &Side<S>, at: usize, others: &Side<S>, sign: f64| {
        let own = own.scores[at].to_f64();
        let (mut loss, mut slope) = (0.0, 0.0);
        for (j, other) in others.scores.iter().enumerate() {
            let x = sign * (other.to_f64() - own);
            let e = (-x.abs()).exp();
            loss += others.weight(j) * (x.max(0.0) + e.ln_1p());
            slope += others.weight(j) * if x >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) };
        }
        (loss, slope)
    };
    let row = |(at, g): (usize, &mut S)| {
        let (loss, slope) = sums(&points.s, at, &points.t, 1.0);
        *g = S::from_f64(-points.s.weight(at) * slope / pairs);
        points.s.weight(at) * loss
    };
    // Collected in order, so that the sum does not depend on the threads.
    let losses: Vec<f64> = in_s.par_iter_mut().enumerate().map(row).collect();
    in_t.par_iter_mut().enumerate().for_each(|(at, g)| {
        let (_, slope) = sums(&points.t, at, &points.s, -1.0);
        *g = S::from_f64(points.t.weight(at) * slope / pairs);
    });
    Value::unscaled(losses.iter().sum::<f64>() / pairs, points.rounding(), Algo::Rows)
}
