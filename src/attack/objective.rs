//! What an attack increases, given as its slope in each score.
//!
//! | | one output s, class 1 if s > 0 | C outputs z |
//! |---|---|---|
//! | margin | s toward the wrong side: -s for y = 1, s for y = 0 | max over k ≠ y of z_k - z_y |
//! | cross-entropy | softplus(∓s) | logsumexp(z) - z_y |
//!
//! The slopes are computed here and not by the tensor library, whose own are NaN from logit 17 on (binary) or 1 for each
//! of several equal maxima. In f32 the cross-entropy slope of a row is exactly 0 from a logit gap of about 104 on.

use crate::error::{Error, Result};
use std::fmt;

/// What an attack increases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Objective {
    /// The largest wrong logit minus the right one; its gradient never saturates.
    #[default]
    Margin,
    /// The cross-entropy in f32 as PyTorch computes it and most published attacks use it. Its slope in the label's
    /// score is lopsided from a gap of 10 logits on and 0 from 17, all of it is 0 from 104.
    CrossEntropy,
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Objective::Margin => "logit margin",
            Objective::CrossEntropy => "cross-entropy",
        })
    }
}

impl Objective {
    /// d objective / d scores of one row: (C,) or (1,).
    pub(super) fn slopes(self, scores: &[f32], label: u32) -> Vec<f32> {
        if let [score] = scores {
            let side = if label == 1 { -1.0 } else { 1.0 };
            return vec![match self {
                Objective::Margin => side,
                Objective::CrossEntropy => side * sigmoid(side * score),
            }];
        }
        let label = label as usize;
        let mut slopes = vec![0.0; scores.len()];
        match self {
            Objective::Margin => {
                slopes[largest(scores, Some(label))] = 1.0;
                slopes[label] = -1.0;
            }
            Objective::CrossEntropy => {
                // PyTorch's order of operations: p - 1 for the label loses what p has beyond 24 bits.
                let top = scores[largest(scores, None)];
                let total: f32 = scores.iter().map(|z| (z - top).exp()).sum();
                slopes.iter_mut().zip(scores).for_each(|(slope, z)| *slope = ((z - top) - total.ln()).exp());
                slopes[label] -= 1.0;
            }
        }
        slopes
    }
}

fn sigmoid(u: f32) -> f32 {
    // Two forms: e^-u overflows for u < -88 and would end the slope 16 logits too early.
    if u >= 0.0 { 1.0 / (1.0 + (-u).exp()) } else { u.exp() / (1.0 + u.exp()) }
}

/// The largest wrong score minus the right one, negative where the row is classified as `label`.
pub(super) fn margin(scores: &[f32], label: u32) -> f64 {
    match scores {
        [score] => f64::from(if label == 1 { -score } else { *score }),
        scores => f64::from(scores[largest(scores, Some(label as usize))]) - f64::from(scores[label as usize]),
    }
}

/// The class a row of scores stands for; `None` if a score is not finite.
pub(super) fn decide(scores: &[f32]) -> Option<u32> {
    if scores.iter().any(|z| !z.is_finite()) {
        return None;
    }
    Some(if let [score] = scores { u32::from(*score > 0.0) } else { largest(scores, None) as u32 })
}

/// The first largest score outside of `except`.
fn largest(scores: &[f32], except: Option<usize>) -> usize {
    let mut best = if except == Some(0) { 1 } else { 0 };
    for k in best + 1..scores.len() {
        if scores[k] > scores[best] && except != Some(k) {
            best = k;
        }
    }
    best
}

/// Refuses labels that `outputs` scores cannot stand for.
pub(super) fn check_labels(op: &'static str, labels: &[u32], outputs: usize) -> Result<()> {
    let classes = outputs.max(2);
    match labels.iter().position(|y| *y as usize >= classes) {
        Some(row) => Err(Error::Value {
            op,
            expected: format!("labels below {classes} for {outputs} output(s)"),
            got: format!("{} in row {row}", labels[row]),
        }),
        None => Ok(()),
    }
}
