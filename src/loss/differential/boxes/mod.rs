//! The pair loss in time linear in the number of points, every component within a relative bound.
//!
//! 1. Scores fall into boxes of width h on one fixed grid. A box keeps eight sums over its points (`basis.rs`).
//! 2. The sums become weights of eight Chebyshev nodes, as if the points sat there.
//! 3. Boxes act on boxes: near ones by tables of the function at pairs of nodes, far ones by a series whose terms split
//!    into a source's and a target's part, in two scans (`kernel.rs`, `field.rs`).
//! 4. The values at a box's nodes are a polynomial; each point evaluates its box's (`evaluate.rs`).
//!
//! Cost about 3 ns a point and 0.1 µs a box; memory O(boxes). With two points, s = (2), t = (0): L = 0.126928011.
//!
//! # The bound
//!
//! Let K be softplus, sigmoid or its derivative, all positive, and x = t - s for s and t anywhere in two boxes. The
//! engine replaces K(x) by its interpolant K̂(x) in both places. Cauchy's remainder at eight Chebyshev nodes is
//! K⁽⁸⁾ / 8! · (h / 2)⁸ · prod (u - u_p), the product at most 2⁻⁷; first in one variable, then, under the operator of
//! norm Λ = 2.287 (Lebesgue's constant), in the other. Moving one place within its box moves x by at most h, both by
//! 2 h, and changes K by at most the factor e^h or e^2h, because |log K|' ≤ 1. With M = max over all x of |K⁽⁸⁾| / K,
//!     |K̂ - K| ≤ ε K,   ε = (h / 2)⁸ / (8! 2⁷) · M (e^h + Λ e^2h) + τ,
//! where τ is what the terms 17 and on of the series add at |x| ≥ 2: 3.1e-13 for sigmoid', 2e-14 else. M is 2.64, 6.5
//! and 31: sigmoid's derivatives are polynomials in sigmoid. Every weight is positive, so a sum of terms each within ε is
//! within ε: of the loss and of *every component* of the gradient, for any data and any m and n. A product of the
//! Hessian has terms of both signs and is within ε of the sum of their absolute values.
//!
//! | [`Tol`] | h | proved: softplus, sigmoid, sigmoid' | sampled |
//! |---|---|---|---|
//! | Fine | 1/4 | 1.6e-13, 4.0e-13, 2.2e-12 | 5.9e-14, 1.6e-13, 7.1e-13 |
//! | Mid | 1/2 | 6.2e-11, 1.6e-10, 7.3e-10 | 1.7e-11, 4.0e-11, 1.8e-10 |
//! | Coarse | 1 | 4.0e-8, 9.7e-8, 4.7e-7 | 4.6e-9, 1.3e-8, 4.1e-8 |
//!
//! Proved: M by exact rational arithmetic on Bernstein coefficients, the rest by interval arithmetic
//! (`tests/reference/boxes.py`). Sampled: the largest error of K̂ at 2,000 places in each of 13 to 23 pairs of boxes, at
//! 50 digits; it shows how much room the proof leaves, and nothing relies on it. Rounding is not in the table. It is
//! counted in 2⁻⁵³ to first order, not proved, and added: see [`rounding`].
//! Sources: Trefethen, Approximation Theory and Approximation Practice, for the remainder and Λ. The algorithm is a
//! one-dimensional, one-level fast multipole method; a component-wise bound for this loss was found nowhere.

mod basis;
mod cells;
mod curvature;
mod evaluate;
mod field;
mod kernel;
#[cfg(feature = "cuda")]
mod tables;

use super::engine::Engine;
use super::points::Points;
use super::simd::{Arithmetic, Lanes, Pack, Vectors};
use super::tolerance::Tol;
use super::{Algo, Along, Curvature, Score, Value, grow};
use crate::error::{Error, Result};
use cells::Cells;
use evaluate::Evaluate;
use field::Field;
use kernel::Width;
use std::sync::OnceLock;

#[cfg(feature = "cuda")]
pub(crate) use tables::tables;

/// Linear time, within a relative bound.
#[derive(Clone, Debug)]
pub struct Boxes {
    tol: Tol,
    vectors: Vectors,
    of_s: Cells,
    of_t: Cells,
    /// Values at nodes.
    values: [Vec<Pack>; 2],
    /// Polynomials of all cells.
    polynomials: Vec<Pack>,
    /// For second derivatives, weights times a direction on each side.
    directed: [Vec<f64>; 2],
}

/// Scores up to here have a box's number that is a float.
pub(super) const LARGEST: f64 = 1e300;

impl Boxes {
    /// With the bound of `tol`; [`Tol::Exact`] has none here and counts as [`Tol::Fine`].
    pub fn new(tol: Tol) -> Self {
        Self::with_vectors(tol, Vectors::widest())
    }

    /// On these vectors, or on the baseline if the processor lacks them.
    pub fn with_vectors(tol: Tol, vectors: Vectors) -> Self {
        let (of_s, of_t) = (Cells::default(), Cells::default());
        Self {
            tol,
            vectors,
            of_s,
            of_t,
            values: Default::default(),
            polynomials: Vec::new(),
            directed: Default::default(),
        }
    }

    /// The memory it holds between calls.
    pub fn workspace_bytes(&self) -> usize {
        let packs = self.values[0].capacity() + self.values[1].capacity() + self.polynomials.capacity();
        let directed = 8 * (self.directed[0].capacity() + self.directed[1].capacity());
        self.of_s.workspace_bytes() + self.of_t.workspace_bytes() + packs * size_of::<Pack>() + directed
    }

    /// Brings the scores of both sides to the nodes of their boxes.
    fn place<S: Score>(&mut self, points: &Points<S>) {
        let (vectors, width) = (self.vectors, width(self.tol));
        for (cells, side) in [(&mut self.of_s, &points.s), (&mut self.of_t, &points.t)] {
            cells.locate(side, 1.0 / width.h);
            cells.gather(vectors, width, side.scores, side.weights);
            cells.occupy();
            cells.move_to_nodes(vectors, width);
        }
    }

    fn run<S: Score>(&mut self, points: &Points<S>, in_s: &mut [S], in_t: &mut [S]) -> Value {
        self.place(points);
        let (vectors, width) = (self.vectors, width(self.tol));
        let boxes_per_unit = 1.0 / width.h;
        let pairs = points.pairs();
        let [losses, slopes] = &mut self.values;
        grow(losses, self.of_s.boxes.numbers.len());
        grow(slopes, self.of_s.boxes.numbers.len());
        vectors.run(Field {
            width,
            kernels: [&width.softplus, &width.slope],
            sources: &self.of_t.boxes,
            targets: &self.of_s.boxes.numbers,
            out: [losses, slopes],
        });
        let loss = vectors.run(Dot(&self.of_s.boxes.nodes, losses));
        self.of_s.spread(vectors, width, slopes, -1.0 / pairs, &mut self.polynomials);
        let (cell, cells) = (self.of_s.cell(), &self.polynomials[..]);
        let (scores, weights) = (points.s.scores, points.s.weights);
        Evaluate { scores, boxes_per_unit, cell, cells, weights, keep: false }.run(vectors, in_s);

        grow(slopes, self.of_t.boxes.numbers.len());
        vectors.run(Field {
            width,
            kernels: [&width.opposite],
            sources: &self.of_s.boxes,
            targets: &self.of_t.boxes.numbers,
            out: [slopes],
        });
        self.of_t.spread(vectors, width, slopes, 1.0 / pairs, &mut self.polynomials);
        let (cell, cells) = (self.of_t.cell(), &self.polynomials[..]);
        let (scores, weights) = (points.t.scores, points.t.weights);
        Evaluate { scores, boxes_per_unit, cell, cells, weights, keep: false }.run(vectors, in_t);
        let certified = self.tol.approximation().0 + rounding(points, &self.of_s, &self.of_t, width);
        Value::unscaled(loss / pairs, certified, Algo::Boxes)
    }

    /// What a call is expected to take on one core (measured).
    pub(super) fn nanoseconds<S: Score>(&self, points: &Points<S>) -> f64 {
        let width = self.tol.width();
        let (m, n) = (points.s.scores.len(), points.t.scores.len());
        let side = |range: f64, count: usize| {
            let boxes = (range / width).floor() + 1.0;
            let occupied = boxes.min(count as f64);
            let near = (1.0 + 16.0 / width).min(1.0 + (boxes - 1.0) / 2.0);
            let sorting = if cells::is_dense(boxes, count) { 0.0 } else { 120.0 * count as f64 };
            4.0 * count as f64 + sorting + occupied * (40.0 + 2.0 * near)
        };
        1500.0 + side(points.s.high - points.s.low, m) + side(points.t.high - points.t.low, n)
    }
}

impl Engine for Boxes {
    fn gradient<S: Score>(&mut self, points: &Points<S>, in_s: &mut [S], in_t: &mut [S]) -> Result<Value> {
        check_size(points)?;
        Ok(self.run(points, in_s, in_t))
    }

    fn second<S: Score>(
        &mut self,
        points: &Points<S>,
        along: Option<Along>,
        of_s: &mut [f64],
        of_t: &mut [f64],
    ) -> Result<Curvature> {
        check_size(points)?;
        Ok(self.curvature(points, along, of_s, of_t))
    }
}

fn check_size<S: Score>(points: &Points<S>) -> Result<()> {
    let largest = points.high().max(-points.low());
    if largest > LARGEST {
        let expected = format!("scores of at most {LARGEST:e}");
        return Err(Error::Value { op: super::OP, expected, got: format!("{largest:e}") });
    }
    Ok(())
}

fn width(tol: Tol) -> &'static Width {
    static WIDTHS: [OnceLock<Width>; 3] = [const { OnceLock::new() }; 3];
    let at = match tol {
        Tol::Fine | Tol::Exact => 0,
        Tol::Mid => 1,
        Tol::Coarse => 2,
    };
    WIDTHS[at].get_or_init(|| Width::new(tol.width()))
}

/// A bound on the relative effect of rounding, to first order.
///
/// A box's sum of n positive numbers of at most 1, times weights, carries one rounding a point of a copy's chunk, one a
/// chunk and one a part, and 8 for the basis. Its effect on a value is at most Σ|coefficients| of Lagrange's polynomials,
/// AMPLIFIED, times the function's growth over a box; the values, sums of up to 17 near boxes of 8 nodes, are amplified
/// again by Λ. Decay over g boxes multiplies by g rounded factors, alike for all nodes of a box: not amplified.
fn rounding<S: Score>(points: &Points<S>, of_s: &Cells, of_t: &Cells, width: &Width) -> f64 {
    const AMPLIFIED: f64 = 24.0;
    const LEBESGUE: f64 = 2.287;
    let chain = |cells: &Cells, count: usize| {
        let chunk = cells.chunk();
        let copies = if chunk == cells::CHUNK { 4 } else { 1 };
        (chunk.min(count) / copies + count / chunk + 24) as f64
    };
    let sums = chain(of_s, points.s.scores.len()).max(chain(of_t, points.t.scores.len()));
    let near = 8.0 * (2.0 * width.near + 1.0) / 4.0 + 32.0;
    let decay = 2.0 * points.spread().min(746.0) / width.h + 2.0 * width.near;
    let steps = LEBESGUE * width.h.exp() * (AMPLIFIED * sums + LEBESGUE * near) + decay;
    steps * f64::EPSILON / 2.0
}

/// The sum of products of both.
struct Dot<'a>(&'a [Pack], &'a [Pack]);

impl Arithmetic for Dot<'_> {
    type Out = f64;

    #[inline(always)]
    fn run<L: Lanes>(self) -> f64 {
        let mut sums = [L::splat(0.0); super::simd::LANES];
        for (a, b) in self.0.iter().zip(self.1) {
            sums[0] = L::load(a).mul_add(L::load(b), sums[0]);
        }
        let mut out = Pack::default();
        L::sums(&sums).store(&mut out);
        out.0[0]
    }
}
