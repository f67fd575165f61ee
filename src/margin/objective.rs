//! The two losses of a linear classifier, as sums over points or pairs, with gradients that survive where f64 would not.
//!
//! Cross-entropy: Σ_i log(1 + e^-(w·x_i + b)) + Σ_j log(1 + e^(w·z_j + b)), the bias trained with the weights.
//! Differential: Σ_ij log(1 + e^-(w·x_i - w·z_j)), no bias. Source: Nar et al., arXiv:1901.08360, equations (3) and (5).
//!
//! A gradient comes as e^shift times moderate numbers, a loss as its logarithm: at a value of 800 the plain forms are
//! exactly zero. The pair loss costs O(m n), and O(m + n) from a gap of 40 between the classes on, where
//! log(1 + e^-x) = e^-x to 2^-53 and the sum over pairs is a product of two sums.

use super::Hyperplane;
use super::points::{Rows, add_scaled, dot, rows_of};

/// What is minimised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objective {
    /// The logistic loss of each point, with a bias.
    CrossEntropy,
    /// The logistic loss of each difference of a positive and a negative point.
    Differential,
}

/// log(1 + e^-x) is e^-x to rounding from here on.
const FAR: f64 = 40.0;
/// Scores within this of their middle have exponentials whose products are normal numbers.
const NARROW: f64 = 300.0;

/// d/d(w, b) = e^`shift` · `gradient` (d + 1 values), and the logarithm of the loss.
pub(super) struct Slope {
    pub gradient: Vec<f64>,
    pub shift: f64,
    pub log_loss: f64,
}

impl Objective {
    pub(super) fn slope(self, plane: &Hyperplane, pos: &(impl Rows + ?Sized), neg: &(impl Rows + ?Sized)) -> Slope {
        let s: Vec<f64> = rows_of(pos).map(|x| dot(&plane.w, x)).collect();
        let t: Vec<f64> = rows_of(neg).map(|z| dot(&plane.w, z)).collect();
        let terms = match self {
            Objective::CrossEntropy => of_points(&s, &t, plane.b),
            Objective::Differential => of_pairs(&s, &t),
        };
        let mut gradient = vec![0.0; plane.w.len() + 1];
        let (w, bias) = gradient.split_at_mut(plane.w.len());
        rows_of(pos).zip(&terms.pos).for_each(|(x, slope)| add_scaled(w, -slope, x));
        rows_of(neg).zip(&terms.neg).for_each(|(z, slope)| add_scaled(w, *slope, z));
        if self == Objective::CrossEntropy {
            bias[0] = terms.neg.iter().sum::<f64>() - terms.pos.iter().sum::<f64>();
        }
        Slope { gradient, shift: terms.shift, log_loss: terms.log_loss }
    }
}

/// -dL/ds_i and dL/dt_j, divided by e^shift; all positive.
struct Terms {
    pos: Vec<f64>,
    neg: Vec<f64>,
    shift: f64,
    log_loss: f64,
}

fn of_points(s: &[f64], t: &[f64], b: f64) -> Terms {
    let (mut pos, mut neg): (Vec<f64>, Vec<f64>) =
        (s.iter().map(|s| log_slope(s + b)).collect(), t.iter().map(|t| log_slope(-t - b)).collect());
    let shift = pos.iter().chain(&neg).copied().fold(f64::NEG_INFINITY, f64::max);
    let losses: Vec<f64> = s.iter().map(|s| log_loss(s + b)).chain(t.iter().map(|t| log_loss(-t - b))).collect();
    pos.iter_mut().chain(&mut neg).for_each(|log| *log = (*log - shift).exp());
    Terms { pos, neg, shift, log_loss: log_sum(&losses) }
}

fn of_pairs(s: &[f64], t: &[f64]) -> Terms {
    let low = s.iter().copied().fold(f64::INFINITY, f64::min);
    let high = t.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (most, least) = (s.iter().copied().fold(low, f64::max), t.iter().copied().fold(high, f64::min));
    let middle = (low + high) / 2.0;
    if low - high >= FAR {
        let mut pos: Vec<f64> = s.iter().map(|s| (low - s).exp()).collect();
        let mut neg: Vec<f64> = t.iter().map(|t| (t - high).exp()).collect();
        let (rows, columns) = (pos.iter().sum::<f64>(), neg.iter().sum::<f64>());
        pos.iter_mut().for_each(|p| *p *= columns);
        neg.iter_mut().for_each(|n| *n *= rows);
        let shift = high - low;
        return Terms { pos, neg, shift, log_loss: shift + (rows * columns).ln() };
    }
    let reach = (most - middle).max(middle - least).max((low - middle).abs());
    if reach > NARROW {
        return of_wide_pairs(s, t, low - high);
    }
    // e^-(s - t) as a product: no exponential and one division a pair.
    let a: Vec<f64> = t.iter().map(|t| (t - middle).exp()).collect();
    let (mut pos, mut neg) = (Vec::with_capacity(s.len()), vec![0.0; t.len()]);
    let mut loss = 0.0;
    for s in s {
        let b = (middle - s).exp();
        // Product of (1 + p) as 1 + excess: the excess keeps its digits where 1 + p would not.
        let (mut slopes, mut excess, mut peeled) = (0.0, 0.0, 0.0);
        for (a, column) in a.iter().zip(&mut neg) {
            let p = a * b;
            let slope = p / (1.0 + p);
            slopes += slope;
            *column += slope;
            excess += p + excess * p;
            if excess > 1e100 {
                peeled += excess.ln_1p();
                excess = 0.0;
            }
        }
        pos.push(slopes);
        loss += peeled + excess.ln_1p();
    }
    Terms { pos, neg, shift: 0.0, log_loss: loss.ln() }
}

/// Any range of scores, an exponential and a logarithm a pair.
fn of_wide_pairs(s: &[f64], t: &[f64], smallest: f64) -> Terms {
    let shift = log_slope(smallest);
    let (mut pos, mut neg) = (vec![0.0; s.len()], vec![0.0; t.len()]);
    let mut loss = 0.0;
    let scale = log_loss(smallest);
    for (row, s) in pos.iter_mut().zip(s) {
        for (column, t) in neg.iter_mut().zip(t) {
            let slope = (log_slope(s - t) - shift).exp();
            *row += slope;
            *column += slope;
            loss += (log_loss(s - t) - scale).exp();
        }
    }
    Terms { pos, neg, shift, log_loss: scale + loss.ln() }
}

/// log σ(-m): the logarithm of the slope of log(1 + e^-m), without its sign.
fn log_slope(m: f64) -> f64 {
    if m > 0.0 { -m - (-m).exp().ln_1p() } else { -m.exp().ln_1p() }
}

/// log log(1 + e^-m).
fn log_loss(m: f64) -> f64 {
    if m > FAR {
        -m
    } else if m > 0.0 {
        (-m).exp().ln_1p().ln()
    } else {
        (m.exp().ln_1p() - m).ln()
    }
}

fn log_sum(logs: &[f64]) -> f64 {
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + logs.iter().map(|v| (v - largest).exp()).sum::<f64>().ln()
}
