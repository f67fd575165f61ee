//! Where the differential loss leads, found by minimising that loss: a second way to the largest margin.
//!
//! Minimises (1/β) log L(β v) + ½‖v‖² for growing β, with L(w) = mean over pairs of log(1 + e^-(w·x_i - w·z_j)). Its
//! minimisers follow the path that the loss takes under a growing bound on ‖w‖, and v tends to the shortest difference of
//! the hulls, with an error of order 1/β that two stages extrapolate away. Nothing is shared with [`super::hard_margin`]
//! but the move of the points near the origin: agreement checks the theorem "this loss leads to the maximum margin".
//!
//! The sum over pairs of e^-(s_i - t_j) is a product of two sums, so a step needs softmax weights of points only and
//! costs O((m + n) d² + d³). While the classes are not yet 40 apart it stands in for the logistic pair loss; from there on the
//! two are equal to 4e-18, and the result says how far apart they are.
//!
//! Source: Nar et al., arXiv:1901.08360, Theorem 5.

use super::Hyperplane;
use super::hulls::Hulls;
use super::points::{Rows, add_scaled, dot, extent, length};
use super::precise::precise_dot;
use crate::error::{Error, Result};
use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::linalg::solvers::Solve;
use faer::{Accum, Mat, Par, Side};

const OP: &str = "pair_loss_limit";
/// The last β, times the squared length of v: the stages then differ by about 1e-8 from the limit, extrapolated less.
const LAST: f64 = 1e9;
const GROWTH: f64 = 4.0;
/// Newton steps in one stage.
const MOST_STEPS: usize = 60;

/// The plane that the pair loss leads to.
#[derive(Clone, Debug)]
pub struct PairLossLimit {
    /// The extrapolated plane, with the bias halfway between the classes; the nearest points have value 1 and -1.
    pub plane: Hyperplane,
    /// The minimiser of the last stage, times its β: weights w at which `log_loss` and `gap` were taken.
    pub weights: Vec<f64>,
    /// log of the mean over pairs of log(1 + e^-(w·x_i - w·z_j)), from the log domain: the loss itself is 0 in f64.
    pub log_loss: f64,
    /// min w·x_i - max w·z_j at `weights`.
    pub gap: f64,
    /// Newton steps in all.
    pub steps: usize,
}

/// Follows the minimiser of the pair loss to its limit.
///
/// `pos`: (m, d), `neg`: (n, d). Direction right to about 1e-8 where a few points hold the plane clearly; for an exact
/// plane with a proof use [`super::certified_hard_margin`].
/// Errors: `Value` if the classes do not get apart, if a side is empty or a coordinate is not finite; `Shape` for rows of
/// different lengths; `Interrupted`.
pub fn pair_loss_limit(pos: &(impl Rows + ?Sized), neg: &(impl Rows + ?Sized)) -> Result<PairLossLimit> {
    let (d, largest) = extent(OP, pos, neg)?;
    let hulls = Hulls::difference(d, largest, pos, neg);
    let mut v = hulls.means.clone();
    let mut beta = 1.0 / (hulls.norm * hulls.norm).max(f64::MIN_POSITIVE);
    let mut steps = 0;
    let mut before: Option<Vec<f64>> = None;
    loop {
        let last = beta * dot(&v, &v) >= LAST;
        for _ in 0..MOST_STEPS {
            if crate::progress::interrupted() {
                return Err(Error::Interrupted { op: OP, done: format!("{steps} steps") });
            }
            steps += 1;
            if !newton_step(&hulls, beta, &mut v) {
                break;
            }
        }
        // Rounding of the exponents stops the path where the hulls meet: v falls below any margin f64 could hold.
        if !(length(&v) > 1e-12 * hulls.norm) || beta > 1e30 / (hulls.norm * hulls.norm) {
            return Err(unseparated(length(&v), &hulls));
        }
        if last {
            break;
        }
        before = Some(v.clone());
        beta *= GROWTH;
    }
    // v(β) = v* + c/β: the difference of two stages is 3/4 of what is left, and a third of it of the next.
    let mut limit = v.clone();
    if let Some(before) = before {
        limit.iter_mut().zip(&v).zip(before).for_each(|((l, v), b)| *l += (v - b) / (GROWTH - 1.0));
    }
    let mut values = Vec::new();
    hulls.along(&limit, &mut values);
    let low = |g: usize| hulls.members(g).map(|i| values[i]).fold(f64::INFINITY, f64::min);
    let (low, high) = (low(0), -low(1));
    if !(low > high) {
        return Err(unseparated(length(&limit), &hulls));
    }
    let scaled: Vec<f64> = limit.iter().map(|v| 2.0 * v / (low - high)).collect();
    let b = -(low + high) / (low - high) - precise_dot(&scaled, &hulls.centre).value();
    let plane = Hyperplane { w: scaled.iter().map(|v| v * hulls.scale).collect(), b };
    hulls.along(&v, &mut values);
    let soft: f64 = (0..2).map(|g| log_mean(&values, &hulls, g, beta)).sum();
    let gap = (0..2).map(|g| hulls.members(g).map(|i| values[i]).fold(f64::INFINITY, f64::min)).sum::<f64>() * beta;
    Ok(PairLossLimit { plane, weights: v.iter().map(|v| beta * v * hulls.scale).collect(), log_loss: soft, gap, steps })
}

fn unseparated(length: f64, hulls: &Hulls) -> Error {
    Error::Value {
        op: OP,
        expected: "two classes that a hyperplane separates".into(),
        got: format!("hulls at distance about {:.3e}", length / hulls.scale),
    }
}

/// log of the mean of e^-β·value over a group.
fn log_mean(values: &[f64], hulls: &Hulls, group: usize, beta: f64) -> f64 {
    let low = hulls.members(group).map(|i| values[i]).fold(f64::INFINITY, f64::min);
    let sum: f64 = hulls.members(group).map(|i| (beta * (low - values[i])).exp()).sum();
    (sum / hulls.members(group).len() as f64).ln() - beta * low
}

/// The objective, up to a constant.
fn objective(hulls: &Hulls, beta: f64, v: &[f64], values: &mut Vec<f64>) -> f64 {
    hulls.along(v, values);
    (0..hulls.groups()).map(|g| log_mean(values, hulls, g, beta)).sum::<f64>() / beta + dot(v, v) / 2.0
}

/// One damped Newton step; false if it no longer moves v.
fn newton_step(hulls: &Hulls, beta: f64, v: &mut Vec<f64>) -> bool {
    let d = hulls.d;
    let mut values = Vec::new();
    let here = objective(hulls, beta, v, &mut values);
    let mut gradient = v.clone();
    // Columns √(β p) (row - mean of the group): their product is the curvature of the loss.
    let mut columns: Vec<Vec<f64>> = Vec::new();
    for g in 0..hulls.groups() {
        let low = hulls.members(g).map(|i| values[i]).fold(f64::INFINITY, f64::min);
        let weights: Vec<(usize, f64)> =
            hulls.members(g).map(|i| (i, (beta * (low - values[i])).exp())).filter(|(_, p)| *p > 1e-20).collect();
        let total: f64 = weights.iter().map(|(_, p)| p).sum();
        let mut mean = vec![0.0; d];
        weights.iter().for_each(|(i, p)| add_scaled(&mut mean, p / total, hulls.row(*i)));
        for (i, p) in &weights {
            let root = (beta * p / total).sqrt();
            columns.push(hulls.row(*i).iter().zip(&mean).map(|(a, m)| root * (a - m)).collect());
        }
        add_scaled(&mut gradient, -1.0, &mean);
    }
    let spread = Mat::from_fn(d, columns.len(), |k, j| columns[j][k]);
    let mut hessian = Mat::<f64>::identity(d, d);
    matmul(
        &mut hessian,
        BlockStructure::TriangularLower,
        Accum::Add,
        &spread,
        BlockStructure::Rectangular,
        spread.transpose(),
        BlockStructure::Rectangular,
        1.0,
        Par::Seq,
    );
    let Ok(factor) = hessian.llt(Side::Lower) else { return false };
    let solved = factor.solve(Mat::from_fn(d, 1, |k, _| -gradient[k]));
    let step: Vec<f64> = (0..d).map(|k| solved[(k, 0)]).collect();
    let descent = dot(&step, &gradient);
    let mut share = 1.0;
    for _ in 0..40 {
        let next: Vec<f64> = v.iter().zip(&step).map(|(v, s)| v + share * s).collect();
        let there = objective(hulls, beta, &next, &mut values);
        // Near the minimum differences of the objective are rounding: the step is then judged by its own length.
        let flat = 8.0 * f64::EPSILON * (here.abs() + there.abs());
        if there <= here + 0.1 * share * descent + flat {
            let moved = length(&step) * share > 1e-14 * length(&next);
            *v = next;
            return moved;
        }
        share /= 2.0;
    }
    false
}
