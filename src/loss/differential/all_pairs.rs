//! One engine for any scores: the choice between the others.
//!
//! Every positive above every negative by 8 or more: `separated`, linear time. Else [`Exact`](super::Exact), and where
//! its blocks leave f64, its rows. Both sides of each seam agree to 2 (m + n + 330) roundings (tested).
//! s = (2000), t = (0): log L = -2000, gradient of log L = (-1, 1), mean 0.

use super::points::Points;
use super::separated::{MARGIN, Separated};
use super::{Exact, PairLoss, Score, Value, Vectors, Weights};
use crate::error::Result;

/// All pairs, by the engine that suits the scores.
#[derive(Clone, Debug)]
pub struct AllPairs {
    vectors: Vectors,
    exact: Exact,
    separated: Separated,
}

impl Default for AllPairs {
    fn default() -> Self {
        Self::with_vectors(Vectors::widest())
    }
}

impl AllPairs {
    /// On these vectors, or on the baseline if the processor lacks them: for the same bytes on another processor.
    pub fn with_vectors(vectors: Vectors) -> Self {
        Self { vectors, exact: Exact::with_vectors(vectors), separated: Separated::default() }
    }

    /// The memory it holds between calls.
    pub fn workspace_bytes(&self) -> usize {
        self.exact.workspace_bytes() + self.separated.workspace_bytes()
    }

    fn run<S: Score>(&mut self, points: &Points<S>, in_s: &mut [S], in_t: &mut [S]) -> Result<Value> {
        points.check_lengths("gradient", in_s.len(), in_t.len())?;
        if points.margin() >= MARGIN {
            return Ok(self.separated.run(self.vectors, points, in_s, in_t));
        }
        Ok(self.exact.run(points, in_s, in_t))
    }
}

impl<S: Score> PairLoss<S> for AllPairs {
    fn evaluate(&mut self, s: &[S], t: &[S], in_s: &mut [S], in_t: &mut [S]) -> Result<Value> {
        self.run(&Points::new(s, t, None)?, in_s, in_t)
    }

    fn evaluate_weighted(
        &mut self,
        s: &[S],
        t: &[S],
        weights: Weights,
        in_s: &mut [S],
        in_t: &mut [S],
    ) -> Result<Value> {
        self.run(&Points::new(s, t, Some(weights))?, in_s, in_t)
    }
}
