//! The pair loss when every positive outranks every negative by far: the log domain, linear time.
//!
//! With Δ = min s - max t > 0 and λ = exp(-Δ) the series of log(1 + x) splits into sums over one side each:
//!     L = 1/(m n) · sum_k (-1)^(k-1) λ^k / k · A_k B_k,   A_k = sum_j exp(k (t_j - max t)), B_k = sum_i exp(k (min s - s_i)).
//! Returned are log L and the gradient of log L, so that L's is exp(log L) times it: at margin 2000, where L and its
//! gradient are 0 in f64, log L is -2000 and the direction is whole. s: (m,), t: (n,); cost O(m + n).
//!
//! Error: 38 / Δ terms leave e^-38 = 3e-17; at Δ ≥ 8 the first term is at least 2,900 times the rest, so nothing
//! cancels. Sums of m and n positive numbers round m + n times at most; exp(log L) adds |log L| · 2^-53.
//! Source: the series of log(1 + x); the direction is softmax(-s) and softmax(t) to O(λ) (arXiv:1901.08360, section 3).

use super::exact::{difference, exp};
use super::{Algo, Range, Value};

/// The smallest margin this engine is asked for: five terms of the series.
pub(super) const MARGIN: f64 = 8.0;
const TERMS: usize = 5;

/// Fills both gradients of log L; the margin is at least [`MARGIN`].
pub(super) fn separated(s: &[f64], t: &[f64], range: Range, in_s: &mut [f64], in_t: &mut [f64]) -> Value {
    let pairs = s.len() as f64 * t.len() as f64;
    let b = powers(s.iter().map(|&s| difference(range.s.0, s)), in_s);
    let a = powers(t.iter().map(|&t| difference(t, range.t.1)), in_t);
    let margin = difference(range.s.0, range.t.1);
    let lambda = exp((-margin.0, -margin.1));
    let mut series = 0.0; // L m n / λ
    let mut weights = [0.0; TERMS]; // (-1)^(k-1) λ^(k-1)
    let mut weight = 1.0;
    for k in 0..TERMS {
        weights[k] = weight;
        series += weight * a[k] * b[k] / (k + 1) as f64;
        weight *= -lambda;
    }
    slopes(in_s, |k| -weights[k] * a[k] / series);
    slopes(in_t, |k| weights[k] * b[k] / series);
    let log_mean = (series / pairs).ln() - margin.1 - margin.0;
    let steps = (s.len() + t.len()) as f64 + log_mean.abs() + 32.0;
    Value {
        mean: lambda * series / pairs,
        log_mean,
        grad_log_scale: log_mean,
        certified_rel: steps * f64::EPSILON / 2.0,
        algo: Algo::Separated,
    }
}

/// Writes exp of each difference to `out`; returns the sums of their powers 1 to [`TERMS`].
fn powers(differences: impl Iterator<Item = (f64, f64)>, out: &mut [f64]) -> [f64; TERMS] {
    let mut sums = [0.0; TERMS];
    for (out, difference) in out.iter_mut().zip(differences) {
        *out = exp(difference);
        let mut power = *out;
        for sum in &mut sums {
            *sum += power;
            power *= *out;
        }
    }
    sums
}

/// Replaces each x by the sum over k of `coefficient(k)` x^(k+1).
fn slopes(values: &mut [f64], coefficient: impl Fn(usize) -> f64) {
    let c: [f64; TERMS] = std::array::from_fn(coefficient);
    for x in values {
        *x *= c.iter().rev().fold(0.0, |sum, c| sum * *x + c);
    }
}
