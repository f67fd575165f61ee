//! The first singular values from what random vectors become under the matrix.

use super::super::matrix::Rows;
use super::{SingularValues, Way, cut, full};
use crate::error::Result;
use crate::rng;
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef};
use rand_distr::{Distribution, StandardNormal};

/// `vectors` values.
///
/// With Q an orthonormal basis of the range of (A Aᵀ)^q A Ω and B = QᵀA, the values of B are at most those of A, and those
/// of A at most √(σ_k(B)² + ‖A - Q B‖_F²), where the last square is ‖A‖_F² - ‖B‖_F².
pub(super) fn values(rows: &Rows, vectors: usize, power: usize, seed: u64) -> Result<SingularValues> {
    let a = rows.mat();
    let mut rng = rng::stream(seed, "randomised svd");
    let omega: Mat<f64> = Mat::from_fn(rows.d, vectors, |_, _| StandardNormal.sample(&mut rng));
    // Left singular vectors: an orthonormal basis of the range, to rounding.
    let (mut q, ..) = full::thin(product(a, omega.as_ref()).as_ref())?;
    for _ in 0..power {
        let (z, ..) = full::thin(product(a.transpose(), q.as_ref()).as_ref())?;
        (q, ..) = full::thin(product(a, z.as_ref()).as_ref())?;
    }
    let b = product(q.transpose(), a);
    let values = full::values(b.transpose())?;
    let square = |m: MatRef<'_, f64>| -> f64 { m.col_iter().map(|c| c.iter().map(|v| v * v).sum::<f64>()).sum() };
    let energy = square(a);
    // Either sum is rounded, and Q is orthonormal to rounding.
    let rounding = (rows.n + rows.d) as f64 * f64::EPSILON;
    let rest = (energy - square(b.as_ref())).max(0.0) + rounding * energy;
    let errors = values.iter().map(|v| (v * v + rest).sqrt() - v + rounding * values[0]).collect();
    Ok(SingularValues { values, errors, way: Way::Randomised })
}

fn product(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Mat<f64> {
    let mut out = Mat::zeros(a.nrows(), b.ncols());
    matmul(&mut out, Accum::Replace, a, b, 1.0, cut());
    out
}
