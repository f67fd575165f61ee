//! A quick guess at the weights of the shortest combination: two weights at a time, on a Gram matrix.
//!
//! Moves weight inside a group from the row that gains most to the lowest row, until the values of all rows in use are
//! within a tolerance of the lowest. The support is then nearly right and `Face` finishes exactly.
//!
//! Source: Platt's SMO and the MDM method (Mitchell, Dem'yanov and Malozemov, SIAM J. Control 12, 1974), with the pair
//! chosen by second order as in Fan, Chen and Lin, JMLR 6 (2005).

use faer::Mat;

/// Improves `weights`, which sum to 1 in each group and are not negative, until the values in a group differ by less
/// than `tolerance` of the squared length, or for `most` moves. `ends`: where each group of rows ends.
pub(super) fn improve(gram: &Mat<f64>, ends: &[usize], weights: &mut [f64], tolerance: f64, most: usize) {
    let k = weights.len();
    let mut values = vec![0.0; k];
    for (j, w) in weights.iter().enumerate().filter(|(_, w)| **w > 0.0) {
        values.iter_mut().zip(gram.col_as_slice(j)).for_each(|(v, g)| *v += w * g);
    }
    let diagonal: Vec<f64> = (0..k).map(|i| gram[(i, i)]).collect();
    let mut squared: f64 = weights.iter().zip(&values).map(|(w, v)| w * v).sum();
    let mut used: Vec<Vec<usize>> = Vec::new();
    for (g, end) in ends.iter().enumerate() {
        used.push((if g == 0 { 0 } else { ends[g - 1] }..*end).filter(|j| weights[*j] > 0.0).collect());
    }
    for _ in 0..most {
        // (gain, excess, curve, to, from) of the best move.
        let mut best = (0.0, 0.0, 1.0, 0, 0);
        let mut gap = 0.0_f64;
        for (g, used) in used.iter().enumerate() {
            let first = if g == 0 { 0 } else { ends[g - 1] };
            let to = first + place_of_lowest(&values[first..ends[g]]);
            let column = gram.col_as_slice(to);
            for &j in used {
                let excess = values[j] - values[to];
                gap = gap.max(excess);
                let curve = (diagonal[to] + diagonal[j] - 2.0 * column[j]).max(f64::MIN_POSITIVE);
                let gain = excess * excess / curve;
                if gain > best.0 {
                    best = (gain, excess, curve, to, j);
                }
            }
        }
        if best.0 == 0.0 || gap <= tolerance * squared {
            return;
        }
        let (_, excess, curve, to, from) = best;
        let step = (excess / curve).min(weights[from]);
        squared += step * (step * curve - 2.0 * excess);
        let used = &mut used[ends.iter().filter(|end| **end <= to).count()];
        if weights[to] == 0.0 {
            used.push(to);
        }
        weights[to] += step;
        weights[from] -= step;
        if weights[from] <= 0.0 {
            weights[from] = 0.0;
            used.retain(|j| *j != from);
        }
        let (up, down) = (gram.col_as_slice(to), gram.col_as_slice(from));
        values.iter_mut().zip(up.iter().zip(down)).for_each(|(v, (u, d))| *v += step * (u - d));
    }
}

/// The first place of the smallest value: eight running minima, then one search.
fn place_of_lowest(values: &[f64]) -> usize {
    let mut lanes = [f64::INFINITY; 8];
    let chunks = values.chunks_exact(8);
    let rest = chunks.remainder().iter().copied().fold(f64::INFINITY, f64::min);
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, v)| *lane = if *v < *lane { *v } else { *lane });
    }
    let low = lanes.into_iter().fold(rest, f64::min);
    values.iter().position(|v| *v == low).unwrap_or(0)
}
