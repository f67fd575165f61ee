//! The pair loss over all pairs, to rounding, by symmetric polynomials: see [`blocks`](super::blocks) for the formula.
//!
//! s: (m,), t: (n,). Cost 4 multiply-adds and 2 / K divisions a pair, memory O(m + n). K is the largest of 16, 8, 4, 2
//! for which a block of K pairs at the data's range R = max - min of all scores stays inside f64: K (R + ln 2) ≤ 640.
//! Beyond R = 319 the definition's own formula runs row by row on all cores (`rows.rs`).
//! The order of addition is fixed by m and n alone, so the result has the same bytes on any number of threads.
//!
//! Error, first order, each of the steps a rounding of 2^-53 on positive numbers: a factor 4, e_k 2 K, Horner 4 K, the
//! sum over n / K blocks 3 n / K, over columns as much with m, the product over 256 rows and over chunks of rows 3 each;
//! [`Value::certified_rel`] is their total.
//! Source: the elementary symmetric polynomials of a product; no published code for this loss was found.

use super::blocks::{LANES, Pass, Product, elementary};
use super::{Algo, PairLoss, Range, Value, check, rows, simd};
use crate::error::Result;
use rayon::prelude::*;

/// Every pair, to rounding.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exact;

// Rows of one parallel task; part of the order of addition.
const CHUNK: usize = 16 * LANES;
// Fewer pairs than this take less time than waking a thread.
const PARALLEL: usize = 1 << 18;
const ROOM: f64 = 640.0;

impl PairLoss for Exact {
    fn evaluate(&self, s: &[f64], t: &[f64], in_s: &mut [f64], in_t: &mut [f64]) -> Result<Value> {
        let range = check(s, t, in_s, in_t)?;
        Ok(exact(s, t, range, in_s, in_t))
    }
}

/// [`Exact`] on sides that were checked.
pub(super) fn exact(s: &[f64], t: &[f64], range: Range, in_s: &mut [f64], in_t: &mut [f64]) -> Value {
    let fits = |k: f64| k * (range.spread() + std::f64::consts::LN_2) <= ROOM;
    if fits(16.0) {
        by_blocks::<16>(s, t, range, in_s, in_t)
    } else if fits(8.0) {
        by_blocks::<8>(s, t, range, in_s, in_t)
    } else if fits(4.0) {
        by_blocks::<4>(s, t, range, in_s, in_t)
    } else if fits(2.0) {
        by_blocks::<2>(s, t, range, in_s, in_t)
    } else {
        rows::by_rows(s, t, range, in_s, in_t)
    }
}

fn by_blocks<const K: usize>(s: &[f64], t: &[f64], range: Range, in_s: &mut [f64], in_t: &mut [f64]) -> Value {
    let centre = range.centre();
    let pairs = s.len() as f64 * t.len() as f64;
    let of_s = factors(s.iter().map(|&s| difference(centre, s)), s.len());
    let of_t = factors(t.iter().map(|&t| difference(t, centre)), t.len());
    let product = pass(&of_s, &elementary::<K>(&of_t), in_s);
    pass(&of_t, &elementary::<K>(&of_s), in_t);
    in_s.iter_mut().for_each(|g| *g /= -pairs);
    in_t.iter_mut().for_each(|g| *g /= pairs);
    let folds = s.len().min(CHUNK + LANES) + s.len() / CHUNK + LANES;
    let steps = 6.0 * K as f64 + 3.0 * (s.len() + t.len()) as f64 / K as f64 + 3.0 * folds as f64 + 16.0;
    Value::unscaled(product.ln() / pairs, steps * f64::EPSILON / 2.0, Algo::Blocks)
}

/// a - b and what rounding took from it; their sum is the difference itself.
pub(super) fn difference(a: f64, b: f64) -> (f64, f64) {
    let d = a - b;
    let back = d - a;
    (d, (a - (d - back)) - (b + back))
}

/// exp of a difference, to rounding also where the scores are 1e6 and their difference is not a float.
pub(super) fn exp((difference, rest): (f64, f64)) -> f64 {
    let e = difference.exp();
    e + e * rest
}

fn factors(differences: impl Iterator<Item = (f64, f64)>, count: usize) -> Vec<f64> {
    let mut factors: Vec<f64> = Vec::with_capacity(count.next_multiple_of(LANES));
    factors.extend(differences.map(exp));
    factors.resize(count.next_multiple_of(LANES), 0.0);
    factors
}

/// Writes each row's sum of slopes; returns the product of 1 + p over all pairs.
fn pass<const K: usize>(factors: &[f64], coefficients: &[[f64; K]], slopes: &mut [f64]) -> Product {
    let chunk = |(factors, slopes): (&[f64], &mut [f64])| {
        let mut padded = [0.0; CHUNK];
        let padded = &mut padded[..factors.len()];
        let product = simd::run(Pass { factors, coefficients, slopes: padded });
        slopes.copy_from_slice(&padded[..slopes.len()]);
        product
    };
    let products: Vec<Product> = if factors.len() * coefficients.len() * K < PARALLEL {
        factors.chunks(CHUNK).zip(slopes.chunks_mut(CHUNK)).map(chunk).collect()
    } else {
        factors.par_chunks(CHUNK).zip(slopes.par_chunks_mut(CHUNK)).map(chunk).collect()
    };
    products.into_iter().fold(Product::default(), Product::times)
}
