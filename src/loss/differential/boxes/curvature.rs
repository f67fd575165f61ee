//! Second derivatives by boxes: the same rounds as for the gradient, with σ' between boxes.
//!
//! With D_i = sum_j q_j σ'(t_j - s_i) the diagonal is p_i D_i / pairs, and the product with (v, u)
//! p_i (v_i D_i - sum_j q_j u_j σ'(t_j - s_i)) / pairs: one round for D, one more with u in the weights.

use super::evaluate::Evaluate;
use super::field::Field;
use super::{Boxes, rounding, width};
use crate::loss::differential::points::Points;
use crate::loss::differential::{Algo, Along, Curvature, Score, grow};

impl Boxes {
    /// Fills the product with `along`, or the diagonal.
    pub(super) fn curvature<S: Score>(
        &mut self,
        points: &Points<S>,
        along: Option<Along>,
        of_s: &mut [f64],
        of_t: &mut [f64],
    ) -> Curvature {
        self.place(points);
        let (vectors, width) = (self.vectors, width(self.tol));
        let factor = 1.0 / points.pairs();
        let weights = [points.s.weights, points.t.weights];
        match along {
            None => self.round(points, weights, factor, false, [of_s, of_t]),
            Some((v, u)) => {
                let mut directed = std::mem::take(&mut self.directed);
                for (directed, (side, along)) in directed.iter_mut().zip([(&points.s, v), (&points.t, u)]) {
                    directed.clear();
                    directed.extend(along.iter().enumerate().map(|(at, v)| side.weight(at) * v));
                }
                let [by_v, by_u] = &directed;
                self.round(points, [Some(by_v), Some(by_u)], factor, false, [&mut *of_s, &mut *of_t]);
                // The boxes stay listed: there the weights' sum is not 0, whatever that of weights times direction.
                for (cells, side, directed) in [(&mut self.of_s, &points.s, by_v), (&mut self.of_t, &points.t, by_u)] {
                    cells.gather(vectors, width, side.scores, Some(directed));
                    cells.move_to_nodes(vectors, width);
                }
                self.round(points, weights, -factor, true, [of_s, of_t]);
                self.directed = directed;
            }
        }
        let certified_rel = self.tol.approximation().1 + rounding(points, &self.of_s, &self.of_t, width);
        Curvature { log_scale: 0.0, certified_rel, algo: Algo::Boxes }
    }

    /// Writes, or adds with `keep`, `factor` times weight times the sum over the other side.
    fn round<S: Score>(
        &mut self,
        points: &Points<S>,
        weights: [Option<&[f64]>; 2],
        factor: f64,
        keep: bool,
        out: [&mut [f64]; 2],
    ) {
        let (vectors, width) = (self.vectors, width(self.tol));
        let boxes_per_unit = 1.0 / width.h;
        let [in_s, in_t] = [(&self.of_s, &self.of_t, points.s.scores), (&self.of_t, &self.of_s, points.t.scores)];
        for ((targets, sources, scores), (weights, out)) in [in_s, in_t].into_iter().zip(weights.into_iter().zip(out)) {
            let values = &mut self.values[0];
            grow(values, targets.boxes.numbers.len());
            let kernels = [&width.curvature];
            let out_of_field: [&mut [_]; 1] = [values];
            let (sources, numbers) = (&sources.boxes, &targets.boxes.numbers);
            vectors.run(Field { width, kernels, sources, targets: numbers, out: out_of_field });
            targets.spread(vectors, width, values, factor, &mut self.polynomials);
            let (cell, cells) = (targets.cell(), &self.polynomials[..]);
            Evaluate { scores, boxes_per_unit, cell, cells, weights, keep }.run(vectors, out);
        }
    }
}
