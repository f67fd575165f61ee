//! One engine for any scores: the choice between the others.
//!
//! Every positive above every negative by 8 or more: `separated`, linear time. Else whichever of [`Exact`] and [`Boxes`]
//! is expected to take less time; with [`Tol::Exact`] always the first. Both sides of each seam agree within the sum of
//! their bounds (tested).
//! s = (2000), t = (0): log L = -2000, gradient of log L = (-1, 1), mean 0.

use super::boxes::LARGEST;
use super::engine::Engine;
use super::exact::{curvature, nanoseconds_a_pair};
use super::points::Points;
use super::separated::{MARGIN, Separated};
use super::{Along, Boxes, Curvature, Exact, Score, Tol, Value, Vectors};
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

    /// Whether boxes answer, given what the exact engine is expected to take.
    fn by_boxes<S: Score>(&self, points: &Points<S>, boxes: f64, exact: f64) -> bool {
        let small = points.high().max(-points.low()) <= LARGEST;
        self.tol != Tol::Exact && small && boxes < exact
    }
}

/// What [`Exact`] is expected to take on one core; measured, and fixed, so that the choice depends on the scores alone.
fn exact_nanoseconds<S: Score>(points: &Points<S>) -> f64 {
    let pairs = points.s.scores.len() as f64 * points.t.scores.len() as f64;
    500.0 + 4.0 * points.count() as f64 + nanoseconds_a_pair(points) * pairs
}

impl Engine for AllPairs {
    fn gradient<S: Score>(&mut self, points: &Points<S>, in_s: &mut [S], in_t: &mut [S]) -> Result<Value> {
        if points.margin() >= MARGIN {
            return Ok(self.separated.run(self.vectors, points, in_s, in_t));
        }
        if self.by_boxes(points, self.boxes.nanoseconds(points), exact_nanoseconds(points)) {
            return self.boxes.gradient(points, in_s, in_t);
        }
        self.exact.gradient(points, in_s, in_t)
    }

    fn second<S: Score>(
        &mut self,
        points: &Points<S>,
        along: Option<Along>,
        of_s: &mut [f64],
        of_t: &mut [f64],
    ) -> Result<Curvature> {
        if points.margin() >= MARGIN {
            return Ok(self.separated.second(self.vectors, points, along, of_s, of_t));
        }
        let pairs = points.s.scores.len() as f64 * points.t.scores.len() as f64;
        // A product takes two rounds through the boxes.
        if self.by_boxes(points, 2.5 * self.boxes.nanoseconds(points), curvature::NANOSECONDS_A_PAIR * pairs) {
            return self.boxes.second(points, along, of_s, of_t);
        }
        self.exact.second(points, along, of_s, of_t)
    }
}
