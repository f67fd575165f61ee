//! The pairwise logistic loss on score differences ("differential training").
//!
//! L(s, t) = 1/(m n) · sum_ij softplus(-(s_i - t_j)),   s: (m,) scores of positives, t: (n,) of negatives; result: ().
//! Small when every positive outranks every negative; a shift of all scores changes nothing, so a bias is left free.
//! Source: Nar, Ocal, Sastry, Ramchandran, arXiv:1901.08360, section 3, the logistic pair loss, the one its theorem on
//! the maximum margin covers.
//!
//! [`Reference`] is the specification: the double sum in f64. Faster engines implement [`PairLoss`] beside it.
//!
//! ```
//! use widemargin::loss::differential::{PairLoss, Reference};
//! let (loss, _, _) = Reference.loss_and_grads(&[2.0], &[0.0])?;
//! assert!((loss - 0.126_928_011_042_972_5).abs() < 1e-16); // ln(1 + e^-2)
//! # Ok::<(), widemargin::Error>(())
//! ```

mod reference;

pub use reference::Reference;

use super::labelled::Labelled;
use crate::error::{Error, Result};

/// An engine for the pair loss and its gradient.
pub trait PairLoss {
    /// The loss, its gradient in `s` and its gradient in `t`.
    ///
    /// `s`: (m,) scores of the positives, `t`: (n,) of the negatives; the gradients have their lengths.
    /// Guarantees: every component of the gradient in `s` is at most 0, of that in `t` at least 0; the components of
    /// both together sum to 0 up to rounding; the same input gives the same bytes.
    /// Errors: `Value` if a side is empty, or naming side and index of a score that is not finite.
    fn loss_and_grads(&self, s: &[f64], t: &[f64]) -> Result<(f64, Vec<f64>, Vec<f64>)>;
}

const OP: &str = "differential loss";

/// The checks every engine starts with.
fn check(s: &[f64], t: &[f64]) -> Result<()> {
    for (side, scores) in [("positive", s), ("negative", t)] {
        if scores.is_empty() {
            let expected = "at least one positive and one negative".into();
            return Err(Error::Value { op: OP, expected, got: format!("no {side}") });
        }
        if let Some(at) = scores.iter().position(|score| !score.is_finite()) {
            let got = format!("{} at {side} {at}", scores[at]);
            return Err(Error::Value { op: OP, expected: "finite scores".into(), got });
        }
    }
    let largest = |scores: &[f64]| scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let smallest = |scores: &[f64]| scores.iter().copied().fold(f64::INFINITY, f64::min);
    // Half the range of f64 also keeps the mean over pairs finite.
    let spread = (largest(t) / 2.0 - smallest(s) / 2.0).max(largest(s) / 2.0 - smallest(t) / 2.0);
    let pairs = s.len() as f64 * t.len() as f64;
    if spread > f64::MAX / 4.0 / pairs {
        let got = format!("scores {:e} apart in {pairs} pairs", 2.0 * spread);
        return Err(Error::Value { op: OP, expected: "score differences whose sum is finite".into(), got });
    }
    Ok(())
}

/// The loss and its gradient in every score, for one output or the difference of two.
pub(super) fn loss_and_gradient(labelled: &Labelled) -> Result<(f64, Vec<f64>)> {
    let outputs = labelled.outputs;
    if outputs > 2 {
        let expected = "one or two scores per row: it is binary for now".into();
        return Err(Error::Value { op: OP, expected, got: format!("{outputs} scores per row") });
    }
    let rows = |class: u32| (0..labelled.labels.len()).filter(move |&row| labelled.labels[row] == class);
    let score = |row: usize| match labelled.values[row * outputs..(row + 1) * outputs] {
        [negative, positive] => positive - negative,
        ref one => one[0],
    };
    let (s, t): (Vec<f64>, Vec<f64>) = (rows(1).map(score).collect(), rows(0).map(score).collect());
    let (loss, in_s, in_t) = Reference.loss_and_grads(&s, &t)?;
    let mut gradient = vec![0.0; labelled.values.len()];
    for (row, g) in rows(1).zip(in_s).chain(rows(0).zip(in_t)) {
        if outputs == 2 {
            gradient[2 * row] = -g;
        }
        gradient[(row + 1) * outputs - 1] = g;
    }
    Ok((loss, gradient))
}
