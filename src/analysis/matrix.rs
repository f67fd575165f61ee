//! Features as a matrix in f64, checked, and the same minus their mean.

use crate::error::{Error, Result};
use candle_core::{DType, Tensor};
use faer::{Mat, MatRef};

/// (n, d), row after row.
pub(super) struct Rows {
    pub values: Vec<f64>,
    pub n: usize,
    pub d: usize,
}

impl Rows {
    /// `features` (n, d) in f64. Errors: `Shape` unless the rank is 2 and n, d > 0; `Value` naming a value that is not finite.
    pub(super) fn read(op: &'static str, features: &Tensor) -> Result<Self> {
        let (n, d) = match features.dims() {
            [n, d] if *n > 0 && *d > 0 => (*n, *d),
            got => return Err(Error::Shape { op, expected: "features (n, d), not empty".into(), got: got.into() }),
        };
        let values = features.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
        if let Some(at) = values.iter().position(|v| !v.is_finite()) {
            let got = format!("{} in row {}, column {}", values[at], at / d, at % d);
            return Err(Error::Value { op, expected: "finite features".into(), got });
        }
        Ok(Self { values, n, d })
    }

    pub(super) fn mat(&self) -> MatRef<'_, f64> {
        MatRef::from_row_major_slice(&self.values, self.n, self.d)
    }

    /// Takes the mean off every column.
    pub(super) fn centre(&mut self) {
        let mut means = vec![0.0; self.d];
        for row in self.values.chunks_exact(self.d) {
            means.iter_mut().zip(row).for_each(|(mean, v)| *mean += v);
        }
        means.iter_mut().for_each(|mean| *mean /= self.n as f64);
        for row in self.values.chunks_exact_mut(self.d) {
            row.iter_mut().zip(&means).for_each(|(v, mean)| *v -= mean);
        }
    }

    /// Below this a singular value is rounding of the decomposition or of the mean; `largest` is that of the raw matrix.
    pub(super) fn floor(&self, largest: f64) -> f64 {
        largest * self.n.max(self.d) as f64 * f64::EPSILON
    }
}

/// [`Rows::read`] as a matrix of faer's.
pub(super) fn read(op: &'static str, features: &Tensor) -> Result<Mat<f64>> {
    Ok(Rows::read(op, features)?.mat().to_owned())
}

pub(super) fn failed(op: &'static str, error: impl std::fmt::Debug) -> Error {
    Error::Value { op, expected: "a matrix whose SVD converges".into(), got: format!("{error:?}") }
}
