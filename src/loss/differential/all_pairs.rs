//! One engine for any scores: the choice between the others.
//!
//! Every positive above every negative by 8 or more: `separated`, linear time. Else [`Exact`](super::Exact), and where
//! its blocks leave f64, its rows. Both sides of each seam agree to 2 (m + n + 330) roundings (tested).
//! s = (2000), t = (0): log L = -2000, gradient of log L = (-1, 1), mean 0.

use super::separated::{MARGIN, separated};
use super::{PairLoss, Value, check, exact::exact};
use crate::error::Result;

/// All pairs to rounding, by the engine that suits the scores.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllPairs;

impl PairLoss for AllPairs {
    fn evaluate(&self, s: &[f64], t: &[f64], in_s: &mut [f64], in_t: &mut [f64]) -> Result<Value> {
        let range = check(s, t, in_s, in_t)?;
        let engine = if range.margin() >= MARGIN { separated } else { exact };
        Ok(engine(s, t, range, in_s, in_t))
    }
}
