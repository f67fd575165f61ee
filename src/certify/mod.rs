//! Certificates: radii inside which no adversarial input exists, whatever an attack finds or does not find.
//!
//! | | bounds | for |
//! |---|---|---|
//! | [`linear_distances`] | the distance exactly, with or without the box, L1, L2, Linf | a linear classifier |
//! | [`Lipschitz`] | the L2 distance from below, by operator norms of the layers | every network |
//! | [`interval_radii`] | the Linf distance from below, by intervals; so the L2 one as well | every network |
//! | [`Smoothing`] | the L2 distance of the *smoothed* classifier, with a confidence | every [`Model`](crate::attack::Model) |
//!
//! On every row: certificate ≤ exact distance ≤ what an attack finds. The first three are about the network in exact
//! arithmetic and are computed in f64 with a relative allowance of 1e-9 for rounding; the network itself runs in f32 and
//! may differ within some 1e-6 of the scores. Rows that are wrong have radius 0. Uses `model` and, for norms, `attack`.

mod exact;
mod interval;
mod lipschitz;
mod operator;
mod smoothing;

pub use exact::linear_distances;
pub use interval::interval_radii;
pub use lipschitz::Lipschitz;
pub use smoothing::{Smoothed, Smoothing};

use crate::error::{Error, Result};
use crate::model::Classifier;
use candle_core::{DType, Tensor};

/// Relative allowance for rounding in f64.
const ALLOWANCE: f64 = 1e-9;

/// `x` (n, ...) as rows in f64 and the labels, checked against each other and the number of classes.
fn read(op: &'static str, net: &Classifier, x: &Tensor, y: &Tensor) -> Result<(Vec<Vec<f64>>, Vec<u32>)> {
    if x.rank() < 2 || y.dims() != [x.dims()[0]] {
        let expected = format!("x (n, ...) and y (n,), got y {:?} and x", y.dims());
        return Err(Error::Shape { op, expected, got: x.dims().into() });
    }
    if y.dtype() != DType::U32 {
        return Err(Error::Value { op, expected: "labels of type u32".into(), got: y.dtype().as_str().into() });
    }
    let labels = y.to_vec1::<u32>().map_err(Error::candle(op))?;
    let classes = net.outputs().max(2);
    if let Some(row) = labels.iter().position(|label| *label as usize >= classes) {
        let got = format!("{} in row {row}", labels[row]);
        return Err(Error::Value { op, expected: format!("labels below {classes}"), got });
    }
    let rows = x.flatten_from(1).and_then(|x| x.to_dtype(DType::F64)).and_then(|x| x.to_vec2::<f64>());
    let rows = rows.map_err(Error::candle(op))?;
    if let Some(row) = rows.iter().position(|row| row.iter().any(|v| !v.is_finite())) {
        return Err(Error::Value { op, expected: "finite inputs".into(), got: format!("another in row {row}") });
    }
    Ok((rows, labels))
}
