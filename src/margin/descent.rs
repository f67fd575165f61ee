//! Gradient descent on a linear classifier, step by step: how slowly the limits of [`super`] are approached.
//!
//! Cross-entropy: Σ_i log(1 + e^-(w·x_i + b)) + Σ_j log(1 + e^(w·z_j + b)), the bias trained with the weights.
//! Differential: Σ_ij log(1 + e^-(w·x_i - w·z_j)), no bias; a recorded plane has the one of [`bias_between`].
//! Both start at zero. Source: Nar et al., arXiv:1901.08360, equations (3) and (5).
//!
//! With the points (1, 0) and (-1, -3) and step 0.1 the vector (w, b) is 11.4°, 6.4°, 4.5° and 3.5° away from its
//! limit after 10², 10³, 10⁴ and 10⁵ steps: the error falls as 1/log t, so no number of steps reaches the limit.

use super::points::{dimension, dot, length};
use super::{Hyperplane, bias_between};
use crate::error::{Error, Result};

const OP: &str = "gradient_descent";

/// What is minimised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objective {
    /// The logistic loss of each point, with a bias.
    CrossEntropy,
    /// The logistic loss of each difference of a positive and a negative point.
    Differential,
}

/// How to descend.
#[derive(Clone, Debug)]
pub struct Descent {
    /// The learning rate; with `normalised`, the length of every step.
    pub step: f64,
    /// Number of steps.
    pub steps: usize,
    /// Divide the gradient by its length: the direction then settles about as fast as 1/t.
    pub normalised: bool,
    /// Steps after which to keep the plane, in any order; empty for 1, 2, 5, 10, 20, ... and the last.
    pub record: Vec<usize>,
}

impl Default for Descent {
    fn default() -> Self {
        Self { step: 1.0, steps: 10_000, normalised: false, record: Vec::new() }
    }
}

/// The planes kept along the way.
#[derive(Clone, Debug)]
pub struct Path {
    /// After how many steps, increasing.
    pub steps: Vec<usize>,
    /// The plane then, not rescaled.
    pub planes: Vec<Hyperplane>,
    /// Whether a person stopped it before the last step.
    pub interrupted: bool,
}

/// Descends from zero and keeps the planes asked for.
///
/// `pos`: (m, d), `neg`: (n, d). Cost per step O((m + n) d), and O(m n) more for the differential loss.
/// Errors: `Value` if `step` is not positive and finite, if a side is empty, a coordinate is not finite, or the weights
/// leave the range of f64; `Shape` for rows of different lengths.
pub fn gradient_descent(pos: &[Vec<f64>], neg: &[Vec<f64>], objective: Objective, descent: &Descent) -> Result<Path> {
    let d = dimension(OP, pos, neg)?;
    if !(descent.step > 0.0 && descent.step.is_finite()) {
        let got = descent.step.to_string();
        return Err(Error::Value { op: OP, expected: "a positive, finite step".into(), got });
    }
    let record = schedule(descent);
    let mut path = Path { steps: Vec::new(), planes: Vec::new(), interrupted: false };
    let mut plane = Hyperplane { w: vec![0.0; d], b: 0.0 };
    for t in 0..=descent.steps {
        if record.binary_search(&t).is_ok() {
            let mut kept = plane.clone();
            if objective == Objective::Differential {
                kept.b = bias_between(&kept.w, pos, neg);
            }
            path.steps.push(t);
            path.planes.push(kept);
        }
        if t == descent.steps {
            break;
        }
        if t % 64 == 0 && crate::progress::interrupted() {
            path.interrupted = true;
            break;
        }
        // Gradients are kept as e^shift times moderate numbers: at a value of 800 the plain form is exactly zero.
        let (gradient, shift) = match objective {
            Objective::CrossEntropy => cross_entropy_gradient(&plane, pos, neg),
            Objective::Differential => differential_gradient(&plane.w, pos, neg),
        };
        let factor = if descent.normalised {
            let length = length(&gradient);
            if length == 0.0 { 0.0 } else { descent.step / length }
        } else {
            descent.step * shift.exp()
        };
        plane.w.iter_mut().zip(&gradient).for_each(|(w, g)| *w -= factor * g);
        plane.b -= factor * gradient[d];
        if !(plane.b.is_finite() && plane.w.iter().all(|w| w.is_finite())) {
            let got = format!("weights beyond f64 after {} steps of {}", t + 1, descent.step);
            return Err(Error::Value { op: OP, expected: "a step small enough to stay finite".into(), got });
        }
    }
    Ok(path)
}

fn schedule(descent: &Descent) -> Vec<usize> {
    let mut record: Vec<usize> = if descent.record.is_empty() {
        let decades = std::iter::successors(Some(1_usize), |t| t.checked_mul(10));
        decades.flat_map(|t| [t, t.saturating_mul(2), t.saturating_mul(5)]).chain([descent.steps]).collect()
    } else {
        descent.record.clone()
    };
    record.retain(|t| *t <= descent.steps);
    record.sort_unstable();
    record.dedup();
    record
}

/// log σ(-m): the logarithm of the slope of log(1 + e^-m), without its sign.
fn log_slope(m: f64) -> f64 {
    if m > 0.0 { -m - (-m).exp().ln_1p() } else { -m.exp().ln_1p() }
}

/// d/d(w, b) divided by e^shift, and the shift.
fn cross_entropy_gradient(plane: &Hyperplane, pos: &[Vec<f64>], neg: &[Vec<f64>]) -> (Vec<f64>, f64) {
    let d = plane.w.len();
    let sides = [(pos, 1.0), (neg, -1.0)];
    let logs: Vec<Vec<f64>> =
        sides.iter().map(|(rows, label)| rows.iter().map(|x| log_slope(label * plane.value(x))).collect()).collect();
    let shift = logs.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut gradient = vec![0.0; d + 1];
    for ((rows, label), logs) in sides.iter().zip(&logs) {
        for (x, log) in rows.iter().zip(logs) {
            let slope = -label * (log - shift).exp();
            gradient.iter_mut().zip(x).for_each(|(g, x)| *g += slope * x);
            gradient[d] += slope;
        }
    }
    (gradient, shift)
}

/// d/dw divided by e^shift with a zero for the bias, and the shift.
fn differential_gradient(w: &[f64], pos: &[Vec<f64>], neg: &[Vec<f64>]) -> (Vec<f64>, f64) {
    let s: Vec<f64> = pos.iter().map(|x| dot(w, x)).collect();
    let t: Vec<f64> = neg.iter().map(|z| dot(w, z)).collect();
    let low = s.iter().copied().fold(f64::INFINITY, f64::min);
    let high = t.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let shift = log_slope(low - high);
    let (mut rows, mut columns) = (vec![0.0; s.len()], vec![0.0; t.len()]);
    for (row, s) in rows.iter_mut().zip(&s) {
        for (column, t) in columns.iter_mut().zip(&t) {
            let slope = (log_slope(s - t) - shift).exp();
            *row += slope;
            *column += slope;
        }
    }
    let mut gradient = vec![0.0; w.len() + 1];
    for (x, slope) in pos.iter().zip(&rows) {
        gradient.iter_mut().zip(x).for_each(|(g, x)| *g -= slope * x);
    }
    for (z, slope) in neg.iter().zip(&columns) {
        gradient.iter_mut().zip(z).for_each(|(g, z)| *g += slope * z);
    }
    (gradient, shift)
}
