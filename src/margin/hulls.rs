//! The points of a problem in the one form the solver works on: rows near 1 in size, in one block, in one or two groups.
//!
//! A combination takes weights that sum to 1 in each group; the solver looks for the shortest one. Two groups, x_i and
//! -z_j: the difference of two points of the hulls. One group, label·(x, s): a point of one hull.
//! Rows are scaled by a power of two and, where a shift changes nothing, moved near the origin. For integers and other
//! short numbers the move is exact; `rounding` says what it cost otherwise.

use super::points::{Rows, dot, rows_of};
use rayon::prelude::*;

/// Passes over fewer values stay on one thread.
const PARALLEL: usize = 1 << 18;
const BLOCK: usize = 1024;

pub(super) struct Hulls {
    /// Length of a row.
    pub d: usize,
    /// (n, d), row-major.
    values: Vec<f64>,
    /// Where each group ends; the last is n.
    pub ends: Vec<usize>,
    /// The length of the longest row.
    pub norm: f64,
    /// A bound on the distance of a row from the true, scaled point.
    pub rounding: f64,
    /// Row = sign · (point · scale - centre).
    pub scale: f64,
    pub centre: Vec<f64>,
    /// The means of the groups, added up: a direction to start with.
    pub means: Vec<f64>,
}

impl Hulls {
    /// x_i and -z_j, moved near the origin by the same centre. `largest`: of the absolute coordinates.
    pub fn difference(d: usize, largest: f64, pos: &(impl Rows + ?Sized), neg: &(impl Rows + ?Sized)) -> Self {
        let scale = power_of_two(largest);
        // A mean of some of them is near enough.
        let mut centre = vec![0.0; d];
        let mut taken = 0.0;
        for row in sample(pos).chain(sample(neg)) {
            centre.iter_mut().zip(row).for_each(|(c, v)| *c += v * scale);
            taken += 1.0;
        }
        // 24 bits: subtracting a short number from short numbers rounds nothing.
        centre.iter_mut().for_each(|c| *c = f64::from((*c / taken) as f32));
        let mut hulls = Self::empty(d, scale, pos.count() + neg.count());
        let mut inexact = 0.0;
        for (sign, row) in rows_of(pos).map(|row| (1.0, row)).chain(rows_of(neg).map(|row| (-1.0, row))) {
            hulls.values.extend(row.iter().zip(&centre).map(|(v, c)| {
                let (moved, error) = two_difference(v * scale, *c);
                inexact += error.abs();
                sign * moved
            }));
        }
        hulls.finish(&[pos.count(), neg.count()]);
        if inexact > 0.0 {
            hulls.rounding = hulls.norm * f64::EPSILON;
        }
        Self { centre, ..hulls }
    }

    /// label · (x, bias): one group, not moved. `largest`: of the absolute coordinates and the bias.
    pub fn signed(d: usize, largest: f64, pos: &(impl Rows + ?Sized), neg: &(impl Rows + ?Sized), bias: f64) -> Self {
        let scale = power_of_two(largest);
        let mut hulls = Self::empty(d + 1, scale, pos.count() + neg.count());
        for (sign, row) in rows_of(pos).map(|row| (scale, row)).chain(rows_of(neg).map(|row| (-scale, row))) {
            hulls.values.extend(row.iter().map(|v| sign * v));
            hulls.values.push(sign * bias);
        }
        hulls.finish(&[pos.count() + neg.count()]);
        hulls
    }

    fn empty(d: usize, scale: f64, count: usize) -> Self {
        let values = Vec::with_capacity(count * d);
        let centre = vec![0.0; d];
        Self { d, values, ends: Vec::new(), norm: 0.0, rounding: 0.0, scale, centre, means: Vec::new() }
    }

    /// Sets what one pass over the rows tells.
    fn finish(&mut self, counts: &[usize]) {
        self.means = vec![0.0; self.d];
        let mut squared = 0.0_f64;
        let mut begin = 0;
        for count in counts {
            let mut sum = vec![0.0; self.d];
            for row in self.values[begin * self.d..(begin + count) * self.d].chunks_exact(self.d) {
                squared = squared.max(dot(row, row));
                sum.iter_mut().zip(row).for_each(|(s, v)| *s += v);
            }
            begin += count;
            self.ends.push(begin);
            self.means.iter_mut().zip(sum).for_each(|(m, s)| *m += s / *count as f64);
        }
        self.norm = squared.sqrt() * (1.0 + (self.d + 4) as f64 * f64::EPSILON);
    }

    pub fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.d..(i + 1) * self.d]
    }

    pub fn count(&self) -> usize {
        self.values.len() / self.d
    }

    pub fn groups(&self) -> usize {
        self.ends.len()
    }

    pub fn group(&self, i: usize) -> usize {
        usize::from(i >= self.ends[0])
    }

    pub fn members(&self, group: usize) -> std::ops::Range<usize> {
        if group == 0 { 0..self.ends[0] } else { self.ends[group - 1]..self.ends[group] }
    }

    /// Whether row `i` equals one of `others` in its own group.
    pub fn same(&self, i: usize, others: &[usize]) -> bool {
        others.iter().any(|j| self.group(*j) == self.group(i) && self.row(*j) == self.row(i))
    }

    /// The inner product of every row with `u`.
    pub fn along(&self, u: &[f64], out: &mut Vec<f64>) {
        out.resize(self.count(), 0.0);
        let fill = |(rows, out): (&[f64], &mut [f64])| {
            rows.chunks_exact(self.d).zip(out).for_each(|(row, out)| *out = dot(row, u));
        };
        if self.values.len() < PARALLEL {
            fill((&self.values, out));
        } else {
            self.values.par_chunks(BLOCK * self.d).zip(out.par_chunks_mut(BLOCK)).for_each(fill);
        }
    }
}

/// a - b and its rounding error.
fn two_difference(a: f64, b: f64) -> (f64, f64) {
    let difference = a - b;
    let part = difference - a;
    (difference, (a - (difference - part)) - (b + part))
}

/// At most about a thousand rows, evenly spread.
fn sample<R: Rows + ?Sized>(set: &R) -> impl Iterator<Item = &[f64]> {
    (0..set.count()).step_by(set.count().div_ceil(1000)).map(|i| set.row(i))
}

/// The power of two that brings `largest` between 1 and 2, within the range of normal numbers.
fn power_of_two(largest: f64) -> f64 {
    if largest == 0.0 {
        return 1.0;
    }
    let exponent = largest.log2().floor().clamp(-1000.0, 1000.0);
    (-exponent).exp2()
}
