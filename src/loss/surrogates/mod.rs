//! Other losses on all pairs of a positive and a negative, for comparison with [`differential`](mod@super::differential).
//!
//! | | pairs cost | time |
//! |---|---|---|
//! | [`squared`] | (1 - (s - t))² | O(m + n) |
//! | [`squared_hinge`] | max(0, 1 - (s - t))² | O((m + n) log (m + n)) |
//! | [`hardest`] | softplus(-(s - t)) of the k pairs of least s - t, no other | O((m + n) log (m + n) + k log k) |
//!
//! Each is a mean over its pairs, and returns the loss and its gradients in s: (m,) and t: (n,). The paper's theorem, that
//! training leads to the maximum margin, covers the logistic pair loss **only** (arXiv:1901.08360, section 3), none of
//! these: the squared loss has a finite minimiser, which also pulls back pairs that are more than 1 apart; the squared
//! hinge is 0, and training stops, as soon as all pairs are 1 apart; for the hardest pairs no such theorem is known to us.
//! With s = (2) and t = (0): 1, 0 and 0.126928.

mod hardest;
mod squared;
mod squared_hinge;

pub use hardest::hardest;
pub use squared::squared;
pub use squared_hinge::squared_hinge;

use crate::error::{Error, Result};

// Squares of differences of such scores, and their sums, stay finite in f64.
const LARGEST: f64 = 1e140;

/// Refuses an empty side and scores that are not finite or too large, naming side and index.
fn check(op: &'static str, s: &[f64], t: &[f64]) -> Result<()> {
    for (name, scores) in [("positive", s), ("negative", t)] {
        if scores.is_empty() {
            let expected = "at least one positive and one negative".into();
            return Err(Error::Value { op, expected, got: format!("no {name}") });
        }
        if let Some(at) = scores.iter().position(|score| !(score.abs() <= LARGEST)) {
            let expected = format!("finite scores of at most {LARGEST:e}");
            return Err(Error::Value { op, expected, got: format!("{} at {name} {at}", scores[at]) });
        }
    }
    Ok(())
}
