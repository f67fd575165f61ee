//! The pair loss over all pairs, to rounding, by symmetric polynomials: see [`blocks`] for the formula.
//!
//! s: (m,), t: (n,). Cost 3 multiply-adds and 1 / K divisions a pair, memory O(m + n). K is at most 16, 8, 4 or 2, such
//! that a block of K pairs at the data's range R = max - min of all scores stays inside f64: K (R + ln 2) ≤ 640.
//! Beyond R = 319, and for weighted points, the definition's own formula runs row by row on all cores (`rows.rs`); second
//! derivatives run pair by pair in vectors (`curvature.rs`).
//! The order of addition is fixed by m and n alone, so the result has the same bytes on any number of threads.
//!
//! Error, first order, in roundings of 2^-53 on positive numbers: a factor 6; e_k 2 K; Horner and the quotient 2 K + 6;
//! a row's sum n / K blocks; a column's M_k m / 8 lanes and 2 K for the factors left out; the product 3 n / K and the
//! fold over rows 3 m / 8; up to 8 partial sums each. [`Value::certified_rel`] is their total.
//! Source: the elementary symmetric polynomials of a product; no published code for this loss was found.

mod blocks;
pub(super) mod curvature;
mod product;

use super::engine::Engine;
use super::points::Points;
use super::simd::{Arithmetic, LANES, Lanes, Pack, Vectors, exp};
use super::{Algo, Along, Curvature, Score, Value, add_parts, grow, rows};
use crate::error::Result;
use blocks::{Columns, Elementary, GROUP, Pass};
use product::Product;
use rayon::prelude::*;

/// Every pair, to rounding.
#[derive(Clone, Debug)]
pub struct Exact {
    vectors: Vectors,
    workspace: Workspace,
}

/// What is kept from call to call, so that nothing is allocated after the first.
#[derive(Clone, Debug, Default)]
struct Workspace {
    of_s: Vec<Pack>,
    of_t: Vec<Pack>,
    elementary: Vec<Pack>,
    /// For each stripe of columns, the rows' slopes.
    slopes: Vec<Pack>,
    /// For each stripe of rows, the columns' M_k.
    moments: Vec<Pack>,
    products: Vec<Product>,
}

// Fewer pairs than this take less time than waking a thread.
const PARALLEL: f64 = 262_144.0;
const ROOM: f64 = 640.0;

impl Default for Exact {
    fn default() -> Self {
        Self { vectors: Vectors::widest(), workspace: Workspace::default() }
    }
}

impl Exact {
    /// On these vectors, or on the baseline if the processor lacks them: for the same bytes on another processor.
    pub fn with_vectors(vectors: Vectors) -> Self {
        Self { vectors, ..Self::default() }
    }

    /// The memory it holds between calls.
    pub fn workspace_bytes(&self) -> usize {
        let work = &self.workspace;
        let packs = [&work.of_s, &work.of_t, &work.elementary, &work.slopes, &work.moments];
        packs.iter().map(|packs| packs.capacity() * size_of::<Pack>()).sum::<usize>()
            + work.products.capacity() * size_of::<Product>()
    }

    /// [`PairLoss::evaluate`] on sides that were checked.
    pub(super) fn run<S: Score>(&mut self, points: &Points<S>, in_s: &mut [S], in_t: &mut [S]) -> Value {
        match block_size(points) {
            Some(16) => self.by_blocks::<S, 16>(points, in_s, in_t),
            Some(8) => self.by_blocks::<S, 8>(points, in_s, in_t),
            Some(4) => self.by_blocks::<S, 4>(points, in_s, in_t),
            Some(_) => self.by_blocks::<S, 2>(points, in_s, in_t),
            None => rows::by_rows(points, in_s, in_t),
        }
    }

    fn by_blocks<S: Score, const K: usize>(&mut self, points: &Points<S>, in_s: &mut [S], in_t: &mut [S]) -> Value {
        let (vectors, work) = (self.vectors, &mut self.workspace);
        let (m, n) = (points.s.scores.len(), points.t.scores.len());
        let centre = points.centre();
        vectors.run(Factors { scores: points.s.scores, centre, sign: -1.0, unit: GROUP, out: &mut work.of_s });
        vectors.run(Factors { scores: points.t.scores, centre, sign: 1.0, unit: K, out: &mut work.of_t });
        grow(&mut work.elementary, work.of_t.len());
        vectors.run(Elementary::<K> { factors: &work.of_t, elementary: &mut work.elementary });

        let pairs = m as f64 * n as f64;
        // Parts of rows and of columns, by the sizes alone: each pair of parts is a task with its own partial sums.
        let part = |packs: usize, unit: usize| packs.div_ceil((packs / 256).clamp(1, 8)).next_multiple_of(unit);
        let (rows, columns) = (part(work.of_s.len(), GROUP), part(work.of_t.len(), K));
        let (row_parts, column_parts) = (work.of_s.len().div_ceil(rows), work.of_t.len().div_ceil(columns));
        let tasks = row_parts * column_parts;
        grow(&mut work.slopes, tasks * rows);
        grow(&mut work.moments, tasks * columns);
        work.products.clear();
        work.products.resize(tasks, Product::default());
        let highest = points.t.high - points.s.low;
        let a_pair = highest.max(0.0) + f64::ln_1p((-highest.abs()).exp());
        let between_peels = (ROOM / (K as f64 * a_pair)).clamp(1.0, 1e6) as usize;
        let task = |(at, ((slopes, moments), product)): (usize, ((&mut [Pack], &mut [Pack]), &mut Product))| {
            let (row, column) = (at % row_parts * rows, at / row_parts * columns);
            let of_rows = &work.of_s[row..(row + rows).min(work.of_s.len())];
            let elementary = &work.elementary[column..(column + columns).min(work.of_t.len())];
            *product = vectors.run(Pass::<K> { rows: of_rows, elementary, slopes, moments, between_peels });
        };
        if pairs < PARALLEL || tasks == 1 {
            let sums = work.slopes.chunks_mut(rows).zip(work.moments.chunks_mut(columns));
            sums.zip(&mut work.products).enumerate().for_each(task);
        } else {
            let sums = work.slopes.par_chunks_mut(rows).zip(work.moments.par_chunks_mut(columns));
            sums.zip(&mut work.products).enumerate().for_each(task);
        }
        let product = vectors.run(Total(&work.products));
        add_parts(&mut work.slopes, row_parts * rows);
        for column in 0..column_parts {
            let first = column * row_parts * columns;
            add_parts(&mut work.moments[first..first + row_parts * columns], columns);
            work.moments.copy_within(first..first + columns, column * columns);
        }
        let moments = &mut work.moments[..work.of_t.len()];
        vectors.run(Columns::<K> { factors: &work.of_t, moments });
        let write = |out: &mut [S], slopes: &[Pack], factor: f64| {
            let slopes = slopes.iter().flat_map(|pack| &pack.0);
            out.iter_mut().zip(slopes).for_each(|(g, slope)| *g = S::from_f64(slope * factor));
        };
        write(in_s, &work.slopes, -1.0 / pairs);
        write(in_t, &work.moments, 1.0 / pairs);

        let (m, n) = (m as f64, n as f64);
        let k = K as f64;
        let steps = 6.0 * k + 3.0 * n / k + 3.0 * m / LANES as f64 + 96.0;
        Value::unscaled(product.ln() / pairs, steps * f64::EPSILON / 2.0, Algo::Blocks)
    }
}

impl Engine for Exact {
    fn gradient<S: Score>(&mut self, points: &Points<S>, in_s: &mut [S], in_t: &mut [S]) -> Result<Value> {
        Ok(self.run(points, in_s, in_t))
    }

    fn second<S: Score>(
        &mut self,
        points: &Points<S>,
        along: Option<Along>,
        of_s: &mut [f64],
        of_t: &mut [f64],
    ) -> Result<Curvature> {
        Ok(curvature::by_pairs(self.vectors, points, along, of_s, of_t))
    }
}

// K, and nanoseconds a padded pair on one core with AVX-512 (measured).
const BLOCKS: [(usize, f64); 4] = [(16, 0.1), (8, 0.11), (4, 0.17), (2, 0.3)];
const BY_ROWS: f64 = 22.0;

/// The block sizes that fit these points, with nanoseconds a pair.
fn fitting<S: Score>(points: &Points<S>) -> impl Iterator<Item = (usize, f64)> {
    let (spread, n, weighted) = (points.spread(), points.t.scores.len(), points.weighted());
    let fits = move |k: usize| !weighted && k as f64 * (spread + std::f64::consts::LN_2) <= ROOM;
    let padded = move |(k, cost): (usize, f64)| (k, cost * n.next_multiple_of(k * LANES) as f64 / n as f64);
    BLOCKS.into_iter().filter(move |(k, _)| fits(*k)).map(padded)
}

/// The K with the least work for these points; `None` if no block fits.
fn block_size<S: Score>(points: &Points<S>) -> Option<usize> {
    fitting(points).min_by(|a, b| a.1.total_cmp(&b.1)).map(|(k, _)| k)
}

/// What a pair is expected to take.
pub(super) fn nanoseconds_a_pair<S: Score>(points: &Points<S>) -> f64 {
    fitting(points).map(|(_, cost)| cost).min_by(f64::total_cmp).unwrap_or(BY_ROWS)
}

/// exp(sign · (score - centre)) of each score, then zeros up to a multiple of `unit` packs.
///
/// To rounding also where the scores are 1e6 and their difference is no float: what its rounding took enters too.
pub(super) struct Factors<'a, S> {
    pub(super) scores: &'a [S],
    pub(super) centre: f64,
    pub(super) sign: f64,
    pub(super) unit: usize,
    pub(super) out: &'a mut Vec<Pack>,
}

impl<S: Score> Arithmetic for Factors<'_, S> {
    type Out = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        grow(self.out, self.scores.len().div_ceil(LANES).next_multiple_of(self.unit));
        let (centre, sign) = (L::splat(self.centre), L::splat(self.sign));
        for (scores, out) in self.scores.chunks(LANES).zip(self.out) {
            let mut pack = Pack([self.centre; LANES]);
            (0..scores.len()).for_each(|l| pack.0[l] = scores[l].to_f64());
            let score = L::load(&pack);
            let difference = score.sub(centre);
            let back = difference.sub(score);
            let rest = score.sub(difference.sub(back)).sub(centre.add(back));
            let e = exp(difference.mul(sign));
            e.mul_add(rest.mul(sign), e).store(out);
            out.0[scores.len()..].fill(0.0);
        }
    }
}

struct Total<'a>(&'a [Product]);

impl Arithmetic for Total<'_> {
    type Out = Product;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Product {
        let mut total = Product::default();
        self.0.iter().for_each(|product| total.times::<L>(product));
        total
    }
}
