//! One side's points in boxes: which box each lies in, and what each box holds.
//!
//! A side that is dense in boxes has one cell for each box from its lowest to its highest; then a point's cell is its
//! box's number less the lowest. A sparse one has cells only for boxes with points, found by sorting, and keeps the cell
//! of each point.

use super::basis::{place, times};
use super::field::Boxes;
use super::kernel::Width;
use crate::loss::differential::points::Side;
use crate::loss::differential::simd::{Arithmetic, LANES, Lanes, Pack, Vectors};
use crate::loss::differential::{Score, grow};
use rayon::prelude::*;

/// How the cell of a point is found.
#[derive(Clone, Copy)]
pub(super) enum Cell<'a> {
    /// The box's number less this.
    Dense(f64),
    /// A cell for each point.
    Sparse(&'a [u32]),
}

/// The cells of one side; memory is kept from call to call.
#[derive(Clone, Debug, Default)]
pub(super) struct Cells {
    lowest: f64,
    count: usize,
    /// The cell of each point, if sparse.
    of_points: Vec<u32>,
    sparse: bool,
    numbers: Vec<f64>,
    /// Sums of the basis over each cell's points; a table for each part of the points.
    moments: Vec<Pack>,
    /// Where points are added at first.
    fresh: Vec<Pack>,
    /// The cells that hold points, in `boxes`' order.
    occupied: Vec<u32>,
    pub(super) boxes: Boxes,
}

// Points are added to `fresh` in turn among this many copies of a cell, so that one need not wait for the other.
const COPIES: usize = 4;
// With more cells the copies leave the first cache.
const COPIED: usize = 256;
const PART: usize = 65_536;
pub(super) const CHUNK: usize = 512;

impl Cells {
    pub(super) fn workspace_bytes(&self) -> usize {
        let packs = self.moments.capacity() + self.fresh.capacity() + self.boxes.nodes.capacity();
        packs * size_of::<Pack>()
            + 4 * (self.of_points.capacity() + self.occupied.capacity())
            + 8 * (self.numbers.capacity() + self.boxes.numbers.capacity() + 2 * self.boxes.sums.capacity())
    }

    /// Finds each point's cell. Scores are at most 1e300 in absolute value.
    pub(super) fn locate<S: Score>(&mut self, side: &Side<S>, boxes_per_unit: f64) {
        self.lowest = (side.low * boxes_per_unit).floor();
        let count = (side.high * boxes_per_unit).floor() - self.lowest + 1.0;
        self.sparse = !is_dense(count, side.scores.len());
        self.numbers.clear();
        self.of_points.clear();
        if !self.sparse {
            self.count = count as usize;
            return;
        }
        let number = |score: &S| (score.to_f64() * boxes_per_unit).floor();
        self.numbers.extend(side.scores.iter().map(number));
        self.numbers.sort_unstable_by(f64::total_cmp);
        // -0 and 0 are one number.
        self.numbers.dedup_by(|a, b| a == b);
        self.count = self.numbers.len();
        let cell = |score: &S| self.numbers.partition_point(|n| *n < number(score)) as u32;
        self.of_points.extend(side.scores.iter().map(cell));
    }

    /// How a point's cell is found from now on.
    pub(super) fn cell(&self) -> Cell<'_> {
        if self.sparse { Cell::Sparse(&self.of_points) } else { Cell::Dense(self.lowest) }
    }

    /// Sums each box's points, each times its weight, if there are weights, into `boxes`.
    ///
    /// The order of addition depends on the number of points and of cells alone: chunks, parts of chunks, parts.
    pub(super) fn gather<S: Score>(&mut self, vectors: Vectors, width: &Width, scores: &[S], weights: Option<&[f64]>) {
        let copies = if self.count <= COPIED { COPIES } else { 1 };
        let chunk = self.chunk();
        let parts = (scores.len() / PART).min(scores.len() / (8 * self.count)).clamp(1, 16);
        let part = scores.len().div_ceil(parts).next_multiple_of(chunk);
        let parts = scores.len().div_ceil(part);
        grow(&mut self.moments, parts * self.count);
        grow(&mut self.fresh, parts * self.count * copies);
        let (lowest, sparse, of_points) = (self.lowest, self.sparse, &self.of_points);
        let work = |(at, ((scores, moments), fresh)): (usize, ((&[S], &mut [Pack]), &mut [Pack]))| {
            for (index, scores) in scores.chunks(chunk).enumerate() {
                let from = at * part + index * chunk;
                let points = from..from + scores.len();
                let cell = if sparse { Cell::Sparse(&of_points[points.clone()]) } else { Cell::Dense(lowest) };
                let weights = weights.map(|weights| &weights[points]);
                vectors.run(Sums { scores, weights, boxes_per_unit: 1.0 / width.h, cell, copies, fresh, moments });
            }
        };
        let count = self.count;
        if parts == 1 {
            work((0, ((scores, &mut self.moments), &mut self.fresh)));
        } else {
            let tables = self.moments.par_chunks_mut(count).zip(self.fresh.par_chunks_mut(count * copies));
            let parts = scores.par_chunks(part).zip(tables).enumerate();
            parts.for_each(|(at, (scores, (moments, fresh)))| work((at, ((scores, moments), fresh))));
        }
        super::super::add_parts(&mut self.moments, count);
        self.moments.truncate(count);
    }

    /// Points that are added one after the other before the table is cleared.
    pub(super) fn chunk(&self) -> usize {
        CHUNK.max(16 * self.count).next_multiple_of(LANES)
    }

    /// Lists the cells whose sum of weights is not 0.
    pub(super) fn occupy(&mut self) {
        self.occupied.clear();
        self.boxes.numbers.clear();
        for (cell, moments) in self.moments.iter().enumerate() {
            if moments.0[0] != 0.0 {
                self.occupied.push(cell as u32);
                let number = if self.sparse { self.numbers[cell] } else { self.lowest + cell as f64 };
                self.boxes.numbers.push(number);
            }
        }
    }

    /// Turns the sums over the listed cells into weights of the nodes.
    pub(super) fn move_to_nodes(&mut self, vectors: Vectors, width: &Width) {
        self.boxes.sums.clear();
        grow(&mut self.boxes.nodes, self.occupied.len());
        for (nodes, cell) in self.boxes.nodes.iter_mut().zip(&self.occupied) {
            *nodes = self.moments[*cell as usize];
            self.boxes.sums.push([nodes.0[0], nodes.0[1]]);
        }
        vectors.run(Times { matrix: &width.to_nodes, packs: &mut self.boxes.nodes, factor: 1.0 });
    }

    /// Writes values at the nodes of the listed boxes, times `factor`, as polynomials into all `cells`.
    pub(super) fn spread(
        &self,
        vectors: Vectors,
        width: &Width,
        values: &mut [Pack],
        factor: f64,
        cells: &mut Vec<Pack>,
    ) {
        vectors.run(Times { matrix: &width.to_basis, packs: values, factor });
        grow(cells, self.count);
        for (values, cell) in values.iter().zip(&self.occupied) {
            cells[*cell as usize] = *values;
        }
    }
}

/// Whether a table over all boxes costs less than sorting.
pub(super) fn is_dense(boxes: f64, points: usize) -> bool {
    boxes <= (1 << 17) as f64 && boxes <= (256 + 2 * points) as f64
}

/// Replaces each pack v by factor · v · matrix.
struct Times<'a> {
    matrix: &'a [Pack; LANES],
    packs: &'a mut [Pack],
    factor: f64,
}

impl Arithmetic for Times<'_> {
    type Out = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        for pack in self.packs {
            times::<L>(pack, self.matrix).mul(L::splat(self.factor)).store(pack);
        }
    }
}

/// Adds points' basis functions to `fresh`, then `fresh` to `moments`, and clears it.
struct Sums<'a, S> {
    scores: &'a [S],
    weights: Option<&'a [f64]>,
    boxes_per_unit: f64,
    cell: Cell<'a>,
    copies: usize,
    fresh: &'a mut [Pack],
    moments: &'a mut [Pack],
}

impl<S: Score> Arithmetic for Sums<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        match (self.copies, self.weights) {
            (COPIES, None) => self.add::<L, COPIES, false>(),
            (COPIES, Some(_)) => self.add::<L, COPIES, true>(),
            (_, None) => self.add::<L, 1, false>(),
            (_, Some(_)) => self.add::<L, 1, true>(),
        }
    }
}

impl<S: Score> Sums<'_, S> {
    #[inline(always)]
    fn add<L: Lanes, const COPIES: usize, const WEIGHTED: bool>(mut self) {
        let (eights, tail) = self.scores.as_chunks::<LANES>();
        for (at, eight) in eights.iter().enumerate() {
            self.add_eight::<L, COPIES, WEIGHTED>(at, eight);
        }
        self.add_eight::<L, COPIES, WEIGHTED>(eights.len(), tail);
        for (moments, fresh) in self.moments.iter_mut().zip(self.fresh.as_chunks_mut::<COPIES>().0) {
            let mut sum = L::load(moments);
            for copy in fresh {
                sum = sum.add(L::load(copy));
                *copy = Pack::default();
            }
            sum.store(moments);
        }
    }

    #[inline(always)]
    fn add_eight<L: Lanes, const COPIES: usize, const WEIGHTED: bool>(&mut self, at: usize, eight: &[S]) {
        let mut scores = Pack::default();
        for l in 0..eight.len() {
            scores.0[l] = eight[l].to_f64();
        }
        let (number, [u, v, w]) = place::<L>(&scores, self.boxes_per_unit);
        let cells = cells::<L>(self.cell, at, number);
        for l in 0..eight.len() {
            let fresh = &mut self.fresh[cells[l] * COPIES + l % COPIES];
            let mut factor = L::upper(w.0[l]);
            if WEIGHTED && let Some(weights) = self.weights {
                factor = factor.mul(L::splat(weights[LANES * at + l]));
            }
            L::products(u.0[l], v.0[l]).mul_add(factor, L::load(fresh)).store(fresh);
        }
    }
}

/// The cells of eight points, of pack `at`, in boxes of these numbers.
#[inline(always)]
pub(super) fn cells<L: Lanes>(cell: Cell, at: usize, number: L) -> [usize; LANES] {
    let mut out = [0; LANES];
    match cell {
        Cell::Dense(lowest) => {
            // 2^52 + cell, whose low bits are the cell.
            let mut bits = Pack::default();
            number.sub(L::splat(lowest)).add(L::splat(4_503_599_627_370_496.0)).store(&mut bits);
            for l in 0..LANES {
                out[l] = bits.0[l].to_bits() as u32 as usize;
            }
        }
        Cell::Sparse(of_points) => {
            let of_points = &of_points[at * LANES..];
            for l in 0..LANES.min(of_points.len()) {
                out[l] = of_points[l] as usize;
            }
        }
    }
    out
}
