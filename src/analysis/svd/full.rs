//! Through a bidiagonal form of the matrix itself, by faer.

use super::super::matrix::failed;
use super::{OP, cut};
use crate::error::Result;
use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::svd::{ComputeSvdVectors, svd, svd_scratch};
use faer::{Mat, MatRef, Spec};

/// All singular values, not increasing.
pub(super) fn values(a: MatRef<'_, f64>) -> Result<Vec<f64>> {
    let mut s = Diag::zeros(a.nrows().min(a.ncols()));
    let mut buffer = memory(a, ComputeSvdVectors::No);
    svd(a, s.as_mut(), None, None, cut(), MemStack::new(&mut buffer), Spec::default()).map_err(|e| failed(OP, e))?;
    Ok(s.column_vector().iter().copied().collect())
}

/// U (n, r), r values and V (d, r).
pub(in super::super) fn thin(a: MatRef<'_, f64>) -> Result<(Mat<f64>, Vec<f64>, Mat<f64>)> {
    let r = a.nrows().min(a.ncols());
    let (mut u, mut s, mut v) = (Mat::zeros(a.nrows(), r), Diag::zeros(r), Mat::zeros(a.ncols(), r));
    let mut buffer = memory(a, ComputeSvdVectors::Thin);
    let stack = MemStack::new(&mut buffer);
    svd(a, s.as_mut(), Some(u.as_mut()), Some(v.as_mut()), cut(), stack, Spec::default()).map_err(|e| failed(OP, e))?;
    Ok((u, s.column_vector().iter().copied().collect(), v))
}

fn memory(a: MatRef<'_, f64>, vectors: ComputeSvdVectors) -> MemBuffer {
    MemBuffer::new(svd_scratch::<f64>(a.nrows(), a.ncols(), vectors, vectors, cut(), Spec::default()))
}
