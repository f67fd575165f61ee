//! Mean over pairs of (1 - (s_i - t_j))²: from both sides' means and variances, in linear time.
//!
//! L = (1 - (mean s - mean t))² + var s + var t,   dL/ds_i = -2/m · (1 - s_i + mean t),   dL/dt_j = 2/n · (1 - mean s + t_j).

use super::check;
use crate::error::Result;

/// Mean over pairs of (1 - (s_i - t_j))², and its gradients in `s` and in `t`.
///
/// `s`: (m,), `t`: (n,). Not covered by the theorem on the maximum margin: pairs more than 1 apart are pulled back.
/// Guarantees: a shift of all scores costs the accuracy of the scores themselves, no more.
/// Errors: `Value` if a side is empty, or naming a score that is not finite or above 1e140.
pub fn squared(s: &[f64], t: &[f64]) -> Result<(f64, Vec<f64>, Vec<f64>)> {
    check("squared pair loss", s, t)?;
    // From one of the scores on: means of large scores would not see small differences.
    let origin = t[0];
    let moments = |side: &[f64]| {
        let mean = side.iter().map(|x| x - origin).sum::<f64>() / side.len() as f64;
        let variance = side.iter().map(|x| (x - origin - mean).powi(2)).sum::<f64>() / side.len() as f64;
        (mean, variance)
    };
    let ((mean_s, var_s), (mean_t, var_t)) = (moments(s), moments(t));
    let (of_s, of_t) = (-2.0 / s.len() as f64, 2.0 / t.len() as f64);
    let in_s = s.iter().map(|s| of_s * (1.0 - (s - origin - mean_t))).collect();
    let in_t = t.iter().map(|t| of_t * (1.0 - (mean_s - (t - origin)))).collect();
    Ok(((1.0 - (mean_s - mean_t)).powi(2) + var_s + var_t, in_s, in_t))
}
