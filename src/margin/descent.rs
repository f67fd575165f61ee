//! Gradient descent on a linear classifier, step by step: how slowly the limits of [`super`] are approached.
//!
//! The losses are those of [`Objective`]; both start at zero. A recorded plane of the pair loss, which has no bias, has
//! the one of [`bias_between`].
//!
//! With the points (1, 0) and (-1, -3) and step 0.1 the vector (w, b) is 11.4°, 6.4°, 4.5° and 3.5° away from its
//! limit after 10², 10³, 10⁴ and 10⁵ steps: the error falls as 1/log t, so no number of steps reaches the limit.

pub use super::objective::Objective;
use super::points::{Points, Rows, dimension, length};
use super::{Hyperplane, bias_between};
use crate::error::{Error, Result};

const OP: &str = "gradient_descent";

/// What a step does with the gradient.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    /// Subtracts `step` times the gradient of the sum. The angle to the limit falls as 1/log t.
    #[default]
    Plain,
    /// Subtracts `step` times the gradient divided by its length: the direction settles about as fast as 1/t.
    Normalised,
    /// Divides the gradient by the slope of the loss at its own level, 1 - e^-L, and adds momentum t/(t + 1).
    ///
    /// The margin settles as 1/t² up to logarithms if `step` is at most 1/R², R the length of the longest point, or of
    /// the longest difference for the pair loss. Source: Ji, Srebro and Telgarsky, arXiv:2107.00595, algorithm 1.
    Momentum,
}

/// How to descend.
#[derive(Clone, Debug)]
pub struct Descent {
    /// The learning rate; with [`Rule::Normalised`] the length of every step.
    pub step: f64,
    /// Number of steps.
    pub steps: usize,
    /// What a step does.
    pub rule: Rule,
    /// Steps after which to keep the plane, in any order; empty for 1, 2, 5, 10, 20, ... and the last.
    pub record: Vec<usize>,
}

impl Default for Descent {
    fn default() -> Self {
        Self { step: 1.0, steps: 10_000, rule: Rule::Plain, record: Vec::new() }
    }
}

/// The planes kept along the way.
#[derive(Clone, Debug)]
pub struct Path {
    /// After how many steps, increasing.
    pub steps: Vec<usize>,
    /// The plane then, not rescaled.
    pub planes: Vec<Hyperplane>,
    /// The margin then; NaN at step 0, where the weights are zero.
    pub margins: Vec<f64>,
    /// The natural logarithm of the loss then, a sum over points or pairs: finite where the loss itself underflows.
    pub log_losses: Vec<f64>,
    /// Whether a person stopped it before the last step.
    pub interrupted: bool,
}

impl Path {
    /// The angle of each normal to that of `limit`, in degrees.
    pub fn angles_degrees(&self, limit: &Hyperplane) -> Vec<f64> {
        self.planes.iter().map(|plane| plane.angle_degrees(limit)).collect()
    }
}

/// Descends from zero and keeps the planes asked for.
///
/// `pos`: (m, d), `neg`: (n, d). Cost per step O((m + n) d), and O(m n) more for the differential loss until the classes
/// are far apart. A person can interrupt it: the path then ends early and says so.
/// Errors: `Value` if `step` is not positive and finite, if a side is empty, a coordinate is not finite, or the weights
/// leave the range of f64; `Shape` for rows of different lengths.
pub fn gradient_descent(
    pos: &(impl Rows + ?Sized),
    neg: &(impl Rows + ?Sized),
    objective: Objective,
    descent: &Descent,
) -> Result<Path> {
    let d = dimension(OP, pos, neg)?;
    // What is generic is compiled in the cell that calls it, without optimisation: the loop must not be.
    descend(&flat(pos, d), &flat(neg, d), d, objective, descent)
}

fn flat(rows: &(impl Rows + ?Sized), d: usize) -> Points {
    let mut values = Vec::with_capacity(rows.count() * d);
    (0..rows.count()).for_each(|i| values.extend_from_slice(rows.row(i)));
    Points::of(values, d)
}

fn descend(pos: &Points, neg: &Points, d: usize, objective: Objective, descent: &Descent) -> Result<Path> {
    if !(descent.step > 0.0 && descent.step.is_finite()) {
        let got = descent.step.to_string();
        return Err(Error::Value { op: OP, expected: "a positive, finite step".into(), got });
    }
    let record = schedule(descent);
    let mut path = Path { steps: vec![], planes: vec![], margins: vec![], log_losses: vec![], interrupted: false };
    let mut plane = Hyperplane { w: vec![0.0; d], b: 0.0 };
    let mut momentum = vec![0.0; d + 1];
    for t in 0..=descent.steps {
        let slope = objective.slope(&plane, pos, neg);
        if record.binary_search(&t).is_ok() {
            let mut kept = plane.clone();
            if objective == Objective::Differential {
                kept.b = bias_between(&kept.w, pos, neg);
            }
            path.steps.push(t);
            path.margins.push(kept.margin(pos, neg));
            path.log_losses.push(slope.log_loss);
            path.planes.push(kept);
        }
        if t == descent.steps {
            break;
        }
        if crate::progress::interrupted() {
            path.interrupted = true;
            break;
        }
        let mut step = slope.gradient;
        let factor = match descent.rule {
            Rule::Plain => slope.shift.exp(),
            Rule::Normalised => match length(&step) {
                0.0 => 0.0,
                length => 1.0 / length,
            },
            Rule::Momentum => (slope.shift - log_slope_at_level(slope.log_loss)).exp(),
        };
        step.iter_mut().for_each(|g| *g *= factor);
        if descent.rule == Rule::Momentum {
            let keep = t as f64 / (t + 1) as f64;
            for (m, g) in momentum.iter_mut().zip(&mut step) {
                *m = keep * (*m + *g);
                *g += *m;
            }
        }
        plane.w.iter_mut().zip(&step).for_each(|(w, g)| *w -= descent.step * g);
        plane.b -= descent.step * step[d];
        if !(plane.b.is_finite() && plane.w.iter().all(|w| w.is_finite())) {
            let got = format!("weights beyond f64 after {} steps of {}", t + 1, descent.step);
            return Err(Error::Value { op: OP, expected: "a step small enough to stay finite".into(), got });
        }
    }
    Ok(path)
}

/// log(1 - e^-L) from log L: the slope of log(1 + e^x) where it has the value L.
fn log_slope_at_level(log_loss: f64) -> f64 {
    // From here on 1 - e^-L = L to rounding.
    if log_loss < -37.0 { log_loss } else { (-(-log_loss.exp()).exp_m1()).ln() }
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
