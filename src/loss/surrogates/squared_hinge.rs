//! Mean over pairs of max(0, 1 - (s_i - t_j))²: two sweeps over the sorted scores.
//!
//! A sweep visits one side's scores from the largest to the smallest and keeps the others with d_j = 1 - (s - t_j) > 0:
//! their number c, A = sum d_j and B = sum d_j². When s falls by δ they become A + c δ and B + 2 δ A + c δ², and others
//! join. All terms are positive, so loss and gradient are right relative to themselves, whatever the shift.
//! Source of sorting instead of pairs: Rust and Hocking, arXiv:2302.11062, whose sums of powers cancel where these do not.

use super::check;
use crate::error::Result;

/// Mean over pairs of max(0, 1 - (s_i - t_j))², and its gradients in `s` and in `t`.
///
/// `s`: (m,), `t`: (n,). Not covered by the theorem on the maximum margin: 0 as soon as all pairs are 1 apart.
/// Guarantees: loss and every component of the gradient within 4 (m + n) roundings of 2^-53, relative to itself, on
/// differences as f64 takes them.
/// Errors: `Value` if a side is empty, or naming a score that is not finite or above 1e140.
pub fn squared_hinge(s: &[f64], t: &[f64]) -> Result<(f64, Vec<f64>, Vec<f64>)> {
    check("squared hinge pair loss", s, t)?;
    let pairs = s.len() as f64 * t.len() as f64;
    let negated = |side: &[f64]| side.iter().map(|x| -x).collect::<Vec<f64>>();
    let (loss, in_s) = sweep(s, t, -2.0 / pairs);
    let (_, in_t) = sweep(&negated(t), &negated(s), 2.0 / pairs);
    Ok((loss / pairs, in_s, in_t))
}

/// The sum over pairs, and for each of `own` `factor` times its sum of 1 - (own - other) where that is positive.
fn sweep(own: &[f64], others: &[f64], factor: f64) -> (f64, Vec<f64>) {
    let falling = |side: &[f64]| {
        let mut order: Vec<usize> = (0..side.len()).collect();
        order.sort_by(|a, b| side[*b].total_cmp(&side[*a]));
        order
    };
    let mut others_left = falling(others).into_iter().map(|at| others[at]).peekable();
    let (mut count, mut sum, mut squares, mut loss) = (0.0, 0.0, 0.0, 0.0);
    let mut slopes = vec![0.0; own.len()];
    let mut last = 0.0;
    for at in falling(own) {
        let score = own[at];
        if count > 0.0 {
            let fall: f64 = last - score;
            squares += 2.0 * fall * sum + count * fall * fall;
            sum += count * fall;
        }
        last = score;
        while let Some(d) = others_left.next_if(|other| 1.0 - (score - other) > 0.0).map(|other| 1.0 - (score - other))
        {
            count += 1.0;
            sum += d;
            squares += d * d;
        }
        loss += squares;
        slopes[at] = factor * sum;
    }
    (loss, slopes)
}
