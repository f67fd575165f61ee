//! Features as a matrix in f64, checked, and the same minus their mean.

use crate::error::{Error, Result};
use candle_core::{DType, Device, Storage, Tensor};
use faer::{Mat, MatRef};
use rayon::prelude::*;
use std::borrow::Cow;

/// (n, d), row after row.
pub(super) struct Rows<'a> {
    pub values: Cow<'a, [f64]>,
    pub n: usize,
    pub d: usize,
    /// The largest size of a value.
    pub largest: f64,
}

impl Rows<'_> {
    /// What `job` makes of `features` (n, d) in f64, which are read where they lie if they lie there like that.
    ///
    /// Errors: as [`Rows::read`], and those of `job`.
    pub(super) fn lend<R>(op: &'static str, features: &Tensor, job: impl FnOnce(&Rows) -> Result<R>) -> Result<R> {
        let (n, d) = match features.dims() {
            [n, d] if *n > 0 && *d > 0 => (*n, *d),
            got => return Err(Error::Shape { op, expected: "features (n, d), not empty".into(), got: got.into() }),
        };
        let features = features.to_device(&Device::Cpu)?.to_dtype(DType::F64)?.contiguous()?;
        let (storage, layout) = features.storage_and_layout();
        let Storage::Cpu(storage) = &*storage else { unreachable!("the features were brought to the CPU") };
        let values = &storage.as_slice::<f64>()?[layout.start_offset()..][..n * d];
        let largest = size(values);
        if !largest.is_finite() {
            let at = values.iter().position(|v| !v.is_finite()).expect("one of them made the size infinite");
            let got = format!("{} in row {}, column {}", values[at], at / d, at % d);
            return Err(Error::Value { op, expected: "finite features".into(), got });
        }
        job(&Rows { values: Cow::Borrowed(values), n, d, largest })
    }

    /// `features` (n, d) in f64. Errors: `Shape` unless the rank is 2 and n, d > 0; `Value` naming a value that is not finite.
    pub(super) fn read(op: &'static str, features: &Tensor) -> Result<Rows<'static>> {
        Self::lend(op, features, |rows| Ok(Rows { values: Cow::Owned(rows.values.to_vec()), ..*rows }))
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
        for row in self.values.to_mut().chunks_exact_mut(self.d) {
            row.iter_mut().zip(&means).for_each(|(v, mean)| *v -= mean);
        }
        self.largest = size(&self.values);
    }

    /// Below this a singular value is rounding of the decomposition or of the mean; `largest` is that of the raw matrix.
    pub(super) fn floor(&self, largest: f64) -> f64 {
        largest * self.n.max(self.d) as f64 * f64::EPSILON
    }
}

/// The largest size; infinite if a value is not finite.
fn size(values: &[f64]) -> f64 {
    let part = |values: &[f64]| {
        // Lanes, so that no comparison waits for the one before it; zero times what is not finite is not zero.
        let (mut largest, mut odd) = ([0.0_f64; 8], [0.0_f64; 8]);
        let (eights, rest) = values.as_chunks::<8>();
        let mut last = [0.0; 8];
        last[..rest.len()].copy_from_slice(rest);
        for eight in eights.iter().chain([&last]) {
            for lane in 0..8 {
                let size = eight[lane].abs();
                largest[lane] = if size > largest[lane] { size } else { largest[lane] };
                odd[lane] += size * 0.0;
            }
        }
        if odd.iter().any(|odd| odd.is_nan()) { f64::INFINITY } else { largest.into_iter().fold(0.0, f64::max) }
    };
    values.par_chunks(1 << 16).map(part).reduce(|| 0.0, f64::max)
}

/// [`Rows::read`] as a matrix of faer's.
pub(super) fn read(op: &'static str, features: &Tensor) -> Result<Mat<f64>> {
    Rows::lend(op, features, |rows| Ok(rows.mat().to_owned()))
}

pub(super) fn failed(op: &'static str, error: impl std::fmt::Debug) -> Error {
    Error::Value { op, expected: "a matrix whose SVD converges".into(), got: format!("{error:?}") }
}
