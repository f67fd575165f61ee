//! One engine for any scores: the choice between the others.
//!
//! Every positive above every negative by 8 or more: `separated`, linear time. Else whichever of [`Exact`] and [`Boxes`]
//! is expected to take less time; with [`Tol::Exact`] always the first. Both sides of each seam agree within the sum of
//! their bounds (tested).
//! s = (2000), t = (0): log L = -2000, gradient of log L = (-1, 1), mean 0.

use super::boxes::LARGEST;
use super::exact::nanoseconds_a_pair;
use super::points::Points;
use super::separated::{MARGIN, Separated};
use super::{Boxes, Exact, PairLoss, Score, Tol, Value, Vectors, Weights};
use crate::error::Result;

/// All pairs within a bound, by the engine that suits the scores.
#[derive(Clone, Debug)]
pub struct AllPairs {
    tol: Tol,
    vectors: Vectors,
    exact: Exact,
    boxes: Boxes,
    separated: Separated,
}

impl Default for AllPairs {
    fn default() -> Self {
        Self::new(Tol::default())
    }
}

impl AllPairs {
    /// With a bound on the approximation; rounding comes on top of it.
    pub fn new(tol: Tol) -> Self {
        Self::with_vectors(tol, Vectors::widest())
    }

    /// On these vectors, or on the baseline if the processor lacks them: for the same bytes on another processor.
    pub fn with_vectors(tol: Tol, vectors: Vectors) -> Self {
        Self {
            tol,
            vectors,
            exact: Exact::with_vectors(vectors),
            boxes: Boxes::with_vectors(tol, vectors),
            separated: Separated::default(),
        }
    }

    /// The memory it holds between calls.
    pub fn workspace_bytes(&self) -> usize {
        self.exact.workspace_bytes() + self.boxes.workspace_bytes() + self.separated.workspace_bytes()
    }

    fn run<S: Score>(&mut self, points: &Points<S>, in_s: &mut [S], in_t: &mut [S]) -> Result<Value> {
        points.check_lengths("gradient", in_s.len(), in_t.len())?;
        if points.margin() >= MARGIN {
            return Ok(self.separated.run(self.vectors, points, in_s, in_t));
        }
        let small = points.high().max(-points.low()) <= LARGEST;
        if self.tol != Tol::Exact && small && self.boxes.nanoseconds(points) < exact_nanoseconds(points) {
            return Ok(self.boxes.run(points, in_s, in_t));
        }
        Ok(self.exact.run(points, in_s, in_t))
    }
}

/// What [`Exact`] is expected to take on one core; measured, and fixed, so that the choice depends on the scores alone.
fn exact_nanoseconds<S: Score>(points: &Points<S>) -> f64 {
    let pairs = points.s.scores.len() as f64 * points.t.scores.len() as f64;
    500.0 + 4.0 * points.count() as f64 + nanoseconds_a_pair(points) * pairs
}

/// One implementation a type, not one for both: a generic one would be compiled where it is used, in a notebook's cell
/// without optimisation (1,170 ms instead of 15 for a million scores a side).
macro_rules! compiled_here {
    ($($score:ty),*) => {$(
        impl PairLoss<$score> for AllPairs {
            fn evaluate(
                &mut self,
                s: &[$score],
                t: &[$score],
                in_s: &mut [$score],
                in_t: &mut [$score],
            ) -> Result<Value> {
                self.run(&Points::new(s, t, None)?, in_s, in_t)
            }

            fn evaluate_weighted(
                &mut self,
                s: &[$score],
                t: &[$score],
                weights: Weights,
                in_s: &mut [$score],
                in_t: &mut [$score],
            ) -> Result<Value> {
                self.run(&Points::new(s, t, Some(weights))?, in_s, in_t)
            }
        }
    )*};
}

compiled_here!(f32, f64);
