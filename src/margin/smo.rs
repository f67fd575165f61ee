//! A quick guess at the weights of the shortest combination: two weights at a time, on a Gram matrix.
//!
//! Moves weight inside a group from the row that gains most to the lowest row, until the values of all rows in use are
//! within a tolerance of the lowest. The support is then nearly right and `Face` finishes exactly.
//!
//! Source: Platt's SMO and the MDM method (Mitchell, Dem'yanov and Malozemov, SIAM J. Control 12, 1974), with the pair
//! chosen by second order as in Fan, Chen and Lin, JMLR 6 (2005).

use faer::Mat;

/// Improves `weights`, which sum to 1 in each group and are not negative, until the values differ by less than
/// `tolerance` of the squared length, or for `most` moves.
pub(super) fn improve(gram: &Mat<f64>, group: &[usize], weights: &mut [f64], tolerance: f64, most: usize) {
    let k = weights.len();
    let mut values = vec![0.0; k];
    for (j, w) in weights.iter().enumerate().filter(|(_, w)| **w > 0.0) {
        values.iter_mut().zip(gram.col_as_slice(j)).for_each(|(v, g)| *v += w * g);
    }
    let diagonal: Vec<f64> = (0..k).map(|i| gram[(i, i)]).collect();
    let groups = group.iter().max().map_or(0, |g| g + 1);
    for _ in 0..most {
        // (gain, to, from) of the best move.
        let mut best = (0.0, 0, 0);
        let mut gap = 0.0_f64;
        for g in 0..groups {
            let (mut to, mut low) = (usize::MAX, f64::INFINITY);
            for i in (0..k).filter(|i| group[*i] == g) {
                if values[i] < low {
                    (to, low) = (i, values[i]);
                }
            }
            if to == usize::MAX {
                continue;
            }
            let column = gram.col_as_slice(to);
            for j in (0..k).filter(|j| group[*j] == g && weights[*j] > 0.0) {
                let excess = values[j] - low;
                gap = gap.max(excess);
                let curve = (diagonal[to] + diagonal[j] - 2.0 * column[j]).max(f64::MIN_POSITIVE);
                let gain = excess * excess / curve;
                if gain > best.0 {
                    best = (gain, to, j);
                }
            }
        }
        let squared: f64 = weights.iter().zip(&values).map(|(w, v)| w * v).sum();
        if best.0 == 0.0 || gap <= tolerance * squared {
            return;
        }
        let (_, to, from) = best;
        let curve = (diagonal[to] + diagonal[from] - 2.0 * gram[(to, from)]).max(f64::MIN_POSITIVE);
        let step = ((values[from] - values[to]) / curve).min(weights[from]);
        weights[to] += step;
        weights[from] = if step == weights[from] { 0.0 } else { weights[from] - step };
        let (up, down) = (gram.col_as_slice(to), gram.col_as_slice(from));
        values.iter_mut().zip(up.iter().zip(down)).for_each(|(v, (u, d))| *v += step * (u - d));
    }
}
