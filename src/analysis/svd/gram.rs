//! Roots of the eigenvalues of the Gram matrix, and how wrong they may be.

use super::super::matrix::{Rows, failed};
use super::{OP, SingularValues, Way, cut};
use crate::error::Result;
use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::{Accum, Mat, MatRef, Spec};

/// Rows whose products are added up before they join the rest.
const BLOCK: usize = 256;

/// All singular values.
///
/// Error: an entry of the computed Gram matrix G is a sum of n products in blocks, so off by at most (256 + n/256) u times
/// the sum of their sizes; over all entries, in the Frobenius norm, that times ‖A‖_F². The eigenvalues of what was computed
/// are exact to d ε ‖G‖, the usual bound of a backward stable solver. An error δ of σ² is one of δ/(σ + √(σ² - δ)) in σ.
pub(super) fn values(rows: &Rows) -> Result<SingularValues> {
    let matrix = rows.mat();
    let tall = if rows.n >= rows.d { matrix } else { matrix.transpose() };
    let gram = gram(tall);
    let squares = eigenvalues(gram.as_ref())?;
    let energy: f64 = (0..gram.nrows()).map(|k| gram[(k, k)]).sum();
    let largest = squares.last().copied().unwrap_or(0.0);
    let unit = f64::EPSILON / 2.0;
    let additions = (BLOCK + tall.nrows().div_ceil(BLOCK)) as f64;
    let delta = additions * unit * energy + gram.nrows() as f64 * f64::EPSILON * largest;
    let (values, errors) = squares.iter().rev().map(|square| with_error(*square, delta)).unzip();
    Ok(SingularValues { values, errors, way: Way::Gram })
}

fn with_error(square: f64, delta: f64) -> (f64, f64) {
    let value = square.max(0.0).sqrt();
    let error = if square > delta {
        delta / (value + (square - delta).sqrt())
    } else {
        // The true one may be 0, or this large.
        (square.max(0.0) + delta).sqrt()
    };
    // The root itself.
    (value, error + f64::EPSILON * value)
}

/// AᵀA, its lower half.
fn gram(a: MatRef<'_, f64>) -> Mat<f64> {
    let (n, d) = (a.nrows(), a.ncols());
    let mut out = Mat::zeros(d, d);
    for start in (0..n).step_by(BLOCK) {
        let block = a.subrows(start, BLOCK.min(n - start));
        let (lower, all) = (BlockStructure::TriangularLower, BlockStructure::Rectangular);
        matmul(&mut out, lower, Accum::Add, block.transpose(), all, block, all, 1.0, cut());
    }
    out
}

/// Of a symmetric matrix given by its lower half, not decreasing.
fn eigenvalues(a: MatRef<'_, f64>) -> Result<Vec<f64>> {
    let mut values = Diag::zeros(a.nrows());
    let scratch = self_adjoint_evd_scratch::<f64>(a.nrows(), ComputeEigenvectors::No, cut(), Spec::default());
    let mut buffer = MemBuffer::new(scratch);
    self_adjoint_evd(a, values.as_mut(), None, cut(), MemStack::new(&mut buffer), Spec::default())
        .map_err(|e| failed(OP, e))?;
    Ok(values.column_vector().iter().copied().collect())
}
