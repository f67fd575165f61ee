//! The polynomial of each point's box, at the point.

use super::basis::place;
use super::cells::{Cell, cells};
use crate::loss::differential::Score;
use crate::loss::differential::simd::{Arithmetic, LANES, Lanes, Pack, Vectors};
use rayon::prelude::*;

/// out_i = weight_i · value_i, or + out_i with `keep`.
pub(super) struct Evaluate<'a, S> {
    pub(super) scores: &'a [S],
    pub(super) boxes_per_unit: f64,
    pub(super) cell: Cell<'a>,
    /// Coefficients of the basis.
    pub(super) cells: &'a [Pack],
    pub(super) weights: Option<&'a [f64]>,
    pub(super) keep: bool,
}

// Points of one parallel task; fewer take less time than waking a thread.
const CHUNK: usize = 16_384;

impl<S: Score> Evaluate<'_, S> {
    /// Fills `out`, one number for each score.
    pub(super) fn run<O: Score>(self, vectors: Vectors, out: &mut [O]) {
        let chunk = |(at, out): (usize, &mut [O])| {
            let points = at * CHUNK..at * CHUNK + out.len();
            let cell = match self.cell {
                Cell::Sparse(of_points) => Cell::Sparse(&of_points[points.clone()]),
                dense => dense,
            };
            let (scores, weights) = (&self.scores[points.clone()], self.weights.map(|weights| &weights[points]));
            vectors.run(Chunk { all: Evaluate { scores, weights, cell, ..self }, out });
        };
        if out.len() <= 4 * CHUNK {
            out.chunks_mut(CHUNK).enumerate().for_each(chunk);
        } else {
            out.par_chunks_mut(CHUNK).enumerate().for_each(chunk);
        }
    }
}

struct Chunk<'a, S, O> {
    all: Evaluate<'a, S>,
    out: &'a mut [O],
}

impl<S: Score, O: Score> Arithmetic for Chunk<'_, S, O> {
    type Out = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self) {
        let (eights, tail) = self.all.scores.as_chunks::<LANES>();
        let plain = self.all.weights.is_none() && !self.all.keep;
        for (at, eight) in eights.iter().enumerate() {
            let values = self.eight::<L>(at, eight);
            if plain {
                let out = &mut self.out[at * LANES..at * LANES + LANES];
                for l in 0..LANES {
                    out[l] = O::from_f64(values.0[l]);
                }
            } else {
                self.write(at, LANES, &values);
            }
        }
        let values = self.eight::<L>(eights.len(), tail);
        self.write(eights.len(), tail.len(), &values);
    }
}

impl<S: Score, O: Score> Chunk<'_, S, O> {
    /// The polynomials at up to eight points.
    #[inline(always)]
    fn eight<L: Lanes>(&self, at: usize, eight: &[S]) -> Pack {
        let mut scores = Pack::default();
        for l in 0..eight.len() {
            scores.0[l] = eight[l].to_f64();
        }
        let (number, [u, v, w]) = place::<L>(&scores, self.all.boxes_per_unit);
        let cells = cells::<L>(self.all.cell, at, number);
        let mut terms = [L::splat(0.0); LANES];
        for l in 0..LANES {
            if l < eight.len() {
                let factor = L::upper(w.0[l]).mul(L::load(&self.all.cells[cells[l]]));
                terms[l] = L::products(u.0[l], v.0[l]).mul(factor);
            }
        }
        let mut values = Pack::default();
        L::sums(&terms).store(&mut values);
        values
    }

    #[inline(always)]
    fn write(&mut self, at: usize, count: usize, values: &Pack) {
        for l in 0..count {
            let point = at * LANES + l;
            let weight = match self.all.weights {
                Some(weights) => weights[point],
                None => 1.0,
            };
            let kept = if self.all.keep { self.out[point].to_f64() } else { 0.0 };
            self.out[point] = O::from_f64(weight * values.0[l] + kept);
        }
    }
}
