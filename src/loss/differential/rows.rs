//! The definition's formula, row by row on all cores: for scores too far apart for [`super::Exact`]'s blocks.
//!
//! g_i = -1/(m n) · sum_j sigmoid(t_j - s_i), the loss beside it, and the same for columns; cost O(m n).
//! A difference of 1e4 costs 1e4 and has slope 1, one of -1e4 costs and has 0.

use super::{Algo, Range, Value};
use rayon::prelude::*;

/// Fills both gradients.
pub(super) fn by_rows(s: &[f64], t: &[f64], range: Range, in_s: &mut [f64], in_t: &mut [f64]) -> Value {
    let pairs = s.len() as f64 * t.len() as f64;
    let row = |(g, &s): (&mut f64, &f64)| {
        let (mut loss, mut slope) = (0.0, 0.0);
        for t in t {
            let x = t - s;
            let e = (-x.abs()).exp();
            loss += x.max(0.0) + e.ln_1p();
            slope += sigmoid(x, e);
        }
        *g = -slope / pairs;
        loss
    };
    // Collected in order, so that the sum does not depend on the threads.
    let losses: Vec<f64> = in_s.par_iter_mut().zip(s).map(row).collect();
    in_t.par_iter_mut().zip(t).for_each(|(g, t)| {
        let slope = |s: &f64| sigmoid(t - s, (-(t - s).abs()).exp());
        *g = s.iter().map(slope).sum::<f64>() / pairs;
    });
    let loss = losses.iter().sum::<f64>() / pairs;
    Value::unscaled(loss, range.rounding(s.len() + t.len()), Algo::Rows)
}

/// The slope at `x`, where `e` is exp(-|x|).
fn sigmoid(x: f64, e: f64) -> f64 {
    if x >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) }
}
