//! The logistic loss on the pairs that are hardest to rank: those of least s - t.
//!
//! With s rising and t falling, pair (i, j) is no harder than (i, j - 1) and (i - 1, j): the k hardest come from a heap of
//! at most k candidates.

use super::check;
use crate::error::{Error, Result};
use crate::loss::cross_entropy::{sigmoid, softplus};
use crate::loss::differential::{AllPairs, PairLoss};
use std::cmp::Ordering;
use std::collections::BinaryHeap;

const OP: &str = "hardest pairs";

/// Mean of softplus(-(s_i - t_j)) over the `count` pairs of least s_i - t_j, and its gradients in `s` and in `t`.
///
/// `s`: (m,), `t`: (n,). Of pairs that are equally hard those of lower index are taken. With `count` at m n or above this
/// is the differential loss. Not covered by the theorem on the maximum margin.
/// Errors: `Value` if a side is empty, `count` is 0, or naming a score that is not finite or above 1e140.
pub fn hardest(s: &[f64], t: &[f64], count: usize) -> Result<(f64, Vec<f64>, Vec<f64>)> {
    check(OP, s, t)?;
    if count == 0 {
        return Err(Error::Value { op: OP, expected: "at least one pair".into(), got: "0".into() });
    }
    if s.len().checked_mul(t.len()).is_some_and(|pairs| count >= pairs) {
        return AllPairs::default().loss_and_grads(s, t);
    }
    let (mut by_s, mut by_t): (Vec<usize>, Vec<usize>) = ((0..s.len()).collect(), (0..t.len()).collect());
    by_s.sort_by(|a, b| s[*a].total_cmp(&s[*b]));
    by_t.sort_by(|a, b| t[*b].total_cmp(&t[*a]));
    let pair = |i: usize, j: usize| Pair { x: t[by_t[j]] - s[by_s[i]], i, j };
    let mut heap = BinaryHeap::from([pair(0, 0)]);
    let (mut loss, mut in_s, mut in_t) = (0.0, vec![0.0; s.len()], vec![0.0; t.len()]);
    let each = 1.0 / count as f64;
    for _ in 0..count {
        let Some(Pair { x, i, j }) = heap.pop() else { break };
        loss += each * softplus(x);
        in_s[by_s[i]] -= each * sigmoid(x);
        in_t[by_t[j]] += each * sigmoid(x);
        if j + 1 < t.len() {
            heap.push(pair(i, j + 1));
        }
        if j == 0 && i + 1 < s.len() {
            heap.push(pair(i + 1, 0));
        }
    }
    Ok((loss, in_s, in_t))
}

/// x = t - s of the pair at these ranks; the greatest is the hardest.
struct Pair {
    x: f64,
    i: usize,
    j: usize,
}

impl Ord for Pair {
    fn cmp(&self, other: &Self) -> Ordering {
        self.x.total_cmp(&other.x).then(other.i.cmp(&self.i)).then(other.j.cmp(&self.j))
    }
}

impl PartialOrd for Pair {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Pair {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Pair {}
