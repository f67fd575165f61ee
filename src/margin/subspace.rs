//! The affine subspace that a set of points lies in: r_k·x = Δ_k for every point, with orthonormal r_k.
//!
//! Source: Nar et al., arXiv:1901.08360, Theorem 3. With D² = Σ Δ_k², the squared distance of the origin to the
//! subspace, the limit of cross-entropy is the largest-margin problem inside the subspace with its bias penalised by
//! 1/(1 + D²). Points on the line y = 3: r = (0, 1), Δ = 3, or both negated.

use super::points::{Rows, dimension, dot, length, rows_of};
use crate::error::{Error, Result};
use faer::Mat;

const OP: &str = "affine_subspace";

/// What all points have in common: `normals[k]`·x = `offsets[k]`.
#[derive(Clone, Debug, PartialEq)]
pub struct AffineSubspace {
    /// The r_k, orthonormal, each (d,); empty if the points span the whole space. Any rotation of them serves as well.
    pub normals: Vec<Vec<f64>>,
    /// The Δ_k.
    pub offsets: Vec<f64>,
}

impl AffineSubspace {
    /// The smallest affine subspace that holds both classes.
    ///
    /// `pos`: (m, d), `neg`: (n, d). Directions in which the centred points extend by less than the rounding of their
    /// coordinates, max(m + n, d) · 2.2e-16 · the longest point, count as normals.
    /// Errors: `Value` if a side is empty, a coordinate is not finite, or the SVD fails; `Shape` for rows of different
    /// lengths.
    pub fn of(pos: &(impl Rows + ?Sized), neg: &(impl Rows + ?Sized)) -> Result<Self> {
        let d = dimension(OP, pos, neg)?;
        let count = pos.count() + neg.count();
        let mut mean = vec![0.0; d];
        let rows: Vec<&[f64]> = rows_of(pos).chain(rows_of(neg)).collect();
        rows.iter().for_each(|row| mean.iter_mut().zip(*row).for_each(|(m, v)| *m += v / count as f64));
        let centred = Mat::from_fn(count, d, |i, k| rows[i][k] - mean[k]);
        let reduced = if count > d { centred.qr().thin_R().to_owned() } else { centred };
        let failed = |e| Error::Value { op: OP, expected: "points whose SVD converges".into(), got: format!("{e:?}") };
        let svd = reduced.svd().map_err(failed)?;
        let longest = rows.iter().map(|row| length(row)).fold(0.0, f64::max);
        let floor = count.max(d) as f64 * f64::EPSILON * longest;
        let values = svd.S().column_vector();
        let rank = (0..values.nrows()).filter(|k| values[*k] > floor).count();
        let right = svd.V();
        let normals: Vec<Vec<f64>> = (rank..d).map(|k| (0..d).map(|i| right[(i, k)]).collect()).collect();
        let offsets = normals.iter().map(|r| dot(r, &mean)).collect();
        Ok(Self { normals, offsets })
    }

    /// D: the distance of the origin to the subspace, √ΣΔ_k².
    pub fn distance(&self) -> f64 {
        length(&self.offsets)
    }
}
