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
}

impl Hulls {
    /// x_i and -z_j, moved near the origin by the same centre.
    pub fn difference(d: usize, pos: &(impl Rows + ?Sized), neg: &(impl Rows + ?Sized)) -> Self {
        let scale = power_of_two(largest(pos).max(largest(neg)));
        let count = (pos.count() + neg.count()) as f64;
        let mut centre = vec![0.0; d];
        rows_of(pos).chain(rows_of(neg)).for_each(|row| {
            centre.iter_mut().zip(row).for_each(|(c, v)| *c += v * scale);
        });
        // 24 bits: subtracting a short number from short numbers rounds nothing.
        centre.iter_mut().for_each(|c| *c = f64::from((*c / count) as f32));
        let mut values = Vec::with_capacity((pos.count() + neg.count()) * d);
        let mut inexact = 0.0_f64;
        for row in rows_of(pos) {
            values.extend(row.iter().zip(&centre).map(|(v, c)| {
                let (moved, error) = two_difference(v * scale, *c);
                inexact = inexact.max(error.abs());
                moved
            }));
        }
        for row in rows_of(neg) {
            values.extend(row.iter().zip(&centre).map(|(v, c)| {
                let (moved, error) = two_difference(v * scale, *c);
                inexact = inexact.max(error.abs());
                -moved
            }));
        }
        let ends = vec![pos.count(), pos.count() + neg.count()];
        let norm = longest(&values, d);
        let rounding = if inexact == 0.0 { 0.0 } else { norm * f64::EPSILON };
        Self { d, values, ends, norm, rounding, scale, centre }
    }

    /// label · (x, bias): one group, not moved.
    pub fn signed(d: usize, pos: &(impl Rows + ?Sized), neg: &(impl Rows + ?Sized), bias: f64) -> Self {
        let scale = power_of_two(largest(pos).max(largest(neg)).max(bias));
        let mut values = Vec::with_capacity((pos.count() + neg.count()) * (d + 1));
        for row in rows_of(pos) {
            values.extend(row.iter().map(|v| v * scale));
            values.push(bias * scale);
        }
        for row in rows_of(neg) {
            values.extend(row.iter().map(|v| -v * scale));
            values.push(-bias * scale);
        }
        Self::exact(d + 1, values, scale)
    }

    /// The rows of one set.
    pub fn single(d: usize, rows: &(impl Rows + ?Sized)) -> Self {
        let scale = power_of_two(largest(rows));
        Self::exact(d, rows_of(rows).flatten().map(|v| v * scale).collect(), scale)
    }

    fn exact(d: usize, values: Vec<f64>, scale: f64) -> Self {
        let (ends, norm) = (vec![values.len() / d], longest(&values, d));
        Self { d, values, ends, norm, rounding: 0.0, scale, centre: vec![0.0; d] }
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

    /// The mean of each group, added up: a direction to start with.
    pub fn means(&self) -> Vec<f64> {
        let mut sum = vec![0.0; self.d];
        for group in 0..self.groups() {
            let members = self.members(group);
            let share = 1.0 / members.len() as f64;
            let mut mean = vec![0.0; self.d];
            members.for_each(|i| mean.iter_mut().zip(self.row(i)).for_each(|(m, v)| *m += v));
            sum.iter_mut().zip(mean).for_each(|(s, m)| *s += share * m);
        }
        sum
    }
}

/// a - b and its rounding error.
fn two_difference(a: f64, b: f64) -> (f64, f64) {
    let difference = a - b;
    let part = difference - a;
    (difference, (a - (difference - part)) - (b + part))
}

fn largest(rows: &(impl Rows + ?Sized)) -> f64 {
    rows_of(rows).flatten().fold(0.0, |m: f64, v| if v.abs() > m { v.abs() } else { m })
}

fn longest(values: &[f64], d: usize) -> f64 {
    values.chunks_exact(d).map(|row| dot(row, row)).fold(0.0, f64::max).sqrt()
}

/// The power of two that brings `largest` between 1 and 2, within the range of normal numbers.
fn power_of_two(largest: f64) -> f64 {
    if largest == 0.0 {
        return 1.0;
    }
    let exponent = largest.log2().floor().clamp(-1000.0, 1000.0);
    (-exponent).exp2()
}
