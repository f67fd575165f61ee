//! Where to cut scores into two classes: the paper's rule (8), and its continuation to classes that overlap.
//!
//! Separable: halfway between the least positive and the largest negative score (arXiv:1901.08360, equation 8, whose
//! bias is minus this). Otherwise the cut with the fewest errors. Positives 3, 5 and negatives 0, 1: 2.

use crate::error::{Error, Result};

/// The number T for which "positive where score > T" makes the fewest errors; among those, the middle of the widest gap.
///
/// `pos`, `neg`: scores of the two classes, not empty. Cost O(n log n).
/// Errors: `Value` if a side is empty or a score is not finite.
pub fn threshold(pos: &[f64], neg: &[f64]) -> Result<f64> {
    let wrong = |expected: &str, got: String| Err(Error::Value { op: "threshold", expected: expected.into(), got });
    for (side, scores) in [("positive", pos), ("negative", neg)] {
        if scores.is_empty() {
            return wrong("at least one positive and one negative", format!("no {side}"));
        }
        if let Some(at) = scores.iter().position(|score| !score.is_finite()) {
            return wrong("finite scores", format!("{} at {side} {at}", scores[at]));
        }
    }
    let mut all: Vec<(f64, bool)> =
        pos.iter().map(|&score| (score, true)).chain(neg.iter().map(|&score| (score, false))).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));

    // A cut below everything calls all positive; moving up past a score turns it negative.
    let (lowest, highest) = (all[0].0, all[all.len() - 1].0);
    let mut errors = neg.len();
    let mut best = (errors, 0.0, lowest - lowest.abs().max(1.0));
    for (at, &(score, positive)) in all.iter().enumerate() {
        errors = if positive { errors + 1 } else { errors - 1 };
        let (gap, cut) = match all.get(at + 1) {
            Some(&(next, _)) if next > score => (next - score, score / 2.0 + next / 2.0),
            Some(_) => continue, // equal scores fall on one side
            None => (0.0, highest + highest.abs().max(1.0)),
        };
        if errors < best.0 || (errors == best.0 && gap > best.1) {
            best = (errors, gap, cut);
        }
    }
    Ok(best.2)
}
