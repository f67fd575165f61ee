//! Features as a matrix in f64, checked, and the same minus their mean.

use crate::error::{Error, Result};
use candle_core::{DType, Tensor};
use faer::Mat;

/// `features` (n, d) in f64. Errors: `Shape` unless the rank is 2 and n, d > 0; `Value` naming a value that is not finite.
pub(super) fn read(op: &'static str, features: &Tensor) -> Result<Mat<f64>> {
    let (rows, columns) = match features.dims() {
        [n, d] if *n > 0 && *d > 0 => (*n, *d),
        got => return Err(Error::Shape { op, expected: "features (n, d), not empty".into(), got: got.into() }),
    };
    let values = features.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
    if let Some(at) = values.iter().position(|v| !v.is_finite()) {
        let got = format!("{} in row {}, column {}", values[at], at / columns, at % columns);
        return Err(Error::Value { op, expected: "finite features".into(), got });
    }
    Ok(Mat::from_fn(rows, columns, |i, j| values[i * columns + j]))
}

/// Takes the mean off every column.
pub(super) fn centre(matrix: &mut Mat<f64>) {
    let rows = matrix.nrows();
    for j in 0..matrix.ncols() {
        let mean = (0..rows).map(|i| matrix[(i, j)]).sum::<f64>() / rows as f64;
        (0..rows).for_each(|i| matrix[(i, j)] -= mean);
    }
}

/// Below this a singular value is rounding of the decomposition or of the mean; `largest` is that of the raw matrix.
pub(super) fn floor(largest: f64, matrix: &Mat<f64>) -> f64 {
    largest * matrix.nrows().max(matrix.ncols()) as f64 * f64::EPSILON
}

pub(super) fn failed(op: &'static str, error: impl std::fmt::Debug) -> Error {
    Error::Value { op, expected: "a matrix whose SVD converges".into(), got: format!("{error:?}") }
}
